/*
 * fuzz_virtq: libFuzzer as a hostile driver. The input is guest memory of 4
 * KiB, with a queue of 8 in it, and then a few bytes that say what the device
 * does next; between its steps the driver changes memory, too. What must hold:
 * every buffer handed out lies in guest memory, and every walk ends.
 *
 *	0    descriptors     128  available ring    256  used ring
 *	384  free for indirect tables and buffers
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "backend/virtio/queue.h"

#define RAM   4096u
#define SIZE  8u
#define ROOM  16u
#define STEPS 64u

int LLVMFuzzerTestOneInput(const uint8_t *, size_t);

/* Aborts if a buffer is not wholly inside guest memory. */
static void
check_chain(const struct guestmem *mem, const struct virtq_chain *c)
{
	const uint8_t *low = mem->region[0].hva, *p;
	uint64_t out = 0, in = 0;
	unsigned i;

	if (c->outs + c->ins > ROOM || c->head >= SIZE)
		abort();
	for (i = 0; i < c->outs + c->ins; i++) {
		p = c->iov[i].iov_base;
		if (c->iov[i].iov_len == 0 || p < low ||
		    c->iov[i].iov_len > RAM ||
		    (size_t)(p - low) > RAM - c->iov[i].iov_len)
			abort();
		if (i < c->outs)
			out += c->iov[i].iov_len;
		else
			in += c->iov[i].iov_len;
	}
	if (out != c->out_len || in != c->in_len)
		abort();
}

/* One thing that the device does. held: the heads that were popped. */
static void
step(struct virtq *q, uint8_t what, uint16_t *held, unsigned *n)
{
	struct iovec iov[ROOM];
	struct virtq_chain c = {.iov = iov, .room = ROOM};
	uint8_t buf[24], *last;

	switch (what & 7) {
	case 0:
	case 1:
	case 2:
		if (!virtq_pop(q, &c))
			return;
		check_chain(q->mem, &c);
		held[(*n)++] = c.head;
		last = virtq_take_last(&c);
		if (last != NULL)
			*last = what;
		virtq_take_out(&c, buf, what >> 3 & 15);
		check_chain(q->mem, &c);
		break;
	case 3:
		if (virtq_pop(q, &c))
			virtq_unpop(q, &c);
		break;
	case 4:
		if (*n > 0)
			virtq_push(q, held[--*n], what);
		break;
	case 5:
		virtq_publish(q);
		break;
	case 6:
		virtq_enable_kick(q);
		break;
	case 7:
		virtq_disable_kick(q);
		break;
	}
	if (q->held != *n || *n > SIZE)
		abort();
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct guestmem mem = {.fd = -1, .size = RAM, .regions = 1};
	uint16_t held[SIZE + 1];
	unsigned n = 0, i;
	struct virtq q;
	uint8_t *ram;

	if (len < RAM + 4)
		return -1;
	ram = aligned_alloc(4096, RAM);
	if (ram == NULL || virtq_init(&q, &mem, SIZE) == -1)
		abort();
	memcpy(ram, data, RAM);
	mem.region[0].size = RAM;
	mem.region[0].hva = ram;
	q.desc_gpa = 0;
	q.avail_gpa = 128;
	q.used_gpa = 256;
	data += RAM;
	len -= RAM;
	q.indirect = (data[0] & 1) != 0;
	q.event_idx = (data[0] & 2) != 0;
	if (virtq_start(&q) == -1)
		abort();
	for (i = 1; i + 2 < len && i < STEPS * 3; i += 3) {
		/* The driver's turn: any byte of the first 512. */
		ram[data[i] * 2] = data[i + 1];
		step(&q, data[i + 2], held, &n);
	}
	virtq_free(&q);
	free(ram);
	return 0;
}
