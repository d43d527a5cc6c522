#include <endian.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "backend/boot/aml.h"
#include "backend/boot/smbios.h"

/* Chapter numbers are DSP0134 3.0's. */
#define VERSION_MAJOR 2
#define VERSION_MINOR 8

#define KIB 1024ULL
#define MIB (1024 * KIB)

/* In the entry point (5.2.1). */
#define AT_CHECKSUM  4
#define AT_LARGEST   8
#define AT_DMI       16
#define AT_DMI_CHECK 21
#define AT_LENGTH    22
#define AT_ADDRESS   24
#define AT_COUNT     28
#define AT_REVISION  30

#define NO_HANDLE   0xffff
#define NOT_GIVEN   0xfffe /* no error information */
#define CAPACITY_EX 0x80000000u
#define SIZE_EX     0x7fff

struct build {
	struct aml out;
	uint16_t count;
	size_t start; /* of the open structure */
	size_t largest;
};

/* Begins a structure; returns its handle (6.1.2). */
static uint16_t
begin(struct build *b, uint8_t type, uint8_t len)
{
	b->start = b->out.len;
	aml_u8(&b->out, type);
	aml_u8(&b->out, len);
	aml_u16(&b->out, b->count);
	return b->count++;
}

/* Ends it with its strings, up to a NULL (6.1.3). */
static void
end(struct build *b, ...)
{
	const char *s;
	unsigned n = 0;
	va_list ap;

	va_start(ap, b);
	for (; (s = va_arg(ap, const char *)) != NULL; n++)
		aml_bytes(&b->out, s, strlen(s) + 1);
	va_end(ap);
	aml_zeroes(&b->out, n == 0 ? 2 : 1);
	if (b->out.len - b->start > b->largest)
		b->largest = b->out.len - b->start;
}

/* 7.1 */
static void
put_bios(struct build *b)
{
	struct aml *a = &b->out;

	begin(b, 0, 24);
	aml_u8(a, 1); /* vendor */
	aml_u8(a, 2); /* version */
	aml_u16(a, 0xe000); /* segment */
	aml_u8(a, 3); /* date */
	aml_u8(a, 1); /* 128 KiB */
	aml_u64(a, 1 << 3); /* no characteristics are told */
	aml_u8(a, 1); /* ACPI */
	aml_u8(a, 1 << 4); /* this is a virtual machine */
	aml_u8(a, 0);
	aml_u8(a, 0);
	aml_u8(a, 0xff); /* no embedded controller */
	aml_u8(a, 0xff);
	end(b, "vmtui", VMTUI_VERSION, "01/01/2026", NULL);
}

/* 7.2: the first three fields of a UUID are little-endian. */
static void
put_system(struct build *b, const uint8_t *uuid)
{
	static const uint8_t order[SMBIOS_UUID_LEN] = {
	    3, 2, 1, 0, 5, 4, 7, 6, 8, 9, 10, 11, 12, 13, 14, 15};
	struct aml *a = &b->out;
	unsigned i;

	begin(b, 1, 27);
	aml_u8(a, 1); /* manufacturer */
	aml_u8(a, 2); /* product */
	aml_u8(a, 3); /* version */
	aml_u8(a, 0);
	for (i = 0; i < SMBIOS_UUID_LEN; i++)
		aml_u8(a, uuid[order[i]]);
	aml_u8(a, 6); /* woken by the power switch */
	aml_u8(a, 0);
	aml_u8(a, 0);
	end(b, "vmtui", "Virtual Machine", VMTUI_VERSION, NULL);
}

/* 7.4 */
static void
put_chassis(struct build *b)
{
	struct aml *a = &b->out;

	begin(b, 3, 21);
	aml_u8(a, 1); /* manufacturer */
	aml_u8(a, 1); /* type: other */
	aml_zeroes(a, 3);
	aml_u8(a, 3); /* boot-up, power supply, thermal: safe */
	aml_u8(a, 3);
	aml_u8(a, 3);
	aml_u8(a, 2); /* security: unknown */
	aml_zeroes(a, 8);
	end(b, "vmtui", NULL);
}

/* 7.5: one package with all processors. */
static void
put_processor(struct build *b, unsigned cpus)
{
	struct aml *a = &b->out;
	unsigned i;

	begin(b, 4, 42);
	aml_u8(a, 1); /* socket */
	aml_u8(a, 3); /* a central processor */
	aml_u8(a, 1); /* family: other */
	aml_u8(a, 2); /* manufacturer */
	aml_u64(a, 0);
	aml_u8(a, 0);
	aml_u8(a, 0);
	aml_u16(a, 0);
	aml_u16(a, 0);
	aml_u16(a, 0);
	aml_u8(a, 0x41); /* populated and enabled */
	aml_u8(a, 1); /* upgrade: other */
	for (i = 0; i < 3; i++)
		aml_u16(a, NO_HANDLE); /* caches */
	aml_zeroes(a, 3);
	aml_u8(a, (uint8_t)cpus); /* cores, of them enabled, threads */
	aml_u8(a, (uint8_t)cpus);
	aml_u8(a, (uint8_t)cpus);
	aml_u16(a, 1 << 2); /* 64 bits */
	aml_u16(a, 1);
	end(b, "CPU 0", "vmtui", NULL);
}

