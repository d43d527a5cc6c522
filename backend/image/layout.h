/*
 * layout.h: an empty qcow2 image, written in one go into a new file.
 *
 *	cluster 0   1 ...              ...             ...
 *	┌────────┬─────────────────┬─────────────────┬──────────┐
 *	│ header │ refcount table  │ refcount blocks │ L1 table │
 *	└────────┴─────────────────┴─────────────────┴──────────┘
 *
 * The refcount table has room for the whole image and all that belongs to it,
 * so that it need not grow; what is zero of it is a hole in the file.
 */
#ifndef BACKEND_IMAGE_LAYOUT_H
#define BACKEND_IMAGE_LAYOUT_H

#include "backend/block/block.h"

struct layout {
	uint64_t size; /* of the disk, in bytes */
	unsigned version; /* 2 or 3 */
	unsigned cluster_bits; /* 9 to 21 */
	unsigned refcount_order; /* 0 to 6: 1 to 64 bits */
	bool lazy_refcounts, extended_l2;
	const char *backing; /* as it is to stand in the image, or NULL */
	enum block_format backing_format;
};

/*
 * Whether such an image can be: -1 with a sentence where something is out of
 * range, or two things do not go together.
 */
int layout_check(const struct layout *l, struct error *err);

/*
 * Writes it into fd, an empty file; path is for sentences. The caller syncs.
 * Returns 0, or -1 with a sentence.
 */
int layout_write(
    int fd, const char *path, const struct layout *l, struct error *err);

#endif
