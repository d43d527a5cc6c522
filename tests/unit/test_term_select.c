/*
 * test_term_select.c: places in a terminal's text, and recordings of it.
 */
#include <locale.h>

#include "term/cast.h"
#include "term/select.h"
#include "term_rig.h"
#include "unit.h"

static void
assert_place(struct term_place p, uint64_t line, unsigned col)
{
	assert_int_equal(p.line, line);
	assert_int_equal(p.col, col);
}

/* The text of a selection, all rows of it. */
static const char *
text_of(struct rig *rig, struct term_place from, struct term_place to)
{
	static char text[1 << 16];
	uint64_t line;
	size_t len = 0;

	for (line = from.line; line <= to.line; line++)
		len += select_text(rig->t, from, to, line, text + len);
	text[len] = 0;
	return text;
}

static struct term_place
at(uint64_t line, unsigned col)
{
	return (struct term_place){line, col};
}

static void
test_select_text_joins_wrapped_lines_and_trims_blanks(void **state)
{
	struct rig *rig = rig_new(4, 10, 9);

	rig_feed(rig, "one   \r\nthe quick brown fox\r\n\r\nend");
	assert_string_equal(text_of(rig, at(0, 0), at(4, 9)),
	    "one\nthe quick brown fox\n\nend");
	assert_string_equal(text_of(rig, at(1, 4), at(2, 4)), "quick brown");
	assert_string_equal(text_of(rig, at(0, 2), at(1, 2)), "e\nthe");
	assert_string_equal(text_of(rig, at(0, 5), at(0, 9)), "");
	rig_free(rig);
}

static void
test_select_text_takes_wide_and_combining_characters_whole(void **state)
{
	struct rig *rig = rig_new(3, 5, 9);

	/* The second wide one does not fit behind the "abc". */
	rig_feed(rig, "abcd\u4e2dx\r\ne\u0301\u4e2d!");
	assert_string_equal(
	    text_of(rig, at(0, 0), at(2, 4)), "abcd\u4e2dx\ne\u0301\u4e2d!");
	/* From the right half, to the left half. */
	assert_string_equal(
	    text_of(rig, at(1, 1), at(2, 1)), "\u4e2dx\ne\u0301\u4e2d");
	assert_place(select_clamp(rig->t, at(1, 1)), 1, 0);
	rig_free(rig);
}

static void
test_select_words_go_as_vi_does(void **state)
{
	struct rig *rig = rig_new(4, 20, 9);
	struct term_place p = at(0, 0);

	rig_feed(rig, "foo_1 += bar(2);\r\n\r\n  \u00e4b");
	p = select_word_next(rig->t, p);
	assert_place(p, 0, 6);
	p = select_word_next(rig->t, p);
	assert_place(p, 0, 9);
	p = select_word_next(rig->t, p);
	assert_place(p, 0, 12);
	p = select_word_end(rig->t, p);
	assert_place(p, 0, 13);
	p = select_word_end(rig->t, p);
	assert_place(p, 0, 15);
	p = select_word_next(rig->t, p);
	assert_place(p, 2, 2);
	assert_place(select_word_end(rig->t, p), 2, 3);
	assert_place(select_word_next(rig->t, p), 2, 2);
	p = select_word_back(rig->t, p);
	assert_place(p, 0, 14);
	p = select_word_back(rig->t, at(0, 4));
	assert_place(p, 0, 0);
	assert_place(select_word_back(rig->t, p), 0, 0);
	rig_free(rig);
}

static void
test_select_a_word_goes_over_a_wrap_but_not_over_a_line_end(void **state)
{
	struct rig *rig = rig_new(4, 10, 9);
	struct term_place from, to;

	rig_feed(rig, "see /usr/share/doc now\r\nlater");
	select_word(rig->t, at(0, 6), &from, &to);
	assert_string_equal(text_of(rig, from, to), "/usr/share/doc");
	select_word(rig->t, at(1, 0), &from, &to);
	assert_string_equal(text_of(rig, from, to), "/usr/share/doc");
	select_word(rig->t, at(2, 0), &from, &to);
	assert_string_equal(text_of(rig, from, to), "now");
	select_word(rig->t, at(3, 2), &from, &to);
	assert_string_equal(text_of(rig, from, to), "later");
	select_line(rig->t, at(1, 3), &from, &to);
	assert_place(from, 0, 0);
	assert_place(to, 2, 9);
	rig_free(rig);
}

static void
test_select_places_survive_another_width(void **state)
{
	static const unsigned widths[] = {7, 33, 4, 80, 10};
	struct rig *rig = rig_new(3, 10, 99);
	struct term_place p;
	struct term_anchor a;
	struct term_cell cells[TERM_MAX];
	size_t i;

	rig_feed(rig, "first\r\nwe look for X in this text, \u4e2d\r\nlast");
	p = at(2, 2);
	term_line(rig->t, p.line, cells);
	assert_int_equal(cells[p.col].ch, 'X');
	for (i = 0; i < sizeof widths / sizeof *widths; i++) {
		a = select_anchor(rig->t, p);
		term_resize(rig->t, 3, widths[i], &a.line, 1);
		p = select_place(rig->t, a);
		term_line(rig->t, p.line, cells);
		assert_int_equal(cells[p.col].ch, 'X');
	}
	assert_place(p, 2, 2);
	rig_free(rig);
}

