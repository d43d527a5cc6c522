/*
 * pci.c: the modern face of a virtio device (virtio 1.2, 4.1), its doorbells,
 * and its place on the bus.
 *
 *	BAR 0  ports   legacy registers (pci_legacy.c)
 *	BAR 1  memory  MSI-X table and pending bits (the bus answers)
 *	BAR 4  memory  0x0000 common configuration   0x1000 ISR
 *	               0x2000 device configuration   0x3000 doorbells, 4 bytes a
 *	                                                    queue
 */
#include <stddef.h>
#include <string.h>

#include "backend/virtio/device.h"

#define BAR_LEGACY 0
#define BAR_MSIX   1
#define BAR_MODERN 4

#define AT_COMMON   0x0000u
#define AT_ISR      0x1000u
#define AT_CONFIG   0x2000u
#define AT_NOTIFY   VIRTIO_MODERN_NOTIFY
#define MODERN_SIZE 0x4000u
#define NOTIFY_STEP VIRTIO_NOTIFY_STEP

/* Types of capability (4.1.4). */
#define PCI_CAP_VENDOR 9
#define CAP_COMMON     1
#define CAP_NOTIFY     2
#define CAP_ISR        3
#define CAP_DEVICE     4
#define CAP_WINDOW     5

/* A capability as it lies in configuration space, from its first byte. */
#define CAP_BAR    4
#define CAP_OFFSET 8
#define CAP_LENGTH 12
#define CAP_DATA   16
#define CAP_SIZE   16
#define CAP_LONGER 20

/* Offsets in the common configuration (4.1.4.3). */
#define REG_DEVICE_SELECT 0x00
#define REG_DEVICE        0x04
#define REG_DRIVER_SELECT 0x08
#define REG_DRIVER        0x0c
#define REG_CONFIG_VECTOR 0x10
#define REG_QUEUES        0x12
#define REG_STATUS        0x14
#define REG_GENERATION    0x15
#define REG_SELECT        0x16
#define REG_SIZE          0x18
#define REG_QUEUE_VECTOR  0x1a
#define REG_ENABLE        0x1c
#define REG_NOTIFY_OFF    0x1e
#define REG_DESC          0x20
#define REG_AVAIL         0x28
#define REG_USED          0x30
#define COMMON_SIZE       0x38

static void
put(uint8_t *p, uint64_t value, unsigned size)
{
	while (size-- > 0) {
		*p++ = (uint8_t)value;
		value >>= 8;
	}
}

static uint64_t
get(const uint8_t *p, unsigned size)
{
	uint64_t value = 0;

	while (size-- > 0)
		value = value << 8 | p[size];
	return value;
}

/* The common configuration as it is now. */
static void
snapshot(struct virtio_dev *dev, uint8_t regs[COMMON_SIZE])
{
	const struct virtio_queue *q = virtio_selected(dev);
	uint64_t offered = dev->offered & ~VIRTIO_F_ANY_LAYOUT;

	memset(regs, 0, COMMON_SIZE);
	put(regs + REG_DEVICE_SELECT, dev->device_select, 4);
	if (dev->device_select < 2)
		put(regs + REG_DEVICE, offered >> (32 * dev->device_select), 4);
	put(regs + REG_DRIVER_SELECT, dev->driver_select, 4);
	if (dev->driver_select < 2)
		put(regs + REG_DRIVER,
		    dev->features >> (32 * dev->driver_select), 4);
	put(regs + REG_CONFIG_VECTOR, dev->config_vector, 2);
	put(regs + REG_QUEUES, dev->queues, 2);
	put(regs + REG_STATUS, dev->status, 1);
	put(regs + REG_GENERATION, dev->generation, 1);
	put(regs + REG_SELECT, dev->queue_select, 2);
	if (q == NULL)
		return;
	put(regs + REG_SIZE, q->vq.size, 2);
	put(regs + REG_QUEUE_VECTOR, q->vector, 2);
	put(regs + REG_ENABLE, q->vq.ready, 2);
	put(regs + REG_NOTIFY_OFF, q->index, 2);
	put(regs + REG_DESC, q->vq.desc_gpa, 8);
	put(regs + REG_AVAIL, q->vq.avail_gpa, 8);
	put(regs + REG_USED, q->vq.used_gpa, 8);
}

