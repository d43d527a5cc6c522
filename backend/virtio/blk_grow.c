/*
 * blk_grow.c: a disk made longer while its driver uses it.
 *
 *	virtio_blk_grow() ──kick──▶ the disk's thread: what is in flight ends,
 *	        ▲                   block_resize(), capacity, interrupt
 *	        │                          │
 *	virtio_blk_grown() ◀── ops->grown()┘
 *
 * The driver reads the capacity again when the interrupt for the configuration
 * comes (virtio 1.2, 5.2.5); its eight bytes are held together by the
 * configuration's generation.
 */
#include <endian.h>
#include <stdio.h>
#include <string.h>

#include "backend/virtio/blk_internal.h"

#define SECTOR 512u

/* Where the capacity is in struct blk_config. */
#define CAPACITY 0

void
blk_set_capacity(struct blk *blk)
{
	uint64_t le;

	blk->capacity = (block_size(blk->block) + SECTOR - 1) / SECTOR;
	le = htole64(blk->capacity);
	memcpy(blk->dev.config + CAPACITY, &le, sizeof le);
}

void
blk_grow(struct blk *blk)
{
	blk->grow.state =
	    block_resize(blk->block, blk->grow.size, &blk->grow.why);
	blk->grow.size = 0;
	if (blk->grow.state == 0) {
		blk_set_capacity(blk);
		virtio_config_changed(&blk->dev);
	}
	blk->ops->grown(blk->arg);
}

int
virtio_blk_grow(
    struct virtio_dev *dev, uint64_t size, bool more, struct error *err)
{
	struct blk *blk = (struct blk *)dev;
	int rc;

	virtio_begin(dev);
	if (more && size <= INT64_MAX)
		size += block_size(blk->block);
	rc = blk->grow.state == BLK_GROWING
	    ? error_set(err, "it is being made larger already")
	    : block_may_grow(blk->block, size, err);
	if (rc == 0) {
		blk->grow.size = size;
		blk->grow.state = BLK_GROWING;
		virtio_kick(dev, 0);
	}
	virtio_end(dev);
	return rc;
}

int
virtio_blk_grown(struct virtio_dev *dev, uint64_t *size, struct error *err)
{
	struct blk *blk = (struct blk *)dev;
	int state;

	virtio_begin(dev);
	state = blk->grow.state;
	*size = block_size(blk->block);
	if (state == -1)
		*err = blk->grow.why;
	virtio_end(dev);
	return state;
}
