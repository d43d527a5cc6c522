/* Deleting a guest or a switch: its definition, and if wanted its disks. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tui/actions.h"
#include "tui/ui.h"

enum { DELETE_LOOK, DELETE_DO };

/* A definition on its way out; on the loop, or on a thread. */
struct deletion {
	struct ui *ui;
	enum config_section_kind kind;
	char name[CONFIG_NAME_MAX + 1];
	char *path;
	int step;
	bool with_disks;
	char *disk[CONFIG_DISKS_MAX]; /* that nobody else has */
	size_t disks;
	size_t users; /* of a switch */
	struct error err;
	int r;
};

static void
deletion_free(struct deletion *d)
{
	if (d == NULL)
		return;
	while (d->disks > 0)
		free(d->disk[--d->disks]);
	free(d->path);
	free(d);
}

/* Whether another guest than the one has the disk. */
static bool
is_shared(
    const struct config *cfg, const struct config_vm *vm, const char *path)
{
	size_t i, j;

	for (i = 0; i < cfg->nvms; i++)
		for (j = 0; &cfg->vms[i] != vm && j < cfg->vms[i].ndisks; j++)
			if (strcmp(cfg->vms[i].disks[j].path, path) == 0)
				return true;
	return false;
}

static void
find_disks(struct deletion *d, const struct config *cfg)
{
	const struct config_vm *vm = config_find_vm(cfg, d->name);
	size_t i;

	for (i = 0; vm != NULL && i < vm->ndisks; i++)
		if (!vm->disks[i].readonly &&
		    !is_shared(cfg, vm, vm->disks[i].path) &&
		    (d->disk[d->disks] = strdup(vm->disks[i].path)) != NULL)
			d->disks++;
}

static void
find_users(struct deletion *d, const struct config *cfg)
{
	const struct config_vm *vm;
	size_t i, j;

	for (i = 0; i < cfg->nvms; i++) {
		vm = &cfg->vms[i];
		for (j = 0; j < vm->ninterfaces; j++) {
			if (vm->interfaces[j].switch_name == NULL ||
			    strcmp(vm->interfaces[j].switch_name, d->name) != 0)
				continue;
			d->users++;
			break;
		}
	}
}

/* Takes it out of the text, if that can be read afterwards. */
static int
take_out(struct deletion *d, struct edit *e)
{
	struct config_mistakes ms = {0};
	struct config *cfg;
	int r;

	if (edit_section_remove(e, d->kind, d->name, &d->err) == -1)
		return -1;
	r = edit_check(e, &cfg, &ms);
	if (r == -1)
		config_mistakes_error(&ms, &d->err);
	config_free(cfg);
	config_mistakes_clear(&ms);
	if (r == -1)
		return error_prefix(
		    &d->err, "%s cannot be deleted yet: ", d->name);
	switch (edit_save(e, &d->err)) {
	case EDIT_SAVED:
		return 0;
	case EDIT_OTHER:
		return error_set(&d->err,
		    "%s was changed at this moment by somebody else: try again",
		    d->path);
	default:
		return -1;
	}
}

static int
remove_disks(struct deletion *d)
{
	size_t i;

	for (i = 0; i < d->disks; i++)
		if (unlink(d->disk[i]) == -1 && errno != ENOENT)
			return error_set(&d->err,
			    "%s is deleted, but its disk %s is still there: %s",
			    d->name, d->disk[i], strerror(errno));
	return 0;
}

/* On a thread. */
static void
work(void *arg)
{
	struct deletion *d = arg;
	struct config_mistakes ms = {0};
	struct config *cfg;
	struct edit *e;

	d->r = edit_open(d->path, &e, &d->err);
	if (d->r == -1)
		return;
	if (d->step == DELETE_LOOK) {
		d->r = edit_check(e, &cfg, &ms);
		if (d->r == -1)
			config_mistakes_error(&ms, &d->err);
		else if (d->kind == CONFIG_VM)
			find_disks(d, cfg);
		else
			find_users(d, cfg);
		config_free(cfg);
		config_mistakes_clear(&ms);
	} else {
		d->r = take_out(d, e);
		if (d->r == 0 && d->with_disks)
			d->r = remove_disks(d);
	}
	edit_free(e);
}

