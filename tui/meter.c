#include <stdio.h>

#include "config/size.h"
#include "tui/meter.h"
#include "tui/widget.h"

#define LABEL  7 /* columns of "kernel " */
#define VALUES 22 /* of what stands behind the graph, with a blank before */
#define CALM   (64 << 10) /* bytes a second below which nothing towers */

static int
graph_width(int w)
{
	int n = w - LABEL - VALUES;

	return n < 4 ? 4 : n;
}

/* Seconds that a column stands for: two minutes at least, in all. */
static unsigned
step_of(int width)
{
	return width >= 60 ? 3 : width >= 30 ? 4 : width >= 16 ? 6 : 10;
}

/* What it is, and at the right end how much. */
static void
frame(const struct rect *r, int y, int x, int w, const char *label,
    const char *values)
{
	draw_field(r, y, x, LABEL, false, STYLE_FAINT, label);
	draw_field(
	    r, y, x + w - VALUES + 1, VALUES - 1, true, STYLE_PLAIN, values);
}

void
meter_cpu(const struct rect *r, int y, int x, int w, const struct guest *g)
{
	unsigned cpus = g->cpus > 0 ? g->cpus : 1;
	int width = graph_width(w);
	char text[48] = "";

	if (g->cpu >= 0)
		snprintf(text, sizeof text, "%u%% of %u cpu%s",
		    (unsigned)g->cpu / cpus, cpus, cpus == 1 ? " " : "s");
	frame(r, y, x, w, "cpu", text);
	sparkline_draw(r, y, x + LABEL, width, &g->history, NULL,
	    step_of(width), (uint64_t)100 * cpus);
}

/* What it has of its memory; a bar while its past is not known. */
static void
levels(const struct rect *r, int y, int x, int w, const struct guest *g,
    enum figure which)
{
	int width = graph_width(w);

	if (g->past != NULL)
		sparkline_draw(r, y, x + LABEL, width, &g->past[which], NULL,
		    step_of(width), g->memory >> 10);
	else if (which == FIGURE_USED)
		bar_draw(r, y, x + LABEL, width, g->memory_used, g->memory);
}

void
meter_memory(const struct rect *r, int y, int x, int w, const struct guest *g)
{
	char used[16], all[16], taken[16], text[64];

	size_short(g->memory_used, used, sizeof used);
	size_short(g->memory, all, sizeof all);
	if (g->taken > 0)
		snprintf(text, sizeof text, "%s of %s-%s", used, all,
		    size_short(g->taken, taken, sizeof taken));
	else
		snprintf(text, sizeof text, "%s of %s", used, all);
	frame(r, y, x, w, "mem", text);
	levels(r, y, x, w, g, FIGURE_USED);
}

bool
meter_given(const struct rect *r, int y, int x, int w, const struct guest *g)
{
	char left[16], all[16], text[64];

	if (!g->balloon)
		return false;
	snprintf(text, sizeof text, "%s of %s",
	    size_short(g->taken < g->memory ? g->memory - g->taken : 0, left,
		sizeof left),
	    size_short(g->memory, all, sizeof all));
	frame(r, y, x, w, "given", text);
	levels(r, y, x, w, g, FIGURE_GIVEN);
	return true;
}

/* Two rates that belong together, as one graph. */
static void
rates(const struct rect *r, int y, int x, int w, const struct guest *g,
    const char *label, const char *first, enum figure one, const char *second,
    enum figure two)
{
	char in[16], out[16], text[64] = "";
	int width = graph_width(w);
	unsigned step = step_of(width);
	uint64_t most;

	if (g->rated)
		snprintf(text, sizeof text, "%s %4s/s %s %4s/s", first,
		    size_short(g->rate[one], in, sizeof in), second,
		    size_short(g->rate[two], out, sizeof out));
	frame(r, y, x, w, label, text);
	if (g->past == NULL)
		return;
	most = sparkline_most(&g->past[one], &g->past[two], width, step);
	sparkline_draw(r, y, x + LABEL, width, &g->past[one], &g->past[two],
	    step, most > CALM ? most : CALM);
}

void
meter_disk(const struct rect *r, int y, int x, int w, const struct guest *g)
{
	rates(r, y, x, w, g, "disk", "r", FIGURE_READ, " w", FIGURE_WRITTEN);
}

void
meter_net(const struct rect *r, int y, int x, int w, const struct guest *g)
{
	rates(r, y, x, w, g, "net", "in", FIGURE_RECEIVED, "out", FIGURE_SENT);
}

/* In 5 columns, by thousands: these are no bytes. */
static const char *
count(uint32_t n, char *buf, size_t len)
{
	if (n < 1000)
		snprintf(buf, len, "%u", n);
	else if (n < 100000)
		snprintf(buf, len, "%u.%uk", n / 1000, n / 100 % 10);
	else
		snprintf(buf, len, "%uk", n / 1000);
	return buf;
}

void
meter_process(const struct rect *r, int y, int x, int w, const struct guest *g)
{
	char exits[16], text[64] = "";

	if (g->pid > 0 && g->threads > 0)
		snprintf(text, sizeof text, "pid %ld, %u threads", g->pid,
		    g->threads);
	else if (g->pid > 0)
		snprintf(text, sizeof text, "pid %ld", g->pid);
	frame(r, y, x, w, "exits", text);
	if (g->rated)
		draw_textf(r, y, x + LABEL, STYLE_PLAIN, "%5s/s",
		    count(g->rate[FIGURE_EXITS], exits, sizeof exits));
}
