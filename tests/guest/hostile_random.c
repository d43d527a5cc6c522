/*
 * hostile_random.c: rings, descriptors, indexes and registers at random, all
 * queues of a device at once. Memory for it lies apart, so that what the device
 * is told to write is nobody's: rings and tables in one area, where they often
 * overlap, buffers there and in what is free.
 */
#include "console.h"
#include "cpu.h"
#include "hostile.h"
#include "irq.h"
#include "lib.h"

#define AREA       (HOSTILE_FREE + 0x800000)
#define AREA_SIZE  0x20000u
#define RING_WORDS 2048u /* of 64 bits */

/* An address that is good, or one of those that are not. */
static uint64_t
any_address(struct hostile *h)
{
	switch (hostile_below(16)) {
	case 0:
		return h->ram_end - hostile_below(64);
	case 1:
		return h->high_end - hostile_below(64);
	case 2:
		return 0xe0000000 + hostile_below(0x1fffffff);
	case 3:
		return hostile_number() | 1ull << 40;
	case 4:
		return 0 - (uint64_t)hostile_below(8192);
	case 5:
	case 6:
		return HOSTILE_FREE + hostile_below(0x400000);
	default:
		return AREA + hostile_below(AREA_SIZE);
	}
}

/* Small ones that are no number of a page of ours, and some that are large. */
static uint32_t
any_length(void)
{
	static const uint32_t lens[] = {0, 1, 2, 4, 8, 10, 12, 16, 16, 16, 20,
	    24, 32, 48, 51, 60, 64, 108, 128, 144, 0x3000, 0x10000};

	if (hostile_below(24) == 0)
		return 0xfff00000 | (uint32_t)hostile_number();
	return lens[hostile_below(sizeof(lens) / sizeof(lens[0]))];
}

static void
any_descriptor(struct hostile *h, volatile struct virtq_desc *d)
{
	static const uint8_t flags[] = {
	    0, 0, 1, 1, 1, 2, 2, 2, 3, 3, 4, 4, 5, 6, 7};

	d->addr = any_address(h);
	d->len = any_length();
	/* What it takes for pages' numbers is never one of our own pages. */
	if (h->target->type == VIRTIO_BALLOON) {
		d->addr &= ~3ull;
		d->len &= ~3u;
	}
	d->flags = flags[hostile_below(sizeof(flags))];
	d->next = (uint16_t)hostile_below(hostile_below(8) == 0 ? 65536 : 32);
	if (d->flags & DESC_INDIRECT)
		d->len &= ~15u;
	/* A table that does not end is seldom of interest. */
	if (hostile_below(3) == 0)
		d->flags &= (uint16_t)~DESC_NEXT;
}

/* Headers, so that some requests get further than the first check. */
static void
any_data(volatile uint8_t *p)
{
	static const uint8_t starts[][4] = {{0, 0, 0, 0}, {1, 0, 0, 0},
	    {4, 0, 0, 0}, {8, 0, 0, 0}, {11, 0, 0, 0}, {13, 0, 0, 0},
	    {1, 0, 0, 0x12}, {0, 0x22, 0, 0}, {0xff, 0x23, 0, 0},
	    {0, 0x40, 0, 0}};
	const uint8_t *s = starts[hostile_below(10)];
	unsigned i;

	for (i = 0; i < 4; i++)
		p[i] = s[i];
}

static void
fill_area(struct hostile *h)
{
	volatile struct virtq_desc *d = (volatile struct virtq_desc *)AREA;
	unsigned i;

	memset((void *)AREA, 0, AREA_SIZE);
	for (i = 0; i < AREA_SIZE / sizeof(*d); i++)
		if (i % 64 < 48)
			any_descriptor(h, &d[i]);
		else
			any_data((volatile uint8_t *)&d[i]);
}

/* Somewhere in the area, aligned as it must be; or seldom somewhere else. */
static uint64_t
any_place(struct hostile *h, uint64_t align)
{
	if (hostile_below(40) == 0)
		return any_address(h);
	return AREA + (hostile_below(AREA_SIZE - 0x4000) & ~(align - 1));
}

