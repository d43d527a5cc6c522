#include <stdio.h>
#include <string.h>

#include "backend/proto/proto.h"
#include "backend/proto/text.h"
#include "backend/supervisor/registry.h"
#include "backend/supervisor/remember.h"
#include "backend/supervisor/restart.h"
#include "backend/supervisor/start.h"
#include "config/log.h"

static const char *const policies[] = {
    [CONFIG_RESTART_NO] = "no",
    [CONFIG_RESTART_ON_FAILURE] = "on-failure",
    [CONFIG_RESTART_ALWAYS] = "always",
};

static void
remember_end(
    struct restart *r, time_t now, bool ran, bool crashed, const char *reason)
{
	if (r->ends == RESTART_HISTORY) {
		memmove(r->end, r->end + 1, sizeof r->end - sizeof r->end[0]);
		r->ends--;
	}
	r->end[r->ends].when = now;
	r->end[r->ends].ran = ran;
	r->end[r->ends].crashed = crashed;
	snprintf(r->end[r->ends].reason, sizeof r->end[0].reason, "%s", reason);
	r->ends++;
}

int
restart_after(
    struct restart *r, time_t now, time_t ran, bool crashed, const char *reason)
{
	unsigned i, recent = 0;
	int seconds;

	remember_end(r, now, true, crashed, reason);
	/* A clock that was set back must not make old ends recent. */
	for (i = 0; i < r->ends; i++)
		if (r->end[i].ran && r->end[i].when <= now &&
		    now - r->end[i].when < RESTART_WINDOW)
			recent++;
	if (recent >= RESTART_LIMIT)
		return -1;
	if (ran >= RESTART_WINDOW)
		r->step = 0;
	seconds = r->step < 6 ? 1 << r->step : RESTART_MAX;
	r->step++;
	return seconds;
}

int
restart_after_failure(struct restart *r, time_t now, const char *reason)
{
	char cut[sizeof r->end[0].reason];

	snprintf(cut, sizeof cut, "%s", reason);
	if (r->failed > 0 && r->ends > 0 &&
	    strcmp(r->end[r->ends - 1].reason, cut) == 0)
		r->end[r->ends - 1].when = now;
	else
		remember_end(r, now, false, false, reason);
	r->failed++;
	if (r->failed >= RESTART_TRIES)
		return -1;
	return r->failed <= 6 ? 1 << (r->failed - 1) : RESTART_MAX;
}

void
restart_started(struct guest *g)
{
	struct restart *r = &g->restart;

	r->trying = false;
	r->failed = 0;
}

static void
on_started(struct backend *b, struct guest *g, const char *why, void *arg)
{
	/* If it did not start, restart_ended() has heard of it. */
	if (g != NULL)
		restart_started(g);
}

/* What it says now, without what it said of the next start. */
static const char *
own_reason(const struct guest *g)
{
	const struct restart *r = &g->restart;

	return r->ends > 0 ? r->end[r->ends - 1].reason : "";
}

static void
on_timer(evutil_socket_t sock, short what, void *arg)
{
	const struct config_vm *vm;
	struct guest *g = arg;
	struct restart *r = &g->restart;
	struct error err;

	r->next = 0;
	vm = config_find_vm(g->b->config, g->name);
	if (registry_runs(g) || g->b->ending != END_NOT)
		return;
	if (vm == NULL || vm->restart == CONFIG_RESTART_NO) {
		registry_state(g, g->state, own_reason(g));
		return;
	}
	if (r->failed == 0)
		r->count++;
	r->trying = true;
	log_info("%s is started again, restart %u, failed before: %u", g->name,
	    r->count, r->failed);
	if (start_guest(g->b, vm, on_started, NULL, &err) == -1)
		restart_failed(g, &err);
}

void
restart_failed(struct guest *g, const struct error *err)
{
	char reason[sizeof g->reason];

	snprintf(reason, sizeof reason, "%s", err->text);
	restart_ended(g, false, false, reason, sizeof reason);
	registry_state(g, PROTO_STOPPED, reason);
}

void
restart_resume(struct guest *g)
{
	struct restart *r = &g->restart;
	struct timeval tv = {r->next - time(NULL), 0};

	if (r->next == 0)
		return;
	if (tv.tv_sec < 1)
		tv.tv_sec = 1;
	else if (tv.tv_sec > RESTART_MAX)
		tv.tv_sec = RESTART_MAX;
	if (r->timer == NULL)
		r->timer = evtimer_new(g->b->base, on_timer, g);
	if (r->timer == NULL || event_add(r->timer, &tv) == -1) {
		r->next = 0;
		log_warn("no memory to start %s again", g->name);
	}
}

