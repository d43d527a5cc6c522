/*
 * backend/block: around the host's cache (cache=none), on a file that takes
 * blocks of 4096 bytes and aligned memory alone, and finishes what it is given
 * when the test says so.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tests/unit/unit.h"
#include "backend/block/engine.h"

#define BLOCK  4096u
#define SIZE   (64u * BLOCK)
#define MEMORY 512u

struct file {
	struct block b; /* first */
	uint8_t data[SIZE];
	struct block_request *inside[64];
	unsigned n, most; /* now, and at most so far */
	unsigned reads, writes, zeroes, flushes; /* given to it */
	int fail; /* the next one that is finished */
};

struct request {
	struct block_request rq; /* first */
	struct iovec iov;
	int result;
	unsigned done;
};

static void
file_submit(struct block *b, struct block_request *rq)
{
	struct file *f = (struct file *)b;
	unsigned i;

	assert_true(f->n < 64);
	f->inside[f->n++] = rq;
	if (f->n > f->most)
		f->most = f->n;
	f->reads += rq->op == BLOCK_READ;
	f->writes += rq->op == BLOCK_WRITE;
	f->zeroes += rq->op == BLOCK_WRITE_ZEROES;
	f->flushes += rq->op == BLOCK_FLUSH;
	if (rq->op == BLOCK_FLUSH || rq->op == BLOCK_DISCARD)
		return;
	assert_int_equal(rq->offset % BLOCK, 0);
	assert_int_equal(rq->len % BLOCK, 0);
	if (rq->op == BLOCK_WRITE_ZEROES)
		return;
	for (i = 0; i < rq->iovs; i++) {
		assert_int_equal((uintptr_t)rq->iov[i].iov_base % MEMORY, 0);
		assert_int_equal(rq->iov[i].iov_len % BLOCK, 0);
	}
}

/* Does and finishes request i of those inside. */
static void
file_finish(struct file *f, unsigned i)
{
	struct block_request *rq = f->inside[i];
	uint64_t at = rq->offset, n;
	int result = f->fail;
	unsigned k;

	f->inside[i] = f->inside[--f->n];
	f->fail = 0;
	if (result == 0 && rq->op == BLOCK_WRITE_ZEROES)
		memset(f->data + at, 0, rq->len);
	for (k = 0; result == 0 && rq->op <= BLOCK_WRITE && k < rq->iovs; k++) {
		n = rq->iov[k].iov_len;
		if (rq->op == BLOCK_READ)
			memcpy(rq->iov[k].iov_base, f->data + at, n);
		else
			memcpy(f->data + at, rq->iov[k].iov_base, n);
		at += n;
	}
	block_finish(&f->b, rq, result);
}

static void
file_flush_queue(struct block *b)
{
}

static unsigned
file_reap(struct block *b)
{
	return 0;
}

static void
file_wait(struct block *b)
{
	struct file *f = (struct file *)b;

	assert_true(f->n > 0);
	file_finish(f, f->n / 2);
}

static void
file_close(struct block *b)
{
}

static const struct block_ops file_ops = {
    .submit = file_submit,
    .flush_queue = file_flush_queue,
    .reap = file_reap,
    .wait = file_wait,
    .close = file_close,
};

static int
setup(void **state)
{
	static const struct direct_grain grain = {MEMORY, BLOCK};
	struct file *f = calloc(1, sizeof *f);
	struct error err;
	size_t i;

	f->b = (struct block){.ops = &file_ops, .fd = -1, .size = SIZE};
	block_queue_init(&f->b.ready);
	for (i = 0; i < SIZE; i++)
		f->data[i] = (uint8_t)(i / 512 + 1);
	assert_int_equal(direct_begin(&f->b, &grain, &err), 0);
	*state = f;
	return 0;
}

static int
teardown(void **state)
{
	struct file *f = *state;

	assert_int_equal(block_in_flight(&f->b), 0);
	block_close(&f->b);
	free(f);
	return 0;
}

static void
done(struct block_request *rq, int result)
{
	struct request *r = (struct request *)rq;

	r->result = result;
	r->done++;
}

static void
submit(struct file *f, struct request *r, enum block_op op, uint64_t offset,
    void *buf, size_t len)
{
	*r = (struct request){.rq = {.op = op,
				  .offset = offset,
				  .len = len,
				  .iov = &r->iov,
				  .iovs = 1,
				  .done = done},
	    .iov = {buf, len},
	    .result = 1};
	block_submit(&f->b, &r->rq);
}

