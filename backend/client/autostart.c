#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <jansson.h>

#include "backend/client/client.h"
#include "backend/proto/paths.h"
#include "backend/proto/proto.h"
#include "config/clock.h"

#define WAIT_MS   8000 /* for a backend, our own or another client's */
#define ADMIT_MS  2000 /* for the answer of one that is busy */
#define RETRY_MS  20
#define READY_FD  3
#define LOG_BYTES 2048 /* at the end, where the reason for failing stands */

static int
connect_socket(const struct sockaddr_un *sun)
{
	int fd, saved;

	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd == -1)
		return -1;
	if (connect(fd, (const struct sockaddr *)sun, sizeof *sun) == 0) {
		fcntl(fd, F_SETFL, O_NONBLOCK);
		return fd;
	}
	saved = errno;
	close(fd);
	errno = saved;
	return -1;
}

/* Runs `vmtui backend`; it says on ready that it listens. */
static int
spawn_backend(const char *config, int ready, int log, pid_t *pid)
{
	static char program[] = "vmtui", command[] = "backend",
		    fd[] = "--ready-fd=3", flag[] = "-f";
	char path[PATH_MAX], *argv[] = {program, command, fd, NULL, NULL, NULL};
	posix_spawn_file_actions_t files;
	posix_spawnattr_t attr;
	sigset_t none, all;
	int rc;

	if (config != NULL) {
		snprintf(path, sizeof path, "%s", config);
		argv[3] = flag;
		argv[4] = path;
	}
	sigemptyset(&none);
	sigfillset(&all);
	posix_spawn_file_actions_init(&files);
	posix_spawn_file_actions_addopen(&files, 0, "/dev/null", O_RDWR, 0);
	posix_spawn_file_actions_adddup2(&files, log, 1);
	posix_spawn_file_actions_adddup2(&files, log, 2);
	posix_spawn_file_actions_adddup2(&files, ready, READY_FD);
	posix_spawn_file_actions_addclosefrom_np(&files, READY_FD + 1);
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

/* The backend's log, at its end. */
static int
open_log(char *path, size_t len, off_t *end, struct error *err)
{
	int log;

	if (paths_log(path, len, NULL, err) == -1)
		return -1;
	log = open(
	    path, O_RDWR | O_APPEND | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (log == -1)
		return error_set(
		    err, "cannot open %s: %s", path, strerror(errno));
	*end = lseek(log, 0, SEEK_END);
	return log;
}

/* What the backend last said to its log: why it does not run. */
static int
backend_failed(int log, off_t start, struct error *err)
{
	char text[LOG_BYTES], path[PATH_MAX] = "";
	char *line = text, *nl;
	ssize_t n;
	off_t end;

	end = lseek(log, 0, SEEK_END);
	if (end - start > (off_t)sizeof text - 1)
		start = end - ((off_t)sizeof text - 1);
	n = pread(log, text, sizeof text - 1, start);
	text[n > 0 ? n : 0] = '\0';
	while ((nl = strrchr(text, '\n')) != NULL && nl[1] == '\0')
		*nl = '\0';
	if (nl != NULL)
		line = nl + 1;
	if (strncmp(line, "vmtui: ", 7) == 0)
		return error_set(err, "%s", line + 7);
	paths_log(path, sizeof path, NULL, NULL);
	return error_set(err,
	    "the backend did not start: \"%s\"; %s may say more", line, path);
}

/*
 * Starts a backend and waits until it listens. Returns 0 when it does, or
 * another one is about to, -1 with err.
 */
static int
start_backend(const char *config, int64_t deadline, struct error *err)
{
	char path[PATH_MAX], byte;
	int ready[2], log, rc, status;
	struct pollfd pfd;
	off_t start = 0;
	pid_t pid;

	if ((log = open_log(path, sizeof path, &start, err)) == -1)
		return -1;
	if (pipe2(ready, O_CLOEXEC) == -1) {
		close(log);
		return error_set(err, "pipe: %s", strerror(errno));
	}
	rc = spawn_backend(config, ready[1], log, &pid);
	close(ready[1]);
	pfd = (struct pollfd){.fd = ready[0], .events = POLLIN};
	if (rc != 0) {
		error_set(err, "cannot start the backend: %s", strerror(rc));
	} else if (poll(&pfd, 1, (int)(deadline - clock_ms())) != 1) {
		rc = error_set(err,
		    "the backend did not listen in time; %s may say why", path);
	} else if (read(ready[0], &byte, 1) != 1) {
		/* Its end was closed: it is about to exit, and says why. */
		while (waitpid(pid, &status, 0) == -1 && errno == EINTR)
			continue;
		if (!WIFEXITED(status) ||
		    WEXITSTATUS(status) != PROTO_EXIT_TAKEN)
			rc = backend_failed(log, start, err);
	}
	close(ready[0]);
	close(log);
	return rc == 0 ? 0 : -1;
}

/* Whether root's backend, at the other end of sock, has anything for us. */
static bool
admitted(int sock)
{
	static const char ask[] = "{\"execute\": \"version\"}\n";
	struct pollfd pfd = {.fd = sock, .events = POLLIN};
	char text[4096];
	size_t len = 0;
	json_t *answer;
	bool yes;
	ssize_t n;

	if (send(sock, ask, sizeof ask - 1, MSG_NOSIGNAL) == -1)
		return false;
	while (len < sizeof text && memchr(text, '\n', len) == NULL) {
		if (poll(&pfd, 1, ADMIT_MS) != 1 ||
		    (n = read(sock, text + len, sizeof text - len)) <= 0)
			return false;
		len += (size_t)n;
	}
	answer = json_loadb(text, len, JSON_DISABLE_EOF_CHECK, NULL);
	yes = json_object_get(answer, "return") != NULL;
	json_decref(answer);
	return yes;
}

/* Root's backend, if there is one and we may use it; or -1. */
static int
connect_system(const struct client_options *options)
{
	struct sockaddr_un sun = {
	    .sun_family = AF_UNIX, .sun_path = PATHS_SYSTEM_SOCKET};
	int fd;

	if (geteuid() == 0 || options->config != NULL ||
	    getenv("VMTUI_RUNDIR") != NULL || (fd = connect_socket(&sun)) == -1)
		return -1;
	if (admitted(fd))
		return fd;
	close(fd);
	return -1;
}

int
client_dial(const struct client_options *options, struct error *err)
{
	const struct timespec pause = {0, RETRY_MS * 1000000};
	int64_t deadline = clock_ms() + WAIT_MS;
	struct sockaddr_un sun = {.sun_family = AF_UNIX};
	const char *path = sun.sun_path;
	bool started = false, root_only;
	int fd;

	if (paths_client_socket(
		sun.sun_path, sizeof sun.sun_path, &root_only, err) == -1)
		return -1;
	for (;;) {
		if ((fd = connect_socket(&sun)) != -1)
			return fd;
		if (errno != ENOENT && errno != ECONNREFUSED && errno != EINTR)
			return error_set(err, "cannot connect to %s: %s", path,
			    strerror(errno));
		if (!started && (fd = connect_system(options)) != -1)
			return fd;
		if (root_only)
			return error_set(err,
			    "no backend listens on %s and only root can start "
			    "one there",
			    path);
		if (!options->start_backend)
			return error_set(err,
			    "no backend listens on %s: vmtui status starts one",
			    path);
		if (clock_ms() >= deadline)
			return error_set(
			    err, "the backend does not listen on %s", path);
		if (!started &&
		    start_backend(options->config, deadline, err) == -1)
			return -1;
		/*
		 * Ours listens, or another client's is on its way. That one
		 * may fail yet; its client will be told, and so will we.
		 */
		if (started)
			nanosleep(&pause, NULL);
		started = true;
	}
}
