/* The tab key in the configuration's text: sections, keys, and known values. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tui/complete.h"
#include "tui/files.h"
#include "tui/ui.h"

/* The kind of section that a line is in; false: in none that has keys. */
static bool
kind_of(const struct raw *r, size_t line, enum config_section_kind *kind)
{
	const char *p;
	size_t n;
	int i;

	for (line++; line-- > 0;) {
		p = r->text + raw_offset(r, line);
		p += strspn(p, " \t");
		if (*p != '[')
			continue;
		p += 1 + strspn(p + 1, " \t");
		for (i = 0; i < CONFIG_SECTIONS; i++) {
			n = strlen(config_section_word(i));
			if (strncmp(p, config_section_word(i), n) == 0 &&
			    strchr(" \t]", p[n]) != NULL) {
				*kind = (enum config_section_kind)i;
				return true;
			}
		}
		return false;
	}
	return false;
}

struct begun {
	const char *text;
	size_t n;
	struct complete c;
};

static void
offer(struct begun *b, const char *word, const char *behind)
{
	char whole[128];

	if (strncmp(word, b->text, b->n) != 0)
		return;
	snprintf(whole, sizeof whole, "%s%s", word, behind);
	complete_add(&b->c, whole);
}

static void
offer_sections(struct begun *b)
{
	int i;

	for (i = 0; i < CONFIG_SECTIONS; i++)
		offer(b, config_section_word(i),
		    i == CONFIG_VM || i == CONFIG_SWITCH ? " " : "]");
}

/* The names of all sections of a kind in the text, behind some words. */
static void
offer_names(struct ui *ui, struct begun *b, enum config_section_kind kind,
    const char *before)
{
	const struct raw *r = &ui->raw.raw;
	const char *p, *word = config_section_word(kind);
	size_t lines = raw_lines(r), line, n = strlen(word);
	char name[CONFIG_NAME_MAX + 1], whole[128];

	for (line = 0; line < lines; line++) {
		p = r->text + raw_offset(r, line);
		p += strspn(p, " \t");
		if (*p != '[' || strncmp(p + 1, word, n) != 0 ||
		    (p[1 + n] != ' ' && p[1 + n] != '\t'))
			continue;
		p += 1 + n + strspn(p + 1 + n, " \t");
		snprintf(
		    name, sizeof name, "%.*s", (int)strcspn(p, " \t]\r\n"), p);
		snprintf(whole, sizeof whole, "%s%s", before, name);
		if (*name != '\0')
			offer(b, whole, "");
	}
}

/* What an option may be: "switch=local", "format=raw". */
static void
offer_option(struct ui *ui, struct begun *b, const struct config_key *option)
{
	char before[80], whole[128];
	size_t i;

	snprintf(before, sizeof before, "%s=", option->name);
	for (i = 0; option->choices != NULL && option->choices[i] != NULL;
	     i++) {
		snprintf(
		    whole, sizeof whole, "%s%s", before, option->choices[i]);
		offer(b, whole, "");
	}
	if (option->kind == CONFIG_K_SWITCH)
		offer_names(ui, b, CONFIG_SWITCH, before);
}

/* What a value or one of its options may be, as far as that is known. */
static void
offer_values(struct ui *ui, struct begun *b, const struct config_key *key)
{
	const struct config_key *option;
	size_t i;

	for (i = 0; key->choices != NULL && key->choices[i] != NULL; i++)
		offer(b, key->choices[i], "");
	if (key->kind == CONFIG_K_BOOL) {
		offer(b, "yes", "");
		offer(b, "no", "");
	}
	if (key->kind == CONFIG_K_VM)
		offer_names(ui, b, CONFIG_VM, "");
	for (option = key->options; option != NULL && option->name != NULL;
	     option++)
		if (memchr(b->text, '=', b->n) != NULL)
			offer_option(ui, b, option);
		else
			offer(b, option->name,
			    option->kind == CONFIG_K_FLAG ? "" : "=");
}

