/*
 * pci.c: the bus: configuration cycles, BARs, capabilities, INTx lines.
 */
#include <stdlib.h>
#include <string.h>

#include "backend/dev/pci_internal.h"

#define CONFIG_ADDRESS 0xcf8
#define CONFIG_ENABLE  0x80000000u
#define PIO_WINDOW     0xc000u
#define MEM_WINDOW     0xe0000000u
#define MEM_WINDOW_END 0xfec00000u
#define CAPS_START     0x40
#define PIRQ_ROUTE     0x60 /* in the PIIX3: four bytes, bit 7 is "off" */
#define PCI_IRQS       (1u << 10 | 1u << 11)

/* The function that CONFIG_ADDRESS selects, or NULL. Lock held. */
static struct pci_fn *
selected(struct pci_bus *bus)
{
	uint32_t a = bus->address;

	if ((a & CONFIG_ENABLE) == 0 || (a >> 16 & 0xff) != 0)
		return NULL;
	return bus->fn[a >> 11 & 0x1f][a >> 8 & 7];
}

/* Lock held. */
static void
config_store(struct pci_fn *fn, unsigned at, unsigned size, uint32_t value)
{
	unsigned i, bar;

	for (i = 0; i < size; i++) {
		fn->cfg[at + i] =
		    (uint8_t)((fn->cfg[at + i] & ~fn->wmask[at + i]) |
			((value >> (8 * i)) & fn->wmask[at + i]));
	}
	for (bar = 0; bar < PCI_BARS; bar++) {
		i = PCI_R_BAR0 + 4 * bar;
		if (at < i + 4 && at + size > i)
			pci_set32(
			    fn, i, pci_bar_register(fn, bar, pci_get32(fn, i)));
	}
	msix_update(fn);
	pci_update_irqs(fn->bus);
}

static void
config_write(struct pci_bus *bus, unsigned byte, unsigned size, uint32_t value)
{
	struct pci_fn *fn;
	struct error err;
	bool msix;
	unsigned at;

	pthread_mutex_lock(&bus->lock);
	fn = selected(bus);
	at = (bus->address & 0xfc) + byte;
	pthread_mutex_unlock(&bus->lock);
	if (fn == NULL)
		return;
	if (fn->ops->config_write != NULL &&
	    fn->ops->config_write(fn->arg, at, size, value))
		return;
	pthread_mutex_lock(&bus->lock);
	msix = pci_msix_enabled(fn);
	config_store(fn, at, size, value);
	msix = msix != pci_msix_enabled(fn);
	pthread_mutex_unlock(&bus->lock);
	if (msix && fn->ops->msix_switched != NULL)
		fn->ops->msix_switched(fn->arg);
	if (at < PCI_R_BAR0 + 4 * PCI_BARS && pci_update_bars(fn, &err) == -1)
		log_guest(&fn->bus->limit, "%s at 00:%02x.%u: %s",
		    fn->ops->name, fn->slot, fn->function, err.text);
}

static uint32_t
config_read(struct pci_bus *bus, unsigned byte, unsigned size)
{
	struct pci_fn *fn;
	uint32_t value = 0;
	unsigned at, i;

	pthread_mutex_lock(&bus->lock);
	fn = selected(bus);
	at = (bus->address & 0xfc) + byte;
	pthread_mutex_unlock(&bus->lock);
	if (fn == NULL)
		return 0xffffffffu;
	if (fn->ops->config_read != NULL &&
	    fn->ops->config_read(fn->arg, at, size, &value))
		return value;
	pthread_mutex_lock(&bus->lock);
	for (i = 0; i < size; i++)
		value |= (uint32_t)fn->cfg[at + i] << (8 * i);
	pthread_mutex_unlock(&bus->lock);
	return value;
}

