/*
 * smbios.h: what the machine is called: the tables of the System Management
 * BIOS reference specification (DMTF DSP0134), version 2.8, with the 32-bit
 * entry point.
 */
#ifndef BACKEND_BOOT_SMBIOS_H
#define BACKEND_BOOT_SMBIOS_H

#include <stddef.h>
#include <stdint.h>

#include "backend/vmm/guestmem.h"
#include "config/error.h"

#define SMBIOS_ENTRY_LEN 31
#define SMBIOS_UUID_LEN  16

struct smbios {
	/* With the tables' length, but at address 0, and without checksums. */
	uint8_t entry[SMBIOS_ENTRY_LEN];
	uint8_t *data; /* owned; smbios_free() */
	size_t len;
};

/*
 * The tables of a machine with this RAM and cpus processors. uuid is in the
 * order in which it is written. Returns 0, or -1 (no memory).
 */
int smbios_build(const struct guestmem *mem, unsigned cpus,
    const uint8_t uuid[SMBIOS_UUID_LEN], struct smbios *s, struct error *err);
void smbios_free(struct smbios *s);

/*
 * Writes the entry point to gpa, a multiple of 16, and the tables behind it,
 * in at most room bytes.
 */
int smbios_place(const struct smbios *s, const struct guestmem *mem,
    uint64_t gpa, uint64_t room, struct error *err);

#endif
