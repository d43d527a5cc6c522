/* tui/tree: how panes share the screen, whatever is done to them. */
#include <stdlib.h>
#include <string.h>

#include "tests/unit/unit.h"
#include "tui/tree.h"

static char name[TREE_MAX + 1];

/* What must hold of every node; returns its leaves. */
static unsigned
sound(const struct tree_node *node)
{
	unsigned i, leaves = 0;

	assert_true(node->weight >= 1);
	if (node->kind == TREE_LEAF) {
		assert_int_equal(node->n, 0);
		assert_non_null(node->leaf);
		return 1;
	}
	assert_true(node->n >= 2);
	for (i = 0; i < node->n; i++) {
		assert_ptr_equal(node->child[i]->parent, node);
		assert_int_not_equal(node->child[i]->kind, node->kind);
		leaves += sound(node->child[i]);
	}
	return leaves;
}

/* Every cell is one leaf's or a separator's, and no leaf lies outside. */
static void
covers(struct tree *t, int h, int w)
{
	struct tree_node *all[TREE_MAX];
	static unsigned char cell[220][220];
	unsigned i, n = tree_leaves(t, all);
	int y, x, least_h, least_w;

	tree_layout(t, 1, 2, h, w);
	memset(cell, 0, sizeof cell);
	for (i = 0; i < n; i++) {
		assert_true(all[i]->h >= 0 && all[i]->w >= 0);
		assert_true(all[i]->y >= 1 && all[i]->x >= 2);
		assert_true(all[i]->y + all[i]->h <= 1 + h);
		assert_true(all[i]->x + all[i]->w <= 2 + w);
		for (y = all[i]->y; y < all[i]->y + all[i]->h; y++)
			for (x = all[i]->x; x < all[i]->x + all[i]->w; x++)
				assert_int_equal(cell[y][x]++, 0);
	}
	tree_least(t->root, &least_h, &least_w);
	if (least_h > h || least_w > w)
		return;
	for (i = 0; i < n; i++) {
		assert_true(all[i]->h >= TREE_MIN_ROWS);
		assert_true(all[i]->w >= TREE_MIN_COLS);
	}
	/* What is left over are separators, a column wide. */
	for (y = 1; y < 1 + h; y++) {
		assert_int_equal(cell[y][2], 1);
		assert_int_equal(cell[y][w + 1], 1);
		for (x = 3; x < 2 + w; x++)
			assert_true(cell[y][x] == 1 || cell[y][x - 1] == 1);
	}
}

static struct tree_node *
leaf_at(struct tree *t, unsigned i)
{
	struct tree_node *all[TREE_MAX];

	assert_true(tree_leaves(t, all) > i);
	return all[i];
}

/* "(a|b/c)": columns a and, in rows, b and c. */
static void
spell(const struct tree_node *node, char *buf)
{
	unsigned i;

	if (node->kind == TREE_LEAF) {
		snprintf(buf + strlen(buf), 4, "%c",
		    (char)('a' + ((char *)node->leaf - name)));
		return;
	}
	strcat(buf, "(");
	for (i = 0; i < node->n; i++) {
		if (i > 0)
			strcat(buf, node->kind == TREE_COLUMNS ? "|" : "/");
		spell(node->child[i], buf);
	}
	strcat(buf, ")");
}

static void
is(struct tree *t, const char *want)
{
	char buf[1024] = "";

	if (t->root != NULL) {
		spell(t->root, buf);
		sound(t->root);
	}
	assert_string_equal(buf, want);
}

/* (a|(b/c)) on 24 x 81 */
static void
three(struct tree *t)
{
	memset(t, 0, sizeof *t);
	tree_split(t, NULL, TREE_RIGHT, name);
	tree_split(t, leaf_at(t, 0), TREE_RIGHT, name + 1);
	tree_split(t, leaf_at(t, 1), TREE_DOWN, name + 2);
	tree_layout(t, 0, 0, 24, 81);
	is(t, "(a|(b/c))");
}

