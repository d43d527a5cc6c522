/*
 * value.h: setting, copying and freeing the value of a key as its entry in
 * the table says. Private to config/. base is the struct that the entry's
 * offset counts in (struct config_vm, config_switch, ...).
 */
#ifndef CONFIG_VALUE_H
#define CONFIG_VALUE_H

#include "config/config.h"

/* Where a value comes from. */
struct value_from {
	const char *folder; /* absolute; relative paths start here */
	int line; /* 0: from no file */
};

/*
 * Reads text and stores it; a list or a repeating text grows. Returns 0, or -1
 * with a sentence and the struct as it was.
 */
int value_set(const struct config_key *, void *base, const char *text,
    const struct value_from *, struct error *);

/* Makes the value of base to (which has none yet) a copy of from's. */
void value_copy(const struct config_key *, void *to, const void *from);

/* Frees what the value owns. */
void value_free(const struct config_key *, void *base);

/* Both for a whole table: fallbacks into a zeroed struct; all freed. */
void values_fallback(const struct config_key *table, void *base);
void values_free(const struct config_key *table, void *base);

/* Puts the names of a table's entries into list, which NULL ends. */
#define VALUE_NAMES (CONFIG_KEYS_MAX + 1)
void value_names(const struct config_key *table, const char *list[VALUE_NAMES]);

/* The name of a network interface as Linux takes it; -1 with a reason. */
int value_ifname_check(const char *name, struct error *);

#endif
