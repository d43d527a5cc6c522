/* Kernels other than Linux's 64-bit ones: what each is told, and where. */
#include <elf.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>
#include <zlib.h>

#include "backend/boot/elf.h"
#include "backend/boot/unpack.h"
#include "tests/unit/vmm.h"

#define MIB    (1ULL << 20)
#define MEMORY (64 * MIB)

static int
file_of(const void *data, size_t len)
{
	int fd = memfd_create("file", MFD_CLOEXEC);

	assert_int_not_equal(fd, -1);
	assert_int_equal(pwrite(fd, data, len, 0), len);
	return fd;
}

/* Plans and writes a kernel into mem; err holds words if it is refused. */
static void
load(const void *data, size_t len, struct boot_config *c, struct guestmem *mem,
    struct boot_plan *plan, struct boot_entry *entry, const char *words)
{
	struct error err = {""};
	uint8_t head[BOOT_HEAD] = {0};
	struct boot_file *f = &c->kernel;
	struct multiboot_header mb;
	int rc;

	memset(plan, 0, sizeof *plan);
	memset(entry, 0, sizeof *entry);
	memcpy(head, data, len < sizeof head ? len : sizeof head);
	f->path = "/some where/K L";
	f->fd = file_of(data, len);
	plan->low = MEMORY;
	if (bzimage_probe(head))
		rc = bzimage_plan(f, len, head, plan, &err);
	else if (elf_probe(head))
		rc = elf_plan(f, len, head, plan, &err);
	else
		rc = multiboot_find(f, len, &mb)
		    ? multiboot_plan(f, len, &mb, plan, &err)
		    : error_set(&err, "it is nothing");
	if (c->initrd.fd != -1) {
		plan->initrd = 32 * MIB;
		plan->initrd_size = 5000;
	}
	if (rc == 0)
		rc = plan->write(mem, plan, c, 0xe0000, entry, &err);
	close(f->fd);
	if (words == NULL && rc == -1)
		fail_msg("refused: %s", err.text);
	if (words != NULL && rc == 0)
		fail_msg("taken, where \"%s\" was to be said", words);
	if (words != NULL && strstr(err.text, words) == NULL)
		fail_msg("\"%s\" has no \"%s\"", err.text, words);
}

static uint32_t
get32(const struct guestmem *mem, uint64_t gpa)
{
	uint32_t v = 0;

	assert_int_equal(guestmem_read(mem, gpa, &v, sizeof v), 0);
	return v;
}

static uint64_t
get64(const struct guestmem *mem, uint64_t gpa)
{
	return get32(mem, gpa) | (uint64_t)get32(mem, gpa + 4) << 32;
}

static void
make_memory(struct guestmem *mem)
{
	struct error err;

	assert_int_equal(guestmem_create(mem, MEMORY, false, &err), 0);
}

static void
is_flat_32(const struct guestmem *mem, const struct boot_entry *e, uint64_t ip)
{
	assert_int_equal(e->mode, BOOT_ENTRY_32);
	assert_true(e->ip == ip);
	assert_true(get64(mem, e->gdt + e->code) == 0x00cf9b000000ffffULL);
	assert_true(get64(mem, e->gdt + e->data) == 0x00cf93000000ffffULL);
	assert_true(e->gdt_limit >= e->data + 7);
}

/* A 32-bit ELF file with one segment and what comes with it. */
struct elf32 {
	Elf32_Ehdr eh;
	Elf32_Phdr ph[3];
	uint32_t note[6];
	uint32_t code[64];
	Elf32_Shdr sh[4];
	char strings[16];
	Elf32_Sym symbol[2];
};

