#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tui/glyphs.h"
#include "tui/keymap.h"
#include "tui/text.h"
#include "tui/ui.h"
#include "tui/widget.h"

#define HEAD 14 /* columns of a key's name */

static void
sheet_clear(struct sheet *s)
{
	size_t i;

	for (i = 0; i < s->lines; i++) {
		free(s->line[i].head);
		free(s->line[i].text);
	}
	free(s->line);
	s->line = NULL;
	s->lines = 0;
}

void
sheet_open(struct ui *ui, const char *title)
{
	struct sheet *s = &ui->sheet;

	if (s->open && s->closed != NULL)
		s->closed(ui);
	sheet_clear(s);
	s->open = true;
	s->wide = s->follow = false;
	s->closed = NULL;
	s->top = 0;
	s->search[0] = '\0';
	s->found = 0;
	snprintf(s->title, sizeof s->title, "%s", title);
	ui_dirty(ui, DIRTY_ALL);
}

void
sheet_add(struct ui *ui, enum style style, const char *head, const char *text)
{
	struct sheet *s = &ui->sheet;
	struct sheet_line *l;

	l = realloc(s->line, (s->lines + 1) * sizeof *l);
	if (l == NULL)
		return;
	s->line = l;
	l += s->lines;
	l->style = style;
	l->head = head != NULL ? strdup(head) : NULL;
	l->text = strdup(text);
	if (l->text == NULL) {
		free(l->head);
		return;
	}
	s->lines++;
}

void
sheet_wide(struct ui *ui, bool follow, void (*closed)(struct ui *ui))
{
	ui->sheet.wide = true;
	ui->sheet.follow = follow;
	ui->sheet.closed = closed;
}

void
sheet_close(struct ui *ui)
{
	ui->sheet.open = false;
	if (ui->sheet.closed != NULL)
		ui->sheet.closed(ui);
	ui->sheet.closed = NULL;
	sheet_clear(&ui->sheet);
	ui_dirty(ui, DIRTY_ALL);
}

/* Draws one line from row y on; returns how many rows it takes. */
static int
draw_line(
    const struct rect *r, int y, const struct sheet_line *l, const char *search)
{
	char text[1024];
	int indent = l->head != NULL ? HEAD + 1 : 1, i, rows;
	const char *line;
	size_t len;

	rows = text_wrapped_lines(l->text, r->w - indent - 1);
	if (y >= r->h || y + rows <= 0)
		return rows;
	if (l->head != NULL && y >= 0)
		draw_field(r, y, 1, HEAD - 1, false, STYLE_KEY, l->head);
	for (i = 0; i < rows; i++) {
		line = text_wrapped(l->text, r->w - indent - 1, i, &len);
		if (y + i < 0)
			continue;
		snprintf(text, sizeof text, "%.*s", (int)len, line);
		found_draw(r, y + i, indent, l->style, text, search);
	}
	return rows;
}

/* Where a page is, for its width. */
static struct rect
place(const struct ui *ui)
{
	struct rect r = ui->layout.side;

	if (ui->sheet.wide) {
		r.x = 0;
		r.w = ui->layout.cols;
	}
	return r;
}

void
sheet_draw(struct ui *ui)
{
	struct sheet *s = &ui->sheet;
	struct rect side = place(ui), *r = &side, title, empty;
	int y = 0, x;
	size_t i;

	title = (struct rect){r->y - 1, r->x, 1, r->w};
	empty = (struct rect){0, 0, 0, r->w};

	/* Known only for this width: rows that are not drawn are counted. */
	s->rows = 0;
	for (i = 0; i < s->lines; i++)
		s->rows += draw_line(&empty, 0, &s->line[i], "");
	if (s->follow || s->top > s->rows - r->h)
		s->top = s->rows - r->h;
	if (s->top < 0)
		s->top = 0;
	draw_clear(r);
	for (i = 0, y = -s->top; i < s->lines && y < r->h; i++)
		y += draw_line(r, y, &s->line[i], s->search);
	draw_hline(&title, 0, 0, title.w, glyphs()->hline);
	if (!s->wide)
		draw_vline(&ui->layout.screen, r->y, ui->layout.split, r->h,
		    glyphs()->vline);
	x = draw_textf(&title, 0, 1, STYLE_TITLE_FOCUS, " %s ", s->title);
	if (s->rows > r->h)
		x = draw_textf(&title, 0, x + 1, STYLE_FAINT, " %d-%d of %d ",
		    s->top + 1, s->top + r->h, s->rows);
	if (s->search[0] != '\0')
		draw_textf(&title, 0, x + 1, STYLE_NAME, " /%s ", s->search);
	draw_cursor(r->y + r->h - 1, r->x, false);
}

static void
scroll(struct ui *ui, int n)
{
	int top = ui->sheet.top + n;

	ui->sheet.follow = false;
	/* sheet_draw() knows the end. */
	ui->sheet.top = top > 0 ? top : 0;
	ui_dirty(ui, DIRTY_BODY);
}

static void
line_down(struct ui *ui)
{
	scroll(ui, 1);
}

static void
line_up(struct ui *ui)
{
	scroll(ui, -1);
}

static void
page_down(struct ui *ui)
{
	scroll(ui, ui->layout.side.h - 1);
}

static void
page_up(struct ui *ui)
{
	scroll(ui, 1 - ui->layout.side.h);
}

static void
first(struct ui *ui)
{
	scroll(ui, -ui->sheet.top);
}

static void
last(struct ui *ui)
{
	scroll(ui, ui->sheet.rows);
}

