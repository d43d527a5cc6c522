/*
 * test_term_find.c: searching a terminal's text.
 */
#include <locale.h>
#include <time.h>

#include "term/find.h"
#include "term_rig.h"
#include "unit.h"

static struct find *
searched(struct rig *rig, const char *pattern)
{
	struct find *f = find_new(pattern);

	while (!find_step(f, rig->t, 1000))
		;
	return f;
}

static void
assert_match(struct find *f, size_t i, uint64_t line, unsigned col,
    uint64_t to_line, unsigned to_col)
{
	struct find_match m;

	assert_true(i < find_count(f));
	m = find_get(f, i);
	assert_int_equal(m.from.line, line);
	assert_int_equal(m.from.col, col);
	assert_int_equal(m.to.line, to_line);
	assert_int_equal(m.to.col, to_col);
}

static size_t
count(struct rig *rig, const char *pattern)
{
	struct find *f = searched(rig, pattern);
	size_t n = find_count(f);

	find_free(f);
	return n;
}

static void
test_find_sees_scrollback_and_screen(void **state)
{
	struct rig *rig = rig_new(2, 20, 99);
	struct find *f;

	rig_feed(rig, "an error\r\nfine\r\nerror error\r\nno");
	f = searched(rig, "error");
	assert_int_equal(find_count(f), 3);
	assert_match(f, 0, 0, 3, 0, 7);
	assert_match(f, 1, 2, 0, 2, 4);
	assert_match(f, 2, 2, 6, 2, 10);
	assert_int_equal(find_at(f, (struct term_place){0, 0}), 0);
	assert_int_equal(find_at(f, (struct term_place){0, 7}), 0);
	assert_int_equal(find_at(f, (struct term_place){0, 8}), 1);
	assert_int_equal(find_at(f, (struct term_place){9, 0}), 3);
	find_free(f);
	rig_free(rig);
}

static void
test_find_takes_capitals_at_their_word(void **state)
{
	struct rig *rig = rig_new(4, 30, 9);

	rig_feed(rig, "Error ERROR error \u00c4rger \u00e4rger");
	assert_int_equal(count(rig, "error"), 3);
	assert_int_equal(count(rig, "Error"), 1);
	assert_int_equal(count(rig, "ERR"), 1);
	assert_int_equal(count(rig, "\u00e4rger"), 2);
	assert_int_equal(count(rig, "\u00c4r"), 1);
	rig_free(rig);
}

static void
test_find_is_plain_text(void **state)
{
	struct rig *rig = rig_new(4, 30, 9);

	rig_feed(rig, "a.c abc a*c [x]");
	assert_int_equal(count(rig, "a.c"), 1);
	assert_int_equal(count(rig, "a*c"), 1);
	assert_int_equal(count(rig, "[x]"), 1);
	assert_int_equal(count(rig, ""), 0);
	assert_int_equal(count(rig, "nothing"), 0);
	rig_free(rig);
}

static void
test_find_goes_over_a_wrap_but_not_over_a_line_end(void **state)
{
	struct rig *rig = rig_new(3, 6, 99);
	struct find *f;

	rig_feed(rig, "the needle here\r\nnee\r\ndle");
	f = searched(rig, "needle");
	assert_int_equal(find_count(f), 1);
	assert_match(f, 0, 0, 4, 1, 3);
	find_free(f);
	f = searched(rig, "e needle h");
	assert_match(f, 0, 0, 2, 1, 5);
	find_free(f);
	rig_free(rig);
}

static void
test_find_knows_wide_and_combining_characters(void **state)
{
	struct rig *rig = rig_new(3, 20, 99);
	struct find *f;

	rig_feed(rig, "x\u65e5\u672cy e\u0301t");
	f = searched(rig, "\u672cy");
	assert_match(f, 0, 0, 3, 0, 5);
	find_free(f);
	f = searched(rig, "e\u0301t");
	assert_match(f, 0, 0, 7, 0, 8);
	find_free(f);
	rig_free(rig);
}

static void
test_find_matches_do_not_overlap_and_none_is_missed(void **state)
{
	struct rig *rig = rig_new(3, 20, 99);

	rig_feed(rig, "aaaaa aabaabaaab");
	assert_int_equal(count(rig, "aa"), 5);
	assert_int_equal(count(rig, "aab"), 3);
	assert_int_equal(count(rig, "aabaaa"), 1);
	rig_free(rig);
}

