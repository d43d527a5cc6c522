#include <curses.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "term/term.h"
#include "tui/colour.h"
#include "tui/draw.h"
#include "tui/glyphs.h"
#include "tui/text.h"
#include "tui/tty.h"

#define PAIRS_MAX  4095 /* ncurses would take more; a screen has fewer */
#define SLOTS      16384 /* of the hash, a power of two */
#define FIRST_PAIR 1

/*
 * Pairs in the order they were asked for; when they run out all are
 * forgotten and the screen is drawn anew with those it needs.
 */
static struct {
	int colours; /* of the terminal, 0: none */
	int limit, next;
	bool spilled;
	int cursor_y, cursor_x;
	bool cursor;
	int cursor_shape;
	struct slot {
		int fg, bg, pair;
	} slot[SLOTS];
} draw;

void
draw_begin(void)
{
	const char *no = getenv("NO_COLOR");

	draw.colours = 0;
	draw.next = FIRST_PAIR;
	if ((no != NULL && *no != '\0') || !has_colors() ||
	    start_color() == ERR || COLORS < 8)
		return;
	use_default_colors();
	draw.colours = COLORS;
	draw.limit = COLOR_PAIRS - 1 < PAIRS_MAX ? COLOR_PAIRS - 1 : PAIRS_MAX;
}

/* The pair of two colour numbers, 0 for the terminal's own. */
static int
pair_of(int fg, int bg)
{
	struct slot *s;
	unsigned h;

	if (fg == -1 && bg == -1)
		return 0;
	if (draw.next > draw.limit) {
		memset(draw.slot, 0, sizeof draw.slot);
		draw.next = FIRST_PAIR;
		draw.spilled = true;
	}
	h = ((unsigned)fg * 2654435761u) ^ ((unsigned)bg * 40503u);
	h ^= h >> 15;
	for (;; h++) {
		s = &draw.slot[h & (SLOTS - 1)];
		if (s->pair == 0)
			break;
		if (s->fg == fg && s->bg == bg)
			return s->pair;
	}
	if (init_extended_pair(draw.next, fg, bg) == ERR)
		return 0;
	s->fg = fg;
	s->bg = bg;
	s->pair = draw.next++;
	return s->pair;
}

static attr_t
attr_of(unsigned looks)
{
	attr_t a = A_NORMAL;

	if (looks & LOOK_BOLD)
		a |= A_BOLD;
	if (looks & LOOK_DIM)
		a |= A_DIM;
	if (looks & LOOK_UNDERLINE)
		a |= A_UNDERLINE;
	if (looks & LOOK_REVERSE)
		a |= A_REVERSE;
	if (looks & LOOK_ITALIC)
		a |= A_ITALIC;
	if (looks & LOOK_BLINK)
		a |= A_BLINK;
	return a;
}

static void
put(int y, int x, const wchar_t *text, attr_t attr, int pair)
{
	cchar_t c;

	if (setcchar(&c, text, attr, 0, &pair) == OK)
		mvadd_wch(y, x, &c);
}

static uint32_t
cell_colour(short colour)
{
	return colour < 0 ? TERM_COLOUR_DEFAULT
			  : TERM_COLOUR_INDEXED | (uint32_t)colour;
}

static void
style_of(enum style style, attr_t *attr, int *pair)
{
	struct look look = theme_look(style, draw.colours > 0);
	bool bright = false;

	*pair = 0;
	if (draw.colours > 0)
		*pair = pair_of(
		    colour_number(cell_colour(look.fg), draw.colours, &bright),
		    colour_number(cell_colour(look.bg), draw.colours, NULL));
	*attr = attr_of(look.attrs | (bright ? LOOK_BOLD : 0));
}

void
draw_clear(const struct rect *r)
{
	int y, x;

	for (y = 0; y < r->h; y++)
		for (x = 0; x < r->w; x++)
			put(r->y + y, r->x + x, L" ", A_NORMAL, 0);
}

