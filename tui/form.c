#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <event2/event.h>

#include "tui/ui.h"

#define UP_MOST 16 /* templates of templates that are looked through */

/*
 * --- Rows -------------------------------------------------------------
 */

static void
row_free(struct form_row *row)
{
	free(row->text);
	free(row->was);
	free(row->mistake);
	free(row->note);
}

void
form_clear_rows(struct form *f)
{
	while (f->rows > 0)
		row_free(&f->row[--f->rows]);
	f->at = f->top = 0;
}

void
form_insert_row(
    struct form *f, size_t i, const struct config_key *key, const char *text)
{
	struct form_row row = {.key = key, .from = -1};

	if (f->rows == FORM_ROWS || (row.text = strdup(text)) == NULL)
		return;
	memmove(&f->row[i + 1], &f->row[i], (f->rows - i) * sizeof row);
	f->row[i] = row;
	f->rows++;
	if (f->at >= i && f->rows > 1)
		f->at++;
}

void
form_remove_row(struct form *f, size_t i)
{
	row_free(&f->row[i]);
	f->rows--;
	memmove(&f->row[i], &f->row[i + 1], (f->rows - i) * sizeof *f->row);
	if (f->at > i)
		f->at--;
}

size_t
form_find_row(const struct form *f, const struct config_key *key, size_t i)
{
	for (; i < f->rows; i++)
		if (f->row[i].key == key)
			break;
	return i;
}

/* A key that repeats ends in an empty row, for one more. */
static void
keep_empty(struct form *f, const struct config_key *key)
{
	size_t i, last = f->rows;

	if (key == NULL || !key->repeats)
		return;
	for (i = 0; i < f->rows; i++)
		if (f->row[i].key == key)
			last = i;
	if (last < f->rows && f->row[last].text[0] != '\0') {
		form_insert_row(f, last + 1, key, "");
		/* The keyboard stays where it was. */
		if (f->at == last + 2)
			f->at = last + 1;
	}
}

void
form_set_row(struct form *f, size_t i, const char *text)
{
	struct form_row *row = &f->row[i];
	char *copy = strdup(text);

	if (copy == NULL)
		return;
	free(row->text);
	row->text = copy;
	free(row->note);
	row->note = NULL;
	if (i == f->at)
		field_set(&f->field, text);
	keep_empty(f, row->key);
}

void
form_go(struct form *f, size_t i)
{
	if (i >= f->rows)
		return;
	f->at = i;
	field_set(&f->field, f->row[i].text);
}

const char *
form_new_name(const struct form *f)
{
	return f->rows > 0 ? f->row[0].text : "";
}

/* The rows of a key, as the section has it. */
static void
take_key(struct form *f, const struct config_key *key)
{
	size_t i, n = 0;
	const char *value;

	if (f->name[0] != '\0')
		n = edit_count(f->edit, f->kind, f->name, key->name);
	for (i = 0; i < n; i++) {
		value = edit_value(f->edit, f->kind, f->name, key->name, i);
		form_insert_row(f, f->rows, key, value);
		f->row[f->rows - 1].from = (int)i;
		f->row[f->rows - 1].was = strdup(value);
	}
	if (n == 0 || key->repeats)
		form_insert_row(f, f->rows, key, "");
}

/* What a new guest begins with comes first. */
static const char *const first_keys[] = {"kernel", "cdrom", "disk"};

#define FIRST_KEYS (sizeof first_keys / sizeof *first_keys)

static bool
is_first(const struct config_key *key)
{
	size_t i;

	for (i = 0; i < FIRST_KEYS; i++)
		if (strcmp(key->name, first_keys[i]) == 0)
			return true;
	return false;
}

void
form_take_rows(struct form *f)
{
	const struct config_key *keys = config_keys(f->kind), *key;
	bool new_guest = f->kind == CONFIG_VM && f->name[0] == '\0';
	size_t i;

	form_clear_rows(f);
	form_insert_row(f, 0, NULL, f->name);
	for (i = 0; new_guest && i < FIRST_KEYS; i++)
		take_key(f, config_key_find(keys, first_keys[i]));
	for (key = keys; key->name != NULL; key++)
		if (!new_guest || !is_first(key))
			take_key(f, key);
	form_go(f, 0);
}

bool
form_row_changed(const struct form *f, size_t i)
{
	const struct form_row *row = &f->row[i];
	int place = 0;
	size_t j;

	if (row->key == NULL)
		return strcmp(row->text, f->name) != 0;
	if (strcmp(row->text, row->was != NULL ? row->was : "") != 0)
		return true;
	if (row->text[0] == '\0')
		return false;
	/* In another place among its kind. */
	for (j = form_find_row(f, row->key, 0); j < i; j++)
		place += f->row[j].text[0] != '\0';
	return row->from != place;
}

