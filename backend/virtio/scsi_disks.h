/*
 * scsi_disks.h: the state of a SCSI host with disks, shared by scsi_disks.c (the
 * device and its thread), scsi_request.c (one command) and scsi_grow.c alone.
 * Everything here is guarded by the device's lock.
 */
#ifndef BACKEND_VIRTIO_SCSI_DISKS_H
#define BACKEND_VIRTIO_SCSI_DISKS_H

#include "backend/virtio/device.h"
#include "backend/virtio/sdisk.h"

#define SMALL 8u /* buffers of most commands, with request and response */
#define CHAIN (SCSI_SEG_MAX + 2u) /* buffers of a command, at most */
#define SAME  64u /* sectors that are written at a time, all alike */

struct scsi_command {
	struct block_request rq; /* first */
	struct scsi_disks *host;
	struct scsi_target *target;
	uint64_t tag;
	uint16_t head;
	bool sync; /* it is to be put on stable storage when it is written */
	bool unmap; /* an UNMAP: done also where the host cannot do it */
	uint64_t same; /* bytes that are still to be made like pattern */
	/* In guest memory: where the response goes, and the data behind it. */
	struct iovec *response, *data;
	unsigned responses, datas;
	size_t response_len;
	uint64_t room; /* bytes in data */
	struct scsi_command *next; /* of those that wait for room */
	int full; /* why it waits */
	struct iovec iov[SMALL + 1]; /* one is cut in two */
	struct iovec *large; /* CHAIN + 1 of them, from the first time on */
	struct {
		uint8_t sector[SDISK_SECTOR];
		struct iovec iov[SAME];
	} * pattern; /* likewise */
};

struct scsi_target {
	struct block *block;
	struct sdisk disk;
	struct virtio_figures figures;
	char name[16];
	int full; /* ENOSPC or EDQUOT: commands wait for room; 0: none do */
};

struct scsi_disks {
	struct virtio_dev dev; /* first */
	struct scsi_target target[VIRTIO_SCSI_TARGETS];
	unsigned targets;
	int epoll_fd, stop_fd;
	pthread_t thread;
	bool has_thread;
	struct scsi_command *command; /* by head */
	const struct virtio_blk_ops *ops;
	void *arg;
	/* For which the host had no room, in the order in which it said so. */
	struct scsi_command *waiting, **waiting_end;
	bool retry; /* the thread is to submit what waits */
	bool missed; /* there was no buffer for an event */
	struct {
		uint64_t size; /* what the thread is to make it; 0: nothing */
		uint64_t sectors;
		unsigned target;
		int state; /* SCSI_GROWING, or how it went: 0 or -1 */
		struct error why;
	} grow;
	/* Heads that waited when the device was saved, until it starts. */
	uint16_t saved[VIRTIO_QUEUE_SIZE];
	unsigned saves;
};

/* ---- scsi_request.c ---- */

/* Begins a command whose chain is in the queue's own iov. */
void scsi_begin(struct scsi_disks *h, struct virtq_chain *c);
/* Ends one that waited, as aborted. */
void scsi_abort(struct scsi_command *c);

/* ---- scsi_grow.c ---- */

#define SCSI_GROWING 1

/* On the thread: makes a disk as long as it is wanted. */
void scsi_grow(struct scsi_disks *h);
/* An event about a target, NULL: about none, where there is a buffer for it. */
void scsi_send_event(struct scsi_disks *h, const struct scsi_target *t,
    uint32_t event, uint32_t reason);

/* ---- scsi_disks.c ---- */

/* Keeps a command for which the host has no room; error: ENOSPC or EDQUOT. */
void scsi_wait(struct scsi_command *c, int error);

#endif
