/*
 * elf.h: ELF files of either class, read into one shape (System V ABI, chapters
 * 4 and 5). Only this folder includes it.
 */
#ifndef BACKEND_BOOT_ELF_H
#define BACKEND_BOOT_ELF_H

#include <elf.h>

#include "backend/boot/load.h"

#define ELF_SECTIONS 256 /* at most */

struct elf_file {
	bool wide; /* ELF64 */
	uint64_t size; /* of the file */
	uint64_t entry;
	uint64_t phoff, shoff;
	unsigned phnum, shnum;
	Elf64_Phdr ph[BOOT_SEGMENTS]; /* phnum of them */
};

/*
 * Reads header and program headers; -1 with a sentence if this is no linked
 * program for this processor, or cut short.
 */
int elf_read(const struct boot_file *file, uint64_t size, const uint8_t *head,
    struct elf_file *elf, struct error *err);
/* "is truncated: its headers name parts behind its end". Returns -1. */
int elf_truncated(const struct boot_file *file, struct error *err);

/*
 * openbsd.c: OpenBSD's kernels, by the program header that asks for random
 * bytes, and how boot(8) starts them.
 */
bool openbsd_probe(const struct elf_file *elf);
int openbsd_plan(const struct boot_file *file, const struct elf_file *elf,
    struct boot_plan *plan, struct error *err);

#endif
