#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tui/cli/cli.h"
#include "tui/model.h"
#include "tui/words.h"

/* Reads one word from *at on into buf; false if a quote stays open. */
static bool
read_word(const char **at, char *buf)
{
	const char *p = *at;
	char quote = '\0';

	for (; *p != '\0' && (quote != '\0' || !isspace((unsigned char)*p));
	     p++) {
		if (quote == '\0' && (*p == '"' || *p == '\'')) {
			quote = *p;
		} else if (*p == quote) {
			quote = '\0';
		} else {
			if (*p == '\\' && quote != '\'' && p[1] != '\0')
				p++;
			*buf++ = *p;
		}
	}
	*buf = '\0';
	*at = p;
	return quote == '\0';
}

int
words_split(const char *line, struct words *w, struct error *err)
{
	const char *p = line;
	char *buf = malloc(strlen(line) + 1);
	bool whole = true;

	memset(w, 0, sizeof *w);
	if (buf == NULL)
		return error_set(err, "no memory");
	for (;;) {
		while (isspace((unsigned char)*p))
			p++;
		if (*p == '\0' || w->count == WORDS_MAX)
			break;
		w->start = (size_t)(p - line);
		whole = read_word(&p, buf);
		w->open = *p == '\0';
		w->word[w->count] = strdup(buf);
		if (w->word[w->count] == NULL)
			break;
		w->count++;
	}
	free(buf);
	if (!w->open)
		w->start = strlen(line);
	if (*p != '\0')
		return error_set(
		    err, "a command has at most %d words", WORDS_MAX);
	return whole ? 0 : error_set(err, "a quote stays open");
}

void
words_free(struct words *w)
{
	while (w->count > 0)
		free(w->word[--w->count]);
}

const char *
words_quote(const char *word, char *buf, size_t len)
{
	size_t n = 0;

	for (; *word != '\0' && n + 2 < len; word++) {
		if (isspace((unsigned char)*word) ||
		    strchr("\"'\\", *word) != NULL)
			buf[n++] = '\\';
		buf[n++] = *word;
	}
	buf[n] = '\0';
	return buf;
}

/* The command that the words begin with, or NULL. */
static const struct command *
command_of(const struct words *w)
{
	size_t i;

	for (i = 0; i < cli_ncommands && w->count > 0; i++)
		if (strcmp(cli_commands[i]->name, w->word[0]) == 0)
			return cli_commands[i];
	return NULL;
}

/* Whether the usage has that word, all in capitals and dots. */
static bool
takes(const char *usage, const char *what)
{
	const char *p = usage;
	size_t len = strlen(what);

	for (; (p = strstr(p, what)) != NULL; p += len)
		if ((p == usage || !isupper((unsigned char)p[-1])) &&
		    !isupper((unsigned char)p[len]))
			return true;
	return false;
}

/* What a usage says an option takes ("KERNEL" of "-b KERNEL"), or NULL. */
static const char *
value_of(const char *usage, const char *option)
{
	const char *p = usage;
	size_t len = strlen(option);

	for (; (p = strstr(p, option)) != NULL; p += len)
		if (p[len] == ' ' && isupper((unsigned char)p[len + 1]) &&
		    (p == usage || p[-1] == '[' || p[-1] == ' '))
			return p + len + 1;
	return NULL;
}

static bool
is_path(const char *word)
{
	static const char *const paths[] = {
	    "FILE", "PATH", "KERNEL", "INITRD", "DISK", "ISO"};
	size_t i, len;

	for (i = 0; i < sizeof paths / sizeof *paths; i++) {
		len = strlen(paths[i]);
		if (strncmp(word, paths[i], len) == 0 &&
		    !isupper((unsigned char)word[len]))
			return true;
	}
	return false;
}

/* How many words before the last one are no options, without the command. */
static int
operands(const struct words *w, int last)
{
	int i, n = 0;

	for (i = 1; i < last; i++)
		n += w->word[i][0] != '-';
	return n;
}

