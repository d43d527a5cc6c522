/*
 * transport.c: see transport.h.
 */
#include "cpu.h"
#include "irq.h"
#include "pci.h"
#include "transport.h"

/* Capabilities, virtio 1.2, 4.1.4 */
#define CAP_TYPE    3
#define CAP_BAR     4
#define CAP_OFFSET  8
#define CAP_STEP    16
#define TYPE_COMMON 1
#define TYPE_NOTIFY 2
#define TYPE_ISR    3
#define TYPE_DEVICE 4

/* Common configuration, 4.1.4.3 */
#define C_FEATURE_SELECT 0
#define C_FEATURE        4
#define C_DRIVER_SELECT  8
#define C_DRIVER         12
#define C_CONFIG_VECTOR  16
#define C_STATUS         20
#define C_QUEUE_SELECT   22
#define C_QUEUE_SIZE     24
#define C_QUEUE_VECTOR   26
#define C_QUEUE_ENABLE   28
#define C_QUEUE_NOTIFY   30
#define C_QUEUE_DESC     32
#define C_QUEUE_DRIVER   40
#define C_QUEUE_DEVICE   48

/* Legacy registers, 4.1.4.10 */
#define L_FEATURE      0
#define L_DRIVER       4
#define L_QUEUE_PFN    8
#define L_QUEUE_SIZE   12
#define L_QUEUE_SELECT 14
#define L_NOTIFY       16
#define L_STATUS       18
#define L_ISR          19
#define L_CONFIG_VEC   20 /* only with MSI-X on, as the next */
#define L_QUEUE_VECTOR 22

#define NO_VECTOR 0xffff

/* The modern face needs no more; the legacy one has no choice. */
#define MODERN_SIZE 128

/* MSI-X capability and table, PCI 3.0, 6.8.2 */
#define MSIX_CONTROL 2
#define MSIX_TABLE   4
#define MSIX_ENABLE  0x8000u
#define MSIX_MASKALL 0x4000u
#define MSIX_ENTRY   16

static const char *
modern_open(struct virtio *v)
{
	unsigned cap = 0, type;
	uint64_t device = 0, base, *slot;
	int is_port;

	v->common = v->isr = v->notify = v->config = 0;
	while ((cap = pci_capability(v->pci, PCI_CAP_VENDOR, cap)) != 0) {
		type = pci_read8(v->pci, cap + CAP_TYPE);
		slot = type == TYPE_COMMON ? &v->common
		    : type == TYPE_NOTIFY  ? &v->notify
		    : type == TYPE_ISR     ? &v->isr
		    : type == TYPE_DEVICE  ? &device
					   : NULL;
		if (slot == NULL || *slot != 0)
			continue;
		base = pci_bar(
		    v->pci, pci_read8(v->pci, cap + CAP_BAR) % 6, &is_port);
		if (base == 0 || is_port)
			continue;
		*slot = base + pci_read32(v->pci, cap + CAP_OFFSET);
		if (type == TYPE_NOTIFY)
			v->notify_step = pci_read32(v->pci, cap + CAP_STEP);
	}
	v->config = device;
	if (v->common == 0 || v->notify == 0 || v->isr == 0)
		return "it has no modern interface (capabilities missing)";
	return NULL;
}

const char *
transport_open(struct virtio *v)
{
	uint16_t command = pci_read16(v->pci, PCI_COMMAND);
	uint64_t base;
	int is_port;

	pci_write16(v->pci, PCI_COMMAND,
	    command | PCI_COMMAND_IO | PCI_COMMAND_MEMORY | PCI_COMMAND_MASTER);
	if (!v->legacy)
		return modern_open(v);
	base = pci_bar(v->pci, 0, &is_port);
	if (base == 0 || !is_port)
		return "it has no legacy interface (BAR 0 is no port range)";
	v->port = (uint16_t)base;
	return NULL;
}

