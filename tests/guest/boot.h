/*
 * boot.h: what the loader says: memory, command line, where ACPI is. Read once
 * at start, from Linux's boot_params or from PVH's hvm_start_info; copies,
 * because nobody keeps those pages for us.
 */
#ifndef GUEST_BOOT_H
#define GUEST_BOOT_H

#include <stdint.h>

#define BOOT_MAP_MAX 32

struct boot_range {
	uint64_t start, size;
	uint32_t type; /* E820: 1 is usable RAM */
};

struct boot {
	const char *protocol;
	char cmdline[1024];
	uint64_t rsdp; /* 0: not given */
	struct boot_range map[BOOT_MAP_MAX];
	unsigned ranges;
};

extern struct boot boot;

void boot_init(void);

/* MiB of usable RAM, to the nearest. */
uint64_t boot_memory(void);

/*
 * The value of "name=" on the command line, copied to value. It ends at a
 * blank, or at a double quote if it begins with one. Returns 1 if it was
 * quoted, 0 if not, -1 if there is no such name.
 */
int boot_option(const char *name, char *value, unsigned size);

/* Whether the command line has this word. */
int boot_flag(const char *word);

#endif
