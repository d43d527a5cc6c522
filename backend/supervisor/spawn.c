#include <sys/socket.h>
#include <sys/stat.h>

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <spawn.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "backend/proto/paths.h"
#include "backend/proto/proto.h"
#include "backend/proto/spec.h"
#include "backend/supervisor/spawn.h"
#include "config/log.h"

static int
open_log(const char *name, long *start, struct error *err)
{
	char path[PATH_MAX];
	struct stat st;
	int fd;

	if (paths_log(path, sizeof path, name, err) == -1)
		return -1;
	/* Read as well: it is made shorter through the descriptor alone. */
	fd = open(
	    path, O_RDWR | O_APPEND | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (fd == -1 || fstat(fd, &st) == -1) {
		if (fd != -1)
			close(fd);
		return error_set(err, "cannot open the log %s of %s: %s", path,
		    name, strerror(errno));
	}
	*start = (long)st.st_size;
	return fd;
}

static int
run(const char *name, int sock, int log, pid_t *pid)
{
	static char program[] = "vmtui", command[] = "guest";
	char own[SPEC_NAME_MAX + 1];
	char *argv[] = {program, command, own, NULL};
	posix_spawn_file_actions_t files;
	posix_spawnattr_t attr;
	sigset_t none, all;
	int rc;

	snprintf(own, sizeof own, "%s", name);
	sigemptyset(&none);
	sigfillset(&all);
	posix_spawn_file_actions_init(&files);
	posix_spawn_file_actions_addopen(&files, 0, "/dev/null", O_RDWR, 0);
	posix_spawn_file_actions_adddup2(&files, 0, 1);
	posix_spawn_file_actions_adddup2(&files, log, 2);
	posix_spawn_file_actions_adddup2(&files, sock, PROTO_LAUNCH_FD);
	posix_spawn_file_actions_addclosefrom_np(&files, PROTO_LAUNCH_FD + 1);
	posix_spawnattr_init(&attr);
	posix_spawnattr_setflags(&attr,
	    POSIX_SPAWN_SETSID | POSIX_SPAWN_SETSIGMASK |
		POSIX_SPAWN_SETSIGDEF);
	posix_spawnattr_setsigmask(&attr, &none);
	posix_spawnattr_setsigdefault(&attr, &all);
	rc = posix_spawn(pid, "/proc/self/exe", &files, &attr, argv, environ);
	posix_spawnattr_destroy(&attr);
	posix_spawn_file_actions_destroy(&files);
	return rc;
}

int
spawn_guest(const char *name, struct spawned *child, struct error *err)
{
	int log, sv[2], rc;

	if ((log = open_log(name, &child->log_start, err)) == -1)
		return -1;
	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, sv) == -1) {
		close(log);
		return error_set(err, "cannot start a process for %s: %s", name,
		    strerror(errno));
	}
	rc = run(name, sv[1], log, &child->pid);
	close(log);
	close(sv[1]);
	if (rc != 0) {
		close(sv[0]);
		return error_set(err, "cannot start a process for %s: %s", name,
		    strerror(rc));
	}
	child->sock = sv[0];
	return 0;
}

/* Beside its socket. Returns -1 if there is no place for it. */
static int
pid_path(const char *name, char *buf, size_t len)
{
	char sock[108];
	struct error err;

	if (paths_guest_socket(sock, sizeof sock, name, &err) == -1)
		return -1;
	snprintf(
	    buf, len, "%.*s.pid", (int)(strlen(sock) - strlen(".sock")), sock);
	return 0;
}

void
spawn_remember(const char *name, pid_t pid)
{
	char path[128];
	int fd;

	if (pid_path(name, path, sizeof path) == -1)
		return;
	fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	if (fd == -1 || dprintf(fd, "%ld\n", (long)pid) < 0)
		log_warn("%s: %s", path, strerror(errno));
	if (fd != -1)
		close(fd);
}

pid_t
spawn_recall(const char *name)
{
	char path[128], text[24];
	ssize_t n;
	int fd;

	if (pid_path(name, path, sizeof path) == -1 ||
	    (fd = open(path, O_RDONLY | O_CLOEXEC)) == -1)
		return 0;
	n = read(fd, text, sizeof text - 1);
	close(fd);
	text[n > 0 ? n : 0] = '\0';
	return (pid_t)strtol(text, NULL, 10);
}

void
spawn_forget(const char *name)
{
	char path[128];

	if (pid_path(name, path, sizeof path) == 0)
		unlink(path);
}

bool
spawn_is_guest(pid_t pid, const char *name)
{
	char path[40], have[128], want[128];
	ssize_t n, len;
	int fd;

	snprintf(path, sizeof path, "/proc/%ld/cmdline", (long)pid);
	len = snprintf(want, sizeof want, "vmtui%cguest%c%s", 0, 0, name);
	if ((fd = open(path, O_RDONLY | O_CLOEXEC)) == -1)
		return false;
	n = read(fd, have, sizeof have);
	close(fd);
	return n == len + 1 && memcmp(have, want, (size_t)n) == 0;
}

/* The last line of text, without the time in front of it. */
static const char *
last_line(char *text)
{
	char *nl, *space;

	while ((nl = strrchr(text, '\n')) != NULL && nl[1] == '\0')
		*nl = '\0';
	if (nl != NULL)
		text = nl + 1;
	space = strchr(text, ' ');
	if (text[0] >= '0' && text[0] <= '9' && space != NULL)
		text = space + 1;
	return text;
}

void
spawn_last_words(const char *name, long log_start, char *buf, size_t len)
{
	char path[PATH_MAX], text[1024];
	struct error err;
	struct stat st;
	ssize_t n = 0;
	off_t from;
	int fd;

	if (paths_log(path, sizeof path, name, &err) == -1) {
		snprintf(buf, len, "%s", err.text);
		return;
	}
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd != -1 && fstat(fd, &st) == 0) {
		from = st.st_size - (off_t)(sizeof text - 1);
		/* Unless it was made shorter since. */
		if (from < log_start && log_start <= st.st_size)
			from = log_start;
		if (from < 0)
			from = 0;
		n = pread(fd, text, sizeof text - 1, from);
	}
	if (fd != -1)
		close(fd);
	text[n > 0 ? n : 0] = '\0';
	if (n > 0)
		snprintf(buf, len, "\"%.200s\" (%s)", last_line(text), path);
	else
		snprintf(buf, len, "it logged nothing (%s)", path);
}
