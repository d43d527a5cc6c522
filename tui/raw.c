#include <ctype.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "tui/raw.h"
#include "tui/text.h"

#define TAB 8 /* columns */

static char *
dup_bytes(const char *bytes, size_t n)
{
	char *copy = malloc(n + 1);

	if (copy == NULL)
		return NULL;
	if (n > 0)
		memcpy(copy, bytes, n);
	copy[n] = '\0';
	return copy;
}

static void
forget_from(struct raw *r, size_t first)
{
	while (r->changes > first) {
		r->changes--;
		free(r->change[r->changes].gone);
		free(r->change[r->changes].came);
	}
}

int
raw_set(struct raw *r, const char *text, size_t len)
{
	char *copy = dup_bytes(text, len);

	if (copy == NULL)
		return -1;
	raw_clear(r);
	r->text = copy;
	r->len = len;
	return 0;
}

void
raw_clear(struct raw *r)
{
	forget_from(r, 0);
	free(r->change);
	free(r->text);
	memset(r, 0, sizeof *r);
	r->goal = -1;
}

/* The bytes alone. Returns whether there was memory. */
static bool
put(struct raw *r, size_t at, size_t del, const char *bytes, size_t n)
{
	char *text = malloc(r->len - del + n + 1);

	if (text == NULL)
		return false;
	memcpy(text, r->text, at);
	if (n > 0)
		memcpy(text + at, bytes, n);
	memcpy(text + at + n, r->text + at + del, r->len - at - del);
	r->len = r->len - del + n;
	text[r->len] = '\0';
	free(r->text);
	r->text = text;
	return true;
}

/* Whether a letter goes on what was typed last. */
static bool
join(struct raw *r, size_t at, size_t del, const char *bytes, size_t n)
{
	struct raw_change *c;
	char *came;

	if (r->done == 0 || r->done != r->changes || del > 0 || n == 0 ||
	    *bytes == '\n')
		return false;
	c = &r->change[r->done - 1];
	if (!c->typed || c->at + c->ncame != at ||
	    (came = realloc(c->came, c->ncame + n + 1)) == NULL)
		return false;
	memcpy(came + c->ncame, bytes, n);
	c->came = came;
	c->ncame += n;
	return true;
}

static bool
note(struct raw *r, size_t at, size_t del, const char *bytes, size_t n,
    bool typed)
{
	struct raw_change *list,
	    c = {.at = at,
		.ngone = del,
		.ncame = n,
		.cursor = r->at,
		.typed = typed};

	forget_from(r, r->done);
	list = realloc(r->change, (r->changes + 1) * sizeof *list);
	if (list == NULL)
		return false;
	r->change = list;
	c.gone = dup_bytes(r->text + at, del);
	c.came = dup_bytes(bytes, n);
	if (c.gone == NULL || c.came == NULL) {
		free(c.gone);
		free(c.came);
		return false;
	}
	r->change[r->changes++] = c;
	r->done = r->changes;
	return true;
}

static void
change(struct raw *r, size_t at, size_t del, const char *bytes, size_t n,
    bool typed)
{
	if (del == 0 && n == 0)
		return;
	if (!(typed && join(r, at, del, bytes, n)) &&
	    !note(r, at, del, bytes, n, typed))
		return;
	if (put(r, at, del, bytes, n))
		r->at = at + n;
	r->goal = -1;
}

void
raw_splice(struct raw *r, size_t at, size_t del, const char *bytes, size_t n)
{
	change(r, at, del, bytes, n, false);
}

void
raw_type(struct raw *r, const char *bytes, size_t n)
{
	change(r, r->at, 0, bytes, n, true);
}

static bool
inside(char c)
{
	return ((unsigned char)c & 0xc0) == 0x80;
}

static size_t
before(const struct raw *r, size_t at)
{
	if (at > 0)
		at--;
	while (at > 0 && inside(r->text[at]))
		at--;
	/* A "\r\n" is one. */
	if (at > 0 && r->text[at] == '\n' && r->text[at - 1] == '\r')
		at--;
	return at;
}

static size_t
behind(const struct raw *r, size_t at)
{
	if (at < r->len && r->text[at] == '\r' && r->text[at + 1] == '\n')
		return at + 2;
	if (at < r->len)
		at++;
	while (at < r->len && inside(r->text[at]))
		at++;
	return at;
}

void
raw_backspace(struct raw *r)
{
	size_t from = before(r, r->at);

	change(r, from, r->at - from, NULL, 0, false);
}

void
raw_delete(struct raw *r)
{
	change(r, r->at, behind(r, r->at) - r->at, NULL, 0, false);
}

