/* tui/input: what terminals send becomes keys. */
#include <stdlib.h>
#include <string.h>

#include "tests/unit/unit.h"
#include "tui/input.h"
#include "tui/keys.h"

struct heard {
	struct key key[64];
	unsigned n;
	char paste[128];
	size_t pasted;
	unsigned pastes;
	struct mouse mouse[8];
	unsigned mice;
};

static void
on_key(struct key key, void *arg)
{
	struct heard *h = arg;

	if (h->n < 64)
		h->key[h->n++] = key;
}

static void
on_paste(const char *text, size_t len, void *arg)
{
	struct heard *h = arg;

	h->pasted = len < sizeof h->paste ? len : sizeof h->paste;
	memcpy(h->paste, text, h->pasted);
	h->pastes++;
}

static void
on_mouse(const struct mouse *mouse, void *arg)
{
	struct heard *h = arg;

	if (h->mice < 8)
		h->mouse[h->mice++] = *mouse;
}

static const struct input_ops ops = {
    .key = on_key, .mouse = on_mouse, .paste = on_paste};

static void
hear(struct heard *h, const char *bytes, size_t len, size_t step)
{
	struct input *in = input_new(&ops, h);
	size_t i, n;

	assert_non_null(in);
	memset(h, 0, sizeof *h);
	for (i = 0; i < len; i += n) {
		n = step < len - i ? step : len - i;
		input_feed(in, bytes + i, n);
	}
	if (input_wait(in) > 0)
		input_timeout(in);
	assert_int_equal(input_wait(in), 0);
	input_free(in);
}

static void
expect(const char *bytes, uint32_t code, unsigned mods)
{
	struct heard h;
	size_t step;

	/* Cut anywhere: the same comes out. */
	for (step = 1; step <= strlen(bytes); step++) {
		hear(&h, bytes, strlen(bytes), step);
		assert_int_equal(h.n, 1);
		assert_int_equal(h.key[0].code, code);
		assert_int_equal(h.key[0].mods, mods);
	}
}

static void
test_input_knows_what_terminals_send(void **state)
{
	expect("a", 'a', 0);
	expect("\r", K_ENTER, 0);
	expect("\t", K_TAB, 0);
	expect("\177", K_BACKSPACE, 0);
	expect("\001", 'a', TERM_CTRL);
	expect("\035", ']', TERM_CTRL);
	expect("\033x", 'x', TERM_ALT);
	expect("\033\177", K_BACKSPACE, TERM_ALT);
	expect("\033[A", K_UP, 0);
	expect("\033OA", K_UP, 0);
	expect("\033\033[A", K_UP, TERM_ALT);
	expect("\033[1;5D", K_LEFT, TERM_CTRL);
	expect("\033[1;4C", K_RIGHT, TERM_SHIFT | TERM_ALT);
	expect("\033[5;2~", K_PAGE_UP, TERM_SHIFT);
	expect("\033[3~", K_DELETE, 0);
	expect("\033[1~", K_HOME, 0);
	expect("\033[4~", K_END, 0);
	expect("\033[Z", K_TAB, TERM_SHIFT);
	expect("\033OP", K_F(1), 0);
	expect("\033[1;2P", K_F(1), TERM_SHIFT);
	expect("\033[[C", K_F(3), 0);
	expect("\033[15~", K_F(5), 0);
	expect("\033[24;5~", K_F(12), TERM_CTRL);
	expect("\033[25~", K_F(13), 0);
	expect("\033[97;5u", 'a', TERM_CTRL);
	expect("\033[27;5;13~", K_ENTER, TERM_CTRL);
	expect("\303\244", 0xe4, 0);
	expect("\342\202\254", 0x20ac, 0);
	expect("\360\237\230\200", 0x1f600, 0);
}

static void
expect_mouse(const char *bytes, enum term_mouse_event event, int row, int col,
    unsigned button, unsigned mods)
{
	struct heard h;
	size_t step;

	for (step = 1; step <= strlen(bytes); step++) {
		hear(&h, bytes, strlen(bytes), step);
		assert_int_equal(h.n, 0);
		assert_int_equal(h.mice, 1);
		assert_int_equal(h.mouse[0].event, event);
		assert_int_equal(h.mouse[0].row, row);
		assert_int_equal(h.mouse[0].col, col);
		assert_int_equal(h.mouse[0].button, button);
		assert_int_equal(h.mouse[0].mods, mods);
	}
}

static void
test_input_knows_the_mouse(void **state)
{
	expect_mouse("\033[<0;12;33M", TERM_MOUSE_PRESS, 32, 11, 1, 0);
	expect_mouse("\033[<2;1;1m", TERM_MOUSE_RELEASE, 0, 0, 3, 0);
	expect_mouse("\033[<32;300;2M", TERM_MOUSE_MOTION, 1, 299, 1, 0);
	expect_mouse("\033[<65;3;4M", TERM_MOUSE_PRESS, 3, 2, 5, 0);
	expect_mouse(
	    "\033[<20;3;4M", TERM_MOUSE_PRESS, 3, 2, 1, TERM_SHIFT | TERM_CTRL);
	expect_mouse("\033[M !\"", TERM_MOUSE_PRESS, 1, 0, 1, 0);
	expect_mouse("\033[M#!\"", TERM_MOUSE_RELEASE, 1, 0, 1, 0);
	expect_mouse("\033[M`!\"", TERM_MOUSE_PRESS, 1, 0, 4, 0);
}

