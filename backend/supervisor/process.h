/*
 * process.h: a guest's process, from the backend's side.
 *
 *	process_start()          launch answered
 *	     │ fork, exec, "launch"    │
 *	     ▼                         ▼            connection closed
 *	 launching ──────────────▶ running ──────▶  and, if a child, reaped
 *	     │ error, time limit, end                     │
 *	     └──────────── killed ────────────────────────┴──▶ registry_ended()
 *
 * The process is its guest's (g->process) until registry_ended().
 */
#ifndef BACKEND_SUPERVISOR_PROCESS_H
#define BACKEND_SUPERVISOR_PROCESS_H

#include <sys/types.h>

#include "backend/supervisor/backend.h"

/* Why a guest does not run whose backend was killed before it did. */
#define PROCESS_CUT_SHORT "its backend was killed while it started"

/* g runs and why is NULL; or g is NULL and why the sentence why it does not. */
typedef void process_started(
    struct backend *b, struct guest *g, const char *why, void *arg);

/*
 * Starts a process for g and sends it spec, which is cleared then. started is
 * called later, exactly once, unless this returns -1 with err.
 */
int process_start(struct guest *g, struct guest_spec *spec,
    process_started *started, void *arg, struct error *err);

/*
 * Takes over the process that listens on the other end of fd (taken). known
 * is called when it told its state or is gone. Returns -1: no memory.
 */
int process_adopt(struct guest *g, int fd, void (*known)(struct backend *b));

/*
 * Asks the guest's process something; takes args. answer is called exactly
 * once, later: ret (borrowed) and fd (-1: none; closed afterwards), or why.
 */
typedef void process_answer(
    struct guest *g, json_t *ret, int fd, const char *why, void *arg);
void process_call(struct guest *g, const char *command, json_t *args,
    process_answer *answer, void *arg);

/*
 * The same with a descriptor, which is lent (-1: none), and so many seconds to answer; 0:
 * without a limit.
 */
#define PROCESS_ANSWER_S 10
void process_give(struct guest *g, const char *command, json_t *args, int fd,
    int seconds, process_answer *answer, void *arg);

/*
 * Asks whether it is still there, at most every few seconds: only somebody who
 * looks makes the backend do so. A guest that does not answer in time keeps its
 * state, and its reason says so until it answers.
 */
void process_ping(struct guest *g);

/* Ends it: "quit", and SIGKILL if it does not listen. */
void process_end(struct guest *g);

pid_t process_pid(const struct guest *g);

/* SIGCHLD: collects those that ended. */
void process_reap(struct backend *b);

/* The backend ends: lets go of the connection, the process runs on. */
void process_release(struct guest *g);

#endif
