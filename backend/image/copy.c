/*
 * copy.c: a disk copied by slots, each a piece of it on its way:
 *
 *	next_piece ─▶ READING ─▶ WRITING ─┬▶ free
 *	                            ▲     │ more that is not zero
 *	                            └─────┘
 */
#include <errno.h>
#include <poll.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "backend/image/copy.h"
#include "backend/image/extent.h"

#define SLOTS  16
#define CHUNK  (UINT64_C(1) << 20) /* the largest piece, or a grain */
#define ZEROES 64 /* chunks of them at once */

struct job;

struct slot {
	struct job *job;
	struct block_request rq;
	struct iovec iov;
	uint8_t *data;
	uint64_t offset, len;
	uint64_t done; /* written of it, or seen to be zero */
	bool busy;
};

struct job {
	struct copy *c;
	struct progress progress;
	uint64_t at, chunk;
	unsigned busy;
	int result; /* the first that failed */
	bool writing; /* then */
	struct slot slot[SLOTS];
};

bool
copy_is_zero(const void *data, size_t len)
{
	const uint8_t *p = data;

	return p[0] == 0 && memcmp(p, p + 1, len - 1) == 0;
}

static void
on_single(struct block_request *rq, int result)
{
	rq->moved = (uint64_t)result;
}

int
copy_request(struct block *b, enum block_op op, uint64_t offset, uint64_t len,
    void *data)
{
	struct iovec iov = {data, len};
	struct block_request rq = {
	    .op = op,
	    .unmap = op == BLOCK_WRITE_ZEROES,
	    .offset = offset,
	    .len = len,
	    .iov = &iov,
	    .iovs = 1,
	    .done = on_single,
	};

	block_submit(b, &rq);
	block_drain(b);
	return (int)rq.moved;
}

static void
release(struct slot *s)
{
	progress_add(&s->job->progress, s->len);
	s->busy = false;
	s->job->busy--;
}

static void
fail(struct slot *s, bool writing, int result)
{
	if (s->job->result == 0) {
		s->job->result = result;
		s->job->writing = writing;
	}
	release(s);
}

static void on_written(struct block_request *rq, int result);

static void
submit(struct slot *s, struct block *b, enum block_op op,
    void (*done)(struct block_request *, int), uint64_t skip, uint64_t len)
{
	s->iov = (struct iovec){s->data + skip, len};
	s->rq = (struct block_request){
	    .op = op,
	    .unmap = op == BLOCK_WRITE_ZEROES,
	    .offset = s->offset + skip,
	    .len = len,
	    .iov = &s->iov,
	    .iovs = 1,
	    .done = done,
	};
	block_submit(b, &s->rq);
}

/* Writes the next part of a slot that has to be. */
static void
write_on(struct slot *s)
{
	struct copy *c = s->job->c;
	uint64_t from, to, piece;

	if (!c->fresh) {
		if (s->done == s->len) {
			release(s);
			return;
		}
		s->done = s->len;
		submit(s, c->to,
		    copy_is_zero(s->data, s->len) ? BLOCK_WRITE_ZEROES
						  : BLOCK_WRITE,
		    on_written, 0, s->len);
		return;
	}
	for (from = s->done; from < s->len; from += piece) {
		piece = s->len - from < c->grain ? s->len - from : c->grain;
		if (!copy_is_zero(s->data + from, piece))
			break;
	}
	for (to = from; to < s->len; to += piece) {
		piece = s->len - to < c->grain ? s->len - to : c->grain;
		if (copy_is_zero(s->data + to, piece))
			break;
	}
	s->done = to;
	if (from == to)
		release(s);
	else
		submit(s, c->to, BLOCK_WRITE, on_written, from, to - from);
}

static struct slot *
slot_of(struct block_request *rq)
{
	return (struct slot *)((uint8_t *)rq - offsetof(struct slot, rq));
}

static void
on_written(struct block_request *rq, int result)
{
	struct slot *s = slot_of(rq);

	if (result < 0)
		fail(s, true, result);
	else
		write_on(s);
}

static void
on_read(struct block_request *rq, int result)
{
	struct slot *s = slot_of(rq);

	if (result < 0)
		fail(s, false, result);
	else
		write_on(s);
}

