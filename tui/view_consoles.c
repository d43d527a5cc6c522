/*
 * The second view: the consoles of many guests side by side. All keys go to
 * the focused one, but for the prefix and what follows it.
 *
 *	NONE --prefix--> WAITS --0.7 s--> MENU
 *	  ^                |  a key        |
 *	  '----------------+---------------'
 *	  ^                '-- resizing --> REPEATS --0.6 s or another key--.
 *	  '-----------------------------------------------------------------'
 */
#include <stdio.h>
#include <string.h>

#include "tui/consoles_keys.h"
#include "tui/consoles_mouse.h"
#include "tui/glyphs.h"
#include "tui/keymap.h"
#include "tui/menu.h"
#include "tui/ui.h"

#define MENU_MS 700

static void
timed(int fd, short what, void *arg)
{
	struct ui *ui = arg;
	struct consoles *c = &ui->consoles;

	c->prefix = c->prefix == PREFIX_WAITS ? PREFIX_MENU : PREFIX_NONE;
	ui_dirty(ui, DIRTY_ALL);
}

int
tiles_begin(struct ui *ui)
{
	ui->consoles.timer = evtimer_new(ui->base, timed, ui);
	return ui->consoles.timer != NULL ? 0 : -1;
}

void
tiles_end(struct ui *ui)
{
	tiles_clear(ui);
	pick_close(&ui->consoles.pick);
	if (ui->consoles.timer != NULL)
		event_free(ui->consoles.timer);
}

void
consoles_arm(struct ui *ui)
{
	struct timeval tv = {0, MENU_MS * 1000};
	struct consoles *c = &ui->consoles;

	c->prefix = PREFIX_WAITS;
	evtimer_add(c->timer, &tv);
	ui_dirty(ui, DIRTY_BODY | DIRTY_BOTTOM);
}

void
consoles_disarm(struct ui *ui)
{
	struct consoles *c = &ui->consoles;

	if (c->prefix == PREFIX_NONE)
		return;
	evtimer_del(c->timer);
	/* The menu stood over panes. */
	ui_dirty(ui,
	    c->prefix == PREFIX_MENU ? DIRTY_ALL : DIRTY_BODY | DIRTY_BOTTOM);
	c->prefix = PREFIX_NONE;
}

/* The key behind the prefix; returns whether it was one of ours. */
static bool
command(struct ui *ui, struct key key)
{
	const char *why;

	consoles_disarm(ui);
	ui->consoles.key = key;
	if (key.code == K_ESCAPE || key_is(key, 'c', TERM_CTRL))
		return true;
	if (!keys_run(consoles_commands, key, ui, &why))
		return false;
	if (why != NULL)
		ui_say(ui, "%s", why);
	return true;
}

/* The focused guest does not hear: s is what helps. */
static void
unheard(struct ui *ui, const struct tile *t, struct key key)
{
	const struct guest *g = model_find(ui->model, t->name);
	const char *why;

	if (g == NULL)
		ui_say(ui, "There is no guest %s; %s x closes its pane.",
		    t->name, keys_prefix_name());
	else if (guest_is_up(g))
		ui_say(ui, "The console of %s is not connected yet.", t->name);
	else if (keymap_is("pane-start", key)) {
		keys_run(consoles_commands, key, ui, &why);
		if (why != NULL)
			ui_say(ui, "%s", why);
	} else
		ui_say(ui, "%s is %s and hears nothing; %s starts it.", t->name,
		    guest_state_word(guest_shown(g)), keymap_key("pane-start"));
}

static void
type(struct ui *ui, struct key key)
{
	struct tile *t = ui->consoles.focus;

	if (tiles_looking(t)) {
		look_key(ui, t->pane, key);
		return;
	}
	if (tiles_type(ui, key) > 0)
		return;
	if (tiles_hears(t))
		ui_error(ui, "%s does not read what is typed.", t->name);
	else
		unheard(ui, t, key);
}

