/*
 * find.h: searching a terminal's text, scrollback and screen.
 *
 * All matches are found, oldest first, in steps of bounded work, so that the
 * owner's loop goes on meanwhile and can say "3/17". What is plain text is
 * searched; rows that were wrapped are one line; matches do not overlap.
 *
 *	term_first()
 *	     |   searched once: what scrolled away never changes
 *	term_top()
 *	     |   searched again after find_changed()
 *	last row of the screen
 *
 * For the term's thread.
 */
#ifndef TERM_FIND_H
#define TERM_FIND_H

#include "select.h"

#define FIND_PATTERN 128 /* characters of a pattern; what is over is cut */
#define FIND_MAX     1000000 /* matches, of 16 bytes each */

struct find;

/* Both ends are of it. */
struct find_match {
	struct term_place from, to;
};

/*
 * A search for pattern (UTF-8), whatever its case unless a capital is in it.
 * An empty pattern finds nothing. NULL: no memory.
 */
struct find *find_new(const char *pattern);
void find_free(struct find *f); /* NULL is fine */

/* The term was resized, lines have other numbers: begins anew. */
void find_restart(struct find *f);
/*
 * The screen's text changed, lines scrolled away, or were dropped: to be told
 * before the next find_step().
 */
void find_changed(struct find *f, const struct term *t);
/*
 * Goes on for about that many cells. Returns whether everything is searched
 * (or FIND_MAX matches are found, or memory is short).
 */
bool find_step(struct find *f, const struct term *t, size_t cells);
/* Whether there may be more than those found, though the search ended. */
bool find_full(const struct find *f);
/* The part searched, 0 to 100. */
unsigned find_percent(const struct find *f, const struct term *t);

size_t find_count(const struct find *f);
/* The match of that number, below find_count(). */
struct find_match find_get(const struct find *f, size_t i);
/* The number of the first match whose end is at or after p; or the count. */
size_t find_at(const struct find *f, struct term_place p);

#endif
