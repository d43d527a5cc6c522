/*
 * pci.h: the PCI bus behind ports 0xCF8/0xCFC, and what a function on it is.
 *
 * Bus 0 only. 00:00.0 is an i440FX host bridge, 00:01.0 the PIIX3 ISA bridge,
 * 00:01.3 the PIIX4 power function; others follow from slot 2 on, one
 * function each. A function is an ops table, 256 bytes of configuration space,
 * up to six BARs and, if it wants, an MSI-X table in one of them.
 *
 * INTx: pin A of slot S is line (S - 1) & 3, and lines 0 to 3 are IRQs 10,
 * 10, 11, 11, level-triggered, on PIC and IO-APIC alike: what SeaBIOS programs
 * on this chipset. The Interrupt Line register is filled in, the PIC's ELCR is
 * set, and the DSDT's _PRT says the same, so every way to find it agrees.
 *
 * BARs are given addresses when the function is added (ports from 0xC000,
 * memory from 0xE0000000), as firmware would, for guests booted without one;
 * the guest may move them. Locking: the bus's lock guards configuration
 * space, MSI-X tables and INTx levels, and is a leaf: no callback below is
 * called with it. So a device may call pci_*() with its own lock held, and may
 * take its own lock in any callback.
 */
#ifndef BACKEND_DEV_PCI_H
#define BACKEND_DEV_PCI_H

#include <stdbool.h>
#include <stdint.h>

#include "backend/vmm/irq.h"
#include "backend/vmm/machine.h"

#define PCI_SLOTS        32
#define PCI_FIRST_SLOT   2
#define PCI_BARS         6
#define PCI_MSIX_VECTORS 128 /* at most, a function */

struct pci_bus;
struct pci_fn;

struct pci_bar {
	enum { PCI_BAR_NONE, PCI_BAR_PIO, PCI_BAR_MEM32 } kind;
	uint32_t size; /* a power of two, at least 4 (ports) or 16 */
	const struct io_ops *ops;
};

struct pci_fn_ops {
	const char *name;
	uint16_t vendor, device, subvendor, subdevice;
	uint32_t class_code; /* 24 bits: class, subclass, interface */
	uint8_t revision;
	bool intx; /* has interrupt pin A */
	struct pci_bar bar[PCI_BARS];
	/*
	 * Optional. After a BAR was mapped at base, or unmapped (mapped is
	 * false): the time to move ioeventfds. Calls do not overlap; vcpus may
	 * be running.
	 */
	void (*bar_moved)(void *arg, unsigned bar, uint64_t base, bool mapped);
	/*
	 * Optional: configuration space of its own (a capability with
	 * registers behind it). Return true if it was handled; otherwise the
	 * bus does what PCI says. offset and size (1, 2 or 4) lie within 256
	 * bytes. Called on vcpu threads, several at once.
	 */
	bool (*config_read)(
	    void *arg, unsigned offset, unsigned size, uint32_t *value);
	bool (*config_write)(
	    void *arg, unsigned offset, unsigned size, uint32_t value);
	/* Optional. The driver turned MSI-X on or off; as bar_moved. */
	void (*msix_switched)(void *arg);
	/* As struct device_ops has them; save and load inside the bus's
	 * section. */
	void (*reset)(void *arg);
	void (*save)(void *arg, struct state_writer *w);
	int (*load)(void *arg, struct state_reader *r, struct error *err);
	void (*destroy)(void *arg);
};

/* Makes the bus with its bridges and adds it to the machine, which owns it. */
int pci_bus_create(struct machine *m, struct pci_bus **bus, struct error *err);
struct machine *pci_bus_machine(const struct pci_bus *bus);

/*
 * Adds a function in the next free slot (slot -1) or in this one. BAR handlers
 * and ops get arg. The bus owns arg from here on (ops->destroy), also when
 * this fails. Main thread, before the machine runs.
 */
int pci_add(struct pci_bus *bus, int slot, const struct pci_fn_ops *ops,
    void *arg, struct pci_fn **fn, struct error *err);
/* Where it was put, 0 to 31. Any thread. */
unsigned pci_slot(const struct pci_fn *fn);

/*
 * Appends a capability to the list: id, then len bytes of body (what follows
 * the next pointer). wmask, if not NULL, has ones where the driver may write.
 * Returns its offset, or -1 when the 256 bytes are full.
 */
int pci_add_capability(struct pci_fn *fn, uint8_t id, const void *body,
    unsigned len, const uint8_t *wmask);

/*
 * Gives the function an MSI-X capability with its table and pending bits in
 * BAR bar at offset; that part of the BAR is then answered by the bus itself
 * (the BAR's ops never see it). The table takes vectors * 16 bytes, the
 * pending bits follow at the next multiple of 8.
 */
int pci_add_msix(struct pci_fn *fn, unsigned bar, uint32_t offset,
    unsigned vectors, struct error *err);
bool pci_msix_enabled(const struct pci_fn *fn);
/*
 * Sends vector (masked: leaves it pending). Any thread, no lock, one write to
 * an eventfd. A vector beyond the table is ignored.
 */
void pci_msix_send(struct pci_fn *fn, unsigned vector);
/* The vector's irqfd, for vhost; -1 beyond the table. */
int pci_msix_fd(const struct pci_fn *fn, unsigned vector);

/*
 * Sets the level of the function's INTx pin; the line is the OR over those who
 * share it. Does nothing to the guest while the driver disabled INTx or
 * enabled MSI-X. Any thread.
 */
void pci_intx_set(struct pci_fn *fn, bool level);

#endif
