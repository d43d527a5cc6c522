/* backend/virtio/scsi_disks, scsi_request, sdisk: SCSI disks as a driver sees
 * them, of images in memory that fail as told. */
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

static void
fake_submit(struct block *b, struct block_request *rq)
{
	block_queue_add(&((struct fake *)b)->queue, rq);
}

static void
fake_flush_queue(struct block *b)
{
}

static int
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

static unsigned
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

static void
fake_wait(struct block *b)
{
}

static void
fake_close(struct block *b)
{
	close(b->event_fd);
	free(b);
}

static int
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

static void
full(void *arg)
{
	struct fixture *f = arg;

	f->told++;
}

static void
grown(void *arg)
{
	struct fixture *f = arg;

	f->grown++;
}

static const struct virtio_blk_ops ops = {.full = full, .grown = grown};

static uint8_t
byte_at(size_t i)
{
	return (uint8_t)(i * 13 + i / 512);
}

static struct fake *
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

static void
begin(struct fixture *f)
{
	modern_begin(f->bus, F_VERSION_1 | F_CHANGE);
	modern_queue(f->bus, &f->control, CONTROL, SIZE);
	modern_queue(f->bus, &f->events, EVENTS, SIZE);
	modern_queue(f->bus, &f->r, COMMANDS, SIZE);
	modern_ready(f->bus);
	f->bus->fn.msix = true;
}

static int
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

static int
teardown(void **state)
{
	struct fixture *f = *state;

	rig_free(f->bus);
	free(f);
	return 0;
}

static void
wait_used(struct ring *r, uint32_t *len)
{
	time_t end = time(NULL) + 60;

	while (!ring_used(r, NULL, len)) {
		assert_true(time(NULL) < end);
		usleep(100);
	}
}

/* The parts of a command, each in its slot: data of outs or ins bytes. */
static void
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

static struct answer
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

static struct answer
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

static struct answer
command(struct fixture *f, const char *cdb, uint32_t outs, uint32_t ins)
{
	return send_to(f, 0, 0, cdb, outs, ins);
}

static void
is_good(struct answer a)
{
	assert_int_equal(a.response, OK);
	assert_int_equal(a.status, 0);
}

static void
is_refused(struct answer a, uint8_t key, unsigned asc)
{
	assert_int_equal(a.response, OK);
	assert_int_equal(a.status, 2);
	assert_int_equal(a.key, key);
	assert_int_equal(a.asc, asc);
}

/* Gets rid of the attention that a reset leaves. */
static void
attend(struct fixture *f)
{
	is_refused(command(f, "0", 0, 0), 6, 0x2900);
	is_good(command(f, "0", 0, 0));
	is_refused(send_to(f, 1, 0, "0", 0, 0), 6, 0x2900);
}

static void
test_sdisk_says_what_it_is(void **state)
{
	struct fixture *f = *state;
	struct answer a;

	a = command(f, "12 0 0 0 60", 0, 96);
	is_good(a);
	assert_int_equal(a.data[0], 0);
	assert_int_equal(a.data[1], 0);
	assert_memory_equal(a.data + 8, "VMTUI   DISK            ", 24);
	assert_int_equal(a.residual, 96 - 36);
	assert_int_equal(a.len, 108 + 36);
	assert_int_equal(
	    send_to(f, 2, 0, "12 0 0 0 60", 0, 96).response, BAD_TARGET);
	assert_int_equal(send_to(f, 0, 1, "12 0 0 0 60", 0, 96).data[0], 0x7f);
	is_refused(send_to(f, 0, 1, "28", 0, 512), 5, 0x2500);
	a = command(f, "a0 0 0 0 0 0 0 0 0 10", 0, 16);
	assert_memory_equal(a.data, "\0\0\0\x08\0\0\0\0\0\0", 10);
	attend(f);
	a = command(f, "25", 0, 8);
	is_good(a);
	assert_memory_equal(a.data, "\0\0\x07\xcf\0\0\2\0", 8);
	a = command(f, "9e 10 0 0 0 0 0 0 0 0 0 0 0 20", 0, 32);
	is_good(a);
	assert_memory_equal(
	    a.data, "\0\0\0\0\0\0\x07\xcf\0\0\2\0\0\3\x80\0", 16);
	is_refused(command(f, "9e 11", 0, 32), 5, 0x2400);
	/* Its cache, and whether it can be written. */
	a = command(f, "1a 0 8 0 ff", 0, 64);
	is_good(a);
	assert_memory_equal(a.data, "\x17\0\x10\0\x08\x12\x04", 7);
	a = send_to(f, 1, 0, "5a 0 3f 0 0 0 0 0 ff", 0, 255);
	is_good(a);
	assert_int_equal(a.data[3], 0x90);
	a = command(f, "1a 0 48 0 ff", 0, 64);
	assert_int_equal(a.data[6], 0);
	is_refused(command(f, "1a 0 3e 0 ff", 0, 64), 5, 0x2400);
	is_refused(command(f, "1a 0 c8 0 ff", 0, 64), 5, 0x2400);
	is_good(command(f, "3 0 0 0 12", 0, 18));
	is_refused(command(f, "ff", 0, 0), 5, 0x2000);
}

