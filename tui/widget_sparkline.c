#include "tui/glyphs.h"
#include "tui/widget.h"

unsigned
sparkline_height(unsigned sample, unsigned full)
{
	unsigned h;

	if (full == 0)
		return 0;
	h = sample * (GLYPHS_SPARK - 1) / full;
	/* Something is not nothing. */
	if (h == 0 && sample * 50 > full)
		h = 1;
	return h < GLYPHS_SPARK ? h : GLYPHS_SPARK - 1;
}

void
sparkline_draw(const struct rect *r, int y, int x, int width,
    const struct history *history, unsigned full)
{
	int i, sample;

	for (i = 0; i < width; i++) {
		sample = history_at(history, (unsigned)(width - 1 - i));
		draw_text(r, y, x + i, STYLE_SPARK,
		    sample < 0 ? " "
			       : glyphs()->spark[sparkline_height(
				     (unsigned)sample, full)]);
	}
}
