/*
 * memory.h: guests give memory back when the host runs low, and get it again.
 *
 * Guests with balloon = yes. Every two seconds, while one of them runs, the
 * host's MemAvailable is read. Below 1/16 of its memory the guests' limits
 * (proto.h, BALLOON) go down, so that 1/8 would be available: in proportion to
 * what each can spare, which is at most half of what it says is available to
 * it, and none is driven below half of its memory. Above 5/32 the limits rise
 * again, each time by at most half of what the host has over 1/8.
 */
#ifndef BACKEND_SUPERVISOR_MEMORY_H
#define BACKEND_SUPERVISOR_MEMORY_H

#include "backend/supervisor/backend.h"

/* What a guest's process said of its balloon; NULL or null: it has none. */
void memory_told(struct guest *g, json_t *balloon);
void memory_close(struct backend *b);

/* For memory_share(), all in bytes. */
struct memory_share {
	uint64_t memory; /* the guest's */
	uint64_t size, limit; /* as in BALLOON */
	uint64_t coming; /* asked for and not given yet */
	uint64_t available; /* what the guest says; UINT64_MAX: nothing */
};

/*
 * Gives each of n guests the limit that it should have on a host with so much
 * memory in all and available. Returns whether one changed.
 */
bool memory_share(
    struct memory_share *s, unsigned n, uint64_t total, uint64_t available);

#endif
