/*
 * virtq_driver.h: guest memory by hand and the driver's end of a virtqueue,
 * for the tests of backend/virtio. It does what a driver does, and on request
 * what none should.
 */
#ifndef TESTS_VIRTQ_DRIVER_H
#define TESTS_VIRTQ_DRIVER_H

#include <stdlib.h>
#include <string.h>

#include "tests/unit/unit.h"
#include "backend/virtio/queue.h"

#define RAM_LOW   (8u << 20)
#define RAM_HIGH  (1u << 20)
#define HIGH_GPA  GUESTMEM_HOLE_END
#define RINGS_GPA 0x10000u /* each queue's rings take 64 KiB from here */

#define NEXT     1
#define WRITE    2
#define INDIRECT 4

struct guest_desc {
	uint64_t addr;
	uint32_t len;
	uint16_t flags, next;
};

/* One buffer of a request: write means that the device writes it. */
struct buf {
	uint64_t gpa;
	uint32_t len;
	bool write;
};

struct ring {
	struct guestmem *mem;
	uint16_t size;
	uint64_t desc_gpa, avail_gpa, used_gpa;
	struct guest_desc *desc;
	uint16_t *avail, *used; /* flags, idx, entries … */
	uint16_t next_desc, last_used;
};

static inline void
ram_create(struct guestmem *mem)
{
	memset(mem, 0, sizeof *mem);
	mem->fd = -1;
	mem->size = RAM_LOW + RAM_HIGH;
	mem->regions = 2;
	mem->region[0].size = RAM_LOW;
	mem->region[0].hva = aligned_alloc(4096, RAM_LOW);
	mem->region[1].gpa = HIGH_GPA;
	mem->region[1].size = RAM_HIGH;
	mem->region[1].hva = aligned_alloc(4096, RAM_HIGH);
	memset(mem->region[0].hva, 0, RAM_LOW);
	memset(mem->region[1].hva, 0, RAM_HIGH);
}

static inline void
ram_free(struct guestmem *mem)
{
	free(mem->region[0].hva);
	free(mem->region[1].hva);
}

/* Lays out a queue as the legacy interface demands, which suits both. */
static inline void
ring_init(struct ring *r, struct guestmem *mem, uint16_t size, uint64_t gpa)
{
	memset(r, 0, sizeof *r);
	r->mem = mem;
	r->size = size;
	r->desc_gpa = gpa;
	r->avail_gpa = gpa + 16u * size;
	r->used_gpa = (r->avail_gpa + 6 + 2u * size + 4095) & ~4095ULL;
	r->desc = guestmem_at(mem, r->desc_gpa, 16u * size);
	r->avail = guestmem_at(mem, r->avail_gpa, 6 + 2u * size);
	r->used = guestmem_at(mem, r->used_gpa, 6 + 8u * size);
	assert_non_null(r->desc);
	assert_non_null(r->avail);
	assert_non_null(r->used);
}

static inline void
ring_offer(struct ring *r, uint16_t head)
{
	uint16_t idx = r->avail[1];

	r->avail[2 + (idx & (r->size - 1))] = head;
	__atomic_store_n(&r->avail[1], (uint16_t)(idx + 1), __ATOMIC_RELEASE);
}

static inline void
ring_put(struct ring *r, uint16_t i, uint64_t gpa, uint32_t len, uint16_t flags,
    uint16_t next)
{
	r->desc[i] = (struct guest_desc){gpa, len, flags, next};
}

/* Makes n buffers available as one request. Returns its head. */
static inline uint16_t
ring_add(struct ring *r, const struct buf *b, unsigned n)
{
	uint16_t head = r->next_desc, at = head;
	unsigned i;

	for (i = 0; i < n; i++) {
		uint16_t next = (at + 1) & (r->size - 1);

		ring_put(r, at, b[i].gpa, b[i].len,
		    (uint16_t)((b[i].write ? WRITE : 0) |
			(i + 1 < n ? NEXT : 0)),
		    next);
		at = next;
	}
	r->next_desc = at;
	ring_offer(r, head);
	return head;
}

/* As often as a request was finished; what it brought is seen after this. */
static inline uint16_t
ring_used_idx(const struct ring *r)
{
	return __atomic_load_n(&r->used[1], __ATOMIC_ACQUIRE);
}

/* Takes a finished request, if there is one. */
static inline bool
ring_used(struct ring *r, uint32_t *id, uint32_t *len)
{
	const uint32_t *e;

	if (r->last_used == ring_used_idx(r))
		return false;
	e = (const uint32_t *)(const void *)&r
		->used[2 + 4 * (r->last_used & (r->size - 1))];
	if (id != NULL)
		*id = e[0];
	if (len != NULL)
		*len = e[1];
	r->last_used++;
	return true;
}

/* What a driver writes to get an interrupt after its next idx (2.7.7.1). */
static inline void
ring_used_event(struct ring *r, uint16_t event)
{
	r->avail[2 + r->size] = event;
}

static inline uint16_t
ring_avail_event(const struct ring *r)
{
	return r->used[2 + 4 * r->size];
}

#endif
