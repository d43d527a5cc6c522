/*
 * config/edit: whatever is done to a file through the writer, what it then
 * says is what the same edits make of the model, and every line that was not
 * concerned is the same bytes.
 */
#include <stdlib.h>
#include <string.h>

#include "tests/unit/edit_world.h"
#include "config/diff.h"
#include "config/source.h"

#define ROUNDS 4000
#define STEPS  14

/*
 * --- One step, in the text and in memory --------------------------------
 */

static void
step_set(struct world *w, struct edit *e)
{
	struct part *p = &w->part[below(w->parts)];
	const char *key = random_key(p->kind);
	size_t n = count(p, key), nth;
	char value[160];
	struct error err;
	struct line *l;

	if (p->lines == ENTRIES)
		return;
	nth = repeats(p->kind, key) ? below(n + 1) : 0;
	random_value(p->kind, key, value, sizeof value);
	assert_int_equal(
	    edit_set(e, p->kind, p->name, key, nth, value, &err), 0);
	if (nth < n) {
		l = &p->line[nth_line(p, key, nth)];
	} else {
		l = &p->line[p->lines++];
		memset(l, 0, sizeof *l);
		snprintf(l->key, sizeof l->key, "%s", key);
	}
	snprintf(l->value, sizeof l->value, "%s", value);
}

static void
step_remove(struct world *w, struct edit *e)
{
	struct part *p = &w->part[below(w->parts)];
	char key[24];
	struct error err;
	size_t nth;

	if (p->lines == 0)
		return;
	snprintf(key, sizeof key, "%s", p->line[below(p->lines)].key);
	nth = below(count(p, key));
	assert_int_equal(edit_remove(e, p->kind, p->name, key, nth, &err), 0);
	drop_line(p, nth_line(p, key, nth));
}

static void
step_move(struct world *w, struct edit *e)
{
	struct part *p = &w->part[below(w->parts)];
	char key[24];
	struct error err;
	size_t n, from, to, i;
	struct line l;

	if (p->lines == 0)
		return;
	snprintf(key, sizeof key, "%s", p->line[below(p->lines)].key);
	n = count(p, key);
	from = below(n);
	to = below(n);
	assert_int_equal(
	    edit_move(e, p->kind, p->name, key, from, to, &err), 0);
	for (i = from; i != to; i += i < to ? 1 : -1) {
		size_t a = nth_line(p, key, i);
		size_t b = nth_line(p, key, i < to ? i + 1 : i - 1);

		l = p->line[a];
		p->line[a] = p->line[b];
		p->line[b] = l;
	}
}

static void
step_add(struct world *w, struct edit *e)
{
	enum config_section_kind kind = below(2) ? CONFIG_VM : CONFIG_SWITCH;
	const char *name = kind == CONFIG_VM ? vm_name() : switch_name();
	bool there = has_part(w, kind, name);
	struct error err;
	struct part *p;
	size_t i, at = w->parts;

	if (w->parts == SECTIONS)
		return;
	assert_int_equal(edit_section_add(e, kind, name, &err), there ? -1 : 0);
	if (there)
		return;
	for (i = 0; i < w->parts; i++)
		if (w->part[i].kind == kind)
			at = i + 1;
	p = &w->part[at];
	memmove(p + 1, p, (w->parts++ - at) * sizeof *p);
	memset(p, 0, sizeof *p);
	p->kind = kind;
	snprintf(p->name, sizeof p->name, "%s", name);
}

/* Words of a value, as the generator makes them. */
static void
without(char *value, const char *option)
{
	char *at = strstr(value, option), *end;

	if (at == NULL)
		return;
	end = at + strcspn(at, ",");
	if (*end == ',')
		memmove(at, end + 2, strlen(end + 2) + 1);
	else
		*(at >= value + 2 ? at - 2 : at) = '\0';
}

