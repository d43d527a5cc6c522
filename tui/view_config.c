/*
 * The fourth view: the configuration's own text, with its mistakes. Letters
 * are commands until one begins to type.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tui/complete.h"
#include "tui/glyphs.h"
#include "tui/text.h"
#include "tui/ui.h"

#define GUTTER 7 /* columns of a line's number, with a mark */
#define TAB    8
#define SHOWN  4096 /* columns of a line that are ever drawn */
#define FOOT   3 /* lines below for what is wrong with a line */

static struct rect
body(const struct ui *ui)
{
	struct rect r = {2, 0, ui->layout.rows - 3, ui->layout.cols};

	return r;
}

/* What is wrong with the line (from 0), or NULL. */
static const char *
mistake_of(const struct raw_view *v, size_t line)
{
	size_t i;

	for (i = 0; i < v->mistakes.count; i++)
		if (v->mistakes.list[i].line == (int)line + 1)
			return v->mistakes.list[i].text;
	return NULL;
}

static int
rows_for_text(const struct ui *ui)
{
	int h = body(ui).h - (ui->raw.mistakes.count > 0 ? FOOT : 0);

	return h > 1 ? h : 1;
}

/* Keeps the cursor on the screen. */
static void
follow(struct ui *ui)
{
	struct raw_view *v = &ui->raw;
	size_t line, rows = (size_t)rows_for_text(ui);
	int column, width = ui->layout.cols - GUTTER - 1;

	if (v->raw.text == NULL)
		return;
	line = raw_line_of(&v->raw, v->raw.at);
	if (line < v->top)
		v->top = line;
	if (line >= v->top + rows)
		v->top = line - rows + 1;
	column = raw_column(&v->raw);
	if (column < v->left)
		v->left = column;
	if (column >= v->left + width)
		v->left = column - width + 1;
	ui_dirty(ui, DIRTY_BODY | DIRTY_BOTTOM);
}

static void
update(struct ui *ui)
{
	follow(ui);
}

/*
 * --- Drawing ----------------------------------------------------------
 */

/* Where a comment behind a value begins, or the line's end. */
static size_t
comment_at(const char *p, size_t n)
{
	size_t i;

	for (i = 0; i < n; i++)
		if (p[i] == ';' &&
		    (i == 0 || p[i - 1] == ' ' || p[i - 1] == '\t'))
			break;
	return i;
}

/* The style of the byte at i of a line of n. */
static enum style
style_at(const char *p, size_t n, size_t i)
{
	size_t first = strspn(p, " \t"), sign;

	if (first >= n || p[first] == '#' || i >= comment_at(p, n))
		return STYLE_FAINT;
	if (p[first] == '[')
		return STYLE_TITLE_FOCUS;
	for (sign = first; sign < n && p[sign] != '=' && p[sign] != ':'; sign++)
		;
	return i < sign ? STYLE_NAME : STYLE_PLAIN;
}

/* The bytes from i on that look alike; tabs stand alone. */
static size_t
run_at(const char *p, size_t n, size_t i)
{
	enum style style = style_at(p, n, i);
	size_t j = i + 1;

	if (p[i] == '\t')
		return 1;
	while (j < n && p[j] != '\t' && style_at(p, n, j) == style)
		j++;
	return j - i;
}