static void
test_input_takes_no_odd_mouse_for_typing(void **state)
{
	static const char *const odd[] = {"\033[<0;0;1Mx", "\033[<0;1Mx",
	    "\033[<999;1;1Mx", "\033[<0;1;1;1Mx", "\033[<35;1;1Mx",
	    "\033[<0;99999999;1Mx", "\033[<0;1;1Zx", "\033[M\001\001\001x"};
	struct heard h;
	size_t i;

	for (i = 0; i < sizeof odd / sizeof *odd; i++) {
		hear(&h, odd[i], strlen(odd[i]), 1);
		assert_int_equal(h.mice, 0);
		assert_int_equal(h.n, 1);
		assert_int_equal(h.key[0].code, 'x');
	}
}

static void
test_input_takes_an_escape_alone_for_the_key(void **state)
{
	expect("\033", K_ESCAPE, 0);
	expect("\033[", '[', TERM_ALT);
	expect("\033O", 'O', TERM_ALT);
	expect("\033P", 'P', TERM_ALT);
}

static void
test_input_swallows_whole_what_it_does_not_know(void **state)
{
	static const char *const odd[] = {"\033[?62;1;4cx", "\033[999zx",
	    "\033[<0;12;33Mx", "\033]11;rgb:0000/0000/0000\033\\x",
	    "\033]0;title\007x", "\033P1$r0m\033\\x", "\033[1;2;3;4;5;6Zx",
	    "\033[Ix", "\033Ozx", "\377x", "\300\200x", "\355\240\200x",
	    "\033[123456789012345678901234567890123456789~x"};
	struct heard h;
	size_t i;

	for (i = 0; i < sizeof odd / sizeof *odd; i++) {
		hear(&h, odd[i], strlen(odd[i]), 1);
		assert_true(h.n >= 1);
		assert_int_equal(h.key[h.n - 1].code, 'x');
	}
	hear(&h, odd[3], strlen(odd[3]), 1);
	assert_int_equal(h.n, 1);
}

static void
test_input_gives_a_paste_whole_and_as_no_keys(void **state)
{
	static const char text[] = "\033[200~a\033[31mb\r\nc\033[201~d";
	struct heard h;
	size_t step;

	for (step = 1; step < sizeof text; step++) {
		hear(&h, text, sizeof text - 1, step);
		assert_int_equal(h.pastes, 1);
		assert_int_equal(h.pasted, strlen("a\033[31mb\r\nc"));
		assert_memory_equal(h.paste, "a\033[31mb\r\nc", h.pasted);
		assert_int_equal(h.n, 1);
		assert_int_equal(h.key[0].code, 'd');
	}
}

static void
test_input_ends_a_paste_whose_end_is_lost(void **state)
{
	struct heard h;

	hear(&h, "\033[200~abc", 9, 9);
	assert_int_equal(h.pastes, 1);
	assert_int_equal(h.pasted, 3);
}

static void
test_input_gives_a_huge_paste_in_parts_and_loses_nothing(void **state)
{
	size_t len = 3 * (size_t)INPUT_PASTE_MAX, i;
	char *text = malloc(len);
	struct heard h;
	struct input *in;

	memset(&h, 0, sizeof h);
	memset(text, 'y', len);
	in = input_new(&ops, &h);
	input_feed(in, "\033[200~", 6);
	input_feed(in, text, len);
	input_feed(in, "\033[201~", 6);
	assert_true(h.pastes >= 3);
	assert_int_equal(h.n, 0);
	for (i = 0; i < h.pasted; i++)
		assert_int_equal(h.paste[i], 'y');
	assert_int_equal(input_wait(in), 0);
	input_free(in);
	free(text);
}

static void
test_input_survives_any_bytes(void **state)
{
	struct input *in;
	struct heard h;
	unsigned seed = 12345, i;
	char c;

	memset(&h, 0, sizeof h);
	in = input_new(&ops, &h);
	for (i = 0; i < 300000; i++) {
		seed = seed * 1103515245 + 12345;
		c = (char)(seed >> 16);
		/* Mostly what sequences are made of. */
		if (seed >> 28 & 1)
			c = "\033[O]P;0123~uM<"[(seed >> 16) % 14];
		input_feed(in, &c, 1);
		if (i % 1000 == 0 && input_wait(in) > 0)
			input_timeout(in);
	}
	input_free(in);
}

static void
test_key_names_are_what_people_call_them(void **state)
{
	static const struct {
		struct key key;
		const char *name;
	} keys[] = {{{'s', 0}, "s"}, {{']', TERM_CTRL}, "ctrl-]"},
	    {{K_ESCAPE, 0}, "esc"}, {{K_PAGE_UP, TERM_SHIFT}, "shift-pgup"},
	    {{K_F(12), 0}, "F12"}, {{'x', TERM_ALT}, "alt-x"},
	    {{' ', 0}, "space"}};
	char name[32];
	size_t i;

	for (i = 0; i < sizeof keys / sizeof *keys; i++)
		assert_string_equal(
		    key_name(keys[i].key, name, sizeof name), keys[i].name);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_input_knows_what_terminals_send),
	    cmocka_unit_test(test_input_knows_the_mouse),
	    cmocka_unit_test(test_input_takes_no_odd_mouse_for_typing),
	    cmocka_unit_test(test_input_takes_an_escape_alone_for_the_key),
	    cmocka_unit_test(test_input_swallows_whole_what_it_does_not_know),
	    cmocka_unit_test(test_input_gives_a_paste_whole_and_as_no_keys),
	    cmocka_unit_test(test_input_ends_a_paste_whose_end_is_lost),
	    cmocka_unit_test(
		test_input_gives_a_huge_paste_in_parts_and_loses_nothing),
	    cmocka_unit_test(test_input_survives_any_bytes),
	    cmocka_unit_test(test_key_names_are_what_people_call_them),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