static void
step_clone(struct world *w, struct edit *e)
{
	size_t from = below(w->parts), i;
	struct part *old = &w->part[from], *p = old + 1;
	bool vm = old->kind == CONFIG_VM;
	const char *name = vm ? vm_name() : switch_name();
	bool there = has_part(w, old->kind, name);
	struct error err;

	if (w->parts == SECTIONS)
		return;
	assert_int_equal(
	    edit_section_clone(e, old->kind, old->name, name, &err),
	    there ? -1 : 0);
	if (there)
		return;
	memmove(p + 1, p, (w->parts++ - from - 1) * sizeof *p);
	*p = *old;
	snprintf(p->name, sizeof p->name, "%s", name);
	p->before = mem_dup(old->before);
	p->behind = mem_dup(old->behind);
	for (i = 0; i < p->lines; i++) {
		p->line[i].before = mem_dup(p->line[i].before);
		p->line[i].behind = mem_dup(p->line[i].behind);
	}
	for (i = p->lines; i-- > 0;) {
		if (!vm && strcmp(p->line[i].key, "locked") != 0) {
			drop_line(p, i);
		} else if (strcmp(p->line[i].key, "interface") == 0) {
			without(p->line[i].value, "lladdr=");
			without(p->line[i].value, "tap=");
			if (p->line[i].value[0] == '\0')
				drop_line(p, i);
		}
	}
}

static void
swap_word(
    char *value, size_t len, const char *word, const char *from, const char *to)
{
	char old[80], *at, rest[160];
	size_t n;

	snprintf(old, sizeof old, "%s%s", word, from);
	n = strlen(old);
	at = strstr(value, old);
	if (at == NULL || (at[n] != '\0' && at[n] != ',' && at[n] != '"'))
		return;
	snprintf(rest, sizeof rest, "%s", at + n);
	snprintf(at, len - (size_t)(at - value), "%s%s%s", word, to, rest);
}

static void
step_rename(struct world *w, struct edit *e)
{
	struct part *p = &w->part[below(w->parts)], *q;
	const char *to = p->kind == CONFIG_VM ? vm_name() : switch_name();
	bool there = has_part(w, p->kind, to);
	struct error err;
	size_t i, j;
	char *v;

	assert_int_equal(
	    edit_section_rename(e, p->kind, p->name, to, &err), there ? -1 : 0);
	if (there)
		return;
	for (i = 0; i < w->parts; i++) {
		q = &w->part[i];
		for (j = 0; j < q->lines && q->kind == CONFIG_VM; j++) {
			v = q->line[j].value;
			if (p->kind == CONFIG_SWITCH &&
			    strcmp(q->line[j].key, "interface") == 0)
				swap_word(v, sizeof q->line[j].value,
				    "switch=", p->name, to);
			else if (p->kind == CONFIG_VM &&
			    strcmp(q->line[j].key, "instance-of") == 0 &&
			    strncmp(
				v + (*v == '"'), p->name, strlen(p->name)) == 0)
				swap_word(v, sizeof q->line[j].value,
				    *v == '"' ? "\"" : "", p->name, to);
		}
	}
	snprintf(p->name, sizeof p->name, "%s", to);
}

static void
step_drop(struct world *w, struct edit *e)
{
	size_t at = below(w->parts);
	struct part *p = &w->part[at];
	struct error err;

	assert_int_equal(edit_section_remove(e, p->kind, p->name, &err), 0);
	w->gone |= p->homes;
	drop_part(w, at);
}

static void
step_order(struct world *w, struct edit *e)
{
	size_t from = below(w->parts), to = below(w->parts + 1);
	struct part *p = &w->part[from], *q = &w->part[to], moved = *p;
	struct error err;

	assert_int_equal(
	    edit_section_move(e, p->kind, p->name,
		to < w->parts ? q->kind : CONFIG_VM,
		to < w->parts ? q->name : NULL, to == w->parts, &err),
	    0);
	if (to == from)
		return;
	memmove(p, p + 1, (w->parts - from - 1) * sizeof *p);
	if (to > from)
		to--;
	q = &w->part[to];
	memmove(q + 1, q, (w->parts - 1 - to) * sizeof *q);
	*q = moved;
}

/*
 * --- What must hold ---------------------------------------------------
 */