static void
draw_line(struct ui *ui, const struct rect *r, int y, size_t line)
{
	struct raw_view *v = &ui->raw;
	const char *p = v->raw.text + raw_offset(&v->raw, line);
	size_t n = raw_length(&v->raw, (size_t)(p - v->raw.text)), i, len;
	struct rect part = {r->y + y, r->x + GUTTER, 1, r->w - GUTTER};
	bool bad = mistake_of(v, line) != NULL;
	char text[512];
	int x = -v->left, w;
	const char *q;

	draw_textf(r, y, 0, bad ? STYLE_ERROR : STYLE_FAINT, "%5zu", line + 1);
	draw_text(r, y, 5, bad ? STYLE_ERROR : STYLE_PLAIN, bad ? "!" : " ");
	for (i = 0; i < n && x < part.w; i += len) {
		len = run_at(p, n, i);
		if (p[i] == '\t') {
			x += TAB - (x + v->left) % TAB;
			continue;
		}
		if (len > sizeof text - 1)
			len = sizeof text - 1;
		snprintf(text, sizeof text, "%.*s", (int)len, p + i);
		/* What is left of the screen's edge is not drawn. */
		for (q = text; *q != '\0' && x < 0; x += w)
			text_next(&q, &w);
		if (x >= 0 && *q != '\0')
			x = draw_text(&part, 0, x,
			    bad ? STYLE_ERROR : style_at(p, n, i), q);
	}
}

static void
draw_title(struct ui *ui)
{
	const struct raw_view *v = &ui->raw;
	struct rect r = {1, 0, 1, ui->layout.cols};
	int x;

	draw_hline(&r, 0, 0, r.w, glyphs()->hline);
	x = draw_textf(&r, 0, 1, STYLE_TITLE_FOCUS, " %s ",
	    v->edit == NULL ? "configuration" : edit_path(v->edit));
	if (raw_changed(ui))
		x = draw_text(&r, 0, x + 1, STYLE_NEWS, " changed ");
	if (v->typing)
		x = draw_text(&r, 0, x + 1, STYLE_NAME, " typing ");
	if (v->mistakes.count > 0)
		draw_textf(&r, 0, x + 1, STYLE_ERROR, " %zu mistake%s ",
		    v->mistakes.count, v->mistakes.count == 1 ? "" : "s");
}

/* What is wrong with the cursor's line, or where the first mistake is. */
static void
draw_foot(struct ui *ui, const struct rect *r)
{
	const struct raw_view *v = &ui->raw;
	const char *text = mistake_of(v, raw_line_of(&v->raw, v->raw.at)), *at;
	char first[900];
	size_t len;
	int i;

	draw_hline(r, 0, 0, r->w, glyphs()->hline);
	if (text == NULL)
		text =
		    config_mistake_format(&v->mistakes, 0, first, sizeof first);
	for (i = 0; i < FOOT - 1; i++)
		if ((at = text_wrapped(text, r->w - 2, i, &len)) != NULL)
			draw_textf(
			    r, i + 1, 1, STYLE_ERROR, "%.*s", (int)len, at);
}

static void
draw(struct ui *ui, unsigned dirty)
{
	struct raw_view *v = &ui->raw;
	struct rect r = body(ui), foot;
	int y, rows = rows_for_text(ui);
	size_t lines;

	draw_title(ui);
	draw_clear(&r);
	if (v->edit == NULL) {
		draw_text(&r, 0, 1, STYLE_FAINT, v->busy ? "reading" : "");
		draw_cursor(r.y, 0, false);
		return;
	}
	lines = raw_lines(&v->raw);
	for (y = 0; y < rows && v->top + (size_t)y < lines; y++)
		draw_line(ui, &r, y, v->top + (size_t)y);
	if (v->mistakes.count > 0 && r.h > FOOT) {
		foot = (struct rect){r.y + r.h - FOOT, 0, FOOT, r.w};
		draw_foot(ui, &foot);
	}
	draw_cursor(r.y + (int)(raw_line_of(&v->raw, v->raw.at) - v->top),
	    GUTTER + raw_column(&v->raw) - v->left, true);
}

/*
 * --- Keys -------------------------------------------------------------
 */

static void
rows(struct ui *ui, long by)
{
	if (ui->raw.edit != NULL)
		raw_rows(&ui->raw.raw, by);
	follow(ui);
}

static void
down(struct ui *ui)
{
	rows(ui, 1);
}

static void
up(struct ui *ui)
{
	rows(ui, -1);
}

