#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "config/import_out.h"
#include "config/mem.h"

#define COLUMNS 78

static void
append(struct out *o, const struct lex_place *from, const char *s, size_t n)
{
	char *grown;

	if (o->len + n + 2 > o->room) {
		grown = mem_zeroed((o->len + n + 2) * 2);
		if (o->len > 0)
			memcpy(grown, o->text, o->len);
		free(o->text);
		o->text = grown;
		o->room = (o->len + n + 2) * 2;
	}
	memcpy(o->text + o->len, s, n);
	o->len += n;
	o->text[o->len++] = '\n';
	o->text[o->len] = '\0';
	o->from = mem_grow(o->from, o->lines, sizeof *o->from);
	o->from[o->lines++] = *from;
}

void
out_line(struct out *o, const struct lex_place *from, const char *fmt, ...)
{
	char line[4 * IMPORT_WORD_MAX];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(line, sizeof line, fmt, ap);
	va_end(ap);
	append(o, from, line, strlen(line));
}

/* How much of text goes on one line: up to the last blank that fits. */
static size_t
line_break(const char *text)
{
	size_t n = strlen(text), i;

	if (n <= COLUMNS - 2)
		return n;
	for (i = COLUMNS - 2; i > 0; i--)
		if (text[i] == ' ')
			return i;
	return strcspn(text, " ");
}

void
out_note(struct out *o, const struct lex_place *from, const char *fmt, ...)
{
	char text[4 * IMPORT_WORD_MAX], line[sizeof text + 2], *p;
	va_list ap;
	size_t n;

	va_start(ap, fmt);
	vsnprintf(text, sizeof text, fmt, ap);
	va_end(ap);
	for (p = text; *p != '\0'; p += n + (p[n] == ' ')) {
		n = line_break(p);
		snprintf(line, sizeof line, "# %.*s", (int)n, p);
		append(o, from, line, strlen(line));
	}
}

void
out_join(struct out *o, struct out *from)
{
	const char *p = from->text, *end;
	size_t i;

	for (i = 0; i < from->lines; i++) {
		end = strchr(p, '\n');
		append(o, &from->from[i], p, (size_t)(end - p));
		p = end + 1;
	}
	out_free(from);
}

void
out_free(struct out *o)
{
	free(o->text);
	free(o->from);
	*o = (struct out){0};
}

const char *
out_quote(struct lex *lex, const struct lex_token *value, char *buf, size_t len)
{
	const char *p;
	bool plain = true;

	for (p = value->text; *p != '\0'; p++) {
		if (*p == '"' ||
		    (*p == ';' && p > value->text &&
			(p[-1] == ' ' || p[-1] == '\t'))) {
			lex_mistake(lex, &value->place,
			    "%s cannot be written in a configuration of vmtui "
			    "because of its %s: rename it",
			    value->text, *p == '"' ? "\"" : "\" ;\"");
			return NULL;
		}
		plain = plain && strchr(" \t,;#='", *p) == NULL;
	}
	snprintf(buf, len, plain ? "%s" : "\"%s\"", value->text);
	return buf;
}
