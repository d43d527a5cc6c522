/*
 * cmd_balloon.c: memory that goes to the host and comes back.
 */
#include "balloon.h"
#include "command.h"
#include "console.h"

static void
run_balloon(int argc, char **argv)
{
	uint64_t pages;

	if (balloon_follow(&pages) == 0)
		print("ok: the host has %lu pages\n", pages);
}

static void
run_report(int argc, char **argv)
{
	uint64_t count;

	if (command_number(argv[1], "PAGES", 1, 1u << 18, &count) == 0 &&
	    balloon_report(count) == 0)
		print("ok: the host took %lu pages\n", count);
}

static void
run_give(int argc, char **argv)
{
	uint64_t number;

	if (command_number(argv[1], "NUMBER", 0, UINT32_MAX, &number) == 0 &&
	    balloon_give((uint32_t)number) == 0)
		print("ok: the host has page %lu\n", number);
}

static const struct command commands[] = {
    {"balloon", "", "give the host the memory that it asks for", 0, 0,
	run_balloon},
    {"report", "PAGES", "tell the host that so many pages are free", 1, 1,
	run_report},
    {"give", "NUMBER", "give the host any page, also one there is not", 1, 1,
	run_give},
    {0},
};

const struct command_group cmd_balloon = {"balloon", 0, commands};
