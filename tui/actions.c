#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tui/actions.h"
#include "tui/commands.h"
#include "tui/settings.h"
#include "tui/ui.h"

/* A command on its way; its guest may be gone when the answer comes. */
struct command {
	struct ui *ui;
	char name[MODEL_NAME_MAX + 1];
};

static void
answered(json_t *ret, int fd, const char *why, void *arg)
{
	struct command *c = arg;
	struct guest *g = model_find(c->ui->model, c->name);

	if (ret == NULL) {
		if (g != NULL)
			model_expect(c->ui->model, g, GUEST_UNKNOWN);
		ui_error(c->ui, "%s", why);
		ui_dirty(c->ui, DIRTY_TOP | DIRTY_BODY);
	}
	free(c);
}

/* The backend has not even answered yet. */
static void
already(struct ui *ui, struct command *c)
{
	ui_say(ui, "%s: that is asked for and not answered yet.", c->name);
	free(c);
}

/* Sends a command about a guest and shows what is expected of it. */
static void
command(struct ui *ui, const char *name, const char *word, bool force,
    enum guest_state expected)
{
	struct guest *g = model_find(ui->model, name);
	struct command *c;
	json_t *args;

	if (g == NULL) {
		ui_error(ui, "%s is gone.", name);
		return;
	}
	if ((c = malloc(sizeof *c)) == NULL)
		return;
	c->ui = ui;
	snprintf(c->name, sizeof c->name, "%s", name);
	args = json_pack("{s:s}", "name", name);
	if (force)
		json_object_set_new(args, "force", json_true());
	model_expect(ui->model, g, expected);
	ui_dirty(ui, DIRTY_ALL);
	if (!wire_ask(ui->wire, word, args, answered, c))
		already(ui, c);
}

/* The sentence of a refusal; one at a time is enough. */
static const char *
because(const char *fmt, ...)
{
	static char why[256];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(why, sizeof why, fmt, ap);
	va_end(ap);
	return why;
}

/*
 * NULL if a guest is selected, the backend is there and the guest is in one
 * of the states (a mask of 1 << state); else why not.
 */
static const char *
unless(struct ui *ui, unsigned states, const char *what)
{
	const struct guest *g = ui_guest(ui);
	enum guest_state state;

	if (g == NULL)
		return because("There is no guest to %s.", what);
	if (!wire_up(ui->wire))
		return because("The backend is not there to %s %s; it is "
			       "being looked for.",
		    what, g->name);
	state = guest_shown(g);
	if (states & 1u << state)
		return NULL;
	return because(
	    "%s is %s: nothing to %s.", g->name, guest_state_word(state), what);
}

#define DOWN (1u << GUEST_STOPPED | 1u << GUEST_CRASHED)
#define UP   (1u << GUEST_RUNNING | 1u << GUEST_PAUSED | 1u << GUEST_STOPPING)

const char *
action_start_refuse(struct ui *ui)
{
	return unless(ui, DOWN, "start");
}

void
action_start(struct ui *ui)
{
	command(ui, ui_guest(ui)->name, "start", false, GUEST_STARTING);
}

const char *
action_stop_refuse(struct ui *ui)
{
	return unless(ui, 1u << GUEST_RUNNING | 1u << GUEST_STOPPING, "stop");
}

void
action_stop(struct ui *ui)
{
	command(ui, ui_guest(ui)->name, "stop", false, GUEST_STOPPING);
}

const char *
action_force_refuse(struct ui *ui)
{
	return unless(ui, UP | 1u << GUEST_STARTING, "force off");
}

static void
force(struct ui *ui, const char *name)
{
	command(ui, name, "stop", true, GUEST_STOPPING);
}

void
action_force(struct ui *ui)
{
	const char *name = ui_guest(ui)->name;

	prompt_ask(ui, name, force,
	    "%s off at once? what it has not written to its disks is lost",
	    name);
}

const char *
action_pause_refuse(struct ui *ui)
{
	return unless(ui, 1u << GUEST_RUNNING, "pause");
}

void
action_pause(struct ui *ui)
{
	command(ui, ui_guest(ui)->name, "pause", false, GUEST_PAUSED);
}

