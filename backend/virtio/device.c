/*
 * device.c: what all virtio devices have in common, whatever face the driver
 * uses: status, features, queues, interrupts, save and load.
 */
#include <errno.h>
#include <event2/event.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "backend/virtio/device.h"

int
virtio_dev_init(struct virtio_dev *dev, const struct guestmem *mem,
    const struct virtio_ops *ops, uint64_t features, struct error *err)
{
	struct virtio_queue *q;
	unsigned i;

	dev->ops = ops;
	if (dev->queues == 0)
		dev->queues = ops->queues;
	dev->offered = features;
	if (!ops->legacy_only)
		dev->offered |= VIRTIO_F_ANY_LAYOUT | VIRTIO_F_INDIRECT_DESC |
		    VIRTIO_F_EVENT_IDX | VIRTIO_F_VERSION_1;
	dev->config_vector = VIRTIO_NO_VECTOR;
	pthread_mutex_init(&dev->lock, NULL);
	for (i = 0; i < dev->queues; i++)
		dev->queue[i].kick_fd = -1;
	for (i = 0; i < dev->queues; i++) {
		q = &dev->queue[i];
		q->dev = dev;
		q->index = i;
		q->vector = VIRTIO_NO_VECTOR;
		if (virtq_init(&q->vq, mem,
			ops->queue_size != 0 ? ops->queue_size
					     : VIRTIO_QUEUE_SIZE) == -1)
			return error_set(err, "%s: out of memory", ops->name);
		q->kick_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
		if (q->kick_fd == -1)
			return error_set(err, "%s: no eventfd for a queue: %s",
			    ops->name, strerror(errno));
	}
	return 0;
}

void
virtio_dev_free(struct virtio_dev *dev)
{
	struct virtio_queue *q;
	unsigned i;

	for (i = 0; i < dev->queues; i++) {
		q = &dev->queue[i];
		if (q->event != NULL)
			event_free(q->event);
		if (q->kick_fd != -1)
			close(q->kick_fd);
		virtq_free(&q->vq);
	}
	pthread_mutex_destroy(&dev->lock);
	free(dev);
}

static void
on_kick(evutil_socket_t fd, short what, void *arg)
{
	struct virtio_queue *q = arg;
	uint64_t kicks;

	if (read(fd, &kicks, sizeof kicks) == -1)
		return;
	virtio_begin(q->dev);
	if (virtio_usable(q->dev, q->index))
		q->dev->ops->notify(q->dev, q->index);
	virtio_end(q->dev);
}

int
virtio_listen(
    struct virtio_dev *dev, struct event_base *base, struct error *err)
{
	struct virtio_queue *q;
	unsigned i;

	for (i = 0; i < dev->queues; i++) {
		q = &dev->queue[i];
		q->event = event_new(
		    base, q->kick_fd, EV_READ | EV_PERSIST, on_kick, q);
		if (q->event == NULL || event_add(q->event, NULL) == -1)
			return error_set(
			    err, "%s: out of memory", dev->ops->name);
	}
	return 0;
}

/*
 * An interrupt by MSI-X or by the pin. The level follows the ISR, which the
 * driver clears without our lock: see virtio_read_isr().
 */
static void
interrupt(struct virtio_dev *dev, uint16_t vector, uint8_t isr)
{
	if (pci_msix_enabled(dev->fn)) {
		if (vector != VIRTIO_NO_VECTOR)
			pci_msix_send(dev->fn, vector);
		return;
	}
	atomic_fetch_or(&dev->isr, isr);
	pci_intx_set(dev->fn, true);
}

void
virtio_interrupt(struct virtio_dev *dev, unsigned queue)
{
	interrupt(dev, dev->queue[queue].vector, VIRTIO_ISR_QUEUE);
}

int
virtio_interrupt_fd(struct virtio_dev *dev, unsigned queue)
{
	uint16_t vector = dev->queue[queue].vector;

	if (vector == VIRTIO_NO_VECTOR || !pci_msix_enabled(dev->fn))
		return -1;
	return pci_msix_fd(dev->fn, vector);
}

uint8_t
virtio_read_isr(struct virtio_dev *dev)
{
	uint8_t isr = atomic_exchange(&dev->isr, 0);

	pci_intx_set(dev->fn, false);
	/* One that came between the two lines must not be lost. */
	if (atomic_load(&dev->isr) != 0)
		pci_intx_set(dev->fn, true);
	return isr;
}

