#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "tui/glyphs.h"
#include "tui/keys.h"
#include "tui/text.h"

static struct {
	struct key key;
	char name[32];
} chosen = {{']', TERM_CTRL}, "ctrl-]"};

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

static const char *
named(uint32_t code)
{
	const struct glyphs *g = glyphs();

	switch (code) {
	case K_ENTER:
		return g->enter;
	case K_TAB:
		return "tab";
	case K_BACKSPACE:
		return "backspace";
	case K_ESCAPE:
		return "esc";
	case K_UP:
		return g->up;
	case K_DOWN:
		return g->down;
	case K_LEFT:
		return g->left;
	case K_RIGHT:
		return g->right;
	case K_INSERT:
		return "ins";
	case K_DELETE:
		return "del";
	case K_HOME:
		return "home";
	case K_END:
		return "end";
	case K_PAGE_UP:
		return "pgup";
	case K_PAGE_DOWN:
		return "pgdn";
	case ' ':
		return "space";
	}
	return NULL;
}

const char *
key_name(struct key key, char *buf, size_t len)
{
	const char *name = named(key.code);
	char one[8];

	if (key.code == K_PREFIX) {
		snprintf(buf, len, "%s", chosen.name);
		return buf;
	}
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
	static const struct {
		const char *word;
		uint32_t code;
	} words[] = {{"enter", K_ENTER}, {"tab", K_TAB},
	    {"backspace", K_BACKSPACE}, {"esc", K_ESCAPE}, {"up", K_UP},
	    {"down", K_DOWN}, {"left", K_LEFT}, {"right", K_RIGHT},
	    {"ins", K_INSERT}, {"del", K_DELETE}, {"home", K_HOME},
	    {"end", K_END}, {"pgup", K_PAGE_UP}, {"pgdn", K_PAGE_DOWN},
	    {"space", ' '}};
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

static bool
same(struct key in_table, struct key key)
{
	if (in_table.code == K_PREFIX)
		in_table = chosen.key;
	return key_is(key, in_table.code, in_table.mods);
}

static bool
has_key(const struct binding *b, struct key key)
{
	return same(b->key, key) || (b->also.code != 0 && same(b->also, key));
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
