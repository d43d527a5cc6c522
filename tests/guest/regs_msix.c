/*
 * regs_msix.c: the MSI-X table, pending bits and control word (PCI 3.0,
 * 6.8.2), idle and with interrupts on the way; and the pin (6.2.2, 6.2.3).
 */
#include "cpu.h"
#include "irq.h"
#include "pci.h"
#include "regs.h"
#include "rng.h"
#include "transport.h"
#include "virtio.h"

#define CONTROL 2
#define ENTRY   16
#define ENABLE  0x80
#define FMASK   0x40

#define STATUS_INTX 0x0008 /* in PCI's status */

/* The second entry, which is the last one of a device with one queue. */
static const struct reg_step entry[] = {
    WR(4, 0, 0xfee00000),
    RD(4, 0, 0xfee00000),
    WR(4, 4, 0x00000000),
    WR(4, 8, 0x00004e21),
    RD(8, 0, 0x00000000fee00000),
    RD(4, 8, 0x00004e21),
    WR(8, 0, 0x12345678fee0f00c),
    RD(4, 0, 0xfee0f00c),
    RD(4, 4, 0x12345678),
    WR(8, 8, 0xffffffffcafebabe),
    RD(4, 8, 0xcafebabe),
    RD(4, 12, 0x00000001),
    WR(4, 12, 0xfffffffe),
    RD(8, 8, 0x00000000cafebabe),
    WR(4, 12, 0x00000001),
    /* Only dwords and more are written or read. */
    WR(1, 0, 0xff),
    WR(2, 0, 0xffff),
    WR(2, 2, 0xffff),
    WR(4, 2, 0xffffffff),
    WR(8, 4 - 2, 0xffffffff),
    WR(1, 12, 0),
    RD(4, 0, 0xfee0f00c),
    RD(4, 4, 0x12345678),
    RD(4, 8, 0xcafebabe),
    RD(4, 12, 0x00000001),
    RD(1, 0, 0),
    RD(2, 8, 0),
    RD(4, 2, 0),
    WR(8, 0, 0),
    WR(4, 8, 0),
    REGS_END,
};

/* Pending bits are only read; behind them the BAR is empty. */
static const struct reg_step pending[] = {
    RD(8, 0, 0),
    WR(4, 0, 0xffffffff),
    WR(8, 0, ~0ull),
    RD(4, 0, 0),
    RD(4, 4, 0),
    RD(1, 0, 0),
    RD(4, 8, 0),
    RD(4, 0x800, 0),
    WR(4, 0x800, 0xffffffff),
    RD(8, 0x7f8, 0),
    REGS_END,
};

/* The capability's own words: the sizes are not written, two bits are. */
static void
control_word(unsigned pci, unsigned cap)
{
	uint16_t before = pci_read16(pci, cap + CONTROL);
	uint32_t table = pci_read32(pci, cap + 4);
	uint32_t pba = pci_read32(pci, cap + 8);

	regs_check("that MSI-X is off", before & 0xc000, 0);
	pci_write16(pci, cap + CONTROL, 0xffff);
	regs_check("the control word", pci_read16(pci, cap + CONTROL),
	    before | 0xc000u);
	pci_write8(pci, cap + CONTROL, 0);
	pci_write8(pci, cap + CONTROL + 1, ENABLE);
	regs_check("the control word", pci_read16(pci, cap + CONTROL),
	    before | 0x8000u);
	pci_write32(pci, cap, 0);
	regs_check("the control word", pci_read16(pci, cap + CONTROL), before);
	pci_write32(pci, cap + 4, 0xffffffff);
	pci_write32(pci, cap + 8, 0xffffffff);
	regs_check("the table's place", pci_read32(pci, cap + 4), table);
	regs_check("the pending bits' place", pci_read32(pci, cap + 8), pba);
}

static void
function_mask(const struct virtio *v, uint8_t bits)
{
	unsigned cap = pci_capability(v->pci, PCI_CAP_MSIX, 0);

	pci_write8(v->pci, cap + CONTROL + 1, bits);
}

/* Asks for bytes and waits for them without an interrupt's help. */
static void
ask_quietly(struct virtio *v)
{
	static uint8_t bytes[16];
	struct virtq_piece piece = {bytes, sizeof(bytes)};
	uint64_t end = time_now() + 30000000;
	uint32_t len;

	virtq_add(&v->queue[0], &piece, 0, 1, bytes);
	virtq_kick(&v->queue[0]);
	while (!virtq_ready(&v->queue[0]) && time_now() < end)
		relax();
	regs_check("an answer", virtq_get(&v->queue[0], &len) != NULL, 1);
}

/* Waits until the bits are so. The used index comes before the interrupt. */
static void
pending_is(const char *what, uint64_t pba, uint32_t want)
{
	uint64_t end = time_now() + 30000000;

	while (mmio_r32(pba) != want && time_now() < end)
		relax();
	regs_check(what, mmio_r32(pba), want);
}

static void
interrupts_are(const char *what, struct virtio *v, uint64_t want)
{
	uint64_t end = time_now() + 30000000;

	while (v->interrupts < want && time_now() < end)
		irq_wait(end);
	regs_check(what, v->interrupts, want);
}

/* The interrupt comes a little after the answer. */
static void
pin_is(const struct virtio *v, uint16_t level)
{
	uint64_t end = time_now() + 30000000;

	while ((pci_read16(v->pci, PCI_STATUS) & STATUS_INTX) != level &&
	    time_now() < end)
		relax();
	regs_check("the pin's level",
	    pci_read16(v->pci, PCI_STATUS) & STATUS_INTX, level);
}

