/*
 * qcow2.h: what a qcow2 image says about itself, for the parts of
 * backend/block and for the tools of backend/image. Nobody else includes it.
 *
 * Implements docs/interop/qcow2.txt of QEMU, "The QCOW2 image format",
 * versions 2 and 3. An image is a hostile file: what is returned here was
 * checked against the file's size, and nothing in it is trusted before.
 */
#ifndef BACKEND_BLOCK_QCOW2_H
#define BACKEND_BLOCK_QCOW2_H

#include <endian.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include "config/error.h"

#define QCOW2_MAGIC 0x514649fbu

/* Numbers of the format are big-endian, and stand anywhere. */
static inline uint32_t
qcow2_get32(const uint8_t *p)
{
	uint32_t v;

	memcpy(&v, p, sizeof v);
	return be32toh(v);
}

static inline uint64_t
qcow2_get64(const uint8_t *p)
{
	uint64_t v;

	memcpy(&v, p, sizeof v);
	return be64toh(v);
}

/* Incompatible features: who does not know one must not open the image. */
#define QCOW2_DIRTY        (1ULL << 0) /* refcounts may be wrong */
#define QCOW2_CORRUPT      (1ULL << 1) /* not to be written before a repair */
#define QCOW2_DATA_FILE    (1ULL << 2)
#define QCOW2_COMPRESSION  (1ULL << 3) /* another than zlib */
#define QCOW2_EXTENDED_L2  (1ULL << 4)
#define QCOW2_INCOMPATIBLE 0x1fULL

/* Compatible ones may be ignored. */
#define QCOW2_LAZY_REFCOUNTS (1ULL << 0)

/* Autoclear: who does not know one clears it when it writes. */
#define QCOW2_BITMAPS       (1ULL << 0)
#define QCOW2_DATA_FILE_RAW (1ULL << 1)

#define QCOW2_MIN_CLUSTER_BITS 9
#define QCOW2_MAX_CLUSTER_BITS 21
#define QCOW2_NAME_MAX         1023 /* bytes of a file name in the image */
#define QCOW2_SNAPSHOTS_MAX    65536u

/* An entry of L1: bits 9 to 55 are the L2 table's place. */
#define QCOW2_L1_OFFSET 0x00fffffffffffe00ULL
/* An entry of L2, not compressed; likewise. */
#define QCOW2_L2_OFFSET     0x00fffffffffffe00ULL
#define QCOW2_L2_COMPRESSED (1ULL << 62)
#define QCOW2_L2_ZERO       (1ULL << 0) /* version 3, not extended */
/* Of both: the refcount of what it points to is exactly 1. */
#define QCOW2_COPIED (1ULL << 63)
/* An entry of the refcount table. */
#define QCOW2_REFTABLE_OFFSET 0xfffffffffffffe00ULL

enum qcow2_compression { QCOW2_ZLIB, QCOW2_ZSTD };

/* The header in the host's byte order, with its extensions. */
struct qcow2_header {
	uint32_t version; /* 2 or 3 */
	unsigned cluster_bits; /* 9 to 21 */
	uint64_t size; /* of the disk, bytes */
	uint64_t l1_offset, reftable_offset; /* cluster-aligned, in the file */
	uint32_t l1_size; /* entries, enough for size */
	uint32_t reftable_clusters; /* 1 or more */
	uint32_t snapshots;
	uint64_t snapshots_offset;
	uint64_t incompatible, compatible, autoclear;
	unsigned refcount_bits; /* 1, 2, 4 to 64 */
	uint32_t length; /* of the header itself: 72, 104 or more */
	enum qcow2_compression compression;
	bool has_backing, has_data_name;
	char backing[QCOW2_NAME_MAX + 1]; /* as it stands in the image */
	char backing_format[64]; /* "" where none is stated */
	char data_file[QCOW2_NAME_MAX + 1];
	uint64_t file_size; /* when it was read */
};

/* Bytes a cluster has. */
static inline uint64_t
qcow2_cluster(const struct qcow2_header *h)
{
	return 1ULL << h->cluster_bits;
}

static inline bool
qcow2_extended(const struct qcow2_header *h)
{
	return (h->incompatible & QCOW2_EXTENDED_L2) != 0;
}

/* Bytes of an entry of L2. */
static inline unsigned
qcow2_l2_entry(const struct qcow2_header *h)
{
	return qcow2_extended(h) ? 16 : 8;
}

/* Bytes of the disk that one entry of L1 stands for. */
static inline uint64_t
qcow2_l1_span(const struct qcow2_header *h)
{
	return qcow2_cluster(h) / qcow2_l2_entry(h) << h->cluster_bits;
}

/*
 * Reads and checks the header of the image fd. Returns 0, or -1 with a
 * sentence that begins with path: no qcow2 image, a feature we do not know (by
 * its name), encryption, a table outside the file or of a size that cannot be.
 * Dirty and corrupt images pass: see incompatible. Any thread.
 */
int qcow2_read_header(
    int fd, const char *path, struct qcow2_header *h, struct error *err);

/* An internal snapshot, as the image's snapshot table has it. */
struct qcow2_snapshot {
	uint64_t l1_offset;
	uint32_t l1_size;
	char *id, *name;
	uint64_t seconds; /* when it was taken, of the epoch */
	uint32_t nanoseconds;
	uint64_t guest_ns; /* how long the guest had been running */
	uint64_t vm_state; /* bytes of it; 0: of the disk alone */
	uint64_t size; /* of the disk then */
};

/*
 * Reads the snapshot table: h->snapshots of them in *list, to be freed by
 * qcow2_free_snapshots(). *table_bytes (may be NULL) is what the table takes
 * in the file. Returns 0, or -1 with a sentence.
 */
int qcow2_read_snapshots(int fd, const char *path, const struct qcow2_header *h,
    struct qcow2_snapshot **list, uint64_t *table_bytes, struct error *err);
void qcow2_free_snapshots(struct qcow2_snapshot *list, uint32_t n);

#endif
