/*
 * recorder.h: a disk below backend/block that remembers what was written to
 * it, and when, relative to its flushes; so that every state can be made that
 * a power cut would leave behind.
 *
 * It takes the place of io_uring (block.mk: --wrap=block_uring_new). Requests
 * are finished in any order, some of them late, as a disk does it.
 *
 *	clock ──▶ submitted ─── done ──────────────▶
 *	              write w    │
 *	                         └─ flush ── done ─▶ from here on w is safe
 *	before that: w is on the disk, or not, or some sectors of it are
 */
#ifndef TESTS_BLOCK_RECORDER_H
#define TESTS_BLOCK_RECORDER_H

#include <stdbool.h>
#include <stdint.h>

#include "backend/block/block.h"

#define RECORDER_FILES 2
#define RECORDER_NEVER UINT64_MAX

/* A change of a file: bytes, or zeroes where data is NULL. */
struct recorded {
	unsigned file;
	bool flush;
	bool grows; /* a write beyond the end makes the file longer */
	uint64_t offset, len;
	uint8_t *data;
	uint64_t submitted, done; /* clock; RECORDER_NEVER if it was not done */
};

extern struct recorded *recorder_log; /* in the order of submission */
extern unsigned recorder_count;
extern uint64_t recorder_clock;

/*
 * Begins: changes of the file at path are recorded as file number 0 or 1 from
 * now on. A path of NULL: no more. Whatever is no such file is only served.
 */
void recorder_begin(unsigned file, const char *path);
/* Forgets all. */
void recorder_clear(void);
/* The number under which the file is recorded, or -1. */
int recorder_file(int fd);
/* Notes a change, submitted now. It stays where it is until the next one. */
struct recorded *recorder_add(struct recorded entry);
/* True while the recorder itself writes to the file. */
extern bool recorder_performs;
/* The next point in time. */
uint64_t recorder_tick(void);

/* A random number below n. */
uint64_t random_below(uint64_t n);
void random_seed(uint64_t seed);

#endif
