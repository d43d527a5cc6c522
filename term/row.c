/*
 * row.c: writing to live rows. Packing is in pack.c.
 */
#include <stdlib.h>
#include <string.h>

#include "row.h"

void
row_free(struct row *row)
{
	free(row->cells); /* or packed: the same union */
	free(row->comb);
	*row = (struct row){0};
}

bool
row_ready(struct row *row, unsigned cols, unsigned upto)
{
	unsigned i;

	if (row->cells == NULL) {
		row->cells = malloc(cols * sizeof(*row->cells));
		if (row->cells == NULL)
			return false;
		row->used = 0;
	}
	for (i = row->used; i < upto; i++)
		row->cells[i] = cell_blank(TERM_COLOUR_DEFAULT);
	if (row->used < upto)
		row->used = (uint16_t)upto;
	return true;
}

/* Empties a cell in its own background. */
static void
blank(struct cell *cell)
{
	*cell = cell_blank(cell->bg);
}

/*
 * Columns start to end are about to be overwritten: blanks the halves of wide
 * characters that stick out on either side.
 */
static void
cut(struct row *row, unsigned start, unsigned end)
{
	struct cell *cells = row->cells;

	if (start < row->used && cells[start].width == 0 && start > 0)
		blank(&cells[start - 1]);
	if (end < row->used && cells[end].width == 0)
		blank(&cells[end]);
}

void
row_put(struct row *row, unsigned cols, unsigned col, const struct cell *cell,
    const uint32_t *comb)
{
	struct cell *at;

	if (!row_ready(row, cols, col))
		return;
	cut(row, col, col + cell->width);
	at = &row->cells[col];
	*at = *cell;
	if (cell->ncomb != 0) {
		if (row->comb == NULL)
			row->comb = calloc(cols, sizeof(*row->comb));
		if (row->comb == NULL)
			at->ncomb = 0;
		else
			memcpy(
			    row->comb[col], comb, cell->ncomb * sizeof(*comb));
	}
	if (cell->width == 2) {
		at[1] = *cell;
		at[1].ch = 0;
		at[1].width = 0;
		at[1].ncomb = 0;
	}
	if (row->used < col + cell->width)
		row->used = (uint16_t)(col + cell->width);
}

void
row_put_ascii(struct row *row, unsigned cols, unsigned col, const char *text,
    unsigned n, const struct cell *pen)
{
	struct cell cell = *pen, *at;
	unsigned i;

	if (!row_ready(row, cols, col))
		return;
	cut(row, col, col + n);
	cell.width = 1;
	cell.ncomb = 0;
	at = &row->cells[col];
	for (i = 0; i < n; i++) {
		cell.ch = (unsigned char)text[i];
		at[i] = cell;
	}
	if (row->used < col + n)
		row->used = (uint16_t)(col + n);
}

bool
row_holds(const struct row *row, unsigned col)
{
	return (row->flags & ROW_PACKED) != 0 ||
	    (col < row->used && row->cells[col].ch != 0);
}

void
row_erase(struct row *row, unsigned cols, unsigned start, unsigned end,
    uint32_t bg, bool selective)
{
	unsigned i;

	if (end == cols && !selective)
		row->flags &= ~ROW_WRAPS;
	if (bg == TERM_COLOUR_DEFAULT) {
		if (start >= row->used)
			return;
		if (end >= row->used && !selective) {
			cut(row, start, end);
			row->used = (uint16_t)start;
			return;
		}
		if (end > row->used)
			end = row->used;
	} else if (!row_ready(row, cols, end))
		return;
	if (!selective)
		cut(row, start, end);
	for (i = start; i < end; i++)
		if (!selective || (row->cells[i].attrs & CELL_PROTECTED) == 0)
			row->cells[i] = cell_blank(bg);
	if (!selective)
		return;
	row_mend(row);
	if (end == cols && row->cells[cols - 1].ch == 0 &&
	    row->cells[cols - 1].width == 1)
		row->flags &= ~ROW_WRAPS;
}

void
row_copy(struct row *dst, unsigned to, const struct row *src, unsigned from,
    unsigned n, unsigned cols)
{
	unsigned held, i;

	/* What src really holds there; the rest is blank. */
	held = src->used <= from ? 0 : src->used - from;
	if (held > n)
		held = n;
	if (!row_ready(dst, cols, to + n))
		return;
	if (src->comb != NULL && dst->comb == NULL)
		dst->comb = calloc(cols, sizeof(*dst->comb));
	if (held != 0)
		memmove(&dst->cells[to], &src->cells[from],
		    held * sizeof(*dst->cells));
	if (held != 0 && src->comb != NULL && dst->comb != NULL)
		memmove(
		    dst->comb[to], src->comb[from], held * sizeof(*dst->comb));
	else if (dst->comb == NULL)
		for (i = to; i < to + held; i++)
			dst->cells[i].ncomb = 0;
	for (i = to + held; i < to + n; i++)
		dst->cells[i] = cell_blank(TERM_COLOUR_DEFAULT);
}

void
row_mend(struct row *row)
{
	struct cell *cells = row->cells;
	unsigned i;

	for (i = 0; i < row->used; i++) {
		if (cells[i].width == 0)
			blank(&cells[i]);
		else if (cells[i].width == 2) {
			if (i + 1 < row->used && cells[i + 1].width == 0)
				i++;
			else
				blank(&cells[i]);
		}
	}
}

unsigned
row_trim(const struct row *row)
{
	const struct cell *cell;
	unsigned n = row->used;

	for (; n > 0; n--) {
		cell = &row->cells[n - 1];
		if (cell->ch != 0 || cell->width != 1 ||
		    cell->bg != TERM_COLOUR_DEFAULT)
			break;
	}
	return n;
}

void
row_write(
    struct row *row, unsigned cols, const struct term_cell *cells, unsigned n)
{
	struct cell cell;
	unsigned i;

	for (i = 0; i < n; i++) {
		if (cells[i].width == 0)
			continue;
		cell.ch = cells[i].ch;
		cell.fg = cells[i].fg;
		cell.bg = cells[i].bg;
		cell.attrs = cells[i].attrs;
		cell.width = cells[i].width;
		cell.ncomb = cells[i].ncomb;
		row_put(row, cols, i, &cell, cells[i].comb);
	}
}
