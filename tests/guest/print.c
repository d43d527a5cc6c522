/*
 * print.c: formatted output in lines.
 */
#include <stdarg.h>

#include "console.h"
#include "lib.h"
#include "serial.h"

static char line[256];
static size_t line_len;

void
console_flush(void)
{
	serial_write(line, line_len);
	line_len = 0;
}

static void
put(char c)
{
	if (line_len + 2 > sizeof(line))
		console_flush();
	if (c == '\n')
		line[line_len++] = '\r';
	line[line_len++] = c;
	if (c == '\n')
		console_flush();
}

static void
put_padded(const char *text, size_t len, size_t width, int left, char pad)
{
	size_t fill = width > len ? width - len : 0;
	size_t i;

	if (!left)
		for (i = 0; i < fill; i++)
			put(pad);
	for (i = 0; i < len; i++)
		put(text[i]);
	if (left)
		for (i = 0; i < fill; i++)
			put(' ');
}

/* Digits of value before end; returns the first. */
static char *
digits(char *end, uint64_t value, unsigned base)
{
	do {
		*--end = "0123456789abcdef"[value % base];
		value /= base;
	} while (value != 0);
	return end;
}

/* One conversion; fmt is behind its '%'. Returns what comes after it. */
static const char *
convert(const char *fmt, va_list *ap)
{
	char text[24], *end = text + sizeof(text), *p = end;
	const char *s;
	size_t width = 0;
	int left = 0, longs = 0;
	char pad = ' ';
	uint64_t v;
	int64_t d;

	for (; *fmt == '-' || *fmt == '0'; fmt++) {
		if (*fmt == '-')
			left = 1;
		else
			pad = '0';
	}
	for (; *fmt >= '0' && *fmt <= '9'; fmt++)
		width = width * 10 + (size_t)(*fmt - '0');
	for (; *fmt == 'l'; fmt++)
		longs++;
	switch (*fmt) {
	case 's':
		s = va_arg(*ap, const char *);
		put_padded(s, strlen(s), width, left, ' ');
		return fmt + 1;
	case 'c':
		*--p = (char)va_arg(*ap, int);
		break;
	case 'd':
		d = longs ? va_arg(*ap, int64_t) : va_arg(*ap, int);
		p = digits(end, d < 0 ? -(uint64_t)d : (uint64_t)d, 10);
		if (d < 0)
			*--p = '-';
		break;
	case 'u':
	case 'x':
		v = longs ? va_arg(*ap, uint64_t) : va_arg(*ap, unsigned);
		p = digits(end, v, *fmt == 'x' ? 16 : 10);
		break;
	default:
		put(*fmt);
		return *fmt == '\0' ? fmt : fmt + 1;
	}
	put_padded(p, (size_t)(end - p), width, left, pad);
	return fmt + 1;
}

void
print(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	while (*fmt != '\0') {
		if (*fmt == '%')
			fmt = convert(fmt + 1, &ap);
		else
			put(*fmt++);
	}
	va_end(ap);
}
