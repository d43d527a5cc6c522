/*
 * row.h: one line of a grid. Internal to term/.
 *
 * A row on a screen is live: an array of cells, as wide as the screen, made
 * when something is first written. Cells from used on are blank, whatever the
 * array holds there, so that clearing a row is setting a number.
 *
 *	cells  | h | e | l | l | o |   | ? | ? | ? |      used = 6
 *
 * A row that left the screen is packed into what it holds:
 *
 *	packed  | runs | run 0 | run 1 | ... | text of the cells |
 *
 * runs is a uint16_t; a run is how many cells look alike and how (struct run);
 * no runs means the default look throughout. The text is, a cell, one of
 *
 *	0			empty
 *	UTF-8			a character of width 1
 *	prefix UTF-8 UTF-8...	ncomb | wide << 3, 1 to 31: what ncomb says of
 *				combining characters follow; wide covers the
 *				next cell too
 */
#ifndef TERM_ROW_H
#define TERM_ROW_H

#include "term.h"

/* A cell that DECSCA protects from selective erase; never given out. */
#define CELL_PROTECTED 0x8000u

struct cell {
	uint32_t ch;
	uint32_t fg, bg;
	uint16_t attrs;
	uint8_t width;
	uint8_t ncomb; /* they are in the row's comb, same column */
};

#define ROW_WRAPS  0x1u /* goes on in the next row */
#define ROW_PACKED 0x2u

struct row {
	union {
		struct cell *cells; /* live; NULL: nothing written yet */
		uint8_t *packed; /* NULL: an empty line */
	};
	/* Live rows only; NULL until a combining character comes. */
	uint32_t (*comb)[TERM_COMBINING];
	uint32_t bytes; /* size of packed */
	uint16_t used;
	uint8_t flags;
};

/* Bytes of scratch that row_pack() needs for a row of cols. */
#define ROW_SCRATCH(cols) ((cols) * (12u + 1 + 4 * (1 + TERM_COMBINING)) + 4)

static inline struct cell
cell_blank(uint32_t bg)
{
	return (struct cell){.bg = bg, .width = 1};
}

/* Frees what a row holds and makes it an empty live one. */
void row_free(struct row *row);

/*
 * Makes a live row of cols ready for writing to columns below upto: its cells
 * exist and those between used and upto are blank. False if memory is short.
 */
bool row_ready(struct row *row, unsigned cols, unsigned upto);

/*
 * Writes one character with its combining ones over col and, if it is 2 wide,
 * col + 1. The caller has checked that it fits. A wide character of which one
 * half goes loses the other too.
 */
void row_put(struct row *row, unsigned cols, unsigned col,
    const struct cell *cell, const uint32_t *comb);

/* Writes n ASCII characters with the look of pen. */
void row_put_ascii(struct row *row, unsigned cols, unsigned col,
    const char *text, unsigned n, const struct cell *pen);

/* Whether a live row has a character there; of a packed one it is believed. */
bool row_holds(const struct row *row, unsigned col);

/*
 * Blanks the columns from start to end, in colour bg; the protected ones stay
 * if selective.
 */
void row_erase(struct row *row, unsigned cols, unsigned start, unsigned end,
    uint32_t bg, bool selective);

/*
 * Copies n cells from column from of src to column to of dst, which may be
 * the same row. Halves of wide characters are left to row_mend().
 */
void row_copy(struct row *dst, unsigned to, const struct row *src,
    unsigned from, unsigned n, unsigned cols);

/* Blanks every half of a wide character that lost the other half. */
void row_mend(struct row *row);

/* How many cells lead a live row, less the blank ones at its end. */
unsigned row_trim(const struct row *row);

/*
 * Packs a live row into out, which it overwrites; the live one stays. Returns
 * false, and an empty line, if memory is short.
 */
bool row_pack(const struct row *row, struct row *out, uint8_t *scratch);

/* Reads a row of either kind; returns how many of at most cols cells. */
unsigned row_read(
    const struct row *row, struct term_cell *cells, unsigned cols);

/* Writes what row_read() gave into an empty live row. */
void row_write(
    struct row *row, unsigned cols, const struct term_cell *cells, unsigned n);

/* UTF-8: writes ch (valid, not above 0x10ffff), returns its length, 1 to 4. */
unsigned utf8_write(uint32_t ch, uint8_t *out);
/* Reads one character of text that is known to be valid. */
const uint8_t *utf8_read(const uint8_t *p, uint32_t *ch);

/*
 * The character that starts at p, of which n > 0 bytes are there: its length;
 * or 0 if n bytes are not enough to tell; or less than 0: that many bytes are
 * none. ASCII is none here.
 */
int utf8_length(const unsigned char *p, size_t n);
/*
 * Whether a valid character of len bytes is no text, or would change the order
 * of the text around it on the person's terminal: C1 controls, line and
 * paragraph separators, directional overrides and isolates.
 */
bool utf8_unwanted(const unsigned char *p, unsigned len);

#endif