/* 0xCF8: CONFIG_ADDRESS as a dword; 0xCF9 as a byte is the PIIX3's reset. */
static uint64_t
address_read(void *arg, uint64_t offset, unsigned size)
{
	struct pci_bus *bus = arg;
	uint64_t value;

	pthread_mutex_lock(&bus->lock);
	if (size == 4)
		value = bus->address;
	else
		value = size == 1 && offset == 1 ? bus->reset_ctl : ~0ULL;
	pthread_mutex_unlock(&bus->lock);
	return value;
}

static void
address_write(void *arg, uint64_t offset, unsigned size, uint64_t value)
{
	struct pci_bus *bus = arg;
	bool reset = false;

	pthread_mutex_lock(&bus->lock);
	if (size == 4) {
		bus->address = (uint32_t)value & 0x80fffffc;
	} else if (size == 1 && offset == 1) {
		/* RCPU (bit 2) going up resets; SRST (bit 1) says how hard. */
		reset = (value & 4) != 0 && (bus->reset_ctl & 4) == 0;
		bus->reset_ctl = (uint8_t)(value & 2);
	}
	pthread_mutex_unlock(&bus->lock);
	if (reset)
		machine_request(bus->machine, MACHINE_RESET, "port 0xCF9");
}

static const struct io_ops address_ops = {
    .read = address_read, .write = address_write};

static uint64_t
data_read(void *arg, uint64_t offset, unsigned size)
{
	if (size > 4 || offset + size > 4)
		return ~0ULL;
	return config_read(arg, (unsigned)offset, size);
}

static void
data_write(void *arg, uint64_t offset, unsigned size, uint64_t value)
{
	if (size <= 4 && offset + size <= 4)
		config_write(arg, (unsigned)offset, size, (uint32_t)value);
}

static const struct io_ops data_ops = {.read = data_read, .write = data_write};

void
pci_update_irqs(struct pci_bus *bus)
{
	const struct pci_fn *isa = bus->fn[1][0];
	const struct pci_fn *fn;
	uint16_t levels = 0, changed;
	unsigned slot, i;
	uint8_t route;

	for (slot = 0; slot < PCI_SLOTS; slot++) {
		for (i = 0; i < PCI_FUNCTIONS; i++) {
			fn = bus->fn[slot][i];
			if (fn == NULL || isa == NULL || !fn->intx)
				continue;
			if ((pci_get16(fn, PCI_R_COMMAND) & PCI_CMD_INTX_OFF) !=
				0 ||
			    pci_msix_enabled(fn))
				continue;
			route = isa->cfg[PIRQ_ROUTE + ((slot + 3) & 3)];
			if ((route & 0x80) == 0)
				levels |= (uint16_t)(1u << (route & 0xf));
		}
	}
	changed = levels ^ bus->irq_levels;
	bus->irq_levels = levels;
	for (i = 0; i < 16; i++)
		if ((changed & 1u << i) != 0)
			irq_set_line(bus->machine, i, (levels & 1u << i) != 0);
}

void
pci_intx_set(struct pci_fn *fn, bool level)
{
	struct pci_bus *bus = fn->bus;

	pthread_mutex_lock(&bus->lock);
	if (fn->intx != level) {
		fn->intx = level;
		pci_set16(fn, PCI_R_STATUS,
		    (uint16_t)((pci_get16(fn, PCI_R_STATUS) &
				   ~PCI_STATUS_INTX) |
			(level ? PCI_STATUS_INTX : 0)));
		pci_update_irqs(bus);
	}
	pthread_mutex_unlock(&bus->lock);
}

unsigned
pci_slot(const struct pci_fn *fn)
{
	return fn->slot;
}

void
pci_writable(struct pci_fn *fn, unsigned at, unsigned len, uint8_t bits)
{
	memset(fn->wmask + at, bits, len);
}

void
pci_keep_home(struct pci_fn *fn)
{
	memcpy(fn->home, fn->cfg, sizeof fn->home);
}