int
transport_msix(struct virtio *v, int on)
{
	unsigned cap = pci_capability(v->pci, PCI_CAP_MSIX, 0), i, n;
	uint16_t command = pci_read16(v->pci, PCI_COMMAND), control;
	uint32_t table;
	uint64_t entry;
	int is_port;

	pci_write16(v->pci, PCI_COMMAND,
	    on ? command | PCI_COMMAND_NO_INTX
	       : command & (uint16_t)~PCI_COMMAND_NO_INTX);
	if (cap == 0)
		return -1;
	control = pci_read16(v->pci, cap + MSIX_CONTROL);
	control &= (uint16_t) ~(MSIX_ENABLE | MSIX_MASKALL);
	pci_write16(
	    v->pci, cap + MSIX_CONTROL, on ? control | MSIX_ENABLE : control);
	if (!on)
		return 0;
	table = pci_read32(v->pci, cap + MSIX_TABLE);
	entry = pci_bar(v->pci, (table & 7) % 6, &is_port);
	if (entry == 0 || is_port)
		return -1;
	entry += table & ~7u;
	n = (control & 0x7ff) + 1u;
	for (i = 0; i < n && i < VIRTIO_QUEUES + 1; i++) {
		mmio_w32(entry, (uint32_t)irq_msi_address());
		mmio_w32(entry + 4, 0);
		mmio_w32(entry + 8, irq_msi_data(v->vector));
		mmio_w32(entry + 12, 0);
		entry += MSIX_ENTRY;
	}
	return 0;
}

uint8_t
transport_status(const struct virtio *v)
{
	return v->legacy ? in8(v->port + L_STATUS)
			 : mmio_r8(v->common + C_STATUS);
}

void
transport_set_status(const struct virtio *v, uint8_t status)
{
	if (v->legacy)
		out8(v->port + L_STATUS, status);
	else
		mmio_w8(v->common + C_STATUS, status);
}

int
transport_reset(const struct virtio *v)
{
	unsigned tries;

	transport_set_status(v, 0);
	for (tries = 0; tries < 1000; tries++)
		if (transport_status(v) == 0)
			return 0;
	return -1;
}

uint64_t
transport_features(const struct virtio *v)
{
	uint64_t features;

	if (v->legacy)
		return in32(v->port + L_FEATURE);
	mmio_w32(v->common + C_FEATURE_SELECT, 0);
	features = mmio_r32(v->common + C_FEATURE);
	mmio_w32(v->common + C_FEATURE_SELECT, 1);
	return features | (uint64_t)mmio_r32(v->common + C_FEATURE) << 32;
}

void
transport_set_features(const struct virtio *v, uint64_t features)
{
	if (v->legacy) {
		out32(v->port + L_DRIVER, (uint32_t)features);
		return;
	}
	mmio_w32(v->common + C_DRIVER_SELECT, 0);
	mmio_w32(v->common + C_DRIVER, (uint32_t)features);
	mmio_w32(v->common + C_DRIVER_SELECT, 1);
	mmio_w32(v->common + C_DRIVER, (uint32_t)(features >> 32));
}

uint8_t
transport_isr(const struct virtio *v)
{
	return v->legacy ? in8(v->port + L_ISR) : mmio_r8(v->isr);
}

void
transport_config(struct virtio *v)
{
	if (v->legacy)
		v->config = v->port + (v->irq == VIRTIO_MSIX ? 24u : 20u);
	if (v->irq != VIRTIO_MSIX)
		return;
	if (v->legacy)
		out16(v->port + L_CONFIG_VEC, 0);
	else
		mmio_w16(v->common + C_CONFIG_VECTOR, 0);
}

static void
write_address(uint64_t reg, uint64_t addr)
{
	/* 64-bit fields are written as two halves: 4.1.3.1. */
	mmio_w32(reg, (uint32_t)addr);
	mmio_w32(reg + 4, (uint32_t)(addr >> 32));
}

