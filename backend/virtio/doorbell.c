/*
 * doorbell.c: ioeventfds behind the notify registers of both faces.
 *
 * A queue gets one when it is enabled, at the face that enabled it, and keeps
 * it until the BAR moves. Earlier would be no good: firmware and kernels move
 * BARs about while they look for devices, and taking an ioeventfd away costs
 * the host a grace period (16 ms each were seen). A kick without one comes to
 * the registers' handlers and does the same.
 */
#include "backend/virtio/device.h"

static struct ioeventfd
describe(const struct virtio_queue *q, unsigned face, uint64_t base)
{
	if (face == VIRTIO_LEGACY)
		return (struct ioeventfd){.pio = true,
		    .addr = base + VIRTIO_LEGACY_NOTIFY,
		    .size = 2,
		    .match = true,
		    .value = q->index,
		    .fd = q->kick_fd};
	/* Of any size: KVM then need not decode the instruction. */
	return (struct ioeventfd){
	    .addr = base + VIRTIO_MODERN_NOTIFY + VIRTIO_NOTIFY_STEP * q->index,
	    .fd = q->kick_fd};
}

void
virtio_doorbell(struct virtio_queue *q, unsigned face)
{
	struct virtio_dev *dev = q->dev;
	struct ioeventfd io;
	struct error err;

	if (q->bell[face] || !dev->bar[face].mapped)
		return;
	io = describe(q, face, dev->bar[face].base);
	if (ioeventfd_add(dev->machine, &io, &err) == -1)
		log_guest(&dev->quiet, "%s, queue %u: %s", dev->ops->name,
		    q->index, err.text);
	else
		q->bell[face] = true;
}

void
virtio_bar_moved(
    struct virtio_dev *dev, unsigned face, uint64_t base, bool mapped)
{
	struct virtio_queue *q;
	struct ioeventfd io;
	unsigned i;

	for (i = 0; i < dev->queues; i++) {
		q = &dev->queue[i];
		if (!q->bell[face])
			continue;
		io = describe(q, face, dev->bar[face].base);
		ioeventfd_remove(dev->machine, &io);
		q->bell[face] = false;
	}
	dev->bar[face].base = base;
	dev->bar[face].mapped = mapped;
	for (i = 0; i < dev->queues; i++) {
		q = &dev->queue[i];
		if (q->vq.ready && (q->pfn != 0) == (face == VIRTIO_LEGACY))
			virtio_doorbell(q, face);
	}
}
