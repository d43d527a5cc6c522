/*
 * reset: guests' reset buttons, or, as vmctl(8) has it, `reset all`,
 * `reset vms` and `reset switches`.
 */
#include <getopt.h>
#include <string.h>

#include "tui/cli/cli.h"

static int
reset_switches(struct cli *cli)
{
	json_t *ret = cli_ask(cli, "reset-switches", NULL, NULL);

	json_decref(ret);
	return ret == NULL ? 1 : 0;
}

static int
reset_vms(struct cli *cli)
{
	char **names;
	int n, rc;

	if ((names = cli_names(cli, true, &n)) == NULL)
		return 1;
	rc = cli_each(cli, "reset", NULL, names, n);
	cli_names_free(names);
	return rc;
}

/* Whether a guest goes by that name: then the word means nothing else. */
static bool
is_guest(struct cli *cli, const char *word)
{
	char **names;
	bool found = false;
	int n, i, state;

	for (state = 0; state < 2 && !found; state++) {
		names = cli_names(cli, state == 1, &n);
		for (i = 0; names != NULL && i < n; i++)
			found = found || strcmp(names[i], word) == 0;
		cli_names_free(names);
	}
	return found;
}

static int
run(struct cli *cli, int argc, char **argv)
{
	static const char *const words[] = {"vms", "switches", "all"};
	const char *flag = NULL;
	int i, opt, rc = 0;

	while ((opt = getopt(argc, argv, "s")) != -1) {
		if (opt != 's')
			return cli_usage(cli);
		flag = "ask";
	}
	if (optind == argc)
		return cli_usage(cli);
	for (i = flag != NULL ? 3 : 0; i < 3; i++)
		if (argc - optind == 1 && strcmp(argv[optind], words[i]) == 0)
			break;
	if (i == 3)
		return cli_each(
		    cli, "reset", flag, argv + optind, argc - optind);
	if (cli_connect(cli) != 0)
		return 1;
	if (is_guest(cli, words[i]))
		return cli_fail("there is a guest called %s: reset it by its "
				"number (vmtui status shows it)",
		    words[i]);
	if (i != 0)
		rc |= reset_switches(cli);
	if (i != 1)
		rc |= reset_vms(cli);
	return rc;
}

const struct command command_reset = {
    .name = "reset",
    .usage = "[-s] NAME... | all | switches | vms",
    .help = "Presses the reset button, unsaved data is lost; -s asks "
	    "to reboot",
    .run = run,
};
