#include <errno.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "backend/supervisor/backend.h"
#include "backend/supervisor/figures.h"
#include "backend/supervisor/process.h"
#include "backend/supervisor/rates.h"

/* Nearer together, a rate says more about rounding than about the guest. */
#define LEAST_MS 500

struct rates {
	uint64_t count[RATES];
	int64_t when; /* of the counts */
	uint32_t rate[RATES]; /* a second, as last known */
	uint32_t past[RATES_SECONDS][RATES]; /* a ring */
	unsigned n; /* ever put into it */
};

/* As the wire has them. */
static const char *const names[RATES] = {
    "cpu", "exits", "disk_read", "disk_written", "net_received", "net_sent"};

static int64_t
now_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (int64_t)ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}

static uint32_t
rate_of(enum rate which, uint64_t count, int64_t ms)
{
	double rate = (double)count * 1000 / (double)ms;

	if (which == RATE_CPU)
		rate = rate * 100 / (double)sysconf(_SC_CLK_TCK);
	return rate >= UINT32_MAX ? UINT32_MAX : (uint32_t)(rate + 0.5);
}

void
rates_take(struct rates **rates, const uint64_t count[RATES], int64_t now,
    int64_t from)
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
	for (; seconds > 0; seconds--, r->n++)
		for (i = 0; i < RATES; i++)
			r->past[r->n % RATES_SECONDS][i] = r->rate[i];
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
	uint64_t count[RATES];
	int64_t now = now_ms();

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
	rates_take(
	    &g->rates, count, now, now - (time(NULL) - g->started) * 1000);
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
	unsigned i, j, n = 0;

	if (r != NULL)
		n = r->n < RATES_SECONDS ? r->n : RATES_SECONDS;
	for (i = 0; i < RATES; i++) {
		list = json_array();
		for (j = 0; j < n; j++)
			json_array_append_new(list,
			    json_integer(
				r->past[(r->n - n + j) % RATES_SECONDS][i]));
		json_object_set_new(obj, names[i], list);
	}
	return obj;
}
