/*
 * preallocate.c: room for a disk before anybody writes to it.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>

#include "backend/image/layout.h"
#include "backend/image/tool.h"

#define WRITTEN  (UINT64_C(1) << 20) /* at once */
#define RESERVED (UINT64_C(1) << 30)

static int
reserve(int fd, const char *path, uint64_t at, uint64_t len, struct error *err)
{
	int rc;

	do
		rc = fallocate(fd, 0, (off_t)at, (off_t)len);
	while (rc == -1 && errno == EINTR && !interrupted());
	if (rc == 0)
		return 0;
	if (errno == EINTR)
		return error_set(err, "interrupted");
	if (errno == EOPNOTSUPP || errno == ENOSYS)
		return error_set(err,
		    "%s: its file system does not reserve room; say "
		    "preallocation=full, which writes zeroes",
		    path);
	return tool_io_failed(path, true, -errno, err);
}

int
preallocate_data(int fd, const char *path, enum preallocation how, uint64_t at,
    uint64_t len, struct error *err)
{
	uint64_t most = how == PREALLOCATE_ZEROES ? WRITTEN : RESERVED, n;
	struct progress progress;
	uint8_t *zeroes;
	int rc = 0;

	if (how < PREALLOCATE_ROOM)
		return 0;
	zeroes = calloc(1, WRITTEN);
	if (zeroes == NULL)
		return error_set(err, "%s: out of memory", path);
	progress_begin(&progress, "preallocating", len);
	for (; rc == 0 && len > 0; at += n, len -= n) {
		n = len < most ? len : most;
		if (how == PREALLOCATE_ZEROES)
			rc = layout_put(fd, path, zeroes, n, at, err);
		else
			rc = reserve(fd, path, at, n, err);
		progress_add(&progress, n);
		if (rc == 0 && interrupted())
			rc = error_set(err, "interrupted");
	}
	progress_end(&progress);
	free(zeroes);
	return rc;
}
