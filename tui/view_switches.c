/*
 * The third view: the switches, below each what is plugged into it, and what
 * that sends and gets.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "config/size.h"
#include "tui/glyphs.h"
#include "tui/keymap.h"
#include "tui/text.h"
#include "tui/ui.h"
#include "tui/widget.h"

#define NAME_COLUMNS 22
#define RATE_COLUMNS 9
#define RATES_FROM   60 /* columns: below, names are worth more */

/* A row of the screen: a switch (port NULL), or something in it. */
struct row {
	const struct switch_row *sw;
	const struct switch_port *port;
};

static struct rect
body(const struct ui *ui)
{
	struct rect r = {2, 0, ui->layout.rows - 3, ui->layout.cols};

	return r;
}

static size_t
count_rows(const struct ui *ui)
{
	size_t i, n = 0;

	for (i = 0; i < ui->switches.rows; i++)
		n += 1 + ui->switches.row[i].ports;
	return n;
}

/* The n'th; n is below count_rows(). */
static struct row
nth(const struct ui *ui, size_t n)
{
	const struct switch_row *sw = ui->switches.row;

	for (; n > sw->ports; sw++)
		n -= 1 + sw->ports;
	return (struct row){sw, n == 0 ? NULL : &sw->port[n - 1]};
}

/* The guest whose end of an interface that is, or NULL; its line of figures. */
static const struct guest *
guest_of(const struct model *m, const char *tap, const char **text)
{
	const struct guest *g;
	size_t i, j, len = strlen(tap);
	const char *at;

	for (i = 0; i < m->guests; i++) {
		g = m->guest[i];
		for (j = 0; j < g->nparts; j++) {
			if (strcmp(g->parts[j].kind, "net") != 0 ||
			    (at = strstr(g->parts[j].text, tap)) == NULL ||
			    (at[len] != ' ' && at[len] != '\0'))
				continue;
			*text = g->parts[j].text;
			return g;
		}
	}
	return NULL;
}

static void
update(struct ui *ui)
{
	struct switches_view *v = &ui->switches_view;
	size_t n = count_rows(ui);
	int h = body(ui).h;

	if (v->at >= n)
		v->at = n > 0 ? n - 1 : 0;
	v->top = list_scroll(v->top, v->at, n, h > 0 ? (size_t)h : 1);
}

/*
 * --- Drawing ----------------------------------------------------------
 */

/* Where the rates stand; behind the last column if they do not. */
static int
rates_column(const struct rect *r)
{
	return r->w >= RATES_FROM ? r->w - 2 * RATE_COLUMNS - 1 : r->w + 1;
}

static void
draw_rate(const struct rect *r, int y, int x, double rate)
{
	char text[16], size[16];

	if (rate < 0)
		return;
	snprintf(text, sizeof text, "%s/s",
	    size_short((uint64_t)rate, size, sizeof size));
	draw_field(r, y, x, RATE_COLUMNS, true, STYLE_PLAIN, text);
}

/* An interface of the host, and who is heard through it. */
static void
draw_heard(const struct rect *r, int y, int x, const struct switch_port *p)
{
	x = draw_text(r, y, x, STYLE_FAINT, "of the host");
	if (p->heard > 0)
		draw_textf(r, y, x, STYLE_FAINT, ", %u heard %s", p->heard,
		    p->addresses);
}

