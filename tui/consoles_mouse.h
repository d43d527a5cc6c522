/* consoles_mouse.h: the mouse in the consoles view. Main thread. */
#ifndef TUI_CONSOLES_MOUSE_H
#define TUI_CONSOLES_MOUSE_H

#include "tui/input.h"

struct ui;

/*
 * A click turns to a pane, a drag of a border moves it, two clicks on a title
 * zoom; within a pane the mouse is the guest's if it asked for it.
 */
void consoles_mouse(struct ui *ui, const struct mouse *mouse);

#endif
