/*
 * qcow2_free.c: clusters that the mapping has let go, until they are free.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "backend/block/qcow2_image.h"

#define MANY 4096u /* then a round is due */

int
freed_add(struct qcow2 *q, uint64_t offset, uint64_t len)
{
	struct freed_list *l = &q->freed;
	uint64_t first = offset >> q->h.cluster_bits;
	uint64_t n = ((offset + len - 1) >> q->h.cluster_bits) - first + 1;
	struct freed *last = l->n > 0 ? &l->list[l->n - 1] : NULL, *list;

	/* What is freed may be used for something else. */
	q->unpacked_entry = 0;
	q->clock++;
	/* Not one that a round, this one or the last, has counted already. */
	if (last != NULL && last->first + last->n == first &&
	    l->n > l->stable &&
	    (q->commit.stage == COMMIT_IDLE || l->n > q->commit.freed)) {
		last->n += n;
		last->clock = q->clock;
		return 0;
	}
	if (l->n == l->room) {
		list = realloc(l->list, (l->room + 256) * sizeof *list);
		if (list == NULL)
			return -ENOMEM;
		l->list = list;
		l->room += 256;
	}
	l->list[l->n++] = (struct freed){first, n, q->clock};
	if (l->n >= MANY)
		q->want_commit = true;
	return 0;
}

/*
 * When the oldest request under way was born; 0 while some are without a job
 * (qcow2_direct.c): all of them were there before anything was let go.
 */
static uint64_t
oldest(const struct qcow2 *q)
{
	uint64_t born = UINT64_MAX;
	unsigned direct = q->b.in_flight;
	const struct job *job;

	for (job = q->jobs; job != NULL; job = job->after) {
		direct -= job->kind == JOB_REQUEST;
		if (job->rq->op != BLOCK_FLUSH && job->born < born)
			born = job->born;
	}
	return direct > 0 ? 0 : born;
}

/* False: it is not done; its refcounts are being read. */
static bool
release(struct qcow2 *q, struct freed *f, bool *some)
{
	/* Of one slice at a time: others may have to go for the next. */
	for (; f->n > 0; f->first++, f->n--) {
		/* Those that cannot be read refs_release() gives up. */
		if (!q->refs.failed && refs_ready(q, NULL, f->first) == 1)
			return false;
		refs_release(q, f->first, 1);
		*some = true;
	}
	return true;
}

void
freed_apply(struct qcow2 *q)
{
	struct freed_list *l = &q->freed;
	bool some = false;
	uint64_t born;
	size_t i;

	if (l->stable == 0 || q->failed != 0)
		return;
	born = oldest(q);
	for (i = 0; i < l->stable && l->list[i].clock <= born; i++)
		if (!release(q, &l->list[i], &some))
			break;
	/* Who found no room looks again. */
	if (some)
		job_wake(q, &q->blocked);
	if (i == 0)
		return;
	memmove(l->list, l->list + i, (l->n - i) * sizeof *l->list);
	l->n -= i;
	l->stable -= i;
	/* A round that runs has counted them; in none it is not looked at. */
	if (q->commit.stage != COMMIT_IDLE)
		q->commit.freed -= i;
}

bool
freed_await(struct job *job)
{
	struct qcow2 *q = job->q;
	const struct freed_list *l = &q->freed;

	/*
	 * What was let go before the job was there waits for none but a round
	 * and for older jobs, of which none waits for this one.
	 */
	if (l->n == 0 || l->list[0].clock > job->born || q->failed != 0)
		return false;
	if (l->stable == 0 && q->commit.stage == COMMIT_IDLE) {
		if (q->commit.result != 0)
			return false;
		q->want_commit = true;
	}
	job_block(q, job);
	return true;
}