void
virtio_begin(struct virtio_dev *dev)
{
	pthread_mutex_lock(&dev->lock);
}

void
virtio_end(struct virtio_dev *dev)
{
	const char *why;
	unsigned i;

	for (i = 0; i < dev->queues; i++) {
		why = dev->queue[i].vq.broken;
		if (why == NULL || (dev->status & VIRTIO_S_NEEDS_RESET) != 0)
			continue;
		log_guest(&dev->quiet, "%s, queue %u: %s; it waits for a reset",
		    dev->ops->name, i, why);
		dev->status |= VIRTIO_S_NEEDS_RESET;
		if ((dev->status & VIRTIO_S_DRIVER_OK) != 0)
			interrupt(dev, dev->config_vector, VIRTIO_ISR_CONFIG);
	}
	pthread_mutex_unlock(&dev->lock);
}

void
virtio_kick(struct virtio_dev *dev, unsigned queue)
{
	uint64_t one = 1;
	ssize_t n;

	/* It fails only when there is a kick already. */
	n = write(dev->queue[queue].kick_fd, &one, sizeof one);
	(void)n;
}

void
virtio_publish(struct virtio_dev *dev, unsigned queue)
{
	struct virtio_queue *q = &dev->queue[queue];

	if (virtq_publish(&q->vq))
		interrupt(dev, q->vector, VIRTIO_ISR_QUEUE);
}

void
virtio_config_changed(struct virtio_dev *dev)
{
	dev->generation++;
	if ((dev->status & VIRTIO_S_DRIVER_OK) != 0)
		interrupt(dev, dev->config_vector, VIRTIO_ISR_CONFIG);
}

void
virtio_thaw(struct virtio_dev *dev)
{
	unsigned i;

	virtio_begin(dev);
	for (i = 0; dev->started && i < dev->queues; i++)
		if (dev->queue[i].vq.ready)
			virtio_kick(dev, i);
	virtio_end(dev);
}

void
virtio_still(struct virtio_dev *dev)
{
	virtio_begin(dev);
	if (dev->ops->drain != NULL)
		dev->ops->drain(dev);
	virtio_end(dev);
}

static void
apply_features(struct virtio_dev *dev, struct virtio_queue *q)
{
	q->vq.event_idx = (dev->features & VIRTIO_F_EVENT_IDX) != 0;
	q->vq.indirect = (dev->features & VIRTIO_F_INDIRECT_DESC) != 0;
}

static void
start(struct virtio_dev *dev)
{
	unsigned i;

	/* A legacy driver that began too early: nothing changes meanwhile. */
	if (dev->started && dev->ops->drain != NULL)
		dev->ops->drain(dev);
	dev->features &= dev->offered;
	for (i = 0; i < dev->queues; i++)
		apply_features(dev, &dev->queue[i]);
	if (dev->ops->start != NULL)
		dev->ops->start(dev);
	dev->started = true;
	/* What became available before this had nobody to look at it. */
	for (i = 0; i < dev->queues; i++)
		if (dev->queue[i].vq.ready)
			virtio_kick(dev, i);
}

bool
virtio_usable(struct virtio_dev *dev, unsigned queue)
{
	const struct virtq *q = &dev->queue[queue].vq;

	if (!q->ready || q->broken != NULL || machine_frozen(dev->machine))
		return false;
	/* Legacy drivers use queues before they say so (3.1.2). */
	if (!dev->started && dev->legacy)
		start(dev);
	return dev->started;
}

/* Before a queue stops: nobody touches the driver's memory any more. */
static void
drain_and_drop(struct virtio_dev *dev)
{
	if (dev->ops->drain != NULL)
		dev->ops->drain(dev);
	if (dev->ops->drop != NULL)
		dev->ops->drop(dev);
}

void
virtio_dev_reset(struct virtio_dev *dev)
{
	struct virtio_queue *q;
	unsigned i;

	drain_and_drop(dev);
	if (dev->ops->reset != NULL)
		dev->ops->reset(dev);
	for (i = 0; i < dev->queues; i++) {
		q = &dev->queue[i];
		virtq_reset(&q->vq);
		q->vector = VIRTIO_NO_VECTOR;
		q->pfn = 0;
	}
	dev->status = 0;
	dev->legacy = dev->started = false;
	dev->features = 0;
	dev->device_select = dev->driver_select = 0;
	dev->queue_select = 0;
	dev->config_vector = VIRTIO_NO_VECTOR;
	atomic_store(&dev->isr, 0);
	pci_intx_set(dev->fn, false);
}

