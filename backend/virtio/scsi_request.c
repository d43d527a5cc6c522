/*
 * scsi_request.c: a command to a disk, from the queue to its response.
 *
 *	scsi_begin() ─▶ sdisk_command() ─┬─▶ finish()              it is known
 *	                                 └─▶ block_submit() ─▶ done() ─▶ finish()
 *	                                            ▲            │
 *	                 more of a WRITE SAME, FUA ─┘◀───────────┤
 *	                 scsi_wait(): the host has no room ◀─────┘
 *
 * Data goes between the image and the guest's own buffers, nowhere else.
 */
#include <endian.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "backend/virtio/scsi_disks.h"

/* Puts the response together, which ends the command. */
static void
respond(struct scsi_command *c, uint8_t response, const struct sdisk_reply *r,
    uint64_t data)
{
	struct virtq *q = &c->host->dev.queue[SCSI_COMMANDS].vq;
	struct scsi_response head = {.response = response};

	head.residual = htole32((uint32_t)(c->room - data));
	if (r != NULL) {
		head.status = r->status;
		if (r->status == SCSI_CHECK_CONDITION) {
			head.sense_len = htole32(SCSI_SENSE_LEN);
			memcpy(head.sense, r->sense, SCSI_SENSE_LEN);
		}
	}
	scsi_put_response(c->response, c->responses, c->response_len, &head);
	virtq_push(q, c->head, (uint32_t)(c->response_len + data));
}

/* With what sdisk.c has to say, as far as there is room for it. */
static void
finish(struct scsi_command *c, struct sdisk_reply *r)
{
	if (r->len > c->room)
		r->len = (uint32_t)c->room;
	virtq_copy_in(c->data, c->datas, 0, r->data, r->len);
	respond(c, SCSI_OK, r, r->len);
}

void
scsi_abort(struct scsi_command *c)
{
	respond(c, SCSI_ABORTED, NULL, 0);
}

static void
complain(const struct scsi_command *c, int error)
{
	log_guest(&c->host->dev.quiet, "disk %s: %s of %llu bytes at %llu: %s",
	    c->target->name,
	    c->rq.op == BLOCK_READ        ? "a read"
		: c->rq.op == BLOCK_WRITE ? "a write"
					  : "a flush, discard or zeroes",
	    (unsigned long long)c->rq.len, (unsigned long long)c->rq.offset,
	    strerror(error));
}

static void
count(struct scsi_command *c)
{
	struct virtio_figures *f = &c->target->figures;

	if (c->rq.op == BLOCK_READ) {
		virtio_count(&f->in_bytes, c->rq.len);
		virtio_count(&f->in_ops, 1);
	} else if (c->rq.op == BLOCK_WRITE) {
		virtio_count(&f->out_bytes, c->rq.len);
		virtio_count(&f->out_ops, 1);
	}
}

/* The next stretch of a WRITE SAME; the last sector may not be whole. */
static void
same_next(struct scsi_command *c)
{
	uint64_t len = c->same;
	unsigned i;

	if (len > SAME * SDISK_SECTOR)
		len = SAME * SDISK_SECTOR;
	c->same -= len;
	c->rq.op = BLOCK_WRITE;
	c->rq.len = len;
	c->rq.iov = c->pattern->iov;
	c->rq.iovs = (unsigned)((len + SDISK_SECTOR - 1) / SDISK_SECTOR);
	for (i = 0; i < c->rq.iovs; i++) {
		c->pattern->iov[i].iov_base = c->pattern->sector;
		c->pattern->iov[i].iov_len =
		    len > SDISK_SECTOR ? SDISK_SECTOR : (size_t)len;
		len -= c->pattern->iov[i].iov_len;
	}
	block_submit(c->target->block, &c->rq);
}

static void
failed(struct scsi_command *c, int error)
{
	struct sdisk_reply r;

	complain(c, error);
	sdisk_failed(c->rq.op != BLOCK_READ, &r);
	finish(c, &r);
}

