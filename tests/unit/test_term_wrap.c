/*
 * test_term_wrap.c: scrollback, its bounds, and changes of size.
 */
#include "unit.h"
#include "term_rig.h"

static void
assert_cursor(struct rig *rig, unsigned row, unsigned col)
{
	struct term_cursor c;

	term_cursor(rig->t, &c);
	assert_int_equal(c.row, row);
	assert_int_equal(c.col, col);
}

static void
test_term_lines_keep_their_numbers(void **state)
{
	struct rig *rig = rig_new(2, 10, 3);
	char text[16];

	rig_feed(rig, "0\r\n1\r\n2\r\n3");
	assert_int_equal(term_first(rig->t), 0);
	assert_int_equal(term_top(rig->t), 2);
	assert_int_equal(term_history(rig->t), 2);
	assert_string_equal(rig_all(rig), "0|1|2|3");
	rig_feed(rig, "\r\n4\r\n5\r\n6");
	assert_int_equal(term_first(rig->t), 2);
	assert_int_equal(term_top(rig->t), 5);
	assert_string_equal(rig_all(rig), "2|3|4|5|6");
	term_line_text(rig->t, 4, text, sizeof(text));
	assert_string_equal(text, "4");
	assert_int_equal(term_line_text(rig->t, 1, text, sizeof(text)), 0);
	rig_free(rig);
}

static void
test_term_without_scrollback_scrolls(void **state)
{
	struct rig *rig = rig_new(2, 10, 0);

	rig_feed(rig, "0\r\n1\r\n2\r\n3");
	assert_int_equal(term_history(rig->t), 0);
	assert_int_equal(term_first(rig->t), 2);
	assert_string_equal(rig_all(rig), "2|3");
	rig_free(rig);
}

static void
test_term_scrollback_keeps_looks_and_characters(void **state)
{
	struct rig *rig = rig_new(1, 12, 9);
	struct term_cell cells[12];

	rig_feed(rig, "a\033[1;31mb\033[44m\u4e2d\033[me\u0301 x\r\n");
	assert_int_equal(term_line(rig->t, 0, cells), 7);
	assert_int_equal(cells[0].ch, 'a');
	assert_int_equal(cells[0].attrs, 0);
	assert_int_equal(cells[1].attrs, TERM_BOLD);
	assert_int_equal(cells[1].fg, TERM_COLOUR_INDEXED | 1);
	assert_int_equal(cells[2].ch, 0x4e2d);
	assert_int_equal(cells[2].width, 2);
	assert_int_equal(cells[2].bg, TERM_COLOUR_INDEXED | 4);
	assert_int_equal(cells[3].width, 0);
	assert_int_equal(cells[3].bg, TERM_COLOUR_INDEXED | 4);
	assert_int_equal(cells[4].ch, 'e');
	assert_int_equal(cells[4].ncomb, 1);
	assert_int_equal(cells[4].comb[0], 0x301);
	assert_int_equal(cells[4].fg, 0);
	assert_int_equal(cells[6].ch, 'x');
	assert_int_equal(cells[7].ch, 0);
	rig_free(rig);
}

static void
test_term_a_region_at_the_top_feeds_the_scrollback(void **state)
{
	struct rig *rig = rig_new(4, 10, 9);

	rig_feed(rig, "1\r\n2\r\n3\r\nstatus\033[1;3r\033[3H\n4\n\r5");
	assert_string_equal(rig_all(rig), "1|2|3|4|5|status");
	assert_int_equal(term_history(rig->t), 2);
	/* One further down does not. */
	rig_feed(rig, "\033[2;3r\033[3H\n\n");
	assert_int_equal(term_history(rig->t), 2);
	rig_free(rig);
}

static void
test_term_the_alternate_screen_has_no_scrollback(void **state)
{
	struct rig *rig = rig_new(2, 10, 9);

	rig_feed(rig, "main\033[?1049h\033[H1\r\n2\r\n3\r\n4");
	assert_true(term_is_alternate(rig->t));
	assert_int_equal(term_history(rig->t), 0);
	assert_string_equal(rig_screen(rig), "3|4");
	rig_feed(rig, "\033[?1049l");
	assert_false(term_is_alternate(rig->t));
	assert_string_equal(rig_screen(rig), "main");
	rig_free(rig);
}

