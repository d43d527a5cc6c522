#include <ctype.h>
#include <endian.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "backend/boot/load.h"
#include "config/size.h"

/* Chapter numbers are the Multiboot Specification's, version 0.6.96. */
#define MAGIC       0x1badb002u
#define MAGIC_ENTRY 0x2badb002u
#define SEARCH      8192u
#define CODE        0x08
#define DATA        0x10
#define NAME        "vmtui"

/* 3.1.2: of the header; the low half are demands. */
#define WANT_ALIGNED  (1u << 0)
#define WANT_MEMORY   (1u << 1)
#define WANT_VIDEO    (1u << 2)
#define WANT_KNOWN    (WANT_ALIGNED | WANT_MEMORY | WANT_VIDEO)
#define HAS_ADDRESSES (1u << 16)

/* 3.3: of the information. */
#define GIVES_MEMORY  (1u << 0)
#define GIVES_CMDLINE (1u << 2)
#define GIVES_MODULES (1u << 3)
#define GIVES_MAP     (1u << 6)
#define GIVES_NAME    (1u << 9)

#define CMDLINE_MAX 4095
#define FIRST_MAX   256 /* its first word, with a final zero */

struct info {
	uint32_t flags;
	uint32_t mem_lower, mem_upper; /* KiB */
	uint32_t boot_device;
	uint32_t cmdline;
	uint32_t modules, module_list;
	uint32_t symbols[4];
	uint32_t map_length, map;
	uint32_t drives_length, drives;
	uint32_t config_table;
	uint32_t name;
	uint32_t rest[7]; /* APM and VBE: none */
};

struct module {
	uint32_t start, end;
	uint32_t cmdline;
	uint32_t reserved;
};

struct range {
	uint32_t size; /* of what follows */
	uint64_t start, length;
	uint32_t type;
} __attribute__((packed));

/* All in the place of Linux's boot_params. */
struct block {
	struct info info;
	struct module module;
	struct range range[BOOT_RANGES];
	char name[sizeof NAME];
	char module_name[FIRST_MAX];
};

bool
multiboot_find(
    const struct boot_file *file, uint64_t size, struct multiboot_header *h)
{
	uint32_t word[SEARCH / 4] = {0};
	uint64_t len = size < SEARCH ? size : SEARCH;
	struct error err;
	unsigned i;

	if (boot_read(file, word, len, 0, &err) == -1)
		return false;
	for (i = 0; i + 3 <= len / 4; i++) {
		if (le32toh(word[i]) != MAGIC ||
		    le32toh(word[i]) + le32toh(word[i + 1]) +
			    le32toh(word[i + 2]) !=
			0)
			continue;
		memset(h, 0, sizeof *h);
		h->at = i * 4;
		h->flags = le32toh(word[i + 1]);
		if ((h->flags & HAS_ADDRESSES) == 0)
			return true;
		if (i + 8 > len / 4)
			return false;
		h->header_addr = le32toh(word[i + 3]);
		h->load_addr = le32toh(word[i + 4]);
		h->load_end = le32toh(word[i + 5]);
		h->bss_end = le32toh(word[i + 6]);
		h->entry = le32toh(word[i + 7]);
		return true;
	}
	return false;
}

int
multiboot_check(const struct boot_file *file, const struct multiboot_header *h,
    struct error *err)
{
	if ((h->flags & 0xffff & ~WANT_KNOWN) != 0)
		return error_set(err,
		    "%s demands of a Multiboot loader what this one cannot "
		    "give (flags 0x%x); boot it through GRUB from a disk or "
		    "CD-ROM",
		    file->path, h->flags & 0xffff & ~WANT_KNOWN);
	return 0;
}

static int
damaged(const struct boot_file *file, struct error *err)
{
	return error_set(err,
	    "%s has a Multiboot header whose addresses do not fit together; is "
	    "it damaged?",
	    file->path);
}