static uint8_t *
memory(size_t len)
{
	return aligned_alloc(BLOCK, (len + BLOCK - 1) / BLOCK * BLOCK);
}

static void
test_direct_passes_whole_blocks_on_as_they_are(void **state)
{
	struct file *f = *state;
	uint8_t *buf = memory(BLOCK);
	struct request r;

	submit(f, &r, BLOCK_READ, BLOCK, buf, BLOCK);
	assert_int_equal(f->n, 1);
	assert_ptr_equal(f->inside[0], &r.rq);
	block_drain(&f->b);
	assert_int_equal(r.done, 1);
	assert_memory_equal(buf, f->data + BLOCK, BLOCK);
	submit(f, &r, BLOCK_WRITE, 0, buf, BLOCK);
	assert_ptr_equal(f->inside[0], &r.rq);
	block_drain(&f->b);
	assert_int_equal(r.result, 0);
	assert_memory_equal(buf, f->data, BLOCK);
	free(buf);
}

static void
test_direct_reads_and_writes_any_part_from_any_memory(void **state)
{
	static const struct {
		uint64_t offset;
		size_t len, shift;
	} parts[] = {{0, BLOCK, 1}, {1, 1, 0}, {4095, 2, 3}, {512, 512, 0},
	    {5000, 60000, 8}, {BLOCK, 40 * BLOCK, 4}, {100, SIZE - 200, 512},
	    {SIZE - 1, 1, 0}, {0, SIZE, 7}};
	struct file *f = *state;
	uint8_t *model = malloc(SIZE), *buf = memory(SIZE + BLOCK), *at;
	struct request r;
	size_t i, k;

	memcpy(model, f->data, SIZE);
	for (i = 0; i < sizeof parts / sizeof *parts; i++) {
		at = buf + parts[i].shift;
		submit(f, &r, BLOCK_READ, parts[i].offset, at, parts[i].len);
		block_drain(&f->b);
		assert_int_equal(r.result, 0);
		assert_int_equal(r.done, 1);
		assert_memory_equal(at, model + parts[i].offset, parts[i].len);
		for (k = 0; k < parts[i].len; k++)
			at[k] = (uint8_t)(k * 7 + i);
		memcpy(model + parts[i].offset, at, parts[i].len);
		submit(f, &r, BLOCK_WRITE, parts[i].offset, at, parts[i].len);
		block_drain(&f->b);
		assert_int_equal(r.result, 0);
		assert_int_equal(r.done, 1);
		assert_memory_equal(f->data, model, SIZE);
	}
	submit(f, &r, BLOCK_WRITE_ZEROES, 1000, NULL, 50000);
	block_drain(&f->b);
	assert_int_equal(r.result, 0);
	memset(model + 1000, 0, 50000);
	assert_memory_equal(f->data, model, SIZE);
	/* All but its ends as zeroes, not as bytes. */
	assert_int_equal(f->zeroes, 1);
	free(model);
	free(buf);
}

static void
test_direct_keeps_all_changes_of_parts_of_one_block(void **state)
{
	struct file *f = *state;
	struct request r[8];
	uint8_t *buf = memory(BLOCK);
	unsigned i;

	memset(buf, 0xaa, BLOCK);
	for (i = 0; i < 8; i++)
		submit(f, &r[i], BLOCK_WRITE, i * 512, buf, 512);
	/* One reads the block; no other has begun. */
	assert_int_equal(f->n, 1);
	assert_int_equal(f->reads, 1);
	block_drain(&f->b);
	for (i = 0; i < 8; i++) {
		assert_int_equal(r[i].done, 1);
		assert_int_equal(r[i].result, 0);
	}
	assert_memory_equal(f->data, buf, BLOCK);
	assert_int_equal(f->most, 1);
	assert_int_equal(f->data[BLOCK], 9);
	free(buf);
}

