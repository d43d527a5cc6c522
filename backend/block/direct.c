/*
 * direct.c: a raw file around the host's cache (cache=none). The kernel takes
 * what stands in whole blocks of the file and in aligned memory; everything
 * else goes through one of a few buffers that do.
 *
 *	aligned ──────────────────────────────▶ the file
 *	memory ─────────▶ copy ──▶ buffer ────▶
 *	part of a block ─▶ read the block, change it, write it: alone
 *
 * Alone, since whoever changed another part of the same block meanwhile would
 * find the change undone: what else changes the file is held back until the
 * block is written, and that waits for what is under way. Reads pass; they see
 * each byte as it was or as it is. All is O_DIRECT: nothing of the image is in
 * the host's cache but what was read before it was attached.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>

#include "backend/block/engine.h"

#define BUFFER_SIZE DIRECT_MOST
#define BUFFERS     8u /* of a file, at most; one is there from the start */

/* A request on its way through a buffer: its moved says how far it is. */
struct bounce {
	struct block_request rq; /* first: what goes to the file */
	struct block *b;
	struct block_request *outer;
	uint64_t pos, n; /* the part of outer that rq is about */
	bool merges; /* rq reads the block that this part goes into */
	uint8_t *buffer;
	struct iovec iov;
	struct bounce *next; /* idle */
};

struct direct {
	struct direct_grain grain;
	unsigned changes; /* under way */
	bool alone; /* one changes a part of a block */
	struct block_queue held; /* changes whose turn has not come */
	struct block_queue hungry; /* wait for a buffer */
	struct bounce *idle;
	unsigned bounces; /* in all */
};

static void go_on(struct bounce *bn);

/* ---- one part of a request after the other ---- */

/* Between the request's memory, from its byte skip on, and the buffer. */
static void
copy(const struct block_request *rq, uint64_t skip, uint8_t *buf, uint64_t len)
{
	uint64_t part;
	uint8_t *at;
	unsigned i;

	for (i = 0; i < rq->iovs && len > 0; i++) {
		if (skip >= rq->iov[i].iov_len) {
			skip -= rq->iov[i].iov_len;
			continue;
		}
		at = (uint8_t *)rq->iov[i].iov_base + skip;
		part = rq->iov[i].iov_len - skip;
		if (part > len)
			part = len;
		if (rq->op == BLOCK_READ)
			memcpy(at, buf, part);
		else
			memcpy(buf, at, part);
		skip = 0;
		buf += part;
		len -= part;
	}
}

/* The bytes of outer that the next rq is about go into the buffer at skip. */
static void
fill(struct bounce *bn, uint64_t skip)
{
	if (bn->outer->op == BLOCK_WRITE_ZEROES)
		memset(bn->buffer + skip, 0, bn->n);
	else
		copy(bn->outer, bn->outer->moved, bn->buffer + skip, bn->n);
}

static void
send(struct bounce *bn, enum block_op op, uint64_t offset, uint64_t len)
{
	bn->rq.op = op;
	bn->rq.unmap = bn->outer->unmap;
	bn->rq.offset = offset;
	bn->rq.len = len;
	bn->iov.iov_len = len;
	bn->rq.of = bn->b;
	bn->b->in_flight++;
	block_step_first(&bn->rq);
	bn->b->ops->submit(bn->b, &bn->rq);
}

/* Sends what comes next of a request that is not finished. */
static void
go_on(struct bounce *bn)
{
	const struct block_request *rq = bn->outer;
	uint64_t block = bn->b->direct->grain.block;
	uint64_t left = rq->len - rq->moved, skip, len;

	bn->pos = rq->place + rq->moved;
	skip = bn->pos & (block - 1);
	bn->merges = false;
	if (rq->op == BLOCK_READ) {
		len = (skip + left + block - 1) & ~(block - 1);
		if (len > BUFFER_SIZE)
			len = BUFFER_SIZE;
		bn->n = left < len - skip ? left : len - skip;
		send(bn, BLOCK_READ, bn->pos - skip, len);
	} else if (skip != 0 || left < block) {
		bn->n = left < block - skip ? left : block - skip;
		bn->merges = true;
		send(bn, BLOCK_READ, bn->pos - skip, block);
	} else if (rq->op == BLOCK_WRITE_ZEROES) {
		bn->n = left & ~(block - 1);
		send(bn, BLOCK_WRITE_ZEROES, bn->pos, bn->n);
	} else {
		bn->n = left < BUFFER_SIZE ? left & ~(block - 1) : BUFFER_SIZE;
		fill(bn, 0);
		send(bn, BLOCK_WRITE, bn->pos, bn->n);
	}
}

/* ---- whose turn it is ---- */

static bool
is_change(const struct block_request *rq)
{
	return rq->op == BLOCK_WRITE || rq->op == BLOCK_WRITE_ZEROES ||
	    rq->op == BLOCK_DISCARD;
}

/* Whole blocks of the file? Of a discard those within it will do. */
static bool
is_whole(const struct direct *d, const struct block_request *rq)
{
	return rq->op == BLOCK_DISCARD ||
	    ((rq->place | rq->len) & (d->grain.block - 1)) == 0;
}

static bool
is_aligned(const struct direct *d, const struct block_request *rq)
{
	uint64_t bases = 0, lengths = 0;
	unsigned i;

	if (rq->op != BLOCK_READ && rq->op != BLOCK_WRITE)
		return true;
	for (i = 0; i < rq->iovs; i++) {
		bases |= (uintptr_t)rq->iov[i].iov_base;
		lengths |= rq->iov[i].iov_len;
	}
	/* Kernels before 6.18 want whole blocks of each buffer. */
	return ((bases | lengths) & (d->grain.memory - 1)) == 0 &&
	    (lengths & (d->grain.block - 1)) == 0;
}

