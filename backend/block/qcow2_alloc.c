/*
 * qcow2_alloc.c: writing to what has no cluster of its own yet.
 *
 * Where zeroes are, and the new clusters are zeroes too (they are beyond what
 * the file ever had), the mapping is entered at once: whatever of the write
 * arrives, the disk shows what was there or what was written.
 *
 * Otherwise what surrounds the data is read, all is written in one go, and the
 * mapping follows when that is done. Until then the clusters are claimed:
 *
 *	from        at            end         until
 *	 │   head   │     data     │   tail    │
 *	 └──────────┴──────────────┴───────────┘
 *	first cluster                last cluster
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "backend/block/qcow2_image.h"

bool
claimed(const struct qcow2 *q, uint64_t cluster)
{
	const struct claim *c;

	for (c = q->claims; c != NULL; c = c->next)
		if (cluster >= c->first && cluster <= c->last)
			return true;
	return false;
}

/* Does a cluster that has no host read as zeroes? */
static bool
reads_zero(const struct qcow2 *q, uint64_t at, const struct entry *e)
{
	uint64_t begin = at & ~(q->cluster - 1);

	return e->zero == entry_all(q) || q->backing == NULL ||
	    begin >= block_size(q->backing);
}

/* Has it to get a new cluster, and is it all zeroes until then (plain)? */
static bool
wants_new(const struct qcow2 *q, uint64_t at, const struct entry *e, bool plain)
{
	if (plain)
		return !e->has_host && !e->compressed && reads_zero(q, at, e);
	return e->compressed || !e->has_host || !e->copied;
}

/* How many clusters in a row, from the job's place on, are like that. */
static uint64_t
count_new(struct job *job, const struct slice *s, bool plain)
{
	struct qcow2 *q = job->q;
	unsigned n = entry_index(q, job->at);
	uint64_t at = job->at & ~(q->cluster - 1), count = 0;
	struct entry e;

	for (; n < q->l2_slice_entries && at < job->end; n++) {
		if (entry_get(q, s, n, &e) != 0 ||
		    !wants_new(q, at, &e, plain) ||
		    (q->claims != NULL && claimed(q, at >> q->h.cluster_bits)))
			break;
		count++;
		at += q->cluster;
	}
	return count;
}

/* ---- a claim ---- */

static void
claim_free(struct claim *c)
{
	free(c->head);
	free(c->tail);
	if (c->piece.iov != c->piece.own)
		free(c->piece.iov);
	free(c);
}

/* Lets those go on who waited for the clusters. */
static void
release(struct claim *c)
{
	struct qcow2 *q = c->job->q;
	struct claim **at = &q->claims;

	while (*at != c)
		at = &(*at)->next;
	*at = c->next;
	c->slice->pins--;
	job_wake(q, &q->blocked);
	claim_free(c);
}

/* The subclusters of cluster that [from, until) covers. */
static uint32_t
covered(const struct claim *c, uint64_t cluster)
{
	struct qcow2 *q = c->job->q;
	uint64_t begin = cluster << q->h.cluster_bits;
	uint64_t first = c->from > begin ? c->from - begin : 0;
	uint64_t last = c->until - begin;
	uint64_t bits;

	if (last > q->cluster)
		last = q->cluster;
	bits = (1ULL << (last >> q->sub_bits)) - 1;
	return (uint32_t)(bits & ~((1ULL << (first >> q->sub_bits)) - 1));
}

/* What the mapping said of it is let go. */
static int
let_go(struct qcow2 *q, const struct entry *e)
{
	uint64_t offset, len;

	if (e->compressed) {
		entry_compressed(q, e->raw, &offset, &len);
		return freed_add(q, offset, len);
	}
	if (e->has_host && !q->external)
		return freed_add(q, e->host, q->cluster);
	return 0;
}

/* All is written: the mapping says so. */
static int
enter(struct claim *c)
{
	struct qcow2 *q = c->job->q;
	uint64_t cluster, host = c->host;
	struct entry e, new;
	unsigned n;
	int rc = 0;

	for (cluster = c->first; cluster <= c->last;
	     cluster++, host += q->cluster) {
		n = (unsigned)(cluster % q->l2_slice_entries);
		if (entry_get(q, c->slice, n, &e) != 0)
			return -EIO;
		new = (struct entry){.has_host = true,
		    .copied = true,
		    .host = host,
		    .allocated = e.allocated | covered(c, cluster),
		    .zero = e.zero & ~covered(c, cluster)};
		entry_set(q, c->slice, n, &new);
		if (c->fresh && rc == 0)
			rc = let_go(q, &e);
	}
	return rc;
}

