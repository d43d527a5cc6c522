/*
 * command.h: the prompt's commands. A file cmd_*.c ends in one group of them;
 * prompt.c finds them by name, help lists them.
 */
#ifndef GUEST_COMMAND_H
#define GUEST_COMMAND_H

#include <stdint.h>

/* Words of one command at most, its name included. */
#define ARGS_MAX 128

struct command {
	const char *name, *args;
	const char *help;
	int min, max; /* arguments */
	void (*run)(int argc, char **argv); /* argv[0] is the name */
};

struct command_group {
	const char *title;
	int terse; /* help lists the names only */
	const struct command *commands; /* the last one has no name */
};

extern const struct command_group cmd_machine, cmd_disk, cmd_net, cmd_console,
    cmd_hvc, cmd_balloon, cmd_vmmci, cmd_raw, cmd_hostile, cmd_regs, cmd_old,
    cmd_stress, cmd_bench;

/* The n'th group, NULL behind the last. */
const struct command_group *command_group(unsigned n);

/*
 * An argument that must be a number of min to max. Returns 0, or -1 after
 * saying what is wrong.
 */
int command_number(const char *text, const char *what, uint64_t min,
    uint64_t max, uint64_t *value);

/* Line n of a flood, width characters and a NUL; width is 10 to FLOOD_WIDTH. */
#define FLOOD_WIDTH 255
void flood_row(char *row, uint64_t n, unsigned width);

#endif
