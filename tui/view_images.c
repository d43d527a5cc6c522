/*
 * The fifth view: the disk images, below each what is based on it, and who
 * uses them.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "config/size.h"
#include "tui/glyphs.h"
#include "tui/keymap.h"
#include "tui/text.h"
#include "tui/ui.h"
#include "tui/widget.h"

#define NAME   24 /* columns, at least if there is room */
#define FORMAT 7 /* columns, with the space between */
#define SIZE   6
#define BAR    8
#define INDENT 2 /* of a step in the tree */
#define FOOT   4 /* lines on the selected one, with the line above */

/* Which columns there is room for, and where they are. */
struct columns {
	int name; /* its width */
	int format, size, used, bar, by; /* -1: no room */
};

static struct rect
body(const struct ui *ui)
{
	struct rect r = {2, 0, ui->layout.rows - 3, ui->layout.cols};

	return r;
}

static int
foot_rows(const struct ui *ui)
{
	return body(ui).h >= 3 * FOOT ? FOOT : 0;
}

int
images_list_rows(const struct ui *ui)
{
	int h = body(ui).h - foot_rows(ui);

	return h > 0 ? h : 1;
}

const struct image_row *
images_here(const struct ui *ui)
{
	const struct images_view *v = &ui->images_view;

	return v->at < v->nshown ? &ui->images.row[v->shown[v->at]] : NULL;
}

const struct guest *
images_runs(const struct ui *ui, const struct image_row *row)
{
	const struct guest *g;
	size_t i;

	for (i = 0; i < row->users; i++) {
		g = model_find(ui->model, row->user[i].guest);
		if (g != NULL && guest_is_up(g))
			return g;
	}
	return NULL;
}

void
images_clear(struct images_view *v)
{
	free(v->selected);
	free(v->shown);
	v->selected = NULL;
	v->shown = NULL;
	v->nshown = v->room = 0;
}

static void
refilter(struct ui *ui)
{
	struct images_view *v = &ui->images_view;
	const struct images *im = &ui->images;
	size_t *more, i;

	v->nshown = 0;
	if (v->room < im->rows) {
		more = realloc(v->shown, im->rows * sizeof *more);
		if (more == NULL)
			return;
		v->shown = more;
		v->room = im->rows;
	}
	for (i = 0; i < im->rows; i++)
		if (strcasestr(im->row[i].path, v->filter) != NULL)
			v->shown[v->nshown++] = i;
}

static void
select_row(struct ui *ui, size_t at)
{
	struct images_view *v = &ui->images_view;

	v->at = at;
	free(v->selected);
	v->selected = strdup(images_here(ui)->path);
	v->top =
	    list_scroll(v->top, at, v->nshown, (size_t)images_list_rows(ui));
	ui_dirty(ui, DIRTY_BODY | DIRTY_BOTTOM);
}

/* The selection stays on its image; if that is gone, where it was. */
static void
update(struct ui *ui)
{
	struct images_view *v = &ui->images_view;
	size_t i;

	refilter(ui);
	if (v->nshown == 0) {
		v->at = v->top = 0;
		return;
	}
	for (i = 0; v->selected != NULL && i < v->nshown; i++)
		if (strcmp(ui->images.row[v->shown[i]].path, v->selected) == 0)
			break;
	if (v->selected == NULL || i == v->nshown)
		i = v->at < v->nshown ? v->at : v->nshown - 1;
	select_row(ui, i);
}

void
images_move(struct ui *ui, long n)
{
	const struct images_view *v = &ui->images_view;
	long at = (long)v->at + n, last = (long)v->nshown - 1;

	if (last >= 0)
		select_row(ui, (size_t)(at < 0 ? 0 : at > last ? last : at));
}

/*
 * --- Drawing ------------------------------------------------------------
 */

/* The last bytes of text that take width columns at most. */
static const char *
tail(const char *text, int width)
{
	int w;

	while (text_width(text) > width)
		text_next(&text, &w);
	return text;
}

