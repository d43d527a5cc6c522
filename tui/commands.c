#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <event2/event.h>

#include "backend/proto/paths.h"
#include "config/clock.h"
#include "tui/commands.h"
#include "tui/complete.h"
#include "tui/job.h"
#include "tui/ui.h"
#include "tui/words.h"

#define LINES_FEW  1 /* fit on the bottom line */
#define LINES_MAX  20000 /* kept of one command's output */
#define SHOW_MS    700 /* until the output of one that runs on is shown */
#define RUNS_MAX   16
#define FILE_BYTES (128 << 10) /* of the history, from its end */

/* A command under way. */
struct command_run {
	struct command_run *next;
	struct ui *ui;
	struct job *job;
	char *text; /* as typed */
	char **line; /* its output until it is shown */
	bool *error;
	size_t lines;
	struct event *timer;
	int64_t since; /* ms of CLOCK_MONOTONIC */
	bool given_up;
};

/*
 * --- Output -----------------------------------------------------------
 */

static void
page_closed(struct ui *ui)
{
	struct command_run *r = ui->commands.shown;

	ui->commands.shown = NULL;
	if (r != NULL)
		job_stop(r->job);
}

static void
page_line(struct command_run *r, const char *line, bool error)
{
	if (r->ui->sheet.lines >= LINES_MAX)
		return;
	sheet_add(r->ui, error ? STYLE_ERROR : STYLE_PLAIN, NULL, line);
	ui_dirty(r->ui, DIRTY_BODY);
}

/* Its output gets the page, if no other thing has it. */
static void
show(struct command_run *r)
{
	struct ui *ui = r->ui;
	size_t i;

	if (ui->commands.shown == r || ui->sheet.open || r->lines == 0)
		return;
	sheet_open(ui, r->text);
	sheet_wide(ui, true, page_closed);
	ui->commands.shown = r;
	for (i = 0; i < r->lines; i++)
		page_line(r, r->line[i], r->error[i]);
}

static void
show_later(int fd, short what, void *arg)
{
	show(arg);
}

static void
run_free(struct command_run *r)
{
	struct command_run **at = &r->ui->commands.runs;

	while (*at != NULL && *at != r)
		at = &(*at)->next;
	if (*at == r)
		*at = r->next;
	if (r->ui->commands.shown == r)
		r->ui->commands.shown = NULL;
	job_free(r->job);
	if (r->timer != NULL)
		event_free(r->timer);
	while (r->lines > 0)
		free(r->line[--r->lines]);
	free(r->line);
	free(r->error);
	free(r->text);
	free(r);
}

static void
job_line(struct job *j, const char *line, int error, void *arg)
{
	struct command_run *r = arg;
	char **lines;
	bool *errors;

	if (r->ui->commands.shown == r) {
		page_line(r, line, error);
		return;
	}
	if (r->lines >= LINES_MAX)
		return;
	lines = realloc(r->line, (r->lines + 1) * sizeof *lines);
	if (lines != NULL)
		r->line = lines;
	errors = realloc(r->error, (r->lines + 1) * sizeof *errors);
	if (errors != NULL)
		r->error = errors;
	if (lines == NULL || errors == NULL)
		return;
	r->error[r->lines] = error;
	if ((r->line[r->lines] = strdup(line)) != NULL)
		r->lines++;
}

/* What the command line puts before each sentence says nothing here. */
static const char *
sentence(const char *line)
{
	return strncmp(line, "vmtui: ", 7) == 0 ? line + 7 : line;
}

static void
job_ended(struct job *j, int status, void *arg)
{
	struct command_run *r = arg;
	struct ui *ui = r->ui;
	char note[64];

	if (ui->commands.shown == r) {
		/* The page stays, to be read. */
		if (status != 0) {
			snprintf(
			    note, sizeof note, "ended with status %d", status);
			sheet_add(ui, STYLE_FAINT, NULL, note);
		}
		ui->sheet.closed = NULL;
		ui_dirty(ui, DIRTY_ALL);
	} else if (r->lines > LINES_FEW && !ui->sheet.open) {
		show(r);
		ui->sheet.closed = NULL;
		ui->sheet.follow = false;
	} else if (r->given_up)
		ui_say(ui, "%s: no longer waited for; it may be done yet.",
		    r->text);
	else if (status != 0)
		ui_error(ui, "%s",
		    r->lines > 0 ? sentence(r->line[r->lines - 1])
				 : "the command failed and did not say why");
	else if (r->lines > 0)
		ui_say(ui, "%s", r->line[r->lines - 1]);
	else
		ui_say(ui, "%s: done", r->text);
	run_free(r);
	waiting_changed(ui);
}

