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
#define F_MRG_RXBUF  (1ULL << 15)
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
net_link_down(struct net *n, const char *why)
{
	if (n->gone)
		return;
	n->gone = true;
	log_warn(
	    "the tap of a network card failed (%s): its cable is out", why);
	event_del(n->readable);
	event_del(n->writable);
	n->dev.config[NET_CONFIG_STATUS] &= (uint8_t)~NET_S_LINK_UP;
	virtio_config_changed(&n->dev);
}

/*
 * Sends one request's frame. Returns false if the tap cannot take it yet.
 */
static bool
send_frame(struct net *n, const struct virtq_chain *c)
{
	ssize_t len;

	do {
		len = writev(n->tap_fd, c->iov, (int)c->outs);
	} while (len == -1 && errno == EINTR);
	if (len >= 0) {
		virtio_count(&n->dev.figures.out_bytes, c->out_len - n->header);
		virtio_count(&n->dev.figures.out_ops, 1);
		return true;
	}
	if (errno == EAGAIN)
		return false;
	if (errno == EBADFD)
		net_link_down(n, strerror(errno));
	return true;
}

static void
transmit(struct net *n)
{
	struct virtq *q = &n->dev.queue[NET_TX].vq;
	struct virtq_chain c = {.iov = q->iov, .room = q->max};
	unsigned frames = 0;

	virtq_disable_kick(q);
	do {
		while (frames < NET_BATCH && virtq_pop(q, &c)) {
			if (c.out_len <= n->header) {
				virtq_break(q, "a frame without a header");
			} else if (!n->gone && !n->unplugged &&
			    !send_frame(n, &c)) {
				virtq_unpop(q, &c);
				event_add(n->writable, NULL);
				goto out;
			}
			virtq_push(q, c.head, 0);
			frames++;
		}
		if (frames == NET_BATCH) {
			virtio_kick(&n->dev, NET_TX);
			break;
		}
	} while (virtq_enable_kick(q));
out:
	virtio_publish(&n->dev, NET_TX);
}

/* Others are to learn where the guest is now. */
static void
announce(struct net *n)
{
	if ((n->dev.features & NET_F_ANNOUNCE) != 0)
		n->dev.config[NET_CONFIG_STATUS] |= NET_S_ANNOUNCE;
}

static void
net_notify(struct virtio_dev *dev, unsigned queue)
{
	struct net *n = (struct net *)dev;

	if (n->moved) {
		n->moved = false;
		announce(n);
		virtio_config_changed(dev);
	}
	if (queue == NET_RX)
		net_receive(n);
	else if (queue == NET_TX)
		transmit(n);
	else
		net_control(n);
}

static void
on_readable(evutil_socket_t fd, short what, void *arg)
{
	struct net *n = arg;

	virtio_begin(&n->dev);
	if (virtio_usable(&n->dev, NET_RX))
		net_receive(n);
	else
		event_del(n->readable);
	virtio_end(&n->dev);
}

static void
on_writable(evutil_socket_t fd, short what, void *arg)
{
	struct net *n = arg;

	virtio_begin(&n->dev);
	if (virtio_usable(&n->dev, NET_TX))
		transmit(n);
	virtio_end(&n->dev);
}

static void
on_patience(evutil_socket_t fd, short what, void *arg)
{
	struct net *n = arg;

	virtio_begin(&n->dev);
	if (n->rx.held > 0 && virtio_usable(&n->dev, NET_RX))
		net_rx_give_up(n);
	virtio_end(&n->dev);
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
	if (tap_set_offload(n->tap_fd, flags, &err) == -1)
		log_guest(&n->dev.quiet, "virtio-net: %s", err.text);
}

static void
net_start(struct virtio_dev *dev)
{
	struct net *n = (struct net *)dev;
	struct error err;
	int header;

	n->mergeable = (dev->features & F_MRG_RXBUF) != 0;
	header = n->mergeable || (dev->features & VIRTIO_F_VERSION_1) != 0
	    ? HEADER
	    : HEADER_LEGACY;
	if (header != (int)n->header &&
	    tap_set_header(n->tap_fd, header, &err) == -1)
		log_guest(&dev->quiet, "virtio-net: %s", err.text);
	n->header = (size_t)header;
	set_offloads(n, dev->features);
}

static void
net_drain(struct virtio_dev *dev)
{
	net_rx_drain((struct net *)dev);
}

