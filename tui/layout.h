/*
 * layout.h: which part of the screen stands where, for a size.
 *
 *	>= 100 columns			below that		console, below
 *	top				top			titles
 *	titles				titles			console
 *	list	| console		list
 *		|- figures		figures
 *	edge
 *	bottom				bottom			bottom
 *
 * Pure arithmetic. A part that has no room has no height.
 */
#ifndef TUI_LAYOUT_H
#define TUI_LAYOUT_H

#include <stdbool.h>

#include "tui/draw.h"

#define LAYOUT_WIDE     100 /* columns from which list and console share */
#define LAYOUT_MIN_ROWS 12
#define LAYOUT_MIN_COLS 40

/* Columns of a list row beside the name, when list and console share. */
#define LAYOUT_LIST_BESIDE 31

struct layout {
	int rows, cols;
	bool small; /* below the minimum: only a sentence is shown */
	bool wide;
	struct rect screen, top, titles, list, console, figures, edge, bottom;
	struct rect side; /* for help and lists: the right side, or all */
	int split; /* column of the line between list and console; -1: none */
};

/*
 * names: columns that the longest name of a guest takes. console: whether
 * the console is turned to (below LAYOUT_WIDE it then has the screen).
 */
void layout_compute(
    struct layout *l, int rows, int cols, int names, bool console);

#endif
