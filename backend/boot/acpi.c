#include <endian.h>
#include <stdlib.h>
#include <string.h>

#include "backend/boot/acpi.h"
#include "backend/boot/dsdt.h"
#include "backend/dev/dev.h"

/* Chapter numbers are ACPI 6.4's. */
#define HEADER_LEN  36
#define CHECKSUM    9
#define LENGTH      4
#define FACS_LEN    64
#define REVISION_1  1
#define DSDT_64_BIT 2
#define FADT_3      3
#define MADT_3      3

#define LAPIC_ADDR  0xfee00000u
#define IOAPIC_ADDR 0xfec00000u
#define IOAPIC_ID   0

/* FADT: Fixed Feature Flags (5.2.9) and IA-PC Boot Architecture Flags */
#define FADT_WBINVD       (1u << 0)
#define FADT_PROC_C1      (1u << 2)
#define FADT_NO_SLEEP_BTN (1u << 5)
#define FADT_NO_RTC_WAKE  (1u << 6)
#define FADT_RESET_REG    (1u << 10)
#define BOOT_LEGACY       (1u << 0)
#define BOOT_8042         (1u << 1)
#define BOOT_NO_VGA       (1u << 2)
#define NO_C_STATE        0xfff /* a latency that no one accepts */

/* MADT: flags of an interrupt source override (5.2.12.5) */
#define ACTIVE_HIGH     1
#define LEVEL_TRIGGERED (3 << 2)

struct build {
	struct aml out;
	struct acpi_tables *t;
};

/* Opens a table at the next multiple of 16. */
static size_t
open_table(struct build *b, const char *signature, uint8_t revision)
{
	struct aml *a = &b->out;
	size_t start;

	while (a->len % 16 != 0)
		aml_u8(a, 0);
	start = a->len;
	aml_bytes(a, signature, 4);
	aml_u32(a, 0); /* length */
	aml_u8(a, revision);
	aml_u8(a, 0); /* checksum */
	aml_bytes(a, "VMTUI ", 6);
	aml_bytes(a, "VMTUI PC", 8);
	aml_u32(a, 1); /* OEM revision */
	aml_bytes(a, "VMTU", 4);
	aml_u32(a, 1); /* creator revision */
	return start;
}

static void
close_table(struct build *b, size_t start)
{
	uint32_t len = (uint32_t)(b->out.len - start);
	uint32_t le = htole32(len);

	if (b->out.bad)
		return;
	memcpy(b->out.data + start + LENGTH, &le, sizeof le);
	b->t->table[b->t->tables].at = (uint32_t)start;
	b->t->table[b->t->tables].len = len;
	b->t->tables++;
}

/* A pointer to what is at target in the block. */
static void
put_pointer(struct build *b, size_t target, uint32_t size)
{
	b->t->pointer[b->t->pointers].at = (uint32_t)b->out.len;
	b->t->pointer[b->t->pointers].size = size;
	b->t->pointers++;
	if (size == 8)
		aml_u64(&b->out, target);
	else
		aml_u32(&b->out, (uint32_t)target);
}

/* Generic Address Structure (5.2.3.2), a port; port 0: not there. */
static void
put_port(struct aml *a, uint16_t port, uint8_t bits)
{
	aml_u8(a, 1); /* I/O space */
	aml_u8(a, port != 0 ? bits : 0);
	aml_u8(a, 0); /* bit offset */
	aml_u8(a, 0); /* any access size */
	aml_u64(a, port);
}

/* The global lock and the waking vector (5.2.10); no checksum. */
static void
write_facs(struct build *b)
{
	struct aml *a = &b->out;

	aml_bytes(a, "FACS", 4);
	aml_u32(a, FACS_LEN);
	aml_zeroes(a, 24);
	aml_u8(a, 1); /* version */
	aml_zeroes(a, FACS_LEN - 33);
}

static size_t
write_dsdt(struct build *b, bool serial2)
{
	size_t start = open_table(b, "DSDT", DSDT_64_BIT);

	dsdt_write(&b->out, serial2);
	close_table(b, start);
	return start;
}

