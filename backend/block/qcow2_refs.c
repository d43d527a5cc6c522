/*
 * qcow2_refs.c: refcounts, and allocation by them.
 *
 *	0        scan             frontier          extended
 *	├─ used ──┼─ used or free ───┼─ zeroes, free ───┤ nothing yet
 *
 * Free clusters are first looked for from scan on, some at a time; what lies
 * behind the frontier was never used and, in a file, is zeroes; qcow2_grow.c
 * makes it longer.
 *
 * A job that allocates waits for the slice of refcounts that it needs, as for
 * one of L2, and clusters are freed when theirs is there (qcow2_free.c). Who
 * needs others besides, as where the image grows by a block of refcounts,
 * reads them by waiting: one slice stands for at least 32,768 bytes of the
 * file, with usual images for 128 MiB.
 */
#include <endian.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "backend/block/qcow2_image.h"

#define LOOK_AT    2048u /* clusters, for one allocation */
#define TABLE_MOST (8u << 20)

/* ---- slices of refcounts ---- */

static uint64_t
block_of(const struct qcow2 *q, uint64_t cluster)
{
	return cluster >> q->ref_block_bits;
}

static bool
block_exists(const struct qcow2 *q, uint64_t cluster)
{
	return block_of(q, cluster) < q->reftable.n &&
	    (q->reftable.entry[block_of(q, cluster)] & QCOW2_REFTABLE_OFFSET) !=
	    0;
}

/* The slice of a cluster, where its block exists. */
static uint64_t
key_of(const struct qcow2 *q, uint64_t cluster)
{
	return cluster / q->ref_slice_entries;
}

/* A new slice for a cluster, and where in the file it is to be read. */
static int
take_slice(
    struct qcow2 *q, uint64_t cluster, struct slice **s, uint64_t *offset)
{
	uint64_t key = key_of(q, cluster);

	*offset =
	    q->reftable.entry[block_of(q, cluster)] & QCOW2_REFTABLE_OFFSET;
	if ((*offset & (q->cluster - 1)) != 0 || *offset < q->cluster ||
	    *offset >= q->extended)
		return qcow2_corrupt(q, "a refcount block", *offset);
	*offset += key % q->ref_slices * q->refs.bytes;
	*s = cache_take(q, &q->refs, key, true);
	return *s == NULL ? -ENOMEM : 0;
}

/* The slice with the cluster's refcount; its block exists. */
static int
slice_of(struct qcow2 *q, uint64_t cluster, struct slice **s)
{
	uint64_t offset;
	int rc;

	*s = cache_find_loaded(q, &q->refs, key_of(q, cluster));
	if (*s != NULL)
		return 0;
	rc = take_slice(q, cluster, s, &offset);
	if (rc != 0)
		return rc;
	rc = qcow2_sync_io(q, BLOCK_READ, offset, (*s)->data, q->refs.bytes);
	if (rc != 0)
		cache_drop(&q->refs, *s);
	return rc;
}

int
refs_ready(struct qcow2 *q, struct job *job, uint64_t cluster)
{
	uint64_t offset;
	struct slice *s;
	int rc;

	if (!block_exists(q, cluster))
		return 0;
	s = cache_find(&q->refs, key_of(q, cluster));
	if (s != NULL && !s->loading)
		return 0;
	if (s == NULL) {
		rc = take_slice(q, cluster, &s, &offset);
		if (rc != 0)
			return rc;
		cache_load(&q->refs, s, offset);
	}
	return job != NULL ? cache_wait(s, job) : 1;
}

static uint64_t
count_in(const struct qcow2 *q, const struct slice *s, unsigned n)
{
	const uint8_t *p = s->data + ((size_t)n << q->ref_order) / 8;
	uint64_t v = 0;
	unsigned i;

	if (q->ref_order < 3)
		return *p >> ((n << q->ref_order) & 7) &
		    ((1u << (1u << q->ref_order)) - 1);
	for (i = 0; i < 1u << (q->ref_order - 3); i++)
		v = v << 8 | p[i];
	return v;
}

static void
set_count_in(struct qcow2 *q, struct slice *s, unsigned n, uint64_t v)
{
	uint8_t *p = s->data + ((size_t)n << q->ref_order) / 8;
	unsigned shift, mask, i;

	if (q->ref_order < 3) {
		shift = (n << q->ref_order) & 7;
		mask = (1u << (1u << q->ref_order)) - 1;
		*p = (uint8_t)((*p & ~(mask << shift)) | (unsigned)v << shift);
	} else {
		for (i = 1u << (q->ref_order - 3); i > 0; v >>= 8)
			p[--i] = (uint8_t)v;
	}
	cache_dirty(&q->refs, s);
}

int
refs_get(struct qcow2 *q, uint64_t cluster, uint64_t *count)
{
	struct slice *s;
	int rc;

	*count = 0;
	if (!block_exists(q, cluster))
		return 0;
	rc = slice_of(q, cluster, &s);
	if (rc == 0)
		*count =
		    count_in(q, s, (unsigned)(cluster % q->ref_slice_entries));
	return rc;
}