static void
claim_done(struct claim *c, int result)
{
	struct job *job = c->job;
	struct qcow2 *q = job->q;

	if (result == 0)
		result = enter(c);
	else if (c->fresh && !q->external)
		refs_release(
		    q, c->host >> q->h.cluster_bits, c->last - c->first + 1);
	release(c);
	job_part_done(job, result);
}

static void
claim_written(struct piece *p, int result)
{
	claim_done(
	    (struct claim *)((uint8_t *)p - offsetof(struct claim, piece)),
	    result);
}

/* Head, data and tail in one write. */
static void
claim_write(struct claim *c)
{
	struct qcow2 *q = c->job->q;
	struct piece *p = &c->piece;
	uint64_t begin = c->first << q->h.cluster_bits;

	if (c->head != NULL)
		p->iov[0] = (struct iovec){c->head, c->at - c->from};
	if (c->tail != NULL)
		p->iov[p->rq.iovs - 1] =
		    (struct iovec){c->tail, c->stop - c->end};
	p->q = q;
	p->arrived = claim_written;
	p->rq.op = BLOCK_WRITE;
	p->rq.offset = c->host + (c->from - begin);
	p->rq.len = c->stop - c->from;
	p->rq.iov = p->iov;
	p->rq.done = piece_done;
	block_submit(q->data, &p->rq);
}

static void
part_read(struct claim *c, int result)
{
	if (result != 0)
		c->result = result;
	if (--c->reads > 0)
		return;
	if (c->result != 0)
		claim_done(c, c->result);
	else
		claim_write(c);
}

static void
head_read(struct block_request *rq, int result)
{
	part_read(
	    (struct claim *)((uint8_t *)rq - offsetof(struct claim, head_rq)),
	    result);
}

static void
tail_read(struct block_request *rq, int result)
{
	part_read(
	    (struct claim *)((uint8_t *)rq - offsetof(struct claim, tail_rq)),
	    result);
}

/* Begins to read one part as the disk shows it now. */
static int
read_part(struct claim *c, struct block_request *rq, struct iovec *iov,
    uint8_t *to, uint64_t offset, uint64_t len,
    void (*done)(struct block_request *, int))
{
	*iov = (struct iovec){to, len};
	*rq = (struct block_request){.op = BLOCK_READ,
	    .offset = offset,
	    .len = len,
	    .iov = iov,
	    .iovs = 1,
	    .done = done};
	c->reads++;
	if (job_inner(c->job->q, rq) == 0)
		return 0;
	c->reads--;
	return -ENOMEM;
}

/* Aligned as direct I/O asks, or it would be copied once more. */
static uint8_t *
part_new(uint64_t len)
{
	return aligned_alloc(512, (len + 511) & ~UINT64_C(511));
}

/* Buffers, and the row of them that will be written. */
static int
claim_room(struct claim *c)
{
	struct job *job = c->job;
	struct piece *p = &c->piece;
	unsigned n, parts;

	p->iov = p->own;
	if (c->at > c->from && (c->head = part_new(c->at - c->from)) == NULL)
		return -ENOMEM;
	if (c->stop > c->end && (c->tail = part_new(c->stop - c->end)) == NULL)
		return -ENOMEM;
	n = job_cut(job, c->at, c->end - c->at, NULL);
	parts = n + (c->head != NULL) + (c->tail != NULL);
	if (parts > sizeof p->own / sizeof *p->own) {
		p->iov = malloc(parts * sizeof *p->iov);
		if (p->iov == NULL) {
			p->iov = p->own;
			return -ENOMEM;
		}
	}
	p->rq.iovs = parts;
	job_cut(job, c->at, c->end - c->at, p->iov + (c->head != NULL));
	return 0;
}

/*
 * What is copied before and behind the data: to the edges of a cluster whose
 * content moves, else to those of subclusters.
 */
