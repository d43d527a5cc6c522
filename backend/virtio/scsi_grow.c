/*
 * scsi_grow.c: a SCSI disk made longer while its driver uses it: as blk_grow.c,
 * but that the driver hears of it by a unit attention, and by an event if it
 * wants such (virtio 1.2, 5.6.6.3: parameter change).
 */
#include <endian.h>

#include "backend/virtio/scsi_disks.h"

void
scsi_send_event(struct scsi_disks *h, const struct scsi_target *t,
    uint32_t event, uint32_t reason)
{
	struct virtq *q = &h->dev.queue[SCSI_EVENTS].vq;
	struct virtq_chain c = {.iov = q->iov, .room = q->max};
	struct scsi_event e = {
	    .event = htole32(event | (h->missed ? SCSI_EVENTS_MISSED : 0)),
	    /* Unit 0, as REPORT LUNS has it: Linux takes no other form here. */
	    .lun = {1, t != NULL ? (uint8_t)(t - h->target) : 0},
	    .reason = htole32(reason),
	};

	if (!virtio_usable(&h->dev, SCSI_EVENTS))
		return;
	if (!virtq_pop(q, &c)) {
		h->missed = true;
		return;
	}
	h->missed = false;
	virtq_push(q, c.head,
	    (uint32_t)virtq_copy_in(c.iov + c.outs, c.ins, 0, &e, sizeof e));
	virtio_publish(&h->dev, SCSI_EVENTS);
}

void
scsi_grow(struct scsi_disks *h)
{
	struct scsi_target *t = &h->target[h->grow.target];

	h->grow.state = block_resize(t->block, h->grow.size, &h->grow.why);
	h->grow.size = 0;
	if (h->grow.state == 0) {
		t->disk.sectors = h->grow.sectors;
		/* A reset, which says that all may be new, has precedence. */
		if (t->disk.attention == 0)
			t->disk.attention = ASC_CAPACITY;
		if ((h->dev.features & SCSI_F_CHANGE) != 0)
			scsi_send_event(h, t, SCSI_PARAM_CHANGE,
			    (ASC_CAPACITY >> 8 & 0xff) |
				(ASC_CAPACITY & 0xff) << 8);
	}
	h->ops->grown(h->arg);
}

int
virtio_scsi_disk_grow(struct virtio_dev *dev, unsigned n, uint64_t size,
    bool more, struct error *err)
{
	struct scsi_disks *h = (struct scsi_disks *)dev;
	int rc;

	virtio_begin(dev);
	if (more && size <= INT64_MAX)
		size += block_size(h->target[n].block);
	rc = h->grow.state == SCSI_GROWING
	    ? error_set(err, "a disk is being made larger already")
	    : block_may_grow(h->target[n].block, size, err);
	if (rc == 0) {
		h->grow.size = size;
		h->grow.sectors = size / SDISK_SECTOR;
		h->grow.target = n;
		h->grow.state = SCSI_GROWING;
		virtio_kick(dev, SCSI_COMMANDS);
	}
	virtio_end(dev);
	return rc;
}

int
virtio_scsi_disk_grown(
    struct virtio_dev *dev, unsigned n, uint64_t *size, struct error *err)
{
	struct scsi_disks *h = (struct scsi_disks *)dev;
	int state;

	virtio_begin(dev);
	state = h->grow.state;
	*size = block_size(h->target[n].block);
	if (state == -1)
		*err = h->grow.why;
	virtio_end(dev);
	return state;
}
