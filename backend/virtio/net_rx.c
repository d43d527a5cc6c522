/*
 * net_rx.c: frames from the tap into the guest (virtio 1.2, 5.1.6.3 and .4).
 */
#include <endian.h>
#include <errno.h>
#include <event2/event.h>
#include <string.h>
#include <unistd.h>

#include "backend/virtio/net.h"

#define NUM_BUFFERS_AT 10 /* in the header of 12 bytes */
#define PATIENCE       100000 /* us */

/* Makes room for the longest chain behind what is staged, if that is needed. */
static bool
room_for_chain(struct net_rx *rx, unsigned longest)
{
	if (NET_RX_IOV - rx->first_iov - rx->iovs >= longest)
		return true;
	memmove(rx->iov, rx->iov + rx->first_iov, rx->iovs * sizeof *rx->iov);
	rx->first_iov = 0;
	return NET_RX_IOV - rx->iovs >= longest;
}

/*
 * Takes buffers until the longest frame would fit, or there are no more.
 * Returns false if there are more, but in too many pieces.
 */
static bool
stage(struct net *n)
{
	struct virtq *q = &n->dev.queue[NET_RX].vq;
	struct net_rx *rx = &n->rx;
	uint64_t want = n->mergeable ? NET_FRAME : 1;
	struct virtq_chain c;
	unsigned i;

	while (rx->bytes < want) {
		if (!room_for_chain(rx, q->max))
			return false;
		c.iov = rx->iov + rx->first_iov + rx->iovs;
		c.room = q->max;
		if (!virtq_pop(q, &c))
			return true;
		if (c.outs > 0 || c.in_len < n->header) {
			virtq_break(q, "a receive buffer that takes no frame");
			virtq_unpop(q, &c);
			return true;
		}
		i = (rx->first + rx->chains) % VIRTIO_QUEUE_SIZE;
		rx->chain[i].head = c.head;
		rx->chain[i].iovs = (uint16_t)c.ins;
		rx->chain[i].len = (uint32_t)c.in_len;
		rx->chains++;
		rx->iovs += c.ins;
		rx->bytes += c.in_len;
	}
	return true;
}

/* The frame of len bytes lies in the first chains: they are the driver's. */
static void
deliver(struct net *n, size_t len)
{
	struct virtq *q = &n->dev.queue[NET_RX].vq;
	struct net_rx *rx = &n->rx;
	unsigned buffers = 0, i;
	size_t left = len, part;
	uint16_t count;

	while (left > 0) {
		i = (rx->first + buffers++) % VIRTIO_QUEUE_SIZE;
		part = left < rx->chain[i].len ? left : rx->chain[i].len;
		left -= part;
	}
	count = htole16((uint16_t)buffers);
	if (n->header > NUM_BUFFERS_AT)
		virtq_copy_in(rx->iov + rx->first_iov, rx->iovs, NUM_BUFFERS_AT,
		    &count, sizeof count);
	for (left = len; buffers > 0; buffers--) {
		i = rx->first;
		part = left < rx->chain[i].len ? left : rx->chain[i].len;
		virtq_push(q, rx->chain[i].head, (uint32_t)part);
		left -= part;
		rx->bytes -= rx->chain[i].len;
		rx->first_iov += rx->chain[i].iovs;
		rx->iovs -= rx->chain[i].iovs;
		rx->first = (rx->first + 1) % VIRTIO_QUEUE_SIZE;
		rx->chains--;
	}
	virtio_count(&n->dev.figures.in_bytes, len - n->header);
	virtio_count(&n->dev.figures.in_ops, 1);
}

/* Finishes the frame that is held if its buffers came. */
static bool
finish_held(struct net *n)
{
	struct net_rx *rx = &n->rx;

	if (rx->bytes < rx->held)
		return false;
	virtq_copy_in(rx->iov + rx->first_iov, rx->iovs, rx->held_at, rx->spill,
	    rx->held - rx->held_at);
	deliver(n, rx->held);
	rx->held = 0;
	event_del(n->patience);
	return true;
}

/*
 * Reads one frame. Returns false if there is none, or if it has to be held.
 */
static bool
read_frame(struct net *n)
{
	struct net_rx *rx = &n->rx;
	struct iovec *spill = &rx->iov[rx->first_iov + rx->iovs];
	ssize_t len;

	spill->iov_base = rx->spill;
	spill->iov_len = sizeof rx->spill;
	len = readv(n->tap_fd, rx->iov + rx->first_iov, (int)rx->iovs + 1);
	if (len == -1) {
		if (errno != EAGAIN && errno != EINTR)
			net_link_down(n, strerror(errno));
		return false;
	}
	if (len == 0) {
		net_link_down(n, "end of file");
		return false;
	}
	if (!net_wanted(n, rx->iov + rx->first_iov, rx->iovs + 1))
		return true;
	if ((size_t)len <= rx->bytes) {
		if ((size_t)len > n->header)
			deliver(n, (size_t)len);
		return true;
	}
	/* Without mergeable buffers a frame that is too long is lost. */
	if (n->mergeable) {
		rx->held = (size_t)len;
		rx->held_at = rx->bytes;
	}
	return !n->mergeable;
}

/*
 * Without buffers: stops looking at the tap until there are some. Returns
 * true if they came meanwhile.
 */
static bool
wait_for_buffers(struct net *n)
{
	struct timeval patience = {0, PATIENCE};

	if (virtq_enable_kick(&n->dev.queue[NET_RX].vq)) {
		virtq_disable_kick(&n->dev.queue[NET_RX].vq);
		return true;
	}
	event_del(n->readable);
	if (n->rx.held > 0 && !event_pending(n->patience, EV_TIMEOUT, NULL))
		event_add(n->patience, &patience);
	return false;
}

void
net_receive(struct net *n)
{
	struct virtq *q = &n->dev.queue[NET_RX].vq;
	struct net_rx *rx = &n->rx;
	unsigned frames = 0;

	if (n->gone || n->unplugged)
		return;
	event_add(n->readable, NULL);
	virtq_disable_kick(q);
	while (frames < NET_BATCH && q->broken == NULL) {
		/* A frame for which readv() has not enough places is lost. */
		if (!stage(n) && rx->held > rx->bytes)
			rx->held = 0;
		if (rx->held > 0 ? !finish_held(n) : rx->chains == 0) {
			if (!wait_for_buffers(n))
				break;
			continue;
		}
		if (!read_frame(n) && rx->held == 0)
			break;
		frames++;
	}
	/* More than a batch: the tap is still readable. */
	virtio_publish(&n->dev, NET_RX);
}

void
net_rx_give_up(struct net *n)
{
	n->rx.held = 0;
	net_receive(n);
}

void
net_rx_drain(struct net *n)
{
	struct virtq *q = &n->dev.queue[NET_RX].vq;
	struct net_rx *rx = &n->rx;
	struct virtq_chain c;

	while (rx->chains > 0) {
		rx->chains--;
		c.head = rx->chain[(rx->first + rx->chains) % VIRTIO_QUEUE_SIZE]
			     .head;
		virtq_unpop(q, &c);
	}
	rx->first = rx->first_iov = rx->iovs = 0;
	rx->bytes = 0;
	rx->held = 0;
	/* Somebody has to look at the buffers again. */
	virtio_kick(&n->dev, NET_RX);
}
