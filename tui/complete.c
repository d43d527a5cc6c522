#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tui/complete.h"
#include "tui/files.h"
#include "tui/ui.h"
#include "tui/words.h"

void
complete_begin(struct complete *c)
{
	c->common[0] = c->list[0] = '\0';
	c->count = 0;
}

void
complete_add(struct complete *c, const char *word)
{
	size_t i, n = strlen(c->list);

	if (c->count++ == 0)
		snprintf(c->common, sizeof c->common, "%s", word);
	for (i = 0; c->common[i] != '\0' && c->common[i] == word[i]; i++)
		;
	/* Not in the middle of a character. */
	while (i > 0 && ((unsigned char)c->common[i] & 0xc0) == 0x80)
		i--;
	c->common[i] = '\0';
	if (n + strlen(word) + 8 < sizeof c->list)
		snprintf(c->list + n, sizeof c->list - n, "%s%s",
		    n > 0 ? "  " : "", word);
	else if (n + 5 < sizeof c->list && n > 0 && c->list[n - 1] != '.')
		snprintf(c->list + n, sizeof c->list - n, "  ...");
}

static void
add(const char *word, void *arg)
{
	complete_add(arg, word);
}

/*
 * Puts what all candidates share in place of the word at start; plain: as it
 * is, not as a word among others.
 */
static void
apply(struct ui *ui, const struct complete *c, size_t start, const char *before,
    bool plain)
{
	struct field *f = &ui->prompt.field;
	char quoted[FIELD_MAX], word[FIELD_MAX];
	size_t n;

	if (c->count == 0) {
		prompt_note(ui, "nothing begins like this");
		return;
	}
	n = (size_t)snprintf(word, sizeof word, "%s%s", before, c->common);
	if (n >= sizeof word)
		return;
	if (plain)
		snprintf(quoted, sizeof quoted, "%s", word);
	else
		words_quote(word, quoted, sizeof quoted - 1);
	n = strlen(quoted);
	/* One that is whole; behind a folder more may follow. */
	if (!plain && c->count == 1 && n > 0 && quoted[n - 1] != '/')
		memcpy(quoted + n, " ", 2);
	field_put(f, start, quoted);
	if (c->count > 1)
		prompt_note(ui, c->list);
	ui_dirty(ui, DIRTY_ALL);
}

/* A folder that is looked into for the word that was typed then. */
struct wish {
	struct ui *ui;
	char line[FIELD_MAX];
	size_t start;
	char folder[FIELD_MAX], begun[FIELD_MAX];
	bool plain;
};

static void
found(const struct files *files, void *arg)
{
	struct wish *w = arg;
	struct prompt *p = &w->ui->prompt;
	struct complete c;
	size_t i;

	complete_begin(&c);
	for (i = 0; i < files->count; i++)
		if (strncmp(files->name[i], w->begun, strlen(w->begun)) == 0 &&
		    (files->name[i][0] != '.' || w->begun[0] == '.'))
			complete_add(&c, files->name[i]);
	/* Typed on meanwhile: it is about another word. */
	if (p->kind == PROMPT_TEXT && strcmp(p->field.text, w->line) == 0)
		apply(w->ui, &c, w->start, w->folder, w->plain);
	free(w);
}

/* The word that begins at start in the line. */
static void
complete_file(
    struct ui *ui, const char *word, size_t start, bool plain, const char *base)
{
	const char *slash = strrchr(word, '/');
	size_t n = slash == NULL ? 0 : (size_t)(slash - word) + 1;
	struct wish *w = calloc(1, sizeof *w);

	if (w == NULL)
		return;
	w->ui = ui;
	w->start = start;
	w->plain = plain;
	snprintf(w->line, sizeof w->line, "%s", ui->prompt.field.text);
	snprintf(w->folder, sizeof w->folder, "%.*s", (int)n, word);
	snprintf(w->begun, sizeof w->begun, "%s", word + n);
	files_look(ui->works, w->folder, base, found, w);
}

/* The backend was asked for the switches' names. */
static void
heard(json_t *ret, int fd, const char *why, void *arg)
{
	const json_t *list = json_object_get(ret, "switches"), *one;
	struct wish *w = arg;
	struct prompt *p = &w->ui->prompt;
	const char *name;
	struct complete c;
	size_t i;

	complete_begin(&c);
	json_array_foreach (list, i, one) {
		name = json_string_value(json_object_get(one, "name"));
		if (name != NULL &&
		    strncmp(name, w->begun, strlen(w->begun)) == 0)
			complete_add(&c, name);
	}
	if (p->kind == PROMPT_TEXT && strcmp(p->field.text, w->line) == 0)
		apply(w->ui, &c, w->start, "", false);
	free(w);
}

static void
complete_switch(struct ui *ui, const struct words *words)
{
	struct wish *w = calloc(1, sizeof *w);

	if (w == NULL)
		return;
	w->ui = ui;
	w->start = words->start;
	snprintf(w->line, sizeof w->line, "%s", ui->prompt.field.text);
	snprintf(w->begun, sizeof w->begun, "%s",
	    words->open ? words->word[words->count - 1] : "");
	wire_call(ui->wire, "switches", NULL, heard, w);
}

void
complete_command(struct ui *ui)
{
	struct field *f = &ui->prompt.field;
	struct complete c;
	struct words w;
	char line[FIELD_MAX];

	/* What stands behind the cursor stays out of it. */
	snprintf(line, sizeof line, "%.*s", (int)f->at, f->text);
	words_split(line, &w, NULL);
	if (words_expected(&w) == WORDS_FILE) {
		complete_file(ui, w.open ? w.word[w.count - 1] : "", w.start,
		    false, NULL);
	} else if (words_expected(&w) == WORDS_SWITCH) {
		complete_switch(ui, &w);
	} else {
		complete_begin(&c);
		words_complete(&w, ui->model, add, &c);
		apply(ui, &c, w.start, "", false);
	}
	words_free(&w);
}

void
complete_path(struct ui *ui, const char *folder)
{
	const struct field *f = &ui->prompt.field;
	char line[FIELD_MAX];

	snprintf(line, sizeof line, "%.*s", (int)f->at, f->text);
	complete_file(ui, line, 0, true, folder);
}
