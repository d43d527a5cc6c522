/*
 * Whether the files that a form names are there: looked up beside the loop a
 * moment after the last key, since a path may lead to a slow disk.
 */
#include <sys/stat.h>

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tui/keymap.h"
#include "tui/ui.h"

struct file {
	char *text; /* of the row, when it was looked for */
	char *path;
	int error; /* errno why it cannot be used; 0 */
	bool disk;
};

struct form_files {
	struct ui *ui;
	unsigned visit;
	struct file file[FORM_ROWS];
	size_t files;
};

/* On a thread. */
static void
look(void *arg)
{
	struct form_files *l = arg;
	struct stat st;
	size_t i;

	for (i = 0; i < l->files; i++) {
		if (stat(l->file[i].path, &st) == -1)
			l->file[i].error = errno;
		else if (S_ISDIR(st.st_mode))
			l->file[i].error = EISDIR;
	}
}

static void
note(struct form_row *row, const struct file *f)
{
	char text[128];

	free(row->note);
	row->note = NULL;
	if (f->error == 0)
		return;
	if (f->error == ENOENT || f->error == ENOTDIR)
		snprintf(text, sizeof text, "There is no such file%s%s%s",
		    f->disk ? " yet: " : "",
		    f->disk ? keymap_key("form-make-image") : "",
		    f->disk ? " makes it." : ".");
	else
		snprintf(text, sizeof text, "It cannot be used: %s",
		    strerror(f->error));
	row->note = strdup(text);
}

static void
looked(void *arg)
{
	struct form_files *l = arg;
	struct form *f = &l->ui->form;
	bool mine = f->open && f->visit == l->visit;
	size_t i, j;

	for (i = 0; i < l->files; i++) {
		for (j = 0; mine && j < f->rows; j++)
			if (f->row[j].key != NULL &&
			    strcmp(f->row[j].text, l->file[i].text) == 0)
				note(&f->row[j], &l->file[i]);
		free(l->file[i].text);
		free(l->file[i].path);
	}
	if (mine)
		ui_dirty(l->ui, DIRTY_BODY);
	free(l);
}

static void
add(struct form_files *l, const struct form *f, size_t i, const char *folder)
{
	const struct form_row *row = &f->row[i];
	struct file *file = &l->file[l->files];
	const char *const *word = row->key->choices;
	char path[FIELD_MAX];

	/* "empty" is a word, and no file. */
	for (; word != NULL && *word != NULL; word++)
		if (strcmp(row->text, *word) == 0)
			return;
	form_row_path(row, path, sizeof path);
	file->disk = row->key->kind == CONFIG_K_DISK;
	file->path = config_path_expand(path, folder, NULL);
	file->text = strdup(row->text);
	if (file->path != NULL && file->text != NULL)
		l->files++;
	else {
		free(file->path);
		free(file->text);
	}
}

void
form_look(struct ui *ui)
{
	const struct form *f = &ui->form;
	struct form_files *l = calloc(1, sizeof *l);
	char folder[1024];
	size_t i;

	if (l == NULL)
		return;
	l->ui = ui;
	l->visit = f->visit;
	form_base(f, folder, sizeof folder);
	for (i = 0; i < f->rows; i++)
		if (f->row[i].key != NULL && f->row[i].text[0] != '\0' &&
		    (f->row[i].key->kind == CONFIG_K_DISK ||
			f->row[i].key->kind == CONFIG_K_PATH))
			add(l, f, i, folder);
	if (l->files == 0 || work_start(ui->works, look, looked, l) == -1) {
		l->visit--;
		looked(l);
	}
}
