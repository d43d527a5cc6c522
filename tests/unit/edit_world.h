/*
 * edit_world.h: files to edit, and what they say in memory: a list of sections
 * with their values. Each line of a generated file carries a number, so that it
 * can be found again. For test_edit_random.c.
 */
#ifndef TESTS_UNIT_EDIT_WORLD_H
#define TESTS_UNIT_EDIT_WORLD_H

#include <stdlib.h>
#include <string.h>

#include "tests/unit/unit.h"
#include "config/edit.h"
#include "config/mem.h"

#define SECTIONS 40
#define ENTRIES  60
#define COMMENTS 200

struct line {
	char key[24];
	char value[160];
	/* How its line looks around the value; NULL: the writer made it. */
	char *before, *behind;
};

struct part {
	enum config_section_kind kind;
	char name[40]; /* "" for none */
	char *before, *behind; /* around the name in its title */
	struct line line[ENTRIES];
	size_t lines;
	unsigned homes; /* bits: comments of these homes may be in it */
};

struct comment {
	char text[48];
	/* Bits of the parts of the beginning that it may go with; 0: none. */
	unsigned homes;
};

struct world {
	struct part part[SECTIONS];
	size_t parts;
	struct comment comment[COMMENTS];
	size_t comments;
	unsigned gone; /* homes that were removed */
	const char *eol;
	bool mixed;
};

static uint64_t seed = 0x9e3779b97f4a7c15;
static unsigned ids;

static size_t
below(size_t n)
{
	seed ^= seed << 13;
	seed ^= seed >> 7;
	seed ^= seed << 17;
	return (size_t)(seed >> 16) % n;
}

/*
 * --- Making a file ----------------------------------------------------
 */

struct text {
	char s[32768];
	size_t n;
};

static void
put(struct text *t, const char *s)
{
	size_t n = strlen(s);

	assert_true(t->n + n < sizeof t->s);
	memcpy(t->s + t->n, s, n + 1);
	t->n += n;
}

static void
end_line(struct world *w, struct text *t)
{
	put(t, w->mixed ? (below(2) ? "\n" : "\r\n") : w->eol);
}

static const char *
switch_name(void)
{
	static const char *const names[] = {"s", "sw1", "lan", "very-long.sw"};

	return names[below(4)];
}

static const char *
vm_name(void)
{
	static const char *const names[] = {"a", "b", "web1", "web10", "c.d"};

	return names[below(5)];
}

static void
vm_value(const char *key, char *buf, size_t len)
{
	unsigned n = (unsigned)below(250) + 1;
	size_t how = below(7);

	if (strcmp(key, "memory") == 0)
		snprintf(buf, len, "%uM", n + 2);
	else if (strcmp(key, "cpus") == 0)
		snprintf(buf, len, "%u", n % 64 + 1);
	else if (strcmp(key, "cmdline") == 0)
		snprintf(buf, len, n % 2 ? "\"a=%u b: c\"" : "x=%u", n);
	else if (strcmp(key, "disk") == 0)
		snprintf(
		    buf, len, n % 2 ? "/d/%u.img" : "\"/d, %u\", readonly", n);
	else if (strcmp(key, "enable") == 0)
		snprintf(buf, len, "%s", n % 2 ? "yes" : "no");
	else if (strcmp(key, "instance-of") == 0)
		snprintf(buf, len, n % 2 ? "%s" : "\"%s\"", vm_name());
	else if (strcmp(key, "interface") != 0)
		snprintf(buf, len, "/k/%u", n);
	else if (how < 2)
		snprintf(
		    buf, len, how ? "user, forward=tcp:%u:22" : "local", n);
	else if (how == 2)
		snprintf(buf, len, "tap=t%u", n);
	else if (how == 3)
		snprintf(buf, len, "switch=%s", switch_name());
	else if (how == 4)
		snprintf(buf, len, "switch=%s, lladdr=02:00:00:00:00:%02x",
		    switch_name(), n);
	else if (how == 5)
		snprintf(buf, len, "lladdr=02:00:00:00:00:%02x, switch=%s", n,
		    switch_name());
	else
		snprintf(buf, len, "switch=%s, tap=t%u", switch_name(), n);
}

static void
switch_value(const char *key, char *buf, size_t len)
{
	unsigned n = (unsigned)below(200) + 1;

	if (strcmp(key, "address") == 0)
		snprintf(buf, len, "10.%u.0.1/24", n);
	else if (strcmp(key, "interface") == 0 || strcmp(key, "add") == 0)
		snprintf(buf, len, "if%u", n);
	else
		snprintf(buf, len, "%s", n % 2 ? "yes" : "no");
}

static const char *
random_key(enum config_section_kind kind)
{
	static const char *const vm[] = {"memory", "cpus", "cmdline", "disk",
	    "interface", "enable", "kernel", "instance-of", "disk",
	    "interface"};
	static const char *const sw[] = {
	    "add", "address", "interface", "nat", "locked", "add"};

	return kind == CONFIG_VM ? vm[below(10)] : sw[below(6)];
}

static void
random_value(
    enum config_section_kind kind, const char *key, char *buf, size_t len)
{
	if (kind == CONFIG_VM)
		vm_value(key, buf, len);
	else
		switch_value(key, buf, len);
}

