#include <stdlib.h>
#include <string.h>

#include "backend/boot/aml.h"
#include "backend/boot/loader.h"

#define NAME 56

#define RSDP     "etc/acpi/rsdp"
#define TABLES   "etc/acpi/tables"
#define COMMANDS "etc/table-loader"

#define ALLOCATE     1
#define ADD_POINTER  2
#define ADD_CHECKSUM 3
#define COMMAND_LEN  128

#define ZONE_HIGH 1 /* anywhere below 4 GiB */
#define ZONE_FSEG 2 /* where an RSDP is looked for */

/* Of the RSDP (ACPI 6.4, 5.2.5.3). */
#define RSDP_ALIGN    16
#define RSDP_CHECK    8
#define RSDP_V1_LEN   20
#define RSDP_RSDT     16
#define RSDP_XSDT     24
#define RSDP_CHECK_V2 32

#define TABLE_CHECK 9

static void
put_name(struct aml *a, const char *name)
{
	aml_bytes(a, name, strlen(name));
	aml_zeroes(a, NAME - strlen(name));
}

/* Fills up the command that began at start. */
static void
end_command(struct aml *a, size_t start)
{
	aml_zeroes(a, COMMAND_LEN - (a->len - start));
}

static void
allocate(struct aml *a, const char *file, uint32_t align, uint8_t zone)
{
	size_t start = a->len;

	aml_u32(a, ALLOCATE);
	put_name(a, file);
	aml_u32(a, align);
	aml_u8(a, zone);
	end_command(a, start);
}

/* What is in file at offset, of size bytes, is an offset into the tables. */
static void
add_pointer(struct aml *a, const char *file, uint32_t offset, uint32_t size)
{
	size_t start = a->len;

	aml_u32(a, ADD_POINTER);
	put_name(a, file);
	put_name(a, TABLES);
	aml_u32(a, offset);
	aml_u8(a, (uint8_t)size);
	end_command(a, start);
}

static void
add_checksum(struct aml *a, const char *file, uint32_t offset, uint32_t begin,
    uint32_t len)
{
	size_t start = a->len;

	aml_u32(a, ADD_CHECKSUM);
	put_name(a, file);
	aml_u32(a, offset);
	aml_u32(a, begin);
	aml_u32(a, len);
	end_command(a, start);
}

static void
put_commands(struct aml *a, const struct acpi_tables *t)
{
	unsigned i;

	allocate(a, RSDP, RSDP_ALIGN, ZONE_FSEG);
	allocate(a, TABLES, ACPI_ALIGN, ZONE_HIGH);
	for (i = 0; i < t->pointers; i++)
		add_pointer(a, TABLES, t->pointer[i].at, t->pointer[i].size);
	for (i = 0; i < t->tables; i++)
		add_checksum(a, TABLES, t->table[i].at + TABLE_CHECK,
		    t->table[i].at, t->table[i].len);
	add_pointer(a, RSDP, RSDP_RSDT, 4);
	add_pointer(a, RSDP, RSDP_XSDT, 8);
	add_checksum(a, RSDP, RSDP_CHECK, 0, RSDP_V1_LEN);
	add_checksum(a, RSDP, RSDP_CHECK_V2, 0, ACPI_RSDP_LEN);
}

int
loader_add(struct fw_cfg *cfg, const struct acpi_tables *t, struct error *err)
{
	uint8_t rsdp[ACPI_RSDP_LEN];
	struct aml a = {0};
	int rc = -1;

	acpi_rsdp(t, 0, rsdp);
	put_commands(&a, t);
	if (a.bad)
		error_set(err, "no memory for the ACPI tables");
	else if (fw_cfg_add_file(cfg, RSDP, rsdp, sizeof rsdp, err) == 0 &&
	    fw_cfg_add_file(cfg, TABLES, t->data, t->len, err) == 0)
		rc = fw_cfg_add_file(cfg, COMMANDS, a.data, a.len, err);
	free(a.data);
	return rc;
}
