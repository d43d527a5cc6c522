/* Kernels as files: what is taken, what is refused and how, where it goes. */
#include <elf.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "backend/boot/boot.h"
#include "backend/boot/load.h"
#include "tests/unit/vmm.h"

#define MIB         (1ULL << 20)
#define MEMORY      (64 * MIB)
#define SETUP_SECTS 3
#define SETUP_LEN   ((SETUP_SECTS + 1) * 512)
#define CODE_LEN    8192

/* A file in memory. */
static int
file_of(const void *data, size_t len)
{
	int fd = memfd_create("file", MFD_CLOEXEC);

	assert_int_not_equal(fd, -1);
	assert_int_equal(pwrite(fd, data, len, 0), len);
	return fd;
}

/* Checks it as "K" with 64 MiB; the sentence must hold words (NULL: fine). */
static void
check_file(const void *data, size_t len, const char *words)
{
	struct boot_config c = {
	    .kernel = {-1, "K"}, .initrd = {-1, ""}, .cmdline = ""};
	struct error err = {""};
	int rc;

	c.kernel.fd = file_of(data, len);
	rc = boot_check(&c, MEMORY, &err);
	close(c.kernel.fd);
	if (words == NULL) {
		if (rc != 0)
			fail_msg("refused: %s", err.text);
		return;
	}
	if (rc == 0)
		fail_msg("accepted, where \"%s\" was to be said", words);
	if (strstr(err.text, words) == NULL)
		fail_msg("\"%s\" has no \"%s\"", err.text, words);
	assert_memory_equal(err.text, "K ", 2);
}

/* The smallest bzImage that a loader can believe in. */
struct image {
	uint8_t byte[SETUP_LEN + CODE_LEN];
	struct setup_header *h; /* in it, at 0x1f1 */
};

static void
make_bzimage(struct image *i)
{
	unsigned n;

	memset(i, 0, sizeof *i);
	for (n = 0; n < CODE_LEN; n++)
		i->byte[SETUP_LEN + n] = (uint8_t)(n / 16 + n);
	i->h = (struct setup_header *)(void *)(i->byte + 0x1f1);
	i->h->setup_sects = SETUP_SECTS;
	i->h->boot_flag = 0xaa55;
	i->h->jump = 0x6aeb; /* over 0x6a bytes of header */
	i->h->header = 0x53726448;
	i->h->version = 0x020f;
	i->h->loadflags = LOADED_HIGH;
	i->h->xloadflags = XLF_KERNEL_64;
	i->h->syssize = CODE_LEN / 16;
	i->h->initrd_addr_max = 0x7fffffff;
	i->h->kernel_alignment = 0x200000;
	i->h->relocatable_kernel = 1;
	i->h->cmdline_size = 100;
	i->h->pref_address = 16 * MIB;
	i->h->init_size = 8 * MIB;
}

static void
test_boot_takes_a_bzimage(void **state)
{
	struct image i;

	make_bzimage(&i);
	check_file(i.byte, sizeof i.byte, NULL);
	i.h->init_size = MEMORY - 16 * MIB;
	check_file(i.byte, sizeof i.byte, NULL);
}

static void
test_boot_refuses_a_bzimage_it_cannot_boot(void **state)
{
	struct image i;

	make_bzimage(&i);
	i.h->version = 0x0202;
	check_file(i.byte, sizeof i.byte, "version 2.02");
	make_bzimage(&i);
	i.h->loadflags = 0;
	check_file(i.byte, sizeof i.byte, "zImage");
	make_bzimage(&i);
	i.h->syssize = 0;
	check_file(i.byte, sizeof i.byte, "damaged");
	make_bzimage(&i);
	i.h->pref_address = 0x9000;
	check_file(i.byte, sizeof i.byte, "where no kernel can be");
	i.h->pref_address = UINT64_MAX & ~0xfffULL;
	check_file(i.byte, sizeof i.byte, "memory");
	make_bzimage(&i);
	i.h->init_size = MEMORY - 16 * MIB + 1;
	check_file(i.byte, sizeof i.byte, "the guest has 64M");
}

