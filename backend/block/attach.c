/*
 * attach.c: opened files made into one image, from the bottom of the chain.
 */
#include "backend/block/engine.h"

int
block_attach(struct block_files *files, unsigned depth, struct block **block,
    struct error *err)
{
	struct block_file *f = &files->file[0];

	if (files->n != 1 || f->format != BLOCK_FORMAT_RAW)
		return error_set(
		    err, "%s: this version boots raw images alone", f->path);
	if (block_attach_raw(f->fd, f->path, f->readonly, depth, block, err) ==
	    -1)
		return -1;
	f->fd = -1;
	return 0;
}
