#include <stdio.h>

#include "tui/glyphs.h"
#include "tui/keys.h"
#include "tui/text.h"

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

static bool
has_key(const struct binding *b, struct key key)
{
	return key_is(key, b->key.code, b->key.mods) ||
	    (b->also.code != 0 && key_is(key, b->also.code, b->also.mods));
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
