/*
 * files.c: the list of an image's opened files.
 */
#include <stdlib.h>
#include <unistd.h>

#include "backend/block/block.h"

void
block_files_init(struct block_files *files)
{
	files->n = 0;
	files->cache = BLOCK_CACHE_WRITEBACK;
}

void
block_files_clear(struct block_files *files)
{
	unsigned i;

	for (i = 0; i < files->n; i++) {
		if (files->file[i].fd != -1)
			close(files->file[i].fd);
		free(files->file[i].path);
	}
	files->n = 0;
}
