/*
 * station.h: who is heard on a bridge, and by which addresses the host knows
 * them: what the bridge learned of hardware addresses, joined with what the
 * host's own neighbour tables have of them. So an address is known of those
 * that the host itself spoke with, or whose answers it saw. Main thread.
 *
 *	bridge's table (PF_BRIDGE)	port, hardware address
 *	neighbours (AF_INET, AF_INET6)	hardware address, address
 */
#ifndef BACKEND_NET_STATION_H
#define BACKEND_NET_STATION_H

#include <stdint.h>
#include <netinet/in.h>

#include "backend/net/rtnl.h"

struct net_station {
	int port; /* index of the interface it is heard on */
	uint8_t lladdr[6];
	char address[INET6_ADDRSTRLEN]; /* "": none is known */
};

#define NET_STATIONS_MAX 1024 /* of a bridge: more are left out */

/*
 * Those of the bridge with that index, one for each address; IPv6 addresses of
 * the line alone (fe80::) only of who has no other. Returns how many and in
 * *list an array that the caller frees (NULL: none), or -1 with a reason.
 */
int net_stations(
    struct rtnl *rt, int bridge, struct net_station **list, struct error *err);

#endif
