/*
 * regs_pci.c: configuration space (PCI 3.0, 3.2.2.3.2 and 6.1), base address
 * registers wherever a driver may put them (6.2.5), and MSI-X (6.8.2).
 */
#include "console.h"
#include "cpu.h"
#include "irq.h"
#include "pci.h"
#include "regs.h"
#include "rng.h"
#include "transport.h"
#include "virtio.h"

#define CAP_CONTROL 2 /* of MSI-X */
#define CAP_TABLE   4
#define CAP_PBA     8

static const struct reg_step mechanism[] = {
    /* The address is a dword, of which some bits are always 0. */
    OUT(4, 0xcf8, 0xffffffff),
    IN(4, 0xcf8, 0x80fffffc),
    OUT(1, 0xcf8, 0x00),
    OUT(2, 0xcf8, 0x0000),
    OUT(1, 0xcfb, 0x00),
    OUT(2, 0xcfa, 0x0000),
    IN(4, 0xcf8, 0x80fffffc),
    IN(1, 0xcf8, 0xff),
    IN(2, 0xcf8, 0xffff),
    IN(2, 0xcfa, 0xffff),
    /* Nobody: other buses, a device and a function that are not there. */
    IN(4, 0xcfc, 0xffffffff),
    OUT(4, 0xcf8, 0x80010000),
    IN(4, 0xcfc, 0xffffffff),
    OUT(4, 0xcfc, 0),
    OUT(4, 0xcf8, 0x8000f800),
    IN(4, 0xcfc, 0xffffffff),
    IN(2, 0xcfc, 0xffff),
    IN(1, 0xcff, 0xff),
    OUT(1, 0xcfc, 0),
    OUT(4, 0xcf8, 0x80000700),
    IN(4, 0xcfc, 0xffffffff),
    OUT(2, 0xcfe, 0),
    OUT(4, 0xcf8, 0x00000000), /* not enabled */
    IN(4, 0xcfc, 0xffffffff),
    OUT(4, 0xcfc, 0x12345678),
    /* The host bridge at every width and offset. */
    OUT(4, 0xcf8, 0x80000000),
    IN(4, 0xcfc, 0x12378086),
    INS(4, 0xcfc, 0x12378086),
    IN(2, 0xcfc, 0x8086),
    IN(2, 0xcfd, 0x3780),
    IN(2, 0xcfe, 0x1237),
    IN(1, 0xcfc, 0x86),
    IN(1, 0xcfd, 0x80),
    IN(1, 0xcfe, 0x37),
    IN(1, 0xcff, 0x12),
    IN(2, 0xcff, 0xff12), /* over the end, where nobody is */
    IN(4, 0xcfd, 0xff123780),
    OUT(4, 0xcfc, 0),
    OUTS(2, 0xcfc, 0),
    OUT(4, 0xcfd, 0),
    IN(4, 0xcfc, 0x12378086),
    /* Memory's attributes are kept, its neighbours are not written. */
    OUT(4, 0xcf8, 0x80000058),
    IN(1, 0xcfc, 0x00),
    OUT(4, 0xcfc, 0xffffffff),
    IN(4, 0xcfc, 0xffffff00),
    OUT(4, 0xcfc, 0x00000000),
    IN(4, 0xcfc, 0x00000000),
    /* Routing of the ISA bridge: four bits and "off". */
    OUT(4, 0xcf8, 0x80000860),
    IN(4, 0xcfc, 0x0b0b0a0a),
    OUT(4, 0xcfc, 0xffffffff),
    IN(4, 0xcfc, 0x8f8f8f8f),
    OUT(4, 0xcfc, 0x0b0b0a0a),
    IN(4, 0xcfc, 0x0b0b0a0a),
    REGS_END,
};