static void
test_boot_refuses_every_truncated_bzimage(void **state)
{
	struct image i;
	size_t len;

	make_bzimage(&i);
	check_file(i.byte, sizeof i.byte - 16, "truncated");
	/* Its length is counted in 16 bytes: the last may not be whole. */
	check_file(i.byte, sizeof i.byte - 15, NULL);
	for (len = 0x210; len < sizeof i.byte - 16; len += 61)
		check_file(i.byte, len, "");
}

/* An ELF kernel with two segments, the second with zeroes behind it. */
struct elf {
	Elf64_Ehdr eh;
	Elf64_Phdr ph[3];
	uint8_t code[256], data[256];
};

#define ELF_VIRTUAL 0xffffffff81000000ULL

static void
make_elf(struct elf *e)
{
	memset(e, 0, sizeof *e);
	memcpy(e->eh.e_ident, ELFMAG, SELFMAG);
	e->eh.e_ident[EI_CLASS] = ELFCLASS64;
	e->eh.e_ident[EI_DATA] = ELFDATA2LSB;
	e->eh.e_type = ET_EXEC;
	e->eh.e_machine = EM_X86_64;
	e->eh.e_phoff = offsetof(struct elf, ph);
	e->eh.e_phentsize = sizeof e->ph[0];
	e->eh.e_phnum = 3;
	e->eh.e_entry = MIB + 0x10;
	e->ph[0].p_type = PT_LOAD;
	e->ph[0].p_offset = offsetof(struct elf, code);
	e->ph[0].p_filesz = e->ph[0].p_memsz = sizeof e->code;
	e->ph[0].p_paddr = MIB;
	e->ph[0].p_vaddr = ELF_VIRTUAL;
	e->ph[1].p_type = PT_NOTE;
	e->ph[2].p_type = PT_LOAD;
	e->ph[2].p_offset = offsetof(struct elf, data);
	e->ph[2].p_filesz = sizeof e->data;
	e->ph[2].p_memsz = 2 * sizeof e->data;
	e->ph[2].p_paddr = 2 * MIB;
	e->ph[2].p_vaddr = ELF_VIRTUAL + MIB;
	memset(e->code, 0xcc, sizeof e->code);
	memset(e->data, 0xdd, sizeof e->data);
}

static void
test_boot_takes_an_elf_kernel(void **state)
{
	struct elf e;

	make_elf(&e);
	check_file(&e, sizeof e, NULL);
	e.ph[2].p_paddr = MEMORY - e.ph[2].p_memsz;
	check_file(&e, sizeof e, NULL);
}

static void
test_boot_finds_an_entry_given_as_virtual_address(void **state)
{
	struct boot_plan plan = {.low = MEMORY};
	struct boot_file file = {-1, "K"};
	struct error err;
	struct elf e;

	make_elf(&e);
	e.eh.e_entry = ELF_VIRTUAL + MIB + 0x20;
	file.fd = file_of(&e, sizeof e);
	assert_int_equal(
	    elf_plan(&file, sizeof e, (const uint8_t *)&e, &plan, &err), 0);
	assert_true(plan.entry == 2 * MIB + 0x20);
	close(file.fd);
}

static void
test_boot_refuses_an_elf_that_is_no_kernel(void **state)
{
	struct elf e;

	make_elf(&e);
	e.eh.e_ident[EI_CLASS] = ELFCLASS32;
	check_file(&e, sizeof e, "");
	make_elf(&e);
	e.eh.e_machine = EM_AARCH64;
	check_file(&e, sizeof e, "another processor");
	make_elf(&e);
	e.eh.e_type = ET_REL;
	check_file(&e, sizeof e, "not linked");
	make_elf(&e);
	e.eh.e_phnum = 0;
	check_file(&e, sizeof e, "no program headers");
	make_elf(&e);
	e.eh.e_phnum = 0xffff;
	check_file(&e, sizeof e, "65535 program headers");
	make_elf(&e);
	e.eh.e_entry = 0;
	check_file(&e, sizeof e, "in none of its parts");
	make_elf(&e);
	e.eh.e_entry = MIB + sizeof e.code;
	check_file(&e, sizeof e, "in none of its parts");
}

