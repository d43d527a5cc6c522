#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "tui/tree.h"

#define WEIGHT     1000u /* of one among equals */
#define WEIGHT_MAX 65536u /* beyond it a group's weights are scaled down */

/* The kind of group in which things stand on that side of each other. */
static enum tree_kind
axis(enum tree_side side)
{
	return side == TREE_LEFT || side == TREE_RIGHT ? TREE_COLUMNS
						       : TREE_ROWS;
}

static bool
forward(enum tree_side side)
{
	return side == TREE_RIGHT || side == TREE_DOWN;
}

/*
 * --- Nodes -------------------------------------------------------------
 */

struct tree_node *
tree_node(enum tree_kind kind, unsigned weight, void *leaf)
{
	struct tree_node *node = calloc(1, sizeof *node);

	if (node == NULL)
		return NULL;
	node->kind = kind;
	node->weight = weight < 1 ? 1
	    : weight > WEIGHT_MAX ? WEIGHT_MAX
				  : weight;
	node->leaf = leaf;
	return node;
}

void
tree_node_free(struct tree_node *node)
{
	unsigned i;

	if (node == NULL)
		return;
	for (i = 0; i < node->n; i++)
		tree_node_free(node->child[i]);
	free(node->child);
	free(node);
}

void
tree_clear(struct tree *t)
{
	tree_node_free(t->root);
	t->root = NULL;
}

static unsigned
index_of(const struct tree_node *node)
{
	unsigned i = 0;

	while (node->parent->child[i] != node)
		i++;
	return i;
}

/* Room for one more child, so that insert() cannot fail. */
static int
reserve(struct tree_node *group, unsigned more)
{
	struct tree_node **child;

	child = realloc(group->child, (group->n + more) * sizeof(*child));
	if (child == NULL)
		return -1;
	group->child = child;
	return 0;
}

static void
insert(struct tree_node *group, unsigned i, struct tree_node *child)
{
	memmove(group->child + i + 1, group->child + i,
	    (group->n - i) * sizeof(*group->child));
	group->child[i] = child;
	group->n++;
	child->parent = group;
}

static void
take_out(struct tree_node *group, unsigned i)
{
	group->n--;
	memmove(group->child + i, group->child + i + 1,
	    (group->n - i) * sizeof(*group->child));
}

int
tree_append(struct tree_node *group, struct tree_node *child)
{
	if (reserve(group, 1) == -1)
		return -1;
	insert(group, group->n, child);
	return 0;
}

/* Puts new in the place and with the weight that old has. */
static void
replace(struct tree *t, struct tree_node *old, struct tree_node *new)
{
	new->weight = old->weight;
	new->parent = old->parent;
	if (old->parent == NULL)
		t->root = new;
	else
		old->parent->child[index_of(old)] = new;
	old->parent = NULL;
}

/* Keeps weights in bounds, and at least 1. */
static void
normalise(struct tree_node *group, const uint64_t *weight)
{
	uint64_t most = 1, w;
	unsigned i;

	for (i = 0; i < group->n; i++)
		if (weight[i] > most)
			most = weight[i];
	for (i = 0; i < group->n; i++) {
		w = most > WEIGHT_MAX ? weight[i] * WEIGHT_MAX / most
				      : weight[i];
		group->child[i]->weight = w > 0 ? (unsigned)w : 1;
	}
}

/*
 * A group among the children of one of its own kind: its children take its
 * place there and share its weight. Returns -1 if there is no memory.
 */
static int
dissolve(struct tree_node *group)
{
	struct tree_node *parent = group->parent;
	unsigned at = index_of(group), i;
	uint64_t weight[2 * TREE_MAX], sum = 0;

	if (parent->n + group->n > 2 * TREE_MAX ||
	    reserve(parent, group->n) == -1)
		return -1;
	for (i = 0; i < group->n; i++)
		sum += group->child[i]->weight;
	take_out(parent, at);
	for (i = 0; i < group->n; i++)
		insert(parent, at + i, group->child[i]);
	for (i = 0; i < parent->n; i++)
		weight[i] = (uint64_t)parent->child[i]->weight *
		    (i >= at && i < at + group->n ? group->weight : sum);
	normalise(parent, weight);
	group->n = 0;
	tree_node_free(group);
	return 0;
}

/* A group of one is that one; one of its parent's kind is none. */
static int
straighten(struct tree *t, struct tree_node *group)
{
	struct tree_node *only = group;

	if (group->kind != TREE_LEAF && group->n == 1) {
		only = group->child[0];
		group->n = 0;
		replace(t, group, only);
		tree_node_free(group);
	}
	if (only->parent != NULL && only->kind == only->parent->kind)
		return dissolve(only);
	return 0;
}

static int
straighten_all(struct tree *t, struct tree_node *node)
{
	struct tree_node *child;
	unsigned i = 0;

	while (i < node->n) {
		child = node->child[i];
		if (straighten_all(t, child) == -1)
			return -1;
		/* It may have become several, which are straight. */
		i++;
	}
	return straighten(t, node);
}

int
tree_adopt(struct tree *t, struct tree_node *node)
{
	node->parent = NULL;
	t->root = node;
	return straighten_all(t, node);
}

/*
 * --- Leaves ------------------------------------------------------------
 */

static void
collect(struct tree_node *node, struct tree_node **leaf, unsigned *n)
{
	unsigned i;

	if (node->kind == TREE_LEAF) {
		if (*n < TREE_MAX)
			leaf[(*n)++] = node;
		return;
	}
	for (i = 0; i < node->n; i++)
		collect(node->child[i], leaf, n);
}

