/*
 * test_term.c: sequences in, grid out.
 */
#include "unit.h"
#include "term_rig.h"

/*
 * On a screen of 4 x 10. screen is as rig_screen() writes it, row and col
 * where the cursor is then.
 */
static const struct {
	const char *what, *in, *screen;
	unsigned row, col;
} cases[] = {
    {"nothing", "", "", 0, 0},
    {"text", "hello", "hello", 0, 5},
    {"CR LF", "a\r\nb", "a|b", 1, 1},
    {"LF keeps the column", "a\nb", "a| b", 1, 2},
    {"LNM: LF is a new line", "\033[20ha\nb", "a|b", 1, 1},
    {"BS", "abc\b\bX", "aXc", 0, 2},
    {"HT", "a\tb", "a       b", 0, 9},
    {"HT ends at the edge", "\t\t\tx", "         x", 0, 9},
    {"VT and FF feed lines", "a\vb\fc", "a| b|  c", 2, 3},
    {"wrap is put off", "0123456789", "0123456789", 0, 9},
    {"wrap", "0123456789ab", "0123456789+ab", 1, 2},
    {"wrap by a byte at a time", "01234567\033[0m8\033[0m9\033[0ma",
	"0123456789+a", 1, 1},
    {"CR LF at the edge is one new line", "0123456789\r\nab", "0123456789|ab",
	1, 2},
    {"no wrap without DECAWM", "\033[?7l0123456789abc", "012345678c", 0, 9},
    {"EL to the end of a row that wrapped", "0123456789ab\033[H\033[5C\033[Kx",
	"01234x|ab", 0, 6},
    {"EL of its last column", "0123456789ab\033[1;10H\033[K", "012345678|ab", 0,
	9},
    {"EL of all that it went on with", "0123456789ab\r\033[Kx", "0123456789|x",
	1, 1},
    {"EL of the rest of that keeps it", "0123456789ab\b\033[Kx",
	"0123456789+ax", 1, 2},
    {"EL and wrap again", "0123456789ab\r\033[K\033[1;9H89cd", "0123456789+cd",
	1, 2},
    {"EL while a wrap is put off", "0123456789\033[Kab", "012345678|ab", 1, 2},
    {"ECH to the end of a row that wrapped", "0123456789ab\033[1;8H\033[9X",
	"0123456|ab", 0, 7},
    {"DECSEL of a row that wrapped", "0123456789ab\033[1;8H\033[?K",
	"0123456|ab", 0, 7},
    {"DECSEL of what is protected keeps it",
	"\033[1\"q0123456789\033[0\"qab\033[1;8H\033[?K", "0123456789+ab", 0,
	7},
    {"DECSEL in colour", "\033[44m0123456789ab\033[1;8H\033[?K", "0123456|ab",
	0, 7},
    {"DCH in a row that wrapped", "0123456789ab\033[1;1H\033[2P", "23456789|ab",
	0, 0},
    {"ED of rows that wrapped", "0123456789ab\033[2J\033[H0123456789\r\nab",
	"0123456789|ab", 1, 2},
    {"ED of what went on", "0123456789ab\033[2H\033[Jx", "0123456789|x", 1, 1},
    {"RIS of rows that wrapped", "0123456789ab\033c0123456789\r\nab",
	"0123456789|ab", 1, 2},
    {"IL under a row that wrapped", "0123456789ab\033[Lx", "0123456789|  x|ab",
	1, 3},
    {"scrolling", "1\r\n2\r\n3\r\n4\r\n5", "2|3|4|5", 3, 1},
    {"wrap and scroll", "1\r\n2\r\n3\r\n0123456789ab", "2|3|0123456789+ab", 3,
	2},
    {"CUP", "\033[2;3Hx", "|  x", 1, 3},
    {"CUP out of bounds", "\033[99;99Hx", "|||         x", 3, 9},
    {"CUP without numbers", "abc\033[Hx", "xbc", 0, 1},
    {"HVP", "\033[3;2fx", "|| x", 2, 2},
    {"CUU CUD CUF CUB", "\033[2B\033[3Cx\033[A\033[2Dy", "|  y|   x", 1, 3},
    {"CNL CPL CHA VPA", "ab\033[2Ec\033[Fd\033[5Ge\033[4df",
	"ab|d   e|c|     f", 3, 6},
    {"ED to the end", "aaa\r\nbbb\r\nccc\033[2;2H\033[J", "aaa|b", 1, 1},
    {"ED to the start", "aaa\r\nbbb\r\nccc\033[2;2H\033[1J", "|  b|ccc", 1, 1},
    {"ED all", "aaa\r\nbbb\033[2J", "", 1, 3},
    {"EL to the end", "abcdef\033[3D\033[K", "abc", 0, 3},
    {"EL to the start", "abcdef\033[3D\033[1K", "    ef", 0, 3},
    {"EL all", "abcdef\033[2K", "", 0, 6},
    {"ECH", "abcdef\033[4D\033[2X", "ab  ef", 0, 2},
    {"ICH", "abcdef\033[4D\033[2@", "ab  cdef", 0, 2},
    {"ICH pushes off the edge", "0123456789\033[2G\033[3@", "0   123456", 0, 1},
    {"DCH", "abcdef\033[4D\033[2P", "abef", 0, 2},
    {"IRM", "abc\033[2D\033[4hXY\033[4lZ", "aXYZc", 0, 4},
    {"IL", "1\r\n2\r\n3\033[2H\033[L", "1||2|3", 1, 0},
    {"DL", "1\r\n2\r\n3\r\n4\033[2H\033[2M", "1|4", 1, 0},
    {"IND NEL RI", "a\033Db\033Ec\033Md", "a| d|c", 1, 2},
    {"RI at the top scrolls down", "1\r\n2\033[H\033Mx", "x|1|2", 0, 1},
    {"DECSTBM", "1\r\n2\r\n3\r\n4\033[2;3r\033[3H\n5", "1|3|5|4", 2, 1},
    {"DECSTBM, RI", "1\r\n2\r\n3\r\n4\033[2;3r\033[2H\033M5", "1|5|2|4", 1, 1},
    {"SU", "1\r\n2\r\n3\r\n4\033[2S", "3|4", 3, 1},
    {"SD", "1\r\n2\r\n3\r\n4\033[2T", "||1|2", 3, 1},
    {"DECOM", "\033[2;3r\033[?6hx\033[9;1Hy\033[?6l", "|x|y", 0, 0},
    {"DECSLRM", "\033[?69h\033[3;5s\033[HabABCf\033[1;3H\033[L", "ab   f|  ABC",
	0, 2},
    {"DECSC DECRC", "ab\0337\033[3;3Hx\0338y", "aby||  x", 0, 3},
    {"SCOSC SCORC", "ab\033[s\033[3;3Hx\033[uy", "aby||  x", 0, 3},
    {"CSI s is not DECSLRM unless asked", "ab\033[2;3scd", "abcd", 0, 4},
    {"REP", "ab\033[3bc", "abbbbc", 0, 6},
    {"REP of nothing", "\033[9b", "", 0, 0},
    {"TBC HTS", "\033[3g\033[4G\033H\r\tx", "   x", 0, 4},
    {"CBT CHT", "\033[9Ga\033[Zb\033[Ic", "        bc", 0, 9},
    {"DECALN", "\033#8", "EEEEEEEEEE|EEEEEEEEEE|EEEEEEEEEE|EEEEEEEEEE", 0, 0},
    {"RIS", "abc\033[2;3r\033[31m\033cx", "x", 0, 1},
    {"DECSTR takes margins off", "\033[2;3r\033[!p\033[4H\n\nx", "|||x", 3, 1},
    {"DEC graphics", "\033(0lqk\033(Bq", "\u250c\u2500\u2510q", 0, 4},
    {"SO SI", "\033)0q\016q\017q", "q\u2500q", 0, 3},
    {"SS2", "\033*0q\033Nqq", "q\u2500q", 0, 3},
    {"UTF-8", "h\u00e9ll\u00f6 \u20ac \U0001d54f",
	"h\u00e9ll\u00f6 \u20ac \U0001d54f", 0, 9},
    {"wide", "\u4e2d\u6587x", "\u4e2d\u6587x", 0, 5},
    {"wide does not fit", "123456789\u4e2d", "123456789+\u4e2d", 1, 2},
    {"wide fits exactly", "12345678\u4e2dx", "12345678\u4e2d+x", 1, 1},
    {"half of a wide one goes, so does it", "\u4e2d\u6587\033[2Gx", " x\u6587",
	0, 2},
    {"the other half", "\u4e2d\u6587\033[3Gx", "\u4e2dx", 0, 3},
    {"combining", "e\u0301x", "e\u0301x", 0, 2},
    {"combining, cut from its base", "e\033[m\u0301x", "e\u0301x", 0, 2},
    {"invalid UTF-8", "a\xffz\xc3z\xe2\x82z", "a\ufffdz\ufffdz\ufffdz", 0, 7},
    {"overlong, surrogate, too high", "\xc0\xaf|\xed\xa0\x80|\xf4\x90\x80\x80",
	"\ufffd\ufffd|\ufffd\ufffd\ufffd|\ufffd\ufffd\ufffd+\ufffd", 1, 1},
    {"C1 in UTF-8 is nothing",
	"a\xc2\x9b"
	"31mb",
	"a31mb", 0, 5},
    {"direction overrides are nothing", "a\u202eb\u2066c", "abc", 0, 3},
    {"controls within a sequence", "a\033[\n3\rCb", "a|   b", 1, 4},
    {"CAN ends a sequence", "\033[3\0301x", "1x", 0, 2},
    {"ESC starts over", "\033[3\033[2Cx", "  x", 0, 3},
    {"unknown sequences are nothing",
	"a\033[>4;2m\033[?2026h\033[5n\033[=1c\033[1;2'z\033Fb", "ab", 0, 2},
    {"OSC and others are nothing",
	"a\033]52;c;AAAA\ab\033Pq#0\033\\c\033_x\033\\d\033^y\033\\e\033Xz\a"
	"f",
	"abcdef", 0, 6},
    {"mangled numbers", "\033[999999999999999999999C\033[3:4Hx", "         x",
	0, 9},
    {"twenty numbers",
	"\033[1;2;3;4;5;6;7;8;9;10;11;12;13;14;15;16;17;18;19;20Hx", " x", 0,
	2},
    {"alternate screen", "main\033[?1049halt", "    alt", 0, 7},
    {"alternate screen and back", "main\033[?1049h\033[Halt\033[?1049l+",
	"main+", 0, 5},
    {"several modes at once", "a\033[?25;7l0123456789b", "a01234567b", 0, 9},
    {"nul and del are nothing", "a\177b", "ab", 0, 2},
};

