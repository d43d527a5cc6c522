/*
 * acpi.c: tables, the power button, power-off and reset.
 */
#include "acpi.h"
#include "boot.h"
#include "console.h"
#include "cpu.h"
#include "irq.h"
#include "lib.h"
#include "pci.h"

/* Fields by their offsets; ACPI 6.5, 5.2.5 to 5.2.12. */
#define RSDP_REVISION    15
#define RSDP_RSDT        16
#define RSDP_XSDT        24
#define TABLE_LENGTH     4
#define TABLE_HEADER     36
#define FADT_DSDT        40
#define FADT_SCI         46
#define FADT_SMI         48
#define FADT_ENABLE      52
#define FADT_PM1A_EVENT  56
#define FADT_PM1A_CTRL   64
#define FADT_PM1_EVT_LEN 88
#define FADT_FLAGS       112
#define FADT_RESET       116
#define FADT_RESET_VALUE 128
#define FADT_X_DSDT      140
#define FLAG_RESET       (1u << 10)
#define MADT_ENTRIES     44

#define PM1_SCI_EN 1u
#define PM1_SLP_EN (1u << 13)
#define PM1_PWRBTN (1u << 8)

#define GAS_MEMORY 0
#define GAS_PORT   1
#define GAS_PCI    2

struct acpi acpi = {.s5 = -1, .reset_space = -1};

static int
checksum_good(const uint8_t *p, unsigned n)
{
	uint8_t sum = 0;

	while (n-- > 0)
		sum += *p++;
	return sum == 0;
}

static uint64_t
rsdp_scan(uint64_t from, uint64_t to)
{
	for (; from < to; from += 16)
		if (memcmp((const void *)from, "RSD PTR ", 8) == 0 &&
		    checksum_good((const uint8_t *)from, 20))
			return from;
	return 0;
}

/* A table that lies below 4 GiB, as all that we are given do. */
static const uint8_t *
table_at(uint64_t addr)
{
	uint32_t len;

	if (addr == 0 || addr >= 0xfff00000)
		return NULL;
	len = get32((const uint8_t *)addr + TABLE_LENGTH);
	if (len < TABLE_HEADER || len > 0x100000)
		return NULL;
	return (const uint8_t *)addr;
}

/*
 * \_S5_ is Name(_S5_, Package(){SLP_TYPa, SLP_TYPb, ...}): the name, then
 * PackageOp, its length, the number of elements, and the first of them, a
 * ByteConst or the constants zero or one (ACPI 6.5, 20.2.5.4).
 */
static int
s5_find(const uint8_t *dsdt)
{
	const uint8_t *p = dsdt + TABLE_HEADER;
	const uint8_t *end = dsdt + get32(dsdt + TABLE_LENGTH);

	for (; p + 8 <= end; p++) {
		if (memcmp(p, "_S5_", 4) != 0 || p[4] != 0x12)
			continue;
		p += 5 + 1 + (p[5] >> 6) + 1;
		if (p + 2 > end)
			break;
		return *p == 0x0a ? p[1] & 7 : *p & 7;
	}
	return -1;
}

static void
fadt_read(const uint8_t *t)
{
	uint32_t len = get32(t + TABLE_LENGTH);
	const uint8_t *dsdt;

	acpi.fadt = (uintptr_t)t;
	acpi.dsdt = get32(t + FADT_DSDT);
	if (acpi.dsdt == 0 && len >= FADT_X_DSDT + 8)
		acpi.dsdt = get64(t + FADT_X_DSDT);
	acpi.sci = get16(t + FADT_SCI);
	acpi.smi_command = (uint16_t)get32(t + FADT_SMI);
	acpi.smi_enable = t[FADT_ENABLE];
	acpi.pm1a_event = (uint16_t)get32(t + FADT_PM1A_EVENT);
	acpi.pm1a_control = (uint16_t)get32(t + FADT_PM1A_CTRL);
	acpi.pm1_event_len = t[FADT_PM1_EVT_LEN];
	if (len > FADT_RESET_VALUE && (get32(t + FADT_FLAGS) & FLAG_RESET)) {
		acpi.reset_space = t[FADT_RESET];
		acpi.reset_addr = get64(t + FADT_RESET + 4);
		acpi.reset_value = t[FADT_RESET_VALUE];
	}
	dsdt = table_at(acpi.dsdt);
	if (dsdt != NULL)
		acpi.s5 = s5_find(dsdt);
}

/* The next entry of the MADT after e, the first for NULL; NULL at its end. */
static const uint8_t *
madt_next(const uint8_t *e)
{
	const uint8_t *t = (const uint8_t *)acpi.madt, *end;

	if (t == NULL)
		return NULL;
	end = t + get32(t + TABLE_LENGTH);
	e = e == NULL ? t + MADT_ENTRIES : e + e[1];
	return e + 2 <= end && e[1] >= 2 && e + e[1] <= end ? e : NULL;
}