/* 5.2.9, up to the reset value. */
static void
write_fadt_fixed(struct build *b, size_t facs, size_t dsdt)
{
	struct aml *a = &b->out;

	put_pointer(b, facs, 4);
	put_pointer(b, dsdt, 4);
	aml_u8(a, 0);
	aml_u8(a, 0); /* profile: unspecified */
	aml_u16(a, PM_SCI_IRQ);
	aml_u32(a, PM_SMI_CMD);
	aml_u8(a, PM_ACPI_ON);
	aml_u8(a, PM_ACPI_OFF);
	aml_u8(a, 0); /* no S4BIOS */
	aml_u8(a, 0); /* no P-states */
	aml_u32(a, PM_BASE);
	aml_u32(a, 0); /* PM1b_EVT */
	aml_u32(a, PM_BASE + 4);
	aml_u32(a, 0); /* PM1b_CNT */
	aml_u32(a, 0); /* PM2_CNT */
	aml_u32(a, PM_BASE + 8);
	aml_u32(a, PM_GPE0_BASE);
	aml_u32(a, 0); /* GPE1 */
	aml_u8(a, 4); /* lengths: PM1_EVT, PM1_CNT, PM2_CNT, PM_TMR, GPE0/1 */
	aml_u8(a, 2);
	aml_u8(a, 0);
	aml_u8(a, 4);
	aml_u8(a, 4);
	aml_u8(a, 0);
	aml_u8(a, 0); /* GPE1 base */
	aml_u8(a, 0); /* no C-state control */
	aml_u16(a, NO_C_STATE);
	aml_u16(a, NO_C_STATE);
	aml_u16(a, 0); /* flush size and stride: WBINVD does it */
	aml_u16(a, 0);
	aml_u8(a, 0); /* duty offset and width: no throttling */
	aml_u8(a, 0);
	aml_u8(a, 0); /* day and month alarm, century: not in the CMOS */
	aml_u8(a, 0);
	aml_u8(a, 0);
	aml_u16(a, BOOT_LEGACY | BOOT_8042 | BOOT_NO_VGA);
	aml_u8(a, 0);
	aml_u32(a,
	    FADT_WBINVD | FADT_PROC_C1 | FADT_NO_SLEEP_BTN | FADT_NO_RTC_WAKE |
		FADT_RESET_REG);
	put_port(a, PM_RESET_REG, 8);
	aml_u8(a, PM_RESET_VAL);
	aml_zeroes(a, 3);
}

static size_t
write_fadt(struct build *b, size_t facs, size_t dsdt)
{
	struct aml *a = &b->out;
	size_t start = open_table(b, "FACP", FADT_3);

	write_fadt_fixed(b, facs, dsdt);
	aml_u64(a, 0); /* X_FIRMWARE_CTRL: the 32-bit one is used */
	put_pointer(b, dsdt, 8);
	put_port(a, PM_BASE, 32);
	put_port(a, 0, 0);
	put_port(a, PM_BASE + 4, 16);
	put_port(a, 0, 0);
	put_port(a, 0, 0);
	put_port(a, PM_BASE + 8, 32);
	put_port(a, PM_GPE0_BASE, 32);
	put_port(a, 0, 0);
	close_table(b, start);
	return start;
}

static void
put_override(struct aml *a, uint8_t irq, uint32_t gsi, uint16_t flags)
{
	aml_u8(a, 2);
	aml_u8(a, 10);
	aml_u8(a, 0); /* ISA */
	aml_u8(a, irq);
	aml_u32(a, gsi);
	aml_u16(a, flags);
}

/* 5.2.12 */
static size_t
write_madt(struct build *b, unsigned cpus)
{
	struct aml *a = &b->out;
	size_t start = open_table(b, "APIC", MADT_3);
	unsigned i;

	aml_u32(a, LAPIC_ADDR);
	aml_u32(a, 1); /* there are PICs, too */
	for (i = 0; i < cpus; i++) {
		aml_u8(a, 0); /* local APIC */
		aml_u8(a, 8);
		aml_u8(a, (uint8_t)i);
		aml_u8(a, (uint8_t)i);
		aml_u32(a, 1); /* enabled */
	}
	aml_u8(a, 1); /* IO-APIC */
	aml_u8(a, 12);
	aml_u8(a, IOAPIC_ID);
	aml_u8(a, 0);
	aml_u32(a, IOAPIC_ADDR);
	aml_u32(a, 0); /* its first GSI */
	put_override(a, PM_SCI_IRQ, PM_SCI_IRQ, ACTIVE_HIGH | LEVEL_TRIGGERED);
	put_override(a, 10, 10, ACTIVE_HIGH | LEVEL_TRIGGERED);
	put_override(a, 11, 11, ACTIVE_HIGH | LEVEL_TRIGGERED);
	aml_u8(a, 4); /* NMI on every local APIC's LINT1 */
	aml_u8(a, 6);
	aml_u8(a, 0xff);
	aml_u16(a, 0);
	aml_u8(a, 1);
	close_table(b, start);
	return start;
}

