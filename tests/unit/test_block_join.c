/* backend/block/uring.c: writes one behind the other, which go as one. */
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "tests/unit/unit.h"
#include "tests/unit/image.h"

#define DEPTH    4u /* of the ring */
#define REQUESTS 48u
#define DISK     (8u << 20)

struct request {
	struct block_request rq;
	struct iovec iov[8];
	int result;
	unsigned done;
};

struct fixture {
	char path[64];
	struct block *b;
	struct request r[REQUESTS];
	unsigned n, finished;
	uint8_t *data, *expect; /* of the whole disk */
};

static struct fixture *current;

static int
setup(void **state)
{
	struct fixture *f = calloc(1, sizeof *f);
	struct error err;
	size_t i;
	int fd;

	strncpy(f->path, "/tmp/vmtui-join.XXXXXX", sizeof f->path - 1);
	fd = mkstemp(f->path);
	assert_int_equal(ftruncate(fd, DISK), 0);
	close(fd);
	fd = image_open(f->path, false, &err);
	assert_int_equal(
	    block_attach_raw(fd, f->path, false, DEPTH, &f->b, &err), 0);
	f->data = malloc(DISK);
	f->expect = calloc(1, DISK);
	for (i = 0; i < DISK; i++)
		f->data[i] = (uint8_t)(i / 512 * 7 + i % 251 + 1);
	current = f;
	*state = f;
	return 0;
}

static int
teardown(void **state)
{
	struct fixture *f = *state;

	block_close(f->b);
	unlink(f->path);
	free(f->data);
	free(f->expect);
	free(f);
	return 0;
}

static void
done(struct block_request *rq, int result)
{
	struct request *r = (struct request *)rq;

	r->result = result;
	r->done++;
	current->finished++;
}

/* A write of len bytes, in so many buffers. */
static void
put(struct fixture *f, uint64_t offset, size_t len, unsigned iovs)
{
	struct request *r = &f->r[f->n++];
	size_t part = len / iovs, i;

	for (i = 0; i < iovs; i++)
		r->iov[i] = (struct iovec){f->data + offset + i * part,
		    i + 1 < iovs ? part : len - i * part};
	r->rq = (struct block_request){.op = BLOCK_WRITE,
	    .offset = offset,
	    .len = len,
	    .iov = r->iov,
	    .iovs = iovs,
	    .done = done};
	block_submit(f->b, &r->rq);
	memcpy(f->expect + offset, f->data + offset, len);
}

/* Returns how many the first of the kernel's answers finished. */
static unsigned
wait_for_all(struct fixture *f)
{
	struct pollfd p = {block_event_fd(f->b), POLLIN, 0};
	unsigned i, first = 0;

	block_flush_queue(f->b);
	while (f->finished < f->n) {
		assert_int_equal(poll(&p, 1, 20000), 1);
		block_reap(f->b);
		if (first == 0)
			first = f->finished;
	}
	assert_int_equal(block_in_flight(f->b), 0);
	for (i = 0; i < f->n; i++)
		assert_int_equal(f->r[i].done, 1);
	return first;
}

static void
assert_disk(struct fixture *f)
{
	uint8_t *got = malloc(DISK);
	FILE *in = fopen(f->path, "r");

	assert_int_equal(fread(got, 1, DISK, in), DISK);
	assert_memory_equal(got, f->expect, DISK);
	fclose(in);
	free(got);
}

static void
assert_results(const struct fixture *f)
{
	unsigned i;

	for (i = 0; i < f->n; i++)
		assert_int_equal(f->r[i].result, 0);
}

static void
test_block_writes_in_a_row_go_as_one(void **state)
{
	struct fixture *f = *state;
	unsigned i;

	if (block_event_fd(f->b) == -1)
		SKIP("no io_uring here");
	for (i = 0; i < REQUESTS; i++)
		put(f, 1000 + i * 5000u, 5000, 1 + i % 8);
	/* One by one the ring's depth would be the most. */
	assert_int_equal(wait_for_all(f), REQUESTS);
	assert_results(f);
	assert_disk(f);
}

/* Whatever does not fit goes by itself, and all arrives. */
static void
test_block_writes_with_gaps_and_of_any_size_arrive(void **state)
{
	struct fixture *f = *state;
	uint64_t at = 0;
	unsigned i;

	srand(1);
	for (i = 0; i < REQUESTS; i++) {
		size_t len =
		    i % 11 == 10 ? 700000 : 512 + (size_t)rand() % 40000;

		put(f, at, len, 1 + (unsigned)rand() % 8);
		at += len + (i % 5 == 4 ? 4096 : 0);
	}
	assert_true(at <= DISK);
	wait_for_all(f);
	assert_results(f);
	assert_disk(f);
}

/* What the host refuses has failed, and nothing else has. */
static void
test_block_each_joined_write_has_its_own_result(void **state)
{
	struct fixture *f = *state;
	const rlim_t limit = 20000;
	struct rlimit old, few;
	unsigned i;

	assert_int_equal(truncate(f->path, 0), 0);
	memset(f->expect, 0, DISK);
	signal(SIGXFSZ, SIG_IGN);
	assert_int_equal(getrlimit(RLIMIT_FSIZE, &old), 0);
	few = (struct rlimit){limit, old.rlim_max};
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &few), 0);
	for (i = 0; i < 8; i++)
		put(f, i * 6000u, 6000, 1);
	wait_for_all(f);
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &old), 0);
	for (i = 0; i < 8; i++)
		assert_int_equal(
		    f->r[i].result, (i + 1) * 6000u <= limit ? 0 : -EFBIG);
	memset(f->expect + limit, 0, DISK - limit);
	assert_int_equal(truncate(f->path, DISK), 0);
	assert_disk(f);
}

/* Submitted from within done(), as a guest's next request is. */
static void
again(struct block_request *rq, int result)
{
	struct fixture *f = current;

	done(rq, result);
	if (f->n < REQUESTS) {
		put(f, f->n * 4096u, 4096, 1);
		f->r[f->n - 1].rq.done = again;
	}
}

static void
test_block_writes_follow_from_within_done(void **state)
{
	struct fixture *f = *state;
	unsigned i;

	for (i = 0; i < 8; i++) {
		put(f, i * 4096u, 4096, 1);
		f->r[i].rq.done = again;
	}
	wait_for_all(f);
	assert_int_equal(f->n, REQUESTS);
	assert_results(f);
	assert_disk(f);
}

int
main(void)
{
#define ONE(test) cmocka_unit_test_setup_teardown(test, setup, teardown)
	const struct CMUnitTest tests[] = {
	    ONE(test_block_writes_in_a_row_go_as_one),
	    ONE(test_block_writes_with_gaps_and_of_any_size_arrive),
	    ONE(test_block_each_joined_write_has_its_own_result),
	    ONE(test_block_writes_follow_from_within_done),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
