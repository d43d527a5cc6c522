/*
 * net.c: a network card (virtio 1.2, 5.1) on a tap: its features, and frames
 * from the guest.
 *
 * What the host side cannot take at once (EAGAIN) waits in the queue, as on a
 * wire that is busy; what the tap refuses (its interface is down, a header
 * that makes no sense) is lost, as on a wire that is cut.
 */
#include <errno.h>
#include <event2/event.h>
#include <linux/if_tun.h>
#include <stdlib.h>
#include <string.h>
#include <sys/uio.h>
#include <unistd.h>

#include "backend/net/tap.h"
#include "backend/virtio/net.h"

#define F_CSUM       (1ULL << 0)
#define F_GUEST_CSUM (1ULL << 1)
#define F_MTU        (1ULL << 3)
#define F_MAC        (1ULL << 5)
#define F_GUEST_TSO4 (1ULL << 7)
#define F_GUEST_TSO6 (1ULL << 8)
#define F_GUEST_ECN  (1ULL << 9)
#define F_HOST_TSO4  (1ULL << 11)
#define F_HOST_TSO6  (1ULL << 12)
#define F_HOST_ECN   (1ULL << 13)
#define F_HOST_UFO   (1ULL << 14)
#define F_STATUS     (1ULL << 16)

#define F_OFFLOADS                                                           \
	(F_CSUM | F_GUEST_CSUM | F_GUEST_TSO4 | F_GUEST_TSO6 | F_GUEST_ECN | \
	    F_HOST_TSO4 | F_HOST_TSO6 | F_HOST_ECN)

#define F_CONTROL                                          \
	(NET_F_CTRL_VQ | NET_F_CTRL_RX | NET_F_CTRL_VLAN | \
	    NET_F_CTRL_RX_EXTRA | NET_F_ANNOUNCE | NET_F_CTRL_MAC)

#define CONFIG_MTU 10
#define CONFIG_LEN 12
#define MTU_LEAST  1280 /* what a device may say (5.1.4.1) */

/* Frames that wait in a tap when its cable is plugged in again. */
#define STALE_MOST 4096

#define HEADER_LEGACY 10
#define HEADER        TAP_HEADER /* with num_buffers (5.1.6) */

/* Which of the offloads can this tap do? What it cannot is no mistake. */
static uint64_t
probe_offloads(int tap_fd)
{
	unsigned flags = TUN_F_CSUM | TUN_F_TSO4 | TUN_F_TSO6 | TUN_F_TSO_ECN;
	uint64_t features = 0;
	struct error quiet;

	if (tap_set_offload(tap_fd, flags | TUN_F_UFO, &quiet) == 0)
		features = F_OFFLOADS | F_HOST_UFO;
	else if (tap_set_offload(tap_fd, flags, &quiet) == 0)
		features = F_OFFLOADS;
	tap_set_offload(tap_fd, 0, &quiet);
	return features;
}

void
net_link_down(struct net *n, int error)
{
	unsigned i;

	virtio_begin(&n->dev);
	net_lock(n);
	if (!n->gone) {
		n->gone = true;
		for (i = 0; i < n->pairs; i++)
			net_vhost_end(&n->pair[i]);
		log_warn("the tap of a network card failed (%s): its cable is "
			 "out",
		    error == 0 ? "end of file" : strerror(error));
		n->dev.config[NET_CONFIG_STATUS] &= (uint8_t)~NET_S_LINK_UP;
		virtio_config_changed(&n->dev);
	}
	net_unlock(n);
	virtio_end(&n->dev);
}

/*
 * Sends one request's frame. Returns false if the tap cannot take it yet.
 */
static bool
send_frame(struct net_pair *p, const struct virtq_chain *c)
{
	struct net *n = p->net;
	ssize_t len;

	do {
		len = writev(p->tap_fd, c->iov, (int)c->outs);
	} while (len == -1 && errno == EINTR);
	if (len >= 0) {
		net_count(&n->dev.figures.out_bytes, c->out_len - n->header);
		net_count(&n->dev.figures.out_ops, 1);
		return true;
	}
	if (errno == EAGAIN)
		return false;
	if (errno == EBADFD) {
		p->lost = true;
		p->error = errno;
	}
	return true;
}

/* Has the request's frame sent, or lost. False: the tap cannot take it yet. */
static bool
send_request(struct net_pair *p, const struct virtq_chain *c)
{
	const struct net *n = p->net;

	if (c->out_len <= n->header) {
		virtq_break(
		    &net_queue(p, NET_TX)->vq, "a frame without a header");
		return true;
	}
	return n->gone || n->unplugged || p->lost || send_frame(p, c);
}

