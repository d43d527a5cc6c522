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
room_for_chain(struct net_rx *rx)
{
	if (NET_RX_IOV - rx->first_iov - rx->iovs >= NET_CHAIN)
		return true;
	memmove(rx->iov, rx->iov + rx->first_iov, rx->iovs * sizeof *rx->iov);
	rx->first_iov = 0;
	return NET_RX_IOV - rx->iovs >= NET_CHAIN;
}

/*
 * Takes buffers until the longest frame would fit, or there are no more.
 * Returns false if there are more, but in too many pieces.
 */
static bool
stage(struct net_pair *p)
{
	struct virtq *q = &net_queue(p, NET_RX)->vq;
	struct net_rx *rx = &p->rx;
	uint64_t want = p->net->mergeable ? NET_FRAME : 1;
	struct virtq_chain c;
	unsigned i;

	while (rx->bytes < want) {
		if (!room_for_chain(rx))
			return false;
		c.iov = rx->iov + rx->first_iov + rx->iovs;
		c.room = NET_CHAIN;
		if (!virtq_pop(q, &c))
			return true;
		if (c.outs > 0 || c.in_len < p->net->header) {
			virtq_break(q, "a receive buffer that takes no frame");
			virtq_unpop(q, &c);
			return true;
		}
		i = (rx->first + rx->chains) % NET_RX_IOV;
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
deliver(struct net_pair *p, size_t len)
{
	struct virtq *q = &net_queue(p, NET_RX)->vq;
	struct net_rx *rx = &p->rx;
	unsigned buffers = 0, i;
	size_t left = len, part;
	uint16_t count;

	while (left > 0) {
		i = (rx->first + buffers++) % NET_RX_IOV;
		part = left < rx->chain[i].len ? left : rx->chain[i].len;
		left -= part;
	}
	count = htole16((uint16_t)buffers);
	if (p->net->header > NUM_BUFFERS_AT)
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
		rx->first = (rx->first + 1) % NET_RX_IOV;
		rx->chains--;
	}
	net_count(&p->net->dev.figures.in_bytes, len - p->net->header);
	net_count(&p->net->dev.figures.in_ops, 1);
}

/* Finishes the frame that is held if its buffers came. */
static bool
finish_held(struct net_pair *p)
{
	struct net_rx *rx = &p->rx;

	if (rx->bytes < rx->held)
		return false;
	virtq_copy_in(rx->iov + rx->first_iov, rx->iovs, rx->held_at, rx->spill,
	    rx->held - rx->held_at);
	deliver(p, rx->held);
	rx->held = 0;
	event_del(p->patience);
	return true;
}

/*
 * Reads one frame. Returns false if there is none, or if it has to be held.
 */
static bool
read_frame(struct net_pair *p)
{
	struct net_rx *rx = &p->rx;
	struct iovec *spill = &rx->iov[rx->first_iov + rx->iovs];
	ssize_t len;

	spill->iov_base = rx->spill;
	spill->iov_len = sizeof rx->spill;
	len = readv(p->tap_fd, rx->iov + rx->first_iov, (int)rx->iovs + 1);
	if (len == -1) {
		p->lost = errno != EAGAIN && errno != EINTR;
		p->error = errno;
		return false;
	}
	if (len == 0) {
		p->lost = true;
		p->error = 0;
		return false;
	}
	if (!net_wanted(p->net, rx->iov + rx->first_iov, rx->iovs + 1))
		return true;
	if ((size_t)len <= rx->bytes) {
		if ((size_t)len > p->net->header)
			deliver(p, (size_t)len);
		return true;
	}
	/* Without mergeable buffers a frame that is too long is lost. */
	if (p->net->mergeable) {
		rx->held = (size_t)len;
		rx->held_at = rx->bytes;
	}
	return !p->net->mergeable;
}

/*
 * Without buffers: stops looking at the tap until there are some. Returns
 * true if they came meanwhile.
 */
static bool
wait_for_buffers(struct net_pair *p)
{
	struct timeval patience = {0, PATIENCE};

	if (virtq_enable_kick(&net_queue(p, NET_RX)->vq)) {
		virtq_disable_kick(&net_queue(p, NET_RX)->vq);
		return true;
	}
	event_del(p->readable);
	if (p->rx.held > 0 && !event_pending(p->patience, EV_TIMEOUT, NULL))
		event_add(p->patience, &patience);
	return false;
}

void
net_receive(struct net_pair *p)
{
	struct virtq *q = &net_queue(p, NET_RX)->vq;
	struct net_rx *rx = &p->rx;
	unsigned frames = 0;

	if (p->net->gone || p->net->unplugged || p->lost) {
		event_del(p->readable);
		return;
	}
	event_add(p->readable, NULL);
	virtq_disable_kick(q);
	while (frames < NET_BATCH && q->broken == NULL) {
		/* A frame for which readv() has not enough places is lost. */
		if (!stage(p) && rx->held > rx->bytes)
			rx->held = 0;
		if (rx->held > 0 ? !finish_held(p) : rx->chains == 0) {
			if (!wait_for_buffers(p))
				break;
			continue;
		}
		if (!read_frame(p) && rx->held == 0)
			break;
		frames++;
	}
	/* More than a batch: the tap is still readable. */
	virtio_publish(&p->net->dev, net_queue(p, NET_RX)->index);
}

void
net_rx_give_up(struct net_pair *p)
{
	p->rx.held = 0;
	net_receive(p);
}

void
net_rx_drain(struct net_pair *p)
{
	struct virtq *q = &net_queue(p, NET_RX)->vq;
	struct net_rx *rx = &p->rx;
	struct virtq_chain c;

	while (rx->chains > 0) {
		rx->chains--;
		c.head = rx->chain[(rx->first + rx->chains) % NET_RX_IOV].head;
		virtq_unpop(q, &c);
	}
	rx->first = rx->first_iov = rx->iovs = 0;
	rx->bytes = 0;
	rx->held = 0;
	/* Somebody has to look at the buffers again. */
	virtio_kick(&p->net->dev, net_queue(p, NET_RX)->index);
}
