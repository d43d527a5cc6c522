/* Reading, checking and saving the text of the configuration view. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <event2/event.h>

#include "tui/actions.h"
#include "tui/changes.h"
#include "tui/keymap.h"
#include "tui/ui.h"

#define CHECK_MS 200 /* of quiet before the text is checked */

bool
raw_changed(const struct ui *ui)
{
	const struct raw_view *v = &ui->raw;
	const char *base;
	size_t len;

	if (v->edit == NULL)
		return false;
	base = edit_base(v->edit, &len);
	return len != v->raw.len || memcmp(base, v->raw.text, len) != 0;
}

void
raw_check(struct ui *ui)
{
	struct raw_view *v = &ui->raw;
	struct config *cfg;

	if (v->edit == NULL)
		return;
	config_mistakes_clear(&v->mistakes);
	if (config_load_string(v->raw.text, v->raw.len, edit_path(v->edit),
		&cfg, &v->mistakes) == 0)
		config_free(cfg);
	ui_dirty(ui, DIRTY_BODY | DIRTY_BOTTOM);
}

static void
quiet(int fd, short what, void *arg)
{
	raw_check(arg);
}

void
raw_touched(struct ui *ui)
{
	static const struct timeval soon = {0, CHECK_MS * 1000};
	struct raw_view *v = &ui->raw;

	if (v->check == NULL)
		v->check = evtimer_new(ui->base, quiet, ui);
	if (v->check != NULL)
		evtimer_add(v->check, &soon);
}

/* The keyboard goes to the first line that has one. */
static void
go_mistake(struct raw_view *v)
{
	if (v->mistakes.count > 0 && v->mistakes.list[0].line > 0)
		raw_go(&v->raw, (size_t)v->mistakes.list[0].line - 1);
}

void
raw_came_back(struct ui *ui)
{
	struct raw_view *v = &ui->raw;
	char text[900];

	raw_check(ui);
	go_mistake(v);
	if (v->mistakes.count > 0)
		ui_error(ui, "%s",
		    config_mistake_format(&v->mistakes, 0, text, sizeof text));
	else
		ui_say(ui, "It has no mistakes; %s shows what changes.",
		    keymap_key("config-save"));
}

/*
 * --- Reading ----------------------------------------------------------
 */

struct reading {
	struct ui *ui;
	unsigned visit;
	char *path;
	struct edit *edit;
	struct error err;
};

static void
read_file(void *arg)
{
	struct reading *r = arg;

	if (edit_open(r->path, &r->edit, &r->err) == -1)
		r->edit = NULL;
}

/* What waits for the file goes behind its text. */
static void
add_more(struct ui *ui)
{
	struct raw_view *v = &ui->raw;
	size_t at = v->raw.len, line = raw_lines(&v->raw);
	bool between = at > 0;

	if (v->more == NULL)
		return;
	if (between && v->raw.text[at - 1] != '\n')
		raw_splice(&v->raw, at, 0, "\n", 1);
	if (between)
		raw_splice(&v->raw, v->raw.len, 0, "\n", 1);
	raw_splice(&v->raw, v->raw.len, 0, v->more, v->nmore);
	free(v->more);
	v->more = NULL;
	raw_go(&v->raw, between ? line : 0);
	raw_came_back(ui);
}

/* The text is what the file says; the cursor stays in its line. */
static void
take(struct ui *ui, struct edit *edit)
{
	struct raw_view *v = &ui->raw;
	const char *text;
	size_t line = 0, len;

	text = edit_text(edit, &len);
	if (v->edit != NULL && v->raw.text != NULL)
		line = raw_line_of(&v->raw, v->raw.at);
	if (raw_set(&v->raw, text, len) == -1) {
		edit_free(edit);
		return;
	}
	raw_go(&v->raw, line);
	if (v->edit != edit)
		edit_free(v->edit);
	v->edit = edit;
	raw_check(ui);
	if (v->to_mistake)
		go_mistake(v);
	v->to_mistake = false;
	add_more(ui);
	if (ui->view == &view_config)
		ui->view->update(ui);
}

static void
was_read(void *arg)
{
	struct reading *r = arg;
	struct raw_view *v = &r->ui->raw;

	if (r->visit != v->visit) {
		edit_free(r->edit);
	} else {
		v->busy = false;
		if (r->edit == NULL)
			ui_error(r->ui, "%s", r->err.text);
		else
			take(r->ui, r->edit);
		ui_dirty(r->ui, DIRTY_ALL);
	}
	free(r->path);
	free(r);
}

void
raw_read(struct ui *ui)
{
	struct raw_view *v = &ui->raw;
	struct reading *r;

	if (v->busy || raw_changed(ui))
		return;
	r = calloc(1, sizeof *r);
	if (r == NULL || (r->path = form_config_path(ui)) == NULL) {
		free(r);
		return;
	}
	r->ui = ui;
	r->visit = ++v->visit;
	v->busy = true;
	if (work_start(ui->works, read_file, was_read, r) == -1) {
		error_set(&r->err, "no thread to read %s", r->path);
		was_read(r);
	}
}

void
raw_drop(struct ui *ui)
{
	struct raw_view *v = &ui->raw;
	const char *base;
	size_t len;

	base = edit_base(v->edit, &len);
	raw_splice(&v->raw, 0, v->raw.len, base, len);
	raw_go(&v->raw, 0);
	raw_check(ui);
	raw_read(ui);
}