static void
test_sdisk_has_its_vital_pages(void **state)
{
	struct fixture *f = *state;
	struct answer a;

	a = command(f, "12 1 0 0 ff", 0, 255);
	is_good(a);
	assert_memory_equal(a.data, "\0\0\0\6\x00\x80\x83\xb0\xb1\xb2", 10);
	a = send_to(f, 1, 0, "12 1 80 0 ff", 0, 255);
	assert_memory_equal(a.data, "\0\x80\0\3two", 7);
	a = command(f, "12 1 83 0 ff", 0, 255);
	assert_memory_equal(a.data, "\0\x83\0\x0f\2\1\0\x0bVMTUI   sda", 19);
	a = command(f, "12 1 b0 0 ff", 0, 255);
	is_good(a);
	assert_memory_equal(a.data, "\0\xb0\0\x3c\1\0\0\x08", 8);
	assert_memory_equal(a.data + 20, "\0\x40\0\0\0\0\0\1\0\0\0\x08", 12);
	a = command(f, "12 1 b1 0 ff", 0, 255);
	assert_memory_equal(a.data, "\0\xb1\0\x3c\0\1", 6);
	a = command(f, "12 1 b2 0 ff", 0, 255);
	assert_memory_equal(a.data, "\0\xb2\0\4\0\xe0\2\0", 8);
	/* What can only be read gives no space back. */
	a = send_to(f, 1, 0, "12 1 b2 0 ff", 0, 255);
	assert_memory_equal(a.data, "\0\xb2\0\4\0\0\0\0", 8);
	is_refused(command(f, "12 1 c0 0 ff", 0, 255), 5, 0x2400);
	is_refused(command(f, "12 0 80 0 ff", 0, 255), 5, 0x2400);
	/* No more than is allowed, nor than there is room for. */
	assert_int_equal(command(f, "12 1 b0 0 5", 0, 255).len, 108 + 5);
	assert_int_equal(command(f, "12 1 b0 0 ff", 0, 6).len, 108 + 6);
}

