/*
 * blk_full.c: requests for which the host's disk has no room.
 *
 *	done(-ENOSPC) ──▶ waiting ──▶ ops->full(): the guest gets paused
 *	                     │  ▲
 *	 virtio_blk_retry() ─┤  └── still no room
 *	                     ▼
 *	     the disk's thread: block_submit() once more
 *
 * A reset drops them, as a disk without power would; a saved state has them.
 */
#include <stdlib.h>

#include "backend/virtio/blk_internal.h"

void
blk_forget_waiting(struct blk *blk)
{
	blk->waiting = NULL;
	blk->waiting_end = &blk->waiting;
	blk->full = 0;
	blk->retry = false;
}

void
blk_wait(struct blk_request *r, int error)
{
	struct blk *blk = r->blk;

	r->next = NULL;
	*blk->waiting_end = r;
	blk->waiting_end = &r->next;
	if (blk->full != 0)
		return;
	blk->full = error;
	blk->ops->full(blk->arg);
}

void
blk_retry_waiting(struct blk *blk)
{
	struct blk_request *r = blk->waiting, *next;

	blk_forget_waiting(blk);
	for (; r != NULL; r = next) {
		next = r->next;
		block_submit(blk->block, &r->rq);
	}
	block_flush_queue(blk->block);
}

void
blk_drop(struct virtio_dev *dev)
{
	struct blk *blk = (struct blk *)dev;

	blk_forget_waiting(blk);
	blk->saves = 0;
}

static unsigned
queue_of(const struct blk_request *r)
{
	return ((const struct virtio_queue *)r->vq)->index;
}

/*
 * What waits for room is saved as the heads of its chains, which are in guest
 * memory, and begun anew where the device is loaded.
 */
void
blk_save(struct virtio_dev *dev, struct state_writer *w)
{
	struct blk *blk = (struct blk *)dev;
	const struct blk_request *r;
	uint16_t n = 0;

	for (r = blk->waiting; r != NULL; r = r->next)
		n++;
	state_put_u16(w, n);
	for (r = blk->waiting; r != NULL; r = r->next) {
		state_put_u8(w, (uint8_t)queue_of(r));
		state_put_u16(w, r->head);
	}
}

int
blk_load(struct virtio_dev *dev, struct state_reader *r)
{
	struct blk *blk = (struct blk *)dev;
	unsigned i, n = state_get_u16(r);

	if (n > dev->queues * BLK_QUEUE_SIZE)
		return -1;
	free(blk->saved);
	blk->saved = calloc(n + 1, sizeof *blk->saved);
	if (blk->saved == NULL)
		return -1;
	for (i = 0; i < n; i++) {
		blk->saved[i].queue = state_get_u8(r);
		blk->saved[i].head = state_get_u16(r);
		if (blk->saved[i].queue >= dev->queues ||
		    !dev->queue[blk->saved[i].queue].vq.ready)
			return -1;
	}
	blk->saves = n;
	return 0;
}

void
blk_start(struct virtio_dev *dev)
{
	struct blk *blk = (struct blk *)dev;
	struct virtio_queue *q;
	struct virtq_chain c;
	unsigned i;

	for (i = 0; i < blk->saves; i++) {
		q = &dev->queue[blk->saved[i].queue];
		c = (struct virtq_chain){.iov = q->vq.iov, .room = CHAIN};
		if (virtq_retake(&q->vq, blk->saved[i].head, &c))
			blk_begin(blk, q, &c);
	}
	blk->saves = 0;
}

int
virtio_blk_full(struct virtio_dev *dev)
{
	struct blk *blk = (struct blk *)dev;
	int full;

	virtio_begin(dev);
	full = blk->full;
	virtio_end(dev);
	return full;
}

void
virtio_blk_retry(struct virtio_dev *dev)
{
	struct blk *blk = (struct blk *)dev;

	virtio_begin(dev);
	if (blk->full != 0) {
		blk->full = 0;
		blk->retry = true;
		virtio_kick(dev, 0);
	}
	virtio_end(dev);
}