static void
make_elf32(struct elf32 *e)
{
	memset(e, 0, sizeof *e);
	memcpy(e->eh.e_ident, ELFMAG, SELFMAG);
	e->eh.e_ident[EI_CLASS] = ELFCLASS32;
	e->eh.e_ident[EI_DATA] = ELFDATA2LSB;
	e->eh.e_type = ET_EXEC;
	e->eh.e_machine = EM_386;
	e->eh.e_phoff = offsetof(struct elf32, ph);
	e->eh.e_phentsize = sizeof e->ph[0];
	e->eh.e_phnum = 3;
	e->eh.e_entry = 2 * MIB + 0x10;
	e->ph[0].p_type = PT_LOAD;
	e->ph[0].p_offset = offsetof(struct elf32, code);
	e->ph[0].p_filesz = sizeof e->code;
	e->ph[0].p_memsz = 0x2001;
	e->ph[0].p_paddr = e->ph[0].p_vaddr = 2 * MIB;
	e->ph[1].p_type = e->ph[2].p_type = PT_NULL;
	memset(e->code, 0xcc, sizeof e->code);
}

static void
add_pvh(struct elf32 *e, uint32_t entry)
{
	uint32_t note[6] = {4, 4, PVH_NOTE_ENTRY, 0, entry, 0};

	memcpy(&note[3], "Xen", 4);
	memcpy(e->note, note, sizeof note);
	e->ph[1].p_type = PT_NOTE;
	e->ph[1].p_offset = offsetof(struct elf32, note);
	e->ph[1].p_filesz = e->ph[1].p_memsz = sizeof e->note;
}

static void
add_multiboot(struct elf32 *e, uint32_t flags)
{
	e->code[4] = 0x1badb002;
	e->code[5] = flags;
	e->code[6] = 0u - 0x1badb002 - flags;
}

static void
test_pvh_kernel_gets_its_start_info(void **state)
{
	struct boot_config c = {.initrd = {0, ""}, .cmdline = "one two"};
	struct boot_entry entry;
	struct boot_plan plan;
	struct guestmem mem;
	struct elf32 e;
	uint64_t at;

	make_memory(&mem);
	make_elf32(&e);
	add_pvh(&e, 2 * MIB + 0x40);
	load(&e, sizeof e, &c, &mem, &plan, &entry, NULL);
	is_flat_32(&mem, &entry, 2 * MIB + 0x40);
	at = entry.bx;
	assert_int_equal(get32(&mem, at), 0x336ec578);
	assert_int_equal(get32(&mem, at + 4), 1);
	assert_int_equal(get32(&mem, at + 12), 1);
	assert_true(get64(&mem, get64(&mem, at + 16)) == 32 * MIB);
	assert_true(get64(&mem, get64(&mem, at + 16) + 8) == 5000);
	assert_string_equal(
	    guestmem_at(&mem, get64(&mem, at + 24), 8), "one two");
	assert_int_equal(get64(&mem, at + 32), 0xe0000);
	assert_int_equal(get32(&mem, at + 48), 5);
	at = get64(&mem, at + 40) + 3 * 24;
	assert_true(get64(&mem, at) == MIB);
	assert_true(get64(&mem, at + 8) == MEMORY - MIB);
	assert_int_equal(get32(&mem, at + 16), 1);
	guestmem_destroy(&mem);
}

static void
test_pvh_refuses_an_entry_outside(void **state)
{
	struct boot_config c = {.initrd = {-1, ""}, .cmdline = ""};
	struct boot_entry entry;
	struct boot_plan plan;
	struct guestmem mem;
	struct elf32 e;

	make_memory(&mem);
	make_elf32(&e);
	add_pvh(&e, MIB);
	load(&e, sizeof e, &c, &mem, &plan, &entry, "PVH entry at 0x100000");
	/* Notes that are cut or lie about their lengths are none. */
	add_pvh(&e, 2 * MIB);
	e.note[0] = 0xfffffffe;
	load(&e, sizeof e, &c, &mem, &plan, &entry, "neither a PVH note");
	add_pvh(&e, 2 * MIB);
	e.note[1] = 0xfffffffd;
	load(&e, sizeof e, &c, &mem, &plan, &entry, "neither a PVH note");
	add_pvh(&e, 2 * MIB);
	e.ph[1].p_filesz = 19;
	load(&e, sizeof e, &c, &mem, &plan, &entry, "neither a PVH note");
	add_pvh(&e, 2 * MIB);
	e.ph[1].p_offset = UINT32_MAX;
	load(&e, sizeof e, &c, &mem, &plan, &entry, "neither a PVH note");
	guestmem_destroy(&mem);
}

