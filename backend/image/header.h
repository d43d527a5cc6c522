/*
 * header.h: the name of the base in an image's header.
 */
#ifndef BACKEND_IMAGE_HEADER_H
#define BACKEND_IMAGE_HEADER_H

#include "backend/image/chain.h"

/*
 * Makes im say that it is based on name (NULL: on nothing), of that format.
 * Everything else in its header stays. Returns 0, or -1 with a sentence and
 * the header as it was.
 */
int header_set_base(struct image *im, const char *name,
    enum block_format format, struct error *err);

#endif
