/*
 * test_term_noise.c: what no well-meaning guest sends.
 */
#include "unit.h"
#include "term_rig.h"

/* Of AddressSanitizer, where the test is built with it. */
size_t __sanitizer_get_current_allocated_bytes(void) __attribute__((weak));

static size_t
allocated(void)
{
	return __sanitizer_get_current_allocated_bytes
	    ? __sanitizer_get_current_allocated_bytes()
	    : 0;
}

static unsigned
next(uint64_t *random, unsigned n)
{
	*random = *random * 6364136223846793005u + 1442695040888963407u;
	return (unsigned)(*random >> 33) % n;
}

static bool
shows(uint32_t ch)
{
	return ch >= 0x20 && (ch < 0x7f || ch > 0x9f) && ch <= 0x10ffff &&
	    (ch < 0x202a || ch > 0x202e);
}

/* Everything the term gives out is fit to be shown, and hangs together. */
static void
assert_sound(struct rig *rig)
{
	struct term_cell cells[TERM_MAX];
	struct term_cursor c;
	unsigned cols = term_cols(rig->t), used, i, k;
	uint64_t line, end = term_top(rig->t) + term_rows(rig->t);

	term_cursor(rig->t, &c);
	assert_in_range(c.row, 0, term_rows(rig->t) - 1);
	assert_in_range(c.col, 0, cols - 1);
	for (line = term_first(rig->t); line < end; line++) {
		used = term_line(rig->t, line, cells);
		assert_in_range(used, 0, cols);
		for (i = 0; i < cols; i++) {
			assert_true(cells[i].ch == 0 || shows(cells[i].ch));
			assert_in_range(cells[i].ncomb, 0, TERM_COMBINING);
			for (k = 0; k < cells[i].ncomb; k++)
				assert_true(shows(cells[i].comb[k]));
			assert_int_equal(cells[i].width == 0,
			    i > 0 && cells[i - 1].width == 2);
			assert_int_equal(cells[i].attrs & 0x8000, 0);
		}
		assert_int_not_equal(cells[cols - 1].width, 2);
	}
}

static void
test_term_survives_noise_and_resizing(void **state)
{
	/* Bytes that make something happen, among all others. */
	static const char likely[] =
	    "\033\033\033[[[;;;;01234567899:?>! \"$'hlmrsJKLMPST@HABCDbcgnpqtx"
	    "\a\b\t\n\r\016\017\\]P#8()7c=>DEM\xc3\xa9\xe4\xb8\xad\xcc\x81\x9b";
	uint64_t random = 42;
	struct rig *rig;
	char bytes[600];
	unsigned round, i, n;
	uint64_t place;

	for (round = 0; round < 40; round++) {
		rig = rig_new(next(&random, 30), next(&random, 100),
		    next(&random, 3) * 50);
		for (i = 0; i < 150; i++) {
			for (n = 0; n < sizeof(bytes); n++)
				bytes[n] = next(&random, 4)
				    ? likely[next(&random, sizeof(likely))]
				    : (char)next(&random, 256);
			term_input(rig->t, bytes, next(&random, sizeof(bytes)));
			place = term_first(rig->t) + next(&random, 200);
			if (next(&random, 4) == 0)
				term_resize(rig->t, next(&random, 40),
				    next(&random, 4) ? next(&random, 120)
						     : next(&random, 3),
				    &place, 1);
			if (i % 10 == 0)
				assert_sound(rig);
		}
		assert_sound(rig);
		rig_free(rig);
	}
}

/* Feeds head, count times body, tail, in reads of 4 KiB. */
static void
flood(struct rig *rig, const char *head, const char *body, unsigned count,
    const char *tail)
{
	size_t h = strlen(head), b = strlen(body), t = strlen(tail);
	size_t len = h + b * count + t, i;
	char *text = malloc(len);

	memcpy(text, head, h);
	for (i = 0; i < count; i++)
		memcpy(text + h + i * b, body, b);
	memcpy(text + h + b * count, tail, t);
	for (i = 0; i < len; i += 4096)
		term_input(rig->t, text + i, len - i < 4096 ? len - i : 4096);
	free(text);
}

