/*
 * raw.h: the text of a file under the cursor: lines, typing, undo without
 * limit. Knows nothing of the screen; main thread.
 */
#ifndef TUI_RAW_H
#define TUI_RAW_H

#include <stdbool.h>
#include <stddef.h>

/* One change, and how to take it back. */
struct raw_change {
	size_t at;
	char *gone, *came; /* owned; NULL: nothing */
	size_t ngone, ncame;
	size_t cursor; /* before it */
	bool typed; /* the next letter may join it */
};

struct raw {
	char *text; /* with a zero byte behind it */
	size_t len;
	size_t at; /* of the cursor, in bytes */
	int goal; /* the column that up and down keep to; -1: where it is */
	struct raw_change *change;
	size_t changes, done; /* done: those not taken back */
};

/* Another text, with no history. -1: no memory, nothing changed. */
int raw_set(struct raw *r, const char *text, size_t len);
void raw_clear(struct raw *r);

/* Puts n bytes in place of del bytes at an offset, the cursor behind them. */
void raw_splice(
    struct raw *r, size_t at, size_t del, const char *bytes, size_t n);
/* Typing at the cursor, and what is before or behind it taken out. */
void raw_type(struct raw *r, const char *bytes, size_t n);
void raw_backspace(struct raw *r);
void raw_delete(struct raw *r);
/* All of the cursor's line. */
void raw_delete_line(struct raw *r);
/* Return whether there was something to take back, or to do again. */
bool raw_undo(struct raw *r);
bool raw_redo(struct raw *r);

/* Lines count from 0. A text has at least one. */
size_t raw_lines(const struct raw *r);
size_t raw_line_of(const struct raw *r, size_t at);
/* The offset of a line, that of the end for lines behind it. */
size_t raw_offset(const struct raw *r, size_t line);
/* Its length without its end ("\n" or "\r\n"). */
size_t raw_length(const struct raw *r, size_t at);

/* The cursor: by characters, by lines, within the line. */
void raw_left(struct raw *r);
void raw_right(struct raw *r);
void raw_rows(struct raw *r, long by);
void raw_home(struct raw *r);
void raw_end(struct raw *r);
void raw_go(struct raw *r, size_t line);

/* Columns of the line in front of the cursor. */
int raw_column(const struct raw *r);

/*
 * The next place of a text from behind the cursor on, around the end; step -1
 * is back. Case counts only if the text has capitals. False: there is none.
 */
bool raw_find(struct raw *r, const char *text, int step);

#endif
