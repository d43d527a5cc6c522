/*
 * qcow2_rig.h: a qcow2 image under test beside a plain copy of what its disk
 * should hold, and qemu-img as the judge of both.
 */
#ifndef TESTS_UNIT_QCOW2_RIG_H
#define TESTS_UNIT_QCOW2_RIG_H

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/unit/unit.h"
#include "backend/block/engine.h"
#include "backend/block/qcow2_image.h"

#define RIG_FLIGHT 24u

struct rig;

struct rig_request {
	struct block_request rq; /* first */
	struct rig *rig;
	struct iovec iov[3];
	uint8_t *buf;
	bool busy, done;
	int result;
};

struct rig {
	char dir[64];
	char path[128]; /* the image */
	struct block *b;
	uint8_t *model;
	uint64_t size;
	uint32_t seed;
	struct rig_request request[RIG_FLIGHT];
};

/* Runs a command in the rig's folder. Returns its exit status. */
static inline int
rig_sh(const struct rig *r, const char *fmt, ...)
{
	char line[2048], command[2400];
	va_list ap;
	FILE *p;

	va_start(ap, fmt);
	vsnprintf(line, sizeof line, fmt, ap);
	va_end(ap);
	snprintf(command, sizeof command, "cd '%s' && { %s; } >out 2>&1",
	    r->dir, line);
	p = popen(command, "r");
	assert_non_null(p);
	return WEXITSTATUS(pclose(p));
}

/* The same, and it must succeed. */
#define rig_must(r, ...)                           \
	do {                                       \
		if (rig_sh(r, __VA_ARGS__) != 0) { \
			rig_print(r);              \
			fail_msg(__VA_ARGS__);     \
		}                                  \
	} while (0)

static inline void
rig_print(const struct rig *r)
{
	char path[128], line[512];
	FILE *f;

	snprintf(path, sizeof path, "%s/out", r->dir);
	f = fopen(path, "r");
	while (f != NULL && fgets(line, sizeof line, f) != NULL)
		print_error("%s", line);
	if (f != NULL)
		fclose(f);
}

static inline bool
rig_has_qemu(const struct rig *r)
{
	return rig_sh(r, "qemu-img --version && qemu-io --version") == 0;
}

