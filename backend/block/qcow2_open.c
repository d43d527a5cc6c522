/*
 * qcow2_open.c: an opened file made into an image, and its end.
 */
#include <endian.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "backend/block/qcow2_image.h"
#include "config/log.h"

#define HEADER_INCOMPATIBLE 72u
#define HEADER_AUTOCLEAR    88u

/* ---- the header, while the image is in use ---- */

static int
write_word(struct qcow2 *q, uint64_t offset, uint64_t value)
{
	value = htobe64(value);
	return qcow2_sync_io(q, BLOCK_WRITE, offset, &value, sizeof value);
}

int
qcow2_corrupt(struct qcow2 *q, const char *what, uint64_t where)
{
	if (q->b.readonly || q->failed != 0)
		return -EIO;
	q->failed = -EIO;
	log_warn("%s is damaged (%s at %#llx): it is not written any more; "
		 "vmtui image check says what can be done",
	    q->b.path, what, (unsigned long long)where);
	if (q->h.version >= 3) {
		q->h.incompatible |= QCOW2_CORRUPT;
		write_word(q, HEADER_INCOMPATIBLE, q->h.incompatible);
	}
	return -EIO;
}

/*
 * What we do not keep up to date must not look as if we did, and what was left
 * dirty is put right.
 */
static int
make_clean(struct qcow2 *q, int fd, struct error *err)
{
	uint64_t keep = q->h.autoclear & QCOW2_DATA_FILE_RAW;
	uint64_t clean = q->h.incompatible & ~QCOW2_DIRTY;
	int rc = 0;

	if (q->b.readonly ||
	    (q->h.autoclear == keep && q->h.incompatible == clean))
		return 0;
	if (q->h.autoclear != keep)
		rc = write_word(q, HEADER_AUTOCLEAR, keep);
	if (rc == 0 && q->h.incompatible != clean) {
		if (qcow2_repair(q, fd, err) == -1)
			return -1;
		rc = write_word(q, HEADER_INCOMPATIBLE, clean);
	}
	if (rc == 0)
		rc = qcow2_sync_io(q, BLOCK_FLUSH, 0, NULL, 0);
	if (rc != 0)
		return error_set(
		    err, "%s cannot be written: %s", q->b.path, strerror(-rc));
	q->h.autoclear = keep;
	q->h.incompatible = clean;
	return 0;
}

/* ---- the end ---- */

static void
free_list(struct job *job)
{
	struct job *next;

	for (; job != NULL; job = next) {
		next = job->next;
		free(job);
	}
}

static void
image_free(struct qcow2 *q)
{
	struct piece *p;

	while ((p = q->idle_pieces) != NULL) {
		q->idle_pieces = p->next;
		free(p);
	}
	free_list(q->idle);
	cache_free(&q->l2);
	cache_free(&q->refs);
	table_free(&q->l1);
	table_free(&q->reftable);
	free(q->freed.list);
	free(q->unpacked);
	free(q);
}

void
qcow2_close(struct block *b)
{
	struct qcow2 *q = (struct qcow2 *)b;
	bool said = q->failed != 0; /* why, when it failed */
	int rc;

	if (!b->readonly) {
		/* What runs of a round ends here, also if the image failed. */
		rc = commit_all(q);
		if (rc != 0 && !said)
			log_warn("%s: what was not flushed is lost: %s",
			    b->path, strerror(-rc));
		if (q->failed == 0)
			grow_end(q);
	}
	if (b->event_fd != -1 && b->event_fd != q->file->event_fd)
		close(b->event_fd);
	if (q->backing != NULL)
		block_close(q->backing);
	if (q->data != q->file)
		block_close(q->data);
	block_close(q->file);
	image_free(q);
}

/* ---- the beginning ---- */

static unsigned
bits_of(uint64_t power)
{
	unsigned bits = 0;

	while (1ULL << bits < power)
		bits++;
	return bits;
}

