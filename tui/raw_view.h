/*
 * raw_view.h: what the view of the configuration remembers: the file's text
 * being edited, its mistakes, what was read. view_config.c draws and has the
 * keys, raw_file.c reads, checks and saves beside the loop. Main thread.
 */
#ifndef TUI_RAW_VIEW_H
#define TUI_RAW_VIEW_H

#include "config/edit.h"
#include "tui/raw.h"

struct event;
struct ui;

struct raw_view {
	struct raw raw;
	struct edit *edit; /* the file as it was read; NULL: not yet */
	struct config_mistakes mistakes; /* of the text, a moment ago */
	struct event *check;
	unsigned visit; /* answers for an earlier reading come too late */
	bool busy; /* reading or saving */
	bool typing; /* letters are text */
	bool to_mistake; /* go to the first one when it is read */
	size_t top; /* line */
	int left; /* column */
	char search[64];
	char
	    *more; /* to be added when the file is read; NULL: nothing; owned */
	size_t nmore;
	struct edit *wait; /* between the question and the answer */
};

/* Reads the file, unless there are changes of one's own. */
void raw_read(struct ui *ui);
/* Whether the text is not what the file was. */
bool raw_changed(const struct ui *ui);
/* The text was changed: it is checked soon. */
void raw_touched(struct ui *ui);
void raw_check(struct ui *ui);
/* The text came from elsewhere: it is checked, its first mistake shown. */
void raw_came_back(struct ui *ui);
/* Shows what changes, asks, saves. */
void raw_save(struct ui *ui);
/* Drops what was changed. */
void raw_drop(struct ui *ui);
void raw_end_view(struct ui *ui);
/*
 * Turns to the view, with that text behind the file's own: a change like one
 * that was typed.
 */
void raw_add(struct ui *ui, const char *text, size_t len);
/* Turns to the view, at the first mistake of the file. */
void raw_open_at_mistake(struct ui *ui);

#endif
