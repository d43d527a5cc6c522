/*
 * virtio.c: the table of devices, their initialisation (virtio 1.2, 3.1.1) and
 * interrupts.
 */
#include "acpi.h"
#include "balloon.h"
#include "blk.h"
#include "boot.h"
#include "console.h"
#include "cpu.h"
#include "hvc.h"
#include "irq.h"
#include "lib.h"
#include "net.h"
#include "pci.h"
#include "rng.h"
#include "scsi.h"
#include "transport.h"
#include "virtio.h"
#include "vmmci.h"

#define VENDOR        0x1af4
#define VENDOR_VMMCI  0x0b5d
#define DEVICE_VMMCI  0x0777
#define DEVICE_LEGACY 0x1000 /* to 0x103f; its type is the subsystem */
#define DEVICE_MODERN 0x1040 /* plus the type */

static const struct virtio_driver *const drivers[] = {&blk_driver, &net_driver,
    &rng_driver, &hvc_driver, &balloon_driver, &scsi_driver, &vmmci_driver};

static struct virtio devices[VIRTIO_MAX];
static unsigned count;

struct virtio_setup virtio_setup;

const char *
virtio_irq_name(enum virtio_irq irq)
{
	return irq == VIRTIO_MSIX ? "msix"
	    : irq == VIRTIO_INTX  ? "intx"
				  : "poll";
}

static void
finished(struct virtio *v)
{
	v->interrupts++;
	if (v->driver->used != NULL)
		v->driver->used(v);
}

static void
msi_handler(unsigned vector)
{
	unsigned i;

	for (i = 0; i < count; i++)
		if (devices[i].irq == VIRTIO_MSIX &&
		    devices[i].vector == vector && devices[i].problem == NULL)
			finished(&devices[i]);
}

static void
intx_handler(unsigned vector)
{
	unsigned i;

	for (i = 0; i < count; i++)
		if (devices[i].irq == VIRTIO_INTX &&
		    devices[i].problem == NULL && transport_isr(&devices[i]))
			finished(&devices[i]);
}

/* Routes the device's interrupt; falls back from MSI-X to INTx to polling. */
static void
irq_setup(struct virtio *v)
{
	int level = 1, low = 1;
	unsigned line;

	v->irq = virtio_setup.irq;
	if (v->irq == VIRTIO_MSIX && transport_msix(v, 1) == 0) {
		irq_handler(v->vector, msi_handler);
		return;
	}
	transport_msix(v, 0);
	if (v->irq == VIRTIO_POLL)
		return;
	v->irq = VIRTIO_POLL;
	line = pci_read8(v->pci, PCI_IRQ_LINE);
	if (line == 0 || line == 0xff || pci_read8(v->pci, PCI_IRQ_PIN) == 0)
		return;
	v->gsi = acpi_isa_irq(line, &level, &low);
	irq_handler(IRQ_INTX, intx_handler);
	if (irq_route(v->gsi, IRQ_INTX, level, low) == 0)
		v->irq = VIRTIO_INTX;
}

static const char *
negotiate(struct virtio *v)
{
	uint64_t wanted = v->driver->features;

	if (boot_flag("mq"))
		wanted |= v->driver->many;
	if (!virtio_setup.plain)
		wanted |= VIRTIO_F_INDIRECT | VIRTIO_F_EVENT_IDX;
	if (!v->legacy)
		wanted |= VIRTIO_F_VERSION_1;
	v->offered = transport_features(v);
	v->features = v->offered & wanted;
	transport_set_features(v, v->features);
	if (v->legacy)
		return NULL;
	if (!(v->features & VIRTIO_F_VERSION_1))
		return "it does not offer VIRTIO_F_VERSION_1";
	transport_set_status(
	    v, STATUS_ACK | STATUS_DRIVER | STATUS_FEATURES_OK);
	if (!(transport_status(v) & STATUS_FEATURES_OK))
		return "it did not accept our features";
	return NULL;
}

static const char *
device_start(struct virtio *v)
{
	const char *why = transport_open(v);
	unsigned i;

	if (why != NULL)
		return why;
	if (transport_reset(v) != 0)
		return "it does not finish its reset";
	irq_setup(v);
	transport_set_status(v, STATUS_ACK);
	transport_set_status(v, STATUS_ACK | STATUS_DRIVER);
	why = negotiate(v);
	if (why != NULL)
		return why;
	transport_config(v);
	v->queues = v->driver->queues;
	if ((v->features & v->driver->many) != 0)
		v->queues = v->driver->count(v);
	if (v->queues > VIRTIO_QUEUES)
		return "it has more queues than this guest has room for";
	for (i = 0; i < v->queues; i++) {
		why = transport_queue(v, i);
		if (why != NULL)
			return why;
		virtq_silence(&v->queue[i], v->irq == VIRTIO_POLL);
	}
	if (v->driver->start(v) != 0)
		return "no memory left for its buffers";
	transport_set_status(v, transport_status(v) | STATUS_DRIVER_OK);
	for (i = 0; i < v->queues; i++)
		virtq_kick(&v->queue[i]);
	return NULL;
}

