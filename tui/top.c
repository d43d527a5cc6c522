/* The first line: the host at a glance. */
#include <stdio.h>
#include <string.h>

#include "config/size.h"
#include "tui/around.h"
#include "tui/glyphs.h"
#include "tui/keymap.h"
#include "tui/text.h"
#include "tui/ui.h"
#include "tui/widget.h"

/* "5 running 1 paused 3 stopped", all that are not zero; returns columns. */
static void
counts(const struct model *m, char *buf, size_t len)
{
	static const enum guest_state order[] = {GUEST_RUNNING, GUEST_STARTING,
	    GUEST_STOPPING, GUEST_PAUSED, GUEST_CRASHED, GUEST_STOPPED};
	size_t i, n = 0;

	buf[0] = '\0';
	for (i = 0; i < sizeof order / sizeof *order && n < len; i++)
		if (m->count[order[i]] > 0)
			n += (size_t)snprintf(buf + n, len - n, "%s%u %s",
			    n > 0 ? "  " : "", m->count[order[i]],
			    guest_state_word(order[i]));
}

/* CPU and memory of the host, right-aligned; returns where they begin. */
static int
host_figures(const struct rect *r, const struct host *h)
{
	char cpu[16], used[16], all[16], mem[48];
	/* Graphs where the count of guests keeps its room beside them. */
	bool wide = r->w >= 112;
	int x, width;

	if (h->cpu < 0)
		return r->w;
	snprintf(cpu, sizeof cpu, "cpu %3d%%", h->cpu);
	snprintf(mem, sizeof mem, "mem %s/%s",
	    size_short(h->memory_used, used, sizeof used),
	    size_short(h->memory, all, sizeof all));
	width = (int)strlen(cpu) + (wide ? 9 + 2 + 13 + 7 : 0);
	x = r->w - 1 - width;
	draw_text(r, 0, x, STYLE_PLAIN, cpu);
	if (wide) {
		sparkline_draw(r, 0, x + (int)strlen(cpu) + 1, 8, &h->history,
		    NULL, 1, 100);
		draw_field(r, 0, r->w - 21, 13, true, STYLE_PLAIN, mem);
		bar_draw(r, 0, r->w - 7, 6, h->memory_used, h->memory);
	}
	return x;
}

void
top_draw(struct ui *ui)
{
	const struct rect *r = &ui->layout.top;
	const struct model *m = ui->model;
	const struct host *h = &m->host;
	char text[160], mem[16];
	unsigned seconds;
	int x, right, width;

	if (r->h == 0)
		return;
	draw_clear(r);
	x = draw_text(r, 0, 1, STYLE_NAME, "vmtui");
	if (!wire_up(ui->wire) && m->loaded) {
		draw_text(r, 0, x + 2, STYLE_ERROR,
		    "the backend is lost; looking for it");
		return;
	}
	x = draw_text(r, 0, x + 2, STYLE_PLAIN, h->name);
	if (r->w >= 100 && h->cpus > 0)
		x = draw_textf(r, 0, x, STYLE_FAINT, " %s %u cpu %s %s",
		    glyphs()->dot, h->cpus, glyphs()->dot,
		    size_short(h->memory, mem, sizeof mem));
	if ((seconds = waiting_seconds(ui)) > 0)
		x = draw_textf(r, 0, x, STYLE_FAINT, " %s waiting %u s",
		    glyphs()->dot, seconds);
	right = host_figures(r, h);
	if (m->mistakes > 0) {
		snprintf(text, sizeof text, "%zu mistake%s (%s)", m->mistakes,
		    m->mistakes == 1 ? "" : "s", keymap_key("mistakes"));
		right -= (int)strlen(text) + 2;
		draw_text(r, 0, right, STYLE_ERROR, text);
	}
	counts(m, text, sizeof text);
	width = (int)strlen(text);
	/* In the middle if there is room on both sides of it. */
	if (x + 2 + width <= right - 2)
		draw_text(r, 0,
		    r->w / 2 - width / 2 > x + 1 &&
			    r->w / 2 + (width + 1) / 2 < right - 1
			? r->w / 2 - width / 2
			: x + 2,
		    STYLE_PLAIN, text);
	else if (m->count[GUEST_RUNNING] > 0 && x + 12 < right)
		draw_textf(r, 0, x + 2, STYLE_PLAIN, "%u running",
		    m->count[GUEST_RUNNING]);
}
