/*
 * bench_term.c: how fast terminal output is taken in, in MB/s: by libvterm's
 * state layer with nothing behind it, by its screen layer, and by term/.
 *
 *	bench_term [MEGABYTES]		the figures
 *	bench_term -g NAME MEGABYTES	writes one of the inputs (for a peer)
 *
 * The inputs are made here: "plain" short lines of text, "sgr" lines dense
 * with changes of colour, "full" a program that draws all of a 120x40 screen
 * anew, again and again.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <vterm.h>

#include "term/term.h"

#define ROWS 40
#define COLS 120
#define READ 16384 /* bytes at once, as from a socket */

struct text {
	char *bytes;
	size_t len, size;
	uint32_t random;
};

static uint32_t
next(struct text *t)
{
	t->random = t->random * 1664525u + 1013904223u;
	return t->random >> 8;
}

static void
put(struct text *t, const char *s)
{
	size_t n = strlen(s);

	if (t->len + n > t->size)
		n = t->size - t->len;
	memcpy(t->bytes + t->len, s, n);
	t->len += n;
}

static void
put_word(struct text *t, unsigned n)
{
	char word[32];
	unsigned i;

	for (i = 0; i < n && i < sizeof(word) - 1; i++)
		word[i] = (char)('a' + next(t) % 26);
	word[i] = 0;
	put(t, word);
}

static void
plain(struct text *t)
{
	unsigned n = 2 + next(t) % 7;

	while (n-- > 0) {
		put_word(t, 2 + next(t) % 8);
		put(t, " ");
	}
	put(t, "\r\n");
}

static void
sgr(struct text *t)
{
	char seq[40];
	unsigned n = 4 + next(t) % 8;

	while (n-- > 0) {
		if (next(t) % 2)
			snprintf(seq, sizeof(seq), "\033[%u;%um", next(t) % 2,
			    30 + next(t) % 8);
		else
			snprintf(
			    seq, sizeof(seq), "\033[38;5;%um", next(t) % 256);
		put(t, seq);
		put_word(t, 3 + next(t) % 8);
		put(t, "\033[0m ");
	}
	put(t, "\r\n");
}

static void
full(struct text *t)
{
	char seq[40];
	unsigned row, col;

	for (row = 1; row <= ROWS; row++) {
		snprintf(seq, sizeof(seq), "\033[%u;1H\033[%um", row,
		    row == 1 || row == ROWS ? 7 : 0);
		put(t, seq);
		for (col = 0; col + 10 < COLS; col += 10) {
			put_word(t, 9);
			put(t, " ");
		}
		put(t, "\033[0m\033[K");
	}
}

static const struct input {
	const char *name;
	void (*line)(struct text *);
} inputs[] = {{"plain", plain}, {"sgr", sgr}, {"full", full}};

static struct text
generate(const struct input *input, size_t size)
{
	struct text t = {.size = size, .random = 1};

	t.bytes = malloc(size);
	if (t.bytes == NULL) {
		perror("malloc");
		exit(1);
	}
	while (t.len < t.size)
		input->line(&t);
	return t;
}

static double
now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (double)ts.tv_sec + (double)ts.tv_nsec / 1e9;
}

static int
glyph(VTermGlyphInfo *info, VTermPos pos, void *arg)
{
	return 1;
}

static int
scroll(VTermRect rect, int down, int right, void *arg)
{
	return 1;
}

static double
state_layer(const struct text *t)
{
	static const VTermStateCallbacks none = {
	    .putglyph = glyph, .scrollrect = scroll};
	VTerm *vt = vterm_new(ROWS, COLS);
	double start;
	size_t i, n;

	vterm_set_utf8(vt, 1);
	vterm_state_set_callbacks(vterm_obtain_state(vt), &none, NULL);
	vterm_state_reset(vterm_obtain_state(vt), 1);
	start = now();
	for (i = 0; i < t->len; i += n) {
		n = t->len - i < READ ? t->len - i : READ;
		vterm_input_write(vt, t->bytes + i, n);
	}
	start = now() - start;
	vterm_free(vt);
	return (double)t->len / start / 1e6;
}

static double
screen_layer(const struct text *t)
{
	VTerm *vt = vterm_new(ROWS, COLS);
	VTermScreen *screen = vterm_obtain_screen(vt);
	double start;
	size_t i, n, len = t->len < 4000000 ? t->len : 4000000;

	vterm_set_utf8(vt, 1);
	vterm_screen_set_damage_merge(screen, VTERM_DAMAGE_SCROLL);
	vterm_screen_reset(screen, 1);
	start = now();
	for (i = 0; i < len; i += n) {
		n = len - i < READ ? len - i : READ;
		vterm_input_write(vt, t->bytes + i, n);
	}
	start = now() - start;
	vterm_free(vt);
	return (double)len / start / 1e6;
}

/* With what a view does 60 times a second: reading the damaged rows. */
static double
ours(const struct text *t)
{
	static const struct term_ops none;
	struct term *term = term_new(ROWS, COLS, TERM_SCROLLBACK, &none, NULL);
	struct term_cell cells[COLS];
	double start, last;
	unsigned row;
	size_t i, n;

	start = last = now();
	for (i = 0; i < t->len; i += n) {
		n = t->len - i < READ ? t->len - i : READ;
		term_input(term, t->bytes + i, n);
		if (now() - last < 1.0 / 60)
			continue;
		last = now();
		for (row = 0; row < ROWS; row++)
			if (term_row_damaged(term, row))
				term_line(term, term_top(term) + row, cells);
		term_damage_clear(term);
	}
	start = now() - start;
	term_free(term);
	return (double)t->len / start / 1e6;
}

int
main(int argc, char **argv)
{
	bool write_it = argc == 4 && strcmp(argv[1], "-g") == 0;
	unsigned long mb = argc > 1 ? strtoul(argv[argc - 1], NULL, 10) : 20;
	struct text t;
	size_t i;

	if (mb < 1 || mb > 1000) {
		fprintf(stderr, "usage: bench_term [-g NAME] [MEGABYTES]\n");
		return 2;
	}
	if (!write_it)
		printf("%-8s %14s %14s %14s   MB/s\n", "", "vterm state",
		    "vterm screen", "term/");
	for (i = 0; i < sizeof(inputs) / sizeof(inputs[0]); i++) {
		if (write_it && strcmp(argv[2], inputs[i].name) != 0)
			continue;
		t = generate(&inputs[i], mb * 1000000);
		if (write_it)
			fwrite(t.bytes, 1, t.len, stdout);
		else
			printf("%-8s %14.1f %14.1f %14.1f\n", inputs[i].name,
			    state_layer(&t), screen_layer(&t), ours(&t));
		free(t.bytes);
	}
	return 0;
}
