#include <endian.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "backend/dev/fw_cfg.h"

#define KEY_SIGNATURE 0x00
#define KEY_ID        0x01
#define KEY_RAM_SIZE  0x03
#define KEY_NOGRAPHIC 0x04
#define KEY_CPUS      0x05
#define KEY_MAX_CPUS  0x0f
#define KEY_DIRECTORY 0x19
#define KEY_FILES     0x20
#define FILES         32 /* at most */
#define ITEMS         (FILES + 8)

#define ID_TRADITIONAL 1
#define ID_DMA         2

#define SELECTOR 0
#define DATA     1

/* A request in guest memory, all big-endian. */
struct dma {
	uint32_t control;
	uint32_t length;
	uint64_t address;
};
#define DMA_ERROR     0x01
#define DMA_READ      0x02
#define DMA_SKIP      0x04
#define DMA_SELECT    0x08
#define DMA_WRITE     0x10
#define DMA_SIGNATURE 0x51454d5520434647ULL /* "QEMU CFG" */
/*
 * More than any item has. A request of more is an error, so that a vcpu is
 * never away for long.
 */
#define DMA_MAX (16u << 20)

/* A line of the directory. */
struct file {
	uint32_t size; /* big-endian, as the next one */
	uint16_t key;
	uint16_t reserved;
	char name[FW_CFG_NAME_MAX + 1];
};

struct directory {
	uint32_t count; /* big-endian */
	struct file file[FILES];
};

struct item {
	uint16_t key;
	uint8_t *data;
	size_t len;
};

struct fw_cfg {
	struct machine *machine;
	unsigned items, files;
	struct item item[ITEMS];
	struct item *listing; /* the directory's */
	pthread_mutex_t lock; /* guards all below */
	uint16_t key; /* selected */
	uint32_t offset; /* of the next byte in it */
	uint32_t dma_high;
};

/* NULL: there is no such item; it reads as zeroes. */
static const struct item *
find(const struct fw_cfg *cfg, uint16_t key)
{
	unsigned i;

	for (i = 0; i < cfg->items; i++)
		if (cfg->item[i].key == key)
			return &cfg->item[i];
	return NULL;
}

/* Takes len bytes of the selected item; zeroes behind its end. */
static void
take(struct fw_cfg *cfg, uint8_t *to, uint32_t len)
{
	const struct item *item = find(cfg, cfg->key);
	uint32_t have = 0;

	if (item != NULL && cfg->offset < item->len) {
		have = (uint32_t)item->len - cfg->offset;
		if (have > len)
			have = len;
		memcpy(to, item->data + cfg->offset, have);
		cfg->offset += have;
	}
	memset(to + have, 0, len - have);
}

/* Moves on, to the end at most. */
static void
skip(struct fw_cfg *cfg, uint32_t len)
{
	const struct item *item = find(cfg, cfg->key);

	if (item == NULL || cfg->offset >= item->len)
		return;
	if (len > item->len - cfg->offset)
		len = (uint32_t)item->len - cfg->offset;
	cfg->offset += len;
}

static void
select_item(struct fw_cfg *cfg, uint16_t key)
{
	cfg->key = key;
	cfg->offset = 0;
}

/* What the control word says. Returns what it holds when all is done. */
static uint32_t
transfer(struct fw_cfg *cfg, uint32_t control, uint32_t len, uint64_t address)
{
	void *to;

	if ((control & DMA_SELECT) != 0)
		select_item(cfg, (uint16_t)(control >> 16));
	if ((control & DMA_READ) != 0) {
		if (len == 0)
			return 0;
		to = guestmem_at(machine_mem(cfg->machine), address, len);
		if (to == NULL || len > DMA_MAX)
			return DMA_ERROR;
		take(cfg, to, len);
	} else if ((control & DMA_WRITE) != 0) {
		return DMA_ERROR; /* nothing can be written */
	} else if ((control & DMA_SKIP) != 0) {
		skip(cfg, len);
	}
	return 0;
}

/* A request that cannot be read cannot be answered either. */
static void
dma(struct fw_cfg *cfg, uint64_t gpa)
{
	const struct guestmem *mem = machine_mem(cfg->machine);
	struct dma d;
	uint32_t done;

	if (guestmem_read(mem, gpa, &d, sizeof d) == -1)
		return;
	done = htobe32(transfer(
	    cfg, be32toh(d.control), be32toh(d.length), be64toh(d.address)));
	guestmem_write(mem, gpa, &done, sizeof done);
}

static uint64_t
port_read(void *arg, uint64_t offset, unsigned size)
{
	struct fw_cfg *cfg = arg;
	uint8_t byte;

	if (offset != DATA || size != 1)
		return ~0ULL;
	pthread_mutex_lock(&cfg->lock);
	take(cfg, &byte, 1);
	pthread_mutex_unlock(&cfg->lock);
	return byte;
}

static void
port_write(void *arg, uint64_t offset, unsigned size, uint64_t value)
{
	struct fw_cfg *cfg = arg;

	if (offset != SELECTOR || size != 2)
		return;
	pthread_mutex_lock(&cfg->lock);
	select_item(cfg, (uint16_t)value);
	pthread_mutex_unlock(&cfg->lock);
}

static uint64_t
dma_read(void *arg, uint64_t offset, unsigned size)
{
	return htobe64(DMA_SIGNATURE) >> (8 * offset);
}

