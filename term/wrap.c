/*
 * wrap.c: a grid of another size.
 *
 * A new ring is built from the old one, line by line, all of it packed as if
 * it were scrollback; in the end its last lines become the new screen. Where
 * the width stays, and for a line that fits as it is (almost all do), that
 * means handing over a pointer; only longer ones are written anew:
 *
 *	old  | the quick brown f |+     new  | the quick |+
 *	     | ox jumps          |           |  brown fo |+
 *	                                     | x jumps   |
 */
#include <stdlib.h>

#include "grid.h"

struct wrap {
	struct grid *old, new;
	struct term_cell *cells; /* of one old line */
	struct row out; /* the new line in the making */
	bool open; /* out is not finished */
	uint64_t *to; /* for each place the new line, or unset */
	const uint64_t *places;
	size_t n;
	struct place cursor, new_cursor;
	uint64_t top, new_top; /* line at the top of the screen */
	bool pending; /* the cursor waits to wrap */
	bool found; /* new_cursor is known */
};

/* Number of the line in the making. */
static uint64_t
current(const struct wrap *w)
{
	return w->new.first + w->new.count;
}

/* The line in the making is below the screen, wherever its top will be. */
static bool
below(const struct wrap *w)
{
	return w->found && current(w) >= w->new_cursor.line + w->new.rows;
}

static void
set_cursor(struct wrap *w, struct place at)
{
	w->new_cursor = at;
	w->found = true;
}

/* Finishes the line in the making. */
static void
flush(struct wrap *w, bool wraps)
{
	struct row packed;

	w->out.flags = wraps ? ROW_WRAPS : 0;
	row_pack(&w->out, &packed, w->new.scratch);
	grid_append(&w->new, &packed);
	w->out.used = 0;
	w->open = false;
}

/* Adds a cell to the line in the making. */
static void
add(struct wrap *w, const struct term_cell *from)
{
	struct cell cell = {.ch = from->ch,
	    .fg = from->fg,
	    .bg = from->bg,
	    .attrs = from->attrs,
	    .width = from->width,
	    .ncomb = from->ncomb};

	if (cell.width > w->new.cols) {
		cell.ch = 0xfffd;
		cell.width = 1;
		cell.ncomb = 0;
	}
	if (w->out.used + cell.width > w->new.cols)
		flush(w, true);
	row_put(&w->out, w->new.cols, w->out.used, &cell, from->comb);
	w->open = true;
}

/* Where the next cell would go; for the first cell of what follows. */
static struct place
next_place(const struct wrap *w, bool more)
{
	if (more && w->out.used >= w->new.cols)
		return (struct place){current(w) + 1, 0};
	return (struct place){current(w), w->out.used};
}

/* Notes what is remembered of a line before it is taken over. */
static void
note(struct wrap *w, uint64_t line, bool more)
{
	struct place at = next_place(w, more);
	size_t i;

	if (line == w->top)
		w->new_top = at.line;
	for (i = 0; i < w->n; i++)
		if (w->places[i] == line)
			w->to[i] = at.line;
}

/*
 * The cursor stands behind the used cells of the line just added, right
 * behind if what is typed next goes on with them. If those fill a line now,
 * it waits to wrap there.
 */
static void
note_cursor(struct wrap *w, unsigned used)
{
	unsigned col = w->out.used;

	if (w->cursor.col == used)
		w->pending = col == w->new.cols;
	else
		col += w->cursor.col - used;
	set_cursor(w, (struct place){current(w), col});
}

/* Takes over one line of the old grid. */
static void
take(struct wrap *w, struct row *row, uint64_t line, bool live)
{
	unsigned cols = w->new.cols, n, i;
	bool wraps = row->flags & ROW_WRAPS, here = line == w->cursor.line;
	struct row packed;

	n = live ? row_trim(row) : row->used;
	note(w, line, n > 0);
	if (cols == w->old->cols || (!w->open && !wraps && n <= cols)) {
		if (here) {
			set_cursor(
			    w, (struct place){current(w), w->cursor.col});
			w->pending = n == cols && w->cursor.col == cols;
		}
		if (live)
			row_pack(row, &packed, w->old->scratch);
		else {
			packed = *row;
			*row = (struct row){0};
		}
		grid_append(&w->new, &packed);
		return;
	}
	n = row_read(row, w->cells, w->old->cols);
	w->open = true;
	for (i = 0; i < n && !below(w); i++) {
		/* On the right half of a wide one there is no next place. */
		if (here && i == w->cursor.col)
			set_cursor(w,
			    w->cells[i].width != 0
				? next_place(w, true)
				: (struct place){current(w), w->out.used - 1});
		if (w->cells[i].width != 0)
			add(w, &w->cells[i]);
	}
	if (here && w->cursor.col >= n)
		note_cursor(w, n);
	if (!wraps)
		flush(w, false);
}

