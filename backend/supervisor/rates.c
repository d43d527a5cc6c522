#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "backend/supervisor/backend.h"
#include "backend/supervisor/figures.h"
#include "backend/supervisor/network.h"
#include "backend/supervisor/process.h"
#include "backend/supervisor/rates.h"
#include "config/clock.h"

/* Nearer together, a rate says more about rounding than about the guest. */
#define LEAST_MS 500

struct rates {
	uint64_t count[RATES];
	int64_t when; /* of the counts */
	uint32_t rate[RATES]; /* a second, as last known */
	uint32_t past[RATES_SECONDS][RATES]; /* a ring */
	uint64_t level[LEVELS]; /* as last known */
	uint32_t levels[RATES_SECONDS][LEVELS]; /* a ring beside it, in KiB */
	unsigned n; /* ever put into it */
};

/* As the wire has them. */
static const char *const names[RATES] = {
    "cpu", "exits", "disk_read", "disk_written", "net_received", "net_sent"};

static const char *const level_names[LEVELS] = {"memory_used", "memory_taken"};

static uint32_t
rate_of(enum rate which, uint64_t count, int64_t ms)
{
	double rate = (double)count * 1000 / (double)ms;

	if (which == RATE_CPU)
		rate = rate * 100 / (double)sysconf(_SC_CLK_TCK);
	return rate >= UINT32_MAX ? UINT32_MAX : (uint32_t)(rate + 0.5);
}

/*
 * The level a second of several from the one last known to the one now; a
 * guest that was not known was as it is.
 */
static uint32_t
level_at(const struct rates *r, unsigned which, uint64_t now, int64_t second,
    int64_t seconds)
{
	double was = r->n > 0 ? (double)r->level[which] : (double)now;
	double kib =
	    (was + ((double)now - was) * (double)second / (double)seconds) /
	    1024;

	return kib >= UINT32_MAX ? UINT32_MAX : (uint32_t)(kib + 0.5);
}

/* Seconds that are over, with the rates and levels of their end. */
static void
keep(struct rates *r, const uint64_t level[LEVELS], int64_t seconds)
{
	unsigned i, at = r->n;
	int64_t s;

	for (s = 1; s <= seconds; s++, at++) {
		for (i = 0; i < RATES; i++)
			r->past[at % RATES_SECONDS][i] = r->rate[i];
		for (i = 0; i < LEVELS; i++)
			r->levels[at % RATES_SECONDS][i] =
			    level_at(r, i, level[i], s, seconds);
	}
	r->n = at;
	memcpy(r->level, level, sizeof r->level);
}

void
rates_take(struct rates **rates, const uint64_t count[RATES],
    const uint64_t level[LEVELS], int64_t now, int64_t from)
{
	struct rates *r = *rates;
	int64_t ms, seconds;
	unsigned i;

	if (r == NULL) {
		if ((r = *rates = calloc(1, sizeof *r)) == NULL)
			return;
		r->when = from;
	}
	if ((ms = now - r->when) < LEAST_MS)
		return;
	for (i = 0; i < RATES; i++) {
		/* A count that went back is one that began anew. */
		r->rate[i] = count[i] < r->count[i]
		    ? 0
		    : rate_of((enum rate)i, count[i] - r->count[i], ms);
		r->count[i] = count[i];
	}
	r->when = now;
	seconds = (ms + 500) / 1000;
	if (seconds < 1)
		seconds = 1;
	if (seconds > RATES_SECONDS)
		seconds = RATES_SECONDS;
	keep(r, level, seconds);
}

static uint64_t
number(const json_t *ret, const char *name)
{
	json_int_t n = json_integer_value(json_object_get(ret, name));

	return n > 0 ? (uint64_t)n : 0;
}

static void
on_counts(struct guest *g, json_t *ret, int fd, const char *why, void *arg)
{
	uint64_t count[RATES], level[LEVELS];
	int64_t now = clock_ms();

	g->counting = false;
	/* One of an earlier version knows no figures. */
	if (ret == NULL || g->started == 0)
		return;
	count[RATE_CPU] = figures_ticks(g);
	count[RATE_EXITS] = number(ret, "exits");
	count[RATE_READ] = number(ret, "read");
	count[RATE_WRITTEN] = number(ret, "written");
	count[RATE_RECEIVED] = number(ret, "received");
	count[RATE_SENT] = number(ret, "sent");
	network_count(g, &count[RATE_RECEIVED], &count[RATE_SENT]);
	level[LEVEL_USED] = figures_memory(g);
	level[LEVEL_TAKEN] = number(g->balloon, "taken");
	rates_take(&g->rates, count, level, now,
	    now - (time(NULL) - g->started) * 1000);
}

void
rates_ask(struct guest *g)
{
	if (g->counting || g->started == 0 || g->process == NULL)
		return;
	g->counting = true;
	process_call(g, "figures", NULL, on_counts, NULL);
}

void
rates_forget(struct guest *g)
{
	free(g->rates);
	g->rates = NULL;
}

void
rates_json(const struct guest *g, json_t *obj)
{
	unsigned i;

	/* Counted once, it has not done anything yet. */
	if (g->rates == NULL || g->rates->n == 0)
		return;
	/* figures.c has a "cpu" of its own, which needs no answer. */
	for (i = RATE_EXITS; i < RATES; i++)
		json_object_set_new(
		    obj, names[i], json_integer(g->rates->rate[i]));
}

json_t *
rates_history(const struct rates *r)
{
	json_t *obj = json_object(), *list;
	unsigned i, j, n = 0, first = 0;

	if (r != NULL) {
		n = r->n < RATES_SECONDS ? r->n : RATES_SECONDS;
		first = r->n - n;
	}
	for (i = 0; i < RATES; i++) {
		list = json_array();
		for (j = 0; j < n; j++)
			json_array_append_new(list,
			    json_integer(
				r->past[(first + j) % RATES_SECONDS][i]));
		json_object_set_new(obj, names[i], list);
	}
	for (i = 0; i < LEVELS; i++) {
		list = json_array();
		for (j = 0; j < n; j++)
			json_array_append_new(list,
			    json_integer(
				(json_int_t)
				    r->levels[(first + j) % RATES_SECONDS][i] *
				1024));
		json_object_set_new(obj, level_names[i], list);
	}
	return obj;
}
