/*
 * virtio_rig.h: a machine and a PCI bus of pretence, and a driver's side of a
 * virtio device on them, so that the transport and the devices are tested as a
 * guest sees them, without KVM. It defines what backend/virtio needs of
 * backend/vmm and backend/dev, so those are not linked.
 */
#ifndef TESTS_VIRTIO_RIG_H
#define TESTS_VIRTIO_RIG_H

#include <sys/eventfd.h>
#include <unistd.h>

#include "tests/unit/virtq_driver.h"
#include "backend/dev/pci.h"
#include "backend/virtio/virtio.h"
#include "backend/vmm/irq.h"

#define S_ACK         1
#define S_DRIVER      2
#define S_DRIVER_OK   4
#define S_FEATURES_OK 8
#define S_NEEDS_RESET 0x40
#define S_READY       (S_ACK | S_DRIVER | S_FEATURES_OK | S_DRIVER_OK)

#define F_INDIRECT  (1ULL << 28)
#define F_EVENT_IDX (1ULL << 29)
#define F_VERSION_1 (1ULL << 32)

#define LEGACY 0
#define MODERN 4
#define ISR    0x1000
#define CONFIG 0x2000
#define NOTIFY 0x3000

#define PIO_BASE  0xc000
#define MMIO_BASE 0xe0000000

#define IOS 64

struct machine {
	bool frozen;
	struct guestmem mem;
	struct ioeventfd io[IOS];
	unsigned ios;
};

struct pci_fn {
	const struct pci_fn_ops *ops;
	void *arg;
	uint8_t cfg[256];
	unsigned cap, last;
	_Atomic bool msix, intx; /* the device may have a thread */
	_Atomic unsigned sent[32]; /* messages by vector */
	unsigned vectors;
};

struct pci_bus {
	struct machine machine;
	struct pci_fn fn;
	bool refuse; /* pci_add() fails */
};

struct machine *
pci_bus_machine(const struct pci_bus *bus)
{
	return (struct machine *)&bus->machine;
}

unsigned
pci_slot(const struct pci_fn *fn)
{
	return 2;
}

struct guestmem *
machine_mem(struct machine *m)
{
	return &m->mem;
}

bool
machine_frozen(const struct machine *m)
{
	return m->frozen;
}

int
ioeventfd_add(struct machine *m, const struct ioeventfd *io, struct error *err)
{
	assert_true(m->ios < IOS);
	m->io[m->ios++] = *io;
	return 0;
}

void
ioeventfd_remove(struct machine *m, const struct ioeventfd *io)
{
	unsigned i;

	for (i = 0; i < m->ios; i++) {
		if (m->io[i].addr == io->addr && m->io[i].fd == io->fd &&
		    m->io[i].value == io->value) {
			m->io[i] = m->io[--m->ios];
			return;
		}
	}
	fail_msg("an ioeventfd is removed that was not added");
}

static inline void
rig_map(struct pci_fn *fn, bool mapped, uint64_t pio, uint64_t mmio)
{
	fn->ops->bar_moved(fn->arg, LEGACY, pio, mapped);
	fn->ops->bar_moved(fn->arg, MODERN, mmio, mapped);
}

int
pci_add(struct pci_bus *bus, int slot, const struct pci_fn_ops *ops, void *arg,
    struct pci_fn **fn, struct error *err)
{
	bus->fn.ops = ops;
	bus->fn.arg = arg;
	bus->fn.cap = 0x40;
	if (bus->refuse) {
		ops->destroy(arg);
		bus->fn.ops = NULL;
		return error_set(err, "no slot is free");
	}
	*fn = &bus->fn;
	rig_map(&bus->fn, true, PIO_BASE, MMIO_BASE);
	return 0;
}

int
pci_add_capability(struct pci_fn *fn, uint8_t id, const void *body,
    unsigned len, const uint8_t *wmask)
{
	unsigned at = fn->cap;

	fn->cfg[fn->last != 0 ? fn->last + 1 : 0x34] = (uint8_t)at;
	fn->cfg[at] = id;
	memcpy(fn->cfg + at + 2, body, len);
	fn->last = at;
	fn->cap = (at + 2 + len + 3) & ~3u;
	return (int)at;
}

int
pci_add_msix(struct pci_fn *fn, unsigned bar, uint32_t offset, unsigned vectors,
    struct error *err)
{
	assert_true(vectors * 16 + 8 <= fn->ops->bar[bar].size);
	fn->vectors = vectors;
	return 0;
}

bool
pci_msix_enabled(const struct pci_fn *fn)
{
	return fn->msix;
}

void
pci_msix_send(struct pci_fn *fn, unsigned vector)
{
	assert_true(vector < fn->vectors);
	fn->sent[vector]++;
}

/* Numbers that no descriptor has. */
#define RIG_IRQFD 100000

int
pci_msix_fd(const struct pci_fn *fn, unsigned vector)
{
	return vector < fn->vectors ? (int)(RIG_IRQFD + vector) : -1;
}

void
pci_intx_set(struct pci_fn *fn, bool level)
{
	fn->intx = level;
}

/* ---- the driver's side ---- */

static inline struct pci_bus *
rig_new(void)
{
	struct pci_bus *bus = calloc(1, sizeof *bus);

	ram_create(&bus->machine.mem);
	return bus;
}

