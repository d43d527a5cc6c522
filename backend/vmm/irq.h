/*
 * irq.h: interrupts into the guest and doorbells out of it, without exits.
 *
 * Global system interrupts 0 to 23 are the pins of the IO-APIC (0 to 15 also
 * the PICs'); messages (MSI, MSI-X) get routes above. Any thread may call;
 * the routing table has a lock of its own.
 */
#ifndef BACKEND_VMM_IRQ_H
#define BACKEND_VMM_IRQ_H

#include <stdbool.h>
#include <stdint.h>

#include "backend/vmm/machine.h"
#include "config/error.h"

#define IRQ_PINS 24

/* Sets a pin. Edge-triggered users call it with true, then false. */
void irq_set_line(struct machine *m, unsigned gsi, bool level);

/*
 * Makes the PICs take these IRQs (bit n: IRQ n) as level-triggered, as firmware
 * does through the ELCR for those that PCI shares. Machine stopped.
 */
int irq_set_elcr(struct machine *m, uint16_t mask, struct error *err);

/*
 * One interrupt message with the eventfd that sends it (an irqfd). While it is
 * off, what is sent stays pending in the eventfd and is delivered when it is
 * turned on.
 */
struct irq_msi;

int irq_msi_new(struct machine *m, struct irq_msi **msi, struct error *err);
void irq_msi_free(struct irq_msi *msi);
/* Address and data as the driver wrote them (SDM vol. 3, 11.11). */
int irq_msi_route(
    struct irq_msi *msi, uint64_t addr, uint32_t data, struct error *err);
/* Connects the eventfd to the guest, or takes it off (masked). */
int irq_msi_enable(struct irq_msi *msi, bool on, struct error *err);
/* Sends it: one write to the eventfd, from any thread. */
void irq_msi_send(struct irq_msi *msi);
/* The eventfd itself, for vhost. Stays owned by msi. */
int irq_msi_fd(const struct irq_msi *msi);
/* Is one pending while off? Takes nothing away. */
bool irq_msi_pending(const struct irq_msi *msi);
/* Forgets what is pending (reset). */
void irq_msi_clear(struct irq_msi *msi);

/*
 * A guest's write of size bytes (2 or 4; 0: any size) to addr wakes fd and
 * does not exit to user space. With match, only a write of value does. pio
 * chooses ports or MMIO. Removed with the same arguments.
 */
struct ioeventfd {
	bool pio;
	uint64_t addr;
	unsigned size;
	bool match;
	uint64_t value;
	int fd;
};
int ioeventfd_add(
    struct machine *m, const struct ioeventfd *io, struct error *err);
void ioeventfd_remove(struct machine *m, const struct ioeventfd *io);

#endif
