/*
 * draw.h: putting text, lines and cells at places of the screen.
 *
 * A thin layer over ncurses: everything is clipped to a rectangle, text goes
 * through text.h, so a control character cannot pass. What is drawn reaches
 * the terminal with draw_flush(), and then only what differs. Main thread.
 */
#ifndef TUI_DRAW_H
#define TUI_DRAW_H

#include <stdbool.h>
#include <stdint.h>

#include "tui/theme.h"

struct rect {
	int y, x, h, w; /* in cells, from the top left corner; h, w >= 0 */
};

struct draw_cell {
	uint32_t ch; /* printable, wcwidth() is 1 or 2 */
	const uint32_t *comb; /* ncomb characters of width 0 */
	unsigned ncomb;
	uint32_t fg, bg; /* TERM_COLOUR_... */
	unsigned looks; /* LOOK_... */
};

/* Once, when ncurses runs. */
void draw_begin(void);

void draw_clear(const struct rect *r);
/*
 * Text at row y and column x of r; returns the column behind it. What does
 * not fit is cut, with an ellipsis.
 */
int draw_text(
    const struct rect *r, int y, int x, enum style style, const char *text);
int draw_textf(const struct rect *r, int y, int x, enum style style,
    const char *fmt, ...) __attribute__((format(printf, 5, 6)));
/* The same in exactly width columns, left or right in them. */
int draw_field(const struct rect *r, int y, int x, int width, bool right,
    enum style style, const char *text);
/* n times the glyph, to the right or downwards. */
void draw_hline(const struct rect *r, int y, int x, int n, const char *glyph);
void draw_vline(const struct rect *r, int y, int x, int n, const char *glyph);
/* One glyph of a line, in that style. */
void draw_glyph(
    const struct rect *r, int y, int x, enum style style, const char *glyph);
/* Gives the cell the looks of a style in place of its own. */
void draw_cell_style(struct draw_cell *cell, enum style style);
/* A cell of a guest at row y and column x of the screen. */
void draw_cell(int y, int x, const struct draw_cell *cell);

/*
 * Where the terminal's cursor goes at the next flush, seen or not (a terminal
 * that cannot hide it shows it there).
 */
void draw_cursor(int y, int x, bool visible);
/* The same in the shape of DECSCUSR (VT510): 1 to 6, 0 the person's own. */
void draw_cursor_shaped(int y, int x, bool visible, int shape);

/* Brings the terminal up to date. */
void draw_flush(void);
/* Forgets what the terminal shows: the next flush sends all of it. */
void draw_forget(void);
/*
 * Whether colour pairs ran out since the last call: then those on the screen
 * may have changed and everything is to be drawn again.
 */
bool draw_spilled(void);

#endif
