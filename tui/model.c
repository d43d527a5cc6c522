#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "backend/proto/proto.h"
#include "config/config.h"
#include "config/size.h"
#include "tui/model.h"

static const char *const words[GUEST_STATES] = {
    [GUEST_UNKNOWN] = "unknown",
    [GUEST_STOPPED] = PROTO_STOPPED,
    [GUEST_STARTING] = PROTO_STARTING,
    [GUEST_RUNNING] = PROTO_RUNNING,
    [GUEST_PAUSED] = PROTO_PAUSED,
    [GUEST_STOPPING] = PROTO_STOPPING,
    [GUEST_CRASHED] = PROTO_CRASHED,
};

struct model *
model_new(void)
{
	struct model *m = calloc(1, sizeof *m);

	if (m != NULL)
		m->host.cpu = -1;
	return m;
}

static void
parts_free(struct guest *g)
{
	size_t i;

	for (i = 0; i < g->nparts; i++) {
		free(g->parts[i].kind);
		free(g->parts[i].text);
	}
	free(g->parts);
	g->parts = NULL;
	g->nparts = 0;
}

static void
guest_free(struct guest *g)
{
	parts_free(g);
	free(g->past);
	free(g->reason);
	free(g->kernel);
	free(g);
}

static void
mistakes_free(struct model *m)
{
	size_t i;

	for (i = 0; i < m->mistakes; i++)
		free(m->mistake[i]);
	free(m->mistake);
	m->mistake = NULL;
	m->mistakes = 0;
}

void
model_free(struct model *m)
{
	size_t i;

	if (m == NULL)
		return;
	for (i = 0; i < m->guests; i++)
		guest_free(m->guest[i]);
	free(m->guest);
	mistakes_free(m);
	free(m->config);
	free(m);
}

int
model_compare(const char *a, const char *b)
{
	const char *x = a, *y = b;
	size_t m, n;
	int d;

	while (*x != '\0' && *y != '\0') {
		if (!isdigit((unsigned char)*x) ||
		    !isdigit((unsigned char)*y)) {
			d = tolower((unsigned char)*x) -
			    tolower((unsigned char)*y);
			if (d != 0)
				return d;
			x++, y++;
			continue;
		}
		while (*x == '0')
			x++;
		while (*y == '0')
			y++;
		m = strspn(x, "0123456789");
		n = strspn(y, "0123456789");
		if (m != n)
			return m < n ? -1 : 1;
		if ((d = memcmp(x, y, m)) != 0)
			return d;
		x += m, y += n;
	}
	if (*x != *y)
		return (unsigned char)*x - (unsigned char)*y;
	return strcmp(a, b);
}

size_t
model_index(const struct model *m, const char *name)
{
	size_t low = 0, high = m->guests, mid;

	while (low < high) {
		mid = low + (high - low) / 2;
		if (model_compare(m->guest[mid]->name, name) < 0)
			low = mid + 1;
		else
			high = mid;
	}
	return low;
}

struct guest *
model_find(const struct model *m, const char *name)
{
	size_t i = model_index(m, name);

	if (i < m->guests && strcmp(m->guest[i]->name, name) == 0)
		return m->guest[i];
	return NULL;
}

static struct guest *
guest_add(struct model *m, const char *name)
{
	struct guest **list, *g;
	size_t i = model_index(m, name);

	if ((g = calloc(1, sizeof *g)) == NULL)
		return NULL;
	list = realloc(m->guest, (m->guests + 1) * sizeof(*list));
	if (list == NULL) {
		free(g);
		return NULL;
	}
	m->guest = list;
	memmove(list + i + 1, list + i, (m->guests - i) * sizeof(*list));
	list[i] = g;
	m->guests++;
	snprintf(g->name, sizeof g->name, "%s", name);
	g->cpu = -1;
	g->defined = true;
	return g;
}

static void
take_string(const json_t *from, const char *key, char **to)
{
	const char *text = json_string_value(json_object_get(from, key));
	char *copy;

	if (text != NULL && (copy = strdup(text)) != NULL) {
		free(*to);
		*to = copy;
	}
}

static void
take_size(const json_t *from, const char *key, uint64_t *to)
{
	const json_t *v = json_object_get(from, key);

	if (json_is_number(v) && json_number_value(v) >= 0)
		*to = json_is_integer(v) ? (uint64_t)json_integer_value(v)
					 : (uint64_t)json_number_value(v);
}

static void
take_unsigned(const json_t *from, const char *key, unsigned *to)
{
	uint64_t v = *to;

	take_size(from, key, &v);
	*to = v > 1000000 ? 1000000 : (unsigned)v;
}

