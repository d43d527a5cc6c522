/*
 * The first view: the guests, and beside or behind them the console of the
 * one that is selected. Drawn by guests_list.c, guests_figures.c, console.c.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "tui/actions.h"
#include "tui/glyphs.h"
#include "tui/keymap.h"
#include "tui/text.h"
#include "tui/import.h"
#include "tui/ui.h"
#include "tui/widget.h"

static size_t
selected_index(const struct guests_view *v)
{
	size_t i;

	for (i = 0; i < v->nshown; i++)
		if (strcmp(v->shown[i]->name, v->selected) == 0)
			return i;
	return 0;
}

static void
refilter(struct ui *ui)
{
	struct guests_view *v = &ui->guests;
	const struct model *m = ui->model;
	const struct guest **shown;
	size_t i;

	if (v->room < m->guests) {
		shown = realloc(v->shown, m->guests * sizeof(*shown));
		if (shown == NULL)
			return;
		v->shown = shown;
		v->room = m->guests;
	}
	v->nshown = 0;
	for (i = 0; i < m->guests; i++)
		if (strcasestr(m->guest[i]->name, v->filter) != NULL)
			v->shown[v->nshown++] = m->guest[i];
}

static void
select_name(struct ui *ui, const char *name)
{
	struct guests_view *v = &ui->guests;

	if (strcmp(v->selected, name) == 0)
		return;
	if (ui->console.focus)
		console_leave(ui);
	snprintf(v->selected, sizeof v->selected, "%s", name);
	ui_dirty(ui, DIRTY_ALL);
}

void
guests_select(struct ui *ui, const char *name)
{
	/* One that the filter hides is not there to be selected. */
	if (strcasestr(name, ui->guests.filter) == NULL)
		ui->guests.filter[0] = '\0';
	select_name(ui, name);
}

/*
 * Keeps the selection on its guest; if that is gone or filtered out, on the
 * one that now stands where it would.
 */
static void
update(struct ui *ui)
{
	struct guests_view *v = &ui->guests;
	size_t i;

	refilter(ui);
	if (v->wanted[0] != '\0' && model_find(ui->model, v->wanted) != NULL) {
		select_name(ui, v->wanted);
		v->wanted[0] = '\0';
	}
	if (v->nshown == 0) {
		select_name(ui, "");
		return;
	}
	for (i = 0; i < v->nshown; i++)
		if (model_compare(v->shown[i]->name, v->selected) >= 0)
			break;
	if (i == v->nshown)
		i--;
	select_name(ui, v->shown[i]->name);
	v->top = list_scroll(v->top, i, v->nshown, (size_t)ui->layout.list.h);
}

void
guests_move(struct ui *ui, long n)
{
	struct guests_view *v = &ui->guests;
	long i = (long)selected_index(v) + n, last = (long)v->nshown - 1;

	if (last < 0)
		return;
	i = i < 0 ? 0 : i > last ? last : i;
	select_name(ui, v->shown[i]->name);
	v->top = list_scroll(
	    v->top, (size_t)i, v->nshown, (size_t)ui->layout.list.h);
}

void
guests_clear(struct guests_view *v)
{
	free(v->shown);
	v->shown = NULL;
	v->nshown = v->room = 0;
}

static void
down(struct ui *ui)
{
	guests_move(ui, 1);
}

static void
up(struct ui *ui)
{
	guests_move(ui, -1);
}

static void
page_down(struct ui *ui)
{
	guests_move(ui, ui->layout.list.h);
}

static void
page_up(struct ui *ui)
{
	guests_move(ui, -(long)ui->layout.list.h);
}

static void
first(struct ui *ui)
{
	guests_move(ui, -(long)ui->guests.nshown);
}

static void
last(struct ui *ui)
{
	guests_move(ui, (long)ui->guests.nshown);
}

