/*
 * inih takes a line apart; what it does not do is done around it, one line at
 * a time. As of version 55 it
 *
 *	- cuts lines over 199 bytes and sections over 49 silently,
 *	- takes an indented "key = value" as more of the value above,
 *	- tells of the first bad line only, and of no empty section,
 *	- ignores what stands behind a "]",
 *	- begins a comment at " ;", also in the middle of quotes.
 *
 * Each line is therefore checked here, then given to inih alone, without the
 * blanks around it. To learn the name of a section from inih, an entry with a
 * name that no file can have is put behind its line.
 */
#include <ini.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "config/mem.h"
#include "config/mistake.h"
#include "config/source.h"

#define PROBE        "\001"
#define SECTION_MAX  49 /* inih's MAX_SECTION less its zero */
#define ENTRIES_MAX  1000 /* a section */
#define SECTIONS_MAX (CONFIG_VMS_MAX + CONFIG_SWITCHES_MAX)

struct source {
	struct config *cfg;
	struct config_mistakes *ms;
	int line;
	const char *text; /* of the line */
	enum {
		NOWHERE, /* before the first section */
		LOST, /* in a section that is a mistake itself */
		INSIDE /* the last one of cfg->sections */
	} where;
	bool foreign; /* said that the file looks like vm.conf(5) */
	size_t counts[CONFIG_SECTIONS];
	/* What inih asks for next, and what it made of it. */
	const char *feed[2];
	char *section, *name, *value;
};

static char *
feed_line(char *buf, int len, void *arg)
{
	struct source *s = arg;
	const char *line = s->feed[0];

	/* Another inih may have been built with a shorter line. */
	if (line == NULL || strlen(line) >= (size_t)len)
		return NULL;
	s->feed[0] = s->feed[1];
	s->feed[1] = NULL;
	return memcpy(buf, line, strlen(line) + 1);
}

static int
take_entry(void *arg, const char *section, const char *name, const char *value)
{
	struct source *s = arg;

	if (s->name == NULL) {
		s->section = mem_dup(section);
		s->name = mem_dup(name);
		s->value = mem_dup(value);
	}
	return 1;
}

/*
 * Gives inih the line. Returns 0 with section, name and value in s (to be
 * freed by forget()), or -1 if inih cannot read it.
 */
static int
parse_line(struct source *s, const char *line, const char *probe)
{
	s->feed[0] = line;
	s->feed[1] = probe;
	return ini_parse_stream(feed_line, s, take_entry, s) == 0 &&
		s->name != NULL
	    ? 0
	    : -1;
}

static void
forget(struct source *s)
{
	free(s->section);
	free(s->name);
	free(s->value);
	s->section = s->name = s->value = NULL;
}

/*
 * The length of the UTF-8 character at p, which has len bytes left; 0 if it
 * is none or a control character other than a tab (RFC 3629; U+0080 to U+009F
 * control terminals as well).
 */
static size_t
utf8_length(const unsigned char *p, size_t len)
{
	size_t n, i;
	unsigned c;

	if (p[0] < 0x80)
		return (p[0] >= 0x20 && p[0] != 0x7f) || p[0] == '\t';
	if (p[0] < 0xc2 || p[0] > 0xf4)
		return 0;
	n = p[0] < 0xe0 ? 2 : p[0] < 0xf0 ? 3 : 4;
	if (n > len)
		return 0;
	c = p[0] & (0xffU >> (n + 1));
	for (i = 1; i < n; i++) {
		if ((p[i] & 0xc0) != 0x80)
			return 0;
		c = c << 6 | (p[i] & 0x3f);
	}
	if (c < 0xa0 || (n == 3 && c < 0x800) || (n == 4 && c < 0x10000) ||
	    (c >= 0xd800 && c < 0xe000) || c > 0x10ffff)
		return 0;
	return n;
}

/* Whether the line is text that can be shown and stored. */
static bool
check_bytes(struct source *s, const char *line, size_t len)
{
	const unsigned char *p = (const unsigned char *)line;
	size_t i, n;

	for (i = 0; i < len; i += n) {
		n = utf8_length(p + i, len - i);
		if (n > 0)
			continue;
		if (p[i] < 0x20 || p[i] == 0x7f)
			mistake_add(s->ms, s->line,
			    "byte %zu of the line is 0x%02x, a control "
			    "character: remove it (is this a text file?)",
			    i + 1, p[i]);
		else
			mistake_add(s->ms, s->line,
			    "byte %zu of the line (0x%02x) is not UTF-8: save "
			    "the file as UTF-8",
			    i + 1, p[i]);
		return false;
	}
	return true;
}

/* Where a comment behind a value begins, or NULL. */
static char *
find_comment(char *line)
{
	char *p;

	for (p = line; *p != '\0'; p++)
		if ((*p == ' ' || *p == '\t') && p[1] == ';')
			return p;
	return NULL;
}

