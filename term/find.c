/*
 * find.c: Knuth, Morris and Pratt's search, which looks at each character
 * once and so can stop and go on between any two of them.
 */
#include <stdlib.h>
#include <string.h>
#include <wchar.h>
#include <wctype.h>

#include "find.h"
#include "row.h"

/* A match is short: the row it ends in is told by how many come between. */
struct match {
	uint64_t line;
	uint16_t col;
	uint16_t rows, end;
};

struct at {
	uint64_t line;
	uint16_t col;
};

/* Where a search is between two rows. */
struct state {
	uint64_t next; /* the row to search next */
	unsigned matched; /* characters of the pattern, before it */
	struct at ring[FIND_PATTERN]; /* where the last characters were */
	unsigned turn;
	size_t count; /* matches found */
};

struct find {
	uint32_t pattern[FIND_PATTERN];
	unsigned fail[FIND_PATTERN]; /* characters still matched after one */
	unsigned len;
	bool fold;
	bool full;
	bool begun;
	struct state now;
	struct match *match; /* from head to now.count */
	size_t head, room;
	bool on_screen; /* the search came to it, at state before */
	struct state before;
};

static uint32_t
fold(const struct find *f, uint32_t ch)
{
	if (!f->fold)
		return ch;
	if (ch < 0x80)
		return ch >= 'A' && ch <= 'Z' ? ch + 32 : ch;
	return (uint32_t)towlower((wint_t)ch);
}

/* Characters of text, one U+FFFD for each byte that is none. */
static unsigned
decode(const char *text, uint32_t *out, unsigned max)
{
	const unsigned char *p = (const unsigned char *)text;
	size_t left = strlen(text);
	unsigned n = 0;
	int len;

	for (; left > 0 && n < max; n++) {
		len = *p < 0x80 ? 1 : utf8_length(p, left);
		if (len > 0)
			utf8_read(p, &out[n]);
		else {
			out[n] = 0xfffd;
			len = 1;
		}
		p += len;
		left -= (size_t)len;
	}
	return n;
}

struct find *
find_new(const char *pattern)
{
	struct find *f = calloc(1, sizeof(*f));
	unsigned i, k = 0;

	if (f == NULL)
		return NULL;
	f->len = decode(pattern, f->pattern, FIND_PATTERN);
	f->fold = true;
	for (i = 0; i < f->len; i++)
		if (fold(f, f->pattern[i]) != f->pattern[i])
			f->fold = false;
	for (i = 1; i < f->len; i++) {
		while (k > 0 && f->pattern[i] != f->pattern[k])
			k = f->fail[k - 1];
		if (f->pattern[i] == f->pattern[k])
			k++;
		f->fail[i] = k;
	}
	return f;
}

void
find_free(struct find *f)
{
	if (f == NULL)
		return;
	free(f->match);
	free(f);
}

void
find_restart(struct find *f)
{
	f->begun = f->full = f->on_screen = false;
	f->head = 0;
	f->now = (struct state){0};
}

void
find_changed(struct find *f, const struct term *t)
{
	uint64_t first = term_first(t);

	if (!f->begun)
		return;
	if (f->on_screen && !f->full) {
		f->now = f->before;
		f->on_screen = false;
		/* The screen may have been erased below a row that wrapped. */
		if (f->now.next > first && !term_line_wraps(t, f->now.next - 1))
			f->now.matched = 0;
	}
	if (f->now.next < first) {
		f->now.next = first;
		f->now.matched = 0;
	}
	while (f->head < f->now.count && f->match[f->head].line < first)
		f->head++;
	/* Room at the front is worth moving the rest for, now and then. */
	if (!f->on_screen && f->head > 1024 && f->head > f->now.count / 2) {
		f->now.count -= f->head;
		memmove(f->match, f->match + f->head,
		    f->now.count * sizeof(*f->match));
		f->head = 0;
	}
}

/* The pattern's last character is at line and col. */
static void
found(struct find *f, uint64_t line, unsigned col)
{
	/* The oldest of the ring, which is as long as the pattern. */
	const struct at *from = &f->now.ring[(f->now.turn + 1) % f->len];
	size_t room = f->room == 0 ? 64 : f->room * 2;
	struct match *match;

	f->now.matched = 0;
	if (f->now.count == f->room) {
		match = f->now.count < FIND_MAX
		    ? realloc(f->match, room * sizeof(*match))
		    : NULL;
		if (match == NULL) {
			f->full = true;
			return;
		}
		f->match = match;
		f->room = room;
	}
	if (f->now.count >= FIND_MAX) {
		f->full = true;
		return;
	}
	f->match[f->now.count++] = (struct match){.line = from->line,
	    .col = from->col,
	    .rows = (uint16_t)(line - from->line),
	    .end = (uint16_t)col};
}

static void
character(struct find *f, uint32_t ch, uint64_t line, unsigned col)
{
	ch = fold(f, ch);
	f->now.turn = (f->now.turn + 1) % f->len;
	f->now.ring[f->now.turn] = (struct at){line, (uint16_t)col};
	while (f->now.matched > 0 && f->pattern[f->now.matched] != ch)
		f->now.matched = f->fail[f->now.matched - 1];
	if (f->pattern[f->now.matched] == ch && ++f->now.matched == f->len)
		found(f, line, col);
}

static void
search_row(struct find *f, const struct term *t)
{
	struct term_cell cells[TERM_MAX];
	unsigned n = term_line(t, f->now.next, cells), i, k;

	for (i = 0; i < n && !f->full; i++) {
		if (cells[i].width == 0)
			continue;
		character(
		    f, cells[i].ch == 0 ? ' ' : cells[i].ch, f->now.next, i);
		for (k = 0; k < cells[i].ncomb && !f->full; k++)
			character(f, cells[i].comb[k], f->now.next, i);
	}
	if (f->full)
		return;
	if (!select_joined(t, f->now.next))
		f->now.matched = 0;
	f->now.next++;
}

bool
find_step(struct find *f, const struct term *t, size_t cells)
{
	uint64_t end = term_top(t) + term_rows(t);
	size_t rows = cells / term_cols(t) + 1;

	if (f->len == 0)
		return true;
	if (!f->begun)
		f->now.next = term_first(t);
	f->begun = true;
	for (; rows > 0 && f->now.next < end && !f->full; rows--) {
		if (f->now.next == term_top(t)) {
			f->before = f->now;
			f->on_screen = true;
		}
		search_row(f, t);
	}
	return f->full || f->now.next >= end;
}

bool
find_full(const struct find *f)
{
	return f->full;
}

unsigned
find_percent(const struct find *f, const struct term *t)
{
	uint64_t first = term_first(t), end = term_top(t) + term_rows(t);

	if (f->len == 0 || f->full || f->now.next >= end)
		return 100;
	if (!f->begun || f->now.next < first)
		return 0;
	return (unsigned)((f->now.next - first) * 100 / (end - first));
}

size_t
find_count(const struct find *f)
{
	return f->now.count - f->head;
}

struct find_match
find_get(const struct find *f, size_t i)
{
	const struct match *m = &f->match[f->head + i];

	return (struct find_match){
	    {m->line, m->col}, {m->line + m->rows, m->end}};
}

size_t
find_at(const struct find *f, struct term_place p)
{
	size_t low = 0, high = find_count(f), middle;

	while (low < high) {
		middle = low + (high - low) / 2;
		if (select_compare(find_get(f, middle).to, p) < 0)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}
