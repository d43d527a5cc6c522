/*
 * The sixth view: what the backend, the guests and this screen had to say, the
 * newest at the bottom. Drawn upwards from the line that is last on the screen:
 *
 *	shown[0] ... shown[end - 1]	lines that the filters let through;
 *					end == nshown: follows what comes
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "tui/glyphs.h"
#include "tui/keymap.h"
#include "tui/text.h"
#include "tui/ui.h"
#include "tui/widget.h"

#define NAME_MOST 16 /* columns of a source's name */
#define ALL       "everybody"

static struct rect
body(const struct ui *ui)
{
	struct rect r = {2, 0, ui->layout.rows - 3, ui->layout.cols};

	return r;
}

/*
 * --- What is shown ----------------------------------------------------
 */

static bool
passes(const struct ui *ui, const struct log_line *line)
{
	const struct log_view *v = &ui->log;

	if (v->bad && !line->bad)
		return false;
	return v->who[0] == '\0' ||
	    strcmp(ui->logs.source[line->source].name, v->who) == 0;
}

static void
refilter(struct ui *ui)
{
	struct log_view *v = &ui->log;
	const struct logs *l = &ui->logs;
	size_t *shown, i;

	if (v->room < l->lines) {
		shown = realloc(v->shown, l->lines * sizeof *shown);
		if (shown == NULL)
			return;
		v->shown = shown;
		v->room = l->lines;
	}
	v->nshown = 0;
	v->end = 0;
	for (i = 0; i < l->lines; i++) {
		if (!passes(ui, &l->line[i]))
			continue;
		v->shown[v->nshown++] = i;
		if (v->follow || l->line[i].order <= v->order)
			v->end = v->nshown;
	}
}

static const struct log_line *
nth(const struct ui *ui, size_t i)
{
	return &ui->logs.line[ui->log.shown[i]];
}

/* Columns in front of a line's text: "10:41:07 web1 ". */
static int
indent(const struct ui *ui)
{
	unsigned i;
	int n = 0, w;

	for (i = 0; i < ui->logs.sources; i++)
		if ((w = text_width(ui->logs.source[i].name)) > n)
			n = w;
	return 9 + (n < NAME_MOST ? n : NAME_MOST) + 2;
}

static int
height(const struct ui *ui, size_t i)
{
	return text_wrapped_lines(
	    nth(ui, i)->text, ui->layout.cols - indent(ui) - 1);
}

/* Remembers which line is last, so that it stays while others come. */
static void
set_end(struct ui *ui, size_t end)
{
	struct log_view *v = &ui->log;
	int room = body(ui).h;
	size_t least = 0;

	/* No empty rows above the first line. */
	while (least < v->nshown && room > 0)
		room -= height(ui, least++);
	if (room < 0 && least > 1)
		least--;
	v->end = end < least ? least : end;
	if (v->end > v->nshown)
		v->end = v->nshown;
	v->follow = v->end == v->nshown;
	v->order = v->end > 0 ? nth(ui, v->end - 1)->order : 0;
	ui_dirty(ui, DIRTY_BODY | DIRTY_BOTTOM);
}

static void
update(struct ui *ui)
{
	logs_update(ui);
	refilter(ui);
	set_end(ui, ui->log.end);
}

/*
 * --- Drawing ----------------------------------------------------------
 */

static void
draw_line(const struct ui *ui, const struct rect *r, int y, size_t i, int rows)
{
	const struct log_line *l = nth(ui, i);
	time_t when = (time_t)(l->when / 1000);
	int x = indent(ui), row;
	char text[1024], clock[16];
	const char *part;
	struct tm tm;
	size_t len;

	localtime_r(&when, &tm);
	strftime(clock, sizeof clock, "%H:%M:%S", &tm);
	if (y >= 0) {
		draw_text(r, y, 0, STYLE_FAINT, clock);
		draw_field(r, y, 9, x - 11, false, STYLE_NAME,
		    ui->logs.source[l->source].name);
		if (l->bad)
			draw_text(r, y, x - 2, STYLE_ALERT, "!");
	}
	for (row = 0; row < rows; row++) {
		if (y + row < 0)
			continue;
		part = text_wrapped(l->text, r->w - x - 1, row, &len);
		snprintf(text, sizeof text, "%.*s", (int)len, part);
		found_draw(r, y + row, x, STYLE_PLAIN, text, ui->log.search);
	}
}

