/*
 * tree.h: how panes share a rectangle: a tree whose leaves are panes and
 * whose inner nodes stand their children side by side or one below the other.
 *
 *	COLUMNS                 a title row  ┬─────────
 *	├── a                   a           │ b title
 *	└── ROWS                a           │ b
 *	    ├── b               a           ├─────────
 *	    └── c               a           │ c title
 *
 * A group has two children or more and none of its own kind. Between columns
 * runs a separator one column wide; a leaf's first row is its title, so rows
 * need none. Children share by weight, and as long as there is room no leaf is
 * smaller than TREE_MIN_ROWS x TREE_MIN_COLS; a rectangle too small for that
 * makes leaves smaller, down to nothing, and forgets no weight.
 *
 * Pure data: no drawing, no I/O. What a leaf is is the caller's: a pointer.
 */
#ifndef TUI_TREE_H
#define TUI_TREE_H

#include <stdbool.h>
#include <stddef.h>

#define TREE_MAX      64 /* leaves */
#define TREE_MIN_ROWS 3 /* with the title */
#define TREE_MIN_COLS 10

enum tree_kind { TREE_LEAF, TREE_COLUMNS, TREE_ROWS };
enum tree_side { TREE_LEFT, TREE_RIGHT, TREE_UP, TREE_DOWN };

/* Ready-made arrangements. */
enum tree_shape {
	TREE_SHAPE_COLUMNS,
	TREE_SHAPE_ROWS,
	TREE_SHAPE_GRID,
	TREE_SHAPE_MAIN, /* one large on the left, the others beside it */
	TREE_SHAPES
};

struct tree_node {
	enum tree_kind kind;
	struct tree_node *parent; /* NULL: the root */
	struct tree_node **child; /* n of them; a leaf has none */
	unsigned n;
	unsigned weight; /* 1 and up, against those beside it */
	void *leaf; /* the caller's */
	int y, x, h, w; /* as tree_layout() found it */
};

/* Zeroed it is empty. */
struct tree {
	struct tree_node *root; /* NULL: empty */
};

/* A border that can be moved: behind child i of a group. */
struct tree_border {
	struct tree_node *group;
	unsigned i;
};

/* Forgets all; what leaves point to is the caller's to free. */
void tree_clear(struct tree *t);

/* All leaves in reading order, into room for TREE_MAX; returns how many. */
unsigned tree_leaves(const struct tree *t, struct tree_node **leaf);
/* The leaf with that pointer, or NULL. */
struct tree_node *tree_find(const struct tree *t, const void *leaf);

/*
 * A new leaf on that side of at, which gives it half of its room; at NULL: in
 * an empty tree. NULL if there is no memory or there are TREE_MAX.
 */
struct tree_node *tree_split(
    struct tree *t, struct tree_node *at, enum tree_side side, void *leaf);
/* Whether both halves would be of use, by the last layout. */
bool tree_splits(const struct tree_node *at, enum tree_side side);
/*
 * Takes a leaf out; those beside it get its room. Returns the leaf that now
 * stands there, or NULL if none is left.
 */
struct tree_node *tree_close(struct tree *t, struct tree_node *leaf);

/*
 * Gives every node its rectangle in that one (h, w >= 0). Parts of nodes are
 * never outside of it.
 */
void tree_layout(struct tree *t, int y, int x, int h, int w);
/* The smallest rectangle in which no leaf is too small. */
void tree_least(const struct tree_node *node, int *h, int *w);

/*
 * Moves the border on that side by n cells that way; where a leaf has no
 * border on it, the opposite one. Uses the last layout, which is to be made
 * anew after it. Returns whether anything moved.
 */
bool tree_resize(struct tree_node *leaf, enum tree_side side, int n);
/* The same for one border: towards the end of the group is positive. */
bool tree_move_border(const struct tree_border *b, int n);
/* The border at a place, or false. */
bool tree_border_at(const struct tree *t, int y, int x, struct tree_border *b);
/* The leaf at a place, its title included, or NULL. */
struct tree_node *tree_at(const struct tree *t, int y, int x);
/* The leaf beside it, next to the middle of that side; NULL: an edge. */
struct tree_node *tree_beside(
    const struct tree *t, const struct tree_node *leaf, enum tree_side side);

/* Two leaves change places. */
void tree_swap(struct tree_node *a, struct tree_node *b);
/* Each leaf takes the place of the next one, the last that of the first. */
void tree_rotate(struct tree *t);
/*
 * The leaf goes to that edge of the whole. Returns it (it may be another
 * node now), or NULL if there is no memory, and then nothing moved.
 */
struct tree_node *tree_move(
    struct tree *t, struct tree_node *leaf, enum tree_side side);
/* The same room for all that stand beside each other. */
void tree_even(struct tree *t);
/*
 * All leaves, in their order, in a ready-made arrangement; the size of the
 * last layout says how many columns a grid has. Returns -1 if there is no
 * memory, and then nothing changed.
 */
int tree_arrange(struct tree *t, enum tree_shape shape);

/*
 * For those that read a tree from a file: a node alone, and a child at the
 * end of a group. Groups of one or of their own kind in a group are
 * straightened by tree_adopt(), which makes node the tree's root (the tree
 * was empty). NULL and -1: no memory.
 */
struct tree_node *tree_node(enum tree_kind kind, unsigned weight, void *leaf);
int tree_append(struct tree_node *group, struct tree_node *child);
int tree_adopt(struct tree *t, struct tree_node *node);
/* Frees a node and those below it. NULL is fine. */
void tree_node_free(struct tree_node *node);

#endif
