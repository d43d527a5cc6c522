/* backend/block: raw images, by io_uring and by a thread alike. */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tests/unit/unit.h"
#include "tests/unit/image.h"

struct fixture {
	char dir[64], path[128];
	bool threads;
};

struct request {
	struct block_request rq;
	int result;
	unsigned done;
};

static int
setup(void **state)
{
	struct fixture *f = calloc(1, sizeof *f);

	snprintf(f->dir, sizeof f->dir, "/tmp/vmtui-block.XXXXXX");
	assert_non_null(mkdtemp(f->dir));
	snprintf(f->path, sizeof f->path, "%s/mv1.img", f->dir);
	*state = f;
	return 0;
}

static int
setup_threads(void **state)
{
	setup(state);
	((struct fixture *)*state)->threads = true;
	return 0;
}

static int
teardown(void **state)
{
	struct fixture *f = *state;
	char other[160];

	snprintf(other, sizeof other, "%s/mv1.qcow2", f->dir);
	unlink(other);
	snprintf(other, sizeof other, "%s.out", f->path);
	unlink(other);
	unlink(f->path);
	rmdir(f->dir);
	free(f);
	return 0;
}

/* An image of size bytes in which byte i is i / 512 + 1. */
static void
make_image(const char *path, size_t size)
{
	uint8_t *data = malloc(size);
	size_t i;
	int fd;

	for (i = 0; i < size; i++)
		data[i] = (uint8_t)(i / 512 + 1);
	fd = open(path, O_CREAT | O_TRUNC | O_WRONLY, 0600);
	assert_int_equal(write(fd, data, size), size);
	close(fd);
	free(data);
}

static struct block *
attach(struct fixture *f, size_t size, bool readonly)
{
	struct block *b = NULL;
	struct error err;
	int fd;

	make_image(f->path, size);
	fd = image_open(f->path, readonly, &err);
	if (fd == -1)
		fail_msg("%s", err.text);
	if (f->threads)
		assert_int_equal(
		    block_attach_threads(fd, f->path, readonly, &b, &err), 0);
	else
		assert_int_equal(
		    block_attach_raw(fd, f->path, readonly, 4, &b, &err), 0);
	return b;
}

static void
done(struct block_request *rq, int result)
{
	struct request *r = (struct request *)rq;

	r->result = result;
	r->done++;
}

/* Submits one request and waits for it as a disk's thread does: by poll(). */
static int
perform(
    struct block *b, enum block_op op, uint64_t offset, void *buf, size_t len)
{
	struct iovec iov = {buf, len};
	struct request r = {.rq = {.op = op,
				.offset = offset,
				.len = len,
				.iov = &iov,
				.iovs = 1,
				.done = done}};
	struct pollfd p = {block_event_fd(b), POLLIN, 0};

	block_submit(b, &r.rq);
	assert_int_equal(block_in_flight(b), 1);
	block_flush_queue(b);
	block_reap(b);
	while (r.done == 0) {
		assert_int_equal(poll(&p, 1, 5000), 1);
		block_reap(b);
	}
	assert_int_equal(r.done, 1);
	assert_int_equal(block_in_flight(b), 0);
	/* With nothing to do it is quiet: nobody spins on it. */
	block_reap(b);
	assert_int_equal(poll(&p, 1, 0), 0);
	return r.result;
}

static void
test_block_reads_and_writes_at_any_alignment(void **state)
{
	struct block *b = attach(*state, 10000, false);
	uint8_t buf[3000];
	size_t i;

	assert_int_equal(block_size(b), 10000);
	assert_int_equal(perform(b, BLOCK_READ, 700, buf, 1000), 0);
	for (i = 0; i < 1000; i++)
		assert_int_equal(buf[i], (700 + i) / 512 + 1);
	memset(buf, 0xee, sizeof buf);
	assert_int_equal(perform(b, BLOCK_WRITE, 1001, buf, 2777), 0);
	assert_int_equal(perform(b, BLOCK_READ, 1000, buf, 2779), 0);
	assert_int_equal(buf[0], 1000 / 512 + 1);
	assert_int_equal(buf[1], 0xee);
	assert_int_equal(buf[2777], 0xee);
	assert_int_equal(buf[2778], 3778 / 512 + 1);
	assert_int_equal(perform(b, BLOCK_FLUSH, 0, NULL, 0), 0);
	block_close(b);
}