static void
page_down(struct ui *ui)
{
	rows(ui, rows_for_text(ui));
}

static void
page_up(struct ui *ui)
{
	rows(ui, -(long)rows_for_text(ui));
}

static void
first(struct ui *ui)
{
	rows(ui, -(long)ui->raw.raw.len - 1);
}

static void
last(struct ui *ui)
{
	rows(ui, (long)ui->raw.raw.len + 1);
}

static const char *
read_refuse(struct ui *ui)
{
	return ui->raw.edit == NULL ? "The file is not read yet." : NULL;
}

static void
begin_typing(struct ui *ui)
{
	ui->raw.typing = true;
	ui_dirty(ui, DIRTY_ALL);
}

static void
end_typing(struct ui *ui)
{
	ui->raw.typing = false;
	ui_dirty(ui, DIRTY_ALL);
}

static const char *
changed_refuse(struct ui *ui)
{
	return raw_changed(ui) ? NULL : "Nothing changed.";
}

static void
drop_sure(struct ui *ui, const char *name)
{
	raw_drop(ui);
	follow(ui);
}

static void
drop(struct ui *ui)
{
	prompt_ask(ui, "", drop_sure, "drop what was changed and not saved?");
}

static const char *
undo_refuse(struct ui *ui)
{
	return ui->raw.raw.done == 0 ? "There is nothing to take back." : NULL;
}

static const char *
redo_refuse(struct ui *ui)
{
	return ui->raw.raw.done == ui->raw.raw.changes
	    ? "There is nothing to do again."
	    : NULL;
}

static void
undo(struct ui *ui)
{
	raw_undo(&ui->raw.raw);
	raw_touched(ui);
	follow(ui);
}

static void
redo(struct ui *ui)
{
	raw_redo(&ui->raw.raw);
	raw_touched(ui);
	follow(ui);
}

static void
find(struct ui *ui, int step)
{
	if (!raw_find(&ui->raw.raw, ui->raw.search, step))
		ui_say(ui, "\"%s\" is not in the file.", ui->raw.search);
	follow(ui);
}

static void
searched(struct ui *ui, const char *text)
{
	snprintf(ui->raw.search, sizeof ui->raw.search, "%s", text);
	if (*text != '\0')
		find(ui, 1);
}

static void
search(struct ui *ui)
{
	prompt_read(ui, "/", "", searched);
}

static const char *
again_refuse(struct ui *ui)
{
	return ui->raw.search[0] == '\0' ? "Nothing was searched for: / does."
					 : NULL;
}

static void
find_next(struct ui *ui)
{
	find(ui, 1);
}

static void
find_before(struct ui *ui)
{
	find(ui, -1);
}

static void
save(struct ui *ui)
{
	raw_save(ui);
	follow(ui);
}

static void
edited(struct ui *ui, const char *text, size_t len)
{
	struct raw_view *v = &ui->raw;

	if (text == NULL)
		return;
	if (len == v->raw.len && memcmp(text, v->raw.text, len) == 0) {
		ui_say(ui, "Nothing changed.");
		return;
	}
	raw_splice(&v->raw, 0, v->raw.len, text, len);
	raw_go(&v->raw, 0);
	raw_came_back(ui);
	follow(ui);
}

static void
editor(struct ui *ui)
{
	editor_open(ui, ui->raw.raw.text, ui->raw.raw.len, edited);
}