/* Behind the reason: what happens next, in so many seconds or not at all. */
static void
add_next(char *reason, size_t len, int seconds, const struct restart *r)
{
	size_t n = strlen(reason);
	const char *join = n > 0 ? "; " : "";
	struct tm tm;
	char at[16];

	if (seconds == -1 && r->failed > 0) {
		snprintf(reason + n, len - n,
		    "%sdid not start %u times in a row and stays so until "
		    "somebody starts it",
		    join, r->failed);
		return;
	}
	if (seconds == -1) {
		snprintf(reason + n, len - n,
		    "%sended %d times within %d minutes and stays so until "
		    "somebody starts it",
		    join, RESTART_LIMIT, RESTART_WINDOW / 60);
		return;
	}
	localtime_r(&r->next, &tm);
	strftime(at, sizeof at, "%H:%M:%S", &tm);
	snprintf(reason + n, len - n, "%sstarts again at %s", join, at);
}

void
restart_ended(
    struct guest *g, bool crashed, bool launched, char *reason, size_t len)
{
	const struct config_vm *vm = config_find_vm(g->b->config, g->name);
	struct restart *r = &g->restart;
	time_t now = time(NULL);
	bool trying = r->trying;
	int seconds;

	r->trying = false;
	if (r->unwanted || g->b->ending != END_NOT || (!launched && !trying))
		return;
	seconds = launched
	    ? restart_after(r, now, now - g->started, crashed, reason)
	    : restart_after_failure(r, now, reason);
	if (vm == NULL || vm->restart == CONFIG_RESTART_NO ||
	    (vm->restart == CONFIG_RESTART_ON_FAILURE && launched && !crashed))
		return;
	if (seconds != -1) {
		r->next = now + seconds;
		restart_resume(g);
	}
	add_next(reason, len, seconds, r);
}

void
restart_begin(struct guest *g)
{
	struct restart *r = &g->restart;

	if (r->timer != NULL)
		event_del(r->timer);
	r->next = 0;
	r->count = r->step = r->failed = 0;
	r->trying = r->unwanted = false;
}

void
restart_first(struct guest *g)
{
	restart_begin(g);
	g->restart.trying = true;
}

bool
restart_cancel(struct guest *g)
{
	struct restart *r = &g->restart;

	if (registry_runs(g)) {
		r->unwanted = true;
		remember_guest(g);
		return false;
	}
	if (r->next == 0)
		return false;
	event_del(r->timer);
	r->next = 0;
	registry_state(g, g->state, own_reason(g));
	return true;
}

void
restart_free(struct restart *r)
{
	if (r->timer != NULL)
		event_free(r->timer);
	r->timer = NULL;
}

json_t *
restart_json(const struct guest *g)
{
	const struct config_vm *vm = config_find_vm(g->b->config, g->name);
	const struct restart *r = &g->restart;
	json_t *ends = json_array();
	unsigned i;

	for (i = 0; i < r->ends; i++)
		json_array_append_new(ends,
		    json_pack("{s:I, s:s, s:b, s:o}", "when",
			(json_int_t)r->end[i].when, "state",
			r->end[i].crashed ? PROTO_CRASHED : PROTO_STOPPED,
			"ran", r->end[i].ran, "reason",
			text_json(r->end[i].reason)));
	return json_pack("{s:s, s:i, s:i, s:i, s:I, s:b, s:o}", "policy",
	    policies[vm != NULL ? vm->restart : CONFIG_RESTART_NO], "count",
	    (int)r->count, "step", (int)r->step, "failed", (int)r->failed,
	    "next", (json_int_t)r->next, "unwanted", r->unwanted, "ends", ends);
}

void
restart_load(struct guest *g, const json_t *json)
{
	const json_t *ends = json_object_get(json, "ends"), *one;
	struct restart *r = &g->restart;
	const char *state, *reason;
	size_t i;

	r->count = (unsigned)json_integer_value(json_object_get(json, "count"));
	r->step = (unsigned)json_integer_value(json_object_get(json, "step"));
	r->failed =
	    (unsigned)json_integer_value(json_object_get(json, "failed"));
	r->next = (time_t)json_integer_value(json_object_get(json, "next"));
	r->unwanted = json_is_true(json_object_get(json, "unwanted"));
	json_array_foreach (ends, i, one) {
		state = json_string_value(json_object_get(one, "state"));
		reason = json_string_value(json_object_get(one, "reason"));
		remember_end(r,
		    (time_t)json_integer_value(json_object_get(one, "when")),
		    !json_is_false(json_object_get(one, "ran")),
		    state != NULL && strcmp(state, PROTO_CRASHED) == 0,
		    reason != NULL ? reason : "");
	}
}
