/* The tab key in the configuration's text: sections, keys, and known values. */
#include <stdio.h>
#include <string.h>

#include "tui/complete.h"
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
	for (i = 0; key->kind == CONFIG_K_VM && i < ui->model->guests; i++)
		offer(b, ui->model->guest[i]->name, "");
	for (option = key->options; option != NULL && option->name != NULL;
	     option++)
		offer(
		    b, option->name, option->kind == CONFIG_K_FLAG ? "" : "=");
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
			/* Behind the sign, or the last comma. */
			if (strrchr(sign, ',') != NULL)
				sign = strrchr(sign, ',');
			b.text = sign + 1 + strspn(sign + 1, " \t");
			b.n = strlen(b.text);
			if (key != NULL)
				offer_values(ui, &b, key);
		}
	}
	apply(ui, &b);
}