static void
test_sdisk_reads_and_writes_by_every_cdb(void **state)
{
	static const char *const reads[] = {"8 0 0 7 2", "28 0 0 0 0 7 0 0 2",
	    "a8 0 0 0 0 7 0 0 0 2", "88 0 0 0 0 0 0 0 0 7 0 0 0 2"};
	static const char *const writes[] = {"a 0 0 9 2", "2a 0 0 0 0 9 0 0 2",
	    "aa 0 0 0 0 9 0 0 0 2", "8a 0 0 0 0 0 0 0 0 9 0 0 0 2"};
	struct fixture *f = *state;
	struct answer a;
	unsigned i, j;

	attend(f);
	for (i = 0; i < 4; i++) {
		a = command(f, reads[i], 0, 1024);
		is_good(a);
		assert_int_equal(a.residual, 0);
		assert_int_equal(a.len, 108 + 1024);
		for (j = 0; j < 1024; j++)
			assert_int_equal(a.data[j], byte_at(7 * 512 + j));
		/* More room than it takes. */
		a = command(f, reads[i], 0, 5000);
		assert_int_equal(a.residual, 5000 - 1024);
		memset(ram(f->bus, DATA), (int)(i + 1), 1024);
		is_good(command(f, writes[i], 1024, 0));
		for (j = 0; j < 1024; j++)
			assert_int_equal(f->disk[0]->bytes[9 * 512 + j], i + 1);
		assert_int_equal(
		    f->disk[0]->bytes[11 * 512], byte_at(11 * 512));
	}
	/* None is 256 of 6 bytes, and nothing of the others. */
	a = command(f, "8 0 0 0 0", 0, 256 * 512);
	assert_int_equal(a.len, 108 + 256 * 512);
	is_good(command(f, "28 0 0 0 0 7 0 0 0", 0, 0));
	/* The end: zeroes where the image has nothing more. */
	a = command(f, "28 0 0 0 7 cf 0 0 1", 0, 512);
	is_good(a);
	assert_int_equal(a.data[411], byte_at(BYTES - 1));
	assert_int_equal(a.data[412], 0);
	assert_int_equal(
	    virtio_scsi_disk_figures(f->dev, 0)->out_bytes, 4 * 1024);
	assert_int_equal(virtio_scsi_disk_figures(f->dev, 1)->in_ops, 0);
}

static void
test_sdisk_refuses_what_it_must_not_do(void **state)
{
	struct fixture *f = *state;

	attend(f);
	is_refused(command(f, "28 0 0 0 7 cf 0 0 2", 0, 1024), 5, 0x2100);
	is_refused(command(f, "28 0 ff ff ff ff 0 ff ff", 0, 512), 5, 0x2100);
	is_refused(
	    command(f, "88 0 ff ff ff ff ff ff ff ff ff ff ff ff", 0, 512), 5,
	    0x2100);
	is_refused(command(f, "28 20 0 0 0 7 0 0 2", 0, 1024), 5, 0x2400);
	is_refused(command(f, "2a 0 0 0 7 cf 0 0 2", 1024, 0), 5, 0x2100);
	is_refused(command(f, "35 0 0 0 8 0 0 0 1", 0, 0), 5, 0x2100);
	is_refused(command(f, "2f 2 0 0 0 7 0 0 1", 0, 0), 5, 0x2400);
	is_good(command(f, "2f 0 0 0 0 7 0 0 1", 0, 0));
	/* Less room or data than it takes. */
	assert_int_equal(
	    command(f, "28 0 0 0 0 7 0 0 2", 0, 1023).response, OVERRUN);
	assert_int_equal(
	    command(f, "28 0 0 0 0 7 0 0 2", 0, 0).response, OVERRUN);
	assert_int_equal(
	    command(f, "2a 0 0 0 0 7 0 0 2", 1023, 0).response, OVERRUN);
	assert_int_equal(
	    command(f, "41 0 0 0 0 7 0 0 2", 511, 0).response, OVERRUN);
	assert_int_equal(
	    command(f, "42 0 0 0 0 0 0 0 18", 23, 0).response, OVERRUN);
	assert_int_equal(f->disk[0]->bytes[7 * 512], byte_at(7 * 512));
	/* And none of what can only be read changes. */
	is_refused(send_to(f, 1, 0, "2a 0 0 0 0 7 0 0 1", 512, 0), 7, 0x2700);
	is_refused(send_to(f, 1, 0, "41 0 0 0 0 7 0 0 1", 512, 0), 7, 0x2700);
	is_refused(
	    send_to(f, 1, 0, "93 1 0 0 0 0 0 0 0 7 0 0 0 1", 0, 0), 7, 0x2700);
	is_refused(send_to(f, 1, 0, "42 0 0 0 0 0 0 0 18", 24, 0), 7, 0x2700);
	is_good(send_to(f, 1, 0, "28 0 0 0 0 7 0 0 1", 0, 512));
	is_good(send_to(f, 1, 0, "35", 0, 0));
}