static void
test_direct_lets_no_change_pass_one_of_a_part(void **state)
{
	struct file *f = *state;
	struct request part, whole, zero, before, reader, flush;
	uint8_t *buf = memory(BLOCK), small[512], *got = memory(BLOCK);

	memset(buf, 0xbb, BLOCK);
	memset(small, 0xcc, sizeof small);
	submit(f, &before, BLOCK_WRITE, 0, buf, BLOCK);
	/* Waits for that one to be there before it reads. */
	submit(f, &part, BLOCK_WRITE, 512, small, 512);
	submit(f, &whole, BLOCK_WRITE, 2 * BLOCK, buf, BLOCK);
	submit(f, &zero, BLOCK_WRITE_ZEROES, 0, NULL, BLOCK);
	submit(f, &reader, BLOCK_READ, BLOCK, got, BLOCK);
	submit(f, &flush, BLOCK_FLUSH, 0, NULL, 0);
	assert_int_equal(f->writes, 1);
	assert_int_equal(f->n, 3); /* with the reader and the flush */
	file_finish(f, 0);
	assert_int_equal(before.done, 1);
	assert_int_equal(part.done + whole.done + zero.done, 0);
	assert_int_equal(f->reads, 2);
	assert_int_equal(f->writes, 1);
	block_drain(&f->b);
	assert_int_equal(part.result + whole.result + zero.result, 0);
	assert_int_equal(reader.result + flush.result, 0);
	/* In their order: the zeroes came last. */
	assert_int_equal(f->data[512], 0);
	assert_int_equal(f->data[0], 0);
	assert_int_equal(f->data[2 * BLOCK], 0xbb);
	free(buf);
	free(got);
}

static void
test_direct_uses_few_buffers_for_many_requests(void **state)
{
	struct file *f = *state;
	struct request r[50];
	uint8_t buf[50][100];
	unsigned i;

	for (i = 0; i < 50; i++)
		submit(f, &r[i], BLOCK_READ, i * 512 + 3, buf[i], 100);
	assert_int_equal(f->n, 8);
	block_drain(&f->b);
	assert_int_equal(f->most, 8);
	for (i = 0; i < 50; i++) {
		assert_int_equal(r[i].done, 1);
		assert_int_equal(r[i].result, 0);
		assert_int_equal(buf[i][0], i + 1);
	}
}

static void
test_direct_hands_errors_on_and_goes_on(void **state)
{
	struct file *f = *state;
	struct request part, next;
	uint8_t small[512];
	unsigned step;

	memset(small, 0xdd, sizeof small);
	/* Its read, or its write. */
	for (step = 0; step < 2; step++) {
		submit(f, &part, BLOCK_WRITE, 512, small, 512);
		submit(f, &next, BLOCK_WRITE, BLOCK + 512, small, 512);
		if (step == 1)
			file_finish(f, 0);
		f->fail = -ENOSPC;
		file_finish(f, 0);
		assert_int_equal(part.done, 1);
		assert_int_equal(part.result, -ENOSPC);
		assert_int_equal(f->data[512], 2);
		block_drain(&f->b);
		assert_int_equal(next.result, 0);
		assert_int_equal(f->data[BLOCK + 512], 0xdd);
	}
	/* Refused before it begins: that is nobody's turn. */
	submit(f, &part, BLOCK_WRITE, SIZE, small, 512);
	block_reap(&f->b);
	assert_int_equal(part.result, -EINVAL);
	submit(f, &part, BLOCK_WRITE, 512, small, 512);
	block_drain(&f->b);
	assert_int_equal(part.result, 0);
	assert_int_equal(f->data[512], 0xdd);
}

static void
test_direct_reads_to_the_end_within_a_block(void **state)
{
	uint8_t buf[3 * 512];
	struct iovec iov = {buf, sizeof buf};
	struct block_request rq = {
	    .op = BLOCK_READ, .len = sizeof buf, .iov = &iov, .iovs = 1};
	struct block_step s;
	int result = 1;

	memset(buf, 0xee, sizeof buf);
	block_step_first(&rq);
	block_step_next(&rq, &s);
	assert_false(block_step_done(&rq, 700, &result));
	/* The kernel takes no offset of 700. */
	assert_true(block_step_done(&rq, -EINVAL, &result));
	assert_int_equal(result, 0);
	assert_int_equal(buf[699], 0xee);
	assert_int_equal(buf[700], 0);
	assert_int_equal(buf[sizeof buf - 1], 0);
	/* But an error is one. */
	block_step_first(&rq);
	assert_true(block_step_done(&rq, -EINVAL, &result));
	assert_int_equal(result, -EINVAL);
}