/* What stands in a new guest's form by itself is no change of the person's. */
static bool
is_suggested(const struct form *f, size_t i)
{
	return f->suggested[0] != '\0' && f->row[i].key != NULL &&
	    strcmp(f->row[i].key->name, "interface") == 0 &&
	    strcmp(f->row[i].text, f->suggested) == 0;
}

bool
form_changed(const struct form *f)
{
	const struct config_key *key;
	size_t i, n;

	if (f->like[0] != '\0')
		return true;
	for (i = 0; i < f->rows; i++)
		if (form_row_changed(f, i) && !is_suggested(f, i))
			return true;
	/* The last ones may be gone. */
	for (key = config_keys(f->kind); key->name != NULL; key++) {
		for (i = n = 0; i < f->rows; i++)
			n += f->row[i].key == key && f->row[i].text[0] != '\0';
		if (f->name[0] != '\0' &&
		    n != edit_count(f->edit, f->kind, f->name, key->name))
			return true;
	}
	return false;
}

/* What the key has from a template, and whose it is. */
static const char *
inherited(
    const struct form *f, const struct config_key *key, const char **whose)
{
	const struct config_key *of =
	    config_key_find(config_keys(CONFIG_VM), "instance-of");
	size_t i = form_find_row(f, of, 0);
	const char *value;
	int up;

	*whose = f->kind == CONFIG_VM && i < f->rows ? f->row[i].text : NULL;
	for (up = 0; up < UP_MOST && *whose != NULL && **whose != '\0'; up++) {
		value = edit_value(f->edit, CONFIG_VM, *whose, key->name, 0);
		if (value != NULL)
			return value;
		*whose =
		    edit_value(f->edit, CONFIG_VM, *whose, "instance-of", 0);
	}
	return NULL;
}

const char *
form_fallback(const struct form *f, size_t i, char *buf, size_t len)
{
	const struct config_key *key = f->row[i].key;
	const char *value, *whose;

	buf[0] = '\0';
	/* Of a list, the empty row behind others is for one more. */
	if (key == NULL || (i > 0 && f->row[i - 1].key == key))
		return buf;
	value = inherited(f, key, &whose);
	if (value != NULL)
		snprintf(buf, len, "%s  (as %s)", value, whose);
	else if (key->fallback != NULL)
		snprintf(buf, len, "%s", key->fallback);
	return buf;
}

const char *
form_base(const struct form *f, char *buf, size_t len)
{
	char full[PATH_MAX];
	char *slash;

	/* Relative to where we are, the path is as good as absolute. */
	if (f->path[0] == '/')
		snprintf(full, sizeof full, "%s", f->path);
	else
		snprintf(full, sizeof full, "./%s", f->path);
	slash = strrchr(full, '/');
	slash[slash == full] = '\0';
	snprintf(buf, len, "%s", full);
	return buf;
}

/*
 * --- Opening and closing ----------------------------------------------
 */

struct loading {
	struct ui *ui;
	unsigned visit;
	char *path;
	struct edit *edit;
	struct error err;
};

static void
load(void *arg)
{
	struct loading *l = arg;

	if (edit_open(l->path, &l->edit, &l->err) == -1)
		l->edit = NULL;
}

/* A new guest is on the first switch that there is, if there is one. */
static void
suggest(struct form *f)
{
	const struct config_key *key =
	    config_key_find(config_keys(CONFIG_VM), "interface");
	const char *name = edit_name(f->edit, CONFIG_SWITCH, 0);

	f->suggested[0] = '\0';
	if (f->kind != CONFIG_VM || f->name[0] != '\0' || name == NULL)
		return;
	snprintf(f->suggested, sizeof f->suggested, "switch=%s", name);
	form_set_row(f, form_find_row(f, key, 0), f->suggested);
}

/* A copy is made in the text at once, and saved when the person says so. */
static int
begin_rows(struct form *f, struct error *err)
{
	char name[CONFIG_NAME_MAX + 1];
	size_t i;

	if (f->like[0] != '\0') {
		snprintf(name, sizeof name, "%s", f->name);
		if (edit_section_clone(f->edit, f->kind, f->like, name, err) ==
		    -1)
			return -1;
	}
	if (f->name[0] != '\0' && !edit_has(f->edit, f->kind, f->name))
		return error_set(err, "[%s %s] is not in %s",
		    config_section_word(f->kind), f->name, f->path);
	form_take_rows(f);
	suggest(f);
	form_check(f);
	/* A copy is asked about its disks first. */
	for (i = 0; f->like[0] != '\0' && i < f->rows; i++)
		if (f->row[i].mild) {
			form_go(f, i);
			break;
		}
	f->step = FORM_EDITING;
	return 0;
}

