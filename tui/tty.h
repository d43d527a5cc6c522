/*
 * tty.h: the person's terminal, taken and given back.
 *
 * ncurses writes each frame into memory, and from there it goes out without
 * ever blocking: a terminal that is slow or stopped gets fewer frames, and
 * consoles are read and guests run on meanwhile.
 *
 *	ncurses --frame--> memfd --tty_push()--> queue --as it takes--> tty
 *
 * One a process, main thread. Whatever happens (exit, SIGTERM, a crash of
 * ours) the terminal is given back as it was found; only SIGKILL is beyond
 * that. With draw.c the only file that knows ncurses.
 */
#ifndef TUI_TTY_H
#define TUI_TTY_H

#include <stdbool.h>
#include <stddef.h>

#include "config/error.h"

/* Whether there is a terminal to take. Returns 0, or -1 with the reason. */
int tty_check(struct error *err);
/*
 * Takes standard input and output: ncurses, raw mode, bracketed paste.
 * setlocale() was called before. Returns 0, or -1 with the reason.
 */
int tty_open(struct error *err);
/* Gives it back. May be called more than once, also without tty_open(). */
void tty_close(void);

/* Lines and columns as the kernel has them now; tells ncurses. */
void tty_resize(int *rows, int *cols);
/*
 * Sends what ncurses wrote, as much as the terminal takes. Returns whether
 * all of it is gone; if not, call again when tty_fd() is writable, and draw
 * no frame before.
 */
bool tty_push(void);
/* The terminal, for output; -1 if it is not taken. */
int tty_fd(void);
/*
 * The cursor's shape, as in draw_cursor_shaped(); nothing happens if it has
 * that already, or if terminfo knows no way (Ss).
 */
void tty_cursor(int shape);
/*
 * The terminal's title (OSC 2), NULL: the one that it had before. text has no
 * control characters. Terminals that would show it as text get none.
 */
void tty_title(const char *text);
/*
 * Whether presses, drags and the wheel come as input (input.h); without it
 * the terminal selects text by itself. Off at first.
 */
void tty_mouse(bool on);
/* Stops the process as ctrl-z does, and comes back when it is continued. */
void tty_suspend(void);
/* Lends the terminal to another program, until tty_resume(). */
void tty_lend(void);
/* Takes the terminal again after something else stopped the process. */
void tty_resume(void);
/*
 * Puts text into the terminal's clipboard (OSC 52, xterm's "ctlseqs"), with
 * the next tty_push() and between two frames. Returns 0, or -1 with the
 * reason if this terminal has none that a program can write to. A terminal
 * may refuse it without telling.
 */
int tty_copy(const char *text, size_t len, struct error *err);
/* The terminal beeps, or flashes if it cannot, with the next tty_push(). */
void tty_bell(void);

#endif
