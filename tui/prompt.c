#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "tui/text.h"
#include "tui/ui.h"

static void
prompt_open(struct ui *ui, enum prompt_kind kind)
{
	ui->prompt.kind = kind;
	ui->prompt.nth++;
	ui->prompt.note[0] = '\0';
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
	field_set(&p->field, text);
	p->key = NULL;
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
		ui->prompt.changed(ui, ui->prompt.field.text);
}

void
prompt_keys(struct ui *ui, bool (*key)(struct ui *ui, struct key key))
{
	ui->prompt.key = key;
}

static void
text_key(struct ui *ui, struct key key)
{
	struct prompt *p = &ui->prompt;
	char text[FIELD_MAX];

	if (p->key != NULL && p->key(ui, key)) {
		ui_dirty(ui, DIRTY_ALL);
		return;
	}
	if (key.code == K_ENTER) {
		prompt_close(ui);
		/* It may open the next prompt. */
		snprintf(text, sizeof text, "%s", p->field.text);
		if (p->done != NULL)
			p->done(ui, text);
		return;
	}
	if (key.code == K_ESCAPE || key_is(key, 'c', TERM_CTRL) ||
	    (key.code == K_BACKSPACE && p->field.text[0] == '\0')) {
		prompt_close(ui);
		field_set(&p->field, "");
		if (p->cancelled != NULL) {
			p->cancelled(ui);
			return;
		}
		text_changed(ui);
		return;
	}
	/* The line may have become shorter, on the lines above the last. */
	if (field_key(&p->field, key) == FIELD_CHANGED) {
		text_changed(ui);
		ui_dirty(ui, DIRTY_ALL);
	}
	ui_dirty(ui, DIRTY_BOTTOM);
}

void
prompt_note(struct ui *ui, const char *text)
{
	snprintf(ui->prompt.note, sizeof ui->prompt.note, "%s", text);
	ui_dirty(ui, DIRTY_ALL);
}

void
prompt_key(struct ui *ui, struct key key)
{
	struct prompt *p = &ui->prompt;

	if (p->note[0] != '\0')
		prompt_note(ui, "");
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

	if (p->kind != PROMPT_TEXT)
		return;
	field_paste(&p->field, text, len);
	text_changed(ui);
	ui_dirty(ui, DIRTY_ALL);
}

/* The note, on lines above row y. */
static void
draw_note(struct ui *ui, int y)
{
	const char *note = ui->prompt.note, *line;
	int lines = text_wrapped_lines(note, ui->layout.cols - 2), i;
	struct rect r = {y - lines, 0, lines, ui->layout.cols};
	size_t len;

	if (*note == '\0' || r.y < 0)
		return;
	draw_clear(&r);
	for (i = 0; i < lines; i++) {
		line = text_wrapped(note, r.w - 2, i, &len);
		draw_textf(&r, i, 1, STYLE_FAINT, "%.*s", (int)len, line);
	}
}

#define ANSWERS "[y/N] "

/* Its letters, which end at column x of the last line, can be clicked. */
static void
answers(struct ui *ui, int x)
{
	int n = (int)strlen(ANSWERS);

	if (x <= n)
		return;
	bottom_spot(ui, x - n + 1, 1, (struct key){'y', 0}, NULL);
	bottom_spot(ui, x - n + 3, 1, (struct key){'n', 0}, NULL);
}

void
prompt_draw(struct ui *ui)
{
	const struct prompt *p = &ui->prompt;
	struct rect r = {0, 0, 1, ui->layout.cols};
	char text[sizeof p->label + FIELD_MAX + 16], part[FIELD_MAX];
	const char *line, *cursor;
	int x = 1, y = 0, lines, i;
	size_t len;

	if (p->kind == PROMPT_ASK)
		snprintf(text, sizeof text, "%s  " ANSWERS, p->label);
	else
		snprintf(text, sizeof text, "%s%s ", p->label, p->field.text);
	cursor = text + strlen(text);
	if (p->kind == PROMPT_TEXT)
		cursor = text + strlen(p->label) + p->field.at;
	lines = text_wrapped_lines(text, r.w - 3);
	r.y = ui->layout.rows - lines;
	r.h = lines;
	draw_note(ui, r.y);
	draw_clear(&r);
	for (i = 0; i < lines; i++) {
		line = text_wrapped(text, r.w - 3, i, &len);
		draw_textf(&r, i, 1,
		    p->kind == PROMPT_ASK ? STYLE_QUESTION : STYLE_PLAIN,
		    "%.*s", (int)len, line);
		if (cursor < line)
			continue;
		y = i;
		len = (size_t)(cursor - line);
		snprintf(part, sizeof part, "%.*s", (int)len, line);
		x = 1 + text_width(part);
	}
	if (p->kind == PROMPT_ASK)
		answers(ui, x);
	draw_cursor(r.y + y, x < r.w ? x : r.w - 1, true);
}
