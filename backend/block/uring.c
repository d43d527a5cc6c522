/*
 * uring.c: a raw image by io_uring. Queued requests go to the kernel with one
 * system call; the ring's own descriptor is readable while it holds
 * completions, so waiting for them needs no eventfd between.
 *
 * Writes that stand one behind the other, in the file as in the queue, go as
 * one: a file's writes wait for each other in the kernel anyway, and what its
 * page cache does for each is done once. If it fails, each is tried by itself,
 * so that it has its own result.
 *
 * The image is not registered with the ring: the kernel takes rings down some
 * time after they were closed, and the image's locks would live until then.
 */
#include <errno.h>
#include <liburing.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "backend/block/engine.h"

#define JOIN_BYTES (512u << 10) /* of writes that go as one, at most */
#define JOIN_IOVS  256u /* that one system call has for all of those, at most */
#define ALONE      1u /* stage of a write that is not to be joined again */

struct uring {
	struct block b;
	struct io_uring ring;
	unsigned depth;
	unsigned inside; /* handed to the ring and not yet reaped */
	struct block_queue queue; /* not yet handed to it */
	/* Of joined writes; free again when the kernel has taken them. */
	struct iovec iov[JOIN_IOVS];
	unsigned iovs;
};

static void
uring_submit(struct block *b, struct block_request *rq)
{
	struct uring *u = (struct uring *)b;

	block_queue_add(&u->queue, rq);
}

static void
prepare(struct uring *u, struct io_uring_sqe *sqe, struct block_request *rq)
{
	int fd = u->b.fd;
	struct block_step s;

	block_step_next(rq, &s);
	switch (s.kind) {
	case STEP_READ:
		io_uring_prep_readv(sqe, fd, s.iov, s.iovs, s.offset);
		break;
	case STEP_WRITE:
		io_uring_prep_writev(sqe, fd, s.iov, s.iovs, s.offset);
		break;
	case STEP_SYNC:
		io_uring_prep_fsync(sqe, fd, IORING_FSYNC_DATASYNC);
		break;
	case STEP_ALLOCATE:
		io_uring_prep_fallocate(sqe, fd, s.mode, s.offset, s.len);
		break;
	}
	rq->next = NULL;
	io_uring_sqe_set_data(sqe, rq);
}

/* Can the next one in the queue be joined to what ends at the place end? */
static bool
continues(const struct uring *u, uint64_t end, uint64_t len, unsigned iovs)
{
	const struct block_request *rq = u->queue.first;

	return rq != NULL && rq->op == BLOCK_WRITE && rq->moved == 0 &&
	    rq->stage != ALONE && rq->place == end && rq->iovs <= JOIN_IOVS &&
	    rq->len <= JOIN_BYTES - len && rq->iovs <= JOIN_IOVS - iovs;
}

/*
 * Joins to rq, which is a write at its beginning, what continues it. They hang
 * on each other by next until the kernel has done them.
 */
static void
join(struct uring *u, struct io_uring_sqe *sqe, struct block_request *rq)
{
	struct block_request *last = rq;
	uint64_t len = rq->len;
	unsigned first = u->iovs, n = u->iovs + rq->iovs;

	if (!continues(u, rq->place + len, len, n))
		return;
	memcpy(u->iov + first, rq->iov, rq->iovs * sizeof *rq->iov);
	do {
		last->next = block_queue_take(&u->queue);
		last = last->next;
		memcpy(u->iov + n, last->iov, last->iovs * sizeof *last->iov);
		n += last->iovs;
		len += last->len;
	} while (continues(u, rq->place + len, len, n));
	last->next = NULL;
	u->iovs = n;
	io_uring_prep_writev(
	    sqe, u->b.fd, u->iov + first, n - first, rq->place);
	io_uring_sqe_set_data(sqe, rq);
}

static void
uring_flush_queue(struct block *b)
{
	struct timespec pause = {0, 1000000};
	struct uring *u = (struct uring *)b;
	struct block_request *rq;
	struct io_uring_sqe *sqe;
	int n;

	while (u->queue.first != NULL && u->inside < u->depth) {
		sqe = io_uring_get_sqe(&u->ring);
		if (sqe == NULL)
			break;
		rq = block_queue_take(&u->queue);
		prepare(u, sqe, rq);
		if (rq->op == BLOCK_WRITE && rq->moved == 0 &&
		    rq->stage != ALONE && rq->len <= JOIN_BYTES &&
		    rq->iovs <= JOIN_IOVS - u->iovs)
			join(u, sqe, rq);
		u->inside++;
	}
	while (io_uring_sq_ready(&u->ring) > 0) {
		n = io_uring_submit(&u->ring);
		/* The kernel is out of memory: it will have some. */
		if (n < 0 && n != -EINTR)
			nanosleep(&pause, NULL);
	}
	u->iovs = 0;
}

