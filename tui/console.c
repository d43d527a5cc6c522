#include <stdio.h>
#include <string.h>

#include "tui/glyphs.h"
#include "tui/keymap.h"
#include "tui/paint.h"
#include "tui/text.h"
#include "tui/ui.h"

/* The key behind the prefix is special for this long, in seconds. */
#define AFTER 1

static void
after_ends(int fd, short what, void *arg)
{
	struct ui *ui = arg;

	ui->console.after = false;
}

int
console_begin(struct ui *ui)
{
	ui->console.timer = evtimer_new(ui->base, after_ends, ui);
	return ui->console.timer != NULL ? 0 : -1;
}

void
console_end(struct ui *ui)
{
	if (ui->console.timer != NULL)
		event_free(ui->console.timer);
}

struct pane *
console_pane(const struct ui *ui)
{
	const struct guest *g = ui_guest(ui);

	return g != NULL ? pane_find(ui->panes, g->name) : NULL;
}

const char *
console_refuse(struct ui *ui)
{
	static char why[MODEL_NAME_MAX + 64];
	const struct guest *g = ui_guest(ui);

	if (g == NULL)
		return "There is no guest to turn to.";
	if (guest_is_up(g) || guest_shown(g) == GUEST_STARTING ||
	    console_pane(ui) != NULL)
		return NULL;
	snprintf(why, sizeof why, "%s is %s; %s starts it.", g->name,
	    guest_state_word(guest_shown(g)), keymap_key("guests-start"));
	return why;
}

static void
set_focus(struct ui *ui, bool focus)
{
	struct pane *p = console_pane(ui);

	ui->console.focus = focus;
	size_follow(ui);
	if (p != NULL) {
		pane_focus(p, focus);
		if (!focus)
			look_close(p);
	}
	ui_layout(ui);
	ui_dirty(ui, DIRTY_ALL);
}

void
console_enter(struct ui *ui)
{
	set_focus(ui, true);
}

void
console_leave(struct ui *ui)
{
	set_focus(ui, false);
}

/* Back to the list, and see what comes next. */
static void
prefix(struct ui *ui)
{
	struct timeval tv = {AFTER, 0};

	console_leave(ui);
	ui->console.after = true;
	evtimer_add(ui->console.timer, &tv);
}

static void
look_back(struct ui *ui)
{
	struct pane *p = console_pane(ui);

	if (p != NULL)
		look_page(
		    p, ui->layout.console.h > 1 ? ui->layout.console.h - 1 : 1);
}

const struct binding console_bindings[] = {
    {{K_PREFIX, 0}, {0, 0}, "list",
	"back to the list; pressed twice it goes to the guest", NULL, prefix},
    {{K_PAGE_UP, TERM_SHIFT}, {0, 0}, "look back", "look back by a page", NULL,
	look_back},
    {{0, 0}, {0, 0}, NULL, NULL, NULL, NULL},
};

static void
look_at(struct ui *ui)
{
	if (console_pane(ui) != NULL)
		look_open(console_pane(ui), false);
}

static void
other_port(struct ui *ui)
{
	if (console_pane(ui) != NULL)
		pane_turn(console_pane(ui), ui_guest(ui));
}

static void
type_size(struct ui *ui)
{
	if (console_pane(ui) != NULL)
		size_type(ui, console_pane(ui));
}

const struct binding console_commands[] = {
    {{K_PAGE_UP, 0}, {0, 0}, "page back", "look back by a page", NULL,
	look_back},
    {{'[', 0}, {0, 0}, "look", "look back, select, copy", NULL, look_at},
    {{'c', 0}, {0, 0}, "other console", "the guest's ttyS0 or its hvc0", NULL,
	other_port},
    {{'y', 0}, {0, 0}, "stty", "type the pane's size into a serial line", NULL,
	type_size},
    {{0, 0}, {0, 0}, NULL, NULL, NULL, NULL},
};

const struct binding *
console_table(const struct ui *ui)
{
	struct pane *p = console_pane(ui);

	return p != NULL && look_on(p) ? look_table((struct ui *)ui, p)
				       : console_bindings;
}

/* No guest reads: the keys are for looking and for going back. */
static void
unheard(struct ui *ui, struct pane *p, struct key key)
{
	const struct guest *g = ui_guest(ui);

	if (p != NULL && (key.code == K_PAGE_UP || key_is(key, '/', 0))) {
		look_open(p, true);
		look_key(ui, p, key);
		return;
	}
	if (key.code == K_ESCAPE || key.code == K_LEFT || key_is(key, 'q', 0)) {
		console_leave(ui);
		return;
	}
	if (g == NULL)
		console_leave(ui);
	else if (guest_is_up(g))
		ui_say(ui, "The console of %s is not connected yet.", g->name);
	else
		ui_say(ui, "%s is %s and hears nothing; %s goes back.", g->name,
		    guest_state_word(guest_shown(g)), keys_prefix_name());
}

