/*
 * test_term_keys.c: what goes to the guest, keys and replies, and what is
 * told to the owner.
 */
#include "unit.h"
#include "term_rig.h"

static const struct {
	const char *modes; /* what the guest sent before */
	unsigned key, mods;
	const char *out;
} keys[] = {
    {"", TERM_KEY_UP, 0, "\033[A"},
    {"", TERM_KEY_DOWN, 0, "\033[B"},
    {"", TERM_KEY_RIGHT, 0, "\033[C"},
    {"", TERM_KEY_LEFT, 0, "\033[D"},
    {"\033[?1h", TERM_KEY_UP, 0, "\033OA"},
    {"", TERM_KEY_UP, TERM_CTRL, "\033[1;5A"},
    {"", TERM_KEY_LEFT, TERM_SHIFT | TERM_ALT, "\033[1;4D"},
    {"\033[?1h", TERM_KEY_UP, TERM_SHIFT, "\033[1;2A"},
    {"", TERM_KEY_HOME, 0, "\033[H"},
    {"", TERM_KEY_END, 0, "\033[F"},
    {"", TERM_KEY_INSERT, 0, "\033[2~"},
    {"", TERM_KEY_DELETE, 0, "\033[3~"},
    {"", TERM_KEY_PAGE_UP, 0, "\033[5~"},
    {"", TERM_KEY_PAGE_DOWN, TERM_CTRL, "\033[6;5~"},
    {"", TERM_KEY_F0 + 1, 0, "\033OP"},
    {"", TERM_KEY_F0 + 5, 0, "\033[15~"},
    {"", TERM_KEY_F0 + 12, 0, "\033[24~"},
    {"", TERM_KEY_F0 + 12, TERM_ALT, "\033[24;3~"},
    {"", TERM_KEY_F0 + 13, 0, "\033[1;2P"},
    {"", TERM_KEY_F0 + 29, 0, "\033[15;5~"},
    {"", TERM_KEY_F0 + 48, 0, "\033[24;6~"},
    {"", TERM_KEY_F0, 0, ""},
    {"", TERM_KEY_F0 + 49, 0, ""},
    {"", 100000, 0, ""},
    {"", TERM_KEY_ENTER, 0, "\r"},
    {"", TERM_KEY_ENTER, TERM_SHIFT | TERM_CTRL, "\r"},
    {"\033[20h", TERM_KEY_ENTER, 0, "\r\n"},
    {"", TERM_KEY_ENTER, TERM_ALT, "\033\r"},
    {"", TERM_KEY_TAB, 0, "\t"},
    {"", TERM_KEY_TAB, TERM_SHIFT, "\033[Z"},
    {"", TERM_KEY_BACKSPACE, 0, "\177"},
    {"", TERM_KEY_BACKSPACE, TERM_CTRL, "\b"},
    {"", TERM_KEY_ESCAPE, 0, "\033"},
};

static void
test_term_keys(void **state)
{
	struct rig *rig;
	size_t i;

	for (i = 0; i < sizeof(keys) / sizeof(keys[0]); i++) {
		rig = rig_new(2, 10, 0);
		rig_feed(rig, keys[i].modes);
		term_key(rig->t, keys[i].key, keys[i].mods);
		assert_string_equal(rig->out, keys[i].out);
		rig_free(rig);
	}
}

static const struct {
	uint32_t ch;
	unsigned mods;
	const char *out;
	size_t len;
} chars[] = {
    {'a', 0, "a", 1},
    {'A', TERM_SHIFT, "A", 1},
    {' ', TERM_SHIFT, " ", 1},
    {0xe9, 0, "\u00e9", 2},
    {0x20ac, 0, "\u20ac", 3},
    {0x1f600, 0, "\U0001f600", 4},
    {'c', TERM_CTRL, "\003", 1},
    {'i', TERM_CTRL, "\t", 1},
    {'m', TERM_CTRL, "\r", 1},
    {'[', TERM_CTRL, "\033", 1},
    {']', TERM_CTRL, "\035", 1},
    {'?', TERM_CTRL, "\177", 1},
    {' ', TERM_CTRL, "\0", 1},
    {'2', TERM_CTRL, "\0", 1},
    {'1', TERM_CTRL, "1", 1},
    {'x', TERM_ALT, "\033x", 2},
    {'c', TERM_CTRL | TERM_ALT, "\033\003", 2},
    {0x20ac, TERM_ALT, "\033\u20ac", 4},
    {3, 0, "\003", 1},
    {0xd800, 0, "", 0},
    {0x110000, 0, "", 0},
};

