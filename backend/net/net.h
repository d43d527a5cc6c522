/*
 * net.h: the host's side of a guest's network.
 *
 * A switch of the configuration is a bridge of the host; a guest's interface
 * is a tap that is a port of it while the guest runs:
 *
 *	guest process         backend process (this folder)
 *	virtio-net --- tap fd --- tap "vmt-mv1.0" --+
 *	virtio-net --- tap fd --- tap "vmt-mv2.0" --+-- bridge "vms-local"
 *	                          add = eth0 -------+
 *
 * The backend makes both: it opens one struct rtnl, calls everything here
 * from its main thread (every call is a short round trip to the kernel and
 * never waits for a person or a peer) and hands the tap's descriptor to the
 * guest process. There, only tap_set_offload() and tap_set_header() are used.
 *
 * There is no state in this folder but the struct rtnl: what exists is asked
 * of the kernel each time, so that a backend that was killed finds its
 * bridges as it left them. Whatever is the way it should be is left alone,
 * which is why a bridge and taps made by root serve a backend without
 * privileges too.
 */
#ifndef BACKEND_NET_NET_H
#define BACKEND_NET_NET_H

#include "backend/net/rtnl.h"
#include "backend/net/link.h"
#include "backend/net/bridge.h"
#include "backend/net/port.h"
#include "backend/net/station.h"
#include "backend/net/tap.h"

#endif
