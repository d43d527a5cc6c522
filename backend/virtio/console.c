/*
 * console.c: a console with a size (virtio 1.2, 5.3), one port: hvc0 in Linux.
 *
 *	receiveq (0)  what is typed, into the driver's buffers
 *	transmitq (1) what the guest prints
 *
 * What a serial line cannot do: the driver reads rows and columns from the
 * configuration and hears of their changes. Runs on the main loop. Output that
 * the host does not take yet stays in its buffer, so the guest waits and no
 * byte is lost; what waits there when the driver takes the queue away (a reset,
 * as at every reboot) is kept in held[] and goes out before anything newer.
 */
#include <endian.h>
#include <stdlib.h>
#include <string.h>

#include "backend/virtio/device.h"

#define RECEIVEQ  0
#define TRANSMITQ 1
#define F_SIZE    (1ULL << 0)
#define BATCH     64 /* requests before others have their turn */
#define MOST      256 /* the same for typing, a byte each at worst */
/* Of queues taken away: as much as all buffers of a page each. */
#define HELD_MAX (VIRTIO_QUEUE_SIZE * 4096u)

/* struct virtio_console_config (5.3.4) */
#define CONFIG_COLS  0
#define CONFIG_ROWS  2
#define CONFIG_PORTS 4
#define CONFIG_LEN   12

struct vconsole {
	struct virtio_dev dev;
	const struct virtio_console_ops *ops;
	void *arg;
	bool refused; /* input was offered that found no buffer */
	uint8_t *held; /* output of a queue that is no more */
	size_t held_len;
};

/* Returns whether the size is another one now. */
static bool
set_size(struct vconsole *c, uint16_t rows, uint16_t cols)
{
	uint16_t r = htole16(rows), k = htole16(cols);
	uint8_t *config = c->dev.config;

	if (memcmp(config + CONFIG_COLS, &k, sizeof k) == 0 &&
	    memcmp(config + CONFIG_ROWS, &r, sizeof r) == 0)
		return false;
	memcpy(config + CONFIG_COLS, &k, sizeof k);
	memcpy(config + CONFIG_ROWS, &r, sizeof r);
	return true;
}

/*
 * Gives the host one request, from where it stopped the last time. Returns
 * false if it did not take all of it.
 */
static bool
print(struct vconsole *c, struct virtq *q, const struct virtq_chain *chain)
{
	uint64_t skip = q->done;
	size_t len, n;
	unsigned i;

	for (i = 0; i < chain->outs; i++) {
		len = chain->iov[i].iov_len;
		if (skip >= len) {
			skip -= len;
			continue;
		}
		n = c->ops->output((uint8_t *)chain->iov[i].iov_base + skip,
		    len - skip, c->arg);
		virtio_count(&c->dev.figures.out_bytes, n);
		q->done += n;
		if (n < len - skip)
			return false;
		skip = 0;
	}
	q->done = 0;
	return true;
}

/* Returns whether the host took all that was held. */
static bool
print_held(struct vconsole *c)
{
	size_t n;

	if (c->held_len == 0)
		return true;
	n = c->ops->output(c->held, c->held_len, c->arg);
	virtio_count(&c->dev.figures.out_bytes, n);
	c->held_len -= n;
	memmove(c->held, c->held + n, c->held_len);
	if (c->held_len > 0)
		return false;
	free(c->held);
	c->held = NULL;
	return true;
}

/* Keeps a request, from where it stopped the last time. */
static void
hold(struct vconsole *c, const struct virtq_chain *chain, uint64_t skip)
{
	size_t len;
	unsigned i;

	if (c->held == NULL && (c->held = malloc(HELD_MAX)) == NULL)
		return;
	for (i = 0; i < chain->outs; i++) {
		len = chain->iov[i].iov_len;
		if (skip >= len) {
			skip -= len;
			continue;
		}
		len -= (size_t)skip;
		if (len > HELD_MAX - c->held_len)
			len = HELD_MAX - c->held_len;
		memcpy(c->held + c->held_len,
		    (uint8_t *)chain->iov[i].iov_base + skip, len);
		c->held_len += len;
		skip = 0;
	}
}

/* The queue goes away, or is saved: what waits in it does so here. */
static void
console_drain(struct virtio_dev *dev)
{
	struct vconsole *c = (struct vconsole *)dev;
	struct virtq *q = &dev->queue[TRANSMITQ].vq;
	struct virtq_chain chain = {.iov = q->iov, .room = q->max};
	unsigned n = q->size;

	if (!virtio_usable(dev, TRANSMITQ))
		return;
	for (; n > 0 && virtq_pop(q, &chain); n--) {
		hold(c, &chain, q->done);
		q->done = 0;
		virtq_push(q, chain.head, 0);
		virtio_count(&dev->figures.out_ops, 1);
	}
	virtio_publish(dev, TRANSMITQ);
	print_held(c);
}

static void
transmit(struct virtio_dev *dev)
{
	struct vconsole *c = (struct vconsole *)dev;
	struct virtq *q = &dev->queue[TRANSMITQ].vq;
	struct virtq_chain chain = {.iov = q->iov, .room = q->max};
	unsigned batch = 0;

	virtq_disable_kick(q);
	if (!print_held(c))
		return;
	do {
		while (batch < BATCH && virtq_pop(q, &chain)) {
			if (!print(c, q, &chain)) {
				/* virtio_console_kick() goes on here. */
				virtq_unpop(q, &chain);
				goto out;
			}
			virtq_push(q, chain.head, 0);
			virtio_count(&dev->figures.out_ops, 1);
			batch++;
		}
		if (batch == BATCH) {
			virtio_kick(dev, TRANSMITQ);
			break;
		}
	} while (virtq_enable_kick(q));
out:
	virtio_publish(dev, TRANSMITQ);
}

