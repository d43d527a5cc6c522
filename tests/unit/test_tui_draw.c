/* tui: layout, colours, text and the small widgets: what is pure of them. */
#include <locale.h>
#include <string.h>

#include "tests/unit/unit.h"
#include "tui/colour.h"
#include "tui/keys.h"
#include "tui/layout.h"
#include "tui/text.h"
#include "tui/widget.h"

static bool
inside(const struct layout *l, const struct rect *r)
{
	return r->h >= 0 && r->w >= 0 && r->y >= 0 && r->x >= 0 &&
	    r->y + r->h <= l->rows && r->x + r->w <= l->cols;
}

static void
test_layout_stays_on_the_screen_at_any_size(void **state)
{
	struct layout l;
	int rows, cols, console;

	for (rows = 1; rows < 80; rows++)
		for (cols = 1; cols < 260; cols++)
			for (console = 0; console < 2; console++) {
				layout_compute(
				    &l, rows, cols, cols % 70, console == 1);
				assert_true(inside(&l, &l.top));
				assert_true(inside(&l, &l.titles));
				assert_true(inside(&l, &l.list));
				assert_true(inside(&l, &l.console));
				assert_true(inside(&l, &l.figures));
				assert_true(inside(&l, &l.bottom));
				assert_true(inside(&l, &l.side));
				assert_int_equal(
				    l.small, rows < 12 || cols < 40);
				if (l.small)
					continue;
				/* There is always something to look at. */
				assert_true(l.list.h >= 3 || l.console.h >= 3);
				assert_int_equal(l.wide, cols >= 100);
			}
}

static void
test_layout_gives_the_console_of_80x24_80x22(void **state)
{
	struct layout l;

	layout_compute(&l, 24, 80, 8, true);
	assert_int_equal(l.console.w, 80);
	assert_int_equal(l.console.h, 22);
}

static void
test_colour_is_the_nearest_that_the_terminal_has(void **state)
{
	uint32_t orange = TERM_COLOUR_RGB | 0xff8700;
	bool bright;

	assert_int_equal(colour_number(TERM_COLOUR_DEFAULT, 256, NULL), -1);
	assert_int_equal(colour_number(orange, 0, NULL), -1);
	assert_int_equal(
	    colour_number(TERM_COLOUR_INDEXED | 200, 256, NULL), 200);
	assert_int_equal(colour_number(orange, 256, NULL), 208);
	assert_int_equal(
	    colour_number(TERM_COLOUR_RGB | 0x808080, 256, NULL), 244);
	assert_int_equal(colour_number(orange, 1 << 24, NULL), 0xff8700);
	assert_int_equal(
	    colour_number(TERM_COLOUR_RGB | 0xff0000, 16, &bright), 9);
	assert_false(bright);
	assert_int_equal(
	    colour_number(TERM_COLOUR_RGB | 0xff0000, 8, &bright), 1);
	assert_true(bright);
	assert_int_equal(
	    colour_number(TERM_COLOUR_INDEXED | 12, 8, &bright), 4);
	assert_true(bright);
}

static void
test_colour_never_leaves_what_the_terminal_has(void **state)
{
	static const int sizes[] = {8, 16, 88, 256, 1 << 24};
	uint32_t c;
	size_t i;
	int n;

	for (i = 0; i < sizeof sizes / sizeof *sizes; i++) {
		for (c = 0; c < 256; c++) {
			n = colour_number(
			    TERM_COLOUR_INDEXED | c, sizes[i], NULL);
			assert_true(n >= 0 && n < sizes[i]);
		}
		for (c = 0; c < 0x1000000; c += 4099) {
			n = colour_number(TERM_COLOUR_RGB | c, sizes[i], NULL);
			assert_true(n >= 0 && n < sizes[i]);
		}
	}
}

static void
test_text_shows_no_control_character(void **state)
{
	const char *p = "a\033[31m\tb\177\302\233c\377\300\200", *q = p;
	uint32_t ch;
	int width;

	while (*q != '\0') {
		ch = text_next(&q, &width);
		assert_true(ch >= 0x20 && ch != 0x7f);
		assert_false(ch >= 0x80 && ch < 0xa0);
		assert_int_equal(width, 1);
	}
	assert_int_equal(text_width("h\303\251llo"), 5);
}

static void
test_text_wraps_between_words_and_loses_none(void **state)
{
	const char *text = "one two three, averyverylongword five", *line;
	char all[64] = "";
	size_t len;
	int i;

	for (i = 0; (line = text_wrapped(text, 10, i, &len)) != NULL; i++) {
		assert_true(len <= 10);
		strncat(all, line, len);
	}
	assert_int_equal(i, text_wrapped_lines(text, 10));
	assert_string_equal(all, "one twothree,averyverylongwordfive");
	assert_int_equal(text_wrapped_lines("", 10), 1);
	assert_int_equal(text_wrapped_lines("a\nb", 10), 2);
	assert_true(text_wrapped_lines("abc", 0) >= 1);
}

