/*
 * diff.h: what two configurations say differently. Used by the backend to
 * tell a person what a reload changed. Pure; any thread.
 */
#ifndef CONFIG_DIFF_H
#define CONFIG_DIFF_H

#include "config/config.h"

struct config_change {
	enum config_section_kind kind; /* CONFIG_VMTUI, _SWITCH or _VM */
	const char *name; /* "" for CONFIG_VMTUI */
	enum { CONFIG_ADDED, CONFIG_REMOVED, CONFIG_CHANGED } what;
	/* CONFIG_CHANGED: the keys with another value. */
	const struct config_key *keys[CONFIG_KEYS_MAX];
	size_t nkeys;
	/* Of a guest that was changed: as it was and is. */
	const struct config_vm *before, *after;
};

/* Whether the nth of its keys needs no restart of a running guest. */
bool config_change_at_once(const struct config_change *change, size_t n);

/*
 * Calls each() for every section that was added, removed or changed, in the
 * order of the files; what change points to lives as long as both do.
 */
void config_diff(const struct config *before, const struct config *after,
    void (*each)(const struct config_change *change, void *arg), void *arg);

#endif