static void
dma_write(void *arg, uint64_t offset, unsigned size, uint64_t value)
{
	struct fw_cfg *cfg = arg;
	uint32_t word = be32toh((uint32_t)value);
	uint64_t gpa;

	if (size != 4 || (offset != 0 && offset != 4))
		return;
	pthread_mutex_lock(&cfg->lock);
	if (offset == 0) {
		cfg->dma_high = word;
	} else {
		gpa = (uint64_t)cfg->dma_high << 32 | word;
		cfg->dma_high = 0;
		dma(cfg, gpa);
	}
	pthread_mutex_unlock(&cfg->lock);
}

static const struct io_ops port_io = {.read = port_read, .write = port_write};
static const struct io_ops dma_io = {.read = dma_read, .write = dma_write};

static struct item *
add_item(struct fw_cfg *cfg, uint16_t key, const void *data, size_t len,
    struct error *err)
{
	struct item *item = &cfg->item[cfg->items];

	item->data = calloc(1, len > 0 ? len : 1);
	if (item->data == NULL) {
		error_set(err, "no memory for the firmware's configuration");
		return NULL;
	}
	memcpy(item->data, data, len);
	item->key = key;
	item->len = len;
	cfg->items++;
	return item;
}

int
fw_cfg_add_file(struct fw_cfg *cfg, const char *name, const void *data,
    size_t len, struct error *err)
{
	uint16_t key = (uint16_t)(KEY_FILES + cfg->files);
	struct directory *dir;
	struct file *f;

	if (cfg->files == FILES || strlen(name) > FW_CFG_NAME_MAX ||
	    len > DMA_MAX)
		return error_set(err,
		    "the firmware's configuration has no room for %s", name);
	if (add_item(cfg, key, data, len, err) == NULL)
		return -1;
	dir = (struct directory *)(void *)cfg->listing->data;
	f = &dir->file[cfg->files++];
	f->size = htobe32((uint32_t)len);
	f->key = htobe16(key);
	memcpy(f->name, name, strlen(name));
	dir->count = htobe32(cfg->files);
	return 0;
}

static int
add_items(struct fw_cfg *cfg, struct error *err)
{
	static const struct directory empty;
	uint32_t id = htole32(ID_TRADITIONAL | ID_DMA);
	uint64_t ram = htole64(machine_mem(cfg->machine)->size);
	uint16_t cpus = htole16((uint16_t)machine_cpus(cfg->machine));
	uint16_t nographic = htole16(1);

	if (add_item(cfg, KEY_SIGNATURE, "QEMU", 4, err) == NULL ||
	    add_item(cfg, KEY_ID, &id, sizeof id, err) == NULL ||
	    add_item(cfg, KEY_RAM_SIZE, &ram, sizeof ram, err) == NULL ||
	    add_item(cfg, KEY_NOGRAPHIC, &nographic, 2, err) == NULL ||
	    add_item(cfg, KEY_CPUS, &cpus, sizeof cpus, err) == NULL ||
	    add_item(cfg, KEY_MAX_CPUS, &cpus, sizeof cpus, err) == NULL)
		return -1;
	cfg->listing = add_item(cfg, KEY_DIRECTORY, &empty, sizeof empty, err);
	return cfg->listing != NULL ? 0 : -1;
}

static void
fw_cfg_reset(void *dev)
{
	struct fw_cfg *cfg = dev;

	select_item(cfg, KEY_SIGNATURE);
	cfg->dma_high = 0;
}

static void
fw_cfg_save(void *dev, struct state_writer *w)
{
	struct fw_cfg *cfg = dev;

	state_put_u16(w, cfg->key);
	state_put_u32(w, cfg->offset);
	state_put_u32(w, cfg->dma_high);
}

static int
fw_cfg_load(void *dev, struct state_reader *r, struct error *err)
{
	struct fw_cfg *cfg = dev;

	/* Any value will do: each access checks them against the item. */
	cfg->key = state_get_u16(r);
	cfg->offset = state_get_u32(r);
	cfg->dma_high = state_get_u32(r);
	return 0;
}

static void
fw_cfg_destroy(void *dev)
{
	struct fw_cfg *cfg = dev;
	unsigned i;

	for (i = 0; i < cfg->items; i++)
		free(cfg->item[i].data);
	pthread_mutex_destroy(&cfg->lock);
	free(cfg);
}

static const struct device_ops fw_cfg_device = {
    .name = "fw_cfg",
    .reset = fw_cfg_reset,
    .save = fw_cfg_save,
    .load = fw_cfg_load,
    .destroy = fw_cfg_destroy,
};

int
fw_cfg_create(struct machine *m, struct fw_cfg **out, struct error *err)
{
	struct fw_cfg *cfg;

	cfg = calloc(1, sizeof *cfg);
	if (cfg == NULL)
		return error_set(err, "fw_cfg: out of memory");
	cfg->machine = m;
	pthread_mutex_init(&cfg->lock, NULL);
	if (machine_add_device(m, &fw_cfg_device, cfg, err) == -1 ||
	    add_items(cfg, err) == -1 ||
	    iobus_add(machine_pio(m), "fw_cfg", FW_CFG_PORT, 2, &port_io, cfg,
		err) == -1 ||
	    iobus_add(machine_pio(m), "fw_cfg DMA", FW_CFG_DMA_PORT, 8, &dma_io,
		cfg, err) == -1)
		return -1;
	*out = cfg;
	return 0;
}
