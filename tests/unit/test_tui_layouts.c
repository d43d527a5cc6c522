/* tui/layouts, tui/lines, keys: panes across runs, lines that meet. */
#include <locale.h>
#include <stdlib.h>
#include <string.h>

#include "tests/unit/unit.h"
#include "tui/glyphs.h"
#include "tui/keys.h"
#include "tui/layouts.h"
#include "tui/lines.h"

static unsigned dropped;

static void *
make(const json_t *from)
{
	const char *name = json_string_value(json_object_get(from, "guest"));

	return name != NULL && strlen(name) < 8 ? strdup(name) : NULL;
}

static void
drop(void *leaf)
{
	dropped++;
	free(leaf);
}

static void
tell(json_t *to, const void *leaf)
{
	json_object_set_new(to, "guest", json_string(leaf));
}

/* Reads text; returns what layouts_tree() does. */
static int
read_tree(struct tree *t, const char *text)
{
	json_t *node = json_loads(text, 0, NULL);
	int rc;

	assert_non_null(node);
	dropped = 0;
	rc = layouts_tree(t, node, make, drop);
	json_decref(node);
	return rc;
}

static void
forget(struct tree *t)
{
	struct tree_node *leaf[TREE_MAX];
	unsigned i, n = tree_leaves(t, leaf);

	for (i = 0; i < n; i++)
		free(leaf[i]->leaf);
	tree_clear(t);
}

static void
test_layouts_come_back_as_they_went(void **state)
{
	static const char text[] =
	    "{\"split\": \"columns\", \"weight\": 1, \"panes\": ["
	    "{\"guest\": \"a\", \"weight\": 30},"
	    "{\"split\": \"rows\", \"weight\": 50, \"panes\": ["
	    "{\"guest\": \"b\", \"weight\": 7}, {\"guest\": \"c\", "
	    "\"weight\": 9}]}]}";
	json_t *want = json_loads(text, 0, NULL), *got;
	struct tree t;

	assert_int_equal(read_tree(&t, text), 0);
	got = layouts_node(t.root, tell);
	assert_true(json_equal(want, got));
	json_decref(want);
	json_decref(got);
	forget(&t);
}

static void
test_layouts_refuse_what_makes_no_sense_and_leak_nothing(void **state)
{
	static const struct {
		const char *text;
		unsigned dropped;
	} bad[] = {{"[]", 0}, {"{}", 0}, {"{\"guest\": 7}", 0},
	    {"{\"split\": \"rows\"}", 0},
	    {"{\"split\": \"rows\", \"panes\": {}}", 0},
	    {"{\"split\": \"rows\", \"panes\": [{\"guest\": \"a\"}, {}]}", 1},
	    {"{\"split\": \"rows\", \"panes\": [{\"guest\": \"a\"}, "
	     "{\"guest\": \"muchtoolong\"}]}",
		1},
	    {"{\"split\": \"rows\", \"panes\": [7, \"x\", null]}", 0}};
	struct tree t;
	size_t i;

	for (i = 0; i < sizeof bad / sizeof *bad; i++) {
		assert_int_equal(read_tree(&t, bad[i].text), -1);
		assert_null(t.root);
		assert_int_equal(dropped, bad[i].dropped);
	}
}

static void
test_layouts_refuse_more_panes_than_there_can_be(void **state)
{
	char text[8192] = "{\"split\": \"rows\", \"panes\": [";
	struct tree t;
	unsigned i;

	for (i = 0; i <= TREE_MAX; i++)
		strcat(text,
		    i == 0 ? "{\"guest\": \"a\"}" : ", {\"guest\": \"a\"}");
	strcat(text, "]}");
	assert_int_equal(read_tree(&t, text), -1);
	assert_int_equal(dropped, TREE_MAX);
}

static void
test_layouts_straighten_and_bound_what_was_written_by_hand(void **state)
{
	struct tree_node *leaf[TREE_MAX];
	struct tree t;

	assert_int_equal(
	    read_tree(&t,
		"{\"split\": \"rows\", \"panes\": [{\"split\": \"rows\", "
		"\"panes\": [{\"guest\": \"a\", \"weight\": -5}, {\"guest\": "
		"\"b\", \"weight\": 1e99}]}, {\"guest\": \"c\", \"weight\": "
		"9007199254740993}]}"),
	    0);
	assert_int_equal(tree_leaves(&t, leaf), 3);
	assert_int_equal(t.root->n, 3);
	tree_layout(&t, 0, 0, 24, 80);
	assert_true(leaf[0]->h >= TREE_MIN_ROWS);
	forget(&t);
}

/* The lines of a tree on h x w, a row a line. */
static void
lines_are(struct tree *t, int h, int w, const char *want)
{
	struct rect area = {0, 0, h, w};
	unsigned char map[4096];
	char got[8192] = "";
	int i;

	tree_layout(t, 0, 0, h, w);
	lines_find(t, &area, map);
	for (i = 0; i < h * w; i++) {
		strcat(got, map[i] == 0 ? "." : lines_glyph(map[i]));
		if (i % w == w - 1)
			strcat(got, "\n");
	}
	assert_string_equal(got, want);
}

