#include <getopt.h>
#include <stdio.h>

#include "tui/cli/cli.h"

static int
run(struct cli *cli, int argc, char **argv)
{
	json_t *ret, *mistakes, *line;
	size_t i, n;

	if (getopt(argc, argv, "") != -1 || optind != argc)
		return cli_usage(cli);
	if ((ret = cli_ask(cli, "reload", NULL, NULL)) == NULL)
		return 1;
	mistakes = json_object_get(ret, "mistakes");
	json_array_foreach (mistakes, i, line)
		fprintf(stderr, "%s\n", json_string_value(line));
	n = json_array_size(mistakes);
	json_decref(ret);
	if (n > 0)
		return cli_fail("the definitions stay as they were");
	return 0;
}

const struct command command_reload = {
    .name = "reload",
    .usage = "",
    .help = "Has the backend read the configuration again",
    .run = run,
};
