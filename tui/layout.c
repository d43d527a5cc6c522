#include <string.h>

#include "tui/layout.h"

static struct rect
rect(int y, int x, int h, int w)
{
	struct rect r = {y, x, h > 0 ? h : 0, w > 0 ? w : 0};

	return r;
}

static int
clamp(int n, int low, int high)
{
	return n < low ? low : n > high ? high : n;
}

/* Lines of figures under a console, or under the list. */
static int
figure_lines(int rows)
{
	return rows >= 40 ? 8 : rows >= 20 ? 4 : 0;
}

static void
wide(struct layout *l, int names)
{
	int list, right, body = l->rows - 4, figures = figure_lines(l->rows);

	list = LAYOUT_LIST_BESIDE + clamp(names, 8, 32);
	if (list > l->cols * 2 / 5)
		list = l->cols * 2 / 5;
	l->split = list;
	right = l->cols - list - 1;
	l->top = rect(0, 0, 1, l->cols);
	l->titles = rect(1, 0, 1, l->cols);
	l->list = rect(2, 0, body, list);
	l->console =
	    rect(2, list + 1, figures > 0 ? body - figures - 1 : body, right);
	l->figures = rect(2 + body - figures, list + 1, figures, right);
	l->edge = rect(l->rows - 2, 0, 1, l->cols);
	l->side = rect(2, list + 1, body, right);
}

static void
narrow(struct layout *l, bool console)
{
	int body = l->rows - 3, figures = l->rows >= 20 ? 4 : 0;

	l->split = -1;
	l->side = rect(2, 0, body, l->cols);
	if (console) {
		l->titles = rect(0, 0, 1, l->cols);
		l->console = rect(1, 0, l->rows - 2, l->cols);
		l->side = rect(1, 0, l->rows - 2, l->cols);
		return;
	}
	l->top = rect(0, 0, 1, l->cols);
	l->titles = rect(1, 0, 1, l->cols);
	l->list = rect(2, 0, figures > 0 ? body - figures - 1 : body, l->cols);
	l->figures = rect(2 + body - figures, 0, figures, l->cols);
}

void
layout_compute(struct layout *l, int rows, int cols, int names, bool console)
{
	memset(l, 0, sizeof *l);
	l->rows = rows;
	l->cols = cols;
	l->screen = rect(0, 0, rows, cols);
	l->small = rows < LAYOUT_MIN_ROWS || cols < LAYOUT_MIN_COLS;
	l->wide = cols >= LAYOUT_WIDE;
	l->split = -1;
	if (l->small)
		return;
	l->bottom = rect(rows - 1, 0, 1, cols);
	if (l->wide)
		wide(l, names);
	else
		narrow(l, console);
}
