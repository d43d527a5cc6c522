/*
 * prompt.c: see prompt.h.
 */
#include "command.h"
#include "console.h"
#include "lib.h"
#include "prompt.h"

#define PROMPT   "vmtui> "
#define LINE_MAX 256
#define HISTORY  8

#define CTRL(c) ((c)&31)
#define ESCAPE  27
#define DELETE  127

/* The last lines; the newest is history[(history_count - 1) % HISTORY]. */
static char history[HISTORY][LINE_MAX];
static unsigned history_count;

static const struct command_group *const groups[] = {&cmd_machine, &cmd_disk,
    &cmd_net, &cmd_console, &cmd_hvc, &cmd_balloon, &cmd_vmmci, &cmd_raw,
    &cmd_hostile, &cmd_regs, &cmd_old, &cmd_stress, &cmd_bench};

const struct command_group *
command_group(unsigned n)
{
	return n < sizeof(groups) / sizeof(groups[0]) ? groups[n] : NULL;
}

int
command_number(const char *text, const char *what, uint64_t min, uint64_t max,
    uint64_t *value)
{
	if (number_parse(text, value) == 0 && *value >= min && *value <= max)
		return 0;
	if (max == UINT64_MAX)
		print("%s must be a number, not \"%s\"\n", what, text);
	else
		print("%s must be a number from %lu to %lu, not \"%s\"\n", what,
		    min, max, text);
	return -1;
}

static const struct command *
command_find(const char *name)
{
	const struct command_group *g;
	const struct command *c;
	unsigned i;

	for (i = 0; (g = command_group(i)) != NULL; i++)
		for (c = g->commands; c->name != NULL; c++)
			if (strcmp(c->name, name) == 0)
				return c;
	return NULL;
}

static void
command_run(int argc, char **argv)
{
	const struct command *c = command_find(argv[0]);

	if (c == NULL)
		print("%s: no such command; `help' lists them all\n", argv[0]);
	else if (argc - 1 < c->min || argc - 1 > c->max)
		print("usage: %s%s%s\n", c->name, c->args[0] != '\0' ? " " : "",
		    c->args);
	else
		c->run(argc, argv);
}

/*
 * Cuts the next command's words out of the line, in place. Returns what is
 * behind the command, NULL at the end of the line.
 */
static char *
words_cut(char *p, char **argv, int *argc)
{
	char quote;

	*argc = 0;
	for (;;) {
		while (*p == ' ')
			p++;
		if (*p == '\0')
			return NULL;
		if (*p == ';') {
			*p = '\0';
			return p + 1;
		}
		if (*argc == ARGS_MAX) {
			print("more than %d words\n", ARGS_MAX);
			*argc = 0;
			return NULL;
		}
		quote = *p == '"' || *p == '\'' ? *p++ : ' ';
		argv[(*argc)++] = p;
		while (*p != '\0' && *p != quote && (quote != ' ' || *p != ';'))
			p++;
		if (*p == '\0')
			return NULL;
		if (*p == ';') {
			*p = '\0';
			return p + 1;
		}
		*p++ = '\0';
	}
}

void
prompt_run(char *line)
{
	char *argv[ARGS_MAX];
	int argc;

	while (line != NULL) {
		line = words_cut(line, argv, &argc);
		if (argc > 0)
			command_run(argc, argv);
	}
}

void
prompt_show_and_run(char *line)
{
	print(PROMPT "%s\n", line);
	prompt_run(line);
}

/* The line being typed. */
struct edit {
	char text[LINE_MAX];
	unsigned len;
	unsigned back; /* which line of history is shown; 0: none */
};

static void
edit_erase(struct edit *e, unsigned n)
{
	for (; n > 0 && e->len > 0; n--) {
		e->len--;
		print("\b \b");
	}
}

static void
edit_insert(struct edit *e, const char *text, unsigned n)
{
	for (; n > 0 && e->len + 1 < sizeof(e->text); n--, text++) {
		e->text[e->len++] = *text;
		print("%c", *text);
	}
}

static void
edit_history(struct edit *e, int older)
{
	unsigned back = e->back;
	const char *text = "";

	if (older && back < history_count && back < HISTORY)
		back++;
	else if (!older && back > 0)
		back--;
	if (back == e->back)
		return;
	e->back = back;
	if (back > 0)
		text = history[(history_count - back) % HISTORY];
	edit_erase(e, e->len);
	edit_insert(e, text, (unsigned)strlen(text));
}

/* Completes a command's name as far as it is the only one. */
static void
edit_complete(struct edit *e)
{
	const struct command_group *g;
	const struct command *c, *only = NULL;
	unsigned i;

	for (i = 0; (g = command_group(i)) != NULL; i++)
		for (c = g->commands; c->name != NULL; c++) {
			if (strncmp(c->name, e->text, e->len) != 0)
				continue;
			if (only != NULL)
				return;
			only = c;
		}
	if (only == NULL || e->len == 0)
		return;
	edit_insert(
	    e, only->name + e->len, (unsigned)strlen(only->name) - e->len);
	edit_insert(e, " ", 1);
}

/* An escape sequence: the arrows up and down mean history, all else nothing. */
static void
edit_escape(struct edit *e)
{
	int c = console_read(0);

	if (c != '[' && c != 'O')
		return;
	do
		c = console_read(0);
	while (c < '@');
	if (c == 'A' || c == 'B')
		edit_history(e, c == 'A');
}

static void
edit_word_erase(struct edit *e)
{
	while (e->len > 0 && e->text[e->len - 1] == ' ')
		edit_erase(e, 1);
	while (e->len > 0 && e->text[e->len - 1] != ' ')
		edit_erase(e, 1);
}

/* One key. Returns 1 when the line is complete. */
static int
edit_key(struct edit *e, int c)
{
	char typed = (char)c;

	switch (c) {
	case '\r':
	case '\n':
		print("\n");
		return 1;
	case '\b':
	case DELETE:
		edit_erase(e, 1);
		break;
	case CTRL('C'):
		print("^C\n");
		e->len = 0;
		return 1;
	case CTRL('U'):
		edit_erase(e, e->len);
		break;
	case CTRL('W'):
		edit_word_erase(e);
		break;
	case CTRL('I'):
		e->text[e->len] = '\0';
		edit_complete(e);
		break;
	case CTRL('L'):
		print("\033[H\033[2J" PROMPT);
		e->text[e->len] = '\0';
		print("%s", e->text);
		break;
	case ESCAPE:
		edit_escape(e);
		break;
	default:
		if (c >= ' ')
			edit_insert(e, &typed, 1);
	}
	return 0;
}

_Noreturn void
prompt_loop(void)
{
	static struct edit e;
	const char *last;

	for (;;) {
		e.len = e.back = 0;
		print(PROMPT);
		while (!edit_key(&e, console_read(0)))
			continue;
		e.text[e.len] = '\0';
		if (e.len == 0)
			continue;
		last = history[(history_count - 1) % HISTORY];
		if (history_count == 0 || strcmp(last, e.text) != 0)
			str_copy(history[history_count++ % HISTORY], e.text,
			    LINE_MAX);
		prompt_run(e.text);
	}
}
