/*
 * check_store.c: the counts of an image made what they have to be.
 *
 * In this order, each stable before the next:
 *
 *	1  blocks that are new, whole; in old ones what was too low is raised
 *	2  the refcount table, where it names new blocks
 *	3  the header, where the table is another one
 *	4  what was too high is lowered
 */
#include <endian.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <linux/falloc.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "backend/image/check.h"

#define TABLE_MOST (UINT64_C(8) << 20) /* bytes, as QEMU has it */
#define AT_TABLE   48 /* where the header names it: 8 bytes, 4 bytes */

/* Adds n clusters behind the last one: the first, or UINT64_MAX. */
static uint64_t
add_clusters(struct check *c, uint64_t n, struct error *err)
{
	uint64_t first = c->clusters, i;
	uint32_t *cell;

	for (i = 0; i < n; i++) {
		cell = counts_cell(&c->counts, first + i);
		if (cell == NULL) {
			error_set(err, "%s: out of memory", c->im->path);
			return UINT64_MAX;
		}
		*cell = COUNTS_META | 1;
	}
	c->clusters += n;
	return first;
}

/* A table with room for entry n, behind what there is of the file. */
static int
grow_table(struct check *c, uint64_t n, struct error *err)
{
	uint64_t cluster = qcow2_cluster(&c->im->h), i;
	uint64_t clusters = (n + 1) * 8 / cluster + 1, *table;
	uint64_t first;

	if (clusters * cluster > TABLE_MOST)
		return error_set(err,
		    "%s is too large for its counts: clusters of more than "
		    "%" PRIu64 " bytes are needed",
		    c->im->path, cluster);
	for (i = 0; i < c->im->h.reftable_clusters; i++)
		*counts_cell(&c->counts,
		    (c->im->h.reftable_offset >> c->im->h.cluster_bits) + i) =
		    0;
	first = add_clusters(c, clusters, err);
	if (first == UINT64_MAX)
		return -1;
	table = realloc(c->table, clusters * cluster);
	if (table == NULL)
		return error_set(err, "%s: out of memory", c->im->path);
	c->table = table;
	memset(table + c->entries, 0, clusters * cluster - c->entries * 8);
	c->entries = clusters * cluster / 8;
	c->im->h.reftable_offset = first << c->im->h.cluster_bits;
	c->im->h.reftable_clusters = (uint32_t)clusters;
	return 0;
}

/*
 * Finds clusters for blocks where none counts a cluster that is in use, those
 * of the blocks included. *grown: the table moved.
 */
static int
add_blocks(struct check *c, uint64_t old_end, bool *grown, struct error *err)
{
	uint64_t each = check_each(c), n, place;
	struct counts_page **list;
	size_t i, j, pages;
	bool again;

	do {
		again = false;
		pages = c->counts.pages;
		list = counts_sorted(&c->counts);
		if (list == NULL)
			return error_set(err, "%s: out of memory", c->im->path);
		for (i = 0; i < pages; i++) {
			for (j = 0; j < COUNTS_PAGE; j++) {
				if ((list[i]->cell[j] & COUNTS_COUNT) == 0)
					continue;
				n = (list[i]->number * COUNTS_PAGE + j) / each;
				if (n < c->entries && c->table[n] != 0)
					continue;
				again = true;
				if (n >= c->entries) {
					*grown = true;
					if (grow_table(c, n, err) == -1)
						goto fail;
				}
				place = add_clusters(c, 1, err);
				if (place == UINT64_MAX)
					goto fail;
				c->table[n] = place << c->im->h.cluster_bits;
			}
		}
		free(list);
	} while (again);
	return 0;
fail:
	free(list);
	return -1;
}

/* One block's counts; only_raise: none gets lower than it is. */
static int
store_block(
    struct check *c, uint64_t i, bool fresh, bool only_raise, struct error *err)
{
	uint64_t each = check_each(c), n, old, new;
	size_t cluster = qcow2_cluster(&c->im->h);
	bool changed = fresh;

