#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <sched.h>
#include <signal.h>
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
write_file(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC);
	ssize_t n;

	if (fd == -1)
		return -1;
	n = write(fd, text, strlen(text));
	close(fd);
	return n == -1 ? -1 : 0;
}

/* In a user namespace: we are who we were, and nobody else is there. */
static void
map_self(uid_t uid, gid_t gid)
{
	char map[40];

	snprintf(map, sizeof map, "%u %u 1", (unsigned)uid, (unsigned)uid);
	if (write_file("/proc/self/uid_map", map) == -1 ||
	    write_file("/proc/self/setgroups", "deny") == -1)
		return;
	snprintf(map, sizeof map, "%u %u 1", (unsigned)gid, (unsigned)gid);
	write_file("/proc/self/gid_map", map);
}

/*
 * A child in new namespaces, which it takes over as its own (confine.c). Who
 * is not root gets them together with a user namespace; the mounts would be
 * out of the child's hands in it, which makes one more for these. Where the
 * host has no namespaces, a plain child: it says so itself. Returns what
 * fork() returns, and in the child the flags.
 */
static pid_t
fork_apart(unsigned long *flags)
{
	static const unsigned long wanted[] = {
	    CLONE_NEWPID | CLONE_NEWNET | CLONE_NEWIPC | CLONE_NEWUTS,
	    CLONE_NEWPID};
	uid_t uid = geteuid();
	gid_t gid = getegid();
	pid_t pid = -1;
	size_t i;

	for (i = 0; i < 2 && pid == -1; i++) {
		*flags = wanted[i] | (uid != 0 ? CLONE_NEWUSER : CLONE_NEWNS);
		pid = (pid_t)syscall(SYS_clone, *flags | SIGCHLD, 0, 0, 0, 0);
	}
	if (pid == 0 && uid != 0)
		map_self(uid, gid);
	if (pid != -1)
		return pid;
	*flags = 0;
	return fork();
}

/* In the child. Its signals were blocked, so that no handler of ours ran. */
static void
become_guest(const char *name, unsigned long apart, int sock, int log)
{
	static char program[] = "vmtui", command[] = "guest";
	char own[SPEC_NAME_MAX + 1], flags[20];
	char *argv[] = {program, command, own, NULL};
	sigset_t none;
	int sig, null;

	for (sig = 1; sig < NSIG; sig++)
		signal(sig, SIG_DFL);
	setsid();
	/* Descriptors 0 to 2 are taken (tui/main.c): ours are above. */
	null = open("/dev/null", O_RDWR);
	if (null == -1 || dup2(null, 0) == -1 || dup2(null, 1) == -1 ||
	    dup2(log, 2) == -1 || dup2(sock, PROTO_LAUNCH_FD) == -1)
		_exit(1);
	/* The same number on both sides: dup2() leaves it to close at exec. */
	fcntl(PROTO_LAUNCH_FD, F_SETFD, 0);
	close_range(PROTO_LAUNCH_FD + 1, ~0u, 0);
	snprintf(own, sizeof own, "%s", name);
	snprintf(flags, sizeof flags, "%lx", apart);
	setenv(PROTO_APART, flags, 1);
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	execv("/proc/self/exe", argv);
	dprintf(2, "cannot run /proc/self/exe: %s\n", strerror(errno));
	_exit(1);
}

/* Returns 0 or an errno. */
static int
run(const char *name, int sock, int log, pid_t *pid)
{
	sigset_t all, old;
	unsigned long apart;
	int error;

	sigfillset(&all);
	sigprocmask(SIG_SETMASK, &all, &old);
	*pid = fork_apart(&apart);
	error = errno;
	if (*pid == 0)
		become_guest(name, apart, sock, log);
	sigprocmask(SIG_SETMASK, &old, NULL);
	return *pid == -1 ? error : 0;
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
