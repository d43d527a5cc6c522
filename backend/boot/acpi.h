/*
 * acpi.h: the ACPI tables that describe this machine.
 *
 *	RSDP ──▶ RSDT, XSDT ──▶ FADT ──▶ FACS, DSDT
 *	                   └──▶ MADT
 *
 * They are built as one block whose pointers are offsets into itself, with a
 * list of those pointers and of what has a checksum. acpi_place() fixes them
 * up for an address; firmware that places tables itself can be handed the
 * block and the lists. Main thread.
 */
#ifndef BACKEND_BOOT_ACPI_H
#define BACKEND_BOOT_ACPI_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "backend/vmm/guestmem.h"
#include "config/error.h"

#define ACPI_RSDP_LEN 36
#define ACPI_ALIGN    64 /* of the block's address, for the FACS at its start */
#define ACPI_MAX      8

struct acpi_tables {
	uint8_t *data; /* owned; acpi_free() */
	size_t len;
	unsigned pointers;
	struct {
		uint32_t at; /* in data */
		uint32_t size; /* 4 or 8 bytes */
	} pointer[2 * ACPI_MAX];
	unsigned tables; /* each with a checksum at byte 9 */
	struct {
		uint32_t at;
		uint32_t len;
	} table[ACPI_MAX];
	uint32_t rsdt, xsdt; /* where they are, for the RSDP */
};

/*
 * The tables for cpus processors; with serial2 they name a second serial port,
 * COM2. Returns 0, or -1 (no memory).
 */
int acpi_build(
    unsigned cpus, bool serial2, struct acpi_tables *t, struct error *err);
void acpi_free(struct acpi_tables *t);

/* The RSDP for tables that lie at base. */
void acpi_rsdp(
    const struct acpi_tables *t, uint64_t base, uint8_t rsdp[ACPI_RSDP_LEN]);

/*
 * Writes the RSDP to gpa, a multiple of 64, and the tables behind it, in at
 * most room bytes.
 */
int acpi_place(const struct acpi_tables *t, const struct guestmem *mem,
    uint64_t gpa, uint64_t room, struct error *err);

#endif
