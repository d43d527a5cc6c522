/*
 * stress.c: see stress.h.
 */
#include "blk.h"
#include "console.h"
#include "cpu.h"
#include "irq.h"
#include "lib.h"
#include "scsi.h"
#include "stress.h"

#define AREA     (6u << 20) /* behind the drivers' arena, before the balloon's */
#define AREA_END (16u << 20)

#define SLOTS    96
#define PATIENCE 60000000u /* microseconds */
#define DISC     2048u /* bytes of a CD-ROM's block */

#define LEDGER_TABLES 8u
#define LEDGER_TABLE  128u

enum op { OP_READ, OP_WRITE, OP_DISCARD, OP_ZEROES, OP_FLUSH };

struct target {
	struct virtio *v;
	unsigned id, kind, scsi;
	uint32_t sectors;
	uint16_t written; /* the last write's number */
	uint16_t *state;
	uint8_t *busy; /* a request has it */
};

struct slot {
	struct target *t;
	enum op op;
	uint32_t sector, count;
	uint16_t write;
	uint64_t since;
	struct {
		uint32_t type, reserved;
		uint64_t sector;
	} header;
	struct {
		uint64_t sector;
		uint32_t sectors, flags;
	} range;
	uint8_t list[24]; /* of an UNMAP */
	uint8_t status;
	struct scsi_request request;
	struct scsi_response response;
	uint8_t *data;
};

static struct target targets[STRESS_TARGETS];
static unsigned count;
static struct slot slots[SLOTS];
static unsigned under_way;
static uint64_t random_state;
static uint64_t ledger; /* which disk */

struct stress_counts stress_counts;

void
stress_seed(uint64_t seed)
{
	random_state = seed * 0x9e3779b97f4a7c15u + 1;
}

uint32_t
stress_random(uint32_t n)
{
	uint64_t x = random_state;

	x ^= x >> 12;
	x ^= x << 25;
	x ^= x >> 27;
	random_state = x;
	return (uint32_t)((x * 0x2545f4914f6cdd1du >> 32) % n);
}

/* ---- what a sector says ---- */

/* tests/stress/run computes the same. */
static uint64_t
word(const struct target *t, uint32_t sector, uint16_t write)
{
	return ((uint64_t)write << 48 | (uint64_t)t->id << 40 | sector) *
	    0x9e3779b97f4a7c15u;
}

static void
sector_fill(uint8_t *to, uint64_t w)
{
	uint64_t *words = (uint64_t *)to;
	unsigned i;

	for (i = 0; i < 64; i++)
		words[i] = w ^ i * 0x0101010101010101u;
}

static int
sector_is(const uint8_t *at, uint64_t w)
{
	const uint64_t *words = (const uint64_t *)at;
	unsigned i;

	for (i = 0; i < 64; i++)
		if (words[i] != (w ^ i * 0x0101010101010101u))
			return 0;
	return 1;
}

static int
sector_zero(const uint8_t *at)
{
	const uint64_t *words = (const uint64_t *)at;
	unsigned i;

	for (i = 0; i < 64; i++)
		if (words[i] != 0)
			return 0;
	return 1;
}

static int
sector_check(const struct target *t, uint32_t sector, const uint8_t *at)
{
	uint16_t state = t->state[sector], write = state & ~STRESS_MAYBE;

	stress_counts.verified++;
	if ((write == 0 || (state & STRESS_MAYBE)) && sector_zero(at))
		return 0;
	if (write != 0 && sector_is(at, word(t, sector, write)))
		return 0;
	print("stress: FAILED: sector %u of target %u is not that of write %x "
	      "but %016lx %016lx\n",
	    sector, t->id, state, get64(at), get64(at + 8));
	return -1;
}

/* A disc has one state, that of its first sector; all are of the same. */
static int
disc_check(struct slot *s)
{
	struct target *t = s->t;
	uint32_t i;
	uint16_t disc;

	for (disc = 1; disc < 4; disc++) {
		for (i = 0; i < s->count; i++)
			if (!sector_is(s->data + i * BLK_SECTOR,
				word(t, s->sector + i, disc)))
				break;
		stress_counts.verified += i;
		if (i == s->count)
			return 0;
	}
	print("stress: FAILED: sectors %u to %u of no disc\n", s->sector,
	    s->sector + s->count - 1);
	return -1;
}

/* ---- requests ---- */

static void
put_be(uint8_t *to, uint64_t value, unsigned bytes)
{
	while (bytes-- > 0) {
		to[bytes] = (uint8_t)value;
		value >>= 8;
	}
}

