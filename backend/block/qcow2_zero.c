/*
 * qcow2_zero.c: discarding and writing zeroes: whole clusters (subclusters,
 * where the image has them) by the mapping alone, the rest by writing.
 *
 * The space behind them is given back to the host at once: until the mapping
 * is stable a crash may show zeroes or what was there, and either will do.
 */
#include <errno.h>
#include <stdlib.h>

#include "backend/block/qcow2_image.h"

/* Space of the file that is in one piece and no longer needed. */
struct hole {
	uint64_t offset, len;
};

static void
piece_arrived(struct piece *p, int result)
{
	struct job *job = p->job;

	piece_free(p);
	job_part_done(job, result);
}

/* That the host cannot do it loses nothing but space. */
static void
hole_arrived(struct piece *p, int result)
{
	piece_arrived(p, 0);
}

static void
give_back(struct job *job, struct hole *hole)
{
	struct piece *p;

	if (hole->len > 0 && (p = piece_new(job)) != NULL) {
		p->arrived = hole_arrived;
		p->rq.iovs = 0;
		piece_send(
		    p, job->q->data, BLOCK_DISCARD, hole->offset, hole->len);
	}
	hole->len = 0;
}

static void
hole_add(struct job *job, struct hole *hole, uint64_t offset)
{
	if (hole->len > 0 && hole->offset + hole->len != offset)
		give_back(job, hole);
	if (hole->len == 0)
		hole->offset = offset;
	hole->len += job->q->cluster;
}

/* ---- by writing ---- */

struct zeroes {
	struct block_request rq; /* first */
	struct job *job;
	struct iovec iov;
	uint8_t data[];
};

static void
zeroes_written(struct block_request *rq, int result)
{
	struct zeroes *z = (struct zeroes *)rq;
	struct job *job = z->job;

	free(z);
	job_part_done(job, result);
}

/* As if the guest had written them: len bytes, a cluster at most. */
static int
write_zeroes(struct job *job, uint64_t len)
{
	struct zeroes *z = calloc(1, sizeof *z + len);

	if (z == NULL)
		return -ENOMEM;
	z->job = job;
	z->iov = (struct iovec){z->data, len};
	z->rq = (struct block_request){.op = BLOCK_WRITE,
	    .offset = job->at,
	    .len = len,
	    .iov = &z->iov,
	    .iovs = 1,
	    .done = zeroes_written};
	job->pending++;
	if (job_inner(job->q, &z->rq) != 0) {
		job->pending--;
		free(z);
		return -ENOMEM;
	}
	job->at += len;
	return 0;
}

/* In a raw data file the zeroes themselves have to stand. */
static int
zero_data(struct job *job, uint64_t host, uint64_t len)
{
	struct piece *p = piece_new(job);

	if (p == NULL)
		return -ENOMEM;
	p->arrived = piece_arrived;
	p->rq.iovs = 0;
	piece_send(p, job->q->data, BLOCK_WRITE_ZEROES, host, len);
	job->at += len;
	return 0;
}

/* ---- by the mapping ---- */

/* Subclusters of one cluster, all of them within [at, at + len). */
static void
mark_subclusters(struct job *job, struct slice *s, uint64_t len)
{
	struct qcow2 *q = job->q;
	unsigned n = entry_index(q, job->at);
	uint64_t in = job->at & (q->cluster - 1), bits;
	struct entry e;

	entry_get(q, s, n, &e);
	bits = ((1ULL << ((in + len) >> q->sub_bits)) - 1) &
	    ~((1ULL << (in >> q->sub_bits)) - 1);
	e.zero |= (uint32_t)bits;
	e.allocated &= ~(uint32_t)bits;
	entry_set(q, s, n, &e);
	job->at += len;
}

/* A part of a cluster, up to end: zeroes where there are none yet. */
static int
zero_part(struct job *job, struct slice *s, uint64_t end)
{
	struct qcow2 *q = job->q;
	uint64_t sub = 1ULL << q->sub_bits;
	uint64_t in = job->at & (sub - 1), len = end - job->at;
	struct stretch st;

	if (job->rq->op == BLOCK_DISCARD) {
		job->at = end;
		return 0;
	}
	if (entry_stretch(q, s, job->at, len, &st) != 0)
		return qcow2_corrupt(q, "an L2 entry of the disk", job->at);
	if (st.kind == EXTENT_ZERO ||
	    (st.kind == EXTENT_HOLE && q->backing == NULL)) {
		job->at += st.len;
		return 0;
	}
	if (q->subclusters > 1 && in == 0 && len >= sub &&
	    st.kind != EXTENT_COMPRESSED &&
	    (q->h.autoclear & QCOW2_DATA_FILE_RAW) == 0) {
		mark_subclusters(job, s, len & ~(sub - 1));
		return 0;
	}
	/* Whole subclusters that follow can be marked. */
	if (q->subclusters > 1 && len > sub - in)
		len = sub - in;
	return write_zeroes(job, len);
}