static void
filtered(struct ui *ui, const char *text)
{
	snprintf(ui->guests.filter, sizeof ui->guests.filter, "%s", text);
	update(ui);
	ui_dirty(ui, DIRTY_ALL);
}

static void
filter(struct ui *ui)
{
	prompt_text(ui, "/", ui->guests.filter, filtered);
}

static const char *
filter_refuse(struct ui *ui)
{
	return ui->model->guests == 0 ? "There is no guest to filter." : NULL;
}

static void
unfilter(struct ui *ui)
{
	filtered(ui, "");
}

static const char *
unfilter_refuse(struct ui *ui)
{
	return ui->guests.filter[0] == '\0' ? "There is nothing to go back to."
					    : NULL;
}

static void
look_back(struct ui *ui)
{
	struct pane *p = console_pane(ui);

	if (p != NULL)
		look_page(p, ui->layout.console.h - 1);
}

static void
look_forth(struct ui *ui)
{
	struct pane *p = console_pane(ui);

	if (p != NULL && look_on(p))
		look_page(p, 1 - ui->layout.console.h);
}

static const char *
look_refuse(struct ui *ui)
{
	return ui->layout.wide && console_pane(ui) != NULL
	    ? NULL
	    : "There is no console beside the list to look back in.";
}

static const char *
define_refuse(struct ui *ui)
{
	const struct guest *g = ui_guest(ui);

	if (g == NULL)
		return "There is no guest.";
	return g->defined ? NULL
			  : "It was made up on the spot: it has no definition.";
}

static const char *
delete_refuse(struct ui *ui)
{
	const struct guest *g = ui_guest(ui);
	const char *why = define_refuse(ui);
	static char runs[96];

	if (why != NULL || !guest_is_up(g))
		return why;
	snprintf(runs, sizeof runs,
	    "It runs: stop it first (%s, or %s at once).",
	    keymap_key("guests-stop"), keymap_key("guests-force-off"));
	return runs;
}

static void
edit(struct ui *ui)
{
	form_edit(ui, CONFIG_VM, ui_guest(ui)->name);
}

static void
new_guest(struct ui *ui)
{
	form_new(ui, CONFIG_VM, "", NULL);
}

static void
clone_named(struct ui *ui, const char *name)
{
	struct error err;

	if (*name == '\0')
		return;
	if (config_name_check(name, &err) == -1)
		ui_error(ui, "\"%s\": %s", name, err.text);
	else if (model_find(ui->model, name) != NULL)
		ui_error(ui, "There is a guest %s already.", name);
	else if (ui_guest(ui) != NULL)
		form_new(ui, CONFIG_VM, name, ui_guest(ui)->name);
}

static void
clone(struct ui *ui)
{
	char label[128];

	snprintf(label, sizeof label, "clone %s as: ", ui_guest(ui)->name);
	prompt_read(ui, label, "", clone_named);
}

static void delete (struct ui *ui)
{
	form_delete(ui, CONFIG_VM, ui_guest(ui)->name);
}

static const char *
open_refuse(struct ui *ui)
{
	return ui_guest(ui) == NULL ? "There is no guest to open." : NULL;
}

/* Into the consoles view. */
static void
open_tile(struct ui *ui)
{
	tiles_open(ui, ui_guest(ui)->name);
	ui_turn(ui, &view_consoles);
}

static void
open_log(struct ui *ui)
{
	log_open(ui, ui_guest(ui)->name);
}

static struct guest *
selected(const struct ui *ui)
{
	return ui->guests.selected[0] != '\0'
	    ? model_find(ui->model, ui->guests.selected)
	    : NULL;
}

static void
turned(struct ui *ui, bool to)
{
	if (!to && ui->console.focus)
		console_leave(ui);
	pick_close(&ui->guests.pick);
}

static const char *
import_refuse(struct ui *ui)
{
	return ui->model->guests > 0
	    ? "There are guests already: :import -o FILE VM.CONF makes a file "
	      "of its own."
	    : NULL;
}