static void
test_sdisk_gives_space_back(void **state)
{
	struct fixture *f = *state;
	uint8_t *list = ram(f->bus, DATA);

	attend(f);
	memcpy(list, "\0\x16\0\x10\0\0\0\0\0\0\0\0\0\0\0\x10\0\0\0\4", 20);
	memset(list + 20, 0, 4);
	is_good(command(f, "42 0 0 0 0 0 0 0 18", 24, 0));
	assert_int_equal(f->disk[0]->discards, 1);
	assert_int_equal(f->disk[0]->bytes[16 * 512], 0);
	assert_int_equal(f->disk[0]->bytes[20 * 512 - 1], 0);
	assert_int_equal(f->disk[0]->bytes[20 * 512], byte_at(20 * 512));
	/* Up to the end, whose last sector is not whole; a host that cannot. */
	memcpy(list + 8, "\0\0\0\0\0\0\7\xc0\0\0\0\x10", 12);
	is_good(command(f, "42 0 0 0 0 0 0 0 18", 24, 0));
	f->disk[0]->no_discard = true;
	is_good(command(f, "42 0 0 0 0 0 0 0 18", 24, 0));
	assert_int_equal(f->disk[0]->discards, 3);
	/* Nothing to be done; lists that are none. */
	is_good(command(f, "42", 0, 0));
	memcpy(list, "\0\6\0\0\0\0\0\0", 8);
	is_good(command(f, "42 0 0 0 0 0 0 0 8", 8, 0));
	is_refused(command(f, "42 0 0 0 0 0 0 0 7", 7, 0), 5, 0x1a00);
	memcpy(list, "\0\x16\0\x10", 4);
	is_refused(command(f, "42 0 0 0 0 0 0 0 17", 23, 0), 5, 0x1a00);
	memcpy(list, "\0\x26\0\x20", 4);
	is_refused(command(f, "42 0 0 0 0 0 0 0 28", 40, 0), 5, 0x2600);
	memcpy(list, "\0\x16\0\x10\0\0\0\0\0\0\0\0\0\0\0\x10\0\x40\0\1", 20);
	is_refused(command(f, "42 0 0 0 0 0 0 0 18", 24, 0), 5, 0x2600);
	memcpy(list + 16, "\0\0\7\xc1", 4);
	is_refused(command(f, "42 0 0 0 0 0 0 0 18", 24, 0), 5, 0x2100);
	is_refused(command(f, "42 1 0 0 0 0 0 0 18", 24, 0), 5, 0x2400);
	assert_int_equal(f->disk[0]->discards, 3);
}

static void
test_sdisk_writes_the_same_everywhere(void **state)
{
	struct fixture *f = *state;
	uint8_t *block = ram(f->bus, DATA);
	unsigned i;

	attend(f);
	for (i = 0; i < 512; i++)
		block[i] = (uint8_t)(i + 1);
	/* More than it writes at a time. */
	is_good(command(f, "41 0 0 0 0 64 0 1 2c", 512, 0));
	for (i = 100 * 512; i < 400 * 512; i++)
		assert_int_equal(f->disk[0]->bytes[i], (uint8_t)(i % 512 + 1));
	assert_int_equal(f->disk[0]->bytes[400 * 512], byte_at(400 * 512));
	assert_int_equal(
	    f->disk[0]->bytes[100 * 512 - 1], byte_at(100 * 512 - 1));
	/* To the end, of which the image has a part. */
	is_good(command(f, "93 0 0 0 0 0 0 0 7 ca 0 0 0 6", 512, 0));
	assert_int_equal(f->disk[0]->bytes[BYTES - 1], (uint8_t)412);
	/* Zeroes, and none at all. */
	memset(block, 0, 512);
	is_good(command(f, "93 8 0 0 0 0 0 0 7 ca 0 0 0 6", 512, 0));
	assert_int_equal(f->disk[0]->bytes[BYTES - 1], 0);
	is_good(command(f, "93 1 0 0 0 0 0 0 0 64 0 0 0 2", 0, 0));
	assert_int_equal(f->disk[0]->bytes[102 * 512 - 1], 0);
	assert_int_equal(f->disk[0]->bytes[102 * 512], 1);
	is_refused(command(f, "41 0 0 0 0 64 0 0 0", 512, 0), 5, 0x2400);
	is_refused(command(f, "41 1 0 0 0 64 0 0 1", 512, 0), 5, 0x2400);
	is_refused(
	    command(f, "93 10 0 0 0 0 0 0 0 64 0 0 0 1", 512, 0), 5, 0x2400);
	is_refused(
	    command(f, "93 0 0 0 0 0 0 0 0 64 0 2 0 1", 512, 0), 5, 0x2400);
	is_refused(
	    command(f, "93 0 0 0 0 0 0 0 7 cf 0 0 0 2", 512, 0), 5, 0x2100);
}