static void
test_block_reads_past_the_end_as_zeroes(void **state)
{
	struct block *b = attach(*state, 1000, false);
	uint8_t buf[1024], zeroes[1024] = {0};

	memset(buf, 0xee, sizeof buf);
	assert_int_equal(perform(b, BLOCK_READ, 512, buf, 512), 0);
	assert_int_equal(buf[487], 2);
	assert_memory_equal(buf + 488, zeroes, 24);
	assert_int_equal(perform(b, BLOCK_READ, 1 << 20, buf, 1024), 0);
	assert_memory_equal(buf, zeroes, 1024);
	assert_int_equal(
	    perform(b, BLOCK_READ, UINT64_MAX - 100, buf, 512), -EINVAL);
	block_close(b);
}

static void
test_block_refuses_to_write_past_the_end(void **state)
{
	static const enum block_op ops[] = {
	    BLOCK_WRITE, BLOCK_DISCARD, BLOCK_WRITE_ZEROES};
	struct fixture *f = *state;
	struct block *b = attach(f, 1000, false);
	uint8_t buf[512] = {0};
	struct stat st;
	size_t i;

	for (i = 0; i < 3; i++) {
		assert_int_equal(perform(b, ops[i], 512, buf, 512), -EINVAL);
		assert_int_equal(
		    perform(b, ops[i], UINT64_MAX - 511, buf, 512), -EINVAL);
		assert_int_equal(perform(b, ops[i], 1000, buf, 1), -EINVAL);
	}
	stat(f->path, &st);
	assert_int_equal(st.st_size, 1000);
	block_close(b);
}

static void
test_block_readonly_refuses_every_change(void **state)
{
	static const enum block_op ops[] = {
	    BLOCK_WRITE, BLOCK_DISCARD, BLOCK_WRITE_ZEROES};
	struct block *b = attach(*state, 4096, true);
	uint8_t buf[512] = {0};
	size_t i;

	assert_true(block_readonly(b));
	for (i = 0; i < 3; i++)
		assert_int_equal(perform(b, ops[i], 0, buf, 512), -EROFS);
	assert_int_equal(perform(b, BLOCK_READ, 0, buf, 512), 0);
	assert_int_equal(buf[0], 1);
	assert_int_equal(perform(b, BLOCK_FLUSH, 0, NULL, 0), 0);
	block_close(b);
}

/* A drive reads what is in it at the time, and its files are let go. */
static void
test_block_drive_takes_one_file_after_another(void **state)
{
	struct fixture *f = *state;
	struct block *b;
	struct error err;
	uint8_t byte = 9;
	int fd, pipes[2];

	assert_int_equal(block_drive(4, &b, &err), 0);
	assert_int_equal(block_size(b), 0);
	assert_true(block_readonly(b));
	assert_int_equal(perform(b, BLOCK_READ, 0, &byte, 1), -EBADF);
	make_image(f->path, 4096);
	fd = image_open(f->path, true, &err);
	assert_int_equal(block_exchange(b, fd, f->path, &err), 0);
	assert_int_equal(block_size(b), 4096);
	assert_int_equal(perform(b, BLOCK_READ, 1024, &byte, 1), 0);
	assert_int_equal(byte, 3);
	assert_int_equal(perform(b, BLOCK_WRITE, 1024, &byte, 1), -EROFS);
	/* What cannot be read in it changes nothing. */
	assert_int_equal(pipe(pipes), 0);
	assert_int_equal(block_exchange(b, pipes[0], "/p", &err), -1);
	assert_int_equal(close(pipes[0]), -1);
	close(pipes[1]);
	assert_int_equal(perform(b, BLOCK_READ, 512, &byte, 1), 0);
	assert_int_equal(byte, 2);
	assert_int_equal(block_exchange(b, -1, "", &err), 0);
	assert_int_equal(block_size(b), 0);
	/* Nobody holds it any more: it can be written. */
	fd = image_open(f->path, false, &err);
	assert_true(fd != -1);
	close(fd);
	block_close(b);
}

