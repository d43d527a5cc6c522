#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tui/layouts.h"
#include "tui/size.h"
#include "tui/ui.h"

unsigned
tiles_all(const struct consoles *c, struct tile **tile)
{
	struct tree_node *leaf[TREE_MAX];
	unsigned i, n = tree_leaves(&c->tree, leaf);

	for (i = 0; i < n; i++)
		tile[i] = leaf[i]->leaf;
	return n;
}

struct tree_node *
tiles_node(const struct consoles *c, const struct tile *t)
{
	return tree_find(&c->tree, t);
}

struct tile *
tiles_nth(const struct consoles *c, unsigned i)
{
	struct tile *tile[TREE_MAX];

	return i < tiles_all(c, tile) ? tile[i] : NULL;
}

struct tile *
tiles_of_pane(const struct consoles *c, const struct pane *p)
{
	struct tile *tile[TREE_MAX];
	unsigned i, n = tiles_all(c, tile);

	for (i = 0; i < n; i++)
		if (p != NULL && tile[i]->pane == p)
			return tile[i];
	return NULL;
}

struct tile *
tiles_of_guest(const struct consoles *c, const char *name)
{
	struct tile *tile[TREE_MAX];
	unsigned i, n = tiles_all(c, tile);

	if (c->focus != NULL && strcmp(c->focus->name, name) == 0)
		return c->focus;
	for (i = 0; i < n; i++)
		if (strcmp(tile[i]->name, name) == 0)
			return tile[i];
	return NULL;
}

/*
 * --- Places -------------------------------------------------------------
 */

/* Gives the tile its part of the screen; hidden, it has none. */
static void
put(const struct ui *ui, struct tile *t, int y, int x, int h, int w, bool seen)
{
	const struct guest *g = model_find(ui->model, t->name);
	bool down = g == NULL || !guest_is_up(g);

	t->title = (struct rect){y, x, seen && h > 0 && w > 0, w};
	t->body =
	    (struct rect){y + 1, x, seen && h > 1 && w > 0 ? h - 1 : 0, w};
	t->note = t->body;
	t->note.h = 0;
	/* What it last said stays above the sentence that it is down. */
	if (down && t->pane != NULL && pane_used(t->pane) && t->body.h > 1) {
		t->body.h--;
		t->note.y = t->body.y + t->body.h;
		t->note.h = 1;
	}
}

/* The pane of a tile: made when first needed, in the size of its room. */
static void
furnish(struct ui *ui, struct tile *t, int h, int w)
{
	const struct guest *g = model_find(ui->model, t->name);

	if (t->body.h > 0)
		h = t->body.h;
	if (h < 1 || w < 1)
		return;
	if (t->pane == NULL) {
		t->pane = pane_new(
		    ui->panes, t->name, t->port, (unsigned)h, (unsigned)w);
		if (t->pane == NULL)
			return;
	} else
		pane_resize(t->pane, (unsigned)h, (unsigned)w);
	size_fit(ui, t->pane, g);
	if (g != NULL)
		pane_connect(t->pane, g);
}

void
tiles_place(struct ui *ui)
{
	struct consoles *c = &ui->consoles;
	struct tree_node *leaf[TREE_MAX];
	struct tile *t;
	unsigned i, n = tree_leaves(&c->tree, leaf);
	bool zoomed, seen;

	c->area = (struct rect){0, 0, ui->layout.rows - 1, ui->layout.cols};
	/* The line of the host gives its room to panes. */
	if (c->on)
		ui->layout.top =
		    (struct rect){0, 0, c->tree.root == NULL, ui->layout.cols};
	tree_layout(&c->tree, c->area.y, c->area.x, c->area.h, c->area.w);
	for (i = 0; i < n; i++) {
		t = leaf[i]->leaf;
		zoomed = c->zoom && t == c->focus;
		seen = zoomed || !c->zoom;
		if (zoomed)
			put(ui, t, c->area.y, c->area.x, c->area.h, c->area.w,
			    seen);
		else
			put(ui, t, leaf[i]->y, leaf[i]->x, leaf[i]->h,
			    leaf[i]->w, seen);
		/* Consoles are opened when the view is first looked at. */
		if (c->on || t->pane != NULL)
			furnish(ui, t, leaf[i]->h - 1, t->body.w);
	}
	size_follow(ui);
}