static void
geometry(struct qcow2 *q)
{
	const struct qcow2_header *h = &q->h;
	uint64_t slice;

	q->cluster = qcow2_cluster(h);
	slice = q->cluster < SLICE_BYTES ? q->cluster : SLICE_BYTES;
	q->l2_bytes = qcow2_l2_entry(h);
	q->subclusters = qcow2_extended(h) ? SUBCLUSTERS : 1;
	q->sub_bits = h->cluster_bits - bits_of(q->subclusters);
	q->l2_slice_entries = (unsigned)(slice / q->l2_bytes);
	q->l2_key_bits = h->cluster_bits + bits_of(q->l2_slice_entries);
	q->l2_slices = (unsigned)(q->cluster / slice);
	q->ref_order = bits_of(h->refcount_bits);
	q->ref_slice_entries = (unsigned)(slice * 8 >> q->ref_order);
	q->ref_slices = q->l2_slices;
	q->ref_block_bits = h->cluster_bits + 3 - q->ref_order;
	q->external = (h->incompatible & QCOW2_DATA_FILE) != 0;
}

/* How long the file is, and what of it can be given out. */
static int
measure(struct qcow2 *q, int fd, struct error *err)
{
	struct stat st;

	if (fstat(fd, &st) == -1)
		return error_set(err, "%s: %s", q->b.path, strerror(errno));
	q->grows = S_ISREG(st.st_mode);
	q->frontier = q->h.file_size >> q->h.cluster_bits;
	if (q->grows && (q->h.file_size & (q->cluster - 1)) != 0)
		q->frontier++;
	q->fresh = q->frontier;
	q->extended = q->frontier << q->h.cluster_bits;
	return 0;
}

static int
read_tables(struct qcow2 *q, int fd, struct error *err)
{
	struct qcow2_snapshot *list;

	if (table_read(q, fd, &q->l1, q->h.l1_offset, q->h.l1_size, err) == -1)
		return -1;
	if (q->b.readonly)
		return 0;
	if (qcow2_read_snapshots(
		fd, q->b.path, &q->h, &list, &q->snapshot_bytes, err) == -1)
		return -1;
	qcow2_free_snapshots(list, q->h.snapshots);
	return table_read(q, fd, &q->reftable, q->h.reftable_offset,
	    (uint64_t)q->h.reftable_clusters << (q->h.cluster_bits - 3), err);
}

static int
check_use(const struct qcow2 *q, struct error *err)
{
	if (q->b.readonly)
		return 0;
	if ((q->h.incompatible & QCOW2_CORRUPT) != 0)
		return error_set(err,
		    "%s is marked as corrupt; repair it first (vmtui image "
		    "check -r %s), or open it readonly",
		    q->b.path, q->b.path);
	return 0;
}

int
qcow2_new(const struct qcow2_parts *parts, struct block **b, struct error *err)
{
	struct qcow2 *q = calloc(1, sizeof *q);
	int fd = parts->file->fd;

	if (q == NULL)
		return error_set(err, "%s: out of memory", parts->path);
	q->b.ops = &qcow2_ops;
	q->b.fd = q->b.event_fd = -1;
	q->b.readonly = parts->readonly;
	block_queue_init(&q->b.ready);
	job_list_init(&q->finished);
	job_list_init(&q->blocked);
	job_list_init(&q->runnable);
	job_list_init(&q->flushers);
	job_list_init(&q->commit.flushers);
	q->arrived_end = &q->arrived;
	q->file = parts->file;
	q->data = parts->data != NULL ? parts->data : parts->file;
	q->backing = parts->backing;
	q->b.path = strdup(parts->path);
	if (q->b.path == NULL) {
		error_set(err, "%s: out of memory", parts->path);
		goto fail;
	}
	if (qcow2_read_header(fd, parts->path, &q->h, err) == -1)
		goto fail;
	geometry(q);
	q->b.size = q->h.size;
	if (q->external != (parts->data != NULL)) {
		error_set(err,
		    "%s has a data file, or has none, other than "
		    "when it was opened",
		    parts->path);
		goto fail;
	}
	if (check_use(q, err) == -1 || measure(q, fd, err) == -1 ||
	    read_tables(q, fd, err) == -1)
		goto fail;
	if (cache_init(&q->l2, q->l2_slice_entries * q->l2_bytes, L2_SLICES) !=
		0 ||
	    cache_init(&q->refs,
		(size_t)q->ref_slice_entries << q->ref_order >> 3,
		REF_SLICES) != 0) {
		error_set(err, "%s: out of memory", parts->path);
		goto fail;
	}
	if (make_clean(q, fd, err) == -1)
		goto fail;
	*b = &q->b;
	return 0;
fail:
	free(q->b.path);
	image_free(q);
	return -1;
}
