/*
 * blk.c: a disk (virtio 1.2, 5.2), on a thread of its own.
 *
 *	kick ──▶ take(): pop, decode, block_submit() ─┐ one system call
 *	                                              ▼ a batch
 *	block_event_fd ──▶ done(): status, virtq_push()
 *	                                              │ one used index and at
 *	                                              ▼ most one interrupt
 *	                                        virtio_publish()
 *
 * The thread serves all queues in turn, a batch of each. There is one struct
 * blk_request for each descriptor of each that can be a head, so nothing is
 * allocated while the guest runs, but once what a long list of buffers needs.
 * The device's lock is held over a
 * batch; a vcpu that resets the device takes it, waits for what is in flight
 * (block_drain) and leaves nothing to this thread.
 *
 * A request for which the host's disk has no room is not failed: it waits, and
 * nothing new is taken from the queue, until virtio_blk_retry().
 */
#include <endian.h>
#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "backend/virtio/blk_internal.h"
#include "config/thread.h"

#define SECTOR 512u

#define F_SEG_MAX      (1ULL << 2)
#define F_RO           (1ULL << 5)
#define F_BLK_SIZE     (1ULL << 6)
#define F_FLUSH        (1ULL << 9)
#define F_TOPOLOGY     (1ULL << 10)
#define F_MQ           (1ULL << 12)
#define F_DISCARD      (1ULL << 13)
#define F_WRITE_ZEROES (1ULL << 14)

#define T_IN           0
#define T_OUT          1
#define T_FLUSH        4
#define T_GET_ID       8
#define T_DISCARD      11
#define T_WRITE_ZEROES 13

#define S_OK     0
#define S_IOERR  1
#define S_UNSUPP 2

#define ZEROES_UNMAP 1u

#define BATCH 256u /* requests of a queue, before it is the next one's turn */

/* What one request may ask for: long enough, yet not minutes of writing. */
#define DISCARD_MOST (1u << 22) /* sectors: 2 GiB */
#define ZEROES_MOST  (1u << 17) /* 64 MiB */

/* Device configuration (5.2.4), little-endian. */
struct blk_config {
	uint64_t capacity; /* sectors */
	uint32_t size_max, seg_max;
	uint16_t cylinders;
	uint8_t heads, sectors;
	uint32_t blk_size;
	uint8_t physical_block_exp, alignment_offset;
	uint16_t min_io_size;
	uint32_t opt_io_size;
	uint8_t writeback, unused0;
	uint16_t num_queues;
	uint32_t max_discard_sectors, max_discard_seg, discard_alignment;
	uint32_t max_zeroes_sectors, max_zeroes_seg;
	uint8_t zeroes_may_unmap, unused1[3];
};

struct blk_header {
	uint32_t type, reserved;
	uint64_t sector;
};

/* One range of a DISCARD or WRITE_ZEROES. */
struct blk_range {
	uint64_t sector;
	uint32_t sectors, flags;
};

/* ---- a request ---- */

static void
complete(struct blk_request *r, uint8_t status)
{
	*r->status = status;
	virtq_push(r->vq, r->head, r->written);
}

static void
count(struct blk *blk, const struct block_request *rq)
{
	struct virtio_figures *f = &blk->dev.figures;

	if (rq->op == BLOCK_READ) {
		virtio_count(&f->in_bytes, rq->len);
		virtio_count(&f->in_ops, 1);
	} else if (rq->op == BLOCK_WRITE) {
		virtio_count(&f->out_bytes, rq->len);
		virtio_count(&f->out_ops, 1);
	}
}

static void
complain(struct blk *blk, const struct block_request *rq, int error)
{
	static const char *const what[] = {
	    [BLOCK_READ] = "a read",
	    [BLOCK_WRITE] = "a write",
	    [BLOCK_FLUSH] = "a flush",
	    [BLOCK_DISCARD] = "a discard",
	    [BLOCK_WRITE_ZEROES] = "a write of zeroes",
	};

	log_guest(&blk->dev.quiet, "disk %s: %s of %llu bytes at %llu: %s",
	    blk->name, what[rq->op], (unsigned long long)rq->len,
	    (unsigned long long)rq->offset, strerror(error));
}

