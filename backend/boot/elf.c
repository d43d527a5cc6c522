#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "backend/boot/elf.h"
#include "config/size.h"

/*
 * ELF kernels, by what they carry:
 *
 *	a segment for random bytes	OpenBSD
 *	a note with a PVH entry		PVH (Linux's vmlinux, Xen's way)
 *	a Multiboot header		Multiboot 1
 *	none of these, 64 bits		Linux's 64-bit entry
 *
 * Segments go to their physical addresses (System V ABI, chapter 5, program
 * header).
 */
#define NOTES_MAX       (64u << 10)
#define CMDLINE_MAX     2047 /* Linux's COMMAND_LINE_SIZE, less the zero */
#define INITRD_ADDR_MAX 0x7fffffffu
#define HEADER_MAGIC    0x53726448u
#define HEADER_VERSION  0x020f

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
		return elf_truncated(file, err);
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
set_entry(const struct boot_file *file, const struct elf_file *elf,
    struct boot_plan *plan, struct error *err)
{
	uint64_t entry = elf->entry;
	const Elf64_Phdr *ph = elf->ph;
	unsigned i;

	if (boot_in_segment(plan, entry)) {
		plan->entry = entry;
		return 0;
	}
	for (i = 0; i < elf->phnum; i++) {
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

static size_t
round_up(size_t n)
{
	return (n + 3) & ~(size_t)3;
}

/* Looks for the PVH entry among len bytes of notes (chapter 5, note section).
 */
static bool
find_note(const uint8_t *notes, size_t len, uint64_t *entry)
{
	size_t at = 0, name, desc;
	Elf64_Nhdr nh;

	while (len - at >= sizeof nh) {
		memcpy(&nh, notes + at, sizeof nh);
		name = at + sizeof nh;
		if (nh.n_namesz > len - name)
			return false;
		desc = name + round_up(nh.n_namesz);
		if (desc > len || nh.n_descsz > len - desc)
			return false;
		if (nh.n_type == PVH_NOTE_ENTRY && nh.n_namesz == 4 &&
		    memcmp(notes + name, "Xen", 4) == 0 &&
		    (nh.n_descsz == 4 || nh.n_descsz == 8)) {
			*entry = 0;
			memcpy(entry, notes + desc, nh.n_descsz);
			return true;
		}
		at = desc + round_up(nh.n_descsz);
		if (at > len)
			return false;
	}
	return false;
}

static bool
find_pvh(
    const struct boot_file *file, const struct elf_file *elf, uint64_t *entry)
{
	const Elf64_Phdr *ph;
	struct error err;
	uint8_t *notes;
	bool found = false;
	unsigned i;

	for (i = 0; i < elf->phnum && !found; i++) {
		ph = &elf->ph[i];
		if (ph->p_type != PT_NOTE || ph->p_filesz > NOTES_MAX ||
		    ph->p_offset > elf->size ||
		    ph->p_filesz > elf->size - ph->p_offset)
			continue;
		notes = malloc(ph->p_filesz + 1);
		found = notes != NULL &&
		    boot_read(file, notes, ph->p_filesz, ph->p_offset, &err) ==
			0 &&
		    find_note(notes, ph->p_filesz, entry);
		free(notes);
	}
	return found;
}

static int
choose_entry(const struct boot_file *file, const struct elf_file *elf,
    struct boot_plan *plan, struct error *err)
{
	struct multiboot_header multiboot;

	if (openbsd_probe(elf))
		return openbsd_plan(file, elf, plan, err);
	if (find_pvh(file, elf, &plan->entry)) {
		plan->write = pvh_write;
		if (boot_in_segment(plan, plan->entry))
			return 0;
		return error_set(err,
		    "%s has a PVH entry at 0x%" PRIx64
		    ", which is in none of its parts; is it damaged?",
		    file->path, plan->entry);
	}
	if (multiboot_find(file, elf->size, &multiboot)) {
		plan->write = multiboot_write;
		if (multiboot_check(file, &multiboot, err) == -1)
			return -1;
	} else if (elf->wide) {
		plan->write = params_write_64;
	} else {
		return error_set(err,
		    "%s is no kernel that can be booted here: it is a 32-bit "
		    "ELF file with neither a PVH note nor a Multiboot header; "
		    "give a Linux bzImage or vmlinux",
		    file->path);
	}
	return set_entry(file, elf, plan, err);
}

int
elf_plan(const struct boot_file *file, uint64_t size, const uint8_t *head,
    struct boot_plan *plan, struct error *err)
{
	struct elf_file elf;
	unsigned i;

	if (elf_read(file, size, head, &elf, err) == -1)
		return -1;
	for (i = 0; i < elf.phnum; i++)
		if (elf.ph[i].p_type == PT_LOAD && elf.ph[i].p_memsz > 0 &&
		    add_segment(file, size, &elf.ph[i], plan, err) == -1)
			return -1;
	make_header(&plan->header);
	plan->cmdline_max = CMDLINE_MAX;
	return choose_entry(file, &elf, plan, err);
}
