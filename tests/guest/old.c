/*
 * old.c: see old.h. Virtio PCI card specification 0.9.5, 2.2 and 2.3.
 */
#include "acpi.h"
#include "console.h"
#include "cpu.h"
#include "irq.h"
#include "lib.h"
#include "old.h"
#include "pci.h"

#define FEATURES    0
#define DRIVER      4
#define ADDRESS     8
#define SIZE        12
#define SELECT      14
#define NOTIFY      16
#define STATUS      18
#define ISR         19
#define MSIX_CONFIG 20
#define MSIX_QUEUE  22
#define CONFIG      20
#define CONFIG_MSIX 24

#define ACKNOWLEDGE 1
#define DRIVER_BIT  2
#define DRIVER_OK   4

#define ISR_QUEUE  1
#define ISR_CONFIG 2

#define DESC_NEXT  1
#define DESC_WRITE 2
#define DESC_SIZE  16u
#define NO_NOTIFY  1

#define PAGE     4096u
#define PATIENCE 30000000u

struct old old_devices[OLD_MAX];
unsigned old_count;

static void
looked_at(struct old *d, uint8_t isr)
{
	if (isr & ISR_QUEUE)
		d->interrupts++;
	if (isr & ISR_CONFIG)
		d->changes++;
}

/* The pin is shared: who interrupted says so, once. */
static void
on_pin(unsigned vector)
{
	unsigned i;

	for (i = 0; i < old_count; i++)
		if (!old_devices[i].msix)
			looked_at(&old_devices[i],
			    in8((uint16_t)(old_devices[i].port + ISR)));
}

static void
on_message(unsigned vector)
{
	unsigned i;

	for (i = 0; i < old_count; i++)
		if (old_devices[i].msix && old_devices[i].vector == vector)
			looked_at(&old_devices[i], ISR_QUEUE);
}

/* All entries of the table to one vector. Returns -1: it has none. */
static int
messages(struct old *d)
{
	unsigned cap = pci_capability(d->pci, PCI_CAP_MSIX, 0), i, n;
	uint32_t where;
	uint64_t entry;
	int is_port;

	if (cap == 0)
		return -1;
	where = pci_read32(d->pci, cap + 4);
	entry = pci_bar(d->pci, where & 7, &is_port) + (where & ~7u);
	n = (pci_read16(d->pci, cap + 2) & 0x7ffu) + 1;
	pci_write16(d->pci, cap + 2, 0x8000);
	for (i = 0; i < n; i++, entry += 16) {
		mmio_w32(entry, (uint32_t)irq_msi_address());
		mmio_w32(entry + 4, 0);
		mmio_w32(entry + 8, irq_msi_data(d->vector));
		mmio_w32(entry + 12, 0);
	}
	irq_handler(d->vector, on_message);
	return 0;
}

static int
pin(struct old *d)
{
	unsigned line = pci_read8(d->pci, PCI_IRQ_LINE);
	int level = 1, low = 1;

	d->gsi = acpi_isa_irq(line, &level, &low);
	irq_handler(IRQ_INTX, on_pin);
	return irq_route(d->gsi, IRQ_INTX, level, low);
}

/* Where the parts of a ring begin. */
static volatile uint16_t *
available(const struct old_queue *q)
{
	return (volatile uint16_t *)(q->ring + DESC_SIZE * q->size);
}

static volatile uint16_t *
used(const struct old_queue *q)
{
	size_t end = DESC_SIZE * q->size + 2 * (2 + q->size);

	return (
	    volatile uint16_t *)(q->ring + ((end + PAGE - 1) & ~(PAGE - 1)));
}

static const char *
queue_make(struct old *d, unsigned index)
{
	struct old_queue *q = &d->queue[index];
	unsigned i;

	out16(d->port + SELECT, (uint16_t)index);
	q->size = in16(d->port + SIZE);
	if (q->size == 0 || (q->size & (q->size - 1)) != 0)
		return "a queue's size";
	if (in32(d->port + ADDRESS) != 0)
		return "a queue that has an address after a reset";
	q->ring = arena_take(
	    DESC_SIZE * q->size + 4 + 2 * q->size + PAGE + 4 + 8 * q->size);
	q->free = arena_take(q->size * sizeof(*q->free));
	if (q->ring == NULL || q->free == NULL)
		return "memory for a queue";
	for (i = 0; i < q->size; i++)
		q->free[i] = (uint16_t)(q->size - 1 - i);
	q->frees = q->size;
	q->seen = 0;
	out32(d->port + ADDRESS, (uint32_t)((uintptr_t)q->ring / PAGE));
	if (!d->msix)
		return NULL;
	out16(d->port + MSIX_QUEUE, (uint16_t)(index + 1));
	return in16(d->port + MSIX_QUEUE) == index + 1 ? NULL
						       : "a queue's vector";
}