/*
 * --- Saving -----------------------------------------------------------
 */

struct saving {
	struct ui *ui;
	struct edit *edit;
	enum edit_saved r;
	struct error err;
};

static void
save_file(void *arg)
{
	struct saving *s = arg;

	s->r = edit_save(s->edit, &s->err);
}

static void save_sure(struct ui *ui, const char *name);

static void
add_line(enum style style, const char *text, void *arg)
{
	sheet_add(arg, style, NULL, text);
}

/* k, r, or anything else. */
static void
others_answered(struct ui *ui, const char *text)
{
	struct raw_view *v = &ui->raw;
	struct edit *edit = v->wait;

	v->wait = NULL;
	if (ui->sheet.open)
		sheet_close(ui);
	if (edit == NULL)
		return;
	if (strcmp(text, "k") == 0) {
		edit_keep(edit);
		edit_free(v->edit);
		v->edit = edit;
		raw_save(ui);
	} else if (strcmp(text, "r") == 0) {
		edit_reload(edit);
		take(ui, edit);
		ui_say(ui, "This is what the file says now.");
	} else
		edit_free(edit);
	ui_dirty(ui, DIRTY_ALL);
}

/* What others wrote stands on a page; the question below it. */
static void
ask_others(struct ui *ui, struct edit *edit)
{
	const char *base, *theirs;
	size_t base_len, len;

	edit_free(ui->raw.wait);
	ui->raw.wait = edit;
	base = edit_base(edit, &base_len);
	theirs = edit_theirs(edit, &len);
	sheet_open(ui, "somebody else changed the file");
	sheet_wide(ui, false, NULL);
	changes_lines(base, base_len, theirs, len, add_line, ui);
	prompt_read(ui,
	    "k writes over it, r takes it and drops yours, esc goes back: ", "",
	    others_answered);
}

static void
was_saved(void *arg)
{
	struct saving *s = arg;
	struct ui *ui = s->ui;
	struct raw_view *v = &ui->raw;

	v->busy = false;
	if (s->r == EDIT_SAVED) {
		edit_free(v->edit);
		v->edit = s->edit;
		ui_say(ui, "%s is saved.", edit_path(v->edit));
		action_saved(ui);
	} else if (s->r == EDIT_OTHER && ui->view == &view_config) {
		ask_others(ui, s->edit);
	} else {
		edit_free(s->edit);
		ui_error(ui, "%s",
		    s->r == EDIT_OTHER ? "The file was changed by somebody "
					 "else: it is not saved."
				       : s->err.text);
	}
	ui_dirty(ui, DIRTY_ALL);
	free(s);
}

/* A copy that is saved while typing may go on. */
static struct edit *
copy_of(const struct raw_view *v)
{
	struct edit *copy = edit_copy(v->edit);

	edit_replace(copy, v->raw.text, v->raw.len);
	return copy;
}

static void
save_sure(struct ui *ui, const char *name)
{
	struct raw_view *v = &ui->raw;
	struct saving *s = calloc(1, sizeof *s);

	if (ui->sheet.open)
		sheet_close(ui);
	if (s == NULL || v->edit == NULL || v->busy) {
		free(s);
		return;
	}
	s->ui = ui;
	s->edit = copy_of(v);
	v->busy = true;
	if (work_start(ui->works, save_file, was_saved, s) == -1) {
		s->r = EDIT_FAILED;
		error_set(&s->err, "no thread to save the file");
		was_saved(s);
	}
}

void
raw_save(struct ui *ui)
{
	struct raw_view *v = &ui->raw;
	struct edit *copy;
	char text[900];

	raw_check(ui);
	if (v->mistakes.count > 0) {
		go_mistake(v);
		ui_error(ui, "%s",
		    config_mistake_format(&v->mistakes, 0, text, sizeof text));
		return;
	}
	if (!raw_changed(ui)) {
		ui_say(ui, "Nothing changed.");
		return;
	}
	copy = copy_of(v);
	sheet_open(ui, "what changes");
	sheet_wide(ui, false, NULL);
	changes_all(ui, copy, add_line, ui);
	edit_free(copy);
	prompt_ask(ui, "", save_sure, "save this?");
}

void
raw_end_view(struct ui *ui)
{
	struct raw_view *v = &ui->raw;

	v->visit++;
	if (v->check != NULL)
		event_free(v->check);
	v->check = NULL;
	config_mistakes_clear(&v->mistakes);
	edit_free(v->edit);
	edit_free(v->wait);
	v->edit = v->wait = NULL;
	raw_clear(&v->raw);
	free(v->more);
	v->more = NULL;
}

void
raw_add(struct ui *ui, const char *text, size_t len)
{
	struct raw_view *v = &ui->raw;

	free(v->more);
	v->more = malloc(len + 1);
	if (v->more == NULL)
		return;
	memcpy(v->more, text, len + 1);
	v->nmore = len;
	ui_turn(ui, &view_config);
	/* It is read, or has been: then what was typed stays. */
	if (!v->busy && v->edit != NULL) {
		add_more(ui);
		ui->view->update(ui);
	}
}

void
raw_open_at_mistake(struct ui *ui)
{
	ui->raw.to_mistake = true;
	ui_turn(ui, &view_config);
}
