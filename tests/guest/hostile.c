/*
 * hostile.c: see hostile.h.
 */
#include "boot.h"
#include "console.h"
#include "cpu.h"
#include "hostile.h"
#include "irq.h"
#include "lib.h"
#include "pci.h"

#define GUARD_WORD 0xa5c33c5a96f00f69ull
#define PATIENCE   20000000u /* microseconds */
#define SIZE       32u /* of a queue, where one may choose */
#define HOLE       0xc0000000ull
#define HOLE_END   0x100000000ull

static uint64_t number_state = 1;

void
hostile_seed(uint64_t seed)
{
	number_state = seed * 0x9e3779b97f4a7c15ull | 1;
}

uint64_t
hostile_number(void)
{
	number_state ^= number_state << 13;
	number_state ^= number_state >> 7;
	number_state ^= number_state << 17;
	return number_state * 0x2545f4914f6cdd1dull;
}

uint32_t
hostile_below(uint32_t n)
{
	return (uint32_t)((hostile_number() >> 32) * n >> 32);
}

/* Where the guest's memory ends, below and above the hole. */
static void
find_memory(struct hostile *h)
{
	const struct boot_range *r;
	uint64_t end;
	unsigned i;

	h->ram_end = 0;
	h->high_end = HOLE_END;
	for (i = 0; i < boot.ranges; i++) {
		r = &boot.map[i];
		end = r->start + r->size;
		if (r->start < HOLE && end > h->ram_end && end <= HOLE)
			h->ram_end = end;
		if (r->start >= HOLE_END && end > h->high_end)
			h->high_end = end;
	}
}

static struct virtio *
find_device(unsigned type, unsigned number)
{
	struct virtio *v;
	unsigned i;

	for (i = 0; (v = virtio_at(i)) != NULL; i++)
		if (v->type == type && v->number == number)
			return v;
	return NULL;
}

int
hostile_open(struct hostile *h, const struct hostile_target *target,
    unsigned number, int legacy)
{
	struct virtio *v = find_device(target->type, number);
	const char *why;

	memset(h, 0, sizeof(*h));
	find_memory(h);
	if (v == NULL || h->ram_end < HOSTILE_FREE + 0x1000000) {
		print("there is no such device, or not enough memory\n");
		return -1;
	}
	v->problem = "it was driven into a wall; `mode' sets it up anew";
	h->v = *v;
	h->v.legacy = legacy;
	h->v.irq = VIRTIO_POLL;
	h->target = target;
	transport_msix(&h->v, 0);
	why = transport_open(&h->v);
	if (why != NULL) {
		print("%s\n", why);
		return -1;
	}
	pci_write16(h->v.pci, PCI_COMMAND,
	    pci_read16(h->v.pci, PCI_COMMAND) | PCI_COMMAND_NO_INTX);
	transport_reset(&h->v);
	transport_config(&h->v);
	h->v.offered = transport_features(&h->v);
	while (h->queues < VIRTIO_QUEUES &&
	    transport_queue_size(&h->v, h->queues) != 0)
		h->queues++;
	/* Legacy drivers are not shown the further pairs. */
	h->ring.index = !(target->flags & HOSTILE_CONTROL) ? target->queue
	    : legacy                                       ? 2
							   : h->queues - 1;
	if (h->ring.index >= h->queues) {
		print("it has only %u queues\n", h->queues);
		return -1;
	}
	h->ring.size =
	    legacy ? transport_queue_size(&h->v, h->ring.index) : SIZE;
	return 0;
}

void
hostile_begin(struct hostile *h, uint64_t without)
{
	struct virtio *v = &h->v;

	transport_reset(v);
	transport_set_status(v, STATUS_ACK | STATUS_DRIVER);
	v->features = v->offered & ~without;
	transport_set_features(v, v->features);
	if (!v->legacy)
		transport_set_status(
		    v, STATUS_ACK | STATUS_DRIVER | STATUS_FEATURES_OK);
}

/* The layout of the legacy face, which suits both. */
static void
ring_at(struct hostile_ring *r, uint64_t base)
{
	uint64_t avail = base + 16 * r->size;
	uint64_t used = (avail + 6 + 2 * r->size + 4095) & ~4095ull;

	r->desc = (volatile struct virtq_desc *)base;
	r->avail = (volatile uint16_t *)avail;
	r->used = (volatile uint16_t *)used;
}

void
hostile_ring_clear(struct hostile *h)
{
	uint64_t base = HOSTILE_RINGS + h->ring.index * HOSTILE_RING;

	memset((void *)base, 0, HOSTILE_RING);
	ring_at(&h->ring, base);
}

void
hostile_ring_enable(struct hostile *h)
{
	struct hostile_ring *r = &h->ring;

	if (!h->v.legacy)
		transport_resize(&h->v, r->index, (uint16_t)r->size);
	transport_place(&h->v, r->index, (uintptr_t)r->desc,
	    (uintptr_t)r->avail, (uintptr_t)r->used);
}

