/*
 * What is known of the selected guest, a line a thing; and, where there is no
 * guest, how to come by one.
 */
#include <stdio.h>
#include <string.h>

#include "config/config.h"
#include "config/size.h"
#include "tui/text.h"
#include "tui/ui.h"
#include "tui/widget.h"

#define LABEL 8 /* columns of "memory  " */
#define GRAPH 20

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

static void
draw_cpu(const struct rect *r, int y, const struct guest *g)
{
	unsigned cpus = g->cpus > 0 ? g->cpus : 1;
	int x = label(r, y, "cpu");
	char text[32];

	sparkline_draw(r, y, x, GRAPH, &g->history, 100 * cpus);
	x += GRAPH;
	if (g->cpu >= 0) {
		snprintf(text, sizeof text, "%u%%", (unsigned)g->cpu / cpus);
		draw_field(r, y, x, 5, true, STYLE_PLAIN, text);
	}
	draw_textf(r, y, x + 6, STYLE_FAINT, "of %u cpu%s", cpus,
	    cpus == 1 ? "" : "s");
}

static void
draw_memory(const struct rect *r, int y, const struct guest *g)
{
	int x = label(r, y, "memory");
	char used[16], all[16], taken[16];

	bar_draw(r, y, x, GRAPH, g->memory_used, g->memory);
	x = draw_field(r, y, x + GRAPH, 5, true, STYLE_PLAIN,
	    size_short(g->memory_used, used, sizeof used));
	size_short(g->memory, all, sizeof all);
	if (g->taken > 0)
		draw_textf(r, y, x + 1, STYLE_FAINT, "of %s, %s given back",
		    all, size_short(g->taken, taken, sizeof taken));
	else
		draw_textf(r, y, x + 1, STYLE_FAINT, "of %s", all);
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

void
guests_draw_figures(struct ui *ui)
{
	const struct rect *r = &ui->layout.figures;
	const struct guest *g = ui_guest(ui);
	char all[16];
	size_t i;
	int y = 0;

	if (r->h == 0)
		return;
	draw_clear(r);
	if (g == NULL)
		return;
	if (guest_is_up(g)) {
		draw_cpu(r, y++, g);
		draw_memory(r, y++, g);
	} else
		draw_textf(r, y++, label(r, 0, "machine"), STYLE_PLAIN,
		    "%u cpu%s, %s of memory", g->cpus, g->cpus == 1 ? "" : "s",
		    size_short(g->memory, all, sizeof all));
	if (g->reason != NULL && *g->reason != '\0')
		y = draw_reason(r, y, g);
	for (i = 0; i < g->nparts && y < r->h; i++)
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
	    "n defines the first one in a form. It is a section in %s, as "
	    "short as this:",
	    path);
	y = draw_words(r, y + 1 + gap, text) + gap;
	for (i = 0; example[i] != NULL; i++)
		if (gap || i < 3)
			draw_text(r, y++, 6, STYLE_NAME, example[i]);
	draw_words(r, y + gap,
	    "I takes an existing vm.conf over. 4 is the file itself; R reads it "
	    "again.");
}
