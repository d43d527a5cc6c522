/*
 * string.c: operating system commands and device control strings. Of the
 * first, a guest may set its title; its clipboard, colours and the rest are
 * dropped. Of the second, DECRQSS is answered by libvterm.
 */
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
string_dispatch(struct term *t)
{
	const char *s = t->filter.string;
	unsigned len = t->filter.string_len;

	if (len < 2)
		return;
	if (t->filter.kind == ']' && (*s == '0' || *s == '2') && s[1] == ';')
		set_title(t, s + 2, len - 2);
	else if (t->filter.kind == 'P' && memcmp(s, "$q", 2) == 0)
		request(t, s + 2, len - 2);
}
