/*
 * pane_own.h: what the files of a pane share; nobody else includes it.
 *
 *	pane.c          the table of panes, their terminals, keys and looks
 *	pane_stream.c   the stream from and into the guest process
 */
#ifndef TUI_PANE_OWN_H
#define TUI_PANE_OWN_H

#include <sys/queue.h>

#include <time.h>

#include "tui/pane.h"

struct evbuffer;
struct event;
struct record;
struct save;
struct term;

/*
 *	           console command            end of file
 *	APART ----> ASKING ----> CONNECTED ----------> APART
 *	                \--error----------------------/
 */
enum phase { APART, ASKING, CONNECTED };

struct pane {
	LIST_ENTRY(pane) entry;
	struct panes *panes;
	char name[MODEL_NAME_MAX + 1];
	char port[PANE_PORT_MAX + 1];
	bool own; /* a tile's: not shared, not found by pane_find() */
	unsigned asked; /* the number of its last request for a console */
	uint64_t heard; /* bytes, but for the past */
	struct term *term;
	unsigned rows, cols; /* of its room */
	unsigned fixed_rows, fixed_cols; /* of the terminal; 0: the room's */
	unsigned part_row, part_col; /* see pane_part() */
	enum phase phase;
	int fd;
	struct event *read, *write;
	struct evbuffer *queue;
	long pid; /* of the guest process it was last connected to */
	long asked_pid; /* of the one it is asking for */
	time_t refused; /* when a console was refused; 0: was not */
	/*
	 * What comes first is the past: history bytes if the answer said how
	 * many, else all until the stream runs dry for the first time.
	 */
	bool replaying;
	int64_t history; /* -1: not told */
	bool focus, full;
	bool feeding; /* in term_input(): output are answers, not typing */
	bool moved; /* the view, since pane_moved() */
	unsigned id;
	struct looking *look;
	struct record *record; /* NULL: it is not recorded */
	struct save *save; /* NULL: it is not being saved */
};

struct panes {
	LIST_HEAD(, pane) list;
	struct event_base *base;
	int priority;
	struct wire *wire;
	const struct panes_ops *ops;
	void *arg;
	unsigned asked; /* requests so far */
	unsigned made; /* panes so far */
};

/*
 * pane_stream.c. Sends what is in the queue / closes the stream and forgets
 * what was typed / empties the terminal, with what it had above or without /
 * passes what the terminal was fed to a recording, if there is one.
 */
void pane_flush(struct pane *p);
void pane_disconnect(struct pane *p);
void pane_empty(struct pane *p, bool history);
void pane_recorded(struct pane *p, const char *bytes, size_t len);

#endif
