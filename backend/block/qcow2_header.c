/*
 * qcow2_header.c: the header and its extensions, read and checked.
 *
 *	0 ─────────── 72 ──── 104 ── length ────────────────── cluster
 *	  version 2      v3      more   extensions ... end, names
 */
#include <endian.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "backend/block/qcow2.h"

#define V2_LENGTH 72u
#define V3_LENGTH 104u

#define L1_MOST       (32u << 20) /* bytes, as QEMU has it */
#define REFTABLE_MOST (8u << 20)
#define EXTENSIONS    (64u << 10) /* what we look through for them */

/* What is left to do where an image says things that cannot be. */
#define RESTORE "; copy it again or take it from a backup"
/* And where a newer or another program made it. */
#define CONVERT "; convert it (qemu-img convert -O qcow2)"

#define EXT_END       0u
#define EXT_FORMAT    0xe2792acau
#define EXT_FEATURES  0x6803f857u
#define EXT_DATA_FILE 0x44415441u

/* The beginning of the file, and how much of it there is. */
struct head {
	const char *path;
	uint8_t *data;
	size_t len;
};

static int
file_size(int fd, uint64_t *size)
{
	struct stat st;

	if (fstat(fd, &st) == -1)
		return -1;
	*size = (uint64_t)st.st_size;
	return S_ISBLK(st.st_mode) ? ioctl(fd, BLKGETSIZE64, size) : 0;
}

/* The first bytes of the file, at most len. */
static int
read_head(int fd, struct head *d, size_t len, struct error *err)
{
	ssize_t n;

	d->len = 0;
	d->data = malloc(len);
	if (d->data == NULL)
		return error_set(err, "%s: out of memory", d->path);
	while (d->len < len) {
		n = pread(fd, d->data + d->len, len - d->len, (off_t)d->len);
		if (n == -1 && errno == EINTR)
			continue;
		if (n == -1)
			return error_set(err, "%s cannot be read: %s", d->path,
			    strerror(errno));
		if (n == 0)
			break;
		d->len += (size_t)n;
	}
	return 0;
}

/* ---- the fixed part ---- */

static int
read_fields(const struct head *d, struct qcow2_header *h, struct error *err)
{
	if (d->len < V2_LENGTH || qcow2_get32(d->data + 0) != QCOW2_MAGIC)
		return error_set(err,
		    "%s is not a qcow2 image, or not all of one" RESTORE,
		    d->path);
	h->version = qcow2_get32(d->data + 4);
	if (h->version != 2 && h->version != 3)
		return error_set(err,
		    "%s is a qcow2 image of version %u, and 2 and 3 can be "
		    "used" CONVERT,
		    d->path, h->version);
	if (h->version == 3 && d->len < V3_LENGTH)
		return error_set(
		    err, "%s ends within its header" RESTORE, d->path);
	h->cluster_bits = qcow2_get32(d->data + 20);
	h->size = qcow2_get64(d->data + 24);
	if (qcow2_get32(d->data + 32) != 0)
		return error_set(err,
		    "%s is encrypted, which vmtui cannot read: decrypt it "
		    "first (qemu-img convert)",
		    d->path);
	h->l1_size = qcow2_get32(d->data + 36);
	h->l1_offset = qcow2_get64(d->data + 40);
	h->reftable_offset = qcow2_get64(d->data + 48);
	h->reftable_clusters = qcow2_get32(d->data + 56);
	h->snapshots = qcow2_get32(d->data + 60);
	h->snapshots_offset = qcow2_get64(d->data + 64);
	h->refcount_bits = 16;
	h->length = V2_LENGTH;
	if (h->version == 2)
		return 0;
	h->incompatible = qcow2_get64(d->data + 72);
	h->compatible = qcow2_get64(d->data + 80);
	h->autoclear = qcow2_get64(d->data + 88);
	h->length = qcow2_get32(d->data + 100);
	if (qcow2_get32(d->data + 96) > 6)
		return error_set(err,
		    "%s has refcounts of 2^%u bits, and 64 bits are the "
		    "most" RESTORE,
		    d->path, qcow2_get32(d->data + 96));
	h->refcount_bits = 1u << qcow2_get32(d->data + 96);
	return 0;
}

