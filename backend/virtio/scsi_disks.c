/*
 * scsi_disks.c: a SCSI host (virtio 1.2, 5.6) with disks, a target each, on one
 * thread of its own.
 *
 *	queue 0  control: task management
 *	queue 1  events: a disk that became larger (scsi_grow.c)
 *	queue 2  commands, as many at once as the driver likes (scsi_request.c)
 *
 * As with blk.c the device's lock is held over a batch, a vcpu that resets the
 * device waits for what is in flight, and a command for which the host's disk
 * has no room waits, with all that come after it, until it is tried again.
 */
#include <endian.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "backend/virtio/scsi_disks.h"
#include "config/thread.h"

#define BATCH VIRTIO_QUEUE_SIZE

/* ---- commands that wait for room ---- */

static void
forget_waiting(struct scsi_disks *h)
{
	unsigned i;

	h->waiting = NULL;
	h->waiting_end = &h->waiting;
	h->retry = false;
	for (i = 0; i < h->targets; i++)
		h->target[i].full = 0;
}

static void
append(struct scsi_disks *h, struct scsi_command *c)
{
	c->next = NULL;
	*h->waiting_end = c;
	h->waiting_end = &c->next;
	c->target->full = c->full;
}

void
scsi_wait(struct scsi_command *c, int error)
{
	struct scsi_disks *h = c->host;
	bool first = h->waiting == NULL;

	c->full = error;
	append(h, c);
	if (first)
		h->ops->full(h->arg);
}

static void
retry_waiting(struct scsi_disks *h)
{
	struct scsi_command *c = h->waiting, *next;

	forget_waiting(h);
	for (; c != NULL; c = next) {
		next = c->next;
		block_submit(c->target->block, &c->rq);
	}
}

/* Those of a target that what is about. */
static void
abort_waiting(struct scsi_disks *h, const struct scsi_target *target,
    uint32_t what, uint64_t tag)
{
	struct scsi_command *c = h->waiting, *next;
	bool retry = h->retry;

	forget_waiting(h);
	h->retry = retry;
	for (; c != NULL; c = next) {
		next = c->next;
		if (c->target == target &&
		    (what != SCSI_ABORT_TASK || c->tag == tag))
			scsi_abort(c);
		else
			append(h, c);
	}
}

/* ---- the queues ---- */

static void
flush_all(struct scsi_disks *h)
{
	unsigned i;

	for (i = 0; i < h->targets; i++)
		block_flush_queue(h->target[i].block);
}

static void
reap_all(struct scsi_disks *h)
{
	unsigned i;

	for (i = 0; i < h->targets; i++)
		block_reap(h->target[i].block);
}

/* Begins what the driver has made available, up to a batch. */
static void
commands(struct scsi_disks *h)
{
	struct virtq *q = &h->dev.queue[SCSI_COMMANDS].vq;
	unsigned batch = BATCH;
	struct virtq_chain c;

	virtq_disable_kick(q);
	do {
		/* The head says whose storage it is, but only afterwards. */
		c = (struct virtq_chain){.iov = q->iov, .room = CHAIN};
		while (batch > 0 && virtq_pop(q, &c)) {
			scsi_begin(h, &c);
			c.iov = q->iov;
			c.room = CHAIN;
			batch--;
		}
		if (batch == 0) {
			virtio_kick(&h->dev, SCSI_COMMANDS);
			break;
		}
	} while (virtq_enable_kick(q));
	flush_all(h);
}

static void
drain_all(struct scsi_disks *h)
{
	unsigned i;

	for (i = 0; i < h->targets; i++)
		block_drain(h->target[i].block);
	if (h->dev.queue[SCSI_COMMANDS].vq.ready)
		virtio_publish(&h->dev, SCSI_COMMANDS);
}

