/*
 * everywhere.h: keys, mouse and pastes, given to what has the keyboard: the
 * prompt, a page of text, a form, the view, then the keys that work in all
 * views. Main thread.
 */
#ifndef TUI_EVERYWHERE_H
#define TUI_EVERYWHERE_H

#include "tui/keys.h"

struct ui;

/* What works in all views. */
extern const struct binding everywhere_bindings[];
extern const struct keytable everywhere_help;

void everywhere_key(struct ui *ui, struct key key);
void everywhere_mouse(struct ui *ui, const struct mouse *mouse);
void everywhere_paste(struct ui *ui, const char *text, size_t len);

#endif
