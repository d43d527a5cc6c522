/*
 * editor.h: a text in the person's own editor ($VISUAL, $EDITOR, vi), which
 * has the terminal meanwhile: no key is read and nothing is drawn. The loop
 * goes on, so guests' consoles are read. Main thread.
 *
 *	text --> a file of the person's own --> editor --> text
 *
 * The editor is a job of the terminal as a shell would start it, so that its
 * ctrl-c is its own; writing, waiting and reading is a thread's (work.h).
 */
#ifndef TUI_EDITOR_H
#define TUI_EDITOR_H

#include <stddef.h>

struct editor;
struct ui;

/*
 * Begins. done is called when the terminal is back: with the text, which is
 * gone behind it, or with NULL after saying what went wrong.
 */
void editor_open(struct ui *ui, const char *text, size_t len,
    void (*done)(struct ui *ui, const char *text, size_t len));
/* Takes the terminal back from an editor, which is ended; done is not called. */
void editor_end(struct ui *ui);

#endif
