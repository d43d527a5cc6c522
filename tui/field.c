#include <stdio.h>
#include <string.h>

#include "tui/field.h"
#include "tui/keys.h"
#include "tui/text.h"

void
field_set(struct field *f, const char *text)
{
	snprintf(f->text, sizeof f->text, "%s", text);
	f->at = strlen(f->text);
	f->left = 0;
}

static bool
inside(char c)
{
	return ((unsigned char)c & 0xc0) == 0x80;
}

/* The start of the character before or behind a place. */
static size_t
before(const struct field *f, size_t at)
{
	if (at > 0)
		at--;
	while (at > 0 && inside(f->text[at]))
		at--;
	return at;
}

static size_t
behind(const struct field *f, size_t at)
{
	if (f->text[at] != '\0')
		at++;
	while (inside(f->text[at]))
		at++;
	return at;
}

/* The start of the word in front of the cursor, as ctrl-w has it. */
static size_t
word(const struct field *f)
{
	size_t at = f->at;

	while (at > 0 && f->text[at - 1] == ' ')
		at--;
	while (at > 0 && f->text[at - 1] != ' ')
		at--;
	return at;
}

static enum field_did
cut(struct field *f, size_t from, size_t to)
{
	if (from == to)
		return FIELD_NOT;
	memmove(f->text + from, f->text + to, strlen(f->text + to) + 1);
	f->at = from;
	return FIELD_CHANGED;
}

static enum field_did
go(struct field *f, size_t to)
{
	if (f->at == to)
		return FIELD_NOT;
	f->at = to;
	return FIELD_MOVED;
}

static bool
insert(struct field *f, const char *text, size_t len)
{
	size_t n = strlen(f->text);

	if (len == 0 || n + len >= sizeof f->text)
		return false;
	memmove(f->text + f->at + len, f->text + f->at, n - f->at + 1);
	memcpy(f->text + f->at, text, len);
	f->at += len;
	return true;
}

void
field_put(struct field *f, size_t start, const char *text)
{
	cut(f, start, f->at);
	insert(f, text, strlen(text));
}

enum field_did
field_key(struct field *f, struct key key)
{
	size_t end = strlen(f->text);
	char one[8];

	if (key.code == K_BACKSPACE || key_is(key, 'h', TERM_CTRL))
		return cut(f, before(f, f->at), f->at);
	if (key.code == K_DELETE || key_is(key, 'd', TERM_CTRL))
		return cut(f, f->at, behind(f, f->at));
	if (key.code == K_LEFT || key_is(key, 'b', TERM_CTRL))
		return go(f, before(f, f->at));
	if (key.code == K_RIGHT || key_is(key, 'f', TERM_CTRL))
		return go(f, behind(f, f->at));
	if (key.code == K_HOME || key_is(key, 'a', TERM_CTRL))
		return go(f, 0);
	if (key.code == K_END || key_is(key, 'e', TERM_CTRL))
		return go(f, end);
	if (key_is(key, 'u', TERM_CTRL))
		return cut(f, 0, f->at);
	if (key_is(key, 'k', TERM_CTRL))
		return cut(f, f->at, end);
	if (key_is(key, 'w', TERM_CTRL))
		return cut(f, word(f), f->at);
	if (key.code < ' ' || key.code >= K_NAMED || key.mods != 0)
		return FIELD_NOT;
	return insert(f, one, text_encode(key.code, one)) ? FIELD_CHANGED
							  : FIELD_NOT;
}

bool
field_paste(struct field *f, const char *text, size_t len)
{
	size_t n;

	for (n = 0; n < len && (unsigned char)text[n] >= ' ' && text[n] != 0x7f;
	     n++)
		;
	return insert(f, text, n);
}

/* Columns from one byte up to another. */
static int
columns(const struct field *f, size_t from, size_t to)
{
	const char *p = f->text + from;
	int width, n = 0;

	while (p < f->text + to && *p != '\0') {
		text_next(&p, &width);
		n += width;
	}
	return n;
}

void
field_draw(const struct rect *r, int y, int x, int width, enum style style,
    struct field *f, bool cursor)
{
	struct rect part = {r->y + y, r->x + x, 1, width};
	size_t end = strlen(f->text);

	if (width < 1)
		return;
	if (f->left > f->at)
		f->left = f->at;
	while (columns(f, f->left, f->at) >= width)
		f->left = behind(f, f->left);
	while (f->left > 0 && columns(f, before(f, f->left), end) < width)
		f->left = before(f, f->left);
	draw_field(&part, 0, 0, width, false, style, f->text + f->left);
	if (cursor)
		draw_cursor(part.y, part.x + columns(f, f->left, f->at), true);
}