static void
test_boot_refuses_an_elf_with_bad_segments(void **state)
{
	struct elf e;

	make_elf(&e);
	e.ph[0].p_paddr = MIB - 1;
	check_file(&e, sizeof e, "first MiB");
	make_elf(&e);
	e.ph[2].p_filesz = e.ph[2].p_memsz + 1;
	check_file(&e, sizeof e, "damaged");
	make_elf(&e);
	e.ph[2].p_memsz = UINT64_MAX - MIB;
	check_file(&e, sizeof e, "above 3 GiB");
	make_elf(&e);
	e.ph[2].p_paddr = UINT64_MAX - 0x10;
	check_file(&e, sizeof e, "above 3 GiB");
	make_elf(&e);
	e.ph[2].p_paddr = MEMORY - 0x10;
	check_file(&e, sizeof e, "the guest has 64M");
	make_elf(&e);
	e.ph[2].p_offset = UINT64_MAX - 4;
	check_file(&e, sizeof e, "truncated");
	make_elf(&e);
	e.eh.e_phoff = UINT64_MAX - 8;
	check_file(&e, sizeof e, "truncated");
}

static void
test_boot_refuses_every_truncated_elf(void **state)
{
	struct elf e;
	size_t len;

	make_elf(&e);
	for (len = SELFMAG; len < sizeof e; len++)
		check_file(&e, len, "");
}

static void
test_boot_says_what_was_given_instead_of_a_kernel(void **state)
{
	static const struct {
		const char *bytes, *words;
	} kind[] = {
	    {"\x1f\x8b\x08", "gzip"},
	    {"\xfd\x37zXZ", "xz"},
	    {"\x28\xb5\x2f\xfd", "zstd"},
	    {"#!/bin/sh\n", "a script"},
	    {"MZ", "EFI"},
	    {"070701", "initrd"},
	    {"QFI\xfb", "qcow2"},
	    {"hello, world\n", "a text file"},
	    {"\x01\x02\x03", "nothing that is known"},
	};
	uint8_t byte[1024];
	size_t i;

	for (i = 0; i < sizeof kind / sizeof kind[0]; i++) {
		memset(byte, 0, sizeof byte);
		memcpy(byte, kind[i].bytes, strlen(kind[i].bytes));
		check_file(byte, sizeof byte, kind[i].words);
		check_file(byte, sizeof byte, "give a Linux bzImage");
	}
	memset(byte, 0, sizeof byte);
	check_file(byte, sizeof byte, "begins with zeroes");
	byte[510] = 0x55;
	byte[511] = 0xaa;
	check_file(byte, sizeof byte, "disk image");
	check_file(byte, 0, "empty");
}

static void
test_boot_refuses_a_folder(void **state)
{
	struct boot_config c = {
	    .kernel = {-1, "K"}, .initrd = {-1, ""}, .cmdline = ""};
	struct error err;

	c.kernel.fd = open("/", O_RDONLY | O_CLOEXEC);
	assert_int_equal(boot_check(&c, MEMORY, &err), -1);
	assert_non_null(strstr(err.text, "K is a folder"));
	close(c.kernel.fd);
}

static void
test_boot_refuses_an_initrd_without_room(void **state)
{
	struct boot_config c = {
	    .kernel = {-1, "K"}, .initrd = {-1, "I"}, .cmdline = ""};
	struct image i;
	struct error err = {""};

	make_bzimage(&i);
	c.kernel.fd = file_of(i.byte, sizeof i.byte);
	c.initrd.fd = file_of("", 0);
	assert_int_equal(boot_check(&c, MEMORY, &err), -1);
	assert_non_null(strstr(err.text, "I is empty"));
	/* The kernel ends at 24 MiB: 40 are left, and not a page more. */
	assert_int_equal(ftruncate(c.initrd.fd, 40 * MIB), 0);
	assert_int_equal(boot_check(&c, MEMORY, &err), 0);
	assert_int_equal(ftruncate(c.initrd.fd, 40 * MIB + 1), 0);
	assert_int_equal(boot_check(&c, MEMORY, &err), -1);
	assert_non_null(strstr(err.text, "I of 40M"));
	/* Nor above what the kernel can reach. */
	i.h->initrd_addr_max = 32 * MIB - 1;
	assert_int_equal(
	    pwrite(c.kernel.fd, i.byte, sizeof i.byte, 0), sizeof i.byte);
	assert_int_equal(ftruncate(c.initrd.fd, 8 * MIB), 0);
	assert_int_equal(boot_check(&c, MEMORY, &err), 0);
	assert_int_equal(ftruncate(c.initrd.fd, 8 * MIB + 1), 0);
	assert_int_equal(boot_check(&c, MEMORY, &err), -1);
	close(c.kernel.fd);
	close(c.initrd.fd);
}

