/*
 * qcow2_job.c: requests on their way: jobs, the pieces they send below, and
 * the loop that goes on with whatever is finished there.
 */
#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>

#include "backend/block/qcow2_image.h"

void
job_list_init(struct job_list *l)
{
	l->first = NULL;
	l->end = &l->first;
}

void
job_list_add(struct job_list *l, struct job *job)
{
	job->next = NULL;
	*l->end = job;
	l->end = &job->next;
}

struct job *
job_list_take(struct job_list *l)
{
	struct job *job = l->first;

	if (job != NULL) {
		l->first = job->next;
		if (l->first == NULL)
			l->end = &l->first;
	}
	return job;
}

void
job_wake(struct qcow2 *q, struct job_list *list)
{
	struct job *job;

	while ((job = job_list_take(list)) != NULL)
		job_list_add(&q->runnable, job);
}

void
job_block(struct qcow2 *q, struct job *job)
{
	job->waits = true;
	job_list_add(&q->blocked, job);
}

/* ---- pieces ---- */

struct piece *
piece_new(struct job *job)
{
	struct qcow2 *q = job->q;
	struct piece *p = job->spare;

	job->spare = NULL;
	if (p == NULL && (p = q->idle_pieces) != NULL)
		q->idle_pieces = p->next;
	if (p == NULL && (p = malloc(sizeof *p)) == NULL)
		return NULL;
	p->q = q;
	p->job = job;
	p->iov = p->own;
	p->buffer = NULL;
	return p;
}

void
piece_free(struct piece *p)
{
	if (p->iov != p->own && p->iov != p->job->rq->iov)
		free(p->iov);
	free(p->buffer);
	if (p == &p->job->first) {
		p->job->spare = p;
		return;
	}
	p->next = p->q->idle_pieces;
	p->q->idle_pieces = p;
}

unsigned
job_cut(const struct job *job, uint64_t at, uint64_t len, struct iovec *iov)
{
	const struct block_request *rq = job->rq;
	uint64_t skip = at - rq->offset, part;
	unsigned i = 0, n = 0;

	while (i < rq->iovs && skip >= rq->iov[i].iov_len)
		skip -= rq->iov[i++].iov_len;
	for (; i < rq->iovs && len > 0; i++, skip = 0) {
		part = rq->iov[i].iov_len - skip;
		if (part > len)
			part = len;
		if (part == 0)
			continue;
		if (iov != NULL) {
			iov[n].iov_base = (uint8_t *)rq->iov[i].iov_base + skip;
			iov[n].iov_len = part;
		}
		n++;
		len -= part;
	}
	return n;
}

int
piece_map(struct piece *p, uint64_t len)
{
	struct job *job = p->job;
	unsigned n;

	p->at = job->at;
	if (job->at == job->rq->offset && len == job->rq->len) {
		p->rq.iovs = job->rq->iovs;
		/* Not changed: piece_free() knows it by its address. */
		p->iov = (struct iovec *)(uintptr_t)job->rq->iov;
		return 0;
	}
	n = job_cut(job, job->at, len, NULL);
	if (n > sizeof p->own / sizeof *p->own) {
		p->iov = malloc(n * sizeof *p->iov);
		if (p->iov == NULL) {
			p->iov = p->own;
			return -ENOMEM;
		}
	}
	p->rq.iovs = job_cut(job, job->at, len, p->iov);
	return 0;
}

void
job_fill(struct job *job, uint64_t at, const uint8_t *from, uint64_t len)
{
	const struct block_request *rq = job->rq;
	uint64_t skip = at - rq->offset, part;
	unsigned i = 0;

	while (i < rq->iovs && skip >= rq->iov[i].iov_len)
		skip -= rq->iov[i++].iov_len;
	for (; i < rq->iovs && len > 0; i++, skip = 0) {
		part = rq->iov[i].iov_len - skip;
		if (part > len)
			part = len;
		if (from == NULL) {
			memset((uint8_t *)rq->iov[i].iov_base + skip, 0, part);
		} else {
			memcpy(
			    (uint8_t *)rq->iov[i].iov_base + skip, from, part);
			from += part;
		}
		len -= part;
	}
}

void
piece_done(struct block_request *rq, int result)
{
	struct piece *p = (struct piece *)rq;

	p->result = result;
	p->next = NULL;
	*p->q->arrived_end = p;
	p->q->arrived_end = &p->next;
}

