/*
 * pane.h: a guest's console: its terminal and the stream into the guest
 * process, opened when first looked at and kept from then on, so that nothing
 * that it prints is missed. Drawn by paint.c. Main thread.
 */
#ifndef TUI_PANE_H
#define TUI_PANE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "term/select.h"
#include "tui/input.h"
#include "tui/model.h"

struct event_base;
struct looking;
struct sink;
struct wire;
struct pane;
struct panes;

/* A guest's two consoles, as the wire names them. */
#define PANE_SERIAL   "ttyS0"
#define PANE_SERIAL2  "ttyS1" /* where serial2 = yes */
#define PANE_VIRTIO   "hvc0"
#define PANE_PORT_MAX 7

struct panes_ops {
	/* The guest printed something, or the text changed otherwise. */
	void (*text)(struct pane *p, void *arg);
	/* Its title, whether it is connected, how far one looks back. */
	void (*state)(struct pane *p, void *arg);
	void (*bell)(struct pane *p, void *arg);
	/* See struct term_ops; whether it may is not asked here. */
	void (*clipboard)(
	    struct pane *p, const char *text, size_t len, void *arg);
	/* A sentence for the person. */
	void (*error)(const char *text, void *arg);
};

/*
 * The table of all panes. wire and ops stay the caller's; console streams are
 * read with the given event priority. NULL: no memory.
 */
struct panes *panes_new(struct event_base *base, int priority,
    struct wire *wire, const struct panes_ops *ops, void *arg);
void panes_free(struct panes *ps);

/* The guest's, or NULL if nobody looked at it yet. */
struct pane *pane_find(const struct panes *ps, const char *name);
/*
 * The guest's, made if there is none, of that size. Connects if the guest has
 * a console and the pane has not. NULL: no memory.
 */
struct pane *pane_look(
    struct panes *ps, const struct guest *g, unsigned rows, unsigned cols);
/*
 * One of its own for a tile, of the guest of that name, which need not exist
 * yet; it comes and goes and the pane stays until pane_free(). NULL: no memory.
 */
struct pane *pane_new(struct panes *ps, const char *name, const char *port,
    unsigned rows, unsigned cols);
/* NULL is fine. */
void pane_free(struct pane *p);
/* The room that it is shown in; its terminal has that size, but: */
void pane_resize(struct pane *p, unsigned rows, unsigned cols);
/*
 * Its terminal has that size, whatever the room (0, 0: that of the room): the
 * guest's console is that large because of another pane.
 */
void pane_fix(struct pane *p, unsigned rows, unsigned cols);
/* The room, as it was last told. */
unsigned pane_rows(const struct pane *p);
unsigned pane_cols(const struct pane *p);
/*
 * Which row and column of its terminal are at the top left of h x w cells:
 * where not all fits, the part with the cursor is shown.
 */
void pane_part(
    struct pane *p, unsigned h, unsigned w, unsigned *row, unsigned *col);
/* Connects if the guest has a console and the pane has not. */
void pane_connect(struct pane *p, const struct guest *g);
/* The console it shows: PANE_SERIAL, PANE_SERIAL2 or PANE_VIRTIO. */
const char *pane_port(const struct pane *p);
/* The same for people, with its size if that is not its room's. */
const char *pane_label(const struct pane *p, char *buf, size_t len);
/* Shows the other one, from its history on. g NULL: the guest is not there. */
void pane_turn(struct pane *p, const struct guest *g);
/* Whether it ever was connected: there is something to see in it. */
bool pane_used(const struct pane *p);
/* Bytes that the guest printed while connected; rises with every one. */
uint64_t pane_heard(const struct pane *p);
/* The guests changed: panes connect to those that came up again. */
void panes_update(struct panes *ps, const struct model *m);

const char *pane_name(const struct pane *p);
/* For reading and drawing; damage is the painter's to clear. */
struct term *pane_term(struct pane *p);
/* Whether keys reach a guest. */
bool pane_connected(const struct pane *p);

/*
 * Typing. Returns false if the guest does not take it (it is not connected,
 * or has not read for so long that the queue is full).
 */
bool pane_key(struct pane *p, struct key key);
bool pane_paste(struct pane *p, const char *text, size_t len);
/* Whether the keyboard is in it: only then the terminal answers queries. */
void pane_focus(struct pane *p, bool focus);

/*
 * Looking back (look.h): pane_top() is the line at the top of the view,
 * pane_back() how many lines that is above the screen, 0 if one sees the
 * screen.
 */
struct looking *pane_looking(const struct pane *p);
/* What one looks at changed, other than by what the guest printed. */
void pane_looked(struct pane *p);
uint64_t pane_top(const struct pane *p);
unsigned pane_back(const struct pane *p);
/* Whether the view moved over the text since the last call. */
bool pane_moved(struct pane *p);

/* For who may have to find it again: a number that no other pane ever has. */
unsigned pane_id(const struct pane *p);
struct pane *pane_by_id(const struct panes *ps, unsigned id);

/*
 * Files. pane_record() records into the sink, which is the pane's then, or
 * ends that if it is NULL; pane_save() writes a part of the text into it. -1:
 * no memory, and the sink is closed.
 */
int pane_record(struct pane *p, struct sink *sink);
bool pane_recording(const struct pane *p);
int pane_save(struct pane *p, struct term_place from, struct term_place to,
    struct sink *sink);
/* A file failed: recordings that have nowhere to go end. */
void panes_settle(struct panes *ps);

#endif
