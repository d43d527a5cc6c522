/* Booting by firmware: the image, its shadow, and the tables it is given. */
#include <endian.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tests/unit/unit.h"
#include "tests/unit/vmm.h"
#include "backend/boot/firmware.h"
#include "backend/boot/loader.h"
#include "backend/boot/mptable.h"
#include "backend/dev/dev.h"

#define MEMORY (16ULL << 20)
#define IMAGE  0x40000

static const uint8_t uuid[16] = {
    1, 2, 3, 4, 5, 6, 0x87, 8, 0x89, 10, 11, 12, 13, 14, 15, 16};

/* A file of len bytes; borrowed by *file until close(). */
static void
make_file(struct boot_file *file, const void *data, size_t len)
{
	char path[] = "/tmp/vmtui-test-XXXXXX";

	file->fd = mkstemp(path);
	file->path = "bios.bin";
	assert_true(file->fd != -1);
	unlink(path);
	assert_int_equal(write(file->fd, data, len), len);
}

/*
 * An image that, from the reset vector, jumps to its copy below 1 MiB, changes
 * a byte there and tries to change one of itself below 4 GiB; then asks for a
 * reset if both went as they should.
 */
static void
make_image(uint8_t *image)
{
	static const uint8_t vector[] = {
	    0xea, 0x00, 0x00, 0x00, 0xf0, /* ljmp $0xf000,$0 */
	};
	static const uint8_t code[] = {
	    0x8c,
	    0xc8, /* mov %cs,%ax */
	    0x8e,
	    0xd8, /* mov %ax,%ds */
	    0xa0,
	    0x00,
	    0x01, /* mov 0x100,%al */
	    0x3c,
	    0x77, /* cmp $0x77,%al */
	    0x75,
	    0x15, /* jne bad */
	    0xc6,
	    0x06,
	    0x00,
	    0x01,
	    0x78, /* movb $0x78,0x100 */
	    0x80,
	    0x3e,
	    0x00,
	    0x01,
	    0x78, /* cmpb $0x78,0x100 */
	    0x75,
	    0x09, /* jne bad */
	    0xb0,
	    0x03, /* mov $3,%al */
	    0xe6,
	    0x92, /* out %al,$0x92 */
	    0xf4, /* hlt */
	    0xeb,
	    0xfd, /* jmp to hlt */
	    0x90,
	    0x90,
	    0xb0,
	    0x42, /* bad: out to another port */
	    0xe6,
	    0x80,
	    0xf4,
	    0xeb,
	    0xfd,
	};

	memset(image, 0, IMAGE);
	memcpy(image + IMAGE - 16, vector, sizeof vector);
	memcpy(image + IMAGE - 0x10000, code, sizeof code);
	image[IMAGE - 0x10000 + 0x100] = 0x77;
	image[IMAGE - 0x20000] = 0x99;
	image[0] = 0x11;
}

static struct fw_cfg *
build(struct machine *m, const struct boot_file *bios)
{
	struct firmware_config config = {
	    .bios = *bios,
	    .bootorder = "/pci@i0cf8/scsi@2/disk@0,0\n",
	    .console = 0x3f8,
	    .uuid = uuid,
	    .netrom = {.fd = -1},
	};
	struct fw_cfg *cfg;
	struct error err;

	assert_int_equal(fw_cfg_create(m, &cfg, &err), 0);
	if (firmware_create(m, cfg, &config, &err) == -1)
		fail_msg("%s", err.text);
	return cfg;
}

static uint8_t
in(struct machine *m, uint16_t port)
{
	return (uint8_t)iobus_read(machine_pio(m), port, 1);
}

/* A file of the configuration; free() it. */
static uint8_t *
get(struct machine *m, const char *name, uint32_t *size)
{
	struct {
		uint32_t size;
		uint16_t key, reserved;
		char name[56];
	} f;
	uint32_t n = 0, i, j;
	uint8_t *data;

	iobus_write(machine_pio(m), FW_CFG_PORT, 2, 0x19);
	for (i = 0; i < 4; i++)
		n = n << 8 | in(m, FW_CFG_PORT + 1);
	for (i = 0; i < n; i++) {
		for (j = 0; j < sizeof f; j++)
			((uint8_t *)&f)[j] = in(m, FW_CFG_PORT + 1);
		if (strcmp(f.name, name) == 0)
			break;
	}
	if (i == n)
		fail_msg("no %s", name);
	*size = be32toh(f.size);
	data = malloc(*size);
	assert_non_null(data);
	iobus_write(machine_pio(m), FW_CFG_PORT, 2, be16toh(f.key));
	for (i = 0; i < *size; i++)
		data[i] = in(m, FW_CFG_PORT + 1);
	return data;
}

