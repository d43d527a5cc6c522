/*
 * hostile_cases.c: descriptors and rings that break the rules, each on a device
 * that has just been reset and is to work after the next reset.
 */
#include "console.h"
#include "cpu.h"
#include "hostile.h"
#include "lib.h"
#include "pci.h"

/* What is to come of it. */
enum want {
	BROKEN, /* NEEDS_RESET */
	SERVED,
	EITHER, /* one of both */
	ANYTHING /* also nothing at all */
};

/* What an address counts from. */
enum base { ZERO, RAM_END, HIGH_END, BAR, RING, DATA };

#define MODERN  1 /* the legacy face cannot say it */
#define PLAIN   2 /* without VIRTIO_F_INDIRECT_DESC */
#define PLACES  4 /* the case enables the queue, or does not */
#define CHANGED 8 /* the device may write where the rings are */

struct hostile_case {
	const char *name;
	void (*lay)(struct hostile *h, const struct hostile_case *c);
	enum want want;
	unsigned flags;
	enum base base;
	uint64_t at;
	uint32_t len;
};

static uint64_t
address(const struct hostile *h, const struct hostile_case *c)
{
	switch (c->base) {
	case RAM_END:
		return h->ram_end + c->at;
	case HIGH_END:
		return h->high_end + c->at;
	case BAR:
		return pci_read32(h->v.pci, PCI_BAR0 + 16) / 16 * 16 + c->at;
	case RING:
		return (uintptr_t)h->ring.desc + c->at;
	case DATA:
		return HOSTILE_DATA + c->at;
	default:
		return c->at;
	}
}

/* DESC_WRITE if the target's requests begin with a buffer to write to. */
static unsigned
direction(const struct hostile *h)
{
	struct hostile_request r = {.out = 0};

	h->target->good((uint8_t *)HOSTILE_DATA, &r);
	return r.out > 0 ? 0 : DESC_WRITE;
}

static void
buffer(struct hostile *h, const struct hostile_case *c)
{
	hostile_put(h, 0, address(h, c), c->len, direction(h), 0);
	hostile_offer(h, 0);
}

/* The same at the end of a good request. */
static void
last_buffer(struct hostile *h, const struct hostile_case *c)
{
	unsigned i = hostile_good(h, 0, 0);

	h->ring.desc[i - 1].flags |= DESC_NEXT;
	h->ring.desc[i - 1].next = (uint16_t)i;
	hostile_put(h, i, address(h, c), c->len, DESC_WRITE, 0);
}

/* len descriptors, the last of which leads on to the one at. */
static void
chain(struct hostile *h, const struct hostile_case *c)
{
	unsigned i, n = c->len != 0 ? c->len : h->ring.size;

	for (i = 0; i < n; i++)
		hostile_put(h, i, HOSTILE_DATA + i, 1, direction(h) | DESC_NEXT,
		    i + 1 < n ? i + 1 : (unsigned)c->at);
	hostile_offer(h, 0);
}

/* To a descriptor behind the table: at is how far. */
static void
next_beyond(struct hostile *h, const struct hostile_case *c)
{
	hostile_put(h, 0, HOSTILE_DATA, 1, direction(h) | DESC_NEXT,
	    h->ring.size + (unsigned)c->at);
	hostile_offer(h, 0);
}

static void
head_beyond(struct hostile *h, const struct hostile_case *c)
{
	hostile_good(h, 0, 0);
	h->ring.avail[2] = (uint16_t)(h->ring.size + c->at);
}

static void
index_jumps(struct hostile *h, const struct hostile_case *c)
{
	hostile_good(h, 0, 0);
	h->ring.avail[1] = (uint16_t)(h->ring.size + c->at);
}

static void
twice(struct hostile *h, const struct hostile_case *c)
{
	hostile_good(h, 0, 0);
	hostile_offer(h, 0);
}

