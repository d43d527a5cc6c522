/*
 * pci_legacy.c: the registers of virtio 0.9.5, in port BAR 0 (virtio 1.2,
 * 4.1.4.10): what OpenBSD before 6.2, SeaBIOS and old kernels speak.
 *
 *	 0 device features  4 driver features  8 queue address (page number)
 *	12 queue size  14 queue select  16 queue notify  18 status  19 ISR
 *	20 configuration vector  22 queue vector   only while MSI-X is enabled
 *	20 or 24 device configuration
 */
#include <string.h>

#include "backend/virtio/device.h"

#define REG_FEATURES      0
#define REG_DRIVER        4
#define REG_PFN           8
#define REG_SIZE          12
#define REG_SELECT        14
#define REG_STATUS        18
#define REG_ISR           19
#define REG_CONFIG_VECTOR 20
#define REG_QUEUE_VECTOR  22
#define REG_CONFIG        20
#define REG_CONFIG_MSIX   24

static void
put(uint8_t *p, uint64_t value, unsigned size)
{
	while (size-- > 0) {
		*p++ = (uint8_t)value;
		value >>= 8;
	}
}

/* The device configuration begins where the vectors leave room. */
static unsigned
config_at(const struct virtio_dev *dev)
{
	return pci_msix_enabled(dev->fn) ? REG_CONFIG_MSIX : REG_CONFIG;
}

static uint64_t
offered(const struct virtio_dev *dev)
{
	return dev->offered & ~dev->ops->modern_only;
}

/*
 * All registers but the ISR as they are now; config: where the configuration
 * begins, which another vcpu may be changing.
 */
static void
snapshot(struct virtio_dev *dev, unsigned config, uint8_t *regs)
{
	const struct virtio_queue *q = virtio_selected(dev);

	memset(regs, 0, VIRTIO_LEGACY_SIZE);
	put(regs + REG_FEATURES, offered(dev), 4);
	put(regs + REG_DRIVER, dev->features, 4);
	put(regs + REG_SELECT, dev->queue_select, 2);
	put(regs + REG_STATUS, dev->status, 1);
	if (q != NULL) {
		put(regs + REG_PFN, q->pfn, 4);
		put(regs + REG_SIZE, virtio_legacy_size(q), 2);
	}
	if (config == REG_CONFIG_MSIX) {
		put(regs + REG_CONFIG_VECTOR, dev->config_vector, 2);
		put(regs + REG_QUEUE_VECTOR,
		    q != NULL ? q->vector : VIRTIO_NO_VECTOR, 2);
	}
	memcpy(regs + config, dev->config, dev->ops->config_len);
}

uint64_t
virtio_legacy_read(void *arg, uint64_t offset, unsigned size)
{
	struct virtio_dev *dev = arg;
	uint8_t regs[VIRTIO_LEGACY_SIZE];
	uint64_t value = 0;
	unsigned config;

	if (offset == REG_ISR && size == 1)
		return virtio_read_isr(dev);
	if (offset >= sizeof regs || size > sizeof regs - offset)
		return 0;
	virtio_begin(dev);
	config = config_at(dev);
	if (offset >= config)
		virtio_read_config(dev, offset - config);
	snapshot(dev, config, regs);
	virtio_end(dev);
	while (size-- > 0)
		value = value << 8 | regs[offset + size];
	return value;
}

static void
write_config(
    struct virtio_dev *dev, uint64_t offset, unsigned size, uint64_t value)
{
	unsigned config = config_at(dev);

	if (offset >= config)
		virtio_write_config(dev, offset - config, size, value);
}

static void
write_vector(struct virtio_dev *dev, uint64_t offset, uint64_t value)
{
	struct virtio_queue *q = virtio_selected(dev);

	if (!pci_msix_enabled(dev->fn))
		return;
	if (offset == REG_CONFIG_VECTOR)
		dev->config_vector = virtio_vector(dev, value);
	else if (q != NULL)
		virtio_set_vector(dev, q, value);
}

void
virtio_legacy_write(void *arg, uint64_t offset, unsigned size, uint64_t value)
{
	struct virtio_dev *dev = arg;
	struct virtio_queue *q;

	/* Only if the guest missed the doorbell's ioeventfd. */
	if (offset == VIRTIO_LEGACY_NOTIFY) {
		if (value < dev->queues)
			virtio_kick(dev, (unsigned)value);
		return;
	}
	virtio_begin(dev);
	q = virtio_selected(dev);
	switch (offset) {
	case REG_DRIVER:
		/* A legacy driver knows only the offered bits' low half. */
		if (size == 4)
			virtio_set_features(
			    dev, 0, (uint32_t)(value & offered(dev)));
		break;
	case REG_PFN:
		if (size == 4 && q != NULL)
			virtio_queue_legacy(dev, q, (uint32_t)value);
		break;
	case REG_SELECT:
		if (size == 2)
			dev->queue_select = (uint16_t)value;
		break;
	case REG_STATUS:
		if (size == 1)
			virtio_set_status(dev, (uint8_t)value, true);
		break;
	case REG_CONFIG_VECTOR:
	case REG_QUEUE_VECTOR:
		if (size == 2)
			write_vector(dev, offset, value);
		write_config(dev, offset, size, value);
		break;
	default:
		write_config(dev, offset, size, value);
		break;
	}
	virtio_end(dev);
}