static uint32_t
write_root(struct build *b, const char *signature, uint32_t size,
    const size_t *tables, unsigned n)
{
	size_t start = open_table(b, signature, REVISION_1);
	unsigned i;

	for (i = 0; i < n; i++)
		put_pointer(b, tables[i], size);
	close_table(b, start);
	return (uint32_t)start;
}

int
acpi_build(
    unsigned cpus, bool serial2, struct acpi_tables *t, struct error *err)
{
	struct build b = {.t = t};
	size_t table[2], dsdt;

	memset(t, 0, sizeof *t);
	write_facs(&b); /* at 0: it alone has to be aligned to 64 */
	dsdt = write_dsdt(&b, serial2);
	table[0] = write_fadt(&b, 0, dsdt);
	table[1] = write_madt(&b, cpus);
	t->rsdt = write_root(&b, "RSDT", 4, table, 2);
	t->xsdt = write_root(&b, "XSDT", 8, table, 2);
	t->data = b.out.data;
	t->len = b.out.len;
	if (!b.out.bad)
		return 0;
	acpi_free(t);
	return error_set(err, "no memory for the ACPI tables");
}

void
acpi_free(struct acpi_tables *t)
{
	free(t->data);
	t->data = NULL;
	t->len = 0;
}

static uint8_t
checksum(const uint8_t *p, size_t len)
{
	uint8_t sum = 0;

	while (len-- > 0)
		sum = (uint8_t)(sum + *p++);
	return (uint8_t)-sum;
}

/* Turns offsets into addresses of a block at base. */
static void
relocate(const struct acpi_tables *t, uint8_t *block, uint64_t base)
{
	uint64_t v;
	uint8_t *p;
	unsigned i;

	for (i = 0; i < t->pointers; i++) {
		v = 0;
		memcpy(&v, block + t->pointer[i].at, t->pointer[i].size);
		v = htole64(le64toh(v) + base);
		memcpy(block + t->pointer[i].at, &v, t->pointer[i].size);
	}
	for (i = 0; i < t->tables; i++) {
		p = block + t->table[i].at;
		p[CHECKSUM] = 0;
		p[CHECKSUM] = checksum(p, t->table[i].len);
	}
}

/* 5.2.5.3 */
void
acpi_rsdp(const struct acpi_tables *t, uint64_t base, uint8_t p[ACPI_RSDP_LEN])
{
	uint32_t rsdt = htole32((uint32_t)(base + t->rsdt));
	uint32_t len = htole32(ACPI_RSDP_LEN);
	uint64_t xsdt = htole64(base + t->xsdt);

	memset(p, 0, ACPI_RSDP_LEN);
	memcpy(p, "RSD PTR ", 8);
	memcpy(p + 9, "VMTUI ", 6);
	p[15] = 2;
	memcpy(p + 16, &rsdt, sizeof rsdt);
	memcpy(p + 20, &len, sizeof len);
	memcpy(p + 24, &xsdt, sizeof xsdt);
	p[8] = checksum(p, 20);
	p[32] = checksum(p, ACPI_RSDP_LEN);
}

int
acpi_place(const struct acpi_tables *t, const struct guestmem *mem,
    uint64_t gpa, uint64_t room, struct error *err)
{
	uint64_t base = gpa + ACPI_ALIGN;
	uint8_t *rsdp, *block;

	rsdp = guestmem_at(mem, gpa, ACPI_RSDP_LEN);
	block = guestmem_at(mem, base, t->len);
	if (rsdp == NULL || block == NULL || ACPI_ALIGN + t->len > room)
		return error_set(err,
		    "the guest's memory has no room for the ACPI tables; give "
		    "it more");
	memcpy(block, t->data, t->len);
	relocate(t, block, base);
	acpi_rsdp(t, base, rsdp);
	return 0;
}