/* What is to be read can be written and the other way round. */
static void
other_way(struct hostile *h, const struct hostile_case *c)
{
	unsigned i, n = hostile_good(h, 0, 0);

	for (i = 0; i < n; i++)
		h->ring.desc[i].flags ^= DESC_WRITE;
}

static void
wrong_order(struct hostile *h, const struct hostile_case *c)
{
	hostile_put(h, 0, HOSTILE_DATA, 8, DESC_WRITE | DESC_NEXT, 1);
	hostile_put(h, 1, HOSTILE_DATA + 8, 8, 0, 0);
	hostile_offer(h, 0);
}

/* A good request whose descriptor at has another length. */
static void
length(struct hostile *h, const struct hostile_case *c)
{
	unsigned n = hostile_good(h, 0, 0), i = c->at < n ? (unsigned)c->at : 0;

	h->ring.desc[i].len = c->len;
}

/* Descriptors of no bytes anywhere, between those of a good request. */
static void
empty_ones(struct hostile *h, const struct hostile_case *c)
{
	struct hostile_request r = {.out = 0};
	unsigned i, n, d = 0;

	h->target->good((uint8_t *)HOSTILE_DATA, &r);
	n = r.out + r.in;
	for (i = 0; i < n; i++) {
		unsigned write = i >= r.out ? DESC_WRITE : 0;

		hostile_put(h, d, 0xffffffffffffull + c->at, 0,
		    write | DESC_NEXT, d + 1);
		d++;
		hostile_put(h, d, (uintptr_t)r.piece[i].data, r.piece[i].len,
		    write | (i + 1 < n ? DESC_NEXT : 0u), d + 1);
		d++;
	}
	hostile_offer(h, 0);
}

/* ---- indirect tables ---- */

/* A good request as a table there; returns the bytes of it. */
static uint32_t
table(struct hostile *h, uint64_t at)
{
	volatile struct virtq_desc *t = (volatile struct virtq_desc *)at;
	unsigned i, n = hostile_good(h, 0, 0);

	for (i = 0; i < n; i++) {
		t[i].addr = h->ring.desc[i].addr;
		t[i].len = h->ring.desc[i].len;
		t[i].flags = h->ring.desc[i].flags;
		t[i].next = h->ring.desc[i].next;
	}
	return n * 16;
}

/* A good one; at: how the table lies, len: its flags. */
static void
indirect(struct hostile *h, const struct hostile_case *c)
{
	uint32_t len = table(h, HOSTILE_TABLES + c->at);

	hostile_put(h, 0, HOSTILE_TABLES + c->at, len, c->len, 1);
	/* Where DESC_NEXT leads to, if it leads anywhere. */
	hostile_put(h, 1, HOSTILE_DATA, 1, DESC_WRITE, 0);
}

/* A table of that many bytes at that place. */
static void
indirect_at(struct hostile *h, const struct hostile_case *c)
{
	table(h, HOSTILE_TABLES);
	hostile_put(h, 0, address(h, c), c->len, DESC_INDIRECT, 0);
}

static void
indirect_nested(struct hostile *h, const struct hostile_case *c)
{
	volatile struct virtq_desc *t =
	    (volatile struct virtq_desc *)HOSTILE_TABLES;
	uint32_t len = table(h, HOSTILE_TABLES);

	t[0].addr = HOSTILE_TABLES;
	t[0].len = 16;
	t[0].flags = DESC_INDIRECT;
	hostile_put(h, 0, HOSTILE_TABLES, len, DESC_INDIRECT, 0);
}

/* A table whose first descriptor leads to the one at. */
static void
indirect_chain(struct hostile *h, const struct hostile_case *c)
{
	volatile struct virtq_desc *t =
	    (volatile struct virtq_desc *)HOSTILE_TABLES;
	uint32_t len = table(h, HOSTILE_TABLES);

	t[0].flags |= DESC_NEXT;
	t[0].next = (uint16_t)c->at;
	hostile_put(h, 0, HOSTILE_TABLES, len, DESC_INDIRECT, 0);
}