/* ---- growth ---- */

/* More entries of the table in memory, all 0. */
static int
more_entries(struct table *t, uint64_t n)
{
	uint64_t *entry;
	uint8_t *dirty;

	dirty = realloc(t->dirty, n / 64 + 1);
	if (dirty == NULL)
		return -ENOMEM;
	t->dirty = dirty;
	entry = realloc(t->entry, n * sizeof *entry);
	if (entry == NULL)
		return -ENOMEM;
	memset(entry + t->n, 0, (n - t->n) * sizeof *entry);
	t->entry = entry;
	t->n = n;
	return 0;
}

static int device_row(
    struct qcow2 *q, uint64_t first, uint64_t n, uint64_t *offset);

/* How many clusters a device has. */
static uint64_t
device_end(const struct qcow2 *q)
{
	return q->extended >> q->h.cluster_bits;
}

/*
 * In a device the longer table is put where the old one no longer counts:
 * nothing was ever counted as used there. -ENOSPC, with nothing changed, if
 * there is no room for it and the blocks that count it.
 */
static int
place_table(struct qcow2 *q, uint64_t clusters, uint64_t *first)
{
	uint64_t each = 1ULL << q->ref_block_bits;

	*first = q->reftable.n << q->ref_block_bits;
	if (*first + clusters + clusters / (each - 1) + 2 > device_end(q))
		return -ENOSPC;
	return 0;
}

/* A longer refcount table, somewhere else. */
static int
lengthen_table(struct qcow2 *q, uint64_t need)
{
	uint64_t per = q->cluster / 8, n = q->reftable.n * 2;
	uint64_t old = q->reftable.offset, old_bytes = q->reftable.n * 8;
	uint64_t clusters, offset, first = 0;
	int rc;

	if (n < need)
		n = need;
	n = (n + per - 1) / per * per;
	if (n * 8 > TABLE_MOST)
		return -EFBIG;
	clusters = n * 8 >> q->h.cluster_bits;
	/* Room for it and what counts it, so that a full disk is met here. */
	rc = q->grows ? grow(q, q->frontier + 2 * clusters + 8)
		      : place_table(q, clusters, &first);
	if (rc == 0)
		rc = more_entries(&q->reftable, n);
	if (rc != 0)
		return rc;
	rc = q->grows ? refs_allocate_row(q, clusters, &offset)
		      : device_row(q, first, clusters, &offset);
	if (rc != 0)
		return q->failed = rc;
	q->reftable.offset = offset;
	q->table_moved = true;
	q->reftable.any_dirty = true;
	memset(q->reftable.dirty, 1, n / 64 + 1);
	return freed_add(q, old, old_bytes);
}

/*
 * Makes a block of refcounts, which the table has an entry for, in a cluster
 * that is free, and counted by it or by another that exists.
 */
static int
place_block(struct qcow2 *q, uint64_t block, uint64_t at)
{
	int rc = grow(q, at + 1);

	if (rc == 0 && (!q->grows || at < q->fresh))
		rc = qcow2_sync_io(q, BLOCK_WRITE_ZEROES,
		    at << q->h.cluster_bits, NULL, q->cluster);
	if (rc != 0)
		return rc;
	if (q->grows)
		q->frontier = at + 1;
	table_set(&q->reftable, block, at << q->h.cluster_bits);
	rc = refs_set(q, at, 1);
	if (rc != 0)
		table_set(&q->reftable, block, 0);
	return rc;
}

/*
 * Makes the block with the cluster's refcount. It stands at the frontier (in
 * a device, where it is needed), mostly among the clusters it counts.
 */
static int
make_block(struct qcow2 *q, uint64_t cluster)
{
	uint64_t block = block_of(q, cluster);
	int rc;

	if (block >= q->reftable.n && (rc = lengthen_table(q, block + 1)) != 0)
		return rc;
	/* Lengthening may have made it. */
	if (block_exists(q, cluster))
		return 0;
	return place_block(q, block, q->grows ? q->frontier : cluster);
}

int
refs_set(struct qcow2 *q, uint64_t cluster, uint64_t count)
{
	struct slice *s;
	int rc = 0;

	if (!block_exists(q, cluster))
		rc = make_block(q, cluster);
	if (rc == 0)
		rc = slice_of(q, cluster, &s);
	if (rc == 0)
		set_count_in(
		    q, s, (unsigned)(cluster % q->ref_slice_entries), count);
	return rc;
}

/* ---- allocation ---- */

/* Marks up to n clusters from first on that are free, in one slice. */
static int64_t
take_run(
    struct qcow2 *q, struct job *job, uint64_t first, uint64_t n, uint64_t end)
{
	unsigned i = (unsigned)(first % q->ref_slice_entries);
	struct slice *s;
	uint64_t run = 0;
	int rc = refs_ready(q, job, first);