static void
test_term_chars(void **state)
{
	struct rig *rig;
	size_t i;

	for (i = 0; i < sizeof(chars) / sizeof(chars[0]); i++) {
		rig = rig_new(2, 10, 0);
		term_char(rig->t, chars[i].ch, chars[i].mods);
		assert_int_equal(rig->out_len, chars[i].len);
		assert_memory_equal(rig->out, chars[i].out, chars[i].len);
		rig_free(rig);
	}
}

static const struct {
	const char *in, *out;
} replies[] = {
    {"\033[3;5H\033[6n", "\033[3;5R"},
    {"ab\033[6n", "\033[1;3R"},
    {"\033[5n", "\033[0n"},
    {"\033[c", "\033[?1;2c"},
    {"\033Z", "\033[?1;2c"},
    {"\033[>c", "\033[>0;100;0c"},
    {"\033[?25$p", "\033[?25;1$y"},
    {"\033[?2004h\033[?2004$p", "\033[?2004;1$y"},
    {"\033[18t", "\033[8;4;10t"},
    {"\033[21t\033[14t", ""},
    {"\033[1;3;31;48;2;1;2;3m\033P$qm\033\\",
	"\033P1$r0;1;3;38:5:1;48:2::1:2:3m\033\\"},
    {"\033[2;3r\033P$qr\033\\", "\033P1$r2;3r\033\\"},
    {"\033[3 q\033P$q q\033\\", "\033P1$r3 q\033\\"},
    {"\033P$qz\033\\", ""},
    {"\033]10;?\a\033]52;c;?\a", ""},
};

static void
test_term_replies(void **state)
{
	struct rig *rig;
	size_t i, k;

	for (i = 0; i < sizeof(replies) / sizeof(replies[0]); i++) {
		rig = rig_new(4, 10, 0);
		rig_feed(rig, replies[i].in);
		assert_string_equal(rig->out, replies[i].out);
		rig_free(rig);
		rig = rig_new(4, 10, 0);
		for (k = 0; replies[i].in[k] != 0; k++)
			term_input(rig->t, replies[i].in + k, 1);
		assert_string_equal(rig->out, replies[i].out);
		rig_free(rig);
	}
}

static void
test_term_replies_are_bounded_but_keys_are_not(void **state)
{
	struct rig *rig = rig_new(4, 10, 0);
	char *flood = malloc(400001);
	unsigned i;

	for (i = 0; i < 100000; i++)
		memcpy(flood + i * 4, "\033[6n", 4);
	term_input(rig->t, flood, 400000);
	assert_in_range(rig->out_len, 4000, 4096);
	term_input(rig->t, flood, 4);
	term_key(rig->t, TERM_KEY_UP, 0);
	assert_string_equal(rig->out + rig->out_len - 9, "\033[1;1R\033[A");
	free(flood);
	rig_free(rig);
}

static void
test_term_replay_says_nothing(void **state)
{
	struct rig *rig = rig_new(4, 10, 0);
	static const char text[] = "\033[6n\033[c\033[18t\a\033]2;x\a"
				   "\033[1m\033P$qm\033\\shown";

	term_replay(rig->t, text, sizeof(text) - 1);
	assert_int_equal(rig->out_len, 0);
	assert_int_equal(rig->bells, 0);
	assert_int_equal(rig->titles, 0);
	assert_string_equal(term_title(rig->t), "x");
	assert_string_equal(rig_screen(rig), "shown");
	rig_feed(rig, "\a\033[5n");
	assert_int_equal(rig->bells, 1);
	assert_string_equal(rig->out, "\033[0n");
	rig_free(rig);
}

