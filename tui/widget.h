/*
 * widget.h: the small things views are made of. Each draws in a rectangle
 * and keeps no state of its own; main thread.
 */
#ifndef TUI_WIDGET_H
#define TUI_WIDGET_H

#include <stddef.h>
#include <stdint.h>

#include "tui/draw.h"
#include "tui/model.h"

/*
 * The first row to show of a list of n rows in h lines, so that row selected
 * is seen and as little as possible moves; top is the one shown so far.
 */
size_t list_scroll(size_t top, size_t selected, size_t n, size_t h);

/*
 * A sparkline of width columns at row y and column x of r, the newest at the
 * right; each is the average of step samples, of one history or (and not
 * NULL) of two together. full is what fills the height.
 */
void sparkline_draw(const struct rect *r, int y, int x, int width,
    const struct history *h, const struct history *and, unsigned step,
    uint64_t full);
/* The largest column of that sparkline. */
uint64_t sparkline_most(const struct history *h, const struct history *and,
    int width, unsigned step);
/* The height, 0 to GLYPHS_SPARK - 1, that a sample of full has. */
unsigned sparkline_height(uint64_t sample, uint64_t full);

/*
 * A row of text with each place where word stands in it (whatever the case)
 * as STYLE_MATCH; "" stands nowhere. Returns the column behind it.
 */
int found_draw(const struct rect *r, int y, int x, enum style style,
    const char *text, const char *word);

/* A bar of width columns of which part of whole are filled. */
void bar_draw(const struct rect *r, int y, int x, int width, uint64_t part,
    uint64_t whole);

#endif
