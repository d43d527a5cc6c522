/*
 * tty.h: the person's terminal, taken and given back.
 *
 * One a process, main thread. Whatever happens (exit, SIGTERM, a crash of
 * ours) the terminal is given back as it was found; only SIGKILL is beyond
 * that. With draw.c the only file that knows ncurses.
 */
#ifndef TUI_TTY_H
#define TUI_TTY_H

#include <stdbool.h>

#include "config/error.h"

/* Whether there is a terminal to take. Returns 0, or -1 with the reason. */
int tty_check(struct error *err);
/*
 * Takes standard input and output: ncurses, raw mode, bracketed paste.
 * setlocale() was called before. Returns 0, or -1 with the reason.
 */
int tty_open(struct error *err);
/* Gives it back. May be called more than once. */
void tty_close(void);

/* Lines and columns as the kernel has them now; tells ncurses. */
void tty_resize(int *rows, int *cols);
/* Whether output would go out now: a stopped terminal must not stop us. */
bool tty_writable(void);
/* Stops the process as ctrl-z does, and comes back when it is continued. */
void tty_suspend(void);
/* Takes the terminal again after something else stopped the process. */
void tty_resume(void);
/* The terminal beeps, or flashes if it cannot. */
void tty_bell(void);

#endif