int
pci_add_capability(struct pci_fn *fn, uint8_t id, const void *body,
    unsigned len, const uint8_t *wmask)
{
	unsigned at = fn->cap_free;

	if (at + 2 + len > PCI_CFG_SIZE)
		return -1;
	fn->cfg[fn->cap_last == 0 ? PCI_R_CAP : fn->cap_last + 1] = (uint8_t)at;
	fn->cfg[PCI_R_STATUS] |= PCI_STATUS_CAPS;
	fn->cfg[at] = id;
	fn->cfg[at + 1] = 0;
	memcpy(fn->cfg + at + 2, body, len);
	if (wmask != NULL)
		memcpy(fn->wmask + at + 2, wmask, len);
	fn->cap_last = at;
	fn->cap_free = (at + 2 + len + 3) & ~3u;
	pci_keep_home(fn);
	return (int)at;
}

/* Fills in the header, and finds a place for each BAR as firmware would. */
static int
fill_header(struct pci_fn *fn, struct error *err)
{
	const struct pci_fn_ops *ops = fn->ops;
	struct pci_bus *bus = fn->bus;
	uint16_t command = 0;
	uint32_t *next, end;
	unsigned i;

	pci_set16(fn, PCI_R_VENDOR, ops->vendor);
	pci_set16(fn, PCI_R_DEVICE, ops->device);
	pci_set16(fn, PCI_R_SUBVENDOR, ops->subvendor);
	pci_set16(fn, PCI_R_SUBDEVICE, ops->subdevice);
	fn->cfg[PCI_R_REVISION] = ops->revision;
	pci_set16(fn, PCI_R_CLASS, (uint16_t)ops->class_code);
	fn->cfg[PCI_R_CLASS + 2] = (uint8_t)(ops->class_code >> 16);
	if (ops->intx) {
		static const uint8_t irq[4] = {10, 10, 11, 11};

		fn->cfg[PCI_R_INTPIN] = 1;
		fn->cfg[PCI_R_INTLINE] = irq[(fn->slot + 3) & 3];
		pci_writable(fn, PCI_R_INTLINE, 1, 0xff);
	}
	for (i = 0; i < PCI_BARS; i++) {
		if (ops->bar[i].kind == PCI_BAR_NONE)
			continue;
		next = ops->bar[i].kind == PCI_BAR_PIO ? &bus->next_pio
						       : &bus->next_mem;
		end = ops->bar[i].kind == PCI_BAR_PIO ? PCI_PIO_END
						      : MEM_WINDOW_END;
		*next =
		    (*next + ops->bar[i].size - 1) & ~(ops->bar[i].size - 1);
		if (*next + ops->bar[i].size > end)
			return error_set(err,
			    "%s: no room on the PCI bus for "
			    "so many devices; give the guest fewer",
			    ops->name);
		pci_set32(fn, PCI_R_BAR0 + 4 * i, *next | pci_bar_type(fn, i));
		pci_writable(fn, PCI_R_BAR0 + 4 * i, 4, 0xff);
		*next += ops->bar[i].size;
		command |=
		    ops->bar[i].kind == PCI_BAR_PIO ? PCI_CMD_IO : PCI_CMD_MEM;
	}
	pci_set16(fn, PCI_R_COMMAND, command);
	pci_writable(fn, PCI_R_COMMAND, 1, (uint8_t)(command | PCI_CMD_MASTER));
	pci_writable(fn, PCI_R_COMMAND + 1, 1, PCI_CMD_INTX_OFF >> 8);
	fn->cap_free = CAPS_START;
	pci_keep_home(fn);
	return 0;
}

static void
free_function(struct pci_fn *fn)
{
	unsigned i;

	for (i = 0; i < PCI_BARS; i++)
		pci_bar_unmap(fn, i);
	if (fn->ops->destroy != NULL)
		fn->ops->destroy(fn->arg);
	msix_free(fn);
	free(fn);
}