static void
test_term_clear_history_on_request_of_either_side(void **state)
{
	struct rig *rig = rig_new(2, 10, 9);

	rig_feed(rig, "0\r\n1\r\n2\r\n3\033[3J");
	assert_int_equal(term_history(rig->t), 0);
	assert_string_equal(rig_all(rig), "2|3");
	rig_feed(rig, "\r\n4");
	term_clear_history(rig->t);
	assert_string_equal(rig_all(rig), "3|4");
	assert_int_equal(term_first(rig->t), 3);
	rig_free(rig);
}

/* From a size to another: what is fed, all lines then, and the cursor. */
static const struct {
	const char *what;
	unsigned rows, cols;
	const char *in;
	unsigned to_rows, to_cols;
	const char *lines;
	unsigned top, row, col;
} cases[] = {
    {"narrower", 4, 10, "0123456789", 4, 4, "0123+4567+89", 0, 2, 2},
    {"wider", 4, 4, "0123456789", 4, 10, "0123456789", 0, 0, 9},
    {"wider than that", 4, 4, "0123456789", 4, 12, "0123456789", 0, 0, 10},
    {"new lines stay", 4, 10, "ab\r\ncd", 4, 5, "ab|cd", 0, 1, 2},
    {"into the scrollback", 2, 10, "0123456789ab", 2, 3, "012+345+678+9ab", 2,
	1, 2},
    {"and out of it", 2, 3, "0123456789ab", 2, 12, "0123456789ab", 0, 0, 11},
    {"lower, full", 4, 10, "1\r\n2\r\n3\r\n4", 2, 10, "1|2|3|4", 2, 1, 1},
    {"lower, room below", 4, 10, "1\r\n2", 2, 10, "1|2", 0, 1, 1},
    {"lower, cursor on top", 4, 10, "1\r\n2\r\n3\r\n4\033[H", 2, 10, "1|2", 0,
	0, 0},
    {"higher, full", 2, 10, "1\r\n2\r\n3\r\n4", 3, 10, "1|2|3|4", 1, 2, 1},
    {"higher, cleared", 2, 10, "1\r\n2\r\n3\r\n4\033[2J\033[Hx", 3, 10, "1|2|x",
	2, 0, 1},
    {"wide ones are not cut", 4, 10, "\u4e2d\u6587\u5b57", 4, 5,
	"\u4e2d\u6587+\u5b57", 0, 1, 2},
    {"wide ones come together again", 4, 5, "\u4e2d\u6587\u5b57", 4, 10,
	"\u4e2d\u6587\u5b57", 0, 0, 6},
    {"cursor within", 4, 10, "0123456789\033[1;6H", 4, 4, "0123+4567+89", 0, 1,
	1},
    {"cursor behind the text", 4, 10, "ab\033[1;6H", 4, 4, "ab", 0, 0, 3},
    {"cursor below the text", 4, 10, "ab\033[3;6H", 4, 4, "ab", 0, 2, 3},
    {"down to nothing", 4, 10, "0123\r\n45", 1, 1, "0+1+2+3|4+5", 5, 0, 0},
    {"wide in one column", 4, 10, "\u4e2dx", 2, 1, "\ufffd+x", 0, 1, 0},
};

static void
test_term_resize_cases(void **state)
{
	struct term_cursor c;
	unsigned failed = 0;
	struct rig *rig;
	const char *got;
	size_t i;

	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		rig = rig_new(cases[i].rows, cases[i].cols, 100);
		rig_feed(rig, cases[i].in);
		term_resize(
		    rig->t, cases[i].to_rows, cases[i].to_cols, NULL, 0);
		got = rig_all(rig);
		term_cursor(rig->t, &c);
		if (strcmp(got, cases[i].lines) != 0 ||
		    term_top(rig->t) != cases[i].top || c.row != cases[i].row ||
		    c.col != cases[i].col) {
			print_error("%s: \"%s\" top %u at %u,%u, not \"%s\" "
				    "top %u at %u,%u\n",
			    cases[i].what, got, (unsigned)term_top(rig->t),
			    c.row, c.col, cases[i].lines, cases[i].top,
			    cases[i].row, cases[i].col);
			failed++;
		}
		rig_free(rig);
	}
	assert_int_equal(failed, 0);
}

