/* The keyboard and the mouse in a form. */
#include <sys/random.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <event2/event.h>

#include "tui/ui.h"

#define CHECK_MS 200 /* of quiet before all of the file is checked */

static struct form_row *
here(struct form *f)
{
	return &f->row[f->at];
}

/* The row's text is another one: it alone is checked now, the rest soon. */
static void
changed(struct ui *ui)
{
	static const struct timeval soon = {0, CHECK_MS * 1000};
	struct form *f = &ui->form;
	struct form_row *row = here(f);
	char folder[1024];
	struct error err;

	free(row->mistake);
	row->mistake = NULL;
	row->mild = false;
	f->mistake[0] = '\0';
	form_base(f, folder, sizeof folder);
	if (row->key != NULL && row->text[0] != '\0' &&
	    edit_value_check(
		f->kind, row->key->name, row->text, folder, &err) == -1)
		row->mistake = strdup(err.text);
	evtimer_add(f->check, &soon);
	ui_dirty(ui, DIRTY_ALL);
}

static void
next(struct ui *ui)
{
	struct form *f = &ui->form;

	form_go(f, f->at + 1 < f->rows ? f->at + 1 : f->at);
	ui_dirty(ui, DIRTY_ALL);
}

static void
previous(struct ui *ui)
{
	struct form *f = &ui->form;

	form_go(f, f->at > 0 ? f->at - 1 : 0);
	ui_dirty(ui, DIRTY_ALL);
}

static void
first(struct ui *ui)
{
	form_go(&ui->form, 0);
	ui_dirty(ui, DIRTY_ALL);
}

static void
last(struct ui *ui)
{
	form_go(&ui->form, ui->form.rows - 1);
	ui_dirty(ui, DIRTY_ALL);
}

/*
 * --- Lists ------------------------------------------------------------
 */

static const char *
remove_refuse(struct ui *ui)
{
	const struct form_row *row = here(&ui->form);

	return row->key == NULL || row->text[0] == '\0'
	    ? "There is nothing to take out of this row."
	    : NULL;
}

static void
remove_row(struct ui *ui)
{
	struct form *f = &ui->form;
	size_t at = f->at;

	if (here(f)->key->repeats) {
		form_remove_row(f, at);
		form_go(f, at);
	} else
		form_set_row(f, at, "");
	changed(ui);
}

/* The row beside it that has a value of the same key, or f->rows. */
static size_t
neighbour(const struct form *f, int step)
{
	const struct form_row *row = &f->row[f->at], *other = row + step;

	if (row->key == NULL || !row->key->repeats || row->text[0] == '\0' ||
	    (step > 0 && f->at + 1 == f->rows) || other->key != row->key ||
	    other->text[0] == '\0')
		return f->rows;
	return (size_t)(other - f->row);
}

static void
swap(struct ui *ui, int step)
{
	struct form *f = &ui->form;
	size_t to = neighbour(f, step);
	struct form_row row = *here(f);

	f->row[f->at] = f->row[to];
	f->row[to] = row;
	form_go(f, to);
	changed(ui);
}

static const char *
up_refuse(struct ui *ui)
{
	return neighbour(&ui->form, -1) == ui->form.rows
	    ? "There is none of its kind above."
	    : NULL;
}

static const char *
down_refuse(struct ui *ui)
{
	return neighbour(&ui->form, 1) == ui->form.rows
	    ? "There is none of its kind below."
	    : NULL;
}

static void
swap_up(struct ui *ui)
{
	swap(ui, -1);
}

static void
swap_down(struct ui *ui)
{
	swap(ui, 1);
}

/*
 * --- Values -----------------------------------------------------------
 */

static const char *
choose_refuse(struct ui *ui)
{
	return form_choices(&ui->form) ? NULL : "There is nothing to choose.";
}

static const char *
address_refuse(struct ui *ui)
{
	const struct form_row *row = here(&ui->form);

	if (row->key == NULL || row->key->kind != CONFIG_K_INTERFACE)
		return "Only an interface has a hardware address.";
	return strstr(row->text, "lladdr") != NULL
	    ? "It has an address already."
	    : NULL;
}

/* One of our own: OpenBSD's prefix for its vmm(4), then three bytes. */
static void
address(struct ui *ui)
{
	struct form *f = &ui->form;
	unsigned char r[3];
	char text[FIELD_MAX];

	if (getrandom(r, sizeof r, 0) != sizeof r)
		return;
	snprintf(text, sizeof text, "%.900s%slladdr=fe:e1:bb:%02x:%02x:%02x",
	    here(f)->text, here(f)->text[0] == '\0' ? "" : ", ", r[0], r[1],
	    r[2]);
	form_set_row(f, f->at, text);
	changed(ui);
}

