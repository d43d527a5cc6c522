/*
 * sheet.h: a page of text over the right side (or, on a narrow screen, over
 * the view): help, the mistakes of the configuration. It has the keyboard
 * while it is open; esc closes it. Main thread.
 */
#ifndef TUI_SHEET_H
#define TUI_SHEET_H

#include <stdbool.h>
#include <stddef.h>

#include "tui/keys.h"
#include "tui/theme.h"

struct ui;

struct sheet_line {
	enum style style;
	char *head; /* a key's name, or NULL */
	char *text; /* wrapped */
};

struct sheet {
	bool open;
	char title[64];
	struct sheet_line *line;
	size_t lines;
	int top; /* first row shown */
	int rows; /* all rows, as last drawn */
	bool wide; /* over the whole view */
	bool follow; /* stays at its end while lines come */
	void (*closed)(struct ui *ui); /* NULL: nobody is told */
	char search[64]; /* "" if nothing was searched for */
	size_t found; /* the line with it that one is at */
};

/* Opens an empty page. */
void sheet_open(struct ui *ui, const char *title);
void sheet_add(
    struct ui *ui, enum style style, const char *head, const char *text);
/* For one that was just opened: see struct sheet. */
void sheet_wide(struct ui *ui, bool follow, void (*closed)(struct ui *ui));
void sheet_close(struct ui *ui);
void sheet_draw(struct ui *ui);
/* The mouse while it is open: the wheel scrolls. */
void sheet_mouse(struct ui *ui, const struct mouse *m);
/* The keys while it is open. */
extern const struct binding sheet_bindings[];

/* The keys of where one is, from the view's tables and the given one. */
void sheet_help(struct ui *ui, const struct keytable *global);
/* The keys of one table. */
void sheet_help_of(
    struct ui *ui, const char *title, const struct keytable *table);
/* Every mistake of the configuration. */
void sheet_mistakes(struct ui *ui);

#endif
