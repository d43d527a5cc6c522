#include <string.h>

#include "backend/boot/load.h"

#define PTE_PRESENT 1ULL
#define PTE_WRITE   2ULL
#define PTE_LARGE   0x80ULL
#define LARGE_PAGE  (2ULL << 20)
#define DIRECTORIES 4 /* of 1 GiB each */

#define LOADER_UNKNOWN 0xff
#define VGA_NORMAL     0xffff

static void
memory_map(struct boot_params *p, const struct guestmem *mem, uint64_t low)
{
	struct boot_range range[BOOT_RANGES];
	unsigned i, n = boot_memory_map(mem, low, range);

	for (i = 0; i < n; i++) {
		p->e820_table[i].addr = range[i].start;
		p->e820_table[i].size = range[i].size;
		p->e820_table[i].type = range[i].type;
	}
	p->e820_entries = (uint8_t)n;
}

static void
fill_params(struct boot_params *p, const struct guestmem *mem,
    const struct boot_plan *plan, const char *cmdline, uint64_t rsdp)
{
	struct setup_header *h = &p->hdr;

	*h = plan->header;
	h->type_of_loader = LOADER_UNKNOWN;
	h->vid_mode = VGA_NORMAL;
	h->loadflags = (uint8_t)(h->loadflags &
	    ~(KASLR_FLAG | KEEP_SEGMENTS | CAN_USE_HEAP));
	h->code32_start = (uint32_t)plan->segment[0].gpa;
	h->cmd_line_ptr = (uint32_t)BOOT_CMDLINE;
	h->cmdline_size = (uint32_t)strlen(cmdline);
	h->ramdisk_image = (uint32_t)plan->initrd;
	h->ramdisk_size = (uint32_t)plan->initrd_size;
	p->ext_ramdisk_image = (uint32_t)(plan->initrd >> 32);
	p->ext_ramdisk_size = (uint32_t)(plan->initrd_size >> 32);
	h->setup_data = 0;
	p->acpi_rsdp_addr = rsdp;
	memory_map(p, mem, plan->low);
}

/* The first 4 GiB as they are, in 2 MiB pages. */
static int
page_tables(struct guestmem *mem)
{
	uint64_t(*table)[512];
	unsigned i;

	table =
	    guestmem_at(mem, BOOT_TABLES, (2 + DIRECTORIES) * sizeof table[0]);
	if (table == NULL)
		return -1;
	memset(table, 0, 2 * sizeof table[0]);
	table[0][0] = (BOOT_TABLES + BOOT_PAGE) | PTE_PRESENT | PTE_WRITE;
	for (i = 0; i < DIRECTORIES; i++)
		table[1][i] = (BOOT_TABLES + (2 + i) * BOOT_PAGE) |
		    PTE_PRESENT | PTE_WRITE;
	for (i = 0; i < DIRECTORIES * 512; i++)
		table[2 + i / 512][i % 512] =
		    i * LARGE_PAGE | PTE_PRESENT | PTE_WRITE | PTE_LARGE;
	return 0;
}

/* boot_params and all but the GDT. */
static int
write_params(struct guestmem *mem, const struct boot_plan *plan,
    const struct boot_config *config, uint64_t rsdp, struct error *err)
{
	struct boot_params *p;

	p = guestmem_at(mem, BOOT_PARAMS, sizeof *p);
	if (p == NULL || boot_put_bios(mem) == -1)
		return boot_no_room(err);
	memset(p, 0, sizeof *p);
	fill_params(p, mem, plan, config->cmdline, rsdp);
	return boot_put_cmdline(mem, config->cmdline, err);
}

int
params_write_64(struct guestmem *mem, const struct boot_plan *plan,
    const struct boot_config *config, uint64_t rsdp, struct boot_entry *entry,
    struct error *err)
{
	/* flat 64-bit code and data (SDM vol. 3, 3.4.5) */
	static const uint64_t gdt[] = {
	    0, 0, 0x00af9b000000ffff, 0x00cf93000000ffff};

	if (write_params(mem, plan, config, rsdp, err) == -1)
		return -1;
	if (page_tables(mem) == -1 ||
	    guestmem_write(mem, BOOT_GDT, gdt, sizeof gdt) == -1)
		return boot_no_room(err);
	entry->mode = BOOT_ENTRY_64;
	entry->ip = plan->entry;
	entry->sp = BOOT_STACK;
	entry->si = BOOT_PARAMS;
	entry->cr3 = BOOT_TABLES;
	entry->gdt = BOOT_GDT;
	entry->gdt_limit = sizeof gdt - 1;
	entry->code = BOOT_CS;
	entry->data = BOOT_DS;
	return 0;
}

int
params_write_32(struct guestmem *mem, const struct boot_plan *plan,
    const struct boot_config *config, uint64_t rsdp, struct boot_entry *entry,
    struct error *err)
{
	if (write_params(mem, plan, config, rsdp, err) == -1)
		return -1;
	if (boot_enter_32(mem, plan->entry, BOOT_CS, BOOT_DS, entry) == -1)
		return boot_no_room(err);
	entry->si = BOOT_PARAMS;
	return 0;
}