static void
test_block_zeroes_and_discards_exactly_their_range(void **state)
{
	struct fixture *f = *state;
	const size_t size = 600 << 10;
	uint8_t *buf = malloc(size);
	struct block *b;
	struct stat st;
	size_t i;
	int way, n;

	/* 0: zeroes, 1: zeroes and unmap, 2: discard. */
	for (way = 0; way < 3; way++) {
		struct request r = {
		    .rq = {.op = way == 2 ? BLOCK_DISCARD : BLOCK_WRITE_ZEROES,
			.unmap = way == 1,
			.offset = 1000,
			.len = 500000,
			.done = done}};

		b = attach(f, size, false);
		block_submit(b, &r.rq);
		block_drain(b);
		assert_int_equal(r.done, 1);
		if (way == 2 && r.result == -EOPNOTSUPP) {
			block_close(b);
			continue;
		}
		assert_int_equal(r.result, 0);
		assert_int_equal(perform(b, BLOCK_READ, 0, buf, size), 0);
		for (i = 0, n = 0; i < size; i++)
			n += buf[i] !=
			    (i >= 1000 && i < 501000 ? 0
						     : (uint8_t)(i / 512 + 1));
		assert_int_equal(n, 0);
		block_close(b);
	}
	stat(f->path, &st);
	assert_int_equal(st.st_size, size);
	free(buf);
}

static void
test_block_takes_more_requests_than_its_depth(void **state)
{
	struct block *b = attach(*state, 64 << 10, false);
	struct request r[100];
	struct iovec iov[100][3];
	uint8_t buf[100][512];
	unsigned i;

	memset(r, 0, sizeof r);
	for (i = 0; i < 100; i++) {
		iov[i][0] = (struct iovec){buf[i], 100};
		iov[i][1] = (struct iovec){buf[i] + 100, 1};
		iov[i][2] = (struct iovec){buf[i] + 101, 411};
		r[i].rq = (struct block_request){.op = BLOCK_READ,
		    .offset = 512 * i,
		    .len = 512,
		    .iov = iov[i],
		    .iovs = 3,
		    .done = done};
		block_submit(b, &r[i].rq);
	}
	assert_int_equal(block_in_flight(b), 100);
	block_drain(b);
	assert_int_equal(block_in_flight(b), 0);
	for (i = 0; i < 100; i++) {
		assert_int_equal(r[i].done, 1);
		assert_int_equal(r[i].result, 0);
		assert_int_equal(buf[i][0], (uint8_t)(i + 1));
		assert_int_equal(buf[i][511], (uint8_t)(i + 1));
	}
	block_close(b);
}

static void
test_block_step_goes_on_where_a_transfer_stopped(void **state)
{
	uint8_t a[10], b[20];
	struct iovec iov[2] = {{a, 10}, {b, 20}};
	struct block_request rq = {.op = BLOCK_WRITE,
	    .offset = 1000,
	    .len = 30,
	    .iov = iov,
	    .iovs = 2};
	struct block_step s;
	int result;

	block_step_first(&rq);
	block_step_next(&rq, &s);
	assert_int_equal(s.iovs, 2);
	assert_false(block_step_done(&rq, -EINTR, &result));
	assert_false(block_step_done(&rq, 4, &result));
	block_step_next(&rq, &s);
	assert_int_equal(s.offset, 1004);
	assert_int_equal(s.iovs, 1);
	assert_ptr_equal(s.iov[0].iov_base, a + 4);
	assert_int_equal(s.iov[0].iov_len, 6);
	assert_false(block_step_done(&rq, 6, &result));
	block_step_next(&rq, &s);
	assert_int_equal(s.offset, 1010);
	assert_ptr_equal(s.iov, iov + 1);
	assert_false(block_step_done(&rq, 19, &result));
	block_step_next(&rq, &s);
	assert_ptr_equal(s.iov[0].iov_base, b + 19);
	assert_true(block_step_done(&rq, 1, &result));
	assert_int_equal(result, 0);
	/* A disk that takes nothing and says nothing is an error. */
	block_step_first(&rq);
	assert_true(block_step_done(&rq, 0, &result));
	assert_int_equal(result, -EIO);
	block_step_first(&rq);
	assert_true(block_step_done(&rq, -ENOSPC, &result));
	assert_int_equal(result, -ENOSPC);
}

