/*
 * start.h: starting guests, for a client or with the backend; and the guests
 * that already run when the backend starts.
 */
#ifndef BACKEND_SUPERVISOR_START_H
#define BACKEND_SUPERVISOR_START_H

#include "backend/supervisor/backend.h"
#include "backend/supervisor/process.h"

/*
 * Prepares and starts a guest by its definition. started is called later,
 * exactly once, unless this returns -1 with err; a defined guest then carries
 * the sentence as its reason.
 */
int start_guest(struct backend *b, const struct config_vm *vm,
    process_started *started, void *arg, struct error *err);

/*
 * The same for one that goes on from a stream with that head (stream.h, lent):
 * fd is a stream at its beginning, and taken.
 */
int start_received(struct backend *b, const struct config_vm *vm, int fd,
    const json_t *head, process_started *started, void *arg, struct error *err);

/*
 * autostart.c: starts those with enable = yes, a few at a time. A backend that
 * replaces one that was killed only goes on where that one was amid it.
 */
void autostart_begin(struct backend *b, bool replaces);
void autostart_end(struct backend *b);

/*
 * adopt.c: finds the processes that an earlier backend left, and calls done
 * when all have told their state or two seconds have passed.
 */
int adopt_all(
    struct backend *b, void (*done)(struct backend *), struct error *);

#endif