/* The next of a few words; -1: the one before. */
static bool
cycle(struct ui *ui, int step)
{
	static const char *const bools[] = {"no", "yes", NULL};
	struct form *f = &ui->form;
	const struct form_row *row = here(f);
	const char *const *words = bools;
	int n, i;

	if (row->key == NULL ||
	    (row->key->kind != CONFIG_K_BOOL &&
		row->key->kind != CONFIG_K_CHOICE))
		return false;
	if (row->key->kind == CONFIG_K_CHOICE)
		words = row->key->choices;
	for (n = 0; words[n] != NULL; n++)
		;
	for (i = 0; i < n; i++)
		if (strcmp(words[i],
			row->text[0] != '\0'             ? row->text
			    : row->key->fallback != NULL ? row->key->fallback
							 : "") == 0)
			break;
	form_set_row(f, f->at, i == n ? words[0] : words[(i + n + step) % n]);
	changed(ui);
	return true;
}

/*
 * --- The tables -------------------------------------------------------
 */

static void
close_sure(struct ui *ui, const char *name)
{
	form_close(ui);
}

static void
leave(struct ui *ui)
{
	if (form_changed(&ui->form))
		prompt_ask(ui, "", close_sure,
		    "close the form? what was changed in it is lost");
	else
		form_close(ui);
}

static void
help(struct ui *ui)
{
	sheet_help_of(ui, "keys: form", &form_help);
}

const struct binding form_table[] = {
    {{'s', TERM_CTRL}, {K_F(2), 0}, "save", "show what changes, then save",
	NULL, form_review},
    {{K_ENTER, 0}, {0, 0}, "choose", "choose the value from what there is",
	choose_refuse, form_choose},
    {{K_ENTER, 0}, {0, 0}, NULL, NULL, NULL, next, ""},
    {{K_TAB, 0}, {K_DOWN, 0}, "next", "the next field", NULL, next},
    {{K_TAB, TERM_SHIFT}, {K_UP, 0}, NULL, "the field before", NULL, previous,
	"previous"},
    {{K_PAGE_UP, 0}, {0, 0}, NULL, "the first field", NULL, first, "first"},
    {{K_PAGE_DOWN, 0}, {0, 0}, NULL, "the last field", NULL, last, "last"},
    {{'o', TERM_CTRL}, {K_F(3), 0}, "make image",
	"make the disk's image, if it is not there yet", form_disk_refuse,
	form_disk_make},
    {{'g', TERM_CTRL}, {0, 0}, "address", "make up a hardware address",
	address_refuse, address},
    {{'x', TERM_CTRL}, {0, 0}, "remove", "take the value out", remove_refuse,
	remove_row},
    {{K_UP, TERM_ALT}, {'p', TERM_CTRL}, "up", "move a disk or an interface up",
	up_refuse, swap_up},
    {{K_DOWN, TERM_ALT}, {'n', TERM_CTRL}, "down", "and down", down_refuse,
	swap_down},
    {{K_ESCAPE, 0}, {'c', TERM_CTRL}, "stop", NULL, form_disk_stop_refuse,
	form_disk_stop},
    {{K_ESCAPE, 0}, {'c', TERM_CTRL}, "close", "leave it as it was", NULL,
	leave},
    {{K_F(1), 0}, {0, 0}, "help", "this page", NULL, help},
    {{0, 0}, {0, 0}, NULL, NULL, NULL, NULL},
};

static void
back(struct ui *ui)
{
	form_clear_lines(&ui->form);
	ui->form.step = FORM_EDITING;
	ui_dirty(ui, DIRTY_ALL);
}

static void
scroll(struct ui *ui, long by)
{
	struct form *f = &ui->form;
	long top = (long)f->first + by;

	/* form_draw() knows the end. */
	f->first = top < 0 ? 0 : (size_t)top;
	ui_dirty(ui, DIRTY_BODY);
}

static void
scroll_down(struct ui *ui)
{
	scroll(ui, 1);
}

static void
scroll_up(struct ui *ui)
{
	scroll(ui, -1);
}

