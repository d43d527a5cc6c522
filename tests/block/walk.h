/*
 * walk.h: a qcow2 image in memory, read by another hand than backend/block's:
 * who refers to which cluster, what the refcounts say about it, and what the
 * disk holds. The judge of many thousand images, and itself judged by qemu-img
 * on some of them.
 *
 * From docs/interop/qcow2.txt of QEMU. Compressed clusters are counted but not
 * unpacked.
 */
#ifndef TESTS_BLOCK_WALK_H
#define TESTS_BLOCK_WALK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct walk {
	/* What is walked. */
	const uint8_t *image; /* the file, len bytes */
	uint64_t len;
	const uint8_t *data; /* an external data file, or NULL */
	uint64_t data_len;
	const uint8_t *backing; /* the disk below, or NULL */
	uint64_t backing_len;
	/* What was found. */
	uint64_t size; /* of the disk */
	bool dirty; /* refcounts are not to be believed, and say so */
	unsigned corruptions, leaks;
	char first[160]; /* the first corruption in words */
	/* Since walk_image(). */
	unsigned bits; /* log2 of a cluster */
	bool extended;
	uint64_t clusters; /* in the file */
	uint32_t *refs; /* of each */
	uint64_t l1_offset, table_offset, table_len;
	uint32_t l1_size;
	unsigned order; /* log2 of the bits of a refcount */
};

/*
 * Fills in what was found; 0, or -1 if it is no qcow2 image (first says why).
 * Corruption: a refcount lower than the references, a COPIED flag that is not
 * true, a table outside the file. Leak: a refcount that is higher.
 */
int walk_image(struct walk *w);
void walk_free(struct walk *w);

/* Reads the disk at offset, after walk_image(): whole sectors of 512 bytes. */
void walk_read(
    const struct walk *w, uint64_t offset, uint8_t *to, uint64_t len);

#endif
