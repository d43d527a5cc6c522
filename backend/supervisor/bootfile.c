#include <sys/stat.h>

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "backend/supervisor/bootfile.h"
#include "config/config.h"

#define NAMES_MAX 2000 /* of a folder that are looked at */

/* Finds in folder the name most like file. "" if there is none. */
static void
nearest_in(const char *folder, const char *file, char *buf, size_t len)
{
	char **names = calloc(NAMES_MAX + 1, sizeof *names);
	DIR *dir = opendir(folder);
	const char *near;
	struct dirent *ent;
	size_t i, n = 0;

	buf[0] = '\0';
	while (names != NULL && dir != NULL && n < NAMES_MAX &&
	    (ent = readdir(dir)) != NULL)
		if (ent->d_name[0] != '.' &&
		    (names[n] = strdup(ent->d_name)) != NULL)
			n++;
	if (n > 0) {
		near = config_nearest(file, (const char *const *)names);
		snprintf(buf, len, "%s", near != NULL ? near : "");
	}
	for (i = 0; i < n; i++)
		free(names[i]);
	free(names);
	if (dir != NULL)
		closedir(dir);
}

static int
missing(const char *what, const char *path, struct error *err)
{
	char folder[PATH_MAX], near[NAME_MAX + 1];
	struct stat st;
	char *slash;

	snprintf(folder, sizeof folder, "%s", path);
	slash = strrchr(folder, '/');
	if (slash == NULL)
		return error_set(err, "there is no %s %s", what, path);
	*slash = '\0';
	if (stat(folder[0] != '\0' ? folder : "/", &st) == -1)
		return error_set(err,
		    "there is no %s %s: the folder %s does not exist; give "
		    "another path with %s =",
		    what, path, folder, what);
	nearest_in(
	    folder[0] != '\0' ? folder : "/", slash + 1, near, sizeof near);
	if (near[0] != '\0')
		return error_set(err, "there is no %s %s: is %s/%s meant?",
		    what, path, folder, near);
	return error_set(err,
	    "there is no %s %s: put it there, or give another path with %s =",
	    what, path, what);
}

static int
no_file(const char *what, const char *path, const char *kind, struct error *err)
{
	return error_set(err,
	    "the %s %s is %s, not a file: give the path of a file with %s =",
	    what, path, kind, what);
}

int
bootfile_open(const char *what, const char *path, struct error *err)
{
	struct stat st;
	int fd;

	/* A FIFO must not hold the backend up: it is refused below. */
	fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	if (fd == -1 && (errno == ENOENT || errno == ENOTDIR))
		return missing(what, path, err);
	if (fd == -1 && errno == EACCES)
		return error_set(err,
		    "no permission to read the %s %s: as its owner or root, "
		    "chmod a+r it and see that its folders can be entered",
		    what, path);
	if (fd == -1 && errno == ENXIO)
		return no_file(what, path, "a socket", err);
	if (fd == -1)
		return error_set(err,
		    "cannot open the %s %s (%s): give another path with %s =",
		    what, path,
		    errno == ELOOP ? "it is a link that leads back to itself"
				   : strerror(errno),
		    what);
	if (fstat(fd, &st) == 0 && S_ISREG(st.st_mode))
		return fd;
	close(fd);
	return no_file(what, path,
	    S_ISDIR(st.st_mode)        ? "a folder"
		: S_ISFIFO(st.st_mode) ? "a pipe"
				       : "a device",
	    err);
}
