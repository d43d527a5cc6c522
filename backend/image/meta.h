/*
 * meta.h: the entries of qcow2's tables, and the L1 table itself ("Qcow2
 * Image File Format", "Cluster mapping").
 */
#ifndef BACKEND_IMAGE_META_H
#define BACKEND_IMAGE_META_H

#include "backend/image/chain.h"

/* Are the clusters of the disk in a data file? */
bool meta_outside(const struct image *im);
/* Where a compressed cluster begins, and len, how many bytes it may have. */
uint64_t meta_compressed(const struct image *im, uint64_t entry, uint64_t *len);
/* Has im->l1 read, in the host's byte order. Returns 0, or -1 with a sentence.
 */
int meta_need_l1(struct image *im, struct error *err);
/*
 * Reads n entries of a table at offset at into entry, in the host's order.
 */
int meta_read(const struct image *im, uint64_t *entry, uint64_t n, uint64_t at,
    struct error *err);
/*
 * Reads the first room bytes of a header extension; *n is how many there are,
 * 0 if there is no such extension. Returns 0, or -1 with a sentence.
 */
int meta_extension(const struct image *im, uint32_t type, void *buf,
    size_t room, size_t *n, struct error *err);

#endif
