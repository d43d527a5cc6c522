/*
 * consoles_keys.h: the commands behind the prefix key in the consoles view.
 * Private to view_consoles.c and its files. Main thread.
 */
#ifndef TUI_CONSOLES_KEYS_H
#define TUI_CONSOLES_KEYS_H

#include "tui/keys.h"

/* All of them. */
extern const struct binding consoles_commands[];
/* Those that may be pressed again without the prefix for a moment. */
extern const struct binding consoles_repeated[];
/* Without the prefix: when there is no pane, and when there is one. */
extern const struct binding consoles_empty[];
extern const struct binding consoles_typing[];

/* The prefix was pressed (the next key is a command), or that is over. */
void consoles_arm(struct ui *ui);
void consoles_disarm(struct ui *ui);

/* consoles_layouts.c */
/* The next ready-made layout. */
void consoles_next_shape(struct ui *ui);
/* Asks for a layout, ready-made or saved. */
void consoles_choose_layout(struct ui *ui);
/* Asks for a name and saves the layout under it. */
void consoles_save_layout(struct ui *ui);

#endif
