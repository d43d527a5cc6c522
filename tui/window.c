#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "config/config.h"
#include "tui/tty.h"
#include "tui/ui.h"

/* A guest that writes all the time is heard this often. */
#define CLIP_MS 250

/* The time for another one has come: with the next frame. */
static void
timed(int fd, short what, void *arg)
{
	struct ui *ui = arg;

	if (ui->window.clip != NULL)
		ui_dirty(ui, DIRTY_BOTTOM);
}

int
window_begin(struct ui *ui)
{
	ui->window.timer = evtimer_new(ui->base, timed, ui);
	return ui->window.timer != NULL ? 0 : -1;
}

void
window_end(struct ui *ui)
{
	if (ui->window.timer != NULL)
		event_free(ui->window.timer);
	free(ui->window.clip);
}

struct pane *
window_pane(const struct ui *ui)
{
	if (ui->consoles.on)
		return ui->consoles.focus != NULL ? ui->consoles.focus->pane
						  : NULL;
	return ui->console.focus ? console_pane(ui) : NULL;
}

bool
window_allows(const struct ui *ui, const struct pane *p, unsigned what)
{
	const struct guest *g = model_find(ui->model, pane_name(p));

	return g != NULL && (g->allow & what) != 0;
}

const char *
window_title(const struct ui *ui, struct pane *p)
{
	return window_allows(ui, p, CONFIG_ALLOW_TITLE)
	    ? term_title(pane_term(p))
	    : "";
}

void
window_clipboard(struct ui *ui, struct pane *p, const char *text, size_t len)
{
	struct window *w = &ui->window;
	char *clip;

	if (p != window_pane(ui) ||
	    !window_allows(ui, p, CONFIG_ALLOW_CLIPBOARD) ||
	    (clip = realloc(w->clip, len)) == NULL)
		return;
	memcpy(clip, text, len);
	w->clip = clip;
	w->len = len;
	snprintf(w->name, sizeof w->name, "%s", pane_name(p));
	if (!evtimer_pending(w->timer, NULL))
		ui_dirty(ui, DIRTY_BOTTOM);
}

static void
send_clip(struct ui *ui)
{
	struct timeval tv = {0, CLIP_MS * 1000};
	struct window *w = &ui->window;
	struct error err;

	if (tty_copy(w->clip, w->len, &err) == 0)
		ui_say(ui, "%s wrote %zu bytes to the clipboard.", w->name,
		    w->len);
	else
		ui_error(
		    ui, "%s writes to the clipboard: %s.", w->name, err.text);
	free(w->clip);
	w->clip = NULL;
	evtimer_add(w->timer, &tv);
}

void
window_draw(struct ui *ui)
{
	struct pane *p = window_pane(ui);
	const char *title = p != NULL ? window_title(ui, p) : "";
	char text[MODEL_NAME_MAX + 300];

	if (*title != '\0') {
		snprintf(text, sizeof text, "%s: %s", pane_name(p), title);
		tty_title(text);
	} else
		tty_title(NULL);
	if (ui->window.clip != NULL && !evtimer_pending(ui->window.timer, NULL))
		send_clip(ui);
}
