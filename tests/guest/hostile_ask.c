/*
 * hostile_ask.c: requests that are laid out well and ask for nonsense, one
 * after the other. Each must be answered, or break the queue; a queue that
 * broke is set up again.
 */
#include "console.h"
#include "hostile.h"
#include "lib.h"

/* What is to be read, and after it room for the answer, in bytes. */
struct question {
	uint8_t *data;
	uint32_t out, in;
	uint64_t in_at; /* 0: behind data */
};

#define ANSWER_AT (HOSTILE_DATA + 0x8000)

static uint32_t
one_of(const uint32_t *list, unsigned n)
{
	return list[hostile_below(n)];
}
#define ONE_OF(list) one_of(list, sizeof(list) / sizeof((list)[0]))

static void
noise(uint8_t *to, unsigned n)
{
	while (n-- > 0)
		*to++ = (uint8_t)(hostile_number() >> 56);
}

static void
put_number(uint8_t *to, uint64_t value, unsigned bytes)
{
	for (; bytes > 0; bytes--, value >>= 8)
		*to++ = (uint8_t)value;
}

/* Kinds of requests, there or not; ranges, on the disk or not (5.2.6). */
static void
ask_blk(struct question *q, unsigned round)
{
	static const uint32_t types[] = {0, 0, 1, 1, 4, 8, 11, 11, 13, 13, 2, 3,
	    5, 7, 9, 10, 12, 14, 15, 16, 24, 0x80000000, 0xffffffff};
	static const uint64_t sectors[] = {0, 1, 8191, 8192, 8193, 0xffffffff,
	    1ull << 54, (1ull << 55) - 1, 1ull << 63, UINT64_MAX};
	static const uint32_t outs[] = {16, 16, 32, 32, 32, 15, 17, 31, 33, 48,
	    64, 528, 529, 16 + 4096, 0, 1};
	static const uint32_t ins[] = {
	    1, 1, 1, 2, 20, 21, 22, 512, 513, 514, 1025, 4097, 0};
	uint64_t sector = sectors[hostile_below(10)];

	noise(q->data, 64);
	put_number(q->data, ONE_OF(types), 4);
	put_number(q->data + 8, sector, 8);
	put_number(q->data + 16, sectors[hostile_below(10)], 8);
	put_number(q->data + 24,
	    (uint32_t)(hostile_number() >> (32 + hostile_below(32))), 4);
	put_number(q->data + 28, hostile_below(4), 4);
	q->out = ONE_OF(outs);
	q->in = ONE_OF(ins);
}

/* Every operation code, with anything behind it. */
static void
ask_scsi(struct question *q, unsigned round)
{
	static const uint32_t outs[] = {
	    51, 51, 51, 51 + 8, 51 + 24, 51 + 512, 51 + 4096, 50, 52, 0};
	static const uint32_t ins[] = {108, 108 + 8, 108 + 36, 108 + 255,
	    108 + 512, 108 + 4096, 108 + 8192, 107, 109, 1};
	unsigned i;

	noise(q->data, 51 + 64);
	q->data[0] = hostile_below(16) != 0;
	q->data[1] = hostile_below(8) != 0 ? 0 : (uint8_t)hostile_below(4);
	q->data[2] = hostile_below(8) != 0 ? 0 : q->data[2];
	q->data[3] = hostile_below(8) != 0 ? 0 : q->data[3];
	q->data[19] = (uint8_t)round;
	for (i = 20; i < 35; i++)
		if (hostile_below(3) != 0)
			q->data[i] = 0;
	/* A tray that opens would stay open. */
	if (q->data[19] == 0x1b)
		q->data[23] &= 1;
	q->out = ONE_OF(outs);
	q->in = ONE_OF(ins);
}

static void
ask_scsi_control(struct question *q, unsigned round)
{
	static const uint32_t outs[] = {24, 24, 20, 20, 16, 4, 3, 0, 25, 64};

	noise(q->data, 64);
	put_number(q->data, hostile_below(5), 4);
	put_number(q->data + 4, hostile_below(10), 4);
	q->data[8] = hostile_below(8) != 0;
	q->data[9] = (uint8_t)(hostile_below(4) != 0 ? 0 : hostile_below(256));
	q->out = ONE_OF(outs);
	q->in = hostile_below(7);
}

/* Classes, commands and lengths; tables longer than what holds them. */
static void
ask_control(struct question *q, unsigned round)
{
	static const uint32_t outs[] = {
	    2, 3, 3, 4, 4, 8, 10, 16, 22, 400, 4096};
	static const uint32_t counts[] = {
	    0, 1, 2, 63, 64, 65, 100, 600, 0xffff, 0x2aaaaaab, 0xffffffff};

	noise(q->data, 4096);
	q->data[0] = (uint8_t)hostile_below(7);
	q->data[1] = (uint8_t)hostile_below(7);
	q->out = ONE_OF(outs);
	if (q->data[0] == 1 && q->data[1] == 0)
		put_number(q->data + 2, ONE_OF(counts), 4);
	else
		put_number(q->data + 2, hostile_below(12), 2);
	q->in = hostile_below(4);
}

