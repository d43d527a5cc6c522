#include <endian.h>
#include <string.h>

#include "backend/boot/load.h"

#define MAGIC   0x336ec578u
#define VERSION 1 /* has a memory map */
#define CODE    0x08
#define DATA    0x10

/* start_info.h of Xen's public headers. */
struct start_info {
	uint32_t magic;
	uint32_t version;
	uint32_t flags;
	uint32_t modules;
	uint64_t module_list;
	uint64_t cmdline;
	uint64_t rsdp;
	uint64_t memory_map;
	uint32_t ranges;
	uint32_t reserved;
};

struct module {
	uint64_t start;
	uint64_t size;
	uint64_t cmdline;
	uint64_t reserved;
};

struct range {
	uint64_t start;
	uint64_t size;
	uint32_t type;
	uint32_t reserved;
};

/* All in the place of Linux's boot_params. */
struct block {
	struct start_info info;
	struct module module;
	struct range range[BOOT_RANGES];
};

int
pvh_write(struct guestmem *mem, const struct boot_plan *plan,
    const struct boot_config *config, uint64_t rsdp, struct boot_entry *entry,
    struct error *err)
{
	struct boot_range range[BOOT_RANGES];
	unsigned i, n = boot_memory_map(mem, plan->low, range);
	struct block b;

	memset(&b, 0, sizeof b);
	b.info.magic = htole32(MAGIC);
	b.info.version = htole32(VERSION);
	b.info.cmdline = htole64(BOOT_CMDLINE);
	b.info.rsdp = htole64(rsdp);
	b.info.memory_map =
	    htole64(BOOT_PARAMS + offsetof(struct block, range));
	b.info.ranges = htole32(n);
	for (i = 0; i < n; i++) {
		b.range[i].start = htole64(range[i].start);
		b.range[i].size = htole64(range[i].size);
		b.range[i].type = htole32(range[i].type);
	}
	if (plan->initrd_size > 0) {
		b.info.modules = htole32(1);
		b.info.module_list =
		    htole64(BOOT_PARAMS + offsetof(struct block, module));
		b.module.start = htole64(plan->initrd);
		b.module.size = htole64(plan->initrd_size);
	}
	if (guestmem_write(mem, BOOT_PARAMS, &b, sizeof b) == -1 ||
	    boot_enter_32(mem, plan->entry, CODE, DATA, entry) == -1)
		return boot_no_room(err);
	entry->bx = BOOT_PARAMS;
	return boot_put_cmdline(mem, config->cmdline, err);
}
