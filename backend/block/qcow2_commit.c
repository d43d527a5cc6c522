/*
 * qcow2_commit.c: rounds that write the metadata, in the order that
 * qcow2_image.h draws. A guest's flush is a round; so is a cache that fills.
 *
 * A round begins with a copy of all that is dirty, at one moment: what changes
 * later is the next round's, since its data may not be stable with this one.
 * Flushes that come while a round runs are the next one's, all together.
 */
#include <endian.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "backend/block/qcow2_image.h"
#include "config/log.h"

#define SECTOR       512u
#define HEADER_TABLE 48u /* where the header says where the table is */

static bool
needed(const struct qcow2 *q)
{
	return q->l2.dirty > 0 || q->refs.dirty > 0 || q->l1.any_dirty ||
	    q->reftable.any_dirty || q->table_moved ||
	    q->freed.n > q->freed.stable;
}

/* ---- what a round writes ---- */

static void
write_done(struct block_request *rq, int result)
{
	struct commit_write *w = (struct commit_write *)rq;

	w->q->commit.pending--;
	if (result != 0 && w->q->commit.result == 0)
		w->q->commit.result = result;
}

static struct commit_write *
add_write(struct qcow2 *q, enum commit_stage stage, uint64_t offset, size_t len)
{
	struct commit_write *w = malloc(sizeof *w + len);

	if (w == NULL)
		return NULL;
	*w = (struct commit_write){.q = q, .stage = stage};
	w->iov = (struct iovec){w->data, len};
	w->rq = (struct block_request){.op = BLOCK_WRITE,
	    .offset = offset,
	    .len = len,
	    .iov = &w->iov,
	    .iovs = 1,
	    .done = write_done};
	w->next = q->commit.writes;
	q->commit.writes = w;
	q->commit.stages[stage] = true;
	return w;
}

static int
add_slices(struct qcow2 *q, struct cache *c, enum commit_stage stage)
{
	bool l2 = c == &q->l2;
	unsigned per = l2 ? q->l2_slices : q->ref_slices;
	struct table *t = l2 ? &q->l1 : &q->reftable;
	uint64_t mask = l2 ? QCOW2_L1_OFFSET : QCOW2_REFTABLE_OFFSET;
	struct commit_write *w;
	struct slice *s;

	for (s = c->newest; s != NULL && c->dirty > 0; s = s->older) {
		if (!s->dirty)
			continue;
		w = add_write(q, stage,
		    (t->entry[s->key / per] & mask) + s->key % per * c->bytes,
		    c->bytes);
		if (w == NULL)
			return -ENOMEM;
		memcpy(w->data, s->data, c->bytes);
		w->cache = c;
		w->slice = s;
		/* Read again it would be as it was. */
		s->pins++;
		cache_clean(c, s);
	}
	return 0;
}

static int
add_table(struct qcow2 *q, struct table *t, enum commit_stage stage)
{
	uint64_t sectors = (t->n * 8 + SECTOR - 1) / SECTOR, i, j, n, v;
	struct commit_write *w;

	if (!t->any_dirty)
		return 0;
	for (i = 0; i < sectors; i++) {
		if (!t->dirty[i])
			continue;
		n = t->n - i * 64 < 64 ? t->n - i * 64 : 64;
		w = add_write(q, stage, t->offset + i * SECTOR, n * 8);
		if (w == NULL)
			return -ENOMEM;
		for (j = 0; j < n; j++) {
			v = htobe64(t->entry[i * 64 + j]);
			memcpy(w->data + j * 8, &v, sizeof v);
		}
		w->table = t;
		w->sector = i;
		t->dirty[i] = 0;
	}
	t->any_dirty = false;
	return 0;
}

static int
add_header(struct qcow2 *q)
{
	uint64_t offset = htobe64(q->reftable.offset);
	uint32_t clusters =
	    htobe32((uint32_t)(q->reftable.n * 8 >> q->h.cluster_bits));
	struct commit_write *w;

	if (!q->table_moved)
		return 0;
	w = add_write(q, COMMIT_HEADER, HEADER_TABLE, 12);
	if (w == NULL)
		return -ENOMEM;
	memcpy(w->data, &offset, 8);
	memcpy(w->data + 8, &clusters, 4);
	q->table_moved = false;
	return 0;
}

/* It did not work: what should have been written is dirty again. */
static void
undo(const struct commit_write *w)
{
	if (w->slice != NULL)
		cache_dirty(w->cache, w->slice);
	if (w->table != NULL) {
		w->table->dirty[w->sector] = 1;
		w->table->any_dirty = true;
	}
	if (w->stage == COMMIT_HEADER)
		w->q->table_moved = true;
}

/* ---- stages ---- */

static void
sync_done(struct block_request *rq, int result)
{
	struct qcow2 *q = ((struct commit_sync *)rq)->q;

	q->commit.pending--;
	if (result == 0)
		return;
	/*
	 * The kernel forgets what it could not write: a second try would
	 * seem to work.
	 */
	q->commit.result = result;
	q->failed = -EIO;
}

