/*
 * grid.c: the ring of lines, erasing and scrolling.
 */
#include <stdlib.h>
#include <string.h>

#include "grid.h"

bool
grid_init(struct grid *g, unsigned rows, unsigned cols, unsigned limit)
{
	*g = (struct grid){.rows = rows, .cols = cols, .limit = limit};
	g->size = 64;
	while (g->size < rows)
		g->size *= 2;
	g->ring = calloc(g->size, sizeof(*g->ring));
	g->dirty = calloc(rows, sizeof(*g->dirty));
	g->turned = calloc(rows, sizeof(*g->turned));
	g->scratch = malloc(ROW_SCRATCH(cols));
	g->all_dirty = g->any_dirty = true;
	return g->ring != NULL && g->dirty != NULL && g->turned != NULL &&
	    g->scratch != NULL;
}

static void
free_rows(struct row *rows, unsigned n)
{
	unsigned i;

	for (i = 0; rows != NULL && i < n; i++)
		row_free(&rows[i]);
	free(rows);
}

void
grid_free(struct grid *g)
{
	free_rows(g->ring, g->size);
	free_rows(g->alt, g->rows);
	free(g->dirty);
	free(g->turned);
	free(g->scratch);
	*g = (struct grid){0};
}

struct row *
grid_slot(const struct grid *g, unsigned index)
{
	return &g->ring[(g->head + index) & (g->size - 1)];
}

struct row *
grid_row(const struct grid *g, int row)
{
	if (g->on_alt && row >= 0)
		return &g->alt[(g->alt_head + (unsigned)row) % g->rows];
	if (row < 0 && (g->on_alt || g->count == 0))
		return NULL;
	return grid_slot(g, g->count + (unsigned)row);
}

struct row *
grid_line(const struct grid *g, uint64_t line)
{
	if (line < g->first || line >= g->first + g->count + g->rows)
		return NULL;
	if (line >= g->first + g->count)
		return grid_row(g, (int)(line - g->first - g->count));
	return grid_slot(g, (unsigned)(line - g->first));
}

void
grid_dirty(struct grid *g, unsigned row)
{
	g->dirty[row] = true;
	g->any_dirty = true;
}

void
grid_dirty_all(struct grid *g)
{
	g->all_dirty = true;
	g->any_dirty = true;
}

bool
grid_grow(struct grid *g, unsigned index)
{
	struct row *ring;
	unsigned size = g->size, start, part;

	if (index <= size)
		return true;
	while (size < index)
		size *= 2;
	ring = calloc(size, sizeof(*ring));
	if (ring == NULL)
		return false;
	start = g->head & (g->size - 1);
	part = g->size - start;
	memcpy(ring, g->ring + start, part * sizeof(*ring));
	memcpy(ring + part, g->ring, start * sizeof(*ring));
	free(g->ring);
	g->ring = ring;
	g->size = size;
	g->head = 0;
	return true;
}

void
grid_drop(struct grid *g, unsigned n)
{
	struct row *row;

	for (; n > 0 && g->count > 0; n--) {
		row = grid_slot(g, 0);
		g->bytes -= row->bytes;
		row_free(row);
		g->head++;
		g->first++;
		g->count--;
	}
}

/* Drops from the scrollback what is over its bounds. */
static void
bound(struct grid *g)
{
	while (g->count > g->limit ||
	    (g->count > 0 && g->bytes > (size_t)g->limit * TERM_LINE_BYTES))
		grid_drop(g, 1);
}

void
grid_append(struct grid *g, const struct row *row)
{
	if (!grid_grow(g, g->count + 1)) {
		free(row->packed);
		return;
	}
	*grid_slot(g, g->count) = *row;
	g->count++;
	g->bytes += row->bytes;
	/* As yet these are the screen's lines too, and the one below it. */
	while (g->count > g->limit + g->rows + 1)
		grid_drop(g, 1);
}

/* Moves the screen on by one: its top row goes into the scrollback. */
static void
push(struct grid *g)
{
	struct row live, *top;

	if (!grid_grow(g, g->count + g->rows + 1))
		grid_drop(g, 1);
	top = grid_slot(g, g->count);
	live = *top;
	if (g->limit != 0 && g->count + g->rows < g->size) {
		row_pack(&live, top, g->scratch);
		g->bytes += top->bytes;
		g->count++;
	} else {
		/* Nowhere to keep it: the line goes. */
		*top = (struct row){0};
		g->head++;
		g->first++;
	}
	live.used = 0;
	live.flags = 0;
	*grid_slot(g, g->count + g->rows - 1) = live;
	bound(g);
}

/* Turns the rows from top up to bottom by n places upwards. */
static void
rotate(struct grid *g, int top, int bottom, int n)
{
	int height = bottom - top, i;

	if (g->on_alt && top == 0 && bottom == (int)g->rows) {
		g->alt_head = (g->alt_head + (unsigned)(n + bottom)) % g->rows;
		return;
	}
	for (i = 0; i < height; i++)
		g->turned[(i - n + height) % height] = *grid_row(g, top + i);
	for (i = 0; i < height; i++)
		*grid_row(g, top + i) = g->turned[i];
}