static inline void
rig_free(struct pci_bus *bus)
{
	if (bus->fn.ops != NULL) {
		rig_map(&bus->fn, false, PIO_BASE, MMIO_BASE);
		bus->fn.ops->destroy(bus->fn.arg);
	}
	assert_int_equal(bus->machine.ios, 0);
	ram_free(&bus->machine.mem);
	free(bus);
}

static inline uint64_t
bar_in(struct pci_bus *bus, unsigned bar, uint64_t offset, unsigned size)
{
	return bus->fn.ops->bar[bar].ops->read(bus->fn.arg, offset, size);
}

static inline void
bar_out(struct pci_bus *bus, unsigned bar, uint64_t offset, unsigned size,
    uint64_t value)
{
	bus->fn.ops->bar[bar].ops->write(bus->fn.arg, offset, size, value);
}

static inline uint64_t
modern_offered(struct pci_bus *bus)
{
	uint64_t low;

	bar_out(bus, MODERN, 0, 4, 0);
	low = bar_in(bus, MODERN, 4, 4);
	bar_out(bus, MODERN, 0, 4, 1);
	return low | bar_in(bus, MODERN, 4, 4) << 32;
}

static inline void
modern_choose(struct pci_bus *bus, uint64_t features)
{
	bar_out(bus, MODERN, 8, 4, 0);
	bar_out(bus, MODERN, 0xc, 4, features & 0xffffffff);
	bar_out(bus, MODERN, 8, 4, 1);
	bar_out(bus, MODERN, 0xc, 4, features >> 32);
}

static inline uint8_t
modern_status(struct pci_bus *bus)
{
	return (uint8_t)bar_in(bus, MODERN, 0x14, 1);
}

/* Up to and with FEATURES_OK. */
static inline void
modern_begin(struct pci_bus *bus, uint64_t features)
{
	bar_out(bus, MODERN, 0x14, 1, 0);
	assert_int_equal(modern_status(bus), 0);
	bar_out(bus, MODERN, 0x14, 1, S_ACK);
	bar_out(bus, MODERN, 0x14, 1, S_ACK | S_DRIVER);
	modern_choose(bus, features);
	bar_out(bus, MODERN, 0x14, 1, S_ACK | S_DRIVER | S_FEATURES_OK);
	assert_true(modern_status(bus) & S_FEATURES_OK);
}

/* A queue of this size, its vector being its number. */
static inline void
modern_queue(struct pci_bus *bus, struct ring *r, uint16_t index, uint16_t size)
{
	ring_init(r, &bus->machine.mem, size, RINGS_GPA + 0x10000u * index);
	memset(r->desc, 0, 16u * size);
	memset(r->avail, 0, 6 + 2u * size);
	memset(r->used, 0, 6 + 8u * size);
	bar_out(bus, MODERN, 0x16, 2, index);
	bar_out(bus, MODERN, 0x18, 2, size);
	bar_out(bus, MODERN, 0x1a, 2, index);
	bar_out(bus, MODERN, 0x20, 8, r->desc_gpa);
	bar_out(bus, MODERN, 0x28, 4, r->avail_gpa & 0xffffffff);
	bar_out(bus, MODERN, 0x2c, 4, r->avail_gpa >> 32);
	bar_out(bus, MODERN, 0x30, 8, r->used_gpa);
	bar_out(bus, MODERN, 0x1c, 2, 1);
	assert_int_equal(bar_in(bus, MODERN, 0x1c, 2), 1);
}

static inline void
modern_ready(struct pci_bus *bus)
{
	bar_out(bus, MODERN, 0x14, 1, S_READY);
	assert_int_equal(modern_status(bus), S_READY);
}

/* As a legacy driver does it; returns the ring of the device's size. */
static inline void
legacy_queue(struct pci_bus *bus, struct ring *r, uint16_t index)
{
	bar_out(bus, LEGACY, 14, 2, index);
	ring_init(r, &bus->machine.mem, (uint16_t)bar_in(bus, LEGACY, 12, 2),
	    RINGS_GPA + 0x10000u * index);
	memset(r->avail, 0, 6 + 2u * r->size);
	memset(r->used, 0, 6 + 8u * r->size);
	bar_out(bus, LEGACY, 8, 4, r->desc_gpa >> 12);
}

/* Rings the doorbell as KVM would: by ioeventfd. Returns how many rang. */
static inline unsigned
doorbell(struct pci_bus *bus, bool pio, uint64_t addr, uint16_t value)
{
	const struct ioeventfd *io;
	unsigned i, rang = 0;

	for (i = 0; i < bus->machine.ios; i++) {
		io = &bus->machine.io[i];
		if (io->pio == pio && io->addr == addr &&
		    (io->size == 0 || io->size == 2) &&
		    (!io->match || io->value == value)) {
			assert_int_equal(eventfd_write(io->fd, 1), 0);
			rang++;
		}
	}
	return rang;
}

static inline void
modern_kick(struct pci_bus *bus, uint16_t queue)
{
	assert_int_equal(
	    doorbell(bus, false, MMIO_BASE + NOTIFY + 4u * queue, queue), 1);
}

static inline uint8_t *
ram(struct pci_bus *bus, uint64_t gpa)
{
	return guestmem_at(&bus->machine.mem, gpa, 1);
}

#endif
