/*
 * check.h: all metadata of a qcow2 image walked and its counts compared with
 * what is really referred to; and counts put right.
 *
 *	check_walk ─▶ counts ─▶ check_compare ─▶ what is wrong
 *	                 └────▶ check_store   ─▶ counts in the image
 */
#ifndef BACKEND_IMAGE_CHECK_H
#define BACKEND_IMAGE_CHECK_H

#include "backend/image/chain.h"
#include "backend/image/counts.h"

#define CHECK_MEMORY    (UINT64_C(1) << 30) /* bytes of it for counts */
#define CHECK_SAID_MOST 20 /* findings that are told one by one */

struct check {
	struct image *im;
	struct counts counts;
	uint64_t clusters; /* of the file, the last may be a part of one */
	uint64_t *table; /* the refcount table, in the host's order */
	uint64_t entries; /* of it */
	/* A refcount block in memory. */
	uint8_t *block;
	uint64_t block_at; /* 0: none */
	/* What was found. */
	uint64_t leaks; /* clusters counted more often than referred to */
	uint64_t low; /* counted less often */
	uint64_t flags; /* entries whose "copied" flag is wrong */
	uint64_t damaged; /* what no count puts right */
	json_t *said; /* the first findings, sentences */
	struct progress progress; /* of walking the active tables */
};

/*
 * Begins with an image of format qcow2; check_end() is due in any case.
 * Returns 0, or -1 with a sentence.
 */
int check_begin(struct check *c, struct image *im, struct error *err);
void check_end(struct check *c);

/*
 * Counts all references. Returns 0, or -1 with a sentence: the image cannot
 * be read, or has more clusters than memory is allowed for.
 */
int check_walk(struct check *c, struct error *err);
/* Compares, after check_walk(); the same. */
int check_compare(struct check *c, struct error *err);
/*
 * Compares the flags of the active tables with the counts in the image; sets
 * them right if repair is true. The same.
 */
int check_flags(struct check *c, bool repair, struct error *err);
/*
 * Makes the counts in the image those in memory, in an order such that none
 * is ever too low that was not so before; adds refcount blocks, and a larger
 * refcount table, where there are none for a cluster that is in use. The same.
 */
int check_store(struct check *c, struct error *err);
/* Gives the host back the room of clusters that nothing refers to. */
void check_give_back(struct check *c);

/* One finding more; counter is the member it adds to. */
void check_found(struct check *c, uint64_t *counter, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));
/* The count of a cluster as the image has it: 0, or -1 with a sentence. */
int check_stored(
    struct check *c, uint64_t cluster, uint64_t *count, struct error *err);
/* How many clusters a refcount block counts. */
uint64_t check_each(const struct check *c);
/* The n-th count of a block. */
uint64_t check_get(const struct check *c, const uint8_t *block, uint64_t n);
void check_set(
    const struct check *c, uint8_t *block, uint64_t n, uint64_t count);
/* Counts [at, at + len) as used for flag (counts.h). 0 or -1. */
int check_refer(struct check *c, uint64_t at, uint64_t len, uint32_t flag,
    const char *what, struct error *err);
/* check_bitmaps.c: counts what persistent bitmaps refer to. 0 or -1. */
int check_bitmaps(struct check *c, struct error *err);

/*
 * All of it: walks, compares and looks at the flags; with repair puts right
 * what can be and does it again. *mended: clusters that were leaked before.
 */
int check_image(struct check *c, struct image *im, bool repair,
    uint64_t *mended, struct error *err);

#endif
