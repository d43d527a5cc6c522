/*
 * virtq.c: see virtq.h. Addresses are physical as they stand.
 */
#include "cpu.h"
#include "lib.h"
#include "virtq.h"

#define DESC_NEXT     1
#define DESC_WRITE    2
#define DESC_INDIRECT 4

#define AVAIL_NO_INTERRUPT 1
#define USED_NO_NOTIFY     1

/* Indexes into avail[] and used[], in 16-bit words. */
#define RING_FLAGS       0
#define RING_IDX         1
#define AVAIL_RING       2
#define USED_EVENT(q)    (2 + (q)->size)
#define USED_ENTRY(q, i) (2 + ((i) & ((q)->size - 1)) * 4)
#define AVAIL_EVENT(q)   (2 + (q)->size * 4)

static void
barrier(void)
{
	__asm__ volatile("mfence" : : : "memory");
}

int
virtq_create(
    struct virtq *q, unsigned index, unsigned size, int event_idx, int indirect)
{
	size_t avail = size * sizeof(struct virtq_desc);
	size_t used = (avail + 2 * (3 + size) + 4095) & ~(size_t)4095;
	uint8_t *p;
	unsigned i;

	memset(q, 0, sizeof(*q));
	p = arena_take(used + 6 + 8 * size);
	q->tokens = arena_take(size * sizeof(q->tokens[0]));
	if (p == NULL || q->tokens == NULL)
		return -1;
	if (indirect) {
		q->tables = arena_take(size * VIRTQ_PIECES * sizeof(*q->desc));
		if (q->tables == NULL)
			return -1;
	}
	q->index = index;
	q->size = size;
	q->desc = (struct virtq_desc *)p;
	q->avail = (volatile uint16_t *)(p + avail);
	q->used = (volatile uint16_t *)(p + used);
	q->event_idx = event_idx;
	q->free_count = (uint16_t)size;
	for (i = 0; i < size; i++)
		q->desc[i].next = (uint16_t)(i + 1);
	return 0;
}

uint64_t
virtq_avail_addr(const struct virtq *q)
{
	return (uintptr_t)q->avail;
}

uint64_t
virtq_used_addr(const struct virtq *q)
{
	return (uintptr_t)q->used;
}

static void
desc_fill(struct virtq_desc *d, const struct virtq_piece *piece, int write)
{
	d->addr = (uintptr_t)piece->data;
	d->len = piece->len;
	d->flags = write ? DESC_WRITE : 0;
}

/* The request as a table of its own, which one descriptor points to. */
static void
add_indirect(struct virtq *q, const struct virtq_piece *pieces, unsigned out,
    unsigned in)
{
	struct virtq_desc *t = q->tables + q->free_head * VIRTQ_PIECES;
	struct virtq_desc *d = &q->desc[q->free_head];
	unsigned i, n = out + in;

	for (i = 0; i < n; i++) {
		desc_fill(&t[i], &pieces[i], i >= out);
		if (i + 1 < n) {
			t[i].flags |= DESC_NEXT;
			t[i].next = (uint16_t)(i + 1);
		}
	}
	d->addr = (uintptr_t)t;
	d->len = n * (uint32_t)sizeof(*t);
	d->flags = DESC_INDIRECT;
	q->free_head = d->next;
	q->free_count--;
}

static void
add_chain(struct virtq *q, const struct virtq_piece *pieces, unsigned out,
    unsigned in)
{
	struct virtq_desc *d = NULL;
	unsigned i, n = out + in;

	for (i = 0; i < n; i++) {
		d = &q->desc[q->free_head];
		desc_fill(d, &pieces[i], i >= out);
		if (i + 1 < n)
			d->flags |= DESC_NEXT;
		q->free_head = d->next;
	}
	q->free_count = (uint16_t)(q->free_count - n);
}

int
virtq_add(struct virtq *q, const struct virtq_piece *pieces, unsigned out,
    unsigned in, void *token)
{
	int indirect = q->tables != NULL && out + in > 1;
	uint16_t head = q->free_head;

	if (q->free_count < (indirect ? 1 : out + in))
		return -1;
	q->tokens[head] = token;
	if (indirect)
		add_indirect(q, pieces, out, in);
	else
		add_chain(q, pieces, out, in);
	q->avail[AVAIL_RING + (q->avail_idx & (q->size - 1))] = head;
	barrier();
	q->avail[RING_IDX] = ++q->avail_idx;
	return 0;
}

/* virtio 1.2, 2.7.10: after the index is visible, does the device sleep? */
static int
wants_kick(const struct virtq *q)
{
	uint16_t event;

	if (!q->event_idx)
		return !(q->used[RING_FLAGS] & USED_NO_NOTIFY);
	event = q->used[AVAIL_EVENT(q)];
	return (uint16_t)(q->avail_idx - event - 1) <
	    (uint16_t)(q->avail_idx - q->kicked_idx);
}

void
virtq_kick(struct virtq *q)
{
	int wanted;

	barrier();
	wanted = wants_kick(q);
	q->kicked_idx = q->avail_idx;
	if (!wanted)
		return;
	q->kicks++;
	if (q->notify_is_port)
		out16((uint16_t)q->notify, (uint16_t)q->index);
	else
		mmio_w16(q->notify, (uint16_t)q->index);
}

int
virtq_ready(const struct virtq *q)
{
	return q->used[RING_IDX] != q->last_used;
}

/* Gives a finished request's descriptors back. */
static void
release(struct virtq *q, uint16_t head)
{
	uint16_t last = head;
	unsigned n = 1;

	while ((q->desc[last].flags & DESC_NEXT) && n < q->size) {
		last = q->desc[last].next;
		n++;
	}
	q->desc[last].next = q->free_head;
	q->free_head = head;
	q->free_count = (uint16_t)(q->free_count + n);
}

void *
virtq_get(struct virtq *q, uint32_t *len)
{
	volatile uint16_t *entry;
	uint16_t head;

	if (!virtq_ready(q))
		return NULL;
	barrier();
	entry = &q->used[USED_ENTRY(q, q->last_used)];
	head = entry[0] & (uint16_t)(q->size - 1);
	*len = (uint32_t)entry[2] | (uint32_t)entry[3] << 16;
	release(q, head);
	q->last_used++;
	if (q->event_idx && !q->silent) {
		q->avail[USED_EVENT(q)] = q->last_used;
		barrier();
	}
	return q->tokens[head];
}

void
virtq_silence(struct virtq *q, int silent)
{
	q->silent = silent;
	if (q->event_idx)
		/* The event furthest away: about 65,000 requests from here. */
		q->avail[USED_EVENT(q)] =
		    (uint16_t)(q->last_used - (silent ? 1 : 0));
	else
		q->avail[RING_FLAGS] = silent ? AVAIL_NO_INTERRUPT : 0;
}
