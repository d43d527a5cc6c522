/* A disk that is not there yet, made on the spot by `vmtui create`. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "config/size.h"
#include "tui/job.h"
#include "tui/ui.h"

/* One that is being made. */
struct making {
	struct ui *ui;
	struct job *job;
	char path[1024];
	char size[16], format[8];
	char said[512]; /* the last line of it */
};

const char *
form_disk_refuse(struct ui *ui)
{
	const struct form *f = &ui->form;
	const struct form_row *row = &f->row[f->at];

	if (f->making != NULL)
		return "Another image is being made.";
	return row->key == NULL || row->key->kind != CONFIG_K_DISK ||
		row->text[0] == '\0'
	    ? "Type the path of the new image into a disk's field first."
	    : NULL;
}

static void
forget(struct ui *ui)
{
	struct making *m = ui->form.making;

	ui->form.making = NULL;
	if (m != NULL)
		job_free(m->job);
	free(m);
}

static void
line(struct job *j, const char *text, int error, void *arg)
{
	struct making *m = arg;

	snprintf(m->said, sizeof m->said, "%s",
	    strncmp(text, "vmtui: ", 7) == 0 ? text + 7 : text);
}

static void
ended(struct job *j, int status, void *arg)
{
	struct making *m = arg;

	if (status == 0)
		ui_say(
		    m->ui, "%s is made: %s, %s.", m->path, m->size, m->format);
	else
		ui_error(m->ui, "%s",
		    m->said[0] != '\0' ? m->said : "the image is not made");
	forget(m->ui);
}

static void
start(struct making *m)
{
	static const struct job_ops ops = {.line = line, .ended = ended};
	static char create[] = "create", f[] = "-f", s[] = "-s", end[] = "--";
	char *words[] = {create, f, m->format, s, m->size, end, m->path, NULL};
	struct error err;

	m->job = job_start(m->ui->base, m->ui->config, words, &ops, m, &err);
	if (m->job == NULL) {
		ui_error(m->ui, "%s", err.text);
		forget(m->ui);
		return;
	}
	ui_say(m->ui, "Making %s.", m->path);
}

static void
sized(struct ui *ui, const char *text)
{
	struct form *f = &ui->form;
	struct making *m;
	char path[FIELD_MAX], folder[1024], *full;
	struct error err;
	uint64_t bytes;

	if (!f->open || f->step != FORM_EDITING || form_disk_refuse(ui) != NULL)
		return;
	if (size_parse(text, &bytes) == -1 || bytes == 0) {
		ui_error(
		    ui, "\"%s\" is not a size: write one such as 16G", text);
		return;
	}
	form_disk_path(f, path, sizeof path);
	full =
	    config_path_expand(path, form_base(f, folder, sizeof folder), &err);
	if (full == NULL) {
		ui_error(ui, "%s", err.text);
		return;
	}
	if ((m = calloc(1, sizeof *m)) != NULL) {
		m->ui = ui;
		snprintf(m->path, sizeof m->path, "%s", full);
		size_exact(bytes, m->size, sizeof m->size);
		snprintf(m->format, sizeof m->format, "%s",
		    strstr(f->row[f->at].text, "format=raw") != NULL ? "raw"
								     : "qcow2");
		f->making = m;
		start(m);
	}
	free(full);
}

void
form_disk_make(struct ui *ui)
{
	prompt_read(ui, "size of the new image: ", "16G", sized);
}

void
form_disk_end(struct ui *ui)
{
	forget(ui);
}
