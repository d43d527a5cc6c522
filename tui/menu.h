/*
 * menu.h: the commands behind the prefix key, over the last lines of the
 * screen, for one who waits. Made from the table of keys. Main thread.
 */
#ifndef TUI_MENU_H
#define TUI_MENU_H

#include "tui/keys.h"

struct ui;

/* Draws what the table says that can be done now. */
void menu_draw(struct ui *ui, const struct binding *table);

#endif
