/*
 * hvc.h: virtio-console (virtio 1.2, 5.3), one port, with a size. A change of
 * its size is told on the prompt, at any time.
 */
#ifndef GUEST_HVC_H
#define GUEST_HVC_H

#include <stddef.h>
#include <stdint.h>

#include "virtio.h"

extern const struct virtio_driver hvc_driver;

/*
 * Prints n bytes, waiting for room. Returns 0, or -1 after saying what is
 * wrong: no device, or it took nothing for long, or ctrl-C was typed.
 */
int hvc_write(const char *data, size_t n);

/*
 * What was typed there, at most size bytes; waits for it until the deadline
 * (irq.h; 0: for ever). Returns how many, or -1 after ctrl-C or after saying
 * what is wrong.
 */
int hvc_read(char *buf, size_t size, uint64_t deadline);

/* Its size as the device has it now. Returns -1 after saying what is wrong. */
int hvc_size(unsigned *rows, unsigned *cols);

#endif
