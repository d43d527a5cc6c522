/*
 * text.h: text from anywhere, made fit for columns: widths, cuts, wrapping.
 *
 * UTF-8 throughout; what is no printable character (controls, broken UTF-8)
 * counts and shows as one '?', so nothing that a guest or a file says can
 * reach the terminal as a command. Pure functions, any thread.
 */
#ifndef TUI_TEXT_H
#define TUI_TEXT_H

#include <stddef.h>
#include <stdint.h>

/* Writes ch in UTF-8 and a NUL to buf[5]; returns the length. */
size_t text_encode(uint32_t ch, char *buf);

/*
 * The next character of *p (not at its end), moving *p past it; *width is
 * its columns, 0 to 2.
 */
uint32_t text_next(const char **p, int *width);

/* Columns that text takes. */
int text_width(const char *text);

/*
 * The start of the line'th line (from 0) of text wrapped at width columns,
 * between words where there are any; *len is its length in bytes. NULL: the
 * text has no such line.
 */
const char *text_wrapped(const char *text, int width, int line, size_t *len);

/* How many lines text_wrapped() has, at least 1. */
int text_wrapped_lines(const char *text, int width);

/* "42s", "12m", "4:12", "3d 4h": a time in 6 columns at most. */
const char *text_span(long seconds, char *buf, size_t len);

#endif
