/* New lines of an edit, spaced as those around them. */
#include <stdlib.h>
#include <string.h>

#include "config/edit_text.h"
#include "config/mem.h"

/* How an entry is spaced: "  memory   = 512M". */
struct spacing {
	char lead[32]; /* blanks before the key */
	size_t pad; /* blanks between key and sign */
	size_t column; /* of the sign */
	char sign;
	char behind[32]; /* blanks behind the sign */
};

static void
copy_blanks(char *to, size_t room, const char *from, size_t n)
{
	n = n < room ? n : room - 1;
	memcpy(to, from, n);
	to[n] = '\0';
}

static void
read_spacing(
    const struct edit *e, const struct config_entry *entry, struct spacing *s)
{
	size_t start, at, n, i = 0, key = strlen(entry->key);
	const char *p;
	bool bare;

	edit_bare(e, entry->line, &start);
	edit_value_place(e, entry->line, &at, &n, &bare);
	p = e->text + start;
	while (p[i] == ' ' || p[i] == '\t')
		i++;
	copy_blanks(s->lead, sizeof s->lead, p, i);
	i += key;
	for (s->pad = 0; p[i] == ' ' || p[i] == '\t'; i++)
		s->pad++;
	s->column = i;
	s->sign = p[i];
	if (bare)
		copy_blanks(s->behind, sizeof s->behind, " ", 1);
	else
		copy_blanks(
		    s->behind, sizeof s->behind, p + i + 1, at - start - i - 1);
}

/*
 * The spacing of an entry for another key: signs that stand below each other
 * go on doing so.
 */
static void
choose_spacing(const struct edit *e, const struct config_section *sec,
    const struct config_entry *like, const char *key, struct spacing *s)
{
	struct spacing other;
	size_t i, used, len = strlen(key);

	*s = (struct spacing){.pad = 1, .sign = '=', .behind = " "};
	if (like == NULL)
		return;
	read_spacing(e, like, s);
	for (i = 0; i < sec->nentries; i++) {
		if (strlen(sec->entries[i].key) == strlen(like->key))
			continue;
		read_spacing(e, &sec->entries[i], &other);
		if (other.column != s->column || other.pad == s->pad)
			continue;
		used = strlen(s->lead) + len;
		s->pad = used < s->column ? s->column - used : 1;
		return;
	}
}

/* Behind which entry a key that the section has not yet goes, or NULL. */
static const struct config_entry *
entry_before(const struct config_section *sec, const char *name)
{
	const struct config_key *keys = config_keys(sec->kind), *key, *mine;
	const struct config_entry *best = NULL;
	long order = -1;
	size_t i;

	mine = config_key_find(keys, name);
	for (i = 0; i < sec->nentries; i++) {
		key = config_key_find(keys, sec->entries[i].key);
		if (mine == NULL || key == NULL) {
			best = &sec->entries[i];
		} else if (key <= mine && key - keys >= order) {
			order = key - keys;
			best = &sec->entries[i];
		}
	}
	return best;
}

void
edit_add_line(struct edit *e, const struct config_section *sec, const char *key,
    const char *value)
{
	const struct config_entry *before = entry_before(sec, key), *like;
	struct spacing s;
	char *line;

	like = before != NULL    ? before
	    : sec->nentries == 0 ? NULL
				 : &sec->entries[0];
	choose_spacing(e, sec, like, key, &s);
	line = mem_printf("%s%s%*s%c%s%s", s.lead, key, (int)s.pad, "", s.sign,
	    s.behind, value);
	edit_insert(e, (before != NULL ? before->line : sec->line) + 1, line);
	free(line);
}

void
edit_change_line(struct edit *e, int line, const char *value)
{
	size_t at, n;
	char *text;
	bool bare;

	edit_value_place(e, line, &at, &n, &bare);
	text = mem_printf("%s%s", bare ? " " : "", value);
	edit_splice(e, at, n, text, strlen(text));
	free(text);
}
