#include "tui/glyphs.h"
#include "tui/widget.h"

void
bar_draw(const struct rect *r, int y, int x, int width, uint64_t part,
    uint64_t whole)
{
	int i, filled = 0;

	if (whole > 0)
		filled = part >= whole
		    ? width
		    : (int)((double)part / (double)whole * width + 0.5);
	for (i = 0; i < width; i++)
		draw_text(r, y, x + i, i < filled ? STYLE_BAR : STYLE_FAINT,
		    i < filled ? glyphs()->bar_full : glyphs()->bar_empty);
}