void
acpi_init(void)
{
	const uint8_t *root, *t, *e = NULL;
	uint32_t i, n, size;

	acpi.rsdp = boot.rsdp;
	if (acpi.rsdp == 0)
		acpi.rsdp = rsdp_scan(0xe0000, 0x100000);
	if (acpi.rsdp == 0)
		return;
	t = (const uint8_t *)acpi.rsdp;
	size = t[RSDP_REVISION] >= 2 && get64(t + RSDP_XSDT) != 0 ? 8 : 4;
	root =
	    table_at(size == 8 ? get64(t + RSDP_XSDT) : get32(t + RSDP_RSDT));
	if (root == NULL)
		return;
	n = (get32(root + TABLE_LENGTH) - TABLE_HEADER) / size;
	for (i = 0; i < n; i++) {
		t = root + TABLE_HEADER + i * size;
		t = table_at(size == 8 ? get64(t) : get32(t));
		if (t == NULL)
			continue;
		if (memcmp(t, "FACP", 4) == 0)
			fadt_read(t);
		else if (memcmp(t, "APIC", 4) == 0)
			acpi.madt = (uintptr_t)t;
	}
	while ((e = madt_next(e)) != NULL)
		if ((e[0] == 0 && (e[4] & 1)) || (e[0] == 9 && (e[8] & 1)))
			acpi.cpus++;
}

uint64_t
acpi_ioapic(unsigned *base)
{
	const uint8_t *e = NULL;

	while ((e = madt_next(e)) != NULL) {
		if (e[0] != 1)
			continue;
		*base = get32(e + 8);
		return get32(e + 4);
	}
	*base = 0;
	return 0xfec00000;
}

/* MADT, interrupt source override: ACPI 6.5, 5.2.12.5. */
unsigned
acpi_isa_irq(unsigned irq, int *level, int *active_low)
{
	const uint8_t *e = NULL;
	uint16_t flags;

	while ((e = madt_next(e)) != NULL) {
		if (e[0] != 2 || e[3] != irq)
			continue;
		flags = get16(e + 8);
		if ((flags & 3) != 0)
			*active_low = (flags & 3) == 3;
		if ((flags >> 2 & 3) != 0)
			*level = (flags >> 2 & 3) == 3;
		return get32(e + 4);
	}
	return irq;
}

static uint16_t
pm1_enable_port(void)
{
	return (uint16_t)(acpi.pm1a_event + acpi.pm1_event_len / 2);
}

/* The system control interrupt: we have asked for the power button only. */
static void
sci_handler(unsigned vector)
{
	const char *why;

	if (!(in16(acpi.pm1a_event) & PM1_PWRBTN))
		return;
	out16(acpi.pm1a_event, PM1_PWRBTN);
	print("\npower button: switching off\n");
	why = acpi_poweroff();
	print("power-off failed: %s\n", why);
}

void
acpi_listen(void)
{
	int level = 1, low = 1;
	unsigned gsi, tries;

	if (acpi.pm1a_event == 0 || acpi.pm1a_control == 0)
		return;
	if (acpi.smi_command != 0 && !(in16(acpi.pm1a_control) & PM1_SCI_EN)) {
		out8(acpi.smi_command, acpi.smi_enable);
		for (tries = 0; tries < 1000; tries++)
			if (in16(acpi.pm1a_control) & PM1_SCI_EN)
				break;
	}
	gsi = acpi_isa_irq(acpi.sci, &level, &low);
	irq_handler(IRQ_SCI, sci_handler);
	irq_route(gsi, IRQ_SCI, level, low);
	out16(acpi.pm1a_event, PM1_PWRBTN);
	out16(pm1_enable_port(), PM1_PWRBTN);
}

const char *
acpi_poweroff(void)
{
	uint16_t value;
	uint64_t until;

	if (acpi.pm1a_control == 0)
		return "no ACPI power management registers in this machine";
	if (acpi.s5 < 0)
		return "the DSDT has no \\_S5_";
	console_flush();
	value = (uint16_t)(in16(acpi.pm1a_control) & PM1_SCI_EN);
	value |= (uint16_t)(acpi.s5 << 10);
	out16(acpi.pm1a_control, value);
	out16(acpi.pm1a_control, value | PM1_SLP_EN);
	for (until = time_now() + 1000000; time_now() < until;)
		relax();
	return "the machine still runs a second after SLP_EN";
}

const char *
acpi_reset(void)
{
	uint64_t until;

	switch (acpi.reset_space) {
	case -1:
		return "the FADT names no reset register";
	case GAS_PORT:
		out8((uint16_t)acpi.reset_addr, acpi.reset_value);
		break;
	case GAS_MEMORY:
		if (cpu_map(acpi.reset_addr) != 0)
			return "the reset register's address is out of reach";
		mmio_w8(acpi.reset_addr, acpi.reset_value);
		break;
	case GAS_PCI:
		pci_write8(PCI_ADDR((unsigned)(acpi.reset_addr >> 32) & 31,
			       (unsigned)(acpi.reset_addr >> 16) & 7),
		    acpi.reset_addr & 0xff, acpi.reset_value);
		break;
	default:
		return "the reset register is in an unknown space";
	}
	for (until = time_now() + 1000000; time_now() < until;)
		relax();
	return "the machine still runs a second after the reset";
}
