/*
 * regs_virtio.c: the registers of every virtio device there is, without its
 * queues: the common configuration (virtio 1.2, 4.1.4.3), ISR, doorbells and
 * the device's own configuration; the window to them in configuration space
 * (4.1.4.9).
 */
#include "cpu.h"
#include "lib.h"
#include "pci.h"
#include "regs.h"
#include "transport.h"
#include "virtio.h"

#define DEV_SELECT 0x00
#define DEV        0x04
#define DRV_SELECT 0x08
#define DRV        0x0c
#define VECTOR     0x10
#define QUEUES     0x12
#define STATUS     0x14
#define GENERATION 0x15
#define SELECT     0x16
#define SIZE       0x18
#define Q_VECTOR   0x1a
#define ENABLE     0x1c
#define NOTIFY_OFF 0x1e
#define DESC       0x20
#define AVAIL      0x28
#define USED       0x30
#define END        0x38

static const struct reg_step common[] = {
    WR(1, STATUS, 0),
    RD(1, STATUS, 0),
    /* After a reset. */
    RD(4, DEV_SELECT, 0),
    RD(4, DRV_SELECT, 0),
    RD(4, DRV, 0),
    RD(2, VECTOR, 0xffff),
    RD(2, SELECT, 0),
    RD(2, Q_VECTOR, 0xffff),
    RD(2, ENABLE, 0),
    RD(8, DESC, 0),
    RD(8, AVAIL, 0),
    RD(8, USED, 0),
    /* What is offered: indirect, event index; version 1; nothing beyond. */
    RD_BITS(4, DEV, 0x30000000, 0xf0000000),
    RD_BITS(1, DEV + 3, 0x30, 0xf8),
    WR(4, DEV_SELECT, 1),
    RD(4, DEV_SELECT, 1),
    RD_BITS(4, DEV, 1, 0xff),
    WR(4, DEV, 0xffffffff),
    RD_BITS(4, DEV, 1, 0xff),
    WR(4, DEV_SELECT, 2),
    RD(4, DEV, 0),
    WR(4, DEV_SELECT, 0xffffffff),
    RD(4, DEV_SELECT, 0xffffffff),
    RD(4, DEV, 0),
    WR(1, DEV_SELECT, 0),
    WR(2, DEV_SELECT, 0),
    WR(8, DEV_SELECT, 0),
    RD(4, DEV_SELECT, 0xffffffff),
    RD(2, DEV_SELECT + 1, 0xffff),
    /* What the driver takes, in the words that there are. */
    WR(4, DRV, 0xa5a5a5a5),
    RD(4, DRV, 0xa5a5a5a5),
    WR(1, DRV, 0),
    WR(2, DRV + 2, 0),
    WR(8, DRV, 0),
    WR(4, DRV + 1, 0),
    RD(4, DRV, 0xa5a5a5a5),
    RD(8, DRV_SELECT, 0xa5a5a5a500000000),
    WR(4, DRV_SELECT, 1),
    RD(4, DRV, 0),
    WR(4, DRV_SELECT, 2),
    WR(4, DRV, 0xffffffff),
    RD(4, DRV, 0),
    WR(4, DRV_SELECT, 0xffffffff),
    WR(4, DRV, 0xffffffff),
    RD(4, DRV, 0),
    WR(4, DRV_SELECT, 0),
    RD(4, DRV, 0xa5a5a5a5),
    WR(4, DRV, 0),
    /* Vectors: those of the table, or none. */
    WR(2, VECTOR, 0),
    RD(2, VECTOR, 0),
    WR(2, VECTOR, 0x7ff),
    RD(2, VECTOR, 0xffff),
    WR(2, VECTOR, 1),
    RD(2, VECTOR, 1),
    WR(1, VECTOR, 0),
    WR(4, VECTOR, 0),
    RD(2, VECTOR, 1),
    WR(2, VECTOR, 0xffff),
    RD(2, VECTOR, 0xffff),
    WR(1, GENERATION, 0x5a),
    WR(2, QUEUES, 0x5a5a),
    /* A queue that there is not. */
    WR(2, SELECT, 0xffff),
    RD(2, SELECT, 0xffff),
    RD(2, SIZE, 0),
    WR(2, SIZE, 8),
    WR(2, Q_VECTOR, 0),
    WR(4, DESC, 0x1000),
    WR(2, ENABLE, 1),
    RD(2, SIZE, 0),
    RD(2, ENABLE, 0),
    RD(8, DESC, 0),
    WR(1, SELECT, 0),
    WR(4, SELECT, 0),
    RD(2, SELECT, 0xffff),
    WR(2, SELECT, 0),
    /* A queue's size: a power of two up to what it was. */
    WR(2, SIZE, 8),
    RD(2, SIZE, 8),
    WR(2, SIZE, 0),
    WR(2, SIZE, 3),
    WR(2, SIZE, 0x8000),
    WR(2, SIZE, 0xffff),
    WR(1, SIZE, 4),
    WR(4, SIZE, 4),
    RD(2, SIZE, 8),
    WR(2, SIZE, 1),
    RD(2, SIZE, 1),
    WR(2, Q_VECTOR, 1),
    RD(2, Q_VECTOR, 1),
    WR(2, Q_VECTOR, 0x400),
    RD(2, Q_VECTOR, 0xffff),
    WR(2, NOTIFY_OFF, 0x55),
    RD(2, NOTIFY_OFF, 0),
    /* Addresses by halves or whole. */
    WR(4, DESC, 0x89abcdef),
    WR(4, DESC + 4, 0x01234567),
    RD(8, DESC, 0x0123456789abcdef),
    WR(8, AVAIL, 0xfedcba9876543210),
    RD(4, AVAIL + 4, 0xfedcba98),
    WR(8, USED, 0x1111222233334444),
    WR(1, USED, 0xff),
    WR(2, USED + 2, 0xffff),
    WR(4, USED + 2, 0xffffffff),
    WR(8, USED + 4, 0),
    WR(4, USED + 6, 0),
    WR(8, AVAIL + 4, 0),
    RD(8, USED, 0x1111222233334444),
    RD(8, AVAIL, 0xfedcba9876543210),
    RD(1, DESC + 7, 0x01),
    /* Only 1 enables, and only as a word. */
    WR(2, ENABLE, 0),
    WR(2, ENABLE, 2),
    WR(1, ENABLE, 1),
    WR(4, ENABLE, 1),
    RD(2, ENABLE, 0),
    /* Behind the end. */
    RD(4, END, 0),
    RD(8, END - 4, 0),
    WR(4, END, 0xffffffff),
    WR(8, 0xff8, ~0ull),
    RD(8, 0xff8, 0),
    REGS_END,
};

