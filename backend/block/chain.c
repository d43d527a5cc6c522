/*
 * chain.c: an image and all that it names: its data file, its backing file,
 * that one's backing file, and so on.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>
#include <unistd.h>

#include "backend/block/engine.h"
#include "backend/block/qcow2.h"

#define PATH_MOST 4096

static bool
ends_in(const char *path, const char *end)
{
	size_t n = strlen(path), m = strlen(end);

	return n > m && strcasecmp(path + n - m, end) == 0;
}

/* The format of the image that the person named. */
static int
top_format(
    int fd, const char *path, enum block_format *format, struct error *err)
{
	bool magic = block_is_qcow2(fd);

	if (*format == BLOCK_FORMAT_RAW)
		return 0;
	if (*format == BLOCK_FORMAT_ANY &&
	    (ends_in(path, ".qcow2") || ends_in(path, ".qcow")))
		*format = BLOCK_FORMAT_QCOW2;
	if (*format == BLOCK_FORMAT_QCOW2) {
		if (magic)
			return 0;
		if (block_check_foreign(fd, path, err) == -1)
			return -1;
		return error_set(err,
		    "%s is not a qcow2 image; if it is a raw one, say "
		    "format=raw",
		    path);
	}
	if (magic)
		return error_set(err,
		    "%s begins as a qcow2 image does, but is not named so: "
		    "say format=qcow2 if it is one, or format=raw if its "
		    "guest wrote that",
		    path);
	*format = BLOCK_FORMAT_RAW;
	return block_check_foreign(fd, path, err);
}

/* The format that an image states for its backing file, or what it looks. */
static int
backing_format(const struct block_file *parent, const struct qcow2_header *h,
    struct block_file *f, struct error *err)
{
	const char *stated = h->backing_format;

	if (strcmp(stated, "qcow2") == 0) {
		f->format = BLOCK_FORMAT_QCOW2;
		if (!block_is_qcow2(f->fd))
			return error_set(err,
			    "%s says that its backing file %s is a qcow2 "
			    "image, and it is not; if it is raw, say so "
			    "(vmtui image rebase -u -F raw -b %s %s)",
			    parent->path, f->path, f->path, parent->path);
		return 0;
	}
	if (strcmp(stated, "raw") == 0 || strcmp(stated, "file") == 0 ||
	    strcmp(stated, "host_device") == 0) {
		f->format = BLOCK_FORMAT_RAW;
		return 0;
	}
	if (stated[0] != '\0')
		return error_set(err,
		    "%s says that its backing file %s is of the format %s, "
		    "and raw and qcow2 can be used; convert that one "
		    "(qemu-img convert) and name the new one (vmtui image "
		    "rebase -u)",
		    parent->path, f->path, stated);
	f->format =
	    block_is_qcow2(f->fd) ? BLOCK_FORMAT_QCOW2 : BLOCK_FORMAT_RAW;
	return f->format == BLOCK_FORMAT_RAW
	    ? block_check_foreign(f->fd, f->path, err)
	    : 0;
}

int
block_resolve(
    const char *parent, const char *name, char **path, struct error *err)
{
	const char *slash = strrchr(parent, '/');
	char buf[PATH_MOST];
	int n;

	if (strncmp(name, "file:", 5) == 0)
		name += 5;
	else if (name[strcspn(name, ":/")] == ':')
		return error_set(err,
		    "%s names \"%.200s\", which is no file of this host, and "
		    "only files can be used; give it one (vmtui image rebase "
		    "-u)",
		    parent, name);
	if (name[0] == '/' || slash == NULL)
		n = snprintf(buf, sizeof buf, "%s", name);
	else
		n = snprintf(buf, sizeof buf, "%.*s/%s", (int)(slash - parent),
		    parent, name);
	if (n < 0 || (size_t)n >= sizeof buf || name[0] == '\0')
		return error_set(err,
		    "%s names a file whose path cannot be one; give it "
		    "another (vmtui image rebase -u)",
		    parent);
	if ((*path = strdup(buf)) == NULL)
		return error_set(err, "%s: out of memory", parent);
	return 0;
}

