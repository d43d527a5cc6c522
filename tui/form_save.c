/* What a form would change, saving it, and what others changed meanwhile. */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tui/actions.h"
#include "tui/changes.h"
#include "tui/keymap.h"
#include "tui/ui.h"

#define LINES_MAX 2000

void
form_clear_lines(struct form *f)
{
	while (f->lines > 0)
		free(f->line[--f->lines].text);
	free(f->line);
	f->line = NULL;
	f->first = 0;
}

static void add(struct form *f, enum style style, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));

static void
add(struct form *f, enum style style, const char *fmt, ...)
{
	struct form_line *line;
	char text[1024];
	va_list ap;

	if (f->lines == LINES_MAX)
		return;
	va_start(ap, fmt);
	vsnprintf(text, sizeof text, fmt, ap);
	va_end(ap);
	line = realloc(f->line, (f->lines + 1) * sizeof *line);
	if (line == NULL)
		return;
	f->line = line;
	line += f->lines;
	line->style = style;
	if ((line->text = strdup(text)) != NULL)
		f->lines++;
}

/*
 * --- What changes -----------------------------------------------------
 */

static void
add_line(enum style style, const char *text, void *arg)
{
	add(arg, style, "%s", text);
}

/* The first row that has something wrong, or f->rows. */
static size_t
first_mistake(const struct form *f)
{
	size_t i;

	for (i = 0; i < f->rows; i++)
		if (f->row[i].mistake != NULL && !f->row[i].mild)
			break;
	return i;
}

/* A guest that runs has its name in many places. */
static bool
renames_running(struct ui *ui)
{
	const struct form *f = &ui->form;
	const struct guest *g = model_find(ui->model, f->name);

	return f->kind == CONFIG_VM && f->name[0] != '\0' &&
	    f->like[0] == '\0' && g != NULL && guest_is_up(g) &&
	    strcmp(form_new_name(f), f->name) != 0;
}

void
form_review(struct ui *ui)
{
	struct form *f = &ui->form;
	struct error err;
	size_t row;

	if (renames_running(ui)) {
		ui_say(ui, "%s runs: stop it before it gets another name.",
		    f->name);
		form_go(f, 0);
		return;
	}
	if (!form_check(f)) {
		row = first_mistake(f);
		if (form_new_name(f)[0] == '\0') {
			form_go(f, 0);
			ui_say(ui, "It needs a name.");
		} else
			form_go(f, row);
		ui_dirty(ui, DIRTY_ALL);
		return;
	}
	edit_free(f->result);
	if ((f->result = form_apply(f, &row, &err)) == NULL) {
		ui_error(ui, "%s", err.text);
		return;
	}
	if (!edit_changed(f->result)) {
		ui_say(ui, "Nothing changed.");
		return;
	}
	form_clear_lines(f);
	changes_all(ui, f->result, add_line, f);
	f->step = FORM_REVIEW;
	ui_dirty(ui, DIRTY_ALL);
}

/*
 * --- Saving -----------------------------------------------------------
 */

struct saving {
	struct ui *ui;
	unsigned visit;
	struct edit *edit;
	enum edit_saved r;
	struct error err;
};

static void
save(void *arg)
{
	struct saving *s = arg;

	s->r = edit_save(s->edit, &s->err);
}

static void
saved(struct ui *ui)
{
	struct form *f = &ui->form;
	char name[CONFIG_NAME_MAX + 1];
	enum config_section_kind kind = f->kind;
	bool is_new = f->name[0] == '\0' || f->like[0] != '\0';

	snprintf(name, sizeof name, "%s", form_new_name(f));
	form_close(ui);
	if (kind == CONFIG_VM) {
		ui->guests.filter[0] = '\0';
		snprintf(
		    ui->guests.wanted, sizeof ui->guests.wanted, "%s", name);
	}
	if (is_new && kind == CONFIG_VM)
		ui_say(ui, "%s is saved; %s starts it.", name,
		    keymap_key("guests-start"));
	else
		ui_say(ui, "%s is saved.", name);
	action_saved(ui);
}

/* What the others wrote, and that it is one's own choice now. */
static void
show_others(struct ui *ui)
{
	struct form *f = &ui->form;
	struct edit *theirs;
	const char *base, *text;
	size_t base_len, len;

	form_clear_lines(f);
	base = edit_base(f->result, &base_len);
	text = edit_theirs(f->result, &len);
	theirs = edit_new(f->path, text, len);
	f->gone = f->name[0] != '\0' && f->like[0] == '\0' &&
	    !edit_has(theirs, f->kind, f->name);
	edit_free(theirs);
	add(f, STYLE_QUESTION,
	    "%s was changed by somebody else since this form was opened. k "
	    "puts what you changed into what it says now, r takes what it says "
	    "now and drops yours.",
	    f->path);
	if (f->gone)
		add(f, STYLE_CRASHED,
		    "[%s %s] is no longer in it; k puts it there again.",
		    config_section_word(f->kind), f->name);
	add(f, STYLE_FAINT, "%s", "");
	add(f, STYLE_FAINT, "What they changed:");
	changes_lines(base, base_len, text, len, add_line, f);
	f->step = FORM_OTHER;
}

