#include <stdlib.h>
#include <string.h>

#include "backend/boot/symbols.h"
#include "config/size.h"

static uint64_t
round_up(uint64_t n, bool wide)
{
	uint64_t unit = wide ? 8 : 4;

	return (n + unit - 1) & ~(unit - 1);
}

/* Section headers of either class, as they are in the file. */
struct sections {
	bool wide;
	unsigned n;
	union {
		Elf64_Shdr sh64[ELF_SECTIONS];
		Elf32_Shdr sh32[ELF_SECTIONS];
	};
};

static size_t
header_len(bool wide)
{
	return wide ? sizeof(Elf64_Ehdr) : sizeof(Elf32_Ehdr);
}

static size_t
sections_len(const struct sections *s)
{
	return s->n * (s->wide ? sizeof s->sh64[0] : sizeof s->sh32[0]);
}

static uint32_t
section_type(const struct sections *s, unsigned i)
{
	return s->wide ? s->sh64[i].sh_type : s->sh32[i].sh_type;
}

static uint64_t
section_offset(const struct sections *s, unsigned i)
{
	return s->wide ? s->sh64[i].sh_offset : s->sh32[i].sh_offset;
}

static uint64_t
section_size(const struct sections *s, unsigned i)
{
	return s->wide ? s->sh64[i].sh_size : s->sh32[i].sh_size;
}

/* It is in memory now, so many bytes behind the ELF header. */
static void
move_section(struct sections *s, unsigned i, uint64_t offset)
{
	if (s->wide) {
		s->sh64[i].sh_offset = offset;
		s->sh64[i].sh_flags |= SHF_ALLOC;
	} else {
		s->sh32[i].sh_offset = (Elf32_Off)offset;
		s->sh32[i].sh_flags |= SHF_ALLOC;
	}
}

static bool
has_symbols(const struct sections *s)
{
	unsigned i;

	for (i = 0; i < s->n; i++)
		if (section_type(s, i) == SHT_SYMTAB)
			return true;
	return false;
}

/* The ELF header with what it says of itself changed. */
static int
put_header(
    const struct boot_file *file, bool wide, uint8_t *to, struct error *err)
{
	union {
		Elf64_Ehdr eh64;
		Elf32_Ehdr eh32;
	} eh;

	if (boot_read(file, &eh, header_len(wide), 0, err) == -1)
		return -1;
	if (wide) {
		eh.eh64.e_phoff = 0;
		eh.eh64.e_shoff = sizeof eh.eh64;
		eh.eh64.e_phentsize = eh.eh64.e_phnum = 0;
	} else {
		eh.eh32.e_phoff = 0;
		eh.eh32.e_shoff = sizeof eh.eh32;
		eh.eh32.e_phentsize = eh.eh32.e_phnum = 0;
	}
	memcpy(to, &eh, header_len(wide));
	return 0;
}

static int
no_room(const struct boot_file *file, const struct boot_plan *plan,
    uint64_t end, struct error *err)
{
	char want[24], have[24];

	return error_set(err,
	    "%s needs %s of memory with its symbols, the guest has %s; give it "
	    "more",
	    file->path, size_short(end, want, sizeof want),
	    size_short(plan->low, have, sizeof have));
}

/* base is where the ELF header goes. Returns the end of all, or 0 with err. */
static uint64_t
place_tables(const struct boot_file *file, const struct elf_file *elf,
    struct sections *s, const struct boot_plan *plan, uint64_t base,
    struct guestmem *mem, struct error *err)
{
	uint64_t at = round_up(header_len(s->wide) + sections_len(s), s->wide);
	uint64_t offset, size;
	unsigned i;
	uint8_t *p;

	for (i = 0; i < s->n; i++) {
		if (section_type(s, i) != SHT_SYMTAB &&
		    section_type(s, i) != SHT_STRTAB)
			continue;
		offset = section_offset(s, i);
		size = section_size(s, i);
		if (offset > elf->size || size > elf->size - offset) {
			elf_truncated(file, err);
			return 0;
		}
		if (base + at > plan->low || size > plan->low - base - at) {
			no_room(file, plan, base + at + size, err);
			return 0;
		}
		if (mem != NULL && size > 0) {
			p = guestmem_at(mem, base + at, size);
			if (p == NULL) {
				no_room(file, plan, base + at + size, err);
				return 0;
			}
			if (boot_read(file, p, size, offset, err) == -1)
				return 0;
		}
		move_section(s, i, at);
		at = round_up(at + size, s->wide);
	}
	if (base + at > plan->low) {
		no_room(file, plan, base + at, err);
		return 0;
	}
	return base + at;
}

static int
write_headers(const struct boot_file *file, const struct sections *s,
    uint64_t base, struct guestmem *mem, struct error *err)
{
	size_t len = header_len(s->wide);
	uint8_t *p = guestmem_at(mem, base, len + sections_len(s));

	if (p == NULL)
		return boot_no_room(err);
	memcpy(p + len, s->sh64, sections_len(s));
	return put_header(file, s->wide, p, err);
}

int
symbols_place(const struct boot_file *file, const struct elf_file *elf,
    struct boot_plan *plan, struct guestmem *mem, struct error *err)
{
	uint64_t base = round_up(plan->end, elf->wide), end;
	struct sections *s;
	int rc = -1;

	plan->symbols = plan->symbols_end = 0;
	s = calloc(1, sizeof *s);
	if (s == NULL)
		return error_set(err, "no memory for the kernel's symbols");
	s->wide = elf->wide;
	s->n = elf->shnum;
	if (boot_read(file, s->sh64, sections_len(s), elf->shoff, err) == -1)
		goto out;
	rc = 0;
	if (!has_symbols(s))
		goto out;
	end = place_tables(file, elf, s, plan, base, mem, err);
	if (end == 0 ||
	    (mem != NULL && write_headers(file, s, base, mem, err) == -1)) {
		rc = -1;
		goto out;
	}
	plan->symbols = base;
	plan->symbols_end = end;
out:
	free(s);
	return rc;
}

int
symbols_write(const struct boot_file *file, const struct boot_plan *plan,
    struct guestmem *mem, struct error *err)
{
	struct boot_plan again = *plan;
	uint8_t head[BOOT_HEAD] = {0};
	struct elf_file elf;
	uint64_t size;

	if (plan->symbols == 0)
		return 0;
	if (boot_size(file, &size, err) == -1 ||
	    boot_read(file, head, size < sizeof head ? size : sizeof head, 0,
		err) == -1 ||
	    elf_read(file, size, head, &elf, err) == -1)
		return -1;
	return symbols_place(file, &elf, &again, mem, err);
}