static void
check_multiboot(const struct guestmem *mem, const struct boot_entry *entry)
{
	uint64_t at = entry->bx, map;

	assert_int_equal(entry->ax, 0x2badb002);
	/* A BIOS call fails, an interrupt returns; base memory ends. */
	assert_int_equal(get32(mem, 0x15 * 4), 0x600);
	assert_memory_equal(guestmem_at(mem, 0x604, 4), "\x4e\x06\x01\x5d", 4);
	assert_int_equal(get32(mem, 8 * 4), get32(mem, 0x77 * 4));
	assert_int_equal(get32(mem, get32(mem, 8 * 4)) & 0xff, 0xcf);
	assert_int_equal(get32(mem, 0x40e) & 0xffff, 0x9fc0);
	assert_int_equal(get32(mem, 0x413) & 0xffff, 639);
	assert_int_equal(get32(mem, at), 1 | 1 << 2 | 1 << 3 | 1 << 6 | 1 << 9);
	assert_int_equal(get32(mem, at + 4), 639);
	assert_int_equal(get32(mem, at + 8), (MEMORY - MIB) / 1024);
	assert_string_equal(
	    guestmem_at(mem, get32(mem, at + 16), 12), "K_L one two");
	assert_int_equal(get32(mem, at + 20), 1);
	assert_int_equal(get32(mem, get32(mem, at + 24)), 32 * MIB);
	assert_int_equal(get32(mem, get32(mem, at + 24) + 4), 32 * MIB + 5000);
	assert_string_equal(
	    guestmem_at(mem, get32(mem, get32(mem, at + 24) + 8), 2), "I");
	assert_int_equal(get32(mem, at + 44), 5 * 24);
	map = get32(mem, at + 48);
	assert_int_equal(get32(mem, map), 20);
	assert_true(get64(mem, map + 3 * 24 + 4) == MIB);
	assert_int_equal(get32(mem, map + 3 * 24 + 20), 1);
	assert_string_equal(guestmem_at(mem, get32(mem, at + 64), 6), "vmtui");
}

static void
test_multiboot_elf_gets_its_information(void **state)
{
	struct boot_config c = {.initrd = {0, "/x/I"}, .cmdline = "one two"};
	struct boot_entry entry;
	struct boot_plan plan;
	struct guestmem mem;
	struct elf32 e;

	make_memory(&mem);
	make_elf32(&e);
	add_multiboot(&e, 3);
	load(&e, sizeof e, &c, &mem, &plan, &entry, NULL);
	is_flat_32(&mem, &entry, 2 * MIB + 0x10);
	check_multiboot(&mem, &entry);
	add_multiboot(&e, 1 << 5);
	load(&e, sizeof e, &c, &mem, &plan, &entry, "flags 0x20");
	e.code[6]++;
	load(&e, sizeof e, &c, &mem, &plan, &entry, "neither a PVH note");
	guestmem_destroy(&mem);
}

static void
test_multiboot_without_elf_says_where_it_goes(void **state)
{
	struct boot_config c = {.initrd = {0, "/x/I"}, .cmdline = "one two"};
	uint32_t flags = 1u << 16, file[1024], good[1024];
	struct boot_entry entry;
	struct boot_plan plan;
	struct guestmem mem;
	unsigned i;

	make_memory(&mem);
	memset(file, 0xee, sizeof file);
	file[3] = 0x1badb002;
	file[4] = flags;
	file[5] = 0u - 0x1badb002 - flags;
	file[6] = 3 * MIB + 12; /* the header itself */
	file[7] = 3 * MIB;
	file[8] = 3 * MIB + 2048;
	file[9] = 3 * MIB + 8192;
	file[10] = 3 * MIB + 64;
	memcpy(good, file, sizeof file);
	load(file, sizeof file, &c, &mem, &plan, &entry, NULL);
	is_flat_32(&mem, &entry, 3 * MIB + 64);
	check_multiboot(&mem, &entry);
	assert_true(plan.segment[0].gpa == 3 * MIB);
	assert_true(plan.segment[0].offset == 0);
	assert_true(plan.segment[0].length == 2048);
	assert_true(plan.segment[0].size == 8192);
	for (i = 6; i <= 10; i++) {
		memcpy(file, good, sizeof file);
		file[i] = i == 9 ? 0xffffffff : 0x1000;
		load(file, sizeof file, &c, &mem, &plan, &entry, "K ");
		file[i] = 0xfffffff0;
		load(file, sizeof file, &c, &mem, &plan, &entry, "K ");
	}
	file[8] = 0; /* to the file's end */
	file[9] = 0;
	file[10] = good[10];
	load(file, sizeof file, &c, &mem, &plan, &entry, NULL);
	assert_true(plan.segment[0].size == sizeof file);
	guestmem_destroy(&mem);
}

