#include <getopt.h>
#include <stdlib.h>

#include "tui/cli/cli.h"

static int
run(struct cli *cli, int argc, char **argv)
{
	/* A client that starts the backend waits on this descriptor. */
	static const struct option longs[] = {
	    {"ready-fd", required_argument, NULL, 'r'},
	    {0},
	};
	const char *config = cli->config;
	int opt, ready_fd = -1;

	while ((opt = getopt_long(argc, argv, "f:", longs, NULL)) != -1) {
		switch (opt) {
		case 'f':
			config = optarg;
			break;
		case 'r':
			ready_fd = (int)strtol(optarg, NULL, 10);
			break;
		default:
			return cli_usage(cli);
		}
	}
	if (optind != argc)
		return cli_usage(cli);
	return cli->hooks->backend(config, ready_fd);
}

const struct command command_backend = {
    .name = "backend",
    .usage = "[-f FILE]",
    .help = "Runs the backend, which the first client starts otherwise",
    .run = run,
};
