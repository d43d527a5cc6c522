#include "tui/actions.h"
#include "tui/everywhere.h"
#include "tui/keymap.h"
#include "tui/settings.h"
#include "tui/ui.h"

static void quit_key(struct ui *ui);
static void help_key(struct ui *ui);
static void mistakes_key(struct ui *ui);

static const char *
mistakes_refuse(struct ui *ui)
{
	return ui->model->mistakes == 0
	    ? "There is no mistake in the configuration."
	    : NULL;
}

static void
mouse_key(struct ui *ui)
{
	settings_mouse(ui, !ui->mouse);
	ui_say(ui,
	    ui->mouse ? "The mouse is the screen's."
		      : "The mouse is the terminal's, to select text with.");
}

const struct binding everywhere_bindings[] = {
    {{K_ESCAPE, 0}, {0, 0}, "give up",
	"wait no longer for what was asked of the backend", waiting_refuse,
	waiting_give_up},
    {{'m', 0}, {0, 0}, "mistakes", "the mistakes of the configuration",
	mistakes_refuse, mistakes_key},
    {{':', 0}, {0, 0}, "command", "a command, as of the command line", NULL,
	commands_prompt},
    {{'?', 0}, {0, 0}, "help", "this page", NULL, help_key},
    {{'q', 0}, {'c', TERM_CTRL}, "quit", "leave the screen; guests run on",
	NULL, quit_key},
    {{'R', 0}, {0, 0}, NULL, "read the configuration again", NULL,
	action_reload, "reload"},
    {{'M', 0}, {0, 0}, NULL, "give the mouse to the terminal, or take it again",
	NULL, mouse_key, "toggle-mouse"},
    {{'l', TERM_CTRL}, {0, 0}, NULL, "draw the screen anew", NULL, ui_redraw,
	"redraw"},
    {{'z', TERM_CTRL}, {0, 0}, NULL, "stop the screen, back with fg", NULL,
	ui_suspend, "suspend"},
    {{0, 0}, {0, 0}, NULL, NULL, NULL, NULL},
};

const struct keytable everywhere_help = {"everywhere", everywhere_bindings, ""};

static void
quit_sure(struct ui *ui, const char *name)
{
	ui_quit(ui);
}

static void
quit_key(struct ui *ui)
{
	if (tasks_count(ui) > 0)
		prompt_ask(ui, "", quit_sure,
		    "leave? %s is not done with %s, and stops",
		    tasks_count(ui) > 1 ? "the work on images" : "vmtui",
		    tasks_count(ui) > 1 ? "all of them"
					: LIST_FIRST(&ui->tasks)->path);
	else if (raw_changed(ui))
		prompt_ask(ui, "", quit_sure,
		    "leave? what was changed in the configuration (%s) is not "
		    "saved",
		    keymap_key("view-configuration"));
	else
		ui_quit(ui);
}

static void
help_key(struct ui *ui)
{
	sheet_help(ui, &everywhere_help);
}

static void
mistakes_key(struct ui *ui)
{
	sheet_mistakes(ui);
}

/*
 * --- Keys --------------------------------------------------------------
 */

/* '1' to '9': another view. */
static bool
turn_to(struct ui *ui, struct key key)
{
	size_t i;

	for (i = 0; views[i] != NULL; i++)
		if (keymap_turns(key, views[i])) {
			ui_turn(ui, views[i]);
			return true;
		}
	return false;
}

/* The key of the help as it is now, for sentences; "" if it has none. */
static const char *
help_name(char *buf, size_t len)
{
	const struct binding *b;

	for (b = everywhere_bindings; b->run != help_key; b++)
		continue;
	buf[0] = '\0';
	return keys_of(b).key.code == 0 ? buf
					: key_name(keys_of(b).key, buf, len);
}

static void
nothing(struct ui *ui, struct key key)
{
	char name[32], help[32];

	key_name(key, name, sizeof name);
	if (*help_name(help, sizeof help) != '\0')
		ui_say(
		    ui, "%s does nothing here; %s shows the keys.", name, help);
	else
		ui_say(ui, "%s does nothing here.", name);
}

