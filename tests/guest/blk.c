/*
 * blk.c: see blk.h.
 */
#include "blk.h"
#include "console.h"
#include "cpu.h"
#include "irq.h"

#define F_RO    (1ull << 5)
#define F_FLUSH (1ull << 9)
#define F_MQ    (1ull << 12)

#define CONFIG_QUEUES 34

#define REQUEST_IN    0
#define REQUEST_OUT   1
#define REQUEST_FLUSH 4

#define STATUS_OK          0
#define STATUS_UNSUPPORTED 2

#define PATIENCE 60000000u /* microseconds: a full host disk pauses us */

struct blk {
	struct {
		uint32_t type, reserved;
		uint64_t sector;
	} header;
	uint8_t status;
	_Alignas(512) uint8_t data[BLK_CHUNK * BLK_SECTOR];
};

static int
blk_start(struct virtio *v)
{
	v->data = arena_take(sizeof(struct blk));
	return v->data == NULL ? -1 : 0;
}

static unsigned
blk_count(struct virtio *v)
{
	unsigned n = virtio_config8(v, CONFIG_QUEUES) |
	    (unsigned)virtio_config8(v, CONFIG_QUEUES + 1) << 8;

	return n < VIRTIO_QUEUES ? n : VIRTIO_QUEUES;
}

uint64_t
blk_capacity(const struct virtio *v)
{
	return virtio_config64(v, 0);
}

static void
blk_describe(struct virtio *v)
{
	uint64_t sectors = blk_capacity(v);

	print("%lu sectors (%lu KiB)%s", sectors, sectors / 2,
	    v->features & F_RO ? ", read-only" : "");
}

uint8_t *
blk_buffer(uint64_t disk)
{
	struct virtio *v = virtio_find(VIRTIO_BLK, disk);

	return v == NULL ? NULL : ((struct blk *)v->data)->data;
}

/* One request, from queueing to status. bytes is 0 for a flush. */
static int
request_begin(struct virtio *v, uint32_t type, uint64_t sector, uint32_t bytes)
{
	struct blk *b = v->data;
	struct virtq *q = &v->queue[0];
	struct virtq_piece p[3] = {{&b->header, sizeof(b->header)}};
	unsigned n = 1, in = type == REQUEST_IN ? 2 : 1;

	b->header.type = type;
	b->header.reserved = 0;
	b->header.sector = sector;
	b->status = 0xff;
	if (bytes != 0) {
		p[n].data = b->data;
		p[n++].len = bytes;
	}
	p[n].data = &b->status;
	p[n++].len = 1;
	if (virtq_add(q, p, n - in, in, b) != 0) {
		print("the disk's queue is full\n");
		return -1;
	}
	virtq_kick(q);
	return 0;
}

/* Waits for what was begun; what the device says of it, or -1. */
static int
request_end(struct virtio *v)
{
	struct virtq *q = &v->queue[0];
	struct blk *b = v->data;
	uint32_t len;

	if (virtio_wait(v, q, time_now() + PATIENCE) != 0) {
		v->problem = "it did not answer; `mode' sets it up anew";
		print("no answer from the disk in a minute\n");
		return -1;
	}
	virtq_get(q, &len);
	return b->status;
}

static int
request(struct virtio *v, uint32_t type, uint64_t sector, uint32_t bytes)
{
	if (request_begin(v, type, sector, bytes) != 0)
		return -1;
	return request_end(v);
}

int
blk_write_two(uint64_t sector, unsigned count)
{
	struct virtio *v[2];
	int status[2] = {-1, -1};
	unsigned i;

	for (i = 0; i < 2; i++) {
		v[i] = virtio_find(VIRTIO_BLK, i);
		if (v[i] == NULL || sector + count > blk_capacity(v[i]))
			return -1;
	}
	for (i = 0; i < 2; i++)
		status[i] = request_begin(
		    v[i], REQUEST_OUT, sector, count * BLK_SECTOR);
	for (i = 0; i < 2; i++)
		if (status[i] == 0)
			status[i] = request_end(v[i]);
	if (status[0] != STATUS_OK || status[1] != STATUS_OK)
		print("disk error: %d and %d\n", status[0], status[1]);
	return status[0] == STATUS_OK && status[1] == STATUS_OK ? 0 : -1;
}

static int
transfer(uint64_t disk, uint32_t type, uint64_t sector, unsigned count)
{
	struct virtio *v = virtio_find(VIRTIO_BLK, disk);
	uint64_t capacity;
	int status;

	if (v == NULL)
		return -1;
	capacity = blk_capacity(v);
	if (sector >= capacity || count > capacity - sector) {
		print("sector %lu is beyond the disk's end: it has %lu\n",
		    sector >= capacity ? sector : capacity, capacity);
		return -1;
	}
	if (type == REQUEST_OUT && (v->features & F_RO)) {
		print("disk %lu is read-only\n", disk);
		return -1;
	}
	status = request(v, type, sector, count * BLK_SECTOR);
	if (status > 0)
		print("disk error at sector %lu: the device says %s\n", sector,
		    status == STATUS_UNSUPPORTED ? "unsupported" : "I/O error");
	return status == STATUS_OK ? 0 : -1;
}

int
blk_read(uint64_t disk, uint64_t sector, unsigned count)
{
	return transfer(disk, REQUEST_IN, sector, count);
}

int
blk_write(uint64_t disk, uint64_t sector, unsigned count)
{
	return transfer(disk, REQUEST_OUT, sector, count);
}

int
blk_flush(uint64_t disk)
{
	struct virtio *v = virtio_find(VIRTIO_BLK, disk);
	int status;

	if (v == NULL)
		return -1;
	if (!(v->features & F_FLUSH))
		return 0;
	status = request(v, REQUEST_FLUSH, 0, 0);
	if (status > 0)
		print("the disk could not flush (status %d)\n", status);
	return status == STATUS_OK ? 0 : -1;
}

const struct virtio_driver blk_driver = {
    .type = VIRTIO_BLK,
    .name = "disk",
    .queues = 1,
    .features = F_RO | F_FLUSH | BLK_F_DISCARD | BLK_F_ZEROES,
    .many = F_MQ,
    .count = blk_count,
    .start = blk_start,
    .describe = blk_describe,
};