unsigned
tree_leaves(const struct tree *t, struct tree_node **leaf)
{
	unsigned n = 0;

	if (t->root != NULL)
		collect(t->root, leaf, &n);
	return n;
}

struct tree_node *
tree_find(const struct tree *t, const void *leaf)
{
	struct tree_node *all[TREE_MAX];
	unsigned i, n = tree_leaves(t, all);

	for (i = 0; i < n; i++)
		if (all[i]->leaf == leaf)
			return all[i];
	return NULL;
}

/* The new one gets half of the room that at has. */
static void
halve(struct tree_node *at, struct tree_node *new)
{
	struct tree_node *group = at->parent;
	uint64_t weight[2 * TREE_MAX];
	unsigned i;

	for (i = 0; i < group->n; i++)
		weight[i] = group->child[i]->weight * 2ull;
	weight[index_of(at)] /= 2;
	weight[index_of(new)] = weight[index_of(at)];
	normalise(group, weight);
}

/* Puts new beside at, which may be a group; -1: no memory. */
static int
put_beside(struct tree *t, struct tree_node *at, enum tree_side side,
    struct tree_node *new)
{
	struct tree_node *group = at->parent;

	if (group != NULL && group->kind == axis(side)) {
		if (reserve(group, 1) == -1)
			return -1;
	} else {
		group = tree_node(axis(side), 1, NULL);
		if (group == NULL || reserve(group, 2) == -1) {
			tree_node_free(group);
			return -1;
		}
		replace(t, at, group);
		at->weight = WEIGHT;
		insert(group, 0, at);
	}
	insert(group, index_of(at) + (forward(side) ? 1 : 0), new);
	halve(at, new);
	return 0;
}

struct tree_node *
tree_split(
    struct tree *t, struct tree_node *at, enum tree_side side, void *leaf)
{
	struct tree_node *all[TREE_MAX], *new;

	if (tree_leaves(t, all) == TREE_MAX ||
	    (new = tree_node(TREE_LEAF, WEIGHT, leaf)) == NULL)
		return NULL;
	if (t->root == NULL)
		t->root = new;
	else if (put_beside(t, at, side, new) == -1) {
		tree_node_free(new);
		return NULL;
	}
	return new;
}

bool
tree_splits(const struct tree_node *at, enum tree_side side)
{
	return axis(side) == TREE_COLUMNS ? at->w >= 2 * TREE_MIN_COLS + 1
					  : at->h >= 2 * TREE_MIN_ROWS;
}

/* Takes a leaf out without freeing it; returns who stands there now. */
static struct tree_node *
detach(struct tree *t, struct tree_node *leaf)
{
	struct tree_node *group = leaf->parent, *heir;
	unsigned i;

	if (group == NULL) {
		t->root = NULL;
		return NULL;
	}
	i = index_of(leaf);
	take_out(group, i);
	leaf->parent = NULL;
	heir = group->child[i > 0 ? i - 1 : 0];
	heir->weight += leaf->weight;
	if (heir->weight > WEIGHT_MAX)
		heir->weight = WEIGHT_MAX;
	while (heir->kind != TREE_LEAF)
		heir = heir->child[i > 0 ? heir->n - 1 : 0];
	/* Without memory it stays a little crooked, which does no harm. */
	straighten(t, group);
	return heir;
}

struct tree_node *
tree_close(struct tree *t, struct tree_node *leaf)
{
	struct tree_node *heir = detach(t, leaf);

	tree_node_free(leaf);
	return heir;
}

void
tree_swap(struct tree_node *a, struct tree_node *b)
{
	void *leaf = a->leaf;

	a->leaf = b->leaf;
	b->leaf = leaf;
}

void
tree_rotate(struct tree *t)
{
	struct tree_node *all[TREE_MAX];
	unsigned n = tree_leaves(t, all);

	while (n-- > 1)
		tree_swap(all[n], all[n - 1]);
}

struct tree_node *
tree_move(struct tree *t, struct tree_node *leaf, enum tree_side side)
{
	struct tree_node *root, *new;
	uint64_t weight[2 * TREE_MAX], sum = 0;
	unsigned i;

	if (leaf->parent == NULL)
		return leaf;
	/*
	 * All memory first: once the leaf is out nothing may fail. straighten()
	 * leaves a place free at the end of root.
	 */
	new = tree_node(TREE_LEAF, WEIGHT, leaf->leaf);
	root = tree_node(axis(side), 1, NULL);
	if (new == NULL || root == NULL || reserve(root, 2 * TREE_MAX) == -1) {
		tree_node_free(new);
		tree_node_free(root);
		return NULL;
	}
	tree_close(t, leaf);
	insert(root, 0, t->root);
	t->root->weight = WEIGHT;
	t->root = root;
	straighten(t, root->child[0]);
	/* Among its own kind it is one among equals. */
	for (i = 0; i < root->n; i++)
		sum += root->child[i]->weight;
	new->weight = (unsigned)(sum / root->n);
	insert(root, forward(side) ? root->n : 0, new);
	for (i = 0; i < root->n; i++)
		weight[i] = root->child[i]->weight;
	normalise(root, weight);
	return new;
}

static void
even(struct tree_node *node)
{
	unsigned i;

	for (i = 0; i < node->n; i++) {
		node->child[i]->weight = WEIGHT;
		even(node->child[i]);
	}
}

void
tree_even(struct tree *t)
{
	if (t->root != NULL)
		even(t->root);
}
