#include <getopt.h>
#include <stdio.h>

#include "config/config.h"
#include "tui/cli/cli.h"

static int
run(struct cli *cli, int argc, char **argv)
{
	struct config_mistakes mistakes = {0};
	struct config *config;
	char path[4096], line[1024];
	struct error err;
	size_t i;
	int rc;

	if (getopt(argc, argv, "") != -1 || argc - optind > 1)
		return cli_usage(cli);
	if (optind < argc)
		snprintf(path, sizeof path, "%s", argv[optind]);
	else if (cli->config != NULL)
		snprintf(path, sizeof path, "%s", cli->config);
	else if (config_default_path(path, sizeof path, &err) == -1)
		return cli_fail("%s", err.text);
	rc = config_load(path, 0, &config, &mistakes);
	for (i = 0; i < mistakes.count; i++)
		fprintf(stderr, "%s\n",
		    config_mistake_format(&mistakes, i, line, sizeof line));
	if (mistakes.dropped > 0)
		fprintf(stderr, "%s: and %zu more\n", path, mistakes.dropped);
	if (rc == 0) {
		printf("%s: no mistakes; guests: %zu, switches: %zu\n", path,
		    config->nvms, config->nswitches);
		config_free(config);
	}
	config_mistakes_clear(&mistakes);
	return rc == 0 ? 0 : 1;
}

const struct command command_check = {
    .name = "check",
    .usage = "[FILE]",
    .help = "Finds every mistake in the configuration",
    .run = run,
};