static bool
typed(struct ui *ui, struct key key)
{
	struct consoles *c = &ui->consoles;
	const char *why;

	if (c->pick.open) {
		pick_key(ui, &c->pick, key);
		return true;
	}
	if (c->prefix == PREFIX_WAITS || c->prefix == PREFIX_MENU)
		return command(ui, key);
	if (c->prefix == PREFIX_REPEATS) {
		if (keys_run(consoles_repeated, key, ui, &why))
			return true;
		consoles_disarm(ui);
	}
	if (key_is(key, keys_prefix().code, keys_prefix().mods)) {
		consoles_arm(ui);
		return true;
	}
	if (c->focus == NULL)
		return false;
	type(ui, key);
	return true;
}

static bool
pasted(struct ui *ui, const char *text, size_t len)
{
	struct consoles *c = &ui->consoles;

	if (c->pick.open || c->focus == NULL)
		return false;
	consoles_disarm(ui);
	if (tiles_looking(c->focus))
		look_close(c->focus->pane);
	if (tiles_paste(ui, text, len) == 0)
		ui_error(ui, "The console did not take what was pasted.");
	return true;
}

static const struct binding *
bindings(const struct ui *ui)
{
	static const struct binding picking[] = {
	    {{0, 0}, {0, 0}, NULL, NULL, NULL, NULL}};
	const struct consoles *c = &ui->consoles;

	if (c->pick.open)
		return picking;
	if (c->prefix == PREFIX_WAITS || c->prefix == PREFIX_MENU)
		return consoles_commands;
	if (tiles_looking(c->focus))
		return look_table((struct ui *)ui, c->focus->pane);
	return c->focus != NULL ? consoles_typing : consoles_empty;
}

/* "all else goes to web1", or to whom if there are several. */
static const char *
hint(const struct ui *ui)
{
	struct consoles *c = (struct consoles *)&ui->consoles;
	struct tile *target[TREE_MAX];
	unsigned i, n = tiles_targets(c, target);
	size_t at;

	if (c->prefix == PREFIX_WAITS || c->prefix == PREFIX_MENU ||
	    tiles_looking(c->focus))
		return "";
	if (c->focus == NULL)
		return NULL;
	if (n == 1) {
		c->hint[0] = '\0';
		if (tiles_hears(c->focus))
			snprintf(c->hint, sizeof c->hint, "all else goes to %s",
			    c->focus->name);
		return c->hint;
	}
	at = (size_t)snprintf(
	    c->hint, sizeof c->hint, "%s typing goes to %u:", glyphs()->too, n);
	for (i = 0; i < n && at < sizeof c->hint; i++)
		at += (size_t)snprintf(
		    c->hint + at, sizeof c->hint - at, " %s", target[i]->name);
	return c->hint;
}

static void
draw(struct ui *ui, unsigned dirty)
{
	struct consoles *c = &ui->consoles;

	tiles_draw(ui, dirty);
	if (c->prefix == PREFIX_MENU)
		menu_draw(ui, consoles_commands);
	if (c->pick.open)
		pick_draw(ui, &c->pick);
}

static void
turned(struct ui *ui, bool to)
{
	consoles_disarm(ui);
	pick_close(&ui->consoles.pick);
	tiles_show(ui, to);
}

static struct guest *
focused(const struct ui *ui)
{
	const struct tile *t = ui->consoles.focus;

	return t != NULL ? model_find(ui->model, t->name) : NULL;
}

static const struct keytable help[] = {
    {"in a pane", consoles_typing, "pane", true, true},
    {"behind that key", consoles_commands, "pane", false, true},
    {"looking back in a pane", look_bindings, "look", false, true},
    {"without panes", consoles_empty, "consoles"},
    {NULL, NULL},
};

const struct view view_consoles = {
    .name = "consoles",
    .key = '2',
    .draw = draw,
    .bindings = bindings,
    .typed = typed,
    .pasted = pasted,
    .mouse = consoles_mouse,
    .update = tiles_place,
    .turned = turned,
    .guest = focused,
    .hint = hint,
    .help = help,
};
