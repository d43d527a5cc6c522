/*
 * test_term_judge.c: the grid against libvterm's own screen layer, fed the
 * same random streams, cell by cell. The terminal under test gets them cut
 * anywhere, the judge a token at a time, which it needs.
 *
 * What the two do differently on purpose is left out of the streams (filter.c
 * and csi.c mend what libvterm misreads) or let pass: an erased cell has the
 * background colour only, and half a wide character does not stay behind.
 */
#include <vterm.h>

#include "unit.h"
#include "term_rig.h"

#define WIDE    0x4e00u /* to 0x4eff: what the streams have of wide ones */
#define PROTECT 1u
#define WIDES   2u
/* The judge takes ASCII behind other text for UTF-8, whatever the set. */
#define SETS 4u

struct judge {
	struct rig *rig;
	VTerm *vt;
	VTermScreen *screen;
	unsigned rows, cols;
	unsigned flags;
	uint64_t random;
	bool alt;
	char token[256];
	char history[8192]; /* the last tokens, for the message */
	size_t len;
};

static unsigned
rnd(struct judge *j, unsigned n)
{
	j->random = j->random * 6364136223846793005u + 1442695040888963407u;
	return (unsigned)(j->random >> 33) % n;
}

static void add(struct judge *j, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));

static void
add(struct judge *j, const char *fmt, ...)
{
	size_t len = strlen(j->token);
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(j->token + len, sizeof(j->token) - len, fmt, ap);
	va_end(ap);
}

static void
make_text(struct judge *j)
{
	static const char *const odd[] = {
	    "\u00e9", "\u20ac", "\U0001f600", "e\u0301", "\ufffd", "\u2500"};
	unsigned n = 1 + rnd(j, rnd(j, 4) ? 8 : 40);

	while (n-- > 0) {
		if ((j->flags & SETS) || rnd(j, 12))
			add(j, "%c", ' ' + (int)rnd(j, 95));
		else if ((j->flags & WIDES) && rnd(j, 2))
			add(j, "\xe4\xb8%c", (char)(0x80 + rnd(j, 64)));
		else
			/* The emoji is wide. */
			add(j, "%s",
			    odd[j->flags & WIDES ? rnd(j, 6) : rnd(j, 2)]);
	}
}

static void
make_sgr(struct judge *j)
{
	static const unsigned plain[] = {0, 1, 3, 4, 5, 7, 9, 21, 22, 23, 24,
	    25, 27, 29, 39, 49, 31, 37, 42, 46, 93, 97, 100, 107};
	unsigned n = rnd(j, 4);

	add(j, "\033[");
	if (n == 0 && rnd(j, 2))
		add(j, "%u;5;%u", 38 + 10 * rnd(j, 2), rnd(j, 256));
	else if (n == 0)
		add(j, "%u;2;%u;%u;%u", 38 + 10 * rnd(j, 2), rnd(j, 256),
		    rnd(j, 256), rnd(j, 256));
	for (; n > 0; n--)
		add(j, "%u%s", plain[rnd(j, 24)], n > 1 ? ";" : "");
	add(j, "m");
}

static void
make_csi(struct judge *j)
{
	static const char finals[] = "@ABCDEFGHIJKLMPSTXZ`adefgr";
	char final = finals[rnd(j, sizeof(finals) - 1)];
	unsigned n = rnd(j, 3);

	if (final == 'J' || final == 'K') {
		add(j, "\033[%s%u%c",
		    (j->flags & PROTECT) && rnd(j, 2) ? "?" : "", rnd(j, 3),
		    final);
		return;
	}
	add(j, "\033[");
	if (n > 0)
		add(j, "%u", rnd(j, rnd(j, 10) ? j->rows + 3 : 300));
	if (n > 1)
		add(j, ";%u", rnd(j, rnd(j, 10) ? j->cols + 3 : 300));
	add(j, "%c", final);
}

static void
make_mode(struct judge *j)
{
	static const unsigned modes[] = {1, 5, 6, 7, 12, 25, 1000, 1006, 2004};
	unsigned n = rnd(j, 14);

	if (n == 9)
		add(j, "\033[?6l\033[?69h\033[%u;%us", rnd(j, j->cols) + 1,
		    rnd(j, j->cols) + 1);
	else if (n == 10)
		add(j, "\033[?69l");
	else if (n == 11)
		add(j, "\033[%u%c", rnd(j, 2) ? 4 : 20, "hl"[rnd(j, 2)]);
	else if (n >= 12) {
		j->alt = n == 12;
		add(j, "\033[?%u%c", rnd(j, 2) ? 1047 : 1049,
		    j->alt ? 'h' : 'l');
	} else
		/* To the judge any CSI moves the cursor into both margins. */
		add(j, "%s\033[?%u%c", modes[n] == 6 ? "\033[?69l" : "",
		    modes[n], "hl"[rnd(j, 2)]);
}

