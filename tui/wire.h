/*
 * wire.h: the screen's line to the backend: keeps the model as the backend
 * says, and finds the backend again (or starts a new one) when it is lost.
 * Main thread; nothing blocks but client_new() while a backend starts.
 */
#ifndef TUI_WIRE_H
#define TUI_WIRE_H

#include <jansson.h>
#include <stdbool.h>

#include "backend/client/client.h"
#include "config/error.h"

struct event_base;
struct model;
struct wire;

struct wire_ops {
	/* The model changed. figures: only what changes every second. */
	void (*changed)(bool figures, void *arg);
	/* The definitions were read again: the file may be another. */
	void (*configured)(void *arg);
	/* A sentence for the person. */
	void (*say)(bool error, const char *text, void *arg);
};

/*
 * Connects and asks for everything. model, ops and config stay the caller's.
 * NULL with err.
 */
struct wire *wire_new(struct event_base *base, const char *config,
    struct model *model, const struct wire_ops *ops, void *arg,
    struct error *err);
void wire_free(struct wire *w);

/* Whether the backend is there. */
bool wire_up(const struct wire *w);
/*
 * client_call(), but for a backend that is lost: then answer is called at
 * once with a reason.
 */
void wire_call(struct wire *w, const char *command, json_t *args,
    client_answer *answer, void *arg);
/* Asks for the status again. */
void wire_refresh(struct wire *w);

#endif
