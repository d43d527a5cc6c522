/*
 * balloon.c: memory that goes back to the host (virtio 1.2, 5.5).
 *
 *	inflateq, deflateq  lists of page numbers: ours, and the guest's again
 *	statsq              one buffer that the driver fills each time it gets
 *	                    it back: we hold it until somebody asks
 *	reporting           ranges that are free, until the guest uses them
 *
 * A page that is ours is punched out of the guest's RAM. It is not guarded: a
 * guest that uses it all the same reads zeroes and has it back, which is why
 * VIRTIO_BALLOON_F_MUST_TELL_HOST is not offered. Where the RAM is of huge
 * pages, one goes when all of its small ones are ours.
 *
 * Page hints for a migration (F_FREE_PAGE_HINT) are not offered. The number of
 * the reporting queue is 4 by the standard, and 3 for drivers that count only
 * the queues there are (Linux), so both are it.
 */
#include <endian.h>
#include <stdlib.h>
#include <string.h>

#include "backend/virtio/device.h"

#define F_STATS     (1ULL << 1)
#define F_OOM       (1ULL << 2)
#define F_POISON    (1ULL << 4)
#define F_REPORTING (1ULL << 5)

#define INFLATEQ 0
#define DEFLATEQ 1
#define STATSQ   2
#define QUEUES   5

/* Device configuration (5.5.4). The driver writes the second and the last. */
#define CONFIG_WANTED 0
#define CONFIG_ACTUAL 4
#define CONFIG_POISON 12
#define CONFIG_LEN    16

#define PAGE       4096u
#define PAGE_SHIFT 12

#define BATCH_PAGES 4096 /* numbers of pages before others have their turn */
#define BATCH_STATS 16
/*
 * Ranges of free pages; one of 3 GiB is 10 ms of the host's kernel, even where
 * nothing is left in it.
 */
#define BATCH_RANGES 64

/* Statistics (5.5.6.3): packed, a tag of 16 bits and a value of 64. */
#define STAT_SIZE      10
#define STAT_FREE      4
#define STAT_TOTAL     5
#define STAT_AVAILABLE 6
#define STATS          7
#define STATS_MOST     64 /* entries that are looked at */

struct balloon {
	struct virtio_dev dev; /* first */
	const struct guestmem *mem;
	void (*changed)(void *arg);
	void *arg;
	uint64_t *ours; /* a bit a page, in the order of the RAM's file */
	uint64_t pages; /* bits in it */
	uint64_t taken; /* of them set */
	uint64_t returned; /* bytes by reporting */
	bool holding; /* the buffer of the statistics, chain.head */
	struct virtq_chain chain;
	bool known; /* others were told that there is a driver */
	bool told;
	uint64_t stat[STATS];
};

/* Neighbours that go back to the host in one call. */
struct run {
	uint64_t first, count;
};

static uint32_t
config_get(const struct balloon *b, unsigned at)
{
	uint32_t v;

	memcpy(&v, b->dev.config + at, sizeof v);
	return le32toh(v);
}

static void
config_put(struct balloon *b, unsigned at, uint32_t v)
{
	v = htole32(v);
	memcpy(b->dev.config + at, &v, sizeof v);
}

static bool
is_ours(const struct balloon *b, uint64_t page)
{
	return (b->ours[page / 64] & 1ULL << page % 64) != 0;
}

/* Are all small pages of the host's page around this one ours? */
static bool
whole(const struct balloon *b, uint64_t page)
{
	uint64_t n = b->mem->page / PAGE, i;

	if (n == 1)
		return true;
	page &= ~(n - 1);
	for (i = 0; i < n / 64; i++)
		if (b->ours[page / 64 + i] != UINT64_MAX)
			return false;
	return true;
}

static void
run_end(const struct balloon *b, struct run *run)
{
	if (run->count > 0)
		guestmem_discard(
		    b->mem, run->first << PAGE_SHIFT, run->count << PAGE_SHIFT);
	run->count = 0;
}

/* Adds a page of the host's to the run, or ends it and begins a new one. */
static void
run_add(const struct balloon *b, struct run *run, uint64_t page)
{
	uint64_t n = b->mem->page / PAGE;

	page &= ~(n - 1);
	if (run->count > 0 && page == run->first + run->count) {
		run->count += n;
	} else if (run->count > 0 && page + n == run->first) {
		run->first = page;
		run->count += n;
	} else {
		run_end(b, run);
		*run = (struct run){page, n};
	}
}

