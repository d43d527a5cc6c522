#include <string.h>

#include "tui/glyphs.h"
#include "tui/lines.h"

#define HORIZONTAL 16u /* while lines_find() works */
#define VERTICAL   32u

struct map {
	const struct rect *area;
	unsigned char *cell;
};

static unsigned
at(const struct map *m, int y, int x)
{
	if (y < 0 || x < 0 || y >= m->area->h || x >= m->area->w)
		return 0;
	return m->cell[y * m->area->w + x];
}

static void
mark(const struct map *m, int y, int x, unsigned bits)
{
	y -= m->area->y;
	x -= m->area->x;
	if (y >= 0 && x >= 0 && y < m->area->h && x < m->area->w)
		m->cell[y * m->area->w + x] |= (unsigned char)bits;
}

static void
mark_node(const struct map *m, const struct tree_node *node)
{
	const struct tree_node *child;
	unsigned i;
	int k;

	if (node->kind == TREE_LEAF) {
		for (k = 0; k < node->w && node->h > 0; k++)
			mark(m, node->y, node->x + k, HORIZONTAL);
		return;
	}
	for (i = 0; i < node->n; i++) {
		child = node->child[i];
		mark_node(m, child);
		if (node->kind == TREE_COLUMNS && i + 1 < node->n &&
		    child->x + child->w < node->x + node->w)
			for (k = 0; k < node->h; k++)
				mark(m, node->y + k, child->x + child->w,
				    VERTICAL);
	}
}

/* A title leads on to both sides; a separator only to where lines are. */
static unsigned
leads(const struct map *m, int y, int x)
{
	unsigned up = at(m, y - 1, x), down = at(m, y + 1, x), to = 0;

	if (at(m, y, x) & HORIZONTAL) {
		to = LINES_LEFT | LINES_RIGHT;
		if (up & VERTICAL)
			to |= LINES_UP;
		if (down & VERTICAL)
			to |= LINES_DOWN;
	} else if (at(m, y, x) & VERTICAL) {
		if (up & (VERTICAL | HORIZONTAL))
			to |= LINES_UP;
		if (down & (VERTICAL | HORIZONTAL))
			to |= LINES_DOWN;
		if (at(m, y, x - 1) & HORIZONTAL)
			to |= LINES_LEFT;
		if (at(m, y, x + 1) & HORIZONTAL)
			to |= LINES_RIGHT;
		/* The last row of a separator ends in the bottom line. */
		if (to == 0)
			to = LINES_UP;
	}
	return to;
}

void
lines_find(const struct tree *t, const struct rect *area, unsigned char *out)
{
	struct map m = {area, out};
	int i, n = area->h * area->w;

	memset(out, 0, (size_t)n);
	if (t->root == NULL)
		return;
	mark_node(&m, t->root);
	for (i = 0; i < n; i++)
		out[i] |= (unsigned char)leads(&m, i / area->w, i % area->w);
	for (i = 0; i < n; i++)
		out[i] &= LINES_UP | LINES_DOWN | LINES_LEFT | LINES_RIGHT;
}

const char *
lines_glyph(unsigned to)
{
	const struct glyphs *g = glyphs();

	switch (to) {
	case LINES_LEFT | LINES_RIGHT | LINES_DOWN:
		return g->tee_down;
	case LINES_LEFT | LINES_RIGHT | LINES_UP:
		return g->tee_up;
	case LINES_UP | LINES_DOWN | LINES_RIGHT:
		return g->tee_right;
	case LINES_UP | LINES_DOWN | LINES_LEFT:
		return g->tee_left;
	case LINES_UP | LINES_DOWN | LINES_LEFT | LINES_RIGHT:
		return g->cross;
	}
	return to & (LINES_LEFT | LINES_RIGHT) ? g->hline : g->vline;
}
