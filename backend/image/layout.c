/*
 * layout.c: an empty qcow2 image ("Qcow2 Image File Format", versions 2, 3).
 */
#include <endian.h>
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "backend/image/layout.h"
#include "backend/image/tool.h"

#define MAGIC             0x514649fbu
#define EXT_BACKING       0xe2792acau /* the name of the backing format */
#define COMPATIBLE_LAZY   (UINT64_C(1) << 0)
#define INCOMPATIBLE_EXT2 (UINT64_C(1) << 4)
#define HEADER_V2         72u
#define HEADER_V3         112u
#define NAME_MOST         1023u /* bytes of a backing file's name */
#define L1_MOST           (UINT64_C(32) << 20) /* bytes, as QEMU has it */
#define TABLE_MOST        (UINT64_C(8) << 20) /* of the refcount table */

/* The first bytes of an image, big endian. */
struct head {
	uint32_t magic, version;
	uint64_t backing_offset;
	uint32_t backing_length, cluster_bits;
	uint64_t size;
	uint32_t crypt, l1_entries;
	uint64_t l1_offset, table_offset;
	uint32_t table_clusters, snapshots;
	uint64_t snapshots_offset;
	/* from version 3 on */
	uint64_t incompatible, compatible, autoclear;
	uint32_t refcount_order, length;
	uint8_t compression, padding[7];
};

_Static_assert(sizeof(struct head) == HEADER_V3, "no padding in between");

/* Where things are; counts in clusters but for the entries. */
struct plan {
	uint64_t l1_entries;
	uint64_t table, blocks, l1; /* clusters of each */
	uint64_t all;
};

static uint64_t
parts(uint64_t whole, uint64_t part)
{
	return whole / part + (whole % part != 0);
}

/* How many bytes of the disk one entry of the L1 table stands for. */
static uint64_t
reach(const struct layout *l)
{
	uint64_t cluster = UINT64_C(1) << l->cluster_bits;

	return cluster / (l->extended_l2 ? 16 : 8) * cluster;
}

static int
check_backing(const struct layout *l, struct error *err)
{
	size_t n = strlen(l->backing);
	size_t head = (l->version == 2 ? HEADER_V2 : HEADER_V3) + 16 + 8;

	if (n == 0 || n > NAME_MOST)
		return error_set(err,
		    "the path of the base has %zu bytes; an image can hold "
		    "1 to %u: move one of the two, or go into its folder",
		    n, NAME_MOST);
	if (head + n > UINT64_C(1) << l->cluster_bits)
		return error_set(err,
		    "the path of the base does not fit into a cluster of %u "
		    "bytes; choose a larger cluster_size",
		    1u << l->cluster_bits);
	return 0;
}

int
layout_check(const struct layout *l, struct error *err)
{
	char most[32];

	if (l->cluster_bits < 9 || l->cluster_bits > 21)
		return error_set(
		    err, "cluster_size is a power of two from 512 bytes to 2M");
	if (l->refcount_order > 6)
		return error_set(
		    err, "refcount_bits is 1, 2, 4, 8, 16, 32 or 64");
	if (l->version == 2 &&
	    (l->refcount_order != 4 || l->lazy_refcounts || l->extended_l2))
		return error_set(err,
		    "compat=v2 has neither lazy_refcounts nor extended_l2, "
		    "and refcount_bits=16 alone; leave compat out");
	if (l->extended_l2 && l->cluster_bits < 14)
		return error_set(
		    err, "extended_l2 needs a cluster_size of 16K or more");
	if (parts(l->size, reach(l)) > L1_MOST / 8)
		return error_set(err,
		    "with clusters of %u bytes a disk has %s at most; choose "
		    "a larger cluster_size",
		    1u << l->cluster_bits,
		    tool_size(L1_MOST / 8 * reach(l), most, sizeof most));
	return l->backing == NULL ? 0 : check_backing(l, err);
}

static void
make_plan(const struct layout *l, struct plan *p)
{
	uint64_t cluster = UINT64_C(1) << l->cluster_bits, blocks, before;
	/* How many clusters one refcount block counts. */
	uint64_t each = cluster * 8 >> l->refcount_order, whole;

	p->l1_entries = parts(l->size, reach(l));
	p->l1 = parts(p->l1_entries * 8, cluster);
	/* Everything written: its data, L2 tables, and what counts those. */
	whole = parts(l->size, cluster);
	whole += p->l1_entries + p->l1 + 1;
	whole += parts(whole, each - 1);
	p->table = parts(parts(whole, each) * 8, cluster);
	if (p->table > TABLE_MOST / cluster)
		p->table = TABLE_MOST / cluster;
	if (p->table == 0)
		p->table = 1;
	p->blocks = 1;
	do {
		before = p->blocks;
		p->all = 1 + p->table + before + p->l1;
		blocks = parts(p->all, each);
		/* A table that cannot name all its blocks is too small. */
		if (blocks * 8 > p->table * cluster)
			p->table = parts(blocks * 8, cluster);
		p->blocks = blocks;
	} while (
	    p->blocks != before || p->all != 1 + p->table + p->blocks + p->l1);
}

