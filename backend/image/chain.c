/*
 * chain.c: an image and the files below it, opened and locked.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "backend/block/engine.h"
#include "backend/image/chain.h"

static int
explain(const char *path, bool readonly, struct error *err)
{
	switch (errno) {
	case ENOENT:
	case ENOTDIR:
		return error_set(err, "%s is missing", path);
	case EACCES:
	case EPERM:
		return error_set(err,
		    "%s may not be opened for %s by this user (uid %u); "
		    "change its owner or mode",
		    path, readonly ? "reading" : "writing",
		    (unsigned)geteuid());
	case EISDIR:
		return error_set(
		    err, "%s is a folder; name a file in it", path);
	case EROFS:
		return error_set(
		    err, "%s is on a file system mounted read-only", path);
	case ETXTBSY:
		return error_set(
		    err, "%s is in use as swap space or program", path);
	case EBUSY:
		return error_set(err,
		    "%s is in use by this host: a file system of it is "
		    "mounted; unmount it first",
		    path);
	default:
		return error_set(
		    err, "%s cannot be opened: %s", path, strerror(errno));
	}
}

static int
lock(struct image *im, struct error *err)
{
	/* What is not a raw image grows as it is written. */
	enum block_use use = im->readonly    ? BLOCK_USE_READ
	    : im->format == BLOCK_FORMAT_RAW ? BLOCK_USE_WRITE
					     : BLOCK_USE_RESIZE;

	/* Some network file systems have no locks. */
	if (block_lock(im->fd, use) == 0 ||
	    (errno != EAGAIN && errno != EACCES))
		return 0;
	im->busy = true;
	return error_set(err,
	    "%s is in use by a guest that runs, or by another program; stop "
	    "that first (vmtui status shows the guests)",
	    im->path);
}

int
image_measure(struct image *im, struct error *err)
{
	struct stat st;

	if (fstat(im->fd, &st) == -1)
		return error_set(err, "%s: %s", im->path, strerror(errno));
	im->length = (uint64_t)st.st_size;
	im->used = (uint64_t)st.st_blocks * 512;
	if (S_ISDIR(st.st_mode)) {
		errno = EISDIR;
		return explain(im->path, true, err);
	}
	if (S_ISBLK(st.st_mode)) {
		if (ioctl(im->fd, BLKGETSIZE64, &im->length) == -1)
			return explain(im->path, true, err);
		im->used = im->length;
	} else if (!S_ISREG(st.st_mode)) {
		return error_set(
		    err, "%s is neither a file nor a block device", im->path);
	}
	if (im->format != BLOCK_FORMAT_QCOW2)
		im->size = im->length;
	return 0;
}

/* Opens im->path. */
static int
open_file(struct image *im, bool locked, struct error *err)
{
	int flags = (im->readonly ? O_RDONLY : O_RDWR) | O_CLOEXEC |
	    O_NONBLOCK | O_NOCTTY;
	struct stat st;

	/* Exclusive on a block device means: not while it is mounted. */
	if (!im->readonly && stat(im->path, &st) == 0 && S_ISBLK(st.st_mode))
		flags |= O_EXCL;
	im->fd = open(im->path, flags);
	if (im->fd == -1)
		return explain(im->path, im->readonly, err);
	if (image_measure(im, err) == -1)
		return -1;
	/* That was for a FIFO, whose open would wait for its other end. */
	fcntl(im->fd, F_SETFL, fcntl(im->fd, F_GETFL) & ~O_NONBLOCK);
	return locked ? lock(im, err) : 0;
}

/* Is the top what its name says, where nobody said? */
static int
check_name(const struct image *im, struct error *err)
{
	if (im->format == BLOCK_FORMAT_RAW && block_is_qcow2(im->fd))
		return error_set(err,
		    "%s begins as a qcow2 image does, which its name does not "
		    "say, and a guest can write that into a raw disk; say "
		    "-f qcow2 or -f raw",
		    im->path);
	return 0;
}

