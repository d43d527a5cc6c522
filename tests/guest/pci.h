/*
 * pci.h: PCI bus 0 through ports 0xCF8 and 0xCFC (PCI 3.0, 3.2.2.3.2).
 */
#ifndef GUEST_PCI_H
#define GUEST_PCI_H

#include <stdint.h>

#define PCI_ADDR(dev, fn) ((dev) << 3 | (fn))
#define PCI_DEVICES       32

/* Configuration space; offsets below 0x40 are everyone's. */
#define PCI_VENDOR    0x00
#define PCI_DEVICE    0x02
#define PCI_COMMAND   0x04
#define PCI_STATUS    0x06
#define PCI_CLASS     0x0a
#define PCI_HEADER    0x0e
#define PCI_BAR0      0x10
#define PCI_SUBSYSTEM 0x2e
#define PCI_CAP_FIRST 0x34
#define PCI_IRQ_LINE  0x3c
#define PCI_IRQ_PIN   0x3d

#define PCI_COMMAND_IO      0x001
#define PCI_COMMAND_MEMORY  0x002
#define PCI_COMMAND_MASTER  0x004
#define PCI_COMMAND_NO_INTX 0x400
#define PCI_STATUS_CAPS     0x10

#define PCI_CAP_VENDOR 0x09
#define PCI_CAP_MSIX   0x11

/* addr is a PCI_ADDR; an absent device reads as all ones. */
uint8_t pci_read8(unsigned addr, unsigned off);
uint16_t pci_read16(unsigned addr, unsigned off);
uint32_t pci_read32(unsigned addr, unsigned off);
void pci_write8(unsigned addr, unsigned off, uint8_t value);
void pci_write16(unsigned addr, unsigned off, uint16_t value);
void pci_write32(unsigned addr, unsigned off, uint32_t value);

/*
 * The next function that is there after last (-1: the first one), or -1.
 * Functions 1 to 7 are looked for in multifunction devices only.
 */
int pci_next(int last);

/*
 * The next capability of this kind after the one at cap (0: the first).
 * Returns its offset, 0 if there is none.
 */
unsigned pci_capability(unsigned addr, unsigned id, unsigned cap);

/*
 * Where base address register bar (0 to 5) points, and whether that is a port.
 * Memory is mapped. Returns 0 if the register is empty or out of reach.
 */
uint64_t pci_bar(unsigned addr, unsigned bar, int *is_port);

#endif