/* A file with mistakes is mended first: what would it mean to add to it? */
static int
judge(struct form *f, struct error *err)
{
	struct config_mistakes ms = {0};
	struct config *cfg;
	int r;

	r = edit_check(f->edit, &cfg, &ms);
	if (r == -1)
		config_mistakes_error(&ms, err);
	config_free(cfg);
	config_mistakes_clear(&ms);
	return r;
}

static void
loaded(void *arg)
{
	struct loading *l = arg;
	struct form *f = &l->ui->form;
	bool mine = f->open && f->visit == l->visit;

	if (!mine) {
		edit_free(l->edit);
	} else if (l->edit == NULL) {
		form_close(l->ui);
		ui_error(l->ui, "%s", l->err.text);
	} else {
		f->edit = l->edit;
		if (judge(f, &l->err) == -1) {
			form_close(l->ui);
			raw_open_at_mistake(l->ui);
			ui_error(l->ui, "%s", l->err.text);
		} else if (begin_rows(f, &l->err) == -1) {
			form_close(l->ui);
			ui_error(l->ui, "%s", l->err.text);
		}
	}
	if (mine && f->open)
		form_look(l->ui);
	if (mine)
		ui_dirty(l->ui, DIRTY_ALL);
	free(l->path);
	free(l);
}

/* The file that the backend reads. */
char *
form_config_path(const struct ui *ui)
{
	char path[PATH_MAX];

	if (ui->model->config != NULL && ui->model->config[0] != '\0')
		return strdup(ui->model->config);
	if (ui->config != NULL)
		return strdup(ui->config);
	return config_default_path(path, sizeof path, NULL) == 0 ? strdup(path)
								 : NULL;
}

static void
quiet(int fd, short what, void *arg)
{
	struct ui *ui = arg;

	if (ui->form.open && ui->form.step == FORM_EDITING) {
		form_check(&ui->form);
		form_look(ui);
		ui_dirty(ui, DIRTY_BODY | DIRTY_BOTTOM);
	}
}

static void
open_form(struct ui *ui, enum config_section_kind kind, const char *name,
    const char *like)
{
	struct form *f = &ui->form;
	struct loading *l;

	if (f->open)
		form_close(ui);
	if (f->check == NULL)
		f->check = evtimer_new(ui->base, quiet, ui);
	l = calloc(1, sizeof *l);
	f->path = form_config_path(ui);
	if (l == NULL || f->path == NULL || f->check == NULL ||
	    (l->path = strdup(f->path)) == NULL) {
		free(l);
		ui_error(ui, "The place of the configuration is not known.");
		return;
	}
	f->open = true;
	f->step = FORM_LOADING;
	f->kind = kind;
	snprintf(f->name, sizeof f->name, "%s", name);
	snprintf(f->like, sizeof f->like, "%s", like);
	l->ui = ui;
	l->visit = ++f->visit;
	ui_dirty(ui, DIRTY_ALL);
	if (work_start(ui->works, load, loaded, l) == -1) {
		error_set(&l->err, "no thread to read %s", f->path);
		loaded(l);
	}
}

void
form_edit(struct ui *ui, enum config_section_kind kind, const char *name)
{
	open_form(ui, kind, name, "");
}

void
form_new(struct ui *ui, enum config_section_kind kind, const char *name,
    const char *like)
{
	open_form(ui, kind, name, like != NULL ? like : "");
}

static void
let_go(struct form *f)
{
	f->open = false;
	f->visit++;
	f->mistake[0] = '\0';
	if (f->check != NULL)
		evtimer_del(f->check);
	form_clear_rows(f);
	form_clear_lines(f);
	pick_close(&f->pick);
	edit_free(f->edit);
	edit_free(f->result);
	f->edit = f->result = NULL;
	free(f->path);
	f->path = NULL;
}

void
form_close(struct ui *ui)
{
	let_go(&ui->form);
	ui_dirty(ui, DIRTY_ALL);
}

void
form_end(struct ui *ui)
{
	struct form *f = &ui->form;

	/* There may never have been a screen to draw on. */
	let_go(f);
	if (f->check != NULL)
		event_free(f->check);
	f->check = NULL;
	form_delete_end(ui);
}
