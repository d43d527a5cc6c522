/*
 * remember.h: what the next backend has to know of guests beyond what their
 * processes tell it: RUNDIR/states/NAME.json, for those that run, crashed or
 * have a history. The folder goes with the host's next boot.
 */
#ifndef BACKEND_SUPERVISOR_REMEMBER_H
#define BACKEND_SUPERVISOR_REMEMBER_H

#include "backend/supervisor/backend.h"

/* Writes the state of g down, or removes what there is nothing to say of. */
void remember_guest(const struct guest *g);
void remember_forget(const struct guest *g);

/*
 * After adoption has found the processes: takes back what was written. A guest
 * that ran and has no process any more ended while no backend was there.
 */
void remember_restore(struct backend *b);

#endif
