/* tiles.h on the screen: the panes, their titles, the lines between them. */
#include <stdio.h>
#include <string.h>

#include "tui/glyphs.h"
#include "tui/keymap.h"
#include "tui/lines.h"
#include "tui/paint.h"
#include "tui/text.h"
#include "tui/ui.h"

#define CELLS_MAX (512 * 1024)
#define WORDY     18 /* columns beside the name in which words have room */

/* The lines around the focused pane: its title, the separators beside it. */
static bool
borders_focus(const struct consoles *c, int y, int x)
{
	const struct rect *t;

	if (c->focus == NULL || c->zoom)
		return c->zoom;
	t = &c->focus->title;
	return t->h > 0 && x >= t->x - 1 && x <= t->x + t->w && y >= t->y &&
	    y <= t->y + c->focus->body.h + c->focus->note.h &&
	    (y == t->y || x == t->x - 1 || x == t->x + t->w);
}

static void
draw_lines(struct ui *ui)
{
	static unsigned char map[CELLS_MAX];
	struct consoles *c = &ui->consoles;
	const struct rect *r = &c->area;
	int y, x;
	unsigned to;

	if (c->zoom) {
		for (x = 0; x < r->w; x++)
			draw_glyph(r, 0, x, STYLE_LINE_FOCUS, glyphs()->hline);
		return;
	}
	if (r->h * r->w > CELLS_MAX)
		return;
	lines_find(&c->tree, r, map);
	for (y = 0; y < r->h; y++)
		for (x = 0; x < r->w; x++)
			if ((to = map[y * r->w + x]) != 0)
				draw_glyph(r, y, x,
				    borders_focus(c, y, x) ? STYLE_LINE_FOCUS
							   : STYLE_LINE,
				    lines_glyph(to));
}

struct part {
	enum style style;
	char text[MODEL_NAME_MAX + 8];
};

/* Of the title: what stands behind the name, in order of importance. */
static unsigned
marks(struct ui *ui, const struct tile *t, struct part *part)
{
	const struct guest *g = model_find(ui->model, t->name);
	enum guest_state state = g != NULL ? guest_shown(g) : GUEST_UNKNOWN;
	/* Where it is narrow the glyph says it all. */
	bool brief =
	    state == GUEST_RUNNING || t->title.w < text_width(t->name) + WORDY;
	unsigned n = 0;

	part[n].style = guest_style(state);
	snprintf(part[n++].text, sizeof part->text, "%s%s%s",
	    guest_glyph(state), brief ? "" : " ",
	    brief           ? ""
		: g == NULL ? "not defined"
			    : guest_state_word(state));
	if (t->marked) {
		part[n].style = STYLE_TOO;
		snprintf(
		    part[n++].text, sizeof part->text, "%s", glyphs()->too);
	}
	if (t->pane != NULL && pane_recording(t->pane)) {
		part[n].style = STYLE_RECORD;
		snprintf(
		    part[n++].text, sizeof part->text, "%s", glyphs()->record);
	}
	if (t->rang) {
		part[n].style = STYLE_ALERT;
		snprintf(
		    part[n++].text, sizeof part->text, "%s", glyphs()->rang);
	}
	if (t->printed) {
		part[n].style = STYLE_ALERT;
		snprintf(
		    part[n++].text, sizeof part->text, "%s", glyphs()->news);
	}
	if (strcmp(t->port, PANE_SERIAL) != 0) {
		part[n].style = STYLE_FAINT;
		if (t->pane != NULL)
			pane_label(t->pane, part[n++].text, sizeof part->text);
		else
			snprintf(
			    part[n++].text, sizeof part->text, "%s", t->port);
	}
	return n;
}

static bool
hidden_news(const struct consoles *c)
{
	struct tile *tile[TREE_MAX];
	unsigned i, n = tiles_all(c, tile);

	for (i = 0; i < n; i++)
		if (tile[i] != c->focus && (tile[i]->printed || tile[i]->rang))
			return true;
	return false;
}

/* At the right end: where one looks, or the title that the guest gave. */
static void
draw_right(const struct ui *ui, const struct tile *t, int x)
{
	const struct consoles *c = &ui->consoles;
	const struct rect *r = &t->title;
	enum style style = STYLE_NAME;
	char text[300] = "", look[LOOK_PATTERN + 64];
	struct tile *all[TREE_MAX];
	unsigned n;

	if (t->pane == NULL)
		return;
	if (tiles_looking(t))
		snprintf(text, sizeof text, " %s ",
		    look_title(t->pane, look, sizeof look));
	else if (c->zoom && (n = tiles_all(c, all)) > 1)
		snprintf(text, sizeof text, " zoomed, %u more%s ", n - 1,
		    hidden_news(c) ? ", news: !" : "");
	else if (*window_title(ui, t->pane) != '\0') {
		style = STYLE_FAINT;
		snprintf(text, sizeof text, " %s ", window_title(ui, t->pane));
	}
	if (x + 2 + text_width(text) < r->w)
		x = r->w - 1 - text_width(text);
	else if (style == STYLE_FAINT || x + 8 > r->w)
		return;
	if (*text != '\0')
		draw_text(r, 0, x, style, text);
}

