/*
 * newfile.c: a file that appears whole under its name, or not at all.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "backend/image/tool.h"

/* A disk holds its guest's secrets: others get them only if they are given. */
#define MODE 0600

static int
explain(const char *path, struct error *err)
{
	switch (errno) {
	case EEXIST:
		return error_set(err,
		    "%s exists already and stays as it is; remove it first or "
		    "choose another name",
		    path);
	case ENOENT:
	case ENOTDIR:
		return error_set(err,
		    "%s cannot be made: the folder it is to be in does not "
		    "exist; make that first",
		    path);
	case EACCES:
	case EPERM:
		return error_set(err,
		    "%s cannot be made: this user (uid %u) may not write into "
		    "its folder; choose another, or change its owner or mode",
		    path, (unsigned)geteuid());
	case EROFS:
		return error_set(err,
		    "%s cannot be made: its file system is mounted read-only",
		    path);
	case ENOSPC:
	case EDQUOT:
		return error_set(err,
		    "%s cannot be made: no room is left on its file system",
		    path);
	case ENAMETOOLONG:
		return error_set(
		    err, "the name %.64s... is too long for a file", path);
	default:
		return error_set(
		    err, "%s cannot be made: %s", path, strerror(errno));
	}
}

/* Opens the folder that f->path is in. */
static int
open_folder(struct newfile *f)
{
	char *slash = strrchr(f->path, '/');

	f->name = slash == NULL ? f->path : slash + 1;
	if (slash == NULL)
		f->folder = open(".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	else if (slash == f->path)
		f->folder = open("/", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	else {
		*slash = '\0';
		f->folder = open(f->path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
		*slash = '/';
	}
	return f->folder == -1 ? -1 : 0;
}

/* For file systems that have no files without a name. */
static int
open_temporary(struct newfile *f)
{
	unsigned i;

	for (i = 0; i < 100; i++) {
		snprintf(f->temporary, sizeof f->temporary,
		    ".vmtui-%ld-%u.part", (long)getpid(), i);
		f->fd = openat(f->folder, f->temporary,
		    O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, MODE);
		if (f->fd != -1 || errno != EEXIST)
			break;
	}
	if (f->fd != -1)
		return 0;
	f->temporary[0] = '\0';
	return -1;
}

int
newfile_open(struct newfile *f, const char *path, struct error *err)
{
	struct stat st;

	*f = (struct newfile){.fd = -1, .folder = -1, .path = strdup(path)};
	if (f->path == NULL)
		return error_set(err, "%s: out of memory", path);
	if (open_folder(f) == -1)
		goto fail;
	if (f->name[0] == '\0') {
		newfile_abandon(f);
		return path[0] == '\0'
		    ? error_set(err, "a file needs a name")
		    : error_set(err, "%s is a folder; name a file in it", path);
	}
	if (fstatat(f->folder, f->name, &st, AT_SYMLINK_NOFOLLOW) == 0) {
		errno = EEXIST;
		goto fail;
	}
	if (errno != ENOENT)
		goto fail;
	f->fd = openat(f->folder, ".", O_TMPFILE | O_RDWR | O_CLOEXEC, MODE);
	if (f->fd == -1 &&
	    (errno == EOPNOTSUPP || errno == EISDIR || errno == ENOENT ||
		errno == EINVAL))
		open_temporary(f);
	if (f->fd != -1)
		return 0;
fail:
	explain(path, err);
	newfile_abandon(f);
	return -1;
}

/* Gives the file its name, which must be free. */
static int
give_name(struct newfile *f)
{
	char self[64];

	if (f->temporary[0] != '\0') {
		if (linkat(f->folder, f->temporary, f->folder, f->name, 0) == 0)
			return 0;
		/* Some file systems have no hard links. */
		if (errno == EPERM || errno == EOPNOTSUPP) {
			if (renameat2(f->folder, f->temporary, f->folder,
				f->name, RENAME_NOREPLACE) == -1)
				return -1;
			f->temporary[0] = '\0';
			return 0;
		}
		return -1;
	}
	snprintf(self, sizeof self, "/proc/self/fd/%d", f->fd);
	return linkat(AT_FDCWD, self, f->folder, f->name, AT_SYMLINK_FOLLOW);
}

int
newfile_finish(struct newfile *f, struct error *err)
{
	int rc = 0;

	if (fsync(f->fd) == -1 || give_name(f) == -1)
		rc = explain(f->path, err);
	else
		/* The name too; where folders cannot be synced, so be it. */
		fsync(f->folder);
	newfile_abandon(f);
	return rc;
}

void
newfile_abandon(struct newfile *f)
{
	if (f->temporary[0] != '\0')
		unlinkat(f->folder, f->temporary, 0);
	if (f->fd != -1)
		close(f->fd);
	if (f->folder != -1)
		close(f->folder);
	free(f->path);
	*f = (struct newfile){.fd = -1, .folder = -1};
}