/* The page of this number is ours now, or the guest's again. */
static bool
move_page(struct balloon *b, uint32_t number, bool inflate, struct run *run)
{
	void *hva = guestmem_at(b->mem, (uint64_t)number << PAGE_SHIFT, PAGE);
	uint64_t page;

	if (hva == NULL)
		return false;
	page = guestmem_offset(b->mem, hva) >> PAGE_SHIFT;
	if (is_ours(b, page) != inflate) {
		b->ours[page / 64] ^= 1ULL << page % 64;
		b->taken += inflate ? 1 : UINT64_MAX;
	}
	if (inflate && whole(b, page))
		run_add(b, run, page);
	return true;
}

/* Forgets the first n readable bytes of a request. */
static void
skip(struct virtq_chain *c, uint64_t n)
{
	size_t part;

	while (n > 0 && c->outs > 0) {
		part = n < c->iov->iov_len ? n : c->iov->iov_len;
		c->iov->iov_base = (uint8_t *)c->iov->iov_base + part;
		c->iov->iov_len -= part;
		c->out_len -= part;
		n -= part;
		if (c->iov->iov_len > 0)
			break;
		c->iov++;
		c->room--;
		c->outs--;
	}
}

/* A list of pages. Returns false if it is too long for one turn. */
static bool
move_pages(struct balloon *b, struct virtq *q, struct virtq_chain *c,
    bool inflate, unsigned *left)
{
	struct run run = {0, 0};
	uint32_t number;

	skip(c, q->done);
	while (*left > 0 && virtq_take_out(c, &number, sizeof number) == 0) {
		--*left;
		q->done += sizeof number;
		if (!move_page(b, le32toh(number), inflate, &run)) {
			virtq_break(q, "a page outside memory");
			break;
		}
	}
	run_end(b, &run);
	if (c->out_len >= sizeof number && q->broken == NULL)
		return false;
	q->done = 0;
	return true;
}

static void
pages_notify(struct balloon *b, unsigned queue)
{
	struct virtq *q = &b->dev.queue[queue].vq;
	unsigned left = BATCH_PAGES;
	uint64_t before = b->taken;
	struct virtq_chain c;

	virtq_disable_kick(q);
	do {
		while (left > 0) {
			c = (struct virtq_chain){.iov = q->iov, .room = q->max};
			if (!virtq_pop(q, &c))
				break;
			if (!move_pages(b, q, &c, queue == INFLATEQ, &left)) {
				virtq_unpop(q, &c);
				break;
			}
			if (q->broken != NULL)
				break;
			/* One that is empty counts as well. */
			left -= left > 0;
			virtq_push(q, c.head, 0);
		}
		if (left == 0) {
			virtio_kick(&b->dev, queue);
			break;
		}
	} while (virtq_enable_kick(q));
	virtio_publish(&b->dev, queue);
	if (b->taken != before)
		b->changed(b->arg);
}

static void
stats_read(struct balloon *b, struct virtq_chain *c)
{
	uint8_t entry[STAT_SIZE];
	unsigned n = 0;
	uint16_t tag;
	uint64_t value;

	while (
	    n++ < STATS_MOST && virtq_take_out(c, entry, sizeof entry) == 0) {
		memcpy(&tag, entry, sizeof tag);
		memcpy(&value, entry + sizeof tag, sizeof value);
		if (le16toh(tag) < STATS)
			b->stat[le16toh(tag)] = le64toh(value);
		b->told = true;
	}
}

static void
stats_notify(struct balloon *b)
{
	struct virtq *q = &b->dev.queue[STATSQ].vq;
	struct virtq_chain c = {.iov = q->iov, .room = q->max};
	unsigned batch = 0;

	while (batch < BATCH_STATS && virtq_pop(q, &c)) {
		/* There should be one. With more of them, all but the last. */
		if (b->holding)
			virtq_push(q, b->chain.head, 0);
		b->holding = true;
		b->chain = c;
		stats_read(b, &c);
		c = (struct virtq_chain){.iov = q->iov, .room = q->max};
		batch++;
	}
	if (batch == BATCH_STATS)
		virtio_kick(&b->dev, STATSQ);
	else if (virtq_enable_kick(q))
		virtio_kick(&b->dev, STATSQ);
	virtio_publish(&b->dev, STATSQ);
	if (batch > 0)
		b->changed(b->arg);
}

