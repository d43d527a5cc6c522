/*
 * loader.h: ACPI tables for firmware that places them itself: QEMU's
 * table-loader interface, three files of fw_cfg.
 *
 *	etc/acpi/rsdp      the RSDP
 *	etc/acpi/tables    the block of acpi.h
 *	etc/table-loader   what to do with them: commands of 128 bytes
 */
#ifndef BACKEND_BOOT_LOADER_H
#define BACKEND_BOOT_LOADER_H

#include "backend/boot/acpi.h"
#include "backend/dev/fw_cfg.h"

/* Adds the three files. t may be freed afterwards. */
int loader_add(
    struct fw_cfg *cfg, const struct acpi_tables *t, struct error *err);

#endif
