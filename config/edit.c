#include <stdlib.h>
#include <string.h>

#include "config/edit_text.h"
#include "config/mem.h"
#include "config/mistake.h"
#include "config/path.h"
#include "config/value.h"

/*
 * --- A file, or a text ------------------------------------------------
 */

static char *
dup_bytes(const char *text, size_t len)
{
	char *copy = mem_zeroed(len + 1);

	if (len > 0)
		memcpy(copy, text, len);
	return copy;
}

struct edit *
edit_new(const char *path, const char *text, size_t len)
{
	struct edit *e = mem_zeroed(sizeof *e);

	e->path = mem_dup(path);
	e->text = dup_bytes(text, len);
	e->base = dup_bytes(text, len);
	e->len = e->base_len = len;
	edit_read(e);
	return e;
}

int
edit_open(const char *path, struct edit **out, struct error *err)
{
	bool missing;
	char *text;
	size_t len;

	*out = NULL;
	if (edit_read_file(path, &text, &len, &missing, err) == -1)
		return -1;
	*out = edit_new(path, text, len);
	(*out)->missing = missing;
	free(text);
	return 0;
}

struct edit *
edit_copy(const struct edit *e)
{
	struct edit *copy = edit_new(e->path, e->text, e->len);

	free(copy->base);
	copy->base = dup_bytes(e->base, e->base_len);
	copy->base_len = e->base_len;
	copy->missing = e->missing;
	if (e->theirs != NULL) {
		copy->theirs = dup_bytes(e->theirs, e->theirs_len);
		copy->theirs_len = e->theirs_len;
		copy->theirs_missing = e->theirs_missing;
	}
	return copy;
}

void
edit_free(struct edit *e)
{
	if (e == NULL)
		return;
	config_free(e->read);
	free(e->path);
	free(e->text);
	free(e->base);
	free(e->theirs);
	free(e);
}

const char *
edit_path(const struct edit *e)
{
	return e->path;
}

static const char *
text_of(const char *text, size_t n, size_t *len)
{
	if (len != NULL)
		*len = n;
	return text;
}

const char *
edit_text(const struct edit *e, size_t *len)
{
	return text_of(e->text, e->len, len);
}

const char *
edit_base(const struct edit *e, size_t *len)
{
	return text_of(e->base, e->base_len, len);
}

const char *
edit_theirs(const struct edit *e, size_t *len)
{
	return text_of(e->theirs, e->theirs_len, len);
}

bool
edit_changed(const struct edit *e)
{
	return e->len != e->base_len || memcmp(e->text, e->base, e->len) != 0;
}

void
edit_replace(struct edit *e, const char *text, size_t len)
{
	char *copy = dup_bytes(text, len);

	free(e->text);
	e->text = copy;
	e->len = len;
	edit_read(e);
}

int
edit_check(
    const struct edit *e, struct config **cfg, struct config_mistakes *ms)
{
	return config_load_string(e->text, e->len, e->path, cfg, ms);
}

void
edit_keep(struct edit *e)
{
	if (e->theirs == NULL)
		return;
	free(e->base);
	e->base = e->theirs;
	e->base_len = e->theirs_len;
	e->missing = e->theirs_missing;
	e->theirs = NULL;
	e->theirs_len = 0;
}

void
edit_reload(struct edit *e)
{
	if (e->theirs == NULL)
		return;
	edit_replace(e, e->theirs, e->theirs_len);
	edit_keep(e);
}

/*
 * --- What it says -----------------------------------------------------
 */

bool
edit_has(const struct edit *e, enum config_section_kind kind, const char *name)
{
	return edit_section(e, kind, name) != NULL;
}

const char *
edit_name(const struct edit *e, enum config_section_kind kind, size_t i)
{
	size_t j;

	for (j = 0; j < e->read->nsections; j++)
		if (e->read->sections[j].kind == kind && i-- == 0)
			return e->read->sections[j].name;
	return NULL;
}