unsigned
transport_queue_size(const struct virtio *v, unsigned index)
{
	if (v->legacy) {
		out16(v->port + L_QUEUE_SELECT, (uint16_t)index);
		return in16(v->port + L_QUEUE_SIZE);
	}
	mmio_w16(v->common + C_QUEUE_SELECT, (uint16_t)index);
	return mmio_r16(v->common + C_QUEUE_SIZE);
}

void
transport_resize(const struct virtio *v, unsigned index, uint16_t size)
{
	mmio_w16(v->common + C_QUEUE_SELECT, (uint16_t)index);
	mmio_w16(v->common + C_QUEUE_SIZE, size);
}

void
transport_place(const struct virtio *v, unsigned index, uint64_t desc,
    uint64_t avail, uint64_t used)
{
	if (v->legacy) {
		out16(v->port + L_QUEUE_SELECT, (uint16_t)index);
		out32(v->port + L_QUEUE_PFN, (uint32_t)(desc >> 12));
		return;
	}
	mmio_w16(v->common + C_QUEUE_SELECT, (uint16_t)index);
	write_address(v->common + C_QUEUE_DESC, desc);
	write_address(v->common + C_QUEUE_DRIVER, avail);
	write_address(v->common + C_QUEUE_DEVICE, used);
	mmio_w16(v->common + C_QUEUE_ENABLE, 1);
}

void
transport_vector(const struct virtio *v, uint16_t vector)
{
	if (v->irq != VIRTIO_MSIX)
		return;
	if (v->legacy)
		out16(v->port + L_QUEUE_VECTOR, vector);
	else
		mmio_w16(v->common + C_QUEUE_VECTOR, vector);
}

void
transport_kick(const struct virtio *v, unsigned index)
{
	if (v->legacy)
		out16(v->port + L_NOTIFY, (uint16_t)index);
	else
		mmio_w16(v->notify + (uint64_t)index * v->notify_step,
		    (uint16_t)index);
}

static const char *
legacy_queue(struct virtio *v, struct virtq *q)
{
	unsigned index = q->index;

	transport_place(v, index, (uintptr_t)q->desc, 0, 0);
	if (v->irq == VIRTIO_MSIX) {
		out16(v->port + L_QUEUE_VECTOR, (uint16_t)(index + 1));
		if (in16(v->port + L_QUEUE_VECTOR) == NO_VECTOR)
			return "it refused an MSI-X vector for a queue";
	}
	q->notify = v->port + L_NOTIFY;
	q->notify_is_port = 1;
	return NULL;
}

static const char *
modern_queue(struct virtio *v, struct virtq *q)
{
	uint64_t c = v->common;

	transport_resize(v, q->index, (uint16_t)q->size);
	if (v->irq == VIRTIO_MSIX) {
		mmio_w16(c + C_QUEUE_VECTOR, (uint16_t)(q->index + 1));
		if (mmio_r16(c + C_QUEUE_VECTOR) == NO_VECTOR)
			return "it refused an MSI-X vector for a queue";
	}
	q->notify =
	    v->notify + (uint64_t)mmio_r16(c + C_QUEUE_NOTIFY) * v->notify_step;
	q->notify_is_port = 0;
	transport_place(v, q->index, (uintptr_t)q->desc, virtq_avail_addr(q),
	    virtq_used_addr(q));
	return NULL;
}

const char *
transport_queue(struct virtio *v, unsigned index)
{
	struct virtq *q = &v->queue[index];
	unsigned size = transport_queue_size(v, index);

	if (!v->legacy && size > MODERN_SIZE)
		size = MODERN_SIZE;
	if (size == 0)
		return "a queue is missing";
	if (size > VIRTQ_SIZE_MAX || (size & (size - 1)) != 0)
		return "a queue has a size this guest cannot use";
	if (virtq_create(q, index, size,
		(v->features & VIRTIO_F_EVENT_IDX) != 0,
		(v->features & VIRTIO_F_INDIRECT) != 0) != 0)
		return "no memory left for its queues";
	return v->legacy ? legacy_queue(v, q) : modern_queue(v, q);
}
