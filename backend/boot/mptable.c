#include <endian.h>
#include <stdlib.h>
#include <string.h>

#include "backend/boot/aml.h"
#include "backend/boot/mptable.h"
#include "backend/dev/dev.h"

#define LAPIC_ADDR    0xfee00000u
#define IOAPIC_ADDR   0xfec00000u
#define LAPIC_VERSION 0x14
#define IOAPIC        0
#define VERSION       0x11
#define SPEC_14       4

#define POINTER_LEN 16
#define LENGTH      4
#define CHECKSUM    7 /* of the header */
#define COUNT       34

#define BUS_PCI 0
#define BUS_ISA 1

/* Types of entries (chapter 4.3). */
#define PROCESSOR 0
#define BUS       1
#define IO_APIC   2
#define IO_INT    3
#define LOCAL_INT 4

#define CPU_ENABLED 1
#define CPU_BSP     2
#define CPU_FAMILY  (6u << 8) /* what any amd64 processor is, at least */
#define CPU_FPU     (1u << 0)
#define CPU_APIC    (1u << 9)

/* Types of interrupts, and how they come (tables 4-10 and 4-11). */
#define INT        0
#define NMI        1
#define EXTINT     3
#define CONFORMING 0
#define HIGH_LEVEL (1 | 3 << 2)
#define ALL_APICS  0xff

struct build {
	struct aml out;
	uint16_t count;
};

static void
put_processors(struct build *b, unsigned cpus)
{
	struct aml *a = &b->out;
	unsigned i;

	for (i = 0; i < cpus; i++) {
		aml_u8(a, PROCESSOR);
		aml_u8(a, (uint8_t)i);
		aml_u8(a, LAPIC_VERSION);
		aml_u8(a, CPU_ENABLED | (i == 0 ? CPU_BSP : 0));
		aml_u32(a, CPU_FAMILY);
		aml_u32(a, CPU_FPU | CPU_APIC);
		aml_zeroes(a, 8);
		b->count++;
	}
}

static void
put_bus(struct build *b, uint8_t id, const char *name)
{
	aml_u8(&b->out, BUS);
	aml_u8(&b->out, id);
	aml_bytes(&b->out, name, 6);
	b->count++;
}

static void
put_int(struct build *b, uint8_t entry, uint8_t type, uint16_t flags,
    uint8_t bus, unsigned irq, uint8_t apic, unsigned pin)
{
	struct aml *a = &b->out;

	aml_u8(a, entry);
	aml_u8(a, type);
	aml_u16(a, flags);
	aml_u8(a, bus);
	aml_u8(a, (uint8_t)irq);
	aml_u8(a, apic);
	aml_u8(a, (uint8_t)pin);
	b->count++;
}

/* ISA's lines are the pins of the same numbers; PCI's are as pci.h has them. */
static void
put_interrupts(struct build *b)
{
	static const uint8_t pci_irq[] = {10, 10, 11, 11};
	unsigned i, slot, pin;

	for (i = 0; i < 16; i++) {
		if (i == 2 || i == 10 || i == 11)
			continue;
		put_int(b, IO_INT, INT,
		    i == PM_SCI_IRQ ? HIGH_LEVEL : CONFORMING, BUS_ISA, i,
		    IOAPIC, i);
	}
	for (slot = 1; slot < PCI_SLOTS; slot++)
		for (pin = 0; pin < 4; pin++)
			put_int(b, IO_INT, INT, HIGH_LEVEL, BUS_PCI,
			    slot << 2 | pin, IOAPIC,
			    pci_irq[(slot - 1 + pin) & 3]);
	put_int(b, LOCAL_INT, EXTINT, CONFORMING, BUS_ISA, 0, 0, 0);
	put_int(b, LOCAL_INT, NMI, CONFORMING, BUS_ISA, 0, ALL_APICS, 1);
}

/* 4.2; length, checksum and count follow when they are known. */
static void
put_header(struct build *b)
{
	struct aml *a = &b->out;

	aml_bytes(a, "PCMP", 4);
	aml_u16(a, 0);
	aml_u8(a, SPEC_14);
	aml_u8(a, 0);
	aml_bytes(a, "VMTUI   ", 8);
	aml_bytes(a, "VIRTUAL PC  ", 12);
	aml_u32(a, 0); /* no OEM table */
	aml_u16(a, 0);
	aml_u16(a, 0);
	aml_u32(a, LAPIC_ADDR);
	aml_u32(a, 0); /* no extended table */
}

static uint8_t
checksum(const uint8_t *p, size_t len)
{
	uint8_t sum = 0;

	while (len-- > 0)
		sum = (uint8_t)(sum + *p++);
	return (uint8_t)-sum;
}

static void
finish_header(struct build *b)
{
	uint16_t len = htole16((uint16_t)b->out.len);
	uint16_t count = htole16(b->count);

	memcpy(b->out.data + LENGTH, &len, sizeof len);
	memcpy(b->out.data + COUNT, &count, sizeof count);
	b->out.data[CHECKSUM] = checksum(b->out.data, b->out.len);
}

/* 4.1: the table follows; PIC and APIC both work ("virtual wire"). */
static void
put_pointer(uint8_t *p, uint64_t gpa)
{
	uint32_t table = htole32((uint32_t)(gpa + POINTER_LEN));

	memset(p, 0, POINTER_LEN);
	memcpy(p, "_MP_", 4);
	memcpy(p + 4, &table, sizeof table);
	p[8] = POINTER_LEN / 16;
	p[9] = SPEC_14;
	p[10] = checksum(p, POINTER_LEN);
}

int
mptable_place(const struct guestmem *mem, unsigned cpus, uint64_t gpa,
    uint64_t room, struct error *err)
{
	struct build b = {0};
	struct aml *a = &b.out;
	uint8_t *p;
	int rc = -1;

	put_header(&b);
	put_processors(&b, cpus);
	put_bus(&b, BUS_PCI, "PCI   ");
	put_bus(&b, BUS_ISA, "ISA   ");
	aml_u8(a, IO_APIC);
	aml_u8(a, IOAPIC);
	aml_u8(a, VERSION);
	aml_u8(a, 1); /* enabled */
	aml_u32(a, IOAPIC_ADDR);
	b.count++;
	put_interrupts(&b);
	p = guestmem_at(mem, gpa, POINTER_LEN + a->len);
	if (a->bad) {
		error_set(err, "no memory for the MP tables");
	} else if (p == NULL || POINTER_LEN + a->len > room) {
		error_set(err,
		    "the guest's memory has no room for the MP tables; give it "
		    "more");
	} else {
		finish_header(&b);
		put_pointer(p, gpa);
		memcpy(p + POINTER_LEN, a->data, a->len);
		rc = 0;
	}
	free(a->data);
	return rc;
}
