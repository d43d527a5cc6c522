/*
 * scsi.c: a SCSI host (virtio 1.2, 5.6) with one CD-ROM drive, target 0.
 *
 *	queue 0  control: task management and notifications, answered at once
 *	queue 1  events: the medium, for a driver that subscribed to that
 *	queue 2  commands, one at a time: cdrom.c says what comes of each
 *
 * It runs on the main loop. A read is handed to the block layer, and the next
 * command is taken when it is finished, so the queue's own storage for a chain
 * is enough. block_event_fd() wakes the loop.
 */
#include <endian.h>
#include <errno.h>
#include <event2/event.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "backend/virtio/cdrom.h"
#include "backend/virtio/device.h"

#define BATCH 64 /* commands before others have their turn */

struct scsi {
	struct virtio_dev dev;
	struct block *drive;
	struct event *readable;
	struct cdrom cd;
	void (*changed)(void *arg);
	void *arg;
	struct virtio_scsi_state told; /* when changed() was called last */
	uint32_t subscribed; /* to SCSI_MEDIA_CHANGE, or to nothing */
	bool missed; /* there was no buffer for an event */
	/* The command that is being carried out. */
	bool busy;
	uint16_t head;
	struct virtq_chain chain;
	struct cdrom_reply reply;
	struct block_request rq;
	struct iovec data[VIRTIO_QUEUE_SIZE]; /* its data-in buffers */
	unsigned pieces;
	uint64_t room; /* bytes in them */
	size_t response; /* bytes before them */
};

#define OF_REQUEST(r) \
	((struct scsi *)(void *)((uint8_t *)(r)-offsetof(struct scsi, rq)))

static struct virtio_scsi_state
look(const struct scsi *s)
{
	return (struct virtio_scsi_state){.inside = s->cd.blocks > 0,
	    .open = s->cd.open,
	    .locked = s->cd.locked};
}

/* Passes on what became of tray, lock and medium, if it is new. */
static void
note(struct scsi *s)
{
	struct virtio_scsi_state now = look(s);

	if (now.inside == s->told.inside && now.open == s->told.open &&
	    now.locked == s->told.locked)
		return;
	s->told = now;
	s->changed(s->arg);
}

/* 5.6.6.3: where the driver has left a buffer for it. */
static void
send_event(struct scsi *s, uint32_t event, uint32_t reason)
{
	struct virtq *q = &s->dev.queue[SCSI_EVENTS].vq;
	struct virtq_chain c = {.iov = q->iov, .room = q->max};
	struct scsi_event e = {
	    .event = htole32(event | (s->missed ? SCSI_EVENTS_MISSED : 0)),
	    .lun = {1}, /* unit 0, as REPORT LUNS has it */
	    .reason = htole32(reason),
	};

	if (!virtio_usable(&s->dev, SCSI_EVENTS))
		return;
	if (!virtq_pop(q, &c)) {
		s->missed = true;
		return;
	}
	s->missed = false;
	virtq_push(q, c.head,
	    (uint32_t)virtq_copy_in(c.iov + c.outs, c.ins, 0, &e, sizeof e));
	virtio_publish(&s->dev, SCSI_EVENTS);
}

/* Something happened to the medium that the guest did not ask for. */
static void
medium_event(struct scsi *s)
{
	if (s->subscribed != 0)
		send_event(s, SCSI_ASYNC_NOTIFY, SCSI_MEDIA_CHANGE);
	note(s);
}

/* The writable buffers behind the response. */
static void
find_data(struct scsi *s)
{
	const struct iovec *v = s->chain.iov + s->chain.outs;
	size_t skip = s->response, part;
	unsigned i;

	s->pieces = 0;
	s->room = 0;
	for (i = 0; i < s->chain.ins && i < VIRTIO_QUEUE_SIZE; i++) {
		part = v[i].iov_len < skip ? v[i].iov_len : skip;
		skip -= part;
		if (v[i].iov_len == part)
			continue;
		s->data[s->pieces].iov_base = (uint8_t *)v[i].iov_base + part;
		s->data[s->pieces].iov_len = v[i].iov_len - part;
		s->room += v[i].iov_len - part;
		s->pieces++;
	}
}

