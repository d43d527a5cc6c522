/*
 * field.h: a line of text that is edited: what is typed, where the cursor is.
 * Of the prompt and of the fields of a form. Main thread.
 */
#ifndef TUI_FIELD_H
#define TUI_FIELD_H

#include <stdbool.h>
#include <stddef.h>

#include "tui/draw.h"
#include "tui/input.h"

#define FIELD_MAX 1024 /* bytes with the zero */

struct field {
	char text[FIELD_MAX]; /* UTF-8 */
	size_t at; /* of the cursor, in bytes */
	size_t left; /* first byte shown, where there is no room for all */
};

/* Gives it a text, the cursor behind it. */
void field_set(struct field *f, const char *text);

enum field_did { FIELD_NOT, FIELD_MOVED, FIELD_CHANGED };

/*
 * A key: letters, backspace, del, arrows, home, end, and ctrl- a e u k w h d
 * as in a shell. FIELD_NOT: the key means nothing here, or would change
 * nothing.
 */
enum field_did field_key(struct field *f, struct key key);
/* Puts what can be in a line, up to its end, at the cursor. */
bool field_paste(struct field *f, const char *text, size_t len);
/* Puts text in place of the bytes from start up to the cursor. */
void field_put(struct field *f, size_t start, const char *text);

/*
 * Draws it in width columns at row y and column x of r, moved so that the
 * cursor is seen; with cursor, the terminal's goes there.
 */
void field_draw(const struct rect *r, int y, int x, int width, enum style style,
    struct field *f, bool cursor);

#endif
