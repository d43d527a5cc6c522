/*
 * What is known of the selected guest, a line a thing; and, where there is no
 * guest, how to come by one.
 */
#include <stdio.h>
#include <string.h>

#include "config/config.h"
#include "config/size.h"
#include "tui/keymap.h"
#include "tui/meter.h"
#include "tui/text.h"
#include "tui/ui.h"

#define LABEL         6 /* columns of "kernel" */
#define METERS        110 /* columns, at most: farther, the eye loses the line */
#define METERS_BESIDE 46 /* where something stands beside them */
#define ROWS_ALL      8 /* from which all figures are shown */

static int
label(const struct rect *r, int y, const char *text)
{
	return draw_field(r, y, 1, LABEL, false, STYLE_FAINT, text) + 1;
}

static void
draw_thing(const struct rect *r, int y, const char *name, const char *text)
{
	draw_text(r, y, label(r, y, name), STYLE_PLAIN, text);
}

/* A reason over as many lines as are left. */
static int
draw_reason(const struct rect *r, int y, const struct guest *g)
{
	int i, x = LABEL + 2, n = text_wrapped_lines(g->reason, r->w - x - 1);
	const char *line;
	size_t len;

	label(r, y, "reason");
	for (i = 0; i < n && y < r->h; i++, y++) {
		line = text_wrapped(g->reason, r->w - x - 1, i, &len);
		draw_textf(r, y, x,
		    g->state == GUEST_CRASHED ? STYLE_CRASHED : STYLE_PLAIN,
		    "%.*s", (int)len, line);
	}
	return y;
}

/* The first part of a kind, and how many more there are. */
static void
draw_part(
    const struct rect *r, int y, int x, const struct guest *g, const char *kind)
{
	size_t i, n = 0, at = 0;
	char more[32] = "";

	for (i = g->nparts; i-- > 0;)
		if (strcmp(g->parts[i].kind, kind) == 0) {
			at = i;
			n++;
		}
	if (n > 1)
		snprintf(more, sizeof more, " (+%zu)", n - 1);
	if (n > 0 && x < r->w)
		draw_textf(
		    r, y, x, STYLE_FAINT, "%s%s", g->parts[at].text, more);
}

/* As many as there is room for; returns the next row. */
static int
draw_meters(const struct rect *r, const struct guest *g)
{
	int w = r->w - 2 < METERS ? r->w - 2 : METERS, y = 0;

	if (r->h < ROWS_ALL && w > METERS_BESIDE)
		w = METERS_BESIDE;
	meter_cpu(r, y++, 1, w, g);
	meter_memory(r, y++, 1, w, g);
	/* Why it is paused is worth more than what it does not do. */
	if (r->h < ROWS_ALL && g->reason != NULL && *g->reason != '\0')
		return y;
	meter_disk(r, y++, 1, w, g);
	meter_net(r, y++, 1, w, g);
	if (r->h >= ROWS_ALL) {
		if (meter_given(r, y, 1, w, g))
			y++;
		meter_process(r, y++, 1, w, g);
	} else {
		draw_part(r, y - 2, w + 3, g, "disk");
		draw_part(r, y - 1, w + 3, g, "net");
	}
	return y;
}

void
guests_draw_figures(struct ui *ui)
{
	const struct rect *r = &ui->layout.figures;
	const struct guest *g = ui_guest(ui);
	char all[16];
	size_t i = 0;
	int y = 0;

	if (r->h == 0)
		return;
	draw_clear(r);
	if (g == NULL)
		return;
	if (guest_is_up(g)) {
		y = draw_meters(r, g);
		/* There, its disk and interface stand beside the figures. */
		i = r->h < ROWS_ALL ? g->nparts : 0;
	} else
		draw_textf(r, y++, label(r, 0, "guest"), STYLE_PLAIN,
		    "%u cpu%s, %s of memory", g->cpus, g->cpus == 1 ? "" : "s",
		    size_short(g->memory, all, sizeof all));
	if (g->reason != NULL && *g->reason != '\0')
		y = draw_reason(r, y, g);
	for (; i < g->nparts && y < r->h; i++)
		draw_thing(r, y++, g->parts[i].kind, g->parts[i].text);
	if (y < r->h && g->kernel != NULL && *g->kernel != '\0')
		draw_thing(r, y, "kernel", g->kernel);
}

/* Text over as many lines as it takes, from row y; returns the next one. */
static int
draw_words(const struct rect *r, int y, const char *text)
{
	int i, n = text_wrapped_lines(text, r->w - 4);
	const char *line;
	size_t len;

	for (i = 0; i < n; i++) {
		line = text_wrapped(text, r->w - 4, i, &len);
		draw_textf(r, y++, 2, STYLE_PLAIN, "%.*s", (int)len, line);
	}
	return y;
}

void
guests_draw_welcome(struct ui *ui, const struct rect *r)
{
	static const char *const example[] = {"[vm first]", "memory = 512M",
	    "kernel = /boot/vmlinuz", "initrd = /boot/initrd.img", NULL};
	const char *file = ui->model->config;
	char path[512] = "the configuration", text[768];
	/* Blank lines only where there is room for them. */
	int i, gap = r->h >= 14, y = gap;

	if (file != NULL && *file != '\0')
		snprintf(path, sizeof path, "%s", file);
	else
		config_default_path(path, sizeof path, NULL);
	draw_clear(r);
	draw_text(r, y, 2, STYLE_NAME, "There is no guest yet.");
	snprintf(text, sizeof text,
	    "%s defines the first one in a form. It is a section in %s, as "
	    "short as this:",
	    keymap_key("guests-new"), path);
	y = draw_words(r, y + 1 + gap, text) + gap;
	for (i = 0; example[i] != NULL; i++)
		if (gap || i < 3)
			draw_text(r, y++, 6, STYLE_NAME, example[i]);
	snprintf(text, sizeof text,
	    "%s takes an existing vm.conf over. %s is the file itself; %s reads "
	    "it again.",
	    keymap_key("guests-import"), keymap_key("view-configuration"),
	    keymap_key("reload"));
	draw_words(r, y + gap, text);
}