	if (rc == 0)
		rc = slice_of(q, first, &s);
	if (rc != 0)
		return rc == 1 ? -EINPROGRESS : rc;
	while (run < n && first + run < end && i < q->ref_slice_entries &&
	    count_in(q, s, i) == 0) {
		if (first + run < q->fresh && table_overlaps(q, first + run)) {
			if (run > 0)
				break;
			return qcow2_corrupt(q,
			    "a cluster in use, counted as free,",
			    first << q->h.cluster_bits);
		}
		set_count_in(q, s, i, 1);
		i++;
		run++;
	}
	return (int64_t)run;
}

/* Free clusters among those that were in use once; 0: none was found. */
static int64_t
allocate_old(struct qcow2 *q, struct job *job, uint64_t n, uint64_t *first)
{
	uint64_t look = q->grows ? LOOK_AT : UINT64_MAX;
	int64_t got;
	int rc;

	for (; q->scan < q->frontier && look > 0; look--) {
		if (!block_exists(q, q->scan)) {
			if (q->grows) {
				q->scan = (block_of(q, q->scan) + 1)
				    << q->ref_block_bits;
				continue;
			}
			rc = make_block(q, q->scan);
			if (rc != 0)
				return rc;
		}
		got = take_run(q, job, q->scan, n, q->frontier);
		if (got < 0)
			return got;
		*first = q->scan;
		q->scan += got > 0 ? (uint64_t)got : 1;
		if (got > 0)
			return got;
	}
	return 0;
}

static int64_t
allocate(struct qcow2 *q, struct job *job, uint64_t n, uint64_t *offset,
    bool *zeroed)
{
	uint64_t first = 0;
	int64_t got;
	int rc;

	got = allocate_old(q, job, n, &first);
	*zeroed = false;
	while (got == 0) {
		first = q->frontier;
		rc = block_exists(q, first) ? 0 : make_block(q, first);
		if (rc == 0 && first == q->frontier)
			rc = grow(q, first + 1);
		if (rc != 0)
			return rc;
		if (first != q->frontier)
			continue;
		*zeroed = q->grows;
		got = take_run(
		    q, job, first, n, q->extended >> q->h.cluster_bits);
		if (got >= 0)
			q->frontier += got > 0 ? (uint64_t)got : 1;
		if (q->grows)
			grow_ahead(q);
	}
	*offset = first << q->h.cluster_bits;
	return got;
}

int64_t
refs_allocate(struct qcow2 *q, struct job *job, uint64_t n, uint64_t *offset,
    bool *zeroed)
{
	int64_t got;

	if (q->failed != 0)
		return q->failed;
	got = allocate(q, job, n, offset, zeroed);
	return got == -ENOSPC && freed_await(job) ? -EINPROGRESS : got;
}

/*
 * n clusters in a row in a device, from first on. A block that is missing for
 * them takes the first of them.
 */
static int
device_row(struct qcow2 *q, uint64_t first, uint64_t n, uint64_t *offset)
{
	uint64_t i, count;
	int rc = 0;

	for (i = first; rc == 0 && i < first + n; i++) {
		if (first + n > device_end(q))
			return -ENOSPC;
		if (block_of(q, i) >= q->reftable.n) {
			rc = lengthen_table(q, block_of(q, i) + 1);
			i = first - 1;
		} else if (!block_exists(q, i)) {
			rc = place_block(q, block_of(q, i), first);
			i = first++;
		} else if ((rc = refs_get(q, i, &count)) == 0 && count != 0) {
			first = i + 1;
		}
	}
	for (i = first; rc == 0 && i < first + n; i++)
		rc = refs_set(q, i, 1);
	*offset = first << q->h.cluster_bits;
	return rc;
}

int
refs_allocate_row(struct qcow2 *q, uint64_t n, uint64_t *offset)
{
	uint64_t first, i, count;
	int rc;

	if (!q->grows)
		return device_row(q, q->scan, n, offset);
again:
	first = q->frontier;
	for (i = first; i < first + n; i++) {
		if (!block_exists(q, i)) {
			rc = make_block(q, i);
			if (rc != 0)
				return rc;
		}
		rc = refs_get(q, i, &count);
		if (rc != 0)
			return rc;
		if (first != q->frontier)
			goto again;
		if (count != 0) {
			q->frontier = i + 1;
			goto again;
		}
	}
	rc = grow(q, first + n);
	for (i = first; rc == 0 && i < first + n; i++)
		rc = refs_set(q, i, 1);
	if (rc == 0) {
		q->frontier = first + n;
		*offset = first << q->h.cluster_bits;
	}
	return rc;
}

void
refs_release(struct qcow2 *q, uint64_t first, uint64_t n)
{
	uint64_t count;

	for (; n > 0; n--, first++) {
		if (refs_get(q, first, &count) != 0)
			return;
		if (count == 0) {
			qcow2_corrupt(q, "a cluster in use, counted as free,",
			    first << q->h.cluster_bits);
			return;
		}
		if (refs_set(q, first, count - 1) != 0)
			return;
		if (count == 1 && first < q->scan)
			q->scan = first;
	}
}
