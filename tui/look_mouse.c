
#include "config/clock.h"
#include "tui/ui.h"

#define WHEEL      3 /* lines a step of the wheel */
#define CLICK_MS   400 /* between clicks that belong together */
#define LEFT       1
#define WHEEL_UP   4
#define WHEEL_DOWN 5

static unsigned
within(int n, int size)
{
	return n < 0 ? 0 : n >= size ? (unsigned)(size - 1) : (unsigned)n;
}

/* The place of the text under the mouse. */
static struct term_place
place_of(struct pane *p, const struct rect *r, const struct mouse *m)
{
	const struct term *t = pane_term(p);
	unsigned row, col;
	int h = r->h, w = r->w;

	pane_part(p, (unsigned)h, (unsigned)w, &row, &col);
	/* Not beside a terminal that is smaller. */
	if (h > (int)(term_rows(t) - row))
		h = (int)(term_rows(t) - row);
	if (w > (int)(term_cols(t) - col))
		w = (int)(term_cols(t) - col);
	return (struct term_place){pane_top(p) + row + within(m->row - r->y, h),
	    col + within(m->col - r->x, w)};
}

/* Counts the presses that come in one place, one soon after the other. */
static void
count_clicks(struct looks *s, struct pane *p, const struct mouse *m)
{
	int64_t now = clock_ms();

	if (s->pressed == p && s->row == m->row && s->col == m->col &&
	    now - s->when < CLICK_MS)
		s->clicks = s->clicks % 3 + 1;
	else
		s->clicks = 1;
	s->pressed = p;
	s->when = now;
	s->row = m->row;
	s->col = m->col;
	s->dragged = false;
}

static void
select_at(struct pane *p, struct term_place at, enum look_unit unit)
{
	look_unselect(p);
	look_move(p, at);
	look_select(p, unit);
}

static void
pressed(struct looks *s, struct pane *p, const struct rect *r,
    const struct mouse *m)
{
	count_clicks(s, p, m);
	if (s->clicks > 1) {
		look_open(p, true);
		select_at(p, place_of(p, r, m),
		    s->clicks == 2 ? LOOK_WORDS : LOOK_LINES);
	} else if (look_on(p)) {
		look_unselect(p);
		look_move(p, place_of(p, r, m));
	}
}

/* The mouse goes on with the button held; beyond an edge the view does too. */
static void
dragged(struct looks *s, struct pane *p, const struct rect *r,
    const struct mouse *m)
{
	struct mouse began = *m;

	if (s->pressed != p)
		return;
	if (!s->dragged && s->clicks == 1) {
		if (m->row == s->row && m->col == s->col)
			return;
		began.row = s->row;
		began.col = s->col;
		look_open(p, true);
		select_at(p, place_of(p, r, &began), LOOK_CHARS);
	}
	s->dragged = true;
	if (m->row < r->y || m->row >= r->y + r->h)
		look_scroll(p, m->row < r->y ? 1 : -1);
	if (look_on(p))
		look_move(p, place_of(p, r, m));
}

/*
 * What was selected is copied. Who selected in the present is back to typing
 * then, who scrolled to it stays there.
 */
static void
released(struct ui *ui, struct pane *p)
{
	struct looks *s = &ui->looks;
	struct looking *l = pane_looking(p);

	if (s->pressed != p || !l->on || !l->selecting ||
	    (s->clicks == 1 && !s->dragged))
		return;
	s->dragged = false;
	look_copy(ui, p);
	if (l->passing && pane_back(p) == 0)
		look_close(p);
}

void
look_mouse(
    struct ui *ui, struct pane *p, const struct rect *r, const struct mouse *m)
{
	struct term *t = pane_term(p);
	struct term_place at;

	if (r->h < 1 || r->w < 1)
		return;
	if (!look_on(p) && term_mouse_mode(t) != TERM_MOUSE_NONE &&
	    !(m->mods & TERM_SHIFT)) {
		at = place_of(p, r, m);
		term_mouse(t, m->event, (unsigned)(at.line - pane_top(p)),
		    at.col, m->button, m->mods);
		return;
	}
	if (m->event == TERM_MOUSE_PRESS && m->button == WHEEL_UP)
		look_scroll(p, WHEEL);
	else if (m->event == TERM_MOUSE_PRESS && m->button == WHEEL_DOWN)
		look_scroll(p, -WHEEL);
	else if (m->event == TERM_MOUSE_PRESS && m->button == LEFT)
		pressed(&ui->looks, p, r, m);
	else if (m->event == TERM_MOUSE_MOTION)
		dragged(&ui->looks, p, r, m);
	else if (m->event == TERM_MOUSE_RELEASE)
		released(ui, p);
}