/* A request of the block layer is finished. Lock held. */
static void
done(struct block_request *rq, int result)
{
	struct blk_request *r = (struct blk_request *)rq;
	struct blk *blk = r->blk;

	/* Also of a read: tables may have to be written to make room for one. */
	if (result == -ENOSPC || result == -EDQUOT) {
		blk_wait(r, -result);
		return;
	}
	if (result == -EOPNOTSUPP) {
		complete(r, S_UNSUPP);
		return;
	}
	if (result != 0) {
		complain(blk, rq, -result);
		complete(r, S_IOERR);
		return;
	}
	if (!r->sync)
		count(blk, rq);
	if (rq->op == BLOCK_READ)
		r->written = (uint32_t)rq->len + 1;
	/*
	 * A driver without FLUSH takes a finished write for a safe one
	 * (5.2.6.2).
	 */
	if ((rq->op == BLOCK_WRITE || rq->op == BLOCK_WRITE_ZEROES) &&
	    (blk->dev.features & F_FLUSH) == 0) {
		rq->op = BLOCK_FLUSH;
		r->sync = true;
		block_submit(blk->block, rq);
		return;
	}
	complete(r, S_OK);
}

/* Sectors [sector, sector + len) within the disk? len in bytes. */
static bool
in_bounds(const struct blk *blk, uint64_t sector, uint64_t len)
{
	return len % SECTOR == 0 && sector <= blk->capacity &&
	    len / SECTOR <= blk->capacity - sector;
}

static void
transfer(struct blk *blk, struct blk_request *r, const struct virtq_chain *c,
    uint64_t sector, enum block_op op)
{
	bool write = op == BLOCK_WRITE;
	uint64_t len = write ? c->out_len : c->in_len;

	if (!in_bounds(blk, sector, len) ||
	    (write && block_readonly(blk->block))) {
		complete(r, S_IOERR);
		return;
	}
	r->rq.op = op;
	r->rq.offset = sector * SECTOR;
	r->rq.len = len;
	r->rq.iov = write ? c->iov : c->iov + c->outs;
	r->rq.iovs = write ? c->outs : c->ins;
	block_submit(blk->block, &r->rq);
}

/* DISCARD and WRITE_ZEROES of one range (5.2.6.2). */
static void
clear(struct blk *blk, struct blk_request *r, struct virtq_chain *c,
    enum block_op op)
{
	uint32_t most = op == BLOCK_DISCARD ? DISCARD_MOST : ZEROES_MOST;
	uint32_t known = op == BLOCK_DISCARD ? 0 : ZEROES_UNMAP;
	struct blk_range range;
	uint64_t end;

	if (c->out_len != sizeof range ||
	    virtq_take_out(c, &range, sizeof range) == -1) {
		complete(r, S_IOERR);
		return;
	}
	range.sector = le64toh(range.sector);
	range.sectors = le32toh(range.sectors);
	range.flags = le32toh(range.flags);
	if ((range.flags & ~known) != 0) {
		complete(r, S_UNSUPP);
		return;
	}
	if (range.sectors > most || block_readonly(blk->block) ||
	    !in_bounds(blk, range.sector, (uint64_t)range.sectors * SECTOR)) {
		complete(r, S_IOERR);
		return;
	}
	r->rq.op = op;
	r->rq.unmap = (range.flags & ZEROES_UNMAP) != 0;
	r->rq.offset = range.sector * SECTOR;
	r->rq.len = (uint64_t)range.sectors * SECTOR;
	/* The last sector may not be whole in the image. */
	end = block_size(blk->block);
	if (r->rq.offset < end && r->rq.len > end - r->rq.offset)
		r->rq.len = end - r->rq.offset;
	block_submit(blk->block, &r->rq);
}

static void
get_id(struct blk *blk, struct blk_request *r, const struct virtq_chain *c)
{
	size_t n =
	    virtq_copy_in(c->iov + c->outs, c->ins, 0, blk->serial, ID_SIZE);

	r->written = (uint32_t)n + (n == c->in_len);
	complete(r, S_OK);
}

/* Decodes and begins one request, or answers it at once. */
static void
begin(struct blk *blk, struct blk_request *r, struct virtq_chain *c)
{
	struct blk_header h;

	r->head = c->head;
	r->sync = false;
	r->status = virtq_take_last(c);
	/* The status alone, if nothing that was not written is before it. */
	r->written = c->in_len == 0;
	if (r->status == NULL || virtq_take_out(c, &h, sizeof h) == -1) {
		virtq_break(r->vq, "a request without header or status");
		virtq_push(r->vq, c->head, 0);
		return;
	}
	switch (le32toh(h.type)) {
	case T_IN:
		transfer(blk, r, c, le64toh(h.sector), BLOCK_READ);
		break;
	case T_OUT:
		transfer(blk, r, c, le64toh(h.sector), BLOCK_WRITE);
		break;
	case T_FLUSH:
		r->rq.op = BLOCK_FLUSH;
		r->rq.offset = r->rq.len = 0;
		block_submit(blk->block, &r->rq);
		break;
	case T_GET_ID:
		get_id(blk, r, c);
		break;
	case T_DISCARD:
		clear(blk, r, c, BLOCK_DISCARD);
		break;
	case T_WRITE_ZEROES:
		clear(blk, r, c, BLOCK_WRITE_ZEROES);
		break;
	default:
		complete(r, S_UNSUPP);
		break;
	}
}

