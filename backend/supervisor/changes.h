/*
 * changes.h: what reading the configuration again changed, kept until a
 * person asks (the file is also read when nobody said reload).
 */
#ifndef BACKEND_SUPERVISOR_CHANGES_H
#define BACKEND_SUPERVISOR_CHANGES_H

#include "backend/supervisor/backend.h"

#define CHANGES_MAX 500 /* kept; older ones go first */

/* Adds to b->changes what is different in after. */
void changes_note(struct backend *b, const struct config *after);

#endif
