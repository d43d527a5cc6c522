/*
 * base.c: what an image is to be based on, and the way there from its folder.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "backend/block/engine.h"
#include "backend/image/base.h"
#include "backend/image/chain.h"

/* The folder of path, as the kernel knows it, with a slash at the end. */
static int
real_folder(const char *path, char folder[PATH_MAX + 1])
{
	const char *slash = strrchr(path, '/');
	char *copy = slash == NULL ? strdup(".")
				   : strndup(path, (size_t)(slash - path) + 1);
	const char *found = copy == NULL ? NULL : realpath(copy, folder);

	free(copy);
	if (found == NULL)
		return -1;
	if (folder[1] != '\0')
		memcpy(folder + strlen(folder), "/", 2);
	return 0;
}

/* Appends text; false if it does not fit. */
static bool
append(char *to, size_t room, const char *text)
{
	size_t n = strlen(to), m = strlen(text);

	if (m >= room - n)
		return false;
	memcpy(to + n, text, m + 1);
	return true;
}

/*
 * The way from one folder to a file in another, both absolute without links
 * and with a slash at the end: "../base/deb.qcow2".
 */
static bool
way(const char *from, const char *folder, const char *file, char *to,
    size_t room)
{
	size_t i, same = 0;

	for (i = 0; from[i] == folder[i] && from[i] != '\0'; i++)
		if (from[i] == '/')
			same = i + 1;
	for (i = same; from[i] != '\0'; i++)
		if (from[i] == '/' && !append(to, room, "../"))
			return false;
	return append(to, room, folder + same) && append(to, room, file);
}

int
base_name(
    const char *path, const char *child, struct base *base, struct error *err)
{
	const char *slash = strrchr(path, '/');
	char from[PATH_MAX + 1], folder[PATH_MAX + 1];
	bool fits;

	base->name[0] = '\0';
	if (path[0] == '/') {
		fits = append(base->name, sizeof base->name, path);
	} else {
		if (real_folder(child, from) == -1 ||
		    real_folder(path, folder) == -1)
			return error_set(err,
			    "%s cannot be made: the folder it is to be in "
			    "does not exist; make that first",
			    child);
		fits = way(from, folder, slash == NULL ? path : slash + 1,
		    base->name, sizeof base->name);
	}
	if (!fits)
		return error_set(err, "the path of %s is too long", path);
	/* What stands before a colon would be taken for a protocol. */
	if (base->name[strcspn(base->name, ":/")] == ':' &&
	    strlen(base->name) + 2 < sizeof base->name) {
		memmove(base->name + 2, base->name, strlen(base->name) + 1);
		memcpy(base->name, "./", 2);
	}
	return 0;
}

static bool
is_in(const struct chain *chain, const char *path)
{
	struct stat a, b;
	unsigned i;

	if (stat(path, &a) == -1)
		return false;
	for (i = 0; i < chain->n; i++)
		if (fstat(chain->image[i].fd, &b) == 0 &&
		    a.st_dev == b.st_dev && a.st_ino == b.st_ino)
			return true;
	return false;
}

int
base_inspect(const char *path, enum block_format format, const char *child,
    struct base *base, struct error *err)
{
	struct chain chain;
	int rc;

	/* Read only, and nobody may write it: or it would be no base. */
	rc = chain_open(
	    &chain, path, format, CHAIN_READ, BLOCK_FILES_MAX - 1, err);
	if (rc == 0 && is_in(&chain, child))
		rc = error_set(err,
		    "%s cannot be the base of %s, which it is itself or is "
		    "based on",
		    path, child);
	if (rc == 0 && format == BLOCK_FORMAT_RAW &&
	    block_is_qcow2(chain.image[0].fd))
		rc = error_set(err,
		    "%s is said to be raw and is a qcow2 image; say -F qcow2",
		    path);
	if (rc == 0) {
		base->format = chain.image[0].format;
		base->size = chain.image[0].size;
		rc = base_name(path, child, base, err);
	}
	chain_close(&chain);
	return rc;
}
