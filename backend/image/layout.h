/*
 * layout.h: an empty qcow2 image, written in one go into a new file.
 *
 *	cluster 0   1 ...              ...             ...
 *	┌────────┬─────────────────┬─────────────────┬──────────┬╌╌╌╌╌╌┬╌╌╌╌╌╌┐
 *	│ header │ refcount table  │ refcount blocks │ L1 table ┆ L2   ┆ disk ┆
 *	└────────┴─────────────────┴─────────────────┴──────────┴╌╌╌╌╌╌┴╌╌╌╌╌╌┘
 *
 * The refcount table has room for the whole image and all that belongs to it,
 * so that it need not grow; what is zero of it is a hole in the file. The last
 * two are there with preallocation, the disk itself then a hole as well until
 * preallocate_data() has given it room.
 */
#ifndef BACKEND_IMAGE_LAYOUT_H
#define BACKEND_IMAGE_LAYOUT_H

#include <limits.h>

#include "backend/block/block.h"

enum preallocation {
	PREALLOCATE_NOTHING,
	PREALLOCATE_TABLES, /* every cluster has its place; it is a hole */
	PREALLOCATE_ROOM, /* and the host's file system keeps it free */
	PREALLOCATE_ZEROES, /* and zeroes were written there */
};

struct layout {
	uint64_t size; /* of the disk, in bytes */
	unsigned version; /* 2 or 3 */
	unsigned cluster_bits; /* 9 to 21 */
	unsigned refcount_order; /* 0 to 6: 1 to 64 bits */
	bool lazy_refcounts, extended_l2;
	bool zstd; /* what packs clusters, if anybody ever does */
	enum preallocation preallocation;
	const char *backing; /* as it is to stand in the image, or NULL */
	enum block_format backing_format;
	char
	    data_path[PATH_MAX]; /* of its data file, as a person says it; "" */
	char data_name[PATH_MAX]; /* as it is to stand in the image */
	bool data_raw; /* that is a raw image of the disk at any time */
};

/*
 * Whether such an image can be: -1 with a sentence where something is out of
 * range, or two things do not go together.
 */
int layout_check(const struct layout *l, struct error *err);

/*
 * Writes it into fd, an empty file; path is for sentences. The caller syncs.
 * Returns 0, or -1 with a sentence. *disk is where the disk begins in the
 * file, if that is preallocated there.
 */
int layout_write(int fd, const char *path, const struct layout *l,
    uint64_t *disk, struct error *err);
/* All of data, at offset at; 0, or -1 with a sentence. */
int layout_put(int fd, const char *path, const void *data, size_t len,
    uint64_t at, struct error *err);

/*
 * Gives the bytes [at, at + len) of the file, which are a hole, the room that
 * how says (preallocate.c), in pieces: ctrl-C ends it. Returns 0, or -1 with a
 * sentence.
 */
int preallocate_data(int fd, const char *path, enum preallocation how,
    uint64_t at, uint64_t len, struct error *err);

#endif
