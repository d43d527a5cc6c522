/*
 * qcow2_resize.c: another size for the disk. A longer one may need a longer
 * L1, which is written elsewhere and then named by the header; what a shorter
 * one loses is discarded first.
 */
#include <endian.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "backend/block/qcow2_image.h"

#define HEADER_SIZE 24u
#define HEADER_L1   36u /* its entries, then its place */
#define L1_MOST     (32u << 20)

static int
sync_file(struct qcow2 *q)
{
	return qcow2_sync_io(q, BLOCK_FLUSH, 0, NULL, 0);
}

static int
write_size(struct qcow2 *q, uint64_t size)
{
	uint64_t be = htobe64(size);
	int rc;

	rc = qcow2_sync_io(q, BLOCK_WRITE, HEADER_SIZE, &be, sizeof be);
	if (rc == 0)
		rc = sync_file(q);
	if (rc == 0)
		q->b.size = q->h.size = size;
	return rc;
}

/* Names the table that was written to offset. */
static int
write_l1_place(struct qcow2 *q, uint64_t offset, uint64_t n)
{
	uint32_t be_n = htobe32((uint32_t)n);
	uint64_t be_offset = htobe64(offset);
	uint8_t both[12];
	int rc;

	memcpy(both, &be_n, 4);
	memcpy(both + 4, &be_offset, 8);
	rc = qcow2_sync_io(q, BLOCK_WRITE, HEADER_L1, both, sizeof both);
	return rc != 0 ? rc : sync_file(q);
}

static int
write_l1(struct qcow2 *q, uint64_t offset, uint64_t n)
{
	uint64_t bytes = (n * 8 + q->cluster - 1) & ~(q->cluster - 1), i;
	uint64_t *table = calloc(1, bytes);
	int rc;

	if (table == NULL)
		return -ENOMEM;
	for (i = 0; i < q->l1.n; i++)
		table[i] = htobe64(q->l1.entry[i]);
	rc = qcow2_sync_io(q, BLOCK_WRITE, offset, table, bytes);
	free(table);
	return rc;
}

static int
lengthen_l1(struct qcow2 *q, uint64_t n)
{
	uint64_t clusters = (n * 8 + q->cluster - 1) >> q->h.cluster_bits;
	uint64_t old = q->l1.offset, old_bytes = q->l1.n * 8, offset;
	uint64_t *entry = calloc(n, 8);
	uint8_t *dirty = calloc(1, n / 64 + 1);
	int rc = entry == NULL || dirty == NULL ? -ENOMEM : 0;

	if (rc == 0)
		rc = refs_allocate_row(q, clusters, &offset);
	/* The refcounts are stable before anything names the clusters. */
	if (rc == 0)
		rc = commit_all(q);
	if (rc == 0)
		rc = write_l1(q, offset, n);
	if (rc == 0)
		rc = sync_file(q);
	if (rc == 0)
		rc = write_l1_place(q, offset, n);
	if (rc != 0) {
		free(entry);
		free(dirty);
		return rc;
	}
	memcpy(entry, q->l1.entry, q->l1.n * 8);
	table_free(&q->l1);
	q->l1 = (struct table){
	    .entry = entry, .n = n, .offset = offset, .dirty = dirty};
	q->h.l1_size = (uint32_t)n;
	q->h.l1_offset = offset;
	return old_bytes > 0 ? freed_add(q, old, old_bytes) : 0;
}

struct wait {
	struct block_request rq; /* first */
	bool done;
	int result;
};

static void
done(struct block_request *rq, int result)
{
	((struct wait *)rq)->done = true;
	((struct wait *)rq)->result = result;
}

/* A discard or a write of zeroes, as a guest would make it. */
static int
clear(struct qcow2 *q, enum block_op op, uint64_t offset, uint64_t len)
{
	struct wait w = {.rq = {.op = op,
			     .unmap = true,
			     .offset = offset,
			     .len = len,
			     .done = done}};

	block_submit(&q->b, &w.rq);
	block_drain(&q->b);
	return w.result;
}

/*
 * What is beyond the new end: its space is given back, and if the disk grows
 * again there are zeroes, in the last cluster too.
 */
static int
shorten(struct qcow2 *q, uint64_t size)
{
	uint64_t edge = (size + q->cluster - 1) & ~(q->cluster - 1);
	uint64_t end = q->b.size;
	int rc = 0;

	if (edge > end)
		edge = end;
	if (edge > size)
		rc = clear(q, BLOCK_WRITE_ZEROES, size, edge - size);
	if (rc == 0 && end > edge)
		rc = clear(q, BLOCK_DISCARD, edge, end - edge);
	/* Version 2 with a backing file: nothing is given back. */
	if (rc == -EOPNOTSUPP)
		rc = 0;
	if (rc == 0)
		rc = commit_all(q);
	return rc;
}

/*
 * What comes to be seen is zero, before the header says that it is seen: the
 * rest of the last cluster, and what a longer base has there.
 */
static int
lengthen(struct qcow2 *q, uint64_t size)
{
	uint64_t old = q->b.size, edge;
	int rc = 0;

	edge = (old + q->cluster - 1) & ~(q->cluster - 1);
	if (q->backing != NULL && block_size(q->backing) > edge)
		edge = block_size(q->backing);
	if (edge > size)
		edge = size;
	if (q->external && ftruncate(q->data->fd, (off_t)size) == -1)
		return -errno;
	if (edge == old)
		return 0;
	/* Requests are held against it. */
	q->b.size = q->h.size = size;
	rc = clear(q, BLOCK_WRITE_ZEROES, old, edge - old);
	if (rc == 0)
		rc = commit_all(q);
	q->b.size = q->h.size = old;
	return rc;
}

int
qcow2_resize(struct block *b, uint64_t size, struct error *err)
{
	struct qcow2 *q = (struct qcow2 *)b;
	uint64_t span = qcow2_l1_span(&q->h);
	uint64_t need = size / span + (size % span != 0);
	int rc;

	if (need > L1_MOST / 8)
		return error_set(err,
		    "%s: with clusters of %llu bytes a disk has at most %llu "
		    "bytes",
		    b->path, (unsigned long long)q->cluster,
		    (unsigned long long)(L1_MOST / 8 * span));
	rc = q->failed;
	if (rc == 0 && size < b->size)
		rc = shorten(q, size);
	if (rc == 0 && need > q->l1.n)
		rc = lengthen_l1(q, need);
	if (rc == 0 && size > b->size)
		rc = lengthen(q, size);
	if (rc == 0)
		rc = commit_all(q);
	if (rc == 0 && size != b->size)
		rc = write_size(q, size);
	if (rc == 0 && q->external && size > 0 &&
	    ftruncate(q->data->fd, (off_t)size) == -1)
		rc = -errno;
	if (rc != 0)
		return error_set(
		    err, "%s cannot be resized: %s", b->path, strerror(-rc));
	return 0;
}
