/*
 * extent.c: where the bytes of a disk are ("Qcow2 Image File Format", "Cluster
 * mapping" and "Extended L2 Entries").
 */
#include <endian.h>
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "backend/image/extent.h"
#include "backend/image/table.h"

/* A piece of a cluster that has one answer: all of it, or a subcluster. */
struct piece {
	enum extent_kind kind;
	uint64_t host;
};

static int
damaged(
    const struct image *im, const char *what, uint64_t where, struct error *err)
{
	return error_set(err,
	    "%s is damaged: %s at byte %" PRIu64
	    " of the disk lead nowhere; vmtui image check tells more",
	    im->path, what, where);
}

/* Has the L2 table at that place of the file read. */
static int
need_l2(struct image *im, uint64_t at, uint64_t offset, struct error *err)
{
	size_t cluster = qcow2_cluster(&im->h);

	if (im->l2_at == at && im->l2 != NULL)
		return 0;
	if ((at & (cluster - 1)) != 0 || at >= im->length)
		return damaged(im, "its tables", offset, err);
	if (im->l2 == NULL && (im->l2 = malloc(cluster)) == NULL)
		return error_set(err, "%s: out of memory", im->path);
	im->l2_at = 0;
	if (image_read(im, im->l2, cluster, at, err) == -1)
		return -1;
	im->l2_at = at;
	return 0;
}

static uint64_t
word(const struct image *im, uint64_t n)
{
	uint64_t value;

	memcpy(&value, im->l2 + n * 8, 8);
	return be64toh(value);
}

/* What the loaded L2 table says of a piece. */
static int
look(const struct image *im, uint64_t index, uint64_t sub, struct piece *p,
    uint64_t offset, struct error *err)
{
	bool extended = qcow2_extended(&im->h), there;
	uint64_t entry = word(im, extended ? index * 2 : index), map;

	p->host = entry & QCOW2_L2_OFFSET;
	if ((entry & QCOW2_L2_COMPRESSED) != 0) {
		p->kind = EXTENT_COMPRESSED;
		p->host = table_compressed(im, entry, &map);
		return 0;
	}
	if ((p->host & (qcow2_cluster(&im->h) - 1)) != 0)
		return damaged(im, "its clusters", offset, err);
	/* In a data file the first cluster is one like any other. */
	there =
	    p->host != 0 || (table_outside(im) && (entry & QCOW2_COPIED) != 0);
	p->kind = there ? EXTENT_DATA : EXTENT_ABSENT;
	if (extended) {
		map = word(im, index * 2 + 1);
		if ((map >> (32 + sub) & 1) != 0)
			p->kind = EXTENT_ZERO;
		else if ((map >> sub & 1) == 0)
			p->kind = EXTENT_ABSENT;
	} else if ((entry & QCOW2_L2_ZERO) != 0 && im->h.version >= 3) {
		p->kind = EXTENT_ZERO;
	}
	p->host += sub * table_piece(im);
	return 0;
}

static bool
goes_on(const struct piece *a, const struct piece *b, uint64_t far)
{
	return a->kind == b->kind && a->kind != EXTENT_COMPRESSED &&
	    (a->kind != EXTENT_DATA || b->host == a->host + far);
}

/* Within one L2 table, from offset on, at most `most` bytes. */
static int
look_along(struct image *im, uint64_t offset, uint64_t most, struct extent *e,
    struct error *err)
{
	uint64_t unit = table_piece(im), at = offset / unit * unit;
	uint64_t cluster = qcow2_cluster(&im->h);
	uint64_t start = offset & ~(qcow2_l1_span(&im->h) - 1);
	struct piece first, next;

	if (look(im, (at - start) / cluster, at % cluster / unit, &first, at,
		err) == -1)
		return -1;
	/* Compressed clusters have no pieces. */
	if (first.kind == EXTENT_COMPRESSED)
		unit = cluster - at % cluster;
	do {
		at += unit;
		if (at >= offset + most || at - start >= qcow2_l1_span(&im->h))
			break;
		if (look(im, (at - start) / cluster, at % cluster / unit, &next,
			at, err) == -1)
			return -1;
	} while (goes_on(&first, &next, at - offset / unit * unit));
	e->kind = first.kind;
	e->host = first.host;
	if (first.kind == EXTENT_DATA)
		e->host += offset % unit;
	e->len = at - offset < most ? at - offset : most;
	return 0;
}

static int
extent_of_qcow2(struct image *im, uint64_t offset, uint64_t most,
    struct extent *e, struct error *err)
{
	uint64_t reach = qcow2_l1_span(&im->h), n = offset / reach, end;

	if (table_need_l1(im, err) == -1)
		return -1;
	if (n >= im->h.l1_size)
		return damaged(im, "its tables", offset, err);
	end = (n + 1) * reach;
	if ((im->l1[n] & QCOW2_L1_OFFSET) == 0) {
		while (end < offset + most && n + 1 < im->h.l1_size &&
		    (im->l1[n + 1] & QCOW2_L1_OFFSET) == 0) {
			n++;
			end += reach;
		}
		e->kind = EXTENT_ABSENT;
		e->len = end - offset < most ? end - offset : most;
		return 0;
	}
	if (need_l2(im, im->l1[n] & QCOW2_L1_OFFSET, offset, err) == -1)
		return -1;
	if (most > end - offset)
		most = end - offset;
	return look_along(im, offset, most, e, err);
}

static int
extent_of_raw(struct image *im, uint64_t offset, uint64_t most,
    struct extent *e, struct error *err)
{
	off_t data = lseek(im->fd, (off_t)offset, SEEK_DATA), hole;

	e->host = offset;
	e->len = most;
	e->kind = EXTENT_DATA;
	if (data == -1) {
		/* Nothing more; or a file system, a device without holes. */
		if (errno == ENXIO)
			e->kind = EXTENT_ZERO;
		return 0;
	}
	if ((uint64_t)data > offset) {
		e->kind = EXTENT_ZERO;
		hole = data;
	} else {
		hole = lseek(im->fd, (off_t)offset, SEEK_HOLE);
	}
	if (hole != -1 && (uint64_t)hole > offset &&
	    (uint64_t)hole - offset < most)
		e->len = (uint64_t)hole - offset;
	return 0;
}

int
extent_of_image(struct image *im, uint64_t offset, uint64_t most,
    struct extent *e, struct error *err)
{
	*e = (struct extent){.offset = offset};
	if (im->format == BLOCK_FORMAT_QCOW2)
		return extent_of_qcow2(im, offset, most, e, err);
	return extent_of_raw(im, offset, most, e, err);
}

int
extent_find(struct chain *chain, unsigned from, uint64_t offset, uint64_t most,
    struct extent *e, struct error *err)
{
	struct image *im;
	unsigned i;

	*e = (struct extent){.offset = offset, .len = most};
	for (i = from; i < chain->n; i++) {
		im = &chain->image[i];
		/* What is based on a shorter image has zeroes there. */
		if (offset >= im->size)
			break;
		if (most > im->size - offset)
			most = im->size - offset;
		if (extent_of_image(im, offset, most, e, err) == -1)
			return -1;
		e->depth = i - from;
		if (e->kind != EXTENT_ABSENT)
			return 0;
		most = e->len;
	}
	e->kind = EXTENT_ABSENT;
	e->len = most;
	return 0;
}
