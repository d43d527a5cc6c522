#include <sys/queue.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <event2/event.h>

#include "config/clock.h"
#include "tui/model.h"
#include "tui/wire.h"
#include "tui/work.h"

/* Until the backend is looked for again: doubled each time, in ms. */
#define RETRY_FIRST 250
#define RETRY_LAST  8000

/* Something a person waits for. */
struct question {
	TAILQ_ENTRY(question) entry;
	struct wire *w;
	char *command;
	json_t *args; /* or NULL */
	client_answer *answer; /* NULL: given up */
	void *arg;
	int64_t since;
};

struct wire {
	struct client *client;
	struct model *model;
	struct works *works;
	const struct wire_ops *ops;
	void *arg;
	bool past_asked; /* what happened before the screen looked */
	bool up, once; /* now, and whether it ever was */
	bool ended;
	struct event *retry;
	unsigned wait;
	TAILQ_HEAD(, question) questions; /* the oldest first */
	int64_t refreshed; /* since when the status is waited for; 0: not */
	bool again; /* ask for it once more then */
};

/*
 * --- What is asked ------------------------------------------------------
 */

static void
answered_status(json_t *ret, int fd, const char *why, void *arg)
{
	struct wire *w = arg;
	bool again = w->again;

	w->refreshed = 0;
	w->again = false;
	w->ops->waits(w->arg);
	if (ret == NULL) {
		w->ops->say(true, why, w->arg);
		return;
	}
	model_status(w->model, ret);
	w->ops->changed(false, w->arg);
	if (again)
		wire_refresh(w);
}