static void
test_bzimage_without_64_bits_is_entered_in_32(void **state)
{
	struct boot_config c = {.initrd = {-1, ""}, .cmdline = "x"};
	static const uint16_t versions[] = {0x0203, 0x0209, 0x020a, 0x020f};
	uint8_t file[2 * 512 + 4096] = {0};
	struct setup_header *h = (struct setup_header *)(void *)(file + 0x1f1);
	struct boot_entry entry;
	struct boot_plan plan;
	struct guestmem mem;
	uint64_t where;
	unsigned i;

	make_memory(&mem);
	h->setup_sects = 1;
	h->boot_flag = 0xaa55;
	h->jump = 0x6aeb;
	h->header = 0x53726448;
	h->loadflags = LOADED_HIGH;
	h->syssize = 4096 / 16;
	h->initrd_addr_max = 0x37ffffff;
	h->cmdline_size = 1000;
	h->pref_address = 16 * MIB;
	h->init_size = 8 * MIB;
	for (i = 0; i < 4; i++) {
		h->version = versions[i];
		load(file, sizeof file, &c, &mem, &plan, &entry, NULL);
		where = versions[i] < 0x20a ? MIB : 16 * MIB;
		is_flat_32(&mem, &entry, where);
		assert_int_equal(entry.code, 0x10);
		assert_int_equal(entry.data, 0x18);
		assert_int_equal(
		    plan.cmdline_max, versions[i] < 0x206 ? 255 : 1000);
		assert_true(plan.end >= where + 4096);
		assert_int_equal(get32(&mem, entry.si + 0x202), 0x53726448);
		assert_int_equal(get32(&mem, entry.si + 0x214), where);
	}
	guestmem_destroy(&mem);
}

static void
add_symbols(struct elf32 *e)
{
	e->eh.e_shoff = offsetof(struct elf32, sh);
	e->eh.e_shentsize = sizeof e->sh[0];
	e->eh.e_shnum = 4;
	e->sh[1].sh_type = SHT_PROGBITS;
	e->sh[2].sh_type = SHT_STRTAB;
	e->sh[2].sh_offset = offsetof(struct elf32, strings);
	e->sh[2].sh_size = 13;
	e->sh[3].sh_type = SHT_SYMTAB;
	e->sh[3].sh_offset = offsetof(struct elf32, symbol);
	e->sh[3].sh_size = sizeof e->symbol;
	memcpy(e->strings, "\0some_symbol", 13);
	memset(e->symbol, 0x77, sizeof e->symbol);
}

/* An OpenBSD/i386 kernel, linked high and loaded low. */
static void
make_openbsd(struct elf32 *e)
{
	make_elf32(e);
	e->ph[0].p_vaddr = 0xd0000000 + 2 * MIB;
	e->eh.e_entry = 0xd0000000 + 2 * MIB + 0x10;
	e->ph[1].p_type = 0x65a3dbe6;
	e->ph[1].p_paddr = 2 * MIB + 0x1000;
	e->ph[1].p_filesz = e->ph[1].p_memsz = 64;
	add_symbols(e);
}

