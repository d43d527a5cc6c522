#include <stdio.h>
#include <string.h>
#include <wchar.h>

#include "tui/text.h"

size_t
text_encode(uint32_t ch, char *buf)
{
	size_t n = 0;

	if (ch < 0x80)
		buf[n++] = (char)ch;
	else if (ch < 0x800) {
		buf[n++] = (char)(0xc0 | ch >> 6);
		buf[n++] = (char)(0x80 | (ch & 0x3f));
	} else if (ch < 0x10000) {
		buf[n++] = (char)(0xe0 | ch >> 12);
		buf[n++] = (char)(0x80 | (ch >> 6 & 0x3f));
		buf[n++] = (char)(0x80 | (ch & 0x3f));
	} else {
		buf[n++] = (char)(0xf0 | (ch >> 18 & 7));
		buf[n++] = (char)(0x80 | (ch >> 12 & 0x3f));
		buf[n++] = (char)(0x80 | (ch >> 6 & 0x3f));
		buf[n++] = (char)(0x80 | (ch & 0x3f));
	}
	buf[n] = '\0';
	return n;
}

/* Decodes one character; 0: broken. *n is the bytes it took, at least 1. */
static uint32_t
decode(const unsigned char *p, size_t *n)
{
	static const uint32_t least[] = {0, 0, 0x80, 0x800, 0x10000};
	size_t len, i;
	uint32_t ch;

	*n = 1;
	if (p[0] < 0x80)
		return p[0];
	len = p[0] >= 0xf0 ? 4 : p[0] >= 0xe0 ? 3 : 2;
	if (p[0] < 0xc2 || p[0] > 0xf4)
		return 0;
	ch = p[0] & (0x7fu >> len);
	for (i = 1; i < len; i++) {
		if ((p[i] & 0xc0) != 0x80)
			return 0;
		ch = ch << 6 | (p[i] & 0x3f);
	}
	if (ch < least[len] || ch > 0x10ffff || (ch >= 0xd800 && ch < 0xe000))
		return 0;
	*n = len;
	return ch;
}

uint32_t
text_next(const char **p, int *width)
{
	size_t n;
	uint32_t ch = decode((const unsigned char *)*p, &n);

	*p += n;
	*width = ch < 0x20 || (ch >= 0x7f && ch < 0xa0) ? -1
	    : ch < 0x7f                                 ? 1
							: wcwidth((wchar_t)ch);
	/* The C locale knows no width: take what is no control as one. */
	if (*width < 0 && ch >= 0xa0)
		*width = 1;
	if (*width < 0) {
		*width = 1;
		return '?';
	}
	return ch;
}

int
text_width(const char *text)
{
	int width, sum = 0;

	while (*text != '\0') {
		text_next(&text, &width);
		sum += width;
	}
	return sum;
}

/* Length in bytes of text's first line at width columns; *skip is how much
 * to pass over to the next one. */
static size_t
line_length(const char *text, int width, size_t *skip)
{
	const char *p = text, *space = NULL, *was;
	int w, column = 0;

	while (*p != '\0') {
		was = p;
		text_next(&p, &w);
		if (*was == '\n') {
			*skip = (size_t)(p - text);
			return (size_t)(was - text);
		}
		if (*was == ' ')
			space = was;
		if (column + w > width && was > text) {
			if (space == NULL || space == text) {
				*skip = (size_t)(was - text);
				return *skip;
			}
			*skip = (size_t)(space - text) + 1;
			return (size_t)(space - text);
		}
		column += w;
	}
	*skip = (size_t)(p - text);
	return *skip;
}

const char *
text_wrapped(const char *text, int width, int line, size_t *len)
{
	size_t skip;

	if (width < 1)
		width = 1;
	for (;;) {
		*len = line_length(text, width, &skip);
		if (line-- == 0)
			return text;
		text += skip;
		if (*text == '\0')
			return NULL;
	}
}

int
text_wrapped_lines(const char *text, int width)
{
	size_t len;
	int n = 1;

	while (text_wrapped(text, width, n, &len) != NULL)
		n++;
	return n;
}

const char *
text_span(long seconds, char *buf, size_t len)
{
	if (seconds < 0)
		seconds = 0;
	if (seconds < 60)
		snprintf(buf, len, "%lds", seconds);
	else if (seconds < 3600)
		snprintf(buf, len, "%ldm", seconds / 60);
	else if (seconds < 86400)
		snprintf(
		    buf, len, "%ld:%02ld", seconds / 3600, seconds / 60 % 60);
	else if (seconds < 86400L * 100)
		snprintf(buf, len, "%ldd %ldh", seconds / 86400,
		    seconds / 3600 % 24);
	else
		snprintf(buf, len, "%ldd", seconds / 86400);
	return buf;
}