static void bounce_done(struct block_request *rq, int result);

static struct bounce *
bounce_new(struct block *b)
{
	size_t align = b->direct->grain.memory;
	struct bounce *bn = calloc(1, sizeof *bn);

	if (bn == NULL)
		return NULL;
	/* A page at least, which also a file's block may be part of. */
	bn->buffer = aligned_alloc(align < 4096 ? 4096 : align, BUFFER_SIZE);
	if (bn->buffer == NULL) {
		free(bn);
		return NULL;
	}
	bn->b = b;
	bn->rq.done = bounce_done;
	bn->rq.iov = &bn->iov;
	bn->rq.iovs = 1;
	bn->iov.iov_base = bn->buffer;
	b->direct->bounces++;
	return bn;
}

static void
by_buffer(struct block *b, struct block_request *rq)
{
	struct direct *d = b->direct;
	struct bounce *bn = d->idle;

	if (bn != NULL)
		d->idle = bn->next;
	else if (d->bounces == BUFFERS || (bn = bounce_new(b)) == NULL) {
		block_queue_add(&d->hungry, rq);
		return;
	}
	bn->outer = rq;
	go_on(bn);
}

/* A change whose turn it is. */
static void
begin(struct block *b, struct block_request *rq)
{
	struct direct *d = b->direct;

	if (!is_whole(d, rq))
		d->alone = true;
	d->changes++;
	if (is_whole(d, rq) && is_aligned(d, rq))
		b->ops->submit(b, rq);
	else
		by_buffer(b, rq);
}

static bool
may_begin(const struct direct *d, const struct block_request *rq)
{
	return !d->alone && (is_whole(d, rq) || d->changes == 0);
}

/* A change is over. */
static void
change_over(struct block *b)
{
	struct direct *d = b->direct;

	d->changes--;
	d->alone = false; /* if there was one it was this */
	while (d->held.first != NULL && may_begin(d, d->held.first))
		begin(b, block_queue_take(&d->held));
}

void
direct_submit(struct block *b, struct block_request *rq)
{
	struct direct *d = b->direct;

	if (is_change(rq)) {
		if (d->held.first != NULL || !may_begin(d, rq))
			block_queue_add(&d->held, rq);
		else
			begin(b, rq);
		return;
	}
	/* Neither moves bytes. */
	if (rq->op == BLOCK_FLUSH || rq->op == BLOCK_RESERVE ||
	    (is_whole(d, rq) && is_aligned(d, rq)))
		b->ops->submit(b, rq);
	else
		by_buffer(b, rq);
}

void
direct_finished(struct block *b, const struct block_request *rq)
{
	if (is_change(rq) && rq->done != bounce_done)
		change_over(b);
}

/* ---- the end of a part ---- */

static void
finish(struct bounce *bn, int result)
{
	struct block_request *rq = bn->outer;
	struct block *b = bn->b;
	struct direct *d = b->direct;

	bn->next = d->idle;
	d->idle = bn;
	if (d->hungry.first != NULL)
		by_buffer(b, block_queue_take(&d->hungry));
	if (is_change(rq))
		change_over(b);
	block_over(b, rq, result);
}

static void
bounce_done(struct block_request *inner, int result)
{
	struct bounce *bn = (struct bounce *)inner;
	struct block_request *rq = bn->outer;

	if (result != 0) {
		finish(bn, result);
		return;
	}
	if (bn->merges) {
		bn->merges = false;
		fill(bn, bn->pos - inner->offset);
		send(bn, BLOCK_WRITE, inner->offset, inner->len);
		return;
	}
	if (rq->op == BLOCK_READ)
		copy(rq, rq->moved, bn->buffer + (bn->pos - inner->offset),
		    bn->n);
	rq->moved += bn->n;
	if (rq->moved == rq->len)
		finish(bn, 0);
	else
		go_on(bn);
}

/* ---- */

int
direct_begin(
    struct block *b, const struct direct_grain *grain, struct error *err)
{
	struct direct *d = calloc(1, sizeof *d);

	if (d == NULL)
		return error_set(err, "%s: out of memory", b->path);
	d->grain = *grain;
	block_queue_init(&d->held);
	block_queue_init(&d->hungry);
	b->direct = d;
	d->idle = bounce_new(b);
	if (d->idle == NULL) {
		direct_end(b);
		return error_set(err, "%s: out of memory", b->path);
	}
	return 0;
}

int
direct_open(struct block *b, struct error *err)
{
	struct direct_grain grain;
	int flags = fcntl(b->fd, F_GETFL);

	if (direct_measure(b->fd, b->path, &grain, err) == -1)
		return -1;
	if (flags == -1 || fcntl(b->fd, F_SETFL, flags | O_DIRECT) == -1)
		return error_set(err,
		    "%s cannot be used around the host's cache: %s; leave "
		    "cache=none out of its disk line",
		    b->path, strerror(errno));
	return direct_begin(b, &grain, err);
}

unsigned
direct_block(const struct block *b)
{
	return b->direct == NULL ? 1 : b->direct->grain.block;
}

void
direct_end(struct block *b)
{
	struct direct *d = b->direct;
	struct bounce *bn;

	if (d == NULL)
		return;
	while ((bn = d->idle) != NULL) {
		d->idle = bn->next;
		free(bn->buffer);
		free(bn);
	}
	free(d);
	b->direct = NULL;
}
