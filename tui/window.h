/*
 * window.h: what guests may do to the person's terminal, if their definition
 * allows it (allow = title, clipboard) and the keyboard is in their console:
 * give it a title, write to its clipboard. Main thread.
 *
 *	guest --OSC 0, 2--> term_title() ------------------.
 *	guest --OSC 52--> window_clipboard() --> clip --.   |
 *	                                                v   v
 *	                 each frame: window_draw() --> tty.c, made anew
 *
 * Of a clipboard only the newest text is kept, and it goes out with a frame,
 * so a guest that writes all the time never fills more than that.
 */
#ifndef TUI_WINDOW_H
#define TUI_WINDOW_H

#include <stdbool.h>
#include <stddef.h>

#include "tui/model.h"

struct event;
struct pane;
struct ui;

struct window {
	struct event *timer; /* between two writes to the clipboard */
	char *clip; /* waits for a frame; NULL: nothing does */
	size_t len;
	char name[MODEL_NAME_MAX + 1]; /* of the guest it is from */
};

/* Returns -1 if there is no memory. */
int window_begin(struct ui *ui);
void window_end(struct ui *ui);

/* The pane that has the keyboard, or NULL. */
struct pane *window_pane(const struct ui *ui);
/* Whether the pane's guest is allowed that (CONFIG_ALLOW_...). */
bool window_allows(const struct ui *ui, const struct pane *p, unsigned what);
/* The title that the pane's guest gave, "" if it may not give one. */
const char *window_title(const struct ui *ui, struct pane *p);

/* The guest of the pane wrote that (term_ops.clipboard). */
void window_clipboard(
    struct ui *ui, struct pane *p, const char *text, size_t len);
/* Before a frame is sent. */
void window_draw(struct ui *ui);

#endif
