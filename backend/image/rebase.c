/*
 * rebase.c: `vmtui image rebase`: another base below an image.
 *
 *	what the image says itself     stays
 *	the same in both bases         stays
 *	different                      is copied from the old base first
 *
 * The copies are stable before the header names the new base, so that at any
 * moment the image shows the same disk.
 */
#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "backend/image/base.h"
#include "backend/image/copy.h"
#include "backend/image/extent.h"
#include "backend/image/header.h"

#define CHUNK (UINT64_C(1) << 20)

struct request {
	enum block_format format, base_format;
	const char *base; /* "": none */
	const char *path;
	bool name_only; /* -u */
};

struct rebase {
	struct chain old; /* the image, and what it is based on now */
	struct chain new; /* what it will be based on */
	struct block *image, *base; /* base: NULL if there will be none */
	uint8_t *was, *will; /* a chunk of each */
	struct progress progress;
};

/* Is it the same place of the same file? */
static bool
is_same(const struct rebase *r, const struct extent *a, const struct extent *b)
{
	const struct image *x = &r->old.image[1 + a->depth];
	const struct image *y = &r->new.image[b->depth];
	struct stat sx, sy;

	if (a->kind < EXTENT_DATA && b->kind < EXTENT_DATA)
		return true;
	return a->has_host && b->has_host && a->kind == b->kind &&
	    a->host == b->host && fstat(x->fd, &sx) == 0 &&
	    fstat(y->fd, &sy) == 0 && sx.st_dev == sy.st_dev &&
	    sx.st_ino == sy.st_ino;
}

/* Reads what will be below; nothing is zeroes. */
static int
read_new(struct rebase *r, uint64_t at, uint64_t len)
{
	memset(r->will, 0, len);
	return r->base == NULL
	    ? 0
	    : copy_request(r->base, BLOCK_READ, at, len, r->will);
}

/*
 * Writes what was at [at, at + len), which is data + skip, into the image.
 * Zeroes of an image that has no base yet are no more than absent, also when
 * they are asked for, and would be the new base's: they are written.
 */
static int
write_old(struct rebase *r, uint64_t at, uint64_t skip, uint64_t len,
    struct error *err)
{
	bool zero =
	    block_backing(r->image) != NULL && copy_is_zero(r->was + skip, len);
	int rc;

	rc = copy_request(r->image, zero ? BLOCK_WRITE_ZEROES : BLOCK_WRITE,
	    at + skip, len, r->was + skip);
	return rc < 0 ? tool_io_failed(r->old.image[0].path, true, rc, err) : 0;
}

/*
 * Copies what differs of [at, at + len), by whole clusters: one byte would
 * cost as much.
 */
static int
keep(struct rebase *r, uint64_t at, uint64_t len, struct error *err)
{
	uint64_t grain = qcow2_cluster(&r->old.image[0].h), i, step, from = 0;
	int rc;

	rc = copy_request(r->image, BLOCK_READ, at, len, r->was);
	if (rc < 0)
		return tool_io_failed(r->old.image[0].path, false, rc, err);
	rc = read_new(r, at, len);
	if (rc < 0)
		return tool_io_failed(r->new.image[0].path, false, rc, err);
	for (i = 0; i < len; i += step) {
		step = grain - (at + i) % grain;
		if (step > len - i)
			step = len - i;
		if (memcmp(r->was + i, r->will + i, step) != 0)
			continue;
		if (i > from && write_old(r, at, from, i - from, err) == -1)
			return -1;
		from = i + step;
	}
	return len > from ? write_old(r, at, from, len - from, err) : 0;
}

/* One piece of the disk, from at on: *len is how much was done. */
static int
piece(struct rebase *r, uint64_t at, uint64_t *len, struct error *err)
{
	uint64_t size = block_size(r->image);
	struct extent e, was, will;
	int rc;

	rc = extent_of(r->image, at, size - at, &e);
	*len = e.len;
	if (rc == 0 && e.kind == EXTENT_HOLE)
		rc = extent_find(block_backing(r->image), at, e.len, &was);
	if (rc < 0)
		return tool_io_failed(r->old.image[0].path, false, rc, err);
	if (e.kind != EXTENT_HOLE)
		return 0;
	if ((rc = extent_find(r->base, at, was.len, &will)) < 0)
		return tool_io_failed(r->new.image[0].path, false, rc, err);
	*len = will.len;
	if (is_same(r, &was, &will))
		return 0;
	if (*len > CHUNK - at % CHUNK)
		*len = CHUNK - at % CHUNK;
	return keep(r, at, *len, err);
}

