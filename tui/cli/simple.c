/* The commands that only say one word about each guest. */
#include <getopt.h>
#include <stddef.h>

#include "tui/cli/cli.h"

static int
run_each(struct cli *cli, int argc, char **argv)
{
	if (getopt(argc, argv, "") != -1 || optind == argc)
		return cli_usage(cli);
	return cli_each(
	    cli, cli->command->name, NULL, argv + optind, argc - optind);
}

const struct command command_pause = {
    .name = "pause",
    .usage = "NAME...",
    .help = "Freezes guests where they are",
    .run = run_each,
};

const struct command command_unpause = {
    .name = "unpause",
    .usage = "NAME...",
    .help = "Lets paused guests go on",
    .run = run_each,
};

const struct command command_wait = {
    .name = "wait",
    .usage = "NAME...",
    .help = "Returns when the guests have ended, with 1 if one crashed",
    .run = run_each,
};