static void
choose_columns(const struct ui *ui, int w, struct columns *c)
{
	const struct images_view *v = &ui->images_view;
	const struct images *im = &ui->images;
	int longest = NAME, beside, n;
	char buf[1024];
	size_t i;

	for (i = 0; i < v->nshown; i++) {
		n = text_width(images_short(
			im, im->row[v->shown[i]].path, buf, sizeof buf)) +
		    (int)im->row[v->shown[i]].depth * INDENT;
		if (n > longest)
			longest = n;
	}
	c->bar = w >= 100 ? 0 : -1;
	c->by = w >= 60 ? 0 : -1;
	beside = FORMAT + 2 * SIZE + (c->bar == 0 ? BAR + 2 : 0) +
	    (c->by == 0 ? 18 : 1);
	c->name = w - 2 - beside;
	if (c->name > longest)
		c->name = longest;
	c->format = 1 + c->name + 1;
	c->size = c->format + FORMAT;
	c->used = c->size + SIZE;
	n = c->used + SIZE;
	if (c->bar == 0) {
		c->bar = n + 1;
		n += BAR + 2;
	}
	if (c->by == 0)
		c->by = n + 1;
}

/* Whose it is, each with the glyph of its state. */
static void
draw_users(struct ui *ui, const struct rect *r, int y, int x,
    const struct image_row *row)
{
	const struct guest *g;
	enum guest_state state;
	size_t i;

	for (i = 0; i < row->users && x < r->w - 2; i++) {
		g = model_find(ui->model, row->user[i].guest);
		state = g != NULL ? guest_shown(g) : GUEST_UNKNOWN;
		if (i > 0)
			x = draw_text(r, y, x, STYLE_PLAIN, " ");
		x = draw_text(r, y, x, guest_style(state), guest_glyph(state));
		x = draw_text(r, y, x, STYLE_PLAIN, " ");
		x = draw_text(r, y, x,
		    g != NULL && guest_is_up(g) ? STYLE_PLAIN
						: guest_style(state),
		    row->user[i].guest);
	}
}

/* Sentences begin with the path, which stands there already. */
static const char *
without_path(const char *sentence, const char *path)
{
	size_t n = strlen(path);

	if (strncmp(sentence, path, n) == 0 && sentence[n] == ' ')
		return sentence + n + 1;
	return sentence;
}

static void
draw_figures(struct ui *ui, const struct rect *r, int y,
    const struct columns *c, const struct image_row *row)
{
	char text[8];

	draw_text(r, y, c->format, STYLE_FAINT, row->format);
	draw_field(r, y, c->size, SIZE - 1, true, STYLE_PLAIN,
	    size_short(row->size, text, sizeof text));
	draw_field(r, y, c->used, SIZE - 1, true, STYLE_PLAIN,
	    size_short(row->used, text, sizeof text));
	if (c->bar >= 0)
		bar_draw(r, y, c->bar, BAR, row->used, row->size);
	if (c->by >= 0)
		draw_users(ui, r, y, c->by, row);
}

static void
draw_row(struct ui *ui, const struct rect *r, int y, const struct columns *c,
    const struct image_row *row)
{
	const struct task *t = task_find(ui, row->path);
	bool here = row == images_here(ui);
	const char *name;
	char buf[1024];
	int x = 1 + (int)row->depth * INDENT, width;

	if (x > c->name / 2)
		x = c->name / 2;
	draw_text(r, y, 0, STYLE_KEY, here ? glyphs()->pointer : " ");
	if (row->depth > 0)
		draw_text(r, y, x - INDENT, STYLE_LINE, glyphs()->below);
	name = images_short(&ui->images, row->path, buf, sizeof buf);
	width = c->name + 1 - x;
	if (text_width(name) > width) {
		draw_text(r, y, x, STYLE_FAINT, glyphs()->ellipsis);
		x++;
		name = tail(name, --width);
	}
	draw_field(r, y, x, width, false,
	    here                 ? STYLE_SELECTED
		: row->error     ? STYLE_CRASHED
		: row->users > 0 ? STYLE_NAME
				 : STYLE_PLAIN,
	    name);
	if (t != NULL)
		task_draw(r, y, c->format, t);
	else if (row->error != NULL)
		draw_textf(r, y, c->format, STYLE_ERROR, "%s",
		    without_path(row->error, row->path));
	else
		draw_figures(ui, r, y, c, row);
}