static void
show(const char *what, const char *a, size_t n)
{
	printf("# %s:\n%.*s\n# end\n", what, (int)n, a);
}

static bool
is_comment(const struct world *w, const char *line, size_t n, bool *seen)
{
	size_t i;

	for (i = 0; i < w->comments; i++)
		if (strlen(w->comment[i].text) == n &&
		    memcmp(w->comment[i].text, line, n) == 0) {
			seen[i] = true;
			return true;
		}
	return false;
}

/* The part and the value that stand in a line of what was read. */
static bool
is_said(const struct world *w, const struct config *read, int line,
    const char *text, size_t n)
{
	const struct config_section *sec;
	const struct part *p;
	const struct line *l;
	size_t i, j, k, nth;
	char want[400];

	for (i = 0; i < read->nsections; i++) {
		sec = &read->sections[i];
		p = &w->part[i];
		if (sec->line == line) {
			snprintf(want, sizeof want, "%s%s%s",
			    p->before != NULL ? p->before : "", p->name,
			    p->behind != NULL ? p->behind : "");
			return p->before == NULL ||
			    (strlen(want) == n && memcmp(want, text, n) == 0);
		}
		for (j = 0; j < sec->nentries; j++) {
			if (sec->entries[j].line != line)
				continue;
			for (k = nth = 0; k < j; k++)
				nth += strcmp(sec->entries[k].key,
					   sec->entries[j].key) == 0;
			l = &p->line[nth_line(p, sec->entries[j].key, nth)];
			if (strcmp(l->value, sec->entries[j].value) != 0)
				return false;
			if (l->before == NULL)
				return true;
			snprintf(want, sizeof want, "%s%s%s", l->before,
			    l->value, l->behind);
			return strlen(want) == n && memcmp(want, text, n) == 0;
		}
	}
	return false;
}

/* Every line of the text is one that must be there. */
static void
check_lines(const struct world *w, const struct config *read, const char *text,
    size_t len)
{
	bool seen[COMMENTS] = {false};
	const char *p = text, *nl;
	size_t n, i;
	int line = 1;

	if (len >= 3 && memcmp(p, "\xef\xbb\xbf", 3) == 0)
		p += 3;
	for (; p < text + len; p = nl + 1, line++) {
		nl = memchr(p, '\n', (size_t)(text + len - p));
		if (nl == NULL)
			nl = text + len;
		else if (!w->mixed &&
		    (w->eol[0] == '\r') != (nl > p && nl[-1] == '\r')) {
			show("another line end", p, (size_t)(nl - p));
			fail();
		}
		n = (size_t)(nl - p) - (nl > p && nl[-1] == '\r');
		for (i = 0; i < n && strchr(" \t", p[i]) != NULL; i++)
			;
		if (i == n || is_comment(w, p, n, seen) ||
		    is_said(w, read, line, p, n))
			continue;
		show("text", text, len);
		show("a line that is not as it was", p, n);
		fail();
	}
	for (i = 0; i < w->comments; i++) {
		if (seen[i] || (w->gone & w->comment[i].homes) != 0)
			continue;
		show("text", text, len);
		show("lost", w->comment[i].text, strlen(w->comment[i].text));
		fail();
	}
}

/* The sections and values are those in memory. */
static void
check_said(const struct world *w, const struct config *read)
{
	const struct config_section *sec;
	const struct part *p;
	size_t i;

	assert_int_equal(read->nsections, w->parts);
	for (i = 0; i < w->parts; i++) {
		sec = &read->sections[i];
		p = &w->part[i];
		assert_int_equal(sec->kind, p->kind);
		assert_string_equal(sec->name, p->name);
		assert_int_equal(sec->nentries, p->lines);
	}
}

static void
differs(const struct config_change *change, void *arg)
{
	*(bool *)arg = true;
}

