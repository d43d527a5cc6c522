/*
 * source.h: from text to sections of raw entries, by way of inih. Private to
 * config/.
 */
#ifndef CONFIG_SOURCE_H
#define CONFIG_SOURCE_H

#include "config/config.h"

/*
 * Appends the sections of the text to the model's list, and what is wrong
 * with single lines to mistakes. Knows the kinds of sections, but not their
 * keys.
 */
void source_read(const char *text, size_t len, struct config *,
    struct config_mistakes *mistakes);

void source_free(struct config *);

#endif
