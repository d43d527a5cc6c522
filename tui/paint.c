#include <string.h>
#include <wchar.h>

#include "tui/glyphs.h"
#include "tui/look.h"
#include "tui/paint.h"

/* A stand-in for a box or a character that the terminal has not. */
static uint32_t
to_ascii(uint32_t ch)
{
	if (ch < 0x80)
		return ch;
	if (ch >= 0x2500 && ch <= 0x257f) {
		if (ch <= 0x2501 || (ch >= 0x2504 && ch <= 0x2505) ||
		    (ch >= 0x2508 && ch <= 0x2509) || ch == 0x2550)
			return '-';
		if (ch <= 0x2503 || (ch >= 0x2506 && ch <= 0x2507) ||
		    (ch >= 0x250a && ch <= 0x250b) || ch == 0x2551)
			return '|';
		return '+';
	}
	if (ch >= 0x2580 && ch <= 0x259f)
		return '#';
	return '?';
}

/*
 * Whether a character of no width may follow another: accents may, but not
 * what joins or turns around text (a terminal may do so beyond the cell).
 */
static bool
is_accent(uint32_t ch)
{
	return wcwidth((wchar_t)ch) == 0 && !(ch >= 0x200b && ch <= 0x200f) &&
	    !(ch >= 0x2028 && ch <= 0x202e) &&
	    !(ch >= 0x2060 && ch <= 0x206f) && ch != 0xfeff && ch < 0xe0000;
}

/*
 * Makes a cell of what the guest wrote. A character of another width here
 * than there would push the rest of the row aside: it becomes a '?'.
 */
static void
cell_of(const struct term_cell *from, struct draw_cell *to, uint32_t *comb)
{
	unsigned i;

	memset(to, 0, sizeof *to);
	to->ch = from->ch;
	if (to->ch < ' ' || (to->ch >= 0x7f && to->ch < 0xa0) ||
	    (from->attrs & TERM_CONCEAL))
		to->ch = ' ';
	else if (to->ch >= 0x80 && !glyphs()->utf8)
		to->ch = to_ascii(to->ch);
	else if (to->ch >= 0xa0 && wcwidth((wchar_t)to->ch) != from->width)
		to->ch = '?';
	to->comb = comb;
	for (i = 0; i < from->ncomb && glyphs()->utf8; i++)
		if (is_accent(from->comb[i]))
			comb[to->ncomb++] = from->comb[i];
	to->fg = from->fg;
	to->bg = from->bg;
	if (from->attrs & TERM_BOLD)
		to->looks |= LOOK_BOLD;
	if (from->attrs & TERM_DIM)
		to->looks |= LOOK_DIM;
	if (from->attrs & TERM_ITALIC)
		to->looks |= LOOK_ITALIC;
	if (from->attrs & TERM_BLINK)
		to->looks |= LOOK_BLINK;
	if (from->attrs & TERM_REVERSE)
		to->looks |= LOOK_REVERSE;
	if (from->attrs & TERM_UNDERLINE_MASK)
		to->looks |= LOOK_UNDERLINE;
}

static void
blanks(const struct rect *r, int y, int x)
{
	const struct draw_cell blank = {.ch = ' '};

	for (; x < r->w; x++)
		draw_cell(r->y + y, r->x + x, &blank);
}

/* A line, from a column on. */
static void
paint_line(const struct rect *r, int y, struct pane *p, uint64_t line, int from)
{
	const struct term *t = pane_term(p);
	struct look_marks marks;
	struct term_cell cells[TERM_MAX];
	struct draw_cell cell;
	uint32_t comb[TERM_COMBINING];
	int x, width, cols = (int)term_cols(t) - from;

	term_line(t, line, cells);
	look_marks(p, line, &marks);
	for (x = 0; x < cols && x < r->w; x += width) {
		width = cells[from + x].width == 2 ? 2 : 1;
		cell_of(&cells[from + x], &cell, comb);
		look_mark(&marks, line, (unsigned)(from + x), &cell);
		if (width == 2 &&
		    (x + 1 == r->w || wcwidth((wchar_t)cell.ch) != 2)) {
			/* No room, or no wide character any more. */
			if (x + 1 < r->w) {
				struct draw_cell blank = cell;

				blank.ch = ' ';
				blank.ncomb = 0;
				draw_cell(r->y + y, r->x + x + 1, &blank);
			} else
				cell.ch = ' ';
		}
		draw_cell(r->y + y, r->x + x, &cell);
	}
	blanks(r, y, cols);
}

void
paint_pane(const struct rect *r, struct pane *p, bool all)
{
	struct term *t = pane_term(p);
	uint64_t top = pane_top(p);
	int y, rows;
	unsigned row, col;

	pane_part(p, (unsigned)r->h, (unsigned)r->w, &row, &col);
	rows = (int)(term_rows(t) - row);
	/* Damage is told of rows of the screen, not of the lines seen. */
	if (pane_moved(p) || look_on(p))
		all = true;
	for (y = 0; y < rows && y < r->h; y++)
		if (all || term_row_damaged(t, row + (unsigned)y))
			paint_line(r, y, p, top + row + (uint64_t)y, (int)col);
	/* The terminal may be smaller than its room. */
	for (; all && y < r->h; y++)
		blanks(r, y, 0);
	term_damage_clear(t);
}

/* As DECSCUSR counts them; the guest's, if it asked for one. */
static int
shape_of(const struct term_cursor *c)
{
	static const int shape[] = {[TERM_SHAPE_BLOCK] = 2,
	    [TERM_SHAPE_UNDERLINE] = 4,
	    [TERM_SHAPE_BAR] = 6};

	return c->styled ? shape[c->shape] - c->blink : 0;
}

void
paint_cursor(const struct rect *r, struct pane *p)
{
	const struct looking *l = pane_looking(p);
	struct term_cursor c;
	unsigned row, col;

	if (r->h < 1 || r->w < 1)
		return;
	pane_part(p, (unsigned)r->h, (unsigned)r->w, &row, &col);
	term_cursor(pane_term(p), &c);
	if (l->on) {
		c.row = (unsigned)(l->at.line - l->top);
		c.col = l->at.col;
		c.visible = true;
		c.styled = false;
	}
	c.row -= row;
	c.col -= col;
	if ((int)c.row >= r->h || (int)c.col >= r->w)
		draw_cursor(r->y + r->h - 1, r->x, false);
	else
		draw_cursor_shaped(r->y + (int)c.row, r->x + (int)c.col,
		    c.visible, shape_of(&c));
}
