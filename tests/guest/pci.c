/*
 * pci.c: configuration space, capabilities, base addresses.
 */
#include "cpu.h"
#include "pci.h"

#define CONFIG_ADDRESS 0xcf8
#define CONFIG_DATA    0xcfc

static uint16_t
data_port(unsigned addr, unsigned off)
{
	out32(CONFIG_ADDRESS, 0x80000000u | addr << 8 | (off & 0xfc));
	return (uint16_t)(CONFIG_DATA + (off & 3));
}

uint8_t
pci_read8(unsigned addr, unsigned off)
{
	return in8(data_port(addr, off));
}

uint16_t
pci_read16(unsigned addr, unsigned off)
{
	return in16(data_port(addr, off));
}

uint32_t
pci_read32(unsigned addr, unsigned off)
{
	return in32(data_port(addr, off));
}

void
pci_write8(unsigned addr, unsigned off, uint8_t value)
{
	out8(data_port(addr, off), value);
}

void
pci_write16(unsigned addr, unsigned off, uint16_t value)
{
	out16(data_port(addr, off), value);
}

void
pci_write32(unsigned addr, unsigned off, uint32_t value)
{
	out32(data_port(addr, off), value);
}

int
pci_next(int last)
{
	unsigned addr;

	if (last < 0)
		addr = 0;
	else if ((last & 7) == 0 &&
	    !(pci_read8((unsigned)last, PCI_HEADER) & 0x80))
		addr = (unsigned)last + 8;
	else
		addr = (unsigned)last + 1;
	while (addr < PCI_DEVICES * 8) {
		if (pci_read16(addr, PCI_VENDOR) != 0xffff)
			return (int)addr;
		addr += (addr & 7) == 0 ? 8 : 1;
	}
	return -1;
}

unsigned
pci_capability(unsigned addr, unsigned id, unsigned cap)
{
	unsigned n;

	if (!(pci_read16(addr, PCI_STATUS) & PCI_STATUS_CAPS))
		return 0;
	cap = pci_read8(addr, cap == 0 ? PCI_CAP_FIRST : cap + 1) & 0xfc;
	for (n = 0; cap >= 0x40 && n < 48; n++) {
		if (pci_read8(addr, cap) == id)
			return cap;
		cap = pci_read8(addr, cap + 1) & 0xfc;
	}
	return 0;
}

uint64_t
pci_bar(unsigned addr, unsigned bar, int *is_port)
{
	uint32_t low = pci_read32(addr, PCI_BAR0 + bar * 4);
	uint64_t base;

	*is_port = low & 1;
	if (*is_port)
		return low & 0xfffc;
	base = low & ~0xfu;
	if ((low & 6) == 4)
		base |= (uint64_t)pci_read32(addr, PCI_BAR0 + bar * 4 + 4)
		    << 32;
	return cpu_map(base) == 0 ? base : 0;
}
