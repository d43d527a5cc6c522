/*
 * rng.c: see rng.h.
 */
#include "console.h"
#include "cpu.h"
#include "irq.h"
#include "lib.h"
#include "rng.h"

#define PATIENCE 5000000u /* microseconds */

static int
rng_start(struct virtio *v)
{
	v->data = arena_take(RNG_MAX);
	return v->data == NULL ? -1 : 0;
}

int
rng_read(void *buf, unsigned bytes)
{
	struct virtio *v = virtio_find(VIRTIO_RNG, 0);
	struct virtq_piece piece = {.len = bytes};
	struct virtq *q;
	uint32_t len;

	if (v == NULL)
		return -1;
	q = &v->queue[0];
	piece.data = v->data;
	if (virtq_add(q, &piece, 0, 1, v) != 0) {
		print("the random number device's queue is full\n");
		return -1;
	}
	virtq_kick(q);
	if (virtio_wait(v, q, time_now() + PATIENCE) != 0) {
		v->problem = "it did not answer; `mode' sets it up anew";
		print("no answer from the random number device\n");
		return -1;
	}
	virtq_get(q, &len);
	if (len > bytes)
		len = bytes;
	memcpy(buf, v->data, len);
	return (int)len;
}

static void
rng_describe(struct virtio *v)
{
	print("random numbers");
}

const struct virtio_driver rng_driver = {
    .type = VIRTIO_RNG,
    .name = "rng",
    .queues = 1,
    .start = rng_start,
    .describe = rng_describe,
};
