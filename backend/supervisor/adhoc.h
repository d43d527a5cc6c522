/* adhoc.h: guests that no file defines: `vmtui start NAME -m 1G -b vmlinuz`. */
#ifndef BACKEND_SUPERVISOR_ADHOC_H
#define BACKEND_SUPERVISOR_ADHOC_H

#include "backend/supervisor/backend.h"

/*
 * A definition out of the JSON of a client: the keys of a [vm] section as
 * strings, repeated ones as arrays; an interface "" is a tap in no switch.
 * folder is where relative paths start (NULL: none may be relative). For
 * config_vm_free(); NULL with err.
 */
struct config_vm *adhoc_definition(const struct backend *b, json_t *definition,
    const char *folder, struct error *err);

#endif