static int
read_header(struct image *im, bool said, enum chain_use use, struct error *err)
{
	if (im->format != BLOCK_FORMAT_QCOW2)
		return block_check_foreign(im->fd, im->path, err);
	if (!block_is_qcow2(im->fd))
		return error_set(err, "%s is not a qcow2 image%s", im->path,
		    said ? ""
			 : ", though its name says so; if it is a raw "
			   "one, say -f raw");
	if (qcow2_read_header(im->fd, im->path, &im->h, err) == -1)
		return -1;
	im->size = im->h.size;
	if (!im->readonly && use != CHAIN_REPAIR &&
	    (im->h.incompatible & QCOW2_CORRUPT) != 0)
		return error_set(err,
		    "%s is marked as damaged; repair it first (vmtui image "
		    "check -r %s)",
		    im->path, im->path);
	return 0;
}

static int
open_data(struct image *im, enum chain_use use, struct error *err)
{
	struct image data = {.fd = -1, .readonly = im->readonly};
	int rc;

	if ((im->h.incompatible & QCOW2_DATA_FILE) == 0)
		return 0;
	if (!im->h.has_data_name)
		return error_set(err,
		    "%s has its data in another file, but does not name it",
		    im->path);
	if (block_resolve(im->path, im->h.data_file, &data.path, err) == -1)
		return -1;
	rc = open_file(&data, use != CHAIN_LOOK, err);
	im->data_fd = data.fd;
	im->data_path = data.path;
	if (rc == -1)
		return error_prefix(err, "the data of %s: ", im->path);
	return 0;
}

static int
open_image(struct image *im, enum block_format format, enum chain_use use,
    struct error *err)
{
	bool said = format != BLOCK_FORMAT_ANY;

	im->format = said ? format : tool_format_of_name(im->path);
	if (open_file(im, use != CHAIN_LOOK, err) == -1 ||
	    (!said && check_name(im, err) == -1) ||
	    read_header(im, said, use, err) == -1 ||
	    (im->format == BLOCK_FORMAT_QCOW2 && open_data(im, use, err) == -1))
		return -1;
	return 0;
}

/* The format of what im is based on: as it says, or as the file looks. */
static int
base_format(const struct image *im, const char *path, enum block_format *format,
    struct error *err)
{
	const char *stated = im->h.backing_format;
	int fd;

	*format = BLOCK_FORMAT_RAW;
	if (strcmp(stated, "qcow2") == 0) {
		*format = BLOCK_FORMAT_QCOW2;
	} else if (stated[0] == '\0') {
		fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
		if (fd != -1 && block_is_qcow2(fd))
			*format = BLOCK_FORMAT_QCOW2;
		if (fd != -1)
			close(fd);
	} else if (strcmp(stated, "raw") != 0 && strcmp(stated, "file") != 0 &&
	    strcmp(stated, "host_device") != 0) {
		return error_set(err,
		    "%s is based on a file of format \"%s\"; raw and qcow2 "
		    "can be used",
		    im->path, stated);
	}
	return 0;
}

static bool
is_above(const struct chain *chain, const struct image *im)
{
	struct stat a, b;
	unsigned i;

	if (fstat(im->fd, &a) == -1)
		return false;
	for (i = 0; i < chain->n; i++)
		if (fstat(chain->image[i].fd, &b) == 0 &&
		    a.st_dev == b.st_dev && a.st_ino == b.st_ino)
			return true;
	return false;
}

static void
close_image(struct image *im)
{
	if (im->fd != -1)
		close(im->fd);
	if (im->data_fd != -1)
		close(im->data_fd);
	free(im->path);
	free(im->data_path);
	free(im->l1);
}

/* Opens one more; takes path. */
static int
add(struct chain *chain, char *path, enum block_format format,
    enum chain_use use, struct error *err)
{
	struct image *im = &chain->image[chain->n];

	*im = (struct image){.fd = -1, .data_fd = -1, .path = path};
	im->readonly = chain->n == 0 ? use < CHAIN_REPAIR
	    : chain->n == 1          ? use != CHAIN_COMMIT
				     : true;
	if (open_image(im, format, use, err) == -1) {
		/* Its own lock would be in its way, not a stranger's. */
		if (is_above(chain, im))
			error_set(err, "%s is based on itself", im->path);
		chain->busy = chain->n == 0 && im->busy;
		close_image(im);
		return -1;
	}
	if (is_above(chain, im)) {
		error_set(err, "%s is based on itself", im->path);
		close_image(im);
		return -1;
	}
	chain->n++;
	return 0;
}

