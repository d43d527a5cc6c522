#include <string.h>

#include "backend/boot/elf.h"

bool
elf_probe(const uint8_t *head)
{
	return memcmp(head, ELFMAG, SELFMAG) == 0;
}

int
elf_truncated(const struct boot_file *file, struct error *err)
{
	return error_set(err,
	    "%s is truncated: its headers name parts behind its end; copy it "
	    "again",
	    file->path);
}

/* The fields of Elf32_Ehdr in the type of the other class. */
static void
widen_header(const Elf32_Ehdr *from, Elf64_Ehdr *to)
{
	memcpy(to->e_ident, from->e_ident, sizeof to->e_ident);
	to->e_type = from->e_type;
	to->e_machine = from->e_machine;
	to->e_entry = from->e_entry;
	to->e_phoff = from->e_phoff;
	to->e_shoff = from->e_shoff;
	to->e_phentsize = from->e_phentsize;
	to->e_phnum = from->e_phnum;
	to->e_shentsize = from->e_shentsize;
	to->e_shnum = from->e_shnum;
}

static void
widen_segments(const Elf32_Phdr *from, Elf64_Phdr *to, unsigned n)
{
	unsigned i;

	for (i = 0; i < n; i++) {
		to[i].p_type = from[i].p_type;
		to[i].p_flags = from[i].p_flags;
		to[i].p_offset = from[i].p_offset;
		to[i].p_vaddr = from[i].p_vaddr;
		to[i].p_paddr = from[i].p_paddr;
		to[i].p_filesz = from[i].p_filesz;
		to[i].p_memsz = from[i].p_memsz;
		to[i].p_align = from[i].p_align;
	}
}

static int
check_header(const struct boot_file *file, const Elf64_Ehdr *eh, bool wide,
    struct error *err)
{
	size_t ph = wide ? sizeof(Elf64_Phdr) : sizeof(Elf32_Phdr);
	unsigned machine = wide ? EM_X86_64 : EM_386;

	if (eh->e_ident[EI_CLASS] != (wide ? ELFCLASS64 : ELFCLASS32) ||
	    eh->e_ident[EI_DATA] != ELFDATA2LSB || eh->e_machine != machine)
		return error_set(err,
		    "%s is a kernel for another processor (ELF machine %u); "
		    "give one for x86",
		    file->path, eh->e_machine);
	if (eh->e_type != ET_EXEC && eh->e_type != ET_DYN)
		return error_set(err,
		    "%s is an ELF file that is not linked (a module or an "
		    "object); give a Linux bzImage or vmlinux",
		    file->path);
	if (eh->e_phentsize != ph || eh->e_phnum == 0)
		return error_set(err,
		    "%s has no program headers; is it damaged?", file->path);
	if (eh->e_phnum > BOOT_SEGMENTS)
		return error_set(err,
		    "%s has %u program headers, more than the %d of any "
		    "kernel; is it damaged?",
		    file->path, eh->e_phnum, BOOT_SEGMENTS);
	return 0;
}

/* The section headers, where they are of the right size; else there are none.
 */
static void
take_sections(const Elf64_Ehdr *eh, struct elf_file *elf)
{
	size_t size = elf->wide ? sizeof(Elf64_Shdr) : sizeof(Elf32_Shdr);

	if (eh->e_shentsize != size || eh->e_shnum > ELF_SECTIONS ||
	    eh->e_shoff > elf->size ||
	    eh->e_shnum * size > elf->size - eh->e_shoff)
		return;
	elf->shoff = eh->e_shoff;
	elf->shnum = eh->e_shnum;
}

int
elf_read(const struct boot_file *file, uint64_t size, const uint8_t *head,
    struct elf_file *elf, struct error *err)
{
	Elf32_Phdr ph32[BOOT_SEGMENTS];
	Elf32_Ehdr eh32;
	Elf64_Ehdr eh;
	uint64_t len;

	memset(elf, 0, sizeof *elf);
	elf->size = size;
	elf->wide = head[EI_CLASS] != ELFCLASS32;
	memcpy(&eh, head, sizeof eh);
	memcpy(&eh32, head, sizeof eh32);
	if (size < (elf->wide ? sizeof eh : sizeof eh32))
		return elf_truncated(file, err);
	if (!elf->wide)
		widen_header(&eh32, &eh);
	if (check_header(file, &eh, elf->wide, err) == -1)
		return -1;
	len = (uint64_t)eh.e_phnum * eh.e_phentsize;
	if (eh.e_phoff > size || len > size - eh.e_phoff)
		return elf_truncated(file, err);
	if (boot_read(file, elf->wide ? (void *)elf->ph : (void *)ph32, len,
		eh.e_phoff, err) == -1)
		return -1;
	if (!elf->wide)
		widen_segments(ph32, elf->ph, eh.e_phnum);
	elf->entry = eh.e_entry;
	elf->phoff = eh.e_phoff;
	elf->phnum = eh.e_phnum;
	take_sections(&eh, elf);
	return 0;
}
