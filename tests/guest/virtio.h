/*
 * virtio.h: virtio devices on the PCI bus: finding them, setting them up
 * through the modern or the legacy face, their interrupts.
 */
#ifndef GUEST_VIRTIO_H
#define GUEST_VIRTIO_H

#include <stdint.h>

#include "virtq.h"

#define VIRTIO_MAX    16
#define VIRTIO_QUEUES 9 /* a network card of four pairs */

#define VIRTIO_NET     1
#define VIRTIO_BLK     2
#define VIRTIO_CONSOLE 3
#define VIRTIO_RNG     4
#define VIRTIO_BALLOON 5
#define VIRTIO_SCSI    8
#define VIRTIO_VMMCI   0xffff /* not virtio's, but OpenBSD's */

#define VIRTIO_F_INDIRECT  (1ull << 28)
#define VIRTIO_F_EVENT_IDX (1ull << 29)
#define VIRTIO_F_VERSION_1 (1ull << 32)

enum virtio_irq { VIRTIO_MSIX, VIRTIO_INTX, VIRTIO_POLL };

struct virtio;

/* One a type of device; see the end of blk.c, net.c and others. */
struct virtio_driver {
	unsigned type;
	const char *name;
	unsigned queues;
	uint64_t features; /* wanted, if offered; beside those above */
	/*
	 * Several queues, where the command line has "mq": a feature, and how
	 * many there are once it was accepted. Or 0 and NULL.
	 */
	uint64_t many;
	unsigned (*count)(struct virtio *v);
	/* Called when the queues exist and before the device may use them. */
	int (*start)(struct virtio *v);
	/*
	 * Called at an interrupt: requests are finished, or the configuration
	 * is another one. Or NULL.
	 */
	void (*used)(struct virtio *v);
	/* Prints what is particular, in a few words. */
	void (*describe)(struct virtio *v);
};

struct virtio {
	const struct virtio_driver *driver;
	unsigned pci, type, number; /* number: which one of its type */
	const char *problem; /* why it is not in use, or NULL */
	int legacy;
	enum virtio_irq irq;
	unsigned vector, gsi;
	uint16_t port; /* legacy */
	uint64_t common, isr, notify; /* modern; addresses */
	uint32_t notify_step;
	uint64_t config; /* port or address */
	uint64_t offered, features;
	uint64_t interrupts;
	unsigned queues; /* that are in use */
	struct virtq queue[VIRTIO_QUEUES];
	void *data; /* the driver's */
};

/* How devices are to be set up: what the command "mode" changes. */
struct virtio_setup {
	int legacy;
	int plain; /* without indirect descriptors and event indexes */
	enum virtio_irq irq;
};
extern struct virtio_setup virtio_setup;

/* Finds all devices and sets them up; may be called again. */
void virtio_start(void);

/* Resets all devices, so that none writes to memory any more. */
void virtio_stop(void);

/* The nth device found, whatever its type; NULL behind the last. */
struct virtio *virtio_at(unsigned n);

/* The number'th working device of a type, or NULL after printing why not. */
struct virtio *virtio_find(unsigned type, uint64_t number);

/* Device-specific configuration. */
uint8_t virtio_config8(const struct virtio *v, unsigned off);
uint64_t virtio_config64(const struct virtio *v, unsigned off);

/*
 * Waits, halted or polling as the device's mode says, until queue q has a
 * finished request. Returns -1 after a deadline of time_now() (irq.h).
 */
int virtio_wait(struct virtio *v, struct virtq *q, uint64_t deadline);

const char *virtio_irq_name(enum virtio_irq irq);

#endif