static void
test_tree_splits_in_halves_and_flat_where_it_can(void **state)
{
	struct tree t;

	three(&t);
	assert_int_equal(leaf_at(&t, 0)->w, 40);
	assert_int_equal(leaf_at(&t, 1)->w, 40);
	assert_int_equal(leaf_at(&t, 1)->x, 41);
	assert_int_equal(leaf_at(&t, 2)->y, 12);
	tree_split(&t, leaf_at(&t, 0), TREE_LEFT, name + 3);
	is(&t, "(d|a|(b/c))");
	tree_split(&t, leaf_at(&t, 2), TREE_UP, name + 4);
	is(&t, "(d|a|(e/b/c))");
	tree_split(&t, leaf_at(&t, 3), TREE_RIGHT, name + 5);
	is(&t, "(d|a|(e/(b|f)/c))");
	/* Those that did not split kept what they had. */
	tree_layout(&t, 0, 0, 24, 81);
	assert_int_equal(leaf_at(&t, 2)->w, 40);
	tree_clear(&t);
}

static void
test_tree_closes_down_to_nothing_and_stays_straight(void **state)
{
	struct tree_node *heir;
	struct tree t;

	three(&t);
	heir = tree_close(&t, leaf_at(&t, 0));
	assert_ptr_equal(heir->leaf, name + 1);
	is(&t, "(b/c)");
	tree_close(&t, leaf_at(&t, 1));
	is(&t, "b");
	assert_null(tree_close(&t, leaf_at(&t, 0)));
	is(&t, "");
	/* A group that was left with one joins those of its kind. */
	three(&t);
	tree_split(&t, leaf_at(&t, 1), TREE_RIGHT, name + 3);
	is(&t, "(a|((b|d)/c))");
	tree_close(&t, leaf_at(&t, 3));
	is(&t, "(a|b|d)");
	tree_clear(&t);
}

static void
test_tree_gives_the_room_of_a_closed_leaf_to_its_neighbour(void **state)
{
	struct tree_node *heir;
	struct tree t;

	three(&t);
	heir = tree_close(&t, leaf_at(&t, 2));
	assert_ptr_equal(heir->leaf, name + 1);
	tree_layout(&t, 0, 0, 24, 81);
	assert_int_equal(leaf_at(&t, 0)->w, 40);
	assert_int_equal(heir->h, 24);
	tree_clear(&t);
}

static void
test_tree_moves_borders_by_cells_and_stops_at_the_least(void **state)
{
	struct tree t;

	three(&t);
	assert_true(tree_resize(leaf_at(&t, 0), TREE_RIGHT, 5));
	tree_layout(&t, 0, 0, 24, 81);
	assert_int_equal(leaf_at(&t, 0)->w, 45);
	/* At the edge of the screen it is the other border that moves. */
	assert_true(tree_resize(leaf_at(&t, 2), TREE_RIGHT, 5));
	tree_layout(&t, 0, 0, 24, 81);
	assert_int_equal(leaf_at(&t, 0)->w, 50);
	assert_true(tree_resize(leaf_at(&t, 2), TREE_UP, 3));
	tree_layout(&t, 0, 0, 24, 81);
	assert_int_equal(leaf_at(&t, 2)->h, 15);
	assert_true(tree_resize(leaf_at(&t, 0), TREE_RIGHT, 1000));
	tree_layout(&t, 0, 0, 24, 81);
	assert_int_equal(leaf_at(&t, 1)->w, TREE_MIN_COLS);
	assert_false(tree_resize(leaf_at(&t, 0), TREE_RIGHT, 1));
	assert_false(tree_resize(leaf_at(&t, 0), TREE_DOWN, 1));
	tree_clear(&t);
}

static void
test_tree_finds_borders_and_leaves_by_place(void **state)
{
	struct tree_border b;
	struct tree t;

	three(&t);
	assert_true(tree_border_at(&t, 5, 40, &b));
	assert_ptr_equal(b.group, t.root);
	assert_true(tree_move_border(&b, -10));
	tree_layout(&t, 0, 0, 24, 81);
	assert_int_equal(leaf_at(&t, 0)->w, 30);
	/* The title of c is the border between b and c. */
	assert_true(tree_border_at(&t, 12, 50, &b));
	assert_int_equal(b.group->kind, TREE_ROWS);
	assert_false(tree_border_at(&t, 13, 50, &b));
	assert_false(tree_border_at(&t, 0, 50, &b));
	assert_ptr_equal(tree_at(&t, 3, 3)->leaf, name);
	assert_ptr_equal(tree_at(&t, 23, 80)->leaf, name + 2);
	assert_null(tree_at(&t, 3, 30));
	assert_null(tree_at(&t, 24, 0));
	tree_clear(&t);
}