void
piece_send(struct piece *p, struct block *to, enum block_op op, uint64_t offset,
    uint64_t len)
{
	p->rq.op = op;
	/* Zeroes that have to be there, with room, are so in a data file too. */
	p->rq.unmap = p->job->rq->op != BLOCK_WRITE_ZEROES || p->job->rq->unmap;
	p->rq.offset = offset;
	p->rq.len = len;
	p->rq.iov = p->iov;
	p->rq.done = piece_done;
	p->job->pending++;
	block_submit(to, &p->rq);
}

/* ---- jobs ---- */

static struct job *
job_new(struct qcow2 *q)
{
	struct job *job = q->idle;

	if (job == NULL) {
		job = malloc(sizeof *job);
		if (job == NULL)
			return NULL;
	} else {
		q->idle = job->next;
	}
	job->q = q;
	job->extent = NULL;
	job->born = q->clock;
	job->pending = 0;
	job->result = 0;
	job->waits = false;
	job->spare = &job->first;
	job->before = NULL;
	job->after = q->jobs;
	if (q->jobs != NULL)
		q->jobs->before = job;
	q->jobs = job;
	return job;
}

static void
job_free(struct job *job)
{
	struct qcow2 *q = job->q;

	*(job->before != NULL ? &job->before->after : &q->jobs) = job->after;
	if (job->after != NULL)
		job->after->before = job->before;
	job->next = q->idle;
	q->idle = job;
}

void
job_finish(struct job *job)
{
	job_list_add(&job->q->finished, job);
}

static enum step
step(struct job *job)
{
	if (job->kind == JOB_MAP)
		return map_step(job);
	switch (job->rq->op) {
	case BLOCK_READ:
		return read_step(job);
	case BLOCK_WRITE:
		return write_step(job);
	default:
		return zero_step(job);
	}
}

/* Goes as far as it can. */
static void
run(struct job *job)
{
	job->waits = false;
	while (job->result == 0 && job->at < job->end)
		if (step(job) == STEP_WAITS)
			return;
	if (job->pending == 0)
		job_finish(job);
}

void
job_part_done(struct job *job, int result)
{
	job->pending--;
	if (result != 0 && job->result == 0)
		job->result = result;
	if (job->pending == 0 && !job->waits &&
	    (job->result != 0 || job->at >= job->end))
		job_finish(job);
}

static struct job *
begin(struct qcow2 *q, struct block_request *rq, enum job_kind kind)
{
	struct job *job = job_new(q);

	if (job == NULL)
		return NULL;
	job->kind = kind;
	job->rq = rq;
	job->at = rq->offset;
	job->end = rq->offset + rq->len;
	return job;
}

int
job_inner(struct qcow2 *q, struct block_request *rq)
{
	struct job *job = begin(q, rq, JOB_INNER);

	if (job == NULL)
		return -ENOMEM;
	run(job);
	return 0;
}

static void
qcow2_submit(struct block *b, struct block_request *rq)
{
	struct qcow2 *q = (struct qcow2 *)b;
	struct job *job;

	if (direct(q, rq))
		return;
	job = begin(q, rq, JOB_REQUEST);
	if (job == NULL) {
		rq->moved = (uint64_t)-ENOMEM;
		block_queue_add(&b->ready, rq);
		return;
	}
	if (rq->op == BLOCK_FLUSH) {
		job_list_add(&q->flushers, job);
		return;
	}
	l2_prefetch(q, rq->offset);
	job->waits = true;
	job_list_add(&q->runnable, job);
}

/* ---- the loop ---- */

static void
hand_on(struct qcow2 *q)
{
	block_flush_queue(q->file);
	if (q->data != q->file)
		block_flush_queue(q->data);
	if (q->backing != NULL)
		block_flush_queue(q->backing);
}

static void
qcow2_flush_queue(struct block *b)
{
	struct qcow2 *q = (struct qcow2 *)b;
	struct job *job;

	while ((job = job_list_take(&q->runnable)) != NULL)
		run(job);
	commit_go_on(q);
	hand_on(q);
}

static unsigned
finish(struct qcow2 *q)
{
	struct block_request *rq;
	enum job_kind kind;
	struct job *job;
	unsigned n = 0;
	int result;

	while ((job = job_list_take(&q->finished)) != NULL) {
		rq = job->rq;
		kind = job->kind;
		result = job->result;
		job_free(job);
		if (kind == JOB_REQUEST) {
			block_finish(&q->b, rq, result);
			n++;
		} else {
			rq->done(rq, result);
		}
	}
	return n;
}

