/* vm.conf(5): what all statements are read with. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "config/import_read.h"
#include "config/mem.h"

#define WORDS_MAX 32

void
import_skip(struct import *im)
{
	const struct lex_token *t;
	unsigned depth = 0;

	for (;;) {
		t = lex_next(&im->lex);
		if (t->kind == LEX_END ||
		    (depth == 0 && t->kind == LEX_CLOSE)) {
			lex_back(&im->lex);
			return;
		}
		if (depth == 0 && t->kind == LEX_NEWLINE)
			return;
		if (t->kind == LEX_OPEN)
			depth++;
		else if (t->kind == LEX_CLOSE)
			depth--;
	}
}

static void
unknown(struct import *im, const struct lex_token *t,
    const struct import_statement *table, const char *where)
{
	const char *words[WORDS_MAX + 1], *near;
	size_t i;

	for (i = 0; i < WORDS_MAX && table[i].word != NULL; i++)
		words[i] = table[i].word;
	words[i] = NULL;
	near = config_nearest(t->text, words);
	if (near != NULL)
		lex_mistake(&im->lex, &t->place,
		    "%s has no \"%.100s\" (did you mean \"%s\"?)", where,
		    t->text, near);
	else
		lex_mistake(&im->lex, &t->place,
		    "%s has no \"%.100s\", as far as vmtui knows", where,
		    t->text);
}

void
import_statement(struct import *im, const struct lex_token *t,
    const struct import_statement *table, const char *where)
{
	struct lex_place from = t->place;
	size_t i;

	if (t->kind != LEX_WORD) {
		if (t->kind != LEX_BAD)
			lex_mistake(&im->lex, &from,
			    "a word was expected here that says what is meant, "
			    "such as \"%s\"",
			    table[0].word);
		/* A block that begins here has to be left out as one. */
		if (t->kind == LEX_OPEN)
			lex_back(&im->lex);
		import_skip(im);
		return;
	}
	for (i = 0; table[i].word != NULL; i++) {
		if (strcmp(table[i].word, t->text) == 0) {
			table[i].read(im, &from);
			return;
		}
	}
	unknown(im, t, table, where);
	import_skip(im);
}

void
import_block(
    struct import *im, const struct import_statement *table, const char *where)
{
	const struct lex_token *t = lex_next_over(&im->lex);
	struct lex_place open = t->place;

	if (t->kind != LEX_OPEN) {
		lex_mistake(&im->lex, &open,
		    "%s needs a block: write { behind its name and } at its "
		    "end",
		    where);
		lex_back(&im->lex);
		import_skip(im);
		return;
	}
	while ((t = lex_next_over(&im->lex))->kind != LEX_CLOSE) {
		if (t->kind == LEX_END) {
			lex_mistake(&im->lex, &open,
			    "the { of this line is not closed");
			return;
		}
		import_statement(im, t, table, where);
	}
}

bool
import_value(struct import *im, struct lex_token *value, const char *what)
{
	*value = *lex_next(&im->lex);
	if (value->kind == LEX_STRING && value->text[0] == '\0') {
		lex_mistake(&im->lex, &value->place,
		    "%s was expected, and the quotes are empty", what);
		return false;
	}
	if (value->kind == LEX_WORD || value->kind == LEX_STRING)
		return true;
	if (value->kind != LEX_BAD) {
		lex_mistake(
		    &im->lex, &value->place, "%s was expected here", what);
		lex_back(&im->lex);
	}
	import_skip(im);
	return false;
}

static bool
in_table(const struct import_statement *table, const char *word)
{
	for (; table != NULL && table->word != NULL; table++)
		if (strcmp(table->word, word) == 0)
			return true;
	return false;
}

bool
import_optional(struct import *im, struct lex_token *value,
    const struct import_statement *table)
{
	*value = *lex_next(&im->lex);
	if (value->kind == LEX_STRING ||
	    (value->kind == LEX_WORD && !in_table(table, value->text)))
		return true;
	lex_back(&im->lex);
	return false;
}

bool
import_keyword(struct import *im, const char *before, const char *word)
{
	const struct lex_token *t = lex_next(&im->lex);

	if (t->kind == LEX_WORD && strcmp(t->text, word) == 0)
		return true;
	if (t->kind != LEX_BAD)
		lex_mistake(
		    &im->lex, &t->place, "behind %s stands %s", before, word);
	lex_back(&im->lex);
	import_skip(im);
	return false;
}

bool
import_number(struct import *im, const char *what, unsigned max, unsigned *n)
{
	struct lex_token value;
	unsigned long number;
	char *end;

	if (!import_value(im, &value, what))
		return false;
	number = strtoul(value.text, &end, 10);
	if (value.text[0] < '0' || value.text[0] > '9' || *end != '\0' ||
	    number > max) {
		lex_mistake(&im->lex, &value.place,
		    "%.40s: %s is a whole number, %u at most", value.text, what,
		    max);
		import_skip(im);
		return false;
	}
	*n = (unsigned)number;
	return true;
}

void
import_put(struct import *im, const struct lex_place *from, const char *key,
    const struct lex_token *value)
{
	char text[IMPORT_WORD_MAX + 3];

	if (out_quote(&im->lex, value, text, sizeof text) != NULL)
		out_line(&im->body, from, "%s = %s", key, text);
}

bool
import_name(struct import *im, struct import_names *names,
    const struct lex_token *t, const char *kind)
{
	struct import_name *n;
	struct error err;
	size_t i;

	if (config_name_check(t->text, &err) == -1) {
		lex_mistake(&im->lex, &t->place, "%s", err.text);
		return false;
	}
	if (names->count == CONFIG_VMS_MAX) {
		lex_mistake(&im->lex, &t->place, "there are more than %d %s%s",
		    CONFIG_VMS_MAX, kind, kind[0] == 's' ? "es" : "s");
		lex_stop(&im->lex);
		return false;
	}
	for (i = 0; i < names->count; i++) {
		if (strcmp(names->list[i].name, t->text) != 0)
			continue;
		lex_mistake(&im->lex, &t->place,
		    "there is a %s called %s already, in line %d: choose "
		    "another name",
		    kind, t->text, names->list[i].place.line);
		return false;
	}
	names->list = mem_grow(names->list, names->count, sizeof *names->list);
	n = &names->list[names->count++];
	n->name = mem_dup(t->text);
	n->place = t->place;
	return true;
}
