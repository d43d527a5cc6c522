/*
 * string.c: operating system commands and device control strings. Of the
 * first, a guest may set its title and ask for text to be put into the
 * clipboard (never read it); colours and the rest are dropped. Of the second,
 * DECRQSS is answered by libvterm.
 */
#include <stdlib.h>
#include <string.h>

#include "internal.h"

/*
 * Takes text over into the title: characters only, and none that would turn
 * the text around it; what is not UTF-8 is left out.
 */
static void
set_title(struct term *t, const char *text, unsigned len)
{
	const unsigned char *p = (const unsigned char *)text, *end = p + len;
	char title[TITLE_MAX];
	size_t n = 0;
	int size;

	while (p < end) {
		if (*p < 0x80) {
			size = 1;
			if (*p < 0x20 || *p == 0x7f) {
				p++;
				continue;
			}
		} else {
			size = utf8_length(p, (size_t)(end - p));
			if (size == 0)
				break;
			if (size < 0 || utf8_unwanted(p, (unsigned)size)) {
				p += size < 0 ? -size : size;
				continue;
			}
		}
		if (n + (size_t)size >= sizeof(title))
			break;
		memcpy(title + n, p, (size_t)size);
		n += (size_t)size;
		p += size;
	}
	title[n] = 0;
	if (strcmp(title, t->title) == 0)
		return;
	memcpy(t->title, title, n + 1);
	if (!t->quiet && t->ops->title != NULL)
		t->ops->title(t->arg);
}

/* DECRQSS: only the requests libvterm has an answer to, one by one. */
static void
request(struct term *t, const char *what, unsigned len)
{
	static const char *const known[] = {"r", "s", " q", "\"q"};
	char seq[16] = "\033P$q";
	size_t i, n;

	if (len == 1 && *what == 'm')
		sgr_report(t);
	for (i = 0; i < sizeof(known) / sizeof(known[0]); i++) {
		n = strlen(known[i]);
		if (n != len || memcmp(known[i], what, n) != 0)
			continue;
		memcpy(seq + 4, what, n);
		memcpy(seq + 4 + n, "\033\\", 2);
		state_feed(t, seq, 4 + n + 2);
	}
}

void
string_more(struct term *t, char c)
{
	struct filter *f = &t->filter;

	/* Only a clipboard is worth more memory. */
	if (f->clip == NULL && f->string_seen == STRING_MAX && f->kind == ']' &&
	    memcmp(f->string, "52;", 3) == 0 && t->ops->clipboard != NULL &&
	    !t->quiet && (f->clip = malloc(CLIP_MAX)) != NULL) {
		memcpy(f->clip, f->string, STRING_MAX);
		f->clip_len = STRING_MAX;
	}
	if (f->clip == NULL)
		return;
	if (f->clip_len < CLIP_MAX)
		f->clip[f->clip_len++] = c;
	else
		string_forget(t);
}

void
string_forget(struct term *t)
{
	free(t->filter.clip);
	t->filter.clip = NULL;
}

/* The value of a digit of base64 (RFC 4648, 4), or -1. */
static int
digit64(char c)
{
	if (c >= 'A' && c <= 'Z')
		return c - 'A';
	if (c >= 'a' && c <= 'z')
		return c - 'a' + 26;
	if (c >= '0' && c <= '9')
		return c - '0' + 52;
	return c == '+' ? 62 : c == '/' ? 63 : -1;
}

/*
 * Takes base64 apart where it stands: the text is never longer. Returns its
 * length, 0 if it is anything else; the "=" at its end may be left out.
 */
static size_t
decode64(char *s, size_t len)
{
	unsigned bits = 0, have = 0;
	size_t i, n = 0;
	int digit;

	for (i = 0; i < 2 && len > 0 && s[len - 1] == '='; i++)
		len--;
	if (len % 4 == 1)
		return 0;
	for (i = 0; i < len; i++) {
		if ((digit = digit64(s[i])) == -1)
			return 0;
		bits = bits << 6 | (unsigned)digit;
		if ((have += 6) < 8)
			continue;
		have -= 8;
		s[n++] = (char)(bits >> have);
	}
	return n;
}

/* Leaves text in s, without control characters. 0: it is no UTF-8. */
static size_t
only_text(char *s, size_t len)
{
	const unsigned char *p = (const unsigned char *)s, *end = p + len;
	size_t n = 0;
	int size;

	while (p < end) {
		size = *p < 0x80 ? 1 : utf8_length(p, (size_t)(end - p));
		if (size <= 0)
			return 0;
		if (size == 1
			? (*p >= 0x20 && *p != 0x7f) || *p == '\t' || *p == '\n'
			: !utf8_unwanted(p, (unsigned)size)) {
			memmove(s + n, p, (size_t)size);
			n += (size_t)size;
		}
		p += size;
	}
	return n;
}

/*
 * "52;SELECTIONS;BASE64": which of X's selections is meant makes no
 * difference here, there is one clipboard. A "?" asks what is in it and gets
 * no answer.
 */
static void
clipboard(struct term *t, char *s, size_t len)
{
	char *end = memchr(s, ';', len), *text;
	size_t n;

	if (t->quiet || t->ops->clipboard == NULL || end == NULL)
		return;
	text = end + 1;
	n = decode64(text, len - (size_t)(text - s));
	if (n == 0 || n > TERM_CLIPBOARD)
		return;
	n = only_text(text, n);
	if (n > 0)
		t->ops->clipboard(text, n, t->arg);
}

void
string_dispatch(struct term *t)
{
	struct filter *f = &t->filter;
	char *s = t->filter.string;
	unsigned len = t->filter.string_len;

	if (len < 2)
		return;
	if (f->kind == ']' && len > 3 && memcmp(s, "52;", 3) == 0) {
		if (f->clip != NULL)
			clipboard(t, f->clip + 3, f->clip_len - 3);
		else if (f->string_seen == len)
			clipboard(t, s + 3, len - 3);
		return;
	}
	if (t->filter.kind == ']' && (*s == '0' || *s == '2') && s[1] == ';')
		set_title(t, s + 2, len - 2);
	else if (t->filter.kind == 'P' && memcmp(s, "$q", 2) == 0)
		request(t, s + 2, len - 2);
}