static void
test_firmware_wakes_at_the_reset_vector_and_its_shadow_is_writable(void **state)
{
	uint8_t *image = malloc(IMAGE), *shadow;
	struct boot_file bios;
	struct boot_entry entry;
	struct asked a;
	struct machine *m;
	struct error err;
	unsigned times;

	MACHINE_OR_SKIP(m, &a, MEMORY, 1);
	make_image(image);
	make_file(&bios, image, IMAGE);
	assert_int_equal(reset_create(m, &err), 0);
	build(m, &bios);
	shadow = guestmem_at(machine_mem(m), 0xe0000, 0x20000);
	for (times = 1; times <= 2; times++) {
		assert_int_equal(firmware_load(m, &entry, &err), 0);
		assert_int_equal(shadow[0], 0x99);
		assert_int_equal(shadow[0x10100], 0x77);
		machine_set_entry(m, &entry);
		machine_run(m);
		assert_int_equal(asked_wait(&a, times), times);
		machine_stop(m);
		assert_int_equal(a.what, MACHINE_RESET);
		assert_string_equal(a.why, "port 0x92");
		assert_int_equal(shadow[0x10100], 0x78);
		assert_int_equal(machine_reset(m, &err), 0);
	}
	machine_destroy(m);
	close(bios.fd);
	free(image);
}

/* What a command of the loader says, as firmware reads it. */
struct command {
	uint32_t command;
	union {
		struct {
			char file[56];
			uint32_t align;
			uint8_t zone;
		} __attribute__((packed)) allocate;
		struct {
			char dest[56], src[56];
			uint32_t offset;
			uint8_t size;
		} __attribute__((packed)) pointer;
		struct {
			char file[56];
			uint32_t offset, start, len;
		} __attribute__((packed)) checksum;
		uint8_t pad[124];
	};
};

static uint8_t
sum(const uint8_t *p, size_t len)
{
	uint8_t s = 0;

	while (len-- > 0)
		s = (uint8_t)(s + *p++);
	return s;
}

static void
test_acpi_loader_gives_tables_that_hold_together(void **state)
{
	static const uint64_t where[2] = {0xf1230, 0x3fe0040};
	uint8_t *file[2], *image = malloc(IMAGE), *script, *at;
	uint32_t size[2], len, i;
	unsigned allocated = 0;
	struct boot_file bios;
	struct asked a;
	struct machine *m;
	uint64_t v;

	MACHINE_OR_SKIP(m, &a, MEMORY, 1);
	make_image(image);
	make_file(&bios, image, IMAGE);
	build(m, &bios);
	file[0] = get(m, "etc/acpi/rsdp", &size[0]);
	file[1] = get(m, "etc/acpi/tables", &size[1]);
	script = get(m, "etc/table-loader", &len);
	assert_int_equal(len % sizeof(struct command), 0);
	for (i = 0; i < len; i += sizeof(struct command)) {
		struct command c;
		bool tables;

		memcpy(&c, script + i, sizeof c);
		tables = strcmp(c.allocate.file, "etc/acpi/tables") == 0;
		if (!tables)
			assert_string_equal(c.allocate.file, "etc/acpi/rsdp");
		switch (c.command) {
		case 1:
			allocated |= 1u << tables;
			assert_int_equal(where[tables] % c.allocate.align, 0);
			assert_int_equal(c.allocate.zone, tables ? 1 : 2);
			break;
		case 2:
			assert_int_equal(allocated, 3);
			assert_string_equal(c.pointer.src, "etc/acpi/tables");
			assert_true(c.pointer.size == 4 || c.pointer.size == 8);
			assert_true(
			    c.pointer.offset + c.pointer.size <= size[tables]);
			at = file[tables] + c.pointer.offset;
			v = 0;
			memcpy(&v, at, c.pointer.size);
			assert_true(v < size[1]);
			v += where[1];
			memcpy(at, &v, c.pointer.size);
			break;
		case 3:
			assert_true(
			    c.checksum.start + c.checksum.len <= size[tables]);
			assert_true(c.checksum.offset < size[tables]);
			at = file[tables] + c.checksum.start;
			file[tables][c.checksum.offset] =
			    (uint8_t)(file[tables][c.checksum.offset] -
				sum(at, c.checksum.len));
			break;
		default:
			fail_msg("command %u", c.command);
		}
	}
	/* From the RSDP to the XSDT to a table. */
	assert_memory_equal(file[0], "RSD PTR ", 8);
	assert_int_equal(sum(file[0], 20), 0);
	assert_int_equal(sum(file[0], 36), 0);
	memcpy(&v, file[0] + 24, 8);
	at = file[1] + (v - where[1]);
	assert_memory_equal(at, "XSDT", 4);
	memcpy(&len, at + 4, 4);
	assert_int_equal(sum(at, len), 0);
	memcpy(&v, at + 36, 8);
	at = file[1] + (v - where[1]);
	assert_memory_equal(at, "FACP", 4);
	memcpy(&len, at + 4, 4);
	assert_int_equal(sum(at, len), 0);
	for (i = 0; i < 2; i++)
		free(file[i]);
	free(script);
	free(image);
	machine_destroy(m);
	close(bios.fd);
}