/* 5.6.6.2: what is in flight is waited for; what waits for room is aborted. */
static uint8_t
manage(struct scsi_disks *h, const struct scsi_task *task)
{
	uint32_t what = le32toh(task->subtype);
	struct scsi_target *t;

	if (task->lun[0] != 1 || task->lun[1] >= h->targets)
		return SCSI_BAD_TARGET;
	t = &h->target[task->lun[1]];
	drain_all(h);
	if (what < SCSI_QUERY_TASK)
		abort_waiting(h, t, what, task->tag);
	if (what == SCSI_UNIT_RESET || what == SCSI_NEXUS_RESET)
		sdisk_reset(&t->disk);
	if (h->dev.queue[SCSI_COMMANDS].vq.ready)
		virtio_publish(&h->dev, SCSI_COMMANDS);
	return SCSI_OK;
}

/* Returns the bytes of the answer. */
static uint32_t
control_request(struct scsi_disks *h, struct virtq_chain *c)
{
	uint8_t reply[5] = {0}; /* events: there are none; the response */
	struct scsi_task task = {0};
	uint32_t type;
	size_t len = 1;

	if (virtq_take_out(c, &type, sizeof type) == -1)
		return 0;
	type = le32toh(type);
	if (type == SCSI_AN_QUERY || type == SCSI_AN_SUBSCRIBE)
		len = sizeof reply;
	else if (type == SCSI_TASK_MANAGEMENT &&
	    virtq_take_out(c, &task.subtype, sizeof task - sizeof type) == 0)
		reply[0] = manage(h, &task);
	else
		return 0;
	return (uint32_t)virtq_copy_in(c->iov + c->outs, c->ins, 0, reply, len);
}

static void
control(struct scsi_disks *h)
{
	struct virtq *q = &h->dev.queue[SCSI_CONTROL].vq;
	struct virtq_chain c;
	unsigned batch = BATCH;

	virtq_disable_kick(q);
	do {
		c = (struct virtq_chain){.iov = q->iov, .room = q->max};
		while (batch > 0 && virtq_pop(q, &c)) {
			virtq_push(q, c.head, control_request(h, &c));
			c = (struct virtq_chain){.iov = q->iov, .room = q->max};
			batch--;
		}
		if (batch == 0) {
			virtio_kick(&h->dev, SCSI_CONTROL);
			break;
		}
	} while (virtq_enable_kick(q));
	virtio_publish(&h->dev, SCSI_CONTROL);
}

/* ---- the thread ---- */

static void
work(struct scsi_disks *h)
{
	virtio_begin(&h->dev);
	if (h->retry)
		retry_waiting(h);
	flush_all(h);
	reap_all(h);
	if (h->grow.size != 0)
		scsi_grow(h);
	if (h->missed && virtio_usable(&h->dev, SCSI_EVENTS) &&
	    virtq_waiting(&h->dev.queue[SCSI_EVENTS].vq))
		scsi_send_event(h, NULL, SCSI_NO_EVENT, 0);
	if (virtio_usable(&h->dev, SCSI_CONTROL) &&
	    virtq_waiting(&h->dev.queue[SCSI_CONTROL].vq))
		control(h);
	if (h->waiting == NULL && virtio_usable(&h->dev, SCSI_COMMANDS)) {
		commands(h);
		reap_all(h);
	}
	/* Also of a broken queue: what was done was done. */
	if (h->dev.queue[SCSI_COMMANDS].vq.ready)
		virtio_publish(&h->dev, SCSI_COMMANDS);
	virtio_end(&h->dev);
}

static void *
thread_main(void *arg)
{
	struct scsi_disks *h = arg;
	struct epoll_event ev[VIRTIO_SCSI_TARGETS + SCSI_QUEUES + 1];
	int i, n, most = sizeof ev / sizeof *ev;

	thread_begin(THREAD_DISK, "scsi");
	for (;;) {
		n = epoll_wait(h->epoll_fd, ev, most, -1);
		for (i = 0; i < n; i++)
			if (ev[i].data.fd == h->stop_fd)
				goto stop;
		work(h);
	}
stop:
	/* Here: io_uring cancels what a thread leaves behind when it ends. */
	virtio_begin(&h->dev);
	drain_all(h);
	virtio_end(&h->dev);
	return NULL;
}

static int
watch(struct scsi_disks *h, int fd, uint32_t events)
{
	struct epoll_event ev = {.events = events, .data.fd = fd};

	return epoll_ctl(h->epoll_fd, EPOLL_CTL_ADD, fd, &ev);
}

