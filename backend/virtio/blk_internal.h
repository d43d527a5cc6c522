/*
 * blk_internal.h: a disk's own state, shared by blk.c and blk_full.c alone.
 * Everything here is guarded by the device's lock.
 */
#ifndef BACKEND_VIRTIO_BLK_INTERNAL_H
#define BACKEND_VIRTIO_BLK_INTERNAL_H

#include "backend/virtio/device.h"

#define SEG_MAX 254u /* and header and status make a chain of 256 */
#define CHAIN   (SEG_MAX + 2)
#define SMALL   8u /* buffers of most requests, with header and status */
#define ID_SIZE 20u

struct blk_request {
	struct block_request rq; /* first */
	struct blk *blk;
	uint8_t *status; /* in guest memory */
	uint32_t written; /* to the guest: data and status */
	uint16_t head;
	bool sync; /* a write that is being put on stable storage */
	struct blk_request *next; /* of those that wait for room */
	struct iovec iov[SMALL];
};

struct blk {
	struct virtio_dev dev; /* first */
	struct block *block;
	char name[16], serial[ID_SIZE];
	uint64_t capacity; /* sectors, the last one perhaps not whole */
	int epoll_fd, stop_fd;
	pthread_t thread;
	bool has_thread;
	struct blk_request *request; /* by head */
	struct iovec (*large)[CHAIN]; /* by head, touched only when used */
	const struct virtio_blk_ops *ops;
	void *arg;
	/* For which the host had no room, in the order in which it said so. */
	struct blk_request *waiting, **waiting_end;
	int full; /* ENOSPC or EDQUOT until it is tried again, 0: there is room */
	bool retry; /* the thread is to submit what waits */
	/* Heads that waited when the device was saved, until it starts. */
	uint16_t saved[VIRTIO_QUEUE_SIZE];
	unsigned saves;
};

/* blk.c: begins a request whose chain is in the queue's own iov. */
void blk_begin(struct blk *blk, struct virtq_chain *c);

/* ---- blk_full.c ---- */

/* Keeps a request for which the host has no room; error: ENOSPC or EDQUOT. */
void blk_wait(struct blk_request *r, int error);
/* Nothing waits (any more). */
void blk_forget_waiting(struct blk *blk);
/* Submits everything that waits once more. */
void blk_retry_waiting(struct blk *blk);

/* What struct virtio_ops calls. */
void blk_start(struct virtio_dev *dev);
void blk_drop(struct virtio_dev *dev);
void blk_save(struct virtio_dev *dev, struct state_writer *w);
int blk_load(struct virtio_dev *dev, struct state_reader *r);

#endif