static void
test_sdisk_flushes_when_it_is_told(void **state)
{
	struct fixture *f = *state;

	attend(f);
	is_good(command(f, "2a 0 0 0 0 7 0 0 1", 512, 0));
	assert_int_equal(f->disk[0]->flushes, 0);
	is_good(command(f, "35", 0, 0));
	assert_int_equal(f->disk[0]->flushes, 1);
	is_good(command(f, "91", 0, 0));
	assert_int_equal(f->disk[0]->flushes, 2);
	/* FUA */
	is_good(command(f, "2a 8 0 0 0 7 0 0 1", 512, 0));
	assert_int_equal(f->disk[0]->flushes, 3);
	f->disk[0]->error = EIO;
	is_refused(command(f, "35", 0, 0), 3, 0x0c00);
	is_refused(command(f, "2a 8 0 0 0 7 0 0 1", 512, 0), 3, 0x0c00);
	assert_int_equal(f->disk[1]->flushes, 0);
}

/* Buffers may be cut anywhere, also where one part ends and another begins. */
static void
test_scsi_disk_takes_buffers_in_any_pieces(void **state)
{
	static const uint8_t read[16] = {0x28, 0, 0, 0, 0, 7, 0, 0, 2};
	struct fixture *f = *state;
	struct buf b[5];
	uint8_t *h = ram(f->bus, REQUEST);
	const uint8_t *in = ram(f->bus, DATA);
	unsigned cut, i;
	uint32_t len;

	attend(f);
	memset(h, 0, 51);
	h[0] = 1;
	memcpy(h + 19, read, sizeof read);
	for (cut = 1; cut < 108 + 1024; cut += cut < 120 ? 1 : 97) {
		memset(ram(f->bus, DATA), 0xee, 2000);
		b[0] = (struct buf){REQUEST, cut % 50 + 1, false};
		b[1] = (struct buf){
		    REQUEST + cut % 50 + 1, 51 - cut % 50 - 1, false};
		b[2] = (struct buf){DATA, cut, true};
		b[3] = (struct buf){DATA + cut, 108 + 1024 - cut, true};
		ring_add(&f->r, b, 4);
		modern_kick(f->bus, COMMANDS);
		wait_used(&f->r, &len);
		assert_int_equal(len, 108 + 1024);
		assert_int_equal(in[11], OK);
		for (i = 0; i < 1024; i++)
			assert_int_equal(in[108 + i], byte_at(7 * 512 + i));
		assert_int_equal(in[108 + 1024], 0xee);
	}
}

static void
test_scsi_disk_has_many_commands_at_once(void **state)
{
	uint8_t read[16] = {0x28, 0, 0, 0, 0, 0, 0, 0, 1};
	struct fixture *f = *state;
	unsigned i, n = 30;
	uint32_t len;

	attend(f);
	for (i = 0; i < n; i++) {
		read[5] = (uint8_t)i;
		put(f, i, i % 2, 0, read, 0, 512);
	}
	modern_kick(f->bus, COMMANDS);
	for (i = 0; i < n; i++)
		wait_used(&f->r, &len);
	for (i = 0; i < n; i++)
		is_good(answer_of(f, i));
	assert_int_equal(virtio_scsi_disk_figures(f->dev, 0)->in_ops, n / 2);
	assert_int_equal(virtio_scsi_disk_figures(f->dev, 1)->in_ops, n / 2);
}

/* ---- a host without room ---- */

static const uint8_t write_1[16] = {0x2a, 0, 0, 0, 0, 5, 0, 0, 1};