static void
apply(struct ui *ui, struct begun *b)
{
	struct raw *r = &ui->raw.raw;

	if (b->c.count == 0)
		ui_say(ui, "Nothing that is known begins like this.");
	else if (b->c.count > 1)
		ui_say(ui, "%s", b->c.list);
	if (strlen(b->c.common) > b->n)
		raw_type(r, b->c.common + b->n, strlen(b->c.common) - b->n);
}

/* A folder that is looked into for the path that stood there then. */
struct wish {
	struct ui *ui;
	const struct config_key *key;
	size_t at, len; /* of the cursor, of the text */
	char begun[256];
};

static void
found(const struct files *files, void *arg)
{
	struct wish *w = arg;
	const struct raw *r = &w->ui->raw.raw;
	struct begun b = {.text = w->begun, .n = strlen(w->begun)};
	size_t i;

	complete_begin(&b.c);
	if (files->folder[0] == '\0' && w->key->options == NULL)
		offer_values(w->ui, &b, w->key);
	for (i = 0; i < files->count; i++)
		if (files->name[i][0] != '.' || w->begun[0] == '.')
			offer(&b, files->name[i], "");
	/* Typed on meanwhile, or turned away: it is about another text. */
	if (w->ui->view == &view_config && w->ui->raw.typing &&
	    r->at == w->at && r->len == w->len) {
		apply(w->ui, &b);
		raw_touched(w->ui);
		w->ui->view->update(w->ui);
		ui_dirty(w->ui, DIRTY_ALL);
	}
	free(w);
}

/* What is typed of a path is completed from what the folder has. */
static void
complete_files(
    struct ui *ui, const struct begun *b, const struct config_key *key)
{
	const char *text = b->text + (*b->text == '"'), *slash;
	char folder[1024], base[1024], *end;
	struct wish *w = calloc(1, sizeof *w);

	if (w == NULL)
		return;
	slash = strrchr(text, '/');
	w->ui = ui;
	w->key = key;
	w->at = ui->raw.raw.at;
	w->len = ui->raw.raw.len;
	snprintf(
	    w->begun, sizeof w->begun, "%s", slash != NULL ? slash + 1 : text);
	snprintf(folder, sizeof folder, "%.*s",
	    slash != NULL ? (int)(slash - text) + 1 : 0, text);
	snprintf(base, sizeof base, "%s", edit_path(ui->raw.edit));
	end = strrchr(base, '/');
	if (end != NULL)
		end[end == base] = '\0';
	files_look(ui->works, folder, end != NULL ? base : NULL, found, w);
}

static bool
is_path(const struct config_key *key)
{
	return key->kind == CONFIG_K_PATH || key->kind == CONFIG_K_DISK;
}

void
complete_config(struct ui *ui)
{
	struct raw *r = &ui->raw.raw;
	size_t line = raw_line_of(r, r->at), start = raw_offset(r, line);
	const struct config_key *key;
	enum config_section_kind kind;
	char text[256], name[64];
	struct begun b = {.n = 0};
	const char *sign;
	bool first;

	snprintf(
	    text, sizeof text, "%.*s", (int)(r->at - start), r->text + start);
	complete_begin(&b.c);
	b.text = text + strspn(text, " \t");
	if (*b.text == '[') {
		b.text++;
		b.n = strlen(b.text);
		offer_sections(&b);
	} else if (kind_of(r, line, &kind)) {
		sign = strpbrk(b.text, "=:");
		if (sign == NULL) {
			b.n = strlen(b.text);
			for (key = config_keys(kind); key->name != NULL; key++)
				offer(&b, key->name, " = ");
		} else {
			snprintf(name, sizeof name, "%.*s",
			    (int)strcspn(b.text, " \t=:"), b.text);
			key = config_key_find(config_keys(kind), name);
			first = strrchr(sign, ',') == NULL;
			/* Behind the sign, or the last comma. */
			if (!first)
				sign = strrchr(sign, ',');
			b.text = sign + 1 + strspn(sign + 1, " \t");
			b.n = strlen(b.text);
			if (key != NULL && first && is_path(key)) {
				complete_files(ui, &b, key);
				return;
			}
			if (key != NULL)
				offer_values(ui, &b, key);
		}
	}
	apply(ui, &b);
}