/* The nth entry of a key, or NULL; *count (may be NULL): of all of them. */
static const struct config_entry *
find_entry(const struct config_section *sec, const char *key, size_t nth,
    size_t *count)
{
	const struct config_entry *found = NULL;
	size_t i, n = 0;

	for (i = 0; sec != NULL && i < sec->nentries; i++)
		if (strcmp(sec->entries[i].key, key) == 0 && n++ == nth)
			found = &sec->entries[i];
	if (count != NULL)
		*count = n;
	return found;
}

size_t
edit_count(const struct edit *e, enum config_section_kind kind,
    const char *name, const char *key)
{
	size_t n;

	find_entry(edit_section(e, kind, name), key, 0, &n);
	return n;
}

const char *
edit_value(const struct edit *e, enum config_section_kind kind,
    const char *name, const char *key, size_t nth)
{
	const struct config_entry *entry =
	    find_entry(edit_section(e, kind, name), key, nth, NULL);

	return entry == NULL ? NULL : entry->value;
}

int
edit_line(const struct edit *e, enum config_section_kind kind, const char *name,
    const char *key, size_t nth)
{
	const struct config_entry *entry =
	    find_entry(edit_section(e, kind, name), key, nth, NULL);

	return entry == NULL ? 0 : entry->line;
}

/*
 * --- Operations on keys -----------------------------------------------
 */

static struct config_section *
need_section(const struct edit *e, enum config_section_kind kind,
    const char *name, struct error *err)
{
	struct config_section *sec = edit_section(e, kind, name);
	char title[80];

	if (sec == NULL)
		error_set(err, "%s is no longer in %s",
		    edit_title(kind, name, title, sizeof title), e->path);
	return sec;
}

/* What can never be in a line, before a line is made of it. */
static int
check_words(enum config_section_kind kind, const char *key, const char *value,
    struct error *err)
{
	const char *names[VALUE_NAMES];
	char hint[80];

	if (kind != CONFIG_KEYS && kind != CONFIG_THEME &&
	    config_key_find(config_keys(kind), key) == NULL) {
		value_names(config_keys(kind), names);
		return error_set(err, "[%s] has no key \"%s\"%s",
		    config_section_word(kind), key,
		    mistake_hint(key, names, hint, sizeof hint));
	}
	if (strpbrk(value, "\r\n") != NULL || strpbrk(key, "\r\n") != NULL)
		return error_set(err, "%s: a value is one line", key);
	if (value[0] == ';' || strstr(value, " ;") != NULL ||
	    strstr(value, "\t;") != NULL)
		return error_set(err,
		    "%s: \" ;\" begins a comment in the file: leave the blank "
		    "before the \";\" out",
		    key);
	return 0;
}

/* The value without the blanks around it, as it is read. For free(). */
static char *
trimmed(const char *value)
{
	size_t n;

	value += strspn(value, " \t");
	for (n = strlen(value); n > 0 && strchr(" \t", value[n - 1]); n--)
		;
	return mem_dup_n(value, n);
}

/* Whether the text, read again, says what it should. */
static int
says(struct edit *e, enum config_section_kind kind, const char *name,
    const char *key, size_t nth, const char *value, struct error *err)
{
	const char *now;

	if (edit_reread(e, err) == -1)
		return error_prefix(err, "%s: ", key);
	now = edit_value(e, kind, name, key, nth);
	if (now == NULL || strcmp(now, value) != 0)
		return error_set(
		    err, "%s = %s cannot be written in a file", key, value);
	return 0;
}

int
edit_set(struct edit *e, enum config_section_kind kind, const char *name,
    const char *key, size_t nth, const char *value, struct error *err)
{
	const struct config_entry *entry;
	const struct config_section *sec;
	struct edit_before before;
	char *plain, *own;
	size_t count;
	int r;

	if ((sec = need_section(e, kind, name, err)) == NULL ||
	    check_words(kind, key, value, err) == -1)
		return -1;
	entry = find_entry(sec, key, nth, &count);
	if (nth > count)
		return error_set(err, "%s has only %zu values", key, count);
	if (edit_begin(e, &before, err) == -1)
		return -1;
	plain = trimmed(value);
	/* It may be from edit_name(), which reading again would end. */
	own = mem_dup(name);
	if (entry == NULL)
		edit_add_line(e, sec, key, plain);
	else if (strcmp(entry->value, plain) != 0)
		edit_change_line(e, entry->line, plain);
	r = says(e, kind, own, key, nth, plain, err);
	free(plain);
	free(own);
	return edit_end(e, &before, r);
}