static const struct reg_step walks[] = {
    WR(1, STATUS, 0),
    RD(4, DESC, 0),
    RD(2, Q_VECTOR, 0xffff),
    /* Ready without its features, or with features that it needs. */
    WR(1, STATUS, 0x07),
    RD(1, STATUS, 0x03),
    WR(1, STATUS, 0x0f),
    RD(1, STATUS, 0x03),
    WR(1, STATUS, 0),
    WR(4, DRV_SELECT, 1),
    WR(4, DRV, 0xffffffff), /* what is not offered */
    WR(1, STATUS, 0x0b),
    RD(1, STATUS, 0x03),
    WR(4, DRV, 1),
    WR(1, STATUS, 0x0b),
    RD(1, STATUS, 0x0b),
    /* Agreed: nothing more is taken or given back. */
    WR(4, DRV, 0),
    RD(4, DRV, 1),
    WR(1, STATUS, 0x01),
    RD(1, STATUS, 0x0b),
    WR(1, STATUS, 0x4b),
    RD(1, STATUS, 0x0b),
    WR(2, STATUS, 0),
    WR(4, STATUS, 0),
    RD(1, STATUS, 0x0b),
    WR(1, STATUS, 0x0f),
    RD(1, STATUS, 0x0f),
    WR(4, DRV, 0),
    RD(4, DRV, 1),
    WR(1, STATUS, 0x8f),
    RD(1, STATUS, 0x8f),
    WR(1, STATUS, 0x0f),
    RD(1, STATUS, 0x8f),
    WR(1, STATUS, 0),
    RD(1, STATUS, 0),
    RD(4, DRV, 0),
    WR(1, STATUS, 0x80),
    RD(1, STATUS, 0x80),
    WR(1, STATUS, 0),
    WR(1, STATUS, 0xff),
    RD(1, STATUS, 0xb3),
    WR(1, STATUS, 0),
    /* Rings that are no memory: it asks for a reset. */
    WR(4, DRV_SELECT, 1),
    WR(4, DRV, 1),
    WR(1, STATUS, 0x0b),
    WR(2, SIZE, 4),
    WR(8, DESC, 0xd0000000),
    WR(8, AVAIL, 0xd0001000),
    WR(8, USED, 0xd0002000),
    WR(2, ENABLE, 1),
    WR(1, STATUS, 0x0f),
    RD(1, STATUS, 0x4f),
    RD(2, ENABLE, 0),
    WR(1, STATUS, 0),
    RD(1, STATUS, 0),
    REGS_END,
};

