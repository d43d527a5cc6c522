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
	bool unchecked; /* the caller calls client_check() itself */
};

struct client_ops {
	/* An event of the backend. data is borrowed. */
	void (*event)(const char *name, json_t *data, void *arg);
	/*
	 * The connection is gone; every call that waits was answered with an
	 * error before this. client_resume() may be called here or later.
	 */
	void (*lost)(const char *why, void *arg);
};

/*
 * An answer: ret (borrowed) and fd (the callee's, -1 if none) on success, or
 * why (a sentence) with ret NULL.
 */
typedef void client_answer(json_t *ret, int fd, const char *why, void *arg);

/*
 * Gets a connected socket, starting a backend when asked to and none is there
 * (a socket that a killed backend left behind is recognised and replaced; of
 * several clients that do this at once, all end up with the same backend).
 * Blocks at most a few seconds, and only while a backend starts. On any
 * thread. options->config has to be absolute. Returns a descriptor, or -1 with
 * err.
 */
int client_dial(const struct client_options *options, struct error *err);

/*
 * Connects as client_dial() does, and unless options say otherwise waits for
 * client_check(). ops may be NULL. Returns NULL with err.
 */
struct client *client_new(struct event_base *base,
    const struct client_options *options, const struct client_ops *ops,
    void *arg, struct error *err);
/*
 * Goes on with another connection: takes fd, of client_dial() with
 * client_config(). Calls that still wait are answered with an error. Returns
 * -1 with err if there is no memory; it is as if lost then.
 */
int client_resume(struct client *c, int fd, struct error *err);
/* The absolute path of the file that was asked for, or NULL. */
const char *client_config(const struct client *c);
/*
 * Asks the backend whether it reads that file. done is called once, from the
 * loop, unless client_free() comes first: with NULL if so, or a sentence. At
 * once if no file was asked for.
 */
void client_check(
    struct client *c, void (*done)(const char *why, void *arg), void *arg);
/*
 * Closes the connection and answers all calls that wait with an error: before
 * client_free(), where their answers free something.
 */
void client_hang_up(struct client *c, const char *why);
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
