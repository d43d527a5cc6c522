/* The last line: what one can do now. */
#include <string.h>

#include "config/clock.h"
#include "tui/around.h"
#include "tui/keymap.h"
#include "tui/text.h"
#include "tui/ui.h"

/* Who clicks twice saw what was there before the first. */
#define DOUBLE_CLICK_MS 400

#define TABS_FROM 100 /* columns from which the views have their room */

/* It has a key, and that would do something now. */
static bool
shown(struct ui *ui, const struct binding *b)
{
	return b->word != NULL && keys_of(b).key.code != 0 &&
	    (b->refuse == NULL || b->refuse(ui) == NULL);
}

void
bottom_spot(
    struct ui *ui, int x, int w, struct key key, const struct view *view)
{
	struct bottom *b = &ui->bottom;

	if (b->spots < BOTTOM_SPOTS)
		b->spot[b->spots++] = (struct bottom_spot){x, w, key, view};
}

/* Draws the table's keys from column x up to limit; returns the next one. */
static int
keys_draw(struct ui *ui, const struct binding *table, int x, int limit)
{
	const struct rect *r = &ui->layout.bottom;
	const struct binding *b;
	char name[32];
	int width;

	for (b = table; b->run != NULL; b++) {
		if (!shown(ui, b))
			continue;
		key_name(keys_of(b).key, name, sizeof name);
		width = text_width(name) + 1 + text_width(b->word);
		if (x + width > limit)
			break;
		draw_text(r, 0, x, STYLE_KEY, name);
		draw_text(r, 0, x + text_width(name) + 1, STYLE_FAINT, b->word);
		bottom_spot(ui, x, width, keys_of(b).key, NULL);
		x += width + 2;
	}
	return x;
}

static int
keys_width(struct ui *ui, const struct binding *table)
{
	const struct binding *b;
	char name[32];
	int width = 0;

	for (b = table; b->run != NULL; b++)
		if (shown(ui, b))
			width += text_width(key_name(
				     keys_of(b).key, name, sizeof name)) +
			    text_width(b->word) + 3;
	return width;
}

/* Whether keys are for a list to choose from. */
static bool
picking(const struct ui *ui)
{
	/* A form has a table of its own for that. */
	if (ui->form.open)
		return false;
	return (ui->view == &view_guests && ui->guests.pick.open) ||
	    (ui->view == &view_log && ui->log.pick.open) ||
	    (ui->view == &view_consoles && ui->consoles.pick.open);
}

/* "1 2 3 4 5 6" at the right end; returns the columns it takes there. */
static int
tabs_draw(struct ui *ui, bool really)
{
	const struct rect *r = &ui->layout.bottom;
	char name[32];
	size_t i, n = 0;
	int width = 0, x;

	for (; views[n] != NULL; n++)
		width += 1 +
		    text_width(keymap_turns_name(views[n], name, sizeof name));
	x = r->w - width;
	for (i = 0; really && i < n; i++) {
		keymap_turns_name(views[i], name, sizeof name);
		draw_text(r, 0, x,
		    views[i] == ui->view ? STYLE_TITLE_FOCUS : STYLE_FAINT,
		    name);
		bottom_spot(
		    ui, x, text_width(name), (struct key){0, 0}, views[i]);
		x += text_width(name) + 1;
	}
	return width + 1;
}

/* The view's keys, those that work everywhere, and the views. */
static void
all_draw(struct ui *ui, const struct binding *global)
{
	const struct rect *r = &ui->layout.bottom;
	int tabs = tabs_draw(ui, false), limit = r->w, x;

	if (r->w >= TABS_FROM)
		limit -= tabs;
	/* The global ones are few and always wanted: they keep their room. */
	x = keys_draw(
	    ui, ui->view->bindings(ui), 1, limit - keys_width(ui, global));
	x = keys_draw(ui, global, x, limit);
	if (x + tabs <= r->w)
		tabs_draw(ui, true);
}

/* Which question the line is about, each another number; 0: about none. */
static uint64_t
question(const struct ui *ui)
{
	if (ui->prompt.kind == PROMPT_ASK)
		return (uint64_t)ui->prompt.nth << 8;
	if (ui->prompt.kind == PROMPT_NONE && ui->form.open &&
	    !ui->sheet.open &&
	    (ui->form.step == FORM_REVIEW || ui->form.step == FORM_OTHER))
		return ui->form.step;
	return 0;
}

bool
bottom_too_soon(const struct ui *ui)
{
	const struct bottom *b = &ui->bottom;
	uint64_t asks = question(ui);

	return asks != 0 &&
	    (asks != b->asks || clock_ms() - b->since < DOUBLE_CLICK_MS);
}

void
bottom_draw(struct ui *ui, const struct binding *global)
{
	const struct rect *r = &ui->layout.bottom;
	const char *hint;
	int x;

	if (ui->bottom.asks != question(ui)) {
		ui->bottom.asks = question(ui);
		ui->bottom.since = clock_ms();
	}
	ui->bottom.spots = 0;
	draw_clear(r);
	if (ui->prompt.kind != PROMPT_NONE) {
		prompt_draw(ui);
		return;
	}
	if (ui->message.text[0] != '\0') {
		message_draw(ui);
		return;
	}
	if (ui->sheet.open) {
		keys_draw(ui, sheet_bindings, 1, r->w);
		return;
	}
	if (picking(ui)) {
		draw_text(r, 0, 1, STYLE_FAINT, PICK_HINT);
		return;
	}
	if (ui->form.open) {
		keys_draw(ui, form_bindings(ui), 1, r->w);
		return;
	}
	if (ui->view->hint == NULL || (hint = ui->view->hint(ui)) == NULL) {
		all_draw(ui, global);
		return;
	}
	x = keys_draw(ui, ui->view->bindings(ui), 1, r->w);
	if (x + text_width(hint) <= r->w)
		draw_text(r, 0, x,
		    tiles_broadcast(&ui->consoles) ? STYLE_TOO : STYLE_FAINT,
		    hint);
}

struct key
bottom_click(struct ui *ui, int col)
{
	const struct bottom_spot *s;
	int i;

	for (i = 0; i < ui->bottom.spots; i++) {
		s = &ui->bottom.spot[i];
		if (col < s->x || col >= s->x + s->w)
			continue;
		if (s->view != NULL)
			ui_turn(ui, s->view);
		return s->key.code == K_PREFIX ? keys_prefix() : s->key;
	}
	return (struct key){0, 0};
}