static void
draw_title(struct ui *ui)
{
	struct rect r = {1, 0, 1, ui->layout.cols};
	const struct log_view *v = &ui->log;
	char day[32] = "";
	struct tm tm;
	time_t when;
	int x;

	draw_hline(&r, 0, 0, r.w, glyphs()->hline);
	x = draw_textf(&r, 0, 1, STYLE_TITLE_FOCUS, " log: %s%s ",
	    v->who[0] != '\0' ? v->who : ALL, v->bad ? ", warnings" : "");
	if (v->search[0] != '\0')
		x = draw_textf(&r, 0, x + 1, STYLE_NAME, " /%s ", v->search);
	if (!v->follow)
		x = draw_textf(&r, 0, x + 1, STYLE_ALERT, " %zu more below ",
		    v->nshown - v->end);
	if (v->end == 0)
		return;
	when = (time_t)(nth(ui, v->end - 1)->when / 1000);
	localtime_r(&when, &tm);
	strftime(day, sizeof day, " %Y-%m-%d ", &tm);
	if (x + 14 < r.w)
		draw_text(&r, 0, r.w - 13, STYLE_FAINT, day);
}

static void
draw(struct ui *ui, unsigned dirty)
{
	struct rect r = body(ui);
	const struct log_view *v = &ui->log;
	int y = r.h, rows;
	size_t i;

	draw_title(ui);
	draw_clear(&r);
	/* What is less than the screen stands at its top. */
	if (v->follow || v->end == v->nshown) {
		for (i = v->end, rows = 0; i > 0 && rows < r.h; i--)
			rows += height(ui, i - 1);
		if (rows < r.h)
			y = rows;
	}
	for (i = v->end; i > 0 && y > 0; i--) {
		rows = height(ui, i - 1);
		y -= rows;
		draw_line(ui, &r, y, i - 1, rows);
	}
	if (v->nshown == 0)
		draw_textf(&r, 0, 1, STYLE_FAINT,
		    ui->logs.lines > 0 ? "nothing that passes; %s shows all"
				       : "nothing was said yet",
		    keymap_key("log-all"));
	draw_cursor(r.y + r.h - 1, 0, false);
	if (ui->log.pick.open)
		pick_draw(ui, &ui->log.pick);
}

/*
 * --- Keys -------------------------------------------------------------
 */

static void
line_up(struct ui *ui)
{
	set_end(ui, ui->log.end > 0 ? ui->log.end - 1 : 0);
}

static void
line_down(struct ui *ui)
{
	set_end(ui, ui->log.end + 1);
}

/* As many lines as fill the screen, less one that stays in sight. */
static void
page_up(struct ui *ui)
{
	int room = body(ui).h - 1;
	size_t end = ui->log.end;

	while (end > 0 && room > 0)
		room -= height(ui, --end);
	set_end(ui, end);
}

static void
page_down(struct ui *ui)
{
	int room = body(ui).h - 1;
	size_t end = ui->log.end;

	while (end < ui->log.nshown && room > 0)
		room -= height(ui, end++);
	set_end(ui, end);
}

static void
oldest(struct ui *ui)
{
	set_end(ui, 0);
}

static void
newest(struct ui *ui)
{
	set_end(ui, ui->log.nshown);
}

static void
chosen(struct ui *ui, const char *name)
{
	struct log_view *v = &ui->log;

	snprintf(
	    v->who, sizeof v->who, "%s", strcmp(name, ALL) == 0 ? "" : name);
	v->follow = true;
	update(ui);
	ui_dirty(ui, DIRTY_ALL);
}

static void
choose(struct ui *ui)
{
	const struct logs *l = &ui->logs;
	unsigned i;

	pick_open(&ui->log.pick, "the log of", chosen, NULL);
	pick_add(&ui->log.pick, ALL, "");
	for (i = 0; i < l->sources; i++)
		pick_add(&ui->log.pick, l->source[i].name,
		    i < LOGS_GUESTS ? "" : "guest");
	ui_dirty(ui, DIRTY_ALL);
}

static void
level(struct ui *ui)
{
	ui->log.bad = !ui->log.bad;
	ui->log.follow = true;
	update(ui);
}

/* The next line with the word in a direction, from the last one shown. */
static void
find(struct ui *ui, int step)
{
	struct log_view *v = &ui->log;
	size_t i, n = v->nshown, at = v->end > 0 ? v->end - 1 : 0;

	for (i = 1; i < n; i++) {
		at = (at + (step > 0 ? 1 : n - 1)) % n;
		if (strcasestr(nth(ui, at)->text, v->search) == NULL)
			continue;
		set_end(ui, at + 1);
		return;
	}
	if (n == 0 || strcasestr(nth(ui, at)->text, v->search) == NULL)
		ui_say(ui, "\"%s\" is nowhere in these lines.", v->search);
}