static void
claim_edges(struct claim *c, const struct slice *s)
{
	struct qcow2 *q = c->job->q;
	uint64_t sub = (1ULL << q->sub_bits) - 1, whole = q->cluster - 1;
	unsigned n = (unsigned)(c->first % q->l2_slice_entries);
	unsigned m = (unsigned)(c->last % q->l2_slice_entries);
	struct entry first, last;

	c->from = c->at & ~sub;
	c->until = (c->end + sub) & ~sub;
	if (!c->fresh)
		return;
	/* Of a count_new(): both can be read. */
	entry_get(q, s, n, &first);
	entry_get(q, s, m, &last);
	if (first.has_host || first.compressed)
		c->from = c->at & ~whole;
	if (last.has_host || last.compressed)
		c->until = (c->end + whole) & ~whole;
}

/* Claims n clusters at host for what the job writes up to end. */
static int
claim_new(struct job *job, struct slice *s, uint64_t host, uint64_t n,
    uint64_t end, bool fresh)
{
	struct qcow2 *q = job->q;
	struct claim *c = calloc(1, sizeof *c);
	int rc;

	if (c == NULL)
		return -ENOMEM;
	c->job = job;
	c->slice = s;
	c->host = host;
	c->fresh = fresh;
	c->first = job->at >> q->h.cluster_bits;
	c->last = c->first + n - 1;
	c->at = job->at;
	c->end = end;
	claim_edges(c, s);
	/* Others read a data file, too: it stays as long as the disk. */
	c->stop = q->external && c->until > q->b.size ? q->b.size : c->until;
	rc = claim_room(c);
	if (rc != 0) {
		claim_free(c);
		return rc;
	}
	s->pins++;
	c->next = q->claims;
	q->claims = c;
	job->pending++;
	job->at = end;
	/* One more, so that nothing begins before both are asked for. */
	c->reads = 1;
	if (c->head != NULL)
		rc = read_part(c, &c->head_rq, &c->head_iov, c->head, c->from,
		    c->at - c->from, head_read);
	if (rc == 0 && c->tail != NULL)
		rc = read_part(c, &c->tail_rq, &c->tail_iov, c->tail, c->end,
		    c->stop - c->end, tail_read);
	c->result = rc;
	if (--c->reads > 0)
		return 0;
	if (rc == 0) {
		claim_write(c);
		return 0;
	}
	/* Nothing is on its way; the clusters are the caller's to give back. */
	job->pending--;
	release(c);
	return rc;
}

/* ---- the step ---- */

/* New clusters of zeroes where zeroes are. */
static void
enter_zeroed(struct job *job, struct slice *s, uint64_t host, uint64_t n)
{
	struct qcow2 *q = job->q;
	unsigned i = entry_index(q, job->at);
	struct entry e = {
	    .has_host = true, .copied = true, .allocated = entry_all(q)};

	for (; n > 0; n--, i++, host += q->cluster) {
		e.host = host;
		entry_set(q, s, i, &e);
	}
}

static int
allocate_new(struct job *job, struct slice *s)
{
	struct qcow2 *q = job->q;
	uint64_t host = job->at & ~(q->cluster - 1), end;
	uint64_t want = count_new(job, s, true);
	bool plain = want > 0, zeroed = false;
	int64_t n;
	int rc;

	if (!plain)
		want = count_new(job, s, false);
	n = (int64_t)want;
	if (!q->external) {
		n = refs_allocate(q, job, want, &host, &zeroed);
		if (n < 0)
			return (int)n;
	}
	if (plain && zeroed) {
		enter_zeroed(job, s, host, (uint64_t)n);
		return 0;
	}
	end = (job->at & ~(q->cluster - 1)) + (uint64_t)n * q->cluster;
	if (end > job->end)
		end = job->end;
	rc = claim_new(job, s, host, (uint64_t)n, end, true);
	if (rc != 0 && !q->external)
		refs_release(q, host >> q->h.cluster_bits, (uint64_t)n);
	return rc;
}

enum step
allocate_step(struct job *job, struct slice *s, const struct stretch *st)
{
	struct qcow2 *q = job->q;
	uint64_t left = q->cluster - (job->at & (q->cluster - 1));
	struct entry e;
	int rc;

	rc = entry_get(q, s, entry_index(q, job->at), &e);
	if (rc == 0 && e.has_host && e.copied)
		/* The cluster is there, and this part of it not in use. */
		rc = claim_new(job, s, e.host, 1,
		    job->at + (st->len < left ? st->len : left), false);
	else if (rc == 0)
		rc = allocate_new(job, s);
	if (rc == -EINPROGRESS)
		return STEP_WAITS;
	if (rc != 0)
		job->result = rc;
	return STEP_ON;
}
