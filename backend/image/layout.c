/*
 * layout.c: an empty qcow2 image ("Qcow2 Image File Format", versions 2, 3).
 */
#include <endian.h>
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "backend/block/qcow2.h"
#include "backend/image/layout.h"
#include "backend/image/tool.h"

#define EXT_BACKING 0xe2792acau /* the name of the backing format */
#define EXT_DATA    0x44415441u /* the name of the data file */
#define HEADER_V2   72u
#define HEADER_V3   112u
#define NAME_MOST   1023u /* bytes of a backing file's name */
#define L1_MOST     (UINT64_C(32) << 20) /* bytes, as QEMU has it */
#define TABLE_MOST  (UINT64_C(8) << 20) /* of the refcount table */
#define PLACE_MOST  (UINT64_C(1) << 55) /* that an entry can name */
#define CHUNK       (UINT64_C(1) << 20) /* that are written at once */

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
	uint64_t l2, disk; /* preallocated */
	uint64_t all;
};

/* The image on its way into its file. */
struct out {
	int fd;
	const char *path;
	uint64_t *chunk; /* of room bytes, at least a cluster and CHUNK */
	uint64_t room;
	struct progress progress;
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

/* Bytes that a header extension takes with so much in it. */
static size_t
extension(size_t n)
{
	return 8 + (n + 7) / 8 * 8;
}

/* The names in the header: is there room for them in the first cluster? */
static int
check_names(const struct layout *l, struct error *err)
{
	size_t base = l->backing != NULL ? strlen(l->backing) : 0;
	size_t data = strlen(l->data_name);
	size_t head = (l->version == 2 ? HEADER_V2 : HEADER_V3) + extension(0);

	if ((l->backing != NULL && base == 0) || base > NAME_MOST ||
	    data > NAME_MOST)
		return error_set(err,
		    "the path of the base or data file has %zu bytes; an "
		    "image can hold 1 to %u: move one of the two, or go into "
		    "its folder",
		    base > data ? base : data, NAME_MOST);
	if (base > 0)
		head += extension(5) + base;
	if (data > 0)
		head += extension(data);
	if (head > UINT64_C(1) << l->cluster_bits)
		return error_set(err,
		    "the path of the base or data file does not fit into a "
		    "cluster of %u bytes; choose a larger cluster_size",
		    1u << l->cluster_bits);
	return 0;
}

/* What only some images can have, or not together. */
static int
check_features(const struct layout *l, struct error *err)
{
	bool data = l->data_path[0] != '\0';

	if (l->version == 2 &&
	    (l->refcount_order != 4 || l->lazy_refcounts || l->extended_l2))
		return error_set(err,
		    "compat=v2 has neither lazy_refcounts nor extended_l2, "
		    "and refcount_bits=16 alone; leave compat out");
	if (l->version == 2 && (data || l->zstd))
		return error_set(err,
		    "compat=v2 has neither a data_file nor "
		    "compression_type=zstd; leave compat out");
	if (l->extended_l2 && l->cluster_bits < 14)
		return error_set(
		    err, "extended_l2 needs a cluster_size of 16K or more");
	if (l->data_raw && !data)
		return error_set(
		    err, "data_file_raw is said of a data_file; name that");
	if (l->data_raw && l->backing != NULL)
		return error_set(err,
		    "a data file that is a raw image holds all of the disk, "
		    "and cannot be based on another; leave data_file_raw out");
	if (l->preallocation != PREALLOCATE_NOTHING && l->backing != NULL &&
	    !l->extended_l2)
		return error_set(err,
		    "preallocation would hide the base; leave it out, or say "
		    "extended_l2=on as well");
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
	if (check_features(l, err) == -1)
		return -1;
	if (parts(l->size, reach(l)) > L1_MOST / 8)
		return error_set(err,
		    "with clusters of %u bytes a disk has %s at most; choose "
		    "a larger cluster_size",
		    1u << l->cluster_bits,
		    tool_size(L1_MOST / 8 * reach(l), most, sizeof most));
	return check_names(l, err);
}

static void
make_plan(const struct layout *l, struct plan *p)
{
	uint64_t cluster = UINT64_C(1) << l->cluster_bits, blocks, before,
		 table;
	/* How many clusters one refcount block counts. */
	uint64_t each = cluster * 8 >> l->refcount_order, whole;

	p->l1_entries = parts(l->size, reach(l));
	p->l1 = parts(p->l1_entries * 8, cluster);
	p->l2 = p->disk = 0;
	if (l->preallocation != PREALLOCATE_NOTHING) {
		p->l2 = p->l1_entries;
		p->disk = l->data_path[0] != '\0' ? 0 : parts(l->size, cluster);
	}
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
		table = p->table;
		p->all = 1 + p->table + before + p->l1 + p->l2 + p->disk;
		blocks = parts(p->all, each);
		/* A table that cannot name all its blocks is too small. */
		if (blocks * 8 > p->table * cluster)
			p->table = parts(blocks * 8, cluster);
		p->blocks = blocks;
	} while (p->blocks != before || p->table != table);
}