/* Makes the line one that inih holds; only a long comment may be lost. */
static bool
check_length(struct source *s, char *line)
{
	char *comment;

	if (strlen(line) <= CONFIG_LINE_MAX)
		return true;
	comment = find_comment(line);
	if (comment != NULL && comment - line <= CONFIG_LINE_MAX) {
		*comment = '\0';
		return true;
	}
	if (strncmp(line, "cmdline", 7) == 0)
		mistake_add(s->ms, s->line,
		    "the line has %zu bytes, and %d is the most: continue the "
		    "command line with another cmdline = below, they are "
		    "joined with a space",
		    strlen(line), CONFIG_LINE_MAX);
	else
		mistake_add(s->ms, s->line,
		    "the line has %zu bytes, and %d is the most: shorten it (a "
		    "path may begin with ~/ or at the folder of this file)",
		    strlen(line), CONFIG_LINE_MAX);
	return false;
}

static char *
trim(char *s)
{
	size_t n;

	s += strspn(s, " \t");
	for (n = strlen(s); n > 0 && strchr(" \t", s[n - 1]) != NULL; n--)
		;
	s[n] = '\0';
	if (n >= 2 && s[0] == '"' && s[n - 1] == '"') {
		s[n - 1] = '\0';
		s++;
	}
	return s;
}

static int
section_kind(const char *word, enum config_section_kind *kind)
{
	int i;

	for (i = 0; i < CONFIG_SECTIONS; i++) {
		if (strcmp(word, config_section_word(i)) == 0) {
			*kind = (enum config_section_kind)i;
			return 0;
		}
	}
	return -1;
}

static void
unknown_section(struct source *s, const char *word, const char *name)
{
	const char *words[CONFIG_SECTIONS + 1] = {NULL};
	const char *near;
	int i;

	for (i = 0; i < CONFIG_SECTIONS; i++)
		words[i] = config_section_word(i);
	near = config_nearest(word, words);
	if (near != NULL)
		mistake_add(s->ms, s->line,
		    "there is no section [%s] (did you mean [%s%s%s]?)", word,
		    near, *name == '\0' ? "" : " ", name);
	else if (*name == '\0' && config_name_check(word, NULL) == 0)
		mistake_add(s->ms, s->line,
		    "there is no section [%s]: write [vm %s] for a guest, "
		    "[switch %s] for a switch",
		    word, word, word);
	else
		mistake_add(s->ms, s->line,
		    "there is no section [%s]: write [vm NAME], [switch NAME], "
		    "[vmtui], [keys] or [theme]",
		    word);
}

/* Whether a section of the kind may have that name ("": none). */
static bool
check_section_name(
    struct source *s, enum config_section_kind kind, const char *name)
{
	const char *word = config_section_word(kind);
	bool named = kind == CONFIG_VM || kind == CONFIG_SWITCH;
	struct error err;

	if (named && *name == '\0') {
		mistake_add(s->ms, s->line,
		    "the %s has no name: write [%s NAME]",
		    kind == CONFIG_VM ? "guest" : "switch", word);
		return false;
	}
	if (!named && *name != '\0') {
		mistake_add(s->ms, s->line,
		    "section [%s] has no name: write [%s] instead of [%s %s]",
		    word, word, word, name);
		return false;
	}
	if (named && config_name_check(name, &err) == -1) {
		mistake_add(
		    s->ms, s->line, "[%s %s]: %s", word, name, err.text);
		/* Its keys are still worth checking. */
	}
	return true;
}

static void
add_section(struct source *s, enum config_section_kind kind, const char *name)
{
	static const size_t most[CONFIG_SECTIONS] = {
	    [CONFIG_VMTUI] = 1,
	    [CONFIG_SWITCH] = CONFIG_SWITCHES_MAX,
	    [CONFIG_VM] = CONFIG_VMS_MAX,
	    [CONFIG_KEYS] = 1,
	    [CONFIG_THEME] = 1,
	};
	struct config *cfg = s->cfg;
	struct config_section *sec;
	size_t i;

	if (s->counts[kind] == most[kind] && most[kind] == 1) {
		for (i = 0; cfg->sections[i].kind != kind; i++)
			;
		mistake_add(s->ms, s->line,
		    "section [%s] is there twice, first in line %d: put all of "
		    "it there",
		    config_section_word(kind), cfg->sections[i].line);
		return;
	}
	if (s->counts[kind] == most[kind]) {
		mistake_add(s->ms, s->line,
		    "there are more than %zu sections [%s NAME]", most[kind],
		    config_section_word(kind));
		return;
	}
	s->counts[kind]++;
	cfg->sections =
	    mem_grow(cfg->sections, cfg->nsections, sizeof *cfg->sections);
	sec = &cfg->sections[cfg->nsections++];
	sec->kind = kind;
	sec->name = *name == '\0' ? NULL : mem_dup(name);
	sec->line = sec->last = s->line;
	s->where = INSIDE;
}

/* What inih ignores: anything but a comment behind the "]". */
static bool
check_behind(struct source *s, const char *bracket)
{
	const char *p = bracket + 1 + strspn(bracket + 1, " \t");

	if (*p == '\0' || *p == ';' || *p == '#')
		return true;
	mistake_add(s->ms, s->line,
	    "\"%s\" stands behind the section: put it on a line of its own", p);
	return false;
}