/* Has the device use two pairs of queues (virtio 1.2, 5.1.6.5.5). */
static void
use_pairs(struct hostile *h)
{
	struct hostile_ring target = h->ring;
	uint8_t *slot =
	    (uint8_t *)(HOSTILE_DATA + (HOSTILE_SLOTS - 1) * HOSTILE_SLOT);

	h->ring.index = h->queues - 1;
	h->ring.size = SIZE;
	hostile_ring_clear(h);
	hostile_ring_enable(h);
	transport_set_status(&h->v, transport_status(&h->v) | STATUS_DRIVER_OK);
	memcpy(slot, "\4\0\2\0", 4);
	hostile_put(h, 0, (uintptr_t)slot, 4, DESC_NEXT, 1);
	hostile_put(h, 1, (uintptr_t)slot + 4, 1, DESC_WRITE, 0);
	hostile_offer(h, 0);
	hostile_kick(h);
	hostile_wait(h, 1);
	h->ring = target;
}

void
hostile_ready(struct hostile *h)
{
	struct virtio *v = &h->v;

	if (h->target->flags & HOSTILE_PAIR)
		use_pairs(h);
	else
		transport_set_status(v,
		    STATUS_ACK | STATUS_DRIVER | STATUS_DRIVER_OK |
			(v->legacy ? 0 : STATUS_FEATURES_OK));
}

void
hostile_start(struct hostile *h, uint64_t without)
{
	hostile_begin(h, without | VIRTIO_F_EVENT_IDX);
	hostile_ring_clear(h);
	hostile_ring_enable(h);
	hostile_ready(h);
}

void
hostile_put(struct hostile *h, unsigned i, uint64_t addr, uint32_t len,
    unsigned flags, unsigned next)
{
	volatile struct virtq_desc *d = &h->ring.desc[i];

	d->addr = addr;
	d->len = len;
	d->flags = (uint16_t)flags;
	d->next = (uint16_t)next;
}

void
hostile_offer(struct hostile *h, uint16_t head)
{
	struct hostile_ring *r = &h->ring;
	uint16_t idx = r->avail[1];

	r->avail[2 + (idx & (r->size - 1))] = head;
	__asm__ volatile("mfence" : : : "memory");
	r->avail[1] = (uint16_t)(idx + 1);
}

void
hostile_kick(struct hostile *h)
{
	__asm__ volatile("mfence" : : : "memory");
	transport_kick(&h->v, h->ring.index);
}

static void
make_good(struct hostile *h, unsigned slot, struct hostile_request *r)
{
	uint8_t *data = (uint8_t *)(HOSTILE_DATA + slot * HOSTILE_SLOT);

	memset(data, 0, HOSTILE_SLOT);
	memset(r, 0, sizeof(*r));
	h->target->good(data, r);
}

static unsigned
put_request(struct hostile *h, unsigned i, const struct hostile_request *r)
{
	unsigned head = i, n, all = r->out + r->in;

	for (n = 0; n < all; n++, i++)
		hostile_put(h, i, (uintptr_t)r->piece[n].data, r->piece[n].len,
		    (n >= r->out ? DESC_WRITE : 0u) |
			(n + 1 < all ? DESC_NEXT : 0u),
		    i + 1);
	hostile_offer(h, (uint16_t)head);
	return i;
}

unsigned
hostile_good(struct hostile *h, unsigned slot, unsigned i)
{
	struct hostile_request r;

	make_good(h, slot, &r);
	return put_request(h, i, &r);
}

enum hostile_outcome
hostile_wait(struct hostile *h, unsigned requests)
{
	uint64_t end = time_now() + PATIENCE;
	unsigned spins;

	do {
		for (spins = 0; spins < 4000; spins++) {
			if (h->ring.used[1] >= requests)
				return HOSTILE_SERVED;
			relax();
		}
		if (transport_status(&h->v) & STATUS_NEEDS_RESET)
			return HOSTILE_BROKEN;
	} while (time_now() < end);
	return HOSTILE_NOTHING;
}

static const uint64_t guards[] = {HOSTILE_BASE, HOSTILE_MIDDLE, HOSTILE_LAST};

void
hostile_guard(void)
{
	unsigned i, k;

	for (i = 0; i < 3; i++)
		for (k = 0; k < HOSTILE_GUARD / 8; k++)
			((volatile uint64_t *)guards[i])[k] = GUARD_WORD;
}

int
hostile_guarded(void)
{
	unsigned i, k;

	for (i = 0; i < 3; i++)
		for (k = 0; k < HOSTILE_GUARD / 8; k++) {
			if (((volatile uint64_t *)guards[i])[k] == GUARD_WORD)
				continue;
			print("the device wrote to %lx\n", guards[i] + k * 8);
			return 0;
		}
	return 1;
}

int
hostile_works(struct hostile *h)
{
	const struct hostile_target *t = h->target;
	struct hostile_request r;
	enum hostile_outcome was;
	unsigned next;

	hostile_start(h, 0);
	make_good(h, 0, &r);
	next = put_request(h, 0, &r);
	if (t->flags & HOSTILE_TWO)
		hostile_good(h, 1, next);
	hostile_kick(h);
	if (t->flags & (HOSTILE_QUIET | HOSTILE_ASLEEP)) {
		was = transport_status(&h->v) & STATUS_NEEDS_RESET
		    ? HOSTILE_BROKEN
		    : HOSTILE_SERVED;
	} else {
		was = hostile_wait(h, 1);
	}
	if (was != HOSTILE_SERVED) {
		print("a good request is %s\n",
		    was == HOSTILE_BROKEN ? "refused" : "not answered");
		return 0;
	}
	if (r.answer != NULL && *r.answer != r.wanted) {
		print("a good request is answered %u, not %u\n", *r.answer,
		    r.wanted);
		return 0;
	}
	return 1;
}