/* Is it one of those that are open already? */
static int
check_loop(const struct block_files *files, const struct block_file *parent,
    const char *path, struct error *err)
{
	struct stat st, other;
	unsigned i;

	if (stat(path, &st) == -1)
		return 0;
	for (i = 0; i < files->n; i++)
		if (fstat(files->file[i].fd, &other) == 0 &&
		    st.st_dev == other.st_dev && st.st_ino == other.st_ino)
			return error_set(err,
			    "%s names %s, which is part of the chain already: "
			    "it bites its own tail; give it another backing "
			    "file (vmtui image rebase -u), or none",
			    parent->path, path);
	return 0;
}

/* Opens what the file parent names, as role; its format is left open. */
static int
add_named(struct block_files *files, unsigned parent, const char *name,
    enum block_role role, bool readonly, struct error *err)
{
	struct block_file *from = &files->file[parent], *f;
	char *path;

	if (files->n == BLOCK_FILES_MAX)
		return error_set(err,
		    "the chain of %s is longer than %d files; shorten it "
		    "(image commit)",
		    files->file[0].path, BLOCK_FILES_MAX);
	if (block_resolve(from->path, name, &path, err) == -1)
		return -1;
	f = &files->file[files->n];
	*f = (struct block_file){-1, path, BLOCK_FORMAT_RAW, role, readonly};
	if (check_loop(files, from, path, err) == 0)
		f->fd = block_open_file(path, readonly, err);
	if (f->fd != -1 && !readonly &&
	    block_lock_growing(f->fd, path, err) == -1) {
		close(f->fd);
		f->fd = -1;
	}
	if (f->fd == -1) {
		error_prefix(err, "the %s file of %s: ",
		    role == BLOCK_DATA ? "data" : "backing", from->path);
		free(path);
		return -1;
	}
	files->n++;
	return 0;
}

/* Opens what the last file names. Returns 1 if that may name more. */
static int
go_on(struct block_files *files, struct error *err)
{
	unsigned last = files->n - 1;
	struct block_file *f = &files->file[last];
	struct qcow2_header h;

	if (f->format != BLOCK_FORMAT_QCOW2)
		return 0;
	if (qcow2_read_header(f->fd, f->path, &h, err) == -1)
		return f->role == BLOCK_BACKING
		    ? error_prefix(
			  err, "a backing file of %s: ", files->file[0].path)
		    : -1;
	if ((h.incompatible & QCOW2_CORRUPT) != 0 && !f->readonly)
		return error_set(err,
		    "%s is marked as corrupt; repair it first (vmtui image "
		    "check -r %s), or open it readonly",
		    f->path, f->path);
	if ((h.incompatible & QCOW2_DATA_FILE) != 0) {
		if (!h.has_data_name)
			return error_set(err,
			    "%s has a data file and does not say which; take "
			    "it from a backup, or make it anew",
			    f->path);
		if (add_named(files, last, h.data_file, BLOCK_DATA, f->readonly,
			err) == -1)
			return -1;
	}
	if (!h.has_backing)
		return 0;
	if (add_named(files, last, h.backing, BLOCK_BACKING, true, err) == -1 ||
	    backing_format(f, &h, &files->file[files->n - 1], err) == -1)
		return -1;
	return 1;
}

int
block_open(const char *path, enum block_format format, bool readonly,
    struct block_files *files, struct error *err)
{
	struct block_file *top = &files->file[0];
	int more;

	*top = (struct block_file){-1, NULL, format, BLOCK_TOP, readonly};
	files->n = 1;
	top->path = strdup(path);
	if (top->path == NULL) {
		error_set(err, "%s: out of memory", path);
		goto fail;
	}
	top->fd = block_open_file(path, readonly, err);
	if (top->fd == -1 || top_format(top->fd, path, &top->format, err) == -1)
		goto fail;
	if (!readonly && top->format == BLOCK_FORMAT_QCOW2 &&
	    block_lock_growing(top->fd, path, err) == -1)
		goto fail;
	do {
		more = go_on(files, err);
	} while (more == 1);
	if (more == 0)
		return 0;
fail:
	block_files_clear(files);
	return -1;
}
