/*
 * prompt.h: the command line: editing, history, completion, running commands.
 */
#ifndef GUEST_PROMPT_H
#define GUEST_PROMPT_H

/*
 * Runs a line: commands with ';' between them, words with blanks between them,
 * quotes around a word with blanks. The line is changed.
 */
void prompt_run(char *line);

/* Shows a line as if it had been typed, then runs it. */
void prompt_show_and_run(char *line);

/* Reads and runs lines for ever. */
_Noreturn void prompt_loop(void);

#endif
