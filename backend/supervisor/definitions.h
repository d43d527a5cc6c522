/* definitions.h: the configuration of the backend, as it is on disk now. */
#ifndef BACKEND_SUPERVISOR_DEFINITIONS_H
#define BACKEND_SUPERVISOR_DEFINITIONS_H

#include "backend/supervisor/backend.h"

/*
 * Settles where the file is (path, or the default place for NULL) and reads
 * it. A file with mistakes gives an empty configuration. Returns 0, or -1
 * with err if there is no place for one.
 */
int definitions_open(struct backend *b, const char *path, struct error *err);
void definitions_close(struct backend *b);

/*
 * Reads the file again if it changed since, or anyway with force. With
 * mistakes the definitions stay as they were and b->mistakes says why.
 */
void definitions_refresh(struct backend *b, bool force);

/*
 * Another file is the configuration from now on. With mistakes in it nothing
 * changes: -1, and *mistakes is an array of them (the caller's), or NULL with
 * err if there is no such file.
 */
int definitions_load(
    struct backend *b, const char *path, json_t **mistakes, struct error *err);

#endif
