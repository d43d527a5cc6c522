/*
 * mistake.h: collecting mistakes while a file is read. Private to config/;
 * the list itself is in config.h.
 */
#ifndef CONFIG_MISTAKE_H
#define CONFIG_MISTAKE_H

#include "config/config.h"

/* Adds one, or counts it if there are CONFIG_MISTAKES_MAX already. */
void mistake_add(struct config_mistakes *, int line, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));

/* Whether one more is kept: if not, it need not be worded with care. */
bool mistake_room(const struct config_mistakes *);

/* Puts them in the order of their lines, those of one line as they came. */
void mistake_sort(struct config_mistakes *);

/*
 * Words such as ' (did you mean "memory"?)' if one of the candidates is near,
 * else nothing. Returns buf.
 */
const char *mistake_hint(
    const char *word, const char *const *candidates, char *buf, size_t len);

/*
 * The key of the section that goes by another name elsewhere ("ram", "iso"),
 * or the nearest one to a misspelt name; NULL if none is.
 */
const char *mistake_key_meant(enum config_section_kind, const char *name);

#endif
