/*
 * hostile.h: the driver that no device should have to trust: one queue at a
 * time, with every byte of its rings as a test wants it, through either face.
 *
 *	hostile.c        the device, its rings, what became of a request
 *	hostile_good.c   the queues there are, and a request that each one takes
 *	hostile_cases.c  rings and descriptors that break rules
 *	hostile_race.c   rings that change while the device reads them
 *	hostile_ask.c    requests that are well made and ask for nonsense
 *	hostile_storm.c  two processors at one device
 *	hostile_random.c all of it at random
 *	cmd_hostile.c    the command
 *
 * All of it works in memory that nobody else uses, from HOSTILE_BASE on:
 *
 *	 guard | rings, 64 KiB a queue | guard | data | tables | guard
 *
 * so that what a device writes where it should not is seen.
 */
#ifndef GUEST_HOSTILE_H
#define GUEST_HOSTILE_H

#include "transport.h"

#define HOSTILE_BASE   0x2000000ull
#define HOSTILE_GUARD  0x10000u
#define HOSTILE_RINGS  (HOSTILE_BASE + HOSTILE_GUARD)
#define HOSTILE_RING   0x10000u /* a queue */
#define HOSTILE_MIDDLE (HOSTILE_RINGS + VIRTIO_QUEUES * HOSTILE_RING)
#define HOSTILE_DATA   (HOSTILE_MIDDLE + HOSTILE_GUARD)
#define HOSTILE_SLOT   0x1000u /* of the data, one a request */
#define HOSTILE_SLOTS  16u
#define HOSTILE_TABLES (HOSTILE_DATA + HOSTILE_SLOTS * HOSTILE_SLOT)
#define HOSTILE_TABLE  0x8000u
#define HOSTILE_LAST   (HOSTILE_TABLES + HOSTILE_TABLE)
#define HOSTILE_END    (HOSTILE_LAST + HOSTILE_GUARD)
#define HOSTILE_FREE \
	0x2200000ull /* pages for the balloon, and what one likes */

#define DESC_NEXT     1
#define DESC_WRITE    2
#define DESC_INDIRECT 4

/* A request in a slot of the data: out pieces to read, then in to write. */
struct hostile_request {
	struct virtq_piece piece[VIRTQ_PIECES];
	unsigned out, in;
	const uint8_t *answer; /* the byte that is wanted in the end, or NULL */
	uint8_t wanted;
};

/* A queue of a device, and what it takes. */
struct hostile_target {
	const char *name;
	unsigned type, queue;
	/* A request as a good driver makes it, in cleared memory at slot. */
	void (*good)(uint8_t *slot, struct hostile_request *r);
	unsigned flags;
};

#define HOSTILE_QUIET   1 /* answers only when something happens on the host */
#define HOSTILE_ASLEEP  2 /* does not even look before that */
#define HOSTILE_TWO     4 /* gives one back when it gets the next */
#define HOSTILE_PAIR    8 /* of a further pair of queues: modern only */
#define HOSTILE_CONTROL 16 /* the last queue of the device */

/* A queue as the driver sees it. size is the number of descriptors. */
struct hostile_ring {
	unsigned index, size;
	volatile struct virtq_desc *desc;
	volatile uint16_t *avail, *used; /* flags, index, entries */
};

struct hostile {
	struct virtio v; /* features: what is asked for if it is offered */
	const struct hostile_target *target;
	unsigned queues;
	uint64_t ram_end; /* of the memory below 4 GiB */
	uint64_t high_end; /* of that above; 4 GiB if there is none */
	struct hostile_ring ring;
};

/* What became of a request. */
enum hostile_outcome {
	HOSTILE_NOTHING, /* in ten seconds */
	HOSTILE_SERVED,
	HOSTILE_BROKEN /* the device says NEEDS_RESET */
};

extern const struct hostile_target hostile_targets[]; /* the last: no name */

/*
 * Takes the number'th device of the target's type from its driver, to be
 * driven through one face. Returns 0, or -1 after saying why not.
 */
int hostile_open(struct hostile *h, const struct hostile_target *target,
    unsigned number, int legacy);

/* Resets the device and gets it to FEATURES_OK, less some features. */
void hostile_begin(struct hostile *h, uint64_t without);
/* Clears the memory of the target's ring, and sets h->ring to it. */
void hostile_ring_clear(struct hostile *h);
/* Enables the target's queue where h->ring is. */
void hostile_ring_enable(struct hostile *h);
/* DRIVER_OK, and for a further pair of queues: it is used. */
void hostile_ready(struct hostile *h);
/* All four. */
void hostile_start(struct hostile *h, uint64_t without);

/* Sets a descriptor; makes a chain available; rings. */
void hostile_put(struct hostile *h, unsigned i, uint64_t addr, uint32_t len,
    unsigned flags, unsigned next);
void hostile_offer(struct hostile *h, uint16_t head);
void hostile_kick(struct hostile *h);

/*
 * Puts a good request into the descriptors from i on, its data in a slot, and
 * offers it. Returns the first descriptor behind it.
 */
unsigned hostile_good(struct hostile *h, unsigned slot, unsigned i);

/* Waits until so many requests are done, or the queue is broken. */
enum hostile_outcome hostile_wait(struct hostile *h, unsigned requests);

/* Fills the guards; and whether they are whole, which is said if not. */
void hostile_guard(void);
int hostile_guarded(void);

/*
 * Whether the device serves a good request after a reset; what it did instead
 * is said if not.
 */
int hostile_works(struct hostile *h);

/*
 * The groups of tests. Each returns how many it was, or -1 after saying which
 * one went wrong. every: all of them (1), or one in so many, of which the seed
 * says the first; rounds: how often what is random is tried.
 */
int hostile_cases(struct hostile *h, unsigned every);
int hostile_race(struct hostile *h, unsigned rounds);
int hostile_ask(struct hostile *h, unsigned rounds);
int hostile_random(struct hostile *h, unsigned rounds);
int hostile_storm(struct hostile *h, unsigned rounds); /* two processors */

/* Numbers that look random, the same ones for a seed. */
void hostile_seed(uint64_t seed);
uint64_t hostile_number(void);
/* One below n. */
uint32_t hostile_below(uint32_t n);

#endif
