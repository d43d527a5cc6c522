#include <endian.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/block/walk.h"

#define OFFSET     0x00fffffffffffe00ULL
#define COPIED     (1ULL << 63)
#define COMPRESSED (1ULL << 62)
#define ZERO       1ULL
#define SECTOR     512u

static uint64_t
be64(const struct walk *w, uint64_t at)
{
	uint64_t v = 0;

	if (at < w->len && w->len - at >= sizeof v)
		memcpy(&v, w->image + at, sizeof v);
	return be64toh(v);
}

static uint32_t
be32(const struct walk *w, uint64_t at)
{
	uint32_t v = 0;

	if (at < w->len && w->len - at >= sizeof v)
		memcpy(&v, w->image + at, sizeof v);
	return be32toh(v);
}

static void __attribute__((format(printf, 2, 3)))
corrupt(struct walk *w, const char *fmt, ...)
{
	va_list ap;

	if (w->corruptions++ > 0)
		return;
	va_start(ap, fmt);
	vsnprintf(w->first, sizeof w->first, fmt, ap);
	va_end(ap);
}

/* One more reference to each cluster of these bytes. */
static void
refer(struct walk *w, uint64_t at, uint64_t len, const char *what)
{
	uint64_t i = at >> w->bits, end;

	if (len == 0)
		return;
	end = (at + len - 1) >> w->bits;
	if (end >= w->clusters) {
		corrupt(w, "%s at %#llx lies outside the file", what,
		    (unsigned long long)at);
		return;
	}
	for (; i <= end; i++)
		w->refs[i]++;
}

static uint64_t
refcount(const struct walk *w, uint64_t cluster)
{
	unsigned per_block = w->bits + 3 - w->order;
	uint64_t slot = cluster >> per_block, in, block, at;
	unsigned bits = 1u << w->order;

	if (slot >= w->table_len / 8)
		return 0;
	block = be64(w, w->table_offset + 8 * slot) & ~0x1ffULL;
	if (block == 0)
		return 0;
	in = cluster & ((1ULL << per_block) - 1);
	if (bits < 8) {
		at = block + in * bits / 8;
		if (at >= w->len)
			return 0;
		return w->image[at] >> (in * bits % 8) & ((1u << bits) - 1);
	}
	at = block + in * bits / 8;
	if (at >= w->len || w->len - at < bits / 8)
		return 0;
	switch (bits) {
	case 8:
		return w->image[at];
	case 16:
		return (uint64_t)w->image[at] << 8 | w->image[at + 1];
	case 32:
		return be32(w, at);
	default:
		return be64(w, at);
	}
}

static unsigned
entry_size(const struct walk *w)
{
	return w->extended ? 16 : 8;
}

static void
check_copied(struct walk *w, uint64_t entry, uint64_t at, const char *what)
{
	uint64_t n = refcount(w, at >> w->bits);

	if (!w->dirty && (n == 1) != ((entry & COPIED) != 0))
		corrupt(w, "%s at %#llx: refcount %llu, COPIED %d", what,
		    (unsigned long long)at, (unsigned long long)n,
		    (entry & COPIED) != 0);
}

static void
refer_compressed(struct walk *w, uint64_t entry)
{
	unsigned x = 62 - (w->bits - 8);
	uint64_t at = entry & ((1ULL << x) - 1);
	uint64_t sectors = (entry >> x & ((1ULL << (w->bits - 8)) - 1)) + 1;
	uint64_t end = (at & ~511ULL) + sectors * SECTOR;

	if (end > w->clusters << w->bits)
		end = w->clusters << w->bits;
	if (at >= end)
		corrupt(w, "compressed data at %#llx outside the file",
		    (unsigned long long)at);
	else
		refer(w, at, end - at, "compressed data");
}

/* active: of the disk itself, whose COPIED flags count. */
static void
walk_l2(struct walk *w, uint64_t table, bool active)
{
	uint64_t n = 1ULL << w->bits, i, entry, at;

	for (i = 0; i < n; i += entry_size(w)) {
		entry = be64(w, table + i);
		if ((entry & COMPRESSED) != 0) {
			refer_compressed(w, entry);
			continue;
		}
		at = entry & OFFSET;
		if (at == 0 || w->data != NULL)
			continue;
		if ((at & ((1ULL << w->bits) - 1)) != 0)
			corrupt(w, "data at %#llx between clusters",
			    (unsigned long long)at);
		refer(w, at, 1ULL << w->bits, "data");
		if (active)
			check_copied(w, entry, at, "data");
	}
}

static void
walk_l1(struct walk *w, uint64_t l1, uint32_t size, bool active)
{
	uint64_t entry, at;
	uint32_t i;

	refer(w, l1, 8ULL * size, "an L1 table");
	for (i = 0; i < size; i++) {
		entry = be64(w, l1 + 8ULL * i);
		at = entry & OFFSET;
		if (at == 0)
			continue;
		refer(w, at, 1ULL << w->bits, "an L2 table");
		if (active)
			check_copied(w, entry, at, "an L2 table");
		walk_l2(w, at, active);
	}
}

