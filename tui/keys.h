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
	/*
	 * In [keys], behind the table's name and a "-"; NULL: the word with
	 * "-" for its blanks; "": the key is always this one. Bindings of
	 * one name in one table share their keys.
	 */
	const char *name;
};

/* Tables leave out the last members, of most of which there is no need. */
#pragma GCC diagnostic ignored "-Wmissing-field-initializers"

/* A table as the help names it; bindings end with a NULL run. */
struct keytable {
	const char *title;
	const struct binding *bindings;
	const char
	    *name; /* in [keys], see keymap.h; NULL: none can be chosen */
	/*
	 * Letters are typed there: keys have ctrl or alt, or are named ones.
	 */
	bool typing;
	bool alone; /* the keys that work everywhere do not work there */
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
bool key_same(struct key a, struct key b);

/* The keys that a binding has now, chosen ones or its own; code 0: none. */
struct keys {
	struct key key, also;
};
struct keys keys_of(const struct binding *b);
/* Their names with a blank between: "| %"; "" if it has none. Returns buf. */
const char *keys_names(const struct binding *b, char *buf, size_t len);
/* Gives it others; nobody's memory but this one's is kept. -1: no memory. */
int keys_choose(const struct binding *b, struct keys keys);
/* All have their own again, the prefix too. */
void keys_forget(void);

/*
 * Reads a key as key_name() writes it in ASCII, in any case: "ctrl-a",
 * "alt-x", "F12", "shift-pgup", "esc". False if it is none.
 */
bool key_parse(const char *text, struct key *key);

/* As key_parse() reads it back, in ASCII whatever the screen has. */
const char *key_spell(struct key key, char *buf, size_t len);

/*
 * The name a person would use: "s", "ctrl-]", "esc", "shift-pgup", an arrow.
 * Returns buf.
 */
const char *key_name(struct key key, char *buf, size_t len);

/* Whether the table has the key. */
bool keys_has(const struct binding *table, struct key key);

/*
 * Runs the first binding of the key that does not refuse. Returns whether the
 * table has the key; *why is then NULL, or what the first of them said
 * against it.
 */
bool keys_run(const struct binding *table, struct key key, struct ui *ui,
    const char **why);

#endif
