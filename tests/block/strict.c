/*
 * strict.c: a file system that takes direct I/O in blocks of the size that a
 * test likes, and nothing else: the host's own may be content with less
 * (block.mk: --wrap=direct_measure, --wrap=block_step_next).
 */
#include <stdio.h>
#include <stdlib.h>

#include "backend/block/engine.h"
#include "tests/block/strict.h"

#define MEMORY 512u

unsigned strict_block;
bool strict_on;

int __wrap_direct_measure(
    int fd, const char *path, struct direct_grain *grain, struct error *err);
int __real_direct_measure(
    int fd, const char *path, struct direct_grain *grain, struct error *err);
void __wrap_block_step_next(struct block_request *rq, struct block_step *s);
void __real_block_step_next(struct block_request *rq, struct block_step *s);

int
__wrap_direct_measure(
    int fd, const char *path, struct direct_grain *grain, struct error *err)
{
	if (strict_block == 0)
		return __real_direct_measure(fd, path, grain, err);
	*grain = (struct direct_grain){MEMORY, strict_block};
	return 0;
}

void
__wrap_block_step_next(struct block_request *rq, struct block_step *s)
{
	unsigned i;
	bool right;

	__real_block_step_next(rq, s);
	if (!strict_on || (s->kind != STEP_READ && s->kind != STEP_WRITE))
		return;
	/* Where a read came to the file's end nothing is left of it. */
	if (s->kind == STEP_READ && rq->moved % strict_block != 0)
		return;
	right = s->offset % strict_block == 0;
	for (i = 0; i < s->iovs; i++)
		right = right && (uintptr_t)s->iov[i].iov_base % MEMORY == 0 &&
		    s->iov[i].iov_len % strict_block == 0;
	if (right)
		return;
	printf("not aligned: request %d at %llu, %llu bytes in %u buffers\n",
	    (int)rq->op, (unsigned long long)rq->offset,
	    (unsigned long long)rq->len, s->iovs);
	exit(99);
}
