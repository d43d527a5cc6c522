#include <elf.h>
#include <inttypes.h>
#include <string.h>

#include "backend/boot/load.h"
#include "config/size.h"

/*
 * vmlinux, or any 64-bit ELF that is entered the same way: in long mode with
 * the boot_params in RSI. Segments go to their physical addresses (System V
 * ABI, chapter 5, program header).
 */
#define CMDLINE_MAX     2047 /* Linux's COMMAND_LINE_SIZE, less the zero */
#define INITRD_ADDR_MAX 0x7fffffffu
#define HEADER_MAGIC    0x53726448u
#define HEADER_VERSION  0x020f

bool
elf_probe(const uint8_t *head)
{
	return memcmp(head, ELFMAG, SELFMAG) == 0;
}

static int
check_header(
    const struct boot_file *file, const Elf64_Ehdr *eh, struct error *err)
{
	const unsigned char *id = eh->e_ident;

	if (id[EI_CLASS] == ELFCLASS32)
		return error_set(err,
		    "%s is no kernel that can be booted here: it is a 32-bit "
		    "ELF file; give a 64-bit Linux bzImage or vmlinux",
		    file->path);
	if (id[EI_CLASS] != ELFCLASS64 || id[EI_DATA] != ELFDATA2LSB ||
	    eh->e_machine != EM_X86_64)
		return error_set(err,
		    "%s is a kernel for another processor (ELF machine %u); "
		    "give one for x86-64",
		    file->path, eh->e_machine);
	if (eh->e_type != ET_EXEC && eh->e_type != ET_DYN)
		return error_set(err,
		    "%s is an ELF file that is not linked (a module or an "
		    "object); give a Linux bzImage or vmlinux",
		    file->path);
	if (eh->e_phentsize != sizeof(Elf64_Phdr) || eh->e_phnum == 0)
		return error_set(err,
		    "%s has no program headers; is it damaged?", file->path);
	if (eh->e_phnum > BOOT_SEGMENTS)
		return error_set(err,
		    "%s has %u program headers, more than the %d of any "
		    "kernel; is it damaged?",
		    file->path, eh->e_phnum, BOOT_SEGMENTS);
	return 0;
}

static int
truncated(const struct boot_file *file, struct error *err)
{
	return error_set(err,
	    "%s is truncated: its headers name parts behind its end; copy it "
	    "again",
	    file->path);
}

static int
add_segment(const struct boot_file *file, uint64_t size, const Elf64_Phdr *ph,
    struct boot_plan *plan, struct error *err)
{
	struct boot_segment *s = &plan->segment[plan->segments];
	char want[24], have[24];

	if (ph->p_filesz > ph->p_memsz)
		return error_set(err,
		    "%s has a segment with more bytes in the file than in "
		    "memory; is it damaged?",
		    file->path);
	if (ph->p_offset > size || ph->p_filesz > size - ph->p_offset)
		return truncated(file, err);
	if (ph->p_paddr < BOOT_KERNEL_MIN)
		return error_set(err,
		    "%s wants to be at 0x%" PRIx64
		    ", in the first MiB, where the boot tables are; link it at "
		    "1 MiB or above",
		    file->path, (uint64_t)ph->p_paddr);
	if (ph->p_paddr > plan->low || ph->p_memsz > plan->low - ph->p_paddr) {
		if (ph->p_paddr >= GUESTMEM_HOLE_START ||
		    ph->p_memsz >= GUESTMEM_HOLE_START - ph->p_paddr)
			return error_set(err,
			    "%s wants to be at 0x%" PRIx64
			    ", above 3 GiB; is it a program and no kernel?",
			    file->path, (uint64_t)ph->p_paddr);
		return error_set(err,
		    "%s needs %s of memory to start, the guest has %s; give it "
		    "more",
		    file->path,
		    size_short(ph->p_paddr + ph->p_memsz, want, sizeof want),
		    size_short(plan->low, have, sizeof have));
	}
	s->gpa = ph->p_paddr;
	s->size = ph->p_memsz;
	s->offset = ph->p_offset;
	s->length = ph->p_filesz;
	plan->segments++;
	if (s->gpa + s->size > plan->end)
		plan->end = s->gpa + s->size;
	return 0;
}

/* The entry is physical, or virtual inside the segment that holds it. */
static int
set_entry(const struct boot_file *file, const Elf64_Ehdr *eh,
    const Elf64_Phdr *ph, struct boot_plan *plan, struct error *err)
{
	uint64_t entry = eh->e_entry;
	unsigned i;

	for (i = 0; i < plan->segments; i++) {
		if (entry >= plan->segment[i].gpa &&
		    entry - plan->segment[i].gpa < plan->segment[i].size) {
			plan->entry = entry;
			return 0;
		}
	}
	for (i = 0; i < eh->e_phnum; i++) {
		if (ph[i].p_type == PT_LOAD && entry >= ph[i].p_vaddr &&
		    entry - ph[i].p_vaddr < ph[i].p_memsz) {
			plan->entry = ph[i].p_paddr + (entry - ph[i].p_vaddr);
			return 0;
		}
	}
	return error_set(err,
	    "%s begins at 0x%" PRIx64
	    ", which is in none of its parts; is it damaged?",
	    file->path, entry);
}

/* An ELF kernel brings no setup header of its own. */
static void
make_header(struct setup_header *h)
{
	memset(h, 0, sizeof *h);
	h->boot_flag = 0xaa55;
	h->header = HEADER_MAGIC;
	h->version = HEADER_VERSION;
	h->loadflags = LOADED_HIGH;
	h->initrd_addr_max = INITRD_ADDR_MAX;
	h->kernel_alignment = 0x200000;
	h->cmdline_size = CMDLINE_MAX;
}

int
elf_plan(const struct boot_file *file, uint64_t size, const uint8_t *head,
    struct boot_plan *plan, struct error *err)
{
	Elf64_Ehdr eh;
	Elf64_Phdr ph[BOOT_SEGMENTS];
	uint64_t len;
	unsigned i;

	memcpy(&eh, head, sizeof eh);
	if (size < sizeof eh)
		return truncated(file, err);
	if (check_header(file, &eh, err) == -1)
		return -1;
	len = eh.e_phnum * sizeof ph[0];
	if (eh.e_phoff > size || len > size - eh.e_phoff)
		return truncated(file, err);
	if (boot_read(file, ph, len, eh.e_phoff, err) == -1)
		return -1;
	for (i = 0; i < eh.e_phnum; i++)
		if (ph[i].p_type == PT_LOAD && ph[i].p_memsz > 0 &&
		    add_segment(file, size, &ph[i], plan, err) == -1)
			return -1;
	make_header(&plan->header);
	plan->cmdline_max = CMDLINE_MAX;
	return set_entry(file, &eh, ph, plan, err);
}
