/*
 * net.h: what net.c, net_rx.c and net_ctrl.c share. Nobody else includes it.
 *
 *	 guest ── transmit queue ──▶ writev ──▶ tap        net.c
 *	 guest ◀── receive queue ◀── readv ◀── tap         net_rx.c
 *	 guest ── control queue ──▶ which frames it wants  net_ctrl.c
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
#define NET_CTRL  2
#define NET_BATCH 64 /* frames before others have their turn */

/* Features of the control queue (5.1.3). */
#define NET_F_CTRL_VQ       (1ULL << 17)
#define NET_F_CTRL_RX       (1ULL << 18)
#define NET_F_CTRL_VLAN     (1ULL << 19)
#define NET_F_CTRL_RX_EXTRA (1ULL << 20)
#define NET_F_ANNOUNCE      (1ULL << 21)
#define NET_F_CTRL_MAC      (1ULL << 23)

/* Device configuration (5.1.4): the address comes first. */
#define NET_CONFIG_STATUS 6
#define NET_S_LINK_UP     1
#define NET_S_ANNOUNCE    2

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

/* Addresses of one kind that the driver wants frames for. */
#define NET_TABLE 64
struct net_table {
	bool all; /* there are more than we keep */
	unsigned count;
	uint8_t addr[NET_TABLE][6];
};

/* Which frames the driver wants; its own address is in the configuration. */
struct net_filter {
	bool mode[6]; /* by command of the class RX (5.1.6.5.1) */
	struct net_table uni, multi;
	uint64_t vlan[64]; /* a bit each */
};

struct net {
	struct virtio_dev dev; /* first */
	int tap_fd;
	size_t header; /* bytes before a frame */
	bool mergeable; /* a frame may take several receive buffers */
	bool gone; /* the tap was deleted under us */
	bool unplugged; /* by the host's person */
	bool moved; /* loaded elsewhere, and the driver was not told yet */
	uint8_t lladdr[6]; /* as it was given */
	struct net_filter filter;
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
/* Requests of the control queue. Lock held. */
void net_control(struct net *n);
/* As after power-on: every frame is wanted, its own address. */
void net_filter_reset(struct net *n);
/* Does the driver want the frame in these buffers, its header first? */
bool net_wanted(const struct net *n, const struct iovec *iov, unsigned iovs);
void net_filter_save(const struct net *n, struct state_writer *w);
int net_filter_load(struct net *n, struct state_reader *r);
/* The tap is of no use any more: the link goes down. Lock held. */
void net_link_down(struct net *n, const char *why);

#endif
