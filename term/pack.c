/*
 * pack.c: rows as they are kept in the scrollback, and reading rows of either
 * kind. row.h has the format.
 */
#include <stdlib.h>
#include <string.h>

#include "row.h"

struct run {
	uint16_t cells;
	uint16_t attrs;
	uint32_t fg, bg;
};

_Static_assert(sizeof(struct run) == 12, "ROW_SCRATCH counts on it");

static bool
same_look(const struct cell *a, const struct cell *b)
{
	return a->attrs == b->attrs && a->fg == b->fg && a->bg == b->bg;
}

/* The looks of n cells into runs; returns how many, 0 if all are default. */
static unsigned
pack_looks(const struct cell *cells, unsigned n, struct run *runs)
{
	unsigned i, start, count = 0;
	uint32_t odd = 0;

	for (i = 0; i < n; i++)
		odd |= cells[i].fg | cells[i].bg | cells[i].attrs;
	if (odd == 0)
		return 0;
	for (start = 0; start < n; start = i) {
		for (i = start + 1; i < n; i++)
			if (!same_look(&cells[i], &cells[start]))
				break;
		runs[count++] = (struct run){(uint16_t)(i - start),
		    cells[start].attrs, cells[start].fg, cells[start].bg};
	}
	return count;
}

/* Whether n cells are ASCII or empty. No early way out: it is vectorised. */
static bool
all_ascii(const struct cell *cells, unsigned n)
{
	uint32_t odd = 0;
	unsigned i;

	for (i = 0; i < n; i++)
		odd |= (cells[i].ch & ~0x7fu) | (cells[i].width ^ 1u) |
		    cells[i].ncomb;
	return odd == 0;
}

/* The text of n cells into out; returns where it ends. */
static uint8_t *
pack_text(const struct row *row, unsigned n, uint8_t *out)
{
	const struct cell *cell;
	unsigned i, k;

	if (all_ascii(row->cells, n)) {
		for (i = 0; i < n; i++)
			out[i] = (uint8_t)row->cells[i].ch;
		return out + n;
	}
	for (i = 0; i < n; i++) {
		cell = &row->cells[i];
		if (cell->width == 0)
			continue;
		if (cell->width == 2 || cell->ncomb != 0)
			*out++ =
			    (uint8_t)(cell->ncomb | (cell->width == 2 ? 8 : 0));
		out += utf8_write(cell->ch, out);
		for (k = 0; k < cell->ncomb; k++)
			out += utf8_write(row->comb[i][k], out);
	}
	return out;
}

bool
row_pack(const struct row *row, struct row *out, uint8_t *scratch)
{
	unsigned n = row_trim(row), runs;
	uint16_t head;
	uint8_t *text;
	size_t looks;

	*out = (struct row){.flags = row->flags | ROW_PACKED};
	if (n == 0)
		return true;
	/* The runs lie 4 bytes in, aligned; only 2 of those are kept. */
	runs = pack_looks(row->cells, n, (struct run *)(void *)(scratch + 4));
	looks = runs * sizeof(struct run);
	head = (uint16_t)runs;
	memcpy(scratch + 2, &head, sizeof(head));
	text = pack_text(row, n, scratch + 4 + looks);
	out->bytes = (uint32_t)(text - (scratch + 2));
	out->packed = malloc(out->bytes);
	if (out->packed == NULL) {
		out->bytes = 0;
		return false;
	}
	memcpy(out->packed, scratch + 2, out->bytes);
	out->used = (uint16_t)n;
	return true;
}

/* Reads one cell's text; returns what is behind it. */
static const uint8_t *
unpack_cell(const uint8_t *p, struct term_cell *cell)
{
	unsigned k;

	cell->ncomb = 0;
	cell->width = 1;
	if (*p != 0 && *p < 0x20) {
		cell->ncomb = *p & 7;
		cell->width = *p & 8 ? 2 : 1;
		p++;
	}
	p = utf8_read(p, &cell->ch);
	for (k = 0; k < cell->ncomb; k++)
		p = utf8_read(p, &cell->comb[k]);
	return p;
}

static unsigned
unpack(const struct row *row, struct term_cell *cells, unsigned cols)
{
	unsigned n = row->used < cols ? row->used : cols, i, left = 0;
	const uint8_t *look, *text;
	struct run run = {0};
	uint16_t runs;

	if (row->packed == NULL)
		return 0;
	memcpy(&runs, row->packed, sizeof(runs));
	look = row->packed + sizeof(runs);
	text = look + runs * sizeof(run);
	for (i = 0; i < n; i++) {
		if (left == 0 && runs != 0) {
			memcpy(&run, look, sizeof(run));
			look += sizeof(run);
			left = run.cells;
		}
		left--;
		if (i > 0 && cells[i - 1].width == 2) {
			cells[i].ch = 0;
			cells[i].width = 0;
			cells[i].ncomb = 0;
		} else
			text = unpack_cell(text, &cells[i]);
		cells[i].attrs = run.attrs;
		cells[i].fg = run.fg;
		cells[i].bg = run.bg;
	}
	return n;
}

unsigned
row_read(const struct row *row, struct term_cell *cells, unsigned cols)
{
	const struct cell *cell;
	unsigned n, i;

	if (row->flags & ROW_PACKED)
		return unpack(row, cells, cols);
	n = row_trim(row);
	for (i = 0; i < n; i++) {
		cell = &row->cells[i];
		cells[i].ch = cell->ch;
		cells[i].fg = cell->fg;
		cells[i].bg = cell->bg;
		cells[i].attrs = cell->attrs;
		cells[i].width = cell->width;
		cells[i].ncomb = cell->ncomb;
		if (cell->ncomb != 0)
			memcpy(cells[i].comb, row->comb[i],
			    cell->ncomb * sizeof(cells[i].comb[0]));
	}
	return n;
}
