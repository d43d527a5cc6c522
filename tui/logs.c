#include <sys/stat.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <event2/event.h>

#include "tui/ui.h"

#define LOOK_MS 250
#define SLICE   (64 << 10) /* bytes of one file at a time */
#define DROP    2000 /* lines at once */

/*
 * --- Lines ------------------------------------------------------------
 */

static int
compare(const void *a, const void *b)
{
	const struct log_line *x = a, *y = b;

	if (x->when != y->when)
		return x->when < y->when ? -1 : 1;
	return x->order < y->order ? -1 : x->order > y->order;
}

/* Forgets the oldest lines, or all that keep lets go. */
static void
drop(struct logs *l, size_t oldest, bool (*keep)(const struct log_line *line))
{
	size_t i, n = 0;

	for (i = 0; i < l->lines; i++) {
		if (i >= oldest && (keep == NULL || keep(&l->line[i])))
			l->line[n++] = l->line[i];
		else
			free(l->line[i].text);
	}
	l->lines = n;
}

static void
add(struct logs *l, unsigned source, int64_t when, bool bad, const char *text)
{
	struct log_line *line;
	size_t room;

	if (l->lines == l->room) {
		room = l->room == 0 ? 512 : l->room * 2;
		line = realloc(l->line, room * sizeof *line);
		if (line == NULL)
			return;
		l->line = line;
		l->room = room;
	}
	line = &l->line[l->lines];
	if ((line->text = strdup(text)) == NULL)
		return;
	line->when = when;
	line->order = l->order++;
	line->source = source;
	line->bad = bad;
	l->lines++;
}

/* Puts them in order, where they are not, and keeps them few. */
static void
settle(struct logs *l)
{
	size_t i;

	for (i = 1; i < l->lines; i++)
		if (compare(&l->line[i - 1], &l->line[i]) > 0)
			break;
	if (i < l->lines)
		qsort(l->line, l->lines, sizeof *l->line, compare);
	if (l->lines > LOGS_LINES)
		drop(l, l->lines - LOGS_LINES + DROP, NULL);
}

/* "2026-11-22T10:41:07.123 text" (config/log.h); the text behind, or NULL. */
static const char *
read_time(const char *line, int64_t *when)
{
	struct tm tm = {.tm_isdst = -1};
	const char *p;
	char *end;
	long ms;

	p = strptime(line, "%Y-%m-%dT%H:%M:%S", &tm);
	if (p == NULL || *p != '.')
		return NULL;
	ms = strtol(p + 1, &end, 10);
	if (end != p + 4 || *end != ' ')
		return NULL;
	*when = (int64_t)mktime(&tm) * 1000 + ms;
	return end + 1;
}

static void
take_line(struct logs *l, struct log_source *s)
{
	const char *text;
	bool bad = false;

	s->part[s->len] = '\0';
	s->len = 0;
	text = read_time(s->part, &s->when);
	if (text == NULL)
		text = s->part;
	if (strncmp(text, "warning: ", 9) == 0) {
		text += 9;
		bad = true;
	}
	if (s->begun && *text != '\0')
		add(l, (unsigned)(s - l->source), s->when, bad, text);
	s->begun = true;
}

static bool
is_own(const struct log_line *line)
{
	return line->source == LOGS_SCREEN;
}

/*
 * --- Files ------------------------------------------------------------
 */

/* Reads what is new, a slice of it. Returns whether there was something. */
static bool
read_source(struct logs *l, struct log_source *s)
{
	static char buf[SLICE];
	struct stat st;
	ssize_t n, i;

	if (s->fd == -1 || fstat(s->fd, &st) == -1)
		return false;
	/* Full, it lost its older part (config/log.h): on from its end. */
	if (st.st_size < s->at)
		s->at = st.st_size;
	n = pread(s->fd, buf, sizeof buf, s->at);
	if (n <= 0)
		return false;
	s->at += n;
	for (i = 0; i < n; i++) {
		if (buf[i] != '\n')
			s->part[s->len++] = buf[i];
		if (buf[i] == '\n' || s->len == sizeof s->part - 1)
			take_line(l, s);
	}
	return true;
}

static void
look(int fd, short what, void *arg)
{
	const struct timeval soon = {0, 0}, later = {0, LOOK_MS * 1000};
	struct ui *ui = arg;
	struct logs *l = &ui->logs;
	bool more = false;
	unsigned i;

	for (i = LOGS_BACKEND; i < l->sources; i++)
		more |= read_source(l, &l->source[i]);
	if (more) {
		settle(l);
		ui->view->update(ui);
		ui_dirty(ui, DIRTY_BODY | DIRTY_BOTTOM);
	}
	evtimer_add(l->timer, more ? &soon : &later);
}