/* A few heads that can be, and an index that says so, or not. */
static void
any_offers(uint64_t avail, unsigned size)
{
	volatile uint16_t *a = (volatile uint16_t *)avail;
	unsigned i;

	if (avail < AREA || avail >= AREA + AREA_SIZE)
		return;
	a[0] = (uint16_t)hostile_below(2);
	for (i = 0; i < size && i < 32; i++)
		a[2 + i] =
		    (uint16_t)hostile_below(hostile_below(64) == 0 ? 65536
			    : size < 32                            ? size
								   : 32);
	a[1] = (uint16_t)(hostile_below(16) == 0 ? hostile_number()
						 : hostile_below(size + 1));
}

static void
any_queue(struct hostile *h, unsigned index, uint64_t *avail)
{
	unsigned size = 1u << hostile_below(8);
	uint64_t desc;

	if (h->v.legacy) {
		desc = any_place(h, 4096);
		size = transport_queue_size(&h->v, index);
		*avail = desc + 16 * size;
	} else {
		desc = any_place(h, 16);
		*avail = any_place(h, 2);
		transport_resize(&h->v, index, (uint16_t)size);
	}
	transport_place(&h->v, index, desc, *avail, any_place(h, 4));
	transport_vector(&h->v, (uint16_t)hostile_below(8));
	any_offers(*avail, size);
}

/* While it reads them. */
static void
change(struct hostile *h, const uint64_t *avail)
{
	volatile struct virtq_desc *d = (volatile struct virtq_desc *)AREA;
	unsigned i, n = hostile_below(600), q;

	for (i = 0; i < n; i++) {
		any_descriptor(h, &d[hostile_below(AREA_SIZE / sizeof(*d))]);
		if (i % 128 != 0)
			continue;
		q = hostile_below(h->queues);
		any_offers(avail[q], 32);
		transport_kick(&h->v, q);
	}
}

/* A register or two, written with anything; BARs stay where they are. */
static void
any_register(struct hostile *h)
{
	unsigned off = hostile_below(0x38);
	uint32_t value = hostile_below(3) == 0 ? (uint32_t)hostile_number()
					       : hostile_below(300);

	if (h->v.legacy)
		out16((uint16_t)(h->v.port + (off & ~1u)), (uint16_t)value);
	else if (off % 4 == 0)
		mmio_w32(h->v.common + off, value);
	else if (off % 2 == 0)
		mmio_w16(h->v.common + off, (uint16_t)value);
	else
		mmio_w8(h->v.common + off, (uint8_t)value);
}

static void
round_once(struct hostile *h)
{
	uint64_t avail[VIRTIO_QUEUES];
	unsigned i;

	hostile_begin(h, hostile_below(4) == 0 ? hostile_number() : 0);
	fill_area(h);
	for (i = 0; i < h->queues; i++)
		any_queue(h, i, &avail[i]);
	transport_set_status(&h->v,
	    STATUS_ACK | STATUS_DRIVER | STATUS_DRIVER_OK |
		(h->v.legacy ? 0 : STATUS_FEATURES_OK));
	for (i = 0; i < h->queues; i++)
		transport_kick(&h->v, i);
	change(h, avail);
	if (hostile_below(4) == 0)
		for (i = 0; i < 4; i++)
			any_register(h);
	if (hostile_below(2) == 0)
		transport_status(&h->v);
}

/* With messages, which go to a vector that nobody waits for, or without. */
static void
choose_interrupts(struct hostile *h, int on)
{
	h->v.irq = on ? VIRTIO_MSIX : VIRTIO_POLL;
	transport_msix(&h->v, on);
	transport_config(&h->v);
}

int
hostile_random(struct hostile *h, unsigned rounds)
{
	unsigned i;

	hostile_guard();
	choose_interrupts(h, (int)hostile_below(2));
	for (i = 0; i < rounds && !console_interrupted(); i++) {
		round_once(h);
		if (i % 16 == 15 && (!hostile_guarded() || !hostile_works(h))) {
			print("%s: round %u\n", h->target->name, i);
			return -1;
		}
	}
	choose_interrupts(h, 0);
	return hostile_guarded() && hostile_works(h) ? (int)i : -1;
}
