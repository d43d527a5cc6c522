/*
 * paint.h: a guest's terminal onto the screen: cells only, so that no escape
 * sequence of a guest ever reaches the person's terminal. Main thread.
 */
#ifndef TUI_PAINT_H
#define TUI_PAINT_H

#include <stdbool.h>

#include "tui/draw.h"
#include "tui/pane.h"

/*
 * Draws the pane at r, which has its size: all rows, or those that changed
 * since the last time. Clears the damage.
 */
void paint_pane(const struct rect *r, struct pane *p, bool all);
/* Puts the cursor where typing goes. */
void paint_cursor(const struct rect *r, struct pane *p);

#endif
