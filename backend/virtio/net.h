/*
 * net.h: what net.c, net_pair.c, net_rx.c, net_ctrl.c and net_vhost.c share.
 * Nobody else includes it.
 *
 *	 guest ── transmit queue ──▶ writev ──▶ tap        net.c
 *	 guest ◀── receive queue ◀── readv ◀── tap         net_rx.c
 *	   a pair of queues, its thread and its locks      net_pair.c
 *	   the host's kernel in place of the first two     net_vhost.c
 *	 guest ── control queue ──▶ which frames it wants  net_ctrl.c
 *
 * Frames go between guest memory and tap without a copy, the virtio header
 * with them: the tap speaks it (IFF_VNET_HDR). The first pair is served by the
 * main loop, each further one by a loop and a thread of its own; a pair's
 * events are touched only there.
 *
 * Locks: first the device's, then those of the pairs by index. A queue is live
 * between the moment when somebody found it usable, under both locks, and the
 * next net_drain(). While it is live the lock of its pair alone guards it, so
 * pairs do not wait for each other; what all of them look at (features,
 * filter, the cable) changes under the device's lock and all of theirs, or
 * while nothing is live.
 */
#ifndef BACKEND_VIRTIO_NET_H
#define BACKEND_VIRTIO_NET_H

#include "backend/virtio/device.h"

#define NET_RX    0 /* of a pair */
#define NET_TX    1
#define NET_BATCH 64 /* frames before others have their turn */

#define NET_F_MRG_RXBUF (1ULL << 15) /* 5.1.3, as the next */

/* Features of the control queue. */
#define NET_F_CTRL_VQ       (1ULL << 17)
#define NET_F_CTRL_RX       (1ULL << 18)
#define NET_F_CTRL_VLAN     (1ULL << 19)
#define NET_F_CTRL_RX_EXTRA (1ULL << 20)
#define NET_F_ANNOUNCE      (1ULL << 21)
#define NET_F_MQ            (1ULL << 22)
#define NET_F_CTRL_MAC      (1ULL << 23)

/* Device configuration (5.1.4): the address comes first. */
#define NET_CONFIG_STATUS 6
#define NET_CONFIG_PAIRS  8
#define NET_S_LINK_UP     1
#define NET_S_ANNOUNCE    2

/* The longest frame: 64 KiB for segmentation, with link and virtio header. */
#define NET_FRAME  65562u
#define NET_RX_IOV 1023u /* and one for the spill: IOV_MAX */
#define NET_CHAIN  256u /* pieces of one receive buffer */

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
	} chain[NET_RX_IOV];
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

/* What there is besides to have the host's kernel work on a queue. */
struct net_ring {
	struct net_pair *pair;
	bool theirs; /* it does: the queue is not live */
	int call_fd, error_fd; /* eventfds that the kernel signals; or -1 */
	struct event *called, *failed; /* when it did */
};

/* A receive and a transmit queue, and the tap's queue that serves them. */
struct net_pair {
	struct net *net;
	unsigned index;
	pthread_mutex_t lock;
	bool live[2]; /* see above */
	bool enabled; /* the driver uses it: the tap's queue is attached */
	bool lost; /* the tap failed (error, 0: end of file), to be told */
	int error;
	int tap_fd;
	struct event_base *base; /* of the first: the main loop */
	struct event *readable, *writable; /* of the tap */
	struct event *patience; /* how long a frame is held */
	struct event *stop; /* of its thread */
	int stop_fd;
	pthread_t thread;
	bool has_thread;
	/* net_vhost.c; the lock guards theirs */
	int vhost_fd; /* -1: none */
	struct net_ring ring[2];
	int back_fd; /* an eventfd: queues were taken back; or -1 */
	struct event *back, *watch;
	struct net_rx rx;
};

