#include <sys/stat.h>
#include <sys/un.h>

#include <errno.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "backend/proto/paths.h"

static int
fits(int n, size_t len, const char *buf, struct error *err)
{
	if (n < 0 || (size_t)n >= len)
		return error_set(err, "the path %.60s… is too long", buf);
	return 0;
}

static const char *
env(const char *name)
{
	const char *value = getenv(name);

	/* XDG: a relative path there is to be ignored; ours likewise. */
	return value != NULL && value[0] == '/' ? value : NULL;
}

/* Makes a folder and the missing ones above it, all for their owner alone. */
static int
make_folder(const char *path, struct error *err)
{
	char part[4096], *p;

	snprintf(part, sizeof part, "%s", path);
	for (p = part + 1; *p != '\0'; p++) {
		if (*p != '/')
			continue;
		*p = '\0';
		if (mkdir(part, 0700) == -1 && errno != EEXIST &&
		    errno != EROFS && errno != EACCES)
			return error_set(err, "cannot make the folder %s: %s",
			    part, strerror(errno));
		*p = '/';
	}
	if (mkdir(part, 0700) == -1 && errno != EEXIST)
		return error_set(err, "cannot make the folder %s: %s", path,
		    strerror(errno));
	return 0;
}

/* Nobody else may be able to put a socket in the place of ours. */
static int
check_private(const char *path, struct error *err)
{
	struct stat st;

	if (lstat(path, &st) == -1)
		return error_set(err, "%s: %s", path, strerror(errno));
	if (!S_ISDIR(st.st_mode))
		return error_set(err,
		    "%s is no folder: remove it, or set VMTUI_RUNDIR to a "
		    "folder of your own",
		    path);
	if (st.st_uid != geteuid())
		return error_set(err,
		    "%s belongs to user %u, not to you: set VMTUI_RUNDIR to a "
		    "folder of your own",
		    path, (unsigned)st.st_uid);
	if (st.st_mode & (S_IWGRP | S_IWOTH))
		return error_set(err,
		    "others may write to %s: take that away (chmod go-w %s)",
		    path, path);
	return 0;
}

int
paths_rundir(char *buf, size_t len, struct error *err)
{
	const char *dir;
	int n;

	if ((dir = env("VMTUI_RUNDIR")) != NULL)
		n = snprintf(buf, len, "%s", dir);
	else if (geteuid() == 0)
		n = snprintf(buf, len, "/run/vmtui");
	else if ((dir = env("XDG_RUNTIME_DIR")) != NULL)
		n = snprintf(buf, len, "%s/vmtui", dir);
	else
		n = snprintf(buf, len, "/tmp/vmtui-%u", (unsigned)geteuid());
	if (fits(n, len, buf, err) == -1 || make_folder(buf, err) == -1)
		return -1;
	return check_private(buf, err);
}

static const char *
home(void)
{
	const char *dir;
	struct passwd *pw;

	if ((dir = env("HOME")) != NULL)
		return dir;
	pw = getpwuid(geteuid());
	return pw != NULL ? pw->pw_dir : "/";
}

int
paths_statedir(char *buf, size_t len, struct error *err)
{
	const char *dir;
	int n;

	if ((dir = env("VMTUI_STATEDIR")) != NULL)
		n = snprintf(buf, len, "%s", dir);
	else if (geteuid() == 0)
		n = snprintf(buf, len, "/var/lib/vmtui");
	else if ((dir = env("XDG_STATE_HOME")) != NULL)
		n = snprintf(buf, len, "%s/vmtui", dir);
	else
		n = snprintf(buf, len, "%s/.local/state/vmtui", home());
	if (fits(n, len, buf, err) == -1)
		return -1;
	return make_folder(buf, err);
}

/* A socket's address has room for 107 letters, however long buf is. */
static int
fits_socket(int n, size_t len, const char *buf, struct error *err)
{
	if (fits(n, len, buf, err) == -1)
		return -1;
	if ((size_t)n >= sizeof(((struct sockaddr_un *)0)->sun_path))
		return error_set(err,
		    "the path %s is too long for a socket: set VMTUI_RUNDIR "
		    "to a shorter folder",
		    buf);
	return 0;
}

int
paths_backend_socket(char *buf, size_t len, struct error *err)
{
	char dir[4096];
	int n;

	if (paths_rundir(dir, sizeof dir, err) == -1)
		return -1;
	n = snprintf(buf, len, "%s/backend.sock", dir);
	return fits_socket(n, len, buf, err);
}

int
paths_client_socket(char *buf, size_t len, bool *root_only, struct error *err)
{
	const char *dir = env("VMTUI_RUNDIR");
	struct stat st;

	*root_only = dir != NULL && geteuid() != 0 && lstat(dir, &st) == 0 &&
	    S_ISDIR(st.st_mode) && st.st_uid == 0 &&
	    (st.st_mode & (S_IWGRP | S_IWOTH)) == 0;
	if (!*root_only)
		return paths_backend_socket(buf, len, err);
	return fits_socket(
	    snprintf(buf, len, "%s/backend.sock", dir), len, buf, err);
}

int
paths_guests(char *buf, size_t len, struct error *err)
{
	char dir[4096];
	int n;

	if (paths_rundir(dir, sizeof dir, err) == -1)
		return -1;
	n = snprintf(buf, len, "%s/guests", dir);
	if (fits(n, len, buf, err) == -1)
		return -1;
	return make_folder(buf, err);
}

int
paths_guest_socket(char *buf, size_t len, const char *name, struct error *err)
{
	char guests[4096];
	int n;

	if (paths_guests(guests, sizeof guests, err) == -1)
		return -1;
	n = snprintf(buf, len, "%s/%s.sock", guests, name);
	return fits_socket(n, len, buf, err);
}

int
paths_log(char *buf, size_t len, const char *name, struct error *err)
{
	char dir[4096], log[4096 + sizeof "/log"];
	int n;

	if (paths_statedir(dir, sizeof dir, err) == -1)
		return -1;
	snprintf(log, sizeof log, "%s/log", dir);
	if (make_folder(log, err) == -1)
		return -1;
	n = snprintf(buf, len, "%s/%s%s.log", log, name != NULL ? "guest-" : "",
	    name != NULL ? name : "backend");
	return fits(n, len, buf, err);
}