void
wire_refresh(struct wire *w)
{
	if (!w->up)
		return;
	/* What is on its way may be of before. */
	if (w->refreshed != 0) {
		w->again = true;
		return;
	}
	w->refreshed = clock_ms();
	client_call(w->client, "status", NULL, answered_status, w);
	w->ops->waits(w->arg);
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

static void
question_free(struct question *q)
{
	json_decref(q->args);
	free(q->command);
	free(q);
}

static void
answered(json_t *ret, int fd, const char *why, void *arg)
{
	struct question *q = arg;

	if (q->answer != NULL) {
		TAILQ_REMOVE(&q->w->questions, q, entry);
		q->answer(ret, fd, why, q->arg);
		q->w->ops->waits(q->w->arg);
	} else if (fd != -1)
		close(fd);
	question_free(q);
}

bool
wire_ask(struct wire *w, const char *command, json_t *args,
    client_answer *answer, void *arg)
{
	struct question *q;

	TAILQ_FOREACH (q, &w->questions, entry)
		if (strcmp(q->command, command) == 0 &&
		    (q->args == args || json_equal(q->args, args))) {
			json_decref(args);
			return false;
		}
	q = w->up ? calloc(1, sizeof *q) : NULL;
	if (q == NULL || (q->command = strdup(command)) == NULL) {
		free(q);
		wire_call(w, command, args, answer, arg);
		return true;
	}
	q->w = w;
	q->args = json_incref(args);
	q->answer = answer;
	q->arg = arg;
	q->since = clock_ms();
	TAILQ_INSERT_TAIL(&w->questions, q, entry);
	client_call(w->client, command, args, answered, q);
	w->ops->waits(w->arg);
	return true;
}

void
wire_give_up(struct wire *w)
{
	struct question *q;
	client_answer *answer;

	while ((q = TAILQ_FIRST(&w->questions)) != NULL) {
		TAILQ_REMOVE(&w->questions, q, entry);
		answer = q->answer;
		q->answer = NULL;
		answer(NULL, -1,
		    "No longer waited for; the backend may still do it.",
		    q->arg);
	}
	w->ops->waits(w->arg);
}

int64_t
wire_asked(const struct wire *w)
{
	const struct question *q = TAILQ_FIRST(&w->questions);

	return q != NULL ? q->since : 0;
}

int64_t
wire_waits(const struct wire *w)
{
	int64_t asked = wire_asked(w);

	if (asked == 0 || (w->refreshed != 0 && w->refreshed < asked))
		return w->refreshed;
	return asked;
}

/*
 * --- What is heard ------------------------------------------------------
 */

static void
answered_subscribe(json_t *ret, int fd, const char *why, void *arg)
{
	struct wire *w = arg;

	if (ret == NULL)
		w->ops->say(true, why, w->arg);
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

/*
 * --- The connection -----------------------------------------------------
 */

static void
retry_later(struct wire *w)
{
	struct timeval tv = {
	    (time_t)(w->wait / 1000), (suseconds_t)(w->wait % 1000 * 1000)};

	if (w->ended)
		return;
	evtimer_add(w->retry, &tv);
	w->wait = w->wait * 2 < RETRY_LAST ? w->wait * 2 : RETRY_LAST;
}

/* A connection is there: what happens from now on, then how it is now. */
static void
begin(struct wire *w)
{
	bool back = w->once;

	w->up = w->once = true;
	w->past_asked = false;
	w->wait = RETRY_FIRST;
	client_call(w->client, "subscribe", json_pack("{s:b}", "figures", 1),
	    answered_subscribe, w);
	wire_refresh(w);
	if (!back)
		return;
	w->ops->changed(false, w->arg);
	w->ops->say(false, "The backend is back.", w->arg);
}

/* Whether it is the backend that was asked for. */
static void
checked(const char *why, void *arg)
{
	struct wire *w = arg;

	if (w->ended)
		return;
	if (why == NULL)
		begin(w);
	else if (!w->once)
		w->ops->failed(why, w->arg);
	else {
		w->ops->say(true, why, w->arg);
		retry_later(w);
	}
}

static void
lost(const char *why, void *arg)
{
	struct wire *w = arg;
	size_t i;

	/* Before it was the right one: checked() has heard of it. */
	if (!w->up)
		return;
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

/* Looking for the backend, on a thread: one that starts may take a while. */
struct dial {
	struct wire *w;
	struct client_options options;
	char *config;
	int fd; /* -1: err says why */
	struct error err;
};

static void
dial(void *arg)
{
	struct dial *d = arg;

	d->fd = client_dial(&d->options, &d->err);
}

static void
dialled(void *arg)
{
	struct dial *d = arg;
	struct wire *w = d->w;

	if (w->ended && d->fd != -1)
		close(d->fd);
	else if (d->fd == -1 ||
	    client_resume(w->client, d->fd, &d->err) == -1) {
		w->ops->say(true, d->err.text, w->arg);
		retry_later(w);
	} else
		client_check(w->client, checked, w);
	free(d->config);
	free(d);
}

static void
retry(int fd, short what, void *arg)
{
	struct wire *w = arg;
	const char *config = client_config(w->client);
	struct dial *d = calloc(1, sizeof *d);

	if (d == NULL ||
	    (config != NULL && (d->config = strdup(config)) == NULL)) {
		free(d);
		retry_later(w);
		return;
	}
	d->w = w;
	d->options =
	    (struct client_options){.config = d->config, .start_backend = true};
	if (work_start(w->works, dial, dialled, d) == -1) {
		free(d->config);
		free(d);
		retry_later(w);
	}
}

struct wire *
wire_new(struct event_base *base, const char *config, struct model *model,
    struct works *works, const struct wire_ops *ops, void *arg,
    struct error *err)
{
	static const struct client_ops client_ops = {
	    .event = heard, .lost = lost};
	struct client_options options = {
	    .config = config, .start_backend = true, .unchecked = true};
	struct wire *w;

	if ((w = calloc(1, sizeof *w)) == NULL ||
	    (w->retry = evtimer_new(base, retry, w)) == NULL) {
		free(w);
		error_set(err, "no memory for the screen");
		return NULL;
	}
	TAILQ_INIT(&w->questions);
	w->wait = RETRY_FIRST;
	w->model = model;
	w->works = works;
	w->ops = ops;
	w->arg = arg;
	w->client = client_new(base, &options, &client_ops, w, err);
	if (w->client == NULL) {
		wire_free(w);
		return NULL;
	}
	client_check(w->client, checked, w);
	return w;
}

void
wire_hang_up(struct wire *w)
{
	w->ended = true;
	w->up = false;
	client_hang_up(w->client, "the screen is at its end");
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
