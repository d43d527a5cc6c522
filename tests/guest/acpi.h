/*
 * acpi.h: what the guest needs of ACPI (ACPI 6.5): the MADT's interrupt
 * routing, the FADT's power management registers, \_S5_ in the DSDT.
 */
#ifndef GUEST_ACPI_H
#define GUEST_ACPI_H

#include <stdint.h>

struct acpi {
	uint64_t rsdp; /* 0: this machine has no ACPI */
	uint64_t fadt, madt, dsdt;
	unsigned cpus; /* enabled ones, of the MADT */
	uint16_t sci;
	uint16_t pm1a_event, pm1a_control; /* ports; 0: none */
	uint8_t pm1_event_len;
	uint16_t smi_command;
	uint8_t smi_enable;
	int s5; /* SLP_TYP of \_S5_, -1 if it was not found */
	int reset_space; /* of the FADT's reset register; -1: has none */
	uint64_t reset_addr;
	uint8_t reset_value;
};

extern struct acpi acpi;

/* Finds and reads the tables; boot_init() comes before. */
void acpi_init(void);

/* Turns ACPI and the power button on; irq_init() comes before. */
void acpi_listen(void);

/* Powers off by S5; returns, with a reason, only if that does not work. */
const char *acpi_poweroff(void);

/* Resets by the FADT's register; returns a reason likewise. */
const char *acpi_reset(void);

/* The physical address of the first IO-APIC and its first interrupt. */
uint64_t acpi_ioapic(unsigned *base);

/*
 * The global system interrupt of an ISA one. level and active_low hold what
 * the bus says and are changed where the MADT overrides it.
 */
unsigned acpi_isa_irq(unsigned irq, int *level, int *active_low);

#endif