static void
read_section(struct source *s, char *line)
{
	char *end = strchr(line, ']'), *word, *name;
	enum config_section_kind kind;

	if (end != NULL && end - line - 1 > SECTION_MAX) {
		mistake_add(s->ms, s->line,
		    "the section's name is too long: %d letters are the most",
		    CONFIG_NAME_MAX);
		return;
	}
	if (end == NULL || parse_line(s, line, PROBE "=") == -1) {
		mistake_add(s->ms, s->line,
		    "the section has no \"]\" at its end: write [vm NAME]");
		return;
	}
	if (!check_behind(s, end))
		return;
	word = trim(s->section);
	name = word + strcspn(word, " \t");
	if (*name != '\0')
		*name++ = '\0';
	name = trim(name);
	if (section_kind(word, &kind) == -1)
		unknown_section(s, word, name);
	else if (check_section_name(s, kind, name))
		add_section(s, kind, name);
}

/* A line that is neither a section nor a key with a value. */
static void
complain(struct source *s, const char *line)
{
	size_t len = strlen(line);
	bool foreign =
	    line[len - 1] == '{' || line[0] == '}' || line[len - 1] == '}';

	if (foreign && s->foreign)
		return;
	s->foreign |= foreign;
	mistake_add(s->ms, s->line,
	    foreign ? "\"%.100s\" looks like OpenBSD's vm.conf(5), this file "
		      "has other rules: write [vm NAME] and below it "
		      "memory = 512M"
		    : "\"%.100s\" is neither a section nor a key with a value: "
		      "write [vm NAME] or memory = 512M",
	    line);
}

static size_t
count_char(const char *s, char c)
{
	size_t n = 0;

	for (; *s != '\0'; s++)
		n += *s == c;
	return n;
}

static void
add_entry(struct source *s)
{
	struct config_section *sec;
	struct config_entry *e;

	sec = &s->cfg->sections[s->cfg->nsections - 1];
	sec->last = s->line;
	if (sec->nentries == ENTRIES_MAX) {
		mistake_add(s->ms, s->line,
		    "the section has more than %d lines", ENTRIES_MAX);
		s->where = LOST;
		return;
	}
	sec->entries =
	    mem_grow(sec->entries, sec->nentries, sizeof *sec->entries);
	e = &sec->entries[sec->nentries++];
	e->line = s->line;
	e->key = mem_dup(s->name);
	e->value = mem_dup(s->value);
}

static void
read_entry(struct source *s, char *line)
{
	if (parse_line(s, line, NULL) == -1) {
		complain(s, line);
		return;
	}
	if (*s->name == '\0')
		mistake_add(s->ms, s->line,
		    "there is no key before the \"%c\": write memory = 512M",
		    line[0]);
	else if (count_char(s->value, '"') % 2 != 0 &&
	    find_comment(line) != NULL)
		mistake_add(s->ms, s->line,
		    "\" ;\" begins a comment, also between quotes: write the "
		    "\";\" without a blank before it");
	else if (s->where == NOWHERE) {
		mistake_add(s->ms, s->line,
		    "%s stands before the first section: write [vm NAME] above "
		    "it",
		    s->name);
		s->where = LOST;
	} else if (s->where == INSIDE)
		add_entry(s);
}

static bool
is_blank(char c)
{
	return c == ' ' || c == '\t' || c == '\r';
}

static void
read_line(struct source *s, const char *p, size_t len)
{
	char *line;

	while (len > 0 && is_blank(p[len - 1]))
		len--;
	while (len > 0 && is_blank(*p)) {
		p++;
		len--;
	}
	if (len == 0 || *p == ';' || *p == '#')
		return;
	/* Until it turns out to be a good one. */
	if (*p == '[')
		s->where = LOST;
	if (!check_bytes(s, p, len))
		return;
	line = mem_dup_n(p, len);
	if (check_length(s, line)) {
		if (*line == '[')
			read_section(s, line);
		else
			read_entry(s, line);
		forget(s);
	}
	free(line);
}

void
source_read(const char *text, size_t len, struct config *cfg,
    struct config_mistakes *ms)
{
	struct source s = {.cfg = cfg, .ms = ms};
	const char *end;
	size_t n;

	if (len >= 3 && memcmp(text, "\xef\xbb\xbf", 3) == 0) {
		text += 3;
		len -= 3;
	}
	while (len > 0) {
		end = memchr(text, '\n', len);
		n = end == NULL ? len : (size_t)(end - text);
		s.line++;
		read_line(&s, text, n);
		n += end != NULL;
		text += n;
		len -= n;
	}
}

void
source_free(struct config *cfg)
{
	struct config_section *sec;
	size_t i, j;

	for (i = 0; i < cfg->nsections; i++) {
		sec = &cfg->sections[i];
		for (j = 0; j < sec->nentries; j++) {
			free(sec->entries[j].key);
			free(sec->entries[j].value);
		}
		free(sec->entries);
		free(sec->name);
	}
	free(cfg->sections);
	cfg->sections = NULL;
	cfg->nsections = 0;
}
