/* tree.h's ready-made arrangements. */
#include <string.h>

#include "tui/tree.h"

#define EQUAL 1000u
/* Columns to rows of the usual terminal. */
#define ASPECT (80.0 / 24.0)

/* Leaves first to last of all under a new group; NULL: no memory. */
static struct tree_node *
group_of(enum tree_kind kind, struct tree_node **all, unsigned first,
    unsigned last, unsigned weight)
{
	struct tree_node *group, *leaf;
	unsigned i;

	if (last - first == 1)
		return tree_node(TREE_LEAF, weight, all[first]->leaf);
	if ((group = tree_node(kind, weight, NULL)) == NULL)
		return NULL;
	for (i = first; i < last; i++) {
		leaf = tree_node(TREE_LEAF, EQUAL, all[i]->leaf);
		if (leaf == NULL || tree_append(group, leaf) == -1) {
			tree_node_free(leaf);
			tree_node_free(group);
			return NULL;
		}
	}
	return group;
}

/* How many columns make n panes on h x w look most like terminals. */
static unsigned
grid_columns(unsigned n, int h, int w)
{
	unsigned cols, rows, best = 1;
	double off, least = 1e9;

	for (cols = 1; cols <= n; cols++) {
		rows = (n + cols - 1) / cols;
		if (rows > 1 && cols > 1 && (rows - 1) * cols >= n)
			continue;
		off = ((double)w / cols) / ((double)(h > 0 ? h : 1) / rows) /
		    ASPECT;
		if (off < 1)
			off = off > 0 ? 1 / off : 1e8;
		/* A hole in the last row counts a little. */
		off += 0.5 * (rows * cols - n) / n;
		if (off < least) {
			least = off;
			best = cols;
		}
	}
	return best;
}

static struct tree_node *
grid(struct tree_node **all, unsigned n, int h, int w)
{
	unsigned cols = grid_columns(n, h, w), rows = (n + cols - 1) / cols;
	struct tree_node *root, *row;
	unsigned i;

	if (rows == 1)
		return group_of(TREE_COLUMNS, all, 0, n, EQUAL);
	if (cols == 1)
		return group_of(TREE_ROWS, all, 0, n, EQUAL);
	if ((root = tree_node(TREE_ROWS, EQUAL, NULL)) == NULL)
		return NULL;
	/* Rows differ by one at most, the longer ones last. */
	for (i = 0; i < rows; i++) {
		row = group_of(
		    TREE_COLUMNS, all, i * n / rows, (i + 1) * n / rows, EQUAL);
		if (row == NULL || tree_append(root, row) == -1) {
			tree_node_free(row);
			tree_node_free(root);
			return NULL;
		}
	}
	return root;
}

static struct tree_node *
main_and_side(struct tree_node **all, unsigned n)
{
	struct tree_node *root = tree_node(TREE_COLUMNS, EQUAL, NULL);
	struct tree_node *big, *side;

	big = group_of(TREE_ROWS, all, 0, 1, 3 * EQUAL);
	side = group_of(TREE_ROWS, all, 1, n, 2 * EQUAL);
	if (root == NULL || big == NULL || side == NULL ||
	    tree_append(root, big) == -1) {
		tree_node_free(root);
		tree_node_free(big);
		tree_node_free(side);
		return NULL;
	}
	if (tree_append(root, side) == -1) {
		tree_node_free(root);
		tree_node_free(side);
		return NULL;
	}
	return root;
}

int
tree_arrange(struct tree *t, enum tree_shape shape)
{
	struct tree_node *all[TREE_MAX], *root = NULL;
	unsigned n = tree_leaves(t, all);

	if (n < 2)
		return 0;
	switch (shape) {
	case TREE_SHAPE_COLUMNS:
		root = group_of(TREE_COLUMNS, all, 0, n, EQUAL);
		break;
	case TREE_SHAPE_ROWS:
		root = group_of(TREE_ROWS, all, 0, n, EQUAL);
		break;
	case TREE_SHAPE_GRID:
		root = grid(all, n, t->root->h, t->root->w);
		break;
	case TREE_SHAPE_MAIN:
		root = main_and_side(all, n);
		break;
	case TREE_SHAPES:
		break;
	}
	if (root == NULL)
		return -1;
	tree_clear(t);
	t->root = root;
	return 0;
}