static unsigned
scsi_build(struct slot *s, struct virtq_piece *p, unsigned *in)
{
	static const uint8_t opcode[] = {0x28, 0x2a, 0x42, 0x93, 0x35};
	struct scsi_request *r = &s->request;
	unsigned per = s->t->kind == STRESS_CD ? DISC / BLK_SECTOR : 1, n = 1;
	uint32_t bytes = s->count * BLK_SECTOR;

	scsi_address(r, s->t->scsi);
	r->cdb[0] = opcode[s->op];
	memset(&s->response, 0xee, sizeof(s->response));
	p[0].data = r;
	p[0].len = sizeof(*r);
	if (s->op == OP_DISCARD) {
		memset(s->list, 0, sizeof(s->list));
		put_be(s->list, 22, 2);
		put_be(s->list + 2, 16, 2);
		put_be(s->list + 8, s->sector, 8);
		put_be(s->list + 16, s->count, 4);
		put_be(r->cdb + 7, sizeof(s->list), 2);
		p[n].data = s->list;
		p[n++].len = sizeof(s->list);
	} else if (s->op == OP_ZEROES) {
		r->cdb[1] = 1; /* no data: zeroes */
		put_be(r->cdb + 2, s->sector, 8);
		put_be(r->cdb + 10, s->count, 4);
	} else if (s->op != OP_FLUSH) {
		put_be(r->cdb + 2, s->sector / per, 4);
		put_be(r->cdb + 7, s->count / per, 2);
	}
	if (s->op == OP_WRITE) {
		p[n].data = s->data;
		p[n++].len = bytes;
	}
	p[n].data = &s->response;
	p[n++].len = sizeof(s->response);
	*in = 1;
	if (s->op == OP_READ) {
		p[n].data = s->data;
		p[n++].len = bytes;
		*in = 2;
	}
	return n;
}

static unsigned
blk_build(struct slot *s, struct virtq_piece *p, unsigned *in)
{
	static const uint32_t type[] = {0, 1, 11, 13, 4};
	uint32_t bytes = s->count * BLK_SECTOR, first;
	unsigned n = 1;

	s->header.type = type[s->op];
	s->header.reserved = 0;
	s->header.sector = s->op <= OP_WRITE ? s->sector : 0;
	s->status = 0xff;
	p[0].data = &s->header;
	p[0].len = sizeof(s->header);
	if (s->op == OP_DISCARD || s->op == OP_ZEROES) {
		s->range.sector = s->sector;
		s->range.sectors = s->count;
		s->range.flags = s->op == OP_ZEROES ? stress_random(2) : 0;
		p[n].data = &s->range;
		p[n++].len = sizeof(s->range);
	} else if (s->op != OP_FLUSH) {
		/* In two pieces of any length, now and then. */
		first = stress_random(3) == 0 && bytes > BLK_SECTOR
		    ? 1 + stress_random(bytes - 1)
		    : bytes;
		p[n].data = s->data;
		p[n++].len = first;
		if (first < bytes) {
			p[n].data = s->data + first;
			p[n++].len = bytes - first;
		}
	}
	p[n].data = &s->status;
	p[n++].len = 1;
	*in = s->op == OP_READ ? n - 1 : 1;
	return n;
}

static struct virtq *
pick_queue(const struct target *t)
{
	if (t->kind != STRESS_BLK)
		return &t->v->queue[SCSI_COMMANDS];
	return &t->v->queue[stress_random(t->v->queues)];
}

static int
is_free(const struct target *t, uint32_t sector, uint32_t n)
{
	for (; n > 0; n--)
		if (t->busy[sector + n - 1])
			return 0;
	return 1;
}

static struct slot *
take_slot(void)
{
	unsigned i, at = stress_random(SLOTS);

	for (i = 0; i < SLOTS; i++)
		if (slots[(at + i) % SLOTS].t == NULL)
			return &slots[(at + i) % SLOTS];
	return NULL;
}

/* Returns -1 if the queue is full. The slot says all but whose it is. */
static int
submit(struct target *t, struct slot *s)
{
	struct virtq_piece p[VIRTQ_PIECES];
	struct virtq *q = pick_queue(t);
	unsigned in, n, i;

	s->t = t;
	n = t->kind == STRESS_BLK ? blk_build(s, p, &in)
				  : scsi_build(s, p, &in);
	if (virtq_add(q, p, n - in, in, s) != 0) {
		s->t = NULL;
		return -1;
	}
	if (t->kind != STRESS_CD)
		for (i = 0; i < s->count; i++)
			t->busy[s->sector + i] = 1;
	s->since = time_now();
	under_way++;
	virtq_kick(q);
	return 0;
}

static enum op
pick_op(const struct target *t)
{
	unsigned r = stress_random(100);

	if (t->kind == STRESS_CD || r < 42)
		return OP_READ;
	if (r < 84)
		return OP_WRITE;
	if (r < 89 &&
	    (t->kind == STRESS_SCSI || (t->v->features & BLK_F_DISCARD) != 0))
		return OP_DISCARD;
	if (r < 94 &&
	    (t->kind == STRESS_SCSI || (t->v->features & BLK_F_ZEROES) != 0))
		return OP_ZEROES;
	return r < 97 ? OP_FLUSH : OP_READ;
}

