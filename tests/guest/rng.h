/*
 * rng.h: virtio-rng (virtio 1.2, 5.4).
 */
#ifndef GUEST_RNG_H
#define GUEST_RNG_H

#include "virtio.h"

#define RNG_MAX 256u

extern const struct virtio_driver rng_driver;

/*
 * Up to RNG_MAX random bytes into buf. Returns how many came, or -1 after
 * saying what is wrong.
 */
int rng_read(void *buf, unsigned bytes);

#endif
