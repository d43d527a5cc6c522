#include <stdio.h>
#include <string.h>

#include "config/size.h"
#include "tui/glyphs.h"
#include "tui/keymap.h"
#include "tui/text.h"
#include "tui/ui.h"
#include "tui/widget.h"

#define LABEL 17 /* columns of a key's name, with what is around it */
#define HELP  5 /* lines of help below the rows, with the line above it */

/* "2M to 16T", "1 to 64 CPUs; this host has 8". */
static void
limits(const struct ui *ui, const struct config_key *key, char *buf, size_t len)
{
	const struct host *h = &ui->model->host;
	char least[32], most[32], has[16];
	size_t n;

	buf[0] = '\0';
	if (key->kind == CONFIG_K_SIZE)
		n = (size_t)snprintf(buf, len, " %s to %s.",
		    size_exact(key->min, least, sizeof least),
		    size_exact(key->max, most, sizeof most));
	else if (key->kind == CONFIG_K_NUMBER)
		n = (size_t)snprintf(buf, len, " %llu to %llu%s%s.",
		    (unsigned long long)key->min, (unsigned long long)key->max,
		    key->unit != NULL ? " " : "",
		    key->unit != NULL ? key->unit : "");
	else
		return;
	if (n < len && strcmp(key->name, "memory") == 0 && h->memory > 0)
		snprintf(buf + n, len - n, " This host has %s.",
		    size_short(h->memory, has, sizeof has));
	if (n < len && strcmp(key->name, "cpus") == 0 && h->cpus > 0)
		snprintf(buf + n, len - n, " This host has %u.", h->cpus);
}

/* " Options: format=raw | qcow2, readonly." */
static void
options(const struct config_key *key, char *buf, size_t len)
{
	const struct config_key *o;
	size_t n = 0;

	buf[0] = '\0';
	for (o = key->options; o != NULL && o->name != NULL && n < len; o++)
		n += (size_t)snprintf(buf + n, len - n, "%s%s%s%s",
		    n == 0 ? " Options: " : ", ", o->name,
		    o->value != NULL ? "=" : "",
		    o->value != NULL ? o->value : "");
	if (n > 0 && n < len)
		snprintf(buf + n, len - n, ".");
}

/* The sentence about the row: what it is, how it looks, when it counts. */
static void
help_of(const struct ui *ui, char *buf, size_t len)
{
	const struct form *f = &ui->form;
	const struct config_key *key = f->row[f->at].key;
	const struct guest *g = model_find(ui->model, f->name);
	const char *when = "";
	char range[128], more[512];

	if (key == NULL) {
		snprintf(buf, len,
		    "The name of the %s: a letter, then letters, digits, "
		    "\".\", \"_\" or \"-\".%s",
		    f->kind == CONFIG_VM ? "guest" : "switch",
		    f->name[0] != '\0' ? " Who names it follows." : "");
		return;
	}
	limits(ui, key, range, sizeof range);
	options(key, more, sizeof more);
	if (f->kind == CONFIG_VM && g != NULL && guest_is_up(g) &&
	    !key->at_once)
		when = key->kind == CONFIG_K_INTERFACE
		    ? " In force with the guest's next start; locked alone, at "
		      "once."
		    : " In force with the guest's next start.";
	snprintf(buf, len, "%s = %s: %s.%s%s%s", key->name, key->value,
	    key->help, more, range, when);
}

static void
draw_wrapped(
    const struct rect *r, int y, int rows, enum style style, const char *text)
{
	const char *line;
	size_t len;
	int i;

	for (i = 0; i < rows; i++) {
		line = text_wrapped(text, r->w - 2, i, &len);
		if (line == NULL)
			break;
		draw_textf(r, y + i, 1, style, "%.*s", (int)len, line);
	}
}

/* The help, or what is wrong; in the last lines. */
static void
draw_foot(struct ui *ui, const struct rect *r)
{
	const struct form *f = &ui->form;
	const struct form_row *row = &f->row[f->at];
	const struct task *t = form_disk_task(ui);
	char help[1024];
	int y = r->h - HELP, x;

	draw_hline(r, y, 0, r->w, glyphs()->hline);
	if (t != NULL) {
		x = task_draw(r, y + 1, 1, t);
		draw_textf(r, y + 1, x + 1, STYLE_FAINT, "%s stops that",
		    keymap_key("form-stop"));
	} else if (row->mistake != NULL)
		draw_wrapped(r, y + 1, HELP - 1,
		    row->mild ? STYLE_QUESTION : STYLE_ERROR, row->mistake);
	else if (f->mistake[0] != '\0')
		draw_wrapped(r, y + 1, HELP - 1, STYLE_ERROR, f->mistake);
	else {
		if (row->note != NULL)
			draw_wrapped(r, ++y, 1, STYLE_QUESTION, row->note);
		help_of(ui, help, sizeof help);
		draw_wrapped(r, y + 1, r->h - y - 1, STYLE_FAINT, help);
	}
}

