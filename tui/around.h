/* around.h: the first and the last line, around every view. Main thread. */
#ifndef TUI_AROUND_H
#define TUI_AROUND_H

#include "tui/keys.h"

struct ui;

/* The host: name, guests by state, CPU and memory. */
void top_draw(struct ui *ui);
/*
 * The prompt, or the message, or the keys that do something now: those of
 * the table in force, then those of the global one.
 */
void bottom_draw(struct ui *ui, const struct binding *global);

#endif
