/*
 * cmd_vmmci.c: the host's requests, and its clock.
 */
#include "command.h"
#include "console.h"
#include "lib.h"
#include "vmmci.h"

static void
run_hosttime(int argc, char **argv)
{
	uint64_t us;

	if (vmmci_time(&us) == 0)
		print("%lu.%06lu\n", us / 1000000, us % 1000000);
}

static void
run_vmmci(int argc, char **argv)
{
	uint64_t command;
	uint32_t now;

	if (argc > 1) {
		if (command_number(
			argv[1], "COMMAND", 0, UINT32_MAX, &command) != 0 ||
		    vmmci_write((uint32_t)command) != 0)
			return;
	}
	if (vmmci_read(&now) == 0)
		print("command %u\n", now);
}

static void
run_deaf(int argc, char **argv)
{
	vmmci_deaf(1);
}

static const struct command commands[] = {
    {"hosttime", "", "the host's clock, in seconds since 1970", 0, 0,
	run_hosttime},
    {"vmmci", "[COMMAND]", "write its command register, and read it", 0, 1,
	run_vmmci},
    {"deaf", "", "do not answer requests any more", 0, 0, run_deaf},
    {0},
};

const struct command_group cmd_vmmci = {"vmmci", 0, commands};