static void
walk_snapshots(struct walk *w, uint64_t at, uint32_t n)
{
	uint64_t begin = at, extra, names;

	for (; n > 0; n--) {
		walk_l1(w, be64(w, at), be32(w, at + 8), false);
		extra = be32(w, at + 36);
		names = (be32(w, at + 12) >> 16) + (be32(w, at + 12) & 0xffff);
		at = (at + 40 + extra + names + 7) & ~7ULL;
	}
	refer(w, begin, at - begin, "the snapshot table");
}

static void
walk_refcounts(struct walk *w)
{
	uint64_t i, at;

	refer(w, w->table_offset, w->table_len, "the refcount table");
	for (i = 0; i < w->table_len; i += 8) {
		at = be64(w, w->table_offset + i) & ~0x1ffULL;
		if (at != 0)
			refer(w, at, 1ULL << w->bits, "a refcount block");
	}
}

static void
compare(struct walk *w)
{
	uint64_t i, n;

	for (i = 0; i < w->clusters; i++) {
		n = refcount(w, i);
		if (n < w->refs[i] && !w->dirty)
			corrupt(w,
			    "cluster at %#llx has %u references and "
			    "refcount %llu",
			    (unsigned long long)i << w->bits, w->refs[i],
			    (unsigned long long)n);
		else if (n > w->refs[i])
			w->leaks++;
	}
}

static int
refuse(struct walk *w, const char *why)
{
	corrupt(w, "%s", why);
	return -1;
}

int
walk_image(struct walk *w)
{
	uint64_t features = 0;
	uint32_t version = be32(w, 4);

	w->corruptions = w->leaks = 0;
	w->first[0] = '\0';
	w->refs = NULL;
	if (be32(w, 0) != 0x514649fb || (version != 2 && version != 3))
		return refuse(w, "no qcow2 header");
	w->bits = be32(w, 20);
	if (w->bits < 9 || w->bits > 21)
		return refuse(w, "no such cluster size");
	w->size = be64(w, 24);
	w->l1_size = be32(w, 36);
	w->l1_offset = be64(w, 40);
	w->table_offset = be64(w, 48);
	w->table_len = (uint64_t)be32(w, 56) << w->bits;
	w->order = 4;
	if (version == 3) {
		features = be64(w, 72);
		w->order = be32(w, 96);
	}
	if (w->order > 6)
		return refuse(w, "no such refcount width");
	w->dirty = (features & 1) != 0;
	if ((features & 2) != 0)
		corrupt(w, "it is marked corrupt");
	w->extended = (features & 16) != 0;
	w->clusters = (w->len + (1ULL << w->bits) - 1) >> w->bits;
	w->refs = calloc(w->clusters + 1, sizeof *w->refs);
	if (w->refs == NULL)
		return refuse(w, "no memory");
	refer(w, 0, 1, "the header");
	walk_refcounts(w);
	walk_l1(w, w->l1_offset, w->l1_size, true);
	if (be32(w, 60) > 0)
		walk_snapshots(w, be64(w, 64), be32(w, 60));
	compare(w);
	return 0;
}

void
walk_free(struct walk *w)
{
	free(w->refs);
	w->refs = NULL;
}

/* Bytes of a file, zeroes beyond its end. */
static void
copy(const uint8_t *from, uint64_t len, uint64_t at, uint8_t *to, uint64_t n)
{
	uint64_t have = at >= len ? 0 : len - at < n ? len - at : n;

	memcpy(to, from + (have > 0 ? at : 0), have);
	memset(to + have, 0, n - have);
}

static void
read_sector(const struct walk *w, uint64_t offset, uint8_t *to)
{
	unsigned per_table = w->bits - (w->extended ? 4 : 3), sub;
	uint64_t cluster = offset >> w->bits, l2, entry, bitmap, at;
	uint64_t in = offset & ((1ULL << w->bits) - 1);
	bool zero, there;

	l2 = be64(w, w->l1_offset + 8 * (cluster >> per_table)) & OFFSET;
	at = l2 + entry_size(w) * (cluster & ((1ULL << per_table) - 1));
	entry = l2 == 0 ? 0 : be64(w, at);
	bitmap = l2 == 0 || !w->extended ? 0 : be64(w, at + 8);
	/* Host offset 0 is data's first cluster where data is elsewhere. */
	there = (entry & OFFSET) != 0 || (w->data != NULL && (entry & COPIED));
	zero = (entry & ZERO) != 0;
	if (w->extended) {
		sub = (unsigned)(in >> (w->bits - 5));
		there = (bitmap >> sub & 1) != 0;
		zero = (bitmap >> (sub + 32) & 1) != 0;
	}
	if (zero)
		memset(to, 0, SECTOR);
	else if (there && w->data != NULL)
		copy(w->data, w->data_len, (entry & OFFSET) + in, to, SECTOR);
	else if (there)
		copy(w->image, w->len, (entry & OFFSET) + in, to, SECTOR);
	else if (w->backing != NULL)
		copy(w->backing, w->backing_len, offset, to, SECTOR);
	else
		memset(to, 0, SECTOR);
}

void
walk_read(const struct walk *w, uint64_t offset, uint8_t *to, uint64_t len)
{
	for (; len >= SECTOR; len -= SECTOR, offset += SECTOR, to += SECTOR)
		read_sector(w, offset, to);
}
