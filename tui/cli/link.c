#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tui/cli/cli.h"

#define NICS_MOST 64 /* more than any guest has: the guest says how many */

void
cli_print_links(const json_t *guest)
{
	const json_t *nics = json_object_get(guest, "nics"), *nic;
	const char *tap;
	size_t i;

	json_array_foreach (nics, i, nic) {
		tap = json_string_value(json_object_get(nic, "tap"));
		if (json_is_false(json_object_get(nic, "up")))
			printf("\nInterface %zu (%s): its cable is out\n", i,
			    tap != NULL ? tap : "");
	}
}

static int
run(struct cli *cli, int argc, char **argv)
{
	unsigned long nic = 0;
	const char *word;
	char *end = NULL;
	json_t *ret;
	bool up;

	if (getopt(argc, argv, "") != -1 || argc - optind < 2 ||
	    argc - optind > 3)
		return cli_usage(cli);
	word = argv[argc - 1];
	up = strcmp(word, "up") == 0;
	if (!up && strcmp(word, "down") != 0)
		return cli_usage(cli);
	if (argc - optind == 3) {
		nic = strtoul(argv[optind + 1], &end, 10);
		if (*end != '\0' || end == argv[optind + 1] || nic > NICS_MOST)
			return cli_usage(cli);
	}
	ret = cli_ask(cli, "link",
	    json_pack("{s:s, s:I, s:b}", "name", argv[optind], "nic",
		(json_int_t)nic, "up", up),
	    NULL);
	json_decref(ret);
	return ret == NULL;
}

const struct command command_link = {
    .name = "link",
    .usage = "NAME [NUMBER] up | down",
    .help = "Plugs the cable of a guest's interface in, or pulls it out",
    .run = run,
};
