/*
 * pick.h: a small list on the right side to choose from: typing filters it,
 * enter takes one, esc none. It has the keyboard while it is open. Main thread.
 */
#ifndef TUI_PICK_H
#define TUI_PICK_H

#include <stdbool.h>
#include <stddef.h>

#include "tui/draw.h"
#include "tui/input.h"
#include "tui/keys.h"

#define PICK_TEXT 255

struct ui;

struct pick_item {
	char name[PICK_TEXT + 1]; /* what is chosen */
	char note[24]; /* what stands behind it, "" if nothing */
};

/* For the bottom line, while one is open. */
#define PICK_HINT "type to filter, enter takes one, esc goes back"

struct pick {
	bool open;
	char title[32];
	char filter[PICK_TEXT + 1];
	struct pick_item *item; /* owned */
	size_t items;
	size_t at, top; /* among those that the filter lets through */
	void (*chosen)(struct ui *ui, const char *name);
	/* On the delete key; NULL: nothing can be deleted. */
	void (*deleted)(struct ui *ui, const char *name);
};

/* Opens an empty one; deleted may be NULL. */
void pick_open(struct pick *p, const char *title,
    void (*chosen)(struct ui *ui, const char *name),
    void (*deleted)(struct ui *ui, const char *name));
void pick_add(struct pick *p, const char *name, const char *note);
void pick_close(struct pick *p);
void pick_key(struct ui *ui, struct pick *p, struct key key);
/* A click takes what is under it, beside the list it closes it. */
void pick_mouse(struct ui *ui, struct pick *p, const struct mouse *m);
/* What it does with keys, for the bottom line: pick_key() takes them first. */
extern const struct binding pick_bindings[];
/* Draws it over the right of the screen, and the cursor. */
void pick_draw(struct ui *ui, const struct pick *p);

#endif