static void
draw_row(const struct ui *ui, const struct rect *r, int y, size_t n)
{
	struct row row = nth(ui, n);
	bool here = n == ui->switches_view.at, up;
	int x = rates_column(r), at;
	const struct switch_port *p = row.port;
	struct rect left = *r;
	const struct guest *g;
	const char *text;

	draw_text(r, y, 0, STYLE_SELECTED, here ? glyphs()->pointer : " ");
	if (p == NULL) {
		up = strcmp(row.sw->state, "up") == 0;
		draw_text(r, y, 1, up ? STYLE_RUNNING : STYLE_STOPPED,
		    up ? glyphs()->running : glyphs()->stopped);
		draw_field(r, y, 3, NAME_COLUMNS, false,
		    here ? STYLE_SELECTED : STYLE_NAME, row.sw->name);
		draw_textf(r, y, 4 + NAME_COLUMNS, STYLE_FAINT, "%s, %s",
		    row.sw->bridge.name, row.sw->state);
		p = &row.sw->bridge;
	} else {
		/* What the rates need stays theirs. */
		left.w = x - 1;
		g = guest_of(ui->model, p->name, &text);
		draw_field(r, y, 5, NAME_COLUMNS - 2, false,
		    here ? STYLE_SELECTED : STYLE_PLAIN, p->name);
		at = 4 + NAME_COLUMNS;
		if (g == NULL)
			draw_heard(&left, y, at, p);
		else
			draw_textf(&left, y, at, STYLE_PLAIN, "%s  %.17s  %s",
			    g->name, text, p->addresses);
	}
	draw_rate(r, y, x, p->from_rate);
	draw_rate(r, y, x + RATE_COLUMNS, p->to_rate);
}

static void
draw_none(const struct ui *ui, const struct rect *r)
{
	if (!ui->switches.heard) {
		draw_text(r, 1, 2, STYLE_FAINT, "asking the backend");
		return;
	}
	draw_text(r, 1, 2, STYLE_PLAIN, "No switch is defined yet.");
	draw_text(r, 3, 2, STYLE_FAINT,
	    "A switch connects guests, and through an interface of the host");
	draw_textf(r, 4, 2, STYLE_FAINT, "the network outside. %s defines one.",
	    keymap_key("switches-new"));
}

static void
draw(struct ui *ui, unsigned dirty)
{
	struct rect r = body(ui), title = {1, 0, 1, ui->layout.cols};
	size_t n = count_rows(ui), i;
	int y, x = rates_column(&r);

	draw_clear(&r);
	draw_hline(&title, 0, 0, title.w, glyphs()->hline);
	draw_text(&title, 0, 1, STYLE_TITLE_FOCUS, " switches ");
	if (n > 0 && x < r.w) {
		draw_text(&title, 0, x, STYLE_FAINT, " from it ");
		draw_text(
		    &title, 0, x + RATE_COLUMNS, STYLE_FAINT, "   to it ");
	}
	for (y = 0, i = ui->switches_view.top; i < n && y < r.h; i++, y++)
		draw_row(ui, &r, y, i);
	if (n == 0)
		draw_none(ui, &r);
	draw_cursor(r.y +
		(n > 0 ? (int)(ui->switches_view.at - ui->switches_view.top)
		       : 0),
	    0, false);
}

/*
 * --- Keys -------------------------------------------------------------
 */

static void
move(struct ui *ui, long by)
{
	long at = (long)ui->switches_view.at + by;

	ui->switches_view.at = at < 0 ? 0 : (size_t)at;
	update(ui);
	ui_dirty(ui, DIRTY_BODY | DIRTY_BOTTOM);
}

static void
down(struct ui *ui)
{
	move(ui, 1);
}

static void
up(struct ui *ui)
{
	move(ui, -1);
}

static void
page_down(struct ui *ui)
{
	move(ui, body(ui).h);
}

static void
page_up(struct ui *ui)
{
	move(ui, -(long)body(ui).h);
}

static const struct guest *
here(const struct ui *ui)
{
	const char *text;
	struct row row;

	if (ui->switches_view.at >= count_rows(ui))
		return NULL;
	row = nth(ui, ui->switches_view.at);
	return row.port == NULL ? NULL
				: guest_of(ui->model, row.port->name, &text);
}

static const char *
guest_refuse(struct ui *ui)
{
	return here(ui) == NULL ? "That is no guest's interface." : NULL;
}