/* The argument of this type; its data's address. */
static uint64_t
find_argument(
    const struct guestmem *mem, uint64_t sp, uint32_t type, uint32_t *len)
{
	uint64_t at = get32(mem, sp + 32), end = at + get32(mem, sp + 28);

	while (at < end) {
		if (get32(mem, at) == type) {
			*len = get32(mem, at + 4) - 12;
			return at + 12;
		}
		assert_true(get32(mem, at + 4) == get32(mem, at + 8));
		assert_true(get32(mem, at + 4) >= 12);
		at += get32(mem, at + 8);
	}
	assert_true(at == end);
	assert_int_equal(get32(mem, at), 0xffffffff);
	return 0;
}

static void
test_openbsd_kernel_finds_its_arguments_on_the_stack(void **state)
{
	struct boot_config c = {.initrd = {-1, ""}, .cmdline = "-s -d"};
	static const uint8_t duid[8] = {1, 2, 3, 4, 5, 6, 7, 8};
	struct boot_entry entry;
	struct boot_plan plan;
	struct guestmem mem;
	struct elf32 e;
	uint64_t sp, at;
	uint32_t len;

	make_memory(&mem);
	make_openbsd(&e);
	c.origin.has_duid = true;
	memcpy(c.origin.duid, duid, sizeof duid);
	load(&e, sizeof e, &c, &mem, &plan, &entry, NULL);
	is_flat_32(&mem, &entry, 2 * MIB + 0x10);
	sp = entry.sp;
	assert_int_equal(sp % 4, 0);
	assert_int_equal(get32(&mem, sp + 4), 0x42);
	assert_int_equal(get32(&mem, sp + 8), 0xa0000004);
	assert_int_equal(get32(&mem, sp + 12), 0xe);
	assert_int_equal(get32(&mem, sp + 20), 0);
	assert_int_equal(get32(&mem, sp + 24), 0);
	assert_int_equal(get32(&mem, sp + 32), 0x2000);
	at = find_argument(&mem, sp, 0, &len);
	assert_int_equal(len, 6 * 20);
	assert_true(get64(&mem, at + 60) == MIB);
	assert_true(get64(&mem, at + 68) == MEMORY - MIB);
	assert_int_equal(get32(&mem, at + 76), 1);
	assert_int_equal(get32(&mem, at + 116), 0);
	at = find_argument(&mem, sp, 5, &len);
	assert_int_equal(len, 32);
	assert_int_equal(get32(&mem, at), 8 << 8);
	assert_int_equal(get32(&mem, at + 4), 115200);
	assert_int_equal(get64(&mem, at + 8), 0x3f8);
	at = find_argument(&mem, sp, 9, &len);
	assert_memory_equal(guestmem_at(&mem, at, 8), duid, 8);
	assert_true(find_argument(&mem, sp, 7, &len) == 0);
	/* Random bytes where they were asked for. */
	for (len = 0, at = 0; at < 64; at += 4)
		len |= get32(&mem, 2 * MIB + 0x1000 + at);
	assert_int_not_equal(len, 0);
	guestmem_destroy(&mem);
}

static void
test_openbsd_kernel_is_told_what_it_was_booted_from(void **state)
{
	struct boot_config c = {.initrd = {-1, ""}, .cmdline = ""};
	struct boot_entry entry;
	struct boot_plan plan;
	struct guestmem mem;
	struct elf32 e;
	uint64_t at;
	uint32_t len;

	make_memory(&mem);
	make_openbsd(&e);
	c.origin.has_mac = true;
	memcpy(c.origin.mac, "\x02\x20\x91\1\2\3", 6);
	c.origin.from = BOOT_FROM_CDROM;
	load(&e, sizeof e, &c, &mem, &plan, &entry, NULL);
	assert_int_equal(get32(&mem, entry.sp + 8), 0xa0000006);
	assert_true(find_argument(&mem, entry.sp, 7, &len) == 0);
	c.origin.from = BOOT_FROM_NET;
	load(&e, sizeof e, &c, &mem, &plan, &entry, NULL);
	at = find_argument(&mem, entry.sp, 7, &len);
	assert_int_equal(len, 8); /* six, and up to a multiple of four */
	assert_memory_equal(guestmem_at(&mem, at, 6), c.origin.mac, 6);
	guestmem_destroy(&mem);
}