static const struct binding review_table[] = {
    {{K_ENTER, 0}, {'y', 0}, "save", NULL, NULL, form_save},
    {{K_ESCAPE, 0}, {'n', 0}, "back", NULL, NULL, back},
    {{'c', TERM_CTRL}, {'q', 0}, NULL, NULL, NULL, back, ""},
    {{'j', 0}, {K_DOWN, 0}, "down", NULL, NULL, scroll_down, "down"},
    {{'k', 0}, {K_UP, 0}, "up", NULL, NULL, scroll_up, "up"},
    {{0, 0}, {0, 0}, NULL, NULL, NULL, NULL},
};

static const struct binding other_table[] = {
    {{'k', 0}, {0, 0}, "keep mine", NULL, NULL, form_keep},
    {{'r', 0}, {0, 0}, "reload theirs", NULL, NULL, form_reload},
    {{K_ESCAPE, 0}, {'c', TERM_CTRL}, "back", NULL, NULL, back},
    {{K_DOWN, 0}, {'j', 0}, "down", NULL, NULL, scroll_down, "down"},
    {{K_UP, 0}, {0, 0}, NULL, NULL, NULL, scroll_up, "up"},
    {{0, 0}, {0, 0}, NULL, NULL, NULL, NULL},
};

static const struct binding waiting_table[] = {
    {{K_ESCAPE, 0}, {'c', TERM_CTRL}, "close", NULL, NULL, form_close},
    {{0, 0}, {0, 0}, NULL, NULL, NULL, NULL},
};

const struct keytable form_help = {"in a form", form_table, "form", true, true};

const struct keytable form_tables[] = {
    {"asked before saving", review_table, "review", false, true},
    {"if the file changed meanwhile", other_table, "conflict", false, true},
    {NULL, NULL},
};

const struct binding *
form_bindings(const struct ui *ui)
{
	if (ui->form.pick.open)
		return pick_bindings;
	switch (ui->form.step) {
	case FORM_EDITING:
		return form_table;
	case FORM_REVIEW:
		return review_table;
	case FORM_OTHER:
		return other_table;
	default:
		return waiting_table;
	}
}

static void
editing_key(struct ui *ui, struct key key)
{
	struct form *f = &ui->form;
	struct field field;

	if (key_is(key, ' ', 0) && cycle(ui, 1))
		return;
	switch (field_key(&f->field, key)) {
	case FIELD_CHANGED:
		/* The cursor stays where it is. */
		field = f->field;
		form_set_row(f, f->at, field.text);
		f->field = field;
		changed(ui);
		break;
	case FIELD_MOVED:
		ui_dirty(ui, DIRTY_BODY);
		break;
	case FIELD_NOT:
		break;
	}
}

void
form_key(struct ui *ui, struct key key)
{
	struct form *f = &ui->form;
	const char *why;

	ui_dirty(ui, DIRTY_BOTTOM);
	if (f->pick.open) {
		pick_key(ui, &f->pick, key);
		return;
	}
	if (keys_run(form_bindings(ui), key, ui, &why)) {
		if (why != NULL)
			ui_say(ui, "%s", why);
	} else if (key_is(key, 'l', TERM_CTRL))
		ui_redraw(ui);
	else if (f->step == FORM_EDITING)
		editing_key(ui, key);
}

void
form_paste(struct ui *ui, const char *text, size_t len)
{
	struct form *f = &ui->form;
	struct field field;

	if (f->step != FORM_EDITING || f->pick.open)
		return;
	if (!field_paste(&f->field, text, len))
		return;
	field = f->field;
	form_set_row(f, f->at, field.text);
	f->field = field;
	changed(ui);
}

void
form_mouse(struct ui *ui, const struct mouse *m)
{
	const struct rect *r = &ui->layout.side;
	struct form *f = &ui->form;
	size_t i = f->top + (size_t)(m->row - r->y);

	if (m->event != TERM_MOUSE_PRESS)
		return;
	if (f->pick.open) {
		pick_mouse(ui, &f->pick, m);
		return;
	}
	if (f->step == FORM_REVIEW || f->step == FORM_OTHER) {
		if (m->button == 4 || m->button == 5)
			scroll(ui, m->button == 4 ? -3 : 3);
		return;
	}
	if (f->step != FORM_EDITING)
		return;
	if (m->button == 4)
		previous(ui);
	else if (m->button == 5)
		next(ui);
	else if (m->row >= r->y && m->col >= r->x && i < f->rows) {
		form_go(f, i);
		ui_dirty(ui, DIRTY_ALL);
	}
}
