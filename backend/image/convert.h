/*
 * convert.h: a new image with what another one holds.
 */
#ifndef BACKEND_IMAGE_CONVERT_H
#define BACKEND_IMAGE_CONVERT_H

#include "backend/image/layout.h"

/*
 * Copies the image from (of that format, with all it is based on) into a new
 * file to of format as (never ANY), laid out as l says where that is qcow2.
 * size, if not NULL, is how large the new disk is to be, as a person says it:
 * what is too much is zero, too little is refused. Prints what it made, or why
 * it did not; returns the exit status.
 */
int convert(const char *from, enum block_format format, const char *to,
    enum block_format as, struct layout *l, const char *size);

#endif