void
net_transmit(struct net_pair *p)
{
	struct virtio_queue *queue = net_queue(p, NET_TX);
	struct virtq *q = &queue->vq;
	struct virtq_chain c = {.iov = q->iov, .room = q->max};
	unsigned frames = 0;

	virtq_disable_kick(q);
	do {
		while (frames < NET_BATCH && virtq_pop(q, &c)) {
			if (!send_request(p, &c)) {
				virtq_unpop(q, &c);
				event_add(p->writable, NULL);
				goto out;
			}
			virtq_push(q, c.head, 0);
			frames++;
		}
		if (frames == NET_BATCH) {
			virtio_kick(&p->net->dev, queue->index);
			break;
		}
	} while (virtq_enable_kick(q));
out:
	virtio_publish(&p->net->dev, queue->index);
}

/* Others are to learn where the guest is now. */
static void
announce(struct net *n)
{
	if ((n->features & NET_F_ANNOUNCE) != 0)
		n->dev.config[NET_CONFIG_STATUS] |= NET_S_ANNOUNCE;
}

void
net_tell_moved(struct net *n)
{
	if (!n->moved)
		return;
	n->moved = false;
	announce(n);
	virtio_config_changed(&n->dev);
}

/* Tells the tap what the driver understands. */
static void
set_offloads(struct net *n, uint64_t features)
{
	unsigned flags = 0;
	struct error err;

	if ((n->dev.offered & F_GUEST_CSUM) == 0)
		return;
	/* Segments without checksums: only with GUEST_CSUM (5.1.3.1). */
	if ((features & F_GUEST_CSUM) != 0) {
		flags = TUN_F_CSUM;
		if ((features & F_GUEST_TSO4) != 0)
			flags |= TUN_F_TSO4;
		if ((features & F_GUEST_TSO6) != 0)
			flags |= TUN_F_TSO6;
		if ((features & F_GUEST_ECN) != 0 &&
		    (flags & (TUN_F_TSO4 | TUN_F_TSO6)) != 0)
			flags |= TUN_F_TSO_ECN;
	}
	if (tap_set_offload(n->pair[0].tap_fd, flags, &err) == -1)
		log_guest(&n->dev.quiet, "virtio-net: %s", err.text);
}

static void
net_start(struct virtio_dev *dev)
{
	struct net *n = (struct net *)dev;
	struct error err;
	int header;

	n->features = dev->features;
	n->control =
	    (n->features & NET_F_MQ) != 0 ? 2 * n->pairs : 2; /* 5.1.2 */
	n->mergeable = (dev->features & NET_F_MRG_RXBUF) != 0;
	header = n->mergeable || (dev->features & VIRTIO_F_VERSION_1) != 0
	    ? HEADER
	    : HEADER_LEGACY;
	if (header != (int)n->header &&
	    tap_set_header(n->pair[0].tap_fd, header, &err) == -1)
		log_guest(&dev->quiet, "virtio-net: %s", err.text);
	n->header = (size_t)header;
	set_offloads(n, dev->features);
}

/* Until the next driver says what it understands, it gets plain frames. */
static void
net_reset(struct virtio_dev *dev)
{
	struct net *n = (struct net *)dev;

	set_offloads(n, 0);
	net_lock(n);
	net_pairs_use(n, 1);
	net_unlock(n);
	net_filter_reset(n);
	n->features = 0;
	n->control = 2;
	dev->config[NET_CONFIG_STATUS] &= (uint8_t)~NET_S_ANNOUNCE;
}

/* A driver without the control queue writes its address here (5.1.4.2). */
static void
net_config_write(
    struct virtio_dev *dev, unsigned offset, unsigned size, uint64_t value)
{
	if ((dev->features & (NET_F_CTRL_MAC | VIRTIO_F_VERSION_1)) != 0)
		return;
	net_lock((struct net *)dev);
	for (; size > 0 && offset < NET_CONFIG_STATUS; size--, value >>= 8)
		dev->config[offset++] = (uint8_t)value;
	net_unlock((struct net *)dev);
}

static void
net_save(struct virtio_dev *dev, struct state_writer *w)
{
	struct net *n = (struct net *)dev;

	state_put_u8(w, (uint8_t)net_pairs_used(n));
	net_filter_save(n, w);
}

static int
net_load(struct virtio_dev *dev, struct state_reader *r)
{
	struct net *n = (struct net *)dev;
	unsigned pairs = state_get_u8(r);
	int rc;

	if (pairs < 1 || pairs > n->pairs ||
	    (pairs > 1 && (dev->features & NET_F_MQ) == 0) ||
	    net_filter_load(n, r) == -1)
		return -1;
	net_lock(n);
	rc = net_pairs_use(n, pairs);
	net_unlock(n);
	if (rc == -1)
		return -1;
	/* An interrupt now would come before the processors are loaded. */
	n->moved = true;
	return 0;
}

