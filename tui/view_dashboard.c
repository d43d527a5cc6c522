/*
 * The seventh view: what all guests do, at a glance: a grid of their figures.
 *
 *	─ ● build ─ running 4:12 ──────────── ─ ● db ─ running 12d ──────────
 *	 cpu    ▁▂▁▁▁▃▁▁▁▂▁▁    7% of 1 cpu    cpu    ▁▂▁▁▁▃▁▁▁▂▁▁ ...
 *	 mem    ▃▃▃▃▃▄▄▄▄▄▄▄   412M of 1.0G    ...
 *
 * Guests that are not up have nothing to show and are left to the list, but
 * for those that crashed. The selected guest is that of the list.
 */
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "tui/actions.h"
#include "tui/glyphs.h"
#include "tui/meter.h"
#include "tui/text.h"
#include "tui/ui.h"
#include "tui/widget.h"

#define CELL_ROWS 5 /* the title and four lines, at least */
#define CELL_MOST 10 /* with more, the eye has farther to go than it sees */
#define GAP       2 /* columns between two */

/* How the grid is laid out now. */
struct grid {
	struct rect body;
	size_t guests;
	int cols, rows; /* of cells; rows: on the screen */
	int w, h; /* of a cell, without the gap */
};

static bool
shows(const struct guest *g)
{
	return guest_is_up(g) || g->state == GUEST_CRASHED;
}

static struct grid
grid_of(const struct ui *ui)
{
	const struct model *m = ui->model;
	struct grid g = {.body = {1, 0, ui->layout.rows - 2, ui->layout.cols}};
	size_t i;
	int lines;

	for (i = 0; i < m->guests; i++)
		g.guests += shows(m->guest[i]);
	g.cols = (g.body.w + GAP) / (METER_MIN + GAP);
	if (g.cols < 1)
		g.cols = 1;
	if (g.guests > 0 && (size_t)g.cols > g.guests)
		g.cols = (int)g.guests;
	g.w = (g.body.w - (g.cols - 1) * GAP) / g.cols;
	lines = g.guests > 0 ? (int)(g.guests - 1) / g.cols + 1 : 1;
	g.h = g.body.h / lines;
	g.h = g.h < CELL_ROWS ? CELL_ROWS : g.h > CELL_MOST ? CELL_MOST : g.h;
	g.rows = g.body.h / g.h;
	if (g.rows < 1)
		g.rows = 1;
	return g;
}

/* The n'th that is shown, or NULL. */
static const struct guest *
nth(const struct model *m, size_t n)
{
	size_t i;

	for (i = 0; i < m->guests; i++)
		if (shows(m->guest[i]) && n-- == 0)
			return m->guest[i];
	return NULL;
}

/* The place of the selected one, or that of the first behind its name. */
static size_t
selected(const struct ui *ui)
{
	const struct model *m = ui->model;
	size_t i, n = 0;

	for (i = 0; i < m->guests; i++) {
		if (!shows(m->guest[i]))
			continue;
		if (model_compare(m->guest[i]->name, ui->guests.selected) >= 0)
			return n;
		n++;
	}
	return n > 0 ? n - 1 : 0;
}

static void
select_nth(struct ui *ui, size_t n)
{
	const struct guest *g = nth(ui->model, n);
	struct grid grid = grid_of(ui);
	size_t *top = &ui->dashboard.top;

	if (g == NULL)
		return;
	guests_select(ui, g->name);
	*top = list_scroll(*top, n / (size_t)grid.cols,
	    (grid.guests - 1) / (size_t)grid.cols + 1, (size_t)grid.rows);
	ui_dirty(ui, DIRTY_BODY | DIRTY_BOTTOM);
}

static void
update(struct ui *ui)
{
	select_nth(ui, selected(ui));
}

/*
 * --- Drawing ----------------------------------------------------------
 */

