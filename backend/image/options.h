/*
 * options.h: what -o, -s and a base say of a new image.
 */
#ifndef BACKEND_IMAGE_OPTIONS_H
#define BACKEND_IMAGE_OPTIONS_H

#include "backend/image/layout.h"

/* A layout as it is where nothing is said: version 3, clusters of 64 KiB. */
void options_default(struct layout *l);
/*
 * Reads "cluster_size=64K,lazy_refcounts=on" into l. Returns 0, or -1 with a
 * sentence.
 */
int options_parse(struct layout *l, const char *text, struct error *err);
/* Does l say something that a raw image cannot be? -1 with a sentence. */
int options_check_raw(const struct layout *l, struct error *err);
/*
 * Reads the size of a disk, rounded up to whole sectors; with "+" before it
 * that much more than old. Returns 0, or -1 with a sentence.
 */
int options_size(
    const char *text, uint64_t old, uint64_t *size, struct error *err);

#endif
