#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tui/job.h"
#include "tui/ui.h"
#include "tui/widget.h"

#define BAR 8 /* columns */

static void
task_free(struct task *t)
{
	LIST_REMOVE(t, entry);
	job_free(t->job);
	free(t->path);
	free(t->out);
	free(t);
}

/* Lines as they were; a long one comes in parts, and JSON does not mind. */
static void
keep(struct task *t, const char *text)
{
	size_t n = strlen(text);
	char *more;

	if (t->len + n + 2 > TASK_OUT_MAX ||
	    (more = realloc(t->out, t->len + n + 2)) == NULL)
		return;
	t->out = more;
	memcpy(t->out + t->len, text, n);
	t->len += n;
	if (n < JOB_LINE_MAX)
		t->out[t->len++] = '\n';
	t->out[t->len] = '\0';
}

static void
line(struct job *j, const char *text, int error, void *arg)
{
	struct task *t = arg;

	if (!error)
		keep(t, text);
	if (t->failed && !error)
		return;
	t->failed = error;
	if (strncmp(text, "vmtui: ", 7) == 0)
		text += 7;
	snprintf(t->result, sizeof t->result, "%s", text);
}

static void
progress(
    struct job *j, uint64_t done, uint64_t total, const char *what, void *arg)
{
	struct task *t = arg;

	t->done = done;
	t->total = total;
	if (!t->stopping)
		snprintf(t->doing, sizeof t->doing, "%s", what);
	ui_dirty(t->ui, DIRTY_BODY);
}

void
task_say(struct ui *ui, const struct task *t, int status)
{
	if (status == 0)
		ui_say(ui, "%s", t->result);
	else if (t->result[0] != '\0')
		ui_error(ui, "%s", t->result);
	else if (t->stopping)
		ui_say(ui, "%s: it was stopped.", t->path);
	else
		ui_error(ui, "%s: %s was ended", t->path, t->doing);
}

int
task_draw(const struct rect *r, int y, int x, const struct task *t)
{
	x = draw_textf(r, y, x, STYLE_CHANGING, "%s ", t->doing);
	if (t->total == 0)
		return x;
	bar_draw(r, y, x, BAR, t->done, t->total);
	return draw_textf(r, y, x + BAR, STYLE_PLAIN, " %3u%%",
	    (unsigned)(t->done >= t->total
		    ? 100
		    : (double)t->done * 100 / (double)t->total));
}

static void
ended(struct job *j, int status, void *arg)
{
	struct task *t = arg;
	struct ui *ui = t->ui;

	if (t->ended != NULL)
		t->ended(ui, t, status);
	else
		task_say(ui, t, status);
	task_free(t);
	images_ask(ui);
	ui_dirty(ui, DIRTY_ALL);
}

struct task *
task_start(struct ui *ui, const char *doing, const char *path,
    char *const *words, task_ended *done)
{
	static const struct job_ops ops = {
	    .line = line, .progress = progress, .ended = ended};
	struct task *t = calloc(1, sizeof *t);
	struct error err = {.text = "no memory"};

	if (t == NULL || (t->path = strdup(path)) == NULL)
		goto fail;
	t->ui = ui;
	t->ended = done;
	snprintf(t->doing, sizeof t->doing, "%s", doing);
	t->job = job_start(ui->base, ui->config, words, &ops, t, &err);
	if (t->job == NULL)
		goto fail;
	LIST_INSERT_HEAD(&ui->tasks, t, entry);
	ui_dirty(ui, DIRTY_ALL);
	return t;
fail:
	ui_error(ui, "%s", err.text);
	if (t != NULL)
		free(t->path);
	free(t);
	return NULL;
}

struct task *
task_find(const struct ui *ui, const char *path)
{
	struct task *t;

	LIST_FOREACH (t, &ui->tasks, entry)
		if (strcmp(t->path, path) == 0)
			break;
	return t;
}

void
task_stop(struct task *t)
{
	t->stopping = true;
	snprintf(t->doing, sizeof t->doing, "stopping");
	job_stop(t->job);
}

size_t
tasks_count(const struct ui *ui)
{
	const struct task *t;
	size_t n = 0;

	LIST_FOREACH (t, &ui->tasks, entry)
		n++;
	return n;
}

void
tasks_end(struct ui *ui)
{
	struct task *t;

	while ((t = LIST_FIRST(&ui->tasks)) != NULL)
		task_free(t);
}