/* Frames of any length, and headers that promise anything (5.1.6.2). */
static void
ask_transmit(struct question *q, unsigned round)
{
	static const uint32_t lens[] = {0, 1, 11, 12, 13, 14, 25, 26, 72, 1526,
	    9000, 65535, 65562, 65563, 65574, 70000, 200000};

	noise(q->data, 128);
	if (hostile_below(2) == 0)
		memset(q->data, 0, 12);
	else
		q->data[1] = (uint8_t)one_of(
		    (const uint32_t[]){0, 1, 3, 4, 5, 0x81, 0xff}, 7);
	memset(q->data + 12, 0xff, 6);
	put_number(q->data + 24, hostile_below(2) ? 0x0008 : 0xdd86, 2);
	q->out = ONE_OF(lens);
	q->in = hostile_below(8) == 0;
}

/* Pages that are free, and such as there are not; numbers cut in half. */
static void
ask_pages(struct question *q, unsigned round)
{
	unsigned i, n = hostile_below(40);
	uint32_t page;

	for (i = 0; i <= n; i++) {
		page = (uint32_t)(HOSTILE_FREE >> 12) + hostile_below(2048);
		if (hostile_below(200) == 0)
			page = 0xc0000 + hostile_below(0x40000);
		if (hostile_below(200) == 0)
			page = 0xffffffff - hostile_below(2);
		put_number(q->data + 4 * i, page, 4);
	}
	q->out = 4 * n + hostile_below(4);
	q->in = hostile_below(4) == 0;
}

static void
ask_stats(struct question *q, unsigned round)
{
	noise(q->data, 1024);
	q->out = hostile_below(1024);
	q->in = hostile_below(2);
}

/* Ranges that begin and end anywhere in what is free. */
static void
ask_report(struct question *q, unsigned round)
{
	q->out = hostile_below(4) == 0;
	q->in_at = HOSTILE_FREE + hostile_below(0x100000);
	q->in = hostile_below(0x200000);
}

static void
ask_any(struct question *q, unsigned round)
{
	noise(q->data, 256);
	q->out = hostile_below(300);
	q->in = hostile_below(5000);
}

static void (*find_ask(const struct hostile_target *t))(
    struct question *q, unsigned round)
{
	switch (t->type) {
	case VIRTIO_BLK:
		return ask_blk;
	case VIRTIO_NET:
		return t->flags & HOSTILE_CONTROL ? ask_control : ask_transmit;
	case VIRTIO_SCSI:
		return t->queue == 0 ? ask_scsi_control : ask_scsi;
	case VIRTIO_BALLOON:
		return t->queue < 2 ? ask_pages
		    : t->queue == 2 ? ask_stats
				    : ask_report;
	default:
		return ask_any;
	}
}

/* Lays the question out in up to four pieces; cuts: where the first ends. */
static void
lay(struct hostile *h, const struct question *q)
{
	uint64_t in = q->in_at != 0 ? q->in_at : ANSWER_AT;
	uint32_t cut = hostile_below(3) == 0 ? hostile_below(q->out + 1) : 0;
	uint32_t end = hostile_below(3) == 0 ? hostile_below(q->in + 1) : 0;
	unsigned more = q->in > 0 ? DESC_NEXT : 0;

	hostile_put(h, 0, (uintptr_t)q->data, cut, DESC_NEXT, 1);
	hostile_put(h, 1, (uintptr_t)q->data + cut, q->out - cut, more, 2);
	hostile_put(h, 2, in, end, DESC_WRITE | DESC_NEXT, 3);
	hostile_put(h, 3, in + end, q->in - end, DESC_WRITE, 0);
	hostile_offer(h, 0);
}

int
hostile_ask(struct hostile *h, unsigned rounds)
{
	void (*ask)(struct question *, unsigned) = find_ask(h->target);
	unsigned silent = HOSTILE_QUIET | HOSTILE_ASLEEP | HOSTILE_TWO;
	enum hostile_outcome was = HOSTILE_BROKEN;
	struct question q;
	unsigned i, asked = 0;

	hostile_guard();
	for (i = 0; i < rounds; i++) {
		/* The index of the used ring has 16 bits. */
		if (was == HOSTILE_BROKEN || (h->target->flags & silent) ||
		    asked == 60000) {
			hostile_start(h, 0);
			asked = 0;
		}
		memset(&q, 0, sizeof(q));
		q.data = (uint8_t *)HOSTILE_DATA;
		ask(&q, i);
		lay(h, &q);
		hostile_kick(h);
		was = HOSTILE_SERVED;
		if (!(h->target->flags & silent))
			was = hostile_wait(h, ++asked);
		if (was == HOSTILE_NOTHING || !hostile_guarded()) {
			print("%s: question %u, %u bytes out, %u in\n",
			    h->target->name, i, q.out, q.in);
			return -1;
		}
	}
	return hostile_works(h) ? (int)rounds : -1;
}
