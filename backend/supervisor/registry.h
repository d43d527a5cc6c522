/* registry.h: the guests, what state each is in, and who waits for which. */
#ifndef BACKEND_SUPERVISOR_REGISTRY_H
#define BACKEND_SUPERVISOR_REGISTRY_H

#include "backend/supervisor/backend.h"

/* NULL if there is none. */
struct guest *registry_find(const struct backend *b, const char *name);
/* The same by name or, as a person may write, by number. */
struct guest *registry_find_any(const struct backend *b, const char *name);
/* The one there is, or a new one, stopped. NULL: no memory. */
struct guest *registry_get(struct backend *b, const char *name);
/*
 * Brings the list in line with the configuration: new definitions come in,
 * what is neither defined nor running goes. With forget also what crashed.
 */
void registry_sync(struct backend *b, bool forget);
void registry_free(struct backend *b);

/* Changes the state and tells subscribers. reason: NULL for none. */
void registry_state(struct guest *g, const char *state, const char *reason);
/*
 * The guest's process is gone: takes the state it left, answers those who
 * wait, and drops the guest if nothing is left to say about it: g may be
 * freed when this returns.
 */
void registry_ended(struct guest *g, const char *state, const char *reason);
/* Whether a process runs for it, in whatever state. */
bool registry_runs(const struct guest *g);
unsigned registry_running(const struct backend *b);

/* GUEST and HOST of proto.h. */
json_t *registry_guest_json(struct guest *g);

#endif
