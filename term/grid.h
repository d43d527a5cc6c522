/*
 * grid.h: the lines of a terminal. Internal to term/.
 *
 * Scrollback and main screen are one ring of rows, a power of two long:
 *
 *	ring   |   |   | h | h | h | h | s | s | s |   |
 *	                 ^ head         ^ head + count
 *
 * count rows of scrollback (h, packed) are followed by the rows of the screen
 * (s, live). Scrolling the screen packs its top row where it lies and goes on
 * by one; the cells it had become those of the new bottom row. The alternate
 * screen is a ring of its own, exactly its rows long, made when asked for.
 */
#ifndef TERM_GRID_H
#define TERM_GRID_H

#include "row.h"

struct grid {
	unsigned rows, cols;
	unsigned limit; /* lines of scrollback at most */
	struct row *ring;
	unsigned size; /* of ring, a power of two */
	unsigned head; /* where the oldest line is; counts on, see slot() */
	unsigned count; /* lines of scrollback */
	size_t bytes; /* of all that is packed */
	uint64_t first; /* number of the oldest line */
	struct row *alt; /* NULL: never asked for */
	unsigned alt_head;
	bool on_alt;
	bool all_dirty; /* every row is, whatever dirty says */
	bool any_dirty;
	bool *dirty; /* one a row of the screen */
	struct row *turned; /* rows, while they turn */
	uint8_t *scratch; /* for row_pack() */
};

/* What part of the screen: from start up to, not including, end. */
struct area {
	int top, bottom, left, right;
};

/* False if memory is short; grid_free() is then still to be called. */
bool grid_init(struct grid *g, unsigned rows, unsigned cols, unsigned limit);
void grid_free(struct grid *g);

/* The row of the main ring that is index rows below the oldest line. */
struct row *grid_slot(const struct grid *g, unsigned index);
/*
 * A row of the screen that is shown. -1 is the last line of scrollback, or
 * NULL if there is none.
 */
struct row *grid_row(const struct grid *g, int row);
/* A row by line number, or NULL. */
struct row *grid_line(const struct grid *g, uint64_t line);

void grid_dirty(struct grid *g, unsigned row);
void grid_dirty_all(struct grid *g);

/* Blanks an area in colour bg. */
void grid_erase(struct grid *g, struct area area, uint32_t bg, bool selective);

/*
 * Moves what is in the area up by down rows and left by right columns (either
 * may be negative) and blanks what becomes free. Lines that leave the main
 * screen at its top, full width, go into the scrollback.
 */
void grid_scroll(
    struct grid *g, struct area area, int down, int right, uint32_t bg);

/* Shows the alternate screen or the main one; false if memory is short. */
bool grid_alternate(struct grid *g, bool on);

/* Drops the oldest n lines of scrollback. */
void grid_drop(struct grid *g, unsigned n);

/*
 * Adds a packed row to the end of the scrollback of a grid without a screen,
 * as grid_resize() builds it; the row is the grid's then.
 */
void grid_append(struct grid *g, const struct row *row);

/* Makes room in the ring for index rows; false if memory is short. */
bool grid_grow(struct grid *g, unsigned index);

/* A place in the text: a cell of a line. */
struct place {
	uint64_t line;
	unsigned col;
};

/*
 * Changes the size, wrapping anew if cols changed (wrap.c). cursor is where
 * the cursor of the main screen stands, in a column of cols if it waits to
 * wrap, and becomes where it stands then; places likewise. False, and nothing
 * changed, if memory is short.
 */
bool grid_resize(struct grid *g, unsigned rows, unsigned cols,
    struct place *cursor, uint64_t *places, size_t n);

#endif