/* A request of the block layer is finished. Lock held. */
static void
done(struct block_request *rq, int result)
{
	struct scsi_command *c = (struct scsi_command *)rq;
	struct sdisk_reply good = {.status = SCSI_GOOD};

	/* Also of a read: tables may have to be written to make room for one. */
	if (result == -ENOSPC || result == -EDQUOT) {
		scsi_wait(c, -result);
		return;
	}
	if (result != 0 && !(c->unmap && result == -EOPNOTSUPP)) {
		failed(c, -result);
		return;
	}
	count(c);
	if (c->same > 0) {
		rq->offset += rq->len;
		same_next(c);
	} else if (c->sync) {
		c->sync = false;
		rq->op = BLOCK_FLUSH;
		rq->offset = rq->len = 0;
		block_submit(c->target->block, rq);
	} else {
		respond(c, SCSI_OK, &good, rq->op == BLOCK_READ ? rq->len : 0);
	}
}

/* Cuts buffers to len bytes, which they have; returns how many are left. */
static unsigned
cut(struct iovec *v, unsigned n, uint64_t len)
{
	unsigned i;

	for (i = 0; i < n && len > 0; i++) {
		if (v[i].iov_len > len)
			v[i].iov_len = len;
		len -= v[i].iov_len;
	}
	return i;
}

static void
transfer(struct scsi_command *c, struct virtq_chain *chain,
    const struct sdisk_reply *r)
{
	bool write = r->what == SDISK_WRITE;
	uint64_t len = r->sectors * SDISK_SECTOR;

	if (len > (write ? chain->out_len : c->room)) {
		respond(c, SCSI_OVERRUN, NULL, 0);
		return;
	}
	c->sync = r->sync;
	c->rq.op = write ? BLOCK_WRITE : BLOCK_READ;
	c->rq.offset = r->sector * SDISK_SECTOR;
	c->rq.len = len;
	c->rq.iov = write ? chain->iov : c->data;
	c->rq.iovs = write ? cut(chain->iov, chain->outs, len)
			   : cut(c->data, c->datas, len);
	block_submit(c->target->block, &c->rq);
}

/* Discards and zeroes; the last sector may not be whole in the image. */
static void
clear(struct scsi_command *c, enum block_op op, const struct sdisk_reply *r)
{
	uint64_t end = block_size(c->target->block);

	c->rq.op = op;
	c->rq.unmap = r->unmap;
	c->rq.offset = r->sector * SDISK_SECTOR;
	c->rq.len = r->sectors * SDISK_SECTOR;
	if (c->rq.offset < end && c->rq.len > end - c->rq.offset)
		c->rq.len = end - c->rq.offset;
	block_submit(c->target->block, &c->rq);
}

static void
unmap(struct scsi_command *c, struct virtq_chain *chain, struct sdisk_reply *r)
{
	uint8_t list[SDISK_UNMAP_LEN] = {0};
	uint32_t len = r->len;

	if (len > chain->out_len) {
		respond(c, SCSI_OVERRUN, NULL, 0);
		return;
	}
	virtq_take_out(chain, list, len < sizeof list ? len : sizeof list);
	sdisk_unmap(&c->target->disk, list, len, r);
	c->unmap = true;
	if (r->what == SDISK_UNMAP)
		clear(c, BLOCK_DISCARD, r);
	else
		finish(c, r);
}

static void
same(struct scsi_command *c, struct virtq_chain *chain,
    const struct sdisk_reply *r)
{
	static const uint8_t zeroes[SDISK_SECTOR];
	uint64_t end = block_size(c->target->block);

	if (c->pattern == NULL)
		c->pattern = malloc(sizeof *c->pattern);
	c->rq.op = BLOCK_WRITE;
	c->rq.offset = r->sector * SDISK_SECTOR;
	c->rq.len = r->sectors * SDISK_SECTOR;
	if (c->pattern == NULL) {
		failed(c, ENOMEM);
		return;
	}
	if (virtq_take_out(chain, c->pattern->sector, SDISK_SECTOR) == -1) {
		respond(c, SCSI_OVERRUN, NULL, 0);
		return;
	}
	if (memcmp(c->pattern->sector, zeroes, SDISK_SECTOR) == 0) {
		clear(c, BLOCK_WRITE_ZEROES, r);
		return;
	}
	c->same = c->rq.len;
	if (c->rq.offset < end && c->same > end - c->rq.offset)
		c->same = end - c->rq.offset;
	same_next(c);
}

