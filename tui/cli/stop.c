#include <getopt.h>

#include "tui/cli/cli.h"

static int
run(struct cli *cli, int argc, char **argv)
{
	bool all = false, force = false, wait = false;
	char **names, **found = NULL;
	int n, opt, rc;

	while ((opt = getopt(argc, argv, "afw")) != -1) {
		switch (opt) {
		case 'a':
			all = true;
			break;
		case 'f':
			force = true;
			break;
		case 'w':
			wait = true;
			break;
		default:
			return cli_usage(cli);
		}
	}
	names = argv + optind;
	n = argc - optind;
	if (all != (n == 0))
		return cli_usage(cli);
	if (all && (names = found = cli_names(cli, true, &n)) == NULL)
		return 1;
	rc = cli_each(cli, "stop", force ? "force" : NULL, names, n);
	/* Who could not be asked is not waited for. */
	if (rc == 0 && wait && !force)
		rc = cli_each(cli, "wait", NULL, names, n);
	cli_names_free(found);
	return rc;
}

const struct command command_stop = {
    .name = "stop",
    .usage = "[-fw] -a | NAME...",
    .help = "Asks guests to shut down; -f forces them off, -w waits, -a all",
    .run = run,
};
