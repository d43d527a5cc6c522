/*
 * firmware.h: booting without a kernel: a PC BIOS that finds its own.
 *
 *	4 GiB - size  the image, read-only; the first processor wakes in it
 *	0xe0000       its last 128 KiB once more, in RAM: what a chipset
 *	              shadows; the PAM registers are storage
 *
 * The image is made for QEMU's virtual PC (SeaBIOS is): it is told through
 * fw_cfg how much memory there is, what to boot, where to print, and gets ACPI
 * and SMBIOS tables from there.
 *
 * Main thread, with the machine stopped.
 */
#ifndef BACKEND_BOOT_FIRMWARE_H
#define BACKEND_BOOT_FIRMWARE_H

#include "backend/boot/boot.h"
#include "backend/boot/smbios.h"
#include "backend/dev/fw_cfg.h"

struct firmware_config {
	struct boot_file bios;
	struct boot_file netrom; /* boots from virtio-net; fd -1: none */
	const char *bootorder; /* device paths, each ended by a newline */
	uint16_t console; /* port of the serial console */
	bool serial2; /* there is a second serial port to tell of */
	const uint8_t *uuid; /* SMBIOS_UUID_LEN bytes */
};

/*
 * Whether the file can be such an image. The backend calls it before anything
 * is created. Returns 0, or -1 with err.
 */
int firmware_check(const struct boot_file *bios, struct error *err);

/* Whether the file can be an option ROM (PCI Firmware Specification 3.0, 5.2).
 */
int firmware_check_rom(const struct boot_file *rom, struct error *err);

/* Maps the image and adds fw_cfg's files. Once, before the machine runs. */
int firmware_create(struct machine *m, struct fw_cfg *cfg,
    const struct firmware_config *config, struct error *err);

/*
 * Puts the shadow in place and fills in entry: after firmware_create(), and
 * again after each reset.
 */
int firmware_load(
    struct machine *m, struct boot_entry *entry, struct error *err);

#endif
