/*
 * size.h: guests learn the size of the pane one types into: hvc0 has it from
 * the backend ("console-size"), a serial line from a command that is typed.
 * Main thread.
 */
#ifndef TUI_SIZE_H
#define TUI_SIZE_H

#include "tui/model.h"

struct event;
struct pane;
struct ui;

/* What a guest was last told, so that it hears of changes only. */
struct size {
	struct event *timer; /* a change is told when it has settled */
	char name[MODEL_NAME_MAX + 1];
	long pid;
	unsigned rows, cols;
};

/* Returns -1 if there is no memory. */
int size_begin(struct ui *ui);
void size_end(struct ui *ui);
/* The focus or a size may have changed. */
void size_follow(struct ui *ui);
/* Types the command that tells a serial line's program its size. */
void size_type(struct ui *ui, struct pane *p);

#endif