/* Half of an address, or all of it, while the queue is not enabled. */
static void
write_address(uint64_t *gpa, uint64_t at, unsigned size, uint64_t value)
{
	uint8_t bytes[8];

	if ((size != 4 && size != 8) || at % size != 0)
		return;
	put(bytes, *gpa, 8);
	put(bytes + at, value, size);
	*gpa = get(bytes, 8);
}

/* Registers of the selected queue. */
static void
write_queue(struct virtio_dev *dev, struct virtio_queue *q, uint64_t at,
    unsigned size, uint64_t value)
{
	if (at == REG_QUEUE_VECTOR && size == 2) {
		virtio_set_vector(dev, q, value);
		return;
	}
	/* The driver may not change an enabled queue (4.1.4.3.2). */
	if (q->vq.ready)
		return;
	if (at == REG_SIZE && size == 2) {
		if (value > 0 && value <= q->vq.max &&
		    (value & (value - 1)) == 0)
			q->vq.size = (uint16_t)value;
	} else if (at == REG_ENABLE && size == 2) {
		if (value == 1)
			virtio_queue_enable(dev, q);
	} else if (at >= REG_USED) {
		write_address(&q->vq.used_gpa, at - REG_USED, size, value);
	} else if (at >= REG_AVAIL) {
		write_address(&q->vq.avail_gpa, at - REG_AVAIL, size, value);
	} else if (at >= REG_DESC) {
		write_address(&q->vq.desc_gpa, at - REG_DESC, size, value);
	}
}

static void
write_common(struct virtio_dev *dev, uint64_t at, unsigned size, uint64_t value)
{
	struct virtio_queue *q;

	if (at == REG_DEVICE_SELECT && size == 4) {
		dev->device_select = (uint32_t)value;
	} else if (at == REG_DRIVER_SELECT && size == 4) {
		dev->driver_select = (uint32_t)value;
	} else if (at == REG_DRIVER && size == 4) {
		virtio_set_features(dev, dev->driver_select, (uint32_t)value);
	} else if (at == REG_CONFIG_VECTOR && size == 2) {
		dev->config_vector = virtio_vector(dev, value);
	} else if (at == REG_STATUS && size == 1) {
		virtio_set_status(dev, (uint8_t)value, false);
	} else if (at == REG_SELECT && size == 2) {
		dev->queue_select = (uint16_t)value;
	} else if (at >= REG_SIZE) {
		q = virtio_selected(dev);
		if (q != NULL)
			write_queue(dev, q, at, size, value);
	}
}

static uint64_t
modern_read(void *arg, uint64_t offset, unsigned size)
{
	struct virtio_dev *dev = arg;
	uint8_t regs[COMMON_SIZE];
	uint64_t value = 0;

	if (offset == AT_ISR && size == 1)
		return virtio_read_isr(dev);
	virtio_begin(dev);
	if (offset < COMMON_SIZE && size <= COMMON_SIZE - offset) {
		snapshot(dev, regs);
		value = get(regs + offset, size);
	} else if (offset >= AT_CONFIG && offset < AT_NOTIFY &&
	    offset - AT_CONFIG + size <= dev->ops->config_len) {
		virtio_read_config(dev, offset - AT_CONFIG);
		value = get(dev->config + (offset - AT_CONFIG), size);
	}
	virtio_end(dev);
	return value;
}

static void
modern_write(void *arg, uint64_t offset, unsigned size, uint64_t value)
{
	struct virtio_dev *dev = arg;

	if (offset >= AT_NOTIFY) {
		/* Only if the guest missed the doorbell's ioeventfd. */
		offset = (offset - AT_NOTIFY) / NOTIFY_STEP;
		if (offset < dev->queues)
			virtio_kick(dev, (unsigned)offset);
		return;
	}
	virtio_begin(dev);
	if (offset < COMMON_SIZE)
		write_common(dev, offset, size, value);
	else if (offset >= AT_CONFIG &&
	    (dev->status & VIRTIO_S_FEATURES_OK) != 0)
		/* Before that a driver only looks at it (3.1.1). */
		virtio_write_config(dev, offset - AT_CONFIG, size, value);
	virtio_end(dev);
}

