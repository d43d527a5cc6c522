#include <err.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "config/mem.h"

static void *
must(void *p)
{
	if (p == NULL)
		err(1, "no memory for the configuration");
	return p;
}

void *
mem_zeroed(size_t len)
{
	return must(calloc(1, len));
}

char *
mem_dup(const char *s)
{
	return s == NULL ? NULL : must(strdup(s));
}

char *
mem_dup_n(const char *s, size_t n)
{
	return must(strndup(s, n));
}

char *
mem_printf(const char *fmt, ...)
{
	va_list ap;
	char *s;

	va_start(ap, fmt);
	if (vasprintf(&s, fmt, ap) == -1)
		s = NULL;
	va_end(ap);
	return must(s);
}

void *
mem_grow(void *list, size_t count, size_t size)
{
	/* Room is a power of two, so it is full when count is one. */
	if ((count & (count - 1)) == 0)
		list =
		    must(reallocarray(list, count == 0 ? 1 : count * 2, size));
	memset((char *)list + count * size, 0, size);
	return list;
}