static const char *
begin(struct old *d, int msix, uint32_t wanted, unsigned queues)
{
	const char *why;
	unsigned i;
	int is_port;

	if (pci_read8(d->pci, 0x08) != 0)
		return "a revision that is not 0";
	pci_write16(d->pci, PCI_COMMAND,
	    PCI_COMMAND_IO | PCI_COMMAND_MEMORY | PCI_COMMAND_MASTER);
	d->port = (uint16_t)pci_bar(d->pci, 0, &is_port);
	if (d->port == 0 || !is_port)
		return "no ports in BAR 0";
	out8(d->port + STATUS, 0);
	d->msix = msix && messages(d) == 0;
	if (!d->msix && pin(d) != 0)
		return "no interrupt";
	d->config = (uint16_t)(d->port + (d->msix ? CONFIG_MSIX : CONFIG));
	out8(d->port + STATUS, ACKNOWLEDGE);
	out8(d->port + STATUS, ACKNOWLEDGE | DRIVER_BIT);
	d->offered = in32(d->port + FEATURES);
	d->features = d->offered & wanted;
	out32(d->port + DRIVER, d->features);
	if (d->msix) {
		out16(d->port + MSIX_CONFIG, 0);
		if (in16(d->port + MSIX_CONFIG) != 0)
			return "the configuration's vector";
	}
	for (i = 0; i < queues; i++)
		if ((why = queue_make(d, i)) != NULL)
			return why;
	d->memory = arena_take(OLD_MEMORY);
	if (d->memory == NULL)
		return "memory";
	out8(d->port + STATUS, ACKNOWLEDGE | DRIVER_BIT | DRIVER_OK);
	if (in8(d->port + STATUS) != (ACKNOWLEDGE | DRIVER_BIT | DRIVER_OK))
		return "the status";
	return NULL;
}

static unsigned
type_of(unsigned pci)
{
	uint16_t vendor = pci_read16(pci, PCI_VENDOR);
	uint16_t device = pci_read16(pci, PCI_DEVICE);

	if ((vendor == 0x1af4 && device >= 0x1000 && device <= 0x103f) ||
	    (vendor == 0x0b5d && device == 0x0777))
		return pci_read16(pci, PCI_SUBSYSTEM);
	return 0;
}

int
old_begin(int msix, uint32_t (*wanted)(unsigned), unsigned (*queues)(unsigned))
{
	const char *why;
	struct old *d;
	int at = -1;

	while ((at = pci_next(at)) >= 0 && old_count < OLD_MAX) {
		if (type_of((unsigned)at) == 0)
			continue;
		d = &old_devices[old_count];
		memset(d, 0, sizeof(*d));
		d->pci = (unsigned)at;
		d->type = type_of(d->pci);
		d->vector = IRQ_MSI + old_count % (IRQ_MSI_LAST - IRQ_MSI + 1);
		old_count++;
		why = begin(d, msix, wanted(d->type), queues(d->type));
		if (why == NULL)
			continue;
		print("device %u of type %u: %s\n", d->pci >> 3, d->type, why);
		return -1;
	}
	return 0;
}

int
old_is_kept(const struct old *d)
{
	unsigned i;

	if (in8(d->port + STATUS) != (ACKNOWLEDGE | DRIVER_BIT | DRIVER_OK) ||
	    in32(d->port + DRIVER) != d->features)
		return 0;
	for (i = 0; i < OLD_QUEUES && d->queue[i].ring != NULL; i++) {
		out16(d->port + SELECT, (uint16_t)i);
		if (in32(d->port + ADDRESS) !=
			(uintptr_t)d->queue[i].ring / PAGE ||
		    (d->msix && in16(d->port + MSIX_QUEUE) != i + 1))
			return 0;
	}
	return 1;
}

void
old_end(void)
{
	unsigned i, cap;

	for (i = 0; i < old_count; i++) {
		out8(old_devices[i].port + STATUS, 0);
		cap = pci_capability(old_devices[i].pci, PCI_CAP_MSIX, 0);
		if (old_devices[i].msix)
			pci_write16(old_devices[i].pci, cap + 2, 0);
		else
			irq_mask(old_devices[i].gsi);
	}
	old_count = 0;
	arena_release();
}

