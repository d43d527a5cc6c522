/*
 * term.c: the terminal as its owner sees it (term.h).
 */
#include <stdlib.h>
#include <string.h>

#include "internal.h"

#define SCROLLBACK_MAX 1000000

static unsigned
size_within(unsigned n)
{
	return n < 1 ? 1 : n > TERM_MAX ? TERM_MAX : n;
}

/* Says once that something changed. */
static void
tell(struct term *t)
{
	if (t->told || !term_damaged(t))
		return;
	t->told = true;
	if (t->ops->damage != NULL)
		t->ops->damage(t->arg);
}

struct term *
term_new(unsigned rows, unsigned cols, unsigned scrollback,
    const struct term_ops *ops, void *arg)
{
	struct term *t = calloc(1, sizeof(*t));

	if (t == NULL)
		return NULL;
	t->ops = ops;
	t->arg = arg;
	if (scrollback > SCROLLBACK_MAX)
		scrollback = SCROLLBACK_MAX;
	if (!grid_init(
		&t->grid, size_within(rows), size_within(cols), scrollback) ||
	    !state_init(t)) {
		term_free(t);
		return NULL;
	}
	return t;
}

void
term_free(struct term *t)
{
	if (t == NULL)
		return;
	grid_free(&t->grid);
	string_forget(t);
	if (t->vt != NULL)
		vterm_free(t->vt);
	free(t);
}

void
term_input(struct term *t, const char *bytes, size_t len)
{
	t->replying = true;
	t->replied = 0;
	filter_input(t, bytes, len);
	t->replying = false;
	tell(t);
}

void
term_replay(struct term *t, const char *bytes, size_t len)
{
	t->quiet = true;
	term_input(t, bytes, len);
	t->quiet = false;
}

void
term_reset(struct term *t)
{
	t->filter.state = GROUND;
	t->filter.utf8_len = 0;
	string_forget(t);
	state_reset(t, true);
	tell(t);
}

void
term_clear_history(struct term *t)
{
	grid_drop(&t->grid, t->grid.count);
	t->cursor_dirty = true;
}

void
term_resize(
    struct term *t, unsigned rows, unsigned cols, uint64_t *places, size_t n)
{
	struct grid *g = &t->grid;
	struct place cursor = {t->cursor.row, t->cursor.col};
	bool pending = state_pending(t), alternate = g->on_alt;

	rows = size_within(rows);
	cols = size_within(cols);
	if (rows == g->rows && cols == g->cols)
		return;
	if (alternate) {
		cursor = t->main_cursor;
		pending = false;
	}
	cursor.line += g->first + g->count;
	if (pending)
		cursor.col = g->cols;
	if (!grid_resize(g, rows, cols, &cursor, places, n))
		return;
	cursor.line -= g->first + g->count;
	state_resize(t, rows, cols);
	if (alternate) {
		t->main_cursor = cursor;
		t->main_moved = true;
		state_move(t, t->cursor.row < rows ? t->cursor.row : rows - 1,
		    t->cursor.col < cols ? t->cursor.col : cols - 1, false);
	} else
		state_move(t, (unsigned)cursor.line,
		    cursor.col < cols ? cursor.col : cols - 1,
		    cursor.col >= cols);
	t->cursor_dirty = true;
	tell(t);
}

unsigned
term_rows(const struct term *t)
{
	return t->grid.rows;
}

unsigned
term_cols(const struct term *t)
{
	return t->grid.cols;
}

uint64_t
term_first(const struct term *t)
{
	return t->grid.first;
}

uint64_t
term_top(const struct term *t)
{
	return t->grid.first + t->grid.count;
}

unsigned
term_history(const struct term *t)
{
	return t->grid.count;
}

unsigned
term_line(const struct term *t, uint64_t line, struct term_cell *cells)
{
	const struct row *row = grid_line(&t->grid, line);
	unsigned n = 0, i;

	if (row != NULL)
		n = row_read(row, cells, t->grid.cols);
	for (i = 0; i < n; i++)
		cells[i].attrs &= ~CELL_PROTECTED;
	for (i = n; i < t->grid.cols; i++)
		cells[i] = (struct term_cell){.width = 1};
	if (!t->reverse || row == NULL || line < term_top(t))
		return n;
	for (i = 0; i < t->grid.cols; i++)
		cells[i].attrs ^= TERM_REVERSE;
	return t->grid.cols;
}

bool
term_line_wraps(const struct term *t, uint64_t line)
{
	const struct row *row = grid_line(&t->grid, line);

	return row != NULL && (row->flags & ROW_WRAPS) != 0;
}

size_t
term_line_text(const struct term *t, uint64_t line, char *text, size_t size)
{
	const struct row *row = grid_line(&t->grid, line);
	struct term_cell cells[TERM_MAX];
	uint8_t utf8[4 * (1 + TERM_COMBINING)];
	size_t len = 0, at = 0;
	unsigned n = 0, i, k, bytes;

	if (row != NULL)
		n = row_read(row, cells, t->grid.cols);
	while (n > 0 && cells[n - 1].width == 1 &&
	    (cells[n - 1].ch == 0 || cells[n - 1].ch == ' '))
		n--;
	for (i = 0; i < n; i++) {
		if (cells[i].width == 0)
			continue;
		bytes = utf8_write(cells[i].ch == 0 ? ' ' : cells[i].ch, utf8);
		for (k = 0; k < cells[i].ncomb; k++)
			bytes += utf8_write(cells[i].comb[k], utf8 + bytes);
		if (at == len && len + bytes < size) {
			memcpy(text + len, utf8, bytes);
			at += bytes;
		}
		len += bytes;
	}
	if (size > 0)
		text[at] = 0;
	return len;
}

void
term_cursor(const struct term *t, struct term_cursor *cursor)
{
	*cursor = t->cursor;
}

const char *
term_title(const struct term *t)
{
	return t->title;
}

bool
term_is_alternate(const struct term *t)
{
	return t->grid.on_alt;
}

bool
term_damaged(const struct term *t)
{
	return t->cursor_dirty || t->grid.any_dirty;
}

bool
term_row_damaged(const struct term *t, unsigned row)
{
	return row < t->grid.rows && (t->grid.all_dirty || t->grid.dirty[row]);
}

void
term_damage_clear(struct term *t)
{
	struct grid *g = &t->grid;

	if (g->any_dirty)
		memset(g->dirty, 0, g->rows * sizeof(*g->dirty));
	g->any_dirty = g->all_dirty = false;
	t->cursor_dirty = false;
	t->told = false;
}
