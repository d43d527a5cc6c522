/*
 * net.h: virtio-net (virtio 1.2, 5.1), without offloads, and the guest's own
 * little protocol on it: frames of ethertype 0x88B5 (for local experiments)
 * that hold text. A text that begins with "ping" is answered by the same text
 * with "pong", at any time, also by an idle prompt.
 */
#ifndef GUEST_NET_H
#define GUEST_NET_H

#include <stdint.h>

#include "virtio.h"

#define NET_TEXT_MAX 1400u

extern const struct virtio_driver net_driver;

/* Answer pings (from the start: yes). */
extern int net_pong;

#define NET_CONTROL_MAX 1000u

/*
 * A request of the control queue (virtio 1.2, 5.1.6.5), class and command
 * first; with split in two buffers. Returns the answer, 0 for "it is done", or
 * -1 after saying what is wrong.
 */
int net_control(uint64_t nic, const uint8_t *request, unsigned len, int split);

/*
 * Broadcasts so many frames of a flood, of any length, or less if the card
 * takes no more. Frames that come are checked and counted, also without this.
 * Returns the counters, which are not reset, or NULL after saying what is wrong.
 */
struct net_flood {
	uint64_t sent, received, wrong;
	uint64_t by_pair[4]; /* of all that came */
};
struct net_flood *net_flood(uint64_t nic, unsigned frames);

/*
 * If the card wants it to be known where it is, broadcasts that and tells the
 * card so (virtio 1.2, 5.1.6.5.4). Returns 1 if it did, 0 if not, -1 after
 * saying what is wrong.
 */
int net_announce(uint64_t nic);

/* Broadcasts text. Returns 0, or -1 after saying what is wrong. */
int net_send(uint64_t nic, const char *text);

/*
 * Shows the frames that come in until the deadline (irq.h) or ctrl-C. Returns
 * how many, or -1 after saying what is wrong.
 */
int net_listen(uint64_t nic, uint64_t deadline);

#endif
