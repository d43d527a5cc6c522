#include <inttypes.h>
#include <stdio.h>
#include <strings.h>

#include "config/size.h"

static const char units[] = "KMGT";

int
size_parse(const char *text, uint64_t *bytes)
{
	uint64_t n = 0;
	unsigned shift = 0, i;
	const char *p = text;

	if (*p < '0' || *p > '9')
		return -1;
	for (; *p >= '0' && *p <= '9'; p++) {
		if (n > (INT64_MAX - (uint64_t)(*p - '0')) / 10)
			return -1;
		n = n * 10 + (uint64_t)(*p - '0');
	}
	for (i = 0; units[i] != '\0'; i++)
		if (*p == units[i] || *p == units[i] - 'A' + 'a')
			shift = 10 * (i + 1);
	if (shift > 0)
		p++;
	if (*p != '\0' && strcasecmp(p, "B") != 0 &&
	    (shift == 0 || strcasecmp(p, "iB") != 0))
		return -1;
	if (n > ((uint64_t)INT64_MAX >> shift))
		return -1;
	*bytes = n << shift;
	return 0;
}

const char *
size_exact(uint64_t bytes, char *buf, size_t len)
{
	unsigned i = 0;

	while (bytes != 0 && (bytes & 1023) == 0 && i < 4) {
		bytes >>= 10;
		i++;
	}
	if (i == 0)
		snprintf(buf, len, "%" PRIu64, bytes);
	else
		snprintf(buf, len, "%" PRIu64 "%c", bytes, units[i - 1]);
	return buf;
}

const char *
size_short(uint64_t bytes, char *buf, size_t len)
{
	double n = (double)bytes;
	unsigned i = 0;

	/* 999.5 would be shown as 1000, five columns with its unit. */
	while (n >= 999.5 && i < 4) {
		n /= 1024;
		i++;
	}
	if (i == 0)
		snprintf(buf, len, "%.0f", n);
	else
		snprintf(
		    buf, len, n < 9.95 ? "%.1f%c" : "%.0f%c", n, units[i - 1]);
	return buf;
}