/*
 * --- Waiting for it ---------------------------------------------------
 */

int64_t
commands_since(const struct commands *c)
{
	const struct command_run *r;
	int64_t oldest = 0;

	/* The newest is the first; one on a page is seen to run. */
	for (r = c->runs; r != NULL; r = r->next)
		if (r != c->shown)
			oldest = r->since;
	return oldest;
}

void
commands_give_up(struct ui *ui)
{
	struct command_run *r;

	for (r = ui->commands.runs; r != NULL; r = r->next)
		if (r != ui->commands.shown) {
			r->given_up = true;
			job_stop(r->job);
		}
}

/*
 * --- Running ----------------------------------------------------------
 */

static void
run(struct ui *ui, const char *text, struct words *w)
{
	static const struct job_ops ops = {
	    .line = job_line, .ended = job_ended};
	static const struct timeval later = {0, SHOW_MS * 1000};
	struct command_run *r, *other;
	struct error err;
	int n = 0;

	for (other = ui->commands.runs; other != NULL; other = other->next)
		n++;
	if (n >= RUNS_MAX) {
		ui_error(ui, "%d commands still run; wait for one.", n);
		return;
	}
	if ((r = calloc(1, sizeof *r)) == NULL)
		return;
	r->ui = ui;
	r->next = ui->commands.runs;
	ui->commands.runs = r;
	r->text = strdup(text);
	r->timer = evtimer_new(ui->base, show_later, r);
	if (r->text != NULL && r->timer != NULL)
		r->job =
		    job_start(ui->base, ui->config, w->word, &ops, r, &err);
	else
		error_set(&err, "no memory");
	if (r->job == NULL) {
		ui_error(ui, "%s", err.text);
		run_free(r);
		return;
	}
	r->since = clock_ms();
	evtimer_add(r->timer, &later);
	waiting_changed(ui);
}

/* The console is the screen's own, not a command's. */
static void
open_console(struct ui *ui, const char *name)
{
	const char *why;

	if (model_find(ui->model, name) == NULL) {
		ui_error(ui, "no guest is called %s", name);
		return;
	}
	ui_turn(ui, &view_guests);
	guests_select(ui, name);
	ui_layout(ui);
	if ((why = console_refuse(ui)) != NULL)
		ui_say(ui, "%s", why);
	else
		console_enter(ui);
}

/* What needs a terminal of its own, or means something else in a screen. */
static bool
run_here(struct ui *ui, const struct words *w)
{
	const char *name = w->word[0];
	int i;

	if (strcmp(name, "quit") == 0 || strcmp(name, "q") == 0) {
		ui_quit(ui);
		return true;
	}
	if (strcmp(name, "backend") == 0) {
		ui_say(ui, "The backend runs already: this is its screen.");
		return true;
	}
	if (strcmp(name, "console") == 0 && w->count == 2 &&
	    w->word[1][0] != '-') {
		open_console(ui, w->word[1]);
		return true;
	}
	for (i = 1; strcmp(name, "start") == 0 && i < w->count; i++) {
		if (strcmp(w->word[i], "-c") != 0)
			continue;
		ui_say(ui,
		    "start -c is for a terminal: start it here, its console "
		    "is beside the list.");
		return true;
	}
	if (strcmp(name, "console") == 0) {
		ui_say(ui, "Here it is console NAME.");
		return true;
	}
	return false;
}

/*
 * --- History ----------------------------------------------------------
 */

static void
remember(struct commands *c, const char *text)
{
	char *copy;

	if (c->lines > 0 && strcmp(c->line[c->lines - 1], text) == 0)
		return;
	if ((copy = strdup(text)) == NULL)
		return;
	if (c->lines == COMMANDS_HISTORY) {
		free(c->line[0]);
		memmove(c->line, c->line + 1,
		    (COMMANDS_HISTORY - 1) * sizeof *c->line);
		c->lines--;
	}
	c->line[c->lines++] = copy;
	if (c->fresh < c->lines)
		c->fresh++;
}

