/*
 * fuzz_edit: libFuzzer on the writer. Up to the first zero byte the input is a
 * file; behind it each step is a byte for what, one for where, and a value up
 * to the next zero byte. Whatever comes, the text stays one whose lines can be
 * read, and what was refused leaves it as it was.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "config/edit.h"

int LLVMFuzzerTestOneInput(const uint8_t *, size_t);

static const struct config_key *
some_key(enum config_section_kind kind, unsigned n)
{
	const struct config_key *keys = config_keys(kind);
	unsigned count = 0;

	while (keys[count].name != NULL)
		count++;
	return count == 0 ? NULL : &keys[n % count];
}

static int
step(struct edit *e, unsigned what, unsigned where, const char *value)
{
	enum config_section_kind kind = where % CONFIG_SECTIONS;
	const struct config_key *key = some_key(kind, where / 5);
	const char *name = edit_name(e, kind, where / 16), *word;
	size_t nth = where / 32;
	struct error err;

	word = key == NULL ? "stop" : key->name;
	switch (what % 8) {
	case 0:
	case 1:
		return edit_set(e, kind, name, word, nth, value, &err);
	case 2:
		return edit_remove(e, kind, name, word, nth, &err);
	case 3:
		return edit_move(e, kind, name, word, nth, what / 8, &err);
	case 4:
		return edit_section_add(
		    e, kind, *value == '\0' ? NULL : value, &err);
	case 5:
		return edit_section_rename(e, kind, name, value, &err);
	case 6:
		return what & 8
		    ? edit_section_remove(e, kind, name, &err)
		    : edit_section_clone(e, kind, name, value, &err);
	default:
		return edit_section_move(e, kind, name, CONFIG_VM,
		    edit_name(e, CONFIG_VM, what / 8), what & 128, &err);
	}
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const char *p = (const char *)data, *end = p + size, *zero;
	struct edit *e, *before;
	struct config_mistakes ms = {0};
	struct config *cfg;
	char *value;
	size_t len, was;
	int r;

	zero = memchr(p, '\0', size);
	if (zero == NULL)
		zero = end;
	e = edit_new("/f", p, (size_t)(zero - p));
	for (p = zero + 1; p + 2 < end; p = zero + 1) {
		zero = memchr(p + 2, '\0', (size_t)(end - p - 2));
		if (zero == NULL)
			zero = end;
		value = strndup(p + 2, (size_t)(zero - p - 2));
		before = edit_copy(e);
		r = step(e, (uint8_t)p[0], (uint8_t)p[1], value);
		edit_text(e, &len);
		edit_text(before, &was);
		if (r == -1 &&
		    (len != was ||
			memcmp(edit_text(e, NULL), edit_text(before, NULL),
			    len) != 0))
			abort();
		edit_free(before);
		free(value);
	}
	if (edit_check(e, &cfg, &ms) == 0)
		config_free(cfg);
	config_mistakes_clear(&ms);
	edit_free(e);
	return 0;
}