static int
copy_differences(struct rebase *r, struct error *err)
{
	uint64_t size = block_size(r->image), at, len = 0;
	int rc = 0;

	r->was = malloc(CHUNK);
	r->will = malloc(CHUNK);
	if (r->was == NULL || r->will == NULL)
		return error_set(err, "out of memory");
	progress_begin(&r->progress, "rebasing", size);
	for (at = 0; rc == 0 && at < size && !interrupted(); at += len) {
		rc = piece(r, at, &len, err);
		progress_add(&r->progress, rc == 0 ? len : 0);
	}
	progress_end(&r->progress);
	if (rc == 0 && interrupted())
		return error_set(err, "interrupted");
	if (rc == 0 &&
	    (rc = copy_request(r->image, BLOCK_FLUSH, 0, 0, NULL)) < 0)
		rc = tool_io_failed(r->old.image[0].path, true, rc, err);
	return rc;
}

static int
check_image(const struct image *im, struct error *err)
{
	if (im->format == BLOCK_FORMAT_QCOW2)
		return 0;
	return error_set(err,
	    "%s is a raw image, which cannot be based on another; only qcow2 "
	    "images can",
	    im->path);
}

/* Keeps the disk as it is with what base says below it. */
static int
rebase_data(
    const struct request *rq, const struct base *base, struct error *err)
{
	struct rebase r = {.old.n = 0};
	int rc;

	rc = chain_open(
	    &r.old, rq->path, rq->format, CHAIN_WRITE, BLOCK_FILES_MAX, err);
	if (rc == 0)
		rc = check_image(&r.old.image[0], err);
	if (rc == 0 && base != NULL)
		rc = chain_open(&r.new, rq->base, base->format, CHAIN_READ,
		    BLOCK_FILES_MAX - 1, err);
	if (rc == 0 && base != NULL)
		rc = chain_attach(&r.new, 0, true, &r.base, err);
	if (rc == 0)
		rc = chain_attach(&r.old, 0, false, &r.image, err);
	if (rc == 0)
		rc = copy_differences(&r, err);
	if (r.image != NULL)
		block_close(r.image);
	if (r.base != NULL)
		block_close(r.base);
	if (rc == 0)
		rc = header_set_base(&r.old.image[0],
		    base != NULL ? base->name : NULL,
		    base != NULL ? base->format : BLOCK_FORMAT_ANY, err);
	chain_close(&r.old);
	chain_close(&r.new);
	free(r.was);
	free(r.will);
	return rc;
}

/* Changes the name alone; the base need not be there. */
static int
rebase_name(const struct request *rq, struct error *err)
{
	struct chain chain;
	struct base base = {.format = rq->base_format};
	int rc;

	rc = chain_open(&chain, rq->path, rq->format, CHAIN_WRITE, 1, err);
	if (rc == 0)
		rc = check_image(&chain.image[0], err);
	if (base.format == BLOCK_FORMAT_ANY)
		base.format = tool_format_of_name(rq->base);
	if (rc == 0 && rq->base[0] != '\0')
		rc = base_name(rq->base, rq->path, &base, err);
	if (rc == 0)
		rc = header_set_base(&chain.image[0],
		    rq->base[0] != '\0' ? base.name : NULL, base.format, err);
	chain_close(&chain);
	return rc;
}

static int
rebase(const struct request *rq, struct error *err)
{
	struct base base;

	if (rq->name_only)
		return rebase_name(rq, err);
	if (rq->base[0] == '\0')
		return rebase_data(rq, NULL, err);
	if (base_inspect(rq->base, rq->base_format, rq->path, &base, err) == -1)
		return -1;
	return rebase_data(rq, &base, err);
}

static int
parse(struct request *rq, int argc, char **argv)
{
	int opt;

	optind = 0;
	while ((opt = getopt(argc, argv, "b:f:F:u")) != -1) {
		switch (opt) {
		case 'b':
			rq->base = optarg;
			break;
		case 'f':
			if (tool_format(optarg, &rq->format) == -1)
				return -1;
			break;
		case 'F':
			if (tool_format(optarg, &rq->base_format) == -1)
				return -1;
			break;
		case 'u':
			rq->name_only = true;
			break;
		default:
			return -1;
		}
	}
	if (argc - optind != 1 || rq->base == NULL)
		return -1;
	rq->path = argv[optind];
	return 0;
}

int
rebase_command(int argc, char **argv)
{
	struct request rq = {0};
	struct error err;

	if (parse(&rq, argc, argv) == -1)
		return TOOL_USAGE;
	interrupt_begin();
	if (rebase(&rq, &err) == -1) {
		if (interrupted())
			return tool_fail("interrupted: %s has the base that it "
					 "had, and the same disk",
			    rq.path);
		return tool_fail("%s", err.text);
	}
	if (rq.base[0] == '\0')
		printf("%s: based on nothing any more\n", rq.path);
	else
		printf("%s: based on %s now\n", rq.path, rq.base);
	return 0;
}
