#include <getopt.h>
#include <inttypes.h>
#include <stdio.h>

#include "config/size.h"
#include "tui/cli/cli.h"

static uint64_t
number(const json_t *obj, const char *key)
{
	return (uint64_t)json_integer_value(json_object_get(obj, key));
}

void
cli_print_balloon(const json_t *guest)
{
	const json_t *b = json_object_get(guest, "balloon");
	char now[24], all[24], more[24];
	uint64_t memory = number(guest, "memory"), least;

	if (!json_is_object(b))
		return;
	printf("\nMemory: %s of its %s",
	    size_exact(memory - number(b, "taken"), now, sizeof now),
	    size_exact(memory, all, sizeof all));
	least = number(b, "limit") < number(b, "size") ? number(b, "limit")
						       : number(b, "size");
	if (!json_is_true(json_object_get(b, "driver")))
		printf("; it has no driver for its balloon (yet)");
	else if (number(b, "taken") != number(b, "wanted"))
		printf(
		    ", on its way to %s", size_exact(least, more, sizeof more));
	if (number(b, "limit") < number(b, "size"))
		printf("\nThe host runs low: it should have %s",
		    size_exact(number(b, "size"), more, sizeof more));
	if (json_object_get(b, "available") != NULL)
		printf("\nIt says that %s are available to it",
		    size_short(number(b, "available"), more, sizeof more));
	printf("\n");
}

static int
run(struct cli *cli, int argc, char **argv)
{
	uint64_t bytes;
	json_t *ret, *guest, *args;
	int rc = 0;

	if (getopt(argc, argv, "") != -1 || argc - optind < 1 ||
	    argc - optind > 2)
		return cli_usage(cli);
	args = json_pack("{s:s}", "name", argv[optind]);
	if (argc - optind == 2) {
		if (size_parse(argv[optind + 1], &bytes) == -1 ||
		    bytes > INT64_MAX) {
			json_decref(args);
			return cli_fail("\"%s\" is no size such as 256M or 2G",
			    argv[optind + 1]);
		}
		json_object_set_new(
		    args, "size", json_integer((json_int_t)bytes));
		ret = cli_ask(cli, "balloon", args, NULL);
		json_decref(ret);
		return ret == NULL;
	}
	if ((ret = cli_ask(cli, "status", args, NULL)) == NULL)
		return 1;
	guest = json_array_get(json_object_get(ret, "guests"), 0);
	if (json_is_object(json_object_get(guest, "balloon")))
		cli_print_balloon(guest);
	else
		rc = cli_fail("%s has no balloon: that needs balloon = yes in "
			      "its definition, and that it runs",
		    argv[optind]);
	json_decref(ret);
	return rc;
}

const struct command command_balloon = {
    .name = "balloon",
    .usage = "NAME [SIZE]",
    .help = "Says how much of its memory a running guest has, or is to have",
    .run = run,
};