static int
check_compression(
    const struct head *d, struct qcow2_header *h, struct error *err)
{
	uint8_t type = h->length > V3_LENGTH ? d->data[V3_LENGTH] : 0;

	h->compression = QCOW2_ZLIB;
	if ((type != 0) != ((h->incompatible & QCOW2_COMPRESSION) != 0))
		return error_set(err,
		    "%s: its compression type and its feature bits "
		    "contradict each other" RESTORE,
		    d->path);
	if (type > 1)
		return error_set(err,
		    "%s is compressed in a way (%u) that vmtui does not know, "
		    "and zlib and zstd can be used" CONVERT,
		    d->path, type);
	if (type == 1)
		h->compression = QCOW2_ZSTD;
	return 0;
}

/* Is [offset, offset + len) clusters of the file behind the first? */
static int
check_table(const struct head *d, const struct qcow2_header *h,
    const char *what, uint64_t offset, uint64_t len, struct error *err)
{
	if (offset == 0 || (offset & (qcow2_cluster(h) - 1)) != 0)
		return error_set(err,
		    "%s is damaged: its %s is at %#llx, which is no cluster's "
		    "beginning" RESTORE,
		    d->path, what, (unsigned long long)offset);
	if (offset > h->file_size || len > h->file_size - offset)
		return error_set(err,
		    "%s is damaged: its %s goes beyond the end of the "
		    "file" RESTORE,
		    d->path, what);
	return 0;
}

static int
check_sizes(const struct head *d, struct qcow2_header *h, struct error *err)
{
	uint64_t span, need;

	if (h->cluster_bits < QCOW2_MIN_CLUSTER_BITS ||
	    h->cluster_bits > QCOW2_MAX_CLUSTER_BITS)
		return error_set(err,
		    "%s has clusters of 2^%u bytes, and 512 bytes to 2 MiB can "
		    "be used" RESTORE,
		    d->path, h->cluster_bits);
	if (h->length > qcow2_cluster(h) || h->length > d->len ||
	    (h->version == 3 && (h->length < V3_LENGTH || h->length % 8 != 0)))
		return error_set(err,
		    "%s is damaged: its header says it has %u bytes" RESTORE,
		    d->path, h->length);
	if (qcow2_extended(h) && h->cluster_bits < 14)
		return error_set(err,
		    "%s has extended L2 entries with clusters of less than "
		    "16 KiB, which cannot be" RESTORE,
		    d->path);
	if (h->size > INT64_MAX)
		return error_set(err,
		    "%s says it is a disk of 2^63 bytes or more" RESTORE,
		    d->path);
	if (h->l1_size > L1_MOST / 8)
		return error_set(err,
		    "%s has an L1 table of %u entries, and %u are the "
		    "most" RESTORE,
		    d->path, h->l1_size, L1_MOST / 8);
	span = qcow2_l1_span(h);
	need = h->size / span + (h->size % span != 0);
	if (h->l1_size < need)
		return error_set(err,
		    "%s is damaged: its L1 table is too short for the "
		    "disk" RESTORE,
		    d->path);
	if (h->l1_size > 0 &&
	    check_table(
		d, h, "L1 table", h->l1_offset, h->l1_size * 8ULL, err) == -1)
		return -1;
	if (h->reftable_clusters == 0 ||
	    h->reftable_clusters > REFTABLE_MOST >> h->cluster_bits)
		return error_set(err,
		    "%s is damaged: its refcount table has %u "
		    "clusters" RESTORE,
		    d->path, h->reftable_clusters);
	if (check_table(d, h, "refcount table", h->reftable_offset,
		(uint64_t)h->reftable_clusters << h->cluster_bits, err) == -1)
		return -1;
	if (h->snapshots > QCOW2_SNAPSHOTS_MAX)
		return error_set(err,
		    "%s is damaged: it says it has %u snapshots" RESTORE,
		    d->path, h->snapshots);
	if (h->snapshots > 0)
		return check_table(d, h, "snapshot table", h->snapshots_offset,
		    h->snapshots * 40ULL, err);
	return 0;
}

/* ---- extensions ---- */

