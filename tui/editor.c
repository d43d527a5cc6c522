#include <sys/wait.h>

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <spawn.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "config/config.h"
#include "tui/editor.h"
#include "tui/tty.h"
#include "tui/ui.h"

#define NAME "vmtui.conf" /* editors know files by their names */

extern char **environ;

struct editor {
	struct ui *ui; /* NULL: the screen is at its end */
	char *program;
	char folder[PATH_MAX];
	char path[PATH_MAX + sizeof NAME];
	char *text; /* to be edited, then edited */
	size_t len;
	atomic_int pid; /* 0: it does not run */
	int status; /* as waitpid() has it; -1: err says why */
	struct error err;
	void (*done)(struct ui *ui, const char *text, size_t len);
};

/*
 * --- On a thread ----------------------------------------------------------
 */

static int
write_text(struct editor *e)
{
	const char *temporary = getenv("TMPDIR");
	size_t done = 0;
	ssize_t n;
	int fd;

	snprintf(e->folder, sizeof e->folder, "%.*s/vmtui.XXXXXX",
	    PATH_MAX - 32,
	    temporary != NULL && *temporary == '/' ? temporary : "/tmp");
	if (mkdtemp(e->folder) == NULL) {
		e->folder[0] = '\0';
		return error_set(&e->err,
		    "There is no place for a file to edit: %s",
		    strerror(errno));
	}
	snprintf(e->path, sizeof e->path, "%s/" NAME, e->folder);
	fd = open(e->path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	while (fd != -1 && done < e->len) {
		n = write(fd, e->text + done, e->len - done);
		if (n == -1 && errno == EINTR)
			continue;
		if (n <= 0)
			break;
		done += (size_t)n;
	}
	if (fd == -1 || done < e->len || close(fd) == -1)
		return error_set(&e->err, "%s cannot be written: %s", e->path,
		    strerror(errno));
	return 0;
}

/* A job of the terminal, in its foreground. */
static int
spawn(struct editor *e)
{
	static char sh[] = "sh", c[] = "-c";
	char command[1100];
	char *argv[] = {sh, c, command, e->program, e->path, NULL};
	posix_spawn_file_actions_t files;
	posix_spawnattr_t attr;
	sigset_t none, all;
	pid_t pid;
	int rc;

	/*
	 * It may have words of its own: "emacs -nw". No shell stays above it,
	 * which a ctrl-c would end; only "A=b vi" needs one.
	 */
	snprintf(command, sizeof command, "%s%.1000s \"$@\"",
	    strchr(e->program, '=') == NULL ? "exec " : "", e->program);
	sigemptyset(&none);
	sigfillset(&all);
	posix_spawn_file_actions_init(&files);
	posix_spawn_file_actions_addtcsetpgrp_np(&files, STDIN_FILENO);
	posix_spawnattr_init(&attr);
	posix_spawnattr_setsigmask(&attr, &none);
	posix_spawnattr_setsigdefault(&attr, &all);
	posix_spawnattr_setpgroup(&attr, 0);
	posix_spawnattr_setflags(&attr,
	    POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF |
		POSIX_SPAWN_SETPGROUP);
	rc = posix_spawn(&pid, "/bin/sh", &files, &attr, argv, environ);
	posix_spawnattr_destroy(&attr);
	posix_spawn_file_actions_destroy(&files);
	if (rc != 0)
		return error_set(
		    &e->err, "The editor cannot be run: %s", strerror(rc));
	atomic_store(&e->pid, pid);
	return 0;
}

static int
read_text(struct editor *e)
{
	int fd = open(e->path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOFOLLOW);
	char *text = malloc(CONFIG_FILE_MAX + 1);
	size_t len = 0;
	ssize_t n = -1;

	while (fd != -1 && text != NULL && len <= CONFIG_FILE_MAX) {
		n = read(fd, text + len, CONFIG_FILE_MAX + 1 - len);
		if (n == -1 && errno == EINTR)
			continue;
		if (n <= 0)
			break;
		len += (size_t)n;
	}
	if (fd != -1)
		close(fd);
	if (n != 0) {
		free(text);
		return error_set(&e->err,
		    "What was edited cannot be read, or is over %d bytes",
		    CONFIG_FILE_MAX);
	}
	free(e->text);
	e->text = text;
	e->len = len;
	return 0;
}

static void
run(void *arg)
{
	struct editor *e = arg;
	pid_t pid;

	e->status = -1;
	if (write_text(e) == 0 && spawn(e) == 0) {
		pid = atomic_load(&e->pid);
		/* There is no shell that it could be stopped for. */
		while (waitpid(pid, &e->status, WUNTRACED) == -1
			? errno == EINTR
			: WIFSTOPPED(e->status))
			kill(-pid, SIGCONT);
		atomic_store(&e->pid, 0);
		if (e->status == 0 && read_text(e) == -1)
			e->status = -1;
	}
	if (e->folder[0] != '\0') {
		unlink(e->path);
		rmdir(e->folder);
	}
}

/*
 * --- On the loop ------------------------------------------------------------
 */

static void
editor_free(struct editor *e)
{
	free(e->program);
	free(e->text);
	free(e);
}

/* The terminal is ours again; only the foreground may say so. */
static void
take_back(void)
{
	sigset_t ttou, old;

	sigemptyset(&ttou);
	sigaddset(&ttou, SIGTTOU);
	sigprocmask(SIG_BLOCK, &ttou, &old);
	tcsetpgrp(STDIN_FILENO, getpgrp());
	sigprocmask(SIG_SETMASK, &old, NULL);
}

static void
complain(struct ui *ui, const struct editor *e)
{
	int sig = 0;

	/* Its shell says so of a child's end. */
	if (e->status != -1 && WIFSIGNALED(e->status))
		sig = WTERMSIG(e->status);
	else if (e->status != -1 && WEXITSTATUS(e->status) > 128)
		sig = WEXITSTATUS(e->status) - 128;
	if (e->status == -1)
		ui_error(ui, "%s", e->err.text);
	else if (sig != 0)
		ui_error(ui,
		    "%s was ended by signal %d: nothing is taken over.",
		    e->program, sig);
	else if (WEXITSTATUS(e->status) == 127)
		ui_error(ui,
		    "There is no editor %s: choose one with the variable "
		    "EDITOR.",
		    e->program);
	else
		ui_say(ui, "%s ended with %d: nothing is taken over.",
		    e->program, WEXITSTATUS(e->status));
}

static void
ended(void *arg)
{
	struct editor *e = arg;
	struct ui *ui = e->ui;

	if (ui != NULL) {
		take_back();
		tty_resume();
		ui->editor = NULL;
		ui_away(ui, false);
		if (e->status != 0)
			complain(ui, e);
		e->done(ui, e->status == 0 ? e->text : NULL, e->len);
		ui_redraw(ui);
	}
	editor_free(e);
}

/* What the person set, or what every host has. */
static const char *
choose(void)
{
	const char *program = getenv("VISUAL");

	if (program == NULL || *program == '\0')
		program = getenv("EDITOR");
	return program != NULL && *program != '\0' ? program : "vi";
}

void
editor_open(struct ui *ui, const char *text, size_t len,
    void (*done)(struct ui *ui, const char *text, size_t len))
{
	struct editor *e = calloc(1, sizeof *e);

	if (e == NULL || ui->editor != NULL ||
	    (e->program = strdup(choose())) == NULL ||
	    (e->text = malloc(len + 1)) == NULL) {
		ui_error(ui, "There is no memory to edit it.");
		if (e != NULL)
			editor_free(e);
		return;
	}
	memcpy(e->text, text, len);
	e->len = len;
	e->ui = ui;
	e->done = done;
	ui->editor = e;
	ui_away(ui, true);
	tty_lend();
	if (work_start(ui->works, run, ended, e) == -1) {
		e->status = -1;
		error_set(&e->err, "There is no thread to edit it.");
		ended(e);
	}
}

void
editor_end(struct ui *ui)
{
	struct editor *e = ui->editor;
	int pid;

	if (e == NULL)
		return;
	ui->editor = NULL;
	e->ui = NULL;
	if ((pid = atomic_load(&e->pid)) > 0)
		kill(-pid, SIGHUP);
	take_back();
}
