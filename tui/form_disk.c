/* A disk that is not there yet, made on the spot by `vmtui create`. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "config/size.h"
#include "tui/glyphs.h"
#include "tui/ui.h"

#define RAW   ".raw"
#define QCOW2 ".qcow2"

static const struct form_row *
row_here(const struct ui *ui)
{
	return &ui->form.row[ui->form.at];
}

static bool
is_disk(const struct ui *ui)
{
	const struct config_key *key = row_here(ui)->key;

	return key != NULL && key->kind == CONFIG_K_DISK;
}

/* Where the row's image is; false after saying why it is nowhere. */
static bool
place(struct ui *ui, char *path, size_t len, struct error *err)
{
	const struct form *f = &ui->form;
	char text[FIELD_MAX], folder[1024], *full;

	form_disk_path(f, text, sizeof text);
	full =
	    config_path_expand(text, form_base(f, folder, sizeof folder), err);
	if (full == NULL)
		return false;
	snprintf(path, len, "%s", full);
	free(full);
	return true;
}

struct task *
form_disk_task(struct ui *ui)
{
	char path[1024];

	return LIST_EMPTY(&ui->tasks) || !is_disk(ui) ||
		row_here(ui)->text[0] == '\0' ||
		!place(ui, path, sizeof path, NULL)
	    ? NULL
	    : task_find(ui, path);
}

const char *
form_disk_refuse(struct ui *ui)
{
	if (!is_disk(ui))
		return "Only a disk has an image that can be made.";
	if (row_here(ui)->text[0] == '\0' && *form_new_name(&ui->form) == '\0')
		return "Type the path of the new image, or the guest's name, "
		       "first.";
	return form_disk_task(ui) != NULL ? "It is being made." : NULL;
}

const char *
form_disk_stop_refuse(struct ui *ui)
{
	return form_disk_task(ui) == NULL ? "No image is being made." : NULL;
}

void
form_disk_stop(struct ui *ui)
{
	task_stop(form_disk_task(ui));
}

/*
 * --- Its name says its format -------------------------------------------
 */

static bool
ends_with(const char *text, const char *end)
{
	size_t n = strlen(text), m = strlen(end);

	return n > m && strcasecmp(text + n - m, end) == 0;
}

/* As the row's format= says, else as the name does. */
static const char *
format_of(const struct ui *ui)
{
	const char *text = row_here(ui)->text;
	char path[FIELD_MAX];

	if (strstr(text, "format=raw") != NULL)
		return "raw";
	if (strstr(text, "format=qcow2") != NULL)
		return "qcow2";
	form_disk_path(&ui->form, path, sizeof path);
	return ends_with(path, QCOW2) ? "qcow2" : "raw";
}

/* A row without a path gets one, and a path without an ending too. */
static void
complete_name(struct ui *ui)
{
	struct form *f = &ui->form;
	char path[FIELD_MAX], full[FIELD_MAX + 8];
	const char *slash;

	form_disk_path(f, path, sizeof path);
	slash = strrchr(path, '/');
	if (path[0] != '\0' &&
	    strchr(slash != NULL ? slash : path, '.') != NULL)
		return;
	snprintf(full, sizeof full, "%s" QCOW2,
	    path[0] == '\0' ? form_new_name(f) : path);
	form_disk_put(ui, full);
}

static void
label(struct ui *ui)
{
	struct prompt *p = &ui->prompt;
	char path[FIELD_MAX];
	const char *format = format_of(ui), *name;

	form_disk_path(&ui->form, path, sizeof path);
	name = strrchr(path, '/');
	snprintf(p->label, sizeof p->label,
	    "size of %.100s (%s; tab: %s): ", name != NULL ? name + 1 : path,
	    format, strcmp(format, "raw") == 0 ? "qcow2" : "raw");
}

/* The other format, and a name that says so. */
static bool
tab(struct ui *ui, struct key key)
{
	char path[FIELD_MAX], full[FIELD_MAX + 8];
	bool raw = strcmp(format_of(ui), "raw") == 0;
	const char *dot;

	if (!key_is(key, K_TAB, 0))
		return false;
	if (strstr(row_here(ui)->text, "format=") != NULL) {
		prompt_note(ui, "The field says which format: format=.");
		return true;
	}
	form_disk_path(&ui->form, path, sizeof path);
	dot = strrchr(path, '.');
	snprintf(full, sizeof full, "%.*s%s", (int)(dot - path), path,
	    raw ? QCOW2 : RAW);
	form_disk_put(ui, full);
	label(ui);
	return true;
}

/*
 * --- Making it ----------------------------------------------------------
 */

static void
made(struct ui *ui, struct task *t, int status)
{
	size_t n = strlen(t->path);
	const char *end;

	if (status == 0)
		images_folder_of(ui, t->path);
	if (ui->form.open)
		form_look(ui);
	/* "PATH: qcow2, 16G, made in 0.4 ms"; how long is no news. */
	if (status == 0 && strncmp(t->result, t->path, n) == 0 &&
	    strncmp(t->result + n, ": ", 2) == 0 &&
	    (end = strstr(t->result + n, ", made")) != NULL)
		ui_say(ui, "%s is made: %.*s.", t->path,
		    (int)(end - t->result - (long)n - 2), t->result + n + 2);
	else
		task_say(ui, t, status);
}

static void
sized(struct ui *ui, const char *text)
{
	static char create[] = "create", f[] = "-f", s[] = "-s", end[] = "--";
	char path[1024], size[32], format[8];
	char *words[] = {create, f, format, s, size, end, path, NULL};
	struct error err;
	uint64_t bytes;

	if (!ui->form.open || ui->form.step != FORM_EDITING || !is_disk(ui))
		return;
	if (size_parse(text, &bytes) == -1 || bytes == 0) {
		ui_error(
		    ui, "\"%s\" is not a size: write one such as 16G", text);
		return;
	}
	if (!place(ui, path, sizeof path, &err)) {
		ui_error(ui, "%s", err.text);
		return;
	}
	size_exact(bytes, size, sizeof size);
	snprintf(format, sizeof format, "%s", format_of(ui));
	task_start(ui, "making", path, words, made);
}

void
form_disk_make(struct ui *ui)
{
	complete_name(ui);
	prompt_read(ui, "", "16G", sized);
	label(ui);
	prompt_keys(ui, tab);
}