static inline int
rig_setup(void **state)
{
	struct rig *r = calloc(1, sizeof *r);
	unsigned i;

	/* In memory where that can be: hundreds of flushes take their time. */
	snprintf(r->dir, sizeof r->dir, "%s/vmtui-qcow2.XXXXXX",
	    access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp");
	assert_non_null(mkdtemp(r->dir));
	snprintf(r->path, sizeof r->path, "%s/a.qcow2", r->dir);
	r->seed = 12345;
	for (i = 0; i < RIG_FLIGHT; i++)
		r->request[i].rig = r;
	*state = r;
	return 0;
}

static inline int
rig_teardown(void **state)
{
	struct rig *r = *state;
	unsigned i;

	if (r->b != NULL)
		block_close(r->b);
	rig_sh(r, "rm -f -- *");
	rig_sh(r, "rm -f out; rmdir \"$PWD\"");
	rmdir(r->dir);
	for (i = 0; i < RIG_FLIGHT; i++)
		free(r->request[i].buf);
	free(r->model);
	free(r);
	return 0;
}

static inline uint32_t
rig_random(struct rig *r)
{
	r->seed ^= r->seed << 13;
	r->seed ^= r->seed >> 17;
	r->seed ^= r->seed << 5;
	return r->seed;
}

static inline int
rig_try_open(struct rig *r, bool readonly, struct error *err)
{
	struct block_files files;
	int rc;

	block_files_init(&files);
	if (block_open(r->path, BLOCK_FORMAT_QCOW2, readonly, &files, err) ==
	    -1)
		return -1;
	rc = block_attach(&files, 16, &r->b, err);
	block_files_clear(&files);
	return rc;
}

static inline void
rig_open(struct rig *r, bool readonly)
{
	struct error err;

	if (rig_try_open(r, readonly, &err) == -1)
		fail_msg("%s", err.text);
	if (r->model == NULL) {
		r->size = block_size(r->b);
		r->model = calloc(1, r->size);
	}
	assert_int_equal(block_size(r->b), r->size);
}

static inline void
rig_close(struct rig *r)
{
	block_close(r->b);
	r->b = NULL;
}

static inline void
rig_done(struct block_request *rq, int result)
{
	struct rig_request *q = (struct rig_request *)rq;

	q->done = true;
	q->result = result;
}

/* Fills the buffers of a request: len bytes in up to three parts. */
static inline void
rig_prepare(struct rig_request *q, enum block_op op, uint64_t offset,
    uint64_t len, unsigned cut)
{
	uint64_t a = len > 2 ? cut % len : 0, b = a + (len - a) / 2;

	free(q->buf);
	q->buf = malloc(len + 1);
	memset(q->buf, 0xee, len);
	q->iov[0] = (struct iovec){q->buf, a};
	q->iov[1] = (struct iovec){q->buf + a, b - a};
	q->iov[2] = (struct iovec){q->buf + b, len - b};
	q->rq = (struct block_request){.op = op,
	    .offset = offset,
	    .len = len,
	    .iov = q->iov,
	    .iovs = 3,
	    .done = rig_done};
	q->busy = true;
	q->done = false;
}

/* Waits as a disk's thread does: by poll(). */
static inline void
rig_wait(struct rig *r, const struct rig_request *q)
{
	struct pollfd p = {block_event_fd(r->b), POLLIN, 0};

	block_flush_queue(r->b);
	block_reap(r->b);
	while (!q->done) {
		assert_int_equal(poll(&p, 1, 20000), 1);
		block_reap(r->b);
	}
}

/* One request, all by itself. */
static inline int
rig_do(struct rig *r, enum block_op op, uint64_t offset, uint64_t len, int byte)
{
	struct rig_request *q = &r->request[0];

	rig_prepare(q, op, offset, len, 0);
	memset(q->buf, byte, len);
	block_submit(r->b, &q->rq);
	rig_wait(r, q);
	q->busy = false;
	if (q->result == 0 && op == BLOCK_WRITE)
		memcpy(r->model + offset, q->buf, len);
	if (q->result == 0 && op == BLOCK_WRITE_ZEROES)
		memset(r->model + offset, 0, len);
	return q->result;
}

/* Reads all and compares. */
static inline void
rig_compare(struct rig *r)
{
	struct rig_request *q = &r->request[0];
	uint64_t at, len, i;

	for (at = 0; at < r->size; at += len) {
		len = r->size - at < 3 << 20 ? r->size - at : 3 << 20;
		rig_prepare(q, BLOCK_READ, at, len, 1000);
		block_submit(r->b, &q->rq);
		rig_wait(r, q);
		q->busy = false;
		assert_int_equal(q->result, 0);
		if (memcmp(q->buf, r->model + at, len) == 0)
			continue;
		for (i = 0; q->buf[i] == r->model[at + i]; i++)
			;
		fail_msg("byte %llu is %02x, not %02x",
		    (unsigned long long)(at + i), q->buf[i], r->model[at + i]);
	}
}

/* The judge: no leak, no corruption, and the disk's content. */
static inline void
rig_judge(struct rig *r)
{
	char path[160];
	FILE *f;

	snprintf(path, sizeof path, "%s/model", r->dir);
	f = fopen(path, "w");
	assert_non_null(f);
	assert_int_equal(fwrite(r->model, 1, r->size, f), r->size);
	fclose(f);
	rig_must(r, "qemu-img check a.qcow2");
	rig_must(r,
	    "qemu-img compare -F raw -f qcow2 a.qcow2 model || "
	    "qemu-img compare -f qcow2 -F raw a.qcow2 model");
}

/* Does the range touch one that is in flight? */
static inline bool
rig_busy(const struct rig *r, uint64_t offset, uint64_t len)
{
	const struct rig_request *q;

	for (q = r->request; q < r->request + RIG_FLIGHT; q++)
		if (q->busy && offset < q->rq.offset + q->rq.len &&
		    q->rq.offset < offset + len)
			return true;
	return false;
}

/* What came back: reads are as the model had it. */
static inline void
rig_settle(struct rig_request *q)
{
	struct rig *r = q->rig;

	q->busy = false;
	if (q->result != 0)
		fail_msg("op %d at %llu, %llu bytes: %s", q->rq.op,
		    (unsigned long long)q->rq.offset,
		    (unsigned long long)q->rq.len, strerror(-q->result));
	if (q->rq.op == BLOCK_READ &&
	    memcmp(q->buf, r->model + q->rq.offset, q->rq.len) != 0)
		fail_msg("a read at %llu, %llu bytes, is wrong",
		    (unsigned long long)q->rq.offset,
		    (unsigned long long)q->rq.len);
}

static inline void
rig_begin_random(struct rig *r, struct rig_request *q, uint64_t most)
{
	static const enum block_op mix[] = {BLOCK_READ, BLOCK_WRITE,
	    BLOCK_WRITE, BLOCK_WRITE, BLOCK_READ, BLOCK_WRITE_ZEROES,
	    BLOCK_WRITE, BLOCK_FLUSH};
	enum block_op op = mix[rig_random(r) % 8];
	uint64_t offset = rig_random(r) % r->size, len;
	uint64_t i;

	len = rig_random(r) % most + 1;
	if (rig_random(r) % 2 == 0) {
		offset &= ~(uint64_t)4095;
		len = (len + 4095) & ~(uint64_t)4095;
	}
	if (len > r->size - offset)
		len = r->size - offset;
	if (op == BLOCK_FLUSH)
		offset = len = 0;
	else if (rig_busy(r, offset, len))
		return;
	rig_prepare(q, op, offset, len, rig_random(r));
	q->rq.unmap = rig_random(r) % 2;
	if (op == BLOCK_WRITE) {
		for (i = 0; i < len; i++)
			q->buf[i] = (uint8_t)rig_random(r);
		memcpy(r->model + offset, q->buf, len);
	} else if (op == BLOCK_WRITE_ZEROES) {
		memset(r->model + offset, 0, len);
	}
	block_submit(r->b, &q->rq);
}

/*
 * Random operations, many in flight, none of which touch each other's bytes.
 */
static inline void
rig_random_work(struct rig *r, unsigned rounds, uint64_t most)
{
	struct pollfd p = {block_event_fd(r->b), POLLIN, 0};
	struct rig_request *q;
	unsigned i, busy;

	for (i = 0; i < rounds; i++) {
		q = &r->request[rig_random(r) % RIG_FLIGHT];
		if (!q->busy)
			rig_begin_random(r, q, most);
		if (rig_random(r) % 4 == 0) {
			block_flush_queue(r->b);
			block_reap(r->b);
		}
		for (q = r->request; q < r->request + RIG_FLIGHT; q++)
			if (q->busy && q->done)
				rig_settle(q);
	}
	block_flush_queue(r->b);
	block_reap(r->b);
	do {
		for (q = r->request, busy = 0; q < r->request + RIG_FLIGHT;
		     q++) {
			if (q->busy && q->done)
				rig_settle(q);
			busy += q->busy;
		}
		if (busy > 0) {
			assert_int_equal(poll(&p, 1, 20000), 1);
			block_reap(r->b);
		}
	} while (busy > 0);
	assert_int_equal(block_in_flight(r->b), 0);
}

#endif
