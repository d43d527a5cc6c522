/*
 * select.h: places in a terminal's text: motions, selections, their text.
 *
 * Text is what the guest wrote, not how it was cut into rows: rows that were
 * wrapped are one line of it ("text line" below).
 *
 *	row 7  | the quick brown f |  \
 *	row 8  | ox jumps          |  /  one text line
 *
 * Pure functions over term.h's lines, for the term's thread. A place that is
 * outside of what the term holds is taken as the nearest one inside. Work is
 * bounded by one text line, for motions by the blank lines they skip.
 */
#ifndef TERM_SELECT_H
#define TERM_SELECT_H

#include "term.h"

/* A cell: a line number as term.h has them, and a column. */
struct term_place {
	uint64_t line;
	unsigned col;
};

/* Less than, equal to or greater than 0: a comes before, is, comes after b. */
int select_compare(struct term_place a, struct term_place b);
/* The nearest place that the term holds; never the right half of a cell. */
struct term_place select_clamp(const struct term *t, struct term_place p);

/* Whether the line's text goes on in the next one, as it is shown now. */
bool select_joined(const struct term *t, uint64_t line);
/* The first and the last row of the text line that the line is of. */
uint64_t select_first_row(const struct term *t, uint64_t line);
uint64_t select_last_row(const struct term *t, uint64_t line);
/* The line's last column that is not blank; 0 if all are. */
unsigned select_last_col(const struct term *t, uint64_t line);
/* Its first column that is not blank; 0 if all are. */
unsigned select_first_col(const struct term *t, uint64_t line);

/*
 * vi's w, b and e: words are runs of letters, digits and _, or of other
 * characters that are no blanks. At the last (first) word they stay.
 */
struct term_place select_word_next(const struct term *t, struct term_place p);
struct term_place select_word_back(const struct term *t, struct term_place p);
struct term_place select_word_end(const struct term *t, struct term_place p);

/*
 * What a double click takes: the path, name, number or address around p, or
 * the run of blanks or of one kind of other characters.
 */
void select_word(const struct term *t, struct term_place p,
    struct term_place *from, struct term_place *to);
/* What a triple click takes: the text line around p. */
void select_line(const struct term *t, struct term_place p,
    struct term_place *from, struct term_place *to);

/* Room for what select_text() makes of one row. */
#define SELECT_ROW_BYTES (TERM_MAX * 4 * (1 + TERM_COMBINING) + 2)

/*
 * The text that the selection from..to (in order, both included) holds of one
 * row, UTF-8: blanks at the end of a text line left out, and a line feed
 * behind it unless it goes on in the next row or the selection ends in it.
 * buf has SELECT_ROW_BYTES; returns the length, no NUL is added.
 */
size_t select_text(const struct term *t, struct term_place from,
    struct term_place to, uint64_t line, char *buf);

/*
 * A place that survives term_resize(): hand its line over with the others
 * that term_resize() translates, then ask for the place again. Otherwise an
 * anchor ages as line numbers do.
 */
struct term_anchor {
	uint64_t line; /* first row of the text line */
	size_t offset; /* cells of it before the place */
};

struct term_anchor select_anchor(const struct term *t, struct term_place p);
struct term_place select_place(const struct term *t, struct term_anchor a);

#endif