/* The longest there is, of one byte each: too many buffers. */
static void
indirect_long(struct hostile *h, const struct hostile_case *c)
{
	volatile struct virtq_desc *t =
	    (volatile struct virtq_desc *)HOSTILE_TABLES;
	unsigned i, n = c->len / 16;

	hostile_good(h, 0, 0);
	for (i = 0; i < n && i < HOSTILE_TABLE / 16; i++) {
		t[i].addr = HOSTILE_DATA;
		t[i].len = 1;
		t[i].flags =
		    (uint16_t)(direction(h) | (i + 1 < n ? DESC_NEXT : 0u));
		t[i].next = (uint16_t)(i + 1);
	}
	hostile_put(h, 0, HOSTILE_TABLES, c->len, DESC_INDIRECT, 0);
}

/* Its own descriptor table as the indirect one. */
static void
indirect_itself(struct hostile *h, const struct hostile_case *c)
{
	hostile_good(h, 0, 0);
	hostile_put(
	    h, 0, (uintptr_t)h->ring.desc, 16 * h->ring.size, DESC_INDIRECT, 0);
}

/* The last descriptor of a chain is a table. */
static void
indirect_last(struct hostile *h, const struct hostile_case *c)
{
	unsigned n;

	table(h, HOSTILE_TABLES);
	n = (unsigned)direction(h);
	hostile_put(h, 0, HOSTILE_DATA, 1, n | DESC_NEXT, 1);
	hostile_put(h, 1, HOSTILE_TABLES, 16, DESC_INDIRECT, 0);
}

/* ---- rings ---- */

/* One part of it somewhere else: len says which. */
static void
place(struct hostile *h, const struct hostile_case *c)
{
	uint64_t part[3] = {(uintptr_t)h->ring.desc, (uintptr_t)h->ring.avail,
	    (uintptr_t)h->ring.used};

	hostile_good(h, 0, 0);
	part[c->len] = address(h, c);
	if (!h->v.legacy)
		transport_resize(&h->v, h->ring.index, (uint16_t)h->ring.size);
	transport_place(&h->v, h->ring.index, part[0], part[1], part[2]);
}

/* The whole ring in high memory, or where its last byte is the RAM's. */
static void
place_all(struct hostile *h, const struct hostile_case *c)
{
	uint64_t at = address(h, c);

	if (at >= 0xc0000000 && at < 0x100000000)
		at = h->ram_end + c->at; /* there is no high memory */
	if (cpu_map(at) != 0)
		return;
	h->ring.desc = (volatile struct virtq_desc *)at;
	h->ring.avail = (volatile uint16_t *)(at + 4096);
	h->ring.used = (volatile uint16_t *)(h->ram_end - 8 - 8 * h->ring.size);
	memset((void *)at, 0, 8192);
	memset((void *)(uintptr_t)h->ring.used, 0, 8 + 8 * h->ring.size);
	hostile_ring_enable(h);
	hostile_good(h, 0, 0);
}

/* A size that is none, and one over the limit, are as if not written. */
static void
sizes(struct hostile *h, const struct hostile_case *c)
{
	unsigned before = transport_queue_size(&h->v, h->ring.index), i;
	uint16_t bad[] = {0, 3, 0xffff, (uint16_t)(before * 2),
	    (uint16_t)(before + 1), (uint16_t)(before - 1)};

	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		transport_resize(&h->v, h->ring.index, bad[i]);
		if (transport_queue_size(&h->v, h->ring.index) != before)
			return;
	}
	h->ring.size = 1; /* of one descriptor: it cannot hold a request */
	hostile_ring_enable(h);
	h->ring.desc[0].addr = HOSTILE_DATA;
	h->ring.desc[0].len = 8;
	h->ring.desc[0].flags = DESC_NEXT;
	h->ring.desc[0].next = 1;
	hostile_offer(h, 0);
}

