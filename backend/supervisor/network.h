/*
 * network.h: the switches and taps of guests, on top of backend/net.
 *
 * A switch comes up with the first guest that is plugged into it and stays
 * while the backend runs, so that looking at a list of guests never touches
 * the host's network. A bridge that we made goes with the backend's orderly
 * end, if nothing is plugged into it then.
 */
#ifndef BACKEND_SUPERVISOR_NETWORK_H
#define BACKEND_SUPERVISOR_NETWORK_H

#include "backend/supervisor/backend.h"

/*
 * Opens the taps of vm's interfaces and plugs them in, making bridges as
 * needed. Fills spec->nic, and in *plugged sets bit N where the tap of nic N
 * will outlive the guest in our bridge. Returns 0, or -1 with err; what was made before a
 * failure is unmade (taps go with spec_clear()).
 */
int network_open(struct backend *b, const struct config_vm *vm,
    struct guest_spec *spec, unsigned *plugged, struct error *err);
/* Takes a tap that outlived its guest out of its bridge. */
void network_unplug(
    struct backend *b, const char *tap, const char *switch_name);
/* The orderly end: unmakes what we made and nobody uses. */
void network_close(struct backend *b);

/* The answer to "switches", or NULL with err. */
json_t *network_switches(struct backend *b, struct error *err);

#endif