/* 3.1.3: one piece, which the header itself describes. */
int
multiboot_plan(const struct boot_file *file, uint64_t size,
    const struct multiboot_header *h, struct boot_plan *plan, struct error *err)
{
	struct boot_segment *s = &plan->segment[0];
	char want[24], have[24];

	if ((h->flags & HAS_ADDRESSES) == 0)
		return error_set(err,
		    "%s has a Multiboot header, but is no ELF file and does "
		    "not say where it goes; link it as ELF, or is it "
		    "damaged?",
		    file->path);
	if (multiboot_check(file, h, err) == -1)
		return -1;
	if (h->header_addr < h->load_addr ||
	    h->header_addr - h->load_addr > h->at ||
	    h->load_addr < BOOT_KERNEL_MIN)
		return damaged(file, err);
	s->gpa = h->load_addr;
	s->offset = h->at - (h->header_addr - h->load_addr);
	s->length = size - s->offset;
	if (h->load_end != 0) {
		if (h->load_end < h->load_addr ||
		    h->load_end - h->load_addr > s->length)
			return damaged(file, err);
		s->length = h->load_end - h->load_addr;
	}
	s->size = s->length;
	if (h->bss_end > s->gpa && h->bss_end - s->gpa > s->size)
		s->size = h->bss_end - s->gpa;
	if (s->gpa > plan->low || s->size > plan->low - s->gpa)
		return error_set(err,
		    "%s needs %s of memory to start, the guest has %s; give it "
		    "more",
		    file->path, size_short(s->gpa + s->size, want, sizeof want),
		    size_short(plan->low, have, sizeof have));
	plan->segments = 1;
	plan->end = s->gpa + s->size;
	plan->entry = h->entry;
	plan->header.initrd_addr_max = UINT32_MAX;
	plan->cmdline_max = CMDLINE_MAX;
	plan->write = multiboot_write;
	return boot_in_segment(plan, plan->entry) ? 0 : damaged(file, err);
}

static void
fill_info(struct info *info, const struct boot_plan *plan, unsigned ranges)
{
	uint32_t flags = GIVES_MEMORY | GIVES_CMDLINE | GIVES_MAP | GIVES_NAME;

	info->mem_lower = htole32(BOOT_EBDA >> 10);
	info->mem_upper =
	    htole32((uint32_t)((plan->low - BOOT_KERNEL_MIN) >> 10));
	info->cmdline = htole32((uint32_t)BOOT_CMDLINE);
	info->map_length = htole32(ranges * (uint32_t)sizeof(struct range));
	info->map =
	    htole32((uint32_t)(BOOT_PARAMS + offsetof(struct block, range)));
	info->name =
	    htole32((uint32_t)(BOOT_PARAMS + offsetof(struct block, name)));
	if (plan->initrd_size > 0) {
		flags |= GIVES_MODULES;
		info->modules = htole32(1);
		info->module_list = htole32(
		    (uint32_t)(BOOT_PARAMS + offsetof(struct block, module)));
	}
	info->flags = htole32(flags);
}

/*
 * 3.3 leaves open what a command line begins with. Kernels take their own name
 * off it, as most loaders put it there; it is one word, the last part of the
 * path: where the host has the file is nothing to the guest.
 */
static void
first_word(const char *path, char word[FIRST_MAX])
{
	const char *slash = strrchr(path, '/');
	char *p;

	snprintf(word, FIRST_MAX, "%s", slash != NULL ? slash + 1 : path);
	for (p = word; *p != '\0'; p++)
		if (isspace((unsigned char)*p))
			*p = '_';
}

static int
put_cmdline(
    struct guestmem *mem, const struct boot_config *config, struct error *err)
{
	char first[FIRST_MAX], line[FIRST_MAX + 1 + CMDLINE_MAX];

	first_word(config->kernel.path, first);
	snprintf(line, sizeof line, "%s%s%s", first,
	    config->cmdline[0] != '\0' ? " " : "", config->cmdline);
	return boot_put_cmdline(mem, line, err);
}

int
multiboot_write(struct guestmem *mem, const struct boot_plan *plan,
    const struct boot_config *config, uint64_t rsdp, struct boot_entry *entry,
    struct error *err)
{
	struct boot_range range[BOOT_RANGES];
	unsigned i, n = boot_memory_map(mem, plan->low, range);
	struct block b;

	memset(&b, 0, sizeof b);
	fill_info(&b.info, plan, n);
	for (i = 0; i < n; i++) {
		b.range[i].size = htole32(sizeof b.range[i] - 4);
		b.range[i].start = htole64(range[i].start);
		b.range[i].length = htole64(range[i].size);
		b.range[i].type = htole32(range[i].type);
	}
	b.module.start = htole32((uint32_t)plan->initrd);
	b.module.end = htole32((uint32_t)(plan->initrd + plan->initrd_size));
	memcpy(b.name, NAME, sizeof NAME);
	if (plan->initrd_size > 0)
		first_word(config->initrd.path, b.module_name);
	b.module.cmdline = htole32(
	    (uint32_t)(BOOT_PARAMS + offsetof(struct block, module_name)));
	if (boot_put_bios(mem) == -1 ||
	    guestmem_write(mem, BOOT_PARAMS, &b, sizeof b) == -1 ||
	    boot_enter_32(mem, plan->entry, CODE, DATA, entry) == -1)
		return boot_no_room(err);
	entry->ax = MAGIC_ENTRY;
	entry->bx = BOOT_PARAMS;
	return put_cmdline(mem, config, err);
}