struct question {
	struct ui *ui;
	unsigned visit;
	unsigned source;
};

static void
answered(json_t *ret, int fd, const char *why, void *arg)
{
	struct question *q = arg;
	struct logs *l = &q->ui->logs;
	struct log_source *s = &l->source[q->source];
	struct stat st;

	if (q->visit != l->visit || l->timer == NULL) {
		if (fd != -1)
			close(fd);
	} else {
		s->asked = false;
		s->fd = fd;
		if (fd != -1 && fstat(fd, &st) == 0 && st.st_size > LOGS_TAIL)
			s->at = st.st_size - LOGS_TAIL;
		/* From the middle of a file, the first line is half a one. */
		s->begun = s->at == 0;
		if (ret == NULL && q->source == LOGS_BACKEND)
			ui_say(q->ui, "%s", why);
	}
	free(q);
}

static void
ask(struct ui *ui, unsigned source)
{
	struct logs *l = &ui->logs;
	struct log_source *s = &l->source[source];
	struct question *q;

	if (s->fd != -1 || s->asked || (q = malloc(sizeof *q)) == NULL)
		return;
	s->asked = true;
	*q = (struct question){ui, l->visit, source};
	wire_call(ui->wire, "log",
	    source == LOGS_BACKEND ? NULL : json_pack("{s:s}", "name", s->name),
	    answered, q);
}

static unsigned
find_source(struct logs *l, const char *name)
{
	struct log_source *s;
	unsigned i;

	for (i = LOGS_GUESTS; i < l->sources; i++)
		if (strcmp(l->source[i].name, name) == 0)
			return i;
	if (l->sources == LOGS_SOURCES)
		return LOGS_SCREEN;
	s = &l->source[l->sources];
	memset(s, 0, sizeof *s);
	s->fd = -1;
	s->tried = -1;
	snprintf(s->name, sizeof s->name, "%s", name);
	return l->sources++;
}

void
logs_update(struct ui *ui)
{
	struct logs *l = &ui->logs;
	const struct guest *g;
	unsigned source;
	size_t i;

	if (l->timer == NULL || !wire_up(ui->wire))
		return;
	ask(ui, LOGS_BACKEND);
	for (i = 0; i < ui->model->guests; i++) {
		g = ui->model->guest[i];
		source = find_source(l, g->name);
		/* One that never ran has none; when it runs it has. */
		if (source == LOGS_SCREEN || l->source[source].tried == g->pid)
			continue;
		l->source[source].tried = g->pid;
		ask(ui, source);
	}
}

static void
begin_sources(struct logs *l)
{
	if (l->sources > 0)
		return;
	memset(l->source, 0, LOGS_GUESTS * sizeof *l->source);
	snprintf(l->source[LOGS_SCREEN].name, MODEL_NAME_MAX, "screen");
	snprintf(l->source[LOGS_BACKEND].name, MODEL_NAME_MAX, "backend");
	l->source[LOGS_SCREEN].fd = l->source[LOGS_BACKEND].fd = -1;
	l->sources = LOGS_GUESTS;
}

void
logs_note(struct ui *ui, const char *text)
{
	struct logs *l = &ui->logs;
	struct timespec ts;
	size_t i, own = 0;

	begin_sources(l);
	clock_gettime(CLOCK_REALTIME, &ts);
	add(l, LOGS_SCREEN, (int64_t)ts.tv_sec * 1000 + ts.tv_nsec / 1000000,
	    true, text);
	for (i = 0; l->timer == NULL && i < l->lines; i++)
		own++;
	if (own > LOGS_OWN)
		drop(l, own - LOGS_OWN, NULL);
	settle(l);
	if (l->timer != NULL)
		ui->view->update(ui);
}

void
logs_begin(struct ui *ui)
{
	static const struct timeval soon = {0, 0};
	struct logs *l = &ui->logs;

	begin_sources(l);
	if (l->timer != NULL)
		return;
	l->visit++;
	l->timer = evtimer_new(ui->base, look, ui);
	if (l->timer == NULL)
		return;
	event_priority_set(l->timer, PRIORITY_CONSOLE);
	evtimer_add(l->timer, &soon);
	logs_update(ui);
}

void
logs_end(struct ui *ui)
{
	struct logs *l = &ui->logs;
	unsigned i;

	if (l->timer != NULL)
		event_free(l->timer);
	l->timer = NULL;
	for (i = 0; i < l->sources; i++)
		if (l->source[i].fd != -1)
			close(l->source[i].fd);
	drop(l, 0, is_own);
	l->sources = 0;
	begin_sources(l);
}

void
logs_clear(struct ui *ui)
{
	struct logs *l = &ui->logs;

	logs_end(ui);
	drop(l, l->lines, NULL);
	free(l->line);
	l->line = NULL;
	l->room = 0;
}
