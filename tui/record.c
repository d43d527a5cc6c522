#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "term/cast.h"
#include "tui/record.h"
#include "tui/sink.h"

#define PIECE 4096 /* bytes of output an event */

struct record {
	struct sink *sink;
	struct cast cast;
	struct timespec began;
	char text[CAST_BYTES(PIECE)];
};

static int __attribute__((format(printf, 2, 3)))
say(struct record *r, const char *fmt, ...)
{
	char text[512];
	va_list ap;
	int n;

	va_start(ap, fmt);
	n = vsnprintf(text, sizeof text, fmt, ap);
	va_end(ap);
	return sink_write(r->sink, text, (size_t)n);
}

/* "[1.234567, "o", " */
static int
begin_event(struct record *r, char kind)
{
	struct timespec now;
	long long us;

	clock_gettime(CLOCK_MONOTONIC, &now);
	us = (now.tv_sec - r->began.tv_sec) * 1000000LL +
	    (now.tv_nsec - r->began.tv_nsec) / 1000;
	return say(
	    r, "[%lld.%06lld, \"%c\", \"", us / 1000000, us % 1000000, kind);
}

int
record_output(struct record *r, const char *bytes, size_t len)
{
	int rc = sink_write(r->sink, "", 0);
	size_t n, piece;

	for (; len > 0 && rc == 0; bytes += piece, len -= piece) {
		piece = len < PIECE ? len : PIECE;
		n = cast_text(&r->cast, bytes, piece, r->text);
		if (n == 0)
			continue;
		rc = begin_event(r, 'o') | sink_write(r->sink, r->text, n) |
		    say(r, "\"]\n");
	}
	return rc;
}

int
record_size(struct record *r, unsigned rows, unsigned cols)
{
	return begin_event(r, 'r') | say(r, "%ux%u\"]\n", cols, rows);
}

static void
shown(const char *bytes, size_t len, void *arg)
{
	record_output(arg, bytes, len);
}

struct record *
record_new(struct sink *sink, const struct term *t, const char *title)
{
	struct record *r = calloc(1, sizeof *r);
	struct cast cast = {.n = 0};
	char text[CAST_BYTES(32)];
	size_t n;

	if (r == NULL) {
		sink_close(sink);
		return NULL;
	}
	r->sink = sink;
	clock_gettime(CLOCK_MONOTONIC, &r->began);
	n = cast_text(&cast, title, strnlen(title, 32), text);
	say(r,
	    "{\"version\": 2, \"width\": %u, \"height\": %u, "
	    "\"timestamp\": %lld, \"title\": \"%.*s\", "
	    "\"env\": {\"TERM\": \"xterm-256color\", \"SHELL\": \"vmtui\"}}\n",
	    term_cols(t), term_rows(t), (long long)time(NULL), (int)n, text);
	cast_screen(t, shown, r);
	return r;
}

void
record_free(struct record *r)
{
	if (r == NULL)
		return;
	sink_close(r->sink);
	free(r);
}