static void
test_term_resize_keeps_waiting_to_wrap(void **state)
{
	struct rig *rig = rig_new(3, 10, 9);

	rig_feed(rig, "0123456789");
	term_resize(rig->t, 4, 10, NULL, 0);
	rig_feed(rig, "a");
	assert_string_equal(rig_screen(rig), "0123456789+a");
	rig_feed(rig, "\033[2J\033[H0123456789");
	term_resize(rig->t, 4, 5, NULL, 0);
	assert_cursor(rig, 1, 4);
	rig_feed(rig, "a");
	assert_string_equal(rig_screen(rig), "01234+56789+a");
	/* And not where there is room. */
	term_resize(rig->t, 4, 20, NULL, 0);
	rig_feed(rig, "b");
	assert_string_equal(rig_screen(rig), "0123456789ab");
	rig_free(rig);
}

/* It may stand there after a BS; fuzzing found the cursor below the screen. */
static void
test_term_resize_with_the_cursor_on_half_a_character(void **state)
{
	struct rig *rig = rig_new(16, 47, 30);

	rig_feed(rig, "ab\u4e2d\b");
	assert_cursor(rig, 0, 3);
	term_resize(rig->t, 16, 3, NULL, 0);
	assert_string_equal(rig_all(rig), "ab+\u4e2d");
	assert_cursor(rig, 1, 1);
	term_resize(rig->t, 1, 1, NULL, 0);
	assert_string_equal(rig_all(rig), "a+b+\ufffd");
	assert_cursor(rig, 0, 0);
	rig_feed(rig, "x");
	assert_string_equal(rig_all(rig), "a+b+x");
	rig_free(rig);
}

static void
test_term_resize_does_not_write(void **state)
{
	struct rig *rig = rig_new(3, 10, 9);

	/* Insert mode, graphics, a colour: whatever the pen does. */
	rig_feed(rig, "\033[4h\033(0\033[41m0123456789");
	rig_feed(rig, "\033[2;3r\033[?6h\033[3;9Hx");
	term_resize(rig->t, 5, 10, NULL, 0);
	term_resize(rig->t, 5, 11, NULL, 0);
	assert_string_equal(rig_screen(rig), "0123456789||        \u2502");
	assert_int_equal(rig->out_len, 0);
	rig_free(rig);
}

static void
test_term_resize_translates_places(void **state)
{
	struct rig *rig = rig_new(2, 10, 100);
	uint64_t places[4] = {0, 1, 2, 999};

	rig_feed(rig, "0123456789ab\r\nline2\r\nline3\r\nline4");
	assert_string_equal(rig_all(rig), "0123456789+ab|line2|line3|line4");
	term_resize(rig->t, 2, 5, places, 4);
	assert_string_equal(rig_all(rig), "01234+56789+ab|line2|line3|line4");
	assert_int_equal(places[0], 0);
	assert_int_equal(places[1], 2);
	assert_int_equal(places[2], 3);
	assert_int_equal(places[3], 5);
	term_resize(rig->t, 2, 20, places, 4);
	assert_int_equal(places[0], 0);
	assert_int_equal(places[1], 0);
	assert_int_equal(places[2], 1);
	rig_free(rig);
}

static void
test_term_resize_on_the_alternate_screen(void **state)
{
	struct rig *rig = rig_new(3, 10, 100);

	rig_feed(rig, "0123456789ab\033[?1049h\033[Htop\033[3;8Hlow");
	term_resize(rig->t, 2, 6, NULL, 0);
	assert_string_equal(rig_screen(rig), "top");
	assert_cursor(rig, 1, 5);
	rig_feed(rig, "\033[?1049lx");
	assert_string_equal(rig_all(rig), "012345+6789ab+x");
	rig_free(rig);
	rig = rig_new(3, 10, 100);
	rig_feed(rig, "0123456789\033[?1049h");
	term_resize(rig->t, 3, 5, NULL, 0);
	rig_feed(rig, "\033[?1049lx");
	assert_string_equal(rig_all(rig), "01234+56789+x");
	rig_free(rig);
	/* The other way out, which does not set the cursor back by itself. */
	rig = rig_new(3, 10, 100);
	rig_feed(rig, "0123456789ab\033[?47h\033[H");
	term_resize(rig->t, 3, 20, NULL, 0);
	rig_feed(rig, "\033[?47lx");
	assert_string_equal(rig_all(rig), "0123456789abx");
	rig_free(rig);
}

