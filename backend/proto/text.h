/*
 * text.h: text of files and people as JSON. A path may hold any bytes and a
 * sentence may be cut in the middle of a letter; JSON takes UTF-8 only, and
 * an answer that cannot be written is one that somebody waits for in vain.
 * Pure, any thread.
 */
#ifndef BACKEND_PROTO_TEXT_H
#define BACKEND_PROTO_TEXT_H

#include <jansson.h>

/*
 * A new JSON string of s (NULL: ""), with "?" for each byte that is not part
 * of UTF-8. NULL: no memory.
 */
json_t *text_json(const char *s);

#endif