/*
 * Kicks are edge-triggered: their eventfd need never be read. The block
 * layer's descriptors are level-triggered, as block.h asks.
 */
static int
start_thread(struct scsi_disks *h, struct error *err)
{
	unsigned i;
	int n;

	h->command = calloc(VIRTIO_QUEUE_SIZE, sizeof *h->command);
	h->stop_fd = eventfd(0, EFD_CLOEXEC);
	h->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
	if (h->command == NULL || h->stop_fd == -1 || h->epoll_fd == -1 ||
	    watch(h, h->stop_fd, EPOLLIN) == -1)
		goto fail;
	for (i = 0; i < SCSI_QUEUES; i++)
		if (watch(h, h->dev.queue[i].kick_fd, EPOLLIN | EPOLLET) == -1)
			goto fail;
	for (i = 0; i < h->targets; i++)
		if (watch(h, block_event_fd(h->target[i].block), EPOLLIN) == -1)
			goto fail;
	n = pthread_create(&h->thread, NULL, thread_main, h);
	if (n != 0)
		return error_set(err, "SCSI disks: no thread: %s", strerror(n));
	h->has_thread = true;
	return 0;
fail:
	return error_set(
	    err, "SCSI disks: no room for their thread: %s", strerror(errno));
}

/* ---- the device ---- */

/* What waited when it was saved is begun anew. */
static void
disks_start(struct virtio_dev *dev)
{
	struct scsi_disks *h = (struct scsi_disks *)dev;
	struct virtq *q = &dev->queue[SCSI_COMMANDS].vq;
	struct virtq_chain c;
	unsigned i;

	for (i = 0; i < h->saves; i++) {
		c = (struct virtq_chain){.iov = q->iov, .room = CHAIN};
		if (virtq_retake(q, h->saved[i], &c))
			scsi_begin(h, &c);
	}
	if (h->saves > 0)
		virtio_kick(dev, SCSI_COMMANDS);
	h->saves = 0;
}

static void
disks_drain(struct virtio_dev *dev)
{
	drain_all((struct scsi_disks *)dev);
}

static void
disks_drop(struct virtio_dev *dev)
{
	struct scsi_disks *h = (struct scsi_disks *)dev;

	forget_waiting(h);
	h->saves = 0;
}

static void
disks_reset(struct virtio_dev *dev)
{
	struct scsi_disks *h = (struct scsi_disks *)dev;
	unsigned i;

	h->missed = false;
	scsi_sizes_reset(dev);
	for (i = 0; i < h->targets; i++)
		sdisk_reset(&h->target[i].disk);
}

static void
disks_save(struct virtio_dev *dev, struct state_writer *w)
{
	struct scsi_disks *h = (struct scsi_disks *)dev;
	const struct scsi_command *c;
	uint16_t n = 0;
	unsigned i;

	for (i = 0; i < h->targets; i++)
		state_put_u16(w, h->target[i].disk.attention);
	for (c = h->waiting; c != NULL; c = c->next)
		n++;
	state_put_u8(w, h->missed);
	state_put_u16(w, n);
	for (c = h->waiting; c != NULL; c = c->next)
		state_put_u16(w, c->head);
	scsi_sizes_save(dev, w);
}

static int
disks_load(struct virtio_dev *dev, struct state_reader *r)
{
	struct scsi_disks *h = (struct scsi_disks *)dev;
	unsigned i, n;

	for (i = 0; i < h->targets; i++)
		h->target[i].disk.attention = state_get_u16(r);
	h->missed = state_get_u8(r) != 0;
	n = state_get_u16(r);
	if (n > VIRTIO_QUEUE_SIZE ||
	    (n > 0 && !dev->queue[SCSI_COMMANDS].vq.ready))
		return -1;
	for (i = 0; i < n; i++)
		h->saved[i] = state_get_u16(r);
	h->saves = n;
	scsi_sizes_load(dev, r);
	return 0;
}

