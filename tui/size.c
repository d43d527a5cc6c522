#include <stdio.h>
#include <string.h>

#include "tui/ui.h"

#define SETTLE_MS 120

static bool
told(const struct ui *ui, struct pane *p, const struct guest *g)
{
	const struct size *s = &ui->size;

	return strcmp(s->name, g->name) == 0 && s->pid == g->pid &&
	    s->rows == term_rows(pane_term(p)) &&
	    s->cols == term_cols(pane_term(p));
}

static void
tell(int fd, short what, void *arg)
{
	struct ui *ui = arg;
	struct size *s = &ui->size;
	struct pane *p = window_pane(ui);
	const struct guest *g;

	if (p == NULL || !pane_connected(p) ||
	    (g = model_find(ui->model, pane_name(p))) == NULL ||
	    told(ui, p, g) || !wire_up(ui->wire))
		return;
	snprintf(s->name, sizeof s->name, "%s", g->name);
	s->pid = g->pid;
	s->rows = term_rows(pane_term(p));
	s->cols = term_cols(pane_term(p));
	/* A guest that has no hvc0 needs no size: no answer is waited for. */
	wire_call(ui->wire, "console-size",
	    json_pack("{s:s, s:i, s:i}", "name", s->name, "rows", (int)s->rows,
		"cols", (int)s->cols),
	    NULL, NULL);
}

void
size_follow(struct ui *ui)
{
	struct timeval tv = {0, SETTLE_MS * 1000};
	struct pane *p = window_pane(ui);
	const struct guest *g;

	if (p == NULL || evtimer_pending(ui->size.timer, NULL) ||
	    (g = model_find(ui->model, pane_name(p))) == NULL || told(ui, p, g))
		return;
	evtimer_add(ui->size.timer, &tv);
}

int
size_begin(struct ui *ui)
{
	ui->size.timer = evtimer_new(ui->base, tell, ui);
	return ui->size.timer != NULL ? 0 : -1;
}

void
size_end(struct ui *ui)
{
	if (ui->size.timer != NULL)
		event_free(ui->size.timer);
}

void
size_type(struct ui *ui, struct pane *p)
{
	char text[64];
	const char *c;

	if (p == NULL || !pane_connected(p)) {
		ui_say(ui, "There is no console to type the size into.");
		return;
	}
	snprintf(text, sizeof text, "stty rows %u cols %u",
	    term_rows(pane_term(p)), term_cols(pane_term(p)));
	for (c = text; *c != '\0'; c++)
		pane_key(p, (struct key){(unsigned char)*c, 0});
	pane_key(p, (struct key){K_ENTER, 0});
}
