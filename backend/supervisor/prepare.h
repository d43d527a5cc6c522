/*
 * prepare.h: from a definition to a spec with everything opened, so that
 * every mistake is a sentence before a process exists.
 */
#ifndef BACKEND_SUPERVISOR_PREPARE_H
#define BACKEND_SUPERVISOR_PREPARE_H

#include "backend/supervisor/backend.h"

/*
 * Checks vm against this host and opens /dev/kvm, kernel, initrd, disks, taps
 * and the guest's control socket. On success spec is the caller's to
 * spec_clear() once it was sent; plugged is network_open()'s. Returns -1 with err and nothing left behind.
 */
int prepare_guest(struct backend *b, const struct config_vm *vm,
    struct guest_spec *spec, unsigned *plugged, struct error *err);
/* Unmakes what would stay behind of a guest: its socket, taps in bridges. */
void prepare_undo(struct backend *b, const char *name, const json_t *nics,
    unsigned plugged);

/*
 * A definition out of the JSON of a client: the keys of a [vm] section as
 * strings, repeated ones as arrays. folder is where relative paths start. For
 * config_vm_free(); NULL with err.
 */
struct config_vm *prepare_ad_hoc(const struct backend *b, json_t *definition,
    const char *folder, struct error *err);

#endif
