/*
 * pci_bridges.c: the i440FX host bridge and the PIIX3 ISA bridge: what makes
 * firmware and operating systems see the PC that they know (Intel 290549,
 * 290550). Their registers are storage, but for the PIIX3's interrupt routing,
 * which pci.c follows.
 */
#include "backend/dev/pci_internal.h"

#define PAM        0x59 /* i440FX: 7 bytes, then DRAM row boundaries */
#define SMRAM      0x72
#define PIRQ_ROUTE 0x60

/* The subsystem ids are those by which SeaBIOS knows a virtual i440FX. */
static const struct pci_fn_ops host_ops = {
    .name = "i440FX",
    .vendor = 0x8086,
    .device = 0x1237,
    .subvendor = 0x1af4,
    .subdevice = 0x1100,
    .class_code = 0x060000,
    .revision = 2,
};

static const struct pci_fn_ops isa_ops = {
    .name = "PIIX3",
    .vendor = 0x8086,
    .device = 0x7000,
    .subvendor = 0x1af4,
    .subdevice = 0x1100,
    .class_code = 0x060100,
};

int
pci_add_bridges(struct pci_bus *bus, struct error *err)
{
	static const uint8_t route[4] = {10, 10, 11, 11};
	struct pci_fn *host, *isa;
	unsigned i;

	if (pci_add_function(bus, 0, 0, &host_ops, NULL, &host, err) == -1 ||
	    pci_add_function(bus, 1, 0, &isa_ops, NULL, &isa, err) == -1)
		return -1;
	pci_writable(host, PAM, 15, 0xff);
	pci_writable(host, SMRAM, 1, 0xff);
	for (i = 0; i < 4; i++)
		isa->cfg[PIRQ_ROUTE + i] = route[i];
	pci_writable(isa, PIRQ_ROUTE, 4, 0x8f);
	/* ISA bridges decode always: their command register says so. */
	pci_set16(
	    isa, PCI_R_COMMAND, PCI_CMD_IO | PCI_CMD_MEM | PCI_CMD_MASTER);
	pci_keep_home(isa);
	return 0;
}