static void
at_work(struct virtio *v, uint64_t table, uint64_t pba)
{
	uint64_t e = table + ENTRY, came = v->interrupts;

	ask_quietly(v);
	interrupts_are("an interrupt", v, ++came);
	function_mask(v, ENABLE | FMASK);
	ask_quietly(v);
	pending_is("what waits for the function", pba, 2);
	irq_poll();
	regs_check("interrupts of a masked function", v->interrupts, came);
	function_mask(v, ENABLE);
	interrupts_are("the one that waited", v, ++came);
	pending_is("what waits then", pba, 0);
	mmio_w32(e + 12, 1);
	ask_quietly(v);
	ask_quietly(v);
	pending_is("what waits for its vector", pba, 2);
	/* Off and on again it still waits. */
	function_mask(v, 0);
	function_mask(v, ENABLE);
	pending_is("what waits after that", pba, 2);
	mmio_w32(e + 12, 0);
	interrupts_are("two that waited as one", v, ++came);
	pending_is("what waits at the end", pba, 0);
	/* To nowhere; then where it should go. */
	mmio_w64(e, 0xffffffffffffffff);
	mmio_w32(e + 8, 0xffffffff);
	ask_quietly(v);
	mmio_w64(e, 0x00000000d0000000);
	ask_quietly(v);
	mmio_w32(e, 0xfee00000 | 0xff << 12); /* to no processor */
	mmio_w32(e + 4, 0);
	mmio_w32(e + 8, 0x700); /* as an ExtINT */
	ask_quietly(v);
	irq_poll();
	mmio_w32(e + 12, 1);
	mmio_w32(e, (uint32_t)irq_msi_address());
	mmio_w32(e + 4, 0);
	mmio_w32(e + 8, irq_msi_data(v->vector));
	mmio_w32(e + 12, 0);
	came = v->interrupts;
	ask_quietly(v);
	interrupts_are("an interrupt after it was mended", v, came + 1);
}

/*
 * Takes what is left of a pin's interrupt: on a "pvm" host a level comes once
 * more, because it is ended before the handler has run (start.S).
 */
static void
settle(void)
{
	unsigned quiet;

	for (quiet = 0; quiet < 20; quiet++) {
		if (irq_poll())
			quiet = 0;
		in8(0x80); /* some time in which it may come */
	}
}

/* The pin: told off, it is remembered; the status register says so. */
static void
pin_at_work(struct virtio *v)
{
	uint16_t command = pci_read16(v->pci, PCI_COMMAND);
	uint64_t came = v->interrupts;

	ask_quietly(v);
	interrupts_are("an interrupt by the pin", v, ++came);
	settle();
	regs_check("the pin's level after it",
	    pci_read16(v->pci, PCI_STATUS) & STATUS_INTX, 0);
	pci_write16(v->pci, PCI_COMMAND, command | PCI_COMMAND_NO_INTX);
	ask_quietly(v);
	pin_is(v, STATUS_INTX);
	settle();
	regs_check("interrupts of a pin told off", v->interrupts, came);
	pci_write16(v->pci, PCI_COMMAND, command);
	interrupts_are("the pin let go", v, ++came);
	settle();
	/* What is read as the status acknowledges it, before it comes. */
	pci_write16(v->pci, PCI_COMMAND, command | PCI_COMMAND_NO_INTX);
	ask_quietly(v);
	pin_is(v, STATUS_INTX);
	regs_check("what it is about", transport_isr(v), 1);
	regs_check("what it is about then", transport_isr(v), 0);
	pin_is(v, 0);
	pci_write16(v->pci, PCI_COMMAND, command);
	settle();
	regs_check("interrupts that were read away", v->interrupts, came);
}

/* The same by the two faces' pins. */
static void
pins(void)
{
	struct virtio *v;
	int legacy;

	for (legacy = 0; legacy < 2; legacy++) {
		virtio_setup =
		    (struct virtio_setup){.irq = VIRTIO_INTX, .legacy = legacy};
		virtio_start();
		v = virtio_find(VIRTIO_RNG, 0);
		if (v != NULL && v->irq == VIRTIO_INTX)
			pin_at_work(v);
		else
			regs_check("that there is a device with a pin", 0, 1);
		virtio_stop();
	}
}

void
regs_messages(void)
{
	struct virtio_setup before = virtio_setup;
	struct virtio *v;
	uint64_t table, pba;
	unsigned cap;
	int is_port;

	virtio_setup = (struct virtio_setup){.irq = VIRTIO_MSIX};
	virtio_start();
	v = virtio_find(VIRTIO_RNG, 0);
	if (v == NULL || v->irq != VIRTIO_MSIX) {
		regs_check("that there is a device with MSI-X", 0, 1);
		return;
	}
	cap = pci_capability(v->pci, PCI_CAP_MSIX, 0);
	table = pci_bar(v->pci, pci_read32(v->pci, cap + 4) & 7, &is_port);
	pba = table + (pci_read32(v->pci, cap + 8) & ~7u);
	table += pci_read32(v->pci, cap + 4) & ~7u;
	at_work(v, table, pba);
	regs_pci = v->pci;
	virtio_stop();
	control_word(regs_pci, cap);
	regs_run("an MSI-X entry", entry, table + ENTRY);
	regs_run("pending bits", pending, pba);
	pins();
	virtio_setup = before;
}