static void
draw_titles(const struct ui *ui, const struct columns *c)
{
	struct rect r = {1, 0, 1, ui->layout.cols};
	const struct images_view *v = &ui->images_view;
	int x;

	draw_hline(&r, 0, 0, r.w, glyphs()->hline);
	x = draw_text(&r, 0, 1, STYLE_TITLE_FOCUS, " images ");
	if (v->filter[0] != '\0')
		draw_textf(&r, 0, x + 1, STYLE_NEWS, " /%s ", v->filter);
	if (v->nshown == 0)
		return;
	draw_text(&r, 0, c->format - 1, STYLE_FAINT, " format ");
	draw_text(&r, 0, c->size - 1, STYLE_FAINT, "  size ");
	draw_text(&r, 0, c->used - 1, STYLE_FAINT, "  used ");
	if (c->by >= 0)
		draw_text(&r, 0, c->by - 1, STYLE_FAINT, " by ");
}

static void
draw_none(const struct ui *ui, const struct rect *r)
{
	const struct images *im = &ui->images;

	if (!im->heard && im->why[0] == '\0') {
		draw_text(r, 1, 2, STYLE_FAINT, "looking for images");
		return;
	}
	if (!im->heard)
		return;
	if (ui->images_view.filter[0] != '\0') {
		draw_text(
		    r, 1, 2, STYLE_PLAIN, "No image has this in its name.");
		return;
	}
	draw_text(r, 1, 2, STYLE_PLAIN, "There is no disk image yet.");
	draw_text(r, 3, 2, STYLE_FAINT,
	    "Here are those that guests name, and what lies beside them.");
	draw_textf(r, 4, 2, STYLE_FAINT,
	    "%s makes one; so does %s in the form of a guest.",
	    keymap_key("images-new"), keymap_key("form-make-image"));
}

/* "web1.qcow2 → base.raw" */
static void
chain_of(
    const struct ui *ui, const struct image_row *row, char *buf, size_t len)
{
	const struct images *im = &ui->images;
	char name[1024];
	size_t n = 0;
	int deep = 0;

	buf[0] = '\0';
	while (row != NULL && row->base != NULL && deep++ < IMAGES_DEPTH &&
	    n < len) {
		n += (size_t)snprintf(buf + n, len - n, "%s%s%s",
		    deep > 1 ? " " : "based on ",
		    deep > 1 ? glyphs()->arrow : "", deep > 1 ? " " : "");
		if (n < len)
			n += (size_t)snprintf(buf + n, len - n, "%s",
			    images_short(im, row->base, name, sizeof name));
		row = images_find(im, row->base);
	}
}

/* "web1 (running), db's cdrom" */
static void
users_of(
    const struct ui *ui, const struct image_row *row, char *buf, size_t len)
{
	const struct guest *g;
	size_t i, n;

	n = (size_t)snprintf(buf, len, "%s",
	    row->users == 0 ? "no definition names it" : "used by ");
	for (i = 0; i < row->users && n < len; i++) {
		g = model_find(ui->model, row->user[i].guest);
		n += (size_t)snprintf(buf + n, len - n, "%s%s%s%s%s%s",
		    i > 0 ? ", " : "", row->user[i].guest,
		    row->user[i].cdrom ? " (cdrom)" : "", g != NULL ? " (" : "",
		    g != NULL ? guest_state_word(guest_shown(g)) : "",
		    g != NULL ? ")" : "");
	}
	if (row->children > 0 && n < len)
		snprintf(buf + n, len - n, "; %u image%s based on it",
		    row->children, row->children == 1 ? " is" : "s are");
}