static void
test_openbsd_symbols_lie_behind_the_kernel(void **state)
{
	struct boot_config c = {.initrd = {-1, ""}, .cmdline = ""};
	struct boot_entry entry;
	struct boot_plan plan;
	struct guestmem mem;
	const Elf32_Ehdr *eh;
	const Elf32_Shdr *sh;
	struct elf32 e;
	uint64_t base;

	make_memory(&mem);
	make_openbsd(&e);
	load(&e, sizeof e, &c, &mem, &plan, &entry, NULL);
	base = 2 * MIB + 0x2004; /* the end, rounded up */
	eh = guestmem_at(&mem, base, sizeof *eh);
	assert_memory_equal(eh->e_ident, ELFMAG, SELFMAG);
	assert_true(eh->e_phnum == 0 && eh->e_phoff == 0);
	assert_int_equal(eh->e_shoff, sizeof *eh);
	assert_int_equal(eh->e_shnum, 4);
	sh = guestmem_at(&mem, base + eh->e_shoff, 4 * sizeof *sh);
	assert_string_equal(
	    guestmem_at(&mem, base + sh[2].sh_offset + 1, 12), "some_symbol");
	assert_int_equal(sh[3].sh_offset, sh[2].sh_offset + 16);
	assert_int_equal(get32(&mem, base + sh[3].sh_offset), 0x77777777);
	assert_int_equal(get32(&mem, entry.sp + 16),
	    base + sh[3].sh_offset + sizeof e.symbol);
	/* None: zero. */
	e.sh[3].sh_type = SHT_PROGBITS;
	load(&e, sizeof e, &c, &mem, &plan, &entry, NULL);
	assert_int_equal(get32(&mem, entry.sp + 16), 0);
	guestmem_destroy(&mem);
}

static void
test_openbsd_refuses_what_does_not_fit(void **state)
{
	struct boot_config c = {.initrd = {-1, ""}, .cmdline = ""};
	struct boot_entry entry;
	struct boot_plan plan;
	struct guestmem mem;
	struct error err;
	struct elf32 e;

	make_memory(&mem);
	make_openbsd(&e);
	e.ph[1].p_paddr = 2 * MIB + 0x2001 - 63;
	load(&e, sizeof e, &c, &mem, &plan, &entry, "random bytes");
	make_openbsd(&e);
	e.ph[1].p_filesz = UINT32_MAX;
	load(&e, sizeof e, &c, &mem, &plan, &entry, "random bytes");
	make_openbsd(&e);
	e.sh[3].sh_size = UINT32_MAX;
	load(&e, sizeof e, &c, &mem, &plan, &entry, "truncated");
	make_openbsd(&e);
	e.sh[3].sh_offset = UINT32_MAX;
	load(&e, sizeof e, &c, &mem, &plan, &entry, "truncated");
	make_openbsd(&e);
	e.ph[0].p_memsz = MEMORY - 2 * MIB - 8;
	load(&e, sizeof e, &c, &mem, &plan, &entry, "with its symbols");
	make_openbsd(&e);
	e.eh.e_entry = 0xd0000000;
	load(&e, sizeof e, &c, &mem, &plan, &entry, "in none of its parts");
	c.kernel.path = "K";
	c.cmdline = "root=/dev/sda";
	assert_int_equal(openbsd_check(&c, &err), -1);
	assert_non_null(strstr(err.text, "-a, -c, -d and -s"));
	c.cmdline = "-as";
	assert_int_equal(openbsd_check(&c, &err), 0);
	c.initrd.fd = 0;
	assert_int_equal(openbsd_check(&c, &err), -1);
	guestmem_destroy(&mem);
}

