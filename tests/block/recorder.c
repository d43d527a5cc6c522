#include <sys/eventfd.h>
#include <sys/stat.h>

#include <errno.h>
#include <fcntl.h>
#include <linux/falloc.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "backend/block/engine.h"
#include "tests/block/recorder.h"

struct recorder {
	struct block b; /* first */
	int file; /* its number, or -1 */
	unsigned n, room;
	struct flying {
		struct block_request *rq;
		unsigned entry; /* of the log */
	} * flying;
	bool hurry; /* somebody waits */
};

struct recorded *recorder_log;
unsigned recorder_count;
uint64_t recorder_clock;
bool recorder_performs;
static unsigned room;
static struct {
	bool used;
	dev_t dev;
	ino_t ino;
} files[RECORDER_FILES];
static uint64_t state = 1;

int __wrap_block_uring_new(
    int fd, unsigned depth, struct block **b, struct error *err);

/* xorshift64*, so that a seed means the same everywhere. */
uint64_t
random_below(uint64_t n)
{
	state ^= state >> 12;
	state ^= state << 25;
	state ^= state >> 27;
	return (state * 0x2545f4914f6cdd1dULL >> 11) % n;
}

void
random_seed(uint64_t seed)
{
	state = seed * 0x9e3779b97f4a7c15ULL | 1;
}

uint64_t
recorder_tick(void)
{
	return ++recorder_clock;
}

void
recorder_begin(unsigned file, const char *path)
{
	struct stat st;

	files[file].used = path != NULL;
	if (path == NULL)
		return;
	if (stat(path, &st) == -1)
		exit(99);
	files[file].dev = st.st_dev;
	files[file].ino = st.st_ino;
}

void
recorder_clear(void)
{
	unsigned i;

	for (i = 0; i < recorder_count; i++)
		free(recorder_log[i].data);
	free(recorder_log);
	recorder_log = NULL;
	recorder_count = room = 0;
	recorder_clock = 0;
}

/* Of what a state of the disk may show, or a flush. */
static bool
is_change(const struct block_request *rq)
{
	return rq->op != BLOCK_READ && rq->op != BLOCK_RESERVE;
}

struct recorded *
recorder_add(struct recorded entry)
{
	struct recorded *e;

	if (recorder_count == room) {
		room = room * 2 + 1024;
		recorder_log = realloc(recorder_log, room * sizeof *e);
		if (recorder_log == NULL)
			exit(99);
	}
	e = &recorder_log[recorder_count++];
	*e = entry;
	e->submitted = recorder_tick();
	e->done = RECORDER_NEVER;
	return e;
}

int
recorder_file(int fd)
{
	struct stat st;
	int i;

	if (fstat(fd, &st) == -1)
		exit(99);
	for (i = 0; i < RECORDER_FILES; i++)
		if (files[i].used && files[i].dev == st.st_dev &&
		    files[i].ino == st.st_ino)
			return i;
	return -1;
}

static void
record(struct recorder *r, struct block_request *rq)
{
	struct recorded *e;
	uint64_t at = 0;
	unsigned i;

	r->flying[r->n].entry = recorder_count;
	e = recorder_add((struct recorded){
	    .file = (unsigned)r->file,
	    .flush = rq->op == BLOCK_FLUSH,
	    .grows = rq->op == BLOCK_WRITE,
	    .offset = rq->place,
	    .len = rq->len,
	});
	if (rq->op != BLOCK_WRITE)
		return;
	e->data = malloc(rq->len);
	if (e->data == NULL)
		exit(99);
	for (i = 0; i < rq->iovs && at < rq->len; i++) {
		uint64_t n = rq->iov[i].iov_len;

		if (n > rq->len - at)
			n = rq->len - at;
		memcpy(e->data + at, rq->iov[i].iov_base, n);
		at += n;
	}
}

static void
recorder_submit(struct block *b, struct block_request *rq)
{
	struct recorder *r = (struct recorder *)b;

	if (r->n == r->room) {
		r->room = r->room * 2 + 64;
		r->flying = realloc(r->flying, r->room * sizeof *r->flying);
		if (r->flying == NULL)
			exit(99);
	}
	if (r->file != -1 && is_change(rq))
		record(r, rq);
	r->flying[r->n++].rq = rq;
}

static void
recorder_flush_queue(struct block *b)
{
}

/* The request itself, as a disk without a cache would do it. */
static int
perform(int fd, struct block_request *rq)
{
	struct block_step s;
	ssize_t n;
	int result;

	do {
		block_step_next(rq, &s);
		switch (s.kind) {
		case STEP_READ:
			n = preadv(fd, s.iov, (int)s.iovs, (off_t)s.offset);
			break;
		case STEP_WRITE:
			n = pwritev(fd, s.iov, (int)s.iovs, (off_t)s.offset);
			break;
		case STEP_ALLOCATE:
			n = fallocate(
			    fd, s.mode, (off_t)s.offset, (off_t)s.len);
			break;
		default:
			n = 0;
		}
	} while (!block_step_done(rq, n == -1 ? -errno : (int)n, &result));
	recorder_performs = false;
	return result;
}

static unsigned
recorder_reap(struct block *b)
{
	struct recorder *r = (struct recorder *)b;
	struct block_request *rq;
	unsigned done = 0, i;
	int result;

	while (r->n > 0 && (r->hurry || random_below(3) != 0)) {
		r->hurry = false;
		i = (unsigned)random_below(r->n);
		rq = r->flying[i].rq;
		result = perform(b->fd, rq);
		if (r->file != -1 && is_change(rq))
			recorder_log[r->flying[i].entry].done = recorder_tick();
		r->flying[i] = r->flying[--r->n];
		block_finish(b, rq, result);
		done++;
	}
	return done;
}

static void
recorder_wait(struct block *b)
{
	((struct recorder *)b)->hurry = true;
}

static void
recorder_close(struct block *b)
{
	close(b->event_fd);
	free(((struct recorder *)b)->flying);
	free(b);
}

static const struct block_ops recorder_ops = {
    .submit = recorder_submit,
    .flush_queue = recorder_flush_queue,
    .reap = recorder_reap,
    .wait = recorder_wait,
    .close = recorder_close,
};

int
__wrap_block_uring_new(
    int fd, unsigned depth, struct block **b, struct error *err)
{
	struct recorder *r = calloc(1, sizeof *r);

	if (r == NULL)
		return error_set(err, "no recorder");
	r->file = recorder_file(fd);
	r->b.ops = &recorder_ops;
	/* Always readable: who polls it asks, and may be asked to wait. */
	r->b.event_fd = eventfd(1, EFD_CLOEXEC);
	*b = &r->b;
	return 0;
}
