
#include "config/clock.h"
#include "tui/consoles_keys.h"
#include "tui/consoles_mouse.h"
#include "tui/ui.h"

#define TWICE_MS 400 /* two clicks within it are one double click */

static bool
within(const struct rect *r, const struct mouse *m)
{
	return m->row >= r->y && m->row < r->y + r->h && m->col >= r->x &&
	    m->col < r->x + r->w;
}

/* The tile under the mouse, title included, or NULL. */
static struct tile *
under(const struct consoles *c, const struct mouse *m)
{
	struct tile *tile[TREE_MAX];
	unsigned i, n = tiles_all(c, tile);

	for (i = 0; i < n; i++)
		if (within(&tile[i]->title, m) || within(&tile[i]->body, m) ||
		    within(&tile[i]->note, m))
			return tile[i];
	return NULL;
}

/* Where along its axis a border is dragged to. */
static int
along(const struct consoles *c, const struct mouse *m)
{
	return c->border.group->kind == TREE_COLUMNS ? m->col : m->row;
}

static void
drag(struct ui *ui, const struct mouse *m)
{
	struct consoles *c = &ui->consoles;
	int by = along(c, m) - c->grabbed;
	struct tree_border border;
	struct rect before, after;
	const struct tree_node *child;

	if (by == 0)
		return;
	/* A press behind this one is a new one, not the second of two. */
	c->title_of = NULL;
	child = c->border.group->child[c->border.i];
	before = (struct rect){child->y, child->x, child->h, child->w};
	if (!tree_move_border(&c->border, by))
		return;
	border = c->border;
	tiles_changed(ui);
	c->border = border;
	after = (struct rect){child->y, child->x, child->h, child->w};
	/* As far as it went: it stops where panes would be too small. */
	c->grabbed += c->border.group->kind == TREE_COLUMNS
	    ? after.w - before.w
	    : after.h - before.h;
}

/* A title was pressed; twice it zooms. */
static void
title_pressed(struct ui *ui, struct tile *t)
{
	struct consoles *c = &ui->consoles;
	int64_t now = clock_ms();

	if (c->title_of == t && now < c->click_at + TWICE_MS) {
		c->title_of = NULL;
		tiles_focus(ui, t);
		tiles_zoom(ui, !c->zoom);
		return;
	}
	c->title_of = t;
	c->click_at = now;
	tiles_focus(ui, t);
}

static void
pressed(struct ui *ui, const struct mouse *m)
{
	struct consoles *c = &ui->consoles;
	struct tile *t = under(c, m);

	if (m->button != 1)
		return;
	if (t != NULL && within(&t->title, m))
		title_pressed(ui, t);
	else if (t != NULL)
		tiles_focus(ui, t);
	/* Last: a change of the focus lets go of borders. */
	if (!c->zoom && tree_border_at(&c->tree, m->row, m->col, &c->border))
		c->grabbed = along(c, m);
	else
		c->border.group = NULL;
}

/* Whose a drag or a release is, wherever the mouse is by then. */
static struct tile *
held(const struct ui *ui)
{
	const struct consoles *c = &ui->consoles;
	struct tile *t = c->focus;

	if (t != NULL && t->pane != NULL && !tiles_looking(t) &&
	    term_mouse_mode(pane_term(t->pane)) != TERM_MOUSE_NONE)
		return t;
	return tiles_of_pane(c, ui->looks.pressed);
}

void
consoles_mouse(struct ui *ui, const struct mouse *m)
{
	struct consoles *c = &ui->consoles;
	struct tile *t;
	bool had;

	if (c->pick.open) {
		pick_mouse(ui, &c->pick, m);
		return;
	}
	if (m->event == TERM_MOUSE_PRESS)
		consoles_disarm(ui);
	if (m->event != TERM_MOUSE_PRESS && c->border.group != NULL) {
		if (m->event == TERM_MOUSE_MOTION)
			drag(ui, m);
		else
			c->border.group = NULL;
		return;
	}
	t = m->event == TERM_MOUSE_PRESS ? under(c, m) : held(ui);
	had = t == c->focus;
	if (m->event == TERM_MOUSE_PRESS && m->button < 4)
		pressed(ui, m);
	/* A click that only turns to a pane is not its guest's. */
	if (c->border.group == NULL && t != NULL && t->pane != NULL &&
	    (within(&t->body, m) || m->event != TERM_MOUSE_PRESS) &&
	    (had || m->button > 3 ||
		term_mouse_mode(pane_term(t->pane)) == TERM_MOUSE_NONE))
		look_mouse(ui, t->pane, &t->body, m);
}
