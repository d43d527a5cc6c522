/*
 * glyphs.h: the few characters that draw the screen, in UTF-8 or in ASCII.
 *
 * Chosen once at the start from the locale, TERM and $VMTUI_ASCII; main
 * thread. Every glyph but the words for keys is one column wide.
 */
#ifndef TUI_GLYPHS_H
#define TUI_GLYPHS_H

#include <stdbool.h>

#include "tui/theme.h"

#define GLYPHS_SPARK 8 /* heights of a sparkline, lowest first */

struct glyphs {
	bool utf8;
	const char *running, *paused, *stopped, *crashed;
	const char *starting, *stopping, *unknown;
	const char *pointer, *ellipsis, *dot, *arrow;
	const char *below; /* a child, in a tree */
	const char *hline, *vline;
	/* Where lines meet: ┬ ┴ ├ ┤ ┼ */
	const char *tee_down, *tee_up, *tee_right, *tee_left, *cross;
	/* Of a pane: printed, rang, typing goes there too, recording. */
	const char *news, *rang, *too, *record;
	const char *spark[GLYPHS_SPARK];
	const char *bar_full, *bar_empty;
	/* Words for keys. */
	const char *enter, *up, *down, *left, *right;
};

/*
 * Chooses: $VMTUI_ASCII=1 is ASCII and =0 is UTF-8; else UTF-8 if the locale
 * has it and the terminal is none whose font lacks these (linux, vt100...).
 * setlocale() was called before.
 */
void glyphs_choose(const char *term);

/*
 * Draws lines with others (theme.h) from now on; in ASCII there is but that
 * or none.
 */
void glyphs_borders(enum theme_borders borders);

/* The chosen set; ASCII before glyphs_choose(). */
const struct glyphs *glyphs(void);

#endif
