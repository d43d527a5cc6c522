/*
 * check_bitmaps.c: clusters of persistent bitmaps ("Qcow2 Image File Format",
 * "Bitmaps"), which others made: we keep them, and know not what they mean.
 */
#include <endian.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "backend/image/check.h"
#include "backend/image/meta.h"

#define EXT_BITMAPS    0x23852875u
#define BITMAPS_MOST   65535u
#define DIRECTORY_MOST (UINT64_C(64) << 20) /* bytes */
#define ENTRY          24u /* bytes, without its name */
#define PLACE          UINT64_C(0x00fffffffffffe00)

/* One bitmap's table, and the clusters that names. */
static int
walk_table(struct check *c, uint64_t at, uint32_t n, struct error *err)
{
	uint64_t cluster = qcow2_cluster(&c->im->h), *table, i;
	int rc = -1;

	if ((at & (cluster - 1)) != 0 || at > c->im->length ||
	    n > (c->im->length - at + cluster - 1) / 8) {
		check_found(c, &c->damaged,
		    "the table of a bitmap at %#" PRIx64 " lies outside", at);
		return 0;
	}
	if ((table = calloc((size_t)n + 1, 8)) == NULL)
		return error_set(err, "%s: out of memory", c->im->path);
	if (check_refer(c, at, (uint64_t)n * 8, COUNTS_META,
		"the table of a bitmap", err) == -1 ||
	    meta_read(c->im, table, n, at, err) == -1)
		goto out;
	for (i = 0; i < n; i++)
		if ((table[i] & PLACE) != 0 &&
		    check_refer(c, table[i] & PLACE, cluster, COUNTS_META,
			"a bitmap", err) == -1)
			goto out;
	rc = 0;
out:
	free(table);
	return rc;
}

static int
walk_directory(struct check *c, const uint8_t *dir, uint64_t len,
    uint32_t count, struct error *err)
{
	uint64_t at = 0, size;

	for (; count > 0; count--) {
		if (len - at < ENTRY)
			break;
		size = ENTRY + (uint64_t)qcow2_get32(dir + at + 20) +
		    (uint64_t)(dir[at + 18] << 8 | dir[at + 19]);
		size = (size + 7) & ~UINT64_C(7);
		if (size > len - at)
			break;
		if (walk_table(c, qcow2_get64(dir + at),
			qcow2_get32(dir + at + 8), err) == -1)
			return -1;
		at += size;
	}
	if (count > 0)
		check_found(c, &c->damaged, "the list of bitmaps is cut off");
	return 0;
}

int
check_bitmaps(struct check *c, struct error *err)
{
	uint64_t len, at;
	uint8_t ext[24], *dir;
	size_t n;
	int rc;

	/* Without the bit somebody wrote who knew nothing of them. */
	if ((c->im->h.autoclear & QCOW2_BITMAPS) == 0)
		return 0;
	if (meta_extension(c->im, EXT_BITMAPS, ext, sizeof ext, &n, err) == -1)
		return -1;
	if (n != sizeof ext)
		return 0;
	len = qcow2_get64(ext + 8);
	at = qcow2_get64(ext + 16);
	if (qcow2_get32(ext) > BITMAPS_MOST || len > DIRECTORY_MOST ||
	    at > c->im->length || len > c->im->length - at) {
		check_found(c, &c->damaged, "the list of bitmaps lies outside");
		return 0;
	}
	if ((dir = malloc(len + 1)) == NULL)
		return error_set(err, "%s: out of memory", c->im->path);
	rc = check_refer(c, at, len, COUNTS_META, "the list of bitmaps", err);
	if (rc == 0)
		rc = image_read(c->im, dir, len, at, err);
	if (rc == 0)
		rc = walk_directory(c, dir, len, qcow2_get32(ext), err);
	free(dir);
	return rc;
}