static void
test_boot_refuses_a_command_line_that_is_too_long(void **state)
{
	struct boot_config c = {.kernel = {-1, "K"}, .initrd = {-1, ""}};
	struct image i;
	struct error err;
	char line[102];

	make_bzimage(&i);
	c.kernel.fd = file_of(i.byte, sizeof i.byte);
	memset(line, 'x', sizeof line);
	line[100] = 0;
	c.cmdline = line;
	assert_int_equal(boot_check(&c, MEMORY, &err), 0);
	line[100] = 'x';
	line[101] = 0;
	assert_int_equal(boot_check(&c, MEMORY, &err), -1);
	assert_non_null(strstr(err.text, "101 bytes"));
	close(c.kernel.fd);
}

/* The memory map must be this, in this order. */
static void
assert_map(const struct boot_params *p, uint64_t low, uint64_t high)
{
	const struct boot_e820_entry want[] = {
	    {0, 0x9fc00, 1},
	    {0x9fc00, 0x400, 2},
	    {0xe0000, 0x20000, 2},
	    {0x100000, low - 0x100000, 1},
	    {0xfeffc000, 0x4000, 2},
	    {4ULL << 30, high, 1},
	};
	unsigned n = high != 0 ? 6 : 5;

	assert_int_equal(p->e820_entries, n);
	assert_memory_equal(p->e820_table, want, n * sizeof want[0]);
}

static void
test_boot_loads_a_bzimage_as_the_protocol_says(void **state)
{
	struct boot_config c = {
	    .kernel = {-1, "K"}, .initrd = {-1, "I"}, .cmdline = "quiet"};
	struct boot_params *p;
	struct boot_entry entry;
	struct guestmem *mem;
	struct machine *m;
	struct image i;
	struct asked a;
	struct error err;
	uint8_t *kernel;

	MACHINE_OR_SKIP(m, &a, MEMORY, 1);
	mem = machine_mem(m);
	make_bzimage(&i);
	c.kernel.fd = file_of(i.byte, sizeof i.byte);
	c.initrd.fd = file_of("initramfs", 9);
	kernel = guestmem_at(mem, 16 * MIB, CODE_LEN + 1);
	kernel[CODE_LEN] = 0x99; /* not the loader's to touch */
	if (boot_load(m, &c, &entry, &err) == -1)
		fail_msg("%s", err.text);
	assert_memory_equal(kernel, i.byte + SETUP_LEN, CODE_LEN);
	assert_int_equal(kernel[CODE_LEN], 0x99);
	assert_true(entry.ip == 16 * MIB + 0x200);
	assert_int_equal(entry.mode, BOOT_ENTRY_64);
	p = guestmem_at(mem, entry.si, sizeof *p);
	assert_non_null(p);
	assert_int_equal(p->hdr.header, 0x53726448);
	assert_int_equal(p->hdr.type_of_loader, 0xff);
	assert_int_equal(p->hdr.init_size, 8 * MIB);
	assert_string_equal(
	    (char *)guestmem_at(mem, p->hdr.cmd_line_ptr, 6), "quiet");
	assert_int_equal(p->hdr.ramdisk_size, 9);
	assert_int_equal(p->hdr.ramdisk_image, MEMORY - 4096);
	assert_memory_equal(
	    guestmem_at(mem, p->hdr.ramdisk_image, 9), "initramfs", 9);
	assert_memory_equal(
	    guestmem_at(mem, p->acpi_rsdp_addr, 8), "RSD PTR ", 8);
	assert_map(p, MEMORY, 0);
	close(c.kernel.fd);
	close(c.initrd.fd);
	machine_destroy(m);
}