/* What everybody's header has, of one function. */
static const struct reg_step header[] = {
    CFG_WR(4, 0x00, 0),
    CFG_WR(4, 0x08, 0),
    CFG_WR(4, 0x0c, ~0u),
    CFG_BITS(2, 0x00, 0, 0),
    CFG_WR(4, 0x28, ~0u),
    CFG(4, 0x28, 0),
    CFG_WR(4, 0x30, ~0u), /* no ROM */
    CFG(4, 0x30, 0),
    CFG_WR(4, 0x38, ~0u),
    CFG(4, 0x38, 0),
    CFG_WR(2, PCI_STATUS, 0xffff),
    CFG_WR(2, 0x3e, 0xffff),
    CFG(2, 0x3e, 0),
    /* The interrupt's line is the firmware's to keep, the pin is not. */
    CFG_WR(1, PCI_IRQ_LINE, 0x5a),
    CFG(1, PCI_IRQ_LINE, 0x5a),
    CFG_WR(1, PCI_IRQ_PIN, 4),
    CFG(1, PCI_IRQ_PIN, 1),
    REGS_END,
};

static const uint8_t fixed[] = {0x00, 0x08, 0x0c, 0x2c, 0x34};

/* A list that ends, of capabilities where none may lie over another. */
static void
capabilities(void)
{
	unsigned at, n = 0, last = 0;

	if (!(pci_read16(regs_pci, PCI_STATUS) & PCI_STATUS_CAPS))
		return;
	for (at = pci_read8(regs_pci, PCI_CAP_FIRST); at != 0 && n < 48; n++) {
		regs_check("a capability's alignment", at & 3, 0);
		regs_check("that it follows the last one", at > last, 1);
		pci_write16(regs_pci, at, 0);
		last = at;
		at = pci_read8(regs_pci, at + 1);
	}
	regs_check("that the list ends", at, 0);
}

static void
function(void)
{
	uint8_t line = pci_read8(regs_pci, PCI_IRQ_LINE);
	uint16_t command = pci_read16(regs_pci, PCI_COMMAND);
	uint32_t before[sizeof(fixed)];
	int legacy_only = pci_read32(regs_pci, PCI_BAR0 + 4) == 0;
	unsigned i;

	for (i = 0; i < sizeof(fixed); i++)
		before[i] = pci_read32(regs_pci, fixed[i]);
	regs_run("header", header, 0);
	for (i = 0; i < sizeof(fixed); i++)
		regs_check("what cannot be written",
		    pci_read32(regs_pci, fixed[i]), before[i]);
	pci_write16(regs_pci, PCI_COMMAND, 0xffff);
	regs_check("the command register", pci_read16(regs_pci, PCI_COMMAND),
	    legacy_only ? 0x405 : 0x407);
	pci_write8(regs_pci, PCI_COMMAND, 0);
	regs_check("the command register's upper byte",
	    pci_read16(regs_pci, PCI_COMMAND), 0x400);
	pci_write16(regs_pci, PCI_COMMAND, command);
	pci_write8(regs_pci, PCI_IRQ_LINE, line);
	capabilities();
}

/* Whether it is one of virtio's, or vmmci. */
static int
is_virtio(unsigned pci)
{
	uint16_t vendor = pci_read16(pci, PCI_VENDOR);

	return vendor == 0x1af4 || vendor == 0x0b5d;
}

void
regs_config(void)
{
	int at = -1;

	regs_run("0xCF8", mechanism, 0);
	while ((at = pci_next(at)) >= 0)
		if (is_virtio((unsigned)at)) {
			regs_pci = (unsigned)at;
			function();
		}
}

#define BAR(n)        (PCI_BAR0 + 4u * (n))
#define ISR           19 /* of the legacy face */
#define STATUS        18
#define COMMON_STATUS 20

static void
decode(unsigned pci, uint16_t what)
{
	pci_write16(pci, PCI_COMMAND,
	    (uint16_t)((pci_read16(pci, PCI_COMMAND) & ~3u) | what));
}