/* Two writes that wait; slots 1 and 2. */
static void
fill_up(struct fixture *f)
{
	unsigned i;

	attend(f);
	f->disk[0]->error = ENOSPC;
	memset(ram(f->bus, DATA), 0x77, 512);
	put(f, 1, 0, 0, write_1, 512, 0);
	put(f, 2, 0, 0, write_1, 512, 0);
	modern_kick(f->bus, COMMANDS);
	for (i = 0; i < 60000 && f->disk[0]->tries < 2; i++)
		usleep(1000);
	assert_int_equal(f->disk[0]->tries, 2);
	assert_int_equal(virtio_scsi_disk_full(f->dev, 0), ENOSPC);
	assert_int_equal(virtio_scsi_disk_full(f->dev, 1), 0);
	assert_int_equal(f->told, 1);
	assert_false(ring_used(&f->r, NULL, NULL));
}

static void
test_scsi_disk_waits_for_room_on_the_host(void **state)
{
	static const uint8_t read[16] = {0x28, 0, 0, 0, 0, 5, 0, 0, 1};
	struct fixture *f = *state;
	unsigned i;
	uint32_t len;

	fill_up(f);
	put(f, 3, 1, 0, read, 0, 512);
	modern_kick(f->bus, COMMANDS);
	/* There still is none: it is told once more. */
	virtio_scsi_disks_retry(f->dev);
	for (i = 0; i < 60000 && f->told < 2; i++)
		usleep(1000);
	assert_int_equal(f->told, 2);
	assert_int_equal(f->disk[0]->bytes[5 * 512], byte_at(5 * 512));
	f->disk[0]->error = 0;
	virtio_scsi_disks_retry(f->dev);
	for (i = 0; i < 3; i++)
		wait_used(&f->r, &len);
	for (i = 1; i < 4; i++)
		is_good(answer_of(f, i));
	assert_int_equal(f->disk[0]->bytes[5 * 512], 0x77);
	assert_int_equal(virtio_scsi_disk_full(f->dev, 0), 0);
}

static uint8_t
manage(struct fixture *f, uint8_t what, uint8_t target, uint8_t tag)
{
	struct buf b[2] = {{REQUEST, 24, false}, {RESPONSE, 1, true}};
	uint8_t *h = ram(f->bus, REQUEST);
	uint32_t len;

	memset(h, 0, 24);
	h[4] = what;
	h[8] = 1;
	h[9] = target;
	h[16] = tag;
	ring_add(&f->control, b, 2);
	modern_kick(f->bus, CONTROL);
	wait_used(&f->control, &len);
	assert_int_equal(len, 1);
	return *ram(f->bus, RESPONSE);
}

static void
test_scsi_disk_aborts_what_waits(void **state)
{
	struct fixture *f = *state;
	uint32_t len;

	fill_up(f);
	assert_int_equal(manage(f, 6, 0, 2), OK); /* a question */
	assert_int_equal(manage(f, 5, 9, 0), BAD_TARGET);
	assert_false(ring_used(&f->r, NULL, NULL));
	assert_int_equal(manage(f, 0, 0, 3), OK); /* slot 2's tag */
	wait_used(&f->r, &len);
	assert_int_equal(answer_of(f, 2).response, ABORTED);
	assert_int_equal(virtio_scsi_disk_full(f->dev, 0), ENOSPC);
	assert_int_equal(manage(f, 5, 0, 0), OK); /* the unit */
	wait_used(&f->r, &len);
	assert_int_equal(answer_of(f, 1).response, ABORTED);
	assert_int_equal(virtio_scsi_disk_full(f->dev, 0), 0);
	/* Others are served again; the unit was reset. */
	f->disk[0]->error = 0;
	is_refused(command(f, "0", 0, 0), 6, 0x2900);
	is_good(command(f, "0", 0, 0));
	assert_int_equal(f->disk[0]->bytes[5 * 512], byte_at(5 * 512));
}