static void
bar_moved(void *arg, unsigned bar, uint64_t base, bool mapped)
{
	struct virtio_dev *dev = arg;

	if (bar == BAR_MSIX)
		return;
	virtio_begin(dev);
	virtio_bar_moved(dev, bar == BAR_LEGACY ? VIRTIO_LEGACY : VIRTIO_MODERN,
	    base, mapped);
	virtio_end(dev);
}

/* The BAR's handlers, if the window may look there (4.1.4.9.1). */
static const struct io_ops *
window_ops(const struct virtio_dev *dev)
{
	const struct pci_bar *b;
	uint32_t len = dev->window.length;

	if (dev->window.bar != BAR_LEGACY && dev->window.bar != BAR_MODERN)
		return NULL;
	b = &dev->pci.bar[dev->window.bar];
	if ((len != 1 && len != 2 && len != 4) ||
	    dev->window.offset % len != 0 || dev->window.offset >= b->size)
		return NULL;
	return b->ops;
}

static bool
in_window(const struct virtio_dev *dev, unsigned offset, unsigned *at)
{
	*at = offset - dev->window.at;
	return dev->window.at != 0 && offset >= dev->window.at + CAP_BAR &&
	    offset < dev->window.at + CAP_LONGER;
}

static bool
config_read(void *arg, unsigned offset, unsigned size, uint32_t *value)
{
	struct virtio_dev *dev = arg;
	const struct io_ops *ops;
	uint8_t cap[CAP_LONGER] = {0};
	uint64_t data;
	unsigned at;

	if (!in_window(dev, offset, &at))
		return false;
	virtio_begin(dev);
	cap[CAP_BAR] = dev->window.bar;
	put(cap + CAP_OFFSET, dev->window.offset, 4);
	put(cap + CAP_LENGTH, dev->window.length, 4);
	ops = window_ops(dev);
	virtio_end(dev);
	if (at >= CAP_DATA && ops != NULL) {
		data = ops->read(dev, get(cap + CAP_OFFSET, 4),
		    (unsigned)get(cap + CAP_LENGTH, 4));
		put(cap + CAP_DATA, data, 4);
	}
	*value = (uint32_t)get(cap + at, size);
	return true;
}

static bool
config_write(void *arg, unsigned offset, unsigned size, uint32_t value)
{
	struct virtio_dev *dev = arg;
	const struct io_ops *ops;
	uint8_t cap[CAP_LONGER] = {0};
	uint32_t to, len;
	unsigned at;

	if (!in_window(dev, offset, &at))
		return false;
	virtio_begin(dev);
	cap[CAP_BAR] = dev->window.bar;
	put(cap + CAP_OFFSET, dev->window.offset, 4);
	put(cap + CAP_LENGTH, dev->window.length, 4);
	put(cap + at, value, size);
	dev->window.bar = cap[CAP_BAR];
	to = dev->window.offset = (uint32_t)get(cap + CAP_OFFSET, 4);
	len = dev->window.length = (uint32_t)get(cap + CAP_LENGTH, 4);
	ops = window_ops(dev);
	virtio_end(dev);
	if (at == CAP_DATA && size >= len && ops != NULL)
		ops->write(dev, to, len, get(cap + CAP_DATA, len));
	return true;
}

static void
msix_switched(void *arg)
{
	struct virtio_dev *dev = arg;

	virtio_begin(dev);
	if (dev->ops->rerouted != NULL)
		dev->ops->rerouted(dev);
	virtio_end(dev);
}

static void
pci_reset(void *arg)
{
	struct virtio_dev *dev = arg;

	virtio_begin(dev);
	virtio_dev_reset(dev);
	dev->window.bar = 0;
	dev->window.offset = dev->window.length = 0;
	virtio_end(dev);
}

static void
pci_save(void *arg, struct state_writer *w)
{
	virtio_dev_save(arg, w);
}

static int
pci_load(void *arg, struct state_reader *r, struct error *err)
{
	return virtio_dev_load(arg, r, err);
}

