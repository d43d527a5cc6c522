/*
 * client.h: what a client links to talk to the backend: the screen and each
 * command of the command line.
 *
 * Everything is asynchronous on a libevent loop, on that loop's thread, so
 * that a screen is never blocked; client_wait() is for commands that have
 * nothing else to do. See backend/proto/proto.h for commands and events.
 */
#ifndef BACKEND_CLIENT_CLIENT_H
#define BACKEND_CLIENT_CLIENT_H

#include <jansson.h>
#include <stdbool.h>

#include "config/error.h"

struct event_base;
struct client;

struct client_options {
	const char *config; /* -f for a backend we start; NULL: default */
	bool start_backend; /* start one if none listens */
};

struct client_ops {
	/* An event of the backend. data is borrowed. */
	void (*event)(const char *name, json_t *data, void *arg);
	/*
	 * The connection is gone; every call that waits was answered with an
	 * error before this. client_reconnect() may be called here or later.
	 */
	void (*lost)(const char *why, void *arg);
};

/*
 * An answer: ret (borrowed) and fd (the callee's, -1 if none) on success, or
 * why (a sentence) with ret NULL.
 */
typedef void client_answer(json_t *ret, int fd, const char *why, void *arg);

/*
 * Connects, starting a backend when asked to and none is there (a socket that
 * a killed backend left behind is recognised and replaced). Blocks at most a
 * few seconds, and only while a backend starts. ops may be NULL. Returns NULL
 * with err.
 */
struct client *client_new(struct event_base *base,
    const struct client_options *options, const struct client_ops *ops,
    void *arg, struct error *err);
int client_reconnect(struct client *c, struct error *err);
void client_free(struct client *c);

/*
 * Sends a command; takes args (NULL: none). answer, if not NULL, is called
 * exactly once, from the loop, unless client_free() comes first.
 */
void client_call(struct client *c, const char *command, json_t *args,
    client_answer *answer, void *arg);

/*
 * Sends a command and runs the loop until its answer is there. Returns its
 * "return" (the caller's to decref), with fd (NULL: closed if one came) set
 * or -1; or NULL with err.
 */
json_t *client_wait(struct client *c, const char *command, json_t *args,
    int *fd, struct error *err);

/* The same with a descriptor for the backend, which is lent. */
json_t *client_give(struct client *c, const char *command, json_t *args, int fd,
    struct error *err);

#endif
