#include <stdio.h>
#include <string.h>

#include "tui/text.h"
#include "tui/ui.h"

void
message_set(struct message *m, bool error, const char *fmt, va_list ap)
{
	vsnprintf(m->text, sizeof m->text, fmt, ap);
	m->error = error;
}

bool
message_clear(struct message *m)
{
	bool was = m->text[0] != '\0';

	m->text[0] = '\0';
	return was;
}

/* All of it, as long as the rest of the screen stays of use. */
int
message_lines(const struct ui *ui)
{
	int n, most = ui->layout.rows / 2;

	if (ui->message.text[0] == '\0')
		return 0;
	n = text_wrapped_lines(ui->message.text, ui->layout.cols - 2);
	return n < most ? n : most;
}

void
message_draw(struct ui *ui)
{
	const struct message *m = &ui->message;
	int i, lines = message_lines(ui);
	struct rect r = {ui->layout.rows - lines, 0, lines, ui->layout.cols};
	enum style style = m->error ? STYLE_ERROR : STYLE_NEWS;
	const char *line;
	size_t len;

	draw_clear(&r);
	for (i = 0; i < lines; i++) {
		line = text_wrapped(m->text, r.w - 2, i, &len);
		/* The last line takes the rest, and is cut. */
		if (i == lines - 1)
			len = strlen(line);
		draw_textf(&r, i, 1, style, "%.*s", (int)len, line);
	}
}
