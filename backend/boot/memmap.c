#include <string.h>

#include "backend/boot/load.h"

/* Flat segments of 4 GiB (SDM vol. 3, 3.4.5). */
#define CODE_32 0x00cf9b000000ffffULL
#define DATA_32 0x00cf93000000ffffULL
#define ENTRIES 4

static unsigned
add(struct boot_range *range, unsigned n, uint64_t start, uint64_t end,
    uint32_t type)
{
	if (start >= end)
		return n;
	range[n].start = start;
	range[n].size = end - start;
	range[n].type = type;
	return n + 1;
}

unsigned
boot_memory_map(const struct guestmem *mem, uint64_t low,
    struct boot_range range[BOOT_RANGES])
{
	unsigned n = 0;

	n = add(range, n, 0, BOOT_EBDA, BOOT_E820_RAM);
	n = add(range, n, BOOT_EBDA, BOOT_VGA, BOOT_E820_RESERVED);
	n = add(range, n, BOOT_ACPI, BOOT_KERNEL_MIN, BOOT_E820_RESERVED);
	n = add(range, n, BOOT_KERNEL_MIN, low, BOOT_E820_RAM);
	n = add(range, n, BOOT_KVM_PAGES, BOOT_KVM_PAGES + BOOT_KVM_PAGES_LEN,
	    BOOT_E820_RESERVED);
	if (mem->regions > 1)
		n = add(range, n, mem->region[1].gpa,
		    mem->region[1].gpa + mem->region[1].size, BOOT_E820_RAM);
	return n;
}

int
boot_enter_32(struct guestmem *mem, uint64_t ip, uint16_t code, uint16_t data,
    struct boot_entry *entry)
{
	uint64_t gdt[ENTRIES] = {0};

	gdt[code / 8] = CODE_32;
	gdt[data / 8] = DATA_32;
	if (guestmem_write(mem, BOOT_GDT, gdt, sizeof gdt) == -1)
		return -1;
	entry->mode = BOOT_ENTRY_32;
	entry->ip = ip;
	entry->sp = BOOT_STACK;
	entry->gdt = BOOT_GDT;
	entry->gdt_limit = sizeof gdt - 1;
	entry->code = code;
	entry->data = data;
	return 0;
}

int
boot_no_room(struct error *err)
{
	return error_set(err,
	    "the guest's memory is too small for the boot tables; give it more");
}

int
boot_put_cmdline(struct guestmem *mem, const char *cmdline, struct error *err)
{
	if (guestmem_write(mem, BOOT_CMDLINE, cmdline, strlen(cmdline) + 1) ==
	    -1)
		return boot_no_room(err);
	return 0;
}
