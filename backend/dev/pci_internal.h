/*
 * pci_internal.h: what pci.c, pci_msix.c, pci_bridges.c and pm.c share. Nobody
 * else includes it.
 */
#ifndef BACKEND_DEV_PCI_INTERNAL_H
#define BACKEND_DEV_PCI_INTERNAL_H

#include <pthread.h>

#include "backend/dev/pci.h"
#include "config/log.h"

#define PCI_CFG_SIZE  256
#define PCI_FUNCTIONS 8

/* Registers of the type 0 header (PCI 3.0, 6.1). */
#define PCI_R_VENDOR     0x00
#define PCI_R_DEVICE     0x02
#define PCI_R_COMMAND    0x04
#define PCI_R_STATUS     0x06
#define PCI_R_REVISION   0x08
#define PCI_R_CLASS      0x09
#define PCI_R_HEADER     0x0e
#define PCI_R_BAR0       0x10
#define PCI_R_SUBVENDOR  0x2c
#define PCI_R_SUBDEVICE  0x2e
#define PCI_R_CAP        0x34
#define PCI_R_INTLINE    0x3c
#define PCI_R_INTPIN     0x3d
#define PCI_CMD_IO       0x0001
#define PCI_CMD_MEM      0x0002
#define PCI_CMD_MASTER   0x0004
#define PCI_CMD_INTX_OFF 0x0400
#define PCI_STATUS_INTX  0x0008
#define PCI_STATUS_CAPS  0x0010
#define PCI_CAP_MSIX     0x11

/* Where ports for BARs end. */
#define PCI_PIO_END 0x10000u

struct msix_vector {
	uint32_t addr_lo, addr_hi, data;
	bool masked;
	bool routed; /* the route says what the three words above say */
	bool on; /* its irqfd is connected */
	struct irq_msi *msi;
};

/* The MSI-X capability of a function, or vectors == 0. */
struct msix {
	unsigned vectors;
	unsigned bar;
	uint32_t table, pba; /* offsets in the BAR */
	unsigned cap; /* offset in configuration space */
	/* What the control register says; devices look without the lock. */
	_Atomic bool enabled;
	struct msix_vector *vector;
};

struct pci_bar_state {
	uint32_t base;
	bool mapped;
};

struct pci_fn {
	struct pci_bus *bus;
	unsigned slot, function;
	const struct pci_fn_ops *ops;
	void *arg;
	uint8_t cfg[PCI_CFG_SIZE];
	uint8_t wmask[PCI_CFG_SIZE]; /* ones where the guest may write */
	uint8_t home[PCI_CFG_SIZE]; /* cfg after a reset */
	struct pci_bar_state bar[PCI_BARS];
	unsigned cap_last, cap_free;
	bool intx; /* what the device last asked of its pin */
	struct msix msix;
};

struct pci_bus {
	struct machine *machine;
	struct pci_fn *fn[PCI_SLOTS][PCI_FUNCTIONS];
	/*
	 * Held while BARs move, over the callbacks of those who own them;
	 * outermost, never taken by a device.
	 */
	pthread_mutex_t map_lock;
	/* Guards cfg[], MSI-X tables, intx and what follows. A leaf. */
	pthread_mutex_t lock;
	uint32_t address; /* CONFIG_ADDRESS at 0xCF8 */
	uint8_t reset_ctl; /* PIIX3's RCR at 0xCF9 */
	struct log_limit limit;
	uint16_t irq_levels; /* bit n: IRQ n is asserted by PCI */
	uint32_t next_pio, next_mem;
};

/* Goes through all functions in the order of slots. */
#define EACH_FUNCTION(bus, fn, i)                                             \
	for (i = 0; i < PCI_SLOTS * PCI_FUNCTIONS; i++)                       \
		if ((fn = (bus)->fn[i / PCI_FUNCTIONS][i % PCI_FUNCTIONS]) != \
		    NULL)

static inline uint16_t
pci_get16(const struct pci_fn *fn, unsigned at)
{
	return (uint16_t)(fn->cfg[at] | fn->cfg[at + 1] << 8);
}

static inline uint32_t
pci_get32(const struct pci_fn *fn, unsigned at)
{
	return pci_get16(fn, at) | (uint32_t)pci_get16(fn, at + 2) << 16;
}

static inline void
pci_set16(struct pci_fn *fn, unsigned at, uint16_t v)
{
	fn->cfg[at] = (uint8_t)v;
	fn->cfg[at + 1] = (uint8_t)(v >> 8);
}

static inline void
pci_set32(struct pci_fn *fn, unsigned at, uint32_t v)
{
	pci_set16(fn, at, (uint16_t)v);
	pci_set16(fn, at + 2, (uint16_t)(v >> 16));
}

/* pci_add() for a function other than 0. */
int pci_add_function(struct pci_bus *bus, unsigned slot, unsigned function,
    const struct pci_fn_ops *ops, void *arg, struct pci_fn **fn,
    struct error *err);
/* Makes what cfg[] says now what a reset brings back. */
void pci_keep_home(struct pci_fn *fn);
/* Lets the guest write these bits of its configuration space. */
void pci_writable(struct pci_fn *fn, unsigned at, unsigned len, uint8_t bits);

/* Bit 0 of BAR i: ports or memory. */
uint32_t pci_bar_type(const struct pci_fn *fn, unsigned i);
/* What BAR register i holds after v was written to it. */
uint32_t pci_bar_register(const struct pci_fn *fn, unsigned i, uint32_t v);
/*
 * Makes the mapping what configuration space says. Called without the bus's
 * lock: a BAR's handler that still runs may want it. A place that is taken
 * leaves the BAR unmapped until it becomes free: two in one place would be no
 * good to anybody, but a driver may well move the one first and then the other.
 */
int pci_update_bars(struct pci_fn *fn, struct error *err);
void pci_bar_unmap(struct pci_fn *fn, unsigned i);

/* Drives the IRQs as the pins and the PIIX3's routing say. Lock held. */
void pci_update_irqs(struct pci_bus *bus);
/* 00:00.0 and 00:01.0. */
int pci_add_bridges(struct pci_bus *bus, struct error *err);

/* The part of the BAR that MSI-X answers. Returns false: not its offset. */
bool msix_bar_read(struct pci_fn *fn, unsigned bar, uint64_t offset,
    unsigned size, uint64_t *value);
bool msix_bar_write(struct pci_fn *fn, unsigned bar, uint64_t offset,
    unsigned size, uint64_t value);
/* After the capability's control word or a vector changed. Lock held. */
void msix_update(struct pci_fn *fn);
void msix_reset(struct pci_fn *fn);
void msix_save(const struct pci_fn *fn, struct state_writer *w);
int msix_load(struct pci_fn *fn, struct state_reader *r, struct error *err);
void msix_free(struct pci_fn *fn);

#endif
