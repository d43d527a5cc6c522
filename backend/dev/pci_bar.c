/*
 * pci_bar.c: base address registers: from what configuration space says to
 * ranges on the machine's buses (PCI 3.0, 6.2.5).
 */
#include "backend/dev/pci_internal.h"

uint32_t
pci_bar_type(const struct pci_fn *fn, unsigned i)
{
	return fn->ops->bar[i].kind == PCI_BAR_PIO ? 1 : 0;
}

/* Where BAR i should be mapped now; false: nowhere. Lock held. */
static bool
bar_wanted(const struct pci_fn *fn, unsigned i, uint32_t *base)
{
	const struct pci_bar *b = &fn->ops->bar[i];
	uint16_t command = pci_get16(fn, PCI_R_COMMAND);
	uint32_t v = pci_get32(fn, PCI_R_BAR0 + 4 * i) & ~(b->size - 1);

	*base = v;
	if (b->kind == PCI_BAR_PIO)
		return (command & PCI_CMD_IO) != 0 && v != 0 &&
		    v + b->size <= PCI_PIO_END;
	if (b->kind == PCI_BAR_MEM32)
		return (command & PCI_CMD_MEM) != 0 && v != 0 &&
		    v < 0u - b->size;
	return false;
}

static uint64_t
bar_read(struct pci_fn *fn, unsigned i, uint64_t offset, unsigned size)
{
	const struct io_ops *ops = fn->ops->bar[i].ops;
	uint64_t value;

	if (msix_bar_read(fn, i, offset, size, &value))
		return value;
	return ops != NULL ? ops->read(fn->arg, offset, size) : 0;
}

static void
bar_write(struct pci_fn *fn, unsigned i, uint64_t offset, unsigned size,
    uint64_t value)
{
	const struct io_ops *ops = fn->ops->bar[i].ops;

	if (!msix_bar_write(fn, i, offset, size, value) && ops != NULL)
		ops->write(fn->arg, offset, size, value);
}

/* One pair of handlers a BAR number: the bus hands us only one pointer. */
#define BAR_HANDLERS(n)                                                       \
	static uint64_t bar_read##n(void *fn, uint64_t offset, unsigned size) \
	{                                                                     \
		return bar_read(fn, n, offset, size);                         \
	}                                                                     \
	static void bar_write##n(                                             \
	    void *fn, uint64_t offset, unsigned size, uint64_t value)         \
	{                                                                     \
		bar_write(fn, n, offset, size, value);                        \
	}
BAR_HANDLERS(0)
BAR_HANDLERS(1)
BAR_HANDLERS(2)
BAR_HANDLERS(3)
BAR_HANDLERS(4)
BAR_HANDLERS(5)

static const struct io_ops bar_ops[PCI_BARS] = {
    {.read = bar_read0, .write = bar_write0},
    {.read = bar_read1, .write = bar_write1},
    {.read = bar_read2, .write = bar_write2},
    {.read = bar_read3, .write = bar_write3},
    {.read = bar_read4, .write = bar_write4},
    {.read = bar_read5, .write = bar_write5}};

static struct iobus *
bar_bus(const struct pci_fn *fn, unsigned i)
{
	struct machine *m = fn->bus->machine;

	return fn->ops->bar[i].kind == PCI_BAR_PIO ? machine_pio(m)
						   : machine_mmio(m);
}

void
pci_bar_unmap(struct pci_fn *fn, unsigned i)
{
	struct pci_bar_state *b = &fn->bar[i];

	if (!b->mapped)
		return;
	if (fn->ops->bar_moved != NULL)
		fn->ops->bar_moved(fn->arg, i, b->base, false);
	iobus_remove(bar_bus(fn, i), b->base);
	b->mapped = false;
}

static int
bar_map(struct pci_fn *fn, unsigned i, uint32_t base, struct error *err)
{
	struct pci_bar_state *b = &fn->bar[i];

	if (iobus_add(bar_bus(fn, i), fn->ops->name, base, fn->ops->bar[i].size,
		&bar_ops[i], fn, err) == -1)
		return -1;
	b->base = base;
	b->mapped = true;
	if (fn->ops->bar_moved != NULL)
		fn->ops->bar_moved(fn->arg, i, base, true);
	return 0;
}

/* A place was left: whoever was to have it gets it. Map lock held. */
static void
map_waiting(struct pci_bus *bus)
{
	struct error err;
	struct pci_fn *fn;
	uint32_t base;
	unsigned at, i;
	bool want;

	EACH_FUNCTION(bus, fn, at)
	for (i = 0; i < PCI_BARS; i++) {
		pthread_mutex_lock(&bus->lock);
		want = !fn->bar[i].mapped && bar_wanted(fn, i, &base);
		pthread_mutex_unlock(&bus->lock);
		/* That it is taken by another one was said before. */
		if (want)
			(void)bar_map(fn, i, base, &err);
	}
}

int
pci_update_bars(struct pci_fn *fn, struct error *err)
{
	struct pci_bus *bus = fn->bus;
	uint32_t base;
	unsigned i;
	bool want, left = false;
	int status = 0;

	pthread_mutex_lock(&bus->map_lock);
	for (i = 0; i < PCI_BARS; i++) {
		pthread_mutex_lock(&bus->lock);
		want = bar_wanted(fn, i, &base);
		pthread_mutex_unlock(&bus->lock);
		if (want && fn->bar[i].mapped && fn->bar[i].base == base)
			continue;
		left = left || fn->bar[i].mapped;
		pci_bar_unmap(fn, i);
		if (want && bar_map(fn, i, base, err) == -1)
			status = -1;
	}
	if (left)
		map_waiting(bus);
	pthread_mutex_unlock(&bus->map_lock);
	return status;
}

uint32_t
pci_bar_register(const struct pci_fn *fn, unsigned i, uint32_t v)
{
	if (fn->ops->bar[i].kind == PCI_BAR_NONE)
		return 0;
	return (v & ~(fn->ops->bar[i].size - 1)) | pci_bar_type(fn, i);
}