/* A sentence in the given lines; returns how many it took. */
static int
draw_sentence(
    const struct rect *r, int y, int most, enum style style, const char *text)
{
	const char *at;
	size_t len;
	int i;

	for (i = 0; i < most; i++) {
		if ((at = text_wrapped(text, r->w - 2, i, &len)) == NULL)
			break;
		draw_textf(r, y + i, 1, style, "%.*s", (int)len, at);
	}
	return i;
}

/* What there is no column for. */
static void
draw_foot(struct ui *ui, const struct rect *r)
{
	const struct image_row *row = images_here(ui);
	char text[1400];
	int y = 1, x;

	draw_hline(r, 0, 0, r->w, glyphs()->hline);
	if (row == NULL)
		return;
	if (row->error != NULL) {
		y += draw_sentence(r, y, FOOT - 2, STYLE_ERROR, row->error);
	} else {
		x = draw_text(r, y, 1, STYLE_PLAIN,
		    tail(row->path, r->w > 30 ? r->w - 2 : 28));
		if (row->snapshots > 0)
			x = draw_textf(r, y, x, STYLE_FAINT, ", %u snapshot%s",
			    row->snapshots, row->snapshots == 1 ? "" : "s");
		if (row->damaged || row->dirty)
			draw_textf(r, y, x, STYLE_ERROR, ", %s",
			    row->damaged ? "damaged: c looks, and repairs"
					 : "not closed cleanly");
		y++;
		chain_of(ui, row, text, sizeof text);
		if (text[0] != '\0')
			draw_text(r, y++, 1, STYLE_FAINT, text);
	}
	users_of(ui, row, text, sizeof text);
	draw_text(r, y, 1, STYLE_FAINT, text);
}

static void
draw(struct ui *ui, unsigned dirty)
{
	const struct images_view *v = &ui->images_view;
	struct rect r = body(ui), foot;
	struct columns c;
	int y, rows = images_list_rows(ui);
	size_t i;

	choose_columns(ui, r.w, &c);
	draw_clear(&r);
	draw_titles(ui, &c);
	for (y = 0, i = v->top; i < v->nshown && y < rows; i++, y++)
		draw_row(ui, &r, y, &c, &ui->images.row[v->shown[i]]);
	if (v->nshown == 0)
		draw_none(ui, &r);
	if (ui->images.why[0] != '\0' && y + 1 < rows)
		draw_sentence(&r, v->nshown > 0 ? y + 1 : 6, rows - y - 1,
		    STYLE_ERROR, ui->images.why);
	if (foot_rows(ui) > 0 && v->nshown > 0) {
		foot = (struct rect){r.y + r.h - FOOT, 0, FOOT, r.w};
		draw_foot(ui, &foot);
	}
	draw_cursor(
	    r.y + (v->nshown > 0 ? (int)(v->at - v->top) : 0), 0, false);
}

/*
 * --- The rest of a view ----------------------------------------------------
 */

static const struct binding *
bindings(const struct ui *ui)
{
	return images_bindings;
}

static void
mouse(struct ui *ui, const struct mouse *m)
{
	struct rect r = body(ui);

	if (m->event != TERM_MOUSE_PRESS)
		return;
	if (m->button == 4 || m->button == 5)
		images_move(ui, m->button == 4 ? -1 : 1);
	else if (m->row >= r.y && m->row < r.y + images_list_rows(ui))
		images_move(ui,
		    (long)ui->images_view.top + m->row - r.y -
			(long)ui->images_view.at);
}

static void
turned(struct ui *ui, bool to)
{
	if (to)
		images_begin(ui);
	else
		images_end(ui);
}

/* The first that uses it. */
static struct guest *
guest(const struct ui *ui)
{
	const struct image_row *row = images_here(ui);

	return row != NULL && row->users > 0
	    ? model_find(ui->model, row->user[0].guest)
	    : NULL;
}

static const struct keytable help[] = {
    {"in the list of images", images_bindings, "images"},
    {NULL, NULL},
};

const struct view view_images = {
    .name = "images",
    .key = '5',
    .draw = draw,
    .bindings = bindings,
    .mouse = mouse,
    .update = update,
    .turned = turned,
    .guest = guest,
    .help = help,
};
