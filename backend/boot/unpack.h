/*
 * unpack.h: kernels that come packed with gzip, as OpenBSD's bsd.rd does. The
 * backend unpacks them when a guest starts, so that a confined guest process
 * need not, and a reset has them at hand.
 */
#ifndef BACKEND_BOOT_UNPACK_H
#define BACKEND_BOOT_UNPACK_H

#include <stdint.h>

#include "backend/boot/boot.h"

/*
 * If the file is packed, *fd is a new descriptor of memory that holds it
 * unpacked; else -1. At most max bytes: more cannot be loaded anyway. Returns
 * 0, or -1 with a sentence (damaged, cut short, too large).
 */
int boot_unpack(
    const struct boot_file *file, uint64_t max, int *fd, struct error *err);

#endif