static void
disks_destroy(struct virtio_dev *dev)
{
	struct scsi_disks *h = (struct scsi_disks *)dev;
	unsigned i;

	if (h->has_thread) {
		eventfd_write(h->stop_fd, 1);
		pthread_join(h->thread, NULL);
	}
	if (h->epoll_fd != -1)
		close(h->epoll_fd);
	if (h->stop_fd != -1)
		close(h->stop_fd);
	for (i = 0; i < h->targets; i++)
		block_close(h->target[i].block);
	for (i = 0; h->command != NULL && i < VIRTIO_QUEUE_SIZE; i++) {
		free(h->command[i].large);
		free(h->command[i].pattern);
	}
	free(h->command);
}

static const struct virtio_ops disks_ops = {
    .name = "virtio-scsi",
    .type = VIRTIO_ID_SCSI,
    .pci_device = VIRTIO_PCI_SCSI,
    .class_code = 0x010000,
    .queues = SCSI_QUEUES,
    .config_len = sizeof(struct scsi_config),
    .start = disks_start,
    .config_write = scsi_sizes_write,
    .drain = disks_drain,
    .drop = disks_drop,
    .reset = disks_reset,
    .save = disks_save,
    .load = disks_load,
    .destroy = disks_destroy,
};

static void
fill_config(struct scsi_disks *h)
{
	struct scsi_config c = {
	    .num_queues = htole32(1),
	    .seg_max = htole32(SCSI_SEG_MAX),
	    .max_sectors = htole32(SCSI_MAX_SECTORS),
	    .cmd_per_lun = htole32(VIRTIO_QUEUE_SIZE / 2),
	    .event_info_size = htole32(sizeof(struct scsi_event)),
	    .max_target = htole16((uint16_t)(h->targets - 1)),
	};

	_Static_assert(sizeof c <= VIRTIO_CONFIG, "configuration space");
	memcpy(h->dev.config, &c, sizeof c);
	scsi_sizes_reset(&h->dev);
}

static void
fill_target(struct scsi_target *t, const struct virtio_scsi_disk *disk)
{
	uint64_t bytes = block_size(disk->block);

	t->block = disk->block;
	snprintf(t->name, sizeof t->name, "%s", disk->name);
	snprintf(t->disk.serial, sizeof t->disk.serial, "%s", disk->serial);
	t->disk.readonly = block_readonly(disk->block);
	/* None has no sectors: the last one has a number. */
	t->disk.sectors =
	    bytes == 0 ? 1 : (bytes + SDISK_SECTOR - 1) / SDISK_SECTOR;
	sdisk_reset(&t->disk);
}

int
virtio_scsi_disks_create(struct pci_bus *bus,
    const struct virtio_scsi_disk *disk, unsigned n,
    const struct virtio_blk_ops *ops, void *arg, struct virtio_dev **dev,
    struct error *err)
{
	struct scsi_disks *h = calloc(1, sizeof *h);
	unsigned i;

	if (h == NULL) {
		for (i = 0; i < n; i++)
			block_close(disk[i].block);
		return error_set(err, "SCSI disks: out of memory");
	}
	for (i = 0; i < n; i++)
		fill_target(&h->target[i], &disk[i]);
	h->targets = n;
	h->ops = ops;
	h->arg = arg;
	h->epoll_fd = h->stop_fd = -1;
	forget_waiting(h);
	fill_config(h);
	if (virtio_dev_create(&h->dev, bus, &disks_ops,
		SCSI_F_HOTPLUG | SCSI_F_CHANGE, err) == -1)
		return -1;
	if (start_thread(h, err) == -1)
		return -1;
	if (dev != NULL)
		*dev = &h->dev;
	return 0;
}

int
virtio_scsi_disk_full(struct virtio_dev *dev, unsigned n)
{
	const struct scsi_disks *h = (const struct scsi_disks *)dev;
	int full;

	virtio_begin(dev);
	full = h->target[n].full;
	virtio_end(dev);
	return full;
}

void
virtio_scsi_disks_retry(struct virtio_dev *dev)
{
	struct scsi_disks *h = (struct scsi_disks *)dev;

	virtio_begin(dev);
	if (h->waiting != NULL) {
		h->retry = true;
		virtio_kick(dev, SCSI_COMMANDS);
	}
	virtio_end(dev);
}

const struct virtio_figures *
virtio_scsi_disk_figures(const struct virtio_dev *dev, unsigned n)
{
	return &((const struct scsi_disks *)dev)->target[n].figures;
}
