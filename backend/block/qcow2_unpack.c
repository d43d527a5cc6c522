/*
 * qcow2_unpack.c: a compressed cluster: raw deflate (RFC 1951) or a Zstandard
 * frame (RFC 8878), perhaps with other bytes after its end.
 */
#include <errno.h>
#include <string.h>
#include <zlib.h>
#include <zstd.h>

#include "backend/block/qcow2_image.h"

static int
inflate_cluster(const uint8_t *from, size_t len, uint8_t *to, size_t room)
{
	z_stream z;
	int rc;

	memset(&z, 0, sizeof z);
	if (inflateInit2(&z, -12) != Z_OK)
		return -ENOMEM;
	/* zlib does not change what next_in points to. */
	z.next_in = (uint8_t *)(uintptr_t)from;
	z.avail_in = (uInt)len;
	z.next_out = to;
	z.avail_out = (uInt)room;
	rc = inflate(&z, Z_FINISH);
	inflateEnd(&z);
	/* The end of the deflate data may not be in sight with a full cluster */
	return (rc == Z_STREAM_END || rc == Z_BUF_ERROR) && z.avail_out == 0
	    ? 0
	    : -EIO;
}

static int
zstd_cluster(const uint8_t *from, size_t len, uint8_t *to, size_t room)
{
	ZSTD_DCtx *ctx = ZSTD_createDCtx();
	ZSTD_outBuffer out = {to, room, 0};
	ZSTD_inBuffer in = {from, len, 0};
	size_t before, rc = 1;

	if (ctx == NULL)
		return -ENOMEM;
	/* More than one frame may make the cluster; what follows is not ours. */
	while (out.pos < out.size) {
		before = out.pos + in.pos;
		rc = ZSTD_decompressStream(ctx, &out, &in);
		if (ZSTD_isError(rc) || out.pos + in.pos == before)
			break;
	}
	ZSTD_freeDCtx(ctx);
	return out.pos == out.size ? 0 : -EIO;
}

int
qcow2_unpack(
    const struct qcow2 *q, const uint8_t *from, size_t len, uint8_t *to)
{
	if (q->h.compression == QCOW2_ZSTD)
		return zstd_cluster(from, len, to, q->cluster);
	return inflate_cluster(from, len, to, q->cluster);
}