static const struct reg_step isr[] = {
    RD(1, 0, 0),
    RD(2, 0, 0),
    RD(4, 0, 0),
    RD(8, 0, 0),
    WR(1, 0, 0xff),
    WR(4, 0, 0xffffffff),
    RD(1, 0, 0),
    RD(4, 4, 0),
    RD(8, 0xff8, 0),
    REGS_END,
};

/* Nobody is ready: a kick does nothing, of which queue ever. */
static const struct reg_step doorbell[] = {
    WR(2, 0, 0),
    WR(4, 0, 0xffffffff),
    WR(8, 0, 0),
    WR(1, 1, 0),
    WR(2, 4, 1),
    WR(2, 0x80, 0),
    WR(2, 0xffe, 0),
    RD(2, 0, 0),
    RD(8, 0xff8, 0),
    REGS_END,
};

#define CAP_TYPE    3
#define CAP_BAR     4
#define CAP_OFFSET  8
#define CAP_LENGTH  12
#define CAP_DATA    16
#define TYPE_CONFIG 4
#define TYPE_WINDOW 5

/* Where the capability of this type is. */
static unsigned
virtio_cap(unsigned pci, unsigned type)
{
	unsigned cap = 0;

	while ((cap = pci_capability(pci, PCI_CAP_VENDOR, cap)) != 0)
		if (pci_read8(pci, cap + CAP_TYPE) == type)
			return cap;
	return 0;
}

/* A byte of the device's configuration that this driver may write. */
static int
may_write(unsigned type, unsigned at)
{
	if (type == VIRTIO_BALLOON)
		return (at >= 4 && at < 8) || at >= 12;
	if (type == VIRTIO_SCSI)
		return at >= 20 && at < 28;
	return 0;
}

static const struct reg_step agreed[] = {
    WR(4, DRV_SELECT, 1),
    WR(4, DRV, 1),
    WR(1, STATUS, 0x0b),
    RD(1, STATUS, 0x0b),
    REGS_END,
};

/* Ones everywhere, and beyond. */
static void
config_write(const struct virtio *v, unsigned len)
{
	unsigned at;

	for (at = 0; at + 4 <= len; at += 4)
		mmio_w32(v->config + at, 0xffffffff);
	mmio_w8(v->config + len - 1, 0xff);
	mmio_w32(v->config + len - 1, 0xffffffff);
	mmio_w32(v->config + len, 0xffffffff);
	mmio_w64(v->config + 0xff8, ~0ull);
}

static void
device_config(const struct virtio *v)
{
	unsigned cap = virtio_cap(v->pci, TYPE_CONFIG), at, len;
	uint8_t before[64];

	if (cap == 0)
		return;
	len = pci_read32(v->pci, cap + CAP_LENGTH);
	regs_check("that its length can be", len > 0 && len <= 64, 1);
	for (at = 0; at < len && at < 64; at++)
		before[at] = mmio_r8(v->config + at);
	for (at = 0; at + 4 <= len; at += 2)
		regs_check("a field read whole", mmio_r32(v->config + at),
		    get32(before + at));
	/* Nothing may be written before the features are agreed on. */
	config_write(v, len);
	for (at = 0; at < len && at < 64; at++)
		regs_check("what is not written yet", mmio_r8(v->config + at),
		    before[at]);
	regs_run("features", agreed, v->common);
	config_write(v, len);
	for (at = 0; at < len && at < 64; at++)
		if (!may_write(v->type, at))
			regs_check("what the driver cannot write",
			    mmio_r8(v->config + at), before[at]);
	regs_check("what is behind the end", mmio_r8(v->config + len), 0);
	regs_check("over the end", mmio_r32(v->config + len - 1), 0);
	regs_check("far behind it", mmio_r64(v->config + 0xff8), 0);
	for (at = 0; at < len && at < 64 && v->type == VIRTIO_SCSI; at++)
		if (may_write(v->type, at))
			regs_check("sizes that the driver wrote",
			    mmio_r8(v->config + at), 0xff);
	/* A reset brings all of it back. */
	mmio_w8(v->common + STATUS, 0);
	for (at = 0; at < len && at < 64; at++)
		regs_check("configuration after a reset",
		    mmio_r8(v->config + at), before[at]);
}

/* The type of a device with both faces at this function, or 0. */
static unsigned
type_of(unsigned pci)
{
	uint16_t device = pci_read16(pci, PCI_DEVICE);

	if (pci_read16(pci, PCI_VENDOR) != 0x1af4 || device < 0x1000 ||
	    device > 0x103f)
		return 0;
	return pci_read16(pci, PCI_SUBSYSTEM);
}

/* Calls f for each such device with the addresses of its modern face. */
static void
each_device(void (*f)(struct virtio *v))
{
	struct virtio v;
	int at = -1;

	while ((at = pci_next(at)) >= 0) {
		if (type_of((unsigned)at) == 0)
			continue;
		memset(&v, 0, sizeof(v));
		v.pci = regs_pci = (unsigned)at;
		v.type = type_of(v.pci);
		regs_check("a modern face", transport_open(&v) == NULL, 1);
		f(&v);
	}
}

