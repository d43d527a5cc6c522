/*
 * restart.h: restart = on-failure | always: guests that ended by themselves
 * are started again.
 *
 *	ended ──1 s──▶ started ──ended──2 s──▶ started ──ended──4 s──▶ …
 *
 * The pause doubles up to a minute, and begins anew after ten minutes in which
 * the guest ran. The fifth end within ten minutes is the last: the guest stays
 * as it is and says so. One that a person stopped is left alone.
 *
 * A start that fails (a disk that is not there yet), be it of such a restart
 * or of enable = yes with the backend, is tried again after the same pauses,
 * 60 times in a row: the better part of an hour. It is no end of the guest. A
 * person whose start fails is told so, and it is not tried again.
 */
#ifndef BACKEND_SUPERVISOR_RESTART_H
#define BACKEND_SUPERVISOR_RESTART_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <time.h>

#include "config/error.h"

#define RESTART_HISTORY 10
#define RESTART_LIMIT   5 /* ends within the window: no more */
#define RESTART_WINDOW  600 /* seconds */
#define RESTART_MAX     60 /* seconds from an end to the next start */
#define RESTART_TRIES   60 /* starts in a row that fail: no more */

struct backend;
struct event;
struct guest;

/* Of one guest; zeroed at first. */
struct restart {
	struct {
		time_t when;
		bool crashed;
		bool ran; /* else it is a start that failed */
		char reason[200];
	} end[RESTART_HISTORY]; /* oldest first */
	unsigned ends;
	unsigned count; /* restarts since a person started it */
	unsigned step; /* of the pause */
	unsigned failed; /* starts in a row that failed */
	time_t next; /* when it starts again; 0: it does not */
	struct event *timer;
	bool trying; /* the start under way is ours */
	bool unwanted; /* a person stopped it */
};

/*
 * How many seconds after its end, now, a guest that ran for so many seconds
 * starts again; -1: not any more. Adds the end to the history. Pure.
 */
int restart_after(struct restart *r, time_t now, time_t ran, bool crashed,
    const char *reason);

/* The same for a start that failed: one reason over and over is noted once. */
int restart_after_failure(struct restart *r, time_t now, const char *reason);

/*
 * The guest ended: sets the timer if its definition asks for that, and adds to
 * its reason (in a buffer of len) what happens next.
 */
void restart_ended(
    struct guest *g, bool crashed, bool launched, char *reason, size_t len);
/* A person starts it. */
void restart_begin(struct guest *g);
/*
 * The backend starts it for the first time: restart_failed() is for the error
 * of start_guest(), restart_started() for when it runs.
 */
void restart_first(struct guest *g);
void restart_failed(struct guest *g, const struct error *err);
void restart_started(struct guest *g);
/* A person stops it. Returns whether it was only waiting for its restart. */
bool restart_cancel(struct guest *g);
/* Sets the timer of a guest whose next start is known (r->next). */
void restart_resume(struct guest *g);
void restart_free(struct restart *r);

/* "restarts" of GUEST, and back, for the backend after this one. */
json_t *restart_json(const struct guest *g);
void restart_load(struct guest *g, const json_t *json);

#endif
