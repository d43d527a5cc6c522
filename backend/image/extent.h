/*
 * extent.h: where the bytes of a disk are: what `image map` prints, and what
 * says where there is nothing to copy.
 */
#ifndef BACKEND_IMAGE_EXTENT_H
#define BACKEND_IMAGE_EXTENT_H

#include "backend/image/chain.h"

enum extent_kind {
	EXTENT_ABSENT, /* in no file: it reads as zeroes */
	EXTENT_ZERO, /* a file says that it is zeroes */
	EXTENT_DATA,
	EXTENT_COMPRESSED,
};

struct extent {
	enum extent_kind kind;
	uint64_t offset, len; /* of the disk, in bytes */
	unsigned depth; /* of the image that says so, the top is 0 */
	uint64_t host; /* DATA, COMPRESSED: where in that file it begins */
};

/*
 * What is at offset, which is below the size of the disk, of image[from] and
 * those below it; at most `most` bytes of it. Neighbours may be of one kind.
 * Returns 0, or -1 with a sentence.
 */
int extent_find(struct chain *chain, unsigned from, uint64_t offset,
    uint64_t most, struct extent *e, struct error *err);

/* The same of image[from] alone; ABSENT: it says nothing. */
int extent_of_image(struct image *im, uint64_t offset, uint64_t most,
    struct extent *e, struct error *err);

#endif
