/* The last line: what one can do now. */
#include <string.h>

#include "tui/around.h"
#include "tui/text.h"
#include "tui/ui.h"

/* Draws the table's keys from column x up to limit; returns the next one. */
static int
keys_draw(struct ui *ui, const struct binding *table, int x, int limit)
{
	const struct rect *r = &ui->layout.bottom;
	const struct binding *b;
	char name[32];
	int width;

	for (b = table; b->run != NULL; b++) {
		if (b->word == NULL ||
		    (b->refuse != NULL && b->refuse(ui) != NULL))
			continue;
		key_name(b->key, name, sizeof name);
		width = text_width(name) + 1 + text_width(b->word);
		if (x + width > limit)
			break;
		draw_text(r, 0, x, STYLE_KEY, name);
		draw_text(r, 0, x + text_width(name) + 1, STYLE_FAINT, b->word);
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
		if (b->word != NULL &&
		    (b->refuse == NULL || b->refuse(ui) == NULL))
			width +=
			    text_width(key_name(b->key, name, sizeof name)) +
			    text_width(b->word) + 3;
	return width;
}

/* Whether keys are for a list to choose from. */
static bool
picking(const struct ui *ui)
{
	if (ui->form.open)
		return ui->form.pick.open;
	return (ui->view == &view_guests && ui->guests.pick.open) ||
	    (ui->view == &view_log && ui->log.pick.open) ||
	    (ui->view == &view_consoles && ui->consoles.pick.open);
}

void
bottom_draw(struct ui *ui, const struct binding *global)
{
	const struct rect *r = &ui->layout.bottom;
	const char *hint;
	int x;

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
	if (ui->view->hint != NULL && (hint = ui->view->hint(ui)) != NULL) {
		x = keys_draw(ui, ui->view->bindings(ui), 1, r->w);
		if (x + text_width(hint) <= r->w)
			draw_text(r, 0, x,
			    tiles_broadcast(&ui->consoles) ? STYLE_TOO
							   : STYLE_FAINT,
			    hint);
		return;
	}
	/* The global ones are few and always wanted: they keep their room. */
	x = keys_draw(
	    ui, ui->view->bindings(ui), 1, r->w - keys_width(ui, global));
	keys_draw(ui, global, x, r->w);
}
