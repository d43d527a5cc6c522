/* reload and load: the configuration is read, and what that changed is said. */
#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tui/cli/cli.h"

static const char *
text(const json_t *obj, const char *key)
{
	const char *s = json_string_value(json_object_get(obj, key));

	return s != NULL ? s : "";
}

/* "a, b and c" of an array of strings. */
static void
print_list(const json_t *list)
{
	size_t i, n = json_array_size(list);
	const json_t *one;

	json_array_foreach (list, i, one)
		printf("%s%s",
		    i == 0           ? ""
			: i + 1 == n ? " and "
				     : ", ",
		    json_string_value(one));
}

static bool
has(const json_t *list, const char *word)
{
	const json_t *one;
	size_t i;

	json_array_foreach (list, i, one)
		if (json_is_string(one) &&
		    strcmp(json_string_value(one), word) == 0)
			return true;
	return false;
}

/*
 * "guest mv1: memory and disk changed", and below it when that comes to be:
 * at once if nothing more is said.
 */
static void
print_change(const json_t *change)
{
	const json_t *keys = json_object_get(change, "keys");
	const json_t *restart = json_object_get(change, "restart");
	const char *kind = text(change, "kind"), *what = text(change, "change");
	const json_t *trouble;
	size_t i;

	if (strcmp(kind, "vm") == 0)
		kind = "guest";
	if (strcmp(kind, "vmtui") == 0)
		printf("[vmtui]: ");
	else
		printf("%s %s: ", kind, text(change, "name"));
	print_list(keys);
	printf("%s%s\n", json_array_size(keys) > 0 ? " " : "", what);
	if (strcmp(kind, "vmtui") == 0 && has(keys, "group"))
		printf("    group: with the backend's next start\n");
	json_array_foreach (json_object_get(change, "troubles"), i, trouble)
		printf("    %s\n", json_string_value(trouble));
	if (json_array_size(restart) == 0)
		return;
	printf("    ");
	if (strcmp(what, "removed") == 0) {
		print_list(restart);
		printf(" still %s it\n",
		    strcmp(kind, "guest") == 0         ? "runs without"
			: json_array_size(restart) > 1 ? "use"
						       : "uses");
		return;
	}
	printf("needs a restart of ");
	print_list(restart);
	printf("\n");
}

/* Prints an answer to reload or load, and frees it. */
static int
print_answer(json_t *ret, bool json)
{
	json_t *mistakes = json_object_get(ret, "mistakes");
	json_t *changes = json_object_get(ret, "changes"), *one;
	size_t i, n = json_array_size(mistakes);

	if (json) {
		json_dumpf(ret, stdout, JSON_INDENT(2));
		printf("\n");
	} else {
		json_array_foreach (mistakes, i, one)
			fprintf(stderr, "%s\n", json_string_value(one));
		json_array_foreach (changes, i, one)
			print_change(one);
		if (n == 0 && json_array_size(changes) == 0)
			printf("nothing changed\n");
	}
	json_decref(ret);
	if (n > 0)
		return cli_fail("the definitions stay as they were");
	return 0;
}

static int
options(struct cli *cli, int argc, char **argv, bool *json)
{
	static const struct option longs[] = {
	    {"json", no_argument, NULL, 'j'},
	    {0},
	};
	int opt;

	while ((opt = getopt_long(argc, argv, "", longs, NULL)) != -1) {
		if (opt != 'j')
			return -1;
		*json = true;
	}
	return 0;
}

static int
run_reload(struct cli *cli, int argc, char **argv)
{
	bool json = false;
	json_t *ret;

	if (options(cli, argc, argv, &json) == -1 || optind != argc)
		return cli_usage(cli);
	if ((ret = cli_ask(cli, "reload", NULL, NULL)) == NULL)
		return 1;
	return print_answer(ret, json);
}

static int
run_load(struct cli *cli, int argc, char **argv)
{
	bool json = false;
	json_t *ret;
	char *path;

	if (options(cli, argc, argv, &json) == -1 || argc - optind != 1)
		return cli_usage(cli);
	if ((path = realpath(argv[optind], NULL)) == NULL)
		return cli_fail(
		    "%s cannot be loaded: %s", argv[optind], strerror(errno));
	ret = cli_ask(cli, "load", json_pack("{s:s}", "path", path), NULL);
	free(path);
	return ret == NULL ? 1 : print_answer(ret, json);
}

const struct command command_reload = {
    .name = "reload",
    .usage = "[--json]",
    .help = "Has the configuration read again and says what that changed",
    .run = run_reload,
};

const struct command command_load = {
    .name = "load",
    .usage = "[--json] FILE",
    .help = "Makes another file the configuration of the running backend",
    .run = run_load,
};