static void
bar_sizes(unsigned pci)
{
	static const uint32_t size[6] = {128, 0x1000, 0, 0, 0x4000, 0};
	uint32_t before, wanted;
	unsigned i;

	decode(pci, 0);
	for (i = 0; i < 6; i++) {
		before = pci_read32(pci, BAR(i));
		wanted = before == 0 ? 0 : (0u - size[i]) | (i == 0);
		pci_write32(pci, BAR(i), 0xffffffff);
		regs_check(
		    "the size of a BAR", pci_read32(pci, BAR(i)), wanted);
		pci_write32(pci, BAR(i), 0);
		regs_check(
		    "an empty BAR", pci_read32(pci, BAR(i)), i == 0 ? 1 : 0);
		pci_write8(pci, BAR(i) + 3, (uint8_t)(before >> 24));
		pci_write16(pci, BAR(i), (uint16_t)before);
		pci_write8(pci, BAR(i) + 2, (uint8_t)(before >> 16));
		regs_check("a BAR in pieces", pci_read32(pci, BAR(i)), before);
	}
	decode(pci, 3);
}

/* The status register there is the device's, or nobody's. */
static void
port_answers(unsigned pci, uint16_t port, int yes)
{
	out8(port + STATUS, 1);
	regs_check("a port BAR", in8(port + STATUS), yes ? 1 : 0xff);
	out8(port + STATUS, 0);
	regs_check("a port BAR, reset", in8(port + STATUS), yes ? 0 : 0xff);
}

static void
memory_answers(unsigned pci, uint32_t at, int yes)
{
	mmio_w8(at + COMMON_STATUS, 1);
	regs_check("a memory BAR", mmio_r8(at + COMMON_STATUS), yes ? 1 : 0xff);
	mmio_w8(at + COMMON_STATUS, 0);
}

/* On and off by the command register, and to other places and back. */
static void
bar_moves(unsigned pci)
{
	static const uint32_t ports[] = {0xd000, 0x1000, 0xff80, 0xd080};
	static const uint32_t memory[] = {0xd8000000, 0xf0000000, 0xdfffc000};
	uint32_t port = pci_read32(pci, BAR(0)), at = pci_read32(pci, BAR(4));
	unsigned i;

	for (i = 0; i < 4; i++) {
		decode(pci, (uint16_t)i);
		port_answers(pci, (uint16_t)(port & ~3u), i & 1);
		memory_answers(pci, at, i >> 1);
	}
	for (i = 0; i < sizeof(ports) / sizeof(ports[0]); i++) {
		pci_write32(pci, BAR(0), ports[i]);
		port_answers(pci, (uint16_t)ports[i], 1);
		port_answers(pci, (uint16_t)(port & ~3u), 0);
	}
	pci_write32(pci, BAR(0), port);
	for (i = 0; i < sizeof(memory) / sizeof(memory[0]); i++) {
		pci_write32(pci, BAR(4), memory[i]);
		memory_answers(pci, memory[i], 1);
		memory_answers(pci, at, 0);
	}
	pci_write32(pci, BAR(4), at);
	port_answers(pci, (uint16_t)(port & ~3u), 1);
	memory_answers(pci, at, 1);
}

/*
 * On top of what is there already: it stays what it was, and when the place is
 * left all is well again.
 */
