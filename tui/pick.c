#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tui/glyphs.h"
#include "tui/pick.h"
#include "tui/text.h"
#include "tui/ui.h"
#include "tui/widget.h"

#define WIDTH 44

void
pick_open(struct pick *p, const char *title,
    void (*chosen)(struct ui *ui, const char *name),
    void (*deleted)(struct ui *ui, const char *name))
{
	pick_close(p);
	p->open = true;
	snprintf(p->title, sizeof p->title, "%s", title);
	p->filter[0] = '\0';
	p->at = p->top = 0;
	p->chosen = chosen;
	p->deleted = deleted;
}

void
pick_add(struct pick *p, const char *name, const char *note)
{
	struct pick_item *item;

	item = realloc(p->item, (p->items + 1) * sizeof *item);
	if (item == NULL)
		return;
	p->item = item;
	item += p->items++;
	snprintf(item->name, sizeof item->name, "%s", name);
	snprintf(item->note, sizeof item->note, "%s", note);
}

void
pick_close(struct pick *p)
{
	free(p->item);
	p->item = NULL;
	p->items = 0;
	p->open = false;
}

static bool
passes(const struct pick *p, size_t i)
{
	return strcasestr(p->item[i].name, p->filter) != NULL;
}

static size_t
passing(const struct pick *p)
{
	size_t i, n = 0;

	for (i = 0; i < p->items; i++)
		n += passes(p, i);
	return n;
}

/* The n'th that the filter lets through, or NULL. */
static const struct pick_item *
nth(const struct pick *p, size_t n)
{
	size_t i;

	for (i = 0; i < p->items; i++)
		if (passes(p, i) && n-- == 0)
			return &p->item[i];
	return NULL;
}

static struct rect
place(const struct ui *ui)
{
	const struct layout *l = &ui->layout;
	int w = l->cols < WIDTH + 20 ? l->cols : WIDTH;
	struct rect r = {0, l->cols - w, l->rows - 1, w};

	return r;
}

static void
move(const struct ui *ui, struct pick *p, long by)
{
	size_t n = passing(p);
	int room = place(ui).h - 2;
	long at = (long)p->at + by;

	if (n == 0)
		return;
	p->at = at < 0 ? 0 : (size_t)at >= n ? n - 1 : (size_t)at;
	p->top = list_scroll(p->top, p->at, n, room > 0 ? (size_t)room : 1);
}

static void
take(
    struct ui *ui, struct pick *p, void (*act)(struct ui *ui, const char *name))
{
	const struct pick_item *item = nth(p, p->at);
	char name[PICK_TEXT + 1];

	if (item == NULL || act == NULL)
		return;
	snprintf(name, sizeof name, "%s", item->name);
	pick_close(p);
	act(ui, name);
}

static void
filter_key(const struct ui *ui, struct pick *p, struct key key)
{
	size_t n = strlen(p->filter);

	if (key.code == K_BACKSPACE && n > 0)
		p->filter[n - 1] = '\0';
	else if (key_is(key, 'u', TERM_CTRL))
		p->filter[0] = '\0';
	else if (key.code > ' ' && key.code < 0x7f && key.mods == 0 &&
	    n < PICK_TEXT) {
		p->filter[n] = (char)key.code;
		p->filter[n + 1] = '\0';
	} else
		return;
	p->at = p->top = 0;
	move(ui, p, 0);
}

void
pick_key(struct ui *ui, struct pick *p, struct key key)
{
	int page = place(ui).h - 3;

	ui_dirty(ui, DIRTY_ALL);
	if (key.code == K_ENTER)
		take(ui, p, p->chosen);
	else if (key.code == K_DELETE)
		take(ui, p, p->deleted);
	else if (key.code == K_ESCAPE || key_is(key, 'c', TERM_CTRL) ||
	    key_is(key, keys_prefix().code, keys_prefix().mods))
		pick_close(p);
	else if (key.code == K_DOWN || key_is(key, 'n', TERM_CTRL))
		move(ui, p, 1);
	else if (key.code == K_UP || key_is(key, 'p', TERM_CTRL))
		move(ui, p, -1);
	else if (key.code == K_PAGE_DOWN)
		move(ui, p, page);
	else if (key.code == K_PAGE_UP)
		move(ui, p, -page);
	else
		filter_key(ui, p, key);
}

/* pick_key() has the keyboard: the table is there to be shown. */
static void
shown_only(struct ui *ui)
{
	ui_dirty(ui, DIRTY_BOTTOM);
}

const struct binding pick_bindings[] = {
    {{K_ENTER, 0}, {0, 0}, "take", NULL, NULL, shown_only},
    {{K_UP, 0}, {0, 0}, "up", NULL, NULL, shown_only},
    {{K_DOWN, 0}, {0, 0}, "down", NULL, NULL, shown_only},
    {{K_ESCAPE, 0}, {0, 0}, "back", NULL, NULL, shown_only},
    {{0, 0}, {0, 0}, NULL, NULL, NULL, NULL},
};

static void
click(struct ui *ui, struct pick *p, int y, int x)
{
	struct rect r = place(ui);

	ui_dirty(ui, DIRTY_ALL);
	if (x < r.x || y >= r.y + r.h) {
		pick_close(p);
		return;
	}
	if (y < r.y + 2 || nth(p, p->top + (size_t)(y - r.y - 2)) == NULL)
		return;
	p->at = p->top + (size_t)(y - r.y - 2);
	take(ui, p, p->chosen);
}

void
pick_mouse(struct ui *ui, struct pick *p, const struct mouse *m)
{
	if (m->event != TERM_MOUSE_PRESS)
		return;
	if (m->button == 1)
		click(ui, p, m->row, m->col);
	else if (m->button == 4 || m->button == 5)
		pick_key(
		    ui, p, (struct key){m->button == 4 ? K_UP : K_DOWN, 0});
}

void
pick_draw(struct ui *ui, const struct pick *p)
{
	const struct glyphs *gl = glyphs();
	struct rect r = place(ui);
	const struct pick_item *item;
	int y, x;

	draw_clear(&r);
	draw_hline(&r, 0, 0, r.w, gl->hline);
	if (r.x > 0) {
		draw_vline(&r, 1, 0, r.h - 1, gl->vline);
		draw_text(&r, 0, 0, STYLE_LINE, gl->tee_down);
		r.x++;
		r.w--;
	}
	draw_textf(&r, 0, 0, STYLE_TITLE_FOCUS, " %s ", p->title);
	for (y = 2; y < r.h; y++) {
		item = nth(p, p->top + (size_t)(y - 2));
		if (item == NULL)
			break;
		x = 1;
		if (p->top + (size_t)(y - 2) == p->at)
			draw_text(&r, y, 0, STYLE_SELECTED, gl->pointer);
		x = draw_text(&r, y, x,
		    p->top + (size_t)(y - 2) == p->at ? STYLE_SELECTED
						      : STYLE_PLAIN,
		    item->name);
		if (item->note[0] != '\0' &&
		    x + 2 + text_width(item->note) < r.w)
			draw_text(&r, y, r.w - 1 - text_width(item->note),
			    STYLE_FAINT, item->note);
	}
	if (passing(p) == 0)
		draw_text(&r, 2, 1, STYLE_FAINT,
		    p->items == 0 ? "there is none"
				  : "none has this in its name");
	x = draw_textf(&r, 1, 1, STYLE_PLAIN, "/%s", p->filter);
	draw_cursor(r.y + 1, r.x + x, true);
}