const struct binding raw_reading[] = {
    {{'e', 0}, {'i', 0}, "edit", "begin to type", read_refuse, begin_typing},
    {{'s', TERM_CTRL}, {0, 0}, "save", "show what changes, then save",
	changed_refuse, save},
    {{'/', 0}, {0, 0}, "search", "search forward", read_refuse, search},
    {{'E', 0}, {0, 0}, "editor", "open it in your own editor, $EDITOR",
	read_refuse, editor},
    {{'n', 0}, {0, 0}, "next", "the next match", again_refuse, find_next},
    {{'N', 0}, {0, 0}, NULL, "the match before", again_refuse, find_before,
	"before"},
    {{'u', 0}, {'z', TERM_CTRL}, "undo", "take back", undo_refuse, undo},
    {{'r', TERM_CTRL}, {'y', TERM_CTRL}, "redo", "do again", redo_refuse, redo},
    {{K_ESCAPE, 0}, {0, 0}, "drop", "drop what was changed", changed_refuse,
	drop},
    {{'j', 0}, {K_DOWN, 0}, NULL, "a line down", NULL, down, "down"},
    {{'k', 0}, {K_UP, 0}, NULL, "a line up", NULL, up, "up"},
    {{K_PAGE_DOWN, 0}, {'f', TERM_CTRL}, NULL, "a page down", NULL, page_down,
	"page-down"},
    {{K_PAGE_UP, 0}, {'b', TERM_CTRL}, NULL, "a page up", NULL, page_up,
	"page-up"},
    {{'g', 0}, {K_HOME, 0}, NULL, "the first line", NULL, first, "first"},
    {{'G', 0}, {K_END, 0}, NULL, "the last line", NULL, last, "last"},
    {{0, 0}, {0, 0}, NULL, NULL, NULL, NULL},
};

static void
key_left(struct ui *ui)
{
	raw_left(&ui->raw.raw);
	follow(ui);
}

static void
key_right(struct ui *ui)
{
	raw_right(&ui->raw.raw);
	follow(ui);
}

static void
key_home(struct ui *ui)
{
	raw_home(&ui->raw.raw);
	follow(ui);
}

static void
key_end(struct ui *ui)
{
	raw_end(&ui->raw.raw);
	follow(ui);
}

static void
touched(struct ui *ui)
{
	raw_touched(ui);
	follow(ui);
}

static void
backspace(struct ui *ui)
{
	raw_backspace(&ui->raw.raw);
	touched(ui);
}

static void delete (struct ui *ui)
{
	raw_delete(&ui->raw.raw);
	touched(ui);
}

static void
delete_line(struct ui *ui)
{
	raw_delete_line(&ui->raw.raw);
	touched(ui);
}

/* A line end as the line has it. */
static void
enter(struct ui *ui)
{
	struct raw *r = &ui->raw.raw;
	size_t at = raw_offset(r, raw_line_of(r, r->at));
	bool crlf = r->text[at + raw_length(r, at)] == '\r';

	raw_type(r, crlf ? "\r\n" : "\n", crlf ? 2 : 1);
	touched(ui);
}

static void
tab(struct ui *ui)
{
	complete_config(ui);
	touched(ui);
}

const struct binding raw_typing[] = {
    {{K_ESCAPE, 0}, {0, 0}, "done", "letters are commands again", NULL,
	end_typing},
    {{'s', TERM_CTRL}, {0, 0}, "save", "show what changes, then save",
	changed_refuse, save},
    {{'z', TERM_CTRL}, {0, 0}, "undo", "take back", undo_refuse, undo},
    {{'y', TERM_CTRL}, {0, 0}, "redo", "do again", redo_refuse, redo},
    {{'k', TERM_CTRL}, {0, 0}, "cut line", "take the line out", NULL,
	delete_line},
    {{K_TAB, 0}, {0, 0}, "complete", "complete a key or a value", NULL, tab},
    {{K_ENTER, 0}, {0, 0}, NULL, NULL, NULL, enter, "enter"},
    {{K_BACKSPACE, 0}, {'h', TERM_CTRL}, NULL, NULL, NULL, backspace,
	"backspace"},
    {{K_DELETE, 0}, {'d', TERM_CTRL}, NULL, NULL, NULL, delete, "delete"},
    {{K_LEFT, 0}, {0, 0}, NULL, NULL, NULL, key_left, "left"},
    {{K_RIGHT, 0}, {0, 0}, NULL, NULL, NULL, key_right, "right"},
    {{K_UP, 0}, {0, 0}, NULL, NULL, NULL, up, "up"},
    {{K_DOWN, 0}, {0, 0}, NULL, NULL, NULL, down, "down"},
    {{K_PAGE_UP, 0}, {0, 0}, NULL, NULL, NULL, page_up, "page-up"},
    {{K_PAGE_DOWN, 0}, {0, 0}, NULL, NULL, NULL, page_down, "page-down"},
    {{K_HOME, 0}, {'a', TERM_CTRL}, NULL, NULL, NULL, key_home, "home"},
    {{K_END, 0}, {'e', TERM_CTRL}, NULL, NULL, NULL, key_end, "end"},
    {{0, 0}, {0, 0}, NULL, NULL, NULL, NULL},
};

