/*
 * job.h: a command of the command line, run by this program once more with its
 * output in a pipe, so that whatever it waits for the screen does not. Main
 * thread.
 */
#ifndef TUI_JOB_H
#define TUI_JOB_H

#include <stddef.h>
#include <stdint.h>

#include "config/error.h"

struct event_base;
struct job;

struct job_ops {
	/* A line of its output, without what is no text; error: of stderr. */
	void (*line)(struct job *j, const char *line, int error, void *arg);
	/*
	 * How far it is, of commands that can tell (total 0: not known); the
	 * word is what it does. NULL: it is not asked.
	 */
	void (*progress)(struct job *j, uint64_t done, uint64_t total,
	    const char *what, void *arg);
	/* It ended, with that exit status (128 and up: by a signal). */
	void (*ended)(struct job *j, int status, void *arg);
};

#define JOB_LINE_MAX 1000 /* bytes; longer lines are cut into such */

/*
 * Runs vmtui with the words behind it (ended by NULL); config is -f, or NULL.
 * Its input is empty. NULL with a sentence.
 */
struct job *job_start(struct event_base *base, const char *config,
    char *const *words, const struct job_ops *ops, void *arg,
    struct error *err);
/* Asks it to end, as ctrl-c does; ended is called when it has. */
void job_stop(struct job *j);
/* Forgets it, without a call; one that still runs is asked to end. */
void job_free(struct job *j);

#endif