/* Enabled a second time, elsewhere: it stays where it was. */
static void
enabled_twice(struct hostile *h, const struct hostile_case *c)
{
	hostile_ring_enable(h);
	transport_resize(&h->v, h->ring.index, 2);
	transport_place(&h->v, h->ring.index, h->ram_end, 1, 3);
	hostile_good(h, 0, 0);
}

/* DRIVER_OK without a queue, after doorbells of queues that there are not. */
static void
no_queue(struct hostile *h, const struct hostile_case *c)
{
	unsigned i;

	hostile_good(h, 0, 0);
	for (i = 0; i < 20; i++)
		transport_kick(&h->v, i);
	transport_kick(&h->v, h->v.legacy ? 0xffff : 0x3ff);
}

#define BEYOND(what, where, from, bytes)                                   \
	{what, buffer, BROKEN, 0, where, from, bytes},                     \
	{                                                                  \
		what " (last)", last_buffer, BROKEN, 0, where, from, bytes \
	}

static const struct hostile_case cases[] = {
    {"a descriptor after itself", chain, BROKEN, 0, ZERO, 0, 1},
    {"two that go in a circle", chain, BROKEN, 0, ZERO, 0, 2},
    {"a circle with a way in", chain, BROKEN, 0, ZERO, 2, 5},
    {"all of them in a circle", chain, BROKEN, 0, ZERO, 0, 0},
    {"one behind the table", next_beyond, BROKEN, 0, ZERO, 0, 0},
    {"one far behind it", next_beyond, BROKEN, 0, ZERO, 0x7fff, 0},
    {"a head behind the table", head_beyond, BROKEN, 0, ZERO, 0, 0},
    {"a head far behind it", head_beyond, BROKEN, 0, ZERO, 0x7fff, 0},
    {"the index jumps by one too much", index_jumps, BROKEN, 0, ZERO, 1, 0},
    {"the index jumps far", index_jumps, BROKEN, 0, ZERO, 0x7000, 0},
    {"the index goes back", index_jumps, BROKEN, 0, ZERO, 0xfe00, 0},
    {"a request twice", twice, EITHER, 0, ZERO, 0, 0},
    BEYOND("4 GiB in a buffer", DATA, 0, 0xffffffff),
    BEYOND("a buffer around the end of the world", ZERO, -4096ull, 8192),
    BEYOND("the last byte of the world", ZERO, -1ull, 1),
    BEYOND("in the hole", ZERO, 0xe8000000, 512),
    BEYOND("one byte of the hole", RAM_END, -1ull, 2),
    BEYOND("from the hole into memory", ZERO, 0xffffffff, 2),
    BEYOND("one byte behind all", HIGH_END, -1ull, 2),
    BEYOND("behind all memory", HIGH_END, 0, 1),
    BEYOND("far behind all memory", ZERO, 1ull << 51, 1),
    BEYOND("registers of its own", BAR, 0, 56),
    BEYOND("its doorbell", BAR, 0x3000, 4),
    BEYOND("the local APIC", ZERO, 0xfee00000, 4),
    BEYOND("the IO-APIC", ZERO, 0xfec00000, 4),
    BEYOND("the firmware", ZERO, 0xffff0000, 0x10000),
    {"the last byte of memory", buffer, EITHER, 0, RAM_END, -1ull, 1},
    {"the last byte of high memory", buffer, EITHER, 0, HIGH_END, -1ull, 1},
    {"its own rings as buffer", buffer, EITHER, CHANGED, RING, 0, 64},
    {"the other way round", other_way, EITHER, 0, ZERO, 0, 0},
    {"to be read after to be written", wrong_order, BROKEN, 0, ZERO, 0, 0},
    {"no byte", length, EITHER, 0, ZERO, 0, 0},
    {"one byte", length, EITHER, 0, ZERO, 0, 1},
    {"a byte too many", length, EITHER, 0, ZERO, 0, 57},
    {"a page", length, EITHER, 0, ZERO, 0, 4096},
    {"no second byte", length, EITHER, 0, ZERO, 1, 0},
    {"an odd second one", length, EITHER, 0, ZERO, 1, 77},
    {"no third byte", length, EITHER, 0, ZERO, 2, 0},
    {"many third bytes", length, EITHER, 0, ZERO, 2, 4095},
    {"empty ones between", empty_ones, SERVED, 0, ZERO, 0, 0},
    {"a table", indirect, SERVED, 0, ZERO, 0, DESC_INDIRECT},
    {"a table at an odd place", indirect, SERVED, 0, ZERO, 13, DESC_INDIRECT},
    {"a table to be written", indirect, EITHER, 0, ZERO, 0,
	DESC_INDIRECT | DESC_WRITE},
    {"a table and more", indirect, BROKEN, 0, ZERO, 0,
	DESC_INDIRECT | DESC_NEXT},
    {"a table that was not agreed on", indirect, BROKEN, PLAIN, ZERO, 0,
	DESC_INDIRECT},
    {"a table of no byte", indirect_at, BROKEN, 0, DATA, 0, 0},
    {"a table of half a descriptor", indirect_at, BROKEN, 0, DATA, 0, 8},
    {"a table of one and a half", indirect_at, BROKEN, 0, DATA, 0, 24},
    {"a table of 4 GiB", indirect_at, BROKEN, 0, DATA, 0, 0xfffffff0},
    {"a table of 1025", indirect_at, BROKEN, 0, DATA, 0, 1025 * 16},
    {"a table in the hole", indirect_at, BROKEN, 0, ZERO, 0xe8000000, 16},
    {"a table at the end", indirect_at, BROKEN, 0, RAM_END, -16ull, 32},
    {"a table in the registers", indirect_at, BROKEN, 0, BAR, 0, 16},
    {"a table around the world", indirect_at, BROKEN, 0, ZERO, -16ull, 32},
    {"a table in a table", indirect_nested, BROKEN, 0, ZERO, 0, 0},
    {"a table that is a circle", indirect_chain, BROKEN, 0, ZERO, 0, 0},
    {"one behind a table", indirect_chain, BROKEN, 0, ZERO, 5, 0},
    {"one far behind a table", indirect_chain, BROKEN, 0, ZERO, 0xffff, 0},
    {"a table of 1024", indirect_long, EITHER, 0, ZERO, 0, 1024 * 16},
    {"a table of 257", indirect_long, EITHER, 0, ZERO, 0, 257 * 16},
    {"the ring as table", indirect_itself, BROKEN, 0, ZERO, 0, 0},
    {"a table at the end of a chain", indirect_last, EITHER, 0, ZERO, 0, 0},
    {"descriptors at the end of memory", place, BROKEN, PLACES, RAM_END, 0, 0},
    {"descriptors in the hole", place, BROKEN, PLACES, ZERO, 0xe8000000, 0},
    {"descriptors in the registers", place, BROKEN, PLACES, BAR, 0, 0},
    {"descriptors in the APIC", place, BROKEN, PLACES, ZERO, 0xfee00000, 0},
    {"descriptors in the firmware", place, BROKEN, PLACES, ZERO, 0xffffe000, 0},
    {"descriptors far away", place, BROKEN, PLACES, ZERO, 0xffffffff000, 0},
    {"half the ring at the end", place, BROKEN, PLACES, RAM_END, -256ull, 0},
    {"a crooked table", place, BROKEN, PLACES | MODERN, DATA, 8, 0},
    {"a crooked available ring", place, BROKEN, PLACES | MODERN, DATA, 1, 1},
    {"a crooked used ring", place, BROKEN, PLACES | MODERN, DATA, 2, 2},
    {"no available ring", place, BROKEN, PLACES | MODERN, RAM_END, 0, 1},
    {"half an available ring", place, BROKEN, PLACES | MODERN, RAM_END, -4ull,
	1},
    {"no used ring", place, BROKEN, PLACES | MODERN, RAM_END, 0, 2},
    {"half a used ring", place, BROKEN, PLACES | MODERN, RAM_END, -8ull, 2},
    {"the used ring in the registers", place, BROKEN, PLACES | MODERN, BAR,
	0x1000, 2},
    {"the used ring around the world", place, BROKEN, PLACES | MODERN, ZERO,
	-4ull, 2},
    {"used over the descriptors", place, ANYTHING, PLACES | MODERN | CHANGED,
	RING, 0, 2},
    {"used over the available ring", place, ANYTHING, PLACES | MODERN | CHANGED,
	RING, 16 * 32, 2},
    {"used over the data", place, ANYTHING, PLACES | MODERN | CHANGED, DATA, 0,
	2},
    {"descriptors over data", place, ANYTHING, PLACES | CHANGED, DATA, 0, 0},
    {"available over data", place, ANYTHING, PLACES | MODERN | CHANGED, DATA, 0,
	1},
    {"a ring that ends with the memory", place_all, SERVED, PLACES | MODERN,
	RAM_END, -0x10000ull, 0},
    {"a ring in high memory", place_all, SERVED, PLACES | MODERN, HIGH_END,
	-0x10000ull, 0},
    {"sizes", sizes, BROKEN, PLACES | MODERN, ZERO, 0, 0},
    {"enabled twice", enabled_twice, SERVED, PLACES | MODERN, ZERO, 0, 0},
    {"no queue at all", no_queue, ANYTHING, PLACES, ZERO, 0, 0},
};