/* " ● web1 ─ running 3d 4h ─────" */
static void
draw_title(const struct rect *r, const struct guest *g, bool here)
{
	enum guest_state state = guest_shown(g);
	char up[16] = "";
	int x;

	draw_hline(r, 0, 0, r->w, glyphs()->hline);
	if (here)
		draw_text(r, 0, 0, STYLE_SELECTED, glyphs()->pointer);
	draw_textf(r, 0, 1, guest_style(state), "%s", guest_glyph(state));
	x = draw_textf(r, 0, 2, here ? STYLE_TITLE_FOCUS : STYLE_NAME, " %s ",
		g->name) +
	    1;
	if (guest_is_up(g) && g->since > 0)
		text_span((long)time(NULL) - g->since, up, sizeof up);
	draw_textf(r, 0, x, guest_style(state), " %s%s%s ",
	    guest_state_word(state), *up != '\0' ? " " : "", up);
}

static void
draw_reason(const struct rect *r, const struct guest *g)
{
	int i, n = text_wrapped_lines(g->reason, r->w - 2);
	const char *line;
	size_t len;

	for (i = 0; i < n && i + 1 < r->h; i++) {
		line = text_wrapped(g->reason, r->w - 2, i, &len);
		draw_textf(r, i + 1, 1, STYLE_PLAIN, "%.*s", (int)len, line);
	}
}

static void
draw_guest(const struct rect *r, const struct guest *g, bool here)
{
	size_t i;
	int y = 5;

	draw_title(r, g, here);
	if (g->reason != NULL && *g->reason != '\0') {
		draw_reason(r, g);
		return;
	}
	meter_cpu(r, 1, 1, r->w - 2, g);
	meter_memory(r, 2, 1, r->w - 2, g);
	meter_disk(r, 3, 1, r->w - 2, g);
	meter_net(r, 4, 1, r->w - 2, g);
	if (y < r->h && meter_given(r, y, 1, r->w - 2, g))
		y++;
	if (y < r->h)
		meter_process(r, y++, 1, r->w - 2, g);
	for (i = 0; i < g->nparts && y < r->h - 1; i++, y++) {
		draw_field(r, y, 1, 6, false, STYLE_FAINT, g->parts[i].kind);
		draw_text(r, y, 8, STYLE_FAINT, g->parts[i].text);
	}
}

static void
draw(struct ui *ui, unsigned dirty)
{
	struct grid grid = grid_of(ui);
	size_t n = selected(ui), i, first;
	struct rect r;
	int row, col;

	if (!(dirty & DIRTY_BODY))
		return;
	draw_clear(&grid.body);
	first = ui->dashboard.top * (size_t)grid.cols;
	for (i = first; i < grid.guests; i++) {
		row = (int)((i - first) / (size_t)grid.cols);
		col = (int)((i - first) % (size_t)grid.cols);
		if (row == grid.rows)
			break;
		r = (struct rect){grid.body.y + row * grid.h,
		    col * (grid.w + GAP), grid.h, grid.w};
		draw_guest(&r, nth(ui->model, i), i == n);
		if (i == n)
			draw_cursor(r.y, r.x, false);
	}
	if (grid.guests == 0) {
		draw_text(&grid.body, 1, 2, STYLE_PLAIN,
		    ui->model->loaded ? "No guest runs."
				      : "asking the backend");
		draw_cursor(grid.body.y, 0, false);
	}
}

/*
 * --- Keys -------------------------------------------------------------
 */

static void
move(struct ui *ui, long by)
{
	struct grid grid = grid_of(ui);
	long n = (long)selected(ui) + by, last = (long)grid.guests - 1;

	/* Up from the first row, or down from the last, is nowhere. */
	if (n < 0 || n > last)
		return;
	select_nth(ui, (size_t)n);
}

static void
left(struct ui *ui)
{
	move(ui, -1);
}

static void
right(struct ui *ui)
{
	move(ui, 1);
}

static void
up(struct ui *ui)
{
	move(ui, -(long)grid_of(ui).cols);
}

static void
down(struct ui *ui)
{
	move(ui, grid_of(ui).cols);
}

static void
first(struct ui *ui)
{
	select_nth(ui, 0);
}

static void
last(struct ui *ui)
{
	size_t n = grid_of(ui).guests;

	select_nth(ui, n > 0 ? n - 1 : 0);
}

