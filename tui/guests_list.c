/*
 * The list of guests: beside a console a short row a guest, alone a table
 * with as many columns as there is room for.
 */
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "config/size.h"
#include "tui/glyphs.h"
#include "tui/text.h"
#include "tui/ui.h"
#include "tui/widget.h"

#define SPARK      8
#define RATES_FROM 78 /* columns */

enum style
guest_style(enum guest_state state)
{
	switch (state) {
	case GUEST_RUNNING:
		return STYLE_RUNNING;
	case GUEST_PAUSED:
		return STYLE_PAUSED;
	case GUEST_CRASHED:
		return STYLE_CRASHED;
	case GUEST_STARTING:
	case GUEST_STOPPING:
		return STYLE_CHANGING;
	default:
		return STYLE_STOPPED;
	}
}

const char *
guest_glyph(enum guest_state state)
{
	const struct glyphs *gl = glyphs();

	switch (state) {
	case GUEST_RUNNING:
		return gl->running;
	case GUEST_PAUSED:
		return gl->paused;
	case GUEST_CRASHED:
		return gl->crashed;
	case GUEST_STARTING:
		return gl->starting;
	case GUEST_STOPPING:
		return gl->stopping;
	case GUEST_STOPPED:
		return gl->stopped;
	default:
		return gl->unknown;
	}
}

static unsigned
full_of(const struct guest *g)
{
	return 100 * (g->cpus > 0 ? g->cpus : 1);
}

/* CPU use in percent of the guest's own processors, in 4 columns. */
static const char *
percent_of(const struct guest *g, char *buf, size_t len)
{
	unsigned n = (unsigned)g->cpu / (g->cpus > 0 ? g->cpus : 1);

	if (g->cpu < 0)
		snprintf(buf, len, "%s", "");
	else
		snprintf(buf, len, "%u%%", n > 999 ? 999 : n);
	return buf;
}

/* In SPARK + 5 columns: how busy it is, or what else is to say. */
static void
draw_activity(const struct rect *r, int y, int x, const struct guest *g)
{
	enum guest_state state = guest_shown(g);
	char text[16];
	const char *word = guest_state_word(state);

	if (state == GUEST_RUNNING) {
		sparkline_draw(
		    r, y, x, SPARK, &g->history, NULL, 1, full_of(g));
		draw_field(r, y, x + SPARK, 5, true, STYLE_PLAIN,
		    percent_of(g, text, sizeof text));
		return;
	}
	if (state == GUEST_STOPPED)
		word = "";
	/* A short reason says more than "crashed", and so does its colour. */
	if (state == GUEST_CRASHED && g->reason != NULL && *g->reason != '\0' &&
	    text_width(g->reason) <= SPARK + 5)
		word = g->reason;
	draw_field(r, y, x, SPARK + 5, false, guest_style(state), word);
}

/* Pointer, glyph and name; returns the column behind. */
static int
draw_name(struct ui *ui, const struct rect *r, int y, const struct guest *g,
    int width)
{
	bool selected = strcmp(g->name, ui->guests.selected) == 0;
	enum guest_state state = guest_shown(g);
	int x;

	x = draw_text(r, y, 0, ui->console.focus ? STYLE_FAINT : STYLE_KEY,
	    selected ? glyphs()->pointer : " ");
	x = draw_text(r, y, x, guest_style(state), guest_glyph(state));
	x = draw_text(r, y, x, STYLE_PLAIN, " ");
	return draw_field(r, y, x, width, false,
	    selected             ? STYLE_SELECTED
		: guest_is_up(g) ? STYLE_PLAIN
				 : guest_style(state),
	    g->name);
}

/* "▸● web1     2 cpu   1.0G  ▁▂▁▁▁▃▁▁   7%" */
static void
draw_beside(struct ui *ui, int y, const struct guest *g)
{
	const struct rect *r = &ui->layout.list;
	char text[32], buf[16];
	int x, name = r->w - LAYOUT_LIST_BESIDE;

	x = draw_name(ui, r, y, g, name) + 1;
	snprintf(text, sizeof text, "%u cpu", g->cpus);
	x = draw_field(r, y, x, 6, true, STYLE_FAINT, text);
	x = draw_field(r, y, x, 6, true, STYLE_FAINT,
	    size_short(g->memory, buf, sizeof buf));
	draw_activity(r, y, x + 1, g);
}

