/*
 * blk.h: virtio-blk (virtio 1.2, 5.2), one request at a time on each disk. disk is a number
 * from 0. Failures are printed where they happen.
 */
#ifndef GUEST_BLK_H
#define GUEST_BLK_H

#include <stdint.h>

#include "virtio.h"

#define BLK_F_DISCARD (1ull << 13)
#define BLK_F_ZEROES  (1ull << 14)

#define BLK_SECTOR 512u
#define BLK_CHUNK  128u /* sectors that one request moves at most */

extern const struct virtio_driver blk_driver;

/*
 * Where blk_read() and blk_write() move data: BLK_CHUNK sectors of the disk's.
 * NULL, after saying so, if there is no such disk.
 */
uint8_t *blk_buffer(uint64_t disk);

/* Moves count sectors (1 to BLK_CHUNK) from sector on; returns 0 or -1. */
int blk_read(uint64_t disk, uint64_t sector, unsigned count);
int blk_write(uint64_t disk, uint64_t sector, unsigned count);

/* Writes to disks 0 and 1 at the same time what is in the buffers of each. */
int blk_write_two(uint64_t sector, unsigned count);

/* Makes what was written last; nothing to do where the disk offers no flush. */
int blk_flush(uint64_t disk);

/* Sectors of a working disk. */
uint64_t blk_capacity(const struct virtio *v);

#endif
