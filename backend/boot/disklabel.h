/*
 * disklabel.h: the one thing wanted from OpenBSD's label of a disk: its unique
 * identifier, by which a kernel finds the disk that it was booted from.
 */
#ifndef BACKEND_BOOT_DISKLABEL_H
#define BACKEND_BOOT_DISKLABEL_H

#include <stdbool.h>
#include <stdint.h>

#include "backend/block/block.h"

/*
 * Reads it from a disk that is not in use yet; waits for the disk. false: it
 * has none (or cannot be read, which will be said when it is used).
 */
bool disklabel_duid(struct block *b, uint8_t duid[8]);

#endif
