/*
 * settings.h: what the configuration says about the screen itself: [keys]
 * (keymap.h) and [theme] (theme.h). Main thread.
 */
#ifndef TUI_SETTINGS_H
#define TUI_SETTINGS_H

#include <stdbool.h>

struct ui;

/*
 * Tells config/ what the two sections may have, so that whoever reads a
 * configuration, `vmtui check` and the backend too, finds what is wrong
 * there. First of all in a process that reads one.
 */
void settings_begin(void);

/*
 * Reads the two sections and puts them in force; the screen is drawn anew.
 * What cannot be used is left out, and the first reason shown. At the start
 * of a screen, which waits for it.
 */
void settings_load(struct ui *ui);
/* The same beside the screen's loop, when the file may have changed. */
void settings_reload(struct ui *ui);

/* Gives the mouse to the screen, or leaves it to the terminal. */
void settings_mouse(struct ui *ui, bool on);

#endif
