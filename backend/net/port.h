/*
 * port.h: what a port of a bridge lets its station send: the host's kernel
 * itself drops what comes in with another source address, whatever the
 * process at the other end of the tap does (vmd's `locked lladdr`).
 *
 *	IFLA_BRPORT_LOCKED	only sources in the bridge's table, at this port
 *	IFLA_BRPORT_LEARNING	off: no frame puts one there
 *	one entry, sticky	the address; a frame elsewhere does not move it
 *
 * Main thread. Both can be called again and need privileges only if something
 * has to change.
 */
#ifndef BACKEND_NET_PORT_H
#define BACKEND_NET_PORT_H

#include <stdint.h>

#include "backend/net/rtnl.h"

/*
 * From now on port takes frames from lladdr alone; other addresses that the
 * bridge knew behind it are forgotten. Returns 1 if something was changed for
 * that, 0 if it was so already; -1 with a sentence if port is no port of a
 * bridge, the kernel cannot do it (before Linux 5.18), another port is locked
 * to lladdr, or permission is missing. After a failure the port may be locked
 * and let nothing through, never the other way round.
 */
int port_lock(struct rtnl *rt, const char *port, const uint8_t lladdr[6],
    struct error *err);

/*
 * port takes frames from every address again, and the bridge learns them.
 * Returns 1 if something was changed, 0 if it was not locked, is gone or no
 * port; -1 with a sentence.
 */
int port_unlock(struct rtnl *rt, const char *port, const uint8_t lladdr[6],
    struct error *err);

#endif