/* Shows the n'th line of the history in the prompt. */
static void
recall(struct ui *ui, size_t n)
{
	struct commands *c = &ui->commands;

	if (c->at == c->lines) {
		free(c->typed);
		c->typed = strdup(ui->prompt.field.text);
	}
	c->at = n;
	field_set(&ui->prompt.field,
	    n < c->lines           ? c->line[n]
		: c->typed != NULL ? c->typed
				   : "");
}

static int
history_path(char *buf, size_t len)
{
	struct error err;
	char dir[3072];

	if (paths_statedir(dir, sizeof dir, &err) == -1)
		return -1;
	return (size_t)snprintf(buf, len, "%s/commands", dir) < len ? 0 : -1;
}

static void
take_lines(struct commands *c, char *text)
{
	char *line, *rest = text;

	while ((line = strsep(&rest, "\n")) != NULL)
		if (*line != '\0' && strlen(line) < FIELD_MAX)
			remember(c, line);
	c->fresh = 0;
}

void
commands_begin(struct ui *ui)
{
	char path[4096], *text = NULL;
	struct stat st;
	off_t from;
	ssize_t n;
	int fd;

	if (history_path(path, sizeof path) == -1)
		return;
	fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOFOLLOW);
	if (fd == -1)
		return;
	if (fstat(fd, &st) == 0 && S_ISREG(st.st_mode) &&
	    (text = malloc(FILE_BYTES + 1)) != NULL) {
		from = st.st_size > FILE_BYTES ? st.st_size - FILE_BYTES : 0;
		n = pread(fd, text, FILE_BYTES, from);
		text[n > 0 ? n : 0] = '\0';
		take_lines(&ui->commands, text);
	}
	free(text);
	close(fd);
}

static void
write_lines(const struct commands *c, int fd)
{
	FILE *f = fdopen(fd, "a");
	size_t i;

	if (f == NULL) {
		close(fd);
		return;
	}
	for (i = c->lines - c->fresh; i < c->lines; i++)
		fprintf(f, "%s\n", c->line[i]);
	/* A history that cannot be kept is no reason to complain at the end. */
	fclose(f);
}

void
commands_end(struct ui *ui)
{
	struct commands *c = &ui->commands;
	char path[4096];
	struct stat st;
	int fd = -1;

	if (c->fresh > 0 && history_path(path, sizeof path) == 0)
		fd = open(path,
		    O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC | O_NOFOLLOW |
			O_NONBLOCK,
		    0600);
	if (fd != -1 && fstat(fd, &st) == 0) {
		/* Long enough: what is known of it is its end. */
		if (st.st_size > 4 * FILE_BYTES && ftruncate(fd, 0) == 0)
			c->fresh = c->lines;
		write_lines(c, fd);
	} else if (fd != -1)
		close(fd);
	while (c->runs != NULL)
		run_free(c->runs);
	while (c->lines > 0)
		free(c->line[--c->lines]);
	free(c->typed);
	c->typed = NULL;
}

/*
 * --- The prompt -------------------------------------------------------
 */

static void
entered(struct ui *ui, const char *typed)
{
	char text[FIELD_MAX];
	struct error err;
	struct words w;
	size_t n;

	snprintf(text, sizeof text, "%s", typed + strspn(typed, " \t:"));
	for (n = strlen(text); n > 0 && text[n - 1] == ' '; n--)
		text[n - 1] = '\0';
	if (*text == '\0')
		return;
	remember(&ui->commands, text);
	if (words_split(text, &w, &err) == -1)
		ui_error(ui, "%s", err.text);
	else if (!run_here(ui, &w))
		run(ui, text, &w);
	words_free(&w);
}

static bool
prompt_has(struct ui *ui, struct key key)
{
	struct commands *c = &ui->commands;

	if (key.code == K_TAB) {
		complete_command(ui);
		return true;
	}
	if (key.code == K_UP || key_is(key, 'p', TERM_CTRL)) {
		if (c->at > 0)
			recall(ui, c->at - 1);
		return true;
	}
	if (key.code == K_DOWN || key_is(key, 'n', TERM_CTRL)) {
		if (c->at < c->lines)
			recall(ui, c->at + 1);
		return true;
	}
	return false;
}

void
commands_prompt_with(struct ui *ui, const char *text)
{
	prompt_read(ui, ":", text, entered);
	prompt_keys(ui, prompt_has);
	ui->commands.at = ui->commands.lines;
}

void
commands_prompt(struct ui *ui)
{
	commands_prompt_with(ui, "");
}