const char *
action_unpause_refuse(struct ui *ui)
{
	return unless(ui, 1u << GUEST_PAUSED, "unpause");
}

void
action_unpause(struct ui *ui)
{
	command(ui, ui_guest(ui)->name, "unpause", false, GUEST_RUNNING);
}

const char *
action_reset_refuse(struct ui *ui)
{
	return unless(ui, UP, "reset");
}

/* One that leaves the guest in the state that it is in. */
static void
stateless(struct ui *ui, const char *name, const char *word, bool force)
{
	const struct guest *g = model_find(ui->model, name);

	command(ui, name, word, force, g != NULL ? g->expected : GUEST_UNKNOWN);
}

static void
reset(struct ui *ui, const char *name)
{
	stateless(ui, name, "reset", false);
}

void
action_reset(struct ui *ui)
{
	const char *name = ui_guest(ui)->name;

	prompt_ask(ui, name, reset,
	    "reset %s? what it has not written to its disks is lost", name);
}

const char *
action_insert_refuse(struct ui *ui)
{
	const char *why = unless(ui, UP, "put a disc into");

	if (why == NULL && !ui_guest(ui)->drive)
		why = because("%s has no CD-ROM drive: cdrom = empty in its "
			      "definition gives it one with its next start.",
		    ui_guest(ui)->name);
	return why;
}

/* The rest of the line is a path, which the tab key completes. */
void
action_insert(struct ui *ui)
{
	char text[MODEL_NAME_MAX + 16];

	snprintf(text, sizeof text, "insert %s ", ui_guest(ui)->name);
	commands_prompt_with(ui, text);
}

const char *
action_eject_refuse(struct ui *ui)
{
	const char *why = action_insert_refuse(ui);

	if (why == NULL && !ui_guest(ui)->disc)
		why = because("There is no disc in the CD-ROM drive of %s.",
		    ui_guest(ui)->name);
	return why;
}

static void
eject_locked(struct ui *ui, const char *name)
{
	stateless(ui, name, "eject", true);
}

void
action_eject(struct ui *ui)
{
	const char *name = ui_guest(ui)->name;

	if (!ui_guest(ui)->locked)
		stateless(ui, name, "eject", false);
	else
		prompt_ask(ui, name, eject_locked,
		    "take the disc out of %s? its system uses it and has "
		    "locked the drive",
		    name);
}

/*
 * The backend read the file: what is on the screen follows. False if there is
 * something else to say.
 */
static bool
follow_file(struct ui *ui, json_t *ret)
{
	const json_t *change, *troubles;
	bool well = true;
	size_t i;

	json_array_foreach (json_object_get(ret, "changes"), i, change) {
		troubles = json_object_get(change, "troubles");
		if (json_array_size(troubles) == 0)
			continue;
		well = false;
		ui_error(
		    ui, "%s", json_string_value(json_array_get(troubles, 0)));
	}
	if (ret != NULL)
		model_mistakes(ui->model, ret);
	wire_refresh(ui->wire);
	settings_reload(ui);
	if (ui->view == &view_switches)
		switches_ask(ui);
	images_ask(ui);
	ui_dirty(ui, DIRTY_ALL);
	return well && ui->model->mistakes == 0;
}

static void
reloaded(json_t *ret, int fd, const char *why, void *arg)
{
	struct ui *ui = arg;

	if (ret == NULL) {
		ui_error(ui, "%s", why);
		return;
	}
	if (follow_file(ui, ret))
		ui_say(ui, "The definitions were read again.");
}

void
action_reload(struct ui *ui)
{
	if (!wire_ask(ui->wire, "reload", NULL, reloaded, ui))
		ui_say(ui, "That is asked for and not answered yet.");
}

static void
saved_was_read(json_t *ret, int fd, const char *why, void *arg)
{
	struct ui *ui = arg;

	if (ret == NULL)
		ui_error(ui,
		    "The file is saved, but the backend has not read it: %s",
		    why);
	follow_file(ui, ret);
}

void
action_saved(struct ui *ui)
{
	wire_call(ui->wire, "reload", NULL, saved_was_read, ui);
}