/* ---- the thread ---- */

void
blk_begin(struct blk *blk, struct virtio_queue *q, struct virtq_chain *c)
{
	struct blk_request *r = &blk->request[q->index][c->head];
	unsigned n = c->outs + c->ins;

	r->blk = blk;
	r->vq = &q->vq;
	r->rq.done = done;
	c->iov = r->iov;
	if (n > SMALL) {
		if (r->large == NULL)
			r->large = malloc(CHAIN * sizeof *r->large);
		if (r->large == NULL) {
			virtq_break(&q->vq, "no memory for a list of buffers");
			virtq_push(&q->vq, c->head, 0);
			return;
		}
		c->iov = r->large;
	}
	memcpy(c->iov, q->vq.iov, n * sizeof *c->iov);
	begin(blk, r, c);
}

/* Begins what the driver has made available in a queue, up to a batch. */
static void
take(struct blk *blk, struct virtio_queue *vq)
{
	struct virtq *q = &vq->vq;
	unsigned batch = BATCH;
	struct virtq_chain c;

	virtq_disable_kick(q);
	do {
		/* The head says whose storage it is, but only afterwards. */
		c = (struct virtq_chain){.iov = q->iov, .room = CHAIN};
		while (batch > 0 && virtq_pop(q, &c)) {
			blk_begin(blk, vq, &c);
			c.iov = q->iov;
			c.room = CHAIN;
			batch--;
		}
		if (batch == 0) {
			virtio_kick(&blk->dev, vq->index);
			break;
		}
	} while (virtq_enable_kick(q));
}

/* A batch of each queue, another one first each time. */
static void
take_all(struct blk *blk)
{
	unsigned i, n = blk->dev.queues;
	struct virtio_queue *q;

	for (i = 0; i < n; i++) {
		q = &blk->dev.queue[(blk->turn + i) % n];
		if (virtio_usable(&blk->dev, q->index) && virtq_waiting(&q->vq))
			take(blk, q);
	}
	blk->turn = (blk->turn + 1) % n;
	block_flush_queue(blk->block);
}

/* Shows what was done; also of a broken queue: what was done was done. */
static void
publish(struct virtio_dev *dev)
{
	unsigned i;

	for (i = 0; i < dev->queues; i++)
		if (dev->queue[i].vq.ready)
			virtio_publish(dev, i);
}

static void
work(struct blk *blk)
{
	virtio_begin(&blk->dev);
	if (blk->retry)
		blk_retry_waiting(blk);
	block_reap(blk->block);
	if (blk->grow.size != 0)
		blk_grow(blk);
	if (blk->full == 0) {
		take_all(blk);
		block_reap(blk->block);
	}
	publish(&blk->dev);
	virtio_end(&blk->dev);
}

static void *
thread_main(void *arg)
{
	struct blk *blk = arg;
	struct epoll_event ev[BLK_QUEUES + 2];
	int i, n;

	thread_begin(THREAD_DISK, blk->name);
	for (;;) {
		n = epoll_wait(blk->epoll_fd, ev, BLK_QUEUES + 2, -1);
		for (i = 0; i < n; i++)
			if (ev[i].data.fd == blk->stop_fd)
				goto stop;
		work(blk);
	}
stop:
	/* Here: io_uring cancels what a thread leaves behind when it ends. */
	virtio_begin(&blk->dev);
	block_drain(blk->block);
	virtio_end(&blk->dev);
	return NULL;
}

/* ---- the device ---- */

/*
 * Everything in flight is finished and, if the driver looks, shown to it; or
 * waits for room.
 */
static void
blk_drain(struct virtio_dev *dev)
{
	struct blk *blk = (struct blk *)dev;

	block_drain(blk->block);
	publish(dev);
}

static void
free_requests(struct blk_request *request)
{
	unsigned i;

	for (i = 0; request != NULL && i < BLK_QUEUE_SIZE; i++)
		free(request[i].large);
	free(request);
}

static void
blk_destroy(struct virtio_dev *dev)
{
	struct blk *blk = (struct blk *)dev;
	unsigned i;

	if (blk->has_thread) {
		eventfd_write(blk->stop_fd, 1);
		pthread_join(blk->thread, NULL);
	}
	if (blk->epoll_fd != -1)
		close(blk->epoll_fd);
	if (blk->stop_fd != -1)
		close(blk->stop_fd);
	block_close(blk->block);
	for (i = 0; i < BLK_QUEUES; i++)
		free_requests(blk->request[i]);
	free(blk->saved);
}

