/*
 * resize.c: `vmtui image resize`: a disk made larger, or smaller where nothing
 * is lost by it.
 */
#include <getopt.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "backend/image/chain.h"
#include "backend/image/copy.h"
#include "backend/image/extent.h"
#include "backend/image/options.h"

#define CHUNK (UINT64_C(1) << 20)

struct request {
	enum block_format format;
	bool shrink, lose;
	const char *path, *size;
};

/* The end of what is not zero in [from, the disk's end): 0 if all is. */
static int
find_end(struct block *b, const char *path, uint64_t from, uint64_t *end,
    struct error *err)
{
	uint64_t size = block_size(b), at, i;
	struct progress progress;
	uint8_t *data = malloc(CHUNK);
	struct extent e;
	int rc = 0;

	*end = 0;
	if (data == NULL)
		return error_set(err, "out of memory");
	progress_begin(&progress, "looking for data", size - from);
	for (at = from; rc == 0 && at < size && !interrupted(); at += e.len) {
		rc = extent_find(b, at, size - at, &e);
		if (rc == 0 && e.kind >= EXTENT_DATA) {
			if (e.len > CHUNK)
				e.len = CHUNK;
			rc = copy_request(b, BLOCK_READ, at, e.len, data);
			for (i = e.len; rc == 0 && i > 0 && data[i - 1] == 0;
			     i--)
				continue;
			if (rc == 0 && i > 0)
				*end = at + i;
		}
		progress_add(&progress, e.len);
	}
	progress_end(&progress);
	free(data);
	if (rc < 0)
		return tool_io_failed(path, false, rc, err);
	if (interrupted())
		return error_set(err, "interrupted; nothing was changed");
	return 0;
}

static int
check_shrink(
    struct block *b, const struct request *rq, uint64_t size, struct error *err)
{
	uint64_t end;
	char least[32];

	if (!rq->shrink)
		return error_set(err,
		    "%s would become smaller, and lose its end; if its guest "
		    "does without that (its file systems and partitions end "
		    "before it), say --shrink",
		    rq->path);
	if (rq->lose)
		return 0;
	if (find_end(b, rq->path, size, &end, err) == -1)
		return -1;
	if (end == 0)
		return 0;
	end = (end + 511) & ~UINT64_C(511);
	return error_set(err,
	    "%s holds data up to %s, which would be lost; choose that size or "
	    "more, or say --lose-data as well",
	    rq->path, tool_size(end, least, sizeof least));
}

static int
resize(const struct request *rq, uint64_t *size, struct error *err)
{
	struct chain chain;
	struct block *b;
	int rc;

	rc = chain_open(
	    &chain, rq->path, rq->format, CHAIN_WRITE, BLOCK_FILES_MAX, err);
	if (rc == -1 && chain.busy)
		error_set(err,
		    "%s is in use by a guest that runs, or by another program; "
		    "stop that first, or have the guest's disk grow meanwhile "
		    "(vmtui grow)",
		    rq->path);
	if (rc == 0)
		rc = options_size(rq->size, chain.image[0].size, size, err);
	if (rc == 0 && (rc = chain_attach(&chain, 0, false, &b, err)) == 0) {
		if (*size < chain.image[0].size)
			rc = check_shrink(b, rq, *size, err);
		if (rc == 0 && *size != chain.image[0].size)
			rc = block_resize(b, *size, err);
		block_close(b);
	}
	chain_close(&chain);
	return rc;
}

static int
parse(struct request *rq, int argc, char **argv)
{
	static const struct option longs[] = {
	    {"shrink", no_argument, NULL, 's'},
	    {"lose-data", no_argument, NULL, 'l'},
	    {0},
	};
	int opt;

	optind = 0;
	while ((opt = getopt_long(argc, argv, "f:", longs, NULL)) != -1) {
		switch (opt) {
		case 'f':
			if (tool_format(optarg, &rq->format) == -1)
				return -1;
			break;
		case 's':
			rq->shrink = true;
			break;
		case 'l':
			rq->lose = true;
			break;
		default:
			return -1;
		}
	}
	if (argc - optind != 2 || (rq->lose && !rq->shrink))
		return -1;
	rq->path = argv[optind];
	rq->size = argv[optind + 1];
	return 0;
}

int
resize_command(int argc, char **argv)
{
	struct request rq = {0};
	struct error err;
	char text[32];
	uint64_t size;

	if (parse(&rq, argc, argv) == -1)
		return TOOL_USAGE;
	interrupt_begin();
	if (resize(&rq, &size, &err) == -1)
		return tool_fail("%s", err.text);
	printf("%s: %s\n", rq.path, tool_size(size, text, sizeof text));
	return 0;
}