static void
test_find_follows_what_is_printed_and_what_is_dropped(void **state)
{
	struct rig *rig = rig_new(2, 20, 4);
	struct find *f;
	char line[32];
	int i;

	rig_feed(rig, "x 0\r\n");
	f = searched(rig, "x");
	assert_int_equal(find_count(f), 1);
	for (i = 1; i < 40; i++) {
		snprintf(line, sizeof line, "x %d\r\n", i);
		rig_feed(rig, line);
		find_changed(f, rig->t);
		while (!find_step(f, rig->t, 1))
			;
		/* 4 lines of history and one of the screen. */
		assert_int_equal(find_count(f), i < 4 ? i + 1 : 5);
		assert_match(
		    f, find_count(f) - 1, (uint64_t)i, 0, (uint64_t)i, 0);
	}
	/* What stood on the screen is gone again. */
	rig_feed(rig, "\033[2J");
	find_changed(f, rig->t);
	while (!find_step(f, rig->t, 1))
		;
	assert_int_equal(find_count(f), 4);
	/* Nothing of what was searched is held any more. */
	for (i = 0; i < 50; i++)
		rig_feed(rig, "y\r\n");
	find_changed(f, rig->t);
	while (!find_step(f, rig->t, 1))
		;
	assert_int_equal(find_count(f), 0);
	find_free(f);
	rig_free(rig);
}

static void
test_find_goes_on_after_output_within_a_wrapped_line(void **state)
{
	struct rig *rig = rig_new(2, 4, 99);
	struct find *f = find_new("wxyz");

	rig_feed(rig, "abcdefghijklmnwx");
	while (!find_step(f, rig->t, 1))
		;
	assert_int_equal(find_count(f), 0);
	rig_feed(rig, "yz1234wxyz\r\n\r\n");
	find_changed(f, rig->t);
	while (!find_step(f, rig->t, 1))
		;
	assert_int_equal(find_count(f), 2);
	assert_match(f, 0, 3, 2, 4, 1);
	find_free(f);
	rig_free(rig);
}

static void
test_find_joins_nothing_to_what_was_erased(void **state)
{
	struct rig *rig = rig_new(2, 4, 99);
	struct find *f = find_new("wxyz");

	/* The last line of the history goes on on the screen, until then. */
	rig_feed(rig, "abcdefwxghijkl");
	while (!find_step(f, rig->t, 1))
		;
	rig_feed(rig, "\033[2J\033[Hyz");
	assert_string_equal(rig_all(rig), "abcd+efwx|yz");
	find_changed(f, rig->t);
	while (!find_step(f, rig->t, 1))
		;
	assert_int_equal(find_count(f), 0);
	find_free(f);
	rig_free(rig);
}

static void
test_find_begins_anew_after_a_resize(void **state)
{
	struct rig *rig = rig_new(2, 20, 99);
	struct find *f;

	rig_feed(rig, "one two three four\r\ntwo");
	f = searched(rig, "two");
	assert_match(f, 0, 0, 4, 0, 6);
	term_resize(rig->t, 2, 5, NULL, 0);
	find_restart(f);
	while (!find_step(f, rig->t, 10))
		;
	assert_int_equal(find_count(f), 2);
	assert_match(f, 0, 0, 4, 1, 1);
	find_free(f);
	rig_free(rig);
}

static void
test_find_leaves_the_main_screen_behind_the_alternate_one(void **state)
{
	struct rig *rig = rig_new(2, 10, 99);

	rig_feed(rig, "abc\r\nabc\r\nabc\033[?1049h\033[Habc");
	assert_int_equal(count(rig, "abc"), 2);
	rig_free(rig);
}

static void
test_find_has_bounds_for_matches_and_for_work(void **state)
{
	struct rig *rig = rig_new(4, 1000, 4000);
	struct find *f = find_new("e");
	char line[1001];
	size_t i, steps = 0;

	memset(line, 'e', sizeof line - 1);
	line[sizeof line - 1] = 0;
	for (i = 0; i < 2000; i++)
		rig_feed(rig, line);
	while (!find_step(f, rig->t, 10000))
		steps++;
	/* No step does much more than it is told. */
	assert_in_range(steps, 80, 200);
	assert_int_equal(find_count(f), FIND_MAX);
	assert_true(find_full(f));
	assert_int_equal(find_percent(f, rig->t), 100);
	find_free(f);
	rig_free(rig);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_find_sees_scrollback_and_screen),
	    cmocka_unit_test(test_find_takes_capitals_at_their_word),
	    cmocka_unit_test(test_find_is_plain_text),
	    cmocka_unit_test(
		test_find_goes_over_a_wrap_but_not_over_a_line_end),
	    cmocka_unit_test(test_find_knows_wide_and_combining_characters),
	    cmocka_unit_test(
		test_find_matches_do_not_overlap_and_none_is_missed),
	    cmocka_unit_test(
		test_find_follows_what_is_printed_and_what_is_dropped),
	    cmocka_unit_test(
		test_find_goes_on_after_output_within_a_wrapped_line),
	    cmocka_unit_test(test_find_joins_nothing_to_what_was_erased),
	    cmocka_unit_test(test_find_begins_anew_after_a_resize),
	    cmocka_unit_test(
		test_find_leaves_the_main_screen_behind_the_alternate_one),
	    cmocka_unit_test(test_find_has_bounds_for_matches_and_for_work),
	};

	setlocale(LC_ALL, "C.UTF-8");
	return cmocka_run_group_tests(tests, NULL, NULL);
}
