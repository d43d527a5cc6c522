/*
 * boot.c: the boot_params of Linux's x86 boot protocol ("zero page"), or
 * hvm_start_info of Xen's PVH.
 */
#include "boot.h"
#include "lib.h"

/* boot_params */
#define PARAMS_RSDP      0x70
#define PARAMS_CMDLINE_H 0xc8 /* upper half of the address */
#define PARAMS_E820_N    0x1e8
#define PARAMS_CMDLINE   0x228
#define PARAMS_E820      0x2d0
#define E820_ENTRY       20

/* hvm_start_info */
#define PVH_MAGIC     0x336ec578u
#define PVH_VERSION   4
#define PVH_CMDLINE   24
#define PVH_RSDP      32
#define PVH_MEMMAP    40
#define PVH_MEMMAP_N  48
#define PVH_MAP_ENTRY 24

/* start.S */
extern uint64_t boot_pointer;
extern uint32_t boot_is_pvh;

struct boot boot;

static void
read_map(const uint8_t *entry, unsigned n, unsigned step)
{
	for (; n > 0 && boot.ranges < BOOT_MAP_MAX; n--, entry += step) {
		boot.map[boot.ranges].start = get64(entry);
		boot.map[boot.ranges].size = get64(entry + 8);
		boot.map[boot.ranges].type = get32(entry + 16);
		boot.ranges++;
	}
}

void
boot_init(void)
{
	const uint8_t *p = (const uint8_t *)boot_pointer;
	uint64_t cmdline;

	if (boot_is_pvh) {
		boot.protocol = "PVH";
		if (get32(p) != PVH_MAGIC)
			return;
		cmdline = get64(p + PVH_CMDLINE);
		boot.rsdp = get64(p + PVH_RSDP);
		if (get32(p + PVH_VERSION) >= 1)
			read_map((const uint8_t *)get64(p + PVH_MEMMAP),
			    get32(p + PVH_MEMMAP_N), PVH_MAP_ENTRY);
	} else {
		boot.protocol = "Linux 64-bit";
		cmdline = get32(p + PARAMS_CMDLINE) |
		    (uint64_t)get32(p + PARAMS_CMDLINE_H) << 32;
		boot.rsdp = get64(p + PARAMS_RSDP);
		read_map(p + PARAMS_E820, p[PARAMS_E820_N], E820_ENTRY);
	}
	if (cmdline != 0 && cmdline < 1ull << 32)
		str_copy(
		    boot.cmdline, (const char *)cmdline, sizeof(boot.cmdline));
}

uint64_t
boot_memory(void)
{
	uint64_t sum = 0;
	unsigned i;

	for (i = 0; i < boot.ranges; i++)
		if (boot.map[i].type == 1)
			sum += boot.map[i].size;
	return (sum + (1u << 19)) >> 20;
}

int
boot_option(const char *name, char *value, unsigned size)
{
	const char *p = boot.cmdline;
	size_t len = strlen(name);
	unsigned n = 0;
	char end = ' ';

	for (;; p++) {
		if (*p == '\0')
			return -1;
		if ((p == boot.cmdline || p[-1] == ' ') &&
		    strncmp(p, name, len) == 0 && p[len] == '=')
			break;
	}
	p += len + 1;
	if (*p == '"')
		end = *p++;
	while (*p != '\0' && *p != end && n + 1 < size)
		value[n++] = *p++;
	value[n] = '\0';
	return end == '"';
}

int
boot_flag(const char *word)
{
	const char *p = boot.cmdline;
	size_t len = strlen(word);

	for (; *p != '\0'; p++)
		if ((p == boot.cmdline || p[-1] == ' ') &&
		    strncmp(p, word, len) == 0 &&
		    (p[len] == ' ' || p[len] == '\0'))
			return 1;
	return 0;
}
