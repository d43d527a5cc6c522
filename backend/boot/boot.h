/*
 * boot.h: puts a kernel and what it needs to know into guest memory.
 *
 * Files are given as open descriptors (a confined guest process opens
 * nothing); they are read with pread() and may be read again at a reset.
 * Called by the guest process's main thread with the machine stopped. A file
 * is hostile input: every size and offset in it is checked, and a mistake is a
 * sentence that names the file.
 */
#ifndef BACKEND_BOOT_BOOT_H
#define BACKEND_BOOT_BOOT_H

#include "backend/vmm/machine.h"
#include "config/error.h"

struct boot_file {
	int fd; /* borrowed; -1: none */
	const char *path; /* for sentences */
};

/* What an OpenBSD kernel is told that it was booted from. */
struct boot_origin {
	enum { BOOT_FROM_DISK, BOOT_FROM_CDROM, BOOT_FROM_NET } from;
	bool has_duid, has_mac;
	uint8_t duid[8]; /* of the first disk's label */
	uint8_t mac[6]; /* of the first interface */
};

struct boot_config {
	struct boot_file kernel;
	struct boot_file initrd;
	const char *cmdline; /* "" if none */
	struct boot_origin origin;
	bool serial2; /* there is a second serial port to tell of */
	const uint8_t *uuid; /* 16 bytes, for boot_load(); NULL: zeroes */
};

/*
 * Reads only what is needed to tell whether this can be booted: the kernel's
 * kind, whole headers, whether kernel and initrd are whole (an initrd: as far as
 * can be told without unpacking it) and fit into memory bytes of RAM.
 * The backend calls it before anything is created, so it takes no machine.
 * Returns 0, or -1 with err.
 */
int boot_check(
    const struct boot_config *config, uint64_t memory, struct error *err);

/*
 * Loads the kernel, initrd, command line, memory map and tables (ACPI, SMBIOS,
 * MP) into RAM and fills in entry. Kernels are Linux's bzImage (64-bit entry,
 * or the 32-bit one) and vmlinux, ELF files with a PVH note, Multiboot 1, and
 * OpenBSD's.
 * Every byte of RAM that it does not write keeps its contents.
 */
int boot_load(struct machine *m, const struct boot_config *config,
    struct boot_entry *entry, struct error *err);

#endif