static void
test_tree_knows_who_is_beside_whom(void **state)
{
	struct tree t;

	three(&t);
	assert_ptr_equal(
	    tree_beside(&t, leaf_at(&t, 1), TREE_LEFT), leaf_at(&t, 0));
	assert_ptr_equal(
	    tree_beside(&t, leaf_at(&t, 1), TREE_DOWN), leaf_at(&t, 2));
	assert_ptr_equal(
	    tree_beside(&t, leaf_at(&t, 2), TREE_UP), leaf_at(&t, 1));
	assert_ptr_equal(
	    tree_beside(&t, leaf_at(&t, 0), TREE_RIGHT), leaf_at(&t, 2));
	assert_null(tree_beside(&t, leaf_at(&t, 0), TREE_UP));
	assert_null(tree_beside(&t, leaf_at(&t, 2), TREE_RIGHT));
	tree_clear(&t);
}

static void
test_tree_swaps_rotates_and_moves(void **state)
{
	struct tree t;

	three(&t);
	tree_swap(leaf_at(&t, 0), leaf_at(&t, 2));
	is(&t, "(c|(b/a))");
	tree_rotate(&t);
	is(&t, "(a|(c/b))");
	assert_ptr_equal(
	    tree_move(&t, leaf_at(&t, 1), TREE_LEFT)->leaf, name + 2);
	is(&t, "(c|a|b)");
	tree_move(&t, leaf_at(&t, 1), TREE_UP);
	is(&t, "(a/(c|b))");
	tree_move(&t, leaf_at(&t, 0), TREE_DOWN);
	is(&t, "((c|b)/a)");
	tree_move(&t, leaf_at(&t, 0), TREE_UP);
	is(&t, "(c/b/a)");
	tree_clear(&t);
	tree_split(&t, NULL, TREE_UP, name);
	assert_ptr_equal(
	    tree_move(&t, leaf_at(&t, 0), TREE_UP), leaf_at(&t, 0));
	tree_rotate(&t);
	is(&t, "a");
	tree_clear(&t);
}

static void
test_tree_evens_out(void **state)
{
	struct tree t;

	three(&t);
	tree_resize(leaf_at(&t, 0), TREE_RIGHT, 20);
	tree_even(&t);
	tree_layout(&t, 0, 0, 24, 81);
	assert_int_equal(leaf_at(&t, 0)->w, leaf_at(&t, 1)->w);
	tree_clear(&t);
}

static void
test_tree_has_ready_made_arrangements(void **state)
{
	static const char *const want[TREE_SHAPES] = {
	    [TREE_SHAPE_COLUMNS] = "(a|b|c|d|e)",
	    [TREE_SHAPE_ROWS] = "(a/b/c/d/e)",
	    [TREE_SHAPE_GRID] = "((a|b)/(c|d|e))",
	    [TREE_SHAPE_MAIN] = "(a|(b/c/d/e))",
	};
	struct tree t;
	unsigned i;

	memset(&t, 0, sizeof t);
	tree_split(&t, NULL, TREE_RIGHT, name);
	for (i = 1; i < 5; i++)
		tree_split(&t, leaf_at(&t, i - 1), TREE_DOWN, name + i);
	tree_layout(&t, 0, 0, 50, 200);
	for (i = 0; i < TREE_SHAPES; i++) {
		assert_int_equal(tree_arrange(&t, i), 0);
		is(&t, want[i]);
		covers(&t, 50, 200);
	}
	tree_clear(&t);
}

static void
test_tree_keeps_its_proportions_through_2x2(void **state)
{
	struct tree t;

	three(&t);
	tree_resize(leaf_at(&t, 0), TREE_RIGHT, 17);
	covers(&t, 2, 2);
	covers(&t, 0, 0);
	covers(&t, 1, 200);
	tree_layout(&t, 0, 0, 24, 81);
	assert_int_equal(leaf_at(&t, 0)->w, 57);
	tree_clear(&t);
}

