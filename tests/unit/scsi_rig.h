/*
 * scsi_rig.h: a virtio-scsi host with two disks as its driver has it, of images
 * in memory that fail as told; the second can only be read.
 */
#ifndef TESTS_SCSI_RIG_H
#define TESTS_SCSI_RIG_H

#include <errno.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>

#include "tests/unit/virtio_rig.h"
#include "backend/block/engine.h"

#define SIZE     128
#define REQUEST  0x200000u /* of 64 bytes, one a command */
#define RESPONSE 0x208000u /* of 256 */
#define DATA     0x220000u
#define SECTORS  2000u
#define BYTES    (SECTORS * 512u - 100) /* the last one is not whole */

#define CONTROL  0
#define EVENTS   1
#define COMMANDS 2
#define EVENT    0x21f000u

#define F_CHANGE (1ULL << 2)

#define OK         0
#define OVERRUN    1
#define ABORTED    2
#define BAD_TARGET 3

struct fake {
	struct block b; /* first */
	struct block_queue queue;
	atomic_int error; /* of whatever changes it, 0: none */
	atomic_uint tries; /* requests that failed so */
	atomic_uint flushes, discards;
	atomic_bool no_discard;
	uint8_t bytes[BYTES];
};

struct answer {
	uint8_t response, status, key;
	unsigned asc, residual, len;
	const uint8_t *data;
};

struct fixture {
	struct pci_bus *bus;
	struct virtio_dev *dev;
	struct fake *disk[2]; /* the second can only be read */
	struct ring r, control, events;
	atomic_uint told, grown; /* calls of full() and grown() */
};

static inline void
fake_submit(struct block *b, struct block_request *rq)
{
	block_queue_add(&((struct fake *)b)->queue, rq);
}

static inline void
fake_flush_queue(struct block *b)
{
}

static inline int
serve(struct fake *k, struct block_request *rq)
{
	uint64_t at = rq->offset;
	unsigned i;

	if (rq->op != BLOCK_READ && k->error != 0) {
		k->tries++;
		return -k->error;
	}
	k->flushes += rq->op == BLOCK_FLUSH;
	k->discards += rq->op == BLOCK_DISCARD;
	if (rq->op == BLOCK_DISCARD && k->no_discard)
		return -EOPNOTSUPP;
	if (rq->op == BLOCK_DISCARD || rq->op == BLOCK_WRITE_ZEROES)
		memset(k->bytes + at, 0, rq->len);
	for (i = 0; rq->op <= BLOCK_WRITE && i < rq->iovs; i++) {
		size_t n = rq->iov[i].iov_len;

		if (rq->op == BLOCK_WRITE) {
			memcpy(k->bytes + at, rq->iov[i].iov_base, n);
		} else {
			memset(rq->iov[i].iov_base, 0, n);
			if (at < BYTES)
				memcpy(rq->iov[i].iov_base, k->bytes + at,
				    n < BYTES - at ? n : BYTES - at);
		}
		at += n;
	}
	if (rq->op <= BLOCK_WRITE)
		assert_int_equal(at, rq->offset + rq->len);
	return 0;
}

static inline unsigned
fake_reap(struct block *b)
{
	struct fake *k = (struct fake *)b;
	struct block_request *rq;
	unsigned n = 0;

	while ((rq = block_queue_take(&k->queue)) != NULL) {
		block_finish(b, rq, serve(k, rq));
		n++;
	}
	return n;
}

static inline void
fake_wait(struct block *b)
{
}

static inline void
fake_close(struct block *b)
{
	close(b->event_fd);
	free(b);
}

static inline int
fake_resize(struct block *b, uint64_t size, struct error *err)
{
	struct fake *k = (struct fake *)b;

	if (k->error != 0)
		return error_set(err, "the host has no room");
	b->size = size;
	return 0;
}

static const struct block_ops fake_ops = {
    .submit = fake_submit,
    .flush_queue = fake_flush_queue,
    .reap = fake_reap,
    .wait = fake_wait,
    .close = fake_close,
    .resize = fake_resize,
};

static inline void
full(void *arg)
{
	struct fixture *f = arg;

	f->told++;
}

static inline void
grown(void *arg)
{
	struct fixture *f = arg;

	f->grown++;
}

static const struct virtio_blk_ops ops = {.full = full, .grown = grown};

static inline uint8_t
byte_at(size_t i)
{
	return (uint8_t)(i * 13 + i / 512);
}

static inline struct fake *
fake_new(bool readonly)
{
	struct fake *k = calloc(1, sizeof *k);
	size_t i;

	k->b.ops = &fake_ops;
	k->b.event_fd = eventfd(0, EFD_CLOEXEC);
	k->b.fd = dup(k->b.event_fd);
	k->b.path = strdup("fake");
	k->b.size = BYTES;
	k->b.readonly = readonly;
	block_queue_init(&k->b.ready);
	block_queue_init(&k->queue);
	for (i = 0; i < BYTES; i++)
		k->bytes[i] = byte_at(i);
	return k;
}