static void
take_arrived(struct qcow2 *q)
{
	struct piece *p;

	while ((p = q->arrived) != NULL) {
		q->arrived = p->next;
		if (q->arrived == NULL)
			q->arrived_end = &q->arrived;
		p->arrived(p, p->result);
	}
}

/* Works on all that is finished below. Returns how many were finished. */
static unsigned
work(struct qcow2 *q)
{
	struct job *job;
	unsigned n = 0;

	do {
		cache_take_loaded(q);
		take_arrived(q);
		while ((job = job_list_take(&q->runnable)) != NULL)
			run(job);
		commit_go_on(q);
		n += finish(q);
		/* What was still in use when its round ended. */
		freed_apply(q);
	} while (q->loaded != NULL || q->arrived != NULL ||
	    q->runnable.first != NULL || q->finished.first != NULL ||
	    commit_waits(q));
	return n;
}

/* Is anything finished in the chain from b down that was not passed on? */
static bool
has_work(const struct block *b)
{
	const struct qcow2 *q;

	for (; b != NULL; b = q->backing) {
		if (b->ready.first != NULL)
			return true;
		if (b->ops != &qcow2_ops)
			return false;
		q = (const struct qcow2 *)b;
		if (q->loaded != NULL || q->arrived != NULL ||
		    q->finished.first != NULL || q->runnable.first != NULL)
			return true;
	}
	return false;
}

static unsigned
qcow2_reap(struct block *b)
{
	struct qcow2 *q = (struct qcow2 *)b;
	unsigned n = 0;

	if (q->backing != NULL)
		block_reap(q->backing);
	do {
		block_reap(q->file);
		if (q->data != q->file)
			block_reap(q->data);
		n += work(q);
		hand_on(q);
		/* What needed no I/O there makes no event either. */
		while (has_work(q->backing)) {
			block_reap(q->backing);
			n += work(q);
			hand_on(q);
		}
	} while (has_work(q->file) || has_work(q->data));
	return n;
}

static void
qcow2_wait(struct block *b)
{
	struct qcow2 *q = (struct qcow2 *)b;
	struct pollfd p = {b->event_fd, POLLIN, 0};

	if (q->data == q->file && q->backing == NULL)
		q->file->ops->wait(q->file);
	else
		poll(&p, 1, -1);
}

struct sync_request {
	struct block_request rq; /* first */
	bool done;
	int result;
};

static void
sync_done(struct block_request *rq, int result)
{
	struct sync_request *s = (struct sync_request *)rq;

	s->done = true;
	s->result = result;
}

int
qcow2_sync_io(
    struct qcow2 *q, enum block_op op, uint64_t offset, void *buf, uint64_t len)
{
	struct iovec iov = {buf, len};
	struct sync_request s = {.rq = {.op = op,
				     .unmap = true,
				     .offset = offset,
				     .len = len,
				     .iov = &iov,
				     .iovs = 1,
				     .done = sync_done}};

	block_submit(q->file, &s.rq);
	block_flush_queue(q->file);
	/* What else is finished there is noted, and waits for its turn. */
	while (block_reap(q->file), !s.done)
		q->file->ops->wait(q->file);
	return s.result;
}

static int
qcow2_map(
    struct block *b, uint64_t offset, uint64_t len, struct block_extent *extent)
{
	struct qcow2 *q = (struct qcow2 *)b;
	struct sync_request s = {.rq = {.op = BLOCK_READ,
				     .offset = offset,
				     .len = len,
				     .done = sync_done}};
	struct job *job = begin(q, &s.rq, JOB_MAP);

	if (job == NULL)
		return -ENOMEM;
	job->extent = extent;
	run(job);
	while (block_flush_queue(b), block_reap(b), !s.done)
		qcow2_wait(b);
	return s.result;
}

static struct block *
qcow2_backing(const struct block *b)
{
	return ((const struct qcow2 *)b)->backing;
}

const struct block_ops qcow2_ops = {
    .submit = qcow2_submit,
    .flush_queue = qcow2_flush_queue,
    .reap = qcow2_reap,
    .wait = qcow2_wait,
    .close = qcow2_close,
    .map = qcow2_map,
    .backing = qcow2_backing,
    .resize = qcow2_resize,
};