/*
 * The ranges of a request, from where it stopped the last time. Returns false
 * if they are too many for one turn.
 */
static bool
report_ranges(struct balloon *b, struct virtq *q, const struct virtq_chain *c,
    unsigned *left)
{
	const struct iovec *v = c->iov + c->outs;
	/* Where the guest wants to find its own pattern again, it stays. */
	bool keep = (b->dev.features & F_POISON) != 0 &&
	    config_get(b, CONFIG_POISON) != 0;

	for (; q->done < c->ins && !keep; q->done++) {
		if (*left == 0)
			return false;
		--*left;
		b->returned += guestmem_discard(b->mem,
		    guestmem_offset(b->mem, v[q->done].iov_base),
		    v[q->done].iov_len);
	}
	q->done = 0;
	/* One that is empty counts as well. */
	*left -= *left > 0;
	return true;
}

/* Pages that are free: the host has them until they are used again. */
static void
report_notify(struct balloon *b, unsigned queue)
{
	struct virtq *q = &b->dev.queue[queue].vq;
	struct virtq_chain c = {.iov = q->iov, .room = q->max};
	uint64_t before = b->returned;
	unsigned left = BATCH_RANGES;

	virtq_disable_kick(q);
	do {
		while (left > 0 && virtq_pop(q, &c)) {
			if (!report_ranges(b, q, &c, &left)) {
				virtq_unpop(q, &c);
				break;
			}
			virtq_push(q, c.head, 0);
		}
		if (left == 0) {
			virtio_kick(&b->dev, queue);
			break;
		}
	} while (virtq_enable_kick(q));
	virtio_publish(&b->dev, queue);
	if (b->returned != before)
		b->changed(b->arg);
}

static void
balloon_notify(struct virtio_dev *dev, unsigned queue)
{
	struct balloon *b = (struct balloon *)dev;

	if (!b->known)
		b->changed(b->arg);
	b->known = true;
	if (queue == INFLATEQ || queue == DEFLATEQ)
		pages_notify(b, queue);
	else if (queue == STATSQ && (dev->features & F_STATS) != 0)
		stats_notify(b);
	else if ((dev->features & F_REPORTING) != 0)
		report_notify(b, queue);
}

static void
balloon_config_write(
    struct virtio_dev *dev, unsigned offset, unsigned size, uint64_t value)
{
	for (; size > 0; size--, offset++, value >>= 8)
		if ((offset >= CONFIG_ACTUAL && offset < CONFIG_ACTUAL + 4) ||
		    offset >= CONFIG_POISON)
			dev->config[offset] = (uint8_t)value;
}

static void
balloon_drain(struct virtio_dev *dev)
{
	struct balloon *b = (struct balloon *)dev;

	if (b->holding)
		virtq_unpop(&dev->queue[STATSQ].vq, &b->chain);
	b->holding = false;
	/* Somebody has to look at it again. */
	virtio_kick(dev, STATSQ);
}

/* What it is asked for stays: that is the host's. */
static void
balloon_reset(struct virtio_dev *dev)
{
	struct balloon *b = (struct balloon *)dev;

	memset(b->ours, 0, (b->pages / 64 + 1) * sizeof *b->ours);
	b->taken = 0;
	b->known = b->told = false;
	config_put(b, CONFIG_ACTUAL, 0);
	config_put(b, CONFIG_POISON, 0);
}

/* The next run of our pages from at on; its count is 0 behind the last. */
static struct run
next_run(const struct balloon *b, uint64_t at)
{
	struct run run = {at, 0};

	while (run.first < b->pages && !is_ours(b, run.first))
		run.first += run.first % 64 == 0 && b->ours[run.first / 64] == 0
		    ? 64
		    : 1;
	while (run.first + run.count < b->pages &&
	    is_ours(b, run.first + run.count))
		run.count++;
	return run;
}