static const struct binding list_bindings[] = {
    {{K_ENTER, 0}, {K_RIGHT, 0}, "console",
	"the keyboard goes into the guest's console", console_refuse,
	console_enter},
    ACTION_BINDINGS,
    {{'e', 0}, {0, 0}, "edit", "edit the guest's definition", define_refuse,
	edit},
    {{'n', 0}, {0, 0}, "new", "define a new guest", NULL, new_guest},
    {{'c', 0}, {0, 0}, "clone", "define another guest like it", define_refuse,
	clone},
    {{'d', 0}, {0, 0}, "delete",
	"delete its definition, and its disks if wanted", delete_refuse,
	delete},
    {{'o', 0}, {0, 0}, "open", "open it in the view of all consoles (2)",
	open_refuse, open_tile},
    {{'L', 0}, {0, 0}, NULL, "its log (6)", open_refuse, open_log, "log"},
    {{'i', 0}, {0, 0}, NULL, "put a disc into its CD-ROM drive",
	action_insert_refuse, action_insert, "insert"},
    {{'E', 0}, {0, 0}, NULL, "take the disc out", action_eject_refuse,
	action_eject, "eject"},
    {{'I', 0}, {0, 0}, "import", "take an OpenBSD vm.conf over", import_refuse,
	import_prompt},
    {{'/', 0}, {0, 0}, "filter", "show only guests with this in their name",
	filter_refuse, filter},
    {{K_ESCAPE, 0}, {0, 0}, "all", "show all guests again", unfilter_refuse,
	unfilter},
    {{'j', 0}, {K_DOWN, 0}, NULL, "the next guest", NULL, down, "down"},
    {{'k', 0}, {K_UP, 0}, NULL, "the one before", NULL, up, "up"},
    {{'g', 0}, {K_HOME, 0}, NULL, "the first", NULL, first, "first"},
    {{'G', 0}, {K_END, 0}, NULL, "the last", NULL, last, "last"},
    {{K_PAGE_DOWN, 0}, {'f', TERM_CTRL}, NULL, "a page down", NULL, page_down,
	"page-down"},
    {{K_PAGE_UP, 0}, {'b', TERM_CTRL}, NULL, "a page up", NULL, page_up,
	"page-up"},
    {{K_PAGE_UP, TERM_SHIFT}, {0, 0}, NULL, "look back in the console",
	look_refuse, look_back, "look-back"},
    {{K_PAGE_DOWN, TERM_SHIFT}, {0, 0}, NULL, "and forth", look_refuse,
	look_forth, "look-forth"},
    {{0, 0}, {0, 0}, NULL, NULL, NULL, NULL},
};

static bool
typed(struct ui *ui, struct key key)
{
	if (!ui->guests.pick.open)
		return console_typed(ui, key);
	pick_key(ui, &ui->guests.pick, key);
	return true;
}

static const struct binding *
bindings(const struct ui *ui)
{
	if (ui->guests.pick.open)
		return pick_bindings;
	return ui->console.focus ? console_table(ui) : list_bindings;
}

static const struct keytable help[] = {
    {"in the list", list_bindings, "guests"},
    {"in a console", console_bindings, "console", true, true},
    {"there, behind that key", console_commands, "console", false, true},
    {"looking back in a console", look_bindings, "look", false, true},
    {"in a form", form_table, "form", true, true},
    {NULL, NULL},
};

