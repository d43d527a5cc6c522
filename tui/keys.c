#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "tui/glyphs.h"
#include "tui/keys.h"
#include "tui/text.h"

#define OWN_PREFIX             \
	{                      \
		']', TERM_CTRL \
	}
#define OWN_PREFIX_NAME "ctrl-]"

static struct {
	struct key key;
	char name[32];
} chosen = {OWN_PREFIX, OWN_PREFIX_NAME};

/* What a person chose in place of a binding's own keys; few. */
static struct choice {
	const struct binding *of;
	struct keys keys;
} * choices;
static size_t nchoices;

void
keys_set_prefix(struct key key)
{
	chosen.key = key;
	key_name(key, chosen.name, sizeof chosen.name);
}

struct key
keys_prefix(void)
{
	return chosen.key;
}

const char *
keys_prefix_name(void)
{
	return chosen.name;
}

bool
key_is(struct key key, uint32_t code, unsigned mods)
{
	return key.code == code && key.mods == mods;
}

bool
key_same(struct key a, struct key b)
{
	return a.code == b.code && a.mods == b.mods;
}

struct keys
keys_of(const struct binding *b)
{
	size_t i;

	for (i = 0; i < nchoices; i++)
		if (choices[i].of == b)
			return choices[i].keys;
	return (struct keys){b->key, b->also};
}

int
keys_choose(const struct binding *b, struct keys keys)
{
	struct choice *list;

	list = realloc(choices, (nchoices + 1) * sizeof *list);
	if (list == NULL)
		return -1;
	choices = list;
	choices[nchoices++] = (struct choice){b, keys};
	return 0;
}

void
keys_forget(void)
{
	free(choices);
	choices = NULL;
	nchoices = 0;
	chosen.key = (struct key)OWN_PREFIX;
	snprintf(chosen.name, sizeof chosen.name, OWN_PREFIX_NAME);
}

/* Words for keys, in files; what some of them are in the manners of a screen. */
static const struct {
	const char *word;
	uint32_t code;
} words[] = {{"enter", K_ENTER}, {"tab", K_TAB}, {"backspace", K_BACKSPACE},
    {"esc", K_ESCAPE}, {"up", K_UP}, {"down", K_DOWN}, {"left", K_LEFT},
    {"right", K_RIGHT}, {"ins", K_INSERT}, {"del", K_DELETE}, {"home", K_HOME},
    {"end", K_END}, {"pgup", K_PAGE_UP}, {"pgdn", K_PAGE_DOWN}, {"space", ' '},
    /* A file takes these for the start of a comment. */
    {"semicolon", ';'}, {"hash", '#'}};

static const char *
word_of(uint32_t code)
{
	size_t i;

	for (i = 0; i < sizeof words / sizeof *words; i++)
		if (words[i].code == code)
			return words[i].word;
	return NULL;
}

static const char *
named(uint32_t code)
{
	const struct glyphs *g = glyphs();

	switch (code) {
	case K_ENTER:
		return g->enter;
	case K_UP:
		return g->up;
	case K_DOWN:
		return g->down;
	case K_LEFT:
		return g->left;
	case K_RIGHT:
		return g->right;
	case ';':
	case '#':
		return NULL;
	}
	return word_of(code);
}

/* With a word for the key, or NULL: then it is a character, or F1 and on. */
static const char *
write_key(struct key key, const char *name, char *buf, size_t len)
{
	char one[8];

	if (name == NULL && key.code >= K_NAMED) {
		snprintf(one, sizeof one, "F%u", key.code - K_F(0));
		name = one;
	} else if (name == NULL) {
		text_encode(key.code, one);
		name = one;
	}
	snprintf(buf, len, "%s%s%s%s", key.mods & TERM_CTRL ? "ctrl-" : "",
	    key.mods & TERM_ALT ? "alt-" : "",
	    key.mods & TERM_SHIFT ? "shift-" : "", name);
	return buf;
}

const char *
key_name(struct key key, char *buf, size_t len)
{
	if (key.code != K_PREFIX)
		return write_key(key, named(key.code), buf, len);
	snprintf(buf, len, "%s", chosen.name);
	return buf;
}

const char *
key_spell(struct key key, char *buf, size_t len)
{
	return write_key(key, word_of(key.code), buf, len);
}

/* Takes word off the front of *text, if it stands there. */
static bool
skip(const char **text, const char *word)
{
	size_t len = strlen(word);

	/* "-" alone is a key too. */
	if (strncasecmp(*text, word, len) != 0 || (*text)[len] == '\0')
		return false;
	*text += len;
	return true;
}

/* The code of a word like "esc" or "f12"; 0: it is none. */
static uint32_t
word_code(const char *text)
{
	char *end;
	long n;
	size_t i;

	for (i = 0; i < sizeof words / sizeof *words; i++)
		if (strcasecmp(text, words[i].word) == 0)
			return words[i].code;
	if ((text[0] == 'f' || text[0] == 'F') && text[1] != '\0') {
		n = strtol(text + 1, &end, 10);
		if (*end == '\0' && n >= 1 && n <= 20)
			return K_F((uint32_t)n);
	}
	return 0;
}

bool
key_parse(const char *text, struct key *key)
{
	unsigned mods = 0;
	int width;

	for (;;) {
		if (skip(&text, "ctrl-") || skip(&text, "c-"))
			mods |= TERM_CTRL;
		else if (skip(&text, "alt-") || skip(&text, "m-"))
			mods |= TERM_ALT;
		else if (skip(&text, "shift-"))
			mods |= TERM_SHIFT;
		else
			break;
	}
	if (*text == '\0')
		return false;
	key->mods = mods;
	if ((key->code = word_code(text)) != 0)
		return true;
	key->code = text_next(&text, &width);
	/* As input.h gives it: no shift, and ctrl with small letters. */
	key->mods &= ~TERM_SHIFT;
	if ((mods & TERM_CTRL) && key->code >= 'A' && key->code <= 'Z')
		key->code += 'a' - 'A';
	return *text == '\0' && width == 1;
}

const char *
keys_names(const struct binding *b, char *buf, size_t len)
{
	struct keys k = keys_of(b);
	size_t n = 0;

	buf[0] = '\0';
	if (k.key.code != 0)
		key_name(k.key, buf, len);
	if (k.also.code != 0 && (n = strlen(buf)) + 2 < len) {
		if (n > 0)
			buf[n++] = ' ';
		key_name(k.also, buf + n, len - n);
	}
	return buf;
}

static bool
same(struct key in_table, struct key key)
{
	if (in_table.code == K_PREFIX)
		in_table = chosen.key;
	return in_table.code != 0 && key_same(key, in_table);
}

static bool
has_key(const struct binding *b, struct key key)
{
	struct keys k = keys_of(b);

	return same(k.key, key) || same(k.also, key);
}

bool
keys_has(const struct binding *table, struct key key)
{
	for (; table->run != NULL; table++)
		if (has_key(table, key))
			return true;
	return false;
}

bool
keys_run(const struct binding *table, struct key key, struct ui *ui,
    const char **why)
{
	const struct binding *b, *first = NULL;

	*why = NULL;
	for (b = table; b->run != NULL; b++) {
		if (!has_key(b, key))
			continue;
		if (b->refuse == NULL || b->refuse(ui) == NULL) {
			b->run(ui);
			return true;
		}
		if (first == NULL)
			first = b;
	}
	/* Asked again: the reasons of others may have taken its place. */
	if (first != NULL)
		*why = first->refuse(ui);
	return first != NULL;
}
