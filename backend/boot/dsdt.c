#include "backend/boot/dsdt.h"
#include "backend/dev/dev.h"

#define PCI_PINS     4
#define PCI_CONFIG   0xcf8
#define PCI_MMIO     0xe0000000u
#define PCI_MMIO_END 0xfebfffffu
#define ELCR         0x4d0

/*
 * _PRT (6.2.13): slot and pin to interrupt, as pci.h wires them. Source 0: the
 * number is a global system interrupt.
 */
static void
write_prt(struct aml *a)
{
	static const uint8_t irq[] = {10, 10, 11, 11};
	size_t prt, entry;
	unsigned slot, pin;

	aml_name(a, "_PRT");
	prt = aml_package(a, PCI_SLOTS * PCI_PINS);
	for (slot = 0; slot < PCI_SLOTS; slot++) {
		for (pin = 0; pin < PCI_PINS; pin++) {
			entry = aml_package(a, 4);
			aml_integer(a, slot << 16 | 0xffff);
			aml_integer(a, pin);
			aml_integer(a, 0);
			aml_integer(a, irq[(slot - 1 + pin) & 3]);
			aml_close(a, entry);
		}
	}
	aml_close(a, prt);
}

static size_t
open_device(struct aml *a, const char *name, const char *id)
{
	size_t dev = aml_device(a, name);

	aml_name(a, "_HID");
	aml_eisa_id(a, id);
	return dev;
}

/* COM1 or COM2 of a PC. */
static void
write_serial(struct aml *a, unsigned n)
{
	size_t dev, crs;

	dev = open_device(a, n == 1 ? "COM1" : "COM2", "PNP0501");
	aml_name(a, "_UID");
	aml_integer(a, n);
	crs = aml_resources(a);
	aml_io(a, n == 1 ? 0x3f8 : 0x2f8, 8);
	aml_irq(a, n == 1 ? 4 : 3);
	aml_resources_close(a, crs);
	aml_close(a, dev);
}

/* What sits behind the ISA bridge, 00:01.0, and no bus can find. */
static void
write_isa(struct aml *a, bool serial2)
{
	size_t isa, dev, crs;

	isa = aml_device(a, "ISA");
	aml_name(a, "_ADR");
	aml_integer(a, 1 << 16);

	write_serial(a, 1);
	if (serial2)
		write_serial(a, 2);

	dev = open_device(a, "RTC", "PNP0B00");
	crs = aml_resources(a);
	aml_io(a, 0x70, 2);
	aml_irq(a, 8);
	aml_resources_close(a, crs);
	aml_close(a, dev);

	/* Ports that are taken, so that no BAR is put there. */
	dev = open_device(a, "MISC", "PNP0C02");
	crs = aml_resources(a);
	aml_io(a, PM_SMI_CMD, 2);
	aml_io(a, ELCR, 2);
	aml_io(a, PM_BASE, 16);
	aml_io(a, PM_GPE0_BASE, 4);
	aml_resources_close(a, crs);
	aml_close(a, dev);

	aml_close(a, isa);
}

static void
write_pci(struct aml *a, bool serial2)
{
	size_t pci, crs;

	pci = open_device(a, "PCI0", "PNP0A03");
	aml_name(a, "_UID");
	aml_integer(a, 0);
	crs = aml_resources(a);
	aml_bus_range(a, 0, 0);
	aml_io(a, PCI_CONFIG, 8);
	aml_io_range(a, 0, PCI_CONFIG - 1);
	aml_io_range(a, PCI_CONFIG + 8, 0xffff);
	aml_memory_range(a, PCI_MMIO, PCI_MMIO_END);
	aml_resources_close(a, crs);
	write_prt(a);
	write_isa(a, serial2);
	aml_close(a, pci);
}

/* \_S5 (7.4.2.6): what to write into PM1_CNT to go off. */
static void
write_s5(struct aml *a)
{
	size_t package;

	aml_name(a, "_S5");
	package = aml_package(a, 4);
	aml_integer(a, PM_S5_TYPE);
	aml_integer(a, PM_S5_TYPE);
	aml_integer(a, 0);
	aml_integer(a, 0);
	aml_close(a, package);
}

void
dsdt_write(struct aml *a, bool serial2)
{
	size_t scope = aml_scope(a, "_SB");

	write_pci(a, serial2);
	aml_close(a, scope);
	write_s5(a);
}
