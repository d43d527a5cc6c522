/*
 * tap.h: a guest's network interface as a tap of the host.
 *
 * The backend opens and attaches it (main thread) and passes the descriptor
 * to the guest process; the tap lives while a descriptor is open and leaves
 * its bridge with it, however the guest process ends. The functions on a
 * bare descriptor are the guest process's, from whichever thread runs the
 * device.
 */
#ifndef BACKEND_NET_TAP_H
#define BACKEND_NET_TAP_H

#include <net/if.h>
#include <stdbool.h>
#include <stdint.h>

#include "backend/net/rtnl.h"

/*
 * The name of the tap of a guest's interface number n (0 to 999) that has no
 * `tap =`: "vmt-mv1.0". What would pass 15 bytes is cut as bridge_name() does
 * it: "vmt-dat~8fk2c.0". Returns name.
 */
const char *tap_name(const char *guest, unsigned n, char name[IFNAMSIZ]);

/* What a frame begins with: struct virtio_net_hdr with num_buffers. */
#define TAP_HEADER 12

/*
 * Opens a tap by name, or by a pattern with one "%d" that the kernel
 * replaces. One that exists already (made with `ip tuntap add`, for the user
 * perhaps) is used and stays afterwards; else it is made and goes with its
 * last descriptor. Every frame read or written begins with a virtio 1.2,
 * 5.1.6 header of TAP_HEADER bytes, little-endian; no offloads are on.
 * Returns a descriptor, non-blocking and close-on-exec, and the interface's
 * name in actual; -1 with a sentence if the name is in use by another
 * process, taken by what is no tap, too long, or permission or the tun module
 * is missing.
 */
int tap_open(struct rtnl *rt, const char *name, char actual[IFNAMSIZ],
    struct error *err);
/*
 * The same with so many queues, a descriptor each in fd[]: frames are spread
 * over all of them by what they belong to. Returns how many there are: as many
 * as were asked for, or 1 of a tap that exists and was made for one. -1 as
 * above.
 */
int tap_open_queues(struct rtnl *rt, const char *name, unsigned queues, int *fd,
    char actual[IFNAMSIZ], struct error *err);

/*
 * Makes the tap a port of bridge, with the bridge's MTU, and brings it up;
 * with bridge NULL only the latter. Returns 1 if it joined now, 0 if it was a
 * port of it before (a tap made by someone else), -1 with a sentence. A tap
 * that stays when closed is taken out with bridge_remove() if 1 was returned.
 */
int tap_attach(
    struct rtnl *rt, const char *tap, const char *bridge, struct error *err);

/*
 * Which unfinished frames the kernel may hand over: TUN_F_* of
 * <linux/if_tun.h>, from the features the guest accepted. Returns 0, -1 with
 * a sentence.
 */
int tap_set_offload(int fd, unsigned offload, struct error *err);

/*
 * How many bytes the header before a frame has: 12, or 10 for a legacy driver
 * without mergeable buffers (virtio 1.2, 5.1.6.1). Returns 0, -1 with a
 * sentence.
 */
int tap_set_header(int fd, int bytes, struct error *err);

/*
 * Which frames the tap, all of its queues, passes on: those to these n
 * addresses (6 bytes each, unicast ones first), and with multicast all that go
 * to a group. n 0: every frame. More than it can tell apart and some others
 * come too. Returns 0, -1 with a sentence.
 */
#define TAP_FILTER_MOST 130
int tap_set_filter(int fd, const uint8_t (*addr)[6], unsigned n, bool multicast,
    struct error *err);

/*
 * Whether this queue of a tap that has several gets and takes frames. Returns
 * 0, -1 with a sentence.
 */
int tap_set_queue(int fd, bool attached, struct error *err);

#endif
