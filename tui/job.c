#include <sys/wait.h>

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <event2/event.h>

#include "tui/job.h"
#include "tui/words.h"

#define REAP_MS 20 /* from one look to the next, once its pipes are closed */

extern char **environ;

enum { OUTPUT, ERRORS, PIPES };

struct stream {
	struct job *job;
	int fd; /* -1: closed */
	struct event *event;
	char line[JOB_LINE_MAX + 1];
	size_t len;
};

struct job {
	pid_t pid; /* 0: reaped */
	struct stream pipe[PIPES];
	struct event *reap;
	const struct job_ops *ops;
	void *arg;
};

/* Takes a line that says how far it is (see $VMTUI_PROGRESS in vmtui(1)). */
static bool
take_progress(struct job *j, const char *line)
{
	uint64_t done, total;
	int end = 0;

	if (j->ops->progress == NULL ||
	    sscanf(line, "progress: %" SCNu64 " %" SCNu64 " %n", &done, &total,
		&end) != 2 ||
	    end == 0)
		return false;
	j->ops->progress(j, done, total, line + end, j->arg);
	return true;
}

static void
flush_line(struct stream *s)
{
	bool error = s == &s->job->pipe[ERRORS];

	s->line[s->len] = '\0';
	s->len = 0;
	if (!error || !take_progress(s->job, s->line))
		s->job->ops->line(s->job, s->line, error, s->job->arg);
}

static void
close_stream(struct stream *s)
{
	if (s->event != NULL)
		event_free(s->event);
	s->event = NULL;
	if (s->fd != -1)
		close(s->fd);
	s->fd = -1;
}

/* Whether it has ended; nobody else waits for it. */
static void
reap(int fd, short what, void *arg)
{
	const struct timeval later = {0, REAP_MS * 1000};
	struct job *j = arg;
	int status = 0;
	pid_t pid;

	pid = waitpid(j->pid, &status, WNOHANG);
	if (pid == 0 || (pid == -1 && errno == EINTR)) {
		evtimer_add(j->reap, &later);
		return;
	}
	j->pid = 0;
	j->ops->ended(j,
	    WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status),
	    j->arg);
}

static void
readable(int fd, short what, void *arg)
{
	struct stream *s = arg;
	struct job *j = s->job;
	char buf[4096];
	ssize_t n, i;

	n = read(fd, buf, sizeof buf);
	if (n == -1 && (errno == EINTR || errno == EAGAIN))
		return;
	for (i = 0; i < n; i++) {
		if (buf[i] != '\n')
			s->line[s->len++] = buf[i];
		if (buf[i] == '\n' || s->len == JOB_LINE_MAX)
			flush_line(s);
	}
	if (n > 0)
		return;
	if (s->len > 0)
		flush_line(s);
	close_stream(s);
	if (j->pipe[OUTPUT].fd == -1 && j->pipe[ERRORS].fd == -1)
		reap(-1, 0, j);
}

/* The environment, with a word more. NULL: no memory. */
static char **
environment(void)
{
	static char progress[] = "VMTUI_PROGRESS=1";
	char **env;
	size_t n = 0;

	while (environ[n] != NULL)
		n++;
	if ((env = calloc(n + 2, sizeof *env)) == NULL)
		return NULL;
	memcpy(env, environ, n * sizeof *env);
	env[n] = progress;
	return env;
}

static int
spawn(struct job *j, char **argv, const int ends[PIPES])
{
	posix_spawn_file_actions_t files;
	posix_spawnattr_t attr;
	sigset_t none, all;
	char **env = j->ops->progress != NULL ? environment() : NULL;
	int rc;

	sigemptyset(&none);
	sigfillset(&all);
	posix_spawn_file_actions_init(&files);
	posix_spawn_file_actions_addopen(&files, 0, "/dev/null", O_RDONLY, 0);
	posix_spawn_file_actions_adddup2(&files, ends[OUTPUT], 1);
	posix_spawn_file_actions_adddup2(&files, ends[ERRORS], 2);
	posix_spawnattr_init(&attr);
	posix_spawnattr_setsigmask(&attr, &none);
	posix_spawnattr_setsigdefault(&attr, &all);
	/* A group of its own: the terminal's ctrl-c is the screen's. */
	posix_spawnattr_setpgroup(&attr, 0);
	posix_spawnattr_setflags(&attr,
	    POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF |
		POSIX_SPAWN_SETPGROUP);
	rc = posix_spawn(&j->pid, "/proc/self/exe", &files, &attr, argv,
	    env != NULL ? env : environ);
	free(env);
	posix_spawnattr_destroy(&attr);
	posix_spawn_file_actions_destroy(&files);
	return rc;
}

/* Both pipes; what the child gets goes to ends. */
static int
open_pipes(struct job *j, struct event_base *base, int ends[PIPES])
{
	struct stream *s;
	int i, fd[2];

	for (i = 0; i < PIPES; i++) {
		s = &j->pipe[i];
		if (pipe2(fd, O_CLOEXEC) == -1)
			return -1;
		s->fd = fd[0];
		ends[i] = fd[1];
		fcntl(s->fd, F_SETFL, O_NONBLOCK);
		s->event =
		    event_new(base, s->fd, EV_READ | EV_PERSIST, readable, s);
		if (s->event == NULL)
			return -1;
	}
	return 0;
}

struct job *
job_start(struct event_base *base, const char *config, char *const *words,
    const struct job_ops *ops, void *arg, struct error *err)
{
	static char program[] = "vmtui", flag[] = "-f";
	char *argv[WORDS_MAX + 4], *path = NULL;
	struct job *j = calloc(1, sizeof *j);
	int ends[PIPES] = {-1, -1}, n = 0, i, rc = ENOMEM;

	if (j == NULL) {
		error_set(err, "no memory");
		return NULL;
	}
	j->ops = ops;
	j->arg = arg;
	for (i = 0; i < PIPES; i++) {
		j->pipe[i].fd = -1;
		j->pipe[i].job = j;
	}
	argv[n++] = program;
	if (config != NULL && (path = strdup(config)) != NULL) {
		argv[n++] = flag;
		argv[n++] = path;
	}
	for (i = 0; words[i] != NULL && i < WORDS_MAX; i++)
		argv[n++] = words[i];
	argv[n] = NULL;
	j->reap = evtimer_new(base, reap, j);
	if (j->reap != NULL && open_pipes(j, base, ends) == 0)
		rc = spawn(j, argv, ends);
	for (i = 0; i < PIPES; i++) {
		if (ends[i] != -1)
			close(ends[i]);
		if (rc == 0)
			event_add(j->pipe[i].event, NULL);
	}
	free(path);
	if (rc != 0) {
		j->pid = 0;
		job_free(j);
		error_set(err, "the command cannot be run: %s", strerror(rc));
		return NULL;
	}
	return j;
}

void
job_stop(struct job *j)
{
	if (j->pid > 0)
		kill(-j->pid, SIGTERM);
}

void
job_free(struct job *j)
{
	int i;

	if (j == NULL)
		return;
	job_stop(j);
	for (i = 0; i < PIPES; i++)
		close_stream(&j->pipe[i]);
	if (j->reap != NULL)
		event_free(j->reap);
	free(j);
}
