/*
 * layouts.h: the panes of the consoles view across runs: how they stood last,
 * and layouts saved under a name. STATEDIR/consoles.json:
 *
 *	{"current": LAYOUT, "layouts": {"NAME": LAYOUT…}}
 *	LAYOUT: {"tree": NODE, "focus": index of a leaf, "zoom": bool}
 *	NODE:   {"guest": NAME, "port": "hvc0"?, "weight": n}
 *	     or {"split": "columns" | "rows", "panes": [NODE…], "weight": n}
 *
 * What is odd in the file is left out or refused as a whole, never obeyed.
 * Several screens share the file: each writes what it changed into what the
 * file says then. Main thread.
 */
#ifndef TUI_LAYOUTS_H
#define TUI_LAYOUTS_H

#include <jansson.h>

#include "config/error.h"
#include "tui/tree.h"

#define LAYOUTS_NAME_MAX 32

struct ui;

/* Takes over the layout of the last run; what is wrong is said. */
void layouts_begin(struct ui *ui);
/* Writes what is not yet written. */
void layouts_end(struct ui *ui);
/* The panes changed: the file follows a little later. */
void layouts_changed(struct ui *ui);

/* Calls with the name of each saved layout. */
void layouts_each(void (*each)(const char *name, void *arg), void *arg);
/* Each says what it did, or why not. */
void layouts_save(struct ui *ui, const char *name);
void layouts_load(struct ui *ui, const char *name);
void layouts_delete(struct ui *ui, const char *name);

/*
 * A tree as a NODE, and back: make turns a leaf's NODE into what the leaf
 * points to, or refuses with NULL. layouts_tree() returns -1 (and an empty
 * tree; drop was called for each leaf already made) if the node is none.
 */
json_t *layouts_node(
    const struct tree_node *node, void (*tell)(json_t *to, const void *leaf));
int layouts_tree(struct tree *t, const json_t *node,
    void *(*make)(const json_t *from), void (*drop)(void *leaf));

#endif