static void
send_sync(struct qcow2 *q, unsigned i, struct block *to)
{
	struct commit_sync *s = &q->commit.sync[i];

	s->q = q;
	s->rq = (struct block_request){.op = BLOCK_FLUSH, .done = sync_done};
	q->commit.pending++;
	block_submit(to, &s->rq);
}

static void
send_writes(struct qcow2 *q, enum commit_stage stage)
{
	struct commit_write *w;

	for (w = q->commit.writes; w != NULL; w = w->next)
		if (w->stage == stage) {
			q->commit.pending++;
			block_submit(q->file, &w->rq);
		}
}

static void
finish(struct qcow2 *q)
{
	struct commit *c = &q->commit;
	struct commit_write *w;
	struct job *job;

	while ((w = c->writes) != NULL) {
		c->writes = w->next;
		if (c->result != 0)
			undo(w);
		if (w->slice != NULL)
			w->slice->pins--;
		free(w);
	}
	if (c->result == 0)
		q->freed.stable = c->freed;
	else
		/* Not again at once: who flushes next tries again. */
		q->want_commit = false;
	c->stage = COMMIT_IDLE;
	while ((job = job_list_take(&c->flushers)) != NULL) {
		job->result = c->result;
		job_finish(job);
	}
	freed_apply(q);
	/* Who waits for room would wait forever: it may be asked for again. */
	if (c->result != 0 && q->l2.dirty >= q->l2.most / 2)
		for (job = q->blocked.first; job != NULL; job = job->next)
			job->result = c->result;
	job_wake(q, &q->blocked);
}

/* On to the next stage that has something to do. */
static void
next_stage(struct qcow2 *q)
{
	struct commit *c = &q->commit;

	while (c->pending == 0) {
		if (c->result != 0 || c->stage == COMMIT_SYNC_MAPPING) {
			finish(q);
			return;
		}
		c->stage++;
		if (!c->stages[c->stage])
			continue;
		switch (c->stage) {
		case COMMIT_SYNC_DATA:
			send_sync(q, 0, q->file);
			if (q->data != q->file)
				send_sync(q, 1, q->data);
			break;
		case COMMIT_SYNC_TABLE:
		case COMMIT_SYNC_HEADER:
		case COMMIT_SYNC_MAPPING:
			send_sync(q, 0, q->file);
			break;
		default:
			send_writes(q, c->stage);
			break;
		}
	}
}

static void
start(struct qcow2 *q)
{
	struct commit *c = &q->commit;
	struct job *job;

	q->want_commit = false;
	memset(c->stages, 0, sizeof c->stages);
	c->pending = 0;
	c->result = q->failed;
	while ((job = job_list_take(&q->flushers)) != NULL)
		job_list_add(&c->flushers, job);
	c->freed = q->freed.n;
	c->stage = COMMIT_REFS;
	if (c->result == 0 &&
	    (add_slices(q, &q->refs, COMMIT_REFS) != 0 ||
		add_table(q, &q->reftable, COMMIT_TABLE) != 0 ||
		add_header(q) != 0 ||
		add_slices(q, &q->l2, COMMIT_MAPPING) != 0 ||
		add_table(q, &q->l1, COMMIT_MAPPING) != 0))
		c->result = -ENOMEM;
	c->stages[COMMIT_SYNC_TABLE] = c->stages[COMMIT_TABLE];
	c->stages[COMMIT_SYNC_HEADER] = c->stages[COMMIT_HEADER];
	c->stages[COMMIT_SYNC_MAPPING] = c->stages[COMMIT_MAPPING];
	c->stages[COMMIT_SYNC_DATA] = c->flushers.first != NULL ||
	    c->stages[COMMIT_TABLE] || c->stages[COMMIT_MAPPING];
	if (c->result == 0)
		send_writes(q, COMMIT_REFS);
}

bool
commit_waits(const struct qcow2 *q)
{
	return q->commit.stage == COMMIT_IDLE
	    ? q->flushers.first != NULL || q->want_commit
	    : q->commit.pending == 0;
}

void
commit_go_on(struct qcow2 *q)
{
	if (!commit_waits(q))
		return;
	if (q->commit.stage == COMMIT_IDLE)
		start(q);
	next_stage(q);
}

/* Nothing but the round is under way. */
static void
wait_below(struct qcow2 *q)
{
	struct block *b = q->file->in_flight > 0 ? q->file : q->data;

	b->ops->wait(b);
}

int
commit_all(struct qcow2 *q)
{
	for (;;) {
		if (q->commit.stage == COMMIT_IDLE) {
			/* Which jobs that are over by now may have kept. */
			freed_apply(q);
			if (q->failed != 0 ||
			    (!needed(q) && q->freed.stable == 0))
				break;
			/* If not, refcounts are being read to be lowered. */
			q->want_commit = needed(q);
			q->commit.result = 0;
		}
		block_flush_queue(&q->b);
		block_reap(&q->b);
		if (q->commit.stage != COMMIT_IDLE && q->commit.pending > 0)
			wait_below(q);
		else if (q->commit.stage == COMMIT_IDLE &&
		    q->commit.result != 0)
			return q->commit.result;
		else if (q->commit.stage == COMMIT_IDLE &&
		    q->file->in_flight > 0)
			wait_below(q);
	}
	return q->failed;
}
