/*
 * load.h: what the loaders of this folder share; nobody else includes it.
 *
 * A kernel is planned first, from its headers alone: that is boot_check().
 * Then the plan is carried out. Where things go, all guest physical:
 *
 *	0x00000000  interrupt vectors of real mode
 *	0x00000400  BIOS data area
 *	0x00000500  GDT, four entries
 *	0x00000600  what the vectors lead to
 *	0x00007000  boot_params ("zero page")
 *	0x00008ff0  the first stack grows down from here
 *	0x00009000  page tables: PML4, PDPT, four page directories
 *	0x00020000  command line, up to 64 KiB
 *	0x0009fc00  EBDA, reserved
 *	0x000a0000  where a PC has its VGA: not in the memory map
 *	0x000e0000  RSDP and ACPI tables, reserved
 *	0x000f0000  SMBIOS and MP tables, reserved
 *	0x00100000  from here on kernels; a bzImage where it prefers to be
 *	    ...
 *	            initrd, as high as kernel, RAM and 3 GiB allow
 *	0xc0000000  end of low RAM at the latest
 *	0x100000000 the rest of RAM
 */
#ifndef BACKEND_BOOT_LOAD_H
#define BACKEND_BOOT_LOAD_H

#include <asm/bootparam.h>

#include "backend/boot/boot.h"

#define BOOT_GDT         0x500ULL
#define BOOT_PARAMS      0x7000ULL
#define BOOT_STACK       0x8ff0ULL
#define BOOT_TABLES      0x9000ULL
#define BOOT_CMDLINE     0x20000ULL
#define BOOT_CMDLINE_MAX 0x10000ULL
#define BOOT_EBDA        0x9fc00ULL
#define BOOT_VGA         0xa0000ULL
#define BOOT_ACPI        0xe0000ULL
#define BOOT_SMBIOS      0xf0000ULL
#define BOOT_MPTABLE     0xf1000ULL
#define BOOT_KERNEL_MIN  0x100000ULL
#define BOOT_PAGE        4096ULL

/* Types of memory, as e820 has them. */
#define BOOT_E820_RAM      1
#define BOOT_E820_RESERVED 2

/* Pages that KVM keeps below the firmware (backend/vmm/kvm.h). */
#define BOOT_KVM_PAGES     0xfeffc000ULL
#define BOOT_KVM_PAGES_LEN 0x4000ULL

/* Selectors that the 64-bit boot protocol demands (__BOOT_CS, __BOOT_DS). */
#define BOOT_CS 0x10
#define BOOT_DS 0x18

#define BOOT_SEGMENTS 64

/* A piece of the kernel's file and where it goes; the rest of size is zero. */
struct boot_segment {
	uint64_t gpa, size;
	uint64_t offset, length; /* in the file */
};

struct boot_plan;

/*
 * How a kernel is entered: puts what it is told into RAM, at the places above,
 * and fills in entry. The kernel itself and the tables are there already.
 */
typedef int boot_write(struct guestmem *mem, const struct boot_plan *plan,
    const struct boot_config *config, uint64_t rsdp, struct boot_entry *entry,
    struct error *err);

struct boot_plan {
	boot_write *write;
	uint64_t low; /* bytes of RAM below 3 GiB */
	unsigned segments;
	struct boot_segment segment[BOOT_SEGMENTS];
	uint64_t end; /* of what the kernel needs until it knows its memory */
	uint64_t entry;
	uint64_t initrd, initrd_size; /* size 0: none */
	uint64_t random, random_size; /* where random bytes go; size 0: none */
	uint64_t symbols, symbols_end; /* 0: none */
	size_t cmdline_max; /* bytes without the final zero */
	struct setup_header header;
};

/* Reads len bytes at offset. Returns 0, or -1 with a sentence. */
int boot_read(const struct boot_file *file, void *buf, uint64_t len,
    uint64_t offset, struct error *err);
