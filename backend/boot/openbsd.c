/*
 * OpenBSD's amd64 and i386 kernels, started as boot(8) does: in 32-bit flat
 * protected mode with eight arguments on the stack. The facts are those of
 * <machine/biosvar.h>, <stand/boot/bootarg.h> and both locore0.S.
 *
 *	sp  return address, never used
 *	+4  howto: flags of boot -acds
 *	+8  boot device
 *	+12 version of this interface
 *	+16 end of the symbols, 0 for none
 *	+20 extended memory  } 0: the memory map is to be used
 *	+24 base memory      }
 *	+28 size of the boot arguments
 *	+32 their address: a chain of type, size, offset of the next, data
 */
#include <sys/random.h>

#include <endian.h>
#include <inttypes.h>
#include <string.h>

#include "backend/boot/elf.h"
#include "backend/boot/symbols.h"

#define PT_RANDOMIZE 0x65a3dbe6 /* PT_OPENBSD_RANDOMIZE */
#define RANDOM_MAX   (1u << 20)
#define ENTRY_MASK   0x0fffffffu /* what boot(8) keeps of an address */

#define ARGUMENTS     0x2000ULL /* BOOTARG_OFF */
#define ARGUMENTS_LEN 4096u
#define STACK_LEN     36
#define API           0x0e /* vector, environment, memory map in bytes */
#define CODE          0x08
#define DATA          0x10

#define ARG_MEMMAP   0
#define ARG_CONSDEV  5
#define ARG_BOOTMAC  7
#define ARG_BOOTDUID 9
#define ARG_END      0xffffffffu

#define MAP_FREE     1
#define MAP_RESERVED 2

/* Majors of block devices, MAKEBOOTDEV(), makedev() of com0. */
#define MAJOR_SD 4
#define MAJOR_CD 6
#define BOOTDEV  0xa0000000u
#define COM0     (8u << 8)
#define SPEED    115200
#define COM_PORT 0x3f8

#define HOWTO_ASKNAME 0x0001
#define HOWTO_SINGLE  0x0002
#define HOWTO_KDB     0x0040
#define HOWTO_CONFIG  0x0400

struct memmap {
	uint64_t start, size;
	uint32_t type;
} __attribute__((packed));

/* The first 16 bytes are all that kernels before 7.3 knew, in effect. */
struct consdev {
	uint32_t device;
	uint32_t speed;
	uint64_t address;
	uint32_t frequency;
	uint32_t flags;
	uint32_t width, shift;
} __attribute__((packed));

struct arguments {
	uint8_t data[ARGUMENTS_LEN];
	uint32_t len;
};

bool
openbsd_probe(const struct elf_file *elf)
{
	unsigned i;

	for (i = 0; i < elf->phnum; i++)
		if (elf->ph[i].p_type == PT_RANDOMIZE)
			return true;
	return false;
}

/* boot's flags, as in "boot -sd". */
static int
parse_howto(const char *cmdline, uint32_t *howto)
{
	static const struct {
		char letter;
		uint32_t flag;
	} flags[] = {{'a', HOWTO_ASKNAME}, {'s', HOWTO_SINGLE},
	    {'d', HOWTO_KDB}, {'c', HOWTO_CONFIG}};
	const char *p = cmdline;
	size_t i;

	*howto = 0;
	for (; *p != '\0'; p++) {
		if (*p == ' ' || *p == '-')
			continue;
		for (i = 0; i < sizeof flags / sizeof flags[0]; i++)
			if (flags[i].letter == *p)
				break;
		if (i == sizeof flags / sizeof flags[0])
			return -1;
		*howto |= flags[i].flag;
	}
	return 0;
}

int
openbsd_check(const struct boot_config *config, struct error *err)
{
	uint32_t howto;

	if (config->initrd.fd != -1)
		return error_set(err,
		    "%s is an OpenBSD kernel, which takes no initrd; leave "
		    "initrd away",
		    config->kernel.path);
	if (parse_howto(config->cmdline, &howto) == -1)
		return error_set(err,
		    "%s is an OpenBSD kernel, which takes the flags -a, -c, -d "
		    "and -s and nothing else; change cmdline",
		    config->kernel.path);
	return 0;
}

/* Where the kernel wants random bytes, inside what is loaded. */
static int
find_random(const struct boot_file *file, const struct elf_file *elf,
    struct boot_plan *plan, struct error *err)
{
	const Elf64_Phdr *ph;
	unsigned i;

