#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <event2/buffer.h>
#include <event2/event.h>

#include "tui/look.h"
#include "tui/pane_own.h"
#include "tui/record.h"
#include "tui/save.h"
#include "tui/sink.h"
#include "tui/wire.h"

/* Typing that a guest has not yet taken. */
#define QUEUE_MAX (4 << 20)

struct panes *
panes_new(struct event_base *base, int priority, struct wire *wire,
    const struct panes_ops *ops, void *arg)
{
	struct panes *ps = calloc(1, sizeof *ps);

	if (ps == NULL)
		return NULL;
	LIST_INIT(&ps->list);
	ps->base = base;
	ps->priority = priority;
	ps->wire = wire;
	ps->ops = ops;
	ps->arg = arg;
	return ps;
}

void
pane_free(struct pane *p)
{
	if (p == NULL)
		return;
	pane_disconnect(p);
	LIST_REMOVE(p, entry);
	record_free(p->record);
	save_free(p->save);
	look_free(p->look);
	free(p->look);
	evbuffer_free(p->queue);
	term_free(p->term);
	free(p);
}

void
panes_free(struct panes *ps)
{
	if (ps == NULL)
		return;
	while (!LIST_EMPTY(&ps->list))
		pane_free(LIST_FIRST(&ps->list));
	free(ps);
}

struct pane *
pane_find(const struct panes *ps, const char *name)
{
	struct pane *p;

	LIST_FOREACH (p, &ps->list, entry)
		if (!p->own && strcmp(p->name, name) == 0)
			return p;
	return NULL;
}

/* The terminal has bytes for the guest: typing, or answers to its queries. */
static void
term_says(const char *bytes, size_t len, void *arg)
{
	struct pane *p = arg;

	if (p->phase != CONNECTED || (p->feeding && !p->focus))
		return;
	if (evbuffer_get_length(p->queue) + len > QUEUE_MAX) {
		p->full = true;
		return;
	}
	evbuffer_add(p->queue, bytes, len);
	pane_flush(p);
}

static void
term_damaged_now(void *arg)
{
	struct pane *p = arg;

	p->panes->ops->text(p, p->panes->arg);
}

static void
term_titled(void *arg)
{
	struct pane *p = arg;

	p->panes->ops->state(p, p->panes->arg);
}

static void
term_rang(void *arg)
{
	struct pane *p = arg;

	p->panes->ops->bell(p, p->panes->arg);
}

static void
term_copied(const char *text, size_t len, void *arg)
{
	struct pane *p = arg;

	p->panes->ops->clipboard(p, text, len, p->panes->arg);
}

static const struct term_ops term_ops = {
    .output = term_says,
    .bell = term_rang,
    .title = term_titled,
    .clipboard = term_copied,
    .damage = term_damaged_now,
};

static struct pane *
make(struct panes *ps, const char *name, unsigned rows, unsigned cols)
{
	struct pane *p = calloc(1, sizeof *p);

	if (p == NULL)
		return NULL;
	p->fd = -1;
	p->panes = ps;
	snprintf(p->name, sizeof p->name, "%s", name);
	snprintf(p->port, sizeof p->port, "%s", PANE_SERIAL);
	p->rows = rows;
	p->cols = cols;
	p->queue = evbuffer_new();
	p->term = term_new(rows, cols, TERM_SCROLLBACK, &term_ops, p);
	p->look = calloc(1, sizeof *p->look);
	p->id = ++ps->made;
	if (p->queue == NULL || p->term == NULL || p->look == NULL ||
	    look_init(p->look, p, p->term, ps->base, ps->priority) == -1) {
		if (p->queue != NULL)
			evbuffer_free(p->queue);
		term_free(p->term);
		free(p->look);
		free(p);
		return NULL;
	}
	LIST_INSERT_HEAD(&ps->list, p, entry);
	return p;
}

struct pane *
pane_new(struct panes *ps, const char *name, const char *port, unsigned rows,
    unsigned cols)
{
	struct pane *p = make(ps, name, rows, cols);

	if (p != NULL) {
		p->own = true;
		snprintf(p->port, sizeof p->port, "%s", port);
	}
	return p;
}

/* Gives the terminal the size that it should have. */
static void
fit(struct pane *p)
{
	struct term_place *places[2];
	unsigned n = save_places(p->save, places);
	unsigned rows = p->fixed_rows != 0 ? p->fixed_rows : p->rows;
	unsigned cols = p->fixed_cols != 0 ? p->fixed_cols : p->cols;

	if (term_rows(p->term) == rows && term_cols(p->term) == cols)
		return;
	look_resize(p->look, rows, cols, places, n);
	p->moved = true;
	if (p->record != NULL)
		record_size(p->record, rows, cols);
}

void
pane_resize(struct pane *p, unsigned rows, unsigned cols)
{
	p->rows = rows;
	p->cols = cols;
	fit(p);
}

void
pane_fix(struct pane *p, unsigned rows, unsigned cols)
{
	p->fixed_rows = rows > TERM_MAX ? TERM_MAX : rows;
	p->fixed_cols = cols > TERM_MAX ? TERM_MAX : cols;
	fit(p);
}

unsigned
pane_rows(const struct pane *p)
{
	return p->rows;
}

unsigned
pane_cols(const struct pane *p)
{
	return p->cols;
}

const char *
pane_label(const struct pane *p, char *buf, size_t len)
{
	if (term_rows(p->term) == p->rows && term_cols(p->term) == p->cols)
		snprintf(buf, len, "%s", p->port);
	else
		snprintf(buf, len, "%s %ux%u", p->port, term_cols(p->term),
		    term_rows(p->term));
	return buf;
}