static void
console_notify(struct virtio_dev *dev, unsigned queue)
{
	struct vconsole *c = (struct vconsole *)dev;

	if (queue == TRANSMITQ) {
		transmit(dev);
		return;
	}
	/* New buffers matter only to one who waits for them. */
	virtq_disable_kick(&dev->queue[RECEIVEQ].vq);
	if (c->refused) {
		c->refused = false;
		c->ops->input_ready(c->arg);
	}
}

static void
console_reset(struct virtio_dev *dev)
{
	struct vconsole *c = (struct vconsole *)dev;

	/* The size stays: it is the host's. */
	if (c->refused) {
		c->refused = false;
		c->ops->input_ready(c->arg);
	}
}

/* The guest goes on with the size that it knows, until the host has another. */
static void
console_save(struct virtio_dev *dev, struct state_writer *w)
{
	struct vconsole *c = (struct vconsole *)dev;

	state_put_bytes(w, dev->config + CONFIG_COLS, CONFIG_PORTS);
	state_put_u32(w, (uint32_t)c->held_len);
	state_put_bytes(w, c->held, c->held_len);
}

static int
console_load(struct virtio_dev *dev, struct state_reader *r)
{
	struct vconsole *c = (struct vconsole *)dev;
	uint8_t size[CONFIG_PORTS];
	uint32_t len;

	state_get_bytes(r, size, sizeof size);
	len = state_get_u32(r);
	if (r->bad || len > HELD_MAX || len > r->end - r->pos)
		return -1;
	free(c->held);
	c->held = NULL;
	c->held_len = 0;
	if (len > 0 && (c->held = malloc(HELD_MAX)) == NULL)
		return -1;
	if (len > 0)
		state_get_bytes(r, c->held, len);
	c->held_len = len;
	memcpy(dev->config + CONFIG_COLS, size, sizeof size);
	/* There may be no queue whose kick would see to it. */
	print_held(c);
	return 0;
}

static void
console_destroy(struct virtio_dev *dev)
{
	free(((struct vconsole *)dev)->held);
}

size_t
virtio_console_input(struct virtio_dev *dev, const uint8_t *data, size_t len)
{
	struct vconsole *c = (struct vconsole *)dev;
	struct virtq *q = &dev->queue[RECEIVEQ].vq;
	struct virtq_chain chain = {.iov = q->iov, .room = q->max};
	size_t done = 0, n;
	unsigned batch = 0;

	virtio_begin(dev);
	if (machine_frozen(dev->machine) && dev->started && q->ready &&
	    q->broken == NULL) {
		/* The kick of virtio_thaw() asks for it again. */
		c->refused = true;
		virtio_end(dev);
		return 0;
	}
	if (!virtio_usable(dev, RECEIVEQ)) {
		/* No driver, or not yet: nobody to type to. */
		virtio_end(dev);
		return len;
	}
	while (done < len && batch < MOST) {
		if (!virtq_pop(q, &chain)) {
			if (virtq_enable_kick(q))
				continue;
			break;
		}
		batch++;
		n = virtq_copy_in(chain.iov + chain.outs, chain.ins, 0,
		    data + done, len - done);
		virtq_push(q, chain.head, (uint32_t)n);
		done += n;
		virtio_count(&dev->figures.in_bytes, n);
	}
	if (q->broken != NULL)
		done = len; /* as without a driver, until it is reset */
	c->refused = done < len;
	if (c->refused && batch == MOST)
		virtio_kick(dev, RECEIVEQ);
	virtio_publish(dev, RECEIVEQ);
	virtio_end(dev);
	return done;
}

void
virtio_console_kick(struct virtio_dev *dev)
{
	virtio_begin(dev);
	if (virtio_usable(dev, TRANSMITQ))
		transmit(dev);
	else
		print_held((struct vconsole *)dev);
	virtio_end(dev);
}

void
virtio_console_resize(struct virtio_dev *dev, uint16_t rows, uint16_t cols)
{
	struct vconsole *c = (struct vconsole *)dev;

	virtio_begin(dev);
	if (set_size(c, rows, cols))
		virtio_config_changed(dev);
	virtio_end(dev);
}

static const struct virtio_ops console_ops = {
    .name = "virtio-console",
    .type = VIRTIO_ID_CONSOLE,
    .pci_device = VIRTIO_PCI_CONSOLE,
    .class_code = 0x078000,
    .queues = 2,
    .config_len = CONFIG_LEN,
    .notify = console_notify,
    .drain = console_drain,
    .reset = console_reset,
    .save = console_save,
    .load = console_load,
    .destroy = console_destroy,
};

int
virtio_console_create(struct pci_bus *bus, struct event_base *base,
    const struct virtio_console_ops *ops, void *arg, struct virtio_dev **dev,
    struct error *err)
{
	struct vconsole *c = calloc(1, sizeof *c);
	uint32_t ports = htole32(1);

	if (c == NULL)
		return error_set(err, "virtio-console: out of memory");
	c->ops = ops;
	c->arg = arg;
	set_size(c, 24, 80);
	memcpy(c->dev.config + CONFIG_PORTS, &ports, sizeof ports);
	if (virtio_dev_create(&c->dev, bus, &console_ops, F_SIZE, err) == -1 ||
	    virtio_listen(&c->dev, base, err) == -1)
		return -1;
	*dev = &c->dev;
	return 0;
}
