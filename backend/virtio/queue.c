#include <endian.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "backend/virtio/queue.h"

#define DESC_SIZE       16u
#define DESC_F_NEXT     1
#define DESC_F_WRITE    2
#define DESC_F_INDIRECT 4

#define AVAIL_F_NO_INTERRUPT 1
#define USED_F_NO_NOTIFY     1

/* Offsets common to both rings: flags, idx, then the entries. */
#define RING_FLAGS   0
#define RING_IDX     2
#define RING_ENTRIES 4

#define LEGACY_ALIGN 4096u

/* A descriptor as it was at one moment, in host byte order. */
struct desc {
	uint64_t addr;
	uint32_t len;
	uint16_t flags, next;
};

/* A table of descriptors on the walk: the queue's own, or an indirect one. */
struct table {
	const uint8_t *at;
	unsigned count;
	bool indirect;
};

static uint16_t
load16(const uint8_t *p)
{
	return le16toh(__atomic_load_n(
	    (const uint16_t *)(const void *)p, __ATOMIC_RELAXED));
}

static void
store16(uint8_t *p, uint16_t v)
{
	__atomic_store_n((uint16_t *)(void *)p, htole16(v), __ATOMIC_RELAXED);
}

/* What the driver wrote before idx is seen after it. */
static uint16_t
load_idx(const uint8_t *p)
{
	return le16toh(__atomic_load_n(
	    (const uint16_t *)(const void *)p, __ATOMIC_ACQUIRE));
}

/* What was done before is seen by who sees this idx. */
static void
store_idx(uint8_t *p, uint16_t v)
{
	__atomic_store_n((uint16_t *)(void *)p, htole16(v), __ATOMIC_RELEASE);
}

/*
 * Reads a descriptor once. An indirect table may lie at any address, so this
 * is a copy; the fence keeps the compiler from reading the guest's memory
 * again behind it.
 */
static struct desc
load_desc(const struct table *t, unsigned i)
{
	struct desc d;

	memcpy(&d, t->at + (size_t)i * DESC_SIZE, sizeof d);
	atomic_signal_fence(memory_order_seq_cst);
	d.addr = le64toh(d.addr);
	d.len = le32toh(d.len);
	d.flags = le16toh(d.flags);
	d.next = le16toh(d.next);
	return d;
}

int
virtq_init(struct virtq *q, const struct guestmem *mem, uint16_t max)
{
	memset(q, 0, sizeof *q);
	q->mem = mem;
	q->max = max;
	q->is_held = calloc(max, sizeof *q->is_held);
	q->iov = calloc(max, sizeof *q->iov);
	if (q->is_held == NULL || q->iov == NULL) {
		virtq_free(q);
		return -1;
	}
	virtq_reset(q);
	return 0;
}

void
virtq_free(struct virtq *q)
{
	free(q->is_held);
	free(q->iov);
	q->is_held = NULL;
	q->iov = NULL;
}

void
virtq_reset(struct virtq *q)
{
	q->size = q->max;
	q->ready = q->event_idx = q->indirect = false;
	q->desc_gpa = q->avail_gpa = q->used_gpa = 0;
	q->desc = q->avail = q->used = NULL;
	q->next_avail = q->avail_seen = q->next_used = q->published = 0;
	q->held = 0;
	q->done = 0;
	memset(q->is_held, 0, q->max * sizeof *q->is_held);
	q->broken = NULL;
}

void
virtq_resume(struct virtq *q, uint16_t next_avail)
{
	q->next_avail = q->avail_seen = next_avail;
	q->next_used = q->published = load16(q->used + RING_IDX);
}

void
virtq_break(struct virtq *q, const char *why)
{
	if (q->broken == NULL)
		q->broken = why;
}

void
virtq_set_legacy(struct virtq *q, uint64_t gpa)
{
	uint64_t end;

	q->desc_gpa = gpa;
	q->avail_gpa = gpa + DESC_SIZE * (uint64_t)q->size;
	end = q->avail_gpa + RING_ENTRIES + 2 * (uint64_t)q->size + 2;
	q->used_gpa = (end + LEGACY_ALIGN - 1) & ~(uint64_t)(LEGACY_ALIGN - 1);
}

