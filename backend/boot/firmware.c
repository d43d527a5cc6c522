#include <endian.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "backend/boot/aml.h"
#include "backend/boot/firmware.h"
#include "backend/boot/load.h"
#include "backend/boot/loader.h"

#define TOP        (4ULL << 30)
#define SHADOW     0xe0000ULL
#define SHADOW_LEN 0x20000ULL
#define IMAGE_UNIT 0x10000ULL /* a BIOS has whole segments */
#define ROM_MAX    0x40000ULL
#define ROM_NAME   "pci1af4,1000.rom" /* for the device of these ids */
#define IMAGE_MAX  (16ULL << 20) /* below it is the local APIC */

static int
image_size(const struct boot_file *bios, uint64_t *size, struct error *err)
{
	if (boot_size(bios, size, err) == -1)
		return -1;
	if (*size == 0 || *size % IMAGE_UNIT != 0 || *size > IMAGE_MAX)
		return error_set(err,
		    "%s is no PC firmware: it has %" PRIu64
		    " bytes, not whole segments of 64 KiB up to 16 MiB; give "
		    "SeaBIOS's bios-256k.bin",
		    bios->path, *size);
	return 0;
}

int
firmware_check(const struct boot_file *bios, struct error *err)
{
	uint64_t size;
	uint8_t vector[16];
	unsigned i;

	if (image_size(bios, &size, err) == -1 ||
	    boot_read(bios, vector, sizeof vector, size - sizeof vector, err) ==
		-1)
		return -1;
	for (i = 1; i < sizeof vector; i++)
		if (vector[i] != vector[0])
			return 0;
	return error_set(err,
	    "%s is no PC firmware: there is no code where a processor starts, "
	    "16 bytes before its end; give SeaBIOS's bios-256k.bin",
	    bios->path);
}

int
firmware_check_rom(const struct boot_file *rom, struct error *err)
{
	uint8_t head[3];
	uint64_t size;

	if (boot_size(rom, &size, err) == -1)
		return -1;
	if (size >= sizeof head && size <= ROM_MAX) {
		if (boot_read(rom, head, sizeof head, 0, err) == -1)
			return -1;
		if (head[0] == 0x55 && head[1] == 0xaa &&
		    head[2] * 512u <= size && head[2] > 0)
			return 0;
	}
	return error_set(err,
	    "%s is no option ROM; install the package ipxe-qemu again",
	    rom->path);
}

static void
put_range(struct aml *a, uint64_t start, uint64_t size, uint32_t type)
{
	aml_u64(a, start);
	aml_u64(a, size);
	aml_u32(a, type);
}

/* The memory map without what the firmware itself knows to be taken. */
static int
add_memory_map(
    struct fw_cfg *cfg, const struct guestmem *mem, struct error *err)
{
	struct aml a = {0};
	unsigned i;
	int rc = -1;

	for (i = 0; i < mem->regions; i++)
		put_range(
		    &a, mem->region[i].gpa, mem->region[i].size, BOOT_E820_RAM);
	put_range(&a, BOOT_KVM_PAGES, BOOT_KVM_PAGES_LEN, BOOT_E820_RESERVED);
	if (a.bad)
		error_set(err, "no memory for the memory map");
	else
		rc = fw_cfg_add_file(cfg, "etc/e820", a.data, a.len, err);
	free(a.data);
	return rc;
}

static int
add_acpi(struct fw_cfg *cfg, struct machine *m, bool serial2, struct error *err)
{
	struct acpi_tables tables;
	int rc;

	if (acpi_build(machine_cpus(m), serial2, &tables, err) == -1)
		return -1;
	rc = loader_add(cfg, &tables, err);
	acpi_free(&tables);
	return rc;
}

static int
add_smbios(struct fw_cfg *cfg, struct machine *m, const uint8_t *uuid,
    struct error *err)
{
	struct smbios s;
	int rc;

	if (smbios_build(machine_mem(m), machine_cpus(m), uuid, &s, err) == -1)
		return -1;
	rc = fw_cfg_add_file(
	    cfg, "etc/smbios/smbios-tables", s.data, s.len, err);
	if (rc == 0)
		rc = fw_cfg_add_file(cfg, "etc/smbios/smbios-anchor", s.entry,
		    sizeof s.entry, err);
	smbios_free(&s);
	return rc;
}

static int
add_image(struct machine *m, const struct boot_file *bios, struct error *err)
{
	uint64_t size;
	uint8_t *rom;

	if (image_size(bios, &size, err) == -1 ||
	    machine_add_rom(m, TOP - size, size, &rom, err) == -1)
		return -1;
	return boot_read(bios, rom, size, 0, err);
}

/* The firmware finds it by its name when it comes to the device. */
static int
add_rom(struct fw_cfg *cfg, const struct boot_file *rom, struct error *err)
{
	uint64_t size;
	uint8_t *data;
	int rc;

	if (rom->fd == -1)
		return 0;
	if (firmware_check_rom(rom, err) == -1 ||
	    boot_size(rom, &size, err) == -1)
		return -1;
	data = malloc(size);
	if (data == NULL)
		return error_set(err, "no memory for %s", rom->path);
	rc = boot_read(rom, data, size, 0, err);
	if (rc == 0)
		rc = fw_cfg_add_file(cfg, ROM_NAME, data, size, err);
	free(data);
	return rc;
}

int
firmware_create(struct machine *m, struct fw_cfg *cfg,
    const struct firmware_config *config, struct error *err)
{
	uint64_t console = htole64(config->console);
	/* Where nothing can be booted it stays, and does not try for ever. */
	uint32_t retry = 0xffffffff;
	/* A string with its zero, as the interface has it. */
	size_t order = strlen(config->bootorder) + 1;

	if (add_image(m, &config->bios, err) == -1 ||
	    add_rom(cfg, &config->netrom, err) == -1 ||
	    add_memory_map(cfg, machine_mem(m), err) == -1 ||
	    add_acpi(cfg, m, config->serial2, err) == -1 ||
	    add_smbios(cfg, m, config->uuid, err) == -1 ||
	    fw_cfg_add_file(
		cfg, "etc/sercon-port", &console, sizeof console, err) == -1 ||
	    fw_cfg_add_file(
		cfg, "etc/boot-fail-wait", &retry, sizeof retry, err) == -1)
		return -1;
	return fw_cfg_add_file(cfg, "bootorder", config->bootorder, order, err);
}

int
firmware_load(struct machine *m, struct boot_entry *entry, struct error *err)
{
	uint64_t size, len;
	const uint8_t *rom;
	uint8_t *shadow;

	rom = machine_rom(m, &size);
	shadow = guestmem_at(machine_mem(m), SHADOW, SHADOW_LEN);
	if (rom == NULL || shadow == NULL)
		return error_set(err,
		    "the guest's memory has no room for the firmware; give it "
		    "more");
	len = size < SHADOW_LEN ? size : SHADOW_LEN;
	memset(shadow, 0, SHADOW_LEN - len);
	memcpy(shadow + SHADOW_LEN - len, rom + size - len, len);
	memset(entry, 0, sizeof *entry);
	entry->mode = BOOT_ENTRY_REAL;
	return 0;
}