/* One random request. Returns -1 if there is no room for it now. */
static int
begin_one(void)
{
	struct target *t = &targets[stress_random(count)];
	struct slot *s = take_slot();
	uint32_t most = STRESS_MOST, i;

	if (s == NULL)
		return -1;
	s->op = pick_op(t);
	if (s->op == OP_DISCARD || s->op == OP_ZEROES)
		most = 512;
	/* Short ones more often than long ones. */
	s->count = 1 + stress_random(1 + stress_random(most));
	if (stress_random(2) == 0)
		s->count = (s->count + 7) & ~7u;
	s->sector = stress_random(t->sectors - s->count);
	if (stress_random(2) == 0)
		s->sector &= ~7u;
	if (t->kind == STRESS_CD) {
		s->sector &= ~3u;
		s->count = (s->count + 3) & ~3u;
		if (s->sector + s->count > t->sectors)
			return 0;
	} else if (s->op == OP_FLUSH) {
		s->count = 0;
	} else if (!is_free(t, s->sector, s->count)) {
		return 0;
	}
	if (s->op == OP_WRITE) {
		t->written = t->written % (STRESS_MAYBE - 1) + 1;
		s->write = t->written;
		for (i = 0; i < s->count; i++)
			sector_fill(s->data + i * BLK_SECTOR,
			    word(t, s->sector + i, s->write));
	} else if (s->op == OP_READ) {
		memset(s->data, 0xdd, s->count * BLK_SECTOR);
	}
	return submit(t, s);
}

unsigned
stress_begin(unsigned most)
{
	unsigned n = 0;

	while (n < most && begin_one() == 0)
		n++;
	return n;
}

/* Its outcome: 0 it is done, 1 it was not for another reason, -1 a failure. */
static int
outcome(const struct slot *s)
{
	if (s->t->kind == STRESS_BLK && s->status == 0)
		return 0;
	if (s->t->kind != STRESS_BLK && s->response.response == 0) {
		if (s->response.status == 0)
			return 0;
		/* The medium may be gone at any time; and a first command. */
		if (s->response.status == 2 &&
		    ((s->response.sense[2] & 15) == SCSI_ATTENTION ||
			s->t->kind == STRESS_CD))
			return 1;
	}
	print("stress: FAILED: request %u of %u sectors at %u of target %u: "
	      "status %u\n",
	    (unsigned)s->op, s->count, s->sector, s->t->id,
	    s->t->kind == STRESS_BLK ? s->status : s->response.status);
	return -1;
}

static int
finish(struct slot *s)
{
	struct target *t = s->t;
	int how = outcome(s);
	uint32_t i;

	s->t = NULL;
	under_way--;
	if (t->kind != STRESS_CD)
		memset(t->busy + s->sector, 0, s->count);
	if (how != 0) {
		stress_counts.attentions++;
		return how < 0 ? -1 : 0;
	}
	switch (s->op) {
	case OP_READ:
		stress_counts.reads++;
		if (t->kind == STRESS_CD) {
			s->t = t;
			how = disc_check(s);
			s->t = NULL;
			return how;
		}
		for (i = 0; i < s->count; i++)
			if (sector_check(t, s->sector + i,
				s->data + i * BLK_SECTOR) != 0)
				return -1;
		break;
	case OP_WRITE:
		stress_counts.writes++;
		for (i = 0; i < s->count; i++)
			t->state[s->sector + i] = s->write;
		break;
	case OP_DISCARD:
		stress_counts.discards++;
		for (i = 0; i < s->count; i++)
			if (t->state[s->sector + i] != 0)
				t->state[s->sector + i] |= STRESS_MAYBE;
		break;
	case OP_ZEROES:
		stress_counts.zeroes++;
		memset(t->state + s->sector, 0, s->count * 2);
		break;
	case OP_FLUSH:
		stress_counts.flushes++;
		break;
	}
	return 0;
}

static int
too_late(void)
{
	uint64_t now = time_now();
	unsigned i;

	for (i = 0; i < SLOTS; i++) {
		if (slots[i].t == NULL || now - slots[i].since < PATIENCE)
			continue;
		print("stress: FAILED: no answer in a minute: request %u of %u "
		      "sectors at %u of target %u\n",
		    (unsigned)slots[i].op, slots[i].count, slots[i].sector,
		    slots[i].t->id);
		return -1;
	}
	return 0;
}

