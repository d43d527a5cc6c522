/*
 * mptable.h: processors and interrupts for systems that know no ACPI: the
 * tables of Intel's MultiProcessor Specification 1.4. They say what the MADT
 * and the DSDT's _PRT say. (Firmware that boots writes its own.)
 */
#ifndef BACKEND_BOOT_MPTABLE_H
#define BACKEND_BOOT_MPTABLE_H

#include <stdint.h>

#include "backend/vmm/guestmem.h"
#include "config/error.h"

/*
 * Writes the floating pointer to gpa, a multiple of 16, and the table behind
 * it, in at most room bytes. cpus: 1 to 64.
 */
int mptable_place(const struct guestmem *mem, unsigned cpus, uint64_t gpa,
    uint64_t room, struct error *err);

#endif
