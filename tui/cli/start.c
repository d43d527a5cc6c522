#include <errno.h>
#include <getopt.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "config/config.h"
#include "tui/cli/cli.h"

/* An option of the command line, and what it is in a definition. */
static const struct {
	char option;
	const char *key;
	bool repeats;
} keys[] = {
    {'m', "memory", false},
    {'b', "kernel", false},
    {'I', "initrd", false},
    {'k', "cmdline", false},
    {'p', "cpus", false},
    {'d', "disk", true},
    {'r', "cdrom", false},
    {'B', "boot", false},
    {'t', "instance-of", false},
};

struct request {
	bool all, console, wait;
	json_t *definition; /* NULL: the guests are defined */
	json_t *nics; /* in it; interfaces in the order they were given */
	unsigned count; /* -i */
};

/* Returns -1 if the option is none of a definition. */
static int
define(struct request *rq, int opt, const char *value)
{
	char text[128];
	json_t *list;
	size_t i;

	if (rq->definition == NULL) {
		rq->definition = json_object();
		rq->nics = json_array();
		json_object_set_new(rq->definition, "interface", rq->nics);
	}
	for (i = 0; i < sizeof keys / sizeof *keys; i++) {
		if (keys[i].option != opt)
			continue;
		if (!keys[i].repeats)
			return json_object_set_new(
			    rq->definition, keys[i].key, json_string(value));
		list = json_object_get(rq->definition, keys[i].key);
		if (list == NULL) {
			list = json_array();
			json_object_set_new(rq->definition, keys[i].key, list);
		}
		return json_array_append_new(list, json_string(value));
	}
	switch (opt) {
	case 'n':
		snprintf(text, sizeof text, "switch=%s", value);
		return json_array_append_new(rq->nics, json_string(text));
	case 'L':
		return json_array_append_new(rq->nics, json_string("local"));
	case 'i':
		errno = 0;
		rq->count = (unsigned)strtoul(value, NULL, 10);
		if (value[0] < '0' || value[0] > '9' ||
		    value[strspn(value, "0123456789")] != '\0' ||
		    rq->count > CONFIG_NICS_MAX)
			return cli_fail(
			    "-i %s: write how many interfaces the guest has, 0 to %d",
			    value, CONFIG_NICS_MAX);
		return 0;
	}
	return -1;
}

/*
 * -i says how many interfaces there are: those that neither -n nor -L put
 * somewhere are plugged into nothing.
 */
static int
finish_definition(struct request *rq, char **names, int n)
{
	if (n != 1)
		return cli_fail("a guest with options of its own needs exactly "
				"one name");
	json_object_set_new(rq->definition, "name", json_string(names[0]));
	while (json_array_size(rq->nics) < rq->count)
		json_array_append_new(rq->nics, json_string(""));
	/* An empty list would hide what a template gives. */
	if (json_array_size(rq->nics) == 0)
		json_object_del(rq->definition, "interface");
	return 0;
}

static int
start_ad_hoc(struct cli *cli, struct request *rq, bool wait)
{
	const char *state;
	char cwd[PATH_MAX];
	json_t *ret;
	int rc = 0;

	if (getcwd(cwd, sizeof cwd) == NULL)
		return cli_fail(
		    "cannot tell the current folder: %s", strerror(errno));
	ret = cli_ask(cli, "start",
	    json_pack("{s:O, s:s, s:b}", "definition", rq->definition, "folder",
		cwd, "wait", wait),
	    NULL);
	if (ret == NULL)
		return 1;
	state = json_string_value(json_object_get(ret, "state"));
	if (state != NULL && strcmp(state, "crashed") == 0)
		rc = cli_fail("%s crashed: %s",
		    json_string_value(json_object_get(ret, "name")),
		    json_string_value(json_object_get(ret, "reason")));
	json_decref(ret);
	return rc;
}

static int
start(struct cli *cli, struct request *rq, char **names, int n)
{
	/* With a console to show, the wait comes after it. */
	bool wait = rq->wait && !rq->console;
	int rc;

	if (rq->definition != NULL) {
		if (finish_definition(rq, names, n) != 0)
			return EXIT_USAGE;
		rc = start_ad_hoc(cli, rq, wait);
	} else {
		rc = cli_each(cli, "start", wait ? "wait" : NULL, names, n);
	}
	if (rc == 0 && rq->console) {
		rc = console_attach(cli, names[0], CONSOLE_SERIAL, true);
		if (rc == 0 && rq->wait)
			rc = cli_each(cli, "wait", NULL, names, n);
	}
	return rc;
}

static int
parse(struct request *rq, int argc, char **argv)
{
	int opt, rc;

	while ((opt = getopt(argc, argv, "acwm:b:B:I:k:p:d:r:t:n:Li:")) != -1) {
		switch (opt) {
		case 'a':
			rq->all = true;
			break;
		case 'c':
			rq->console = true;
			break;
		case 'w':
			rq->wait = true;
			break;
		case '?':
			return -1;
		default:
			if ((rc = define(rq, opt, optarg)) != 0)
				return rc;
		}
	}
	return 0;
}

static int
run(struct cli *cli, int argc, char **argv)
{
	char **names, **found = NULL;
	struct request rq = {0};
	int n, rc;

	if ((rc = parse(&rq, argc, argv)) != 0) {
		json_decref(rq.definition);
		return rc == -1 ? cli_usage(cli) : EXIT_USAGE;
	}
	names = argv + optind;
	n = argc - optind;
	if (rq.all != (n == 0) || (rq.all && rq.definition != NULL) ||
	    (rq.console && n != 1)) {
		json_decref(rq.definition);
		return cli_usage(cli);
	}
	if (rq.all && (names = found = cli_names(cli, false, &n)) == NULL)
		return 1;
	rc = start(cli, &rq, names, n);
	cli_names_free(found);
	json_decref(rq.definition);
	return rc;
}

const struct command command_start = {
    .name = "start",
    .usage = "[-cw] -a | NAME...\n"
	     "           start [-cw] [-m SIZE] [-p CPUS] [-b KERNEL] "
	     "[-I INITRD] [-k CMDLINE]\n"
	     "                 [-d DISK] [-r ISO] [-B DEVICE] [-n SWITCH] "
	     "[-i COUNT] [-L]\n"
	     "                 [-t TEMPLATE] NAME",
    .help = "Starts guests, defined or made up; -c console, -w wait, -a all",
    .run = run,
};
