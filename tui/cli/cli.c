#include <getopt.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <event2/event.h>

#include "config/config.h"
#include "tui/cli/cli.h"

const struct command *const cli_commands[] = {
    &command_status,
    &command_show,
    &command_start,
    &command_stop,
    &command_console,
    &command_pause,
    &command_unpause,
    &command_reset,
    &command_balloon,
    &command_link,
    &command_insert,
    &command_eject,
    &command_grow,
    &command_wait,
    &command_send,
    &command_receive,
    &command_log,
    &command_create,
    &command_image,
    &command_check,
    &command_import,
    &command_load,
    &command_reload,
    &command_switches,
    &command_backend,
};

#define COMMANDS (sizeof cli_commands / sizeof *cli_commands)

const size_t cli_ncommands = COMMANDS;

int
cli_fail(const char *fmt, ...)
{
	va_list ap;

	fflush(stdout);
	fprintf(stderr, "vmtui: ");
	va_start(ap, fmt);
	vfprintf(stderr, fmt, ap);
	va_end(ap);
	fprintf(stderr, "\n");
	return 1;
}

int
cli_usage(const struct cli *cli)
{
	fprintf(stderr, "usage: vmtui [-f FILE] %s%s%s\n", cli->command->name,
	    cli->command->usage[0] != '\0' ? " " : "", cli->command->usage);
	return EXIT_USAGE;
}

static int
help(FILE *to)
{
	size_t i;

	fprintf(to,
	    "usage: vmtui [-f FILE] [COMMAND [ARGUMENT]...]\n"
	    "\n"
	    "Without a command: the screen, with all guests and their "
	    "consoles.\n"
	    "\n");
	for (i = 0; i < COMMANDS; i++)
		fprintf(to, "  %-8s %s\n           %s\n", cli_commands[i]->name,
		    cli_commands[i]->usage, cli_commands[i]->help);
	fprintf(to,
	    "\n"
	    "  -f FILE    the configuration, instead of $VMTUI_CONFIG or the "
	    "default place\n"
	    "  --help     this text; vmtui COMMAND --help: how one is used\n"
	    "  --version  the version\n");
	return to == stdout ? 0 : EXIT_USAGE;
}

/* The one of that name, or the only one that begins so; COMMANDS: none. */
static size_t
find(const char *name, size_t *matches)
{
	size_t i, found = COMMANDS;

	*matches = 0;
	for (i = 0; i < COMMANDS; i++) {
		if (strcmp(cli_commands[i]->name, name) == 0) {
			*matches = 1;
			return i;
		}
		if (strncmp(cli_commands[i]->name, name, strlen(name)) == 0) {
			found = i;
			(*matches)++;
		}
	}
	return *matches == 1 && name[0] != '\0' ? found : COMMANDS;
}

static int
ambiguous(const char *name)
{
	const char *sep = "";
	char list[200] = "";
	size_t i, n = 0;

	for (i = 0; i < COMMANDS && n < sizeof list; i++) {
		if (strncmp(cli_commands[i]->name, name, strlen(name)) != 0)
			continue;
		n += (size_t)snprintf(list + n, sizeof list - n, "%s%s", sep,
		    cli_commands[i]->name);
		sep = ", ";
	}
	cli_fail("\"%s\" may be %s: give more of it", name, list);
	return EXIT_USAGE;
}

static int
unknown(const char *name, size_t matches)
{
	const char *names[COMMANDS + 1] = {NULL}, *near;
	size_t i;

	if (matches > 1 && name[0] != '\0')
		return ambiguous(name);
	for (i = 0; i < COMMANDS; i++)
		names[i] = cli_commands[i]->name;
	near = config_nearest(name, names);
	if (near != NULL)
		cli_fail(
		    "there is no command \"%s\": is %s meant?", name, near);
	else
		cli_fail("there is no command \"%s\": vmtui --help lists them",
		    name);
	return EXIT_USAGE;
}

static int
run(struct cli *cli, int argc, char **argv)
{
	char title[32];
	size_t i, matches;
	int rc;

	if ((i = find(argv[0], &matches)) == COMMANDS)
		return unknown(argv[0], matches);
	cli->command = cli_commands[i];
	if (argc == 2 && strcmp(argv[1], "--help") == 0) {
		printf("usage: vmtui [-f FILE] %s %s\n\n%s.\n",
		    cli_commands[i]->name, cli_commands[i]->usage,
		    cli_commands[i]->help);
		return 0;
	}
	/* What getopt() says begins with it. */
	snprintf(title, sizeof title, "vmtui: %s", cli->command->name);
	argv[0] = title;
	optind = 0; /* getopt() begins anew */
	rc = cli_commands[i]->run(cli, argc, argv);
	client_free(cli->client);
	if (cli->base != NULL)
		event_base_free(cli->base);
	if ((fflush(stdout) == EOF || ferror(stdout)) && rc == 0)
		return cli_fail("cannot write the output");
	return rc;
}

int
cli_main(int argc, char **argv, const struct cli_hooks *hooks)
{
	static const struct option longs[] = {
	    {"help", no_argument, NULL, 'h'},
	    {"version", no_argument, NULL, 'v'},
	    {0},
	};
	struct cli cli = {.hooks = hooks};
	int opt;

	while ((opt = getopt_long(argc, argv, "+f:h", longs, NULL)) != -1) {
		switch (opt) {
		case 'f':
			cli.config = optarg;
			break;
		case 'h':
			return help(stdout);
		case 'v':
			printf("vmtui %s\n", VMTUI_VERSION);
			return 0;
		default:
			return help(stderr);
		}
	}
	if (optind == argc)
		return hooks->screen(cli.config);
	return run(&cli, argc - optind, argv + optind);
}

int
cli_connect(struct cli *cli)
{
	const struct client_options options = {
	    .config = cli->config, .start_backend = true};
	struct error err;

	if (cli->client != NULL)
		return 0;
	if ((cli->base = event_base_new()) == NULL)
		return cli_fail("no memory");
	cli->client = client_new(cli->base, &options, NULL, NULL, &err);
	if (cli->client == NULL)
		return cli_fail("%s", err.text);
	return 0;
}

json_t *
cli_ask(struct cli *cli, const char *command, json_t *args, int *fd)
{
	struct error err;
	json_t *ret;

	if (cli_connect(cli) != 0) {
		json_decref(args);
		return NULL;
	}
	ret = client_wait(cli->client, command, args, fd, &err);
	if (ret == NULL)
		cli_fail("%s", err.text);
	return ret;
}
