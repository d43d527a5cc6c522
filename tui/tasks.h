/*
 * tasks.h: work on disk images that takes a while: each a command of the
 * command line in a process of its own (job.h), which says how far it is and
 * can be stopped. The forms and the view of images begin them; they go on
 * whatever the screen shows, and end with it. Main thread.
 */
#ifndef TUI_TASKS_H
#define TUI_TASKS_H

#include <sys/queue.h>

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "tui/draw.h"

struct job;
struct task;
struct ui;

#define TASK_OUT_MAX (1 << 16) /* bytes of its output that are kept */

/* status: the exit status; what is in the task is freed behind it. */
typedef void task_ended(struct ui *ui, struct task *t, int status);

struct task {
	LIST_ENTRY(task) entry;
	struct ui *ui;
	struct job *job;
	char *path; /* of the image that is worked at; owned */
	char doing[24]; /* "copying"; from the command itself, once it says */
	uint64_t done, total; /* bytes; total 0: not known */
	char *out; /* all that it printed on standard output; owned */
	size_t len;
	char result[512]; /* the last line it printed, of errors rather */
	bool failed; /* result is an error */
	bool stopping; /* it was asked to end */
	task_ended *ended; /* NULL: the result is shown on the bottom line */
};

LIST_HEAD(tasks, task);

/*
 * Runs the words (ended by NULL) as a command that works at the image. Returns
 * NULL after saying why not, else the task, valid until ended was called.
 */
struct task *task_start(struct ui *ui, const char *doing, const char *path,
    char *const *words, task_ended *ended);
/* The one that works at the image, or NULL. */
struct task *task_find(const struct ui *ui, const char *path);
/* Asks it to end; it undoes what it has to. */
void task_stop(struct task *t);
/* How many there are. */
size_t tasks_count(const struct ui *ui);
/* "copying ████▁▁▁▁  37%" at row y and column x of r; returns the next one. */
int task_draw(const struct rect *r, int y, int x, const struct task *t);
/* The sentence of its end on the bottom line. */
void task_say(struct ui *ui, const struct task *t, int status);
/* Stops all, without a call. */
void tasks_end(struct ui *ui);

#endif