/*
 * Which line is to be at the top of the screen. What was there stays there,
 * unless the text does not fit; where the screen was full, it stays full.
 */
static uint64_t
choose_top(const struct wrap *w, bool full)
{
	const struct grid *new = &w->new;
	uint64_t end = current(w), top = w->new_top;

	if (top + new->rows < end || full)
		top =
		    end > new->first + new->rows ? end - new->rows : new->first;
	/* The cursor must not leave the screen, whatever stands below it. */
	if (top > w->new_cursor.line)
		top = w->new_cursor.line;
	return top < new->first ? new->first : top;
}

/* Turns the lines from top on into the new screen. */
static void
settle(struct wrap *w, uint64_t top)
{
	struct grid *new = &w->new;
	unsigned lines = new->count, r, n;
	struct row packed, *row;

	new->count = (unsigned)(top - new->first);
	for (r = 0; r < lines - new->count; r++) {
		row = grid_slot(new, new->count + r);
		packed = *row;
		*row = (struct row){0};
		new->bytes -= packed.bytes;
		if (r < new->rows) {
			n = row_read(&packed, w->cells, new->cols);
			row_write(row, new->cols, w->cells, n);
			row->flags = packed.flags & ROW_WRAPS;
		}
		free(packed.packed);
	}
	if (new->count > new->limit)
		grid_drop(new, new->count - new->limit);
	while (!grid_grow(new, new->count + new->rows))
		grid_drop(new, 1);
}

/* A place in no line that was taken over is the nearest that is there. */
static uint64_t
clamp(const struct grid *g, uint64_t line)
{
	uint64_t last = g->first + g->count + g->rows - 1;

	return line < g->first ? g->first : line > last ? last : line;
}

/* The alternate screen is cut or extended; its program draws it anew. */
static bool
resize_alt(struct wrap *w)
{
	struct grid *old = w->old, *new = &w->new;
	unsigned r, n;

	if (!old->on_alt)
		return true;
	new->alt = calloc(new->rows, sizeof(*new->alt));
	if (new->alt == NULL)
		return false;
	for (r = 0; r < old->rows && r < new->rows; r++) {
		n = row_read(grid_row(old, (int)r), w->cells, old->cols);
		if (n > new->cols)
			n = new->cols;
		if (n > 0 && w->cells[n - 1].width == 2)
			n--;
		row_write(&new->alt[r], new->cols, w->cells, n);
	}
	return true;
}

/* Rows of the old main screen that hold something, or the cursor. */
static unsigned
rows_held(const struct wrap *w)
{
	const struct grid *old = w->old;
	unsigned n = old->rows;

	for (; n > 0; n--)
		if (w->cursor.line == w->top + n - 1 ||
		    row_trim(grid_slot(old, old->count + n - 1)) != 0)
			break;
	return n;
}

static void
wrap_all(struct wrap *w)
{
	struct grid *old = w->old;
	unsigned held = rows_held(w), i;
	bool full = held == old->rows;

	for (i = 0; i < old->count + held && !below(w); i++)
		take(w, grid_slot(old, i), old->first + i, i >= old->count);
	if (w->open)
		flush(w, false);
	settle(w, choose_top(w, full));
}

bool
grid_resize(struct grid *g, unsigned rows, unsigned cols, struct place *cursor,
    uint64_t *places, size_t n)
{
	struct wrap w = {.old = g,
	    .cursor = *cursor,
	    .new_cursor = {g->first, 0},
	    .places = places,
	    .n = n,
	    .top = g->first + g->count,
	    .new_top = g->first + g->count};
	bool ok = grid_init(&w.new, rows, cols, g->limit);
	size_t i;

	w.new.first = g->first;
	w.cells = calloc(cols > g->cols ? cols : g->cols, sizeof(*w.cells));
	w.to = calloc(n + 1, sizeof(*w.to));
	if (ok && w.cells != NULL && w.to != NULL &&
	    grid_grow(&w.new, g->count + rows) && resize_alt(&w)) {
		for (i = 0; i < n; i++)
			w.to[i] = places[i];
		wrap_all(&w);
		for (i = 0; i < n; i++)
			places[i] = clamp(&w.new, w.to[i]);
		if (w.new_cursor.col >= cols)
			w.new_cursor.col = w.pending ? cols : cols - 1;
		if (w.new_cursor.line < w.new.first + w.new.count)
			w.new_cursor.line = w.new.first + w.new.count;
		*cursor = w.new_cursor;
		w.new.on_alt = g->on_alt;
		grid_free(g);
		*g = w.new;
	} else {
		ok = false;
		w.new.on_alt = w.new.alt != NULL;
		grid_free(&w.new);
	}
	row_free(&w.out);
	free(w.cells);
	free(w.to);
	return ok;
}
