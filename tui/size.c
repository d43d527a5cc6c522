#include <stdio.h>
#include <string.h>

#include "tui/ui.h"

#define SETTLE_MS 120

/* Whether what was told is of this guest, as it runs now. */
static bool
of_guest(const struct size *s, const struct guest *g)
{
	return strcmp(s->name, g->name) == 0 && s->pid == g->pid;
}

static bool
told(const struct ui *ui, struct pane *p, const struct guest *g)
{
	const struct size *s = &ui->size;

	/* A new backend knows nothing. */
	return of_guest(s, g) && g->rows != 0 &&
	    strcmp(s->port, pane_port(p)) == 0 && s->rows == pane_rows(p) &&
	    s->cols == pane_cols(p);
}

/* Whether the console has the size that was told here. */
static bool
decides(const struct size *s, const struct guest *g)
{
	return of_guest(s, g) && g->rows == s->rows && g->cols == s->cols;
}

/* The keyboard is elsewhere now: our pane does not matter to it any more. */
static void
take_back(struct ui *ui)
{
	wire_call(ui->wire, "console-size",
	    json_pack("{s:s}", "name", ui->size.name), NULL, NULL);
	ui->size.name[0] = '\0';
}

static void
tell(int fd, short what, void *arg)
{
	struct ui *ui = arg;
	struct size *s = &ui->size;
	struct pane *p = window_pane(ui);
	struct guest *g;
	bool ours;

	if (!wire_up(ui->wire))
		return;
	if (s->name[0] != '\0' &&
	    (p == NULL || strcmp(s->name, pane_name(p)) != 0))
		take_back(ui);
	if (p == NULL || !pane_connected(p) ||
	    (g = model_find(ui->model, pane_name(p))) == NULL || told(ui, p, g))
		return;
	ours = g->rows == 0 || decides(s, g);
	snprintf(s->name, sizeof s->name, "%s", g->name);
	snprintf(s->port, sizeof s->port, "%s", pane_port(p));
	s->pid = g->pid;
	s->rows = pane_rows(p);
	s->cols = pane_cols(p);
	/* As it most likely will be, till the backend says what it is. */
	if (ours) {
		g->rows = s->rows;
		g->cols = s->cols;
	}
	/* A guest that has no hvc0 needs no size: no answer is waited for. */
	wire_call(ui->wire, "console-size",
	    json_pack("{s:s, s:s, s:i, s:i}", "name", s->name, "port", s->port,
		"rows", (int)s->rows, "cols", (int)s->cols),
	    NULL, NULL);
}

void
size_follow(struct ui *ui)
{
	struct timeval tv = {0, SETTLE_MS * 1000};
	const struct size *s = &ui->size;
	struct pane *p = window_pane(ui);
	const struct guest *g =
	    p != NULL ? model_find(ui->model, pane_name(p)) : NULL;
	bool left = s->name[0] != '\0' &&
	    (p == NULL || strcmp(s->name, pane_name(p)) != 0);

	if (evtimer_pending(s->timer, NULL) ||
	    (!left && (g == NULL || told(ui, p, g))))
		return;
	evtimer_add(s->timer, &tv);
}

void
size_fit(const struct ui *ui, struct pane *p, const struct guest *g)
{
	/* A serial line has no size, and what we decide follows the room. */
	if (strcmp(pane_port(p), PANE_VIRTIO) != 0 || g == NULL ||
	    g->rows == 0 || (p == window_pane(ui) && decides(&ui->size, g)))
		pane_fix(p, 0, 0);
	else
		pane_fix(p, g->rows, g->cols);
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