int
virtq_start(struct virtq *q)
{
	uint64_t n = q->size;

	q->ready = false;
	if (n == 0 || n > q->max || (n & (n - 1)) != 0) {
		virtq_break(q, "its size is no power of two within the limit");
		return -1;
	}
	if (q->desc_gpa % 16 != 0 || q->avail_gpa % 2 != 0 ||
	    q->used_gpa % 4 != 0) {
		virtq_break(q, "a ring is not aligned");
		return -1;
	}
	q->desc = guestmem_at(q->mem, q->desc_gpa, DESC_SIZE * n);
	q->avail = guestmem_at(q->mem, q->avail_gpa, 6 + 2 * n);
	q->used = guestmem_at(q->mem, q->used_gpa, 6 + 8 * n);
	if (q->desc == NULL || q->avail == NULL || q->used == NULL) {
		virtq_break(q, "a ring lies outside memory");
		return -1;
	}
	q->ready = true;
	return 0;
}

/* Adds one buffer to the chain. Returns -1 and a broken queue if it may not. */
static int
add_buffer(struct virtq *q, struct virtq_chain *c, const struct desc *d)
{
	struct iovec *v;
	void *p;

	if ((d->flags & DESC_F_WRITE) == 0 && c->ins > 0) {
		virtq_break(q, "a readable buffer follows a writable one");
		return -1;
	}
	/* Without a byte it needs no address that could be checked. */
	if (d->len == 0)
		return 0;
	p = guestmem_at(q->mem, d->addr, d->len);
	if (p == NULL) {
		virtq_break(q, "a buffer lies outside memory");
		return -1;
	}
	if (c->outs + c->ins >= c->room) {
		virtq_break(q, "a request has too many buffers");
		return -1;
	}
	v = &c->iov[c->outs + c->ins];
	v->iov_base = p;
	v->iov_len = d->len;
	if ((d->flags & DESC_F_WRITE) != 0) {
		c->ins++;
		c->in_len += d->len;
	} else {
		c->outs++;
		c->out_len += d->len;
	}
	if (c->out_len + c->in_len > UINT32_MAX) {
		virtq_break(q, "a request is larger than 4 GiB");
		return -1;
	}
	return 0;
}

/* Goes on in the table that d points to (2.7.5.3). */
static int
enter_indirect(struct virtq *q, struct table *t, const struct desc *d)
{
	if (!q->indirect) {
		virtq_break(q, "an indirect table was not negotiated");
		return -1;
	}
	if (t->indirect) {
		virtq_break(q, "an indirect table within another");
		return -1;
	}
	if ((d->flags & DESC_F_NEXT) != 0) {
		virtq_break(q, "an indirect table and a next descriptor");
		return -1;
	}
	if (d->len == 0 || d->len % DESC_SIZE != 0 ||
	    d->len / DESC_SIZE > VIRTQ_MAX) {
		virtq_break(q, "an indirect table of a wrong size");
		return -1;
	}
	t->at = guestmem_at(q->mem, d->addr, d->len);
	if (t->at == NULL) {
		virtq_break(q, "an indirect table lies outside memory");
		return -1;
	}
	t->count = d->len / DESC_SIZE;
	t->indirect = true;
	return 0;
}

/* Collects the buffers that start at c->head. */
static int
walk(struct virtq *q, struct virtq_chain *c)
{
	struct table t = {.at = q->desc, .count = q->size};
	unsigned i = c->head, seen = 0;
	struct desc d;

	for (;;) {
		/* More than there are in the table: it goes in a circle. */
		if (++seen > t.count) {
			virtq_break(q, "a chain of descriptors is a loop");
			return -1;
		}
		d = load_desc(&t, i);
		if ((d.flags & DESC_F_INDIRECT) != 0) {
			if (enter_indirect(q, &t, &d) == -1)
				return -1;
			i = seen = 0;
			continue;
		}
		if (add_buffer(q, c, &d) == -1)
			return -1;
		if ((d.flags & DESC_F_NEXT) == 0)
			return 0;
		i = d.next;
		if (i >= t.count) {
			virtq_break(q, "a descriptor beyond its table");
			return -1;
		}
	}
}

bool
virtq_waiting(struct virtq *q)
{
	if (!q->ready || q->broken != NULL)
		return false;
	if (q->avail_seen != q->next_avail)
		return true;
	q->avail_seen = load_idx(q->avail + RING_IDX);
	if ((uint16_t)(q->avail_seen - q->next_avail) > q->size) {
		virtq_break(q, "the available index jumped");
		return false;
	}
	return q->avail_seen != q->next_avail;
}

