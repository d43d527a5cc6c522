/*
 * symbols.h: a kernel's symbols, put behind it for its debugger, as boot(8)
 * does: the ELF header with no program headers, the section headers, then the
 * symbol and string tables, with the sections' offsets counted from there.
 */
#ifndef BACKEND_BOOT_SYMBOLS_H
#define BACKEND_BOOT_SYMBOLS_H

#include "backend/boot/elf.h"

/*
 * Places them behind plan->end; sets plan->symbols and symbols_end, 0 if
 * there are none. mem NULL: nothing is written. Returns 0, or -1 with a
 * sentence (they are outside the file or do not fit).
 */
int symbols_place(const struct boot_file *file, const struct elf_file *elf,
    struct boot_plan *plan, struct guestmem *mem, struct error *err);
/* Writes those that were placed. */
int symbols_write(const struct boot_file *file, const struct boot_plan *plan,
    struct guestmem *mem, struct error *err);

#endif
