#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <event2/event.h>

#include "config/clock.h"
#include "tui/look.h"
#include "tui/pane.h"

#define STEP 10000 /* cells to search before looking at the clock */
/*
 * Milliseconds to search before looking at keys: less than a person notices,
 * and more than the guest takes to print as much as is searched meanwhile, so
 * that the search catches up with a guest that never stops.
 */
#define STEP_MS 15

static uint64_t
end_of(const struct term *t)
{
	return term_top(t) + term_rows(t);
}

static void work(int fd, short what, void *arg);

int
look_init(struct looking *l, struct pane *p, struct term *t,
    struct event_base *base, int priority)
{
	l->pane = p;
	l->term = t;
	l->work = evtimer_new(base, work, l);
	if (l->work == NULL)
		return -1;
	event_priority_set(l->work, priority);
	return 0;
}

void
look_free(struct looking *l)
{
	if (l->work != NULL)
		event_free(l->work);
	find_free(l->find);
	l->work = NULL;
	l->find = NULL;
}

static void
go_on(struct looking *l)
{
	static const struct timeval at_once = {0, 0};

	if (l->find != NULL && !evtimer_pending(l->work, NULL))
		evtimer_add(l->work, &at_once);
}

/* Keeps the view within what there is. */
static void
bound_top(struct looking *l)
{
	if (l->top > term_top(l->term))
		l->top = term_top(l->term);
	if (l->top < term_first(l->term))
		l->top = term_first(l->term);
}

/* Keeps the cursor within the view. */
static void
bound_at(struct looking *l)
{
	uint64_t last = l->top + term_rows(l->term) - 1;

	if (l->at.line < l->top)
		l->at.line = l->top;
	if (l->at.line > last)
		l->at.line = last;
	l->at = select_clamp(l->term, l->at);
}

void
look_fed(struct looking *l)
{
	uint64_t first = term_first(l->term);

	if (!l->on)
		return;
	l->stale = true;
	go_on(l);
	/* What one looks at may be dropped from the history. */
	if (l->top >= first && l->from.line >= first)
		return;
	bound_top(l);
	bound_at(l);
	if (l->from.line < first)
		l->from = (struct term_place){first, 0};
	pane_looked(l->pane);
}

/*
 * --- Where one looks ----------------------------------------------------
 */

bool
look_on(struct pane *p)
{
	return pane_looking(p)->on;
}

void
look_open(struct pane *p, bool passing)
{
	struct looking *l = pane_looking(p);
	struct term_cursor c;

	if (l->on)
		return;
	term_cursor(l->term, &c);
	l->on = true;
	l->passing = passing;
	l->top = term_top(l->term);
	l->at = l->from =
	    select_clamp(l->term, (struct term_place){l->top + c.row, c.col});
	l->want = l->at.col;
	l->selecting = false;
	pane_looked(p);
}

void
look_close(struct pane *p)
{
	struct looking *l = pane_looking(p);

	if (!l->on)
		return;
	l->on = l->selecting = false;
	find_free(l->find);
	l->find = NULL;
	evtimer_del(l->work);
	pane_looked(p);
}

/* Moves the view; returns by how many lines. */
static long
scroll(struct looking *l, long lines)
{
	uint64_t first = term_first(l->term), end = term_top(l->term);
	uint64_t was = l->top;

	if (lines >= 0)
		l->top = was - first > (uint64_t)lines ? was - (uint64_t)lines
						       : first;
	else
		l->top =
		    end - was > (uint64_t)-lines ? was + (uint64_t)-lines : end;
	return (long)(l->top - was);
}

void
look_scroll(struct pane *p, long lines)
{
	struct looking *l = pane_looking(p);

	if (!l->on && lines <= 0)
		return;
	look_open(p, true);
	scroll(l, lines);
	bound_at(l);
	if (lines < 0 && l->passing && !l->selecting && l->find == NULL &&
	    l->top == term_top(l->term))
		look_close(p);
	pane_looked(p);
}

void
look_page(struct pane *p, long lines)
{
	struct looking *l = pane_looking(p);
	uint64_t first = term_first(l->term), last = end_of(l->term) - 1;
	long moved;

	look_open(p, true);
	moved = scroll(l, lines);
	/* At the end of what there is, the cursor goes there. */
	if (moved == 0)
		l->at.line = lines > 0 ? first : last;
	else
		l->at.line += (uint64_t)moved;
	l->at.col = l->want;
	bound_at(l);
	if (lines < 0 && moved == 0 && l->passing && !l->selecting &&
	    l->find == NULL)
		look_close(p);
	pane_looked(p);
}

void
look_move(struct pane *p, struct term_place to)
{
	struct looking *l = pane_looking(p);
	unsigned rows = term_rows(l->term);

	l->at = select_clamp(l->term, to);
	if (l->at.line + rows < l->top || l->at.line > l->top + 2 * rows)
		/* Far away: with something around it. */
		l->top = l->at.line > rows / 2 ? l->at.line - rows / 2 : 0;
	else if (l->at.line < l->top)
		l->top = l->at.line;
	else if (l->at.line >= l->top + rows)
		l->top = l->at.line - rows + 1;
	bound_top(l);
	pane_looked(p);
}

