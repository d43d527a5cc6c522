/*
 * irq.h: interrupts and time.
 *
 * An interrupt only leaves its vector in irq_pending (start.S). The program
 * takes it from there when it asks: irq_poll() calls the vector's handler, in
 * ring 3, and ends the interrupt. So handlers never run in the middle of
 * anything, and whatever runs long must call irq_poll() now and then.
 */
#ifndef GUEST_IRQ_H
#define GUEST_IRQ_H

#include <stdint.h>

/* Vectors, all of one priority class (gate.h). */
#define IRQ_TIMER    0x40
#define IRQ_SERIAL   0x41
#define IRQ_SCI      0x42
#define IRQ_INTX     0x43
#define IRQ_MSI      0x44 /* to IRQ_MSI_LAST */
#define IRQ_MSI_LAST 0x4e
#define IRQ_RTC      0x4f

/* Sets up the local APIC and the IO-APIC; acpi_init() comes before. */
void irq_init(void);

void irq_handler(unsigned vector, void (*handler)(unsigned));

/*
 * Routes a global system interrupt (an IO-APIC pin) to a vector. level and
 * active_low are as the MADT or the bus say. Returns -1 if there is no such
 * pin.
 */
int irq_route(unsigned gsi, unsigned vector, int level, int active_low);
void irq_mask(unsigned gsi);

/* The address and data of a message that raises vector here. */
uint64_t irq_msi_address(void);
uint32_t irq_msi_data(unsigned vector);

/* Handles what is pending. Returns 1 if there was something. */
int irq_poll(void);

/* After an exception: ends the interrupt if it was one's handler that failed. */
void irq_recover(void);

/*
 * Halts until something was handled or the time has come; deadline is one of
 * time_now()'s, 0 for none. Returns 0 when the deadline has passed.
 */
int irq_wait(uint64_t deadline);

/* Microseconds, from an arbitrary start. The first call takes 10 ms. */
uint64_t time_now(void);

#endif
