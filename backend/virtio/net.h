/*
 * net.h: what net.c and net_rx.c share. Nobody else includes it.
 *
 *	 guest ── transmit queue ──▶ writev ──▶ tap        net.c
 *	 guest ◀── receive queue ◀── readv ◀── tap         net_rx.c
 *
 * Frames go between guest memory and tap without a copy, the virtio header
 * with them: the tap speaks it (IFF_VNET_HDR). All on the main loop; events
 * are touched only there.
 */
#ifndef BACKEND_VIRTIO_NET_H
#define BACKEND_VIRTIO_NET_H

#include "backend/virtio/device.h"

#define NET_RX    0
#define NET_TX    1
#define NET_BATCH 64 /* frames before others have their turn */

/* The longest frame: 64 KiB for segmentation, with link and virtio header. */
#define NET_FRAME  65562u
#define NET_RX_IOV 1023u /* and one for the spill: IOV_MAX */

/*
 * Receive buffers taken from the queue ahead of their frames, in order.
 *
 *	iov    [ used │ chain 0 │ chain 1 ... │ spill ]
 *	               ▲ first_iov              ▲ first_iov + iovs
 *
 * A frame's length is known only when it was read. So the spill stands behind
 * the guest's buffers: a frame that reaches into it is held until the driver
 * gives more buffers, and dropped if it gives none for a while.
 */
struct net_rx {
	struct iovec iov[NET_RX_IOV + 1];
	unsigned first_iov, iovs;
	struct {
		uint16_t head;
		uint16_t iovs;
		uint32_t len;
	} chain[VIRTIO_QUEUE_SIZE];
	unsigned first, chains; /* in chain[], which is a ring */
	uint64_t bytes; /* in the chains */
	size_t held; /* length of the frame that is held, or 0 */
	size_t held_at; /* how much of it is in the chains */
	uint8_t spill[NET_FRAME + 4096];
};

struct net {
	struct virtio_dev dev; /* first */
	int tap_fd;
	size_t header; /* bytes before a frame */
	bool mergeable; /* a frame may take several receive buffers */
	bool gone; /* the tap was deleted under us */
	struct event *readable, *writable; /* of the tap */
	struct event *patience; /* how long a frame is held */
	struct net_rx rx;
};

/* The receive queue was kicked or the tap is readable. Lock held. */
void net_receive(struct net *n);
/* Nobody gave buffers for the frame that is held. Lock held. */
void net_rx_give_up(struct net *n);
/* Puts all buffers back into the queue and forgets a frame that is held. */
void net_rx_drain(struct net *n);
/* The tap is of no use any more: the link goes down. Lock held. */
void net_link_down(struct net *n, const char *why);

#endif