/*
 * What comes next: HOLE when there is no more. Where only zeroes are to be
 * skipped, a piece begins at a grain and ends at a chunk.
 */
static int
next_piece(struct job *job, struct extent *e, struct error *err)
{
	struct copy *c = job->c;
	uint64_t end, most;
	int rc;

	while (job->at < c->size) {
		if (c->top_only)
			rc = extent_of(c->from, job->at, c->size - job->at, e);
		else
			rc =
			    extent_find(c->from, job->at, c->size - job->at, e);
		if (rc < 0)
			return tool_io_failed(c->from_path, false, rc, err);
		end = job->at + e->len;
		if (e->kind == EXTENT_HOLE ||
		    (e->kind == EXTENT_ZERO && c->fresh)) {
			if (c->fresh && end < c->size)
				end &= ~(c->grain - 1);
			if (end > job->at) {
				progress_add(&job->progress, end - job->at);
				job->at = end;
				continue;
			}
		}
		if (c->fresh)
			end = c->size;
		most = ZEROES * job->chunk;
		if (e->kind != EXTENT_ZERO || c->fresh) {
			e->kind = EXTENT_DATA;
			most = job->chunk;
		}
		if (end > (job->at / most + 1) * most)
			end = (job->at / most + 1) * most;
		e->offset = job->at;
		e->len = end - job->at;
		job->at = end;
		return 0;
	}
	e->kind = EXTENT_HOLE;
	return 0;
}

/* Gives the free slots work. */
static int
fill(struct job *job, struct error *err)
{
	struct copy *c = job->c;
	struct extent e;
	struct slot *s;
	unsigned i;

	for (i = 0; i < SLOTS && job->result == 0 && !interrupted(); i++) {
		s = &job->slot[i];
		if (s->busy)
			continue;
		if (next_piece(job, &e, err) == -1)
			return -1;
		if (e.kind == EXTENT_HOLE)
			return 0;
		s->offset = e.offset;
		s->len = e.len;
		s->busy = true;
		job->busy++;
		s->done = 0;
		if (e.kind == EXTENT_ZERO) {
			s->done = s->len;
			submit(s, c->to, BLOCK_WRITE_ZEROES, on_written, 0,
			    s->len);
		} else {
			submit(s, c->from, BLOCK_READ, on_read, 0, s->len);
		}
	}
	return 0;
}

/* Passes on what is finished; waits if that is nothing. */
static void
turn(struct copy *c)
{
	struct pollfd fds[2] = {
	    {.fd = block_event_fd(c->from), .events = POLLIN},
	    {.fd = block_event_fd(c->to), .events = POLLIN},
	};

	block_flush_queue(c->from);
	block_flush_queue(c->to);
	if (block_reap(c->from) + block_reap(c->to) > 0)
		return;
	poll(fds, 2, -1);
}

static int
run(struct job *job, struct error *err)
{
	struct copy *c = job->c;
	int rc = 0;

	for (;;) {
		if (rc == 0)
			rc = fill(job, err);
		if (job->busy == 0)
			break;
		turn(c);
	}
	if (rc == -1)
		return -1;
	if (job->result < 0)
		return tool_io_failed(job->writing ? c->to_path : c->from_path,
		    job->writing, job->result, err);
	if (interrupted())
		return error_set(err, "interrupted");
	rc = copy_request(c->to, BLOCK_FLUSH, 0, 0, NULL);
	return rc < 0 ? tool_io_failed(c->to_path, true, rc, err) : 0;
}

int
copy_run(struct copy *c, struct error *err)
{
	struct job *job = calloc(1, sizeof *job);
	unsigned i;
	int rc = 0;

	if (job == NULL)
		return error_set(err, "out of memory");
	job->c = c;
	job->chunk = c->grain > CHUNK ? c->grain : CHUNK;
	for (i = 0; i < SLOTS; i++) {
		job->slot[i].job = job;
		job->slot[i].data = malloc(job->chunk);
		if (job->slot[i].data == NULL)
			rc = error_set(err, "out of memory");
	}
	progress_begin(&job->progress, c->what, c->size);
	if (rc == 0)
		rc = run(job, err);
	progress_end(&job->progress);
	for (i = 0; i < SLOTS; i++)
		free(job->slot[i].data);
	free(job);
	return rc;
}
