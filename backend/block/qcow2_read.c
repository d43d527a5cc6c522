/*
 * qcow2_read.c: reading: from the image's own clusters, from the backing
 * image, zeroes, and compressed clusters.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "backend/block/qcow2_image.h"

static void
read_arrived(struct piece *p, int result)
{
	struct job *job = p->job;

	piece_free(p);
	job_part_done(job, result);
}

/* What the job reads next, len bytes, from offset of a file or image. */
static int
send_read(struct job *job, struct block *from, uint64_t offset, uint64_t len)
{
	struct piece *p = piece_new(job);

	if (p == NULL)
		return -ENOMEM;
	if (piece_map(p, len) != 0) {
		piece_free(p);
		return -ENOMEM;
	}
	p->arrived = read_arrived;
	piece_send(p, from, BLOCK_READ, offset, len);
	job->at += len;
	return 0;
}

static void
zeroes(struct job *job, uint64_t len)
{
	job_fill(job, job->at, NULL, len);
	job->at += len;
}

/* From the backing image, and zeroes beyond its end. */
static int
read_backing(struct job *job, uint64_t len)
{
	struct block *backing = job->q->backing;
	uint64_t size = backing == NULL ? 0 : block_size(backing);

	if (job->at >= size) {
		zeroes(job, len);
		return 0;
	}
	if (len > size - job->at)
		len = size - job->at;
	return send_read(job, backing, job->at, len);
}

/* ---- compressed clusters ---- */

/* Copies what the job wants of the cluster at p->at. */
static void
copy_unpacked(struct job *job, uint64_t at, uint64_t len, const uint8_t *from)
{
	job_fill(job, at, from + (at & (job->q->cluster - 1)), len);
}

static void
compressed_arrived(struct piece *p, int result)
{
	struct job *job = p->job;
	struct qcow2 *q = job->q;
	uint64_t offset, len;

	if (result == 0) {
		entry_compressed(q, p->entry, &offset, &len);
		q->unpacked_entry = 0;
		result = qcow2_unpack(q, p->buffer, len, q->unpacked);
	}
	if (result == 0) {
		q->unpacked_entry = p->entry;
		copy_unpacked(job, p->at, p->wanted, q->unpacked);
	}
	piece_free(p);
	job_part_done(job, result);
}

static int
read_compressed(struct job *job, const struct stretch *st)
{
	struct qcow2 *q = job->q;
	uint64_t offset, len;
	struct piece *p;

	if (q->unpacked == NULL && (q->unpacked = malloc(q->cluster)) == NULL)
		return -ENOMEM;
	if (q->unpacked_entry == st->raw) {
		copy_unpacked(job, job->at, st->len, q->unpacked);
		job->at += st->len;
		return 0;
	}
	entry_compressed(q, st->raw, &offset, &len);
	if (offset < q->cluster || offset >= q->extended)
		return -EIO;
	p = piece_new(job);
	if (p == NULL)
		return -ENOMEM;
	p->buffer = malloc(len);
	if (p->buffer == NULL) {
		piece_free(p);
		return -ENOMEM;
	}
	p->own[0] = (struct iovec){p->buffer, len};
	p->rq.iovs = 1;
	p->at = job->at;
	p->entry = st->raw;
	p->wanted = st->len;
	p->arrived = compressed_arrived;
	piece_send(p, q->file, BLOCK_READ, offset, len);
	job->at += st->len;
	return 0;
}

/* ---- steps ---- */

/* The stretch at the job's place. Returns 0, 1 (it waits) or an error. */
static int
look_up(struct job *job, struct stretch *st)
{
	struct qcow2 *q = job->q;
	uint64_t most = job->end - job->at, span;
	struct slice *s;
	int rc;

	if (job->at >= q->b.size) {
		*st = (struct stretch){.kind = EXTENT_ZERO, .len = most};
		return 0;
	}
	if (most > q->b.size - job->at)
		most = q->b.size - job->at;
	rc = l2_slice(q, job, job->at, &s);
	if (rc != 0)
		return rc;
	if (s != NULL)
		return entry_stretch(q, s, job->at, most, st);
	/* No table: nothing is here for as far as one would reach. */
	span = qcow2_l1_span(&q->h);
	*st = (struct stretch){
	    .kind = EXTENT_HOLE, .len = span - (job->at & (span - 1))};
	if (st->len > most)
		st->len = most;
	return 0;
}

enum step
read_step(struct job *job)
{
	struct qcow2 *q = job->q;
	struct stretch st;
	int rc = look_up(job, &st);

	if (rc == 1)
		return STEP_WAITS;
	if (rc != 0) {
		job->result = rc;
		return STEP_ON;
	}
	switch (st.kind) {
	case EXTENT_DATA:
		rc = send_read(job, q->data, st.host, st.len);
		break;
	case EXTENT_ZERO:
		zeroes(job, st.len);
		break;
	case EXTENT_HOLE:
		rc = read_backing(job, st.len);
		break;
	case EXTENT_COMPRESSED:
		rc = read_compressed(job, &st);
		break;
	}
	if (rc != 0)
		job->result = rc;
	return STEP_ON;
}

enum step
map_step(struct job *job)
{
	struct stretch st;
	int rc = look_up(job, &st);

	if (rc == 1)
		return STEP_WAITS;
	job->result = rc;
	if (rc == 0)
		*job->extent = (struct block_extent){
		    .kind = st.kind,
		    .len = st.len,
		    .has_host = st.kind == EXTENT_DATA,
		    .host = st.host,
		};
	job->at = job->end;
	return STEP_ON;
}
