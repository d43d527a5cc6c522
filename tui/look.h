/*
 * look.h: looking back in one pane: its scrollback under a cursor of one's
 * own, search, selection, copying, saving, recording. Main thread.
 *
 *	look.c        where one looks: view, cursor, selection, search
 *	look_keys.c   its keys, as tmux's copy mode has them with vi keys
 *	look_mouse.c  the mouse in a pane
 *	look_copy.c   text out of it: clipboard, files, recordings
 *	look_draw.c   highlights, and what the title says
 *
 * A pane's owner (a view) gives keys to look_key() while look_on(), the mouse
 * to look_mouse() always, draws with paint.c, and puts look_title() into the
 * pane's border. The guest prints on meanwhile, and what one looks at stays.
 */
#ifndef TUI_LOOK_H
#define TUI_LOOK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "term/find.h"
#include "tui/draw.h"
#include "tui/input.h"
#include "tui/keys.h"

struct event;
struct event_base;
struct pane;
struct sinks;
struct ui;

#define LOOK_PATTERN 256 /* bytes of a search */
/* Text for a terminal's clipboard; tmux takes 1 MiB in base64. */
#define LOOK_COPY_MAX (512 << 10)

enum look_unit { LOOK_CHARS, LOOK_WORDS, LOOK_LINES };

/* Looking back in a pane; one each, made with it. */
struct looking {
	struct pane *pane;
	struct term *term;
	bool on;
	/* It began by scrolling, so it ends where that reaches the present. */
	bool passing;
	uint64_t top; /* the line at the top of the view */
	struct term_place at; /* the cursor */
	unsigned want; /* the column it goes to where there is one */
	bool selecting;
	enum look_unit unit;
	struct term_place from; /* where the selection began */
	struct find *find; /* NULL: nothing is searched */
	char pattern[LOOK_PATTERN];
	bool forward; /* n goes on towards the present */
	bool seek; /* go to the next match as soon as it is known */
	bool stale; /* the term changed since the search saw it */
	bool searched; /* all of it */
	bool hit; /* one is at a match, which begins at hit_at */
	struct term_place hit_at;
	/* Where one was when the search began. */
	struct term_place origin;
	uint64_t origin_top;
	struct event *work; /* goes on with the search */
};

/* For pane.c. Returns -1 if memory is short. */
int look_init(struct looking *l, struct pane *p, struct term *t,
    struct event_base *base, int priority);
void look_free(struct looking *l);
/* The terminal was fed: what one looks at may be gone. */
void look_fed(struct looking *l);
/*
 * Changes the terminal's size, and keeps the n places (at most 4) and all of
 * the looking where they are in the text.
 */
void look_resize(struct looking *l, unsigned rows, unsigned cols,
    struct term_place **places, unsigned n);

/* Begins, with the view at the screen; does nothing if it is on. */
void look_open(struct pane *p, bool passing);
void look_close(struct pane *p);
bool look_on(struct pane *p);
/* Moves the view, lines towards the past are positive; see passing. */
void look_scroll(struct pane *p, long lines);
/* The same, and the cursor stays in its row of the view. */
void look_page(struct pane *p, long lines);
/* Moves the cursor, and the view if it is outside of it. */
void look_move(struct pane *p, struct term_place to);
/* Selects from here on, or no more. */
void look_select(struct pane *p, enum look_unit unit);
void look_unselect(struct pane *p);
/* The selection, both ends included; false if there is none. */
bool look_selection(
    const struct looking *l, struct term_place *from, struct term_place *to);
/*
 * Searches; the cursor goes to the first match from where the search began
 * (look_origin()) in that direction. "" ends the search.
 */
void look_origin(struct pane *p);
void look_search(struct pane *p, const char *pattern, bool forward);
/*
 * Goes to what is sought, as far as that takes no time: the key that comes
 * now was pressed for there.
 */
void look_settle(struct pane *p);
/* To the next match, in the direction of the search or against it. */
void look_next(struct pane *p, bool against);
/* Back to where the search began, without it. */
void look_search_cancel(struct pane *p);

/* look_keys.c */
/* What the screen remembers of looking back. */
struct looks {
	struct pane *pane; /* of the key in hand; never across events */
	unsigned id; /* the pane a prompt is about */
	bool opened; /* the prompt began the looking back */
	bool forward; /* the search asked for */
	bool whole; /* the file asked for gets all of the history */
	bool recording; /* it gets a recording */
	char path[1024]; /* of that file, while one is asked to overwrite */
	struct sinks *sinks;
	/* The mouse: the last press, and what became of it. */
	struct pane *pressed;
	int64_t when;
	int row, col, clicks;
	bool dragged;
};

/* Returns -1 if memory is short. */
int look_begin(struct ui *ui);
/* After all panes are gone. */
void look_end(struct ui *ui);
/* A key while look_on(p). */
void look_key(struct ui *ui, struct pane *p, struct key key);
/* Its keys, for the bottom line. */
const struct binding *look_table(struct ui *ui, struct pane *p);
/* For the help. */
extern const struct binding look_bindings[];
/* Asks for what to search in p, beginning to look back if need be. */
void look_ask(struct ui *ui, struct pane *p, bool forward);

/* look_mouse.c */
/*
 * The mouse over p, which is shown at r, or dragged from it. The guest gets
 * it if it asked for it (then shift keeps it here).
 */
void look_mouse(struct ui *ui, struct pane *p, const struct rect *r,
    const struct mouse *mouse);

/* look_copy.c */
/* The selection to the terminal's clipboard; -1, and it was said why not. */
int look_copy(struct ui *ui, struct pane *p);
/* Asks for a file for the selection, or, if there is none, all there is. */
void look_ask_save(struct ui *ui, struct pane *p);
/* Begins to record the pane, asking for a file, or ends that. */
void look_record(struct ui *ui, struct pane *p);

/* look_draw.c */
/* What is highlighted in a row. */
struct look_marks {
	bool any;
	bool selected;
	struct term_place from, to; /* selected */
	const struct find *find;
	size_t i, n; /* of the next match, and all */
	bool hit;
	struct term_place hit_at;
};

/* Begins a row of p. */
void look_marks(struct pane *p, uint64_t line, struct look_marks *m);
/* Changes a cell of that row, asked for from left to right. */
void look_mark(
    struct look_marks *m, uint64_t line, unsigned col, struct draw_cell *cell);
/*
 * What the pane's border says of the looking back ("search 3/17: error  40
 * lines back"), "" if nothing. Returns buf.
 */
const char *look_title(struct pane *p, char *buf, size_t len);

#endif
