/*
 * term_rig.h: a terminal under test, and what it told its owner.
 */
#ifndef TESTS_TERM_RIG_H
#define TESTS_TERM_RIG_H

#include <stdlib.h>
#include <string.h>

#include "term/term.h"

struct rig {
	struct term *t;
	char out[65536]; /* for the guest, NUL-terminated */
	size_t out_len;
	unsigned bells, titles, damages;
	char clip[TERM_CLIPBOARD + 1]; /* NUL-terminated */
	unsigned clips;
};

static void
rig_output(const char *bytes, size_t len, void *arg)
{
	struct rig *rig = arg;

	if (len > sizeof(rig->out) - 1 - rig->out_len)
		len = sizeof(rig->out) - 1 - rig->out_len;
	memcpy(rig->out + rig->out_len, bytes, len);
	rig->out_len += len;
	rig->out[rig->out_len] = 0;
}

static void
rig_bell(void *arg)
{
	((struct rig *)arg)->bells++;
}

static void
rig_title(void *arg)
{
	((struct rig *)arg)->titles++;
}

static void
rig_clipboard(const char *text, size_t len, void *arg)
{
	struct rig *rig = arg;

	rig->clips++;
	memcpy(rig->clip, text, len);
	rig->clip[len] = 0;
}

static void
rig_damage(void *arg)
{
	((struct rig *)arg)->damages++;
}

static const struct term_ops rig_ops = {
    .output = rig_output,
    .bell = rig_bell,
    .title = rig_title,
    .clipboard = rig_clipboard,
    .damage = rig_damage,
};

static inline struct rig *
rig_new(unsigned rows, unsigned cols, unsigned scrollback)
{
	struct rig *rig = calloc(1, sizeof(*rig));

	rig->t = term_new(rows, cols, scrollback, &rig_ops, rig);
	return rig;
}

static inline void
rig_free(struct rig *rig)
{
	term_free(rig->t);
	free(rig);
}

static inline void
rig_feed(struct rig *rig, const char *text)
{
	term_input(rig->t, text, strlen(text));
}

/*
 * The text of all lines, or of the screen's only: one after the other with
 * '|' between, '+' for '|' where the line goes on in the next; no blank lines
 * at the end. Valid until the next call.
 */
static inline const char *
rig_lines(struct rig *rig, uint64_t from)
{
	static char text[1 << 20];
	uint64_t line, end = term_top(rig->t) + term_rows(rig->t);
	size_t len = 0;

	for (line = from; line < end; line++) {
		len += term_line_text(
		    rig->t, line, text + len, sizeof(text) - 8 - len);
		text[len++] = term_line_wraps(rig->t, line) ? '+' : '|';
	}
	while (len > 0 && text[len - 1] == '|')
		len--;
	text[len] = 0;
	return text;
}

static inline const char *
rig_screen(struct rig *rig)
{
	return rig_lines(rig, term_top(rig->t));
}

static inline const char *
rig_all(struct rig *rig)
{
	return rig_lines(rig, term_first(rig->t));
}

static inline struct term_cell
rig_cell(struct rig *rig, unsigned row, unsigned col)
{
	struct term_cell cells[TERM_MAX];

	term_line(rig->t, term_top(rig->t) + row, cells);
	return cells[col];
}

#endif