static void
test_lines_join_where_they_meet(void **state)
{
	struct tree t;

	setenv("VMTUI_ASCII", "0", 1);
	glyphs_choose("xterm");
	if (!glyphs()->utf8)
		SKIP("no UTF-8 locale");
	assert_int_equal(
	    read_tree(&t,
		"{\"split\": \"rows\", \"panes\": [{\"split\": \"columns\", "
		"\"panes\": [{\"guest\": \"a\"}, {\"guest\": \"b\"}]}, "
		"{\"split\": \"columns\", \"panes\": [{\"guest\": \"c\"}, "
		"{\"guest\": \"d\"}]}]}"),
	    0);
	lines_are(&t, 6, 21,
	    "──────────┬──────────\n"
	    "..........│..........\n"
	    "..........│..........\n"
	    "──────────┼──────────\n"
	    "..........│..........\n"
	    "..........│..........\n");
	forget(&t);
	assert_int_equal(
	    read_tree(&t,
		"{\"split\": \"columns\", \"panes\": [{\"split\": \"rows\", "
		"\"panes\": [{\"guest\": \"a\"}, {\"guest\": \"b\"}]}, "
		"{\"guest\": \"c\"}, {\"split\": \"rows\", \"panes\": "
		"[{\"guest\": \"d\"}, {\"split\": \"columns\", \"panes\": "
		"[{\"guest\": \"e\"}, {\"guest\": \"f\"}]}]}]}"),
	    0);
	lines_are(&t, 6, 43,
	    "──────────┬──────────┬─────────────────────\n"
	    "..........│..........│.....................\n"
	    "..........│..........│.....................\n"
	    "──────────┤..........├──────────┬──────────\n"
	    "..........│..........│..........│..........\n"
	    "..........│..........│..........│..........\n");
	forget(&t);
}

static void
test_lines_stay_inside_at_any_size(void **state)
{
	unsigned char map[64 * 64 + 16];
	struct tree t;
	int h, w;

	assert_int_equal(
	    read_tree(&t,
		"{\"split\": \"columns\", \"panes\": [{\"split\": \"rows\", "
		"\"panes\": [{\"guest\": \"a\"}, {\"guest\": \"b\"}]}, "
		"{\"guest\": \"c\"}]}"),
	    0);
	for (h = 0; h < 40; h++)
		for (w = 0; w < 40; w++) {
			struct rect area = {0, 0, h, w};

			memset(map, 0xee, sizeof map);
			tree_layout(&t, 0, 0, h, w);
			lines_find(&t, &area, map);
			assert_int_equal(map[h * w], 0xee);
		}
	forget(&t);
}

static void
test_keys_are_read_as_they_are_named(void **state)
{
	static const struct key keys[] = {{'a', TERM_CTRL}, {']', TERM_CTRL},
	    {'x', TERM_ALT}, {K_F(12), 0}, {K_F(1), TERM_CTRL},
	    {' ', TERM_CTRL}, {K_ESCAPE, 0}, {K_PAGE_UP, TERM_SHIFT},
	    {'-', TERM_CTRL}, {'\\', TERM_CTRL}, {'f', 0}};
	static const char *const bad[] = {
	    "", "ctrl-", "ab", "F99", "ctrl-ab", "hyper-x"};
	char name[32];
	struct key key;
	size_t i;

	glyphs_choose("vt100");
	for (i = 0; i < sizeof keys / sizeof *keys; i++) {
		key_name(keys[i], name, sizeof name);
		assert_true(key_parse(name, &key));
		assert_int_equal(key.code, keys[i].code);
		assert_int_equal(key.mods, keys[i].mods);
	}
	assert_true(key_parse("CTRL-A", &key) && key_is(key, 'a', TERM_CTRL));
	assert_true(key_parse("C-b", &key) && key_is(key, 'b', TERM_CTRL));
	assert_true(key_parse("F", &key) && key_is(key, 'F', 0));
	for (i = 0; i < sizeof bad / sizeof *bad; i++)
		assert_false(key_parse(bad[i], &key));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_layouts_come_back_as_they_went),
	    cmocka_unit_test(
		test_layouts_refuse_what_makes_no_sense_and_leak_nothing),
	    cmocka_unit_test(test_layouts_refuse_more_panes_than_there_can_be),
	    cmocka_unit_test(
		test_layouts_straighten_and_bound_what_was_written_by_hand),
	    cmocka_unit_test(test_lines_join_where_they_meet),
	    cmocka_unit_test(test_lines_stay_inside_at_any_size),
	    cmocka_unit_test(test_keys_are_read_as_they_are_named),
	};

	setlocale(LC_ALL, "C.UTF-8");
	return cmocka_run_group_tests(tests, NULL, NULL);
}
