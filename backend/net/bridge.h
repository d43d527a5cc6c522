/*
 * bridge.h: a switch of the configuration as a bridge of the host.
 *
 * Called by the supervisor, main thread only. Every function can be called
 * again: what is already the way it is asked for is a success, and nothing
 * needs privileges unless something has to change.
 */
#ifndef BACKEND_NET_BRIDGE_H
#define BACKEND_NET_BRIDGE_H

#include <stdbool.h>
#include <net/if.h>

#include "backend/net/rtnl.h"

/*
 * The name of the bridge of a switch that has no `interface =`: "vms-local"
 * for "local". A name that would pass the 15 bytes of an interface's name is
 * cut, and '~' with a hash of the whole put behind ("vms-labora~k3x9f"): '~'
 * is in no configured name, so a cut name never equals an uncut one. Returns
 * name.
 */
const char *bridge_name(const char *sw, char name[IFNAMSIZ]);

/*
 * Whether bridge_ensure() could have the name: nothing has it, or a bridge.
 * Returns 0, -1 with err.
 */
int bridge_check(struct rtnl *rt, const char *ifname, struct error *err);

/*
 * Sees to it that ifname is a bridge and up. One that exists is used as it
 * is; else one is made, without spanning tree and forward delay (a guest
 * would wait 15 s for its first frame), with a hardware address that does not
 * change with its ports, and without an IPv6 link-local address (a switch
 * without `address =` does not lead guests to services of the host). *created
 * says whether this call made it. Returns 0; -1 with a sentence if the name is
 * taken by what is no bridge, permission is missing or the kernel has no
 * bridges. What was made before a failure is unmade.
 */
int bridge_ensure(
    struct rtnl *rt, const char *ifname, bool *created, struct error *err);

/*
 * Makes port a port of bridge and brings it up (`add =`). Returns 1 if it was
 * done now (undo with bridge_remove()), 0 if it was so already; -1 with a
 * sentence if port does not exist (naming those that look meant), is a port
 * of another bridge (naming it), or cannot be a port. The host does not hear
 * what is sent to an address of its own on a port: where there is one, a
 * warning in the log says so and what to do.
 */
int bridge_add(
    struct rtnl *rt, const char *bridge, const char *port, struct error *err);

/*
 * Takes port out of bridge. Returns 1 if it did, 0 if port is gone or is no
 * port of bridge (anymore), -1 with a sentence.
 */
int bridge_remove(
    struct rtnl *rt, const char *bridge, const char *port, struct error *err);

/*
 * Unmakes a bridge if bridge_ensure() made it, in this or an earlier backend,
 * and it has no ports. Returns 1 if it is gone now, 0 if it was not there,
 * not ours or has ports, -1 with a sentence.
 */
int bridge_delete(struct rtnl *rt, const char *bridge, struct error *err);

/*
 * Gives bridge an address of the host's (`address =`), "192.168.7.1/24" or
 * "fd00:7::1/64"; for IPv6 link-local addressing comes with it once the first
 * port has joined. Returns 1 if it was added, 0 if it was there already, -1
 * with a sentence.
 */
int bridge_address(
    struct rtnl *rt, const char *bridge, const char *prefix, struct error *err);

#endif
