/* create and image: disk images, which backend/image knows. */
#include <stdio.h>
#include <string.h>

#include "tui/cli/cli.h"

static int
run(struct cli *cli, int argc, char **argv)
{
	int rc;

	/* "image check --help" as well: one text for all of them. */
	if (strcmp(argv[argc - 1], "--help") == 0) {
		printf("usage: vmtui [-f FILE] %s %s\n\n%s.\n",
		    cli->command->name, cli->command->usage,
		    cli->command->help);
		return 0;
	}
	rc = cli->hooks->image(cli->config, cli->command->name, argc, argv);
	return rc == EXIT_USAGE ? cli_usage(cli) : rc;
}

const struct command command_create = {
    .name = "create",
    .usage = "[-f FORMAT] [-o OPTION=VALUE,...] -s SIZE PATH\n"
	     "           create [-F FORMAT] [-o OPTION=VALUE,...] [-s SIZE] "
	     "-b BASE PATH\n"
	     "           create [-f FORMAT] [-F FORMAT] [-o OPTION=VALUE,...] "
	     "[-s SIZE]\n"
	     "                  -i IMAGE PATH",
    .help = "Makes a disk image: empty, based on another, or a copy",
    .run = run,
};

const struct command command_image = {
    .name = "image",
    .usage = "list [--json] [PATH]...\n"
	     "           image info [-f FORMAT] [--json] PATH\n"
	     "           image check [-f FORMAT] [-r] [--json] PATH\n"
	     "           image map [-f FORMAT] [--json] PATH\n"
	     "           image convert [-f FORMAT] [-O FORMAT] "
	     "[-o OPTION=VALUE,...]\n"
	     "                         IMAGE PATH\n"
	     "           image resize [-f FORMAT] [--shrink [--lose-data]] "
	     "PATH SIZE\n"
	     "           image commit [-f FORMAT] PATH\n"
	     "           image rebase [-f FORMAT] [-F FORMAT] [-u] -b BASE "
	     "PATH\n"
	     "           image delete PATH",
    .help = "Shows, checks and changes disk images",
    .run = run,
};
