/*
 * base.h: what an image is to be based on.
 */
#ifndef BACKEND_IMAGE_BASE_H
#define BACKEND_IMAGE_BASE_H

#include <limits.h>

#include "backend/image/tool.h"

struct base {
	enum block_format format;
	uint64_t size; /* of its disk */
	char name[PATH_MAX]; /* as it is to stand in the image */
};

/*
 * Looks at path (in the current folder, as a person names it; its whole chain
 * is opened) as the base of the image that is or will be at child. The name is
 * absolute if path is, else relative to the child's folder. Returns 0, or -1
 * with a sentence: missing, of another format than stated, based on child.
 */
int base_inspect(const char *path, enum block_format format, const char *child,
    struct base *base, struct error *err);
/* Fills in the name alone, also of what is not there. 0, or -1. */
int base_name(
    const char *path, const char *child, struct base *base, struct error *err);

#endif