static bool
has(const struct sheet_line *l, const char *word)
{
	return strcasestr(l->text, word) != NULL ||
	    (l->head != NULL && strcasestr(l->head, word) != NULL);
}

/* The row where a line begins. */
static int
row_of(const struct ui *ui, size_t line)
{
	struct rect empty = {0, 0, 0, place(ui).w};
	size_t i;
	int y = 0;

	for (i = 0; i < line; i++)
		y += draw_line(&empty, 0, &ui->sheet.line[i], "");
	return y;
}

/* To the next line with the word, from the one found last, around the end. */
static void
find(struct ui *ui, size_t step)
{
	struct sheet *s = &ui->sheet;
	size_t i, at = s->found;

	for (i = 0; i < s->lines; i++) {
		at = (at + step) % s->lines;
		if (!has(&s->line[at], s->search))
			continue;
		s->found = at;
		/* With what stands around it. */
		scroll(ui, row_of(ui, at) - place(ui).h / 3 - s->top);
		return;
	}
	ui_say(ui, "\"%s\" is not on this page.", s->search);
}

static void
searched(struct ui *ui, const char *text)
{
	struct sheet *s = &ui->sheet;

	if (!s->open || s->lines == 0)
		return;
	snprintf(s->search, sizeof s->search, "%s", text);
	s->found = s->lines - 1;
	if (*text != '\0')
		find(ui, 1);
	ui_dirty(ui, DIRTY_ALL);
}

static void
search(struct ui *ui)
{
	prompt_read(ui, "/", "", searched);
}

static const char *
again_refuse(struct ui *ui)
{
	return ui->sheet.search[0] == '\0' ? "Nothing was searched for." : NULL;
}

static void
find_next(struct ui *ui)
{
	find(ui, 1);
}

static void
find_before(struct ui *ui)
{
	find(ui, ui->sheet.lines - 1);
}

const struct binding sheet_bindings[] = {
    {{K_ESCAPE, 0}, {'q', 0}, "close", "close the page", NULL, sheet_close},
    {{'?', 0}, {K_LEFT, 0}, NULL, NULL, NULL, sheet_close, "close-too"},
    {{K_PREFIX, 0}, {'c', TERM_CTRL}, NULL, NULL, NULL, sheet_close},
    {{'/', 0}, {0, 0}, "search", "search in it", NULL, search},
    {{'n', 0}, {0, 0}, "next", "the next match", again_refuse, find_next},
    {{'N', 0}, {0, 0}, NULL, "the match before", again_refuse, find_before,
	"before"},
    {{K_DOWN, 0}, {'j', 0}, "down", "a line down", NULL, line_down},
    {{K_UP, 0}, {'k', 0}, "up", "a line up", NULL, line_up},
    {{K_PAGE_DOWN, 0}, {' ', 0}, NULL, "a page forth", NULL, page_down,
	"forth"},
    {{K_PAGE_UP, 0}, {'b', 0}, NULL, "a page back", NULL, page_up, "back"},
    {{'g', 0}, {K_HOME, 0}, NULL, "the first line", NULL, first, "first"},
    {{'G', 0}, {K_END, 0}, NULL, "the last line", NULL, last, "last"},
    {{0, 0}, {0, 0}, NULL, NULL, NULL, NULL},
};

void
sheet_mouse(struct ui *ui, const struct mouse *m)
{
	if (m->event == TERM_MOUSE_PRESS && (m->button == 4 || m->button == 5))
		scroll(ui, m->button == 4 ? -3 : 3);
}

static void
add_table(struct ui *ui, const struct keytable *t)
{
	const struct binding *b;
	char head[64];

	if (ui->sheet.lines > 0)
		sheet_add(ui, STYLE_PLAIN, NULL, "");
	sheet_add(ui, STYLE_NAME, NULL, t->title);
	for (b = t->bindings; b->run != NULL; b++) {
		if (b->help == NULL)
			continue;
		keys_names(b, head, sizeof head);
		sheet_add(ui, STYLE_PLAIN, head, b->help);
	}
}

/* The keys that turn to them. */
static void
add_views(struct ui *ui)
{
	char name[32], text[64];
	size_t i;

	for (i = 0; views[i] != NULL; i++) {
		keymap_turns_name(views[i], name, sizeof name);
		snprintf(text, sizeof text, "to the view: %s", views[i]->name);
		sheet_add(ui, STYLE_PLAIN, name, text);
	}
}

void
sheet_help(struct ui *ui, const struct keytable *global)
{
	const struct keytable *t;
	char title[64];

	snprintf(title, sizeof title, "keys: %s", ui->view->name);
	sheet_open(ui, title);
	for (t = ui->view->help; t->title != NULL; t++)
		add_table(ui, t);
	add_table(ui, global);
	add_views(ui);
}

void
sheet_help_of(struct ui *ui, const char *title, const struct keytable *table)
{
	sheet_open(ui, title);
	add_table(ui, table);
}

void
sheet_mistakes(struct ui *ui)
{
	const struct model *m = ui->model;
	char text[160];
	size_t i;

	sheet_open(ui, "mistakes in the configuration");
	for (i = 0; i < m->mistakes; i++)
		sheet_add(ui, STYLE_PLAIN, NULL, m->mistake[i]);
	sheet_add(ui, STYLE_PLAIN, NULL, "");
	snprintf(text, sizeof text,
	    "Until they are mended the definitions read before stay in force. "
	    "%s reads the file again.",
	    keymap_key("reload"));
	sheet_add(ui, STYLE_FAINT, NULL, text);
}