enum words_kind
words_expected(const struct words *w)
{
	const struct command *c = command_of(w);
	int last = w->open ? w->count - 1 : w->count;
	const char *value = NULL;

	if (last < 1)
		return WORDS_COMMAND;
	if (c == NULL)
		return WORDS_NONE;
	if (last > 1 && w->word[last - 1][0] == '-')
		value = value_of(c->usage, w->word[last - 1]);
	if (value != NULL)
		return is_path(value)                    ? WORDS_FILE
		    : strncmp(value, "SWITCH", 6) == 0   ? WORDS_SWITCH
		    : strncmp(value, "TEMPLATE", 8) == 0 ? WORDS_GUEST
		    : strncmp(value, "NAME", 4) == 0     ? WORDS_GUEST
							 : WORDS_NONE;
	if (w->open && w->word[last][0] == '-')
		return WORDS_ARGUMENT;
	/* "NAME ISO": the second one that is no option. */
	if (takes(c->usage, "NAME ISO") && operands(w, last) > 0)
		return WORDS_FILE;
	if (strstr(c->usage, "VM.CONF") != NULL ||
	    (takes(c->usage, "FILE") && !takes(c->usage, "NAME")))
		return WORDS_FILE;
	return WORDS_ARGUMENT;
}

static void
offer(const struct words *w, const char *word, size_t len,
    void (*each)(const char *word, void *arg), void *arg)
{
	const char *begun = w->open ? w->word[w->count - 1] : "";
	char buf[128];
	int i;

	if (len >= sizeof buf || strlen(begun) > len ||
	    strncmp(word, begun, strlen(begun)) != 0)
		return;
	memcpy(buf, word, len);
	buf[len] = '\0';
	/* Not what stands there already. */
	for (i = 1; i < w->count - w->open; i++)
		if (strcmp(w->word[i], buf) == 0)
			return;
	each(buf, arg);
}

/* The options that a usage shows: "-acw" are three. */
static void
offer_options(const struct words *w, const char *usage,
    void (*each)(const char *word, void *arg), void *arg)
{
	const char *p;
	char one[3] = "-x";
	size_t n;

	for (p = usage; (p = strchr(p, '-')) != NULL; p += n > 0 ? n : 1) {
		n = 0;
		if (p > usage && isalnum((unsigned char)p[-1]))
			continue;
		if (p[1] == '-') {
			n = 2 + strspn(p + 2, "abcdefghijklmnopqrstuvwxyz-");
			offer(w, p, n, each, arg);
			continue;
		}
		for (n = 1; isalpha((unsigned char)p[n]); n++) {
			one[1] = p[n];
			offer(w, one, 2, each, arg);
		}
	}
}

static void
offer_guests(const struct words *w, const struct model *m,
    void (*each)(const char *word, void *arg), void *arg)
{
	size_t i;

	for (i = 0; i < m->guests; i++)
		offer(
		    w, m->guest[i]->name, strlen(m->guest[i]->name), each, arg);
}

/* What a usage has in small letters is to be typed as it stands: "up | down" */
static void
offer_literals(const struct words *w, const struct command *c,
    void (*each)(const char *word, void *arg), void *arg)
{
	static const char small[] = "abcdefghijklmnopqrstuvwxyz-";
	const char *p = c->usage;
	size_t n;

	for (; *p != '\0'; p += n > 0 ? n : 1) {
		n = strspn(p, small);
		if (n == 0 || *p == '-' || isalnum((unsigned char)p[n]) ||
		    (p > c->usage && !isspace((unsigned char)p[-1]) &&
			p[-1] != '[' && p[-1] != '|'))
			continue;
		/* Its other ways to be used begin with its name again. */
		if (strncmp(p, c->name, n) != 0 || c->name[n] != '\0')
			offer(w, p, n, each, arg);
	}
}

void
words_complete(const struct words *w, const struct model *m,
    void (*each)(const char *word, void *arg), void *arg)
{
	const struct command *c = command_of(w);
	enum words_kind kind = words_expected(w);
	const char *begun = w->open ? w->word[w->count - 1] : "";
	size_t i;

	if (kind == WORDS_COMMAND) {
		for (i = 0; i < cli_ncommands; i++)
			offer(w, cli_commands[i]->name,
			    strlen(cli_commands[i]->name), each, arg);
		offer(w, "quit", 4, each, arg);
		return;
	}
	if (c == NULL)
		return;
	if (begun[0] == '-') {
		offer_options(w, c->usage, each, arg);
		return;
	}
	if (kind == WORDS_GUEST ||
	    (kind == WORDS_ARGUMENT && takes(c->usage, "NAME")))
		offer_guests(w, m, each, arg);
	if (kind == WORDS_ARGUMENT)
		offer_literals(w, c, each, arg);
}
