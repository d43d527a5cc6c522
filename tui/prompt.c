#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "tui/text.h"
#include "tui/ui.h"

static void
prompt_open(struct ui *ui, enum prompt_kind kind)
{
	ui->prompt.kind = kind;
	message_clear(&ui->message);
	ui_dirty(ui, DIRTY_ALL);
}

static void
prompt_close(struct ui *ui)
{
	ui->prompt.kind = PROMPT_NONE;
	ui_dirty(ui, DIRTY_ALL);
}

void
prompt_ask(struct ui *ui, const char *name,
    void (*yes)(struct ui *ui, const char *name), const char *fmt, ...)
{
	struct prompt *p = &ui->prompt;
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(p->label, sizeof p->label, fmt, ap);
	va_end(ap);
	snprintf(p->name, sizeof p->name, "%s", name);
	p->yes = yes;
	prompt_open(ui, PROMPT_ASK);
}

static void
open_text(struct ui *ui, const char *label, const char *text,
    void (*changed)(struct ui *ui, const char *text),
    void (*done)(struct ui *ui, const char *text))
{
	struct prompt *p = &ui->prompt;

	snprintf(p->label, sizeof p->label, "%s", label);
	snprintf(p->text, sizeof p->text, "%s", text);
	p->changed = changed;
	p->done = done;
	p->cancelled = NULL;
	prompt_open(ui, PROMPT_TEXT);
}

void
prompt_text(struct ui *ui, const char *label, const char *text,
    void (*changed)(struct ui *ui, const char *text))
{
	open_text(ui, label, text, changed, NULL);
}

void
prompt_read(struct ui *ui, const char *label, const char *text,
    void (*done)(struct ui *ui, const char *text))
{
	open_text(ui, label, text, NULL, done);
}

void
prompt_typed(struct ui *ui, const char *label,
    void (*changed)(struct ui *ui, const char *text),
    void (*done)(struct ui *ui, const char *text),
    void (*cancelled)(struct ui *ui))
{
	open_text(ui, label, "", changed, done);
	ui->prompt.cancelled = cancelled;
}

static void
text_changed(struct ui *ui)
{
	if (ui->prompt.changed != NULL)
		ui->prompt.changed(ui, ui->prompt.text);
}

/* Takes the last character off; returns whether there was one. */
static bool
shorten(struct prompt *p)
{
	size_t n = strlen(p->text);

	if (n == 0)
		return false;
	do
		n--;
	while (n > 0 && ((unsigned char)p->text[n] & 0xc0) == 0x80);
	p->text[n] = '\0';
	return true;
}

static void
type(struct prompt *p, uint32_t ch)
{
	char one[8];
	size_t n = strlen(p->text), len = text_encode(ch, one);

	if (n + len < sizeof p->text)
		memcpy(p->text + n, one, len + 1);
}

static void
text_key(struct ui *ui, struct key key)
{
	struct prompt *p = &ui->prompt;

	if (key.code == K_ENTER) {
		prompt_close(ui);
		if (p->done != NULL)
			p->done(ui, p->text);
		return;
	}
	if (key.code == K_ESCAPE || key_is(key, 'c', TERM_CTRL) ||
	    (key.code == K_BACKSPACE && p->text[0] == '\0')) {
		prompt_close(ui);
		p->text[0] = '\0';
		if (p->cancelled != NULL) {
			p->cancelled(ui);
			return;
		}
	} else if (key.code == K_BACKSPACE || key_is(key, 'h', TERM_CTRL))
		shorten(p);
	else if (key_is(key, 'u', TERM_CTRL))
		p->text[0] = '\0';
	else if (key.code < K_NAMED && key.mods == 0)
		type(p, key.code);
	else
		return;
	text_changed(ui);
	ui_dirty(ui, DIRTY_BOTTOM);
}

void
prompt_key(struct ui *ui, struct key key)
{
	struct prompt *p = &ui->prompt;

	if (p->kind == PROMPT_TEXT) {
		text_key(ui, key);
		return;
	}
	prompt_close(ui);
	if (key_is(key, 'y', 0) || key_is(key, 'Y', 0))
		p->yes(ui, p->name);
}

void
prompt_paste(struct ui *ui, const char *text, size_t len)
{
	struct prompt *p = &ui->prompt;
	size_t i;

	if (p->kind != PROMPT_TEXT)
		return;
	for (i = 0; i < len && text[i] >= ' ' && text[i] < 0x7f; i++)
		type(p, (unsigned char)text[i]);
	text_changed(ui);
	ui_dirty(ui, DIRTY_BOTTOM);
}

void
prompt_draw(struct ui *ui)
{
	const struct prompt *p = &ui->prompt;
	struct rect r = {0, 0, 1, ui->layout.cols};
	int x, lines = 1, i;
	char text[sizeof p->label + sizeof p->text + 16];
	const char *line;
	size_t len;

	if (p->kind == PROMPT_ASK)
		snprintf(text, sizeof text, "%s  [y/N] ", p->label);
	else
		snprintf(text, sizeof text, "%s%s", p->label, p->text);
	lines = text_wrapped_lines(text, r.w - 3);
	r.y = ui->layout.rows - lines;
	r.h = lines;
	draw_clear(&r);
	for (i = 0, x = 0; i < lines; i++) {
		line = text_wrapped(text, r.w - 3, i, &len);
		x = draw_textf(&r, i, 1,
		    p->kind == PROMPT_ASK ? STYLE_QUESTION : STYLE_PLAIN,
		    "%.*s", (int)len, line);
	}
	draw_cursor(r.y + lines - 1, x < r.w ? x : r.w - 1, true);
}
