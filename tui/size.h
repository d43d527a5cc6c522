/*
 * size.h: guests learn the size of the pane one types into: hvc0 has it from
 * the backend ("console-size"), a serial line from a command that is typed.
 * Where somebody else has a larger pane of it hvc0 stays as large as that, and
 * ours shows a part (pane_part()). Main thread.
 */
#ifndef TUI_SIZE_H
#define TUI_SIZE_H

#include "tui/model.h"
#include "tui/pane.h"

struct event;
struct pane;
struct ui;

/* What the backend was last told, so that it hears of changes only. */
struct size {
	struct event *timer; /* a change is told when it has settled */
	char name[MODEL_NAME_MAX + 1]; /* "": of no guest */
	char port[PANE_PORT_MAX + 1];
	long pid;
	unsigned rows, cols;
};

/* Returns -1 if there is no memory. */
int size_begin(struct ui *ui);
void size_end(struct ui *ui);
/* The focus or a size may have changed. */
void size_follow(struct ui *ui);
/* Gives the pane's terminal the size that its guest's console has. */
void size_fit(const struct ui *ui, struct pane *p, const struct guest *g);
/* Types the command that tells a serial line's program its size. */
void size_type(struct ui *ui, struct pane *p);

#endif