int
chain_open(struct chain *chain, const char *path, enum block_format format,
    enum chain_use use, unsigned deep, struct error *err)
{
	const struct image *im;
	char *next = strdup(path);

	chain->n = 0;
	chain->busy = false;
	if (next == NULL)
		return error_set(err, "%s: out of memory", path);
	if (add(chain, next, format, use, err) == -1)
		return -1;
	while (chain->n < deep) {
		im = &chain->image[chain->n - 1];
		if (im->format != BLOCK_FORMAT_QCOW2 || !im->h.has_backing)
			break;
		if (chain->n == BLOCK_FILES_MAX)
			return error_set(err,
			    "%s is based on more than %d files", path,
			    BLOCK_FILES_MAX - 1);
		if (block_resolve(im->path, im->h.backing, &next, err) == -1)
			return -1;
		if (base_format(im, next, &format, err) == -1) {
			free(next);
			return -1;
		}
		if (add(chain, next, format, use, err) == -1)
			return error_prefix(err,
			    "%s is based on a file that cannot be used: ",
			    im->path);
	}
	return 0;
}

void
chain_close(struct chain *chain)
{
	unsigned i;

	for (i = 0; i < chain->n; i++)
		close_image(&chain->image[i]);
	chain->n = 0;
}

static int
add_file(struct block_files *files, int fd, const char *path,
    const struct image *im, enum block_role role, struct error *err)
{
	struct block_file *f = &files->file[files->n];

	if (files->n == BLOCK_FILES_MAX)
		return error_set(
		    err, "%s is based on too many files", files->file[0].path);
	*f = (struct block_file){.format = im->format,
	    .role = role,
	    .readonly = im->readonly,
	    .path = strdup(path),
	    .fd = fcntl(fd, F_DUPFD_CLOEXEC, 3)};
	if (role == BLOCK_DATA)
		f->format = BLOCK_FORMAT_RAW;
	files->n++;
	if (f->fd == -1 || f->path == NULL)
		return error_set(err, "%s: %s", path, strerror(errno));
	return 0;
}

static int
list_files(const struct chain *chain, unsigned from, struct block_files *files,
    struct error *err)
{
	const struct image *im;
	unsigned i;

	for (i = from; i < chain->n; i++) {
		im = &chain->image[i];
		if (add_file(files, im->fd, im->path, im,
			i == from ? BLOCK_TOP : BLOCK_BACKING, err) == -1 ||
		    (im->data_fd != -1 &&
			add_file(files, im->data_fd, im->data_path, im,
			    BLOCK_DATA, err) == -1))
			return -1;
	}
	return 0;
}

int
chain_attach(const struct chain *chain, unsigned from, bool readonly,
    struct block **b, struct error *err)
{
	struct block_files files;
	unsigned i;
	int rc;

	block_files_init(&files);
	rc = list_files(chain, from, &files, err);
	for (i = 0; readonly && i < files.n; i++)
		files.file[i].readonly = true;
	if (rc == 0)
		rc = block_attach(&files, CHAIN_DEPTH, b, err);
	block_files_clear(&files);
	return rc;
}

int
image_read(const struct image *im, void *buf, size_t len, uint64_t at,
    struct error *err)
{
	uint8_t *p = buf;
	ssize_t n;

	while (len > 0) {
		n = pread(im->fd, p, len, (off_t)at);
		if (n == -1 && errno == EINTR)
			continue;
		if (n == -1)
			return tool_io_failed(im->path, false, -errno, err);
		if (n == 0) {
			memset(p, 0, len);
			break;
		}
		p += n;
		at += (uint64_t)n;
		len -= (size_t)n;
	}
	return 0;
}

int
image_write(const struct image *im, const void *buf, size_t len, uint64_t at,
    struct error *err)
{
	const uint8_t *p = buf;
	ssize_t n;

	while (len > 0) {
		n = pwrite(im->fd, p, len, (off_t)at);
		if (n == -1 && errno == EINTR)
			continue;
		if (n <= 0)
			return tool_io_failed(
			    im->path, true, n == 0 ? -EIO : -errno, err);
		p += n;
		at += (uint64_t)n;
		len -= (size_t)n;
	}
	return 0;
}

int
image_sync(const struct image *im, struct error *err)
{
	if (fsync(im->fd) == -1)
		return tool_io_failed(im->path, true, -errno, err);
	return 0;
}
