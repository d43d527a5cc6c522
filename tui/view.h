/*
 * view.h: a view fills the screen between the top and the bottom line. One
 * file a view, one line in the table of view.c. Main thread.
 */
#ifndef TUI_VIEW_H
#define TUI_VIEW_H

#include <stdbool.h>
#include <stddef.h>

#include "tui/keys.h"
#include "tui/draw.h"
#include "tui/model.h"
#include "tui/pick.h"

struct ui;

struct view {
	const char *name;
	char key; /* '1' to '9': turns to it */
	/* Draws into ui->layout what dirty (DIRTY_...) says. */
	void (*draw)(struct ui *ui, unsigned dirty);
	/* The keys in force now; a table that ends with a NULL run. */
	const struct binding *(*bindings)(const struct ui *ui);
	/*
	 * A key before any table: true if the view took it (as typing into a
	 * console). May be NULL.
	 */
	bool (*typed)(struct ui *ui, struct key key);
	/* Pasted text; false if it has no use for it. May be NULL. */
	bool (*pasted)(struct ui *ui, const char *text, size_t len);
	/*
	 * The mouse, anywhere on the screen; not while a prompt or a page of
	 * text is open. May be NULL.
	 */
	void (*mouse)(struct ui *ui, const struct mouse *mouse);
	/* The model or the layout changed: see that all still fits. */
	void (*update)(struct ui *ui);
	/* It comes to the screen or leaves it. May be NULL. */
	void (*turned)(struct ui *ui, bool to);
	/* The guest that actions are about, or NULL. */
	struct guest *(*guest)(const struct ui *ui);
	/*
	 * Words for the bottom line in place of the keys that work everywhere
	 * (they do not now); NULL: these work.
	 */
	const char *(*hint)(const struct ui *ui);
	/* For the help: its tables, ended by a NULL title. */
	const struct keytable *help;
};

/* All of them, ended by NULL; the first is the one shown at the start. */
extern const struct view *const views[];

/* view_switches.c */
extern const struct view view_switches;

/* What view_switches.c remembers. */
struct switches_view {
	size_t at, top; /* rows: switches and what is in them */
};

/* view_images.c */
extern const struct view view_images;
/* images_keys.c */
extern const struct binding images_bindings[];

/* What a question about an image is to be told when it is answered. */
struct image_question {
	char path[1024];
	char format[8];
	uint64_t size; /* of the disk, bytes */
	char target[1024]; /* what is to be made of it */
};

/* What view_images.c remembers. */
struct images_view {
	char *selected; /* path; NULL: none yet; owned */
	size_t at, top; /* rows of those shown */
	char filter[64];
	size_t *shown; /* places in images.row that the filter lets through */
	size_t nshown, room;
	struct image_question about;
};

/* The selected image, or NULL. */
const struct image_row *images_here(const struct ui *ui);
/* Moves the selection by n rows; the ends are its ends. */
void images_move(struct ui *ui, long n);
/* Rows of the list on the screen. */
int images_list_rows(const struct ui *ui);
/* A guest that runs and uses the image, or NULL. */
const struct guest *images_runs(
    const struct ui *ui, const struct image_row *row);
void images_clear(struct images_view *v);

/* view_config.c */
extern const struct view view_config;
/* Its keys: letters as commands, and as text. */
extern const struct binding raw_reading[], raw_typing[];

/* view_dashboard.c */
extern const struct view view_dashboard;

/* What view_dashboard.c remembers; the selected guest is the list's. */
struct dashboard_view {
	size_t top; /* first row of cells on the screen */
};

/* view_log.c */
extern const struct view view_log;

/* What view_log.c remembers. */
struct log_view {
	char who[MODEL_NAME_MAX + 1]; /* whose lines; "": everybody's */
	bool bad; /* warnings and errors only */
	char search[64];
	size_t *shown; /* places in logs.line that the filters let through */
	size_t nshown, room;
	size_t end; /* behind the last one on the screen */
	unsigned long order; /* of that one: it stays while others come */
	bool follow;
	struct pick pick;
};

/* Turns to the log of one guest. */
void log_open(struct ui *ui, const char *name);
/* Frees what the log has. */
void log_end(struct ui *ui);

/* view_guests.c */
extern const struct view view_guests;
/* view_consoles.c */
extern const struct view view_consoles;

/* What view_guests.c remembers. */
struct guests_view {
	char selected[MODEL_NAME_MAX + 1]; /* by name; "" if there is none */
	char filter[MODEL_NAME_MAX + 1];
	size_t top; /* first row of the list on the screen */
	const struct guest **shown; /* those that the filter lets through */
	size_t nshown, room;
	/* To be selected as soon as it is there. */
	char wanted[MODEL_NAME_MAX + 1];
	struct pick pick; /* over the right of the view */
};

/* Moves the selection by n rows; the ends are its ends. */
void guests_move(struct ui *ui, long n);
void guests_clear(struct guests_view *v);
/* A click selects, the wheel moves; elsewhere it is the console's. */
void guests_mouse(struct ui *ui, const struct mouse *mouse);
/* The colour and the glyph of a state. */
enum style guest_style(enum guest_state state);
const char *guest_glyph(enum guest_state state);
/* Selects the guest of that name. */
void guests_select(struct ui *ui, const char *name);
/* Draws the list, and its row of titles where columns have them. */
void guests_draw_list(struct ui *ui);
/* Draws the selected guest's figures, or what there is to know of it. */
void guests_draw_figures(struct ui *ui);
/* What to do when there is no guest at all. */
void guests_draw_welcome(struct ui *ui, const struct rect *r);

#endif