/* Cuts the data buffers to len bytes, which they have. */
static void
cut_data(struct scsi *s, uint64_t len)
{
	unsigned i;

	for (i = 0; i < s->pieces && len > 0; i++) {
		if (s->data[i].iov_len > len)
			s->data[i].iov_len = len;
		len -= s->data[i].iov_len;
	}
	s->pieces = i;
}

/* Ends the command: data bytes are in its buffers. */
static void
finish(struct scsi *s, uint8_t response, uint64_t data)
{
	struct virtq *q = &s->dev.queue[SCSI_COMMANDS].vq;
	struct scsi_response r = {.response = response};

	r.status = s->reply.status;
	r.residual = htole32((uint32_t)(s->room - data));
	if (response == SCSI_OK && r.status == SCSI_CHECK_CONDITION) {
		r.sense_len = htole32(SCSI_SENSE_LEN);
		memcpy(r.sense, s->reply.sense, SCSI_SENSE_LEN);
	}
	scsi_put_response(
	    s->chain.iov + s->chain.outs, s->chain.ins, s->response, &r);
	virtq_push(q, s->head, (uint32_t)(s->response + data));
	virtio_count(&s->dev.figures.in_bytes, data);
	virtio_count(&s->dev.figures.in_ops, 1);
	s->busy = false;
}

/* A read is finished. Lock held. */
static void
done(struct block_request *rq, int result)
{
	struct scsi *s = OF_REQUEST(rq);

	if (result == 0) {
		finish(s, SCSI_OK, rq->len);
		return;
	}
	log_guest(&s->dev.quiet, "CD-ROM: a read of %llu bytes at %llu: %s",
	    (unsigned long long)rq->len, (unsigned long long)rq->offset,
	    strerror(-result));
	cdrom_read_failed(&s->reply);
	finish(s, SCSI_OK, 0);
}

static void
read_medium(struct scsi *s)
{
	uint64_t len = (uint64_t)s->reply.blocks * CDROM_BLOCK;

	/* What the driver gave no room for, it does not get. */
	if (len > s->room)
		len = s->room;
	cut_data(s, len);
	s->rq.op = BLOCK_READ;
	s->rq.offset = s->reply.block * CDROM_BLOCK;
	s->rq.len = len;
	s->rq.iov = s->data;
	s->rq.iovs = s->pieces;
	block_submit(s->drive, &s->rq);
	block_flush_queue(s->drive);
	block_reap(s->drive);
}

/* 5.6.6.1: byte 0 is 1, byte 1 the target, then the unit in two bytes. */
static void
begin(struct scsi *s)
{
	struct virtq *q = &s->dev.queue[SCSI_COMMANDS].vq;
	struct scsi_request h;
	unsigned lun;

	s->busy = true;
	s->head = s->chain.head;
	s->response = scsi_response_len(&s->dev);
	if (s->chain.in_len < s->response ||
	    scsi_take_request(&s->dev, &s->chain, &h) == -1) {
		virtq_break(q, "a command without request or response");
		virtq_push(q, s->head, 0);
		s->busy = false;
		return;
	}
	find_data(s);
	memset(&s->reply, 0, sizeof s->reply);
	if (h.lun[0] != 1 || h.lun[1] != 0) {
		finish(s, SCSI_BAD_TARGET, 0);
		return;
	}
	lun = scsi_lun(h.lun);
	cdrom_command(&s->cd, lun, h.cdb, &s->reply);
	if (s->reply.blocks > 0 && s->room > 0) {
		read_medium(s);
		return;
	}
	if (s->reply.len > s->room)
		s->reply.len = (uint32_t)s->room;
	virtq_copy_in(s->data, s->pieces, 0, s->reply.data, s->reply.len);
	finish(s, SCSI_OK, s->reply.len);
}

static void
commands(struct scsi *s)
{
	struct virtq *q = &s->dev.queue[SCSI_COMMANDS].vq;
	unsigned batch = 0;

	virtq_disable_kick(q);
	do {
		while (!s->busy && batch < BATCH) {
			s->chain =
			    (struct virtq_chain){.iov = q->iov, .room = q->max};
			if (!virtq_pop(q, &s->chain))
				break;
			begin(s);
			batch++;
		}
		/* Goes on when the read is done, or the others had a turn. */
		if (s->busy)
			break;
		if (batch == BATCH) {
			virtio_kick(&s->dev, SCSI_COMMANDS);
			break;
		}
	} while (virtq_enable_kick(q));
	virtio_publish(&s->dev, SCSI_COMMANDS);
	note(s);
}

