#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "cast.h"
#include "internal.h"

static char *
escape(char *out, unsigned char c)
{
	static const char hex[] = "0123456789abcdef";

	memcpy(out, "\\u00", 4);
	out[4] = hex[c >> 4];
	out[5] = hex[c & 15];
	return out + 6;
}

size_t
cast_text(struct cast *c, const char *bytes, size_t len, char *out)
{
	const unsigned char *p = (const unsigned char *)bytes, *end = p + len;
	char *start = out;
	int n;

	while (p < end || c->n > 0) {
		if (c->n == 0 && *p < 0x80) {
			if (*p < 0x20 || *p == 0x7f)
				out = escape(out, *p);
			else {
				if (*p == '"' || *p == '\\')
					*out++ = '\\';
				*out++ = (char)*p;
			}
			p++;
			continue;
		}
		if (c->n == 0)
			c->part[c->n++] = *p++;
		n = utf8_length(c->part, c->n);
		if (n == 0) {
			if (p == end)
				break;
			c->part[c->n++] = *p++;
			continue;
		}
		if (n < 0) {
			memcpy(out, "\xef\xbf\xbd", 3);
			out += 3;
			/* The byte that made it invalid may begin another. */
			if (c->n > 1)
				p--;
		} else {
			memcpy(out, c->part, c->n);
			out += c->n;
		}
		c->n = 0;
	}
	return (size_t)(out - start);
}

/*
 * --- What was there before ---------------------------------------------
 */

struct writer {
	void (*put)(const char *bytes, size_t len, void *arg);
	void *arg;
	char buf[4096];
	size_t len;
};

static void __attribute__((format(printf, 2, 3)))
say(struct writer *w, const char *fmt, ...)
{
	va_list ap;

	if (w->len + 256 > sizeof w->buf) {
		w->put(w->buf, w->len, w->arg);
		w->len = 0;
	}
	va_start(ap, fmt);
	w->len += (size_t)vsnprintf(w->buf + w->len, 256, fmt, ap);
	va_end(ap);
}

static void
say_colour(struct writer *w, unsigned base, uint32_t colour)
{
	if (TERM_COLOUR_KIND(colour) == TERM_COLOUR_INDEXED)
		say(w, ";%u;5;%u", base, TERM_COLOUR_INDEX(colour));
	else if (TERM_COLOUR_KIND(colour) == TERM_COLOUR_RGB)
		say(w, ";%u;2;%u;%u;%u", base, TERM_COLOUR_RED(colour),
		    TERM_COLOUR_GREEN(colour), TERM_COLOUR_BLUE(colour));
}

static void
say_look(struct writer *w, unsigned attrs, uint32_t fg, uint32_t bg)
{
	static const struct {
		unsigned attr;
		const char *sgr;
	} looks[] = {
	    {TERM_BOLD, ";1"},
	    {TERM_DIM, ";2"},
	    {TERM_ITALIC, ";3"},
	    {TERM_BLINK, ";5"},
	    {TERM_REVERSE, ";7"},
	    {TERM_CONCEAL, ";8"},
	    {TERM_STRIKE, ";9"},
	};
	static const char *const under[] = {"", ";4", ";21", ";4:3"};
	size_t i;

	say(w, "\033[0");
	for (i = 0; i < sizeof looks / sizeof *looks; i++)
		if (attrs & looks[i].attr)
			say(w, "%s", looks[i].sgr);
	say(w, "%s", under[(attrs & TERM_UNDERLINE_MASK) >> 8]);
	say_colour(w, 38, fg);
	say_colour(w, 48, bg);
	say(w, "m");
}

static void
say_row(struct writer *w, const struct term *t, unsigned row)
{
	struct term_cell cells[TERM_MAX];
	uint8_t utf8[5];
	unsigned n = term_line(t, term_top(t) + row, cells), i, k;
	unsigned attrs = 0, flip = t->reverse ? TERM_REVERSE : 0;
	uint32_t fg = 0, bg = 0;

	say(w, "\033[%u;1H\033[0m", row + 1);
	for (i = 0; i < n; i++) {
		if (cells[i].width == 0)
			continue;
		cells[i].attrs ^= flip;
		if (cells[i].attrs != attrs || cells[i].fg != fg ||
		    cells[i].bg != bg) {
			attrs = cells[i].attrs;
			fg = cells[i].fg;
			bg = cells[i].bg;
			say_look(w, attrs, fg, bg);
		}
		utf8[utf8_write(cells[i].ch == 0 ? ' ' : cells[i].ch, utf8)] =
		    0;
		say(w, "%s", (char *)utf8);
		for (k = 0; k < cells[i].ncomb; k++) {
			utf8[utf8_write(cells[i].comb[k], utf8)] = 0;
			say(w, "%s", (char *)utf8);
		}
	}
}

void
cast_screen(const struct term *t,
    void (*put)(const char *bytes, size_t len, void *arg), void *arg)
{
	struct writer w = {.put = put, .arg = arg};
	unsigned row;

	if (term_is_alternate(t))
		say(&w, "\033[?1049h");
	if (t->reverse)
		say(&w, "\033[?5h");
	say(&w, "\033[H\033[2J");
	for (row = 0; row < term_rows(t); row++)
		say_row(&w, t, row);
	say_look(&w, t->pen.attrs, t->pen.fg, t->pen.bg);
	say(&w, "\033[%u;%uH", t->cursor.row + 1, t->cursor.col + 1);
	if (!t->cursor.visible)
		say(&w, "\033[?25l");
	put(w.buf, w.len, arg);
}
