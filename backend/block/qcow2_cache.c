/*
 * qcow2_cache.c: slices of tables in memory; what was not used for a while is
 * given up first. Dirty ones stay until a round of commit has written them.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "backend/block/qcow2_image.h"

int
cache_init(struct cache *c, size_t bytes, unsigned most)
{
	memset(c, 0, sizeof *c);
	c->bytes = bytes;
	c->most = most;
	c->mask = 2 * most - 1; /* most is a power of two */
	c->hash = calloc((size_t)c->mask + 1, sizeof *c->hash);
	return c->hash == NULL ? -ENOMEM : 0;
}

void
cache_free(struct cache *c)
{
	struct slice *s;

	while ((s = c->oldest) != NULL) {
		c->oldest = s->newer;
		free(s);
	}
	free(c->hash);
	memset(c, 0, sizeof *c);
}

static struct slice **
bucket(struct cache *c, uint64_t key)
{
	return &c->hash[(key * 0x9e3779b97f4a7c15ULL >> 32) & c->mask];
}

static void
unlink_age(struct cache *c, struct slice *s)
{
	*(s->older != NULL ? &s->older->newer : &c->oldest) = s->newer;
	*(s->newer != NULL ? &s->newer->older : &c->newest) = s->older;
}

static void
link_newest(struct cache *c, struct slice *s)
{
	s->older = c->newest;
	s->newer = NULL;
	*(c->newest != NULL ? &c->newest->newer : &c->oldest) = s;
	c->newest = s;
}

static void
unlink_hash(struct cache *c, struct slice *s)
{
	struct slice **at = bucket(c, s->key);

	while (*at != s)
		at = &(*at)->chain;
	*at = s->chain;
}

struct slice *
cache_find(struct cache *c, uint64_t key)
{
	struct slice *s;

	for (s = *bucket(c, key); s != NULL; s = s->chain) {
		if (s->key != key)
			continue;
		s->used = true;
		return s;
	}
	return NULL;
}

void
cache_drop(struct cache *c, struct slice *s)
{
	cache_clean(c, s);
	unlink_hash(c, s);
	unlink_age(c, s);
	c->n--;
	free(s);
}

static bool
in_use(const struct slice *s)
{
	return s->dirty || s->loading || s->pins > 0;
}

/*
 * The first that may go and was not used since it was last looked at, out of
 * all lists.
 */
static struct slice *
evict(struct cache *c)
{
	unsigned look = 2 * c->n;
	struct slice *s;

	for (s = c->oldest; s != NULL && look > 0; s = c->oldest, look--) {
		unlink_age(c, s);
		if (!in_use(s) && !s->used) {
			unlink_hash(c, s);
			return s;
		}
		s->used = false;
		link_newest(c, s);
	}
	return NULL;
}

struct slice *
cache_take(struct qcow2 *q, struct cache *c, uint64_t key, bool over)
{
	struct slice *s = NULL;

	errno = 0;
	if (c->n >= c->most)
		s = evict(c);
	if (s == NULL) {
		if (c->n >= c->most && !over)
			return NULL;
		s = malloc(sizeof *s + c->bytes);
		if (s == NULL) {
			errno = ENOMEM;
			return NULL;
		}
		c->n++;
	}
	memset(s, 0, sizeof *s);
	job_list_init(&s->waiting);
	s->key = key;
	s->q = q;
	s->chain = *bucket(c, key);
	*bucket(c, key) = s;
	link_newest(c, s);
	return s;
}

/* ---- reading them ---- */

static void
slice_read(struct block_request *rq, int result)
{
	struct slice *s =
	    (struct slice *)((uint8_t *)rq - offsetof(struct slice, rq));

	s->result = result;
	s->next = s->q->loaded;
	s->q->loaded = s;
}

void
cache_load(struct cache *c, struct slice *s, uint64_t offset)
{
	s->cache = c;
	s->loading = true;
	s->iov = (struct iovec){s->data, c->bytes};
	s->rq = (struct block_request){.op = BLOCK_READ,
	    .offset = offset,
	    .len = c->bytes,
	    .iov = &s->iov,
	    .iovs = 1,
	    .done = slice_read};
	block_submit(s->q->file, &s->rq);
}

int
cache_wait(struct slice *s, struct job *job)
{
	job->waits = true;
	job_list_add(&s->waiting, job);
	return 1;
}

static void
loaded(struct slice *s)
{
	struct qcow2 *q = s->q;
	struct job_list waiting = s->waiting;
	struct job *job;

	if (waiting.first == NULL)
		waiting.end = &waiting.first;
	s->loading = false;
	s->cache->failed = s->result != 0;
	job_list_init(&s->waiting);
	if (s->result != 0) {
		for (job = waiting.first; job != NULL; job = job->next)
			job->result = s->result;
		cache_drop(s->cache, s);
	}
	job_wake(q, &waiting);
	job_wake(q, &q->blocked);
}

void
cache_take_loaded(struct qcow2 *q)
{
	struct slice *s;

	while ((s = q->loaded) != NULL) {
		q->loaded = s->next;
		loaded(s);
	}
}

struct slice *
cache_find_loaded(struct qcow2 *q, struct cache *c, uint64_t key)
{
	struct slice *s;

	while ((s = cache_find(c, key)) != NULL && s->loading) {
		block_flush_queue(q->file);
		block_reap(q->file);
		if (q->loaded == NULL)
			q->file->ops->wait(q->file);
		cache_take_loaded(q);
	}
	return s;
}

/* ---- changing them ---- */

void
cache_dirty(struct cache *c, struct slice *s)
{
	if (s->dirty)
		return;
	s->dirty = true;
	c->dirty++;
	if (c->dirty >= c->most / 2)
		s->q->want_commit = true;
}

void
cache_clean(struct cache *c, struct slice *s)
{
	if (s->dirty)
		c->dirty--;
	s->dirty = false;
}