static void
test_firmware_is_told_memory_console_and_boot_order(void **state)
{
	uint8_t *image = malloc(IMAGE), *p;
	struct boot_file bios;
	struct asked a;
	struct machine *m;
	uint64_t v[2];
	uint32_t size, type;

	MACHINE_OR_SKIP(m, &a, MEMORY, 1);
	make_image(image);
	make_file(&bios, image, IMAGE);
	build(m, &bios);
	p = get(m, "etc/e820", &size);
	assert_int_equal(size, 2 * 20);
	memcpy(v, p, 16);
	memcpy(&type, p + 16, 4);
	assert_true(v[0] == 0 && v[1] == MEMORY && type == 1);
	memcpy(v, p + 20, 16);
	memcpy(&type, p + 36, 4);
	assert_true(v[0] == 0xfeffc000 && v[1] == 0x4000 && type == 2);
	free(p);
	p = get(m, "etc/sercon-port", &size);
	assert_int_equal(size, 8);
	assert_memory_equal(p, "\xf8\x03\0\0\0\0\0\0", 8);
	free(p);
	p = get(m, "bootorder", &size);
	assert_string_equal((char *)p, "/pci@i0cf8/scsi@2/disk@0,0\n");
	assert_int_equal(size, strlen((char *)p) + 1);
	free(p);
	machine_destroy(m);
	close(bios.fd);
	free(image);
}

static void
check_refused(const void *data, size_t len, const char *words)
{
	struct boot_file bios;
	struct error err;

	make_file(&bios, data, len);
	assert_int_equal(firmware_check(&bios, &err), -1);
	if (strstr(err.text, words) == NULL)
		fail_msg("\"%s\" has no \"%s\"", err.text, words);
	close(bios.fd);
}

static void
test_firmware_refuses_what_is_none(void **state)
{
	uint8_t *image = calloc(1, IMAGE);
	struct boot_file bios;
	struct error err;

	check_refused("", 0, "is no PC firmware");
	check_refused(image, 1000, "it has 1000 bytes");
	check_refused(image, IMAGE, "there is no code");
	make_image(image);
	make_file(&bios, image, IMAGE);
	assert_int_equal(firmware_check(&bios, &err), 0);
	close(bios.fd);
	free(image);
}