static const struct virtio_ops blk_ops = {
    .name = "virtio-blk",
    .type = VIRTIO_ID_BLK,
    .pci_device = VIRTIO_PCI_BLK,
    .class_code = 0x010000,
    .queues = BLK_QUEUES,
    .queue_size = BLK_QUEUE_SIZE,
    .modern_only = F_MQ,
    .config_len = sizeof(struct blk_config),
    .start = blk_start,
    .drain = blk_drain,
    .drop = blk_drop,
    .save = blk_save,
    .load = blk_load,
    .destroy = blk_destroy,
};

static void
fill_config(struct blk *blk)
{
	struct blk_config c = {
	    .seg_max = htole32(SEG_MAX),
	    .blk_size = htole32(SECTOR),
	    .physical_block_exp = 3, /* 4 KiB: partitions get aligned */
	    .min_io_size = htole16(1),
	    .num_queues = htole16((uint16_t)blk->dev.queues),
	    .max_discard_sectors = htole32(DISCARD_MOST),
	    .max_discard_seg = htole32(1),
	    .discard_alignment = htole32(8),
	    .max_zeroes_sectors = htole32(ZEROES_MOST),
	    .max_zeroes_seg = htole32(1),
	    .zeroes_may_unmap = 1,
	};

	_Static_assert(sizeof c <= VIRTIO_CONFIG, "configuration space");
	memcpy(blk->dev.config, &c, sizeof c);
	blk_set_capacity(blk);
}

static int
watch(struct blk *blk, int fd, uint32_t events)
{
	struct epoll_event ev = {.events = events, .data.fd = fd};

	return epoll_ctl(blk->epoll_fd, EPOLL_CTL_ADD, fd, &ev);
}

/* Kicks are edge-triggered: their eventfd need never be read. */
static int
watch_queues(struct blk *blk)
{
	unsigned i;

	for (i = 0; i < blk->dev.queues; i++) {
		blk->request[i] =
		    calloc(BLK_QUEUE_SIZE, sizeof *blk->request[i]);
		if (blk->request[i] == NULL ||
		    watch(blk, blk->dev.queue[i].kick_fd, EPOLLIN | EPOLLET) ==
			-1)
			return -1;
	}
	return 0;
}

/* The block layer's descriptor is level-triggered, as block.h asks. */
static int
start_thread(struct blk *blk, struct error *err)
{
	bool ok;
	int n;

	blk->stop_fd = eventfd(0, EFD_CLOEXEC);
	blk->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
	ok = blk->stop_fd != -1 && blk->epoll_fd != -1 &&
	    watch_queues(blk) == 0 &&
	    watch(blk, block_event_fd(blk->block), EPOLLIN) == 0 &&
	    watch(blk, blk->stop_fd, EPOLLIN) == 0;
	if (!ok)
		return error_set(err, "disk %s: no room for its thread: %s",
		    blk->name, strerror(errno));
	n = pthread_create(&blk->thread, NULL, thread_main, blk);
	if (n != 0)
		return error_set(
		    err, "disk %s: no thread: %s", blk->name, strerror(n));
	blk->has_thread = true;
	return 0;
}

int
virtio_blk_create(struct pci_bus *bus, struct block *block, const char *name,
    const char *serial, unsigned cpus, const struct virtio_blk_ops *ops,
    void *arg, struct virtio_dev **dev, struct error *err)
{
	struct blk *blk = calloc(1, sizeof *blk);
	uint64_t features = F_SEG_MAX | F_BLK_SIZE | F_FLUSH | F_TOPOLOGY;

	if (blk == NULL) {
		block_close(block);
		return error_set(err, "disk %s: out of memory", name);
	}
	blk->dev.queues = cpus < BLK_QUEUES ? cpus : BLK_QUEUES;
	if (blk->dev.queues > 1)
		features |= F_MQ;
	features |= block_readonly(block) ? F_RO : F_DISCARD | F_WRITE_ZEROES;
	blk->block = block;
	blk->ops = ops;
	blk->arg = arg;
	blk_forget_waiting(blk);
	blk->epoll_fd = blk->stop_fd = -1;
	snprintf(blk->name, sizeof blk->name, "%s", name);
	memcpy(blk->serial, serial, strnlen(serial, ID_SIZE));
	fill_config(blk);
	if (virtio_dev_create(&blk->dev, bus, &blk_ops, features, err) == -1)
		return -1;
	if (start_thread(blk, err) == -1)
		return -1;
	if (dev != NULL)
		*dev = &blk->dev;
	return 0;
}