/* The virtio type of a function, 0 if it is none. */
static unsigned
function_type(unsigned pci)
{
	uint16_t device = pci_read16(pci, PCI_DEVICE);

	if (pci_read16(pci, PCI_VENDOR) == VENDOR_VMMCI &&
	    device == DEVICE_VMMCI && boot_flag("vmmci"))
		return pci_read16(pci, PCI_SUBSYSTEM);
	if (pci_read16(pci, PCI_VENDOR) != VENDOR)
		return 0;
	if (device >= DEVICE_MODERN && device < DEVICE_MODERN + 0x40)
		return device - DEVICE_MODERN;
	if (device >= DEVICE_LEGACY && device < DEVICE_MODERN)
		return pci_read16(pci, PCI_SUBSYSTEM);
	return 0;
}

static void
device_found(unsigned pci, unsigned type)
{
	struct virtio *v = &devices[count];
	unsigned i;

	memset(v, 0, sizeof(*v));
	v->pci = pci;
	v->type = type;
	v->legacy = virtio_setup.legacy || type == VIRTIO_VMMCI;
	v->vector = IRQ_MSI + count % (IRQ_MSI_LAST - IRQ_MSI + 1);
	for (i = 0; i < count; i++)
		v->number += devices[i].type == type;
	for (i = 0; i < sizeof(drivers) / sizeof(drivers[0]); i++)
		if (drivers[i]->type == type)
			v->driver = drivers[i];
	count++;
	v->problem = v->driver == NULL ? "this guest has no driver for it"
				       : device_start(v);
}

void
virtio_stop(void)
{
	unsigned i;

	for (i = 0; i < count; i++) {
		if (devices[i].driver == NULL || devices[i].problem != NULL)
			continue;
		transport_reset(&devices[i]);
		transport_msix(&devices[i], 0);
		if (devices[i].irq == VIRTIO_INTX)
			irq_mask(devices[i].gsi);
	}
	count = 0;
	arena_release();
}

void
virtio_start(void)
{
	unsigned type;
	int pci = -1;

	virtio_stop();
	while ((pci = pci_next(pci)) >= 0 && count < VIRTIO_MAX) {
		type = function_type((unsigned)pci);
		if (type != 0)
			device_found((unsigned)pci, type);
	}
}

struct virtio *
virtio_at(unsigned n)
{
	return n < count ? &devices[n] : NULL;
}

struct virtio *
virtio_find(unsigned type, uint64_t number)
{
	const char *name = type == VIRTIO_BLK ? "disk"
	    : type == VIRTIO_NET              ? "network card"
	    : type == VIRTIO_CONSOLE          ? "virtio console"
	    : type == VIRTIO_BALLOON          ? "balloon"
	    : type == VIRTIO_VMMCI            ? "vmmci"
	    : type == VIRTIO_SCSI             ? "SCSI host"
					      : "random number device";
	unsigned i, n = 0;

	for (i = 0; i < count; i++) {
		if (devices[i].type != type)
			continue;
		n++;
		if (devices[i].number != number)
			continue;
		if (devices[i].problem == NULL)
			return &devices[i];
		print("%s %lu is not in use: %s\n", name, number,
		    devices[i].problem);
		return NULL;
	}
	if (n == 0)
		print("this machine has no %s\n", name);
	else
		print("there is no %s %lu; they go from 0 to %u\n", name,
		    number, n - 1);
	return NULL;
}

uint8_t
virtio_config8(const struct virtio *v, unsigned off)
{
	if (v->config == 0)
		return 0;
	return v->legacy ? in8((uint16_t)(v->config + off))
			 : mmio_r8(v->config + off);
}

uint64_t
virtio_config64(const struct virtio *v, unsigned off)
{
	uint32_t low, high;

	if (v->config == 0)
		return 0;
	if (v->legacy) {
		low = in32((uint16_t)(v->config + off));
		high = in32((uint16_t)(v->config + off + 4));
	} else {
		low = mmio_r32(v->config + off);
		high = mmio_r32(v->config + off + 4);
	}
	return low | (uint64_t)high << 32;
}

int
virtio_wait(struct virtio *v, struct virtq *q, uint64_t deadline)
{
	unsigned spins = 0;

	while (!virtq_ready(q)) {
		if (v->irq != VIRTIO_POLL) {
			if (!irq_wait(deadline))
				return -1;
			continue;
		}
		relax();
		if (++spins % 1024 == 0 && time_now() >= deadline)
			return -1;
	}
	return 0;
}
