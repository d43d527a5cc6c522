/*
 * import_out.h: the configuration that an import writes, line by line.
 * Private to config/import*.c.
 */
#ifndef CONFIG_IMPORT_OUT_H
#define CONFIG_IMPORT_OUT_H

#include "config/import_lex.h"

struct out {
	char *text;
	size_t len, room;
	struct lex_place *from; /* of each line */
	size_t lines;
};

/* A line, without its end, that comes from that place. */
void out_line(struct out *o, const struct lex_place *from, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));

/* A comment, broken into lines of 78 columns. */
void out_note(struct out *o, const struct lex_place *from, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));

/* Puts all lines of from behind those of o and empties from. */
void out_join(struct out *o, struct out *from);

void out_free(struct out *o);

/*
 * The value in quotes if it needs them; NULL with a mistake if no quotes can
 * hold it. Returns buf.
 */
const char *out_quote(
    struct lex *lex, const struct lex_token *value, char *buf, size_t len);

#endif