/* Runs a case, all at once or byte by byte; false, and says so, if it fails. */
static bool
run_case(size_t i, bool bytewise)
{
	struct rig *rig = rig_new(4, 10, 100);
	struct term_cursor c;
	const char *p, *got;
	bool ok;

	if (bytewise)
		for (p = cases[i].in; *p != 0; p++)
			term_input(rig->t, p, 1);
	else
		rig_feed(rig, cases[i].in);
	got = rig_screen(rig);
	term_cursor(rig->t, &c);
	ok = strcmp(got, cases[i].screen) == 0 && c.row == cases[i].row &&
	    c.col == cases[i].col;
	if (!ok)
		print_error("%s: \"%s\" at %u,%u, not \"%s\" at %u,%u\n",
		    cases[i].what, got, c.row, c.col, cases[i].screen,
		    cases[i].row, cases[i].col);
	rig_free(rig);
	return ok;
}

static void
test_term_cases(void **state)
{
	unsigned failed = 0;
	size_t i;

	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		failed += !run_case(i, false);
		failed += !run_case(i, true);
	}
	assert_int_equal(failed, 0);
}

#define IDX(n)       (TERM_COLOUR_INDEXED | (n))
#define RGB(r, g, b) (TERM_COLOUR_RGB | (r) << 16 | (g) << 8 | (b))

