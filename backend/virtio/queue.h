/*
 * queue.h: one split virtqueue (virtio 1.2, 2.7), the device's end of it.
 *
 *	 avail ring (driver writes)        used ring (device writes)
 *	┌───────┬─────┬──────────┬──────┐  ┌───────┬─────┬──────────────┬──────┐
 *	│ flags │ idx │ head ... │ used │  │ flags │ idx │ {id, len} ...│ avail│
 *	└───────┴──┬──┴──────────┴ event┘  └───────┴──┬──┴──────────────┴ event┘
 *	  next_avail ▲ virtq_pop()           next_used ▲ virtq_push()
 *	           │                                  └ virtq_publish()
 *	           └─▶ descriptor ─▶ descriptor ─▶ indirect table
 *
 * virtq_pop() walks a chain of descriptors and hands out host addresses that
 * are checked: inside RAM, readable ones before writable ones, no loops. A
 * driver that breaks a rule breaks the queue: virtq.broken says why, and
 * nothing more comes out of it until it is reset.
 *
 * Needs only struct guestmem. Not thread-safe: the device's lock guards it.
 * What the guest may change at any moment is read once, into a local.
 */
#ifndef BACKEND_VIRTIO_QUEUE_H
#define BACKEND_VIRTIO_QUEUE_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/uio.h>

#include "backend/vmm/guestmem.h"

#define VIRTQ_MAX 1024 /* largest size; a chain as iovec fits IOV_MAX */

struct virtq {
	const struct guestmem *mem;
	uint16_t max; /* largest size the driver may choose */
	uint16_t size; /* a power of two */
	bool ready; /* the addresses were checked, the rings are mapped */
	bool event_idx, indirect; /* negotiated features */
	uint64_t desc_gpa, avail_gpa, used_gpa;
	uint8_t *desc, *avail, *used; /* host addresses while ready */
	uint16_t next_avail; /* the next entry to pop */
	uint16_t avail_seen; /* the driver's idx when last read */
	uint16_t next_used; /* the next entry to push */
	uint16_t published; /* our idx as the driver sees it */
	uint16_t held; /* popped and not pushed */
	/* The device's: bytes done of the request that is popped next. */
	uint64_t done;
	bool *is_held; /* by head, max of them */
	struct iovec *iov; /* max of them, for a device that needs one chain */
	/*
	 * NULL, or the rule that was broken. Also read by who does not guard
	 * the queue, to tell the driver.
	 */
	const char *_Atomic broken;
};

/*
 * A request. The caller sets iov and room before virtq_pop(); the readable
 * buffers come first (outs), the writable ones (ins) follow.
 */
struct virtq_chain {
	struct iovec *iov;
	unsigned room;
	unsigned outs, ins;
	uint64_t out_len, in_len;
	uint16_t head;
};

/* Allocates for at most max (a power of two up to VIRTQ_MAX). -1: no memory. */
int virtq_init(struct virtq *q, const struct guestmem *mem, uint16_t max);
void virtq_free(struct virtq *q);
/* As after power-on: not ready, of size max. */
void virtq_reset(struct virtq *q);

/*
 * Checks size and the three addresses (2.7: alignment, inside RAM) and makes
 * the queue ready. Returns -1 and a broken queue if they will not do.
 */
int virtq_start(struct virtq *q);
/* The legacy layout: all three parts follow from one address (2.7.2). */
void virtq_set_legacy(struct virtq *q, uint64_t gpa);

/* Marks the queue broken; why is a constant phrase. The first one stays. */
void virtq_break(struct virtq *q, const char *why);

/*
 * Takes the next request. Returns false when there is none, or when the queue
 * is not ready or broken.
 */
bool virtq_pop(struct virtq *q, struct virtq_chain *c);
/*
 * Takes a request that was held when the queue was saved, by its head, as
 * virtq_pop() did then. False, with a broken queue, if it is none.
 */
bool virtq_retake(struct virtq *q, uint16_t head, struct virtq_chain *c);
/* Puts the request that was popped last back; the last ones in reverse. */
void virtq_unpop(struct virtq *q, const struct virtq_chain *c);
/*
 * Finishes a request: len bytes were written to its writable buffers. The
 * driver sees it after virtq_publish().
 */
void virtq_push(struct virtq *q, uint16_t head, uint32_t len);
/*
 * Shows the driver everything pushed. Returns true when it wants an interrupt
 * for that (2.7.7).
 */
bool virtq_publish(struct virtq *q);

/*
 * Somebody else worked on the rings and has left them: goes on with this entry
 * of the available ring, behind what the used one says was pushed.
 */
void virtq_resume(struct virtq *q, uint16_t next_avail);

/* Is there something to pop? */
bool virtq_waiting(struct virtq *q);
/* Asks the driver not to kick while the device looks anyway (2.7.10). */
void virtq_disable_kick(struct virtq *q);
/*
 * Asks for kicks again. Returns true if something came meanwhile for which
 * there may be no kick: look again.
 */
bool virtq_enable_kick(struct virtq *q);

/*
 * Moves the first len readable bytes of the chain to buf. Returns -1, with the
 * chain as it was, if it has not so many.
 */
int virtq_take_out(struct virtq_chain *c, void *buf, size_t len);
/*
 * Takes the last writable byte off the chain and returns its address, or NULL
 * if there is none.
 */
uint8_t *virtq_take_last(struct virtq_chain *c);
/*
 * Copies len bytes to offset in a list of buffers. Returns how many there was
 * room for.
 */
size_t virtq_copy_in(const struct iovec *iov, unsigned n, size_t offset,
    const void *buf, size_t len);

#endif
