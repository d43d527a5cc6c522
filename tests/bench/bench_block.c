/*
 * bench_block IMAGE raw|qcow2 r|w COUNT DEPTH SIZE STEP FLUSH: so many
 * requests of SIZE bytes through backend/block, DEPTH of them at a time, each
 * STEP behind the last one (0: anywhere), a flush after every FLUSH of them
 * (0: none). As qemu-img bench does it. Prints the seconds they took, and those
 * of CPU.
 */
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "backend/block/block.h"

static struct {
	struct block *b;
	enum block_op op;
	uint64_t left, size, step, at, flush, since, random;
} job;

struct slot {
	struct block_request rq;
	struct iovec iov;
};

static double
now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (double)ts.tv_sec + (double)ts.tv_nsec / 1e9;
}

/* What the process has used, in the kernel too. */
static double
cpu(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &ts);
	return (double)ts.tv_sec + (double)ts.tv_nsec / 1e9;
}

static uint64_t
next_place(void)
{
	uint64_t places = block_size(job.b) / job.size, at = job.at;

	if (job.step == 0) {
		job.random ^= job.random << 13;
		job.random ^= job.random >> 7;
		job.random ^= job.random << 17;
		return job.random % places * job.size;
	}
	job.at = (at + job.step) % (places * job.size);
	return at;
}

static void next(struct slot *s);

static void
done(struct block_request *rq, int result)
{
	if (result != 0) {
		fprintf(stderr, "a request failed: %s\n", strerror(-result));
		exit(1);
	}
	next((struct slot *)rq);
}

static void
on_flushed(struct block_request *rq, int result)
{
	if (result != 0)
		exit(1);
	free(rq);
}

static void
flush(void)
{
	struct block_request *rq = calloc(1, sizeof *rq);

	if (rq == NULL)
		exit(1);
	rq->op = BLOCK_FLUSH;
	rq->done = on_flushed;
	job.since = 0;
	block_submit(job.b, rq);
}

static void
next(struct slot *s)
{
	if (job.left == 0)
		return;
	job.left--;
	s->rq.op = job.op;
	s->rq.offset = next_place();
	s->rq.len = job.size;
	s->rq.iov = &s->iov;
	s->rq.iovs = 1;
	s->rq.done = done;
	block_submit(job.b, &s->rq);
	if (job.flush != 0 && ++job.since >= job.flush)
		flush();
}

static void
open_image(const char *path, const char *format, unsigned depth)
{
	struct block_files files;
	struct error err;
	int rc;

	block_files_init(&files);
	rc = block_open(path,
	    strcmp(format, "raw") == 0 ? BLOCK_FORMAT_RAW : BLOCK_FORMAT_QCOW2,
	    false, &files, &err);
	if (rc == 0)
		rc = block_attach(&files, depth, &job.b, &err);
	block_files_clear(&files);
	if (rc == -1) {
		fprintf(stderr, "%s\n", err.text);
		exit(1);
	}
}

/* As a disk's thread does it. */
static void
work(void)
{
	struct pollfd p = {.fd = block_event_fd(job.b), .events = POLLIN};

	while (block_in_flight(job.b) > 0) {
		block_flush_queue(job.b);
		if (block_reap(job.b) == 0 && block_in_flight(job.b) > 0)
			poll(&p, 1, -1);
	}
}

int
main(int argc, char **argv)
{
	unsigned depth, i;
	struct slot *slot;
	double began, began_cpu;

	if (argc != 9)
		return 2;
	depth = (unsigned)strtoul(argv[5], NULL, 10);
	job.op = argv[3][0] == 'w' ? BLOCK_WRITE : BLOCK_READ;
	job.left = strtoull(argv[4], NULL, 10);
	job.size = strtoull(argv[6], NULL, 10);
	job.step = strtoull(argv[7], NULL, 10);
	job.flush = strtoull(argv[8], NULL, 10);
	job.random = 88172645463325252ULL;
	open_image(argv[1], argv[2], 128);
	slot = calloc(depth, sizeof *slot);
	if (slot == NULL)
		return 1;
	for (i = 0; i < depth; i++) {
		slot[i].iov.iov_len = job.size;
		slot[i].iov.iov_base = malloc(job.size);
		if (slot[i].iov.iov_base == NULL)
			return 1;
		memset(slot[i].iov.iov_base, 0x5a, job.size);
	}
	began = now();
	began_cpu = cpu();
	for (i = 0; i < depth; i++)
		next(&slot[i]);
	work();
	printf("%.6f %.6f\n", now() - began, cpu() - began_cpu);
	block_close(job.b);
	return 0;
}