static void
take_long(const json_t *from, const char *key, long *to)
{
	const json_t *v = json_object_get(from, key);

	if (json_is_number(v))
		*to = (long)json_number_value(v);
	else if (json_is_null(v))
		*to = 0;
}

static void
take_cpu(const json_t *from, int *to)
{
	const json_t *v = json_object_get(from, "cpu");
	double n;

	if (json_is_number(v)) {
		n = json_number_value(v);
		*to = n < 0 ? 0 : n > 99999 ? 99999 : (int)(n + 0.5);
	} else if (json_is_null(v))
		*to = -1;
}

static void
history_add(struct history *h, int64_t n)
{
	h->sample[h->n++ % MODEL_HISTORY] = n < 0 ? 0
	    : n > UINT32_MAX                      ? UINT32_MAX
						  : (uint32_t)n;
}

int64_t
history_at(const struct history *h, unsigned i)
{
	if (i >= h->n || i >= MODEL_HISTORY)
		return -1;
	return h->sample[(h->n - 1 - i) % MODEL_HISTORY];
}

/* As the wire has them, in the order of enum figure. */
static const char *const figure_words[FIGURE_RATES] = {
    "exits", "disk_read", "disk_written", "net_received", "net_sent"};

/* Room for what it did; false: no memory. */
static bool
rates_begin(struct guest *g)
{
	if (g->past == NULL)
		g->past = calloc(FIGURES, sizeof *g->past);
	return g->past != NULL;
}

static void
rates_end(struct guest *g)
{
	free(g->past);
	g->past = NULL;
	g->rated = false;
	g->threads = 0;
}

static int64_t
kib(uint64_t bytes)
{
	return (int64_t)(bytes >> 10);
}

static uint64_t
given(const struct guest *g, uint64_t taken)
{
	return taken < g->memory ? g->memory - taken : 0;
}

static void
take_balloon(struct guest *g, const json_t *from)
{
	const json_t *balloon = json_object_get(from, "balloon");

	if (!json_is_object(balloon))
		return;
	g->balloon = true;
	take_size(balloon, "taken", &g->taken);
}

/* Those of a second; a message without them is of one that tells none. */
static void
take_rates(const json_t *from, struct guest *g)
{
	const json_t *v;
	unsigned i;

	if (json_object_get(from, figure_words[0]) == NULL || !rates_begin(g))
		return;
	for (i = 0; i < FIGURE_RATES; i++) {
		v = json_object_get(from, figure_words[i]);
		history_add(&g->past[i], json_integer_value(v));
		g->rate[i] = (uint32_t)history_at(&g->past[i], 0);
	}
	history_add(&g->past[FIGURE_USED], kib(g->memory_used));
	history_add(&g->past[FIGURE_GIVEN], kib(given(g, g->taken)));
	g->rated = true;
}

static void
take_history(struct history *h, const json_t *list)
{
	const json_t *one;
	size_t i;

	if (!json_is_array(list))
		return;
	h->n = 0;
	json_array_foreach (list, i, one)
		history_add(h, json_integer_value(one));
}

/* Of memory, in bytes there; for an older backend, as it is now. */
static void
take_levels(struct guest *g, const json_t *one)
{
	const json_t *used = json_object_get(one, "memory_used");
	const json_t *taken = json_object_get(one, "memory_taken");
	struct history *h = g->past;
	json_int_t n;
	unsigned i;

	h[FIGURE_USED].n = h[FIGURE_GIVEN].n = 0;
	for (i = 0; i < h[FIGURE_EXITS].n; i++) {
		n = json_integer_value(json_array_get(used, i));
		history_add(&h[FIGURE_USED],
		    kib(used != NULL && n >= 0 ? (uint64_t)n : g->memory_used));
		n = json_integer_value(json_array_get(taken, i));
		history_add(&h[FIGURE_GIVEN],
		    kib(given(
			g, taken != NULL && n >= 0 ? (uint64_t)n : g->taken)));
	}
}

void
model_history(struct model *m, const json_t *answer)
{
	const json_t *one;
	const char *name;
	struct guest *g;
	size_t i;
	unsigned j;

	json_array_foreach (json_object_get(answer, "guests"), i, one) {
		name = json_string_value(json_object_get(one, "name"));
		if (name == NULL || (g = model_find(m, name)) == NULL ||
		    !guest_is_up(g) || !rates_begin(g))
			continue;
		take_history(&g->history, json_object_get(one, "cpu"));
		for (j = 0; j < FIGURE_RATES; j++)
			take_history(
			    &g->past[j], json_object_get(one, figure_words[j]));
		take_levels(g, one);
	}
}