/* The part of a call's result that is rq's, which was one of several. */
static int
take_part(struct block_request *rq, int *res)
{
	int n = *res < 0 || (uint64_t)*res < rq->len ? *res : (int)rq->len;

	if (n > 0)
		*res -= n;
	/* What failed, or was not come to, is tried again by itself. */
	rq->stage = ALONE;
	return n > 0 ? n : -EAGAIN;
}

/* A call has returned res. Returns how many requests that has finished. */
static unsigned
done(struct uring *u, struct block_request *rq, int res)
{
	struct block_request *next;
	bool joined = rq->next != NULL;
	unsigned n = 0;
	int result;

	for (; rq != NULL; rq = next) {
		next = rq->next;
		if (block_step_done(
			rq, joined ? take_part(rq, &res) : res, &result)) {
			block_finish(&u->b, rq, result);
			n++;
		} else {
			block_queue_add(&u->queue, rq);
		}
	}
	return n;
}

static unsigned
uring_reap(struct block *b)
{
	struct uring *u = (struct uring *)b;
	struct io_uring_cqe *cqe;
	unsigned n = 0;
	int res;

	while (io_uring_peek_cqe(&u->ring, &cqe) == 0) {
		struct block_request *rq = io_uring_cqe_get_data(cqe);

		res = cqe->res;
		io_uring_cqe_seen(&u->ring, cqe);
		u->inside--;
		n += done(u, rq, res);
	}
	if (u->queue.first != NULL)
		uring_flush_queue(b);
	return n;
}

static void
uring_wait(struct block *b)
{
	struct uring *u = (struct uring *)b;
	struct io_uring_cqe *cqe;

	/* If a signal ends it early the caller asks again. */
	io_uring_wait_cqe(&u->ring, &cqe);
}

static void
uring_close(struct block *b)
{
	struct uring *u = (struct uring *)b;

	io_uring_queue_exit(&u->ring);
	free(u);
}

static const struct block_ops uring_ops = {
    .submit = uring_submit,
    .flush_queue = uring_flush_queue,
    .reap = uring_reap,
    .wait = uring_wait,
    .close = uring_close,
};

/*
 * The kernel does what a ring asks for past the thread's system call filter,
 * so a ring of a guest process is told, for good, the four things it may ask.
 * (Debian's liburing declares functions for both calls and has neither.)
 * Returns 0 or a negative errno.
 */
static int
restrict_ring(struct io_uring *ring)
{
	static const uint8_t allowed[] = {IORING_OP_READV, IORING_OP_WRITEV,
	    IORING_OP_FSYNC, IORING_OP_FALLOCATE};
	struct io_uring_restriction r[sizeof allowed];
	unsigned i;

	memset(r, 0, sizeof r);
	for (i = 0; i < sizeof allowed; i++) {
		r[i].opcode = IORING_RESTRICTION_SQE_OP;
		r[i].sqe_op = allowed[i];
	}
	if (syscall(SYS_io_uring_register, ring->ring_fd,
		IORING_REGISTER_RESTRICTIONS, r, sizeof allowed) == -1 ||
	    syscall(SYS_io_uring_register, ring->ring_fd,
		IORING_REGISTER_ENABLE_RINGS, NULL, 0) == -1)
		return -errno;
	return 0;
}

/* Returns 0 or a negative errno. */
static int
make_ring(unsigned depth, struct io_uring *ring)
{
	int n;

	n = io_uring_queue_init(
	    depth, ring, IORING_SETUP_CLAMP | IORING_SETUP_R_DISABLED);
	if (n < 0)
		return n;
	if ((n = restrict_ring(ring)) < 0)
		io_uring_queue_exit(ring);
	return n;
}

int
block_uring_new(int fd, unsigned depth, struct block **b, struct error *err)
{
	struct uring *u = calloc(1, sizeof *u);
	int n;

	if (u == NULL)
		return error_set(err, "out of memory");
	n = make_ring(depth, &u->ring);
	if (n < 0) {
		free(u);
		return error_set(err, "%s", strerror(-n));
	}
	u->depth = u->ring.sq.ring_entries;
	block_queue_init(&u->queue);
	u->b.ops = &uring_ops;
	u->b.event_fd = u->ring.ring_fd;
	*b = &u->b;
	return 0;
}