/* The name that the image itself has for one of its features (type 0). */
static void
feature_name(const uint8_t *table, size_t len, unsigned bit, char name[47])
{
	for (; len >= 48; table += 48, len -= 48)
		if (table[0] == 0 && table[1] == bit) {
			memcpy(name, table + 2, 46);
			name[46] = '\0';
			return;
		}
}

static int
check_features(const struct head *d, const struct qcow2_header *h,
    const uint8_t *table, size_t len, struct error *err)
{
	uint64_t unknown = h->incompatible & ~QCOW2_INCOMPATIBLE;
	char name[47] = "";
	unsigned bit = 0;

	if (unknown == 0)
		return 0;
	while ((unknown & 1ULL << bit) == 0)
		bit++;
	if (table != NULL)
		feature_name(table, len, bit, name);
	return error_set(err,
	    "%s uses a feature that vmtui does not know: %s%sincompatible "
	    "feature bit %u%s" CONVERT,
	    d->path, name, name[0] != '\0' ? " (" : "", bit,
	    name[0] != '\0' ? ")" : "");
}

static int
copy_name(const struct head *d, const char *what, size_t at, size_t len,
    char *to, size_t room, struct error *err)
{
	if (len >= room || memchr(d->data + at, '\0', len) != NULL)
		return error_set(err,
		    "%s is damaged: the name of its %s cannot be one" RESTORE,
		    d->path, what);
	memcpy(to, d->data + at, len);
	to[len] = '\0';
	return 0;
}

static int
read_extensions(
    const struct head *d, struct qcow2_header *h, size_t end, struct error *err)
{
	size_t at = h->length, features_len = 0;
	const uint8_t *features = NULL;
	uint32_t type, len;

	while (at <= end && end - at >= 8) {
		type = qcow2_get32(d->data + at);
		len = qcow2_get32(d->data + at + 4);
		at += 8;
		if (type == EXT_END)
			break;
		if (len > end - at)
			return error_set(err,
			    "%s is damaged: a header extension (%#x) is too "
			    "long" RESTORE,
			    d->path, type);
		if (type == EXT_FORMAT &&
		    copy_name(d, "backing file's format", at, len,
			h->backing_format, sizeof h->backing_format, err) == -1)
			return -1;
		if (type == EXT_DATA_FILE) {
			h->has_data_name = true;
			if (copy_name(d, "data file", at, len, h->data_file,
				sizeof h->data_file, err) == -1)
				return -1;
		}
		if (type == EXT_FEATURES) {
			features = d->data + at;
			features_len = len;
		}
		/* A length of up to 7 more may pass the end: the loop sees. */
		at += ((size_t)len + 7) & ~(size_t)7;
	}
	return check_features(d, h, features, features_len, err);
}

static int
read_names(const struct head *d, struct qcow2_header *h, struct error *err)
{
	uint64_t at = qcow2_get64(d->data + 8), end = qcow2_cluster(h);
	uint32_t len = qcow2_get32(d->data + 16);

	h->has_backing = at != 0;
	if (end > d->len)
		end = d->len;
	if (h->has_backing) {
		if (len > QCOW2_NAME_MAX || len == 0 || at > end ||
		    len > end - at)
			return error_set(err,
			    "%s is damaged: the name of its backing file is "
			    "not within its header" RESTORE,
			    d->path);
		if (copy_name(d, "backing file", at, len, h->backing,
			sizeof h->backing, err) == -1)
			return -1;
		end = at;
	}
	if (h->version == 2 && h->length == V2_LENGTH && end < h->length)
		return error_set(err,
		    "%s is damaged: a name lies within its header" RESTORE,
		    d->path);
	return read_extensions(d, h, end, err);
}

int
qcow2_read_header(
    int fd, const char *path, struct qcow2_header *h, struct error *err)
{
	struct head d = {.path = path};
	int rc = -1;

	memset(h, 0, sizeof *h);
	if (file_size(fd, &h->file_size) == -1)
		return error_set(err, "%s: %s", path, strerror(errno));
	if (read_head(fd, &d, EXTENSIONS, err) == 0 &&
	    read_fields(&d, h, err) == 0 && check_sizes(&d, h, err) == 0 &&
	    read_names(&d, h, err) == 0 && check_compression(&d, h, err) == 0)
		rc = 0;
	free(d.data);
	return rc;
}
