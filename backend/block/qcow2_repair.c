/*
 * qcow2_repair.c: the refcounts of an image that is marked dirty: somebody
 * who keeps them lazily (qcow2.txt, "Dirty bit") did not close it. They are
 * counted anew from the mapping before the image is used.
 */
#include <endian.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "backend/block/qcow2_image.h"
#include "config/log.h"

#define CLUSTERS_MOST (1ULL << 28) /* 1 GiB of counts */

struct repair {
	struct qcow2 *q;
	int fd;
	uint32_t *count; /* of each cluster of the file */
	uint64_t n;
	uint64_t *table; /* an L2 table */
	struct error *err;
};

static int
damaged(struct repair *r, const char *what, uint64_t where)
{
	return error_set(r->err,
	    "%s was not closed as it should be, and is damaged as well (%s at "
	    "%#llx); see what vmtui image check -r can do",
	    r->q->b.path, what, (unsigned long long)where);
}

/* Bytes of the file that are in use. */
static int
count(struct repair *r, const char *what, uint64_t offset, uint64_t len)
{
	unsigned bits = r->q->h.cluster_bits;
	uint64_t i;

	if (len == 0)
		return 0;
	if (offset > INT64_MAX || (offset + len - 1) >> bits >= r->n)
		return damaged(r, what, offset);
	for (i = offset >> bits; i <= (offset + len - 1) >> bits; i++)
		r->count[i]++;
	return 0;
}

static int
read_words(struct repair *r, uint64_t offset, uint64_t *to, size_t n)
{
	ssize_t got = pread(r->fd, to, n * 8, (off_t)offset);
	size_t i;

	if (got == -1)
		return error_set(r->err, "%s cannot be read: %s", r->q->b.path,
		    strerror(errno));
	/* The file may end within its last cluster: zeroes. */
	memset((uint8_t *)to + got, 0, n * 8 - (size_t)got);
	for (i = 0; i < n; i++)
		to[i] = be64toh(to[i]);
	return 0;
}

static int
count_l2(struct repair *r, uint64_t offset)
{
	const struct qcow2 *q = r->q;
	size_t words = q->cluster / 8, step = q->l2_bytes / 8, i;
	uint64_t v, at, len;

	if (count(r, "an L2 table", offset, q->cluster) == -1 ||
	    read_words(r, offset, r->table, words) == -1)
		return -1;
	for (i = 0; i < words; i += step) {
		v = r->table[i];
		if ((v & QCOW2_L2_COMPRESSED) != 0) {
			entry_compressed(q, v, &at, &len);
		} else {
			at = v & QCOW2_L2_OFFSET;
			len = at == 0 || q->external ? 0 : q->cluster;
		}
		if (count(r, "a cluster", at, len) == -1)
			return -1;
	}
	return 0;
}

/* A table of L1 and all below it. */
static int
count_l1(struct repair *r, uint64_t offset, uint64_t n)
{
	uint64_t *l1, i, at;
	int rc = 0;

	if (count(r, "an L1 table", offset, n * 8) == -1)
		return -1;
	if ((l1 = malloc(n * 8 + 8)) == NULL)
		return error_set(r->err, "%s: out of memory", r->q->b.path);
	rc = read_words(r, offset, l1, n);
	for (i = 0; i < n && rc == 0; i++)
		if ((at = l1[i] & QCOW2_L1_OFFSET) != 0)
			rc = count_l2(r, at);
	free(l1);
	return rc;
}

static int
count_snapshots(struct repair *r)
{
	struct qcow2 *q = r->q;
	struct qcow2_snapshot *list;
	uint32_t i;
	int rc;

	if (qcow2_read_snapshots(
		r->fd, q->b.path, &q->h, &list, NULL, r->err) == -1)
		return -1;
	rc =
	    count(r, "the snapshots", q->h.snapshots_offset, q->snapshot_bytes);
	for (i = 0; i < q->h.snapshots && rc == 0; i++)
		rc = list[i].l1_size > (32u << 20) / 8
		    ? damaged(r, "a snapshot", list[i].l1_offset)
		    : count_l1(r, list[i].l1_offset, list[i].l1_size);
	qcow2_free_snapshots(list, q->h.snapshots);
	return rc;
}

static int
count_all(struct repair *r)
{
	struct qcow2 *q = r->q;
	uint64_t i, at;

	if (count(r, "the header", 0, q->cluster) == -1 ||
	    count(r, "the refcount table", q->reftable.offset,
		q->reftable.n * 8) == -1 ||
	    count_l1(r, q->l1.offset, q->l1.n) == -1 ||
	    count_snapshots(r) == -1)
		return -1;
	for (i = 0; i < q->reftable.n; i++) {
		at = q->reftable.entry[i] & QCOW2_REFTABLE_OFFSET;
		if (at != 0 &&
		    count(r, "a refcount block", at, q->cluster) == -1)
			return -1;
	}
	return 0;
}

/* Makes those in the image the same. Returns 0 or a negative errno. */
static int
store(struct repair *r, uint64_t *wrong)
{
	unsigned bits = r->q->h.refcount_bits;
	uint64_t i, have;
	int rc = 0;

	for (i = 0; i < r->n && rc == 0; i++) {
		if (bits < 32 && r->count[i] >> bits != 0)
			return -EOVERFLOW;
		rc = refs_get(r->q, i, &have);
		if (rc != 0 || have == r->count[i])
			continue;
		rc = refs_set(r->q, i, r->count[i]);
		(*wrong)++;
	}
	return rc == 0 ? commit_all(r->q) : rc;
}

int
qcow2_repair(struct qcow2 *q, int fd, struct error *err)
{
	struct repair r = {.q = q, .fd = fd, .n = q->frontier, .err = err};
	uint64_t wrong = 0;
	int rc = -1;

	if (r.n > CLUSTERS_MOST)
		return error_set(err,
		    "%s was not closed as it should be and is too large to be "
		    "counted at once; repair it first (vmtui image check -r)",
		    q->b.path);
	r.count = calloc(r.n, sizeof *r.count);
	r.table = malloc(q->cluster);
	if (r.count == NULL || r.table == NULL) {
		error_set(err, "%s: out of memory", q->b.path);
	} else if (count_all(&r) == 0) {
		rc = store(&r, &wrong);
		if (rc != 0)
			error_set(err, "%s cannot be repaired: %s", q->b.path,
			    strerror(-rc));
		else
			log_info("%s was not closed as it should be: %llu "
				 "refcounts were put right",
			    q->b.path, (unsigned long long)wrong);
	}
	free(r.count);
	free(r.table);
	return rc == 0 ? 0 : -1;
}