/* The rings as they were left for the device: what it may not write. */
static uint8_t kept[16 * 1024 + 1024];

static unsigned
ring_bytes(const struct hostile *h)
{
	unsigned n = 16 * h->ring.size + 4 + 2 * h->ring.size;

	return n < sizeof(kept) ? n : (unsigned)sizeof(kept);
}

/* Whether the device did with it what is wanted. */
static int
judge(struct hostile *h, const struct hostile_case *c)
{
	enum want want = c->want;
	enum hostile_outcome was;
	unsigned silent = HOSTILE_QUIET | HOSTILE_TWO;

	if (want != BROKEN && (h->target->flags & silent))
		want = ANYTHING;
	if (want == ANYTHING || (h->target->flags & HOSTILE_ASLEEP)) {
		transport_status(&h->v);
		return 1;
	}
	was = hostile_wait(h, 1);
	if (was != HOSTILE_NOTHING &&
	    (want == EITHER || (want == BROKEN) == (was == HOSTILE_BROKEN)))
		return 1;
	print("%s\n",
	    was == HOSTILE_NOTHING      ? "nothing comes of it"
		: was == HOSTILE_BROKEN ? "it is refused"
					: "it is served");
	return 0;
}

static int
try(struct hostile *h, const struct hostile_case *c)
{
	unsigned size = h->ring.size;
	int ok;

	hostile_begin(
	    h, VIRTIO_F_EVENT_IDX | (c->flags & PLAIN ? VIRTIO_F_INDIRECT : 0));
	hostile_ring_clear(h);
	if (!(c->flags & PLACES))
		hostile_ring_enable(h);
	c->lay(h, c);
	memcpy(kept, (const void *)(uintptr_t)h->ring.desc, ring_bytes(h));
	hostile_ready(h);
	hostile_kick(h);
	ok = judge(h, c);
	if (!(c->flags & CHANGED) &&
	    memcmp(kept, (const void *)(uintptr_t)h->ring.desc,
		ring_bytes(h)) != 0) {
		print("the device wrote to the driver's rings\n");
		ok = 0;
	}
	h->ring.size = size;
	return ok && hostile_guarded() && hostile_works(h);
}

int
hostile_cases(struct hostile *h, unsigned every)
{
	unsigned i = hostile_below(every);
	int n = 0;

	hostile_guard();
	for (; i < sizeof(cases) / sizeof(cases[0]); i += every) {
		if ((cases[i].flags & MODERN) && h->v.legacy)
			continue;
		if (!try(h, &cases[i])) {
			print("%s: %s\n", h->target->name, cases[i].name);
			return -1;
		}
		n++;
	}
	return n;
}