static void
searched(struct ui *ui, const char *text)
{
	snprintf(ui->log.search, sizeof ui->log.search, "%s", text);
	ui_dirty(ui, DIRTY_BODY);
	if (*text == '\0' || ui->log.nshown == 0)
		return;
	/* The last one at first: it is the newest. */
	if (strcasestr(nth(ui, ui->log.end - 1)->text, text) == NULL)
		find(ui, -1);
}

static void
search(struct ui *ui)
{
	prompt_read(ui, "/", "", searched);
}

static const char *
again_refuse(struct ui *ui)
{
	return ui->log.search[0] == '\0' ? "Nothing was searched for: / does."
					 : NULL;
}

static void
find_older(struct ui *ui)
{
	find(ui, -1);
}

static void
find_newer(struct ui *ui)
{
	find(ui, 1);
}

static const char *
all_refuse(struct ui *ui)
{
	const struct log_view *v = &ui->log;

	return v->who[0] == '\0' && !v->bad && v->search[0] == '\0'
	    ? "All lines are shown."
	    : NULL;
}

static void
show_all(struct ui *ui)
{
	ui->log.who[0] = ui->log.search[0] = '\0';
	ui->log.bad = false;
	update(ui);
}

static const char *
newest_refuse(struct ui *ui)
{
	return ui->log.follow ? "The newest line is shown." : NULL;
}

static const struct binding bindings_log[] = {
    {{'w', 0}, {0, 0}, "who", "the lines of one guest, or of the backend", NULL,
	choose},
    {{'v', 0}, {0, 0}, "warnings", "warnings and errors only, or all", NULL,
	level},
    {{'/', 0}, {0, 0}, "search", "search, from the newest line back", NULL,
	search},
    {{'n', 0}, {0, 0}, "older", "the next match before", again_refuse,
	find_older},
    {{'N', 0}, {0, 0}, "newer", "the next match behind", again_refuse,
	find_newer},
    {{K_ESCAPE, 0}, {0, 0}, "all", "all lines again", all_refuse, show_all},
    {{'G', 0}, {K_END, 0}, "follow", "the newest line, and on with what comes",
	newest_refuse, newest},
    {{'j', 0}, {K_DOWN, 0}, NULL, "a line down", NULL, line_down, "down"},
    {{'k', 0}, {K_UP, 0}, NULL, "a line up", NULL, line_up, "up"},
    {{K_PAGE_DOWN, 0}, {'f', TERM_CTRL}, NULL, "a page down", NULL, page_down,
	"page-down"},
    {{K_PAGE_UP, 0}, {'b', TERM_CTRL}, NULL, "a page up", NULL, page_up,
	"page-up"},
    {{'g', 0}, {K_HOME, 0}, NULL, "the oldest line", NULL, oldest, "oldest"},
    {{0, 0}, {0, 0}, NULL, NULL, NULL, NULL},
};

static const struct binding *
bindings(const struct ui *ui)
{
	return ui->log.pick.open ? pick_bindings : bindings_log;
}

static bool
typed(struct ui *ui, struct key key)
{
	if (!ui->log.pick.open)
		return false;
	pick_key(ui, &ui->log.pick, key);
	return true;
}

static void
mouse(struct ui *ui, const struct mouse *m)
{
	int i;

	if (m->event != TERM_MOUSE_PRESS)
		return;
	if (ui->log.pick.open) {
		pick_mouse(ui, &ui->log.pick, m);
		return;
	}
	for (i = 0; i < 3; i++)
		if (m->button == 4)
			line_up(ui);
		else if (m->button == 5)
			line_down(ui);
}

static void
turned(struct ui *ui, bool to)
{
	struct log_view *v = &ui->log;

	pick_close(&v->pick);
	if (to) {
		v->follow = true;
		logs_begin(ui);
		return;
	}
	logs_end(ui);
	free(v->shown);
	v->shown = NULL;
	v->nshown = v->room = v->end = 0;
}

void
log_end(struct ui *ui)
{
	turned(ui, false);
	logs_clear(ui);
}

void
log_open(struct ui *ui, const char *name)
{
	snprintf(ui->log.who, sizeof ui->log.who, "%s", name);
	ui_turn(ui, &view_log);
}

static struct guest *
guest(const struct ui *ui)
{
	return ui->log.who[0] != '\0' ? model_find(ui->model, ui->log.who)
				      : NULL;
}

static const struct keytable help[] = {
    {"in the log", bindings_log, "log"},
    {NULL, NULL},
};

const struct view view_log = {
    .name = "log",
    .key = '6',
    .draw = draw,
    .bindings = bindings,
    .typed = typed,
    .mouse = mouse,
    .update = update,
    .turned = turned,
    .guest = guest,
    .help = help,
};