static void
test_term_clipboard_is_checked_text(void **state)
{
	static const struct {
		const char *in, *text; /* NULL: nothing is told */
	} cases[] = {{"\033]52;c;aGVsbG8=\a", "hello"},
	    {"\033]52;;aGVsbG8\033\\", "hello"}, {"\033]52;s0;YQ==\a", "a"},
	    /* "a ESC [31m b TAB c LF d DEL U+9B U+202E": text alone. */
	    {"\033]52;c;YRtbMzFtYgljCmR/wpvigK4=\a", "a[31mb\tc\nd"},
	    {"\033]52;c;w6TigqzwnZWP\a", "\u00e4\u20ac\U0001d54f"},
	    {"\033]52;c;?\a", NULL}, {"\033]52;c;\a", NULL},
	    {"\033]52;c\a", NULL}, {"\033]52;\a", NULL},
	    {"\033]52;c;aGVsbG8=x\a", NULL}, {"\033]52;c;aGVs bG8=\a", NULL},
	    {"\033]52;c;aGVsb===\a", NULL}, {"\033]52;c;a\a", NULL},
	    {"\033]52;c;/w==\a", NULL}, {"\033]52;c;GwcA\a", NULL},
	    {"\033]520;c;YQ==\a", NULL}, {"\033P52;c;YQ==\033\\", NULL},
	    {"\033]52;c;YQ==\030", NULL}, {"\033]52;c;YQ==\033[m", NULL}};
	struct rig *rig;
	size_t i, k;

	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		rig = rig_new(4, 10, 0);
		for (k = 0; cases[i].in[k] != 0; k++)
			term_input(rig->t, &cases[i].in[k], 1);
		if (rig->clips != (cases[i].text != NULL) ||
		    (cases[i].text != NULL &&
			strcmp(rig->clip, cases[i].text) != 0))
			fail_msg("%s: %u times, \"%s\"", cases[i].in + 1,
			    rig->clips, rig->clip);
		/* No answer is given, and nothing is left over. */
		assert_int_equal(rig->out_len, 0);
		rig_feed(rig, "\033\\ok");
		assert_string_equal(rig_screen(rig), "ok");
		term_replay(rig->t, cases[i].in, strlen(cases[i].in));
		assert_true(rig->clips == (cases[i].text != NULL));
		rig_free(rig);
	}
}

static void
test_term_clipboard_has_a_bound(void **state)
{
	const size_t most = (TERM_CLIPBOARD + 2) / 3 * 4;
	char *flood = malloc(most + 100);
	struct rig *rig = rig_new(4, 10, 0);
	size_t i;

	for (i = 0; i < most + 100; i += 4)
		memcpy(flood + i, "YWFh", 4);
	rig_feed(rig, "\033]52;c;");
	/* 4 are three letters "a" each; all but one of the bound. */
	term_input(rig->t, flood, most - 4);
	rig_feed(rig, "\a");
	assert_int_equal(rig->clips, 1);
	assert_int_equal(strlen(rig->clip), TERM_CLIPBOARD - 1);
	rig_feed(rig, "\033]52;c;");
	term_input(rig->t, flood, most);
	rig_feed(rig, "\a");
	assert_int_equal(rig->clips, 1);
	/* And all of it. */
	rig_feed(rig, "\033]52;c;");
	term_input(rig->t, flood, most - 4);
	rig_feed(rig, "YQ==\a");
	assert_int_equal(rig->clips, 2);
	assert_int_equal(strlen(rig->clip), TERM_CLIPBOARD);
	rig_feed(rig, "\033]52;c;");
	term_input(rig->t, flood, most + 100);
	rig_feed(rig, "\a\033]52;c;");
	assert_int_equal(rig->clips, 2);
	/* Cut by a reset, by the end, by another string. */
	term_input(rig->t, flood, 5000);
	term_reset(rig->t);
	rig_feed(rig, "\033]52;c;");
	term_input(rig->t, flood, 5000);
	rig_feed(rig, "\033]2;x\a\033]52;c;");
	term_input(rig->t, flood, 5000);
	rig_free(rig);
	free(flood);
}

static void
test_term_title_is_clean_and_bounded(void **state)
{
	struct rig *rig = rig_new(4, 10, 0);
	char *flood = malloc(70000);

	rig_feed(rig, "\033]0;both\a");
	assert_string_equal(term_title(rig->t), "both");
	assert_int_equal(rig->titles, 1);
	rig_feed(rig, "\033]2;both\033\\");
	assert_int_equal(rig->titles, 1);
	rig_feed(rig, "\033]1;icon\a");
	assert_string_equal(term_title(rig->t), "both");
	rig_feed(rig,
	    "\033]2;a\x01\tb\x7f\xc2\x9b"
	    "c\u202ed\xff\u00e9\a");
	assert_string_equal(term_title(rig->t), "abcd\u00e9");
	memset(flood, 'x', 70000);
	memcpy(flood, "\033]2;", 4);
	/* 64 KiB of it. */
	flood[69999] = '\a';
	term_input(rig->t, flood, 70000);
	assert_int_equal(strlen(term_title(rig->t)), 255);
	rig_feed(rig, "\033]2;\a");
	assert_string_equal(term_title(rig->t), "");
	free(flood);
	rig_free(rig);
}

