/*
 * keymap.h: what keys do, as a person chose it: the section [keys].
 *
 * Every binding of every table (keys.h) has a name there: that of its table
 * and its own, "guests-start"; those that work everywhere have no table's:
 * "help". Views are turned to by "view-guests" and so on.
 *
 *	[keys]
 *	guests-start = F5		in place of s
 *	look-down = j down		two keys
 *	quit = none			no key at all
 *	prefix = ctrl-a			of consoles, see keys.h
 */
#ifndef TUI_KEYMAP_H
#define TUI_KEYMAP_H

#include <stdbool.h>

#include "config/config.h"
#include "tui/keys.h"

struct view;

/* Once, before any configuration is read: collects the names. */
void keymap_begin(void);

/*
 * All that [keys] may have, for config_keys(): names, the keys that each has
 * by itself, its help. From keymap_begin() on, any thread.
 */
const struct config_key *keymap_keys(void);

/* See struct config_screen; any thread. */
void keymap_judge(const struct config *cfg,
    void (*say)(void *arg, int line, const char *text), void *arg);

/* From now on keys are those that a configuration without mistakes says. */
void keymap_use(const struct config *cfg);

/* Whether the key turns to that view. */
bool keymap_turns(struct key key, const struct view *view);
/* The name of the first key that does, "" if there is none. Returns buf. */
const char *keymap_turns_name(const struct view *view, char *buf, size_t len);

/*
 * For sentences: the name of the first key of an action, "s" of
 * "guests-start"; "(no key)" if it has none. Good until the next call for the
 * same action. Main thread.
 */
const char *keymap_key(const char *action);
/* Whether the key is one of that action's. */
bool keymap_is(const char *action, struct key key);

#endif