/* May the driver have what it chose (2.2, 6.2)? */
static bool
features_ok(const struct virtio_dev *dev)
{
	return (dev->features & ~dev->offered) == 0 &&
	    (dev->features & VIRTIO_F_VERSION_1) != 0;
}

void
virtio_set_status(struct virtio_dev *dev, uint8_t status, bool legacy)
{
	uint8_t added;

	if (status == 0) {
		virtio_dev_reset(dev);
		return;
	}
	/* Bits go up one by one; only a reset takes them back (2.1.1). */
	added = status & (uint8_t) ~(dev->status | VIRTIO_S_NEEDS_RESET);
	if ((added & VIRTIO_S_FEATURES_OK) != 0 && !features_ok(dev))
		added &= (uint8_t)~VIRTIO_S_FEATURES_OK;
	if (!legacy && ((dev->status | added) & VIRTIO_S_FEATURES_OK) == 0)
		added &= (uint8_t)~VIRTIO_S_DRIVER_OK;
	dev->status |= added;
	if ((added & VIRTIO_S_DRIVER_OK) != 0)
		start(dev);
}

void
virtio_set_features(struct virtio_dev *dev, unsigned word, uint32_t value)
{
	uint64_t shift = 32 * word;

	if (word > 1 || (dev->status & VIRTIO_S_FEATURES_OK) != 0 ||
	    (dev->status & VIRTIO_S_DRIVER_OK) != 0)
		return;
	dev->features &= ~(0xffffffffULL << shift);
	dev->features |= (uint64_t)value << shift;
}

void
virtio_queue_enable(struct virtio_dev *dev, struct virtio_queue *q)
{
	if (q->vq.ready)
		return;
	apply_features(dev, q);
	if (virtq_start(&q->vq) == -1)
		return;
	virtio_doorbell(q, q->pfn != 0 ? VIRTIO_LEGACY : VIRTIO_MODERN);
	if (dev->started)
		virtio_kick(dev, q->index);
}

void
virtio_queue_legacy(
    struct virtio_dev *dev, struct virtio_queue *q, uint32_t pfn)
{
	if (q->vq.ready)
		drain_and_drop(dev);
	virtq_reset(&q->vq);
	q->vq.size = virtio_legacy_size(q);
	q->pfn = pfn;
	if (pfn == 0)
		return;
	dev->legacy = true;
	virtq_set_legacy(&q->vq, (uint64_t)pfn << 12);
	virtio_queue_enable(dev, q);
}

uint16_t
virtio_legacy_size(const struct virtio_queue *q)
{
	return q->vq.max < VIRTIO_QUEUE_SIZE ? q->vq.max : VIRTIO_QUEUE_SIZE;
}

uint16_t
virtio_vector(const struct virtio_dev *dev, uint64_t value)
{
	/* One a queue and one for the configuration. */
	return value <= dev->queues ? (uint16_t)value : VIRTIO_NO_VECTOR;
}

void
virtio_set_vector(
    struct virtio_dev *dev, struct virtio_queue *q, uint64_t value)
{
	q->vector = virtio_vector(dev, value);
	if (dev->ops->rerouted != NULL)
		dev->ops->rerouted(dev);
}

void
virtio_read_config(struct virtio_dev *dev, uint64_t offset)
{
	if (dev->ops->config_read != NULL && offset < dev->ops->config_len)
		dev->ops->config_read(dev, (unsigned)offset);
}

void
virtio_write_config(
    struct virtio_dev *dev, uint64_t offset, unsigned size, uint64_t value)
{
	unsigned len = dev->ops->config_len;

	if (dev->ops->config_write != NULL && offset < len &&
	    size <= len - offset)
		dev->ops->config_write(dev, (unsigned)offset, size, value);
}

struct virtio_queue *
virtio_selected(struct virtio_dev *dev)
{
	if (dev->queue_select >= dev->queues)
		return NULL;
	return &dev->queue[dev->queue_select];
}

unsigned
virtio_slot(const struct virtio_dev *dev)
{
	return pci_slot(dev->fn);
}

const struct virtio_figures *
virtio_figures(const struct virtio_dev *dev)
{
	return &dev->figures;
}