/*
 * --- The table --------------------------------------------------------
 */

struct column {
	const char *title;
	int width; /* without the blanks before it */
	bool right;
	int from; /* columns a screen has that shows it */
	/* Only with the rates, where names leave them room, or without. */
	enum { EVER, WITH_RATES, WITHOUT_RATES } when;
	void (*draw)(const struct rect *r, int y, int x, const struct column *c,
	    const struct guest *g);
};

static void
draw_state(const struct rect *r, int y, int x, const struct column *c,
    const struct guest *g)
{
	draw_field(r, y, x, c->width, false, guest_style(guest_shown(g)),
	    guest_state_word(guest_shown(g)));
}

static void
draw_cpu(const struct rect *r, int y, int x, const struct column *c,
    const struct guest *g)
{
	char text[16];
	int width = c->width - 5;

	if (guest_shown(g) != GUEST_RUNNING)
		return;
	if (width > 0)
		sparkline_draw(
		    r, y, x, width, &g->history, NULL, 1, full_of(g));
	draw_field(r, y, x + width, 5, true, STYLE_PLAIN,
	    percent_of(g, text, sizeof text));
}

static void
draw_cpus(const struct rect *r, int y, int x, const struct column *c,
    const struct guest *g)
{
	char text[16];

	snprintf(text, sizeof text, "%u", g->cpus);
	draw_field(r, y, x, c->width, true, STYLE_FAINT, text);
}

static void
draw_memory(const struct rect *r, int y, int x, const struct column *c,
    const struct guest *g)
{
	char text[32], used[16], all[16];

	size_short(
	    g->memory - (g->taken < g->memory ? g->taken : 0), all, sizeof all);
	if (guest_is_up(g) && g->memory_used > 0)
		snprintf(text, sizeof text, "%s/%s",
		    size_short(g->memory_used, used, sizeof used), all);
	else
		snprintf(text, sizeof text, "%s", all);
	draw_field(r, y, x, c->width, true,
	    guest_is_up(g) ? STYLE_PLAIN : STYLE_FAINT, text);
}

static void
draw_since(const struct rect *r, int y, int x, const struct column *c,
    const struct guest *g)
{
	char text[16];

	if (!guest_is_up(g) || g->since <= 0)
		return;
	text_span((long)time(NULL) - g->since, text, sizeof text);
	draw_field(r, y, x, c->width, true, STYLE_FAINT, text);
}

/* Two rates together, "12K/s". */
static void
draw_rates(const struct rect *r, int y, int x, const struct column *c,
    const struct guest *g, enum figure one, enum figure two)
{
	char text[16], size[16];

	if (!g->rated)
		return;
	snprintf(text, sizeof text, "%s/s",
	    size_short(
		(uint64_t)g->rate[one] + g->rate[two], size, sizeof size));
	draw_field(r, y, x, c->width, true, STYLE_PLAIN, text);
}

static void
draw_net(const struct rect *r, int y, int x, const struct column *c,
    const struct guest *g)
{
	draw_rates(r, y, x, c, g, FIGURE_RECEIVED, FIGURE_SENT);
}

static void
draw_disk(const struct rect *r, int y, int x, const struct column *c,
    const struct guest *g)
{
	draw_rates(r, y, x, c, g, FIGURE_READ, FIGURE_WRITTEN);
}

/* Behind the name, in this order. */
static const struct column columns[] = {
    {"STATE", 8, false, 0, EVER, draw_state},
    {"CPU", 5 + SPARK, false, 60, EVER, draw_cpu},
    {"CPU", 5, true, -60, EVER, draw_cpu},
    {"CPUS", 4, true, 70, WITHOUT_RATES, draw_cpus},
    {"MEM", 9, true, 50, EVER, draw_memory},
    {"NET", 6, true, RATES_FROM, WITH_RATES, draw_net},
    {"DISK", 6, true, RATES_FROM, WITH_RATES, draw_disk},
    {"UP", 7, true, 60, EVER, draw_since},
};
#define COLUMNS (sizeof columns / sizeof *columns)

