/*
 * target.c: a new image with all its files.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "backend/image/base.h"
#include "backend/image/chain.h"
#include "backend/image/target.h"

static int
fill_raw(int fd, const char *path, const struct layout *l, struct error *err)
{
	if (ftruncate(fd, (off_t)l->size) == -1)
		return error_set(err,
		    "%s cannot be made: its file system has no files so "
		    "large; choose another size, or qcow2",
		    path);
	return preallocate_data(fd, path, l->preallocation, 0, l->size, err);
}

static int
fill_qcow2(struct target *t, const struct layout *l, struct error *err)
{
	uint64_t cluster = UINT64_C(1) << l->cluster_bits, disk;

	if (layout_write(t->image.fd, t->path, l, &disk, err) == -1)
		return -1;
	if (t->has_data)
		return fill_raw(t->data.fd, l->data_path, l, err);
	return preallocate_data(t->image.fd, t->path, l->preallocation, disk,
	    (l->size + cluster - 1) & ~(cluster - 1), err);
}

/* The name of the data file, as it is to stand in the image. */
static int
name_data(const char *path, struct layout *l, struct error *err)
{
	struct base base;

	if (l->data_path[0] == '\0')
		return 0;
	if (strcmp(l->data_path, path) == 0)
		return error_set(err,
		    "%s cannot be its own data file; choose another name",
		    path);
	if (base_name(l->data_path, path, &base, err) == -1)
		return -1;
	snprintf(l->data_name, sizeof l->data_name, "%s", base.name);
	/* Others count on finding in it what nobody wrote yet, too. */
	if (l->data_raw && l->preallocation == PREALLOCATE_NOTHING)
		l->preallocation = PREALLOCATE_TABLES;
	return 0;
}

int
target_open(struct target *t, const char *path, enum block_format format,
    struct layout *l, struct error *err)
{
	int rc = 0;

	*t = (struct target){.path = path,
	    .format = format,
	    .image = {.fd = -1, .folder = -1},
	    .data = {.fd = -1, .folder = -1}};
	if (format == BLOCK_FORMAT_QCOW2 &&
	    (name_data(path, l, err) == -1 || layout_check(l, err) == -1))
		return -1;
	if (newfile_open(&t->image, path, err) == -1)
		return -1;
	if (format == BLOCK_FORMAT_QCOW2 && l->data_path[0] != '\0') {
		rc = newfile_open(&t->data, l->data_path, err);
		t->has_data = rc == 0;
	}
	if (rc == 0)
		rc = format == BLOCK_FORMAT_QCOW2
		    ? fill_qcow2(t, l, err)
		    : fill_raw(t->image.fd, path, l, err);
	if (rc == -1)
		target_abandon(t);
	return rc;
}

static int
add_file(struct block_files *files, const struct newfile *f,
    enum block_format format, enum block_role role, struct error *err)
{
	struct block_file *to = &files->file[files->n++];

	*to = (struct block_file){
	    .fd = fcntl(f->fd, F_DUPFD_CLOEXEC, 3),
	    .path = strdup(f->path),
	    .format = format,
	    .role = role,
	};
	if (to->fd == -1 || to->path == NULL)
		return error_set(err, "%s: %s", f->path, strerror(errno));
	return 0;
}

int
target_attach(const struct target *t, struct block **b, struct error *err)
{
	struct block_files files;
	int rc;

	block_files_init(&files);
	rc = add_file(&files, &t->image, t->format, BLOCK_TOP, err);
	if (rc == 0 && t->has_data)
		rc = add_file(
		    &files, &t->data, BLOCK_FORMAT_RAW, BLOCK_DATA, err);
	if (rc == 0)
		rc = block_attach(&files, CHAIN_DEPTH, b, err);
	block_files_clear(&files);
	return rc;
}

/* Takes the name away again, if it is still that file's. */
static void
unname(const char *path, const struct stat *file)
{
	struct stat st;

	if (lstat(path, &st) == 0 && st.st_dev == file->st_dev &&
	    st.st_ino == file->st_ino)
		unlink(path);
}

int
target_finish(struct target *t, struct error *err)
{
	char *data = NULL;
	struct stat st;
	int rc = 0;

	if (t->has_data) {
		data = strdup(t->data.path);
		if (data == NULL || fstat(t->data.fd, &st) == -1)
			rc = error_set(err, "%s: out of memory", t->path);
		if (rc == 0)
			rc = newfile_finish(&t->data, err);
		t->has_data = rc != 0;
	}
	if (rc == 0 && (rc = newfile_finish(&t->image, err)) == -1 &&
	    data != NULL)
		unname(data, &st);
	free(data);
	if (rc == -1)
		target_abandon(t);
	return rc;
}

void
target_abandon(struct target *t)
{
	newfile_abandon(&t->image);
	newfile_abandon(&t->data);
	t->has_data = false;
}
