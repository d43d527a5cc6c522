/*
 * check_walk.c: every reference of a qcow2 image to a cluster of its, counted.
 *
 *	header ┬▶ refcount table ─▶ refcount blocks
 *	       ├▶ L1 table ─▶ L2 tables ─▶ data, compressed or not
 *	       ├▶ snapshot table ┬▶ L1 table ─▶ …
 *	       └▶ bitmaps        └▶ …
 */
#include <endian.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "backend/image/check.h"
#include "backend/image/meta.h"

#define USES (COUNTS_DATA | COUNTS_L2 | COUNTS_META)

void
check_found(struct check *c, uint64_t *counter, const char *fmt, ...)
{
	char text[256];
	va_list ap;

	++*counter;
	if (json_array_size(c->said) >= CHECK_SAID_MOST)
		return;
	va_start(ap, fmt);
	vsnprintf(text, sizeof text, fmt, ap);
	va_end(ap);
	json_array_append_new(c->said, json_string(text));
}

int
check_refer(struct check *c, uint64_t at, uint64_t len, uint32_t flag,
    const char *what, struct error *err)
{
	unsigned bits = c->im->h.cluster_bits;
	uint64_t n = at >> bits, last = (at + len - 1) >> bits;
	uint32_t *cell, uses;

	if (len == 0)
		return 0;
	if (last >= c->clusters || at + len < at) {
		check_found(c, &c->damaged,
		    "%s at %#" PRIx64 " lies behind the end of the file", what,
		    at);
		return 0;
	}
	for (; n <= last; n++) {
		cell = counts_cell(&c->counts, n);
		if (cell == NULL)
			return error_set(err,
			    "%s has more clusters than can be checked with "
			    "the %u MiB of memory that are allowed for it",
			    c->im->path, (unsigned)(CHECK_MEMORY >> 20));
		uses = *cell & USES;
		if (uses != 0 && (uses != flag || flag == COUNTS_META))
			check_found(c, &c->damaged,
			    "%s overlaps something else at %#" PRIx64, what,
			    n << bits);
		*cell |= flag;
		counts_up(cell);
	}
	return 0;
}

static bool
is_place(struct check *c, uint64_t at, const char *what)
{
	if ((at & (qcow2_cluster(&c->im->h) - 1)) != 0) {
		check_found(c, &c->damaged,
		    "%s at %#" PRIx64 " is no cluster's beginning", what, at);
		return false;
	}
	if (at >> c->im->h.cluster_bits >= c->clusters) {
		check_found(c, &c->damaged,
		    "%s at %#" PRIx64 " lies behind the end of the file", what,
		    at);
		return false;
	}
	return true;
}

/* A refcount block; one that cannot be is taken out of the table in memory. */
static int
walk_block(struct check *c, uint64_t i, struct error *err)
{
	uint64_t at = c->table[i];
	uint32_t *cell;

	c->table[i] = 0;
	if ((at & ~QCOW2_REFTABLE_OFFSET) != 0) {
		check_found(c, &c->damaged,
		    "entry %" PRIu64 " of the refcount table has bits that "
		    "mean nothing",
		    i);
		return 0;
	}
	if (!is_place(c, at, "a refcount block"))
		return 0;
	cell = counts_cell(&c->counts, at >> c->im->h.cluster_bits);
	/* Once is enough, also where a table names it often. */
	if (cell != NULL && (*cell & USES) == 0)
		c->table[i] = at;
	return check_refer(c, at, qcow2_cluster(&c->im->h), COUNTS_META,
	    "a refcount block", err);
}

static int
walk_counts(struct check *c, struct error *err)
{
	uint64_t i;

	if (check_refer(c, c->im->h.reftable_offset, c->entries * 8,
		COUNTS_META, "the refcount table", err) == -1)
		return -1;
	for (i = 0; i < c->entries; i++)
		if (c->table[i] != 0 && walk_block(c, i, err) == -1)
			return -1;
	return 0;
}

static int
walk_l2(struct check *c, const uint64_t *l2, struct error *err)
{
	uint64_t cluster = qcow2_cluster(&c->im->h), at, len, i;
	unsigned step = qcow2_extended(&c->im->h) ? 2 : 1;

	for (i = 0; i < cluster / 8; i += step) {
		if ((l2[i] & QCOW2_L2_COMPRESSED) != 0) {
			at = meta_compressed(c->im, l2[i], &len);
			/* Whole sectors belong to it. */
			if (check_refer(c, at & ~UINT64_C(511),
				len + (at & 511), COUNTS_DATA,
				"a compressed cluster", err) == -1)
				return -1;
			continue;
		}
		at = l2[i] & QCOW2_L2_OFFSET;
		if (at == 0 || meta_outside(c->im))
			continue;
		if (is_place(c, at, "a cluster") &&
		    check_refer(
			c, at, cluster, COUNTS_DATA, "a cluster", err) == -1)
			return -1;
	}
	return 0;
}