static void
save_queue(const struct virtio_queue *q, struct state_writer *w)
{
	state_put_u16(w, q->vq.size);
	state_put_u8(w, q->vq.ready);
	state_put_u16(w, q->vector);
	state_put_u32(w, q->pfn);
	state_put_u64(w, q->vq.desc_gpa);
	state_put_u64(w, q->vq.avail_gpa);
	state_put_u64(w, q->vq.used_gpa);
	state_put_u16(w, q->vq.next_avail);
	state_put_u16(w, q->vq.published);
	state_put_u64(w, q->vq.done);
}

void
virtio_dev_save(struct virtio_dev *dev, struct state_writer *w)
{
	unsigned i;

	virtio_begin(dev);
	if (dev->ops->drain != NULL)
		dev->ops->drain(dev);
	state_put_u64(w, dev->features);
	state_put_u8(w, dev->status);
	state_put_u8(w, atomic_load(&dev->isr));
	state_put_u8(w, dev->generation);
	state_put_u8(w, dev->legacy);
	state_put_u8(w, dev->started);
	state_put_u32(w, dev->device_select);
	state_put_u32(w, dev->driver_select);
	state_put_u16(w, dev->queue_select);
	state_put_u16(w, dev->config_vector);
	state_put_u8(w, dev->window.bar);
	state_put_u32(w, dev->window.offset);
	state_put_u32(w, dev->window.length);
	state_put_u8(w, (uint8_t)dev->queues);
	for (i = 0; i < dev->queues; i++)
		save_queue(&dev->queue[i], w);
	if (dev->ops->save != NULL)
		dev->ops->save(dev, w);
	virtio_end(dev);
}

static int
load_queue(
    struct virtio_dev *dev, struct virtio_queue *q, struct state_reader *r)
{
	bool ready;

	virtq_reset(&q->vq);
	q->vq.size = state_get_u16(r);
	ready = state_get_u8(r) != 0;
	q->vector = virtio_vector(dev, state_get_u16(r));
	q->pfn = state_get_u32(r);
	q->vq.desc_gpa = state_get_u64(r);
	q->vq.avail_gpa = state_get_u64(r);
	q->vq.used_gpa = state_get_u64(r);
	q->vq.next_avail = q->vq.avail_seen = state_get_u16(r);
	q->vq.next_used = q->vq.published = state_get_u16(r);
	q->vq.done = state_get_u64(r);
	if (ready) {
		if (virtq_start(&q->vq) == -1)
			return -1;
		virtio_doorbell(q, q->pfn != 0 ? VIRTIO_LEGACY : VIRTIO_MODERN);
		return 0;
	}
	/* A driver may have written any size, but only one that there is. */
	return q->vq.size <= q->vq.max ? 0 : -1;
}

int
virtio_dev_load(
    struct virtio_dev *dev, struct state_reader *r, struct error *err)
{
	bool ok, started;
	unsigned i;

	virtio_begin(dev);
	virtio_dev_reset(dev);
	dev->features = state_get_u64(r);
	dev->status = state_get_u8(r);
	atomic_store(&dev->isr, state_get_u8(r));
	dev->generation = state_get_u8(r);
	dev->legacy = state_get_u8(r) != 0;
	started = state_get_u8(r) != 0;
	dev->device_select = state_get_u32(r);
	dev->driver_select = state_get_u32(r);
	dev->queue_select = state_get_u16(r);
	dev->config_vector = virtio_vector(dev, state_get_u16(r));
	dev->window.bar = state_get_u8(r);
	dev->window.offset = state_get_u32(r);
	dev->window.length = state_get_u32(r);
	ok = state_get_u8(r) == dev->queues;
	for (i = 0; ok && i < dev->queues; i++)
		ok = load_queue(dev, &dev->queue[i], r) == 0;
	if (ok && dev->ops->load != NULL)
		ok = dev->ops->load(dev, r) == 0;
	if (started && (dev->features & ~dev->offered) != 0)
		ok = false;
	if (r->bad || !ok) {
		virtio_dev_reset(dev);
		virtio_end(dev);
		return error_set(err,
		    "%s: its part of the saved state does not fit this device",
		    dev->ops->name);
	}
	pci_intx_set(dev->fn, atomic_load(&dev->isr) != 0);
	if (started)
		start(dev);
	virtio_end(dev);
	return 0;
}
