/*
 * pane_stream.c: a pane's stream: asked for, read into its terminal, written
 * to, and gone.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <event2/buffer.h>
#include <event2/event.h>

#include "tui/look.h"
#include "tui/pane_own.h"
#include "tui/record.h"
#include "tui/wire.h"

/* Read at most this much before looking at keys and frames again. */
#define READ_MAX 16384
/* Seconds until a console that was refused is asked for again. */
#define RETRY 2

/* An answer may come when its pane is long gone: so by number. */
struct asked {
	struct panes *panes;
	unsigned number;
};

static time_t
now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec + 1;
}

void
pane_disconnect(struct pane *p)
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

static void
gone(struct pane *p)
{
	pane_disconnect(p);
	p->panes->ops->state(p, p->panes->arg);
}

void
pane_flush(struct pane *p)
{
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

static void
writable(int fd, short what, void *arg)
{
	pane_flush(arg);
}

/* What the terminal is fed, a recording gets too. */
void
pane_recorded(struct pane *p, const char *bytes, size_t len)
{
	if (p->record == NULL || record_output(p->record, bytes, len) == 0)
		return;
	record_free(p->record);
	p->record = NULL;
}

void
pane_empty(struct pane *p, bool history)
{
	pane_recorded(p, "\033c", 2);
	term_reset(p->term);
	if (history) {
		pane_recorded(p, "\033[3J", 4);
		term_clear_history(p->term);
	}
	look_fed(p->look);
}

/* Feeds the terminal: the past first, of which nothing is answered. */
static void
feed(struct pane *p, const char *bytes, size_t len)
{
	size_t past = len;

	pane_recorded(p, bytes, len);
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
	p->write = event_new(p->panes->base, fd, EV_WRITE, writable, p);
	if (p->read == NULL || p->write == NULL) {
		pane_disconnect(p);
		return;
	}
	event_priority_set(p->read, p->panes->priority);
	event_add(p->read, NULL);
	p->phase = CONNECTED;
	if (p->pid != 0)
		pane_empty(p, p->pid == p->asked_pid);
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