static void
make_other(struct judge *j)
{
	static const char *const others[] = {"\0337", "\033[?6l\0338", "\033D",
	    "\033E", "\033M", "\033H", "\033#8", "\033=", "\033>", "\a",
	    "\033]0;t\a"};
	static const char *const sets[] = {
	    "\033(0", "\033(B", "\016", "\017", "\033)0", "\033*0", "\033N"};
	unsigned n = rnd(j, 15);

	if (n < 11)
		add(j, "%s", others[n]);
	else if (n == 11 && (j->flags & PROTECT))
		add(j, "\033[%u\"q", rnd(j, 2));
	else if (n < 14 && (j->flags & SETS))
		add(j, "%s", sets[rnd(j, 7)]);
	else if (n == 14 && !j->alt)
		/* The judge does not come back from the other screen. */
		add(j, "\033[?5l\033c\0337");
}

static void
make_token(struct judge *j)
{
	static const char *const controls[] = {
	    "\r\n", "\n", "\r", "\b", "\t", "\v", "\r\n", "\r\n"};
	unsigned n = rnd(j, 20);

	j->token[0] = 0;
	if (n < 8)
		make_text(j);
	else if (n < 11)
		add(j, "%s", controls[rnd(j, 8)]);
	else if (n < 14)
		make_sgr(j);
	else if (n < 18)
		make_csi(j);
	else if (n < 19)
		make_mode(j);
	else
		make_other(j);
}

static void
feed(struct judge *j)
{
	size_t len = strlen(j->token), n, i;

	if (j->len + len + 1 > sizeof(j->history)) {
		memmove(j->history, j->history + 4096, j->len - 4096);
		j->len -= 4096;
	}
	memcpy(j->history + j->len, j->token, len);
	j->len += len;
	vterm_input_write(j->vt, j->token, len);
	for (i = 0; i < len; i += n) {
		/* A combining character is to come with its base. */
		n = strstr(j->token, "\u0301") ? len
					       : 1 + rnd(j, (unsigned)len);
		if (n > len - i)
			n = len - i;
		term_input(j->rig->t, j->token + i, n);
	}
}

static uint32_t
colour(const VTermColor *c)
{
	if (VTERM_COLOR_IS_DEFAULT_FG(c) || VTERM_COLOR_IS_DEFAULT_BG(c))
		return TERM_COLOUR_DEFAULT;
	if (VTERM_COLOR_IS_INDEXED(c))
		return TERM_COLOUR_INDEXED | c->indexed.idx;
	return TERM_COLOUR_RGB | (uint32_t)c->rgb.red << 16 |
	    (uint32_t)c->rgb.green << 8 | c->rgb.blue;
}

static unsigned
attributes(const VTermScreenCell *c)
{
	return (c->attrs.bold ? TERM_BOLD : 0) |
	    (c->attrs.italic ? TERM_ITALIC : 0) |
	    (c->attrs.blink ? TERM_BLINK : 0) |
	    (c->attrs.reverse ? TERM_REVERSE : 0) |
	    (c->attrs.strike ? TERM_STRIKE : 0) |
	    (unsigned)c->attrs.underline << 8;
}

static bool
is_wide(uint32_t ch)
{
	return (ch >= WIDE && ch < WIDE + 0x100) || ch == 0x1f600;
}

static bool
same_cell(const struct term_cell *is, const VTermScreenCell *want)
{
	unsigned i;

	if (want->chars[0] == (uint32_t)-1)
		return is->width == 0 || (is->ch == 0 && is->width == 1);
	if (want->chars[0] == 0)
		return is->ch == 0 && is->width == 1 &&
		    is->bg == colour(&want->bg);
	if (is->ch == 0 && is_wide(want->chars[0]))
		return true;
	for (i = 0; i < is->ncomb; i++)
		if (is->comb[i] != want->chars[i + 1])
			return false;
	if (i + 1 < VTERM_MAX_CHARS_PER_CELL && want->chars[i + 1] != 0)
		return false;
	return is->ch == want->chars[0] && is->fg == colour(&want->fg) &&
	    is->bg == colour(&want->bg) && is->attrs == attributes(want) &&
	    is->width == (is_wide(is->ch) ? 2 : 1);
}