struct net {
	struct virtio_dev dev; /* first */
	const char *name;
	struct net_pair *pair;
	unsigned pairs; /* more than one: NET_F_MQ is offered */
	unsigned control; /* the control queue's index */
	uint64_t features; /* of a driver that began, else 0 */
	size_t header; /* bytes before a frame */
	bool mergeable; /* a frame may take several receive buffers */
	bool gone; /* the tap was deleted under us */
	bool unplugged; /* by the host's person */
	bool moved; /* loaded elsewhere, and the driver was not told yet */
	_Atomic bool vhost; /* each pair has what it takes */
	uint8_t lladdr[6]; /* as it was given */
	struct net_filter filter;
};

static inline struct virtio_queue *
net_queue(const struct net_pair *p, unsigned which)
{
	return &p->net->dev.queue[2 * p->index + which];
}

/* Several threads count. */
static inline void
net_count(_Atomic uint64_t *counter, uint64_t n)
{
	atomic_fetch_add_explicit(counter, n, memory_order_relaxed);
}

/*
 * Makes n->pairs of them, the first one enabled, and takes over as many queues
 * of the tap unless it fails; and then their events and threads. -1: errno.
 */
int net_pairs_create(struct net *n, const int *tap_fd, struct event_base *base);
int net_pairs_listen(struct net *n, struct event_base *base);
void net_pairs_destroy(struct net *n);
/*
 * So many are used from now on: the tap's further queues get no frames. -1: the
 * tap refuses, and nothing changed. The device's lock and theirs are held.
 */
int net_pairs_use(struct net *n, unsigned pairs);
unsigned net_pairs_used(const struct net *n);
/* Has no queue live any more, and no buffers in hand. Device's lock held. */
void net_drain(struct virtio_dev *dev);
/* The same of a pair, with its lock held as well. */
void net_still(struct net_pair *p);
/* All pairs' locks, with the device's held. */
void net_lock(struct net *n);
void net_unlock(struct net *n);
/* Tells a driver that was loaded elsewhere. Device's lock held. */
void net_tell_moved(struct net *n);
/* The tap is of no use any more: the link goes down. No lock held. */
void net_link_down(struct net *n, int error);

/*
 * Takes over what the configuration has of vhost-net. Without, or if it does
 * not work, which is told in the log, frames are moved here. Main thread,
 * before the process is confined.
 */
void net_vhost_create(struct net *n, const struct guestmem *mem,
    const struct virtio_net_config *config);
/* Its events: made, -1 if that fails; freed, when the pair's loop has ended. */
int net_vhost_listen(struct net_pair *p);
void net_vhost_unlisten(struct net_pair *p);
void net_vhost_destroy(struct net_pair *p);
/*
 * Gives the queue, which became usable, to the host's kernel. False: it is
 * ours. On the pair's loop; the device's lock and the pair's are held.
 */
bool net_vhost_begin(struct net_pair *p, unsigned which);
/* Takes back what was given of the pair. Any thread; the same locks. */
void net_vhost_end(struct net_pair *p);
/* struct virtio_ops.rerouted */
void net_vhost_reroute(struct virtio_dev *dev);

/* The next four with the pair's lock held, its queue being live. */

/* The transmit queue was kicked or the tap is writable. */
void net_transmit(struct net_pair *p);
/* The receive queue was kicked or the tap is readable. */
void net_receive(struct net_pair *p);
/* Nobody gave buffers for the frame that is held. */
void net_rx_give_up(struct net_pair *p);
/* Puts all buffers back into the queue and forgets a frame that is held. */
void net_rx_drain(struct net_pair *p);

/* Requests of the control queue. Device's lock held. */
void net_control(struct net *n);
/* As after power-on: every frame is wanted, its own address. */
void net_filter_reset(struct net *n);
/* Does the driver want the frame in these buffers, its header first? */
bool net_wanted(const struct net *n, const struct iovec *iov, unsigned iovs);
void net_filter_save(const struct net *n, struct state_writer *w);
int net_filter_load(struct net *n, struct state_reader *r);
#endif