/* What is subscribed to from now on, or could be. */
static uint32_t
notifications(struct scsi *s, uint32_t type, const struct virtq_chain *c)
{
	struct virtq_chain rest = *c;
	struct scsi_an an;
	uint32_t events;

	/* The type was taken off it before. */
	if (virtq_take_out(&rest, an.lun, sizeof an - sizeof an.type) == -1)
		return 0;
	events = le32toh(an.events) & SCSI_MEDIA_CHANGE;
	if (type == SCSI_AN_SUBSCRIBE)
		s->subscribed = events;
	return htole32(events);
}

/* 5.6.6.2: nothing is in flight that could be aborted but a read. */
static uint32_t
control_request(struct scsi *s, struct virtq_chain *c)
{
	uint8_t reply[5] = {0}; /* events, where they are asked for; response */
	uint32_t type, events;

	block_drain(s->drive);
	if (virtq_take_out(c, &type, sizeof type) == -1)
		return 0;
	type = le32toh(type);
	if (type != SCSI_AN_QUERY && type != SCSI_AN_SUBSCRIBE)
		return (uint32_t)virtq_copy_in(
		    c->iov + c->outs, c->ins, 0, reply, 1);
	events = notifications(s, type, c);
	memcpy(reply, &events, sizeof events);
	return (uint32_t)virtq_copy_in(
	    c->iov + c->outs, c->ins, 0, reply, sizeof reply);
}

static void
control(struct scsi *s)
{
	struct virtq *q = &s->dev.queue[SCSI_CONTROL].vq;
	struct virtq_chain c;
	unsigned batch = 0;

	virtq_disable_kick(q);
	do {
		for (; batch < BATCH; batch++) {
			c = (struct virtq_chain){.iov = q->iov, .room = q->max};
			if (!virtq_pop(q, &c))
				break;
			virtq_push(q, c.head, control_request(s, &c));
		}
		if (batch == BATCH) {
			virtio_kick(&s->dev, SCSI_CONTROL);
			break;
		}
	} while (virtq_enable_kick(q));
	virtio_publish(&s->dev, SCSI_CONTROL);
}

static void
scsi_notify(struct virtio_dev *dev, unsigned queue)
{
	struct scsi *s = (struct scsi *)dev;

	if (queue == SCSI_CONTROL)
		control(s);
	if (queue == SCSI_EVENTS && s->missed)
		send_event(s, SCSI_NO_EVENT, 0);
	/* A drained read may have left commands behind. */
	if (queue != SCSI_EVENTS && virtio_usable(dev, SCSI_COMMANDS))
		commands(s);
}

/* The block layer has finished something. */
static void
on_readable(evutil_socket_t fd, short what, void *arg)
{
	struct scsi *s = arg;

	virtio_begin(&s->dev);
	block_reap(s->drive);
	if (virtio_usable(&s->dev, SCSI_COMMANDS))
		commands(s);
	virtio_end(&s->dev);
}

static void
scsi_drain(struct virtio_dev *dev)
{
	struct scsi *s = (struct scsi *)dev;

	block_drain(s->drive);
	if (dev->queue[SCSI_COMMANDS].vq.ready)
		virtio_publish(dev, SCSI_COMMANDS);
}

static void
scsi_reset(struct virtio_dev *dev)
{
	struct scsi *s = (struct scsi *)dev;

	cdrom_reset(&s->cd);
	scsi_sizes_reset(dev);
	s->subscribed = 0;
	s->missed = false;
	note(s);
}

static void
scsi_save(struct virtio_dev *dev, struct state_writer *w)
{
	const struct scsi *s = (const struct scsi *)dev;

	state_put_u8(w, s->cd.open);
	state_put_u8(w, s->cd.locked);
	state_put_u8(w, s->cd.attention);
	state_put_u8(w, s->cd.event);
	state_put_u64(w, s->cd.blocks);
	state_put_u32(w, s->subscribed);
	state_put_u8(w, s->missed);
	scsi_sizes_save(dev, w);
}