void
look_select(struct pane *p, enum look_unit unit)
{
	struct looking *l = pane_looking(p);

	if (!l->selecting)
		l->from = l->at;
	l->selecting = true;
	l->unit = unit;
	pane_looked(p);
}

void
look_unselect(struct pane *p)
{
	pane_looking(p)->selecting = false;
	pane_looked(p);
}

bool
look_selection(
    const struct looking *l, struct term_place *from, struct term_place *to)
{
	struct term_place low = l->from, high = l->at, other;

	if (!l->on || !l->selecting)
		return false;
	if (select_compare(low, high) > 0) {
		low = l->at;
		high = l->from;
	}
	*from = low;
	*to = high;
	if (l->unit == LOOK_WORDS) {
		select_word(l->term, low, from, &other);
		select_word(l->term, high, &other, to);
	} else if (l->unit == LOOK_LINES) {
		select_line(l->term, low, from, &other);
		select_line(l->term, high, &other, to);
	}
	return true;
}

/*
 * --- Another size -------------------------------------------------------
 */

#define PLACES 8

void
look_resize(struct looking *l, unsigned rows, unsigned cols,
    struct term_place **places, unsigned n)
{
	struct term_place *all[PLACES] = {
	    &l->at, &l->from, &l->hit_at, &l->origin};
	struct term_anchor anchor[PLACES];
	uint64_t line[PLACES + 2];
	unsigned i, count = 4;

	for (i = 0; i < n && count < PLACES; i++)
		all[count++] = places[i];
	for (i = 0; i < count; i++) {
		anchor[i] = select_anchor(l->term, *all[i]);
		line[i] = anchor[i].line;
	}
	line[count] = l->top;
	line[count + 1] = l->origin_top;
	term_resize(l->term, rows, cols, line, count + 2);
	for (i = 0; i < count; i++) {
		anchor[i].line = line[i];
		*all[i] = select_place(l->term, anchor[i]);
	}
	l->top = line[count];
	l->origin_top = line[count + 1];
	bound_top(l);
	if (l->on) {
		/* The cursor is what one looks at: the view goes with it. */
		if (l->at.line < l->top)
			l->top = l->at.line;
		else if (l->at.line >= l->top + rows)
			l->top = l->at.line - rows + 1;
		bound_top(l);
	}
	if (l->find != NULL) {
		find_restart(l->find);
		l->searched = false;
		go_on(l);
	}
}

/*
 * --- Search -------------------------------------------------------------
 */

/* To the match next to a place; it is known that there is one. */
static void
go_to_match(struct looking *l, struct term_place p, bool forward)
{
	size_t n = find_count(l->find), i = find_at(l->find, p);
	int side = i < n ? select_compare(find_get(l->find, i).from, p) : 1;

	if (forward) {
		if (side <= 0)
			i++;
		i = i < n ? i : 0;
	} else if (i == n || side >= 0)
		i = i > 0 ? i - 1 : n - 1;
	l->hit = true;
	l->hit_at = find_get(l->find, i).from;
	look_move(l->pane, l->hit_at);
	l->want = l->at.col;
}

static void
seek(struct looking *l)
{
	struct term_place p = l->origin;

	l->seek = false;
	if (find_count(l->find) > 0) {
		go_to_match(l, p, l->forward);
		return;
	}
	l->hit = false;
	l->top = l->origin_top;
	l->at = p;
	bound_top(l);
	bound_at(l);
}

static void
search_on(struct looking *l)
{
	int64_t end = clock_ms() + STEP_MS;

	if (l->stale)
		find_changed(l->find, l->term);
	l->stale = false;
	do
		l->searched = find_step(l->find, l->term, STEP);
	while (!l->searched && clock_ms() < end);
	if (!l->searched)
		go_on(l);
	else if (l->seek)
		seek(l);
}

static void
work(int fd, short what, void *arg)
{
	struct looking *l = arg;

	if (l->find == NULL)
		return;
	search_on(l);
	pane_looked(l->pane);
}

void
look_settle(struct pane *p)
{
	struct looking *l = pane_looking(p);

	if (l->find != NULL && l->seek)
		search_on(l);
}

void
look_origin(struct pane *p)
{
	struct looking *l = pane_looking(p);

	l->origin = l->at;
	l->origin_top = l->top;
}

void
look_search(struct pane *p, const char *pattern, bool forward)
{
	struct looking *l = pane_looking(p);

	find_free(l->find);
	l->find = NULL;
	l->hit = l->searched = false;
	l->forward = forward;
	snprintf(l->pattern, sizeof l->pattern, "%s", pattern);
	if (*pattern != '\0' && (l->find = find_new(pattern)) != NULL) {
		l->seek = true;
		go_on(l);
	}
	pane_looked(p);
}

void
look_next(struct pane *p, bool against)
{
	struct looking *l = pane_looking(p);

	if (l->find == NULL || !l->searched || find_count(l->find) == 0)
		return;
	go_to_match(l, l->at, l->forward != against);
}

void
look_search_cancel(struct pane *p)
{
	struct looking *l = pane_looking(p);

	find_free(l->find);
	l->find = NULL;
	l->hit = false;
	l->top = l->origin_top;
	l->at = l->origin;
	bound_top(l);
	bound_at(l);
	pane_looked(p);
}
