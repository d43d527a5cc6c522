/*
 * regs_legacy.c: the header of virtio 0.9.5 in the ports of BAR 0, of every
 * device and of vmmci, with MSI-X and without.
 */
#include "cpu.h"
#include "lib.h"
#include "pci.h"
#include "regs.h"

#define FEATURES 0
#define DRIVER   4
#define PFN      8
#define SIZE     12
#define SELECT   14
#define NOTIFY   16
#define STATUS   18
#define ISR      19
#define CONFIG   20
#define VECTORS  20
#define SHIFTED  24
#define BAR_SIZE 128
#define COMPARED 40 /* bytes of configuration */

static const struct reg_step registers[] = {
    OUT(1, STATUS, 0),
    IN(1, STATUS, 0),
    IN(4, DRIVER, 0),
    IN(2, SELECT, 0),
    IN(1, ISR, 0),
    /* What is offered is not written. */
    OUT(4, FEATURES, 0),
    OUT(1, ISR, 0xff),
    IN(1, ISR, 0),
    OUT(2, DRIVER, 0xffff),
    OUT(1, DRIVER, 0xff),
    IN(4, DRIVER, 0),
    /* A queue that there is not. */
    OUT(2, SELECT, 0xffff),
    IN(2, SELECT, 0xffff),
    IN(2, SIZE, 0),
    IN(4, PFN, 0),
    OUT(4, PFN, 0x1000),
    IN(4, PFN, 0),
    OUT(1, SELECT, 0),
    OUT(4, SELECT, 0),
    IN(2, SELECT, 0xffff),
    OUT(2, SELECT, 0),
    /* Kicks of queues that are not ready, or none. */
    OUT(2, NOTIFY, 0),
    OUT(2, NOTIFY, 0xffff),
    OUT(4, NOTIFY, 0xffff0000),
    OUT(1, NOTIFY, 0),
    OUTS(2, NOTIFY, 0),
    IN(2, NOTIFY, 0),
    /* Status needs no features agreed, and a reset takes all of it back. */
    OUT(1, STATUS, 1),
    IN(1, STATUS, 1),
    OUT(1, STATUS, 3),
    OUT(1, STATUS, 7),
    IN(1, STATUS, 7),
    OUT(1, STATUS, 1),
    IN(1, STATUS, 7),
    OUT(2, STATUS, 0),
    OUT(4, STATUS, 0),
    IN(1, STATUS, 7),
    IN(2, STATUS, 0x0007),
    OUT(1, STATUS, 0x87),
    IN(1, STATUS, 0x87),
    OUT(1, STATUS, 0),
    IN(1, STATUS, 0),
    INS(1, STATUS, 0),
    OUT(1, STATUS, 0x0b), /* that of another version */
    IN(1, STATUS, 0x03),
    OUT(1, STATUS, 0),
    REGS_END,
};

/* Queue 0's memory; its size is not written. */
static const struct reg_step queue[] = {
    OUT(2, SELECT, 0),
    OUT(2, SIZE, 2),
    IN_BITS(2, SIZE, 0, 0x7f),
    OUT(1, PFN, 0x10),
    OUT(2, PFN, 0x10),
    IN(4, PFN, 0),
    OUT(4, PFN, 0xd0000), /* where no memory is */
    IN(4, PFN, 0xd0000),
    IN(1, STATUS, 0x40),
    OUT(4, PFN, 0),
    IN(4, PFN, 0),
    OUT(1, STATUS, 0),
    OUT(4, PFN, 0xffffffff),
    IN(4, PFN, 0xffffffff),
    IN(1, STATUS, 0x40),
    OUT(2, NOTIFY, 0),
    OUT(1, STATUS, 0),
    IN(1, STATUS, 0),
    IN(4, PFN, 0),
    REGS_END,
};

static const struct reg_step vectors[] = {
    IN(2, VECTORS, 0xffff),
    IN(2, VECTORS + 2, 0xffff),
    IN(4, VECTORS, 0xffffffff),
    OUT(2, VECTORS, 0),
    IN(2, VECTORS, 0),
    OUT(2, VECTORS, 1),
    IN(2, VECTORS, 1),
    OUT(2, VECTORS, 0x7ff),
    IN(2, VECTORS, 0xffff),
    OUT(1, VECTORS, 0),
    OUT(4, VECTORS, 0),
    IN(4, VECTORS, 0xffffffff),
    OUT(2, VECTORS + 2, 1),
    IN(2, VECTORS + 2, 1),
    OUT(2, SELECT, 0xffff),
    IN(2, VECTORS + 2, 0xffff),
    OUT(2, VECTORS + 2, 0),
    IN(2, VECTORS + 2, 0xffff),
    OUT(2, SELECT, 0),
    IN(2, VECTORS + 2, 1),
    OUT(1, STATUS, 0),
    IN(2, VECTORS + 2, 0xffff),
    REGS_END,
};