/* A negative from: only below that. */
static bool
column_fits(const struct column *c, int cols, bool rates)
{
	if ((c->when == WITH_RATES && !rates) ||
	    (c->when == WITHOUT_RATES && rates))
		return false;
	return c->from < 0 ? cols < -c->from : cols >= c->from;
}

/* What the name gets: all that the columns leave, but not the moon. */
static int
name_width(int cols, bool rates)
{
	int i, width = cols - 4;

	for (i = 0; i < (int)COLUMNS; i++)
		if (column_fits(&columns[i], cols, rates))
			width -= columns[i].width + 2;
	return width > 33 ? 33 : width;
}

/* Whether all names have room beside them. */
static bool
rates_fit(const struct ui *ui)
{
	int cols = ui->layout.list.w, width = name_width(cols, true);
	size_t i;

	if (cols < RATES_FROM)
		return false;
	for (i = 0; i < ui->model->guests; i++)
		if (text_width(ui->model->guest[i]->name) > width)
			return false;
	return true;
}

static void
draw_titles(struct ui *ui)
{
	const struct rect *r = &ui->layout.titles;
	bool rates = rates_fit(ui);
	int i, x, name = name_width(r->w, rates);
	char title[MODEL_NAME_MAX + 16];

	draw_clear(r);
	if (ui->guests.filter[0] != '\0')
		snprintf(title, sizeof title, "NAME /%s", ui->guests.filter);
	else
		snprintf(title, sizeof title, "NAME");
	x = draw_field(r, 0, 3, name, false, STYLE_FAINT, title);
	for (i = 0; i < (int)COLUMNS; i++)
		if (column_fits(&columns[i], r->w, rates))
			x = draw_field(r, 0, x + 2, columns[i].width,
			    columns[i].right, STYLE_FAINT, columns[i].title);
}

/*
 * A crashed guest has a reason in place of figures, and so has one that was
 * paused because a disk is full.
 */
static void
draw_row(struct ui *ui, int y, const struct guest *g, bool rates)
{
	const struct rect *r = &ui->layout.list;
	int i, x = draw_name(ui, r, y, g, name_width(r->w, rates));
	enum guest_state state = guest_shown(g);
	bool why = (state == GUEST_CRASHED || state == GUEST_PAUSED) &&
	    g->reason != NULL && *g->reason != '\0';

	for (i = 0; i < (int)COLUMNS; i++) {
		if (!column_fits(&columns[i], r->w, rates))
			continue;
		if (i > 0 && why) {
			draw_text(r, y, x + 2, STYLE_FAINT, g->reason);
			break;
		}
		columns[i].draw(r, y, x + 2, &columns[i], g);
		x += columns[i].width + 2;
	}
}

void
guests_draw_list(struct ui *ui)
{
	const struct rect *r = &ui->layout.list;
	struct guests_view *v = &ui->guests;
	bool rates = !ui->layout.wide && rates_fit(ui);
	size_t i;
	int y;

	draw_clear(r);
	if (!ui->layout.wide)
		draw_titles(ui);
	for (y = 0; y < r->h && (i = v->top + (size_t)y) < v->nshown; y++) {
		if (ui->layout.wide)
			draw_beside(ui, y, v->shown[i]);
		else
			draw_row(ui, y, v->shown[i], rates);
		if (!ui->console.focus &&
		    strcmp(v->shown[i]->name, v->selected) == 0)
			draw_cursor(r->y + y, r->x, false);
	}
	if (v->nshown == 0 && ui->model->guests > 0)
		draw_textf(r, 0, 3, STYLE_FAINT,
		    "no guest has \"%s\" in its name", v->filter);
	else if (!ui->model->loaded)
		draw_text(r, 0, 3, STYLE_FAINT, "asking the backend");
}
