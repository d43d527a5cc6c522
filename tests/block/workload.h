/*
 * workload.h: a guest that writes at random and knows what it may find later.
 *
 * Each sector it writes bears its number and the number of the request that
 * wrote it, so that whatever is read back says when it was written.
 */
#ifndef TESTS_BLOCK_WORKLOAD_H
#define TESTS_BLOCK_WORKLOAD_H

#include <stdbool.h>
#include <stdint.h>

#include "backend/block/block.h"

#define SECTOR 512u

struct workload;

/*
 * A guest for a disk of so many sectors, of which the first below come from a
 * backing file (workload_below() has made it) and the others are zero.
 * discards: they are among its requests.
 */
struct workload *workload_new(
    uint64_t sectors, uint64_t below, unsigned cluster, bool discards);
void workload_free(struct workload *w);

/* What a sector of a backing file holds. */
void workload_below(uint64_t sector, uint8_t *to);

/*
 * Submits so many requests to b, several at a time, and waits for all. Returns
 * 0, or -1 after saying what was wrong.
 */
int workload_run(struct workload *w, struct block *b, unsigned requests);
/* All it wrote is safe from now on: the image was closed or copied. */
void workload_settle(struct workload *w);
/*
 * May the disk hold this after a power cut at that time? sectors of bytes at
 * disk. Returns 0, or -1 with a sentence in why.
 */
int workload_check(const struct workload *w, const uint8_t *disk,
    uint64_t sectors, uint64_t cut, char *why, size_t len);

#endif
