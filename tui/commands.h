/*
 * commands.h: the prompt ":", with the command line's own commands (cli.h):
 * history, completion, and where their output goes:
 *
 *	nothing, or one line	the bottom line, also when it comes late
 *	more			a page over the view, growing while it runs;
 *				closing it ends the command
 *
 * Main thread.
 */
#ifndef TUI_COMMANDS_H
#define TUI_COMMANDS_H

#include <stddef.h>
#include <stdint.h>

struct command_run;
struct ui;

#define COMMANDS_HISTORY 500 /* lines */

struct commands {
	char *line[COMMANDS_HISTORY]; /* oldest first */
	size_t lines, fresh; /* fresh: those at the end not yet in the file */
	size_t at; /* the one shown; lines: what is typed */
	char *typed; /* before one went up */
	struct command_run *runs; /* a list */
	struct command_run *shown; /* whose output the page is */
};

/* Reads the history of earlier screens. */
void commands_begin(struct ui *ui);
/* Adds this screen's lines to it; what runs is asked to end. */
void commands_end(struct ui *ui);

/*
 * Since when the oldest command runs of which nothing is shown yet, in ms of
 * CLOCK_MONOTONIC; 0: none does. And all those are asked to end.
 */
int64_t commands_since(const struct commands *c);
void commands_give_up(struct ui *ui);

/* Opens the prompt; with the beginning of a command in it. */
void commands_prompt(struct ui *ui);
void commands_prompt_with(struct ui *ui, const char *text);

#endif
