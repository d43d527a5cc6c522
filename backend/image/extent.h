/*
 * extent.h: where the bytes of a disk are, through all the files of a chain:
 * what `image map` prints, and what says where there is nothing to copy.
 */
#ifndef BACKEND_IMAGE_EXTENT_H
#define BACKEND_IMAGE_EXTENT_H

#include "backend/image/tool.h"

struct extent {
	enum extent_kind kind; /* HOLE: in no file, it reads as zeroes */
	uint64_t offset, len; /* of the disk, in bytes */
	unsigned depth; /* of the image that says so, `b` is 0 */
	bool has_host;
	uint64_t host; /* where in that file it begins, if has_host */
};

/*
 * What is at offset, which is below the size of the disk, of `b` and those
 * below it; at most `most` bytes of it. Neighbours may be of one kind. NULL is
 * a disk without an end and without anything in it. Finishes other requests of
 * `b` meanwhile. Returns 0 or a negative errno.
 */
int extent_find(
    struct block *b, uint64_t offset, uint64_t most, struct extent *e);

/* The same of `b` alone; HOLE: it says nothing. */
int extent_of(
    struct block *b, uint64_t offset, uint64_t most, struct extent *e);

#endif