static void
test_scsi_disk_forgets_what_waits_with_a_reset(void **state)
{
	struct fixture *f = *state;

	fill_up(f);
	begin(f);
	f->disk[0]->error = 0;
	virtio_scsi_disks_retry(f->dev);
	assert_int_equal(virtio_scsi_disk_full(f->dev, 0), 0);
	attend(f);
	assert_int_equal(f->disk[0]->bytes[5 * 512], byte_at(5 * 512));
}

static void
test_scsi_disk_goes_on_with_what_waits_where_it_is_loaded(void **state)
{
	struct fixture *f = *state;
	struct state_writer w = {0};
	struct state_reader r = {0};
	struct error err;
	uint32_t len;
	unsigned i;

	fill_up(f);
	state_begin(&w, "card", 1);
	f->bus->fn.ops->save(f->bus->fn.arg, &w);
	state_end(&w);
	f->bus->fn.ops->reset(f->bus->fn.arg);
	f->disk[0]->error = 0;
	r.data = w.data;
	r.len = r.end = w.len;
	assert_int_equal(state_open(&r, "card"), 1);
	assert_int_equal(f->bus->fn.ops->load(f->bus->fn.arg, &r, &err), 0);
	assert_int_equal(state_close(&r, "card", &err), 0);
	for (i = 0; i < 2; i++)
		wait_used(&f->r, &len);
	for (i = 1; i < 3; i++)
		is_good(answer_of(f, i));
	assert_int_equal(f->disk[0]->bytes[5 * 512], 0x77);
	state_writer_free(&w);
}

/* ---- a disk that becomes larger ---- */

static int
grow(struct fixture *f, unsigned target, uint64_t size, struct error *err)
{
	unsigned before = f->grown, i;
	uint64_t now;
	int rc;

	if (virtio_scsi_disk_grow(f->dev, target, size, false, err) == -1)
		return -1;
	for (i = 0; i < 60000 && f->grown == before; i++)
		usleep(1000);
	rc = virtio_scsi_disk_grown(f->dev, target, &now, err);
	assert_true(rc != 1);
	return rc;
}

static void
test_scsi_disk_grows_and_says_so(void **state)
{
	struct fixture *f = *state;
	struct buf b = {EVENT, 16, true};
	struct error err;
	struct answer a;
	uint32_t len;

	attend(f);
	ring_add(&f->events, &b, 1);
	modern_kick(f->bus, EVENTS);
	assert_int_equal(grow(f, 0, 3000 * 512, &err), 0);
	wait_used(&f->events, &len);
	assert_int_equal(len, 16);
	assert_memory_equal(
	    ram(f->bus, EVENT), "\3\0\0\0\1\0\0\0\0\0\0\0\x2a\x09\0\0", 16);
	is_refused(command(f, "0", 0, 0), 6, 0x2a09);
	a = command(f, "25", 0, 8);
	is_good(a);
	assert_memory_equal(a.data, "\0\0\x0b\xb7\0\0\2\0", 8);
	/* Not smaller, not the same, not what can only be read. */
	assert_int_equal(grow(f, 0, 2999 * 512, &err), -1);
	assert_int_equal(grow(f, 0, 3000 * 512, &err), -1);
	assert_int_equal(grow(f, 0, 4000 * 512 + 1, &err), -1);
	assert_int_equal(grow(f, 1, 4000 * 512, &err), -1);
	f->disk[0]->error = ENOSPC;
	assert_int_equal(grow(f, 0, 4000 * 512, &err), -1);
	assert_non_null(strstr(err.text, "no room"));
	is_good(command(f, "0", 0, 0));
	/* Without a buffer the event is missed, which is said later. */
	f->disk[0]->error = 0;
	assert_int_equal(grow(f, 0, 4000 * 512, &err), 0);
	assert_false(ring_used(&f->events, NULL, NULL));
	ring_add(&f->events, &b, 1);
	modern_kick(f->bus, EVENTS);
	wait_used(&f->events, &len);
	assert_memory_equal(ram(f->bus, EVENT), "\0\0\0\x80", 4);
}

/* ---- a driver that means no good ---- */

