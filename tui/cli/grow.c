/* grow: a disk of a guest that runs is made larger. */
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>

#include "config/size.h"
#include "tui/cli/cli.h"

#define SECTOR 512u

static int
run(struct cli *cli, int argc, char **argv)
{
	const char *word;
	char shown[24];
	uint64_t bytes;
	json_t *ret, *args;
	bool more;

	if (getopt(argc, argv, "") != -1 || argc - optind < 2 ||
	    argc - optind > 3)
		return cli_usage(cli);
	word = argv[argc - 1];
	more = word[0] == '+';
	if (size_parse(word + more, &bytes) == -1 || bytes == 0 ||
	    bytes > INT64_MAX - SECTOR)
		return cli_fail("\"%s\" is no size such as 20G or +4G", word);
	bytes = (bytes + SECTOR - 1) / SECTOR * SECTOR;
	args = json_pack("{s:s, s:I, s:b}", "name", argv[optind], "size",
	    (json_int_t)bytes, "more", more);
	if (argc - optind == 3)
		json_object_set_new(
		    args, "disk", json_string(argv[optind + 1]));
	ret = cli_ask(cli, "grow", args, NULL);
	if (ret == NULL)
		return 1;
	printf("%s: %s\n", json_string_value(json_object_get(ret, "path")),
	    size_exact(
		(uint64_t)json_integer_value(json_object_get(ret, "size")),
		shown, sizeof shown));
	json_decref(ret);
	return 0;
}

const struct command command_grow = {
    .name = "grow",
    .usage = "NAME [DISK] SIZE",
    .help = "Makes a disk of a running guest larger",
    .run = run,
};
