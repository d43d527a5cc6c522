/*
 * fuzz_qcow2: libFuzzer as a hostile image. The input is a qcow2 file; it is
 * opened, read, written, discarded, flushed and closed. What must hold: no
 * sanitizer has anything to say, and it ends.
 *
 * The lower disk is tests/block/recorder.c's, which finishes requests in any
 * order. tests/block/damage.c calls the same with images that it damages.
 */
#include <sys/mman.h>

#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "backend/block/block.h"
#include "backend/block/qcow2.h"
#include "tests/block/recorder.h"
#include "tests/block/smallcache.h"

#define IMAGE_MOST (4u << 20)
#define OTHER      100000u /* bytes of a backing or data file */
#define BUFFER     70000u
#define REQUESTS   24u

int LLVMFuzzerTestOneInput(const uint8_t *, size_t);

static uint8_t buffer[REQUESTS][BUFFER];
static unsigned left;

static int
file_of(const uint8_t *data, size_t len)
{
	int fd = memfd_create("fuzz", MFD_CLOEXEC);

	if (fd == -1 || ftruncate(fd, (off_t)len) == -1 ||
	    (data != NULL && pwrite(fd, data, len, 0) != (ssize_t)len))
		abort();
	return fd;
}

static void
add_file(struct block_files *files, int fd, enum block_format format,
    enum block_role role, bool readonly)
{
	files->file[files->n++] = (struct block_file){
	    .fd = fd,
	    .path = strdup("fuzz"),
	    .format = format,
	    .role = role,
	    .readonly = readonly,
	};
}

static void
done(struct block_request *rq, int result)
{
	left--;
}

/* Where something may be: near both ends, and anywhere. */
static uint64_t
place(uint64_t size, uint64_t len)
{
	uint64_t most = size - len;

	switch (random_below(4)) {
	case 0:
		return random_below(most < 1u << 20 ? most + 1 : 1u << 20);
	case 1:
		return most - random_below(most < 65536 ? most + 1 : 65536);
	default:
		return most == 0 ? 0 : random_below(most);
	}
}

static void
use(struct block *b)
{
	static const enum block_op ops[] = {BLOCK_READ, BLOCK_READ, BLOCK_WRITE,
	    BLOCK_WRITE, BLOCK_FLUSH, BLOCK_DISCARD, BLOCK_WRITE_ZEROES};
	struct block_request rq[REQUESTS];
	struct iovec iov[REQUESTS];
	uint64_t size = block_size(b), len;
	unsigned i;

	memset(rq, 0, sizeof rq);
	left = REQUESTS;
	for (i = 0; i < REQUESTS; i++) {
		len = 1 + random_below(random_below(2) == 0 ? 600 : BUFFER);
		if (len > size)
			len = size;
		iov[i] = (struct iovec){buffer[i], len};
		rq[i].op = ops[random_below(sizeof ops / sizeof *ops)];
		rq[i].unmap = random_below(2) == 0;
		rq[i].offset = rq[i].op == BLOCK_FLUSH ? 0 : place(size, len);
		rq[i].len = rq[i].op == BLOCK_FLUSH ? 0 : len;
		rq[i].iov = &iov[i];
		rq[i].iovs = 1;
		rq[i].done = done;
		block_submit(b, &rq[i]);
		if (random_below(4) == 0)
			block_flush_queue(b);
		if (random_below(4) == 0)
			block_reap(b);
	}
	block_drain(b);
	if (left != 0)
		abort();
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct qcow2_header *h;
	struct block_files files;
	struct block *b;
	struct error err;
	bool readonly;
	int fd;

	if (len < 72 || len > IMAGE_MOST)
		return -1;
	random_seed(data[len - 1] * 256u + data[len / 2]);
	readonly = data[len - 1] % 4 == 3;
	smallcache_slices = random_below(2) == 0 ? 2 : 0;
	if ((h = calloc(1, sizeof *h)) == NULL)
		abort();
	fd = file_of(data, len);
	block_files_init(&files);
	add_file(&files, fd, BLOCK_FORMAT_QCOW2, BLOCK_TOP, readonly);
	if (qcow2_read_header(fd, "fuzz", h, &err) == 0) {
		if ((h->incompatible & QCOW2_DATA_FILE) != 0)
			add_file(&files, file_of(NULL, OTHER), BLOCK_FORMAT_RAW,
			    BLOCK_DATA, readonly);
		if (h->has_backing)
			add_file(&files, file_of(NULL, OTHER), BLOCK_FORMAT_RAW,
			    BLOCK_BACKING, true);
	}
	free(h);
	if (block_attach(&files, 8, &b, &err) == 0) {
		if (block_size(b) > 0)
			use(b);
		block_close(b);
	}
	block_files_clear(&files);
	return 0;
}
