/*
 * step.c: a request as a series of system calls: transfers that stop halfway
 * go on, a read past the end gives zeroes, and zeroes are written by whatever
 * way the file system knows.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/falloc.h>
#include <string.h>

#include "backend/block/engine.h"

#define IOV_MOST    1024u /* Linux's UIO_MAXIOV */
#define ZEROES_SIZE 65536u

/* How WRITE_ZEROES is tried, in this order. */
enum { BY_HOLE, BY_RANGE, BY_WRITING };
/* And DISCARD: devices take whole blocks of theirs alone. */
enum { AS_ASKED, WHOLE_BLOCKS };
#define BLOCK_MOST 4096u /* that devices have */

/* Nobody writes it; aligned as direct I/O may ask. */
static _Alignas(4096) uint8_t zeroes[ZEROES_SIZE];

void
block_step_first(struct block_request *rq)
{
	rq->place = rq->offset;
	rq->moved = 0;
	rq->stage = 0; /* BY_HOLE, AS_ASKED; of a write: not alone */
	if (rq->op == BLOCK_WRITE_ZEROES && !rq->unmap)
		rq->stage = BY_RANGE;
}

/* What is left of the request's buffers, without changing them. */
static void
rest_of_buffers(struct block_request *rq, struct block_step *s)
{
	uint64_t skip = rq->moved;
	unsigned i = 0;

	while (i < rq->iovs && skip >= rq->iov[i].iov_len)
		skip -= rq->iov[i++].iov_len;
	if (skip > 0 && i < rq->iovs) {
		/* Within a buffer: its rest alone, then the others. */
		rq->rest[0].iov_base = (uint8_t *)rq->iov[i].iov_base + skip;
		rq->rest[0].iov_len = rq->iov[i].iov_len - skip;
		s->iov = rq->rest;
		s->iovs = 1;
		return;
	}
	s->iov = rq->iov + i;
	s->iovs = rq->iovs - i < IOV_MOST ? rq->iovs - i : IOV_MOST;
}

static void
write_zeroes(struct block_request *rq, struct block_step *s)
{
	uint64_t left = rq->len - rq->moved;
	unsigned i;

	s->kind = STEP_WRITE;
	s->iov = rq->rest;
	s->iovs = left > ZEROES_SIZE ? 2 : 1;
	for (i = 0; i < s->iovs; i++) {
		rq->rest[i].iov_base = zeroes;
		rq->rest[i].iov_len = left < ZEROES_SIZE ? left : ZEROES_SIZE;
		left -= rq->rest[i].iov_len;
	}
}

static void
whole_blocks(struct block_step *s)
{
	uint64_t end = (s->offset + s->len) & ~(uint64_t)(BLOCK_MOST - 1);

	s->offset = (s->offset + BLOCK_MOST - 1) & ~(uint64_t)(BLOCK_MOST - 1);
	/* If that is none at all the kernel refuses again. */
	s->len = end > s->offset ? end - s->offset : 0;
}

void
block_step_next(struct block_request *rq, struct block_step *s)
{
	*s = (struct block_step){
	    .offset = rq->place + rq->moved, .len = rq->len - rq->moved};
	switch (rq->op) {
	case BLOCK_READ:
		s->kind = STEP_READ;
		rest_of_buffers(rq, s);
		break;
	case BLOCK_WRITE:
		s->kind = STEP_WRITE;
		rest_of_buffers(rq, s);
		break;
	case BLOCK_FLUSH:
		s->kind = STEP_SYNC;
		break;
	case BLOCK_DISCARD:
		s->kind = STEP_ALLOCATE;
		s->mode = FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE;
		if (rq->stage == WHOLE_BLOCKS)
			whole_blocks(s);
		break;
	case BLOCK_RESERVE:
		s->kind = STEP_ALLOCATE;
		s->mode = FALLOC_FL_KEEP_SIZE;
		break;
	case BLOCK_WRITE_ZEROES:
		s->kind = STEP_ALLOCATE;
		s->mode = FALLOC_FL_KEEP_SIZE |
		    (rq->stage == BY_HOLE ? FALLOC_FL_PUNCH_HOLE
					  : FALLOC_FL_ZERO_RANGE);
		if (rq->stage == BY_WRITING)
			write_zeroes(rq, s);
		break;
	}
}

/* The image ended before the request did. */
static void
clear_rest(struct block_request *rq)
{
	struct block_step s;

	while (rq->moved < rq->len) {
		rest_of_buffers(rq, &s);
		if (s.iovs == 0)
			return;
		memset(s.iov->iov_base, 0, s.iov->iov_len);
		rq->moved += s.iov->iov_len;
	}
}

static bool
is_unsupported(int res)
{
	return res == -EOPNOTSUPP || res == -EINVAL || res == -ENOSYS ||
	    res == -ENODEV;
}

bool
block_step_done(struct block_request *rq, int res, int *result)
{
	*result = 0;
	if (res == -EINTR || res == -EAGAIN)
		return false;
	if (res < 0) {
		if (rq->op == BLOCK_WRITE_ZEROES && rq->stage < BY_WRITING &&
		    is_unsupported(res)) {
			rq->stage++;
			return false;
		}
		/* Less than a block is nothing to a device. */
		if (rq->op == BLOCK_DISCARD && res == -EINVAL)
			return rq->stage++ == WHOLE_BLOCKS;
		/*
		 * Of direct I/O: the file ended within a block, and from there
		 * one cannot read on.
		 */
		if (res == -EINVAL && rq->op == BLOCK_READ && rq->moved > 0) {
			clear_rest(rq);
			return true;
		}
		*result = res;
		/*
		 * What the host could not put on the disk in the end, as some
		 * network file systems do, it has dropped: to flush again
		 * would succeed without it.
		 */
		if (rq->op == BLOCK_FLUSH && (res == -ENOSPC || res == -EDQUOT))
			*result = -EIO;
		return true;
	}
	if (rq->op == BLOCK_FLUSH || rq->op == BLOCK_DISCARD ||
	    rq->op == BLOCK_RESERVE ||
	    (rq->op == BLOCK_WRITE_ZEROES && rq->stage < BY_WRITING))
		return true;
	if (res == 0) {
		if (rq->op == BLOCK_READ)
			clear_rest(rq);
		else
			*result = -EIO;
		return true;
	}
	rq->moved += (unsigned)res;
	return rq->moved >= rq->len;
}
