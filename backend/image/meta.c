/*
 * meta.c: the entries of qcow2's tables.
 */
#include <endian.h>
#include <stdlib.h>

#include "backend/image/meta.h"

bool
meta_outside(const struct image *im)
{
	return (im->h.incompatible & QCOW2_DATA_FILE) != 0;
}

uint64_t
meta_compressed(const struct image *im, uint64_t entry, uint64_t *len)
{
	unsigned bits = im->h.cluster_bits - 8, shift = 62 - bits;
	uint64_t at = entry & ((UINT64_C(1) << shift) - 1);
	uint64_t sectors = entry >> shift & ((UINT64_C(1) << bits) - 1);

	*len = (sectors + 1) * 512 - (at & 511);
	return at;
}

int
meta_read(const struct image *im, uint64_t *entry, uint64_t n, uint64_t at,
    struct error *err)
{
	uint64_t i;

	if (image_read(im, entry, n * 8, at, err) == -1)
		return -1;
	for (i = 0; i < n; i++)
		entry[i] = be64toh(entry[i]);
	return 0;
}

int
meta_need_l1(struct image *im, struct error *err)
{
	uint64_t n = im->h.l1_size;

	if (im->l1 != NULL)
		return 0;
	im->l1 = calloc(n == 0 ? 1 : n, 8);
	if (im->l1 == NULL)
		return error_set(err, "%s: out of memory", im->path);
	return meta_read(im, im->l1, n, im->h.l1_offset, err);
}

int
meta_extension(const struct image *im, uint32_t type, void *buf, size_t room,
    size_t *n, struct error *err)
{
	uint64_t at = im->h.length;
	uint32_t head[2];

	*n = 0;
	/* qcow2_read_header() saw that they end within the first cluster. */
	for (; at + 8 <= qcow2_cluster(&im->h);
	     at += 8 + (head[1] + 7) / 8 * 8) {
		if (image_read(im, head, sizeof head, at, err) == -1)
			return -1;
		head[0] = be32toh(head[0]);
		head[1] = be32toh(head[1]);
		if (head[0] == 0 || head[1] > qcow2_cluster(&im->h))
			break;
		if (head[0] != type)
			continue;
		*n = head[1] < room ? head[1] : room;
		return image_read(im, buf, *n, at + 8, err);
	}
	return 0;
}