void
tiles_changed(struct ui *ui)
{
	/* What was grabbed may be no more. */
	ui->consoles.border.group = NULL;
	tiles_place(ui);
	layouts_changed(ui);
	ui_dirty(ui, DIRTY_ALL);
}

/*
 * --- Focus ---------------------------------------------------------------
 */

/* The keyboard is in the focused pane as long as the view is on the screen. */
static void
look_at(struct ui *ui, struct tile *t, bool in)
{
	if (t == NULL || t->pane == NULL)
		return;
	pane_focus(t->pane, in);
	t->heard = pane_heard(t->pane);
	if (in)
		t->printed = t->rang = false;
}

void
tiles_focus(struct ui *ui, struct tile *t)
{
	struct consoles *c = &ui->consoles;

	if (t == c->focus)
		return;
	look_at(ui, c->focus, false);
	if (c->focus != NULL)
		c->last = c->focus;
	c->focus = t;
	if (c->on)
		look_at(ui, t, true);
	tiles_changed(ui);
}

void
tiles_zoom(struct ui *ui, bool zoom)
{
	ui->consoles.zoom = zoom;
	tiles_changed(ui);
}

void
tiles_show(struct ui *ui, bool on)
{
	struct consoles *c = &ui->consoles;

	c->on = on;
	if (on)
		tiles_place(ui);
	look_at(ui, c->focus, on);
	size_follow(ui);
}

void
tiles_turn_port(struct ui *ui, struct tile *t)
{
	if (t->pane == NULL)
		return;
	pane_turn(t->pane, model_find(ui->model, t->name));
	snprintf(t->port, sizeof t->port, "%s", pane_port(t->pane));
	t->heard = pane_heard(t->pane);
	t->stale = true;
	tiles_changed(ui);
}

/*
 * --- Coming and going ----------------------------------------------------
 */

enum tree_side
tiles_roomy(const struct consoles *c)
{
	const struct tree_node *at;

	if (c->focus == NULL || (at = tiles_node(c, c->focus)) == NULL)
		return TREE_RIGHT;
	/* Two of 60 columns are of more use than two of 10 rows. */
	return at->w >= 120 || at->w > 4 * at->h ? TREE_RIGHT : TREE_DOWN;
}

/* A leaf that can be halved, the focused one if possible; NULL: none. */
static struct tree_node *
roomiest(const struct consoles *c, enum tree_side *side)
{
	struct tree_node *leaf[TREE_MAX], *best = tiles_node(c, c->focus);
	unsigned i, n = tree_leaves(&c->tree, leaf);

	if (best != NULL && tree_splits(best, *side))
		return best;
	best = NULL;
	for (i = 0; i < n; i++)
		if ((tree_splits(leaf[i], TREE_RIGHT) ||
			tree_splits(leaf[i], TREE_DOWN)) &&
		    (best == NULL ||
			leaf[i]->h * leaf[i]->w > best->h * best->w))
			best = leaf[i];
	if (best != NULL)
		*side = tree_splits(best, TREE_RIGHT) &&
			(best->w > 4 * best->h || !tree_splits(best, TREE_DOWN))
		    ? TREE_RIGHT
		    : TREE_DOWN;
	return best;
}

static struct tile *
insert(
    struct ui *ui, struct tree_node *at, enum tree_side side, const char *name)
{
	struct consoles *c = &ui->consoles;
	struct tile *t = calloc(1, sizeof *t);