static void
pci_destroy(void *arg)
{
	struct virtio_dev *dev = arg;

	if (dev->ops->destroy != NULL)
		dev->ops->destroy(dev);
	virtio_dev_free(dev);
}

static const struct io_ops legacy_ops = {
    .read = virtio_legacy_read, .write = virtio_legacy_write};
static const struct io_ops modern_ops = {
    .read = modern_read, .write = modern_write};

static void
fill_pci_ops(struct virtio_dev *dev)
{
	uint16_t vendor =
	    dev->ops->pci_vendor != 0 ? dev->ops->pci_vendor : VIRTIO_VENDOR;

	dev->pci = (struct pci_fn_ops){
	    .name = dev->ops->name,
	    .vendor = vendor,
	    .device = dev->ops->pci_device,
	    .subvendor = vendor,
	    .subdevice = dev->ops->type,
	    .class_code = dev->ops->class_code,
	    .intx = true,
	    .bar[BAR_LEGACY] = {PCI_BAR_PIO, VIRTIO_LEGACY_SIZE, &legacy_ops},
	    .bar_moved = bar_moved,
	    .config_read = config_read,
	    .config_write = config_write,
	    .msix_switched = msix_switched,
	    .reset = pci_reset,
	    .save = pci_save,
	    .load = pci_load,
	    .destroy = pci_destroy,
	};
	if (dev->ops->legacy_only)
		return;
	dev->pci.bar[BAR_MSIX] = (struct pci_bar){PCI_BAR_MEM32, 0x1000, NULL};
	dev->pci.bar[BAR_MODERN] =
	    (struct pci_bar){PCI_BAR_MEM32, MODERN_SIZE, &modern_ops};
}

/* Returns where the capability is, or -1. last: its fifth word, if it has one.
 */
static int
add_capability(struct virtio_dev *dev, unsigned size, uint8_t type,
    uint32_t offset, uint32_t length, uint32_t last)
{
	uint8_t cap[CAP_LONGER] = {0};

	cap[2] = (uint8_t)size;
	cap[3] = type;
	cap[CAP_BAR] = type == CAP_WINDOW ? 0 : BAR_MODERN;
	put(cap + CAP_OFFSET, offset, 4);
	put(cap + CAP_LENGTH, length, 4);
	put(cap + CAP_DATA, last, 4);
	return pci_add_capability(
	    dev->fn, PCI_CAP_VENDOR, cap + 2, size - 2, NULL);
}

static int
add_capabilities(struct virtio_dev *dev, struct error *err)
{
	const struct virtio_ops *ops = dev->ops;
	int at;

	if (pci_add_msix(dev->fn, BAR_MSIX, 0, dev->queues + 1, err) == -1)
		return -1;
	if (add_capability(
		dev, CAP_SIZE, CAP_COMMON, AT_COMMON, COMMON_SIZE, 0) == -1 ||
	    add_capability(dev, CAP_SIZE, CAP_ISR, AT_ISR, 1, 0) == -1 ||
	    (ops->config_len > 0 &&
		add_capability(dev, CAP_SIZE, CAP_DEVICE, AT_CONFIG,
		    ops->config_len, 0) == -1) ||
	    add_capability(dev, CAP_LONGER, CAP_NOTIFY, AT_NOTIFY,
		dev->queues * NOTIFY_STEP, NOTIFY_STEP) == -1)
		goto full;
	at = add_capability(dev, CAP_LONGER, CAP_WINDOW, 0, 0, 0);
	if (at == -1)
		goto full;
	dev->window.at = (unsigned)at;
	return 0;
full:
	return error_set(err, "%s: no room for its capabilities", ops->name);
}

int
virtio_dev_create(struct virtio_dev *dev, struct pci_bus *bus,
    const struct virtio_ops *ops, uint64_t features, struct error *err)
{
	dev->machine = pci_bus_machine(bus);
	if (virtio_dev_init(
		dev, machine_mem(dev->machine), ops, features, err) == -1) {
		pci_destroy(dev);
		return -1;
	}
	fill_pci_ops(dev);
	if (pci_add(bus, -1, &dev->pci, dev, &dev->fn, err) == -1)
		return -1;
	return ops->legacy_only ? 0 : add_capabilities(dev, err);
}
