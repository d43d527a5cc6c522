/*
 * changes.h: what saving a configuration would change, for people: whom it
 * reaches and when, and the lines that differ. Of forms and the raw editor.
 * Main thread.
 */
#ifndef TUI_CHANGES_H
#define TUI_CHANGES_H

#include <stddef.h>

#include "config/edit.h"
#include "tui/theme.h"

struct ui;

typedef void changes_line(enum style style, const char *text, void *arg);

/* Calls with each line about the edit's text, against its base. */
void changes_all(
    struct ui *ui, const struct edit *edit, changes_line *line, void *arg);
/* Only the lines that differ, with their numbers in the new text. */
void changes_lines(const char *old_text, size_t old_len, const char *new_text,
    size_t new_len, changes_line *line, void *arg);

#endif