static void
command_key(struct ui *ui, struct key key)
{
	const char *why, *other;
	bool known;

	if ((known = keys_run(ui->view->bindings(ui), key, ui, &why)) &&
	    why == NULL)
		return;
	if (keys_run(everywhere_bindings, key, ui, &other)) {
		if (other == NULL)
			return;
		why = other;
		known = true;
	}
	if (known)
		ui_say(ui, "%s", why);
	else if (!turn_to(ui, key))
		nothing(ui, key);
}

void
everywhere_key(struct ui *ui, struct key key)
{
	const char *why;

	if (ui->layout.small) {
		if (key_is(key, 'q', 0) || key_is(key, 'c', TERM_CTRL))
			ui_quit(ui);
		return;
	}
	if (ui->prompt.kind != PROMPT_NONE) {
		prompt_key(ui, key);
		return;
	}
	if (message_clear(&ui->message))
		ui_dirty(ui, DIRTY_ALL);
	if (ui->sheet.open) {
		if (keys_run(sheet_bindings, key, ui, &why)) {
			if (why != NULL)
				ui_say(ui, "%s", why);
		} else if (key_is(key, 'l', TERM_CTRL))
			ui_redraw(ui);
		return;
	}
	if (ui->form.open) {
		form_key(ui, key);
		return;
	}
	if (ui->view->typed != NULL && ui->view->typed(ui, key))
		return;
	command_key(ui, key);
	/* What can be done now may be another thing. */
	ui_dirty(ui, DIRTY_BOTTOM);
}

/*
 * A click on the last line is what is written there. When the button is let
 * go: otherwise a click on "quit" would leave that for the shell to read.
 */
static bool
bottom_mouse(struct ui *ui, const struct mouse *mouse)
{
	bool here = mouse->row == ui->layout.bottom.y;
	struct key key;

	if (mouse->button != 1)
		return false;
	if (mouse->event == TERM_MOUSE_PRESS) {
		ui->bottom.pressed = here && !bottom_too_soon(ui);
		return here;
	}
	if (!ui->bottom.pressed)
		return false;
	if (mouse->event != TERM_MOUSE_RELEASE)
		return true;
	ui->bottom.pressed = false;
	if (!here)
		return true;
	key = bottom_click(ui, mouse->col);
	if (key.code != 0)
		everywhere_key(ui, key);
	return true;
}

void
everywhere_mouse(struct ui *ui, const struct mouse *mouse)
{
	if (ui->layout.small || ui->prompt.kind == PROMPT_TEXT)
		return;
	if (ui->prompt.kind == PROMPT_ASK) {
		bottom_mouse(ui, mouse);
		return;
	}
	if (mouse->event == TERM_MOUSE_PRESS && message_clear(&ui->message))
		ui_dirty(ui, DIRTY_ALL);
	else if (bottom_mouse(ui, mouse))
		return;
	if (ui->sheet.open)
		sheet_mouse(ui, mouse);
	else if (ui->view->mouse == NULL)
		return;
	else if (ui->form.open)
		form_mouse(ui, mouse);
	else {
		ui->view->mouse(ui, mouse);
		ui_dirty(ui, DIRTY_BOTTOM);
	}
}

void
everywhere_paste(struct ui *ui, const char *text, size_t len)
{
	if (ui->layout.small)
		return;
	if (ui->prompt.kind != PROMPT_NONE)
		prompt_paste(ui, text, len);
	else if (ui->form.open && !ui->sheet.open)
		form_paste(ui, text, len);
	else if (ui->sheet.open || ui->view->pasted == NULL ||
	    !ui->view->pasted(ui, text, len))
		ui_say(ui,
		    "There is nothing here to paste into; %s turns to a "
		    "console.",
		    key_name((struct key){K_ENTER, 0}, (char[16]){0}, 16));
}