bool
virtq_retake(struct virtq *q, uint16_t head, struct virtq_chain *c)
{
	if (!q->ready || q->broken != NULL)
		return false;
	if (head >= q->size) {
		virtq_break(q, "a request starts beyond the table");
		return false;
	}
	if (q->is_held[head]) {
		virtq_break(q, "a request was made available twice");
		return false;
	}
	c->head = head;
	c->outs = c->ins = 0;
	c->out_len = c->in_len = 0;
	if (walk(q, c) == -1)
		return false;
	q->is_held[head] = true;
	q->held++;
	return true;
}

bool
virtq_pop(struct virtq *q, struct virtq_chain *c)
{
	uint16_t head;

	if (!virtq_waiting(q))
		return false;
	head = load16(q->avail + RING_ENTRIES +
	    2 * (size_t)(q->next_avail & (q->size - 1)));
	if (!virtq_retake(q, head, c))
		return false;
	q->next_avail++;
	return true;
}

void
virtq_unpop(struct virtq *q, const struct virtq_chain *c)
{
	q->is_held[c->head] = false;
	q->held--;
	q->next_avail--;
}

void
virtq_push(struct virtq *q, uint16_t head, uint32_t len)
{
	uint32_t elem[2] = {htole32(head), htole32(len)};

	memcpy(
	    q->used + RING_ENTRIES + 8 * (size_t)(q->next_used & (q->size - 1)),
	    elem, sizeof elem);
	q->next_used++;
	q->is_held[head] = false;
	q->held--;
}

/* Did idx go past event on its way from before to now? (2.7.7.2) */
static bool
passed(uint16_t event, uint16_t now, uint16_t before)
{
	return (uint16_t)(now - event - 1) < (uint16_t)(now - before);
}

bool
virtq_publish(struct virtq *q)
{
	uint16_t before = q->published;

	if (before == q->next_used)
		return false;
	store_idx(q->used + RING_IDX, q->next_used);
	q->published = q->next_used;
	/* It is written before we ask what the driver wants. */
	atomic_thread_fence(memory_order_seq_cst);
	if (q->event_idx)
		return passed(
		    load16(q->avail + RING_ENTRIES + 2 * (size_t)q->size),
		    q->published, before);
	return (load16(q->avail + RING_FLAGS) & AVAIL_F_NO_INTERRUPT) == 0;
}

void
virtq_disable_kick(struct virtq *q)
{
	/* With event_idx a stale avail event does it. */
	if (q->ready && !q->event_idx)
		store16(q->used + RING_FLAGS, USED_F_NO_NOTIFY);
}

bool
virtq_enable_kick(struct virtq *q)
{
	if (!q->ready || q->broken != NULL)
		return false;
	if (q->event_idx)
		store16(q->used + RING_ENTRIES + 8 * (size_t)q->size,
		    q->next_avail);
	else
		store16(q->used + RING_FLAGS, 0);
	/* The driver must see this, or we must see what it added. */
	atomic_thread_fence(memory_order_seq_cst);
	return virtq_waiting(q);
}

int
virtq_take_out(struct virtq_chain *c, void *buf, size_t len)
{
	uint8_t *to = buf;
	size_t n;

	if (c->out_len < len)
		return -1;
	c->out_len -= len;
	while (len > 0) {
		n = c->iov->iov_len < len ? c->iov->iov_len : len;
		memcpy(to, c->iov->iov_base, n);
		to += n;
		len -= n;
		c->iov->iov_base = (uint8_t *)c->iov->iov_base + n;
		c->iov->iov_len -= n;
		if (c->iov->iov_len == 0) {
			c->iov++;
			c->room--;
			c->outs--;
		}
	}
	return 0;
}

uint8_t *
virtq_take_last(struct virtq_chain *c)
{
	struct iovec *v;

	if (c->in_len == 0)
		return NULL;
	v = &c->iov[c->outs + c->ins - 1];
	v->iov_len--;
	c->in_len--;
	if (v->iov_len == 0)
		c->ins--;
	return (uint8_t *)v->iov_base + v->iov_len;
}

size_t
virtq_copy_in(const struct iovec *iov, unsigned n, size_t offset,
    const void *buf, size_t len)
{
	const uint8_t *from = buf;
	size_t part, done = 0;

	for (; n > 0 && done < len; n--, iov++) {
		if (offset >= iov->iov_len) {
			offset -= iov->iov_len;
			continue;
		}
		part = iov->iov_len - offset;
		if (part > len - done)
			part = len - done;
		memcpy((uint8_t *)iov->iov_base + offset, from + done, part);
		done += part;
		offset = 0;
	}
	return done;
}