static void
save_ended(void *arg)
{
	struct saving *s = arg;
	struct ui *ui = s->ui;
	struct form *f = &ui->form;

	if (!f->open || f->visit != s->visit) {
		edit_free(s->edit);
	} else {
		f->result = s->edit;
		if (s->r == EDIT_SAVED)
			saved(ui);
		else if (s->r == EDIT_OTHER)
			show_others(ui);
		else {
			f->step = FORM_EDITING;
			ui_error(ui, "%s", s->err.text);
		}
		ui_dirty(ui, DIRTY_ALL);
	}
	free(s);
}

void
form_save(struct ui *ui)
{
	struct form *f = &ui->form;
	struct saving *s = calloc(1, sizeof *s);

	if (s == NULL)
		return;
	s->ui = ui;
	s->visit = f->visit;
	s->edit = f->result;
	f->result = NULL;
	f->step = FORM_SAVING;
	ui_dirty(ui, DIRTY_ALL);
	if (work_start(ui->works, save, save_ended, s) == -1) {
		s->r = EDIT_FAILED;
		error_set(&s->err, "no thread to save %s", f->path);
		save_ended(s);
	}
}

/*
 * --- What others changed ----------------------------------------------
 */

/* Their file is the one that the form is about from now on. */
static void
take_theirs(struct form *f)
{
	edit_reload(f->result);
	edit_free(f->edit);
	f->edit = f->result;
	f->result = NULL;
	form_clear_lines(f);
	f->step = FORM_EDITING;
}

/* Finds a value of the file's that no row has yet; -1: none. */
static int
find_value(const struct form *f, const struct config_key *key, const char *text)
{
	const char *value;
	size_t i, j;

	for (i = 0; (value = edit_value(
			 f->edit, f->kind, f->name, key->name, i)) != NULL;
	     i++) {
		if (strcmp(value, text) != 0 && key->repeats)
			continue;
		for (j = 0; j < f->rows; j++)
			if (f->row[j].key == key && f->row[j].from == (int)i)
				break;
		if (j == f->rows)
			return (int)i;
	}
	return -1;
}

/* Whether the file had that value when the form was opened. */
static bool
had_value(const struct edit *old, const struct form *f,
    const struct config_key *key, const char *text)
{
	const char *value;
	size_t i;

	for (i = 0;
	     (value = edit_value(old, f->kind, f->name, key->name, i)) != NULL;
	     i++)
		if (strcmp(value, text) == 0)
			return true;
	return false;
}

/* Values that others added to a list are wanted too. */
static void
add_theirs(struct form *f, const struct edit *old)
{
	const struct config_key *key;
	const char *value;
	size_t i, at;

	for (key = config_keys(f->kind); key->name != NULL; key++)
		for (i = 0; (value = edit_value(f->edit, f->kind, f->name,
				 key->name, i)) != NULL;
		     i++) {
			if (had_value(old, f, key, value))
				continue;
			at = form_find_row(f, key, 0);
			if (key->repeats)
				form_insert_row(f, at, key, value);
			else if (f->row[at].was == NULL &&
			    f->row[at].text[0] == '\0')
				form_set_row(f, at, value);
			else
				continue;
			f->row[at].from = (int)i;
			free(f->row[at].was);
			f->row[at].was = strdup(value);
		}
}

/* The rows stay; where each is in their file is found anew. */
static void
rebase(struct form *f, const struct edit *old)
{
	const char *value;
	size_t i;

	for (i = 1; i < f->rows; i++)
		f->row[i].from = -1;
	if (f->gone) {
		f->name[0] = f->like[0] = '\0';
		return;
	}
	for (i = 1; i < f->rows; i++) {
		if (f->row[i].was == NULL)
			continue;
		f->row[i].from = find_value(f, f->row[i].key, f->row[i].was);
		if (f->row[i].from < 0 || f->row[i].key->repeats)
			continue;
		/* What they changed and one did not is as they have it. */
		value = edit_value(
		    f->edit, f->kind, f->name, f->row[i].key->name, 0);
		if (strcmp(f->row[i].text, f->row[i].was) == 0)
			form_set_row(f, i, value);
		free(f->row[i].was);
		f->row[i].was = strdup(value);
	}
	add_theirs(f, old);
}

void
form_keep(struct ui *ui)
{
	struct form *f = &ui->form;
	struct edit *old = f->edit;
	struct error err;
	char name[CONFIG_NAME_MAX + 1];

	f->edit = NULL;
	take_theirs(f);
	if (f->like[0] != '\0') {
		/* The copy was only in one's own text so far. */
		snprintf(name, sizeof name, "%s", f->name);
		if (edit_section_clone(f->edit, f->kind, f->like, name, &err) ==
		    -1)
			f->gone = true;
	}
	rebase(f, old);
	edit_free(old);
	form_go(f, f->at < f->rows ? f->at : 0);
	form_review(ui);
}

void
form_reload(struct ui *ui)
{
	struct form *f = &ui->form;
	bool gone = f->gone || f->like[0] != '\0';
	char name[CONFIG_NAME_MAX + 1];

	snprintf(name, sizeof name, "%s", f->name);
	if (gone) {
		form_close(ui);
		ui_say(ui, "%s is not in the file any more.", name);
		return;
	}
	take_theirs(f);
	form_take_rows(f);
	form_check(f);
	ui_say(ui, "This is what the file says now.");
	ui_dirty(ui, DIRTY_ALL);
}