static void
test_block_step_zeroes_without_help_of_the_file_system(void **state)
{
	struct block_request rq = {.op = BLOCK_WRITE_ZEROES,
	    .offset = 0,
	    .len = 200000,
	    .unmap = true};
	struct block_step s;
	uint64_t sum = 0;
	int result;

	block_step_first(&rq);
	block_step_next(&rq, &s);
	assert_int_equal(s.kind, STEP_ALLOCATE);
	assert_false(block_step_done(&rq, -EOPNOTSUPP, &result));
	block_step_next(&rq, &s);
	assert_int_equal(s.kind, STEP_ALLOCATE);
	assert_false(block_step_done(&rq, -EOPNOTSUPP, &result));
	do {
		block_step_next(&rq, &s);
		assert_int_equal(s.kind, STEP_WRITE);
		assert_int_equal(s.offset, sum);
		sum += s.iov[0].iov_len;
		if (s.iovs == 2)
			sum += s.iov[1].iov_len;
	} while (!block_step_done(&rq,
	    (int)(s.iov[0].iov_len + (s.iovs == 2 ? s.iov[1].iov_len : 0)),
	    &result));
	assert_int_equal(sum, 200000);
	assert_int_equal(result, 0);
}

/* The sentence that block_open() has for path. */
static const char *
why_not(const char *path, bool readonly)
{
	static struct error err;

	err.text[0] = '\0';
	assert_int_equal(image_open(path, readonly, &err), -1);
	return err.text;
}

static void
test_block_open_names_the_neighbour_of_a_missing_image(void **state)
{
	struct fixture *f = *state;
	char path[160];

	assert_non_null(strstr(why_not(f->path, false), "mv1.img is missing"));
	assert_non_null(strstr(why_not(f->path, false), "create it"));
	snprintf(path, sizeof path, "%s/mv1.qcow2", f->dir);
	make_image(path, 512);
	assert_non_null(
	    strstr(why_not(f->path, false), "mv1.qcow2 beside it looks meant"));
	unlink(path);
	make_image(f->path, 512);
	snprintf(path, sizeof path, "%s/mvv1.img", f->dir);
	assert_non_null(
	    strstr(why_not(path, false), "mv1.img beside it looks meant"));
	snprintf(path, sizeof path, "%s/other.img", f->dir);
	assert_null(strstr(why_not(path, false), "beside"));
	snprintf(path, sizeof path, "%s/none/mv1.img", f->dir);
	assert_non_null(strstr(why_not(path, false), "so is the folder"));
}

static void
test_block_open_refuses_what_is_no_raw_image(void **state)
{
	struct fixture *f = *state;
	char path[160];
	int fd;

	assert_non_null(strstr(why_not(f->dir, false), "is a folder"));
	assert_non_null(strstr(why_not(f->dir, true), "is a folder"));
	assert_non_null(strstr(why_not("/dev/null", false), "neither"));
	fd = open(f->path, O_CREAT | O_WRONLY, 0600);
	assert_non_null(strstr(why_not(f->path, false), "is empty"));
	assert_int_equal(write(fd, "QFI\xfb\0\0\0\3", 8), 8);
	close(fd);
	assert_non_null(
	    strstr(why_not(f->path, false), "begins as a qcow2 image does"));
	assert_non_null(strstr(why_not(f->path, false), "format=raw"));
	unlink(f->path);
	assert_int_equal(symlink("nowhere", f->path), 0);
	assert_non_null(strstr(why_not(f->path, false), "is a link"));
	unlink(f->path);
	assert_int_equal(mkfifo(f->path, 0600), 0);
	assert_non_null(strstr(why_not(f->path, true), "neither"));
	snprintf(path, sizeof path, "%s/x", f->path);
	assert_non_null(strstr(why_not(path, true), "missing"));
}

static void
test_block_open_says_what_permission_is_missing(void **state)
{
	struct fixture *f = *state;

	make_image(f->path, 512);
	chmod(f->path, 0400);
	if (geteuid() == 0) {
		/* Root may do anything, so somebody else has to try. */
		chmod(f->dir, 0755);
		assert_int_equal(seteuid(65534), 0);
	}
	assert_non_null(strstr(why_not(f->path, false), "readonly"));
	assert_int_equal(seteuid(getuid()), 0);
}

static void
test_block_open_refuses_an_image_in_use(void **state)
{
	struct fixture *f = *state;
	struct error err;
	int a, b;

	make_image(f->path, 512);
	a = image_open(f->path, false, &err);
	assert_true(a != -1);
	assert_non_null(strstr(why_not(f->path, false), "is in use"));
	assert_non_null(strstr(why_not(f->path, true), "is in use"));
	/* The lock goes with the last copy of the descriptor. */
	b = dup(a);
	close(a);
	assert_non_null(strstr(why_not(f->path, false), "is in use"));
	close(b);
	/* Any number may read. */
	a = image_open(f->path, true, &err);
	b = image_open(f->path, true, &err);
	assert_true(a != -1 && b != -1);
	assert_non_null(strstr(why_not(f->path, false), "is in use"));
	close(a);
	close(b);
	a = image_open(f->path, false, &err);
	assert_true(a != -1);
	close(a);
}