static const struct binding *
bindings(const struct ui *ui)
{
	return ui->raw.typing ? raw_typing : raw_reading;
}

static bool
typed(struct ui *ui, struct key key)
{
	const char *why;
	char one[8];

	if (!ui->raw.typing || ui->raw.edit == NULL)
		return false;
	if (keys_run(raw_typing, key, ui, &why)) {
		if (why != NULL)
			ui_say(ui, "%s", why);
	} else if (key.code >= ' ' && key.code < K_NAMED && key.mods == 0) {
		raw_type(&ui->raw.raw, one, text_encode(key.code, one));
		touched(ui);
	} else if (key_is(key, 'l', TERM_CTRL))
		ui_redraw(ui);
	ui_dirty(ui, DIRTY_BOTTOM);
	return true;
}

/* Only what can be in a file of lines. */
static bool
pasted(struct ui *ui, const char *text, size_t len)
{
	char *clean = malloc(len + 1);
	size_t i, n = 0;

	if (!ui->raw.typing || ui->raw.edit == NULL || clean == NULL) {
		free(clean);
		return false;
	}
	for (i = 0; i < len; i++) {
		if (text[i] == '\r')
			clean[n++] = '\n';
		else if (text[i] == '\n' || text[i] == '\t' ||
		    ((unsigned char)text[i] >= ' ' && text[i] != 0x7f))
			clean[n++] = text[i];
	}
	raw_splice(&ui->raw.raw, ui->raw.raw.at, 0, clean, n);
	free(clean);
	touched(ui);
	return true;
}

static void
mouse(struct ui *ui, const struct mouse *m)
{
	struct rect r = body(ui);
	struct raw *raw = &ui->raw.raw;

	if (m->event != TERM_MOUSE_PRESS || ui->raw.edit == NULL)
		return;
	if (m->button == 4 || m->button == 5) {
		rows(ui, m->button == 4 ? -3 : 3);
	} else if (m->row >= r.y && m->row < r.y + rows_for_text(ui)) {
		raw_go(raw, ui->raw.top + (size_t)(m->row - r.y));
		raw->goal =
		    m->col < GUTTER ? 0 : m->col - GUTTER + ui->raw.left;
		raw_rows(raw, 0);
		follow(ui);
	}
}

static void
turned(struct ui *ui, bool to)
{
	if (to)
		raw_read(ui);
	ui->raw.typing = false;
}

static struct guest *
guest(const struct ui *ui)
{
	return NULL;
}

static const char *
hint(const struct ui *ui)
{
	return ui->raw.typing ? "" : NULL;
}

static const struct keytable help[] = {
    {"in the configuration", raw_reading, "config"},
    {"typing in it", raw_typing, "edit", true, true},
    {NULL, NULL},
};

const struct view view_config = {
    .name = "configuration",
    .key = '4',
    .draw = draw,
    .bindings = bindings,
    .typed = typed,
    .pasted = pasted,
    .mouse = mouse,
    .update = update,
    .turned = turned,
    .guest = guest,
    .hint = hint,
    .help = help,
};