static void
go_guest(struct ui *ui)
{
	const struct guest *g = here(ui);

	ui_turn(ui, &view_guests);
	guests_select(ui, g->name);
	ui_layout(ui);
}

static void
reset_answered(json_t *ret, int fd, const char *why, void *arg)
{
	struct ui *ui = arg;

	if (ret == NULL)
		ui_error(ui, "%s", why);
	else
		ui_say(ui, "The switches are as they are defined.");
	switches_ask(ui);
}

static void
reset_sure(struct ui *ui, const char *name)
{
	if (!wire_ask(ui->wire, "reset-switches", NULL, reset_answered, ui))
		ui_say(ui, "That is asked for and not answered yet.");
}

static const char *
reset_refuse(struct ui *ui)
{
	return ui->switches.rows == 0 ? "There is no switch." : NULL;
}

static void
reset(struct ui *ui)
{
	prompt_ask(ui, "", reset_sure,
	    "make all switches anew as they are defined? what was plugged in "
	    "by hand goes");
}

/* The switch of the row. */
static const char *
here_switch(const struct ui *ui)
{
	return ui->switches_view.at < count_rows(ui)
	    ? nth(ui, ui->switches_view.at).sw->name
	    : NULL;
}

static void
edit(struct ui *ui)
{
	form_edit(ui, CONFIG_SWITCH, here_switch(ui));
}

static void
new_switch(struct ui *ui)
{
	form_new(ui, CONFIG_SWITCH, "", NULL);
}

static void delete (struct ui *ui)
{
	form_delete(ui, CONFIG_SWITCH, here_switch(ui));
}

static const struct binding bindings_switches[] = {
    {{K_ENTER, 0}, {K_RIGHT, 0}, "guest", "turn to the guest it belongs to",
	guest_refuse, go_guest},
    {{'e', 0}, {0, 0}, "edit", "edit the switch's definition", reset_refuse,
	edit},
    {{'n', 0}, {0, 0}, "new", "define a new switch", NULL, new_switch},
    {{'d', 0}, {0, 0}, "delete", "delete its definition", reset_refuse, delete},
    {{'r', 0}, {0, 0}, "reset", "make all switches as they are defined",
	reset_refuse, reset},
    {{'j', 0}, {K_DOWN, 0}, NULL, "the next row", NULL, down, "down"},
    {{'k', 0}, {K_UP, 0}, NULL, "the one before", NULL, up, "up"},
    {{K_PAGE_DOWN, 0}, {'f', TERM_CTRL}, NULL, "a page down", NULL, page_down,
	"page-down"},
    {{K_PAGE_UP, 0}, {'b', TERM_CTRL}, NULL, "a page up", NULL, page_up,
	"page-up"},
    {{0, 0}, {0, 0}, NULL, NULL, NULL, NULL},
};

static const struct binding *
bindings(const struct ui *ui)
{
	return bindings_switches;
}

static void
mouse(struct ui *ui, const struct mouse *m)
{
	struct rect r = body(ui);

	if (m->event != TERM_MOUSE_PRESS)
		return;
	if (m->button == 4 || m->button == 5)
		move(ui, m->button == 4 ? -1 : 1);
	else if (m->row >= r.y && m->row < r.y + r.h)
		move(ui,
		    (long)ui->switches_view.top + m->row - r.y -
			(long)ui->switches_view.at);
}

static void
turned(struct ui *ui, bool to)
{
	if (to)
		switches_begin(ui);
	else
		switches_end(ui);
}

static struct guest *
guest(const struct ui *ui)
{
	const struct guest *g = here(ui);

	return g == NULL ? NULL : model_find(ui->model, g->name);
}

static const struct keytable help[] = {
    {"in the list of switches", bindings_switches, "switches"},
    {NULL, NULL},
};

const struct view view_switches = {
    .name = "switches",
    .key = '3',
    .draw = draw,
    .bindings = bindings,
    .mouse = mouse,
    .update = update,
    .turned = turned,
    .guest = guest,
    .help = help,
};