/* What an x looks like that is written after the sequence. */
static const struct {
	const char *in;
	uint32_t fg, bg;
	unsigned attrs;
} looks[] = {
    {"", 0, 0, 0},
    {"\033[1m", 0, 0, TERM_BOLD},
    {"\033[1;2;3;5;7;8;9m", 0, 0,
	TERM_BOLD | TERM_DIM | TERM_ITALIC | TERM_BLINK | TERM_REVERSE |
	    TERM_CONCEAL | TERM_STRIKE},
    {"\033[1;2;3;5;7;8;9m\033[22;23;25;27;28;29m", 0, 0, 0},
    {"\033[1;31;44m\033[m", 0, 0, 0},
    {"\033[31;44m", IDX(1), IDX(4), 0},
    {"\033[91;104m", IDX(9), IDX(12), 0},
    {"\033[31;44;39m", 0, IDX(4), 0},
    {"\033[31;44;49m", IDX(1), 0, 0},
    {"\033[38;5;200;48;5;17m", IDX(200), IDX(17), 0},
    {"\033[38;2;1;2;3;48;2;250;251;252m", RGB(1, 2, 3), RGB(250, 251, 252), 0},
    {"\033[38:2::1:2:3m", RGB(1, 2, 3), 0, 0},
    {"\033[38:2:1:2:3m", RGB(1, 2, 3), 0, 0},
    {"\033[38:5:9;1m", IDX(9), 0, TERM_BOLD},
    {"\033[38;5;300;1m", 0, 0, TERM_BOLD},
    {"\033[38;9;1m", 0, 0, TERM_BOLD},
    {"\033[38;2;1m", 0, 0, 0},
    {"\033[38m", 0, 0, 0},
    {"\033[58;5;4;3m", 0, 0, TERM_ITALIC},
    {"\033[58:2::1:4:7;3m", 0, 0, TERM_ITALIC},
    {"\033[4m", 0, 0, TERM_UNDERLINE},
    {"\033[21m", 0, 0, TERM_UNDERLINE_DOUBLE},
    {"\033[4:3m", 0, 0, TERM_UNDERLINE_CURLY},
    {"\033[4:3m\033[4:0m", 0, 0, 0},
    {"\033[4:5m", 0, 0, TERM_UNDERLINE},
    {"\033[4;21;24m", 0, 0, 0},
    {"\033[0;1;38;2;1;2;3;48;2;4;5;6;3;4;5;7;9;8m", RGB(1, 2, 3), RGB(4, 5, 6),
	TERM_BOLD | TERM_ITALIC | TERM_UNDERLINE | TERM_BLINK | TERM_REVERSE |
	    TERM_STRIKE | TERM_CONCEAL},
    {"\033[31;1m\0337\033[m\0338", IDX(1), 0, TERM_BOLD},
    {"\0338", 0, 0, 0},
    {"\033[31m\033[!p", 0, 0, 0},
    {"\033[?5h", 0, 0, TERM_REVERSE},
    {"\033[?5h\033[7m", 0, 0, 0},
};