/* Text in columns x to limit of r; returns the column behind it. */
static int
put_text(const struct rect *r, int y, int x, int limit, enum style style,
    const char *text)
{
	wchar_t one[2] = {0, 0};
	const char *rest = text;
	attr_t attr;
	int pair, width, end;
	uint32_t ch;
	bool cut;

	if (limit > r->w)
		limit = r->w;
	if (y < 0 || y >= r->h || x < 0 || x >= limit)
		return x;
	style_of(style, &attr, &pair);
	cut = text_width(text) > limit - x;
	end = cut ? limit - 1 : limit;
	while (*rest != '\0') {
		ch = text_next(&rest, &width);
		if (x + width > end)
			break;
		if (width == 0)
			continue;
		/* No glyph of ours, and the terminal may not have it. */
		if (ch >= 0x80 && !glyphs()->utf8)
			ch = '?';
		one[0] = (wchar_t)ch;
		put(r->y + y, r->x + x, one, attr, pair);
		x += width;
	}
	if (cut) {
		rest = glyphs()->ellipsis;
		one[0] = (wchar_t)text_next(&rest, &width);
		put(r->y + y, r->x + x++, one, attr, pair);
	}
	return x;
}

int
draw_text(
    const struct rect *r, int y, int x, enum style style, const char *text)
{
	return put_text(r, y, x, r->w, style, text);
}

int
draw_textf(
    const struct rect *r, int y, int x, enum style style, const char *fmt, ...)
{
	char text[1024];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof text, fmt, ap);
	va_end(ap);
	return draw_text(r, y, x, style, text);
}

int
draw_field(const struct rect *r, int y, int x, int width, bool right,
    enum style style, const char *text)
{
	int used = text_width(text);
	struct rect gap = {r->y + y, r->x + x, 1, width};

	if (y < 0 || y >= r->h || x < 0 || x >= r->w)
		return x + width;
	if (gap.w > r->w - x)
		gap.w = r->w - x;
	draw_clear(&gap);
	put_text(r, y, right && used < width ? x + width - used : x, x + width,
	    style, text);
	return x + width;
}

static void
line(const struct rect *r, int y, int x, int dy, int dx, int n,
    enum style style, const char *glyph)
{
	wchar_t one[2] = {0, 0};
	attr_t attr;
	int pair, width;

	style_of(style, &attr, &pair);
	one[0] = (wchar_t)text_next(&glyph, &width);
	for (; n > 0; n--, y += dy, x += dx)
		if (y >= 0 && y < r->h && x >= 0 && x < r->w)
			put(r->y + y, r->x + x, one, attr, pair);
}

void
draw_hline(const struct rect *r, int y, int x, int n, const char *glyph)
{
	line(r, y, x, 0, 1, n, STYLE_LINE, glyph);
}

void
draw_vline(const struct rect *r, int y, int x, int n, const char *glyph)
{
	line(r, y, x, 1, 0, n, STYLE_LINE, glyph);
}

void
draw_glyph(
    const struct rect *r, int y, int x, enum style style, const char *glyph)
{
	line(r, y, x, 0, 0, 1, style, glyph);
}

void
draw_cell_style(struct draw_cell *cell, enum style style)
{
	struct look look = theme_look(style, draw.colours > 0);

	cell->fg = cell_colour(look.fg);
	cell->bg = cell_colour(look.bg);
	cell->looks = look.attrs;
}

void
draw_cell(int y, int x, const struct draw_cell *cell)
{
	wchar_t text[CCHARW_MAX];
	bool bright = false;
	unsigned i, n = 0, looks = cell->looks;
	int pair = 0;

	text[n++] = (wchar_t)cell->ch;
	for (i = 0; i < cell->ncomb && n < CCHARW_MAX - 1; i++)
		text[n++] = (wchar_t)cell->comb[i];
	text[n] = 0;
	if (draw.colours > 0) {
		pair = pair_of(colour_number(cell->fg, draw.colours, &bright),
		    colour_number(cell->bg, draw.colours, NULL));
		if (bright)
			looks |= LOOK_BOLD;
	}
	put(y, x, text, attr_of(looks), pair);
}

void
draw_cursor_shaped(int y, int x, bool visible, int shape)
{
	draw.cursor_y = y;
	draw.cursor_x = x;
	draw.cursor = visible;
	draw.cursor_shape = shape;
}

void
draw_cursor(int y, int x, bool visible)
{
	draw_cursor_shaped(y, x, visible, 0);
}

void
draw_flush(void)
{
	move(draw.cursor_y, draw.cursor_x);
	curs_set(draw.cursor ? 1 : 0);
	refresh();
	tty_cursor(draw.cursor_shape);
}

void
draw_forget(void)
{
	clearok(curscr, TRUE);
}

bool
draw_spilled(void)
{
	bool was = draw.spilled;

	draw.spilled = false;
	return was;
}