/* " web1 ─ running 3d 4h ── ttyS0 " and how far one looks back. */
static void
console_title(struct ui *ui, int x)
{
	const struct rect *r = &ui->layout.titles;
	const struct guest *g = ui_guest(ui);
	struct pane *p = console_pane(ui);
	enum style style = ui->console.focus ? STYLE_TITLE_FOCUS : STYLE_TITLE;
	enum guest_state state;
	char look[LOOK_PATTERN + 64], up[16] = "", label[32];
	const char *title;
	int at;

	if (g == NULL)
		return;
	state = guest_shown(g);
	x = draw_textf(r, 0, x + 1, style, " %s ", g->name) + 1;
	if (guest_is_up(g) && g->since > 0)
		text_span((long)time(NULL) - g->since, up, sizeof up);
	x = draw_textf(r, 0, x, guest_style(state), " %s%s%s ",
		guest_state_word(state), *up != '\0' ? " " : "", up) +
	    2;
	if (p == NULL)
		return;
	title = window_title(ui, p);
	x = draw_textf(r, 0, x, STYLE_FAINT, " %s ",
	    *title != '\0' ? title : pane_label(p, label, sizeof label));
	if (pane_recording(p))
		x = draw_textf(
			r, 0, x, STYLE_RECORD, " %s ", glyphs()->record) +
		    1;
	if (look_on(p)) {
		look_title(p, look, sizeof look);
		at = r->w - text_width(look) - 3;
		draw_textf(r, 0, at > x ? at : x, STYLE_NAME, " %s ", look);
	} else if (!pane_connected(p) && guest_is_up(g))
		draw_text(r, 0, x, STYLE_FAINT, " connecting ");
}

/* The lines around list and console, with the titles in them. */
static void
draw_frame(struct ui *ui)
{
	const struct layout *l = &ui->layout;
	const struct glyphs *gl = glyphs();
	const char *filter_text = ui->guests.filter;
	struct rect all = l->screen;
	bool figures = l->figures.h > 0 && ui->model->guests > 0;

	if (l->wide || l->list.h == 0)
		draw_hline(&l->titles, 0, 0, l->titles.w, gl->hline);
	if (!l->wide && l->list.h == 0) {
		console_title(ui, 0);
		return;
	}
	if (figures)
		draw_hline(&all, l->figures.y - 1, l->figures.x, l->figures.w,
		    gl->hline);
	if (!l->wide)
		return;
	draw_textf(&l->titles, 0, 1,
	    ui->console.focus ? STYLE_TITLE : STYLE_TITLE_FOCUS, " %s%s%s ",
	    ui->view->name, *filter_text != '\0' ? " /" : "", filter_text);
	console_title(ui, l->split + 1);
	draw_vline(&all, l->titles.y + 1, l->split, l->edge.y - l->titles.y - 1,
	    gl->vline);
	draw_hline(&l->edge, 0, 0, l->edge.w, gl->hline);
	draw_text(&l->titles, 0, l->split, STYLE_LINE, gl->tee_down);
	draw_text(&l->edge, 0, l->split, STYLE_LINE, gl->tee_up);
	if (figures) {
		draw_text(&all, l->figures.y - 1, l->split, STYLE_LINE,
		    gl->tee_right);
		draw_text(&all, l->figures.y - 1, l->figures.x + 1, STYLE_TITLE,
		    " figures ");
	}
}

static void
draw(struct ui *ui, unsigned dirty)
{
	const struct layout *l = &ui->layout;
	bool all = (dirty & DIRTY_ALL) == DIRTY_ALL;
	/* First: the titles say what it is. */
	struct pane *p = console_look(ui);

	if (dirty & DIRTY_BODY) {
		draw_frame(ui);
		if (ui->model->guests == 0 && ui->model->loaded)
			guests_draw_welcome(ui, l->wide ? &l->side : &l->list);
		else if (l->list.h > 0)
			guests_draw_list(ui);
		guests_draw_figures(ui);
	}
	console_draw(ui, p, all || (p == NULL && (dirty & DIRTY_BODY)));
	if (ui->guests.pick.open)
		pick_draw(ui, &ui->guests.pick);
}

const struct view view_guests = {
    .name = "guests",
    .key = '1',
    .draw = draw,
    .bindings = bindings,
    .typed = typed,
    .pasted = console_pasted,
    .mouse = guests_mouse,
    .update = update,
    .turned = turned,
    .guest = selected,
    .hint = console_hint,
    .help = help,
};