static inline void
begin(struct fixture *f)
{
	modern_begin(f->bus, F_VERSION_1 | F_CHANGE);
	modern_queue(f->bus, &f->control, CONTROL, SIZE);
	modern_queue(f->bus, &f->events, EVENTS, SIZE);
	modern_queue(f->bus, &f->r, COMMANDS, SIZE);
	modern_ready(f->bus);
	f->bus->fn.msix = true;
}

static inline int
setup(void **state)
{
	struct fixture *f = calloc(1, sizeof *f);
	struct virtio_scsi_disk disk[2] = {
	    {.name = "sda", .serial = "sda"}, {.name = "sdb", .serial = "two"}};
	struct error err;
	unsigned i;

	f->bus = rig_new();
	for (i = 0; i < 2; i++) {
		f->disk[i] = fake_new(i == 1);
		disk[i].block = &f->disk[i]->b;
	}
	assert_int_equal(
	    virtio_scsi_disks_create(f->bus, disk, 2, &ops, f, &f->dev, &err),
	    0);
	begin(f);
	*state = f;
	return 0;
}

static inline int
teardown(void **state)
{
	struct fixture *f = *state;

	rig_free(f->bus);
	free(f);
	return 0;
}

static inline void
wait_used(struct ring *r, uint32_t *len)
{
	time_t end = time(NULL) + 60;

	while (!ring_used(r, NULL, len)) {
		assert_true(time(NULL) < end);
		usleep(100);
	}
}

/* The parts of a command, each in its slot: data of outs or ins bytes. */
static inline void
put(struct fixture *f, unsigned slot, unsigned target, unsigned lun,
    const uint8_t *cdb, uint32_t outs, uint32_t ins)
{
	uint8_t *h = ram(f->bus, REQUEST + slot * 64);
	struct buf b[4] = {{REQUEST + slot * 64, 51, false}};
	unsigned n = 1;

	memset(h, 0, 51);
	h[0] = 1;
	h[1] = (uint8_t)target;
	h[2] = (uint8_t)(0x40 | lun >> 8);
	h[3] = (uint8_t)lun;
	h[8] = (uint8_t)(slot + 1); /* its tag */
	memcpy(h + 19, cdb, 16);
	memset(ram(f->bus, RESPONSE + slot * 256), 0xee, 108);
	if (outs > 0)
		b[n++] = (struct buf){DATA, outs, false};
	b[n++] = (struct buf){RESPONSE + slot * 256, 108, true};
	if (ins > 0)
		b[n++] = (struct buf){DATA, ins, true};
	ring_add(&f->r, b, n);
}

static inline struct answer
answer_of(struct fixture *f, unsigned slot)
{
	const uint8_t *r = ram(f->bus, RESPONSE + slot * 256);
	struct answer a = {.data = ram(f->bus, DATA)};
	uint32_t word;

	memcpy(&word, r + 4, 4);
	a.residual = word;
	a.status = r[10];
	a.response = r[11];
	a.key = r[14] & 15;
	a.asc = (unsigned)r[24] << 8 | r[25];
	return a;
}

static inline struct answer
send_to(struct fixture *f, unsigned target, unsigned lun, const char *cdb,
    uint32_t outs, uint32_t ins)
{
	uint8_t bytes[16] = {0};
	struct answer a;
	uint32_t len;
	unsigned i;

	/* "28 0 0": bytes in hexadecimal */
	for (i = 0; i < 16 && *cdb != '\0'; i++)
		bytes[i] = (uint8_t)strtoul(cdb, (char **)&cdb, 16);
	if (ins > 0)
		memset(ram(f->bus, DATA), 0xee, ins + 1);
	put(f, 0, target, lun, bytes, outs, ins);
	modern_kick(f->bus, COMMANDS);
	wait_used(&f->r, &len);
	a = answer_of(f, 0);
	a.len = len;
	if (ins > 0)
		assert_int_equal(a.data[ins], 0xee);
	return a;
}

static inline struct answer
command(struct fixture *f, const char *cdb, uint32_t outs, uint32_t ins)
{
	return send_to(f, 0, 0, cdb, outs, ins);
}

static inline void
is_good(struct answer a)
{
	assert_int_equal(a.response, OK);
	assert_int_equal(a.status, 0);
}

static inline void
is_refused(struct answer a, uint8_t key, unsigned asc)
{
	assert_int_equal(a.response, OK);
	assert_int_equal(a.status, 2);
	assert_int_equal(a.key, key);
	assert_int_equal(a.asc, asc);
}

/* Gets rid of the attention that a reset leaves. */
static inline void
attend(struct fixture *f)
{
	is_refused(command(f, "0", 0, 0), 6, 0x2900);
	is_good(command(f, "0", 0, 0));
	is_refused(send_to(f, 1, 0, "0", 0, 0), 6, 0x2900);
}

#endif