static void
test_term_looks(void **state)
{
	struct term_cell cell;
	struct rig *rig;
	size_t i;

	for (i = 0; i < sizeof(looks) / sizeof(looks[0]); i++) {
		rig = rig_new(2, 10, 0);
		rig_feed(rig, looks[i].in);
		rig_feed(rig, "x\033[m");
		cell = rig_cell(rig, 0, 0);
		if (cell.ch != 'x' || cell.fg != looks[i].fg ||
		    cell.bg != looks[i].bg || cell.attrs != looks[i].attrs)
			fail_msg("%s: '%c' %x %x %x, not %x %x %x",
			    looks[i].in + 1, (int)cell.ch, cell.fg, cell.bg,
			    cell.attrs, looks[i].fg, looks[i].bg,
			    looks[i].attrs);
		rig_free(rig);
	}
}

static void
test_term_erases_in_the_background_colour(void **state)
{
	struct rig *rig = rig_new(3, 10, 0);
	unsigned i;

	rig_feed(rig, "abc\033[44m\033[2G\033[K");
	for (i = 1; i < 10; i++) {
		assert_int_equal(rig_cell(rig, 0, i).bg, IDX(4));
		assert_int_equal(rig_cell(rig, 0, i).ch, 0);
	}
	assert_int_equal(rig_cell(rig, 0, 0).bg, 0);
	/* The line that a line feed brings is in that colour too. */
	rig_feed(rig, "\033[3H\n");
	assert_int_equal(rig_cell(rig, 2, 5).bg, IDX(4));
	rig_free(rig);
}

