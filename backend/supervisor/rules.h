/*
 * rules.h: what a guest's interfaces may send (`locked`), held by the host's
 * kernel at the switch's port: set before the guest's first instruction, and
 * changed while it runs when its definition is read again.
 *
 * What a guest was given is kept as the backend knows it (g->plugs, in
 * remember.c for the next backend), not as its process tells: an array of
 * {"tap", "switch", "lladdr", "locked", "always": by its own word, not by its
 * switch's}, an element for each interface.
 */
#ifndef BACKEND_SUPERVISOR_RULES_H
#define BACKEND_SUPERVISOR_RULES_H

#include "backend/supervisor/backend.h"

/*
 * Locks the ports of vm's interfaces that are to be, with the addresses of
 * spec, which network_open() has plugged in. Returns 0 and the array in
 * *plugs, the caller's; or -1 with err, everything as it was.
 */
int rules_open(struct backend *b, const struct config_vm *vm,
    const struct guest_spec *spec, json_t **plugs, struct error *err);

/* Unlocks what of plugs (or NULL) is locked and still there. */
void rules_undo(struct backend *b, const json_t *plugs);

/*
 * The definition of g, which runs, is vm from now on: its ports are locked and
 * unlocked as that says. Returns 0, or -1 with a sentence for who changed it.
 */
int rules_follow(
    struct guest *g, const struct config_vm *vm, struct error *err);

/*
 * The same for g that nothing defines, where sw was changed: it may lock all
 * that is plugged into it.
 */
int rules_follow_switch(
    struct guest *g, const struct config_switch *sw, struct error *err);

/*
 * g, whose process was adopted, is made to follow what was changed while no
 * backend ran. What fails is logged.
 */
void rules_adopted(struct guest *g);

/* A tap of g is back in its switch, as a new port of it. */
int rules_again(struct guest *g, const char *tap, struct error *err);

/* Whether interface n of g, which runs, is locked. */
bool rules_locked(const struct guest *g, size_t n);

#endif
