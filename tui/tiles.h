/*
 * tiles.h: the panes of the consoles view: which guest's console is in which
 * leaf of the tree, which one has the keyboard, and where typing goes. Each
 * tile has a pane of its own, so two may show one guest at different sizes.
 * Drawn by tiles_draw.c, kept across runs by layouts.c. Main thread.
 */
#ifndef TUI_TILES_H
#define TUI_TILES_H

#include <stdbool.h>
#include <stdint.h>

#include "tui/draw.h"
#include "tui/model.h"
#include "tui/pane.h"
#include "tui/pick.h"
#include "tui/tree.h"

struct ui;
struct event;

struct tile {
	char name[MODEL_NAME_MAX + 1]; /* of its guest, which may be gone */
	struct pane *pane; /* NULL until the view was looked at */
	char port[PANE_PORT_MAX + 1]; /* that pane has or will have */
	struct rect title, body; /* on the screen; h 0: not there */
	struct rect note; /* the last row of body while its guest is down */
	bool marked; /* typing goes here too */
	bool printed, rang; /* since it last had the keyboard */
	uint64_t heard; /* of its pane, when it last had it */
	bool stale; /* to be drawn whole */
};

/* What the prefix key opened. */
enum prefix_state {
	PREFIX_NONE,
	PREFIX_WAITS, /* for a command */
	PREFIX_MENU, /* so long that the commands are shown */
	PREFIX_REPEATS /* a command that is often repeated was the last key */
};

struct consoles {
	struct tree tree; /* its leaves are struct tile, owned */
	struct tile *focus, *last; /* NULL: none */
	bool zoom; /* the focused one has all of the screen */
	bool on; /* the view is on the screen */
	unsigned shape; /* the next ready-made arrangement */
	struct rect area;
	enum prefix_state prefix;
	struct event *timer; /* of the prefix */
	struct key key; /* the command that runs, for those on many keys */
	struct pick pick;
	enum tree_side side; /* where what was picked goes */
	struct tree_border border; /* being dragged; group NULL: none */
	int grabbed; /* its row or column */
	struct tile *title_of; /* last clicked on, to know a double click */
	int64_t click_at; /* monotonic ms */
	struct event *save; /* writes the layout a little later */
	bool changed; /* since it was written */
	char hint[256];
};

/* Returns -1 if there is no memory. */
int tiles_begin(struct ui *ui);
void tiles_end(struct ui *ui);

/* All of them in reading order, into room for TREE_MAX; returns how many. */
unsigned tiles_all(const struct consoles *c, struct tile **tile);
struct tree_node *tiles_node(const struct consoles *c, const struct tile *t);
/* The i'th (from 0), or NULL. */
struct tile *tiles_nth(const struct consoles *c, unsigned i);
struct tile *tiles_of_pane(const struct consoles *c, const struct pane *p);
struct tile *tiles_of_guest(const struct consoles *c, const char *name);

/*
 * A tile for that guest on that side of the focused one, with the keyboard.
 * NULL, with a sentence said, if there is no room.
 */
struct tile *tiles_add(struct ui *ui, const char *name, enum tree_side side);
/* The side on which the focused tile has more room to give. */
enum tree_side tiles_roomy(const struct consoles *c);
/* Turns to the guest's tile, made if there is none. */
void tiles_open(struct ui *ui, const char *name);
/* One for every guest that is up, as a grid. */
void tiles_open_running(struct ui *ui);
void tiles_close(struct ui *ui, struct tile *t);
/* Closes all, as before a layout is loaded. */
void tiles_clear(struct ui *ui);
void tiles_focus(struct ui *ui, struct tile *t);
void tiles_zoom(struct ui *ui, bool zoom);
void tiles_turn_port(struct ui *ui, struct tile *t);

/* The tree changed by other hands: places anew, and the layout is kept. */
void tiles_changed(struct ui *ui);
/* Places all tiles on the screen and gives their panes their sizes. */
void tiles_place(struct ui *ui);
/* The view comes to the screen or leaves it. */
void tiles_show(struct ui *ui, bool on);

/*
 * Typing, into the focused tile and all that are marked (a console that two
 * of them show gets it once). Returns how many took it.
 */
unsigned tiles_type(struct ui *ui, struct key key);
unsigned tiles_paste(struct ui *ui, const char *text, size_t len);
/* How many consoles typing goes to. */
unsigned tiles_targets(const struct consoles *c, struct tile **target);

/* Whether typing goes to several now, with the view on the screen. */
bool tiles_broadcast(const struct consoles *c);

/* What a pane of a tile has to say; false: it is none of a tile. */
bool tiles_text(struct ui *ui, struct pane *p);
bool tiles_state(struct ui *ui, struct pane *p);
/* *beep: whether the person's terminal should. */
bool tiles_bell(struct ui *ui, struct pane *p, bool *beep);

/* Draws them with the lines between them. */
void tiles_draw(struct ui *ui, unsigned dirty);
/* Whether the guest of the tile is there to be typed to. */
bool tiles_hears(const struct tile *t);
/* Whether one looks back in it (t may be NULL): keys are for that then. */
bool tiles_looking(const struct tile *t);

#endif