/* " web1 ● ⇶ ! ────── title " */
static void
draw_title(struct ui *ui, const struct tile *t, unsigned number)
{
	const struct consoles *c = &ui->consoles;
	const struct rect *r = &t->title;
	struct part part[8];
	char name[MODEL_NAME_MAX + 8];
	unsigned i, n = marks(ui, t, part);
	int x = 0, width = 1, room;

	if (r->h == 0)
		return;
	for (i = 0; i < n; i++)
		width += text_width(part[i].text) + 1;
	/* Where it is narrow the marks behind the first give way, then all. */
	while (n > 0 && width > r->w - 6)
		width -= text_width(part[--n].text) + 1;
	/* Numbers while a command may name one. */
	if (c->prefix != PREFIX_NONE && number <= 9)
		snprintf(name, sizeof name, " %u %s ", number, t->name);
	else
		snprintf(name, sizeof name, " %s ", t->name);
	room = r->w - width + 1;
	if (room > text_width(name))
		room = text_width(name);
	x = draw_field(r, 0, x, room, false,
	    t == c->focus ? STYLE_TITLE_FOCUS : STYLE_TITLE, name);
	for (i = 0; i < n; i++) {
		x = draw_text(r, 0, x, part[i].style, part[i].text);
		x = draw_text(r, 0, x, STYLE_PLAIN, " ");
	}
	draw_right(ui, t, x);
}

static void
draw_note(struct ui *ui, const struct tile *t)
{
	const struct guest *g = model_find(ui->model, t->name);

	if (t->note.h == 0)
		return;
	draw_clear(&t->note);
	if (g == NULL)
		draw_textf(&t->note, 0, 0, STYLE_NAME,
		    "%s: there is no guest of that name.", t->name);
	else
		draw_textf(&t->note, 0, 0, STYLE_NAME, "%s: %s", t->name,
		    console_why_silent(g));
}

static void
draw_body(struct ui *ui, struct tile *t, bool all)
{
	const struct guest *g = model_find(ui->model, t->name);

	if (t->body.h == 0)
		return;
	if (t->pane != NULL && pane_used(t->pane)) {
		paint_pane(&t->body, t->pane, all || t->stale);
		t->stale = false;
	} else if (all || t->stale) {
		draw_clear(&t->body);
		if (g != NULL)
			console_draw_instead(&t->body, g);
		else
			draw_textf(&t->body, 0, 1, STYLE_FAINT,
			    "%s: there is no guest of that name.", t->name);
	}
}

static void
draw_none(const struct ui *ui)
{
	char keys[128], list[128];
	const char *const text[] = {"No pane is open.", "", keys, list};
	const struct rect *r = &ui->consoles.area;
	size_t i, n = sizeof text / sizeof *text;

	snprintf(keys, sizeof keys,
	    "%s opens one, %s one for every guest that runs, %s a layout.",
	    keymap_key("consoles-add"), keymap_key("consoles-all-running"),
	    keymap_key("consoles-layouts"));
	snprintf(list, sizeof list,
	    "In the list (%s) %s opens the selected guest here.",
	    keymap_key("view-guests"), keymap_key("guests-open"));
	for (i = 0; i < n; i++)
		draw_text(r, (r->h - (int)n) / 2 + (int)i,
		    r->w > 64 ? (r->w - 58) / 2 : 1,
		    i == 0 ? STYLE_NAME : STYLE_FAINT, text[i]);
}

void
tiles_draw(struct ui *ui, unsigned dirty)
{
	struct consoles *c = &ui->consoles;
	struct tile *tile[TREE_MAX];
	unsigned i, n = tiles_all(c, tile);
	bool all = (dirty & DIRTY_ALL) == DIRTY_ALL;

	if (n == 0) {
		if (all)
			draw_none(ui);
		draw_cursor(c->area.h - 1, 0, false);
		return;
	}
	if (dirty & DIRTY_BODY) {
		draw_lines(ui);
		for (i = 0; i < n; i++) {
			draw_title(ui, tile[i], i + 1);
			draw_note(ui, tile[i]);
		}
	}
	for (i = 0; i < n; i++)
		draw_body(ui, tile[i],
		    all || (tile[i]->pane == NULL && (dirty & DIRTY_BODY)));
	if (c->focus->body.h > 0 &&
	    (tiles_hears(c->focus) || tiles_looking(c->focus)))
		paint_cursor(&c->focus->body, c->focus->pane);
	else
		draw_cursor(c->focus->title.y, c->focus->title.x, false);
}
