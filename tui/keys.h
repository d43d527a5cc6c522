/*
 * keys.h: tables of keys: what a key does, what it is called, when it works.
 *
 * The bottom line, the help and the dispatch all read the same tables, so
 * that a key shown is a key that works. Main thread.
 */
#ifndef TUI_KEYS_H
#define TUI_KEYS_H

#include <stdbool.h>
#include <stddef.h>

#include "tui/input.h"

struct ui;

struct binding {
	struct key key;
	struct key also; /* code 0: no second key */
	/*
	 * On the bottom line, one or two words; NULL: not there. The order
	 * of a table is that of importance: what does not fit is left out
	 * from the end.
	 */
	const char *word;
	/* In the help; NULL: not there. */
	const char *help;
	/*
	 * NULL (or returning NULL): it can be done now. Else the sentence that
	 * says why not, valid until the next call.
	 */
	const char *(*refuse)(struct ui *ui);
	void (*run)(struct ui *ui);
};

/* A table as the help names it; bindings end with a NULL run. */
struct keytable {
	const char *title;
	const struct binding *bindings;
};

/*
 * In a table: the key in front of commands where all other keys are a guest's.
 * ctrl-] unless the person chose another one.
 */
#define K_PREFIX 0x3fffffu

void keys_set_prefix(struct key key);
struct key keys_prefix(void);
/* "ctrl-]", for sentences. */
const char *keys_prefix_name(void);

bool key_is(struct key key, uint32_t code, unsigned mods);

/*
 * Reads a key as key_name() writes it in ASCII, in any case: "ctrl-a",
 * "alt-x", "F12", "shift-pgup", "esc". False if it is none.
 */
bool key_parse(const char *text, struct key *key);

/*
 * The name a person would use: "s", "ctrl-]", "esc", "shift-pgup", an arrow.
 * Returns buf.
 */
const char *key_name(struct key key, char *buf, size_t len);

/*
 * Runs the first binding of the key that does not refuse. Returns whether the
 * table has the key; *why is then NULL, or what the first of them said
 * against it.
 */
bool keys_run(const struct binding *table, struct key key, struct ui *ui,
    const char **why);

#endif