int
pci_add_function(struct pci_bus *bus, unsigned slot, unsigned function,
    const struct pci_fn_ops *ops, void *arg, struct pci_fn **out,
    struct error *err)
{
	struct pci_fn *fn;

	fn = calloc(1, sizeof *fn);
	if (fn == NULL) {
		if (ops->destroy != NULL)
			ops->destroy(arg);
		return error_set(err, "%s: out of memory", ops->name);
	}
	fn->bus = bus;
	fn->slot = slot;
	fn->function = function;
	fn->ops = ops;
	fn->arg = arg;
	if (fill_header(fn, err) == -1 || pci_update_bars(fn, err) == -1) {
		free_function(fn);
		return -1;
	}
	pthread_mutex_lock(&bus->lock);
	bus->fn[slot][function] = fn;
	if (function != 0 && bus->fn[slot][0] != NULL) {
		bus->fn[slot][0]->cfg[PCI_R_HEADER] |= 0x80;
		bus->fn[slot][0]->home[PCI_R_HEADER] |= 0x80;
	}
	pthread_mutex_unlock(&bus->lock);
	if (out != NULL)
		*out = fn;
	return 0;
}

int
pci_add(struct pci_bus *bus, int slot, const struct pci_fn_ops *ops, void *arg,
    struct pci_fn **fn, struct error *err)
{
	unsigned s = slot < 0 ? PCI_FIRST_SLOT : (unsigned)slot;

	while (slot < 0 && s < PCI_SLOTS && bus->fn[s][0] != NULL)
		s++;
	if (s >= PCI_SLOTS || bus->fn[s][0] != NULL) {
		if (ops->destroy != NULL)
			ops->destroy(arg);
		return error_set(err,
		    "%s: all %d PCI slots are taken; give "
		    "the guest fewer devices",
		    ops->name, PCI_SLOTS);
	}
	return pci_add_function(bus, s, 0, ops, arg, fn, err);
}

struct machine *
pci_bus_machine(const struct pci_bus *bus)
{
	return bus->machine;
}

/*
 * Maps every BAR where configuration space says. All leave their places first:
 * one may be given what another had. Two that a guest put in one place are as
 * they were for it: the second is nowhere.
 */
static void
map_all(struct pci_bus *bus)
{
	struct error err;
	struct pci_fn *fn;
	unsigned i, bar;

	EACH_FUNCTION(bus, fn, i)
	for (bar = 0; bar < PCI_BARS; bar++)
		pci_bar_unmap(fn, bar);
	EACH_FUNCTION(bus, fn, i)
	if (pci_update_bars(fn, &err) == -1)
		log_warn("%s: %s", fn->ops->name, err.text);
}

static void
bus_reset(void *dev)
{
	struct pci_bus *bus = dev;
	struct error err;
	struct pci_fn *fn;
	unsigned i;

	EACH_FUNCTION(bus, fn, i)
	{
		if (fn->ops->reset != NULL)
			fn->ops->reset(fn->arg);
		pthread_mutex_lock(&bus->lock);
		memcpy(fn->cfg, fn->home, sizeof fn->cfg);
		fn->intx = false;
		msix_reset(fn);
		pthread_mutex_unlock(&bus->lock);
	}
	map_all(bus);
	pthread_mutex_lock(&bus->lock);
	bus->address = 0;
	bus->reset_ctl = 0;
	pci_update_irqs(bus);
	pthread_mutex_unlock(&bus->lock);
	if (irq_set_elcr(bus->machine, PCI_IRQS, &err) == -1)
		log_warn("PCI: %s", err.text);
}

