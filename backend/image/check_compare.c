/*
 * check_compare.c: the counts of an image against the references to its
 * clusters ("Qcow2 Image File Format", "Host cluster management").
 */
#include <endian.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "backend/image/check.h"
#include "backend/image/meta.h"

int
check_begin(struct check *c, struct image *im, struct error *err)
{
	unsigned bits = im->h.cluster_bits;

	memset(c, 0, sizeof *c);
	counts_init(&c->counts, CHECK_MEMORY);
	c->im = im;
	c->clusters = (im->length >> bits) +
	    ((im->length & (qcow2_cluster(&im->h) - 1)) != 0);
	c->entries = (uint64_t)im->h.reftable_clusters << (bits - 3);
	c->table = calloc(c->entries, 8);
	c->block = malloc(qcow2_cluster(&im->h));
	c->said = json_array();
	if (c->table == NULL || c->block == NULL || c->said == NULL)
		return error_set(err, "%s: out of memory", im->path);
	return meta_read(im, c->table, c->entries, im->h.reftable_offset, err);
}

void
check_end(struct check *c)
{
	counts_free(&c->counts);
	free(c->table);
	free(c->block);
	json_decref(c->said);
	memset(c, 0, sizeof *c);
}

uint64_t
check_each(const struct check *c)
{
	return qcow2_cluster(&c->im->h) * 8 / c->im->h.refcount_bits;
}

uint64_t
check_get(const struct check *c, const uint8_t *block, uint64_t n)
{
	unsigned bits = c->im->h.refcount_bits, i;
	const uint8_t *p;
	uint64_t v = 0;

	if (bits < 8)
		return block[n * bits / 8] >> (n * bits & 7) &
		    ((1u << bits) - 1);
	for (p = block + n * (bits / 8), i = 0; i < bits / 8; i++)
		v = v << 8 | p[i];
	return v;
}

void
check_set(const struct check *c, uint8_t *block, uint64_t n, uint64_t count)
{
	unsigned bits = c->im->h.refcount_bits, shift, i;
	uint8_t *p, mask;

	if (bits < 8) {
		p = &block[n * bits / 8];
		shift = (unsigned)(n * bits & 7);
		mask = (uint8_t)(((1u << bits) - 1) << shift);
		*p = (uint8_t)((*p & ~mask) | (count << shift & mask));
		return;
	}
	for (p = block + n * (bits / 8), i = bits / 8; i-- > 0; count >>= 8)
		p[i] = (uint8_t)count;
}

static int
need_block(struct check *c, uint64_t at, struct error *err)
{
	if (c->block_at == at)
		return 0;
	c->block_at = 0;
	if (image_read(c->im, c->block, qcow2_cluster(&c->im->h), at, err) ==
	    -1)
		return -1;
	c->block_at = at;
	return 0;
}

int
check_stored(
    struct check *c, uint64_t cluster, uint64_t *count, struct error *err)
{
	uint64_t n = cluster / check_each(c);

	*count = 0;
	if (n >= c->entries || c->table[n] == 0)
		return 0;
	if (need_block(c, c->table[n], err) == -1)
		return -1;
	*count = check_get(c, c->block, cluster % check_each(c));
	return 0;
}

/* The most that a count of the image can say. */
static uint64_t
most(const struct check *c)
{
	unsigned bits = c->im->h.refcount_bits;

	return bits == 64 ? UINT64_MAX : (UINT64_C(1) << bits) - 1;
}

static void
found_used(struct check *c, uint64_t cluster, uint64_t stored, uint64_t counted)
{
	uint64_t *counter = stored < counted ? &c->low : &c->leaks;

	if (counted > most(c))
		counter = &c->damaged;
	check_found(c, counter,
	    "the cluster at %#" PRIx64 " is used %" PRIu64
	    " times but counted %" PRIu64 " times",
	    cluster << c->im->h.cluster_bits, counted, stored);
}