/* The size of a regular file or block device. */
int boot_size(const struct boot_file *file, uint64_t *size, struct error *err);

/*
 * bzimage.c, elf.c and elf_read.c: plan->low is set; they fill in the rest but for the
 * initrd. head is the file's first sectors. size is the file's.
 */
#define BOOT_HEAD 1024
bool bzimage_probe(const uint8_t *head);
int bzimage_plan(const struct boot_file *file, uint64_t size,
    const uint8_t *head, struct boot_plan *plan, struct error *err);
bool elf_probe(const uint8_t *head);
int elf_plan(const struct boot_file *file, uint64_t size, const uint8_t *head,
    struct boot_plan *plan, struct error *err);

/*
 * initrd.c: whether an initramfs of size bytes is whole, as far as can be told
 * without unpacking it. Returns 0, or -1 with a sentence.
 */
int initrd_check(
    const struct boot_file *file, uint64_t size, struct error *err);

/* kind.c: "it is compressed with gzip", for a file that is no kernel. */
const char *boot_kind(const struct boot_file *file, const uint8_t *head);

/*
 * bios.c: what a kernel may look for of a BIOS, though none has run: where base
 * memory ends (BIOS data area), and interrupts of real mode, which fail as calls
 * that there are not (the carry flag, AH 0x86) and of which Xen makes some.
 * Multiboot 0.6.96, 3.2, wants the machine as the BIOS left it. Returns -1
 * where memory is too small.
 */
int boot_put_bios(struct guestmem *mem);

/* memmap.c: the memory of a machine of which RAM below 3 GiB ends at low. */
#define BOOT_RANGES 8
struct boot_range {
	uint64_t start, size;
	uint32_t type;
};
unsigned boot_memory_map(const struct guestmem *mem, uint64_t low,
    struct boot_range range[BOOT_RANGES]);
/*
 * memmap.c: a GDT at BOOT_GDT with flat code and data under these selectors,
 * and the entry state in 32-bit protected mode that goes with it.
 */
int boot_enter_32(struct guestmem *mem, uint64_t ip, uint16_t code,
    uint16_t data, struct boot_entry *entry);
/* memmap.c: the command line at BOOT_CMDLINE; -1 with a sentence. */
int boot_put_cmdline(
    struct guestmem *mem, const char *cmdline, struct error *err);
/* "the guest's memory is too small for the boot tables". Returns -1. */
int boot_no_room(struct error *err);

/* Is it in a segment of the plan? */
bool boot_in_segment(const struct boot_plan *plan, uint64_t gpa);

/*
 * params.c: Linux: page tables, memory map, command line and boot_params; the
 * 64-bit entry and, for older kernels, the 32-bit one.
 */
boot_write params_write_64;
boot_write params_write_32;

/*
 * pvh.c: an ELF note of the type that names a PVH entry; and what is written
 * for it (Xen's docs/misc/pvh.pandoc and its start_info.h).
 */
#define PVH_NOTE_ENTRY 18
boot_write pvh_write;

/*
 * multiboot.c: the header of the Multiboot Specification 0.6.96 in the first
 * 8 KiB. multiboot_check() refuses what it demands and cannot have;
 * multiboot_plan() is for a file that is no ELF and says itself where it goes.
 */
struct multiboot_header {
	uint32_t flags;
	uint32_t at; /* in the file */
	uint32_t header_addr, load_addr, load_end, bss_end, entry;
};
bool multiboot_find(
    const struct boot_file *file, uint64_t size, struct multiboot_header *h);
int multiboot_check(const struct boot_file *file,
    const struct multiboot_header *h, struct error *err);
int multiboot_plan(const struct boot_file *file, uint64_t size,
    const struct multiboot_header *h, struct boot_plan *plan,
    struct error *err);
boot_write multiboot_write;

/* openbsd.c: whether such a kernel can be told what config says. */
boot_write openbsd_write;
int openbsd_check(const struct boot_config *config, struct error *err);

#endif
