/* Operations of an edit on whole sections. */
#include <stdlib.h>
#include <string.h>

#include "config/edit_text.h"
#include "config/mem.h"

/* A name that a new section may have. */
static int
check_new(const struct edit *e, enum config_section_kind kind, const char *name,
    struct error *err)
{
	bool named = kind == CONFIG_VM || kind == CONFIG_SWITCH;
	char title[80];

	if (named != (name != NULL))
		return error_set(err, "[%s] %s a name",
		    config_section_word(kind), named ? "needs" : "has not");
	if (named && config_name_check(name, err) == -1)
		return -1;
	if (edit_has(e, kind, name))
		return error_set(err, "there is %s already",
		    edit_title(kind, name, title, sizeof title));
	return 0;
}

static const struct config_section *
need(const struct edit *e, enum config_section_kind kind, const char *name,
    struct error *err)
{
	const struct config_section *sec = edit_section(e, kind, name);
	char title[80];

	if (sec == NULL)
		error_set(err, "%s is no longer in %s",
		    edit_title(kind, name, title, sizeof title), e->path);
	return sec;
}

static bool
blank_line(const struct edit *e, int line)
{
	size_t at, n = edit_bare(e, line, &at);

	return line < 1 || strspn(e->text + at, " \t") >= n;
}

/*
 * Puts bytes, whole lines but perhaps for the last one's end, in front of a
 * line, with a blank line between them and others.
 */
static void
insert_apart(struct edit *e, int line, const char *lines)
{
	bool above = line > 1 && !blank_line(e, line - 1);
	bool below = line <= edit_lines(e) && !blank_line(e, line);
	size_t n = strlen(lines), at = edit_offset(e, line);
	const char *end = edit_line_end(e, at);
	bool open = line > 1 && e->text[at - 1] != '\n';
	char *all;

	all = mem_printf("%s%s%s%s%s", open ? end : "", above ? end : "", lines,
	    n > 0 && lines[n - 1] == '\n' ? "" : end, below ? end : "");
	edit_splice(e, at, 0, all, strlen(all));
	free(all);
}

/* The lines of a block, byte for byte; for free(). */
static char *
lines_of(const struct edit *e, int first, int last)
{
	size_t at = edit_offset(e, first);

	return mem_dup_n(e->text + at, edit_offset(e, last) - at);
}

/*
 * Takes a block out; at the end of the file, the blank lines above it too. A
 * blank line below it stays where there is none above, to keep apart what it
 * kept apart.
 */
static void
cut_block(struct edit *e, const struct edit_block *b)
{
	int first = b->head, end = b->end;

	if (end > edit_lines(e)) {
		while (first > 1 && blank_line(e, first - 1))
			first--;
	} else if (first > 1 && !blank_line(e, first - 1) && end > b->tail)
		end--;
	edit_cut(e, first, end);
}

int
edit_section_add(struct edit *e, enum config_section_kind kind,
    const char *name, struct error *err)
{
	struct edit_before before;
	struct edit_block b;
	char title[80];
	int line = edit_lines(e) + 1;
	size_t i;

	if (check_new(e, kind, name, err) == -1 ||
	    edit_begin(e, &before, err) == -1)
		return -1;
	for (i = 0; i < e->read->nsections; i++) {
		if (e->read->sections[i].kind != kind)
			continue;
		b = edit_block(e, &e->read->sections[i]);
		line = b.tail;
	}
	insert_apart(e, line, edit_title(kind, name, title, sizeof title));
	return edit_end(e, &before, edit_reread(e, err));
}

/*
 * --- Names ------------------------------------------------------------
 */

/* Puts another name between "[vm " and "]". */
static void
change_title(
    struct edit *e, int line, enum config_section_kind kind, const char *to)
{
	size_t at, n, from, end;
	const char *p;

	n = edit_bare(e, line, &at);
	p = e->text + at;
	for (from = 0; from < n && p[from] != '['; from++)
		;
	for (from++; p[from] == ' ' || p[from] == '\t'; from++)
		;
	from += strlen(config_section_word(kind));
	while (p[from] == ' ' || p[from] == '\t')
		from++;
	for (end = from; end < n && p[end] != ']'; end++)
		;
	while (end > from && (p[end - 1] == ' ' || p[end - 1] == '\t'))
		end--;
	edit_splice(e, at + from, end - from, to, strlen(to));
}