/* Does what the disk said is to be done, or answers at once. */
static void
carry_out(
    struct scsi_command *c, struct virtq_chain *chain, struct sdisk_reply *r)
{
	switch (r->what) {
	case SDISK_ANSWER:
		finish(c, r);
		break;
	case SDISK_READ:
	case SDISK_WRITE:
		transfer(c, chain, r);
		break;
	case SDISK_FLUSH:
		c->rq.op = BLOCK_FLUSH;
		c->rq.offset = c->rq.len = 0;
		block_submit(c->target->block, &c->rq);
		break;
	case SDISK_UNMAP:
		unmap(c, chain, r);
		break;
	case SDISK_SAME:
		same(c, chain, r);
		break;
	case SDISK_ZERO:
		clear(c, BLOCK_WRITE_ZEROES, r);
		break;
	}
}

/* Divides the writable buffers, n of them, into response and data. */
static void
divide(struct scsi_command *c, struct iovec *v, unsigned n, uint64_t len)
{
	size_t left = c->response_len;
	unsigned i;

	for (i = 0; i < n && left >= v[i].iov_len; i++)
		left -= v[i].iov_len;
	if (left > 0) {
		/* One has the end of the one and the beginning of the other. */
		memmove(v + i + 1, v + i, (n - i) * sizeof *v);
		n++;
		v[i].iov_len = left;
		i++;
		v[i].iov_base = (uint8_t *)v[i].iov_base + left;
		v[i].iov_len -= left;
	}
	c->response = v;
	c->responses = i;
	c->data = v + i;
	c->datas = n - i;
	c->room = len - c->response_len;
}

/* Where the buffers of a command are kept. NULL: no memory. */
static struct iovec *
keep(struct scsi_command *c, const struct virtq_chain *chain)
{
	unsigned n = chain->outs + chain->ins;
	struct iovec *v = c->iov;

	if (n > SMALL) {
		if (c->large == NULL)
			c->large = malloc((CHAIN + 1) * sizeof *c->large);
		v = c->large;
	}
	if (v != NULL)
		memcpy(v, chain->iov, n * sizeof *v);
	return v;
}

/* The target that is addressed, or NULL (5.6.6.1). */
static struct scsi_target *
find_target(struct scsi_disks *h, const uint8_t lun[8])
{
	if (lun[0] != 1 || lun[1] >= h->targets)
		return NULL;
	return &h->target[lun[1]];
}

void
scsi_begin(struct scsi_disks *h, struct virtq_chain *chain)
{
	struct scsi_command *c = &h->command[chain->head];
	struct virtq *q = &h->dev.queue[SCSI_COMMANDS].vq;
	struct scsi_request request;
	struct sdisk_reply r;

	c->host = h;
	c->head = chain->head;
	c->sync = c->unmap = false;
	c->same = 0;
	c->rq.done = done;
	c->rq.unmap = false;
	c->response_len = scsi_response_len(&h->dev);
	chain->iov = keep(c, chain);
	if (chain->iov == NULL || chain->in_len < c->response_len ||
	    scsi_take_request(&h->dev, chain, &request) == -1) {
		virtq_break(q,
		    chain->iov == NULL
			? "no memory for a list of buffers"
			: "a command without request or response");
		virtq_push(q, c->head, 0);
		return;
	}
	divide(c, chain->iov + chain->outs, chain->ins, chain->in_len);
	c->tag = request.tag;
	c->target = find_target(h, request.lun);
	if (c->target == NULL) {
		respond(c, SCSI_BAD_TARGET, NULL, 0);
		return;
	}
	sdisk_command(&c->target->disk, scsi_lun(request.lun), request.cdb, &r);
	carry_out(c, chain, &r);
}
