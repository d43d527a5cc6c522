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
 * The conversation with the kernel, b->rt, opened if it is not yet. NULL with
 * err.
 */
struct rtnl *network_handle(struct backend *b, struct error *err);

/*
 * Whether vm's interfaces can be had, as far as that shows from outside: its
 * switches and what is plugged into them, its taps, hardware addresses that
 * another running guest has. Makes nothing. Returns 0, -1 with err.
 */
int network_check(
    struct backend *b, const struct config_vm *vm, struct error *err);

/*
 * Opens the taps of vm's interfaces and plugs them in, making bridges as
 * needed. Fills spec->nic, and plugged for network_undo(). Returns 0, or -1
 * with err; the caller then closes the taps (spec_clear()) and undoes.
 */
int network_open(struct backend *b, const struct config_vm *vm,
    struct guest_spec *spec, struct plugged *plugged, struct error *err);
/*
 * Takes taps that outlive their guest out of their bridges; with switches,
 * for a guest that never ran, also takes back what its switches were given.
 * The guest's own taps are closed by then.
 */
void network_undo(struct backend *b, struct plugged *plugged, bool switches);
/* The orderly end: unmakes what we made and nobody uses. */
void network_close(struct backend *b);

/*
 * Puts every switch that is on the host, or that a running guest is plugged
 * into, back as it is defined: the bridge, its add =, the taps of running
 * guests. Returns 0, or -1 with the first failure in err.
 */
int network_reset(struct backend *b, struct error *err);

/*
 * Bytes that came to and from those interfaces of a guest whose frames the
 * host's kernel moves, which its taps have counted; are added to the two.
 */
void network_count(const struct guest *g, uint64_t *received, uint64_t *sent);

/* The answer to "switches", or NULL with err. */
json_t *network_switches(struct backend *b, struct error *err);

#endif
