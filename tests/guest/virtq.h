/*
 * virtq.h: a split virtqueue, the driver's side (virtio 1.2, 2.7), with
 * indirect descriptors and event indexes where the device offers them.
 *
 *	descriptors [size]  | flags idx ring[size] used_event |
 *	------------------- available ------------------------
 *	(next page)  flags idx {id, len}[size] avail_event
 *
 * One block of memory in the layout of the legacy interface, which the modern
 * one takes just as well.
 */
#ifndef GUEST_VIRTQ_H
#define GUEST_VIRTQ_H

#include <stdint.h>

#define VIRTQ_SIZE_MAX 1024
#define VIRTQ_PIECES   4 /* at most, of one request */

struct virtq_desc {
	uint64_t addr;
	uint32_t len;
	uint16_t flags, next;
};

struct virtq {
	unsigned index, size;
	struct virtq_desc *desc;
	volatile uint16_t *avail;
	volatile uint16_t *used; /* flags, idx, then pairs of 32 bits */
	struct virtq_desc *tables; /* VIRTQ_PIECES a head, or NULL */
	int event_idx;
	int silent; /* wants no interrupts */
	uint16_t free_head, free_count;
	uint16_t avail_idx, kicked_idx, last_used;
	uint64_t notify; /* port or address of the doorbell */
	int notify_is_port;
	uint64_t kicks;
	void **tokens; /* a head's */
};

struct virtq_piece {
	void *data;
	uint32_t len;
};

/*
 * Takes memory for a queue of this size (a power of two). Returns -1 if there
 * is none left.
 */
int virtq_create(struct virtq *q, unsigned index, unsigned size, int event_idx,
    int indirect);

uint64_t virtq_avail_addr(const struct virtq *q);
uint64_t virtq_used_addr(const struct virtq *q);

/*
 * Queues a request: out pieces that the device reads, then in pieces that it
 * writes. token comes back from virtq_get(). Returns -1 if the queue is full.
 */
int virtq_add(struct virtq *q, const struct virtq_piece *pieces, unsigned out,
    unsigned in, void *token);

/* Tells the device, if it wants to be told. */
void virtq_kick(struct virtq *q);

/* Whether virtq_get() would return something; touches memory only. */
int virtq_ready(const struct virtq *q);

/* The token of the next finished request and the bytes written, or NULL. */
void *virtq_get(struct virtq *q, uint32_t *len);

/* With silent, asks the device not to interrupt for this queue. */
void virtq_silence(struct virtq *q, int silent);

#endif