/* 7.17; returns its handle. */
static uint16_t
put_array(struct build *b, uint64_t size)
{
	struct aml *a = &b->out;
	uint64_t kib = size / KIB;
	uint16_t handle;

	handle = begin(b, 16, 23);
	aml_u8(a, 1); /* location: other */
	aml_u8(a, 3); /* use: system memory */
	aml_u8(a, 3); /* no error correction */
	aml_u32(a, kib < CAPACITY_EX ? (uint32_t)kib : CAPACITY_EX);
	aml_u16(a, NOT_GIVEN);
	aml_u16(a, 1); /* devices */
	aml_u64(a, kib < CAPACITY_EX ? 0 : size);
	end(b, NULL);
	return handle;
}

/* 7.18 */
static void
put_memory(struct build *b, uint16_t array, uint64_t size)
{
	struct aml *a = &b->out;
	uint64_t mib = size / MIB;

	begin(b, 17, 40);
	aml_u16(a, array);
	aml_u16(a, NOT_GIVEN);
	aml_u16(a, 0xffff); /* widths unknown */
	aml_u16(a, 0xffff);
	aml_u16(a, mib < SIZE_EX ? (uint16_t)mib : SIZE_EX);
	aml_u8(a, 9); /* DIMM */
	aml_u8(a, 0);
	aml_u8(a, 1); /* locator */
	aml_u8(a, 0);
	aml_u8(a, 7); /* RAM */
	aml_u16(a, 1 << 1);
	aml_u16(a, 0);
	aml_u8(a, 2); /* manufacturer */
	aml_zeroes(a, 4);
	aml_u32(a, mib < SIZE_EX ? 0 : (uint32_t)mib & 0x7fffffff);
	aml_zeroes(a, 8); /* speed and voltages */
	end(b, "DIMM 0", "vmtui", NULL);
}

/* 7.20 */
static void
put_range(struct build *b, uint16_t array, const struct guestmem_region *r)
{
	uint64_t last = r->gpa + r->size - 1;
	bool fits = last / KIB < 0xffffffff;
	struct aml *a = &b->out;

	begin(b, 19, 31);
	aml_u32(a, fits ? (uint32_t)(r->gpa / KIB) : 0xffffffff);
	aml_u32(a, fits ? (uint32_t)(last / KIB) : 0xffffffff);
	aml_u16(a, array);
	aml_u8(a, 1);
	aml_u64(a, fits ? 0 : r->gpa);
	aml_u64(a, fits ? 0 : last);
	end(b, NULL);
}

static void
put_rest(struct build *b)
{
	begin(b, 32, 11); /* 7.33: booted without a complaint */
	aml_zeroes(&b->out, 7);
	end(b, NULL);
	begin(b, 127, 4); /* 7.45: the end */
	end(b, NULL);
}

static void
fill_entry(uint8_t *e, const struct build *b)
{
	uint16_t largest = htole16((uint16_t)b->largest);
	uint16_t len = htole16((uint16_t)b->out.len);
	uint16_t count = htole16(b->count);

	memset(e, 0, SMBIOS_ENTRY_LEN);
	memcpy(e, "_SM_", 4);
	e[5] = SMBIOS_ENTRY_LEN;
	e[6] = VERSION_MAJOR;
	e[7] = VERSION_MINOR;
	memcpy(e + AT_LARGEST, &largest, sizeof largest);
	memcpy(e + AT_DMI, "_DMI_", 5);
	memcpy(e + AT_LENGTH, &len, sizeof len);
	memcpy(e + AT_COUNT, &count, sizeof count);
	e[AT_REVISION] = VERSION_MAJOR << 4 | VERSION_MINOR;
}

int
smbios_build(const struct guestmem *mem, unsigned cpus,
    const uint8_t uuid[SMBIOS_UUID_LEN], struct smbios *s, struct error *err)
{
	struct build b = {0};
	uint16_t array;
	unsigned i;

	put_bios(&b);
	put_system(&b, uuid);
	put_chassis(&b);
	put_processor(&b, cpus);
	array = put_array(&b, mem->size);
	put_memory(&b, array, mem->size);
	for (i = 0; i < mem->regions; i++)
		put_range(&b, array, &mem->region[i]);
	put_rest(&b);
	fill_entry(s->entry, &b);
	s->data = b.out.data;
	s->len = b.out.len;
	if (!b.out.bad)
		return 0;
	smbios_free(s);
	return error_set(err, "no memory for the SMBIOS tables");
}

void
smbios_free(struct smbios *s)
{
	free(s->data);
	s->data = NULL;
	s->len = 0;
}

/* What makes len bytes sum to zero. */
static uint8_t
checksum(const uint8_t *p, size_t len)
{
	uint8_t sum = 0;

	while (len-- > 0)
		sum = (uint8_t)(sum + *p++);
	return (uint8_t)-sum;
}

int
smbios_place(const struct smbios *s, const struct guestmem *mem, uint64_t gpa,
    uint64_t room, struct error *err)
{
	uint64_t base = gpa + SMBIOS_ENTRY_LEN + 1;
	uint32_t address = htole32((uint32_t)base);
	uint8_t *e, *tables;

	e = guestmem_at(mem, gpa, SMBIOS_ENTRY_LEN + 1);
	tables = guestmem_at(mem, base, s->len);
	if (e == NULL || tables == NULL || SMBIOS_ENTRY_LEN + 1 + s->len > room)
		return error_set(err,
		    "the guest's memory has no room for the SMBIOS tables; "
		    "give it more");
	memcpy(tables, s->data, s->len);
	memcpy(e, s->entry, SMBIOS_ENTRY_LEN);
	memcpy(e + AT_ADDRESS, &address, sizeof address);
	e[AT_DMI_CHECK] = checksum(e + AT_DMI, SMBIOS_ENTRY_LEN - AT_DMI);
	e[AT_CHECKSUM] = checksum(e, SMBIOS_ENTRY_LEN);
	return 0;
}
