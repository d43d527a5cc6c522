/* tree.h's sizes: who gets how much room, and what is where. */
#include <stdint.h>
#include <string.h>

#include "tui/tree.h"

#define SEPARATOR 1 /* columns between columns */

/* The length of a node along the axis of a group of that kind. */
static int
length(const struct tree_node *node, enum tree_kind kind)
{
	return kind == TREE_COLUMNS ? node->w : node->h;
}

static int
gap(enum tree_kind kind)
{
	return kind == TREE_COLUMNS ? SEPARATOR : 0;
}

void
tree_least(const struct tree_node *node, int *h, int *w)
{
	int i, one_h, one_w;

	if (node->kind == TREE_LEAF) {
		*h = TREE_MIN_ROWS;
		*w = TREE_MIN_COLS;
		return;
	}
	*h = *w = 0;
	for (i = 0; i < (int)node->n; i++) {
		tree_least(node->child[i], &one_h, &one_w);
		if (node->kind == TREE_COLUMNS) {
			*w += one_w + (i > 0 ? SEPARATOR : 0);
			*h = one_h > *h ? one_h : *h;
		} else {
			*h += one_h;
			*w = one_w > *w ? one_w : *w;
		}
	}
}

static int
least(const struct tree_node *node, enum tree_kind kind)
{
	int h, w;

	tree_least(node, &h, &w);
	return kind == TREE_COLUMNS ? w : h;
}

/*
 * Shares total cells among the children: by weight, then from those with the
 * most to spare to those with too little, if all can have enough.
 */
static void
share(const struct tree_node *group, int total, int *size)
{
	uint64_t sum = 0, before = 0;
	int min[2 * TREE_MAX], needed = 0, i, n = (int)group->n, rich, poor;

	for (i = 0; i < n; i++) {
		sum += group->child[i]->weight;
		needed += min[i] = least(group->child[i], group->kind);
	}
	if (total < 0)
		total = 0;
	for (i = 0; i < n; i++) {
		size[i] = -(int)((uint64_t)total * before / sum);
		before += group->child[i]->weight;
		size[i] += (int)((uint64_t)total * before / sum);
	}
	while (needed <= total) {
		rich = poor = 0;
		for (i = 1; i < n; i++) {
			if (size[i] - min[i] > size[rich] - min[rich])
				rich = i;
			if (size[i] - min[i] < size[poor] - min[poor])
				poor = i;
		}
		if (size[poor] >= min[poor])
			return;
		size[poor]++;
		size[rich]--;
	}
}

static void
place(struct tree_node *node, int y, int x, int h, int w)
{
	int size[2 * TREE_MAX], at, end, i, n = (int)node->n;

	node->y = y;
	node->x = x;
	node->h = h;
	node->w = w;
	if (node->kind == TREE_LEAF)
		return;
	at = node->kind == TREE_COLUMNS ? x : y;
	end = at + length(node, node->kind);
	share(node, end - at - (n - 1) * gap(node->kind), size);
	for (i = 0; i < n; i++) {
		/* Separators alone may be more than there is. */
		if (at > end)
			at = end;
		if (node->kind == TREE_COLUMNS)
			place(node->child[i], y, at, h, size[i]);
		else
			place(node->child[i], at, x, size[i], w);
		at += size[i] + gap(node->kind);
	}
}

void
tree_layout(struct tree *t, int y, int x, int h, int w)
{
	if (t->root != NULL)
		place(t->root, y, x, h, w);
}

/* Takes up to n cells from children i, i + step ...; returns how many. */
static int
take(const struct tree_node *group, int *size, int i, int step, int n)
{
	int taken = 0, spare;

	for (; i >= 0 && i < (int)group->n && taken < n; i += step) {
		spare = size[i] - least(group->child[i], group->kind);
		if (spare > n - taken)
			spare = n - taken;
		if (spare > 0) {
			size[i] -= spare;
			taken += spare;
		}
	}
	return taken;
}

bool
tree_move_border(const struct tree_border *b, int n)
{
	const struct tree_node *group = b->group;
	int size[2 * TREE_MAX], taken, i = (int)b->i;
	unsigned k;

	for (k = 0; k < group->n; k++)
		size[k] = length(group->child[k], group->kind);
	if (n > 0)
		size[i] += taken = take(group, size, i + 1, 1, n);
	else
		size[i + 1] += taken = take(group, size, i, -1, -n);
	if (taken == 0)
		return false;
	for (k = 0; k < group->n; k++)
		group->child[k]->weight = size[k] > 0 ? (unsigned)size[k] : 1;
	return true;
}

static unsigned
index_of(const struct tree_node *node)
{
	unsigned i = 0;

	while (node->parent->child[i] != node)
		i++;
	return i;
}

bool
tree_resize(struct tree_node *leaf, enum tree_side side, int n)
{
	bool columns = side == TREE_LEFT || side == TREE_RIGHT;
	bool forward = side == TREE_RIGHT || side == TREE_DOWN;
	struct tree_border b = {NULL, 0};
	struct tree_node *node;
	unsigned i;

	for (node = leaf; node->parent != NULL; node = node->parent) {
		if (node->parent->kind != (columns ? TREE_COLUMNS : TREE_ROWS))
			continue;
		i = index_of(node);
		if (forward ? i + 1 < node->parent->n : i > 0) {
			b.group = node->parent;
			b.i = forward ? i : i - 1;
			break;
		}
		/* At an edge: the border on the other side, if there is none. */
		if (b.group == NULL) {
			b.group = node->parent;
			b.i = forward ? i - 1 : i;
		}
	}
	return b.group != NULL && tree_move_border(&b, forward ? n : -n);
}

static bool
inside(const struct tree_node *node, int y, int x)
{
	return y >= node->y && y < node->y + node->h && x >= node->x &&
	    x < node->x + node->w;
}

static bool
border_in(struct tree_node *node, int y, int x, struct tree_border *b)
{
	struct tree_node *child;
	unsigned i;

	if (!inside(node, y, x))
		return false;
	for (i = 0; i < node->n; i++) {
		child = node->child[i];
		b->group = node;
		if (node->kind == TREE_COLUMNS && i + 1 < node->n &&
		    x == child->x + child->w) {
			b->i = i;
			return true;
		}
		if (node->kind == TREE_ROWS && i > 0 && y == child->y) {
			b->i = i - 1;
			return true;
		}
		if (border_in(child, y, x, b))
			return true;
	}
	return false;
}

bool
tree_border_at(const struct tree *t, int y, int x, struct tree_border *b)
{
	return t->root != NULL && border_in(t->root, y, x, b);
}

struct tree_node *
tree_at(const struct tree *t, int y, int x)
{
	struct tree_node *all[TREE_MAX];
	unsigned i, n = tree_leaves(t, all);

	for (i = 0; i < n; i++)
		if (inside(all[i], y, x))
			return all[i];
	return NULL;
}

struct tree_node *
tree_beside(
    const struct tree *t, const struct tree_node *leaf, enum tree_side side)
{
	int y = leaf->y + leaf->h / 2, x = leaf->x + leaf->w / 2;

	switch (side) {
	case TREE_LEFT:
		x = leaf->x - 1 - SEPARATOR;
		break;
	case TREE_RIGHT:
		x = leaf->x + leaf->w + SEPARATOR;
		break;
	case TREE_UP:
		y = leaf->y - 1;
		break;
	case TREE_DOWN:
		y = leaf->y + leaf->h;
		break;
	}
	return tree_at(t, y, x);
}