static void
test_term_wide_cells_come_in_twos(void **state)
{
	struct rig *rig = rig_new(2, 10, 0);

	rig_feed(rig, "a\u4e2d");
	assert_int_equal(rig_cell(rig, 0, 0).width, 1);
	assert_int_equal(rig_cell(rig, 0, 1).width, 2);
	assert_int_equal(rig_cell(rig, 0, 2).width, 0);
	assert_int_equal(rig_cell(rig, 0, 2).ch, 0);
	assert_int_equal(rig_cell(rig, 0, 3).width, 1);
	/* Deleting the left half leaves no right half behind. */
	rig_feed(rig, "\033[2G\033[P");
	assert_int_equal(rig_cell(rig, 0, 1).width, 1);
	assert_int_equal(rig_cell(rig, 0, 1).ch, 0);
	rig_free(rig);
}

static void
test_term_keeps_a_few_combining_characters(void **state)
{
	struct rig *rig = rig_new(2, 10, 0);
	struct term_cell cell;
	unsigned i;

	rig_feed(rig, "x");
	for (i = 0; i < 20; i++)
		rig_feed(rig, "\u0301");
	cell = rig_cell(rig, 0, 0);
	assert_int_equal(cell.ch, 'x');
	assert_int_equal(cell.ncomb, TERM_COMBINING);
	assert_int_equal(cell.comb[TERM_COMBINING - 1], 0x301);
	rig_free(rig);
}

static void
test_term_combining_in_the_last_column_stays_there(void **state)
{
	struct rig *rig = rig_new(2, 10, 0);

	rig_feed(rig, "012345678e\u0301x");
	assert_string_equal(rig_screen(rig), "012345678e\u0301+x");
	rig_free(rig);
}

static void
test_term_protected_cells_outlive_selective_erase(void **state)
{
	struct rig *rig = rig_new(2, 10, 0);

	rig_feed(rig, "ab\033[1\"qcd\033[0\"qef\033[?2K");
	assert_string_equal(rig_screen(rig), "  cd");
	assert_int_equal(rig_cell(rig, 0, 2).attrs, 0);
	rig_feed(rig, "\033[2K");
	assert_string_equal(rig_screen(rig), "");
	rig_free(rig);
}

