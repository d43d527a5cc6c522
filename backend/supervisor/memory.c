#include <stdlib.h>

#include <event2/event.h>

#include "backend/supervisor/figures.h"
#include "backend/supervisor/memory.h"
#include "backend/supervisor/process.h"
#include "config/log.h"
#include "config/size.h"

#define EVERY_S 2
#define LOW     16 /* the part of its memory below which a host is low */
#define GOAL    8 /* and the part it should have */
#define ROUND   ((UINT64_C(1) << 20) - 1) /* limits are whole MiB */
#define LEAST   (UINT64_C(16) << 20) /* as the guest's process has it */

static uint64_t
least(uint64_t a, uint64_t b)
{
	return a < b ? a : b;
}

/* How much it can do without beyond what it was asked for already. */
static uint64_t
spare(const struct memory_share *s)
{
	uint64_t now = least(s->size, s->limit), floor = s->memory / 2, can;

	if (floor < LEAST)
		floor = LEAST;
	if (s->coming > 0 || now <= floor)
		return 0;
	can = now - floor;
	/* One that says nothing is asked for little at a time. */
	return s->available != UINT64_MAX ? least(can, s->available / 2)
					  : can / 4;
}

static bool
take(struct memory_share *s, unsigned n, uint64_t need)
{
	uint64_t sum = 0, now, part;
	bool changed = false;
	unsigned i;

	for (i = 0; i < n; i++) {
		need -= least(need, s[i].coming);
		sum += spare(&s[i]);
	}
	if (need > sum)
		need = sum;
	for (i = 0; i < n && need > 0; i++) {
		now = least(s[i].size, s[i].limit);
		part = (uint64_t)((double)spare(&s[i]) / (double)sum *
		    (double)need);
		if (part <= ROUND)
			continue;
		s[i].limit = (now - part) & ~(uint64_t)ROUND;
		changed = true;
	}
	return changed;
}

static bool
give(struct memory_share *s, unsigned n, uint64_t room)
{
	unsigned limited = 0, i;
	bool changed = false;
	uint64_t part;

	for (i = 0; i < n; i++)
		limited += s[i].limit < s[i].memory;
	for (i = 0; i < n; i++) {
		if (s[i].limit >= s[i].memory)
			continue;
		part = least(room / limited, s[i].memory - s[i].limit);
		if (part <= ROUND && part < s[i].memory - s[i].limit)
			continue;
		s[i].limit += part;
		changed = true;
	}
	return changed;
}

bool
memory_share(
    struct memory_share *s, unsigned n, uint64_t total, uint64_t available)
{
	uint64_t goal = total / GOAL;

	if (available < total / LOW)
		return take(s, n, goal - available);
	if (available > goal + goal / 4)
		return give(s, n, (available - goal) / 2);
	return false;
}

static uint64_t
number(const json_t *obj, const char *name)
{
	json_int_t n = json_integer_value(json_object_get(obj, name));

	return n > 0 ? (uint64_t)n : 0;
}

/* Is it one whose memory can be moved? */
static bool
has_driver(const struct guest *g)
{
	return g->process != NULL &&
	    json_is_true(json_object_get(g->balloon, "driver"));
}

static void
read_share(const struct guest *g, struct memory_share *s)
{
	const json_t *b = g->balloon;
	uint64_t wanted = number(b, "wanted"), taken = number(b, "taken");

	*s = (struct memory_share){
	    .memory = number(g->spec, "memory"),
	    .size = number(b, "size"),
	    .limit = number(b, "limit"),
	    .coming = wanted > taken ? wanted - taken : 0,
	    .available = json_object_get(b, "available") != NULL
		? number(b, "available")
		: UINT64_MAX,
	};
}

static void
say(struct backend *b, bool low, uint64_t total, uint64_t available)
{
	char have[8], all[8];

	if (low == b->memory_low)
		return;
	b->memory_low = low;
	size_short(available, have, sizeof have);
	size_short(total, all, sizeof all);
	if (low)
		log_warn("the host has %s of its %s of memory left: guests "
			 "with balloon = yes are asked to give some back",
		    have, all);
	else
		log_info("the host has %s of memory again", have);
}

/* Which of them is told what; each then answers by an event. */
static void
move(struct backend *b, unsigned n, uint64_t total, uint64_t available)
{
	struct memory_share *s = calloc(n, sizeof *s);
	struct guest *g;
	unsigned i = 0;
	uint64_t before;

	if (s == NULL)
		return;
	TAILQ_FOREACH (g, &b->guests, entry)
		if (has_driver(g))
			read_share(g, &s[i++]);
	if (memory_share(s, n, total, available)) {
		i = 0;
		TAILQ_FOREACH (g, &b->guests, entry) {
			if (!has_driver(g))
				continue;
			before = number(g->balloon, "limit");
			if (s[i].limit != before)
				process_call(g, "balloon",
				    json_pack("{s:I}", "limit",
					(json_int_t)s[i].limit),
				    NULL, NULL);
			i++;
		}
	}
	free(s);
}

static void
on_timer(evutil_socket_t fd, short what, void *arg)
{
	struct backend *b = arg;
	uint64_t total, available;
	struct guest *g;
	unsigned n = 0;
	bool low;

	if (figures_host_free(&total, &available) == -1)
		return;
	low = available < total / LOW;
	TAILQ_FOREACH (g, &b->guests, entry) {
		if (!has_driver(g))
			continue;
		n++;
		/* They say what they can spare when they are asked. */
		if (low)
			process_ping(g);
	}
	if (n > 0) {
		say(b, low, total, available);
		move(b, n, total, available);
	}
}

void
memory_told(struct guest *g, json_t *balloon)
{
	const struct timeval every = {EVERY_S, 0};
	struct backend *b = g->b;
	struct guest *each;
	bool want = false;

	json_decref(g->balloon);
	g->balloon = json_is_object(balloon) ? json_incref(balloon) : NULL;
	TAILQ_FOREACH (each, &b->guests, entry)
		want |= each->balloon != NULL;
	if (b->memory_timer == NULL && want)
		b->memory_timer =
		    event_new(b->base, -1, EV_PERSIST, on_timer, b);
	if (b->memory_timer == NULL)
		return;
	if (!want)
		event_del(b->memory_timer);
	else if (!evtimer_pending(b->memory_timer, NULL))
		event_add(b->memory_timer, &every);
}

void
memory_close(struct backend *b)
{
	if (b->memory_timer != NULL)
		event_free(b->memory_timer);
	b->memory_timer = NULL;
}