static const struct {
	const char *what, *head, *body;
	unsigned count;
	const char *tail;
} floods[] = {
    {"CSI", "\033[", "1", 1 << 20, "m"},
    {"many numbers", "\033[", "1;", 1 << 19, "m"},
    {"many parts", "\033[38", ":1", 1 << 19, "m"},
    {"intermediates", "\033", "(", 1 << 20, "B"},
    {"leading bytes", "\033[", "?", 1 << 20, "h"},
    {"OSC", "\033]2;", "x", (1 << 20) - 1000, "\a"},
    {"OSC with controls", "\033]2;", "x\n", 1 << 18, "\033\\"},
    {"DCS", "\033P$q", "m", 1 << 18, "\033\\"},
    {"APC, cut off by ESC", "\033_", "x", 1 << 18, "\033[m"},
    {"line", "", "x", 1 << 20, ""},
    {"wide line", "", "\u4e2d", 1 << 18, ""},
    {"combining", "x", "\u0301", 1 << 19, ""},
    {"combining between bells", "x", "\u0301\a", 1 << 18, ""},
    {"combining, coming back", "x", "\u0301\u0301\b\033[C", 1 << 16, ""},
    {"combining without a base", "\033[H", "\u0301", 1 << 18, ""},
    {"line feeds", "", "\n", 1 << 20, ""},
    {"saves", "", "\0337\0338", 1 << 16, ""},
    {"screens", "", "\033[?1049h\033[?1049l", 1 << 14, ""},
    {"resets", "", "\033c", 1 << 14, ""},
    {"REP", "x", "\033[9999b", 1 << 10, ""},
    {"scrolls", "x", "\033[9999S\033[9999T", 1 << 12, ""},
    {"titles", "", "\033]2;a\a\033]2;b\a", 1 << 14, ""},
    {"replies", "", "\033[6n\033[c\033[18t", 1 << 14, ""},
};

static void
test_term_floods_end_and_leave_nothing(void **state)
{
	struct rig *rig;
	size_t i, before, after;

	for (i = 0; i < sizeof(floods) / sizeof(floods[0]); i++) {
		rig = rig_new(24, 80, 100);
		before = allocated();
		flood(rig, floods[i].head, floods[i].body, floods[i].count,
		    floods[i].tail);
		after = allocated();
		/* The rows of the screen and 100 lines of scrollback. */
		if (after > before + 200000)
			fail_msg("%s: %zu bytes are held", floods[i].what,
			    after - before);
		assert_sound(rig);
		/* And it listens again. */
		rig_feed(rig, "\033[2J\033[Hok");
		assert_string_equal(rig_screen(rig), "ok");
		rig_free(rig);
	}
}

static void
test_term_gives_up_a_string_that_does_not_end(void **state)
{
	struct rig *rig = rig_new(4, 10, 0);

	flood(rig, "\033]2;", "x", (1 << 20) - 2, "y");
	assert_string_equal(rig_screen(rig), "y");
	assert_string_equal(term_title(rig->t), "");
	rig_free(rig);
}

static void
test_term_sizes_are_bounded(void **state)
{
	struct rig *rig = rig_new(0, 0, 4000000000u);

	assert_int_equal(term_rows(rig->t), 1);
	assert_int_equal(term_cols(rig->t), 1);
	rig_feed(rig, "ab\u4e2d\r\n\tx\033[9;9Hy\033[?1049hz\033[?1049l");
	assert_sound(rig);
	term_resize(rig->t, 100000, 100000, NULL, 0);
	assert_int_equal(term_rows(rig->t), TERM_MAX);
	assert_int_equal(term_cols(rig->t), TERM_MAX);
	rig_feed(rig, "\033[2J\033#8");
	assert_sound(rig);
	term_resize(rig->t, 2, 2, NULL, 0);
	assert_sound(rig);
	rig_free(rig);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_term_survives_noise_and_resizing),
	    cmocka_unit_test(test_term_floods_end_and_leave_nothing),
	    cmocka_unit_test(test_term_gives_up_a_string_that_does_not_end),
	    cmocka_unit_test(test_term_sizes_are_bounded),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