static const char *
blanks(void)
{
	static const char *const some[] = {
	    "", " ", "\t", "   ", " ", "", "        "};

	return some[below(7)];
}

static size_t
count(const struct part *p, const char *key)
{
	size_t i, n = 0;

	for (i = 0; i < p->lines; i++)
		n += strcmp(p->line[i].key, key) == 0;
	return n;
}

/* The index among all of the nth line of a key. */
static size_t
nth_line(const struct part *p, const char *key, size_t nth)
{
	size_t i;

	for (i = 0; i < p->lines; i++)
		if (strcmp(p->line[i].key, key) == 0 && nth-- == 0)
			return i;
	fail();
	return 0;
}

static bool
repeats(enum config_section_kind kind, const char *key)
{
	return config_key_find(config_keys(kind), key)->repeats;
}

static void
make_comment(struct world *w, struct text *t, unsigned homes)
{
	struct comment *c = &w->comment[w->comments++];

	assert_true(w->comments < COMMENTS);
	snprintf(c->text, sizeof c->text, "%s%c%s no. %u%s", blanks(),
	    below(2) ? '#' : ';', below(3) ? " memory = 1" : "", ++ids,
	    blanks());
	c->homes = homes;
	put(t, c->text);
	end_line(w, t);
}

static void
make_entry(struct world *w, struct text *t, struct part *p)
{
	struct line *l = &p->line[p->lines];
	const char *key = random_key(p->kind);

	if (!repeats(p->kind, key) && count(p, key) > 0)
		return;
	p->lines++;
	snprintf(l->key, sizeof l->key, "%s", key);
	random_value(p->kind, key, l->value, sizeof l->value);
	l->before = mem_printf("%s%s%s%c%s", blanks(), key, blanks(),
	    below(8) ? '=' : ':', blanks());
	l->behind =
	    mem_printf(below(3) ? "%s ; no. %u" : "%s", blanks(), ++ids);
	put(t, l->before);
	put(t, l->value);
	put(t, l->behind);
	end_line(w, t);
}

static bool
has_part(const struct world *w, enum config_section_kind kind, const char *name)
{
	size_t i;

	for (i = 0; i < w->parts; i++)
		if (w->part[i].kind == kind &&
		    strcmp(w->part[i].name, name) == 0)
			return true;
	return false;
}

static void
make_part(struct world *w, struct text *t)
{
	struct part *p = &w->part[w->parts];
	size_t i;

	memset(p, 0, sizeof *p);
	p->kind = below(3) ? CONFIG_VM : CONFIG_SWITCH;
	snprintf(p->name, sizeof p->name, "%s",
	    p->kind == CONFIG_VM ? vm_name() : switch_name());
	if (has_part(w, p->kind, p->name))
		return;
	p->homes = 1u << w->parts;
	if (below(3) == 0)
		make_comment(w, t, p->homes);
	p->before = mem_printf("%s[%s%s %s", blanks(), blanks(),
	    config_section_word(p->kind), blanks());
	p->behind = mem_printf(
	    below(2) ? "%s]%s ; no. %u" : "%s]%s", blanks(), blanks(), ++ids);
	put(t, p->before);
	put(t, p->name);
	put(t, p->behind);
	end_line(w, t);
	for (i = below(8); i > 0; i--) {
		if (below(6) == 0)
			/* As its last line, it may stand above the next. */
			make_comment(w, t, p->homes | p->homes << 1);
		if (below(8) == 0)
			end_line(w, t);
		make_entry(w, t, p);
	}
	w->parts++;
	if (below(4) == 0)
		return;
	end_line(w, t);
	if (below(4) == 0) {
		make_comment(w, t, 0);
		end_line(w, t);
	}
}

static void
make_world(struct world *w, struct text *t)
{
	size_t i, n = 1 + below(6);

	memset(w, 0, sizeof *w);
	t->n = 0;
	t->s[0] = '\0';
	w->eol = below(3) ? "\n" : "\r\n";
	w->mixed = below(6) == 0;
	if (below(6) == 0)
		put(t, "\xef\xbb\xbf");
	if (below(3) == 0)
		make_comment(w, t, 0);
	if (below(3) == 0)
		end_line(w, t);
	for (i = 0; i < n; i++)
		make_part(w, t);
	if (below(3) == 0 && t->n > 0 && t->s[t->n - 1] == '\n') {
		t->n--;
		if (t->n > 0 && t->s[t->n - 1] == '\r')
			t->n--;
	}
	/* A single line without an end does not say how lines end. */
	if (memchr(t->s, '\n', t->n) == NULL)
		w->eol = "\n";
}

static void
free_line(struct line *l)
{
	free(l->before);
	free(l->behind);
}

static void
drop_line(struct part *p, size_t at)
{
	free_line(&p->line[at]);
	memmove(&p->line[at], &p->line[at + 1],
	    (--p->lines - at) * sizeof *p->line);
}

static void
drop_part(struct world *w, size_t at)
{
	struct part *p = &w->part[at];

	while (p->lines > 0)
		drop_line(p, p->lines - 1);
	free(p->before);
	free(p->behind);
	memmove(p, p + 1, (--w->parts - at) * sizeof *p);
}

#endif
