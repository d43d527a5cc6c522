/*
 * cmd_bench.c: how much goes through one queue of a device, and through
 * several, from one processor: tests/bench/queues.py.
 */
#include "blk.h"
#include "command.h"
#include "console.h"
#include "cpu.h"
#include "irq.h"
#include "net.h"
#include "virtio.h"

#define BURST 16u
#define DEPTH 32u /* requests at once, over all queues */
#define BLOCK 4096u

struct request {
	struct {
		uint32_t type, reserved;
		uint64_t sector;
	} header;
	uint8_t status;
	unsigned queue;
	_Alignas(512) uint8_t data[BLOCK];
};

static void
result(uint64_t done, uint64_t start)
{
	print("%lu in %lu us\n", done, time_now() - start);
}

static void
run_net(int argc, char **argv)
{
	uint64_t ms, pairs, start, sent;
	uint8_t request[4] = {4, 0};
	struct net_flood *f;

	if (command_number(argv[1], "MS", 1, 60000, &ms) != 0 ||
	    command_number(argv[2], "PAIRS", 1, 4, &pairs) != 0)
		return;
	request[2] = (uint8_t)pairs;
	if (net_control(0, request, sizeof(request), 0) != 0 ||
	    (f = net_flood(0, 0)) == NULL)
		return;
	start = time_now();
	sent = f->sent;
	while (time_now() - start < ms * 1000)
		net_flood(0, BURST);
	result(f->sent - sent, start);
}

static int
ask(struct virtio *v, struct request *r, uint64_t sectors)
{
	static uint32_t state = 1;
	struct virtq_piece p[3] = {{&r->header, sizeof(r->header)},
	    {r->data, sizeof(r->data)}, {&r->status, 1}};

	state = state * 1664525u + 1013904223u;
	r->header.type = 0;
	r->header.sector = (state >> 8) % (sectors / 8) * 8;
	if (virtq_add(&v->queue[r->queue], p, 1, 2, r) != 0)
		return -1;
	virtq_kick(&v->queue[r->queue]);
	return 0;
}

/* Takes what is finished and asks again, unless it is the end. */
static unsigned
turn(struct virtio *v, unsigned queues, uint64_t sectors, int again)
{
	struct request *r;
	unsigned i, n = 0;
	uint32_t len;

	for (i = 0; i < queues; i++)
		while ((r = virtq_get(&v->queue[i], &len)) != NULL) {
			n++;
			if (r->status != 0)
				print("error %u\n", r->status);
			if (again)
				ask(v, r, sectors);
		}
	return n;
}

static void
run_disk(int argc, char **argv)
{
	static struct request *requests;
	uint64_t ms, queues, start, done = 0, sectors;
	struct virtio *v = virtio_find(VIRTIO_BLK, 0);
	unsigned i, left = DEPTH;

	if (v == NULL || command_number(argv[1], "MS", 1, 60000, &ms) != 0 ||
	    command_number(argv[2], "QUEUES", 1, v->queues, &queues) != 0)
		return;
	if (requests == NULL)
		requests = arena_take(DEPTH * sizeof(*requests));
	if (requests == NULL) {
		print("no memory left\n");
		return;
	}
	sectors = blk_capacity(v);
	for (i = 0; i < queues; i++)
		virtq_silence(&v->queue[i], 1);
	start = time_now();
	for (i = 0; i < DEPTH; i++) {
		requests[i].queue = i % (unsigned)queues;
		if (ask(v, &requests[i], sectors) != 0)
			left--;
	}
	while (time_now() - start < ms * 1000)
		done += turn(v, (unsigned)queues, sectors, 1);
	result(done, start);
	while (left > 0)
		left -= turn(v, (unsigned)queues, sectors, 0);
}

static const struct command commands[] = {
    {"netbench", "MS PAIRS", "send frames as fast as they go", 2, 2, run_net},
    {"diskbench", "MS QUEUES", "read disk 0 at random", 2, 2, run_disk},
    {0},
};

const struct command_group cmd_bench = {"figures", 1, commands};
