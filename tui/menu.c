#include <string.h>

#include "tui/glyphs.h"
#include "tui/menu.h"
#include "tui/text.h"
#include "tui/ui.h"

#define ITEMS_MAX 64
#define GAP       2

static bool
shown(struct ui *ui, const struct binding *b)
{
	return b->word != NULL && keys_of(b).key.code != 0 &&
	    (b->refuse == NULL || b->refuse(ui) == NULL);
}

/* The columns of its keys' names, which are in buf then. */
static int
names_of(const struct binding *b, char *buf, size_t len)
{
	return text_width(keys_names(b, buf, len));
}

void
menu_draw(struct ui *ui, const struct binding *table)
{
	const struct binding *item[ITEMS_MAX], *b;
	int keys = 0, words = 0, n = 0, cols, rows, i, x, y;
	struct rect r;
	char name[48];

	for (b = table; b->run != NULL && n < ITEMS_MAX; b++) {
		if (!shown(ui, b))
			continue;
		item[n++] = b;
		if (names_of(b, name, sizeof name) > keys)
			keys = names_of(b, name, sizeof name);
		if (text_width(b->word) > words)
			words = text_width(b->word);
	}
	cols = (ui->layout.cols - 2 + GAP) / (keys + 1 + words + GAP);
	if (cols < 1)
		cols = 1;
	rows = (n + cols - 1) / cols;
	if (rows > ui->layout.rows - 3)
		rows = ui->layout.rows - 3;
	r = (struct rect){
	    ui->layout.rows - 2 - rows, 0, rows + 1, ui->layout.cols};
	draw_clear(&r);
	draw_hline(&r, 0, 0, r.w, glyphs()->hline);
	draw_textf(&r, 0, 1, STYLE_TITLE_FOCUS, " %s ", keys_prefix_name());
	for (i = 0; i < n && i < rows * cols; i++) {
		x = 1 + i / rows * (keys + 1 + words + GAP);
		y = 1 + i % rows;
		if (i == rows * cols - 1 && i < n - 1) {
			draw_text(&r, y, x, STYLE_KEY, "?");
			draw_text(&r, y, x + keys + 1, STYLE_PLAIN, "all");
			break;
		}
		names_of(item[i], name, sizeof name);
		draw_text(&r, y, x, STYLE_KEY, name);
		draw_text(&r, y, x + keys + 1, STYLE_PLAIN, item[i]->word);
	}
}