void
raw_delete_line(struct raw *r)
{
	size_t line = raw_line_of(r, r->at), at = raw_offset(r, line);

	change(r, at, raw_offset(r, line + 1) - at, NULL, 0, false);
}

bool
raw_undo(struct raw *r)
{
	const struct raw_change *c;

	if (r->done == 0)
		return false;
	c = &r->change[r->done - 1];
	if (!put(r, c->at, c->ncame, c->gone, c->ngone))
		return false;
	r->done--;
	r->at = c->cursor;
	r->goal = -1;
	return true;
}

bool
raw_redo(struct raw *r)
{
	const struct raw_change *c;

	if (r->done == r->changes)
		return false;
	c = &r->change[r->done];
	if (!put(r, c->at, c->ngone, c->came, c->ncame))
		return false;
	r->done++;
	r->at = c->at + c->ncame;
	r->goal = -1;
	return true;
}

/*
 * --- Lines ------------------------------------------------------------
 */

size_t
raw_lines(const struct raw *r)
{
	return raw_line_of(r, r->len) + 1;
}

size_t
raw_line_of(const struct raw *r, size_t at)
{
	const char *p = r->text, *end = r->text + at;
	size_t n = 0;

	while (p < end && (p = memchr(p, '\n', (size_t)(end - p))) != NULL) {
		p++;
		n++;
	}
	return n;
}

size_t
raw_offset(const struct raw *r, size_t line)
{
	const char *p = r->text, *end = r->text + r->len;

	for (; line > 0; line--) {
		p = p < end ? memchr(p, '\n', (size_t)(end - p)) : NULL;
		if (p == NULL)
			return r->len;
		p++;
	}
	return (size_t)(p - r->text);
}

size_t
raw_length(const struct raw *r, size_t at)
{
	const char *nl = memchr(r->text + at, '\n', r->len - at);
	size_t n = nl == NULL ? r->len - at : (size_t)(nl - r->text) - at;

	return n > 0 && nl != NULL && r->text[at + n - 1] == '\r' ? n - 1 : n;
}

/*
 * --- The cursor -------------------------------------------------------
 */

void
raw_left(struct raw *r)
{
	r->at = before(r, r->at);
	r->goal = -1;
}

void
raw_right(struct raw *r)
{
	r->at = behind(r, r->at);
	r->goal = -1;
}

static int
step_width(const char **p, int column)
{
	int width;

	if (**p == '\t') {
		(*p)++;
		return TAB - column % TAB;
	}
	text_next(p, &width);
	return width;
}

int
raw_column(const struct raw *r)
{
	const char *p = r->text + raw_offset(r, raw_line_of(r, r->at));
	int column = 0;

	while (p < r->text + r->at)
		column += step_width(&p, column);
	return column;
}

void
raw_rows(struct raw *r, long by)
{
	long line = (long)raw_line_of(r, r->at) + by;
	long last = (long)raw_lines(r) - 1;
	int goal = r->goal >= 0 ? r->goal : raw_column(r), column = 0, width;
	const char *p, *end, *next;

	line = line < 0 ? 0 : line > last ? last : line;
	r->at = raw_offset(r, (size_t)line);
	p = r->text + r->at;
	end = p + raw_length(r, r->at);
	for (next = p; p < end; p = next) {
		width = step_width(&next, column);
		if (column + width > goal)
			break;
		column += width;
	}
	r->at = (size_t)(p - r->text);
	r->goal = goal;
}

void
raw_home(struct raw *r)
{
	raw_go(r, raw_line_of(r, r->at));
}

void
raw_end(struct raw *r)
{
	raw_home(r);
	r->at += raw_length(r, r->at);
}

void
raw_go(struct raw *r, size_t line)
{
	r->at = raw_offset(r, line);
	r->goal = -1;
}

static bool
has_capitals(const char *text)
{
	for (; *text != '\0'; text++)
		if (isupper((unsigned char)*text))
			return true;
	return false;
}

bool
raw_find(struct raw *r, const char *text, int step)
{
	size_t n = strlen(text), i, at = r->at;
	int (*differ)(const char *, const char *, size_t) =
	    has_capitals(text) ? strncmp : strncasecmp;

	if (n == 0 || n > r->len)
		return false;
	for (i = 0; i <= r->len; i++) {
		at = step > 0 ? (at == r->len ? 0 : at + 1)
		    : at == 0 ? r->len
			      : at - 1;
		if (at + n <= r->len && differ(r->text + at, text, n) == 0) {
			r->at = at;
			r->goal = -1;
			return true;
		}
	}
	return false;
}
