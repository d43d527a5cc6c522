/* image.h: a raw image opened as the backend does, as one descriptor. */
#ifndef TESTS_UNIT_IMAGE_H
#define TESTS_UNIT_IMAGE_H

#include "backend/block/engine.h"

static inline int
image_open(const char *path, bool readonly, struct error *err)
{
	struct block_files files;
	int fd;

	block_files_init(&files);
	if (block_open(path, BLOCK_FORMAT_ANY, readonly, &files, err) == -1)
		return -1;
	fd = files.file[0].fd;
	files.file[0].fd = -1;
	block_files_clear(&files);
	return fd;
}

#endif
