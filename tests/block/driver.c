/*
 * driver IMAGE raw|qcow2 [ro]: does to an image what its input says, through
 * backend/block, as much of it at once as may be. A line each:
 *
 *	w OFFSET LEN BYTE   write so many of that byte
 *	z OFFSET LEN [u]    write zeroes; u: space may be given back
 *	d OFFSET LEN        discard
 *	f                   flush
 *	r OFFSET LEN        read; prints "r OFFSET LEN CRC32", in this order
 *	R SIZE              resize
 *	.                   wait for what is in flight
 *
 * With SMALL_CACHE in the environment its tables are kept in a very small one;
 * CACHE=none goes around the host's cache, with GRAIN=BYTES on a file system
 * that takes blocks of that size alone; CACHE=unsafe.
 * What touches the same bytes as something in flight waits for it. Ends with
 * status 1 and a sentence when the image does not open or a request fails.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "backend/block/block.h"
#include "tests/block/smallcache.h"
#include "tests/block/strict.h"

#define AT_ONCE 24u
#define DEPTH   8u /* of the ring: fewer than that */

struct job {
	struct block_request rq;
	struct iovec iov[2];
	uint8_t *data;
	uint32_t crc;
	bool over;
	struct job *next; /* of all, to print in order */
};

static struct job *first, **last = &first, *flying[AT_ONCE];
static unsigned in_flight;
static int failed;

static uint32_t
crc32(const uint8_t *p, uint64_t len)
{
	static uint32_t table[256];
	static bool filled;
	uint32_t c, i, k;

	for (i = 0; !filled && i < 256; i++) {
		for (c = i, k = 0; k < 8; k++)
			c = c >> 1 ^ ((c & 1) != 0 ? 0xedb88320 : 0);
		table[i] = c;
	}
	filled = true;
	for (c = ~0u; len > 0; len--, p++)
		c = c >> 8 ^ table[(c ^ *p) & 0xff];
	return ~c;
}

static void
done(struct block_request *rq, int result)
{
	struct job *j = (struct job *)rq;
	unsigned i;

	if (result != 0 &&
	    !(rq->op == BLOCK_DISCARD && result == -EOPNOTSUPP)) {
		printf("request %d at %" PRIu64 ", %" PRIu64 " bytes: %s\n",
		    (int)rq->op, rq->offset, rq->len, strerror(-result));
		failed = 1;
	}
	if (rq->op == BLOCK_READ)
		j->crc = crc32(j->data, rq->len);
	free(j->data);
	j->data = NULL;
	j->over = true;
	for (i = 0; i < in_flight; i++)
		if (flying[i] == j) {
			flying[i] = flying[--in_flight];
			break;
		}
}

/* Does it touch what one in flight touches, and does either change it? */
static bool
conflicts(const struct block_request *a)
{
	const struct block_request *b;
	unsigned i;

	for (i = 0; i < in_flight; i++) {
		b = &flying[i]->rq;
		if ((a->op != BLOCK_READ || b->op != BLOCK_READ) &&
		    a->offset < b->offset + b->len &&
		    b->offset < a->offset + a->len)
			return true;
	}
	return false;
}

static int
parse(struct job *j, const char *line)
{
	static const char ops[] = "rwfdz";
	const char *op = strchr(ops, line[0]);
	unsigned byte = 0;
	char more = 0;

	if (op == NULL || line[0] == '\0')
		return -1;
	j->rq.op = (enum block_op)(op - ops);
	if (line[0] == 'f')
		return 0;
	if (line[0] == 'z')
		sscanf(line + 1, "%" SCNu64 " %" SCNu64 " %c", &j->rq.offset,
		    &j->rq.len, &more);
	else
		sscanf(line + 1, "%" SCNu64 " %" SCNu64 " %u", &j->rq.offset,
		    &j->rq.len, &byte);
	j->rq.unmap = more == 'u';
	if (line[0] != 'w' && line[0] != 'r')
		return 0;
	if ((j->data = malloc(j->rq.len + 1)) == NULL)
		return -1;
	memset(j->data, (int)byte, j->rq.len);
	j->iov[0] = (struct iovec){j->data, j->rq.len / 3};
	j->iov[1] =
	    (struct iovec){j->data + j->rq.len / 3, j->rq.len - j->rq.len / 3};
	j->rq.iov = j->iov;
	j->rq.iovs = 2;
	return 0;
}

static void
resize(struct block *b, const char *line)
{
	struct error err;

	if (block_resize(b, strtoull(line, NULL, 10), &err) == 0)
		return;
	printf("%s\n", err.text);
	failed = 1;
}

static void
step(struct block *b, const char *line)
{
	struct job *j;

	if (line[0] == '\n')
		return;
	if (line[0] == '.' || line[0] == 'R') {
		block_drain(b);
		if (line[0] == 'R')
			resize(b, line + 1);
		return;
	}
	j = calloc(1, sizeof *j);
	if (j == NULL || parse(j, line) == -1) {
		printf("cannot do: %s", line);
		failed = 1;
		free(j);
		return;
	}
	if (conflicts(&j->rq))
		block_drain(b);
	while (in_flight == AT_ONCE) {
		block_flush_queue(b);
		block_reap(b);
	}
	j->rq.done = done;
	*last = j;
	last = &j->next;
	flying[in_flight++] = j;
	block_submit(b, &j->rq);
}

static enum block_cache
cache_wanted(void)
{
	const char *cache = getenv("CACHE"), *grain = getenv("GRAIN");

	if (cache == NULL)
		return BLOCK_CACHE_WRITEBACK;
	if (strcmp(cache, "unsafe") == 0)
		return BLOCK_CACHE_UNSAFE;
	strict_block = grain != NULL ? (unsigned)strtoul(grain, NULL, 10) : 0;
	return BLOCK_CACHE_NONE;
}

static void
print_reads(void)
{
	struct job *j;

	while ((j = first) != NULL) {
		first = j->next;
		if (j->rq.op == BLOCK_READ)
			printf("r %" PRIu64 " %" PRIu64 " %08x\n", j->rq.offset,
			    j->rq.len, j->crc);
		free(j);
	}
}

int
main(int argc, char **argv)
{
	struct block_files files;
	struct block *b;
	struct error err;
	char line[128];
	int rc;

	if (argc < 3)
		return 2;
	smallcache_slices = getenv("SMALL_CACHE") != NULL ? 4 : 0;
	block_files_init(&files);
	rc = block_open(argv[1],
	    strcmp(argv[2], "raw") == 0 ? BLOCK_FORMAT_RAW : BLOCK_FORMAT_QCOW2,
	    argc > 3, &files, &err);
	files.cache = cache_wanted();
	if (rc == 0 && files.cache == BLOCK_CACHE_NONE)
		rc = block_check_direct(&files, &err);
	if (rc == 0)
		rc = block_attach(&files, DEPTH, &b, &err);
	strict_on = strict_block != 0;
	block_files_clear(&files);
	if (rc == -1) {
		printf("%s\n", err.text);
		return 1;
	}
	/* Who only wants it to be held open waits for this. */
	printf("size %" PRIu64 "\n", block_size(b));
	fflush(stdout);
	while (fgets(line, sizeof line, stdin) != NULL)
		step(b, line);
	block_drain(b);
	block_close(b);
	print_reads();
	return failed;
}