static void
clear_wrap(struct grid *g, int row)
{
	struct row *r = grid_row(g, row);

	if (r != NULL)
		r->flags &= ~ROW_WRAPS;
}

/* Scrolls whole rows; down is not 0 and at most the area's height. */
static void
scroll_rows(struct grid *g, struct area area, int down, uint32_t bg)
{
	struct area freed = area;
	int i;

	if (area.top == 0 && down > 0 && !g->on_alt) {
		/* The screen moves; what is below the area stays behind. */
		for (i = 0; i < down; i++)
			push(g);
		if (area.bottom < (int)g->rows)
			rotate(g, area.bottom - down, (int)g->rows, -down);
	} else {
		clear_wrap(g, area.top - 1);
		rotate(g, area.top, area.bottom, down);
	}
	clear_wrap(g, (down > 0 ? area.bottom - down : area.bottom) - 1);
	if (down > 0)
		freed.top = area.bottom - down;
	else
		freed.bottom = area.top - down;
	grid_erase(g, freed, bg, false);
	if (area.top == 0 && area.bottom == (int)g->rows)
		grid_dirty_all(g);
	else
		for (i = area.top; i < area.bottom; i++)
			grid_dirty(g, (unsigned)i);
}

/* Scrolls a part of rows by copying cells. */
static void
scroll_cells(struct grid *g, struct area area, int down, int right, uint32_t bg)
{
	struct area freed = area;
	int step = down >= 0 ? 1 : -1, to, from, i, n = 0;
	int first = down >= 0 ? area.top : area.bottom - 1;
	int width = area.right - area.left - abs(right);

	to = right >= 0 ? area.left : area.left - right;
	from = right >= 0 ? area.left + right : area.left;
	for (i = first; n < area.bottom - area.top - abs(down);
	     i += step, n++) {
		row_copy(grid_row(g, i), (unsigned)to, grid_row(g, i + down),
		    (unsigned)from, (unsigned)width, g->cols);
	}
	for (i = area.top; i < area.bottom; i++)
		row_mend(grid_row(g, i));
	if (down > 0)
		freed.top = area.bottom - down;
	else if (down < 0)
		freed.bottom = area.top - down;
	if (down != 0)
		grid_erase(g, freed, bg, false);
	freed = area;
	if (right > 0)
		freed.left = area.right - right;
	else if (right < 0)
		freed.right = area.left - right;
	if (right != 0)
		grid_erase(g, freed, bg, false);
	for (i = area.top; i < area.bottom; i++) {
		if (down != 0 || area.right == (int)g->cols)
			clear_wrap(g, i);
		grid_dirty(g, (unsigned)i);
	}
}

/* Cuts an area to the screen; false if nothing is left of it. */
static bool
clip(const struct grid *g, struct area *area)
{
	if (area->top < 0)
		area->top = 0;
	if (area->left < 0)
		area->left = 0;
	if (area->bottom > (int)g->rows)
		area->bottom = (int)g->rows;
	if (area->right > (int)g->cols)
		area->right = (int)g->cols;
	return area->top < area->bottom && area->left < area->right;
}

void
grid_erase(struct grid *g, struct area area, uint32_t bg, bool selective)
{
	int i;

	if (!clip(g, &area))
		return;
	for (i = area.top; i < area.bottom; i++) {
		/* What went on here from above is gone. */
		if (area.left == 0 && !selective)
			clear_wrap(g, i - 1);
		row_erase(grid_row(g, i), g->cols, (unsigned)area.left,
		    (unsigned)area.right, bg, selective);
		grid_dirty(g, (unsigned)i);
	}
}

void
grid_scroll(struct grid *g, struct area area, int down, int right, uint32_t bg)
{
	bool whole;

	if (!clip(g, &area))
		return;
	whole = area.left == 0 && area.right == (int)g->cols;
	if (whole && right == 0 && area.top == 0 && down > 0 && !g->on_alt) {
		scroll_rows(
		    g, area, down < area.bottom ? down : area.bottom, bg);
		return;
	}
	if (abs(down) >= area.bottom - area.top ||
	    abs(right) >= area.right - area.left) {
		grid_erase(g, area, bg, false);
		return;
	}
	if (whole && right == 0) {
		if (down != 0)
			scroll_rows(g, area, down, bg);
	} else
		scroll_cells(g, area, down, right, bg);
}

bool
grid_alternate(struct grid *g, bool on)
{
	if (on == g->on_alt)
		return true;
	if (on) {
		g->alt = calloc(g->rows, sizeof(*g->alt));
		if (g->alt == NULL)
			return false;
		g->alt_head = 0;
	} else {
		free_rows(g->alt, g->rows);
		g->alt = NULL;
	}
	g->on_alt = on;
	grid_dirty_all(g);
	return true;
}
