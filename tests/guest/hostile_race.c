/*
 * hostile_race.c: a driver that does not wait: it changes descriptors, tables,
 * headers and indexes while the device, on other threads of the host, is
 * reading them, and takes queues away under it. What becomes of each request is
 * open; what is not: the device writes nowhere else, nothing after a reset, and
 * works after it.
 */
#include "console.h"
#include "hostile.h"
#include "irq.h"
#include "lib.h"
#include "cpu.h"

#define REQUESTS 8u
#define TURNS    400u /* changes a round */

static const uint64_t places[] = {HOSTILE_FREE + 0xd00000, 0xe8000000,
    0xfee00000, 0xffffffff, 0xffffffffffffffff, 1ull << 50, HOSTILE_DATA,
    HOSTILE_DATA + 4093, HOSTILE_TABLES, HOSTILE_DATA + 7 * HOSTILE_SLOT};
static const uint32_t lengths[] = {
    0, 1, 2, 7, 16, 17, 511, 4096, 0xffffffff, 0xf0000000};

/* One field of a descriptor; device writes go nowhere but to the data. */
static void
spoil(volatile struct virtq_desc *d)
{
	switch (hostile_below(4)) {
	case 0:
		d->addr =
		    places[hostile_below(sizeof(places) / sizeof(places[0]))];
		break;
	case 1:
		d->len = lengths[hostile_below(
		    sizeof(lengths) / sizeof(lengths[0]))];
		break;
	case 2:
		d->flags = (uint16_t)hostile_below(8);
		break;
	default:
		d->next = (uint16_t)hostile_below(40);
		break;
	}
}

static void
put_back(volatile struct virtq_desc *d, const struct virtq_desc *good)
{
	d->addr = good->addr;
	d->len = good->len;
	d->flags = good->flags;
	d->next = good->next;
}

/* Flips descriptors of a table, n of them, while the device goes on. */
static void
flip(struct hostile *h, volatile struct virtq_desc *table, unsigned n)
{
	struct virtq_desc good[REQUESTS * VIRTQ_PIECES];
	unsigned turn, i, k;

	memcpy(good, (const void *)(uintptr_t)table, n * sizeof(*good));
	for (turn = 0; turn < TURNS; turn++) {
		i = hostile_below(n);
		spoil(&table[i]);
		for (k = hostile_below(16); k > 0; k--)
			relax();
		put_back(&table[i], &good[i]);
		if (turn % 64 == 63) {
			/* The same ones again, done or not. */
			h->ring.avail[1] = (uint16_t)(h->ring.avail[1] + 1);
			hostile_kick(h);
		}
	}
}

static void
flip_chains(struct hostile *h, unsigned n)
{
	flip(h, h->ring.desc, n);
}

/* Every chain by a table of its own; the tables are what flips. */
static void
flip_tables(struct hostile *h, unsigned n)
{
	volatile struct virtq_desc *t =
	    (volatile struct virtq_desc *)HOSTILE_TABLES;

	memcpy((void *)HOSTILE_TABLES, (const void *)(uintptr_t)h->ring.desc,
	    n * sizeof(*t));
	hostile_put(h, 0, HOSTILE_TABLES, n * 16, DESC_INDIRECT, 0);
	flip(h, t, n);
}

static void
flip_index(struct hostile *h, unsigned n)
{
	unsigned turn;

	for (turn = 0; turn < TURNS; turn++) {
		h->ring.avail[1] =
		    (uint16_t)(h->ring.avail[1] + hostile_below(6));
		h->ring.avail[2 + hostile_below(h->ring.size)] =
		    (uint16_t)hostile_below(n + 2);
		relax();
		if (turn % 64 == 0)
			hostile_kick(h);
	}
}

/* What the device is told in the requests themselves. */
static void
flip_data(struct hostile *h, unsigned n)
{
	volatile uint8_t *data;
	unsigned turn;

	for (turn = 0; turn < TURNS * 4; turn++) {
		data = (volatile uint8_t *)(HOSTILE_DATA +
		    hostile_below(REQUESTS) * HOSTILE_SLOT);
		/* Of a page's number the upper half: not to a page of ours. */
		if (h->target->type == VIRTIO_BALLOON)
			data += 2 + hostile_below(2);
		else
			data += hostile_below(64);
		*data ^= (uint8_t)(1u << hostile_below(8));
	}
}

/* Registers, while requests are on their way. */
static void
write_config(struct hostile *h, unsigned n)
{
	uint64_t at = h->v.config;
	unsigned i;

	for (i = 0; at != 0 && i < 24; i++) {
		unsigned off = hostile_below(60);

		if (h->v.legacy)
			out8((uint16_t)(at + off), (uint8_t)hostile_number());
		else if (off % 4 == 0)
			mmio_w32(at + off, (uint32_t)hostile_number());
		else
			mmio_w8(at + off, (uint8_t)hostile_number());
		if (i % 8 == 0)
			hostile_kick(h);
	}
}

static uint64_t
checksum(void)
{
	const volatile uint64_t *p = (const volatile uint64_t *)HOSTILE_RINGS;
	uint64_t sum = 0;

	for (; p < (const volatile uint64_t *)HOSTILE_LAST; p++)
		sum = sum * 31 + *p;
	return sum;
}

/* The queue is taken away at any moment. Whether it then stays away. */
static int
reset_within(struct hostile *h)
{
	unsigned k = hostile_below(3000);
	uint64_t sum, end;

	while (k-- > 0)
		relax();
	transport_reset(&h->v);
	sum = checksum();
	end = time_now() + 200;
	while (time_now() < end)
		relax();
	if (sum == checksum())
		return 1;
	print("the device wrote after its reset\n");
	return 0;
}

static void (*const kinds[])(struct hostile *h, unsigned n) = {
    flip_chains, flip_tables, flip_index, flip_data, write_config, NULL};

static int
race_once(struct hostile *h, unsigned kind)
{
	unsigned slot, n = 0;

	hostile_start(h, 0);
	for (slot = 0; slot < REQUESTS && n + VIRTQ_PIECES <= h->ring.size;
	     slot++)
		n = hostile_good(h, slot, n);
	hostile_kick(h);
	if (kinds[kind] != NULL)
		kinds[kind](h, n);
	return reset_within(h) && hostile_guarded();
}

int
hostile_race(struct hostile *h, unsigned rounds)
{
	unsigned i, all = sizeof(kinds) / sizeof(kinds[0]);

	hostile_guard();
	for (i = 0; i < rounds; i++)
		if (!race_once(h, i % all) ||
		    (i % (2 * all) == all && !hostile_works(h))) {
			print("%s: race %u\n", h->target->name, i);
			return -1;
		}
	return hostile_works(h) ? (int)rounds : -1;
}