/*
 * The place of an option's word in an interface's value, from its name up to
 * the comma behind its value: -1 if it has none.
 */
static int
find_option(const char *value, const char *option, size_t *at, size_t *n)
{
	size_t i = 0, end, q, len = strlen(option);
	bool quoted = false;

	while (value[i] != '\0') {
		i += strspn(value + i, " \t");
		for (end = i; value[end] != '\0'; end++) {
			if (value[end] == '"')
				quoted = !quoted;
			if (value[end] == ',' && !quoted)
				break;
		}
		q = value[i] == '"';
		if (strncmp(value + i + q, option, len) == 0 &&
		    strchr(" \t=\"", value[i + q + len]) != NULL) {
			*at = i;
			*n = end - i;
			return 0;
		}
		i = end + (value[end] != '\0');
	}
	return -1;
}

/* The value with the switch renamed in it, or NULL; for free(). */
static char *
renamed_plug(const char *value, const char *from, const char *to)
{
	size_t at, n, eq, len = strlen(from);

	if (find_option(value, "switch", &at, &n) == -1)
		return NULL;
	eq = at + strcspn(value + at, "=");
	if (value[eq] == '\0')
		return NULL;
	eq++;
	eq += strspn(value + eq, " \t\"");
	if (eq + len > at + n || strncmp(value + eq, from, len) != 0 ||
	    (eq + len < at + n && strchr(" \t\"", value[eq + len]) == NULL))
		return NULL;
	return mem_printf("%.*s%s%s", (int)eq, value, to, value + eq + len);
}

/* What a line that names the section says afterwards; NULL: nothing else. */
static char *
renamed_value(const struct config_entry *entry, enum config_section_kind kind,
    const char *from, const char *to)
{
	const char *v = entry->value;
	size_t len = strlen(from);

	if (kind == CONFIG_SWITCH && strcmp(entry->key, "interface") == 0)
		return renamed_plug(v, from, to);
	if (kind == CONFIG_VM && strcmp(entry->key, "instance-of") == 0) {
		if (strcmp(v, from) == 0)
			return mem_dup(to);
		if (*v == '"' && strncmp(v + 1, from, len) == 0 &&
		    strcmp(v + 1 + len, "\"") == 0)
			return mem_printf("\"%s\"", to);
	}
	return NULL;
}

/* The lines of guests that name the section; they stay as many. */
static void
rename_references(struct edit *e, enum config_section_kind kind,
    const char *from, const char *to)
{
	const struct config_section *sec;
	size_t i, j, at, n;
	char *value;
	bool bare;

	for (i = 0; i < e->read->nsections; i++) {
		sec = &e->read->sections[i];
		for (j = 0; sec->kind == CONFIG_VM && j < sec->nentries; j++) {
			value = renamed_value(&sec->entries[j], kind, from, to);
			if (value == NULL)
				continue;
			edit_value_place(
			    e, sec->entries[j].line, &at, &n, &bare);
			edit_splice(e, at, n, value, strlen(value));
			free(value);
		}
	}
}

int
edit_section_rename(struct edit *e, enum config_section_kind kind,
    const char *name, const char *to, struct error *err)
{
	const struct config_section *sec;
	struct edit_before before;

	if ((sec = need(e, kind, name, err)) == NULL ||
	    check_new(e, kind, to, err) == -1 ||
	    edit_begin(e, &before, err) == -1)
		return -1;
	change_title(e, sec->line, kind, to);
	rename_references(e, kind, name, to);
	return edit_end(e, &before, edit_reread(e, err));
}

/*
 * --- Whole blocks -----------------------------------------------------
 */

/* The block, less what begins the file: that is about the file. */
static struct edit_block
own_block(const struct edit *e, const struct config_section *sec)
{
	struct edit_block b = edit_block(e, sec);

	if (b.head == 1)
		b.head = b.line;
	return b;
}

