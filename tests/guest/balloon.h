/*
 * balloon.h: virtio-balloon (virtio 1.2, 5.5). The pages it gives up are those
 * from 16 MiB on, which nothing else here uses.
 */
#ifndef GUEST_BALLOON_H
#define GUEST_BALLOON_H

#include <stdint.h>

#include "virtio.h"

extern const struct virtio_driver balloon_driver;

/*
 * Gives up or takes back pages until the host has what it asked for. Returns
 * 0 with how many it has, or -1 after saying what is wrong.
 */
int balloon_follow(uint64_t *pages);

/*
 * Fills count pages, reports them free, and looks: all of them must be empty.
 * Returns 0, or -1 after saying what is wrong.
 */
int balloon_report(uint64_t count);

/* Gives the host the page of this number, whatever it is. */
int balloon_give(uint32_t number);

#endif