/* Clusters that are referred to. */
static int
compare_used(struct check *c, struct error *err)
{
	struct counts_page **list = counts_sorted(&c->counts);
	uint64_t cluster, stored, counted;
	size_t i, j;
	int rc = 0;

	if (list == NULL)
		return error_set(err, "%s: out of memory", c->im->path);
	for (i = 0; rc == 0 && i < c->counts.pages; i++) {
		for (j = 0; rc == 0 && j < COUNTS_PAGE; j++) {
			counted = list[i]->cell[j] & COUNTS_COUNT;
			if (counted == 0)
				continue;
			cluster = list[i]->number * COUNTS_PAGE + j;
			rc = check_stored(c, cluster, &stored, err);
			if (rc == -1 || stored == counted ||
			    (counted == COUNTS_COUNT && stored > counted))
				continue;
			found_used(c, cluster, stored, counted);
		}
	}
	free(list);
	return rc;
}

/* Clusters that nothing refers to, counted all the same. */
static int
compare_unused(struct check *c, struct error *err)
{
	uint64_t i, n, cluster, each = check_each(c);

	for (i = 0; i < c->entries; i++) {
		if (c->table[i] == 0)
			continue;
		if (need_block(c, c->table[i], err) == -1)
			return -1;
		for (n = 0; n < each; n++) {
			cluster = i * each + n;
			if (check_get(c, c->block, n) == 0 ||
			    (counts_get(&c->counts, cluster) & COUNTS_COUNT) !=
				0)
				continue;
			check_found(c, &c->leaks,
			    "the cluster at %#" PRIx64
			    " is counted but not used",
			    cluster << c->im->h.cluster_bits);
		}
	}
	return 0;
}

int
check_compare(struct check *c, struct error *err)
{
	return compare_used(c, err) == -1 ? -1 : compare_unused(c, err);
}

/* Is the flag of an entry as it has to be? */
static int
flag_is_right(struct check *c, uint64_t entry, uint64_t at, bool *right,
    struct error *err)
{
	uint64_t count;

	if (check_stored(c, at >> c->im->h.cluster_bits, &count, err) == -1)
		return -1;
	*right = ((entry & QCOW2_COPIED) != 0) == (count == 1);
	return 0;
}

static int
flags_of_l2(struct check *c, uint64_t table, uint64_t *l2, bool repair,
    struct error *err)
{
	unsigned step = qcow2_extended(&c->im->h) ? 2 : 1;
	uint64_t cluster = qcow2_cluster(&c->im->h), i, at, word;
	bool right;

	if (meta_read(c->im, l2, cluster / 8, table, err) == -1)
		return -1;
	for (i = 0; i < cluster / 8; i += step) {
		at = l2[i] & QCOW2_L2_OFFSET;
		if ((l2[i] & QCOW2_L2_COMPRESSED) != 0)
			right = (l2[i] & QCOW2_COPIED) == 0;
		else if (at == 0 || meta_outside(c->im))
			continue;
		else if (flag_is_right(c, l2[i], at, &right, err) == -1)
			return -1;
		if (right)
			continue;
		check_found(c, &c->flags,
		    "the entry %#" PRIx64 " of the L2 table at %#" PRIx64
		    " says the wrong thing of its count",
		    i / step, table);
		word = htobe64(l2[i] ^ QCOW2_COPIED);
		if (repair &&
		    image_write(c->im, &word, 8, table + i * 8, err) == -1)
			return -1;
	}
	return 0;
}

int
check_flags(struct check *c, bool repair, struct error *err)
{
	uint64_t cluster = qcow2_cluster(&c->im->h), i, at, word;
	uint64_t *l2 = malloc(cluster);
	bool right;
	int rc = -1;

	if (l2 == NULL)
		return error_set(err, "%s: out of memory", c->im->path);
	if (meta_need_l1(c->im, err) == -1)
		goto out;
	for (i = 0; i < c->im->h.l1_size; i++) {
		at = c->im->l1[i] & QCOW2_L1_OFFSET;
		if (at == 0 || (at & (cluster - 1)) != 0 ||
		    at >> c->im->h.cluster_bits >= c->clusters)
			continue;
		if (flag_is_right(c, c->im->l1[i], at, &right, err) == -1)
			goto out;
		if (!right) {
			check_found(c, &c->flags,
			    "entry %" PRIu64 " of the L1 table says the wrong "
			    "thing of its count",
			    i);
			word = htobe64(c->im->l1[i] ^ QCOW2_COPIED);
			if (repair &&
			    image_write(c->im, &word, 8,
				c->im->h.l1_offset + i * 8, err) == -1)
				goto out;
		}
		if (flags_of_l2(c, at, l2, repair, err) == -1)
			goto out;
	}
	rc = 0;
out:
	free(l2);
	return rc;
}