/* Features: those of the lower half that a legacy driver may know. */
static void
features(uint16_t port)
{
	uint32_t offered = in32((uint16_t)(port + FEATURES));

	out32((uint16_t)(port + DRIVER), 0xffffffff);
	regs_check(
	    "features of all ones", in32((uint16_t)(port + DRIVER)), offered);
	out32((uint16_t)(port + DRIVER), offered & 0x0f0f0f0f);
	regs_check(
	    "features", in32((uint16_t)(port + DRIVER)), offered & 0x0f0f0f0f);
	out8((uint16_t)(port + STATUS), 7);
	out32((uint16_t)(port + DRIVER), 0);
	regs_check("features of a driver at work",
	    in32((uint16_t)(port + DRIVER)), offered & 0x0f0f0f0f);
	out8((uint16_t)(port + STATUS), 0);
	regs_check(
	    "features offered", in32((uint16_t)(port + FEATURES)), offered);
}

/*
 * The device's configuration moves when MSI-X is turned on. A clock in it goes
 * on meanwhile, so vmmci's is left out: it has no MSI-X.
 */
static void
shift(unsigned pci, unsigned cap, uint16_t port)
{
	uint8_t bytes[COMPARED];
	unsigned i;

	for (i = 0; i < COMPARED; i++)
		bytes[i] = in8((uint16_t)(port + CONFIG + i));
	pci_write8(pci, cap + 3, 0x80);
	for (i = 0; i < COMPARED; i++)
		regs_check("configuration behind the vectors",
		    in8((uint16_t)(port + SHIFTED + i)), bytes[i]);
	regs_run("vectors", vectors, port);
	pci_write8(pci, cap + 3, 0);
	for (i = 0; i < COMPARED; i++)
		regs_check("configuration in its place again",
		    in8((uint16_t)(port + CONFIG + i)), bytes[i]);
}

/*
 * The device's configuration at every width, a field by bytes too. Some of it
 * is the driver's to write; a reset brings all of it back.
 */
static void
configuration(unsigned pci, uint16_t port)
{
	/* vmmci's clock goes on. */
	unsigned len = pci_read16(pci, PCI_VENDOR) == 0x1af4 ? COMPARED : 4, i;
	uint8_t bytes[COMPARED + 4] = {0};
	uint16_t at = (uint16_t)(port + CONFIG);

	for (i = 0; i < len; i++)
		bytes[i] = in8((uint16_t)(at + i));
	for (i = 0; i + 4 <= len; i++) {
		regs_check(
		    "two bytes", in16((uint16_t)(at + i)), get16(bytes + i));
		regs_check(
		    "four bytes", in32((uint16_t)(at + i)), get32(bytes + i));
	}
	for (i = 0; i < len; i++)
		out8((uint16_t)(at + i), 0xff);
	for (i = 0; i < len; i += 2)
		out16((uint16_t)(at + i), 0xffff);
	for (i = 1; i < len; i += 4)
		out32((uint16_t)(at + i), 0xffffffff);
	port_outs(at, 4, bytes);
	out8((uint16_t)(port + STATUS), 0);
	for (i = 0; i < len; i++)
		regs_check("configuration after a reset",
		    in8((uint16_t)(at + i)), bytes[i]);
}

/* The end of the BAR: nothing there, and beyond it nobody. */
static void
end(uint16_t port)
{
	uint32_t at = port + BAR_SIZE;

	out32((uint16_t)(at - 4), 0xffffffff);
	regs_check("the end", in32((uint16_t)(at - 4)), 0);
	out16((uint16_t)(at - 1), 0xffff);
}

void
regs_legacy(void)
{
	unsigned cap, queues;
	int at = -1, is_port;
	uint16_t port, vendor;

	while ((at = pci_next(at)) >= 0) {
		regs_pci = (unsigned)at;
		vendor = pci_read16(regs_pci, PCI_VENDOR);
		if (vendor != 0x1af4 && vendor != 0x0b5d)
			continue;
		port = (uint16_t)pci_bar(regs_pci, 0, &is_port);
		regs_check("a port BAR", is_port, 1);
		regs_run("legacy registers", registers, port);
		features(port);
		out16((uint16_t)(port + SELECT), 0);
		queues = in16((uint16_t)(port + SIZE));
		if (queues > 0)
			regs_run("a legacy queue", queue, port);
		cap = pci_capability(regs_pci, PCI_CAP_MSIX, 0);
		if (cap != 0)
			shift(regs_pci, cap, port);
		configuration(regs_pci, port);
		end(port);
	}
}
