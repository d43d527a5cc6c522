/*
 * balloon.c: see balloon.h.
 */
#include "balloon.h"
#include "boot.h"
#include "console.h"
#include "cpu.h"
#include "irq.h"
#include "lib.h"

#define F_STATS     (1ull << 1)
#define F_OOM       (1ull << 2)
#define F_REPORTING (1ull << 5)

#define INFLATEQ 0
#define DEFLATEQ 1
#define STATSQ   2
#define REPORTQ  4

#define CONFIG_WANTED 0
#define CONFIG_ACTUAL 4

#define PAGE     4096u
#define POOL     (16u << 20)
#define RESERVE  (8u << 20) /* at the end of memory, for the loader's tables */
#define LIST     256u /* numbers of pages in a request */
#define PATIENCE 3000000u /* microseconds */

#define STAT_FREE      4
#define STAT_TOTAL     5
#define STAT_AVAILABLE 6

struct balloon {
	uint64_t pages; /* of the pool, from its start, with the host */
	uint64_t told; /* statistics that were sent */
	uint32_t list[LIST];
	uint8_t stats[64];
};

static void
stat_put(uint8_t *p, uint16_t tag, uint64_t value)
{
	memcpy(p, &tag, sizeof(tag));
	memcpy(p + 2, &value, sizeof(value));
}

static void
stats_send(struct virtio *v)
{
	struct balloon *b = v->data;
	struct virtq_piece p = {.data = b->stats, .len = 30};
	uint64_t total = boot_memory() << 20, free = total - b->pages * PAGE;

	stat_put(b->stats, STAT_FREE, free - POOL);
	stat_put(b->stats + 10, STAT_TOTAL, total);
	stat_put(b->stats + 20, STAT_AVAILABLE, free);
	b->told++;
	virtq_add(&v->queue[STATSQ], &p, 1, 0, b);
}

static int
balloon_start(struct virtio *v)
{
	struct balloon *b = arena_take(sizeof(*b));

	if (b == NULL)
		return -1;
	v->data = b;
	if (v->features & F_STATS)
		stats_send(v);
	return 0;
}

/* An interrupt: perhaps the host wants to know more. */
static void
balloon_used(struct virtio *v)
{
	uint32_t len;

	if (virtq_get(&v->queue[STATSQ], &len) == NULL)
		return;
	stats_send(v);
	virtq_kick(&v->queue[STATSQ]);
}

static uint32_t
wanted(const struct virtio *v)
{
	return (uint32_t)virtio_config64(v, CONFIG_WANTED);
}

static void
balloon_describe(struct virtio *v)
{
	struct balloon *b = v->data;

	print("%lu pages with the host, which wants %u; told it %lu times",
	    b->pages, wanted(v), b->told);
}

/* One request with these pieces, and its answer. */
static int
ask(struct virtio *v, unsigned queue, struct virtq_piece *p, unsigned out,
    unsigned in)
{
	struct virtq *q = &v->queue[queue];
	uint32_t len;

	if (virtq_add(q, p, out, in, v) != 0) {
		print("the balloon's queue %u is full\n", queue);
		return -1;
	}
	virtq_kick(q);
	if (virtio_wait(v, q, time_now() + PATIENCE) != 0) {
		v->problem = "it did not answer; `mode' sets it up anew";
		print("no answer from the balloon\n");
		return -1;
	}
	virtq_get(q, &len);
	return 0;
}

static void
actual_set(const struct virtio *v, uint32_t pages)
{
	if (v->legacy)
		out32((uint16_t)(v->config + CONFIG_ACTUAL), pages);
	else
		mmio_w32(v->config + CONFIG_ACTUAL, pages);
}

int
balloon_follow(uint64_t *pages)
{
	struct virtio *v = virtio_find(VIRTIO_BALLOON, 0);
	uint64_t most = ((boot_memory() << 20) - POOL - RESERVE) / PAGE, target;
	struct virtq_piece p = {0};
	struct balloon *b;
	unsigned i, n;
	int more;

	if (v == NULL)
		return -1;
	b = v->data;
	p.data = b->list;
	target = wanted(v) < most ? wanted(v) : most;
	while (b->pages != target) {
		more = target > b->pages;
		n = (unsigned)(more ? target - b->pages : b->pages - target);
		n = n < LIST ? n : LIST;
		if (!more)
			b->pages -= n;
		for (i = 0; i < n; i++)
			b->list[i] = (uint32_t)(POOL / PAGE + b->pages + i);
		p.len = n * 4;
		if (ask(v, more ? INFLATEQ : DEFLATEQ, &p, 1, 0) != 0)
			return -1;
		if (more)
			b->pages += n;
	}
	actual_set(v, (uint32_t)b->pages);
	*pages = b->pages;
	return 0;
}

int
balloon_give(uint32_t number)
{
	struct virtio *v = virtio_find(VIRTIO_BALLOON, 0);
	struct virtq_piece p = {.len = 4};
	struct balloon *b;

	if (v == NULL)
		return -1;
	b = v->data;
	b->list[0] = number;
	p.data = b->list;
	return ask(v, INFLATEQ, &p, 1, 0);
}

int
balloon_report(uint64_t count)
{
	struct virtio *v = virtio_find(VIRTIO_BALLOON, 0);
	volatile uint64_t *at;
	struct virtq_piece p = {0};
	struct balloon *b;
	uint64_t i;

	if (v == NULL)
		return -1;
	if (!(v->features & F_REPORTING)) {
		print("the balloon takes no reports\n");
		return -1;
	}
	b = v->data;
	if (POOL + (b->pages + count) * PAGE + RESERVE > boot_memory() << 20) {
		print("there is not so much memory\n");
		return -1;
	}
	at = (volatile uint64_t *)(uintptr_t)(POOL + b->pages * PAGE);
	for (i = 0; i < count; i++)
		at[i * (PAGE / 8)] = 0x5555555555555555u;
	p.data = (void *)(uintptr_t)at;
	p.len = (uint32_t)(count * PAGE);
	if (ask(v, REPORTQ, &p, 0, 1) != 0)
		return -1;
	for (i = 0; i < count; i++) {
		if (at[i * (PAGE / 8)] == 0)
			continue;
		print("page %lu of them was not taken\n", i);
		return -1;
	}
	return 0;
}

const struct virtio_driver balloon_driver = {
    .type = VIRTIO_BALLOON,
    .name = "balloon",
    .queues = 5,
    .features = F_STATS | F_OOM | F_REPORTING,
    .start = balloon_start,
    .used = balloon_used,
    .describe = balloon_describe,
};
