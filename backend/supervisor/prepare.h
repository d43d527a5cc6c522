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
    struct guest_spec *spec, struct plugged *plugged, struct error *err);
/*
 * Unmakes what would stay behind of a guest whose descriptors are closed:
 * its socket, changes to the network; with switches as network_undo().
 */
void prepare_undo(struct backend *b, const char *name, struct plugged *plugged,
    bool switches);

#endif