int
stress_reap(void)
{
	static unsigned turn;
	unsigned i, q;
	struct slot *s;
	uint32_t len;
	int n = 0;

	for (i = 0; i < count; i++)
		for (q = 0; q < targets[i].v->queues; q++)
			while ((targets[i].kind == STRESS_BLK ||
				   q == SCSI_COMMANDS) &&
			    (s = virtq_get(&targets[i].v->queue[q], &len)) !=
				NULL) {
				if (s->t == NULL) {
					print(
					    "stress: FAILED: answered twice\n");
					return -1;
				}
				if (finish(s) != 0)
					return -1;
				n++;
			}
	if (++turn % 256 == 0 && too_late() != 0)
		return -1;
	return n;
}

int
stress_busy(void)
{
	return under_way > 0;
}

void
stress_silence(void)
{
	struct target *t = &targets[stress_random(count)];

	virtq_silence(pick_queue(t), (int)stress_random(2));
}

static int
wait_some(void)
{
	int n = stress_reap();

	if (n == 0)
		irq_wait(time_now() + 1000);
	else
		irq_poll();
	return n < 0 ? -1 : 0;
}

int
stress_verify(void)
{
	unsigned i;
	struct target *t;
	struct slot *s;
	uint32_t sector;

	for (i = 0; i < count; i++) {
		t = &targets[i];
		for (sector = 0; t->kind != STRESS_CD && sector < t->sectors;) {
			s = take_slot();
			if (s != NULL) {
				s->op = OP_READ;
				s->sector = sector;
				s->count = t->sectors - sector < STRESS_MOST
				    ? t->sectors - sector
				    : STRESS_MOST;
				if (submit(t, s) == 0) {
					sector += s->count;
					continue;
				}
			}
			if (wait_some() != 0)
				return -1;
		}
	}
	while (under_way > 0)
		if (wait_some() != 0)
			return -1;
	return 0;
}

/* ---- the ledger ---- */

static void *
area_take(uint64_t *at, size_t bytes)
{
	uint8_t *p = (uint8_t *)(uintptr_t)*at;

	*at += (bytes + 511) & ~511ull;
	if (*at > AREA_END)
		return NULL;
	memset(p, 0, bytes);
	return p;
}

static int
target_open(const struct stress_entry *e, unsigned id, uint64_t *at)
{
	struct target *t = &targets[count];
	uint8_t *buf = blk_buffer(ledger);
	uint32_t i;

	t->v = virtio_find(
	    e->kind == STRESS_BLK ? VIRTIO_BLK : VIRTIO_SCSI, e->device);
	t->id = id;
	t->kind = e->kind;
	t->scsi = e->target;
	t->sectors = e->sectors;
	t->written = 0;
	t->state = area_take(at, STRESS_SECTORS * 2);
	t->busy = area_take(at, STRESS_SECTORS);
	if (t->v == NULL || t->busy == NULL || e->sectors > STRESS_SECTORS ||
	    e->sectors < 1024) {
		print("stress: FAILED: target %u cannot be\n", id);
		return -1;
	}
	count++;
	if (blk_read(ledger, LEDGER_TABLES + id * LEDGER_TABLE, LEDGER_TABLE))
		return -1;
	memcpy(t->state, buf, STRESS_SECTORS * 2);
	for (i = 0; i < t->sectors; i++)
		if ((t->state[i] & ~STRESS_MAYBE) > t->written)
			t->written = t->state[i] & ~STRESS_MAYBE;
	return 0;
}

int
stress_open(void)
{
	struct stress_entry entry[STRESS_TARGETS];
	uint64_t at = AREA;
	struct virtio *v;
	unsigned i;

	for (i = 0, ledger = 0; (v = virtio_at(i)) != NULL; i++)
		if (v->type == VIRTIO_BLK)
			ledger = v->number;
	count = under_way = 0;
	memset(&stress_counts, 0, sizeof(stress_counts));
	memset(slots, 0, sizeof(slots));
	for (i = 0; i < SLOTS; i++)
		slots[i].data = area_take(&at, STRESS_MOST * BLK_SECTOR);
	if (blk_buffer(ledger) == NULL || blk_read(ledger, 0, 1) != 0)
		return -1;
	memcpy(entry, blk_buffer(ledger), sizeof(entry));
	for (i = 0; i < STRESS_TARGETS; i++)
		if (entry[i].kind != STRESS_NONE &&
		    target_open(&entry[i], i, &at) != 0)
			return -1;
	return count > 0 ? 0 : -1;
}

int
stress_close(void)
{
	unsigned i;

	for (i = 0; i < count; i++) {
		memcpy(
		    blk_buffer(ledger), targets[i].state, STRESS_SECTORS * 2);
		if (blk_write(ledger,
			LEDGER_TABLES + targets[i].id * LEDGER_TABLE,
			LEDGER_TABLE) != 0)
			return -1;
	}
	return blk_flush(ledger);
}
