#include <time.h>

#include "tui/consoles_keys.h"
#include "tui/consoles_mouse.h"
#include "tui/ui.h"

#define TWICE_MS 400 /* two clicks within it are one double click */
#define WHEEL    3 /* lines a notch */

static int64_t
now_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}

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
	struct rect before, after;
	const struct tree_node *child;

	if (by == 0)
		return;
	child = c->border.group->child[c->border.i];
	before = (struct rect){child->y, child->x, child->h, child->w};
	if (!tree_move_border(&c->border, by))
		return;
	tiles_changed(ui);
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
	int64_t now = now_ms();

	if (c->title_of == t && now < c->click_at + TWICE_MS) {
		c->title_of = NULL;
		c->border.group = NULL;
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

	c->border.group = NULL;
	if (m->button == 1 && !c->zoom &&
	    tree_border_at(&c->tree, m->row, m->col, &c->border))
		c->grabbed = along(c, m);
	else
		c->border.group = NULL;
	if (t == NULL)
		return;
	if (m->button == 1 && within(&t->title, m))
		title_pressed(ui, t);
	else if (m->button == 1)
		tiles_focus(ui, t);
}

/* In a pane: the guest's if it wants it, else the wheel looks back. */
static void
in_pane(struct ui *ui, struct tile *t, const struct mouse *m)
{
	struct term *term;

	if (t->pane == NULL || !within(&t->body, m))
		return;
	term = pane_term(t->pane);
	if (tiles_hears(t) && t == ui->consoles.focus &&
	    term_mouse_mode(term) != TERM_MOUSE_NONE &&
	    pane_back(t->pane) == 0 && !(m->mods & TERM_SHIFT))
		term_mouse(term, m->event, (unsigned)(m->row - t->body.y),
		    (unsigned)(m->col - t->body.x), m->button, m->mods);
	else if (m->event == TERM_MOUSE_PRESS && m->button == 4)
		pane_scroll(t->pane, WHEEL);
	else if (m->event == TERM_MOUSE_PRESS && m->button == 5 &&
	    pane_back(t->pane) > 0)
		pane_scroll(t->pane, -WHEEL);
}

void
consoles_mouse(struct ui *ui, const struct mouse *m)
{
	struct consoles *c = &ui->consoles;
	struct tile *t;

	if (c->pick.open) {
		if (m->event == TERM_MOUSE_PRESS && m->button == 1)
			pick_click(ui, &c->pick, m->row, m->col);
		else if (m->event == TERM_MOUSE_PRESS && m->button > 3)
			pick_key(ui, &c->pick,
			    (struct key){m->button == 4 ? K_UP : K_DOWN, 0});
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
	if (m->event == TERM_MOUSE_PRESS && m->button < 4)
		pressed(ui, m);
	if (c->border.group == NULL && (t = under(c, m)) != NULL)
		in_pane(ui, t, m);
}