/* The L2 table that entry names, unless it was seen already. */
static int
walk_entry(struct check *c, uint64_t entry, uint64_t *l2, struct error *err)
{
	uint64_t at = entry & QCOW2_L1_OFFSET, cluster;
	uint32_t *cell;

	cluster = qcow2_cluster(&c->im->h);
	if ((entry & ~(QCOW2_L1_OFFSET | QCOW2_COPIED)) != 0)
		check_found(c, &c->damaged,
		    "the L1 entry %#" PRIx64 " has bits that mean nothing",
		    entry);
	if (at == 0 || !is_place(c, at, "an L2 table"))
		return 0;
	cell = counts_cell(&c->counts, at >> c->im->h.cluster_bits);
	if (cell != NULL && (*cell & COUNTS_SEEN) != 0) {
		check_found(c, &c->damaged,
		    "the L2 table at %#" PRIx64 " is used twice", at);
		counts_up(cell);
		return 0;
	}
	if (check_refer(c, at, cluster, COUNTS_L2, "an L2 table", err) == -1 ||
	    meta_read(c->im, l2, cluster / 8, at, err) == -1)
		return -1;
	cell = counts_cell(&c->counts, at >> c->im->h.cluster_bits);
	*cell |= COUNTS_SEEN;
	return walk_l2(c, l2, err);
}

static int
walk_l1(struct check *c, uint64_t at, uint64_t n, const char *what,
    struct error *err)
{
	uint64_t *l1 = calloc(n + 1, 8), i, place;
	uint64_t *l2 = malloc(qcow2_cluster(&c->im->h));
	int rc = -1;

	if (l1 == NULL || l2 == NULL) {
		error_set(err, "%s: out of memory", c->im->path);
		goto out;
	}
	if (n > 0 && (at & (qcow2_cluster(&c->im->h) - 1)) != 0) {
		check_found(c, &c->damaged,
		    "%s at %#" PRIx64 " is no cluster's beginning", what, at);
		rc = 0;
		goto out;
	}
	if (check_refer(c, at, n * 8, COUNTS_META, what, err) == -1 ||
	    meta_read(c->im, l1, n, at, err) == -1)
		goto out;
	for (i = 0; i < n; i++) {
		if (walk_entry(c, l1[i], l2, err) == -1)
			goto out;
		progress_add(&c->progress, qcow2_l1_span(&c->im->h));
	}
	for (i = 0; i < n; i++) {
		place = (l1[i] & QCOW2_L1_OFFSET) >> c->im->h.cluster_bits;
		if (place != 0 && counts_get(&c->counts, place) != 0)
			*counts_cell(&c->counts, place) &= ~COUNTS_SEEN;
	}
	rc = 0;
out:
	free(l1);
	free(l2);
	return rc;
}

static int
walk_snapshots(struct check *c, struct error *err)
{
	const struct qcow2_header *h = &c->im->h;
	struct qcow2_snapshot *list;
	struct error why;
	uint64_t bytes;
	uint32_t i;
	int rc;

	if (h->snapshots == 0)
		return 0;
	if (qcow2_read_snapshots(
		c->im->fd, c->im->path, h, &list, &bytes, &why) == -1) {
		check_found(c, &c->damaged, "%s", why.text);
		return 0;
	}
	rc = check_refer(c, h->snapshots_offset, bytes, COUNTS_META,
	    "the snapshot table", err);
	for (i = 0; rc == 0 && i < h->snapshots; i++)
		rc = walk_l1(c, list[i].l1_offset, list[i].l1_size,
		    "the L1 table of a snapshot", err);
	qcow2_free_snapshots(list, h->snapshots);
	return rc;
}

int
check_walk(struct check *c, struct error *err)
{
	const struct qcow2_header *h = &c->im->h;
	int rc = -1;

	progress_begin(&c->progress, "checking", h->size * (h->snapshots + 1));
	if (check_refer(
		c, 0, qcow2_cluster(h), COUNTS_META, "the header", err) == 0 &&
	    walk_counts(c, err) == 0 &&
	    walk_l1(c, h->l1_offset, h->l1_size, "the L1 table", err) == 0 &&
	    walk_snapshots(c, err) == 0 && check_bitmaps(c, err) == 0)
		rc = 0;
	progress_end(&c->progress);
	return rc;
}