static void
test_term_paste(void **state)
{
	struct rig *rig = rig_new(4, 10, 0);
	char big[1300];

	term_paste(rig->t, "a\nb\r\nc\td\033[201~\a\177e", 18);
	assert_string_equal(rig->out, "a\rb\rc\td[201~e");
	rig->out_len = 0;
	rig_feed(rig, "\033[?2004h");
	term_paste(rig->t, "x", 1);
	assert_string_equal(rig->out, "\033[200~x\033[201~");
	rig->out_len = 0;
	memset(big, 'y', sizeof(big));
	term_paste(rig->t, big, sizeof(big));
	assert_int_equal(rig->out_len, sizeof(big) + 12);
	rig_free(rig);
}

static void
test_term_mouse_is_told_only_what_was_asked(void **state)
{
	struct rig *rig = rig_new(10, 10, 0);

	assert_int_equal(term_mouse_mode(rig->t), TERM_MOUSE_NONE);
	term_mouse(rig->t, TERM_MOUSE_PRESS, 1, 2, 1, 0);
	assert_int_equal(rig->out_len, 0);
	/* As vim asks: both modes in one sequence. */
	rig_feed(rig, "\033[?1006;1000h");
	assert_int_equal(term_mouse_mode(rig->t), TERM_MOUSE_CLICK);
	term_mouse(rig->t, TERM_MOUSE_MOTION, 0, 0, 0, 0);
	assert_int_equal(rig->out_len, 0);
	term_mouse(rig->t, TERM_MOUSE_PRESS, 1, 2, 1, TERM_CTRL);
	term_mouse(rig->t, TERM_MOUSE_RELEASE, 1, 2, 1, 0);
	term_mouse(rig->t, TERM_MOUSE_PRESS, 1, 2, 4, 0);
	term_mouse(rig->t, TERM_MOUSE_RELEASE, 1, 2, 4, 0);
	term_mouse(rig->t, TERM_MOUSE_PRESS, 99, 2, 1, 0);
	term_mouse(rig->t, TERM_MOUSE_PRESS, 1, 2, 9, 0);
	assert_string_equal(rig->out, "\033[<16;3;2M\033[<0;3;2m\033[<64;3;2M");
	rig->out_len = 0;
	rig_feed(rig, "\033[?1006l\033[?1003h");
	assert_int_equal(term_mouse_mode(rig->t), TERM_MOUSE_MOVE);
	term_mouse(rig->t, TERM_MOUSE_MOTION, 4, 4, 0, 0);
	assert_string_equal(rig->out, "\033[MC%%");
	rig_feed(rig, "\033c");
	assert_int_equal(term_mouse_mode(rig->t), TERM_MOUSE_NONE);
	rig_free(rig);
}

static void
test_term_focus(void **state)
{
	struct rig *rig = rig_new(2, 10, 0);

	term_focus(rig->t, true);
	assert_int_equal(rig->out_len, 0);
	rig_feed(rig, "\033[?1004h");
	term_focus(rig->t, true);
	term_focus(rig->t, false);
	assert_string_equal(rig->out, "\033[I\033[O");
	rig_free(rig);
}

static void
test_term_reset_ends_what_noise_began(void **state)
{
	struct rig *rig = rig_new(2, 10, 5);

	rig_feed(rig, "1\r\n2\r\n3\033[?1049h\033[7m\033(0\033]2;never ending");
	term_reset(rig->t);
	assert_false(term_is_alternate(rig->t));
	rig_feed(rig, "q");
	assert_string_equal(rig_all(rig), "1|q");
	assert_int_equal(rig_cell(rig, 0, 0).attrs, 0);
	rig_free(rig);
}

static void
test_term_works_without_callbacks(void **state)
{
	static const struct term_ops none;
	struct term *t = term_new(2, 10, 5, &none, NULL);

	term_input(t, "\a\033[6n\033]2;x\a", 11);
	term_key(t, TERM_KEY_UP, 0);
	assert_string_equal(term_title(t), "x");
	term_free(t);
	term_free(NULL);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_term_keys),
	    cmocka_unit_test(test_term_chars),
	    cmocka_unit_test(test_term_replies),
	    cmocka_unit_test(test_term_replies_are_bounded_but_keys_are_not),
	    cmocka_unit_test(test_term_replay_says_nothing),
	    cmocka_unit_test(test_term_clipboard_is_checked_text),
	    cmocka_unit_test(test_term_clipboard_has_a_bound),
	    cmocka_unit_test(test_term_title_is_clean_and_bounded),
	    cmocka_unit_test(test_term_paste),
	    cmocka_unit_test(test_term_mouse_is_told_only_what_was_asked),
	    cmocka_unit_test(test_term_focus),
	    cmocka_unit_test(test_term_reset_ends_what_noise_began),
	    cmocka_unit_test(test_term_works_without_callbacks),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