static void start(struct deletion *d);

/* The one that is asked about; a later question is about a later one. */
static void
forget(struct ui *ui)
{
	deletion_free(ui->deletion);
	ui->deletion = NULL;
}

static void
go(struct ui *ui)
{
	struct deletion *d = ui->deletion;

	ui->deletion = NULL;
	d->step = DELETE_DO;
	start(d);
}

static void
sure(struct ui *ui, const char *name)
{
	if (ui->deletion != NULL && strcmp(ui->deletion->name, name) == 0)
		go(ui);
}

static void
named(struct ui *ui, const char *text)
{
	if (ui->deletion == NULL)
		return;
	if (strcmp(text, ui->deletion->name) != 0) {
		ui_say(ui, "That is not its name; nothing is deleted.");
		forget(ui);
		return;
	}
	ui->deletion->with_disks = true;
	go(ui);
}

#define KEEP "the definition only"
#define ALL  "the definition and its disks"

static void
how(struct ui *ui, const char *choice)
{
	struct deletion *d = ui->deletion;
	char label[256];

	if (d == NULL)
		return;
	if (strcmp(choice, KEEP) == 0) {
		go(ui);
		return;
	}
	snprintf(label, sizeof label,
	    "%s%s for good; type the name of the guest: ", d->disk[0],
	    d->disks > 1 ? " and more go" : " goes");
	prompt_read(ui, label, "", named);
}

static void
ask(struct ui *ui)
{
	struct deletion *d = ui->deletion;
	char note[24];

	if (d->kind == CONFIG_SWITCH) {
		if (d->users > 0)
			ui_say(ui,
			    "%zu guest%s on %s: take their interfaces off it "
			    "first.",
			    d->users, d->users == 1 ? " is" : "s are", d->name);
		else
			prompt_ask(ui, d->name, sure,
			    "delete switch %s? its definition goes", d->name);
		return;
	}
	if (d->disks == 0) {
		prompt_ask(ui, d->name, sure,
		    "delete %s? its definition goes, no disk of its own is "
		    "known",
		    d->name);
		return;
	}
	pick_open(&ui->guests.pick, "delete", how, NULL);
	snprintf(note, sizeof note, "%zu disk%s", d->disks,
	    d->disks == 1 ? "" : "s");
	pick_add(&ui->guests.pick, KEEP, "");
	pick_add(&ui->guests.pick, ALL, note);
}

static void
ended(void *arg)
{
	struct deletion *d = arg;
	struct ui *ui = d->ui;

	ui_dirty(ui, DIRTY_ALL);
	if (d->r == -1)
		ui_error(ui, "%s", d->err.text);
	if (d->step == DELETE_DO) {
		if (d->r == 0)
			ui_say(ui, "%s is deleted.", d->name);
		action_saved(ui);
	}
	if (d->r == -1 || d->step == DELETE_DO) {
		deletion_free(d);
		return;
	}
	forget(ui);
	ui->deletion = d;
	ask(ui);
}

static void
start(struct deletion *d)
{
	if (work_start(d->ui->works, work, ended, d) == -1)
		deletion_free(d);
}

void
form_delete(struct ui *ui, enum config_section_kind kind, const char *name)
{
	struct deletion *d = calloc(1, sizeof *d);

	if (d == NULL)
		return;
	d->ui = ui;
	d->kind = kind;
	snprintf(d->name, sizeof d->name, "%s", name);
	d->path = form_config_path(ui);
	if (d->path == NULL)
		deletion_free(d);
	else
		start(d);
}

void
form_delete_end(struct ui *ui)
{
	forget(ui);
}
