/*
 * blk_internal.h: a disk's own state, shared by blk.c, blk_full.c and
 * blk_grow.c alone.
 * Everything here is guarded by the device's lock.
 */
#ifndef BACKEND_VIRTIO_BLK_INTERNAL_H
#define BACKEND_VIRTIO_BLK_INTERNAL_H

#include "backend/virtio/device.h"

#define SEG_MAX 254u /* and header and status make a chain of 256 */
#define CHAIN   (SEG_MAX + 2)
#define SMALL   8u /* buffers of most requests, with header and status */
#define ID_SIZE 20u

#define BLK_QUEUES     8
#define BLK_QUEUE_SIZE VIRTQ_MAX

struct blk_request {
	struct block_request rq; /* first */
	struct blk *blk;
	struct virtq *vq; /* that it came by */
	uint8_t *status; /* in guest memory */
	uint32_t written; /* to the guest, from the first byte on (2.7.8.2) */
	uint16_t head;
	bool sync; /* a write that is being put on stable storage */
	struct blk_request *next; /* of those that wait for room */
	struct iovec iov[SMALL];
	struct iovec *large; /* CHAIN of them, from the first time on */
};

/* A request in a saved state: where its chain begins. */
struct blk_saved {
	uint8_t queue;
	uint16_t head;
};

struct blk {
	struct virtio_dev dev; /* first */
	struct block *block;
	char name[16], serial[ID_SIZE];
	uint64_t capacity; /* sectors, the last one perhaps not whole */
	int epoll_fd, stop_fd;
	pthread_t thread;
	bool has_thread;
	/* By queue and head; memory that no request needed is untouched. */
	struct blk_request *request[BLK_QUEUES];
	unsigned turn; /* the queue that is looked at first */
	const struct virtio_blk_ops *ops;
	void *arg;
	/* For which the host had no room, in the order in which it said so. */
	struct blk_request *waiting, **waiting_end;
	int full; /* ENOSPC or EDQUOT until it is tried again, 0: there is room */
	bool retry; /* the thread is to submit what waits */
	struct {
		uint64_t size; /* what the thread is to make it; 0: nothing */
		int state; /* BLK_GROWING, or how it went: 0 or -1 */
		struct error why;
	} grow;
	/* Heads that waited when the device was saved, until it starts. */
	struct blk_saved *saved;
	unsigned saves;
};

/* blk.c: begins a request whose chain is in the queue's own iov. */
void blk_begin(struct blk *blk, struct virtio_queue *q, struct virtq_chain *c);

/* ---- blk_full.c ---- */

/* Keeps a request for which the host has no room; error: ENOSPC or EDQUOT. */
void blk_wait(struct blk_request *r, int error);
/* Nothing waits (any more). */
void blk_forget_waiting(struct blk *blk);
/* Submits everything that waits once more. */
void blk_retry_waiting(struct blk *blk);

/* ---- blk_grow.c ---- */

#define BLK_GROWING 1

/* Takes the image's size over. */
void blk_set_capacity(struct blk *blk);
/* On the disk's thread: makes it as long as it is wanted. */
void blk_grow(struct blk *blk);

/* What struct virtio_ops calls (blk_full.c). */
void blk_start(struct virtio_dev *dev);
void blk_drop(struct virtio_dev *dev);
void blk_save(struct virtio_dev *dev, struct state_writer *w);
int blk_load(struct virtio_dev *dev, struct state_reader *r);

#endif
