#include <sys/file.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "backend/proto/paths.h"
#include "backend/supervisor/endpoint.h"

#define BACKLOG   640
#define LISTEN_FD 3 /* the first that is passed on */

static bool
of_this_boot(const struct timespec *when)
{
	struct timespec now, up;

	clock_gettime(CLOCK_REALTIME, &now);
	clock_gettime(CLOCK_BOOTTIME, &up);
	return when->tv_sec >= now.tv_sec - up.tv_sec;
}

/*
 * Whoever ends in good order empties the file: one that is not was a killed
 * backend's.
 */
static bool
was_killed(int lock_fd)
{
	struct stat st;

	return fstat(lock_fd, &st) == 0 && st.st_size > 0 &&
	    of_this_boot(&st.st_mtim);
}

/*
 * The lock is what makes a backend the only one. It goes with the process,
 * however that ends, and the file stays: to remove it would be a race.
 */
static int
take_lock(struct endpoint *e, struct error *err)
{
	char dir[4096], path[4096 + sizeof "/backend.lock"], pid[16] = "";
	ssize_t n;

	if (paths_rundir(dir, sizeof dir, err) == -1)
		return -1;
	snprintf(path, sizeof path, "%s/backend.lock", dir);
	e->lock_fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	if (e->lock_fd == -1)
		return error_set(
		    err, "cannot open %s: %s", path, strerror(errno));
	if (flock(e->lock_fd, LOCK_EX | LOCK_NB) == 0) {
		e->replaces = was_killed(e->lock_fd);
		n = snprintf(pid, sizeof pid, "%ld\n", (long)getpid());
		if (ftruncate(e->lock_fd, 0) == -1 ||
		    pwrite(e->lock_fd, pid, (size_t)n, 0) != n)
			return error_set(
			    err, "cannot write %s: %s", path, strerror(errno));
		return 0;
	}
	if (errno != EWOULDBLOCK)
		return error_set(
		    err, "cannot lock %s: %s", path, strerror(errno));
	if ((n = read(e->lock_fd, pid, sizeof pid - 1)) > 0)
		pid[n - 1] = '\0';
	error_set(err,
	    "a backend runs already in %s (process %s): end that one first, "
	    "or set VMTUI_RUNDIR to another folder",
	    dir, pid);
	return ENDPOINT_TAKEN;
}

/*
 * We hold the lock, so nobody listens on a socket that is still there. If it
 * was made since the host booted, its backend was killed.
 */
static bool
remove_stale(const char *path)
{
	struct stat st;

	if (lstat(path, &st) == -1)
		return false;
	unlink(path);
	return of_this_boot(&st.st_ctim);
}

/* Returns 1 if a socket was passed on, 0 if none was, -1 with err. */
static int
inherit_socket(struct endpoint *e, const char *path, struct error *err)
{
	const char *pid = getenv("LISTEN_PID"), *fds = getenv("LISTEN_FDS");
	bool ours = pid != NULL && fds != NULL &&
	    strtol(pid, NULL, 10) == (long)getpid();
	struct sockaddr_un sun = {0};
	socklen_t len = sizeof sun - 1;
	long n = ours ? strtol(fds, NULL, 10) : 0;

	/* Not for guest processes to be confused by. */
	unsetenv("LISTEN_PID");
	unsetenv("LISTEN_FDS");
	unsetenv("LISTEN_FDNAMES");
	if (n == 0)
		return 0;
	if (n != 1 ||
	    getsockname(LISTEN_FD, (struct sockaddr *)&sun, &len) == -1 ||
	    sun.sun_family != AF_UNIX || strcmp(sun.sun_path, path) != 0)
		return error_set(err,
		    "the backend was started with a socket that is not %s: "
		    "correct ListenStream= in vmtui.socket",
		    path);
	e->listen_fd = LISTEN_FD;
	fcntl(e->listen_fd, F_SETFD, FD_CLOEXEC);
	fcntl(e->listen_fd, F_SETFL, O_NONBLOCK);
	e->inherited = true;
	memcpy(e->path, sun.sun_path, sizeof e->path);
	return 1;
}

static int
bind_socket(struct endpoint *e, struct error *err)
{
	struct sockaddr_un sun = {.sun_family = AF_UNIX};
	int rc;

	if (paths_backend_socket(sun.sun_path, sizeof sun.sun_path, err) == -1)
		return -1;
	if ((rc = inherit_socket(e, sun.sun_path, err)) != 0)
		return rc == 1 ? 0 : -1;
	if (remove_stale(sun.sun_path))
		e->replaces = true;
	e->listen_fd =
	    socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (e->listen_fd == -1 ||
	    bind(e->listen_fd, (struct sockaddr *)&sun, sizeof sun) == -1)
		return error_set(err, "cannot make the socket %s: %s",
		    sun.sun_path, strerror(errno));
	memcpy(e->path, sun.sun_path, sizeof e->path);
	if (chmod(e->path, 0600) == -1)
		return error_set(err,
		    "cannot keep the socket %s to its owner: %s", e->path,
		    strerror(errno));
	return 0;
}

int
endpoint_open(struct endpoint *e, struct error *err)
{
	int rc;

	memset(e, 0, sizeof *e);
	e->lock_fd = e->listen_fd = -1;
	if ((rc = take_lock(e, err)) == 0)
		rc = bind_socket(e, err);
	if (rc != 0)
		endpoint_close(e);
	return rc;
}

int
endpoint_listen(struct endpoint *e, struct error *err)
{
	if (listen(e->listen_fd, BACKLOG) == -1)
		return error_set(
		    err, "cannot listen on %s: %s", e->path, strerror(errno));
	return 0;
}

void
endpoint_close(struct endpoint *e)
{
	if (e->path[0] != '\0' && ftruncate(e->lock_fd, 0) == -1)
		e->path[0] = '\0'; /* the next one will take us for killed */
	if (e->path[0] != '\0' && !e->inherited)
		unlink(e->path);
	if (e->listen_fd != -1)
		close(e->listen_fd);
	if (e->lock_fd != -1)
		close(e->lock_fd);
	e->path[0] = '\0';
	e->listen_fd = e->lock_fd = -1;
}