/* The key right behind the prefix; returns whether it had a meaning. */
static bool
behind_prefix(struct ui *ui, struct key key)
{
	struct pane *p = console_pane(ui);
	const char *why;

	if (key_is(key, keys_prefix().code, keys_prefix().mods)) {
		console_enter(ui);
		if (p != NULL)
			pane_key(p, key);
		return true;
	}
	if (p != NULL && keys_has(console_commands, key)) {
		console_enter(ui);
		keys_run(console_commands, key, ui, &why);
		return true;
	}
	/* Whoever is used to a key for "back": one is back already. */
	return key_is(key, 'd', 0) || key.code == K_ESCAPE ||
	    key.code == K_LEFT;
}

bool
console_typed(struct ui *ui, struct key key)
{
	struct pane *p = console_pane(ui);
	const char *why;

	if (ui->console.after) {
		ui->console.after = false;
		evtimer_del(ui->console.timer);
		if (behind_prefix(ui, key))
			return true;
	}
	if (!ui->console.focus)
		return false;
	if (p != NULL && look_on(p) &&
	    !key_is(key, keys_prefix().code, keys_prefix().mods)) {
		look_key(ui, p, key);
		return true;
	}
	if (keys_run(console_bindings, key, ui, &why))
		return true;
	if (p == NULL || !pane_connected(p)) {
		unheard(ui, p, key);
		return true;
	}
	if (!pane_key(p, key))
		ui_error(ui, "%s does not read what is typed.", pane_name(p));
	return true;
}

void
console_mouse(struct ui *ui, const struct mouse *m)
{
	const struct rect *r = &ui->layout.console;
	struct pane *p = console_pane(ui);
	bool within = m->row >= r->y && m->row < r->y + r->h &&
	    m->col >= r->x && m->col < r->x + r->w;

	if (p == NULL || (!within && ui->looks.pressed != p))
		return;
	if (m->event == TERM_MOUSE_PRESS) {
		if (!within)
			return;
		if (!ui->console.focus)
			console_enter(ui);
	}
	look_mouse(ui, p, r, m);
}

bool
console_pasted(struct ui *ui, const char *text, size_t len)
{
	struct pane *p = console_pane(ui);

	if (!ui->console.focus)
		return false;
	if (p == NULL || !pane_paste(p, text, len))
		ui_error(ui, "The console did not take what was pasted.");
	return true;
}

const char *
console_hint(const struct ui *ui)
{
	struct console *c = (struct console *)&ui->console;
	const struct guest *g = ui_guest(ui);
	struct pane *p = console_pane(ui);

	if (!c->focus || g == NULL)
		return NULL;
	c->hint[0] = '\0';
	if (p != NULL && pane_connected(p) && !look_on(p))
		snprintf(
		    c->hint, sizeof c->hint, "all else goes to %s", g->name);
	return c->hint;
}

const char *
console_why_silent(const struct guest *g)
{
	static char why[80];

	switch (guest_shown(g)) {
	case GUEST_STARTING:
		return "starting";
	case GUEST_STOPPED:
		snprintf(why, sizeof why, "stopped.  %s starts it",
		    keymap_key("guests-start"));
		return why;
	case GUEST_CRASHED:
		snprintf(why, sizeof why, "crashed.  %s starts it again",
		    keymap_key("guests-start"));
		return why;
	default:
		return "connecting to its console";
	}
}

void
console_draw_instead(const struct rect *r, const struct guest *g)
{
	const char *line;
	int i, n, y = r->h > 4 ? 1 : 0, x = r->w > 40 ? 2 : 1;
	size_t len;

	draw_clear(r);
	if (g->reason != NULL && *g->reason != '\0') {
		n = text_wrapped_lines(g->reason, r->w - 2 * x);
		for (i = 0; i < n; i++) {
			line = text_wrapped(g->reason, r->w - 2 * x, i, &len);
			draw_textf(r, y++, x,
			    guest_shown(g) == GUEST_CRASHED ? STYLE_CRASHED
							    : STYLE_PLAIN,
			    "%.*s", (int)len, line);
		}
		y++;
	}
	draw_textf(
	    r, y, x, STYLE_FAINT, "%s: %s", g->name, console_why_silent(g));
}

struct pane *
console_look(struct ui *ui)
{
	const struct rect *r = &ui->layout.console;
	const struct guest *g = ui_guest(ui);
	struct pane *p;

	if (r->h == 0 || g == NULL ||
	    (!guest_is_up(g) && pane_find(ui->panes, g->name) == NULL))
		return NULL;
	p = pane_look(ui->panes, g, (unsigned)r->h, (unsigned)r->w);
	if (p != NULL)
		size_fit(ui, p, g);
	return p;
}

void
console_draw(struct ui *ui, struct pane *p, bool all)
{
	const struct rect *r = &ui->layout.console;
	const struct guest *g = ui_guest(ui);

	if (r->h == 0 || g == NULL)
		return;
	if (p == NULL) {
		if (all)
			console_draw_instead(r, g);
		if (ui->console.focus)
			draw_cursor(r->y, r->x, false);
		return;
	}
	paint_pane(r, p, all);
	if (ui->console.focus)
		paint_cursor(r, p);
}
