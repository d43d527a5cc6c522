#include <getopt.h>
#include <stdio.h>
#include <string.h>

#include "tui/cli/cli.h"

static const char *
text(const json_t *obj, const char *key)
{
	const char *s = json_string_value(json_object_get(obj, key));

	return s != NULL ? s : "";
}

#define COLUMNS 80
#define INDENT  59 /* where members begin */

/* The names, behind some blanks, over as many lines as they need. */
static void
print_members(const json_t *members, int blanks)
{
	const json_t *one;
	size_t i, len, at = INDENT;

	if (json_array_size(members) > 0)
		printf("%*s", blanks + 2, "");
	json_array_foreach (members, i, one) {
		len = json_string_length(one);
		if (i > 0 && at + 1 + len > COLUMNS) {
			printf("\n%*s", INDENT, "");
			at = INDENT;
		} else if (i > 0) {
			printf(" ");
			at++;
		}
		printf("%s", json_string_value(one));
		at += len;
	}
	printf("\n");
}

static int
run(struct cli *cli, int argc, char **argv)
{
	static const struct option longs[] = {
	    {"json", no_argument, NULL, 'j'},
	    {0},
	};
	bool json = false;
	json_t *ret, *one;
	size_t i;
	int opt;

	while ((opt = getopt_long(argc, argv, "", longs, NULL)) != -1) {
		if (opt != 'j')
			return cli_usage(cli);
		json = true;
	}
	if (optind != argc)
		return cli_usage(cli);
	if ((ret = cli_ask(cli, "switches", NULL, NULL)) == NULL)
		return 1;
	if (json) {
		json_dumpf(ret, stdout, JSON_INDENT(2));
		printf("\n");
	} else {
		printf("%-32s  %-15s  %-6s  %s\n", "NAME", "INTERFACE", "STATE",
		    "MEMBERS");
		json_array_foreach (json_object_get(ret, "switches"), i, one) {
			printf("%-32s  %-15s  %s", text(one, "name"),
			    text(one, "interface"), text(one, "state"));
			print_members(json_object_get(one, "members"),
			    6 - (int)strlen(text(one, "state")));
		}
	}
	json_decref(ret);
	return 0;
}

const struct command command_switches = {
    .name = "switches",
    .usage = "[--json]",
    .help = "Lists the switches and what is plugged into them",
    .run = run,
};
