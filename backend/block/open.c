/*
 * open.c: opening one file of an image, and saying well why it cannot be.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "backend/block/engine.h"
#include "config/log.h"

#define NO_DISK "%s is neither a file nor a block device; correct the path"

/* Formats that a raw image must not be mistaken for. */
static const struct {
	const char *name, *convert; /* as qemu-img knows it */
	off_t at;
	const char *magic;
	size_t len;
} foreign[] = {
    {"a VMDK image", "vmdk", 0, "KDMV", 4},
    {"a VHDX image", "vhdx", 0, "vhdxfile", 8},
    {"a VDI image", "vdi", 64, "\x7f\x10\xda\xbe", 4},
};

/* The folder of path, or NULL if path has none or is too long. */
static const char *
folder_of(const char *path, char *buf, size_t len)
{
	const char *slash = strrchr(path, '/');
	size_t n = slash == NULL ? 0 : (size_t)(slash - path);

	if (n == 0 || n >= len)
		return NULL;
	memcpy(buf, path, n);
	buf[n] = '\0';
	return buf;
}

static int
explain_missing(const char *path, bool readonly, struct error *err)
{
	char near[256], folder[4096];
	struct stat st;

	if (lstat(path, &st) == 0)
		return error_set(err,
		    "%s is a link to a file that is missing; "
		    "put the file there or correct the path",
		    path);
	if (folder_of(path, folder, sizeof folder) != NULL &&
	    stat(folder, &st) == -1)
		return error_set(err,
		    "%s is missing, and so is the folder %s; "
		    "correct the path",
		    path, folder);
	if (block_neighbour(path, near, sizeof near) != NULL)
		return error_set(err,
		    "%s is missing; %s beside it looks meant: "
		    "correct the path",
		    path, near);
	if (readonly)
		return error_set(err,
		    "%s is missing; put it there or correct the path", path);
	return error_set(err,
	    "%s is missing; create it (vmtui create -s 8G %s) "
	    "or correct the path",
	    path, path);
}

static int
explain(const char *path, bool readonly, struct error *err)
{
	switch (errno) {
	case ENOENT:
	case ENOTDIR:
		return explain_missing(path, readonly, err);
	case EISDIR:
		return error_set(err,
		    "%s is a folder, not a disk image; name a file in it",
		    path);
	case EACCES:
	case EPERM:
		return error_set(err,
		    "%s may not be opened %s by this user (uid %u); change "
		    "its owner or mode%s",
		    path, readonly ? "for reading" : "for writing",
		    (unsigned)geteuid(),
		    readonly ? "" : ", or add \"readonly\" to the disk line");
	case EROFS:
		return error_set(err,
		    "%s is on a file system mounted read-only; "
		    "add \"readonly\" to the disk line",
		    path);
	case ETXTBSY:
		return error_set(err,
		    "%s is in use as swap space or program; stop that first",
		    path);
	case ENXIO: /* a socket */
		return error_set(err, NO_DISK, path);
	case ELOOP:
		return error_set(err,
		    "%s is a link that leads back to itself; make it anew or "
		    "correct the path",
		    path);
	case ENAMETOOLONG:
		return error_set(err,
		    "%s cannot be the path of a file: it is too long; correct "
		    "it",
		    path);
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

/* Is it something that can be a disk, and has it a size? */
static int
check_kind(int fd, const char *path, struct error *err)
{
	uint64_t size;
	struct stat st;

	if (fstat(fd, &st) == -1)
		return error_set(err, "%s: %s", path, strerror(errno));
	if (S_ISDIR(st.st_mode)) {
		errno = EISDIR;
		return explain(path, true, err);
	}
	if (S_ISREG(st.st_mode))
		size = (uint64_t)st.st_size;
	else if (!S_ISBLK(st.st_mode))
		return error_set(err, NO_DISK, path);
	else if (ioctl(fd, BLKGETSIZE64, &size) == -1)
		size = 0;
	if (size == 0)
		return error_set(err,
		    "%s is empty; give it a size first "
		    "(vmtui image resize %s 8G)",
		    path, path);
	return 0;
}

bool
block_is_qcow2(int fd)
{
	char head[4];

	return pread(fd, head, sizeof head, 0) == (ssize_t)sizeof head &&
	    memcmp(head, "QFI\xfb", sizeof head) == 0;
}

int
block_check_foreign(int fd, const char *path, struct error *err)
{
	char head[16];
	size_t i;

	for (i = 0; i < sizeof foreign / sizeof *foreign; i++) {
		if (pread(fd, head, foreign[i].len, foreign[i].at) !=
			(ssize_t)foreign[i].len ||
		    memcmp(head, foreign[i].magic, foreign[i].len) != 0)
			continue;
		return error_set(err,
		    "%s is %s; raw and qcow2 images can be used (convert it: "
		    "qemu-img convert -f %s -O qcow2 %s %s.qcow2)",
		    path, foreign[i].name, foreign[i].convert, path, path);
	}
	return 0;
}

static int
lock(int fd, const char *path, enum block_use use, struct error *err)
{
	if (block_lock(fd, use) == 0)
		return 0;
	if (errno == EAGAIN || errno == EACCES)
		return error_set(err,
		    "%s is in use by another guest or by QEMU; stop that "
		    "first",
		    path);
	/* Some network file systems have no locks. */
	log_warn("%s cannot be locked (%s): nothing keeps two guests from "
		 "writing it",
	    path, strerror(errno));
	return 0;
}

int
block_lock_growing(int fd, const char *path, struct error *err)
{
	return lock(fd, path, BLOCK_USE_RESIZE, err);
}

int
block_open_file(const char *path, bool readonly, struct error *err)
{
	int flags = (readonly ? O_RDONLY : O_RDWR) | O_CLOEXEC | O_NONBLOCK;
	struct stat st;
	int fd;

	/* Exclusive on a block device means: not while it is mounted. */
	if (!readonly && stat(path, &st) == 0 && S_ISBLK(st.st_mode))
		flags |= O_EXCL;
	fd = open(path, flags);
	if (fd == -1)
		return explain(path, readonly, err);
	if (check_kind(fd, path, err) == -1 ||
	    lock(fd, path, readonly ? BLOCK_USE_READ : BLOCK_USE_WRITE, err) ==
		-1) {
		close(fd);
		return -1;
	}
	/* That was for a FIFO, whose open would wait for its other end. */
	fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) & ~O_NONBLOCK);
	return fd;
}
