/* insert and eject: the disc in the CD-ROM drive of a guest that runs. */
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "config/config.h"
#include "tui/cli/cli.h"

void
cli_print_disc(const json_t *guest)
{
	const json_t *drive = json_object_get(guest, "cdrom");
	const char *path = json_string_value(json_object_get(drive, "path"));

	if (path == NULL)
		return;
	printf("\nCD-ROM: %s%s%s\n", *path != '\0' ? path : "empty",
	    json_is_true(json_object_get(drive, "open")) ? ", the tray is open"
							 : "",
	    json_is_true(json_object_get(drive, "locked"))
		? ", locked by its system"
		: "");
}

/* -f; -1 for anything else that begins with a dash, or not n words after it. */
static int
options(int argc, char **argv, int n, bool *force)
{
	int opt;

	while ((opt = getopt(argc, argv, "f")) != -1) {
		if (opt != 'f')
			return -1;
		*force = true;
	}
	return argc - optind == n ? 0 : -1;
}

static int
run_insert(struct cli *cli, int argc, char **argv)
{
	bool force = false;
	char cwd[4096], *path;
	const char *warning;
	struct error err;
	json_t *ret;

	if (options(argc, argv, 2, &force) == -1)
		return cli_usage(cli);
	if (getcwd(cwd, sizeof cwd) == NULL)
		snprintf(cwd, sizeof cwd, "/");
	path = config_path_expand(argv[optind + 1], cwd, &err);
	if (path == NULL)
		return cli_fail("%s: %s", argv[optind + 1], err.text);
	ret = cli_ask(cli, "insert",
	    json_pack("{s:s, s:s, s:b}", "name", argv[optind], "path", path,
		"force", force),
	    NULL);
	warning = json_string_value(json_object_get(ret, "warning"));
	if (warning != NULL)
		fprintf(stderr, "vmtui: %s: %s\n", path, warning);
	free(path);
	json_decref(ret);
	return ret == NULL;
}

static int
run_eject(struct cli *cli, int argc, char **argv)
{
	bool force = false;
	json_t *ret;

	if (options(argc, argv, 1, &force) == -1)
		return cli_usage(cli);
	ret = cli_ask(cli, "eject",
	    json_pack("{s:s, s:b}", "name", argv[optind], "force", force),
	    NULL);
	json_decref(ret);
	return ret == NULL;
}

const struct command command_insert = {
    .name = "insert",
    .usage = "[-f] NAME ISO",
    .help = "Puts another disc into a running guest's CD-ROM drive",
    .run = run_insert,
};

const struct command command_eject = {
    .name = "eject",
    .usage = "[-f] NAME",
    .help = "Takes the disc out of a running guest's CD-ROM drive",
    .run = run_eject,
};
