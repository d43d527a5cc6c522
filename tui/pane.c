#include <sys/queue.h>

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <event2/buffer.h>
#include <event2/event.h>

#include "tui/look.h"
#include "tui/pane.h"
#include "tui/record.h"
#include "tui/save.h"
#include "tui/sink.h"
#include "tui/wire.h"

/* Read at most this much before looking at keys and frames again. */
#define READ_MAX 16384
/* Typing that a guest has not yet taken. */
#define QUEUE_MAX (4 << 20)
/* Seconds until a console that was refused is asked for again. */
#define RETRY 2

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

/* An answer may come when its pane is long gone: so by number. */
struct asked {
	struct panes *panes;
	unsigned number;
};

static void flush(int fd, short what, void *arg);

static time_t
now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec + 1;
}

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

static void
disconnect(struct pane *p)
{
	p->phase = APART;
	if (p->read != NULL)
		event_free(p->read);
	if (p->write != NULL)
		event_free(p->write);
	p->read = p->write = NULL;
	if (p->fd != -1)
		close(p->fd);
	p->fd = -1;
	evbuffer_drain(p->queue, evbuffer_get_length(p->queue));
	p->full = false;
}

void
pane_free(struct pane *p)
{
	if (p == NULL)
		return;
	disconnect(p);
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
	flush(p->fd, EV_WRITE, p);
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

static void
gone(struct pane *p)
{
	disconnect(p);
	p->panes->ops->state(p, p->panes->arg);
}

static void
flush(int fd, short what, void *arg)
{
	struct pane *p = arg;
	int n;

	while (evbuffer_get_length(p->queue) > 0) {
		n = evbuffer_write(p->queue, p->fd);
		if (n > 0)
			continue;
		if (n == -1 && errno != EAGAIN && errno != EINTR)
			/* The reader finds out the rest of it. */
			evbuffer_drain(p->queue, evbuffer_get_length(p->queue));
		else
			event_add(p->write, NULL);
		return;
	}
	p->full = false;
}

/* What the terminal is fed, a recording gets too. */
static void
recorded(struct pane *p, const char *bytes, size_t len)
{
	if (p->record == NULL || record_output(p->record, bytes, len) == 0)
		return;
	record_free(p->record);
	p->record = NULL;
}

/* An empty terminal, with what it had above, or without. */
static void
empty(struct pane *p, bool history)
{
	recorded(p, "\033c", 2);
	term_reset(p->term);
	if (history) {
		recorded(p, "\033[3J", 4);
		term_clear_history(p->term);
	}
	look_fed(p->look);
}

/* Feeds the terminal: the past first, of which nothing is answered. */
static void
feed(struct pane *p, const char *bytes, size_t len)
{
	size_t past = len;

	recorded(p, bytes, len);
	if (p->replaying) {
		if (p->history >= 0) {
			if ((int64_t)past > p->history)
				past = (size_t)p->history;
			p->history -= (int64_t)past;
			p->replaying = p->history > 0;
		}
		term_replay(p->term, bytes, past);
		bytes += past;
		len -= past;
	}
	if (len > 0) {
		p->heard += len;
		p->feeding = true;
		term_input(p->term, bytes, len);
		p->feeding = false;
		/*
		 * The terminal tells of damage once until it is drawn; of one
		 * that is hidden, each output is news.
		 */
		p->panes->ops->text(p, p->panes->arg);
	}
	look_fed(p->look);
}

static void
readable(int fd, short what, void *arg)
{
	struct pane *p = arg;
	char buf[READ_MAX];
	ssize_t n;

	n = read(fd, buf, sizeof buf);
	if (n > 0) {
		feed(p, buf, (size_t)n);
		if ((size_t)n < sizeof buf && p->history < 0)
			p->replaying = false;
	} else if (n == 0 || (errno != EAGAIN && errno != EINTR))
		gone(p);
}

/*
 * A stream into the guest process is there. The history it starts with begins
 * where that process did: what the pane has of the same process would be
 * there twice, what it has of one before stays above.
 */
static void
connected(struct pane *p, int fd, json_t *ret)
{
	json_t *history = json_object_get(ret, "history");

	fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) | O_NONBLOCK);
	fcntl(fd, F_SETFD, FD_CLOEXEC);
	p->fd = fd;
	p->read =
	    event_new(p->panes->base, fd, EV_READ | EV_PERSIST, readable, p);
	p->write = event_new(p->panes->base, fd, EV_WRITE, flush, p);
	if (p->read == NULL || p->write == NULL) {
		disconnect(p);
		return;
	}
	event_priority_set(p->read, p->panes->priority);
	event_add(p->read, NULL);
	p->phase = CONNECTED;
	if (p->pid != 0)
		empty(p, p->pid == p->asked_pid);
	p->pid = p->asked_pid;
	p->replaying = true;
	p->history =
	    json_is_integer(history) ? json_integer_value(history) : -1;
	p->refused = 0;
	p->panes->ops->state(p, p->panes->arg);
}

static struct pane *
pane_that_asked(const struct panes *ps, unsigned number)
{
	struct pane *p;

	LIST_FOREACH (p, &ps->list, entry)
		if (p->phase == ASKING && p->asked == number)
			return p;
	return NULL;
}

static void
answered(json_t *ret, int fd, const char *why, void *arg)
{
	struct asked *a = arg;
	struct panes *ps = a->panes;
	struct pane *p = pane_that_asked(ps, a->number);
	char text[1024];

	if (p == NULL) {
		if (fd != -1)
			close(fd);
	} else if (ret != NULL && fd != -1)
		connected(p, fd, ret);
	else {
		p->phase = APART;
		/* Once: the guest may be on its way up or down. */
		if (p->refused == 0 && why != NULL) {
			snprintf(text, sizeof text, "console of %s: %s",
			    p->name, why);
			ps->ops->error(text, ps->arg);
		}
		p->refused = now();
	}
	free(a);
}

void
pane_connect(struct pane *p, const struct guest *g)
{
	struct panes *ps = p->panes;
	struct asked *a;

	if (p->phase != APART || !wire_up(ps->wire) ||
	    (g->state != GUEST_RUNNING && g->state != GUEST_PAUSED &&
		g->state != GUEST_STOPPING) ||
	    (p->refused != 0 && now() < p->refused + RETRY) ||
	    (a = malloc(sizeof *a)) == NULL)
		return;
	a->panes = ps;
	a->number = p->asked = ++ps->asked;
	p->phase = ASKING;
	p->asked_pid = g->pid;
	wire_call(ps->wire, "console",
	    json_pack("{s:s, s:b, s:s}", "name", p->name, "history", 1, "port",
		p->port),
	    answered, a);
}

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

void
pane_turn(struct pane *p, const struct guest *g)
{
	disconnect(p);
	snprintf(p->port, sizeof p->port, "%s",
	    strcmp(p->port, PANE_SERIAL) == 0 ? PANE_VIRTIO : PANE_SERIAL);
	empty(p, true);
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
		recorded(p, "", 0);
		p->panes->ops->state(p, p->panes->arg);
	}
}