static void
test_text_span_is_short_at_any_age(void **state)
{
	static const struct {
		long seconds;
		const char *text;
	} spans[] = {{-5, "0s"}, {42, "42s"}, {720, "12m"}, {15120, "4:12"},
	    {273600, "3d 4h"}, {86400L * 400, "400d"}};
	char buf[16];
	size_t i;
	long s;

	for (i = 0; i < sizeof spans / sizeof *spans; i++)
		assert_string_equal(
		    text_span(spans[i].seconds, buf, sizeof buf),
		    spans[i].text);
	for (s = 1; s < 86400L * 3000; s += s / 3 + 1)
		assert_true(strlen(text_span(s, buf, sizeof buf)) <= 7);
}

static void
test_list_keeps_the_selected_row_in_sight(void **state)
{
	size_t n, h, sel, top = 0;

	for (n = 1; n < 30; n++)
		for (h = 1; h < 12; h++)
			for (sel = 0; sel < n; sel++) {
				top = list_scroll(top, sel, n, h);
				assert_true(top <= sel && sel < top + h);
				assert_true(n <= h ? top == 0 : top + h <= n);
			}
	/* It moves no more than it must. */
	assert_int_equal(list_scroll(5, 7, 100, 10), 5);
	assert_int_equal(list_scroll(5, 15, 100, 10), 6);
	assert_int_equal(list_scroll(5, 4, 100, 10), 4);
	assert_int_equal(list_scroll(90, 95, 96, 10), 86);
	assert_int_equal(list_scroll(3, 0, 10, 0), 0);
}

static void
test_sparkline_shows_that_something_is_not_nothing(void **state)
{
	assert_int_equal(sparkline_height(0, 100), 0);
	assert_int_equal(sparkline_height(3, 100), 1);
	assert_int_equal(sparkline_height(100, 100), 7);
	assert_int_equal(sparkline_height(500, 100), 7);
	assert_int_equal(sparkline_height(100, 400), 1);
	assert_int_equal(sparkline_height(5, 0), 0);
}

/*
 * --- Tables of keys -----------------------------------------------------
 */

static int ran;

static void
run_one(struct ui *ui)
{
	ran = 1;
}

static void
run_two(struct ui *ui)
{
	ran = 2;
}

static char reason[16];

static const char *
refuse_one(struct ui *ui)
{
	snprintf(reason, sizeof reason, "one");
	return reason;
}

static const char *
refuse_two(struct ui *ui)
{
	snprintf(reason, sizeof reason, "two");
	return reason;
}

static void
test_keys_run_the_first_that_can_and_else_say_why(void **state)
{
	struct binding table[] = {
	    {{'p', 0}, {0, 0}, "pause", NULL, refuse_one, run_one},
	    {{'p', 0}, {'P', 0}, "unpause", NULL, NULL, run_two},
	    {{0, 0}, {0, 0}, NULL, NULL, NULL, NULL},
	};
	const char *why;

	ran = 0;
	assert_true(keys_run(table, (struct key){'p', 0}, NULL, &why));
	assert_null(why);
	assert_int_equal(ran, 2);
	table[1].refuse = refuse_two;
	ran = 0;
	assert_true(keys_run(table, (struct key){'p', 0}, NULL, &why));
	assert_string_equal(why, "one");
	assert_int_equal(ran, 0);
	assert_false(keys_run(table, (struct key){'q', 0}, NULL, &why));
	assert_false(keys_run(table, (struct key){'p', TERM_CTRL}, NULL, &why));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_layout_stays_on_the_screen_at_any_size),
	    cmocka_unit_test(test_layout_gives_the_console_of_80x24_80x22),
	    cmocka_unit_test(test_colour_is_the_nearest_that_the_terminal_has),
	    cmocka_unit_test(test_colour_never_leaves_what_the_terminal_has),
	    cmocka_unit_test(test_text_shows_no_control_character),
	    cmocka_unit_test(test_text_wraps_between_words_and_loses_none),
	    cmocka_unit_test(test_text_span_is_short_at_any_age),
	    cmocka_unit_test(test_list_keeps_the_selected_row_in_sight),
	    cmocka_unit_test(
		test_sparkline_shows_that_something_is_not_nothing),
	    cmocka_unit_test(test_keys_run_the_first_that_can_and_else_say_why),
	};

	setlocale(LC_ALL, "C.UTF-8");
	return cmocka_run_group_tests(tests, NULL, NULL);
}