	c->block_at = 0;
	memset(c->block, 0, cluster);
	if (!fresh &&
	    image_read(c->im, c->block, cluster, c->table[i], err) == -1)
		return -1;
	for (n = 0; n < each; n++) {
		old = check_get(c, c->block, n);
		new = counts_get(&c->counts, i * each + n) & COUNTS_COUNT;
		if (new == COUNTS_COUNT && old > new)
			new = old;
		if (only_raise && new < old)
			new = old;
		if (new != old) {
			check_set(c, c->block, n, new);
			changed = true;
		}
	}
	if (!changed)
		return 0;
	return image_write(c->im, c->block, cluster, c->table[i], err);
}

static int
store_blocks(
    struct check *c, uint64_t old_end, bool only_raise, struct error *err)
{
	uint64_t i;
	bool fresh;

	for (i = 0; i < c->entries; i++) {
		if (c->table[i] == 0)
			continue;
		/* What is behind the old end was added for this. */
		fresh = only_raise &&
		    c->table[i] >> c->im->h.cluster_bits >= old_end;
		if (store_block(c, i, fresh, only_raise, err) == -1)
			return -1;
	}
	return image_sync(c->im, err);
}

static int
store_table(struct check *c, bool grown, struct error *err)
{
	uint64_t *words = calloc(c->entries, 8), i;
	struct {
		uint64_t offset;
		uint32_t clusters;
	} head = {htobe64(c->im->h.reftable_offset),
	    htobe32(c->im->h.reftable_clusters)};
	int rc;

	if (words == NULL)
		return error_set(err, "%s: out of memory", c->im->path);
	for (i = 0; i < c->entries; i++)
		words[i] = htobe64(c->table[i]);
	rc = image_write(
	    c->im, words, c->entries * 8, c->im->h.reftable_offset, err);
	free(words);
	if (rc == -1 || image_sync(c->im, err) == -1)
		return -1;
	if (!grown)
		return 0;
	/* Twelve bytes within the first sector: all or none. */
	if (image_write(c->im, &head, 12, AT_TABLE, err) == -1)
		return -1;
	return image_sync(c->im, err);
}

int
check_store(struct check *c, struct error *err)
{
	unsigned bits = c->im->h.cluster_bits;
	uint64_t end = (c->im->length + qcow2_cluster(&c->im->h) - 1) >> bits;
	uint64_t before = c->clusters;
	bool grown = false;

	if (add_blocks(c, end, &grown, err) == -1)
		return -1;
	if (c->clusters > end &&
	    ftruncate(c->im->fd, (off_t)(c->clusters << bits)) == -1)
		return tool_io_failed(c->im->path, true, -errno, err);
	if (store_blocks(c, before, true, err) == -1)
		return -1;
	if (c->clusters != before && store_table(c, grown, err) == -1)
		return -1;
	return store_blocks(c, before, false, err);
}

static void
punch(const struct check *c, uint64_t first, uint64_t n)
{
	unsigned bits = c->im->h.cluster_bits;

	/* Only room is lost where the file system cannot do it. */
	if (n > 0)
		fallocate(c->im->fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE,
		    (off_t)(first << bits), (off_t)(n << bits));
}

void
check_give_back(struct check *c)
{
	struct counts_page **list = counts_sorted(&c->counts);
	uint64_t cluster, end = 0;
	size_t i, j;

	for (i = 0; list != NULL && i < c->counts.pages; i++)
		for (j = 0; j < COUNTS_PAGE; j++) {
			if ((list[i]->cell[j] & COUNTS_COUNT) == 0)
				continue;
			cluster = list[i]->number * COUNTS_PAGE + j;
			punch(c, end, cluster - end);
			end = cluster + 1;
		}
	free(list);
	if (end > 0 && end < c->clusters &&
	    ftruncate(c->im->fd, (off_t)(end << c->im->h.cluster_bits)) == -1)
		return;
}