static void
test_unsafe_waits_for_no_flush(void **state)
{
	struct file *f = *state;
	struct request r;

	f->b.unsafe = true;
	submit(f, &r, BLOCK_FLUSH, 0, NULL, 0);
	assert_int_equal(f->n, 0);
	assert_int_equal(block_reap(&f->b), 1);
	assert_int_equal(r.result, 0);
	assert_int_equal(f->flushes, 0);
}

/* Makes a raw image of size bytes, and attaches it. */
static int
try_attach(const char *path, off_t size, enum block_cache cache, bool readonly,
    struct block **b, struct error *err)
{
	struct block_files files;
	int fd, rc;

	fd = open(path, O_CREAT | O_TRUNC | O_RDWR, 0600);
	assert_int_equal(ftruncate(fd, size), 0);
	close(fd);
	block_files_init(&files);
	assert_int_equal(
	    block_open(path, BLOCK_FORMAT_RAW, readonly, &files, err), 0);
	files.cache = cache;
	rc = cache == BLOCK_CACHE_NONE ? block_check_direct(&files, err) : 0;
	if (rc == 0)
		rc = block_attach(&files, 8, b, err);
	block_files_clear(&files);
	return rc;
}

static void
test_direct_files_are_opened_so_and_end_with_a_block(void **state)
{
	char path[] = "/tmp/vmtui-direct.XXXXXX";
	struct direct_grain grain;
	struct block *b;
	struct error err;
	int fd = mkstemp(path);

	assert_int_not_equal(fd, -1);
	if (direct_measure(fd, path, &grain, &err) == -1) {
		close(fd);
		unlink(path);
		SKIP("no direct I/O in /tmp");
	}
	close(fd);
	assert_int_equal(
	    try_attach(path, 65536, BLOCK_CACHE_NONE, false, &b, &err), 0);
	assert_int_not_equal(fcntl(b->fd, F_GETFL) & O_DIRECT, 0);
	assert_int_equal(direct_block(b), grain.block);
	assert_int_equal(block_resize(b, 65537, &err), -1);
	assert_non_null(strstr(err.text, "whole ones"));
	assert_int_equal(block_resize(b, 131072, &err), 0);
	block_close(b);
	assert_int_equal(
	    try_attach(path, 65536, BLOCK_CACHE_WRITEBACK, false, &b, &err), 0);
	assert_int_equal(fcntl(b->fd, F_GETFL) & O_DIRECT, 0);
	block_close(b);
	assert_int_equal(
	    try_attach(path, 65537, BLOCK_CACHE_NONE, false, &b, &err), -1);
	assert_non_null(strstr(err.text, "is 65537 bytes long"));
	assert_non_null(strstr(err.text, "vmtui image resize"));
	/* Nobody writes its end. */
	assert_int_equal(
	    try_attach(path, 65537, BLOCK_CACHE_NONE, true, &b, &err), 0);
	block_close(b);
	unlink(path);
}

static void
test_direct_is_refused_where_there_is_none(void **state)
{
	struct direct_grain grain;
	struct error err;
	int p[2];

	assert_int_equal(pipe(p), 0);
	assert_int_equal(direct_measure(p[0], "/vmm/a.img", &grain, &err), -1);
	assert_non_null(strstr(err.text, "/vmm/a.img"));
	assert_non_null(strstr(err.text, "leave cache=none out"));
	close(p[0]);
	close(p[1]);
}

#define TEST(t) cmocka_unit_test_setup_teardown(t, setup, teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    TEST(test_direct_passes_whole_blocks_on_as_they_are),
	    TEST(test_direct_reads_and_writes_any_part_from_any_memory),
	    TEST(test_direct_keeps_all_changes_of_parts_of_one_block),
	    TEST(test_direct_lets_no_change_pass_one_of_a_part),
	    TEST(test_direct_uses_few_buffers_for_many_requests),
	    TEST(test_direct_hands_errors_on_and_goes_on),
	    cmocka_unit_test(test_direct_reads_to_the_end_within_a_block),
	    TEST(test_unsafe_waits_for_no_flush),
	    cmocka_unit_test(
		test_direct_files_are_opened_so_and_end_with_a_block),
	    cmocka_unit_test(test_direct_is_refused_where_there_is_none),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