/* What led to it, for the message. */
static void
show(struct judge *j, unsigned seed)
{
	size_t start = j->len > 400 ? j->len - 400 : 0;

	j->history[j->len] = 0;
	print_error("seed %u, %ux%u, ending in: %s\n", seed, j->rows, j->cols,
	    j->history + start);
}

/*
 * The judge knows no wraps, but where a row goes on in the next it was
 * written to its end, and nothing erased that since.
 */
static void
compare_wraps(struct judge *j, unsigned seed)
{
	VTermScreenCell last, before;
	VTermPos pos = {0, 0};
	uint64_t top = term_top(j->rig->t);

	for (pos.row = 0; pos.row < (int)j->rows; pos.row++) {
		if (!term_line_wraps(j->rig->t, top + (unsigned)pos.row))
			continue;
		pos.col = (int)j->cols - 1;
		vterm_screen_get_cell(j->screen, pos, &last);
		/* A wide one that did not fit leaves a column free. */
		pos.col--;
		vterm_screen_get_cell(j->screen, pos, &before);
		if (last.chars[0] != 0 ||
		    ((j->flags & WIDES) && before.chars[0] != 0))
			continue;
		show(j, seed);
		fail_msg("seed %u: row %d goes on, its end was erased", seed,
		    pos.row);
	}
}

static void
compare(struct judge *j, unsigned seed)
{
	struct term_cell cells[TERM_MAX];
	VTermScreenCell want;
	struct term_cursor cursor;
	VTermPos pos, at;

	for (pos.row = 0; pos.row < (int)j->rows; pos.row++) {
		term_line(
		    j->rig->t, term_top(j->rig->t) + (unsigned)pos.row, cells);
		for (pos.col = 0; pos.col < (int)j->cols; pos.col++) {
			vterm_screen_get_cell(j->screen, pos, &want);
			if (same_cell(&cells[pos.col], &want))
				continue;
			show(j, seed);
			fail_msg("seed %u, %d,%d: U+%04x %x %x %x, not "
				 "U+%04x %x %x %x",
			    seed, pos.row, pos.col, cells[pos.col].ch,
			    cells[pos.col].fg, cells[pos.col].bg,
			    cells[pos.col].attrs, want.chars[0],
			    colour(&want.fg), colour(&want.bg),
			    attributes(&want));
		}
	}
	compare_wraps(j, seed);
	vterm_state_get_cursorpos(vterm_obtain_state(j->vt), &at);
	term_cursor(j->rig->t, &cursor);
	if ((int)cursor.row == at.row && (int)cursor.col == at.col)
		return;
	show(j, seed);
	fail_msg("seed %u: cursor at %u,%u, not %d,%d", seed, cursor.row,
	    cursor.col, at.row, at.col);
}

static void
judge_stream(unsigned seed)
{
	struct judge j = {.random = seed * 7919u + 1};
	unsigned i;

	rnd(&j, 2);
	j.rows = seed % 5 ? 1 + rnd(&j, 12) : 24;
	j.cols = seed % 5 ? 2 + rnd(&j, 30) : 80;
	j.flags = seed % 3 == 0 ? PROTECT : seed % 3 == 1 ? WIDES : SETS;
	j.rig = rig_new(j.rows, j.cols, seed % 4 ? 20 : 0);
	j.vt = vterm_new((int)j.rows, (int)j.cols);
	vterm_set_utf8(j.vt, 1);
	j.screen = vterm_obtain_screen(j.vt);
	vterm_screen_enable_altscreen(j.screen, 1);
	vterm_screen_reset(j.screen, 1);
	/* Nothing saved yet is black on black to the judge. */
	snprintf(j.token, sizeof(j.token), "\0337");
	feed(&j);
	for (i = 0; i < 400; i++) {
		make_token(&j);
		feed(&j);
		if (i % 4 == 0)
			compare(&j, seed);
	}
	compare(&j, seed);
	vterm_free(j.vt);
	rig_free(j.rig);
}

static void
test_term_agrees_with_the_judge(void **state)
{
	const char *env = getenv("TERM_JUDGE_SEEDS");
	unsigned long seeds = env ? strtoul(env, NULL, 10) : 1500, i;

	for (i = 0; i < seeds; i++)
		judge_stream((unsigned)i);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_term_agrees_with_the_judge),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