static void
draw_row(struct ui *ui, const struct rect *r, int y, size_t i)
{
	struct form *f = &ui->form;
	const struct form_row *row = &f->row[i];
	bool here = i == f->at, more = i > 0 && f->row[i - 1].key == row->key;
	const char *label = row->key == NULL ? "name" : row->key->name;
	int width = r->w - LABEL - 1;
	char fallback[512];

	draw_text(r, y, 0, STYLE_SELECTED, here ? glyphs()->pointer : " ");
	draw_field(r, y, 1, LABEL - 4, false,
	    here                         ? STYLE_SELECTED
		: form_row_changed(f, i) ? STYLE_NAME
					 : STYLE_PLAIN,
	    more ? row->text[0] == '\0' ? "  one more" : "" : label);
	if (row->mistake != NULL)
		draw_text(r, y, LABEL - 2,
		    row->mild ? STYLE_QUESTION : STYLE_ERROR,
		    row->mild ? "?" : "!");
	else if (form_row_changed(f, i))
		draw_text(r, y, LABEL - 2, STYLE_NEWS, "*");
	if (here && !f->pick.open)
		field_draw(r, y, LABEL, width, STYLE_PLAIN, &f->field, true);
	else
		draw_field(r, y, LABEL, width, false,
		    row->mistake != NULL && !row->mild ? STYLE_ERROR
						       : STYLE_PLAIN,
		    row->text);
	if (row->text[0] == '\0' &&
	    *form_fallback(f, i, fallback, sizeof fallback) != '\0')
		draw_field(r, y, LABEL + here, width - here, false, STYLE_FAINT,
		    fallback);
}

static void
draw_rows(struct ui *ui, const struct rect *r)
{
	struct form *f = &ui->form;
	int room = r->h - HELP, y;
	size_t i;

	if (room < 1)
		room = 1;
	f->top = list_scroll(f->top, f->at, f->rows, (size_t)room);
	for (y = 0, i = f->top; y < room && i < f->rows; y++, i++)
		draw_row(ui, r, y, i);
	draw_foot(ui, r);
}

static void
draw_lines(struct ui *ui, const struct rect *r)
{
	struct form *f = &ui->form;
	size_t i;
	int y = 0, rows;

	if (f->first + (size_t)r->h > f->lines)
		f->first =
		    f->lines > (size_t)r->h ? f->lines - (size_t)r->h : 0;
	for (i = f->first; i < f->lines && y < r->h; i++) {
		rows = text_wrapped_lines(f->line[i].text, r->w - 2);
		draw_wrapped(r, y, rows < r->h - y ? rows : r->h - y,
		    f->line[i].style, f->line[i].text);
		y += rows;
	}
	draw_cursor(r->y, r->x, false);
}

static void
title(const struct form *f, char *buf, size_t len)
{
	const char *what = f->kind == CONFIG_VM ? "guest" : "switch";

	if (f->step == FORM_REVIEW)
		snprintf(buf, len, "save this?");
	else if (f->step == FORM_OTHER)
		snprintf(buf, len, "somebody else changed the file");
	else if (f->like[0] != '\0')
		snprintf(buf, len, "%s %s, as %s", what, f->name, f->like);
	else if (f->name[0] != '\0')
		snprintf(buf, len, "%s %s", what, f->name);
	else
		snprintf(buf, len, "new %s", what);
}

void
form_draw(struct ui *ui)
{
	struct form *f = &ui->form;
	const struct rect *r = &ui->layout.side;
	struct rect line = {r->y - 1, r->x, 1, r->w};
	char text[128];

	draw_clear(r);
	draw_hline(&line, 0, 0, line.w, glyphs()->hline);
	draw_vline(
	    &ui->layout.screen, r->y, ui->layout.split, r->h, glyphs()->vline);
	title(f, text, sizeof text);
	draw_textf(&line, 0, 1, STYLE_TITLE_FOCUS, " %s ", text);
	if (f->step == FORM_LOADING || f->step == FORM_SAVING) {
		draw_text(r, 0, 1, STYLE_FAINT,
		    f->step == FORM_LOADING ? "reading the configuration"
					    : "saving");
		draw_cursor(r->y, r->x, false);
	} else if (f->step == FORM_EDITING)
		draw_rows(ui, r);
	else
		draw_lines(ui, r);
	if (f->pick.open)
		pick_draw(ui, &f->pick);
}