static void
test_smbios_structures_are_a_chain_to_the_end(void **state)
{
	struct guestmem mem;
	struct smbios s;
	struct error err;
	const uint8_t *e, *p, *end;
	unsigned count = 0, types = 0;

	assert_int_equal(guestmem_create(&mem, 4 << 20, false, &err), 0);
	assert_int_equal(smbios_build(&mem, 64, uuid, &s, &err), 0);
	assert_int_equal(smbios_place(&s, &mem, 0xf0000, 40, &err), -1);
	assert_int_equal(smbios_place(&s, &mem, 0xf0000, 0x1000, &err), 0);
	e = guestmem_at(&mem, 0xf0000, 0x1000);
	assert_memory_equal(e, "_SM_", 4);
	assert_memory_equal(e + 16, "_DMI_", 5);
	assert_int_equal(sum(e, 31), 0);
	assert_int_equal(sum(e + 16, 15), 0);
	assert_int_equal(e[22] | e[23] << 8, s.len);
	assert_memory_equal(e + 24, "\x20\0\x0f\0", 4);
	p = e + 32;
	end = p + s.len;
	while (p < end) {
		assert_true(p[1] >= 4 && p + p[1] + 2 <= end);
		assert_int_equal(p[2] | p[3] << 8, count);
		types |= p[0] < 32 ? 1u << p[0] : 0;
		if (p[0] == 1) /* the UUID's first fields are turned round */
			assert_memory_equal(p + 8,
			    "\4\3\2\1\6\5\x8\x87\x89\xa\xb\xc\xd\xe\xf\x10",
			    16);
		count++;
		for (p += p[1]; p + 1 < end && (p[0] != 0 || p[1] != 0); p++)
			continue;
		p += 2;
	}
	assert_true(p == end);
	assert_int_equal(count, e[28] | e[29] << 8);
	assert_int_equal(types,
	    1u << 0 | 1 << 1 | 1 << 3 | 1 << 4 | 1 << 16 | 1 << 17 | 1 << 19);
	smbios_free(&s);
	guestmem_destroy(&mem);
}

static void
test_mptable_lists_all_processors_and_pins(void **state)
{
	static const uint8_t len[] = {20, 8, 8, 8, 8};
	unsigned count = 0, cpus = 0, pci = 0, isa = 0, n;
	const uint8_t *e, *p, *end;
	struct guestmem mem;
	struct error err;

	assert_int_equal(guestmem_create(&mem, 4 << 20, false, &err), 0);
	assert_int_equal(mptable_place(&mem, 64, 0xf1000, 1000, &err), -1);
	assert_int_equal(mptable_place(&mem, 64, 0xf1000, 0xf000, &err), 0);
	p = guestmem_at(&mem, 0xf1000, 16);
	assert_memory_equal(p, "_MP_\x10\x10\x0f\0\1\4", 10);
	assert_int_equal(sum(p, 16), 0);
	e = guestmem_at(&mem, 0xf1010, 4096);
	assert_memory_equal(e, "PCMP", 4);
	n = e[4] | e[5] << 8;
	assert_int_equal(sum(e, n), 0);
	end = e + n;
	for (p = e + 44; p < end; p += len[p[0]], count++) {
		assert_true(p[0] <= 4);
		if (p[0] == 0) {
			assert_int_equal(p[1], cpus);
			assert_int_equal(p[3], cpus == 0 ? 3 : 1);
			cpus++;
		} else if (p[0] == 3 && p[4] == 0) {
			/* slot 2, pin A is line 1: IRQ 10 */
			if (p[5] == 2 << 2)
				assert_int_equal(p[7], 10);
			if (p[5] == 3 << 2)
				assert_int_equal(p[7], 11);
			assert_int_equal(p[2], 0xd);
			pci++;
		} else if (p[0] == 3) {
			assert_int_equal(p[5], p[7]);
			isa++;
		}
	}
	assert_true(p == end);
	assert_int_equal(count, e[34] | e[35] << 8);
	assert_true(cpus == 64 && isa == 13 && pci == 31 * 4);
	guestmem_destroy(&mem);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(
		test_firmware_wakes_at_the_reset_vector_and_its_shadow_is_writable),
	    cmocka_unit_test(test_acpi_loader_gives_tables_that_hold_together),
	    cmocka_unit_test(
		test_firmware_is_told_memory_console_and_boot_order),
	    cmocka_unit_test(test_firmware_refuses_what_is_none),
	    cmocka_unit_test(test_smbios_structures_are_a_chain_to_the_end),
	    cmocka_unit_test(test_mptable_lists_all_processors_and_pins),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
