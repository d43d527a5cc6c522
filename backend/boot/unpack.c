#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>
#include <zlib.h>

#include "backend/boot/load.h"
#include "backend/boot/unpack.h"
#include "config/size.h"

#define CHUNK        (128u << 10)
#define UNPACKED_MAX (512ULL << 20) /* no kernel has that many bytes */
#define GZIP_ONLY    (16 + MAX_WBITS)

struct unpack {
	const struct boot_file *file;
	uint64_t size, at; /* of the packed file */
	uint64_t done, max;
	int fd;
	z_stream z;
	uint8_t in[CHUNK], out[CHUNK];
};

static int
write_all(struct unpack *u, size_t len, struct error *err)
{
	size_t at = 0;
	ssize_t n;
	char have[24];

	if (len > u->max - u->done)
		return error_set(err,
		    "%s is more than %s when unpacked, too much for this guest "
		    "or for any kernel; give it more memory if it is one",
		    u->file->path, size_short(u->max, have, sizeof have));
	while (at < len) {
		n = write(u->fd, u->out + at, len - at);
		if (n == -1 && errno == EINTR)
			continue;
		if (n == -1)
			return error_set(err, "no memory to unpack %s: %s",
			    u->file->path, strerror(errno));
		at += (size_t)n;
	}
	u->done += len;
	return 0;
}

static int
fill(struct unpack *u, struct error *err)
{
	uint64_t len = u->size - u->at;

	if (len > CHUNK)
		len = CHUNK;
	if (len == 0)
		return error_set(err,
		    "%s is truncated: its gzip data have no end; copy it again",
		    u->file->path);
	if (boot_read(u->file, u->in, len, u->at, err) == -1)
		return -1;
	u->at += len;
	u->z.next_in = u->in;
	u->z.avail_in = (uInt)len;
	return 0;
}

/* Up to the end of the gzip member; what may follow it is no kernel's. */
static int
run(struct unpack *u, struct error *err)
{
	int rc = Z_OK;

	while (rc != Z_STREAM_END) {
		if (u->z.avail_in == 0 && fill(u, err) == -1)
			return -1;
		u->z.next_out = u->out;
		u->z.avail_out = CHUNK;
		rc = inflate(&u->z, Z_NO_FLUSH);
		if (rc != Z_OK && rc != Z_STREAM_END && rc != Z_BUF_ERROR)
			return error_set(err,
			    "%s is damaged: its gzip data cannot be unpacked "
			    "(%s); copy it again",
			    u->file->path,
			    u->z.msg != NULL ? u->z.msg : zError(rc));
		if (write_all(u, CHUNK - u->z.avail_out, err) == -1)
			return -1;
	}
	return 0;
}

static int
unpack_into(struct unpack *u, struct error *err)
{
	int rc;

	if (inflateInit2(&u->z, GZIP_ONLY) != Z_OK)
		return error_set(err, "no memory to unpack %s", u->file->path);
	rc = run(u, err);
	inflateEnd(&u->z);
	return rc;
}

int
boot_unpack(
    const struct boot_file *file, uint64_t max, int *fd, struct error *err)
{
	uint8_t magic[2] = {0};
	struct unpack *u;
	uint64_t size;
	int rc = -1;

	*fd = -1;
	if (boot_size(file, &size, err) == -1)
		return -1;
	if (size < sizeof magic)
		return 0;
	if (boot_read(file, magic, sizeof magic, 0, err) == -1)
		return -1;
	if (magic[0] != 0x1f || magic[1] != 0x8b)
		return 0;
	u = calloc(1, sizeof *u);
	if (u == NULL)
		return error_set(err, "no memory to unpack %s", file->path);
	u->file = file;
	u->size = size;
	u->max = max < UNPACKED_MAX ? max : UNPACKED_MAX;
	u->fd = memfd_create("kernel", MFD_CLOEXEC);
	if (u->fd == -1)
		error_set(err, "no memory to unpack %s: %s", file->path,
		    strerror(errno));
	else
		rc = unpack_into(u, err);
	if (rc == 0)
		*fd = u->fd;
	else if (u->fd != -1)
		close(u->fd);
	free(u);
	return rc;
}
