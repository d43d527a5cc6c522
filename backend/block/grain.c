/*
 * grain.c: whether a file can be used around the host's cache, and in what
 * pieces: Linux 6.1 and later say so (statx(2), STATX_DIOALIGN); before, and
 * on file systems that do not say, it is tried.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/stat.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "backend/block/engine.h"

/* For a kernel that cannot say: the least that it reads. */
static int
probe(int fd, struct direct_grain *grain)
{
	int flags = fcntl(fd, F_GETFL);
	unsigned size;
	ssize_t n = -1;
	void *buf;

	if (flags == -1 || fcntl(fd, F_SETFL, flags | O_DIRECT) == -1)
		return -errno;
	buf = aligned_alloc(4096, 4096);
	for (size = 512; buf != NULL && n == -1 && size <= 4096; size *= 2) {
		*grain = (struct direct_grain){size, size};
		n = pread(fd, buf, size, 0);
		if (n == -1 && errno != EINVAL)
			break;
	}
	free(buf);
	fcntl(fd, F_SETFL, flags);
	return n == -1 ? -EINVAL : 0;
}

static bool
usable(unsigned n, unsigned most)
{
	return n != 0 && n <= most && (n & (n - 1)) == 0;
}

int
direct_measure(
    int fd, const char *path, struct direct_grain *grain, struct error *err)
{
	struct statx stx;
	int rc = 0;

	memset(&stx, 0, sizeof stx);
	if (statx(fd, "", AT_EMPTY_PATH, STATX_DIOALIGN, &stx) == 0 &&
	    (stx.stx_mask & STATX_DIOALIGN) != 0)
		*grain = (struct direct_grain){
		    stx.stx_dio_mem_align, stx.stx_dio_offset_align};
	else
		rc = probe(fd, grain);
	if (rc == 0 && usable(grain->memory, DIRECT_MOST) &&
	    usable(grain->block, DIRECT_MOST))
		return 0;
	return error_set(err,
	    "%s stands where files cannot be used around the host's cache; "
	    "leave cache=none out of its disk line",
	    path);
}

static int
measure_length(int fd, const char *path, const struct direct_grain *grain,
    struct error *err)
{
	struct stat st;

	if (fstat(fd, &st) == -1)
		return error_set(err, "%s: %s", path, strerror(errno));
	if (!S_ISREG(st.st_mode) || (uint64_t)st.st_size % grain->block == 0)
		return 0;
	return error_set(err,
	    "%s is %llu bytes long, and around the host's cache it is written "
	    "in blocks of %u: give it whole ones (vmtui image resize), or "
	    "leave cache=none out of its disk line",
	    path, (unsigned long long)st.st_size, grain->block);
}

int
block_check_direct(const struct block_files *files, struct error *err)
{
	const struct block_file *f;
	struct direct_grain grain;
	unsigned i;

	for (i = 0; i < files->n; i++) {
		f = &files->file[i];
		if (f->role == BLOCK_BACKING)
			break;
		if (direct_measure(f->fd, f->path, &grain, err) == -1)
			return -1;
		if (f->role == BLOCK_TOP && f->format == BLOCK_FORMAT_RAW &&
		    !f->readonly &&
		    measure_length(f->fd, f->path, &grain, err) == -1)
			return -1;
	}
	return 0;
}
