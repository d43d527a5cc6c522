/*
 * bench_virtq: what the data path of a disk costs the host, in millions of
 * operations a second on one CPU.
 *
 *	queue	a driver and a device in turns of 32 requests of three buffers,
 *		by descriptors in the ring and by an indirect table
 *	block	reads of 4 KiB that the page cache holds, 32 at a time, through
 *		backend/block; beside them a bare loop of pread()
 */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "backend/block/engine.h"
#include "backend/virtio/queue.h"

#define SIZE   256u
#define BATCH  32u
#define ROUNDS 200000u
#define RAM    (1u << 20)
#define TABLES 0x10000u
#define DATA   0x40000u
#define IMAGE  (8u << 20)
#define PAGE   4096u

struct desc {
	uint64_t addr;
	uint32_t len;
	uint16_t flags, next;
};

static double
now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (double)ts.tv_sec + (double)ts.tv_nsec / 1e9;
}

static void
fill(struct desc *d, uint16_t first, uint16_t next)
{
	d[0] = (struct desc){DATA, 16, 1, (uint16_t)(first + next)};
	d[1] =
	    (struct desc){DATA + PAGE, PAGE, 3, (uint16_t)(first + 2 * next)};
	d[2] = (struct desc){DATA + 16, 1, 2, 0};
}

/* Descriptors of 64 requests, each of three in a row or of one table. */
static void
prepare(uint8_t *ram, bool indirect)
{
	struct desc *ring = (void *)ram;
	unsigned i;

	for (i = 0; i < 64; i++) {
		if (!indirect) {
			fill(ring + 3 * i, (uint16_t)(3 * i), 1);
			continue;
		}
		fill((void *)(ram + TABLES + 64 * i), 0, 1);
		ring[3 * i] = (struct desc){TABLES + 64 * i, 48, 4, 0};
	}
}

static double
bench_queue(bool indirect)
{
	struct guestmem mem = {.fd = -1, .size = RAM, .regions = 1};
	uint8_t *ram = aligned_alloc(4096, RAM);
	uint16_t *avail;
	struct virtq_chain c;
	struct virtq q;
	unsigned i, j;
	double t;

	if (ram == NULL || virtq_init(&q, &mem, SIZE) == -1)
		exit(1);
	memset(ram, 0, RAM);
	mem.region[0].size = RAM;
	mem.region[0].hva = ram;
	prepare(ram, indirect);
	virtq_set_legacy(&q, 0);
	q.indirect = q.event_idx = true;
	if (virtq_start(&q) == -1)
		exit(1);
	avail = (void *)q.avail;
	t = now();
	for (i = 0; i < ROUNDS; i++) {
		for (j = 0; j < BATCH; j++) {
			avail[2 + (avail[1] & (SIZE - 1))] =
			    (uint16_t)(3 * (avail[1] & 63));
			__atomic_store_n(&avail[1], (uint16_t)(avail[1] + 1),
			    __ATOMIC_RELEASE);
		}
		do {
			c = (struct virtq_chain){.iov = q.iov, .room = q.max};
			while (virtq_pop(&q, &c))
				virtq_push(&q, c.head, 1);
		} while (virtq_enable_kick(&q));
		virtq_publish(&q);
	}
	t = now() - t;
	if (q.broken != NULL || q.published != (uint16_t)(ROUNDS * BATCH)) {
		fprintf(stderr, "bench_virtq: the queue did not keep up\n");
		exit(1);
	}
	virtq_free(&q);
	free(ram);
	return ROUNDS * BATCH / t / 1e6;
}

static void
done(struct block_request *rq, int result)
{
	if (result != 0) {
		fprintf(stderr, "bench_virtq: %s\n", strerror(-result));
		exit(1);
	}
}

static double
bench_block(int fd, const char *path)
{
	static struct block_request rq[BATCH];
	static struct iovec iov[BATCH];
	static uint8_t buf[BATCH][PAGE];
	struct error err;
	struct block *b;
	unsigned i, j, n = ROUNDS / 20;
	double t;

	if (block_attach_raw(fd, path, false, BATCH, &b, &err) == -1) {
		fprintf(stderr, "bench_virtq: %s\n", err.text);
		exit(1);
	}
	t = now();
	for (i = 0; i < n; i++) {
		for (j = 0; j < BATCH; j++) {
			iov[j] = (struct iovec){buf[j], PAGE};
			rq[j] = (struct block_request){.op = BLOCK_READ,
			    .offset = (uint64_t)(i * BATCH + j) * PAGE % IMAGE,
			    .len = PAGE,
			    .iov = &iov[j],
			    .iovs = 1,
			    .done = done};
			block_submit(b, &rq[j]);
		}
		block_drain(b);
	}
	t = now() - t;
	block_close(b);
	return n * BATCH / t / 1e6;
}

static double
bench_pread(int fd)
{
	static uint8_t buf[PAGE];
	unsigned i, n = ROUNDS / 20 * BATCH;
	double t = now();

	for (i = 0; i < n; i++)
		if (pread(fd, buf, PAGE, (off_t)i * PAGE % IMAGE) != PAGE)
			exit(1);
	return n / (now() - t) / 1e6;
}

int
main(void)
{
	char path[] = "/tmp/vmtui-bench.XXXXXX";
	int fd = mkstemp(path);
	double bare;
	char *zero;

	zero = calloc(1, IMAGE);
	if (fd == -1 || zero == NULL || write(fd, zero, IMAGE) != IMAGE)
		return 1;
	unlink(path);
	free(zero);
	printf("queue, 3 descriptors          %6.2f M requests/s\n",
	    bench_queue(false));
	printf("queue, indirect table         %6.2f M requests/s\n",
	    bench_queue(true));
	bare = bench_pread(fd);
	printf("block, 4 KiB cached reads     %6.2f M reads/s, "
	       "pread() alone %.2f\n",
	    bench_block(fd, path), bare);
	return 0;
}