static int
put(int fd, const char *path, const void *data, size_t len, uint64_t at,
    struct error *err)
{
	const uint8_t *p = data;
	ssize_t n;

	while (len > 0) {
		n = pwrite(fd, p, len, (off_t)at);
		if (n == -1 && errno == EINTR)
			continue;
		if (n <= 0)
			return tool_io_failed(
			    path, true, n == 0 ? -EIO : -errno, err);
		p += n;
		at += (uint64_t)n;
		len -= (size_t)n;
	}
	return 0;
}

static int
write_header(int fd, const char *path, const struct layout *l,
    const struct plan *p, struct error *err)
{
	uint64_t cluster = UINT64_C(1) << l->cluster_bits;
	struct head h = {
	    .magic = htobe32(MAGIC),
	    .version = htobe32(l->version),
	    .cluster_bits = htobe32(l->cluster_bits),
	    .size = htobe64(l->size),
	    .l1_entries = htobe32((uint32_t)p->l1_entries),
	    .l1_offset = htobe64((1 + p->table + p->blocks) * cluster),
	    .table_offset = htobe64(cluster),
	    .table_clusters = htobe32((uint32_t)p->table),
	};
	/* The extension, its text, the end of extensions, the name. */
	uint8_t ext[16 + 8 + NAME_MOST] = {0};
	size_t head = l->version == 2 ? HEADER_V2 : HEADER_V3, n = 0, name = 0;
	const char *format = tool_format_name(l->backing_format);
	uint32_t word;

	if (l->version == 3) {
		h.compatible = htobe64(l->lazy_refcounts ? COMPATIBLE_LAZY : 0);
		h.incompatible =
		    htobe64(l->extended_l2 ? INCOMPATIBLE_EXT2 : 0);
		h.refcount_order = htobe32(l->refcount_order);
		h.length = htobe32(HEADER_V3);
	}
	if (l->backing != NULL) {
		word = htobe32(EXT_BACKING);
		memcpy(ext, &word, 4);
		word = htobe32((uint32_t)strlen(format));
		memcpy(ext + 4, &word, 4);
		memcpy(ext + 8, format, strlen(format));
		n = 16;
		name = strlen(l->backing);
		memcpy(ext + n + 8, l->backing, name);
		h.backing_offset = htobe64(head + n + 8);
		h.backing_length = htobe32((uint32_t)name);
	}
	if (put(fd, path, &h, head, 0, err) == -1)
		return -1;
	return put(fd, path, ext, n + 8 + name, head, err);
}

/* Sets the n-th count of a refcount block to 1. */
static void
count_one(uint8_t *block, uint64_t n, unsigned order)
{
	if (order < 3)
		block[n >> (3 - order)] |= (uint8_t)(1u << ((n << order) & 7));
	else
		block[((n + 1) << (order - 3)) - 1] = 1;
}

static int
write_counts(int fd, const char *path, const struct layout *l,
    const struct plan *p, struct error *err)
{
	uint64_t cluster = UINT64_C(1) << l->cluster_bits, i;
	uint64_t each = cluster * 8 >> l->refcount_order;
	uint64_t *table = calloc(p->blocks, 8);
	uint8_t *block = calloc(p->blocks, cluster);
	int rc = -1;

	if (table == NULL || block == NULL) {
		error_set(err, "%s: out of memory", path);
		goto out;
	}
	for (i = 0; i < p->blocks; i++)
		table[i] = htobe64((1 + p->table + i) * cluster);
	for (i = 0; i < p->all; i++)
		count_one(
		    block + i / each * cluster, i % each, l->refcount_order);
	if (put(fd, path, block, p->blocks * cluster, (1 + p->table) * cluster,
		err) == 0 &&
	    put(fd, path, table, p->blocks * 8, cluster, err) == 0)
		rc = 0;
out:
	free(table);
	free(block);
	return rc;
}

int
layout_write(
    int fd, const char *path, const struct layout *l, struct error *err)
{
	struct plan p;

	make_plan(l, &p);
	if (ftruncate(fd, (off_t)(p.all << l->cluster_bits)) == -1)
		return tool_io_failed(path, true, -errno, err);
	if (write_counts(fd, path, l, &p, err) == -1)
		return -1;
	return write_header(fd, path, l, &p, err);
}
