/*
 * threads.c: a raw image by one thread that makes the plain system calls, for
 * hosts that refuse io_uring (a container's seccomp filter, a sysctl).
 *
 *	submit ──▶ queued ──flush_queue──▶ todo ──thread──▶ finished ──▶ reap
 *	                                   └─────── lock ──────┘
 */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/uio.h>
#include <unistd.h>

#include "backend/block/engine.h"
#include "config/thread.h"

struct threads {
	struct block b;
	pthread_t thread;
	struct block_queue queued; /* the owner's alone */
	pthread_mutex_t lock; /* guards what follows */
	pthread_cond_t more; /* something in todo, or stop */
	pthread_cond_t some; /* something in finished */
	struct block_queue todo, finished; /* finished: moved is the result */
	bool stop;
};

static int
perform(int fd, const struct block_step *s)
{
	ssize_t n = -1;

	switch (s->kind) {
	case STEP_READ:
		n = preadv(fd, s->iov, (int)s->iovs, (off_t)s->offset);
		break;
	case STEP_WRITE:
		n = pwritev(fd, s->iov, (int)s->iovs, (off_t)s->offset);
		break;
	case STEP_SYNC:
		n = fdatasync(fd);
		break;
	case STEP_ALLOCATE:
		n = fallocate(fd, s->mode, (off_t)s->offset, (off_t)s->len);
		break;
	}
	return n == -1 ? -errno : (int)n;
}

static int
serve(int fd, struct block_request *rq)
{
	struct block_step s;
	int result;

	do {
		block_step_next(rq, &s);
	} while (!block_step_done(rq, perform(fd, &s), &result));
	return result;
}

static void *
thread_main(void *arg)
{
	struct threads *t = arg;
	struct block_request *rq;

	thread_begin(THREAD_DISK, "disk-io");
	pthread_mutex_lock(&t->lock);
	for (;;) {
		rq = block_queue_take(&t->todo);
		if (rq == NULL) {
			if (t->stop)
				break;
			pthread_cond_wait(&t->more, &t->lock);
			continue;
		}
		pthread_mutex_unlock(&t->lock);
		rq->moved = (uint64_t)serve(t->b.fd, rq);
		pthread_mutex_lock(&t->lock);
		block_queue_add(&t->finished, rq);
		pthread_cond_signal(&t->some);
		eventfd_write(t->b.event_fd, 1);
	}
	pthread_mutex_unlock(&t->lock);
	return NULL;
}

static void
threads_submit(struct block *b, struct block_request *rq)
{
	struct threads *t = (struct threads *)b;

	block_queue_add(&t->queued, rq);
}

static void
threads_flush_queue(struct block *b)
{
	struct threads *t = (struct threads *)b;
	struct block_request *rq;

	if (t->queued.first == NULL)
		return;
	pthread_mutex_lock(&t->lock);
	while ((rq = block_queue_take(&t->queued)) != NULL)
		block_queue_add(&t->todo, rq);
	pthread_cond_signal(&t->more);
	pthread_mutex_unlock(&t->lock);
}

static unsigned
threads_reap(struct block *b)
{
	struct threads *t = (struct threads *)b;
	struct block_request *rq;
	unsigned n = 0;
	eventfd_t count;

	pthread_mutex_lock(&t->lock);
	/* Always: it may be left from a request that was taken along. */
	eventfd_read(b->event_fd, &count);
	while ((rq = block_queue_take(&t->finished)) != NULL) {
		pthread_mutex_unlock(&t->lock);
		block_finish(b, rq, (int)rq->moved);
		n++;
		pthread_mutex_lock(&t->lock);
	}
	pthread_mutex_unlock(&t->lock);
	threads_flush_queue(b);
	return n;
}

static void
threads_wait(struct block *b)
{
	struct threads *t = (struct threads *)b;

	pthread_mutex_lock(&t->lock);
	while (t->finished.first == NULL)
		pthread_cond_wait(&t->some, &t->lock);
	pthread_mutex_unlock(&t->lock);
}

static void
threads_free(struct threads *t)
{
	if (t->b.event_fd != -1)
		close(t->b.event_fd);
	pthread_cond_destroy(&t->some);
	pthread_cond_destroy(&t->more);
	pthread_mutex_destroy(&t->lock);
	free(t);
}

static void
threads_close(struct block *b)
{
	struct threads *t = (struct threads *)b;

	pthread_mutex_lock(&t->lock);
	t->stop = true;
	pthread_cond_signal(&t->more);
	pthread_mutex_unlock(&t->lock);
	pthread_join(t->thread, NULL);
	threads_free(t);
}

static const struct block_ops threads_ops = {
    .submit = threads_submit,
    .flush_queue = threads_flush_queue,
    .reap = threads_reap,
    .wait = threads_wait,
    .close = threads_close,
};

int
block_threads_new(int fd, struct block **b, struct error *err)
{
	struct threads *t = calloc(1, sizeof *t);
	int n;

	if (t == NULL)
		return error_set(err, "out of memory");
	t->b.ops = &threads_ops;
	t->b.fd = fd;
	block_queue_init(&t->queued);
	block_queue_init(&t->todo);
	block_queue_init(&t->finished);
	pthread_mutex_init(&t->lock, NULL);
	pthread_cond_init(&t->more, NULL);
	pthread_cond_init(&t->some, NULL);
	t->b.event_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (t->b.event_fd == -1) {
		n = errno;
		goto fail;
	}
	n = pthread_create(&t->thread, NULL, thread_main, t);
	if (n != 0)
		goto fail;
	*b = &t->b;
	return 0;
fail:
	threads_free(t);
	return error_set(err, "%s", strerror(n));
}
