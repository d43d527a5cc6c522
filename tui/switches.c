#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <event2/event.h>

#include "config/clock.h"
#include "tui/ui.h"

#define ASK_TICKS 3 /* seconds from one question to the next */

static void
rows_free(struct switch_row *row, size_t rows)
{
	size_t i;

	for (i = 0; i < rows; i++)
		free(row[i].port);
	free(row);
}

static void
copy_name(char *buf, size_t len, const json_t *from)
{
	const char *text = json_string_value(from);

	snprintf(buf, len, "%s", text != NULL ? text : "");
}

/* The counts of the interface of that name before, or none. */
static struct switch_port
port_before(const struct switches *s, const char *name)
{
	struct switch_port none = {.from_rate = -1, .to_rate = -1};
	size_t i, j;

	for (i = 0; i < s->rows; i++) {
		if (strcmp(s->row[i].bridge.name, name) == 0)
			return s->row[i].bridge;
		for (j = 0; j < s->row[i].ports; j++)
			if (strcmp(s->row[i].port[j].name, name) == 0)
				return s->row[i].port[j];
	}
	snprintf(none.name, sizeof none.name, "%s", name);
	return none;
}

/* Who is heard from a port, one line for each of their addresses. */
static void
take_stations(struct switch_port *p, const json_t *stations)
{
	const char *member, *lladdr, *address, *last = "";
	const json_t *one;
	size_t i, n = 0;

	p->heard = 0;
	p->addresses[0] = '\0';
	json_array_foreach (stations, i, one) {
		member = json_string_value(json_object_get(one, "member"));
		lladdr = json_string_value(json_object_get(one, "lladdr"));
		address = json_string_value(json_object_get(one, "address"));
		if (member == NULL || lladdr == NULL || address == NULL ||
		    strcmp(member, p->name) != 0)
			continue;
		p->heard += strcmp(lladdr, last) != 0;
		last = lladdr;
		if (*address != '\0' &&
		    n + strlen(address) + 2 < sizeof p->addresses)
			n += (size_t)snprintf(p->addresses + n,
			    sizeof p->addresses - n, "%s%s", n > 0 ? " " : "",
			    address);
	}
}

static void
take_row(const struct switches *s, struct switch_row *row, const json_t *one)
{
	const json_t *members = json_object_get(one, "members"), *member;
	char name[SWITCHES_NAME + 1];
	size_t i;

	copy_name(row->name, sizeof row->name, json_object_get(one, "name"));
	copy_name(row->state, sizeof row->state, json_object_get(one, "state"));
	copy_name(name, sizeof name, json_object_get(one, "interface"));
	row->bridge = port_before(s, name);
	row->port = calloc(json_array_size(members) + 1, sizeof *row->port);
	if (row->port == NULL)
		return;
	json_array_foreach (members, i, member) {
		copy_name(name, sizeof name, member);
		row->port[row->ports] = port_before(s, name);
		take_stations(
		    &row->port[row->ports++], json_object_get(one, "stations"));
	}
}

void
switches_take(struct switches *s, const json_t *answer)
{
	const json_t *list = json_object_get(answer, "switches"), *one;
	struct switch_row *row;
	size_t i, rows = 0;

	row = calloc(json_array_size(list) + 1, sizeof *row);
	if (row == NULL)
		return;
	json_array_foreach (list, i, one)
		take_row(s, &row[rows++], one);
	rows_free(s->row, s->rows);
	s->row = row;
	s->rows = rows;
	s->heard = true;
}

void
switches_count(
    struct switch_port *p, uint64_t from, uint64_t to, int64_t now_ms)
{
	double seconds = (double)(now_ms - p->when) / 1000;

	if (p->counted && from >= p->from && to >= p->to && seconds > 0) {
		p->from_rate = (double)(from - p->from) / seconds;
		p->to_rate = (double)(to - p->to) / seconds;
	} else
		p->from_rate = p->to_rate = -1;
	p->from = from;
	p->to = to;
	p->when = now_ms;
	p->counted = true;
}

/* A number that the host keeps of an interface. */
static bool
read_count(const char *name, const char *what, uint64_t *n)
{
	char path[160], buf[32], *end;
	ssize_t len;
	int fd;

	/* The name is the backend's word, not a path. */
	if (*name == '\0' || *name == '.' || strchr(name, '/') != NULL)
		return false;
	snprintf(
	    path, sizeof path, "/sys/class/net/%s/statistics/%s", name, what);
	if ((fd = open(path, O_RDONLY | O_CLOEXEC)) == -1)
		return false;
	len = read(fd, buf, sizeof buf - 1);
	close(fd);
	if (len <= 0)
		return false;
	buf[len] = '\0';
	*n = strtoull(buf, &end, 10);
	return end != buf;
}

static void
count(struct switch_port *p)
{
	uint64_t from, to;

	/* What the host receives from a member is what that sends. */
	if (read_count(p->name, "rx_bytes", &from) &&
	    read_count(p->name, "tx_bytes", &to)) {
		switches_count(p, from, to, clock_ms());
	} else {
		p->counted = false;
		p->from_rate = p->to_rate = -1;
	}
}

struct question {
	struct ui *ui;
	unsigned visit;
};

static void
answered(json_t *ret, int fd, const char *why, void *arg)
{
	struct question *q = arg;
	struct switches *s = &q->ui->switches;

	if (q->visit == s->asked)
		s->asked = 0;
	if (q->visit == s->visit && s->timer != NULL) {
		if (ret == NULL)
			ui_say(q->ui, "%s", why);
		else
			switches_take(s, ret);
		q->ui->view->update(q->ui);
		ui_dirty(q->ui, DIRTY_BODY | DIRTY_BOTTOM);
	}
	free(q);
}

void
switches_ask(struct ui *ui)
{
	struct switches *s = &ui->switches;
	struct question *q;

	/* A slow backend is not asked faster than it answers. */
	if (s->asked == s->visit || (q = malloc(sizeof *q)) == NULL)
		return;
	*q = (struct question){ui, s->asked = s->visit};
	wire_call(ui->wire, "switches", NULL, answered, q);
}

static void
tick(int fd, short what, void *arg)
{
	static const struct timeval second = {1, 0};
	struct ui *ui = arg;
	struct switches *s = &ui->switches;
	size_t i, j;

	for (i = 0; i < s->rows; i++) {
		count(&s->row[i].bridge);
		for (j = 0; j < s->row[i].ports; j++)
			count(&s->row[i].port[j]);
	}
	if (++s->ticks % ASK_TICKS == 0 && wire_up(ui->wire))
		switches_ask(ui);
	ui_dirty(ui, DIRTY_BODY);
	evtimer_add(s->timer, &second);
}

void
switches_begin(struct ui *ui)
{
	static const struct timeval soon = {0, 300000};
	struct switches *s = &ui->switches;

	if (s->timer != NULL)
		return;
	s->visit++;
	s->timer = evtimer_new(ui->base, tick, ui);
	if (s->timer == NULL)
		return;
	evtimer_add(s->timer, &soon);
	switches_ask(ui);
}

void
switches_end(struct ui *ui)
{
	struct switches *s = &ui->switches;

	if (s->timer != NULL)
		event_free(s->timer);
	s->timer = NULL;
	rows_free(s->row, s->rows);
	s->row = NULL;
	s->rows = 0;
	s->heard = false;
}