struct old *
old_find(unsigned type, unsigned n)
{
	unsigned i;

	for (i = 0; i < old_count; i++)
		if (old_devices[i].type == type && n-- == 0)
			return &old_devices[i];
	return NULL;
}

static void
describe(struct old_queue *q, unsigned i, const struct old_piece *p, int next)
{
	uint8_t *d = q->ring + DESC_SIZE * i;
	uint64_t at = (uintptr_t)p->data;
	uint16_t flags = (uint16_t)((p->write ? DESC_WRITE : 0) |
	    (next >= 0 ? DESC_NEXT : 0));
	uint16_t to = next >= 0 ? (uint16_t)next : 0;

	memcpy(d, &at, 8);
	memcpy(d + 8, &p->len, 4);
	memcpy(d + 12, &flags, 2);
	memcpy(d + 14, &to, 2);
}

int
old_queue(
    struct old *d, unsigned queue, const struct old_piece *pieces, unsigned n)
{
	struct old_queue *q = &d->queue[queue];
	volatile uint16_t *avail = available(q);
	int at = -1;
	unsigned i;

	if (q->frees < n)
		return -1;
	/* From the last one on, which no other follows. */
	for (i = n; i-- > 0;) {
		describe(q, q->free[q->frees - 1], &pieces[i], at);
		at = q->free[--q->frees];
	}
	avail[2 + avail[1] % q->size] = (uint16_t)at;
	__asm__ volatile("mfence" : : : "memory");
	avail[1]++;
	__asm__ volatile("mfence" : : : "memory");
	if (!(used(q)[0] & NO_NOTIFY)) {
		q->kicks++;
		out16(d->port + NOTIFY, (uint16_t)queue);
	}
	return at;
}

/* Gives a chain's descriptors back. */
static void
release(struct old_queue *q, uint16_t at)
{
	uint8_t *d;

	for (;;) {
		d = q->ring + DESC_SIZE * at;
		if (q->frees < q->size)
			q->free[q->frees++] = at;
		if (!(get16(d + 12) & DESC_NEXT))
			return;
		at = get16(d + 14);
	}
}

int
old_take(struct old *d, unsigned queue, uint32_t *len)
{
	struct old_queue *q = &d->queue[queue];
	volatile uint16_t *u = used(q), *entry;
	uint16_t head;

	if (u[1] == q->seen)
		return -1;
	__asm__ volatile("mfence" : : : "memory");
	entry = u + 2 + q->seen % q->size * 4;
	head = entry[0];
	*len = entry[2] | (uint32_t)entry[3] << 16;
	q->seen++;
	if (head >= q->size || entry[1] != 0) {
		print("a head that is none: %x\n", head);
		return -1;
	}
	release(q, head);
	return head;
}

int
old_do(
    struct old *d, unsigned queue, const struct old_piece *pieces, unsigned n)
{
	uint64_t end = time_now() + PATIENCE, before = d->interrupts;
	int head = old_queue(d, queue, pieces, n), done;
	uint32_t len = 0;

	if (head < 0) {
		print("a full queue\n");
		return -1;
	}
	while ((done = old_take(d, queue, &len)) < 0)
		if (!irq_wait(end)) {
			print("no answer in 30 s\n");
			return -1;
		}
	if (done != head) {
		print("an answer to %d, not to %d\n", done, head);
		return -1;
	}
	/* Its interrupt may come a little later than its answer. */
	while (d->interrupts == before && irq_wait(end))
		continue;
	if (d->interrupts == before) {
		print("no interrupt in 30 s\n");
		return -1;
	}
	return (int)len;
}

uint32_t
old_config(const struct old *d, unsigned at, unsigned size)
{
	uint32_t value = 0;

	while (size-- > 0)
		value = value << 8 | in8((uint16_t)(d->config + at + size));
	return value;
}

uint32_t
old_config32(const struct old *d, unsigned at)
{
	return in32((uint16_t)(d->config + at));
}

void
old_config_set32(const struct old *d, unsigned at, uint32_t value)
{
	out32((uint16_t)(d->config + at), value);
}

void
old_config_set(const struct old *d, unsigned at, unsigned size, uint32_t value)
{
	for (; size > 0; size--, at++, value >>= 8)
		out8((uint16_t)(d->config + at), (uint8_t)value);
}
