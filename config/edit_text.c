#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "config/edit_text.h"
#include "config/mem.h"
#include "config/source.h"

/* A byte order mark belongs to no line. */
static size_t
mark(const struct edit *e)
{
	return e->len >= 3 && memcmp(e->text, "\xef\xbb\xbf", 3) == 0 ? 3 : 0;
}

size_t
edit_offset(const struct edit *e, int line)
{
	const char *p = e->text + mark(e), *end = e->text + e->len, *nl;

	for (; line > 1 && p < end; line--) {
		nl = memchr(p, '\n', (size_t)(end - p));
		p = nl == NULL ? end : nl + 1;
	}
	return (size_t)(p - e->text);
}

int
edit_lines(const struct edit *e)
{
	const char *p = e->text + mark(e), *end = e->text + e->len, *nl;
	int n = 0;

	for (; p < end; n++) {
		nl = memchr(p, '\n', (size_t)(end - p));
		p = nl == NULL ? end : nl + 1;
	}
	return n;
}

size_t
edit_bare(const struct edit *e, int line, size_t *at)
{
	const char *p, *nl;
	size_t n;

	*at = edit_offset(e, line);
	p = e->text + *at;
	nl = memchr(p, '\n', e->len - *at);
	n = nl == NULL ? e->len - *at : (size_t)(nl - p);
	return n > 0 && p[n - 1] == '\r' ? n - 1 : n;
}

void
edit_splice(struct edit *e, size_t at, size_t del, const char *bytes, size_t n)
{
	char *text = mem_zeroed(e->len - del + n + 1);

	memcpy(text, e->text, at);
	if (n > 0)
		memcpy(text + at, bytes, n);
	memcpy(text + at + n, e->text + at + del, e->len - at - del);
	e->len = e->len - del + n;
	free(e->text);
	e->text = text;
}

/* Of the line that ends in front of p, or NULL. */
static const char *
end_before(const char *text, const char *p)
{
	if (p == NULL || p == text || p[-1] != '\n')
		return NULL;
	return p - text >= 2 && p[-2] == '\r' ? "\r\n" : "\n";
}

static const char *
first_end(const char *text, size_t len)
{
	const char *nl = memchr(text, '\n', len);

	return nl == NULL ? NULL : end_before(text, nl + 1);
}

const char *
edit_line_end(const struct edit *e, size_t at)
{
	const char *end = end_before(e->text, e->text + at);

	if (end == NULL)
		end = first_end(e->text, e->len);
	if (end == NULL)
		end = first_end(e->base, e->base_len);
	return end == NULL ? "\n" : end;
}

void
edit_insert(struct edit *e, int line, const char *lines)
{
	size_t at = edit_offset(e, line), n = strlen(lines), i, len = 0;
	const char *end = edit_line_end(e, at);
	size_t endlen = strlen(end);
	char *out = mem_zeroed(n * 2 + 5);
	bool open = at == e->len && at > mark(e) && e->text[at - 1] != '\n';

	/* Behind a last line without a newline the new one has none. */
	if (open)
		for (i = 0; i < endlen; i++)
			out[len++] = end[i];
	for (i = 0; i < n; i++) {
		if (lines[i] == '\n' && endlen == 2)
			out[len++] = '\r';
		out[len++] = lines[i];
	}
	for (i = 0; i < endlen && !open; i++)
		out[len++] = end[i];
	edit_splice(e, at, 0, out, len);
	free(out);
}

void
edit_cut(struct edit *e, int first, int last)
{
	size_t at = edit_offset(e, first);

	edit_splice(e, at, edit_offset(e, last) - at, NULL, 0);
}

bool
edit_read(struct edit *e)
{
	struct config_mistakes ms = {0};

	config_free(e->read);
	e->read = mem_zeroed(sizeof *e->read);
	if (e->len <= CONFIG_FILE_MAX)
		source_read(e->text, e->len, e->read, &ms);
	e->mistakes = ms.count + (e->len > CONFIG_FILE_MAX);
	config_mistakes_clear(&ms);
	return e->mistakes == 0;
}

struct config_section *
edit_section(
    const struct edit *e, enum config_section_kind kind, const char *name)
{
	struct config_section *sec;
	size_t i;

	for (i = 0; i < e->read->nsections; i++) {
		sec = &e->read->sections[i];
		if (sec->kind == kind &&
		    (sec->name == NULL || name == NULL
			    ? sec->name == name
			    : strcmp(sec->name, name) == 0))
			return sec;
	}
	return NULL;
}

/* ' ' of a blank line, '#' of a comment, 'x' of any other; 0: no such line. */
static char
line_kind(const struct edit *e, int line)
{
	size_t at, n = edit_bare(e, line, &at), i;

	if (line < 1 || at >= e->len)
		return '\0';
	for (i = at; i < at + n; i++)
		if (strchr(" \t\r", e->text[i]) == NULL)
			return e->text[i] == '#' || e->text[i] == ';' ? '#'
								      : 'x';
	return ' ';
}

struct edit_block
edit_block(const struct edit *e, const struct config_section *sec)
{
	struct edit_block b = {.line = sec->line, .last = sec->last + 1};

	b.head = b.line;
	while (b.head > 1 && line_kind(e, b.head - 1) == '#')
		b.head--;
	b.tail = b.last;
	while (line_kind(e, b.tail) == '#')
		b.tail++;
	/* ... and those that touch the next section are its own. */
	if (line_kind(e, b.tail) == 'x')
		b.tail = b.last;
	b.end = b.tail;
	while (line_kind(e, b.end) == ' ')
		b.end++;
	return b;
}

/*
 * As inih: the first "=" or ":", then up to a ";" with a blank before it, both
 * without the blanks around.
 */
void
edit_value_place(
    const struct edit *e, int line, size_t *at, size_t *n, bool *bare)
{
	size_t start, len = edit_bare(e, line, &start), i, end;
	const char *p = e->text + start;

	for (i = 0; i < len && p[i] != '=' && p[i] != ':'; i++)
		;
	i += i < len;
	for (end = i; end < len; end++)
		if (p[end] == ';' && end > i &&
		    (p[end - 1] == ' ' || p[end - 1] == '\t'))
			break;
	while (end > i && strchr(" \t\r", p[end - 1]) != NULL)
		end--;
	*bare = end == i;
	while (i < end && (p[i] == ' ' || p[i] == '\t'))
		i++;
	*at = start + i;
	*n = end - i;
}

const char *
edit_title(
    enum config_section_kind kind, const char *name, char *buf, size_t len)
{
	snprintf(buf, len, "[%s%s%s]", config_section_word(kind),
	    name == NULL ? "" : " ", name == NULL ? "" : name);
	return buf;
}

int
edit_begin(const struct edit *e, struct edit_before *b, struct error *err)
{
	if (e->mistakes > 0)
		return error_set(err,
		    "%s has lines that cannot be read: mend them first",
		    e->path);
	b->text = mem_zeroed(e->len + 1);
	b->len = e->len;
	memcpy(b->text, e->text, e->len);
	return 0;
}

int
edit_reread(struct edit *e, struct error *err)
{
	if (edit_read(e))
		return 0;
	return error_set(err,
	    e->len > CONFIG_FILE_MAX
		? "the file would be larger than a configuration may be"
		: "no line of the file can say that");
}

int
edit_end(struct edit *e, struct edit_before *b, int r)
{
	if (r == -1) {
		free(e->text);
		e->text = b->text;
		e->len = b->len;
		edit_read(e);
	} else
		free(b->text);
	return r;
}