	if (t == NULL)
		return NULL;
	snprintf(t->name, sizeof t->name, "%s", name);
	snprintf(t->port, sizeof t->port, "%s", PANE_SERIAL);
	if (tree_split(&c->tree, at, side, t) == NULL) {
		free(t);
		return NULL;
	}
	return t;
}

struct tile *
tiles_add(struct ui *ui, const char *name, enum tree_side side)
{
	struct consoles *c = &ui->consoles;
	struct tree_node *at = NULL;
	struct tile *t;

	if (c->focus != NULL) {
		at = tiles_node(c, c->focus);
		if (!tree_splits(at, side)) {
			ui_say(ui,
			    "The pane of %s is too small to be split: each "
			    "half needs %d lines and %d columns.",
			    c->focus->name, TREE_MIN_ROWS, TREE_MIN_COLS);
			return NULL;
		}
	}
	if ((t = insert(ui, at, side, name)) == NULL) {
		ui_error(ui, "There can be %d panes and no more.", TREE_MAX);
		return NULL;
	}
	c->zoom = false;
	tiles_focus(ui, t);
	return t;
}

void
tiles_open(struct ui *ui, const char *name)
{
	struct consoles *c = &ui->consoles;
	enum tree_side side = tiles_roomy(c);
	struct tile *t = tiles_of_guest(c, name);
	struct tree_node *at;

	if (t == NULL) {
		at = roomiest(c, &side);
		if (c->tree.root != NULL &&
		    (at == NULL || (t = insert(ui, at, side, name)) == NULL)) {
			ui_say(ui,
			    "No pane is large enough to be split for %s; "
			    "close one first.",
			    name);
			return;
		}
		if (t == NULL)
			t = insert(ui, NULL, side, name);
		c->zoom = false;
	}
	if (t != NULL)
		tiles_focus(ui, t);
}

/* How many tiles a grid on this screen can have. */
static unsigned
capacity(const struct consoles *c)
{
	int n = (c->area.h / TREE_MIN_ROWS) *
	    ((c->area.w + 1) / (TREE_MIN_COLS + 1));

	return n < 1 ? 1 : n > TREE_MAX ? TREE_MAX : (unsigned)n;
}

void
tiles_open_running(struct ui *ui)
{
	struct consoles *c = &ui->consoles;
	struct tree_node *leaf[TREE_MAX];
	const struct model *m = ui->model;
	struct tile *first = NULL, *t;
	unsigned n = tree_leaves(&c->tree, leaf), left = 0;
	size_t i;

	for (i = 0; i < m->guests; i++) {
		if (!guest_is_up(m->guest[i]) ||
		    tiles_of_guest(c, m->guest[i]->name) != NULL)
			continue;
		t = n < capacity(c) ? insert(ui, n > 0 ? leaf[n - 1] : NULL,
					  TREE_RIGHT, m->guest[i]->name)
				    : NULL;
		if (t == NULL) {
			left++;
			continue;
		}
		if (first == NULL)
			first = t;
		n = tree_leaves(&c->tree, leaf);
	}
	if (n == 0) {
		ui_say(ui, "No guest is running.");
		return;
	}
	if (left > 0)
		ui_say(ui, "%u more guests run than fit on this screen.", left);
	tree_layout(&c->tree, c->area.y, c->area.x, c->area.h, c->area.w);
	tree_arrange(&c->tree, TREE_SHAPE_GRID);
	c->zoom = false;
	if (c->focus == NULL)
		tiles_focus(ui, first);
	tiles_changed(ui);
}

static void
tile_free(struct tile *t)
{
	pane_free(t->pane);
	free(t);
}

void
tiles_close(struct ui *ui, struct tile *t)
{
	struct consoles *c = &ui->consoles;
	struct tree_node *heir = tree_close(&c->tree, tiles_node(c, t));
	struct tile *next = heir != NULL ? heir->leaf : NULL;

	if (c->last == t)
		c->last = NULL;
	if (c->title_of == t)
		c->title_of = NULL;
	if (c->focus == t) {
		c->focus = NULL;
		c->zoom = false;
		if (c->last != NULL)
			next = c->last;
		tiles_focus(ui, next);
		c->last = NULL;
	}
	tile_free(t);
	tiles_changed(ui);
}