static void
bar_conflicts(unsigned pci, unsigned other)
{
	static volatile uint32_t word;
	static const uint32_t ports[] = {0, 0x380, 0xc80, 0x600, 0x580, 0};
	static const uint32_t memory[] = {
	    0, 0xfec00000, 0xfee00000, 0xfffe0000, 0xffffc000, 0x000f0000};
	uint32_t port = pci_read32(pci, BAR(0)), at = pci_read32(pci, BAR(4));
	uint32_t ours = pci_read32(other, BAR(0));
	uint32_t theirs = pci_read32(other, BAR(4));
	unsigned i;

	for (i = 0; i < sizeof(ports) / sizeof(ports[0]); i++)
		pci_write32(pci, BAR(0), ports[i]);
	pci_write32(pci, BAR(0), port);
	for (i = 0; i < sizeof(memory) / sizeof(memory[0]); i++)
		pci_write32(pci, BAR(4), memory[i]);
	word = 0x600df00d;
	pci_write32(pci, BAR(4), (uint32_t)(uintptr_t)&word & ~0x3fffu);
	regs_check("memory under a BAR", word, 0x600df00d);
	word = 0x5eed5eed;
	regs_check("memory under a BAR", word, 0x5eed5eed);
	/* Two that change places, one after the other. */
	pci_write32(pci, BAR(4), theirs);
	pci_write32(pci, BAR(0), ours);
	memory_answers(other, theirs, 1);
	pci_write32(other, BAR(4), at);
	pci_write32(other, BAR(0), port);
	mmio_w8(theirs + COMMON_STATUS, 1);
	regs_check("the one", mmio_r8(theirs + COMMON_STATUS), 1);
	regs_check("the other", mmio_r8(at + COMMON_STATUS), 0);
	regs_check(
	    "the one's ports", in8((uint16_t)((ours & ~3u) + STATUS)), 1);
	regs_check("the other's", in8((uint16_t)((port & ~3u) + STATUS)), 0);
	mmio_w8(theirs + COMMON_STATUS, 0);
	pci_write32(pci, BAR(4), at);
	pci_write32(pci, BAR(0), port);
	pci_write32(other, BAR(4), theirs);
	pci_write32(other, BAR(0), ours);
	memory_answers(pci, at, 1);
	memory_answers(other, theirs, 1);
	port_answers(pci, (uint16_t)(port & ~3u), 1);
	port_answers(other, (uint16_t)(ours & ~3u), 1);
}

static int
random_comes(void)
{
	uint8_t bytes[16];

	return rng_read(bytes, sizeof(bytes)) == sizeof(bytes);
}

/* A driver that works goes on where its BAR was moved. */
static void
moved_at_work(int legacy)
{
	struct virtio_setup before = virtio_setup;
	uint32_t bar, to;
	struct virtio *v;
	unsigned n;

	virtio_setup.legacy = legacy;
	virtio_start();
	v = virtio_find(VIRTIO_RNG, 0);
	for (n = 0; v != NULL && n < 2; n++) {
		regs_check("that it works", random_comes(), 1);
		bar = pci_read32(v->pci, BAR(legacy ? 0 : 4));
		to = n > 0 ? 0 : legacy ? 0xd100 : 0xd9000000u;
		if (n > 0)
			to = legacy ? 0xd200 : 0xda000000u;
		pci_write32(v->pci, BAR(legacy ? 0 : 4), to);
		to -= bar & ~3u;
		v->queue[0].notify = (uint32_t)v->queue[0].notify + to;
		v->port = (uint16_t)(v->port + (legacy ? to : 0));
		v->common = (uint32_t)(v->common + (legacy ? 0 : to));
		v->isr = (uint32_t)(v->isr + (legacy ? 0 : to));
		regs_check("that it works elsewhere", random_comes(), 1);
	}
	virtio_stop();
	virtio_setup = before;
}

void
regs_bars(void)
{
	uint32_t bar[2];
	int at = -1, last = -1;

	while ((at = pci_next(at)) >= 0) {
		if (!is_virtio((unsigned)at))
			continue;
		bar_sizes((unsigned)at);
		if (pci_read32((unsigned)at, BAR(4)) == 0)
			continue;
		if (last < 0)
			bar_moves((unsigned)at);
		else
			bar_conflicts((unsigned)at, (unsigned)last);
		last = at;
	}
	at = -1;
	while ((at = pci_next(at)) >= 0 &&
	    pci_read16((unsigned)at, PCI_DEVICE) != 0x1005)
		continue;
	if (at < 0)
		return;
	bar[0] = pci_read32((unsigned)at, BAR(0));
	bar[1] = pci_read32((unsigned)at, BAR(4));
	moved_at_work(0);
	moved_at_work(1);
	pci_write32((unsigned)at, BAR(0), bar[0]);
	pci_write32((unsigned)at, BAR(4), bar[1]);
}
