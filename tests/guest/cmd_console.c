/*
 * cmd_console.c: help, and commands about text.
 */
#include "command.h"
#include "console.h"
#include "lib.h"
#include "rng.h"

static void
usage_print(const struct command *c)
{
	unsigned used = (unsigned)strlen(c->name) + (unsigned)strlen(c->args);

	print("  %s %s", c->name, c->args);
	for (; used < 25; used++)
		print(" ");
	print("  %s\n", c->help);
}

static void
help_group(const struct command_group *g)
{
	const struct command *c;

	for (c = g->commands; c->name != NULL; c++) {
		if (!g->terse)
			usage_print(c);
		else
			print("%s%s", c == g->commands ? "  " : " ", c->name);
	}
	if (g->terse)
		print("  (%s; help NAME says more)\n", g->title);
}

static void
run_help(int argc, char **argv)
{
	const struct command_group *g;
	const struct command *c;
	unsigned i;

	for (i = 0; (g = command_group(i)) != NULL; i++) {
		if (argc == 1) {
			help_group(g);
			continue;
		}
		for (c = g->commands; c->name != NULL; c++)
			if (strcmp(c->name, argv[1]) == 0) {
				usage_print(c);
				return;
			}
	}
	if (argc > 1)
		print("%s: no such command; `help' lists them all\n", argv[1]);
}

static void
run_echo(int argc, char **argv)
{
	int i;

	for (i = 1; i < argc; i++)
		print("%s%s", i > 1 ? " " : "", argv[i]);
	print("\n");
}

static void
run_random(int argc, char **argv)
{
	uint8_t bytes[RNG_MAX];
	uint64_t want = 16;
	int n, i;

	if (argc > 1 && command_number(argv[1], "N", 1, RNG_MAX, &want) != 0)
		return;
	n = rng_read(bytes, (unsigned)want);
	for (i = 0; i < n; i++)
		print(
		    "%02x%s", bytes[i], i % 32 == 31 || i == n - 1 ? "\n" : "");
}

/* A number, and letters, each line beginning with the next letter. */
void
flood_row(char *row, uint64_t n, unsigned width)
{
	uint64_t rest = n;
	unsigned i;

	for (i = 8; i-- > 0; rest /= 10)
		row[i] = (char)('0' + rest % 10);
	row[8] = ' ';
	for (i = 9; i < width; i++)
		row[i] = (char)('a' + (n + i - 9) % 26);
	row[width] = '\0';
}

static void
run_flood(int argc, char **argv)
{
	char row[FLOOD_WIDTH + 1];
	uint64_t lines, width = 72, n;

	if (command_number(argv[1], "LINES", 1, UINT32_MAX, &lines) != 0)
		return;
	if (argc > 2 &&
	    command_number(argv[2], "WIDTH", 10, FLOOD_WIDTH, &width) != 0)
		return;
	for (n = 1; n <= lines && !console_interrupted(); n++) {
		flood_row(row, n, (unsigned)width);
		print("%s\n", row);
	}
}

static const struct command commands[] = {
    {"random", "[N]", "N bytes from the host's random numbers", 0, 1,
	run_random},
    {"echo", "TEXT...", "say TEXT again", 0, ARGS_MAX, run_echo},
    {"flood", "LINES [WIDTH]", "print numbered lines, until ctrl-C", 1, 2,
	run_flood},
    {"help", "[NAME]", "this list, or one command of it", 0, 1, run_help},
    {0},
};

const struct command_group cmd_console = {"text", 0, commands};