/* A screenful of rows, or as far as there are some. */
static void
page(struct ui *ui, int sign)
{
	struct grid grid = grid_of(ui);
	size_t n = selected(ui);
	size_t by = (size_t)grid.cols * (size_t)grid.rows;

	while (by > 0 && (sign < 0 ? n < by : n + by >= grid.guests))
		by -= (size_t)grid.cols;
	select_nth(ui, sign < 0 ? n - by : n + by);
}

static void
page_down(struct ui *ui)
{
	page(ui, 1);
}

static void
page_up(struct ui *ui)
{
	page(ui, -1);
}

static struct guest *
guest(const struct ui *ui)
{
	const struct guest *g = nth(ui->model, selected(ui));

	return g != NULL ? model_find(ui->model, g->name) : NULL;
}

static const char *
guest_refuse(struct ui *ui)
{
	return guest(ui) == NULL ? "No guest is shown." : NULL;
}

static void
go_guest(struct ui *ui)
{
	guests_select(ui, guest(ui)->name);
	ui_turn(ui, views[0]);
	if (console_refuse(ui) == NULL)
		console_enter(ui);
}

static void
go_log(struct ui *ui)
{
	log_open(ui, guest(ui)->name);
}

static void
go_tile(struct ui *ui)
{
	tiles_open(ui, guest(ui)->name);
	ui_turn(ui, &view_consoles);
}

static const struct binding bindings_dashboard[] = {
    {{K_ENTER, 0}, {0, 0}, "console", "to its console", guest_refuse, go_guest},
    ACTION_BINDINGS,
    {{'o', 0}, {0, 0}, "open", "open it in the view of all consoles (2)",
	guest_refuse, go_tile},
    {{'L', 0}, {0, 0}, "log", "its log (6)", guest_refuse, go_log},
    {{'h', 0}, {K_LEFT, 0}, NULL, "the guest on the left", NULL, left, "left"},
    {{'j', 0}, {K_DOWN, 0}, NULL, "the one below", NULL, down, "down"},
    {{'k', 0}, {K_UP, 0}, NULL, "the one above", NULL, up, "up"},
    {{'l', 0}, {K_RIGHT, 0}, NULL, "the one on the right", NULL, right,
	"right"},
    {{'g', 0}, {K_HOME, 0}, NULL, "the first", NULL, first, "first"},
    {{'G', 0}, {K_END, 0}, NULL, "the last", NULL, last, "last"},
    {{K_PAGE_DOWN, 0}, {'f', TERM_CTRL}, NULL, "a page down", NULL, page_down,
	"page-down"},
    {{K_PAGE_UP, 0}, {'b', TERM_CTRL}, NULL, "a page up", NULL, page_up,
	"page-up"},
    {{0, 0}, {0, 0}, NULL, NULL, NULL, NULL},
};

static const struct binding *
bindings(const struct ui *ui)
{
	return bindings_dashboard;
}

/* A click selects; one on the selected guest turns to its console. */
static void
mouse(struct ui *ui, const struct mouse *m)
{
	struct grid grid = grid_of(ui);
	size_t n;
	int row = (m->row - grid.body.y) / grid.h;

	if (m->event != TERM_MOUSE_PRESS || m->row < grid.body.y)
		return;
	if (m->button == 4 || m->button == 5) {
		move(ui, m->button == 4 ? -(long)grid.cols : grid.cols);
		return;
	}
	n = (ui->dashboard.top + (size_t)row) * (size_t)grid.cols +
	    (size_t)(m->col / (grid.w + GAP));
	if (m->button != 1 || row >= grid.rows || n >= grid.guests ||
	    m->col / (grid.w + GAP) >= grid.cols)
		return;
	if (n == selected(ui))
		go_guest(ui);
	else
		select_nth(ui, n);
}

static const struct keytable help[] = {
    {"in the dashboard", bindings_dashboard, "dashboard"},
    {NULL, NULL},
};

const struct view view_dashboard = {
    .name = "dashboard",
    .key = '7',
    .draw = draw,
    .bindings = bindings,
    .mouse = mouse,
    .update = update,
    .guest = guest,
    .help = help,
};