/* Zeroes that are to be there, not only to be seen. */
static bool
keeps_space(const struct block_request *rq)
{
	return rq->op == BLOCK_WRITE_ZEROES && !rq->unmap;
}

/* The mapping of one cluster as it is to be. False: it stays as it is. */
static bool
new_entry(const struct job *job, const struct entry *e, struct entry *new)
{
	const struct qcow2 *q = job->q;

	*new = (struct entry){0};
	if (!e->has_host && !e->compressed &&
	    (q->backing == NULL || e->zero == entry_all(q)))
		return false;
	if (q->h.version >= 3)
		new->zero = entry_all(q);
	if (e->has_host && (keeps_space(job->rq) || q->external)) {
		new->has_host = true;
		new->host = e->host;
		new->copied = e->copied;
	}
	return true;
}

/* Returns 0, or a negative errno, with the job a cluster further. */
static int
zero_cluster(struct job *job, struct slice *s, struct hole *hole, uint64_t len)
{
	struct qcow2 *q = job->q;
	unsigned n = entry_index(q, job->at);
	uint64_t offset, bytes;
	struct entry e, new;
	int rc = 0;

	if (entry_get(q, s, n, &e) != 0)
		return qcow2_corrupt(q, "an L2 entry of the disk", job->at);
	if ((q->h.autoclear & QCOW2_DATA_FILE_RAW) != 0 && e.has_host)
		return zero_data(job, e.host, len);
	if (!new_entry(job, &e, &new)) {
		job->at += len;
		return 0;
	}
	/* Version 2 knows no zeroes, but what is nowhere. */
	if (q->h.version < 3 &&
	    (q->backing != NULL || new.has_host || keeps_space(job->rq)))
		return write_zeroes(job, len);
	entry_set(q, s, n, &new);
	if (e.compressed) {
		entry_compressed(q, e.raw, &offset, &bytes);
		rc = freed_add(q, offset, bytes);
	} else if (e.has_host && !keeps_space(job->rq)) {
		/* Clusters of a data file stay their place's, as nothing. */
		if (!q->external)
			rc = freed_add(q, e.host, q->cluster);
		if (e.copied)
			hole_add(job, hole, e.host);
	}
	job->at += len;
	return rc;
}

/* What a place wants: how much of its cluster, and is that all of it? */
static bool
whole(const struct job *job, uint64_t *len)
{
	const struct qcow2 *q = job->q;
	uint64_t in = job->at & (q->cluster - 1), most = q->cluster - in;

	/* The disk may end within its last cluster. */
	if (most > q->b.size - job->at)
		most = q->b.size - job->at;
	*len = job->end - job->at < most ? job->end - job->at : most;
	return in == 0 && *len == most;
}

static int
walk(struct job *job, struct slice *s)
{
	struct qcow2 *q = job->q;
	uint64_t last = job->at / (q->l2_slice_entries * q->cluster), len;
	struct hole hole = {0, 0};
	int rc = 0;

	while (rc == 0 && job->at < job->end &&
	    job->at / (q->l2_slice_entries * q->cluster) == last &&
	    !claimed(q, job->at >> q->h.cluster_bits)) {
		if (whole(job, &len))
			rc = zero_cluster(job, s, &hole, len);
		else
			rc = zero_part(job, s, job->at + len);
	}
	give_back(job, &hole);
	return rc;
}

enum step
zero_step(struct job *job)
{
	struct qcow2 *q = job->q;
	uint64_t span = qcow2_l1_span(&q->h);
	struct slice *s;
	int rc;

	if (q->failed != 0) {
		job->result = q->failed;
		return STEP_ON;
	}
	if (job->rq->op == BLOCK_DISCARD && q->h.version < 3 &&
	    q->backing != NULL) {
		job->result = -EOPNOTSUPP;
		return STEP_ON;
	}
	if (claimed(q, job->at >> q->h.cluster_bits)) {
		job_block(q, job);
		return STEP_WAITS;
	}
	/* No table, and nothing below: it is all zeroes. */
	if (q->backing == NULL &&
	    (q->l1.entry[job->at / span] & QCOW2_L1_OFFSET) == 0) {
		job->at = (job->at / span + 1) * span;
		if (job->at > job->end)
			job->at = job->end;
		return STEP_ON;
	}
	rc = l2_slice_to_write(q, job, job->at, &s);
	if (rc == 1)
		return STEP_WAITS;
	if (rc == 0)
		rc = walk(job, s);
	if (rc != 0)
		job->result = rc;
	return STEP_ON;
}
