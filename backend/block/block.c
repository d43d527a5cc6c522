/*
 * block.c: an image's public face: what it is, and the checks that every
 * request passes before it reaches an implementation.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "backend/block/engine.h"
#include "config/log.h"

#define SECTOR 512u /* that a guest counts in */

static int
measure(
    int fd, const char *path, bool readonly, uint64_t *size, struct error *err)
{
	struct stat st;
	int flags = fcntl(fd, F_GETFL);

	if (flags == -1 || fstat(fd, &st) == -1)
		return error_set(err, "%s: %s", path, strerror(errno));
	if (!readonly && (flags & O_ACCMODE) != O_RDWR)
		return error_set(
		    err, "%s was not opened for writing as well", path);
	if (S_ISREG(st.st_mode)) {
		*size = (uint64_t)st.st_size;
		return 0;
	}
	if (!S_ISBLK(st.st_mode))
		return error_set(
		    err, "%s is neither a file nor a block device", path);
	if (ioctl(fd, BLKGETSIZE64, size) == -1)
		return error_set(err, "%s does not tell its size: %s", path,
		    strerror(errno));
	return 0;
}

/* Completes what an implementation has made; on failure only fd is left. */
static int
finish_attach(struct block *b, int fd, const char *path, bool readonly,
    uint64_t size, struct error *err)
{
	b->path = strdup(path);
	if (b->path == NULL) {
		b->ops->close(b);
		return error_set(err, "%s: out of memory", path);
	}
	b->fd = fd;
	b->readonly = readonly;
	b->size = size;
	block_queue_init(&b->ready);
	return 0;
}

int
block_attach_threads(int fd, const char *path, bool readonly,
    struct block **block, struct error *err)
{
	uint64_t size;

	if (measure(fd, path, readonly, &size, err) == -1)
		return -1;
	if (block_threads_new(fd, block, err) == -1)
		return error_prefix(err, "%s: no thread for it: ", path);
	return finish_attach(*block, fd, path, readonly, size, err);
}

/* By io_uring, or where the host refuses that by a thread. */
static int
make_raw(int fd, const char *path, unsigned depth, struct block **block,
    struct error *err)
{
	static atomic_flag said = ATOMIC_FLAG_INIT;
	struct error why;

	if (block_uring_new(fd, depth, block, &why) == 0)
		return 0;
	if (!atomic_flag_test_and_set(&said))
		log_info("io_uring cannot be used on this host (%s); "
			 "disks work with a thread instead, slower",
		    why.text);
	if (block_threads_new(fd, block, err) == 0)
		return 0;
	return error_prefix(err, "%s: no thread for it: ", path);
}

int
block_attach_raw(int fd, const char *path, bool readonly, unsigned depth,
    struct block **block, struct error *err)
{
	uint64_t size;

	if (measure(fd, path, readonly, &size, err) == -1 ||
	    make_raw(fd, path, depth, block, err) == -1)
		return -1;
	return finish_attach(*block, fd, path, readonly, size, err);
}

int
block_drive(unsigned depth, struct block **block, struct error *err)
{
	if (make_raw(-1, "an empty drive", depth, block, err) == -1)
		return -1;
	return finish_attach(*block, -1, "", true, 0, err);
}

int
block_exchange(struct block *b, int fd, const char *path, struct error *err)
{
	char *name = strdup(path);
	uint64_t size = 0;
	int rc = 0;

	if (name == NULL)
		rc = error_set(err, "%s: out of memory", path);
	else if (fd != -1)
		rc = measure(fd, path, true, &size, err);
	if (rc == -1) {
		free(name);
		if (fd != -1)
			close(fd);
		return -1;
	}
	block_drain(b);
	if (b->fd != -1)
		close(b->fd);
	free(b->path);
	b->fd = fd;
	b->path = name;
	b->size = size;
	return 0;
}

void
block_close(struct block *b)
{
	char *path = b->path;
	int fd = b->fd;

	block_drain(b);
	direct_end(b);
	b->ops->close(b);
	free(path);
	if (fd != -1)
		close(fd);
}

/* The holes of a file. */
static int
map_file(int fd, uint64_t offset, uint64_t len, struct block_extent *extent)
{
	off_t data = lseek(fd, (off_t)offset, SEEK_DATA), hole;

	*extent = (struct block_extent){
	    .kind = EXTENT_DATA, .len = len, .has_host = true, .host = offset};
	if (data == -1 && errno != ENXIO)
		return errno == EINVAL ? 0 : -errno;
	if (data == -1 || (uint64_t)data > offset) {
		extent->kind = EXTENT_ZERO;
		if (data != -1 && (uint64_t)data - offset < len)
			extent->len = (uint64_t)data - offset;
		return 0;
	}
	hole = lseek(fd, (off_t)offset, SEEK_HOLE);
	if (hole > (off_t)offset && (uint64_t)hole - offset < len)
		extent->len = (uint64_t)hole - offset;
	return 0;
}

