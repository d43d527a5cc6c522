/*
 * cli.h: the command line: `vmtui COMMAND …`.
 *
 * Each command is one file that ends in one struct command, listed once in
 * cli.c; help, usage and dispatch read that table. Commands talk to the
 * backend through backend/client only.
 */
#ifndef TUI_CLI_CLI_H
#define TUI_CLI_CLI_H

#include <jansson.h>
#include <stdbool.h>

#include "backend/client/client.h"

#define EXIT_USAGE 2

/* What main.c lends to the command line: it may name the other processes. */
struct cli_hooks {
	int (*screen)(const char *config);
	int (*backend)(const char *config, int ready_fd);
	/* Prints what went wrong; EXIT_USAGE: but not how it is used. */
	int (*image)(
	    const char *config, const char *command, int argc, char **argv);
};

struct cli {
	const struct cli_hooks *hooks;
	const struct command *command;
	const char *config; /* -f; NULL: the default */
	struct event_base *base; /* once cli_connect() was called */
	struct client *client;
};

struct command {
	const char *name;
	const char *usage; /* what stands behind the name */
	const char *help; /* one line, without a full stop */
	/* argv[0] is the name. Returns the exit status. */
	int (*run)(struct cli *cli, int argc, char **argv);
};

/* One a line, so that a new one is one line. */
extern const struct command command_backend;
extern const struct command command_balloon;
extern const struct command command_check;
extern const struct command command_console;
extern const struct command command_create;
extern const struct command command_eject;
extern const struct command command_grow;
extern const struct command command_image;
extern const struct command command_import;
extern const struct command command_insert;
extern const struct command command_link;
extern const struct command command_load;
extern const struct command command_log;
extern const struct command command_pause;
extern const struct command command_receive;
extern const struct command command_reload;
extern const struct command command_reset;
extern const struct command command_send;
extern const struct command command_show;
extern const struct command command_start;
extern const struct command command_status;
extern const struct command command_stop;
extern const struct command command_switches;
extern const struct command command_unpause;
extern const struct command command_wait;

/*
 * The table of all commands and how many there are: what completions and
 * manuals are held against (tests/man).
 */
extern const struct command *const cli_commands[];
extern const size_t cli_ncommands;

/* The whole of the command line. Returns the exit status. */
int cli_main(int argc, char **argv, const struct cli_hooks *hooks);

/* Prints "vmtui: …" and returns 1. */
int cli_fail(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
/* Prints how the command is used and returns EXIT_USAGE. */
int cli_usage(const struct cli *cli);

/* Connects, starting a backend if there is none. 0, or 1 after printing why. */
int cli_connect(struct cli *cli);
/*
 * Sends a command and waits for its answer. Takes args. Returns the answer
 * (to be freed) or NULL after printing why.
 */
json_t *cli_ask(struct cli *cli, const char *command, json_t *args, int *fd);

/*
 * The same for several guests at once: command is sent for each name (all of
 * argv, n of them) with member flag, if not NULL, set to true. Returns 0, or 1
 * after printing each failure, and each guest that crashed while waited for.
 */
int cli_each(struct cli *cli, const char *command, const char *flag,
    char **names, int n);
/*
 * The names of all guests that run, or of all that do not, for -a: an array
 * of strings in a malloc()ed block each, ended by NULL; NULL after printing
 * why.
 */
char **cli_names(struct cli *cli, bool running, int *n);
void cli_names_free(char **names);
/* balloon.c: a line on the memory of GUEST (proto.h), if it can be moved. */
void cli_print_balloon(const json_t *guest);
/* insert.c: a line on what is in GUEST's CD-ROM drive, if it has one. */
void cli_print_disc(const json_t *guest);
/* link.c: a line for each interface of GUEST whose cable is out. */
void cli_print_links(const json_t *guest);
/* history.c: how often GUEST (proto.h) ended by itself, and why. */
void cli_print_history(const json_t *guest);
/* And when it came to be in its state. */
void cli_print_since(const json_t *guest);

#define CONSOLE_SERIAL "ttyS0" /* the console that every guest has */

/*
 * Connects this terminal, or pipe, with a guest's console (port as the wire
 * names them, proto.h) until either side ends. Returns the exit status.
 */
int console_attach(
    struct cli *cli, const char *name, const char *port, bool history);

#endif