/* What came while the cable was out is lost. */
static void
drop_stale(struct net_pair *p)
{
	unsigned i;

	for (i = 0; i < STALE_MOST && p->enabled; i++)
		if (read(p->tap_fd, p->rx.spill, sizeof p->rx.spill) <= 0)
			break;
}

void
virtio_net_plug(struct virtio_dev *dev, bool plugged)
{
	struct net *n = (struct net *)dev;
	unsigned i;

	virtio_begin(dev);
	net_lock(n);
	if (!n->gone && n->unplugged == plugged) {
		n->unplugged = !plugged;
		for (i = 0; i < n->pairs; i++) {
			net_still(&n->pair[i]);
			if (plugged)
				drop_stale(&n->pair[i]);
			/* Who moves its frames is decided anew. */
			virtio_kick(dev, 2 * i + NET_RX);
			virtio_kick(dev, 2 * i + NET_TX);
		}
		dev->config[NET_CONFIG_STATUS] ^= NET_S_LINK_UP;
		if (plugged)
			announce(n);
		virtio_config_changed(dev);
	}
	net_unlock(n);
	virtio_end(dev);
}

bool
virtio_net_plugged(struct virtio_dev *dev)
{
	bool up;

	virtio_begin(dev);
	up = (dev->config[NET_CONFIG_STATUS] & NET_S_LINK_UP) != 0;
	virtio_end(dev);
	return up;
}

bool
virtio_net_vhost(const struct virtio_dev *dev)
{
	return ((const struct net *)dev)->vhost;
}

static void
net_destroy(struct virtio_dev *dev)
{
	net_pairs_destroy((struct net *)dev);
}

static const struct virtio_ops net_ops = {
    .name = "virtio-net",
    .type = VIRTIO_ID_NET,
    .pci_device = VIRTIO_PCI_NET,
    .class_code = 0x020000,
    .queues = 2 * VIRTIO_NET_PAIRS + 1,
    .queue_size = VIRTQ_MAX,
    .modern_only = NET_F_MQ,
    .config_len = CONFIG_LEN,
    .start = net_start,
    .drain = net_drain,
    .rerouted = net_vhost_reroute,
    .reset = net_reset,
    .config_write = net_config_write,
    .save = net_save,
    .load = net_load,
    .destroy = net_destroy,
};

static void
fill_config(struct net *n, const struct virtio_net_config *config)
{
	memcpy(n->lladdr, config->mac, sizeof n->lladdr);
	n->dev.config[CONFIG_MTU] = (uint8_t)config->mtu;
	n->dev.config[CONFIG_MTU + 1] = (uint8_t)(config->mtu >> 8);
	n->dev.config[NET_CONFIG_STATUS] = NET_S_LINK_UP;
	n->dev.config[NET_CONFIG_PAIRS] = (uint8_t)n->pairs;
}

static void
close_all(const int *fd, unsigned from, unsigned n)
{
	for (; from < n; from++)
		close(fd[from]);
}

/* Nothing could be made of what there is. */
static int
no_memory(const struct virtio_net_config *config, struct error *err)
{
	close_all(config->tap_fd, 0, config->taps);
	close_all(config->vhost_fd, 0, config->vhosts);
	return error_set(err, "virtio-net: out of memory");
}

int
virtio_net_create(struct pci_bus *bus, struct event_base *base,
    const struct virtio_net_config *config, struct virtio_dev **dev,
    struct error *err)
{
	unsigned pairs =
	    config->cpus < VIRTIO_NET_PAIRS ? config->cpus : VIRTIO_NET_PAIRS;
	struct net *n = calloc(1, sizeof *n);
	uint64_t features;

	if (n == NULL)
		return no_memory(config, err);
	/* A guest has the same queues on a host whose tap has only one. */
	n->dev.queues = 2 * pairs + 1;
	n->pairs = config->taps >= pairs ? pairs : 1;
	n->name = config->name;
	n->header = HEADER;
	fill_config(n, config);
	features = F_MAC | F_STATUS | NET_F_MRG_RXBUF | F_CONTROL |
	    probe_offloads(config->tap_fd[0]);
	if (n->pairs > 1)
		features |= NET_F_MQ;
	if (config->mtu >= MTU_LEAST && config->mtu <= UINT16_MAX)
		features |= F_MTU;
	if (net_pairs_create(n, config->tap_fd, base) == -1) {
		free(n);
		return no_memory(config, err);
	}
	close_all(config->tap_fd, n->pairs, config->taps);
	net_vhost_create(n, machine_mem(pci_bus_machine(bus)), config);
	net_filter_reset(n);
	if (virtio_dev_create(&n->dev, bus, &net_ops, features, err) == -1)
		return -1;
	if (net_pairs_listen(n, base) == -1)
		return error_set(err, "%s: no room for its queues: %s",
		    config->name, strerror(errno));
	if (dev != NULL)
		*dev = &n->dev;
	return 0;
}
