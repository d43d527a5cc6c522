/*
 * lines.h: which glyph stands where lines between panes meet: a pane's title
 * row is a horizontal line, the column between two panes a vertical one. Pure
 * arithmetic over the places of panes.
 */
#ifndef TUI_LINES_H
#define TUI_LINES_H

#include "tui/draw.h"
#include "tui/tree.h"

/* Or-ed together: which neighbours a line at a place leads to. */
#define LINES_UP    1u
#define LINES_DOWN  2u
#define LINES_LEFT  4u
#define LINES_RIGHT 8u

/*
 * For each cell of area, row after row, in out[area->h * area->w]: 0 where
 * there is no line, else where it leads. Of the tree's last layout.
 */
void lines_find(
    const struct tree *t, const struct rect *area, unsigned char *out);
/* The glyph of such a cell. */
const char *lines_glyph(unsigned leads);

#endif
