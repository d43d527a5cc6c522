/*
 * numbers.h: the number of each guest, short enough to be typed. A name keeps
 * its number, also over backends, until the host's next boot; RUNDIR/numbers
 * holds them. A name begins with a letter, so that a number is never one.
 */
#ifndef BACKEND_SUPERVISOR_NUMBERS_H
#define BACKEND_SUPERVISOR_NUMBERS_H

#include "backend/supervisor/backend.h"

/* The number that the name has, or from now on has. From 1. */
unsigned numbers_of(struct backend *b, const char *name);

/* Writes those that are new, all at once: there may be many. */
void numbers_save(struct backend *b);

/* The orderly end: writes what is not written yet and frees all. */
void numbers_close(struct backend *b);

#endif