static void
test_term_resize_takes_margins_off(void **state)
{
	struct rig *rig = rig_new(24, 80, 100);

	/* With libvterm left to itself this moves memory out of bounds. */
	rig_feed(rig, "\033[20;24r\033[24H");
	term_resize(rig->t, 10, 80, NULL, 0);
	rig_feed(rig, "\033[10H\n\n\033M\n\r\nend");
	assert_cursor(rig, 9, 3);
	rig_feed(rig, "\033[?69h\033[60;80s");
	term_resize(rig->t, 10, 20, NULL, 0);
	rig_feed(rig, "\033[10H\n\n\033[Hx\033[5@\033[5P\033[L\033[M");
	rig_free(rig);
}

static void
test_term_saved_cursor_outside_of_a_smaller_screen(void **state)
{
	struct rig *rig = rig_new(24, 80, 100);

	rig_feed(rig, "\033[24;80H\0337");
	term_resize(rig->t, 2, 2, NULL, 0);
	rig_feed(rig, "\0338\033Hx\033[u\t\033[b\033[?1049h\033[?1049l");
	rig_free(rig);
}

/* The text of everything, wrapped lines joined. */
static char *
joined(struct rig *rig)
{
	const char *from;
	char *text = strdup(rig_all(rig)), *to = text;

	for (from = text; *from != 0; from++)
		if (*from != '+')
			*to++ = *from;
	*to = 0;
	return text;
}

static unsigned
next(uint64_t *random, unsigned n)
{
	*random = *random * 6364136223846793005u + 1442695040888963407u;
	return (unsigned)(*random >> 33) % n;
}

static void
test_term_any_resizes_keep_the_text_and_the_cursor(void **state)
{
	uint64_t random = 1;
	unsigned round, i, k, len;
	struct rig *rig;
	char *was, *is;

	for (round = 0; round < 60; round++) {
		rig =
		    rig_new(1 + next(&random, 10), 2 + next(&random, 40), 5000);
		for (i = next(&random, 40); i > 0; i--) {
			len = next(&random, next(&random, 3) ? 20 : 90);
			for (k = 0; k < len; k++)
				rig_feed(
				    rig, next(&random, 9) ? "a" : "\u4e2d");
			rig_feed(rig, "\r\n");
		}
		rig_feed(rig, "prompt");
		for (i = 0; i < 20; i++) {
			was = joined(rig);
			term_resize(rig->t, 1 + next(&random, 12),
			    2 + next(&random, 45), NULL, 0);
			is = joined(rig);
			assert_string_equal(is, was);
			free(is);
			/* What is typed on goes behind what was typed. */
			rig_feed(rig, "x");
			is = joined(rig);
			assert_int_equal(strlen(is), strlen(was) + 1);
			assert_int_equal(is[strlen(was)], 'x');
			free(is);
			free(was);
		}
		rig_free(rig);
	}
}

static void
test_term_scrollback_is_bounded_in_bytes(void **state)
{
	struct rig *rig = rig_new(2, 1000, 20);
	char cell[64];
	unsigned i, line;

	/* Each cell of another colour: 13 bytes and more of each. */
	for (line = 0; line < 40; line++)
		for (i = 0; i < 1000; i++) {
			snprintf(cell, sizeof(cell), "\033[38;2;%u;%u;%umx",
			    line, i / 256, i % 256);
			rig_feed(rig, cell);
		}
	assert_in_range(term_history(rig->t), 1, 3);
	rig_free(rig);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_term_lines_keep_their_numbers),
	    cmocka_unit_test(test_term_without_scrollback_scrolls),
	    cmocka_unit_test(test_term_scrollback_keeps_looks_and_characters),
	    cmocka_unit_test(
		test_term_a_region_at_the_top_feeds_the_scrollback),
	    cmocka_unit_test(test_term_the_alternate_screen_has_no_scrollback),
	    cmocka_unit_test(test_term_clear_history_on_request_of_either_side),
	    cmocka_unit_test(test_term_resize_cases),
	    cmocka_unit_test(test_term_resize_keeps_waiting_to_wrap),
	    cmocka_unit_test(
		test_term_resize_with_the_cursor_on_half_a_character),
	    cmocka_unit_test(test_term_resize_does_not_write),
	    cmocka_unit_test(test_term_resize_translates_places),
	    cmocka_unit_test(test_term_resize_on_the_alternate_screen),
	    cmocka_unit_test(test_term_resize_takes_margins_off),
	    cmocka_unit_test(
		test_term_saved_cursor_outside_of_a_smaller_screen),
	    cmocka_unit_test(
		test_term_any_resizes_keep_the_text_and_the_cursor),
	    cmocka_unit_test(test_term_scrollback_is_bounded_in_bytes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
