/*
 * qcow2_table.c: the tables that are wholly in memory, L1 and the refcount
 * table, and the making of L2 tables.
 */
#include <endian.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "backend/block/qcow2_image.h"

int
table_read(struct qcow2 *q, int fd, struct table *t, uint64_t offset,
    uint64_t n, struct error *err)
{
	size_t bytes = n * 8, have = 0;
	uint64_t i;
	ssize_t got;

	t->offset = offset;
	t->n = n;
	t->entry = malloc(bytes + 8);
	t->dirty = calloc(1, bytes / 512 + 1);
	if (t->entry == NULL || t->dirty == NULL)
		return error_set(err, "%s: out of memory", q->b.path);
	while (have < bytes) {
		got = pread(fd, (uint8_t *)t->entry + have, bytes - have,
		    (off_t)(offset + have));
		if (got == -1 && errno == EINTR)
			continue;
		if (got <= 0)
			return error_set(err, "%s cannot be read: %s",
			    q->b.path,
			    got == 0 ? "a table ends early" : strerror(errno));
		have += (size_t)got;
	}
	for (i = 0; i < n; i++)
		t->entry[i] = be64toh(t->entry[i]);
	return 0;
}

void
table_set(struct table *t, uint64_t i, uint64_t value)
{
	t->entry[i] = value;
	t->dirty[i / 64] = 1;
	t->any_dirty = true;
}

void
table_free(struct table *t)
{
	free(t->entry);
	free(t->dirty);
	memset(t, 0, sizeof *t);
}

/* What the table says now, into a cluster of the file. */
static int
copy_l2(struct qcow2 *q, uint64_t from, uint64_t to)
{
	uint8_t *data = malloc(q->cluster);
	int rc;

	if (data == NULL)
		return -ENOMEM;
	rc = qcow2_sync_io(q, BLOCK_READ, from, data, q->cluster);
	if (rc == 0)
		rc = qcow2_sync_io(q, BLOCK_WRITE, to, data, q->cluster);
	free(data);
	return rc;
}

int
table_make_l2(struct qcow2 *q, struct job *job, uint64_t index)
{
	uint64_t old = q->l1.entry[index] & QCOW2_L1_OFFSET, host;
	bool zeroed;
	int64_t n;
	int rc = 0;

	if (old != 0 &&
	    ((old & (q->cluster - 1)) != 0 || old >= q->extended ||
		old < q->cluster))
		return qcow2_corrupt(q, "an L2 table", old);
	n = refs_allocate(q, job, 1, &host, &zeroed);
	if (n < 0)
		return n == -EINPROGRESS ? 1 : (int)n;
	if (old != 0)
		rc = copy_l2(q, old, host);
	else if (!zeroed)
		rc = qcow2_sync_io(
		    q, BLOCK_WRITE_ZEROES, host, NULL, q->cluster);
	if (rc != 0) {
		refs_release(q, host >> q->h.cluster_bits, 1);
		return rc;
	}
	table_set(&q->l1, index, host | QCOW2_COPIED);
	return old != 0 ? freed_add(q, old, q->cluster) : 0;
}

static bool
within(const struct qcow2 *q, uint64_t cluster, uint64_t offset, uint64_t bytes)
{
	uint64_t first = offset >> q->h.cluster_bits;

	return cluster >= first &&
	    cluster <= (offset + bytes - 1) >> q->h.cluster_bits;
}

static bool
names(const struct table *t, uint64_t mask, uint64_t offset)
{
	uint64_t i;

	for (i = 0; i < t->n; i++)
		if ((t->entry[i] & mask) == offset)
			return true;
	return false;
}

bool
table_overlaps(const struct qcow2 *q, uint64_t cluster)
{
	uint64_t offset = cluster << q->h.cluster_bits;

	return cluster == 0 ||
	    (q->l1.n > 0 && within(q, cluster, q->l1.offset, q->l1.n * 8)) ||
	    within(q, cluster, q->reftable.offset, q->reftable.n * 8) ||
	    (q->snapshot_bytes > 0 &&
		within(q, cluster, q->h.snapshots_offset, q->snapshot_bytes)) ||
	    names(&q->l1, QCOW2_L1_OFFSET, offset) ||
	    names(&q->reftable, QCOW2_REFTABLE_OFFSET, offset);
}