int
block_map(
    struct block *b, uint64_t offset, uint64_t len, struct block_extent *extent)
{
	if (len == 0 || offset > b->size || len > b->size - offset)
		return -EINVAL;
	if (b->ops->map != NULL)
		return b->ops->map(b, offset, len, extent);
	return map_file(b->fd, offset, len, extent);
}

struct block *
block_backing(const struct block *b)
{
	return b->ops->backing != NULL ? b->ops->backing(b) : NULL;
}

static int
resize_file(struct block *b, uint64_t size, struct error *err)
{
	struct stat st;
	int rc = 0;

	if (fstat(b->fd, &st) == -1 || !S_ISREG(st.st_mode))
		return error_set(
		    err, "%s is a device, whose size is fixed", b->path);
	if (size % direct_block(b) != 0)
		return error_set(err,
		    "%s is written around the host's cache, in blocks of %u "
		    "bytes: give it a size of whole ones",
		    b->path, direct_block(b));
	if (block_lock_resize(b->fd) == -1)
		return error_set(err,
		    "%s is in use by another program that does not let its "
		    "size change; stop that first",
		    b->path);
	if (ftruncate(b->fd, (off_t)size) == -1 || fsync(b->fd) == -1)
		rc = error_set(err, "%s cannot be made %llu bytes long: %s",
		    b->path, (unsigned long long)size, strerror(errno));
	else
		b->size = size;
	block_unlock_resize(b->fd);
	return rc;
}

int
block_may_grow(const struct block *b, uint64_t size, struct error *err)
{
	if (b->readonly)
		return error_set(err, "it is readonly, and stays as it is");
	if (size > INT64_MAX || size % SECTOR != 0)
		return error_set(err,
		    "it can have any number of whole sectors of 512 bytes, "
		    "below 2^63 bytes");
	if (size == b->size)
		return error_set(err, "it has that size already");
	if (size < b->size)
		return error_set(err,
		    "it has %llu bytes, and while its guest runs it can only "
		    "become larger; stop the guest to make it smaller",
		    (unsigned long long)b->size);
	return 0;
}

int
block_resize(struct block *b, uint64_t size, struct error *err)
{
	if (b->readonly)
		return error_set(err, "%s is open for reading alone", b->path);
	if (size > INT64_MAX)
		return error_set(err,
		    "%s: 2^63 bytes or more are no size of a "
		    "disk",
		    b->path);
	block_drain(b);
	if (b->ops->resize != NULL)
		return b->ops->resize(b, size, err);
	return resize_file(b, size, err);
}

uint64_t
block_size(const struct block *b)
{
	return b->size;
}

bool
block_readonly(const struct block *b)
{
	return b->readonly;
}

int
block_event_fd(const struct block *b)
{
	return b->event_fd;
}

unsigned
block_in_flight(const struct block *b)
{
	return b->in_flight;
}

/* Returns 1 if the request needs I/O, else its result. */
static int
check(const struct block *b, const struct block_request *rq)
{
	if (rq->op == BLOCK_FLUSH)
		return b->readonly || b->unsafe ? 0 : 1;
	if (rq->op != BLOCK_READ) {
		if (b->readonly)
			return -EROFS;
		if (rq->offset > b->size || rq->len > b->size - rq->offset)
			return -EINVAL;
	} else if (rq->offset > INT64_MAX || rq->len > INT64_MAX - rq->offset) {
		return -EINVAL;
	}
	return rq->len == 0 ? 0 : 1;
}

void
block_submit(struct block *b, struct block_request *rq)
{
	int result = check(b, rq);

	b->in_flight++;
	rq->of = b;
	block_step_first(rq);
	if (result == 1) {
		block_send(b, rq);
		return;
	}
	rq->moved = (uint64_t)result;
	block_queue_add(&b->ready, rq);
}

void
block_flush_queue(struct block *b)
{
	b->ops->flush_queue(b);
}

void
block_finish(struct block *b, struct block_request *rq, int result)
{
	if (b->direct != NULL)
		direct_finished(b, rq);
	block_over(b, rq, result);
}

void
block_over(struct block *b, struct block_request *rq, int result)
{
	b->in_flight--;
	if (rq->of == b) {
		rq->done(rq, result);
		return;
	}
	rq->moved = (uint64_t)result;
	block_queue_add(&rq->of->ready, rq);
}

unsigned
block_reap(struct block *b)
{
	struct block_request *rq;
	unsigned n = 0;

	/* In this order: reap() also hands on what done() submits. */
	do {
		while ((rq = block_queue_take(&b->ready)) != NULL) {
			block_over(b, rq, (int)rq->moved);
			n++;
		}
		n += b->ops->reap(b);
	} while (b->ready.first != NULL);
	return n;
}

void
block_drain(struct block *b)
{
	b->ops->flush_queue(b);
	while (block_reap(b), b->in_flight > 0)
		b->ops->wait(b);
}
