/*
 * qcow2_grow.c: the file made longer, before clusters behind its end are used.
 *
 *	frontier             extended            extended + step
 *	   ├─ zeroes, free ──────┤┄┄ on its way ┄┄┄┄┄┄┤
 *
 * Two requests do it. A write of the last byte of the new part moves the end:
 * nothing ever points beyond it. Before that the file system is asked for the
 * room of the part: a write then finds its blocks, which on ext4 takes a third
 * of the time away, and lie in a row. That may fail, and nothing depends on it.
 * It is asked for while half of the last step is still free, so that nobody
 * waits; who needs it sooner does. What was not needed of it is given back when
 * the image is closed.
 */
#include <errno.h>

#include "backend/block/qcow2_image.h"

#define GROW_MOST  (4u << 20)
#define GROW_LEAST 4u /* clusters */
#define FILE_MOST  (1ULL << 55) /* what an entry of L2 can name */

/* Small images stay small. */
static uint64_t
step_of(const struct qcow2 *q)
{
	uint64_t step = q->cluster * GROW_LEAST;

	if (step < GROW_MOST)
		step = GROW_MOST;
	return step < q->extended ? step : q->extended;
}

static void
reserved(struct block_request *rq, int result)
{
	struct growth *g =
	    (struct growth *)((uint8_t *)rq - offsetof(struct growth, room));

	g->pending--;
	if (result != 0)
		g->no_room = true;
}

static void
grown(struct block_request *rq, int result)
{
	struct growth *g = (struct growth *)rq;

	g->pending--;
	g->result = result;
	if (result == 0)
		g->q->extended = g->want;
}

/* Begins to make the file want bytes long. */
static void
begin(struct qcow2 *q, uint64_t want)
{
	static uint8_t zero; /* nobody writes it */
	struct growth *g = &q->growth;

	g->q = q;
	g->want = want;
	/* A file that holds tables alone has no use for room. */
	if (!g->no_room && !q->external) {
		g->room = (struct block_request){.op = BLOCK_RESERVE,
		    .offset = q->extended,
		    .len = want - q->extended,
		    .done = reserved};
		g->pending++;
		g->reserved = true;
		block_submit(q->file, &g->room);
	}
	g->iov = (struct iovec){&zero, 1};
	g->rq = (struct block_request){.op = BLOCK_WRITE,
	    .offset = want - 1,
	    .len = 1,
	    .iov = &g->iov,
	    .iovs = 1,
	    .done = grown};
	g->pending++;
	block_submit(q->file, &g->rq);
}

/* What else is finished below is noted, and waits for its turn. */
static void
wait_for_it(struct qcow2 *q)
{
	block_flush_queue(q->file);
	while (block_reap(q->file), q->growth.pending > 0)
		q->file->ops->wait(q->file);
}

void
grow_ahead(struct qcow2 *q)
{
	uint64_t step = step_of(q),
		 want = (q->extended + step) & ~(q->cluster - 1);

	if (q->growth.pending == 0 && q->growth.result == 0 &&
	    q->extended - (q->frontier << q->h.cluster_bits) < step / 2 &&
	    want > q->extended && want <= FILE_MOST)
		begin(q, want);
}

int
grow(struct qcow2 *q, uint64_t cluster)
{
	uint64_t want = cluster << q->h.cluster_bits, step;

	if (want <= q->extended)
		return 0;
	if (!q->grows)
		return -ENOSPC;
	if (want > FILE_MOST)
		return -EFBIG;
	if (q->growth.pending > 0)
		wait_for_it(q);
	if (want <= q->extended)
		return 0;
	step = step_of(q);
	if (want < q->extended + step)
		want = (q->extended + step) & ~(q->cluster - 1);
	begin(q, want);
	wait_for_it(q);
	return q->growth.result;
}

void
grow_end(struct qcow2 *q)
{
	uint64_t from = q->frontier << q->h.cluster_bits;

	if (q->growth.pending > 0)
		wait_for_it(q);
	if (q->growth.reserved && from < q->extended)
		qcow2_sync_io(q, BLOCK_DISCARD, from, NULL, q->extended - from);
}
