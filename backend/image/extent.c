/*
 * extent.c: where the bytes of a disk are.
 */
#include "backend/image/extent.h"

int
extent_of(struct block *b, uint64_t offset, uint64_t most, struct extent *e)
{
	struct block_extent own;
	int rc = block_map(b, offset, most, &own);

	*e = (struct extent){
	    .kind = own.kind,
	    .offset = offset,
	    .len = own.len,
	    .has_host = own.has_host,
	    .host = own.host,
	};
	return rc;
}

int
extent_find(struct block *b, uint64_t offset, uint64_t most, struct extent *e)
{
	unsigned depth;
	int rc;

	*e =
	    (struct extent){.kind = EXTENT_HOLE, .offset = offset, .len = most};
	/* What is based on a shorter image has zeroes there. */
	for (depth = 0; b != NULL && offset < block_size(b);
	     depth++, b = block_backing(b)) {
		if (most > block_size(b) - offset)
			most = block_size(b) - offset;
		if ((rc = extent_of(b, offset, most, e)) < 0)
			return rc;
		e->depth = depth;
		if (e->kind != EXTENT_HOLE)
			return 0;
		most = e->len;
	}
	e->len = most;
	return 0;
}