	for (i = 0; i < elf->phnum; i++) {
		ph = &elf->ph[i];
		if (ph->p_type != PT_RANDOMIZE || ph->p_filesz == 0)
			continue;
		if (ph->p_filesz > RANDOM_MAX ||
		    !boot_in_segment(plan, ph->p_paddr) ||
		    !boot_in_segment(plan, ph->p_paddr + ph->p_filesz - 1))
			return error_set(err,
			    "%s wants random bytes outside itself; is it "
			    "damaged?",
			    file->path);
		plan->random = ph->p_paddr;
		plan->random_size = ph->p_filesz;
	}
	return 0;
}

int
openbsd_plan(const struct boot_file *file, const struct elf_file *elf,
    struct boot_plan *plan, struct error *err)
{
	plan->write = openbsd_write;
	plan->entry = elf->entry & ENTRY_MASK;
	if (!boot_in_segment(plan, plan->entry))
		return error_set(err,
		    "%s begins at 0x%" PRIx64
		    ", which is in none of its parts; is it damaged?",
		    file->path, plan->entry);
	if (find_random(file, elf, plan, err) == -1)
		return -1;
	return symbols_place(file, elf, plan, NULL, err);
}

static void
put_argument(struct arguments *a, uint32_t type, const void *data, size_t len)
{
	uint32_t size = (uint32_t)((12 + len + 3) & ~(size_t)3);
	uint32_t head[3] = {htole32(type), htole32(size), htole32(size)};

	/* All of them together are a few hundred bytes. */
	memcpy(a->data + a->len, head, sizeof head);
	memcpy(a->data + a->len + sizeof head, data, len);
	a->len += size;
}

static void
put_arguments(struct arguments *a, const struct guestmem *mem, uint64_t low,
    const struct boot_origin *origin)
{
	struct consdev console = {.device = htole32(COM0),
	    .speed = htole32(SPEED),
	    .address = htole64(COM_PORT)};
	struct boot_range range[BOOT_RANGES];
	/* One more: the end, all zero. */
	struct memmap map[BOOT_RANGES + 1] = {{0}};
	uint32_t end = ARG_END;
	unsigned i, n = boot_memory_map(mem, low, range);

	memset(a, 0, sizeof *a);
	for (i = 0; i < n; i++) {
		map[i].start = htole64(range[i].start);
		map[i].size = htole64(range[i].size);
		map[i].type = htole32(
		    range[i].type == BOOT_E820_RAM ? MAP_FREE : MAP_RESERVED);
	}
	put_argument(a, ARG_MEMMAP, map, (n + 1) * sizeof map[0]);
	put_argument(a, ARG_CONSDEV, &console, sizeof console);
	if (origin->from == BOOT_FROM_NET && origin->has_mac)
		put_argument(a, ARG_BOOTMAC, origin->mac, sizeof origin->mac);
	if (origin->from == BOOT_FROM_DISK && origin->has_duid)
		put_argument(
		    a, ARG_BOOTDUID, origin->duid, sizeof origin->duid);
	memcpy(a->data + a->len, &end, sizeof end);
}

static int
put_random(
    struct guestmem *mem, const struct boot_plan *plan, struct error *err)
{
	uint8_t *p;
	uint64_t done;
	ssize_t n;

	if (plan->random_size == 0)
		return 0;
	p = guestmem_at(mem, plan->random, plan->random_size);
	if (p == NULL)
		return boot_no_room(err);
	for (done = 0; done < plan->random_size; done += (uint64_t)n) {
		n = getrandom(p + done, plan->random_size - done, 0);
		if (n <= 0)
			return error_set(
			    err, "the host has no random bytes for the kernel");
	}
	return 0;
}

int
openbsd_write(struct guestmem *mem, const struct boot_plan *plan,
    const struct boot_config *config, uint64_t rsdp, struct boot_entry *entry,
    struct error *err)
{
	uint32_t stack[STACK_LEN / 4] = {0}, howto;
	struct arguments a;

	if (symbols_write(&config->kernel, plan, mem, err) == -1 ||
	    put_random(mem, plan, err) == -1)
		return -1;
	parse_howto(config->cmdline, &howto);
	put_arguments(&a, mem, plan->low, &config->origin);
	stack[1] = htole32(howto);
	stack[2] = htole32(BOOTDEV |
	    (config->origin.from == BOOT_FROM_CDROM ? MAJOR_CD : MAJOR_SD));
	stack[3] = htole32(API);
	stack[4] = htole32((uint32_t)plan->symbols_end);
	stack[7] = htole32(a.len);
	stack[8] = htole32((uint32_t)ARGUMENTS);
	if (guestmem_write(mem, ARGUMENTS, a.data, sizeof a.data) == -1 ||
	    guestmem_write(
		mem, BOOT_STACK - sizeof stack, stack, sizeof stack) == -1 ||
	    boot_enter_32(mem, plan->entry, CODE, DATA, entry) == -1)
		return boot_no_room(err);
	entry->sp = BOOT_STACK - sizeof stack;
	return 0;
}