/* The same model as the plainest file that says what is in memory. */
static bool
check_model(const struct world *w, const struct edit *e)
{
	static struct text plain;
	struct config_mistakes ms = {0}, other = {0};
	struct config *a, *b;
	const struct part *p;
	bool differ = false, good;
	size_t i, j;

	plain.n = 0;
	for (i = 0; i < w->parts; i++) {
		p = &w->part[i];
		put(&plain, p->kind == CONFIG_VM ? "[vm " : "[switch ");
		put(&plain, p->name);
		put(&plain, "]\n");
		for (j = 0; j < p->lines; j++) {
			put(&plain, p->line[j].key);
			put(&plain, " = ");
			put(&plain, p->line[j].value);
			put(&plain, "\n");
		}
	}
	good = edit_check(e, &a, &ms) == 0;
	assert_int_equal(
	    config_load_string(plain.s, plain.n, edit_path(e), &b, &other),
	    good ? 0 : -1);
	assert_int_equal(ms.count, other.count);
	if (good) {
		config_diff(a, b, differs, &differ);
		config_diff(b, a, differs, &differ);
	}
	assert_false(differ);
	config_free(a);
	config_free(b);
	config_mistakes_clear(&ms);
	config_mistakes_clear(&other);
	return good;
}

static void
check_all(const struct world *w, const struct edit *e)
{
	struct config *read = mem_zeroed(sizeof *read);
	struct config_mistakes ms = {0};
	const char *text;
	size_t len;

	text = edit_text(e, &len);
	source_read(text, len, read, &ms);
	assert_int_equal(ms.count, 0);
	check_said(w, read);
	check_lines(w, read, text, len);
	config_free(read);
}

static void
test_edit_random_sequences_change_only_what_they_say(void **state)
{
	static void (*const steps[])(struct world *, struct edit *) = {step_set,
	    step_set, step_set, step_remove, step_move, step_add, step_clone,
	    step_rename, step_drop, step_order};
	static struct world w;
	static struct text t;
	size_t round, i, which, good = 0;
	struct edit *e;

	for (round = 0; round < ROUNDS; round++) {
		make_world(&w, &t);
		e = edit_new("/f", t.s, t.n);
		check_all(&w, e);
		for (i = below(STEPS); i > 0; i--) {
			which = w.parts == 0
			    ? 5
			    : below(sizeof steps / sizeof *steps);
			steps[which](&w, e);
			check_all(&w, e);
		}
		good += check_model(&w, e);
		edit_free(e);
		while (w.parts > 0)
			drop_part(&w, w.parts - 1);
	}
	/* Both kinds of file have been seen often. */
	assert_in_range(good, ROUNDS / 20, ROUNDS - ROUNDS / 20);
}

/* What is refused leaves every byte as it was. */
static void
test_edit_refused_values_leave_the_text_as_it_was(void **state)
{
	static const char *const bad[] = {"a ; b", ";x", "a\nb = c", "\r",
	    "a\t;", "\xff", "\x01", "a\n[vm z]"};
	static struct world w;
	static struct text t;
	struct error err;
	size_t round, i, len;
	struct edit *e;
	char *longest = mem_zeroed(300);

	memset(longest, 'x', 250);
	for (round = 0; round < 300; round++) {
		make_world(&w, &t);
		e = edit_new("/f", t.s, t.n);
		for (i = 0; i <= sizeof bad / sizeof *bad; i++) {
			const char *value =
			    i < sizeof bad / sizeof *bad ? bad[i] : longest;
			const struct part *p = w.parts > 0 ? &w.part[0] : NULL;

			if (p == NULL)
				break;
			err.text[0] = '\0';
			assert_int_equal(
			    edit_set(e, p->kind, p->name,
				p->kind == CONFIG_VM ? "cmdline" : "add", 0,
				value, &err),
			    -1);
			assert_true(err.text[0] != '\0');
			assert_memory_equal(edit_text(e, &len), t.s, t.n);
			assert_int_equal(len, t.n);
		}
		edit_free(e);
		while (w.parts > 0)
			drop_part(&w, w.parts - 1);
	}
	free(longest);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(
		test_edit_random_sequences_change_only_what_they_say),
	    cmocka_unit_test(test_edit_refused_values_leave_the_text_as_it_was),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
