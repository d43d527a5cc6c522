/*
 * utf8.c: UTF-8 (RFC 3629): checking what guests send, and writing and
 * reading what the grid keeps.
 */
#include "row.h"

unsigned
utf8_write(uint32_t ch, uint8_t *out)
{
	if (ch < 0x80) {
		out[0] = (uint8_t)ch;
		return 1;
	}
	if (ch < 0x800) {
		out[0] = (uint8_t)(0xc0 | ch >> 6);
		out[1] = (uint8_t)(0x80 | (ch & 0x3f));
		return 2;
	}
	if (ch < 0x10000) {
		out[0] = (uint8_t)(0xe0 | ch >> 12);
		out[1] = (uint8_t)(0x80 | (ch >> 6 & 0x3f));
		out[2] = (uint8_t)(0x80 | (ch & 0x3f));
		return 3;
	}
	out[0] = (uint8_t)(0xf0 | (ch >> 18 & 0x07));
	out[1] = (uint8_t)(0x80 | (ch >> 12 & 0x3f));
	out[2] = (uint8_t)(0x80 | (ch >> 6 & 0x3f));
	out[3] = (uint8_t)(0x80 | (ch & 0x3f));
	return 4;
}

const uint8_t *
utf8_read(const uint8_t *p, uint32_t *ch)
{
	unsigned more;
	uint32_t c = *p++;

	if (c < 0x80)
		more = 0;
	else if (c < 0xe0) {
		c &= 0x1f;
		more = 1;
	} else if (c < 0xf0) {
		c &= 0x0f;
		more = 2;
	} else {
		c &= 0x07;
		more = 3;
	}
	while (more-- > 0)
		c = c << 6 | (*p++ & 0x3f);
	*ch = c;
	return p;
}

bool
utf8_unwanted(const unsigned char *p, unsigned len)
{
	if (len == 2)
		return p[0] == 0xc2 && p[1] < 0xa0;
	if (len == 3 && p[0] == 0xe2)
		return (p[1] == 0x80 && p[2] >= 0xa8 && p[2] <= 0xae) ||
		    (p[1] == 0x81 && p[2] >= 0xa6 && p[2] <= 0xa9);
	return false;
}

int
utf8_length(const unsigned char *p, size_t n)
{
	unsigned char low = 0x80, high = 0xbf;
	int len, i;

	if (p[0] >= 0xc2 && p[0] <= 0xdf)
		len = 2;
	else if (p[0] >= 0xe0 && p[0] <= 0xef)
		len = 3;
	else if (p[0] >= 0xf0 && p[0] <= 0xf4)
		len = 4;
	else
		return -1;
	if (p[0] == 0xe0)
		low = 0xa0;
	else if (p[0] == 0xed)
		high = 0x9f;
	else if (p[0] == 0xf0)
		low = 0x90;
	else if (p[0] == 0xf4)
		high = 0x8f;
	for (i = 1; i < len; i++) {
		if ((size_t)i >= n)
			return 0;
		if (p[i] < low || p[i] > high)
			return -i;
		low = 0x80;
		high = 0xbf;
	}
	return len;
}