void
tiles_clear(struct ui *ui)
{
	struct consoles *c = &ui->consoles;
	struct tile *tile[TREE_MAX];
	unsigned i, n = tiles_all(c, tile);

	tree_clear(&c->tree);
	c->focus = c->last = c->title_of = NULL;
	c->zoom = false;
	c->border.group = NULL;
	for (i = 0; i < n; i++)
		tile_free(tile[i]);
}

/*
 * --- Typing --------------------------------------------------------------
 */

bool
tiles_hears(const struct tile *t)
{
	return t->pane != NULL && pane_connected(t->pane);
}

bool
tiles_looking(const struct tile *t)
{
	return t != NULL && t->pane != NULL && look_on(t->pane);
}

unsigned
tiles_targets(const struct consoles *c, struct tile **target)
{
	struct tile *tile[TREE_MAX];
	unsigned i, k, n = tiles_all(c, tile), targets = 0;

	if (c->focus != NULL)
		target[targets++] = c->focus;
	for (i = 0; i < n; i++) {
		if (!tile[i]->marked)
			continue;
		for (k = 0; k < targets; k++)
			if (strcmp(target[k]->name, tile[i]->name) == 0 &&
			    strcmp(target[k]->port, tile[i]->port) == 0)
				break;
		if (k == targets)
			target[targets++] = tile[i];
	}
	return targets;
}

bool
tiles_broadcast(const struct consoles *c)
{
	struct tile *target[TREE_MAX];

	return c->on && tiles_targets(c, target) > 1 &&
	    !tiles_looking(c->focus);
}

unsigned
tiles_type(struct ui *ui, struct key key)
{
	struct tile *target[TREE_MAX];
	unsigned i, took = 0, n = tiles_targets(&ui->consoles, target);

	for (i = 0; i < n; i++)
		if (target[i]->pane != NULL)
			took += pane_key(target[i]->pane, key);
	return took;
}

unsigned
tiles_paste(struct ui *ui, const char *text, size_t len)
{
	struct tile *target[TREE_MAX];
	unsigned i, took = 0, n = tiles_targets(&ui->consoles, target);

	for (i = 0; i < n; i++)
		if (target[i]->pane != NULL)
			took += pane_paste(target[i]->pane, text, len);
	return took;
}

/*
 * --- News ------------------------------------------------------------------
 */

bool
tiles_text(struct ui *ui, struct pane *p)
{
	struct consoles *c = &ui->consoles;
	struct tile *t = tiles_of_pane(c, p);

	if (t == NULL)
		return false;
	if (c->on && t->body.h > 0)
		ui_dirty(ui, DIRTY_CONSOLE);
	if ((t != c->focus || !c->on) && !t->printed &&
	    pane_heard(p) != t->heard) {
		t->printed = true;
		if (c->on)
			ui_dirty(ui, DIRTY_BODY | DIRTY_BOTTOM);
	}
	return true;
}

bool
tiles_state(struct ui *ui, struct pane *p)
{
	struct tile *t = tiles_of_pane(&ui->consoles, p);

	if (t == NULL)
		return false;
	t->stale = true;
	if (ui->consoles.on)
		ui_dirty(ui, DIRTY_CONSOLE | DIRTY_BODY | DIRTY_BOTTOM);
	size_follow(ui);
	return true;
}

bool
tiles_bell(struct ui *ui, struct pane *p, bool *beep)
{
	struct consoles *c = &ui->consoles;
	struct tile *t = tiles_of_pane(c, p);

	*beep = false;
	if (t == NULL)
		return false;
	*beep = c->on && t == c->focus;
	if (!*beep && !t->rang) {
		t->rang = true;
		if (c->on)
			ui_dirty(ui, DIRTY_BODY);
	}
	return true;
}
