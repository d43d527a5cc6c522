/*
 * copy.h: what one image holds written into another, many requests at once.
 */
#ifndef BACKEND_IMAGE_COPY_H
#define BACKEND_IMAGE_COPY_H

#include "backend/image/tool.h"

struct copy {
	struct block *from, *to;
	const char *from_path, *to_path; /* for sentences */
	const char *what; /* for the progress line */
	uint64_t size; /* bytes, from the first on */
	/*
	 * All of `to` reads as zeroes, and what is zero is not written; grain
	 * is the piece in which zeroes are looked for, a power of two.
	 */
	bool fresh;
	uint64_t grain;
	/* Only what `from` says itself, without those below it. */
	bool top_only;
};

/*
 * Copies and puts all on stable storage. Returns 0, or -1 with a sentence;
 * also when it was interrupted, as far as it came then.
 */
int copy_run(struct copy *c, struct error *err);

/*
 * One request of `b`, waited for; data for READ and WRITE. Returns 0 or a
 * negative errno.
 */
int copy_request(struct block *b, enum block_op op, uint64_t offset,
    uint64_t len, void *data);

/* Does it hold nothing but zeroes? len is at least 1. */
bool copy_is_zero(const void *data, size_t len);

#endif