static void
test_boot_tells_of_memory_above_the_hole(void **state)
{
	struct boot_config c = {
	    .kernel = {-1, "K"}, .initrd = {-1, ""}, .cmdline = ""};
	struct boot_entry entry;
	struct machine *m;
	struct image i;
	struct asked a;
	struct error err;
	struct guestmem probe;

	if (guestmem_create(&probe, 5120 * MIB, false, &err) == -1)
		SKIP("this host has less than 5 GiB");
	guestmem_destroy(&probe);
	MACHINE_OR_SKIP(m, &a, 5120 * MIB, 1);
	make_bzimage(&i);
	c.kernel.fd = file_of(i.byte, sizeof i.byte);
	assert_int_equal(boot_load(m, &c, &entry, &err), 0);
	assert_map(
	    guestmem_at(machine_mem(m), entry.si, sizeof(struct boot_params)),
	    3072 * MIB, 2048 * MIB);
	close(c.kernel.fd);
	machine_destroy(m);
}

/* Where a 64-bit guest finds itself: what it got in RSI, by port. */
extern const uint8_t hello64[], hello64_end[];
__asm__(".pushsection .rodata\n"
	"hello64: mov $0x500, %dx\n"
	"mov %esi, %eax\n"
	"out %eax, %dx\n"
	"mov 0xfffffff0, %eax\n"
	"mov 0x200000, %eax\n"
	"out %eax, %dx\n"
	"0: jmp 0b\n"
	"hello64_end: .popsection\n");

struct words {
	uint32_t word[4];
	_Atomic unsigned count;
};

static void
words_write(void *arg, uint64_t offset, unsigned size, uint64_t value)
{
	struct words *w = arg;

	if (w->count < 4)
		w->word[w->count] = (uint32_t)value;
	w->count++;
}

static const struct io_ops words_ops = {.write = words_write};

static void
test_boot_enters_an_elf_kernel_in_long_mode(void **state)
{
	struct boot_config c = {
	    .kernel = {-1, "K"}, .initrd = {-1, ""}, .cmdline = ""};
	struct words w = {.count = 0};
	struct boot_entry entry;
	struct machine *m;
	struct elf e;
	struct asked a;
	struct error err;
	uint8_t *zero;
	int i;

	MACHINE_OR_SKIP(m, &a, MEMORY, 1);
	iobus_add(machine_pio(m), "words", 0x500, 4, &words_ops, &w, &err);
	make_elf(&e);
	memcpy(e.code + 0x10, hello64, (size_t)(hello64_end - hello64));
	c.kernel.fd = file_of(&e, sizeof e);
	/* As after a reset: RAM is not zero. */
	zero = guestmem_at(machine_mem(m), 2 * MIB, 1024);
	memset(zero, 0xff, 1024);
	if (boot_load(m, &c, &entry, &err) == -1)
		fail_msg("%s", err.text);
	assert_int_equal(zero[255], 0xdd);
	assert_int_equal(zero[256], 0);
	assert_int_equal(zero[511], 0);
	assert_int_equal(zero[512], 0xff);
	machine_set_entry(m, &entry);
	machine_run(m);
	for (i = 0; i < 2000 && w.count < 2; i++)
		usleep(1000);
	machine_stop(m);
	assert_int_equal(w.count, 2);
	assert_int_equal(w.word[0], entry.si);
	assert_int_equal(w.word[1], 0xdddddddd);
	close(c.kernel.fd);
	machine_destroy(m);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_boot_takes_a_bzimage),
	    cmocka_unit_test(test_boot_refuses_a_bzimage_it_cannot_boot),
	    cmocka_unit_test(test_boot_refuses_every_truncated_bzimage),
	    cmocka_unit_test(test_boot_takes_an_elf_kernel),
	    cmocka_unit_test(test_boot_finds_an_entry_given_as_virtual_address),
	    cmocka_unit_test(test_boot_refuses_an_elf_that_is_no_kernel),
	    cmocka_unit_test(test_boot_refuses_an_elf_with_bad_segments),
	    cmocka_unit_test(test_boot_refuses_every_truncated_elf),
	    cmocka_unit_test(test_boot_says_what_was_given_instead_of_a_kernel),
	    cmocka_unit_test(test_boot_refuses_a_folder),
	    cmocka_unit_test(test_boot_refuses_an_initrd_without_room),
	    cmocka_unit_test(test_boot_refuses_a_command_line_that_is_too_long),
	    cmocka_unit_test(test_boot_loads_a_bzimage_as_the_protocol_says),
	    cmocka_unit_test(test_boot_tells_of_memory_above_the_hole),
	    cmocka_unit_test(test_boot_enters_an_elf_kernel_in_long_mode),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
