#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <event2/event.h>

#include "tui/model.h"
#include "tui/wire.h"

/* Until the backend is looked for again: doubled each time, in ms. */
#define RETRY_FIRST 250
#define RETRY_LAST  8000

struct wire {
	struct client *client;
	struct model *model;
	const struct wire_ops *ops;
	void *arg;
	bool up;
	bool past_asked; /* what happened before the screen looked */
	struct event *retry;
	unsigned wait;
};

static void
answered_status(json_t *ret, int fd, const char *why, void *arg)
{
	struct wire *w = arg;

	if (ret == NULL) {
		w->ops->say(true, why, w->arg);
		return;
	}
	model_status(w->model, ret);
	w->ops->changed(false, w->arg);
}

static void
answered_subscribe(json_t *ret, int fd, const char *why, void *arg)
{
	struct wire *w = arg;

	if (ret == NULL)
		w->ops->say(true, why, w->arg);
}

/* A connection is there: what happens from now on, then how it is now. */
static void
begin(struct wire *w)
{
	w->up = true;
	w->past_asked = false;
	w->wait = RETRY_FIRST;
	client_call(w->client, "subscribe", json_pack("{s:b}", "figures", 1),
	    answered_subscribe, w);
	wire_refresh(w);
}

static void
answered_history(json_t *ret, int fd, const char *why, void *arg)
{
	struct wire *w = arg;

	/* An earlier backend has none: it begins with this screen. */
	if (ret == NULL)
		return;
	model_history(w->model, ret);
	w->ops->changed(true, w->arg);
}

/*
 * With the first figures, since the backend asked the guests for them when it
 * was told that somebody looks.
 */
static void
ask_history(struct wire *w)
{
	if (w->past_asked)
		return;
	w->past_asked = true;
	client_call(w->client, "history", NULL, answered_history, w);
}

static void
heard(const char *name, json_t *data, void *arg)
{
	struct wire *w = arg;
	const struct guest *g;

	if (strcmp(name, "FIGURES") == 0) {
		model_figures(w->model, data);
		ask_history(w);
		w->ops->changed(true, w->arg);
	} else if (strcmp(name, "GUEST_STATE") == 0) {
		g = model_guest(w->model, data);
		/* One made up on the spot may be gone for good. */
		if (g != NULL && !g->defined && !guest_is_up(g))
			wire_refresh(w);
		w->ops->changed(false, w->arg);
	} else if (strcmp(name, "CONFIG") == 0) {
		model_mistakes(w->model, data);
		wire_refresh(w);
		w->ops->configured(w->arg);
	}
}

static void
retry_later(struct wire *w)
{
	struct timeval tv = {
	    (time_t)(w->wait / 1000), (suseconds_t)(w->wait % 1000 * 1000)};

	evtimer_add(w->retry, &tv);
	w->wait = w->wait * 2 < RETRY_LAST ? w->wait * 2 : RETRY_LAST;
}

static void
lost(const char *why, void *arg)
{
	struct wire *w = arg;
	size_t i;

	w->up = false;
	for (i = 0; i < w->model->guests; i++)
		w->model->guest[i]->expected = GUEST_UNKNOWN;
	w->ops->changed(false, w->arg);
	w->ops->say(true,
	    "The backend is gone; guests run on. Looking for it, or starting "
	    "a new one.",
	    w->arg);
	w->wait = RETRY_FIRST;
	retry_later(w);
}

static void
retry(int fd, short what, void *arg)
{
	struct wire *w = arg;
	struct error err;

	if (client_reconnect(w->client, &err) == -1) {
		w->ops->say(true, err.text, w->arg);
		retry_later(w);
		return;
	}
	begin(w);
	w->ops->changed(false, w->arg);
	w->ops->say(false, "The backend is back.", w->arg);
}

struct wire *
wire_new(struct event_base *base, const char *config, struct model *model,
    const struct wire_ops *ops, void *arg, struct error *err)
{
	static const struct client_ops client_ops = {
	    .event = heard, .lost = lost};
	struct client_options options = {
	    .config = config, .start_backend = true};
	struct wire *w;

	if ((w = calloc(1, sizeof *w)) == NULL ||
	    (w->retry = evtimer_new(base, retry, w)) == NULL) {
		free(w);
		error_set(err, "no memory for the screen");
		return NULL;
	}
	w->model = model;
	w->ops = ops;
	w->arg = arg;
	w->client = client_new(base, &options, &client_ops, w, err);
	if (w->client == NULL) {
		wire_free(w);
		return NULL;
	}
	begin(w);
	return w;
}

void
wire_free(struct wire *w)
{
	if (w == NULL)
		return;
	if (w->client != NULL)
		client_free(w->client);
	event_free(w->retry);
	free(w);
}

bool
wire_up(const struct wire *w)
{
	return w->up;
}

void
wire_call(struct wire *w, const char *command, json_t *args,
    client_answer *answer, void *arg)
{
	if (w->up) {
		client_call(w->client, command, args, answer, arg);
		return;
	}
	json_decref(args);
	if (answer != NULL)
		answer(NULL, -1,
		    "the backend is not there; it is being looked for", arg);
}

void
wire_refresh(struct wire *w)
{
	if (w->up)
		client_call(w->client, "status", NULL, answered_status, w);
}