static void
modern(struct virtio *v)
{
	uint16_t queues = mmio_r16(v->common + QUEUES);
	uint16_t vector;

	regs_run("common configuration", common, v->common);
	regs_check("the queues", mmio_r16(v->common + QUEUES), queues);
	/* The last queue and the first that is none; the last vector. */
	mmio_w16(v->common + SELECT, (uint16_t)(queues - 1));
	regs_check("its size", mmio_r16(v->common + SIZE) > 0, 1);
	mmio_w16(v->common + Q_VECTOR, queues);
	regs_check("its vector", mmio_r16(v->common + Q_VECTOR), queues);
	mmio_w16(v->common + Q_VECTOR, (uint16_t)(queues + 1));
	vector = mmio_r16(v->common + Q_VECTOR);
	regs_check("a vector beyond the table", vector, 0xffff);
	regs_check(
	    "its doorbell", mmio_r16(v->common + NOTIFY_OFF), queues - 1u);
	mmio_w16(v->common + SELECT, queues);
	regs_check("no queue's size", mmio_r16(v->common + SIZE), 0);
	regs_run("status", walks, v->common);
	regs_run("ISR", isr, v->isr);
	regs_run("doorbells", doorbell, v->notify);
	device_config(v);
}

void
regs_modern(void)
{
	each_device(modern);
}

/* Points the window somewhere. */
static void
look(unsigned cap, uint8_t bar, uint32_t offset, uint32_t length)
{
	pci_write8(regs_pci, cap + CAP_BAR, bar);
	pci_write32(regs_pci, cap + CAP_OFFSET, offset);
	pci_write32(regs_pci, cap + CAP_LENGTH, length);
}

static void
window(struct virtio *v)
{
	unsigned cap = virtio_cap(v->pci, TYPE_WINDOW), i;
	static const struct {
		uint8_t bar;
		uint32_t offset, length;
	} bad[] = {{4, STATUS, 0}, {4, STATUS, 3}, {4, STATUS, 8},
	    {4, STATUS + 1, 2}, {4, STATUS + 2, 4}, {4, 0x4000, 1},
	    {4, 0xfffffffc, 4}, {4, STATUS, 0xffffffff}, {1, 0, 4}, {2, 0, 4},
	    {6, 0, 4}, {255, 0, 4}, {0, 128, 1}};

	regs_check("that there is a window", cap != 0, 1);
	look(cap, 4, STATUS, 1);
	regs_check("its BAR", pci_read8(v->pci, cap + CAP_BAR), 4);
	regs_check("its offset", pci_read32(v->pci, cap + CAP_OFFSET), STATUS);
	regs_check("its length", pci_read32(v->pci, cap + CAP_LENGTH), 1);
	pci_write8(v->pci, cap + CAP_DATA, 3);
	regs_check("status written by it", mmio_r8(v->common + STATUS), 3);
	regs_check("status read", pci_read8(v->pci, cap + CAP_DATA), 3);
	look(cap, 4, DRV, 4);
	pci_write32(v->pci, cap + CAP_DATA, 0x12345678);
	regs_check("features by it", mmio_r32(v->common + DRV), 0x12345678);
	/* Not enough at once for what was asked for. */
	pci_write16(v->pci, cap + CAP_DATA, 0xffff);
	pci_write8(v->pci, cap + CAP_DATA + 1, 0xff);
	regs_check("features", mmio_r32(v->common + DRV), 0x12345678);
	regs_check(
	    "read by bytes", pci_read8(v->pci, cap + CAP_DATA + 2), 0x34);
	look(cap, 4, QUEUES, 2);
	regs_check("queues read", pci_read16(v->pci, cap + CAP_DATA),
	    mmio_r16(v->common + QUEUES));
	look(cap, 0, 18, 1); /* the legacy face's status */
	regs_check("the other face", pci_read8(v->pci, cap + CAP_DATA), 3);
	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		look(cap, bad[i].bar, bad[i].offset, bad[i].length);
		pci_write32(v->pci, cap + CAP_DATA, 0);
		regs_check("a window to nowhere",
		    pci_read32(v->pci, cap + CAP_DATA), 0);
		regs_check("status", mmio_r8(v->common + STATUS), 3);
	}
	look(cap, 4, STATUS, 1);
	pci_write32(v->pci, cap + CAP_DATA, 0);
	regs_check("a reset by it", mmio_r8(v->common + STATUS), 0);
}

void
regs_window(void)
{
	each_device(window);
}