/* Until the next driver says what it understands, it gets plain frames. */
static void
net_reset(struct virtio_dev *dev)
{
	set_offloads((struct net *)dev, 0);
	net_filter_reset((struct net *)dev);
	dev->config[NET_CONFIG_STATUS] &= (uint8_t)~NET_S_ANNOUNCE;
}

/* A driver without the control queue writes its address here (5.1.4.2). */
static void
net_config_write(
    struct virtio_dev *dev, unsigned offset, unsigned size, uint64_t value)
{
	if ((dev->features & (NET_F_CTRL_MAC | VIRTIO_F_VERSION_1)) != 0)
		return;
	for (; size > 0 && offset < NET_CONFIG_STATUS; size--, value >>= 8)
		dev->config[offset++] = (uint8_t)value;
}

static void
net_save(struct virtio_dev *dev, struct state_writer *w)
{
	net_filter_save((struct net *)dev, w);
}

static int
net_load(struct virtio_dev *dev, struct state_reader *r)
{
	if (net_filter_load((struct net *)dev, r) == -1)
		return -1;
	/* An interrupt now would come before the processors are loaded. */
	((struct net *)dev)->moved = true;
	return 0;
}

/* What came while the cable was out is lost. */
static void
drop_stale(struct net *n)
{
	unsigned i;

	for (i = 0; i < STALE_MOST; i++)
		if (read(n->tap_fd, n->rx.spill, sizeof n->rx.spill) <= 0)
			break;
}

void
virtio_net_plug(struct virtio_dev *dev, bool plugged)
{
	struct net *n = (struct net *)dev;

	virtio_begin(dev);
	if (!n->gone && n->unplugged == plugged) {
		n->unplugged = !plugged;
		if (plugged) {
			drop_stale(n);
			dev->config[NET_CONFIG_STATUS] |= NET_S_LINK_UP;
			announce(n);
			virtio_kick(dev, NET_RX);
		} else {
			event_del(n->readable);
			n->rx.held = 0;
			dev->config[NET_CONFIG_STATUS] &=
			    (uint8_t)~NET_S_LINK_UP;
		}
		virtio_config_changed(dev);
	}
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

static void
net_destroy(struct virtio_dev *dev)
{
	struct net *n = (struct net *)dev;

	if (n->readable != NULL)
		event_free(n->readable);
	if (n->writable != NULL)
		event_free(n->writable);
	if (n->patience != NULL)
		event_free(n->patience);
	close(n->tap_fd);
}

static const struct virtio_ops net_ops = {
    .name = "virtio-net",
    .type = VIRTIO_ID_NET,
    .pci_device = VIRTIO_PCI_NET,
    .class_code = 0x020000,
    .queues = 3,
    .config_len = CONFIG_LEN,
    .start = net_start,
    .notify = net_notify,
    .drain = net_drain,
    .reset = net_reset,
    .config_write = net_config_write,
    .save = net_save,
    .load = net_load,
    .destroy = net_destroy,
};

int
virtio_net_create(struct pci_bus *bus, struct event_base *base, int tap_fd,
    const uint8_t mac[6], unsigned mtu, struct virtio_dev **dev,
    struct error *err)
{
	struct net *n = calloc(1, sizeof *n);
	uint64_t features;

	if (n == NULL) {
		close(tap_fd);
		return error_set(err, "virtio-net: out of memory");
	}
	n->tap_fd = tap_fd;
	n->header = HEADER;
	memcpy(n->lladdr, mac, sizeof n->lladdr);
	net_filter_reset(n);
	n->dev.config[CONFIG_MTU] = (uint8_t)mtu;
	n->dev.config[CONFIG_MTU + 1] = (uint8_t)(mtu >> 8);
	n->dev.config[NET_CONFIG_STATUS] = NET_S_LINK_UP;
	features =
	    F_MAC | F_STATUS | F_MRG_RXBUF | F_CONTROL | probe_offloads(tap_fd);
	if (mtu >= MTU_LEAST && mtu <= UINT16_MAX)
		features |= F_MTU;
	n->readable =
	    event_new(base, tap_fd, EV_READ | EV_PERSIST, on_readable, n);
	n->writable = event_new(base, tap_fd, EV_WRITE, on_writable, n);
	n->patience = event_new(base, -1, 0, on_patience, n);
	if (virtio_dev_create(&n->dev, bus, &net_ops, features, err) == -1)
		return -1;
	if (n->readable == NULL || n->writable == NULL || n->patience == NULL)
		return error_set(err, "virtio-net: out of memory");
	if (virtio_listen(&n->dev, base, err) == -1)
		return -1;
	if (dev != NULL)
		*dev = &n->dev;
	return 0;
}