static void
bus_save(void *dev, struct state_writer *w)
{
	struct pci_bus *bus = dev;
	struct pci_fn *fn;
	unsigned i;

	state_put_u32(w, bus->address);
	state_put_u8(w, bus->reset_ctl);
	EACH_FUNCTION(bus, fn, i)
	{
		state_put_u32(
		    w, (uint32_t)fn->ops->vendor << 16 | fn->ops->device);
		state_put_bytes(w, fn->cfg, sizeof fn->cfg);
		state_put_u8(w, fn->intx);
		msix_save(fn, w);
		if (fn->ops->save != NULL)
			fn->ops->save(fn->arg, w);
	}
}

/* Takes from a saved configuration space only what a driver may write. */
static void
load_config(struct pci_fn *fn, const uint8_t *saved)
{
	unsigned i;

	for (i = 0; i < PCI_CFG_SIZE; i++)
		fn->cfg[i] = (uint8_t)((fn->home[i] & ~fn->wmask[i]) |
		    (saved[i] & fn->wmask[i]));
	for (i = 0; i < PCI_BARS; i++)
		pci_set32(fn, PCI_R_BAR0 + 4 * i,
		    pci_bar_register(fn, i, pci_get32(fn, PCI_R_BAR0 + 4 * i)));
}

static int
bus_load(void *dev, struct state_reader *r, struct error *err)
{
	struct pci_bus *bus = dev;
	uint8_t saved[PCI_CFG_SIZE];
	struct pci_fn *fn;
	unsigned i;

	bus->address = state_get_u32(r) & 0x80fffffc;
	bus->reset_ctl = state_get_u8(r) & 2;
	EACH_FUNCTION(bus, fn, i)
	{
		if (state_get_u32(r) !=
		    ((uint32_t)fn->ops->vendor << 16 | fn->ops->device))
			return error_set(err,
			    "the saved guest has another "
			    "device than %s in PCI slot %u",
			    fn->ops->name, fn->slot);
		state_get_bytes(r, saved, sizeof saved);
		pthread_mutex_lock(&bus->lock);
		load_config(fn, saved);
		fn->intx = state_get_u8(r) == 1;
		pthread_mutex_unlock(&bus->lock);
		if (msix_load(fn, r, err) == -1)
			return -1;
		if (fn->ops->load != NULL &&
		    fn->ops->load(fn->arg, r, err) == -1)
			return -1;
	}
	map_all(bus);
	pthread_mutex_lock(&bus->lock);
	pci_update_irqs(bus);
	pthread_mutex_unlock(&bus->lock);
	return 0;
}

static void
bus_destroy(void *dev)
{
	struct pci_bus *bus = dev;
	struct pci_fn *fn;
	unsigned i;

	EACH_FUNCTION(bus, fn, i)
	free_function(fn);
	pthread_mutex_destroy(&bus->map_lock);
	pthread_mutex_destroy(&bus->lock);
	free(bus);
}

static const struct device_ops bus_device_ops = {
    .name = "pci",
    .reset = bus_reset,
    .save = bus_save,
    .load = bus_load,
    .destroy = bus_destroy,
};

int
pci_bus_create(struct machine *m, struct pci_bus **out, struct error *err)
{
	struct pci_bus *bus;

	bus = calloc(1, sizeof *bus);
	if (bus == NULL)
		return error_set(err, "PCI: out of memory");
	bus->machine = m;
	bus->next_pio = PIO_WINDOW;
	bus->next_mem = MEM_WINDOW;
	pthread_mutex_init(&bus->map_lock, NULL);
	pthread_mutex_init(&bus->lock, NULL);
	if (machine_add_device(m, &bus_device_ops, bus, err) == -1)
		return -1;
	if (iobus_add(machine_pio(m), "pci", CONFIG_ADDRESS, 4, &address_ops,
		bus, err) == -1 ||
	    iobus_add(machine_pio(m), "pci", CONFIG_ADDRESS + 4, 4, &data_ops,
		bus, err) == -1 ||
	    irq_set_elcr(m, PCI_IRQS, err) == -1 ||
	    pci_add_bridges(bus, err) == -1)
		return -1;
	*out = bus;
	return 0;
}