/*
 * Where a part of that length begins: as before, if at is in it then; else
 * with what stands before at, which is what it belongs to.
 */
static unsigned
part_from(unsigned from, unsigned at, unsigned part, unsigned whole)
{
	if (whole <= part)
		return 0;
	if (from > whole - part)
		from = whole - part;
	if (at < from)
		return at < part ? 0 : at - part / 2;
	return at >= from + part ? at - part + 1 : from;
}

void
pane_part(struct pane *p, unsigned h, unsigned w, unsigned *row, unsigned *col)
{
	const struct looking *l = p->look;
	struct term_cursor c;

	term_cursor(p->term, &c);
	if (l->on) {
		c.row = (unsigned)(l->at.line - l->top);
		c.col = l->at.col;
	}
	*row = part_from(p->part_row, c.row, h, term_rows(p->term));
	*col = part_from(p->part_col, c.col, w, term_cols(p->term));
	if (*row != p->part_row || *col != p->part_col)
		p->moved = true;
	p->part_row = *row;
	p->part_col = *col;
}

struct pane *
pane_look(struct panes *ps, const struct guest *g, unsigned rows, unsigned cols)
{
	struct pane *p = pane_find(ps, g->name);

	if (p != NULL)
		pane_resize(p, rows, cols);
	else if ((p = make(ps, g->name, rows, cols)) == NULL)
		return NULL;
	pane_connect(p, g);
	return p;
}

const char *
pane_port(const struct pane *p)
{
	return p->port;
}

/* The next of the guest's consoles, round and round. */
static const char *
next_port(const char *port, const struct guest *g)
{
	if (strcmp(port, PANE_VIRTIO) == 0)
		return PANE_SERIAL;
	if (strcmp(port, PANE_SERIAL) == 0 && g != NULL && g->serial2)
		return PANE_SERIAL2;
	return PANE_VIRTIO;
}

void
pane_turn(struct pane *p, const struct guest *g)
{
	pane_disconnect(p);
	snprintf(p->port, sizeof p->port, "%s", next_port(p->port, g));
	pane_empty(p, true);
	/* Nothing of the other console is to be kept above. */
	p->pid = 0;
	p->refused = 0;
	look_close(p);
	p->moved = true;
	if (g != NULL)
		pane_connect(p, g);
	p->panes->ops->state(p, p->panes->arg);
}

bool
pane_used(const struct pane *p)
{
	return p->pid != 0;
}

uint64_t
pane_heard(const struct pane *p)
{
	return p->heard;
}

void
panes_update(struct panes *ps, const struct model *m)
{
	const struct guest *g;
	struct pane *p, *next;

	for (p = LIST_FIRST(&ps->list); p != NULL; p = next) {
		next = LIST_NEXT(p, entry);
		if ((g = model_find(m, p->name)) != NULL)
			pane_connect(p, g);
		else if (!p->own && p->phase == APART && m->loaded)
			pane_free(p);
	}
}

const char *
pane_name(const struct pane *p)
{
	return p->name;
}

struct term *
pane_term(struct pane *p)
{
	return p->term;
}

bool
pane_connected(const struct pane *p)
{
	return p->phase == CONNECTED;
}

bool
pane_key(struct pane *p, struct key key)
{
	if (p->phase != CONNECTED)
		return false;
	if (key.code >= K_NAMED)
		term_key(p->term, key.code - K_NAMED, key.mods);
	else
		term_char(p->term, key.code, key.mods);
	return !p->full;
}

bool
pane_paste(struct pane *p, const char *text, size_t len)
{
	if (p->phase != CONNECTED)
		return false;
	term_paste(p->term, text, len);
	return !p->full;
}

void
pane_focus(struct pane *p, bool focus)
{
	if (p->focus == focus)
		return;
	p->focus = focus;
	term_focus(p->term, focus);
}

struct looking *
pane_looking(const struct pane *p)
{
	return p->look;
}

void
pane_looked(struct pane *p)
{
	p->moved = true;
	p->panes->ops->state(p, p->panes->arg);
}

uint64_t
pane_top(const struct pane *p)
{
	return p->look->on ? p->look->top : term_top(p->term);
}

unsigned
pane_back(const struct pane *p)
{
	return (unsigned)(term_top(p->term) - pane_top(p));
}

bool
pane_moved(struct pane *p)
{
	bool was = p->moved;

	p->moved = false;
	return was;
}

unsigned
pane_id(const struct pane *p)
{
	return p->id;
}

struct pane *
pane_by_id(const struct panes *ps, unsigned id)
{
	struct pane *p;

	LIST_FOREACH (p, &ps->list, entry)
		if (p->id == id)
			return p;
	return NULL;
}

int
pane_record(struct pane *p, struct sink *sink)
{
	record_free(p->record);
	p->record = NULL;
	if (sink != NULL)
		p->record = record_new(sink, p->term, p->name);
	p->panes->ops->state(p, p->panes->arg);
	return sink != NULL && p->record == NULL ? -1 : 0;
}

bool
pane_recording(const struct pane *p)
{
	return p->record != NULL;
}

static void
saved(void *arg)
{
	struct pane *p = arg;

	save_free(p->save);
	p->save = NULL;
}

int
pane_save(struct pane *p, struct term_place from, struct term_place to,
    struct sink *sink)
{
	save_free(p->save);
	p->save = save_new(p->panes->base, p->panes->priority, p->term, from,
	    to, sink, saved, p);
	return p->save != NULL ? 0 : -1;
}

void
panes_settle(struct panes *ps)
{
	struct pane *p;

	LIST_FOREACH (p, &ps->list, entry) {
		pane_recorded(p, "", 0);
		p->panes->ops->state(p, p->panes->arg);
	}
}