static void
test_tree_refuses_more_than_it_can_hold(void **state)
{
	struct tree t;
	unsigned i;

	memset(&t, 0, sizeof t);
	tree_split(&t, NULL, TREE_RIGHT, name);
	for (i = 1; i < TREE_MAX; i++)
		assert_non_null(
		    tree_split(&t, leaf_at(&t, i / 2), i % 4, name + i));
	assert_null(tree_split(&t, leaf_at(&t, 0), TREE_UP, name));
	assert_int_equal(sound(t.root), TREE_MAX);
	covers(&t, 50, 200);
	covers(&t, 218, 216);
	tree_clear(&t);
}

static void
test_tree_straightens_what_it_adopts(void **state)
{
	struct tree_node *root = tree_node(TREE_ROWS, 1, NULL);
	struct tree_node *cols = tree_node(TREE_COLUMNS, 0, NULL);
	struct tree_node *more = tree_node(TREE_COLUMNS, 3, NULL);
	struct tree t = {NULL};

	/* (((a|(b|c)))) */
	tree_append(more, tree_node(TREE_LEAF, 5, name + 1));
	tree_append(more, tree_node(TREE_LEAF, 1u << 31, name + 2));
	tree_append(cols, tree_node(TREE_LEAF, 1, name));
	tree_append(cols, more);
	tree_append(root, cols);
	assert_int_equal(tree_adopt(&t, root), 0);
	is(&t, "(a|b|c)");
	covers(&t, 24, 80);
	tree_clear(&t);
}

static unsigned seed = 4711;

static unsigned
dice(unsigned n)
{
	seed = seed * 1103515245 + 12345;
	return (seed >> 12) % n;
}

static void
any_step(struct tree *t, unsigned *next)
{
	struct tree_node *all[TREE_MAX], *one;
	unsigned n = tree_leaves(t, all);
	struct tree_border b;

	if (n == 0) {
		tree_split(t, NULL, TREE_UP, name + (*next)++ % TREE_MAX);
		return;
	}
	one = all[dice(n)];
	switch (dice(12)) {
	case 0:
	case 1:
	case 2:
	case 3:
		tree_split(t, one, dice(4), name + (*next)++ % TREE_MAX);
		break;
	case 4:
	case 5:
		tree_close(t, one);
		break;
	case 6:
		tree_resize(one, dice(4), (int)dice(30));
		break;
	case 7:
		tree_move(t, one, dice(4));
		break;
	case 8:
		tree_swap(one, all[dice(n)]);
		break;
	case 9:
		tree_rotate(t);
		break;
	case 10:
		if (tree_border_at(t, (int)dice(60), (int)dice(220), &b))
			tree_move_border(&b, (int)dice(60) - 30);
		break;
	case 11:
		if (dice(4) == 0)
			tree_arrange(t, dice(TREE_SHAPES));
		else
			tree_beside(t, one, dice(4));
		break;
	}
}

static void
test_tree_stays_sound_whatever_is_done_to_it(void **state)
{
	struct tree t = {NULL};
	unsigned i, next = 0;

	for (i = 0; i < 20000; i++) {
		any_step(&t, &next);
		if (t.root == NULL)
			continue;
		sound(t.root);
		if (i % 7 == 0)
			covers(&t, (int)dice(60), (int)dice(210));
		tree_layout(&t, 0, 0, (int)dice(60), (int)dice(210));
	}
	tree_clear(&t);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_tree_splits_in_halves_and_flat_where_it_can),
	    cmocka_unit_test(
		test_tree_closes_down_to_nothing_and_stays_straight),
	    cmocka_unit_test(
		test_tree_gives_the_room_of_a_closed_leaf_to_its_neighbour),
	    cmocka_unit_test(
		test_tree_moves_borders_by_cells_and_stops_at_the_least),
	    cmocka_unit_test(test_tree_finds_borders_and_leaves_by_place),
	    cmocka_unit_test(test_tree_knows_who_is_beside_whom),
	    cmocka_unit_test(test_tree_swaps_rotates_and_moves),
	    cmocka_unit_test(test_tree_evens_out),
	    cmocka_unit_test(test_tree_has_ready_made_arrangements),
	    cmocka_unit_test(test_tree_keeps_its_proportions_through_2x2),
	    cmocka_unit_test(test_tree_refuses_more_than_it_can_hold),
	    cmocka_unit_test(test_tree_straightens_what_it_adopts),
	    cmocka_unit_test(test_tree_stays_sound_whatever_is_done_to_it),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