static void
test_select_clamps_what_is_not_held(void **state)
{
	struct rig *rig = rig_new(2, 4, 1);
	struct term_place p;

	rig_feed(rig, "a\r\nb\r\nc\r\nd");
	assert_place(select_clamp(rig->t, at(0, 2)), 1, 0);
	assert_place(select_clamp(rig->t, at(99, 99)), 3, 3);
	p = select_place(rig->t, select_anchor(rig->t, at(0, 0)));
	assert_place(p, 1, 0);
	rig_free(rig);
}

static void
test_cast_text_is_json_whatever_comes(void **state)
{
	char out[CAST_BYTES(64)];
	struct cast c = {.n = 0};
	size_t n;

	n = cast_text(&c, "a\"\\\033[m\r\177\xc3", 9, out);
	out[n] = 0;
	assert_string_equal(out, "a\\\"\\\\\\u001b[m\\u000d\\u007f");
	/* The other half of the character, then two that are none. */
	n = cast_text(&c, "\xa4\xff\xe2\x82z", 5, out);
	out[n] = 0;
	assert_string_equal(out, "\u00e4\ufffd\ufffdz");
	n = cast_text(&c, "\xe2\x82", 2, out);
	assert_int_equal(n, 0);
	n = cast_text(&c, "\xc3", 1, out);
	out[n] = 0;
	assert_string_equal(out, "\ufffd");
	n = cast_text(&c, "\xa4", 1, out);
	out[n] = 0;
	assert_string_equal(out, "\u00e4");
}

static void
put(const char *bytes, size_t len, void *arg)
{
	term_input(arg, bytes, len);
}

/* Two terms show the same. */
static void
assert_same(struct term *a, struct term *b)
{
	struct term_cell x[TERM_MAX], y[TERM_MAX];
	struct term_cursor c, d;
	unsigned row, col;

	for (row = 0; row < term_rows(a); row++) {
		term_line(a, term_top(a) + row, x);
		term_line(b, term_top(b) + row, y);
		for (col = 0; col < term_cols(a); col++) {
			assert_int_equal(x[col].ch == 0 ? ' ' : x[col].ch,
			    y[col].ch == 0 ? ' ' : y[col].ch);
			assert_int_equal(x[col].fg, y[col].fg);
			assert_int_equal(x[col].bg, y[col].bg);
			assert_int_equal(x[col].attrs, y[col].attrs);
			assert_int_equal(x[col].width, y[col].width);
			assert_int_equal(x[col].ncomb, y[col].ncomb);
		}
	}
	term_cursor(a, &c);
	term_cursor(b, &d);
	assert_int_equal(c.row, d.row);
	assert_int_equal(c.col, d.col);
	assert_int_equal(c.visible, d.visible);
	assert_int_equal(term_is_alternate(a), term_is_alternate(b));
}

static void
test_cast_screen_makes_another_term_look_the_same(void **state)
{
	static const char *const shown[] = {
	    "plain\r\ntext",
	    "\033[1;4;31mred\033[m \033[48;5;200mx\033[38;2;1;2;3my\r\n"
	    "\u4e2de\u0301\033[3;9mz\033[4:3mw",
	    "a\033[?1049h\033[5;7HB\033[?25l\033[7m",
	    "\033[?5hdark\033[44m\033[K\r\nlast column full.......|",
	};
	struct rig *a, *b;
	size_t i;

	for (i = 0; i < sizeof shown / sizeof *shown; i++) {
		a = rig_new(6, 24, 0);
		b = rig_new(6, 24, 0);
		rig_feed(a, shown[i]);
		cast_screen(a->t, put, b->t);
		assert_same(a->t, b->t);
		/* And what comes next looks the same, too. */
		rig_feed(a, "\rnext");
		rig_feed(b, "\rnext");
		assert_same(a->t, b->t);
		rig_free(a);
		rig_free(b);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(
		test_select_text_joins_wrapped_lines_and_trims_blanks),
	    cmocka_unit_test(
		test_select_text_takes_wide_and_combining_characters_whole),
	    cmocka_unit_test(test_select_words_go_as_vi_does),
	    cmocka_unit_test(
		test_select_a_word_goes_over_a_wrap_but_not_over_a_line_end),
	    cmocka_unit_test(test_select_places_survive_another_width),
	    cmocka_unit_test(test_select_clamps_what_is_not_held),
	    cmocka_unit_test(test_cast_text_is_json_whatever_comes),
	    cmocka_unit_test(test_cast_screen_makes_another_term_look_the_same),
	};

	setlocale(LC_ALL, "C.UTF-8");
	return cmocka_run_group_tests(tests, NULL, NULL);
}
