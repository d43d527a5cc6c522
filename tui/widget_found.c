#include <string.h>

#include "tui/widget.h"

int
found_draw(const struct rect *r, int y, int x, enum style style,
    const char *text, const char *word)
{
	const char *at;

	while (*word != '\0' && (at = strcasestr(text, word)) != NULL) {
		x = draw_textf(r, y, x, style, "%.*s", (int)(at - text), text);
		x = draw_textf(
		    r, y, x, STYLE_MATCH, "%.*s", (int)strlen(word), at);
		text = at + strlen(word);
	}
	return draw_text(r, y, x, style, text);
}
