#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "config/diff.h"
#include "config/edit_diff.h"
#include "tui/changes.h"
#include "tui/keymap.h"
#include "tui/ui.h"

#define CONTEXT 1 /* lines around a change that are shown too */

/* Where the lines go. */
struct out {
	changes_line *line;
	void *arg;
	bool said;
};

static void add(struct out *o, enum style style, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));

static void
add(struct out *o, enum style style, const char *fmt, ...)
{
	char text[1024];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof text, fmt, ap);
	va_end(ap);
	o->said = true;
	o->line(style, text, o->arg);
}

static bool
near_change(const struct edit_diff_line *l, size_t n, size_t i)
{
	size_t j = i > CONTEXT ? i - CONTEXT : 0;

	for (; j < n && j <= i + CONTEXT; j++)
		if (l[j].what != EDIT_SAME)
			return true;
	return false;
}

/* The lines that differ, those of the new text with their numbers. */
void
changes_lines(const char *old_text, size_t old_len, const char *new_text,
    size_t new_len, changes_line *line, void *arg)
{
	struct out out = {.line = line, .arg = arg}, *o = &out;
	struct edit_diff_line *l;
	size_t i, n;
	bool skipped = false;

	l = edit_diff(old_text, old_len, new_text, new_len, &n);
	for (i = 0; i < n; i++) {
		if (!near_change(l, n, i)) {
			skipped = o->said;
			continue;
		}
		if (skipped)
			add(o, STYLE_FAINT, " ...");
		skipped = false;
		if (l[i].what == EDIT_GONE)
			add(o, STYLE_CRASHED, "     - %.*s", (int)l[i].len,
			    l[i].text);
		else
			add(o,
			    l[i].what == EDIT_NEW ? STYLE_RUNNING : STYLE_FAINT,
			    "%4d %c %.*s", l[i].line,
			    l[i].what == EDIT_NEW ? '+' : ' ', (int)l[i].len,
			    l[i].text);
	}
	free(l);
}

struct effects {
	struct ui *ui;
	struct out *out;
};

/* "memory, cpus" of those that count at once, or of the others. */
static size_t
list_keys(const struct config_change *c, bool at_once, char *buf, size_t len)
{
	size_t i, n = 0, count = 0;

	buf[0] = '\0';
	for (i = 0; i < c->nkeys; i++) {
		if (config_change_at_once(c, i) != at_once)
			continue;
		n += (size_t)snprintf(buf + n, len > n ? len - n : 0, "%s%s",
		    count++ > 0 ? ", " : "", c->keys[i]->name);
	}
	return count;
}

/* Whom a change of a definition reaches, and when. */
static void
effect(const struct config_change *c, void *arg)
{
	const struct effects *e = arg;
	const struct guest *g =
	    c->kind == CONFIG_VM ? model_find(e->ui->model, c->name) : NULL;
	bool up = g != NULL && guest_is_up(g);
	char keys[512];

	if (c->what == CONFIG_ADDED)
		add(e->out, STYLE_PLAIN, "%s is new.", c->name);
	else if (c->what == CONFIG_REMOVED)
		add(e->out, STYLE_PLAIN, "%s is no longer defined%s.", c->name,
		    up ? "; it runs until it is stopped" : "");
	if (c->what != CONFIG_CHANGED)
		return;
	if (list_keys(c, true, keys, sizeof keys) > 0)
		add(e->out, STYLE_PLAIN, "%s: %s, at once.", c->name, keys);
	if (list_keys(c, false, keys, sizeof keys) == 0)
		return;
	if (c->kind == CONFIG_SWITCH)
		add(e->out, STYLE_QUESTION,
		    "%s: %s, when the next guest on it starts, or at once "
		    "with %s in the switches (%s).",
		    c->name, keys, keymap_key("switches-reset"),
		    keymap_key("view-switches"));
	else
		add(e->out, up ? STYLE_QUESTION : STYLE_PLAIN, "%s: %s, %s.",
		    c->name, keys,
		    up ? "with its next start, since it runs"
		       : "with its next start");
}

void
changes_all(
    struct ui *ui, const struct edit *edit, changes_line *line, void *arg)
{
	struct out out = {.line = line, .arg = arg};
	struct effects e = {ui, &out};
	struct config_mistakes ms = {0};
	struct config *a = NULL, *b = NULL;
	const char *base, *text;
	size_t base_len, len;

	base = edit_base(edit, &base_len);
	text = edit_text(edit, &len);
	if (config_load_string(base, base_len, edit_path(edit), &a, &ms) == 0 &&
	    edit_check(edit, &b, &ms) == 0)
		config_diff(a, b, effect, &e);
	config_free(a);
	config_free(b);
	config_mistakes_clear(&ms);
	add(&out, STYLE_FAINT, "%s", "");
	add(&out, STYLE_FAINT, "In %s:", edit_path(edit));
	changes_lines(base, base_len, text, len, line, arg);
}