static int
scsi_load(struct virtio_dev *dev, struct state_reader *r)
{
	struct scsi *s = (struct scsi *)dev;
	uint64_t blocks;

	s->cd.open = state_get_u8(r) != 0;
	s->cd.locked = state_get_u8(r) != 0;
	s->cd.attention = state_get_u8(r);
	s->cd.event = state_get_u8(r);
	blocks = state_get_u64(r);
	s->subscribed = state_get_u32(r) & SCSI_MEDIA_CHANGE;
	s->missed = state_get_u8(r) != 0;
	scsi_sizes_load(dev, r);
	/* Not the same disc: as if it had been changed on the way. */
	if (blocks != s->cd.blocks && !s->cd.open)
		cdrom_insert(&s->cd, s->cd.blocks);
	note(s);
	return 0;
}

static void
scsi_destroy(struct virtio_dev *dev)
{
	struct scsi *s = (struct scsi *)dev;

	if (s->readable != NULL)
		event_free(s->readable);
	block_close(s->drive);
}

static const struct virtio_ops scsi_ops = {
    .name = "virtio-scsi",
    .type = VIRTIO_ID_SCSI,
    .pci_device = VIRTIO_PCI_SCSI,
    .class_code = 0x010000,
    .queues = SCSI_QUEUES,
    .config_len = sizeof(struct scsi_config),
    .notify = scsi_notify,
    .config_write = scsi_sizes_write,
    .drain = scsi_drain,
    .reset = scsi_reset,
    .save = scsi_save,
    .load = scsi_load,
    .destroy = scsi_destroy,
};

static void
fill_config(struct scsi *s)
{
	struct scsi_config c = {
	    .num_queues = htole32(1),
	    .seg_max = htole32(SCSI_SEG_MAX),
	    .max_sectors = htole32(SCSI_MAX_SECTORS),
	    .cmd_per_lun = htole32(16),
	    .event_info_size = htole32(16),
	};

	_Static_assert(sizeof c <= VIRTIO_CONFIG, "configuration space");
	memcpy(s->dev.config, &c, sizeof c);
	scsi_sizes_reset(&s->dev);
}

static uint64_t
medium_blocks(const struct scsi *s)
{
	return (block_size(s->drive) + CDROM_BLOCK - 1) / CDROM_BLOCK;
}

int
virtio_scsi_create(struct pci_bus *bus, struct event_base *base,
    struct block *drive, void (*changed)(void *arg), void *arg,
    struct virtio_dev **dev, struct error *err)
{
	struct scsi *s = calloc(1, sizeof *s);

	if (s == NULL) {
		block_close(drive);
		return error_set(err, "virtio-scsi: out of memory");
	}
	s->drive = drive;
	s->changed = changed;
	s->arg = arg;
	s->rq.done = done;
	s->cd.blocks = medium_blocks(s);
	cdrom_reset(&s->cd);
	s->told = look(s);
	fill_config(s);
	s->readable = event_new(
	    base, block_event_fd(drive), EV_READ | EV_PERSIST, on_readable, s);
	if (virtio_dev_create(&s->dev, bus, &scsi_ops, 0, err) == -1)
		return -1;
	if (s->readable == NULL)
		return error_set(err, "virtio-scsi: out of memory");
	event_add(s->readable, NULL);
	if (virtio_listen(&s->dev, base, err) == -1)
		return -1;
	if (dev != NULL)
		*dev = &s->dev;
	return 0;
}

int
virtio_scsi_exchange(struct virtio_dev *dev, int fd, const char *path,
    bool force, struct error *err)
{
	struct scsi *s = (struct scsi *)dev;
	struct cdrom before;
	bool free_to;
	int rc = -1;

	virtio_begin(dev);
	before = s->cd;
	free_to = cdrom_eject(&s->cd, force);
	if (!free_to) {
		error_set(err,
		    "its system has locked the drive, since it uses the disc: "
		    "have it let go of that (unmount it), or use force");
		if (fd != -1)
			close(fd);
	} else if ((rc = block_exchange(s->drive, fd, path, err)) == -1) {
		s->cd = before;
	} else if (fd != -1) {
		cdrom_insert(&s->cd, medium_blocks(s));
	}
	if (rc == 0 || !free_to)
		medium_event(s);
	/* What a read that was waited for has left behind. */
	if (virtio_usable(dev, SCSI_COMMANDS))
		commands(s);
	virtio_end(dev);
	return rc;
}

struct virtio_scsi_state
virtio_scsi_look(struct virtio_dev *dev)
{
	struct virtio_scsi_state now;

	virtio_begin(dev);
	now = look((struct scsi *)dev);
	virtio_end(dev);
	return now;
}
