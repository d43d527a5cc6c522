/*
 * console.h: the keyboard in a guest's console: typing, the prefix ctrl-],
 * looking back. Main thread.
 *
 *	LIST --enter--> TYPING --ctrl-]--> LIST, for a second AFTER
 *	                  ^                        |
 *	                  '--ctrl-] (sends one)----'
 *
 * ctrl-] comes back at once; only the key right behind it may mean something
 * else: ctrl-] again sends it to the guest, pgup looks back.
 */
#ifndef TUI_CONSOLE_H
#define TUI_CONSOLE_H

#include <stdbool.h>
#include <stddef.h>

#include "tui/draw.h"
#include "tui/keys.h"
#include "tui/model.h"

struct ui;
struct event;

struct console {
	bool focus; /* the keyboard is in the selected guest's console */
	bool after; /* ctrl-] was the last key */
	struct event *timer; /* ends after */
	char hint[160];
};

/* Returns -1 if there is no memory. */
int console_begin(struct ui *ui);
void console_end(struct ui *ui);

/* The keyboard goes into the selected guest's console, or comes back. */
void console_enter(struct ui *ui);
void console_leave(struct ui *ui);
/* NULL, or why the keyboard cannot go there. */
const char *console_refuse(struct ui *ui);

/* A key before any table; returns whether the console took it. */
bool console_typed(struct ui *ui, struct key key);
/* The mouse, anywhere on the screen. */
void console_mouse(struct ui *ui, const struct mouse *m);
bool console_pasted(struct ui *ui, const char *text, size_t len);
/* The keys that are not the guest's now. */
const struct binding *console_table(const struct ui *ui);
/* What the bottom line says beside them; NULL: the keyboard is elsewhere. */
const char *console_hint(const struct ui *ui);

/* The pane of the selected guest, or NULL if it has none. */
struct pane *console_pane(const struct ui *ui);
/*
 * The same, made if the guest has a console, in the size of its part of the
 * screen.
 */
struct pane *console_look(struct ui *ui);
/*
 * Draws it: all, or what changed; without a pane what is to say in its
 * place.
 */
void console_draw(struct ui *ui, struct pane *p, bool all);

/* What stands where a console would be. */
void console_draw_instead(const struct rect *r, const struct guest *g);
/* Why the guest has no console now, and what helps: "stopped.  s starts it" */
const char *console_why_silent(const struct guest *g);

/* For the help. */
extern const struct binding console_bindings[];
/* Behind the prefix. */
extern const struct binding console_commands[];

#endif
