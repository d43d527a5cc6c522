/*
 * uring.c: a raw image by io_uring. Queued requests go to the kernel with one
 * system call; the ring's own descriptor is readable while it holds
 * completions, so waiting for them needs no eventfd between.
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

struct uring {
	struct block b;
	struct io_uring ring;
	unsigned depth;
	unsigned inside; /* handed to the ring and not yet reaped */
	struct block_queue queue; /* not yet handed to it */
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
	io_uring_sqe_set_data(sqe, rq);
}

static void
uring_flush_queue(struct block *b)
{
	struct timespec pause = {0, 1000000};
	struct uring *u = (struct uring *)b;
	struct io_uring_sqe *sqe;
	int n;

	while (u->queue.first != NULL && u->inside < u->depth) {
		sqe = io_uring_get_sqe(&u->ring);
		if (sqe == NULL)
			break;
		prepare(u, sqe, block_queue_take(&u->queue));
		u->inside++;
	}
	while (io_uring_sq_ready(&u->ring) > 0) {
		n = io_uring_submit(&u->ring);
		/* The kernel is out of memory: it will have some. */
		if (n < 0 && n != -EINTR)
			nanosleep(&pause, NULL);
	}
}

static unsigned
uring_reap(struct block *b)
{
	struct uring *u = (struct uring *)b;
	struct block_request *rq;
	struct io_uring_cqe *cqe;
	unsigned n = 0;
	int res, result;

	while (io_uring_peek_cqe(&u->ring, &cqe) == 0) {
		rq = io_uring_cqe_get_data(cqe);
		res = cqe->res;
		io_uring_cqe_seen(&u->ring, cqe);
		u->inside--;
		if (block_step_done(rq, res, &result)) {
			block_finish(b, rq, result);
			n++;
		} else {
			block_queue_add(&u->queue, rq);
		}
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