static void
balloon_save(struct virtio_dev *dev, struct state_writer *w)
{
	struct balloon *b = (struct balloon *)dev;
	struct run run = {0, 0};

	state_put_bytes(w, dev->config, CONFIG_LEN);
	do {
		run = next_run(b, run.first + run.count);
		state_put_u64(w, run.first);
		state_put_u64(w, run.count);
	} while (run.count > 0);
}

static int
balloon_load(struct virtio_dev *dev, struct state_reader *r)
{
	struct balloon *b = (struct balloon *)dev;
	struct run run;
	uint64_t at = 0;

	state_get_bytes(r, dev->config, CONFIG_LEN);
	for (;;) {
		run.first = state_get_u64(r);
		run.count = state_get_u64(r);
		if (r->bad || run.count == 0)
			break;
		if (run.first < at || run.first >= b->pages ||
		    run.count > b->pages - run.first)
			return -1;
		b->taken += run.count;
		at = run.first + run.count;
		for (; run.count > 0; run.count--, run.first++)
			b->ours[run.first / 64] |= 1ULL << run.first % 64;
	}
	return config_get(b, CONFIG_WANTED) <= b->pages ? 0 : -1;
}

static void
balloon_destroy(struct virtio_dev *dev)
{
	free(((struct balloon *)dev)->ours);
}

void
virtio_balloon_resize(struct virtio_dev *dev, uint64_t bytes)
{
	struct balloon *b = (struct balloon *)dev;

	virtio_begin(dev);
	if (config_get(b, CONFIG_WANTED) != bytes >> PAGE_SHIFT) {
		config_put(b, CONFIG_WANTED, (uint32_t)(bytes >> PAGE_SHIFT));
		virtio_config_changed(dev);
	}
	virtio_end(dev);
}

void
virtio_balloon_read(struct virtio_dev *dev, struct virtio_balloon_state *state)
{
	struct balloon *b = (struct balloon *)dev;

	virtio_begin(dev);
	*state = (struct virtio_balloon_state){
	    .driver = dev->started,
	    .wanted = (uint64_t)config_get(b, CONFIG_WANTED) << PAGE_SHIFT,
	    .taken = b->taken << PAGE_SHIFT,
	    .returned = b->returned,
	    .told = b->told,
	    .total = b->stat[STAT_TOTAL],
	    .free = b->stat[STAT_FREE],
	    .available = b->stat[STAT_AVAILABLE],
	};
	virtio_end(dev);
}

void
virtio_balloon_ask(struct virtio_dev *dev)
{
	struct balloon *b = (struct balloon *)dev;

	virtio_begin(dev);
	if (b->holding && virtio_usable(dev, STATSQ)) {
		virtq_push(&dev->queue[STATSQ].vq, b->chain.head, 0);
		b->holding = false;
		virtio_publish(dev, STATSQ);
	}
	virtio_end(dev);
}

static const struct virtio_ops balloon_ops = {
    .name = "virtio-balloon",
    .type = VIRTIO_ID_BALLOON,
    .pci_device = VIRTIO_PCI_BALLOON,
    .class_code = 0x00ff00,
    .queues = QUEUES,
    .config_len = CONFIG_LEN,
    .notify = balloon_notify,
    .config_write = balloon_config_write,
    .drain = balloon_drain,
    .reset = balloon_reset,
    .save = balloon_save,
    .load = balloon_load,
    .destroy = balloon_destroy,
};

int
virtio_balloon_create(struct pci_bus *bus, struct event_base *base,
    void (*changed)(void *arg), void *arg, struct virtio_dev **dev,
    struct error *err)
{
	struct balloon *b = calloc(1, sizeof *b);

	if (b == NULL)
		return error_set(err, "virtio-balloon: out of memory");
	b->mem = machine_mem(pci_bus_machine(bus));
	b->changed = changed;
	b->arg = arg;
	b->pages = b->mem->size >> PAGE_SHIFT;
	b->ours = calloc(b->pages / 64 + 1, sizeof *b->ours);
	if (b->ours == NULL) {
		free(b);
		return error_set(err, "virtio-balloon: out of memory");
	}
	if (virtio_dev_create(&b->dev, bus, &balloon_ops,
		F_STATS | F_OOM | F_POISON | F_REPORTING, err) == -1 ||
	    virtio_listen(&b->dev, base, err) == -1)
		return -1;
	*dev = &b->dev;
	return 0;
}
