/*
 * stress.h: random requests over several disks at once, each sector of which
 * says what it is: which disk's, which sector, and of which write.
 *
 *	ledger, a disk of its own, made by the host:
 *	sector 0     what there is: struct stress_entry [STRESS_TARGETS]
 *	8 + 128 * n  the nth one's sectors, 16 bits each: what it was last
 *	             written as, 0 for zeroes; STRESS_MAYBE: or it is zeroes
 *
 * The host reads it in the end and compares with the images.
 */
#ifndef GUEST_STRESS_H
#define GUEST_STRESS_H

#include <stdint.h>

#include "virtio.h"

#define STRESS_TARGETS 16
#define STRESS_SECTORS 32768u /* of a target, at most */
#define STRESS_MAYBE   0x8000u
#define STRESS_MOST    64u /* sectors that a request moves */

enum stress_kind { STRESS_NONE, STRESS_BLK, STRESS_SCSI, STRESS_CD };

struct stress_entry {
	uint32_t kind; /* enum stress_kind */
	uint32_t device, target;
	uint32_t sectors;
};

struct stress_counts {
	uint64_t reads, writes, discards, zeroes, flushes, attentions;
	uint64_t verified; /* sectors */
};
extern struct stress_counts stress_counts;

/* A random number below n; every one follows from the seed. */
void stress_seed(uint64_t seed);
uint32_t stress_random(uint32_t n);

/* Reads the ledger. Returns 0, or -1 after saying what is wrong. */
int stress_open(void);
/* Writes it back; nothing is under way. */
int stress_close(void);

/* Begins random requests, so many at most. Returns how many. */
unsigned stress_begin(unsigned most);
/* Takes what is finished, and checks it. Returns how many, or -1 as above. */
int stress_reap(void);
/* Whether anything is under way. */
int stress_busy(void);
/* Has the disks interrupt, or not: another choice each time. */
void stress_silence(void);
/* Reads all that there is, once. Returns 0 or -1. */
int stress_verify(void);

#endif
