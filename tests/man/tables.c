/*
 * tables: prints what the program's own tables hold, one thing a line, for
 * tests/man/run to find in the manuals and completions:
 *
 *	command NAME
 *	option COMMAND LETTERS-OR-WORD	what its usage shows
 *	key SECTION NAME		of the configuration
 *	value SECTION KEY NAME		an option of a disk or an interface
 *	default NAME<tab>KEYS<tab>HELP	of [keys]
 *	theme NAME<tab>VALUE<tab>HELP	of [theme]
 *	binding TITLE<tab>KEY<tab>HELP	of the screen
 */
#include <ctype.h>
#include <stdio.h>
#include <string.h>

#include "config/config.h"
#include "tui/cli/cli.h"
#include "tui/keys.h"
#include "tui/settings.h"
#include "tui/view.h"

/* "-acw" and "--json" in a usage are options, "[-f FILE]" too. */
static void
print_options(const struct command *c)
{
	const char *p, *u = c->usage;
	size_t n;

	for (p = u; *p != '\0'; p++) {
		if (*p != '-' || (p > u && isalnum((unsigned char)p[-1])))
			continue;
		n = 1 +
		    strspn(p + 1,
			"-abcdefghijklmnopqrstuvwxyz"
			"ABCDEFGHIJKLMNOPQRSTUVWXYZ");
		if (p[1] == '-')
			printf("option %s %.*s\n", c->name, (int)n, p);
		else
			for (size_t i = 1; i < n; i++)
				printf("option %s -%c\n", c->name, p[i]);
		p += n - 1;
	}
}

static void
print_keys(enum config_section_kind kind)
{
	const struct config_key *key, *option;
	const char *word = config_section_word(kind);

	printf("key %s -\n", word);
	for (key = config_keys(kind); key->name != NULL; key++) {
		printf("key %s %s\n", word, key->name);
		for (option = key->options;
		     option != NULL && option->name != NULL; option++)
			printf(
			    "value %s %s %s\n", word, key->name, option->name);
	}
}

static void
print_defaults(void)
{
	const struct config_key *key;

	for (key = config_keys(CONFIG_KEYS); key->name != NULL; key++)
		printf("default %s\t%s\t%s\n", key->name, key->fallback,
		    key->help);
	for (key = config_keys(CONFIG_THEME); key->name != NULL; key++)
		printf("theme %s\t%s\t%s\n", key->name, key->value, key->help);
}

static void
print_bindings(const struct keytable *table)
{
	const struct binding *b;
	char keys[64];

	for (; table != NULL && table->title != NULL; table++)
		for (b = table->bindings; b->run != NULL; b++)
			if (b->help != NULL)
				printf("binding %s\t%s\t%s\n", table->title,
				    keys_names(b, keys, sizeof keys), b->help);
}

int
main(void)
{
	size_t i;
	int kind;

	settings_begin();
	for (i = 0; i < cli_ncommands; i++) {
		printf("command %s\n", cli_commands[i]->name);
		print_options(cli_commands[i]);
	}
	for (kind = 0; kind < CONFIG_SECTIONS; kind++)
		print_keys((enum config_section_kind)kind);
	print_defaults();
	for (i = 0; views[i] != NULL; i++)
		print_bindings(views[i]->help);
	return 0;
}