int
edit_remove(struct edit *e, enum config_section_kind kind, const char *name,
    const char *key, size_t nth, struct error *err)
{
	const struct config_entry *entry;
	const struct config_section *sec;
	struct edit_before before;

	if ((sec = need_section(e, kind, name, err)) == NULL)
		return -1;
	if ((entry = find_entry(sec, key, nth, NULL)) == NULL)
		return error_set(err, "%s is no longer there", key);
	if (edit_begin(e, &before, err) == -1)
		return -1;
	edit_cut(e, entry->line, entry->line + 1);
	return edit_end(e, &before, edit_reread(e, err));
}

/* Two lines of the same key change places; their line ends do not. */
static void
swap_lines(struct edit *e, int a, int b)
{
	size_t at_a, at_b, na = edit_bare(e, a, &at_a);
	size_t nb = edit_bare(e, b, &at_b);
	char *text_a = mem_dup_n(e->text + at_a, na);
	char *text_b = mem_dup_n(e->text + at_b, nb);

	/* The later one first: the other's place stays. */
	edit_splice(e, at_b, nb, text_a, na);
	edit_splice(e, at_a, na, text_b, nb);
	free(text_a);
	free(text_b);
}

int
edit_move(struct edit *e, enum config_section_kind kind, const char *name,
    const char *key, size_t from, size_t to, struct error *err)
{
	const struct config_section *sec;
	struct edit_before before;
	size_t count, i, j;

	if ((sec = need_section(e, kind, name, err)) == NULL)
		return -1;
	find_entry(sec, key, 0, &count);
	if (from >= count || to >= count)
		return error_set(err, "%s has only %zu values", key, count);
	if (edit_begin(e, &before, err) == -1)
		return -1;
	for (i = from; i != to; i = j) {
		j = i < to ? i + 1 : i - 1;
		swap_lines(e, find_entry(sec, key, i < j ? i : j, NULL)->line,
		    find_entry(sec, key, i < j ? j : i, NULL)->line);
	}
	return edit_end(e, &before, edit_reread(e, err));
}

/*
 * --- Values -----------------------------------------------------------
 */

int
edit_value_check(enum config_section_kind kind, const char *name,
    const char *value, const char *folder, struct error *err)
{
	const struct config_key *key = config_key_find(config_keys(kind), name);
	/* A line, so that a file's own rules hold. */
	const struct value_from from = {.folder = folder, .line = 1};
	union {
		struct config_vm vm;
		struct config_switch sw;
		struct config_global global;
	} base;
	int r;

	if (kind == CONFIG_KEYS || kind == CONFIG_THEME)
		return 0;
	if (check_words(kind, name, value, err) == -1)
		return -1;
	memset(&base, 0, sizeof base);
	r = value_set(key, &base, value, &from, err);
	value_free(key, &base);
	return r;
}

char *
edit_quote(const char *path, struct error *err)
{
	if (strchr(path, '"') != NULL || strpbrk(path, "\r\n") != NULL ||
	    strstr(path, " ;") != NULL || strstr(path, "\t;") != NULL) {
		error_set(err,
		    "%s cannot be written in a configuration because of the "
		    "\" or \" ;\" in it: rename it",
		    path);
		return NULL;
	}
	if (*path == '\0' || *path == ' ' || path[strlen(path) - 1] == ' ' ||
	    strpbrk(path, ",#;='\t") != NULL)
		return mem_printf("\"%s\"", path);
	return mem_dup(path);
}