static void
part_add(struct guest *g, const char *kind, const char *text)
{
	struct guest_part *parts, *p;

	parts = realloc(g->parts, (g->nparts + 1) * sizeof *parts);
	if (parts == NULL)
		return;
	g->parts = parts;
	p = &parts[g->nparts];
	p->kind = strdup(kind);
	p->text = strdup(text);
	if (p->kind == NULL || p->text == NULL) {
		free(p->kind);
		free(p->text);
		return;
	}
	g->nparts++;
}

static const char *
string_of(const json_t *from, const char *key)
{
	const char *text = json_string_value(json_object_get(from, key));

	return text != NULL ? text : "";
}

/* The CD-ROM drive, and what is in it. */
static void
take_drive(const json_t *from, struct guest *g)
{
	const json_t *drive = json_object_get(from, "cdrom");
	const char *path = string_of(drive, "path");
	char text[512];

	g->drive = json_is_object(drive);
	g->disc = *path != '\0';
	g->locked = json_is_true(json_object_get(drive, "locked"));
	if (!g->drive)
		return;
	snprintf(text, sizeof text, "%s%s%s", g->disc ? path : "empty",
	    json_is_true(json_object_get(drive, "open")) ? "  tray open" : "",
	    g->locked ? "  locked" : "");
	part_add(g, "cdrom", text);
}

/* "disks" and "nics" as lines; a message without them changes nothing. */
static void
take_parts(const json_t *from, struct guest *g)
{
	const json_t *disks = json_object_get(from, "disks");
	const json_t *nics = json_object_get(from, "nics"), *one;
	char text[512], *size, buf[16];
	uint64_t bytes;
	size_t i;

	if (disks == NULL && nics == NULL)
		return;
	parts_free(g);
	json_array_foreach (disks, i, one) {
		bytes = 0;
		take_size(one, "size", &bytes);
		size = bytes > 0 ? (char *)size_short(bytes, buf, sizeof buf)
				 : NULL;
		snprintf(text, sizeof text, "%s%s%s%s", string_of(one, "path"),
		    size != NULL ? "  " : "", size != NULL ? size : "",
		    json_is_true(json_object_get(one, "readonly"))
			? "  read-only"
			: "");
		part_add(g, "disk", text);
	}
	take_drive(from, g);
	json_array_foreach (nics, i, one) {
		snprintf(text, sizeof text, "%s  %s%s%s%s%s",
		    string_of(one, "lladdr"), string_of(one, "tap"),
		    *string_of(one, "switch") != '\0' ? " on switch " : "",
		    string_of(one, "switch"),
		    json_is_true(json_object_get(one, "locked")) ? "  locked"
								 : "",
		    json_is_true(json_object_get(one, "vhost")) ? "  vhost"
								: "");
		part_add(g, "net", text);
	}
}

static void
recount(struct model *m)
{
	size_t i;

	memset(m->count, 0, sizeof m->count);
	for (i = 0; i < m->guests; i++)
		m->count[guest_shown(m->guest[i])]++;
}

static void
take_state(const json_t *data, struct guest *g)
{
	const char *word = json_string_value(json_object_get(data, "state"));
	unsigned i;

	if (word == NULL)
		return;
	g->state = GUEST_UNKNOWN;
	for (i = 0; i < GUEST_STATES; i++)
		if (strcmp(word, words[i]) == 0)
			g->state = (enum guest_state)i;
	/* The real thing is known now. */
	g->expected = GUEST_UNKNOWN;
	if (!guest_is_up(g)) {
		g->cpu = -1;
		g->memory_used = g->taken = 0;
		g->balloon = false;
		g->history.n = 0;
		rates_end(g);
	}
}

/* What the guest may do to the person's terminal. */
static void
take_allow(const json_t *data, struct guest *g)
{
	const json_t *list = json_object_get(data, "allow"), *one;
	const char *word;
	size_t i;

	if (!json_is_array(list))
		return;
	g->allow = 0;
	json_array_foreach (list, i, one) {
		word = json_is_string(one) ? json_string_value(one) : "";
		if (strcmp(word, "title") == 0)
			g->allow |= CONFIG_ALLOW_TITLE;
		else if (strcmp(word, "clipboard") == 0)
			g->allow |= CONFIG_ALLOW_CLIPBOARD;
	}
}