static void
test_term_cursor_shape_and_visibility(void **state)
{
	struct rig *rig = rig_new(2, 10, 0);
	struct term_cursor c;

	term_cursor(rig->t, &c);
	assert_true(c.visible);
	assert_false(c.styled);
	assert_int_equal(c.shape, TERM_SHAPE_BLOCK);
	rig_feed(rig, "\033[?25l\033[4 q");
	term_cursor(rig->t, &c);
	assert_false(c.visible);
	assert_true(c.styled);
	assert_false(c.blink);
	assert_int_equal(c.shape, TERM_SHAPE_UNDERLINE);
	rig_feed(rig, "\033[?25h\033[5 q");
	/* Not what DECRC sets back, whatever libvterm thinks. */
	rig_feed(rig, "\0338");
	term_cursor(rig->t, &c);
	assert_true(c.visible);
	assert_true(c.blink);
	assert_int_equal(c.shape, TERM_SHAPE_BAR);
	assert_true(c.styled);
	/* What every cnorm says is no wish for a shape. */
	rig_feed(rig, "\033[0 q\033[?12l\033[?25h");
	term_cursor(rig->t, &c);
	assert_false(c.styled);
	rig_feed(rig, "\033[2 q\033[9 q");
	term_cursor(rig->t, &c);
	assert_true(c.styled);
	rig_feed(rig, "\033[!p");
	term_cursor(rig->t, &c);
	assert_false(c.styled);
	rig_free(rig);
}

static void
test_term_damage_names_the_rows_that_changed(void **state)
{
	struct rig *rig = rig_new(4, 10, 10);

	assert_true(term_row_damaged(rig->t, 3));
	rig_feed(rig, "1\r\n2\r\n3\r\n4");
	assert_int_equal(rig->damages, 1);
	term_damage_clear(rig->t);
	assert_false(term_damaged(rig->t));
	rig_feed(rig, "\033[2Hx");
	assert_int_equal(rig->damages, 2);
	assert_false(term_row_damaged(rig->t, 0));
	assert_true(term_row_damaged(rig->t, 1));
	assert_false(term_row_damaged(rig->t, 2));
	assert_false(term_row_damaged(rig->t, 99));
	rig_feed(rig, "y");
	assert_int_equal(rig->damages, 2);
	term_damage_clear(rig->t);
	/* A cursor that moves is damage, though of no row. */
	rig_feed(rig, "\033[H");
	assert_true(term_damaged(rig->t));
	assert_false(term_row_damaged(rig->t, 0));
	assert_int_equal(rig->damages, 3);
	term_damage_clear(rig->t);
	rig_feed(rig, "\033[4H\n");
	assert_true(term_row_damaged(rig->t, 0));
	term_damage_clear(rig->t);
	rig_feed(rig, "");
	assert_false(term_damaged(rig->t));
	rig_free(rig);
}

static void
test_term_line_text_is_cut_between_characters(void **state)
{
	struct rig *rig = rig_new(1, 10, 0);
	char text[8];

	rig_feed(rig, "a\u20acb  ");
	assert_int_equal(term_line_text(rig->t, 0, NULL, 0), 5);
	assert_int_equal(term_line_text(rig->t, 0, text, 4), 5);
	assert_string_equal(text, "a");
	assert_int_equal(term_line_text(rig->t, 0, text, 5), 5);
	assert_string_equal(text, "a\u20ac");
	assert_int_equal(term_line_text(rig->t, 0, text, 6), 5);
	assert_string_equal(text, "a\u20acb");
	assert_int_equal(term_line_text(rig->t, 77, text, 6), 0);
	assert_string_equal(text, "");
	rig_free(rig);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_term_cases),
	    cmocka_unit_test(test_term_looks),
	    cmocka_unit_test(test_term_erases_in_the_background_colour),
	    cmocka_unit_test(test_term_wide_cells_come_in_twos),
	    cmocka_unit_test(test_term_keeps_a_few_combining_characters),
	    cmocka_unit_test(
		test_term_combining_in_the_last_column_stays_there),
	    cmocka_unit_test(test_term_protected_cells_outlive_selective_erase),
	    cmocka_unit_test(test_term_cursor_shape_and_visibility),
	    cmocka_unit_test(test_term_damage_names_the_rows_that_changed),
	    cmocka_unit_test(test_term_line_text_is_cut_between_characters),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