/* Runs a command on the image. Returns its exit status, 127 if it is missing. */
static int
run(const char *command, const char *path)
{
	char line[512];
	int status;
	FILE *p;

	snprintf(line, sizeof line, "set -- '%s'; %s >/dev/null 2>&1", path,
	    command);
	p = popen(line, "r");
	assert_non_null(p);
	status = pclose(p);
	return WEXITSTATUS(status);
}

#define QEMU_WRITES "qemu-io -f raw -c 'write 0 512' \"$1\""
#define QEMU_READS  "qemu-img convert -f raw -O raw \"$1\" \"$1.out\""

static void
test_block_locks_are_those_of_qemu(void **state)
{
	struct fixture *f = *state;
	struct error err;
	char line[256];
	FILE *p;
	int fd;

	make_image(f->path, 4096);
	if (run(QEMU_READS, f->path) == 127)
		SKIP("qemu-img and qemu-io are not installed");
	/* While we have it, QEMU may neither write nor read it. */
	fd = image_open(f->path, false, &err);
	assert_true(fd != -1);
	assert_int_not_equal(run(QEMU_WRITES, f->path), 0);
	assert_int_not_equal(run(QEMU_READS, f->path), 0);
	close(fd);
	/* While we only read it, QEMU may do so, too. */
	fd = image_open(f->path, true, &err);
	assert_true(fd != -1);
	assert_int_equal(run(QEMU_READS, f->path), 0);
	assert_int_not_equal(run(QEMU_WRITES, f->path), 0);
	close(fd);
	assert_int_equal(run(QEMU_WRITES, f->path), 0);
	/* And the other way round: it waits for its standard input. */
	snprintf(
	    line, sizeof line, "exec qemu-io -f raw '%s' >/dev/null", f->path);
	p = popen(line, "w");
	assert_non_null(p);
	fprintf(p, "write 0 512\n");
	fflush(p);
	for (int i = 0; i < 100; i++) {
		fd = image_open(f->path, false, &err);
		if (fd == -1)
			break;
		close(fd);
		usleep(50000);
	}
	assert_int_equal(fd, -1);
	assert_non_null(strstr(err.text, "is in use"));
	fprintf(p, "quit\n");
	assert_int_equal(pclose(p), 0);
}

static void
test_block_attach_refuses_a_descriptor_that_cannot_write(void **state)
{
	struct fixture *f = *state;
	struct block *b;
	struct error err;
	int fd;

	make_image(f->path, 512);
	fd = open(f->path, O_RDONLY);
	assert_int_equal(block_attach_raw(fd, f->path, false, 4, &b, &err), -1);
	close(fd);
}

#define BOTH(test)                                                      \
	cmocka_unit_test_setup_teardown(test, setup, teardown),         \
	{                                                               \
#test "_by_thread", test, setup_threads, teardown, NULL \
	}
#define ONE(test) cmocka_unit_test_setup_teardown(test, setup, teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    BOTH(test_block_reads_and_writes_at_any_alignment),
	    BOTH(test_block_reads_past_the_end_as_zeroes),
	    BOTH(test_block_refuses_to_write_past_the_end),
	    BOTH(test_block_readonly_refuses_every_change),
	    ONE(test_block_drive_takes_one_file_after_another),
	    BOTH(test_block_zeroes_and_discards_exactly_their_range),
	    BOTH(test_block_takes_more_requests_than_its_depth),
	    cmocka_unit_test(test_block_step_goes_on_where_a_transfer_stopped),
	    cmocka_unit_test(
		test_block_step_zeroes_without_help_of_the_file_system),
	    ONE(test_block_open_names_the_neighbour_of_a_missing_image),
	    ONE(test_block_open_refuses_what_is_no_raw_image),
	    ONE(test_block_open_says_what_permission_is_missing),
	    ONE(test_block_open_refuses_an_image_in_use),
	    ONE(test_block_locks_are_those_of_qemu),
	    ONE(test_block_attach_refuses_a_descriptor_that_cannot_write),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
