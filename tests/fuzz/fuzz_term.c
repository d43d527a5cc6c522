/*
 * fuzz_term: libFuzzer on the way from a guest's bytes to the grid. The first
 * two bytes are the size of the screen; 0xfe in the input, which is no UTF-8,
 * is followed by two bytes of a size to change to, or, after those that ask
 * for none, does something else that an owner does.
 */
#include <stdlib.h>
#include <string.h>

#include "term/term.h"

int LLVMFuzzerTestOneInput(const uint8_t *, size_t);

/* What is given out is fit to be shown, and hangs together. */
static void
check(const struct term *t)
{
	struct term_cell cells[TERM_MAX];
	struct term_cursor cursor;
	uint64_t line, end = term_top(t) + term_rows(t);
	unsigned i, k, cols = term_cols(t);
	char text[512];

	term_cursor(t, &cursor);
	if (cursor.row >= term_rows(t) || cursor.col >= cols)
		abort();
	for (line = term_first(t); line < end; line++) {
		if (term_line(t, line, cells) > cols)
			abort();
		for (i = 0; i < cols; i++) {
			if (cells[i].ncomb > TERM_COMBINING ||
			    (cells[i].ch != 0 && cells[i].ch < 0x20) ||
			    (cells[i].ch >= 0x7f && cells[i].ch < 0xa0))
				abort();
			for (k = 0; k < cells[i].ncomb; k++)
				if (cells[i].comb[k] < 0xa0)
					abort();
			if ((cells[i].width == 0) !=
			    (i > 0 && cells[i - 1].width == 2))
				abort();
		}
		if (cells[cols - 1].width == 2)
			abort();
		term_line_text(t, line, text, sizeof(text));
	}
}

/* Text for a clipboard is bounded, and nothing but text. */
static void
clipboard(const char *text, size_t len, void *arg)
{
	size_t i;

	if (len == 0 || len > TERM_CLIPBOARD)
		abort();
	for (i = 0; i < len; i++)
		if (((unsigned char)text[i] < 0x20 && text[i] != '\t' &&
			text[i] != '\n') ||
		    text[i] == 0x7f)
			abort();
}

static void
act(struct term *t, unsigned rows, unsigned cols)
{
	uint64_t place = term_first(t) + rows;

	if (rows < 60)
		term_resize(t, rows, cols, &place, 1);
	else if (rows < 70)
		term_reset(t);
	else if (rows < 80)
		term_clear_history(t);
	else if (rows < 100)
		term_key(t, cols, rows);
	else if (rows < 120)
		term_mouse(t, rows % 3, cols % 30, cols, rows % 7, cols);
	else
		check(t);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const struct term_ops ops = {.clipboard = clipboard};
	const char *p = (const char *)data, *end = p + size, *q;
	struct term *t;

	if (size < 2)
		return 0;
	t = term_new(data[0] % 50, data[1] % 100, 30, &ops, NULL);
	if (t == NULL)
		return 0;
	for (p += 2; p < end; p = q) {
		q = memchr(p, 0xfe, (size_t)(end - p));
		if (q == NULL)
			q = end;
		term_input(t, p, (size_t)(q - p));
		if (end - q < 3)
			break;
		act(t, (uint8_t)q[1], (uint8_t)q[2]);
		q += 3;
	}
	check(t);
	term_free(t);
	return 0;
}