static struct guest *
take_guest(struct model *m, const json_t *data)
{
	const char *name = json_string_value(json_object_get(data, "name"));
	const json_t *defined = json_object_get(data, "defined");
	const json_t *serial2 = json_object_get(data, "serial2");
	struct guest *g;

	if (name == NULL || *name == '\0' || strlen(name) > MODEL_NAME_MAX)
		return NULL;
	if ((g = model_find(m, name)) == NULL &&
	    (g = guest_add(m, name)) == NULL)
		return NULL;
	take_string(data, "reason", &g->reason);
	take_string(data, "kernel", &g->kernel);
	take_long(data, "since", &g->since);
	take_long(data, "pid", &g->pid);
	take_size(data, "memory", &g->memory);
	take_size(data, "memory_used", &g->memory_used);
	take_balloon(g, data);
	take_unsigned(data, "cpus", &g->cpus);
	if (json_is_boolean(serial2))
		g->serial2 = json_is_true(serial2);
	take_cpu(data, &g->cpu);
	if (json_is_boolean(defined))
		g->defined = json_is_true(defined);
	take_parts(data, g);
	take_allow(data, g);
	take_unsigned(data, "rows", &g->rows);
	take_unsigned(data, "cols", &g->cols);
	take_state(data, g);
	g->seen = true;
	return g;
}

struct guest *
model_guest(struct model *m, const json_t *data)
{
	struct guest *g = take_guest(m, data);

	recount(m);
	return g;
}

static void
take_host(struct model *m, const json_t *host)
{
	const char *name = string_of(host, "name");

	if (*name != '\0')
		snprintf(m->host.name, sizeof m->host.name, "%s", name);
	take_unsigned(host, "cpus", &m->host.cpus);
	take_size(host, "memory", &m->host.memory);
	take_size(host, "memory_used", &m->host.memory_used);
	take_cpu(host, &m->host.cpu);
}

void
model_mistakes(struct model *m, const json_t *data)
{
	const json_t *list = json_object_get(data, "mistakes"), *one;
	size_t i, n = json_array_size(list);

	if (!json_is_array(list))
		return;
	mistakes_free(m);
	if (n == 0 || (m->mistake = calloc(n, sizeof(char *))) == NULL)
		return;
	json_array_foreach (list, i, one)
		if (json_is_string(one) &&
		    (m->mistake[m->mistakes] =
			    strdup(json_string_value(one))) != NULL)
			m->mistakes++;
}

void
model_status(struct model *m, const json_t *status)
{
	const json_t *guests = json_object_get(status, "guests"), *one;
	const json_t *config = json_object_get(status, "config");
	size_t i, n = 0;

	take_host(m, json_object_get(status, "host"));
	take_string(config, "path", &m->config);
	model_mistakes(m, config);
	for (i = 0; i < m->guests; i++)
		m->guest[i]->seen = false;
	json_array_foreach (guests, i, one)
		take_guest(m, one);
	for (i = 0; i < m->guests; i++) {
		if (m->guest[i]->seen)
			m->guest[n++] = m->guest[i];
		else
			guest_free(m->guest[i]);
	}
	m->guests = n;
	m->loaded = true;
	recount(m);
}

void
model_figures(struct model *m, const json_t *data)
{
	const json_t *one;
	const char *name;
	struct guest *g;
	size_t i;

	take_host(m, json_object_get(data, "host"));
	if (m->host.cpu >= 0)
		history_add(&m->host.history, m->host.cpu);
	json_array_foreach (json_object_get(data, "guests"), i, one) {
		name = json_string_value(json_object_get(one, "name"));
		if (name == NULL || (g = model_find(m, name)) == NULL)
			continue;
		take_cpu(one, &g->cpu);
		take_size(one, "memory_used", &g->memory_used);
		take_balloon(g, one);
		if (g->cpu >= 0)
			history_add(&g->history, g->cpu);
		take_unsigned(one, "threads", &g->threads);
		take_rates(one, g);
	}
}

enum guest_state
guest_shown(const struct guest *g)
{
	return g->expected != GUEST_UNKNOWN ? g->expected : g->state;
}

const char *
guest_state_word(enum guest_state state)
{
	return words[state];
}

bool
guest_is_up(const struct guest *g)
{
	return g->state == GUEST_RUNNING || g->state == GUEST_PAUSED ||
	    g->state == GUEST_STOPPING || g->state == GUEST_STARTING;
}

void
model_expect(struct model *m, struct guest *g, enum guest_state state)
{
	g->expected = state;
	recount(m);
}