int
edit_section_remove(struct edit *e, enum config_section_kind kind,
    const char *name, struct error *err)
{
	const struct config_section *sec;
	struct edit_before before;
	struct edit_block b;

	if ((sec = need(e, kind, name, err)) == NULL ||
	    edit_begin(e, &before, err) == -1)
		return -1;
	b = own_block(e, sec);
	cut_block(e, &b);
	return edit_end(e, &before, edit_reread(e, err));
}

/* Takes an option and the comma beside it out of a value; for free(). */
static char *
without_option(char *value, const char *option)
{
	size_t at, n, end;
	char *rest;

	if (find_option(value, option, &at, &n) == -1)
		return value;
	end = at + n;
	if (value[end] == ',') {
		end++;
		end += strspn(value + end, " \t");
	} else {
		while (at > 0 && strchr(", \t", value[at - 1]) != NULL)
			at--;
	}
	rest = mem_printf("%.*s%s", (int)at, value, value + end);
	free(value);
	return rest;
}

/* Leaves out of a copy what only one may have; its lines may become fewer. */
static void
make_different(struct edit *e, const struct config_section *sec)
{
	static const char *const alone[] = {
	    "interface", "add", "address", "nat"};
	const struct config_entry *entry;
	size_t i, j, at, n;
	char *value;
	bool bare, cut;

	/* From the last: the lines above stay where they are. */
	for (i = sec->nentries; i-- > 0;) {
		entry = &sec->entries[i];
		cut = false;
		for (j = 0; sec->kind == CONFIG_SWITCH && j < 4; j++)
			cut |= strcmp(entry->key, alone[j]) == 0;
		if (cut)
			edit_cut(e, entry->line, entry->line + 1);
		if (sec->kind != CONFIG_VM ||
		    strcmp(entry->key, "interface") != 0)
			continue;
		value = without_option(mem_dup(entry->value), "lladdr");
		value = without_option(value, "tap");
		edit_value_place(e, entry->line, &at, &n, &bare);
		/* Nothing but a tap: what is left is no interface. */
		if (*value == '\0')
			edit_cut(e, entry->line, entry->line + 1);
		else if (strcmp(value, entry->value) != 0)
			edit_splice(e, at, n, value, strlen(value));
		free(value);
	}
}

int
edit_section_clone(struct edit *e, enum config_section_kind kind,
    const char *name, const char *to, struct error *err)
{
	const struct config_section *sec;
	struct edit_before before;
	struct edit_block b;
	char *text, *own;
	int r;

	if ((sec = need(e, kind, name, err)) == NULL ||
	    check_new(e, kind, to, err) == -1 ||
	    edit_begin(e, &before, err) == -1)
		return -1;
	/* The name may be from edit_name(). */
	own = mem_dup(name);
	b = edit_block(e, sec);
	text = lines_of(e, b.line, b.tail);
	insert_apart(e, b.tail, text);
	free(text);
	/* The copy is found as the second of its name, then gets its own. */
	r = edit_reread(e, err);
	if (r == 0) {
		sec = edit_section(e, kind, own) + 1;
		make_different(e, sec);
		change_title(e, sec->line, kind, to);
		r = edit_reread(e, err);
	}
	free(own);
	return edit_end(e, &before, r);
}

int
edit_section_move(struct edit *e, enum config_section_kind kind,
    const char *name, enum config_section_kind before_kind, const char *other,
    bool to_end, struct error *err)
{
	const struct config_section *sec, *next = NULL;
	struct edit_before before;
	struct edit_block b;
	char *text;
	int line;

	if ((sec = need(e, kind, name, err)) == NULL ||
	    (!to_end && (next = need(e, before_kind, other, err)) == NULL))
		return -1;
	if (next == sec)
		return 0;
	if (edit_begin(e, &before, err) == -1)
		return -1;
	b = own_block(e, sec);
	line = next == NULL ? edit_lines(e) + 1 : own_block(e, next).head;
	text = lines_of(e, b.head, b.tail);
	/* The later place first, so that the other one stays where it is. */
	if (line >= b.end) {
		insert_apart(e, line, text);
		cut_block(e, &b);
	} else {
		cut_block(e, &b);
		insert_apart(e, line, text);
	}
	free(text);
	return edit_end(e, &before, edit_reread(e, err));
}
