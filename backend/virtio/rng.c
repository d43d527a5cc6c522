/*
 * rng.c: entropy (virtio 1.2, 5.4): fills buffers from getrandom(), on the
 * main loop.
 */
#include <event2/event.h>
#include <stdlib.h>
#include <sys/random.h>

#include "backend/virtio/device.h"

#define BATCH       64 /* requests before others have their turn */
#define MOST        4096 /* bytes a request; the driver asks again for more */
#define RETRY_AFTER 100000 /* us, while the host gathers its first entropy */

struct rng {
	struct virtio_dev dev;
	struct event *retry;
};

static void
on_retry(evutil_socket_t fd, short what, void *arg)
{
	struct rng *r = arg;

	virtio_kick(&r->dev, 0);
}

/* Fills the buffers. Returns the bytes written, 0 if the host has none yet. */
static uint32_t
fill(const struct virtq_chain *c)
{
	const struct iovec *v = c->iov + c->outs;
	uint32_t done = 0;
	unsigned i;
	size_t want;
	ssize_t n;

	for (i = 0; i < c->ins && done < MOST; i++) {
		want = v[i].iov_len;
		if (want > MOST - done)
			want = MOST - done;
		n = getrandom(v[i].iov_base, want, GRND_NONBLOCK);
		if (n <= 0)
			break;
		done += (uint32_t)n;
		if ((size_t)n < want)
			break;
	}
	return done;
}

static void
rng_notify(struct virtio_dev *dev, unsigned queue)
{
	struct rng *r = (struct rng *)dev;
	struct virtq *q = &dev->queue[queue].vq;
	struct virtq_chain c = {.iov = q->iov, .room = q->max};
	struct timeval later = {0, RETRY_AFTER};
	unsigned batch = 0;
	uint32_t len;

	virtq_disable_kick(q);
	do {
		while (batch < BATCH && virtq_pop(q, &c)) {
			len = fill(&c);
			if (len == 0 && c.in_len > 0) {
				virtq_unpop(q, &c);
				event_add(r->retry, &later);
				goto out;
			}
			virtq_push(q, c.head, len);
			virtio_count(&dev->figures.in_bytes, len);
			virtio_count(&dev->figures.in_ops, 1);
			batch++;
		}
		if (batch == BATCH) {
			virtio_kick(dev, queue);
			break;
		}
	} while (virtq_enable_kick(q));
out:
	virtio_publish(dev, queue);
}

static void
rng_destroy(struct virtio_dev *dev)
{
	struct rng *r = (struct rng *)dev;

	if (r->retry != NULL)
		event_free(r->retry);
}

static const struct virtio_ops rng_ops = {
    .name = "virtio-rng",
    .type = VIRTIO_ID_RNG,
    .pci_device = VIRTIO_PCI_RNG,
    .class_code = 0x00ff00,
    .queues = 1,
    .notify = rng_notify,
    .destroy = rng_destroy,
};

int
virtio_rng_create(struct pci_bus *bus, struct event_base *base,
    struct virtio_dev **dev, struct error *err)
{
	struct rng *r = calloc(1, sizeof *r);

	if (r == NULL)
		return error_set(err, "virtio-rng: out of memory");
	r->retry = event_new(base, -1, 0, on_retry, r);
	if (virtio_dev_create(&r->dev, bus, &rng_ops, 0, err) == -1)
		return -1;
	if (r->retry == NULL)
		return error_set(err, "virtio-rng: out of memory");
	if (virtio_listen(&r->dev, base, err) == -1)
		return -1;
	if (dev != NULL)
		*dev = &r->dev;
	return 0;
}