int
layout_put(int fd, const char *path, const void *data, size_t len, uint64_t at,
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

/* Appends an extension to what is n bytes long already. */
static size_t
add_extension(uint8_t *ext, size_t n, uint32_t type, const char *text)
{
	uint32_t word[2] = {htobe32(type), htobe32((uint32_t)strlen(text))};

	memcpy(ext + n, word, sizeof word);
	memcpy(ext + n + sizeof word, text, strlen(text));
	return n + extension(strlen(text));
}

static void
set_features(const struct layout *l, struct head *h)
{
	uint64_t no = 0;

	if (l->extended_l2)
		no |= QCOW2_EXTENDED_L2;
	if (l->data_path[0] != '\0')
		no |= QCOW2_DATA_FILE;
	if (l->zstd) {
		no |= QCOW2_COMPRESSION;
		h->compression = QCOW2_ZSTD;
	}
	h->incompatible = htobe64(no);
	h->compatible = htobe64(l->lazy_refcounts ? QCOW2_LAZY_REFCOUNTS : 0);
	h->autoclear = htobe64(l->data_raw ? QCOW2_DATA_FILE_RAW : 0);
	h->refcount_order = htobe32(l->refcount_order);
	h->length = htobe32(HEADER_V3);
}

static int
write_header(int fd, const char *path, const struct layout *l,
    const struct plan *p, struct error *err)
{
	uint64_t cluster = UINT64_C(1) << l->cluster_bits;
	struct head h = {
	    .magic = htobe32(QCOW2_MAGIC),
	    .version = htobe32(l->version),
	    .cluster_bits = htobe32(l->cluster_bits),
	    .size = htobe64(l->size),
	    .l1_entries = htobe32((uint32_t)p->l1_entries),
	    .l1_offset = htobe64((1 + p->table + p->blocks) * cluster),
	    .table_offset = htobe64(cluster),
	    .table_clusters = htobe32((uint32_t)p->table),
	};
	/* Extensions, their end, which is zero, and the name of the base. */
	uint8_t ext[16 + 8 + NAME_MOST + 1 + 8 + NAME_MOST] = {0};
	size_t head = l->version == 2 ? HEADER_V2 : HEADER_V3, n = 0, name = 0;

	if (l->version == 3)
		set_features(l, &h);
	if (l->backing != NULL)
		n = add_extension(
		    ext, n, EXT_BACKING, tool_format_name(l->backing_format));
	if (l->data_name[0] != '\0')
		n = add_extension(ext, n, EXT_DATA, l->data_name);
	n += extension(0);
	if (l->backing != NULL) {
		name = strlen(l->backing);
		memcpy(ext + n, l->backing, name);
		h.backing_offset = htobe64(head + n);
		h.backing_length = htobe32((uint32_t)name);
	}
	if (layout_put(fd, path, &h, head, 0, err) == -1)
		return -1;
	return layout_put(fd, path, ext, n + name, head, err);
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

/* As many refcount blocks at once as a chunk has room for. */
static int
write_blocks(struct out *o, const struct layout *l, const struct plan *p,
    struct error *err)
{
	uint64_t cluster = UINT64_C(1) << l->cluster_bits;
	uint64_t each = cluster * 8 >> l->refcount_order, at, i, n, some;
	int rc = 0;

	for (at = 0; rc == 0 && at < p->blocks; at += some) {
		some = o->room / cluster;
		if (some > p->blocks - at)
			some = p->blocks - at;
		n = p->all - at * each;
		if (n > some * each)
			n = some * each;
		memset(o->chunk, 0, some * cluster);
		/* Counts follow each other without a gap between blocks. */
		for (i = 0; i < n; i++)
			count_one((uint8_t *)o->chunk, i, l->refcount_order);
		rc = layout_put(o->fd, o->path, o->chunk, some * cluster,
		    (1 + p->table + at) * cluster, err);
		if (rc == 0 && interrupted())
			rc = error_set(err, "interrupted");
	}
	return rc;
}

/* count entries of words words each, from offset at on, for what is in a row. */
static int
write_entries(struct out *o, uint64_t at, uint64_t count, unsigned words,
    uint64_t first, uint64_t step, struct error *err)
{
	uint64_t done, n, i;
	int rc = 0;

	for (done = 0; rc == 0 && done < count; done += n) {
		n = CHUNK / 8 / words;
		if (n > count - done)
			n = count - done;
		memset(o->chunk, 0, n * words * 8);
		for (i = 0; i < n; i++)
			o->chunk[i * words] =
			    htobe64(first + (done + i) * step);
		rc = layout_put(o->fd, o->path, o->chunk, n * words * 8,
		    at + done * words * 8, err);
		progress_add(&o->progress, n * words * 8);
		if (rc == 0 && interrupted())
			rc = error_set(err, "interrupted");
	}
	return rc;
}

/*
 * The mapping of a preallocated image: clusters of the file in a row, or of
 * the data file, from its beginning. L2 tables follow each other, and so do
 * the entries in them.
 */
static int
write_mapping(struct out *o, const struct layout *l, const struct plan *p,
    struct error *err)
{
	uint64_t cluster = UINT64_C(1) << l->cluster_bits;
	uint64_t l1 = (1 + p->table + p->blocks) * cluster;
	uint64_t l2 = l1 + p->l1 * cluster, disk = l2 + p->l2 * cluster;

	if (write_entries(o, l1, p->l2, 1, l2 | QCOW2_COPIED, cluster, err) ==
	    -1)
		return -1;
	return write_entries(o, l2, parts(l->size, cluster),
	    l->extended_l2 ? 2 : 1, (p->disk > 0 ? disk : 0) | QCOW2_COPIED,
	    cluster, err);
}

static int
write_all(struct out *o, const struct layout *l, const struct plan *p,
    struct error *err)
{
	uint64_t cluster = UINT64_C(1) << l->cluster_bits;

	if (write_blocks(o, l, p, err) == -1 ||
	    write_entries(o, cluster, p->blocks, 1, (1 + p->table) * cluster,
		cluster, err) == -1)
		return -1;
	return p->l2 > 0 ? write_mapping(o, l, p, err) : 0;
}

int
layout_write(int fd, const char *path, const struct layout *l, uint64_t *disk,
    struct error *err)
{
	uint64_t cluster = UINT64_C(1) << l->cluster_bits;
	struct out o = {.fd = fd, .path = path};
	struct plan p;
	int rc;

	make_plan(l, &p);
	*disk = (p.all - p.disk) * cluster;
	if (p.l2 > 0 &&
	    (l->size > PLACE_MOST || p.table * cluster > TABLE_MOST))
		return error_set(err,
		    "%s is too large to be preallocated with clusters of %llu "
		    "bytes; choose a larger cluster_size, or leave "
		    "preallocation out",
		    path, (unsigned long long)cluster);
	if (ftruncate(fd, (off_t)(p.all * cluster)) == -1)
		return tool_io_failed(path, true, -errno, err);
	o.room = cluster > CHUNK ? cluster : CHUNK;
	o.chunk = malloc(o.room);
	if (o.chunk == NULL)
		return error_set(err, "%s: out of memory", path);
	progress_begin(&o.progress, "preallocating",
	    parts(l->size, cluster) * (l->extended_l2 ? 16 : 8));
	rc = write_all(&o, l, &p, err);
	progress_end(&o.progress);
	free(o.chunk);
	return rc == 0 ? write_header(fd, path, l, &p, err) : -1;
}
