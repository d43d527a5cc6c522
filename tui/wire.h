/*
 * wire.h: the screen's line to the backend: keeps the model as the backend
 * says, and finds the backend again (or starts a new one) when it is lost.
 * Main thread; nothing blocks but wire_new() while a backend starts.
 */
#ifndef TUI_WIRE_H
#define TUI_WIRE_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#include "backend/client/client.h"
#include "config/error.h"

struct event_base;
struct model;
struct wire;
struct works;

struct wire_ops {
	/* The model changed. figures: only what changes every second. */
	void (*changed)(bool figures, void *arg);
	/* The definitions were read again: the file may be another. */
	void (*configured)(void *arg);
	/* A sentence for the person. */
	void (*say)(bool error, const char *text, void *arg);
	/* An answer begins to be waited for, or no longer is. */
	void (*waits)(void *arg);
	/* The backend is not the one that was asked for, from the first. */
	void (*failed)(const char *why, void *arg);
};

/*
 * Connects and asks for everything. model, works, ops and config stay the
 * caller's. NULL with err.
 */
struct wire *wire_new(struct event_base *base, const char *config,
    struct model *model, struct works *works, const struct wire_ops *ops,
    void *arg, struct error *err);
/*
 * The beginning of the end: what was called is answered with a reason, what
 * is called from now on too. wire_free() follows, after works_free().
 */
void wire_hang_up(struct wire *w);
void wire_free(struct wire *w);

/* Whether the backend is there. */
bool wire_up(const struct wire *w);
/*
 * client_call(), but for a backend that is lost: then answer is called at
 * once with a reason.
 */
void wire_call(struct wire *w, const char *command, json_t *args,
    client_answer *answer, void *arg);
/*
 * The same for what a person asked for and waits for. False, and nothing is
 * called, if the very same is waited for already (args is taken all the same).
 */
bool wire_ask(struct wire *w, const char *command, json_t *args,
    client_answer *answer, void *arg);
/* Answers all that was asked with a reason; what comes later is forgotten. */
void wire_give_up(struct wire *w);
/* Since when the oldest question waits, in ms of CLOCK_MONOTONIC; 0: none. */
int64_t wire_asked(const struct wire *w);
/* Since when any answer is waited for: wire_asked()'s, and the status. */
int64_t wire_waits(const struct wire *w);
/* Asks for the status again. */
void wire_refresh(struct wire *w);

#endif