/* As gzip makes it. */
static size_t
pack(const void *data, size_t len, uint8_t *out, size_t room)
{
	z_stream z = {.next_in = (uint8_t *)(uintptr_t)data,
	    .avail_in = (uInt)len,
	    .next_out = out,
	    .avail_out = (uInt)room};

	assert_int_equal(deflateInit2(&z, 9, Z_DEFLATED, 16 + MAX_WBITS, 8,
			     Z_DEFAULT_STRATEGY),
	    Z_OK);
	assert_int_equal(deflate(&z, Z_FINISH), Z_STREAM_END);
	deflateEnd(&z);
	return room - z.avail_out;
}

static void
test_gzip_kernel_is_unpacked(void **state)
{
	static uint8_t plain[300000], packed[310000], back[300000];
	struct boot_file f = {.path = "K"};
	struct error err = {""};
	size_t len, i;
	int fd;

	srand(3);
	for (i = 0; i < sizeof plain; i++)
		plain[i] = (uint8_t)(rand() % 50);
	len = pack(plain, sizeof plain, packed, sizeof packed);
	f.fd = file_of(packed, len);
	assert_int_equal(boot_unpack(&f, sizeof plain, &fd, &err), 0);
	assert_int_equal(pread(fd, back, sizeof back, 0), sizeof back);
	assert_memory_equal(back, plain, sizeof plain);
	assert_int_equal(lseek(fd, 0, SEEK_END), sizeof plain);
	close(fd);
	assert_int_equal(boot_unpack(&f, sizeof plain - 1, &fd, &err), -1);
	assert_non_null(strstr(err.text, "too much for this guest"));
	close(f.fd);
	for (i = 2; i < len; i += len / 40) {
		f.fd = file_of(packed, i);
		assert_int_equal(boot_unpack(&f, MEMORY, &fd, &err), -1);
		assert_non_null(strstr(err.text, "truncated"));
		close(f.fd);
	}
	packed[len - 6] ^= 1; /* in the checksum */
	f.fd = file_of(packed, len);
	assert_int_equal(boot_unpack(&f, MEMORY, &fd, &err), -1);
	assert_non_null(strstr(err.text, "damaged"));
	close(f.fd);
	f.fd = file_of(plain, sizeof plain);
	assert_int_equal(boot_unpack(&f, MEMORY, &fd, &err), 0);
	assert_int_equal(fd, -1);
	close(f.fd);
}

/* Any byte of the headers may be anything. */
static void
test_kinds_survive_damaged_headers(void **state)
{
	struct boot_plan plan;
	struct boot_file f = {.path = "K"};
	struct error err;
	struct elf32 e;
	uint8_t *byte = (uint8_t *)&e;
	unsigned i, n;

	srand(7);
	for (i = 0; i < 3000; i++) {
		make_openbsd(&e);
		if (i % 2 == 0)
			add_pvh(&e, 2 * MIB);
		for (n = 0; n < 3; n++)
			byte[(unsigned)rand() % sizeof e] = (uint8_t)rand();
		memset(&plan, 0, sizeof plan);
		plan.low = MEMORY;
		f.fd = file_of(&e, sizeof e);
		if (elf_probe(byte))
			elf_plan(&f, sizeof e, byte, &plan, &err);
		close(f.fd);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_pvh_kernel_gets_its_start_info),
	    cmocka_unit_test(test_pvh_refuses_an_entry_outside),
	    cmocka_unit_test(test_multiboot_elf_gets_its_information),
	    cmocka_unit_test(test_multiboot_without_elf_says_where_it_goes),
	    cmocka_unit_test(test_bzimage_without_64_bits_is_entered_in_32),
	    cmocka_unit_test(
		test_openbsd_kernel_finds_its_arguments_on_the_stack),
	    cmocka_unit_test(
		test_openbsd_kernel_is_told_what_it_was_booted_from),
	    cmocka_unit_test(test_openbsd_symbols_lie_behind_the_kernel),
	    cmocka_unit_test(test_openbsd_refuses_what_does_not_fit),
	    cmocka_unit_test(test_gzip_kernel_is_unpacked),
	    cmocka_unit_test(test_kinds_survive_damaged_headers),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