static void
test_scsi_disk_command_without_response_breaks_the_queue(void **state)
{
	static const struct buf parts[][2] = {
	    {{REQUEST, 51, false}, {RESPONSE, 107, true}},
	    {{REQUEST, 50, false}, {RESPONSE, 108, true}},
	    {{REQUEST, 51, false}, {RESPONSE, 108, false}},
	    {{REQUEST, 51, true}, {RESPONSE, 108, true}}};
	struct fixture *f = *state;
	unsigned i, j;

	for (i = 0; i < 4; i++) {
		begin(f);
		ring_add(&f->r, parts[i], 2);
		modern_kick(f->bus, COMMANDS);
		for (j = 0;
		     j < 60000 && !(modern_status(f->bus) & S_NEEDS_RESET); j++)
			usleep(1000);
		assert_true(modern_status(f->bus) & S_NEEDS_RESET);
	}
}

static void
test_scsi_disk_control_queue_survives_anything(void **state)
{
	struct fixture *f = *state;
	struct buf b[2] = {{REQUEST, 0, false}, {RESPONSE, 5, true}};
	unsigned i, type;
	uint32_t len;

	for (type = 0; type < 4; type++)
		for (i = 1; i < 30; i++) {
			memset(ram(f->bus, REQUEST), 0xff, 30);
			memset(ram(f->bus, REQUEST), 0, 4);
			*ram(f->bus, REQUEST) = (uint8_t)type;
			b[0].len = i;
			b[1].len = i % 6 + 1;
			ring_add(&f->control, b, 2);
			modern_kick(f->bus, CONTROL);
			wait_used(&f->control, &len);
			assert_true(len <= b[1].len);
		}
}

/*
 * Whatever the command, an answer comes, with no more data than there is room
 * for; and nothing is written that cannot be.
 */
static void
test_sdisk_survives_any_command(void **state)
{
	struct fixture *f = *state;
	uint8_t cdb[16];
	unsigned i, n;
	uint32_t ins, outs, len;
	struct answer a;

	srand(5);
	for (i = 0; i < 12000; i++) {
		for (n = 0; n < 16; n++)
			cdb[n] = rand() % 3 == 0 ? (uint8_t)rand() : 0;
		cdb[0] = (uint8_t)(i / 45);
		ins = (uint32_t)(rand() % 3000);
		outs = (uint32_t)(rand() % 3000);
		if (rand() % 2 == 0)
			*(rand() % 2 == 0 ? &ins : &outs) = 0;
		for (n = 0; n < 64; n++)
			*ram(f->bus, DATA + n) = (uint8_t)(rand() % 8);
		*ram(f->bus, DATA + 4000) = 0xee;
		put(f, 0, i % 2, 0, cdb, outs, ins);
		modern_kick(f->bus, COMMANDS);
		wait_used(&f->r, &len);
		a = answer_of(f, 0);
		assert_true(len >= 108 && len <= 108 + ins);
		assert_int_equal(a.residual, ins - (len - 108));
	}
	for (i = 0; i < BYTES; i++)
		if (f->disk[1]->bytes[i] != byte_at(i))
			fail_msg("byte %u of a read-only disk changed", i);
}

int
main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
	    TEST(test_sdisk_says_what_it_is),
	    TEST(test_sdisk_has_its_vital_pages),
	    TEST(test_sdisk_reads_and_writes_by_every_cdb),
	    TEST(test_sdisk_refuses_what_it_must_not_do),
	    TEST(test_sdisk_gives_space_back),
	    TEST(test_sdisk_writes_the_same_everywhere),
	    TEST(test_sdisk_flushes_when_it_is_told),
	    TEST(test_scsi_disk_takes_buffers_in_any_pieces),
	    TEST(test_scsi_disk_has_many_commands_at_once),
	    TEST(test_scsi_disk_waits_for_room_on_the_host),
	    TEST(test_scsi_disk_aborts_what_waits),
	    TEST(test_scsi_disk_forgets_what_waits_with_a_reset),
	    TEST(test_scsi_disk_goes_on_with_what_waits_where_it_is_loaded),
	    TEST(test_scsi_disk_grows_and_says_so),
	    TEST(test_scsi_disk_command_without_response_breaks_the_queue),
	    TEST(test_scsi_disk_control_queue_survives_anything),
	    TEST(test_sdisk_survives_any_command),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
