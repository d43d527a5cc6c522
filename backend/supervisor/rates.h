/*
 * rates.h: what guests do by the second, and did over the last minutes.
 *
 * A guest's process counts for ever; the backend asks for the counts once a
 * second, and only while somebody looks. When somebody looks again, the
 * seconds in between get their average, which the counts give for nothing, and
 * of memory the straight line: so a new screen has minutes of history at once,
 * and an idle backend stays idle. Main thread.
 */
#ifndef BACKEND_SUPERVISOR_RATES_H
#define BACKEND_SUPERVISOR_RATES_H

#include <jansson.h>
#include <stdint.h>

#define RATES_SECONDS 240 /* kept */

struct backend;
struct guest;
struct rates;

enum rate {
	RATE_CPU, /* clock ticks; shown in percent of one CPU */
	RATE_EXITS,
	RATE_READ, /* bytes, of all disks */
	RATE_WRITTEN,
	RATE_RECEIVED, /* bytes, of all interfaces */
	RATE_SENT,
	RATES
};

/* What is as much as it is at a time, in bytes: no rate, but kept beside. */
enum level {
	LEVEL_USED, /* memory that the host had to find for the guest */
	LEVEL_TAKEN, /* by its balloon */
	LEVELS
};

/* Asks the process of a guest that runs for its counts. */
void rates_ask(struct guest *g);
/* The guest's process is gone; frees what is known of it. */
void rates_forget(struct guest *g);

/*
 * Takes counts and levels at a time (monotonic ms) of a guest that began to
 * count at from; allocates g->rates. For rates_ask() and tests.
 */
void rates_take(struct rates **rates, const uint64_t count[RATES],
    const uint64_t level[LEVELS], int64_t now, int64_t from);

/* Puts "exits", "disk_read" and so on, by the second, into obj, if known. */
void rates_json(const struct guest *g, json_t *obj);
/* {"cpu": […], …, "memory_used": […], …}, oldest first; empty: not known. */
json_t *rates_history(const struct rates *r);

#endif
