#include <errno.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/block/recorder.h"
#include "tests/block/workload.h"

#define AT_ONCE 12u /* requests in flight */
#define LONGEST 96u /* sectors */

/* Versions of a sector that no request wrote. */
#define V_ZERO    UINT32_MAX
#define V_BELOW   (UINT32_MAX - 1)
#define V_GARBAGE (UINT32_MAX - 2)

struct op {
	enum block_op kind;
	uint64_t sector, count;
	uint64_t submitted, done; /* clock */
	bool over;
	struct block_request rq;
	struct iovec iov[3];
	uint8_t *data;
	struct workload *w;
};

struct history {
	unsigned n, room;
	uint32_t *op; /* numbers, in order */
};

struct workload {
	uint64_t sectors, below;
	unsigned cluster; /* sectors */
	bool discards;
	struct op **op;
	unsigned ops, room;
	struct history *history; /* by sector */
	unsigned in_flight;
	uint32_t flying[AT_ONCE];
	unsigned wrong;
};

static void
stamp(uint8_t *to, uint64_t sector, uint32_t version)
{
	uint64_t word[SECTOR / 8];
	unsigned i;

	word[0] = sector << 32 | version;
	for (i = 1; i < SECTOR / 8; i++)
		word[i] = (word[0] + i) * 0x9e3779b97f4a7c15ULL;
	memcpy(to, word, SECTOR);
}

void
workload_below(uint64_t sector, uint8_t *to)
{
	stamp(to, sector, V_BELOW);
}

/* Which version of the sector is it? */
static uint32_t
version_of(const uint8_t *p, uint64_t sector)
{
	uint8_t want[SECTOR];
	uint64_t word;

	memset(want, 0, SECTOR);
	if (memcmp(p, want, SECTOR) == 0)
		return V_ZERO;
	memcpy(&word, p, sizeof word);
	stamp(want, sector, (uint32_t)word);
	return memcmp(p, want, SECTOR) == 0 ? (uint32_t)word : V_GARBAGE;
}

struct workload *
workload_new(uint64_t sectors, uint64_t below, unsigned cluster, bool discards)
{
	struct workload *w = calloc(1, sizeof *w);

	if (w == NULL)
		exit(99);
	w->sectors = sectors;
	w->below = below;
	w->cluster = cluster;
	w->discards = discards;
	w->history = calloc(sectors, sizeof *w->history);
	if (w->history == NULL)
		exit(99);
	return w;
}

void
workload_free(struct workload *w)
{
	uint64_t i;

	for (i = 0; i < w->ops; i++) {
		free(w->op[i]->data);
		free(w->op[i]);
	}
	for (i = 0; i < w->sectors; i++)
		free(w->history[i].op);
	free(w->history);
	free(w->op);
	free(w);
}

void
workload_settle(struct workload *w)
{
	unsigned i;

	for (i = 0; i < w->ops; i++)
		w->op[i]->submitted = w->op[i]->done = 0;
}

static bool
overlaps(const struct op *a, uint64_t sector, uint64_t count)
{
	return a->kind != BLOCK_FLUSH && a->sector < sector + count &&
	    sector < a->sector + a->count;
}

/* A version that the sector had by then at the latest or may have had since. */
static bool
may_be(const struct workload *w, uint64_t sector, uint32_t version,
    uint64_t safe, uint64_t cut)
{
	const struct history *h = &w->history[sector];
	uint32_t initial = sector < w->below ? V_BELOW : V_ZERO;
	const struct op *o;
	bool discarded = false, found = version == initial;
	unsigned i;

	for (i = 0; i < h->n; i++) {
		o = w->op[h->op[i]];
		if (o->submitted > cut)
			break;
		if (o->over && o->done < safe) {
			found = false;
			discarded = false;
		}
		/* What a discarded sector holds is nobody's business. */
		if (o->kind == BLOCK_DISCARD)
			discarded = true;
		else if (version ==
		    (o->kind == BLOCK_WRITE ? h->op[i] : V_ZERO))
			found = true;
	}
	return found || (discarded && version != V_GARBAGE);
}

int
workload_check(const struct workload *w, const uint8_t *disk, uint64_t sectors,
    uint64_t cut, char *why, size_t len)
{
	uint64_t safe = 0, i;
	uint32_t version;

	if (sectors != w->sectors) {
		snprintf(why, len, "a disk of %llu sectors, not %llu",
		    (unsigned long long)sectors,
		    (unsigned long long)w->sectors);
		return -1;
	}
	for (i = 0; i < w->ops; i++)
		if (w->op[i]->kind == BLOCK_FLUSH && w->op[i]->over &&
		    w->op[i]->done < cut && w->op[i]->submitted > safe)
			safe = w->op[i]->submitted;
	for (i = 0; i < sectors; i++) {
		version = version_of(disk + i * SECTOR, i);
		/* Of no flush but a clean close everything is safe. */
		if (may_be(w, i, version, safe > 0 ? safe : 1, cut))
			continue;
		snprintf(why, len,
		    "sector %llu has version %x after a cut at %llu, with "
		    "all before %llu flushed",
		    (unsigned long long)i, version, (unsigned long long)cut,
		    (unsigned long long)safe);
		return -1;
	}
	return 0;
}

static void
wrong(struct workload *w, const char *what, const struct op *o, int detail)
{
	if (w->wrong++ == 0)
		printf("# %s: kind %d at sector %llu, %llu sectors: %d\n", what,
		    (int)o->kind, (unsigned long long)o->sector,
		    (unsigned long long)o->count, detail);
}

/* Nothing that changes these sectors is in flight: it is the last version. */
static void
check_read(struct workload *w, const struct op *o)
{
	uint64_t i;

	for (i = 0; i < o->count; i++)
		if (!may_be(w, o->sector + i,
			version_of(o->data + i * SECTOR, o->sector + i),
			UINT64_MAX, UINT64_MAX)) {
			wrong(w, "a read found another version", o, (int)i);
			return;
		}
}

static void
done(struct block_request *rq, int result)
{
	struct op *o = (struct op *)((uint8_t *)rq - offsetof(struct op, rq));
	struct workload *w = o->w;
	unsigned i;

	o->done = recorder_tick();
	o->over = true;
	if (result != 0 && !(o->kind == BLOCK_DISCARD && result == -EOPNOTSUPP))
		wrong(w, "a request failed", o, result);
	if (o->kind == BLOCK_READ && result == 0)
		check_read(w, o);
	for (i = 0; i < w->in_flight; i++)
		if (w->op[w->flying[i]] == o) {
			w->flying[i] = w->flying[--w->in_flight];
			break;
		}
}

static enum block_op
choose_kind(const struct workload *w)
{
	uint64_t dice = random_below(100);

	if (dice < 62)
		return BLOCK_WRITE;
	if (dice < 74)
		return BLOCK_FLUSH;
	if (dice < 84)
		return BLOCK_READ;
	if (dice < 92 && w->discards)
		return BLOCK_DISCARD;
	return BLOCK_WRITE_ZEROES;
}

/* Where: anywhere, or near the beginning, often whole clusters. */
static void
choose_place(const struct workload *w, uint64_t *sector, uint64_t *count)
{
	uint64_t most = random_below(4) == 0 ? LONGEST : 9;

	*count = 1 + random_below(most);
	*sector = random_below(
	    random_below(3) == 0 ? (w->sectors + 7) / 8 : w->sectors);
	if (random_below(3) == 0 && w->cluster <= w->sectors) {
		*sector -= *sector % w->cluster;
		*count = w->cluster * (1 + random_below(2));
	}
	if (*count > w->sectors - *sector)
		*count = w->sectors - *sector;
}

static struct op *
new_op(struct workload *w, enum block_op kind)
{
	struct op *o = calloc(1, sizeof *o);

	if (w->ops == w->room) {
		w->room = w->room * 2 + 256;
		w->op = realloc(w->op, w->room * sizeof *w->op);
	}
	if (o == NULL || w->op == NULL)
		exit(99);
	w->op[w->ops] = o;
	o->kind = kind;
	o->w = w;
	return o;
}

/* Buffers of odd sizes, as guests have them. */
static void
split(struct op *o)
{
	uint64_t len = o->count * SECTOR, a = random_below(len + 1), b;

	b = a + random_below(len - a + 1);
	o->iov[0] = (struct iovec){o->data, a};
	o->iov[1] = (struct iovec){o->data + a, b - a};
	o->iov[2] = (struct iovec){o->data + b, len - b};
	o->rq.iov = o->iov;
	o->rq.iovs = 3;
}

static void
remember(struct workload *w, uint64_t sector)
{
	struct history *h = &w->history[sector];

	if (h->n == h->room) {
		h->room = h->room * 2 + 4;
		h->op = realloc(h->op, h->room * sizeof *h->op);
		if (h->op == NULL)
			exit(99);
	}
	h->op[h->n++] = w->ops;
}

static void
submit(struct workload *w, struct block *b)
{
	struct op *o = new_op(w, choose_kind(w));
	uint64_t i;
	unsigned f;

	if (o->kind != BLOCK_FLUSH)
		choose_place(w, &o->sector, &o->count);
	for (f = 0; f < w->in_flight; f++)
		if (overlaps(w->op[w->flying[f]], o->sector, o->count)) {
			free(o);
			return;
		}
	if (o->kind == BLOCK_READ || o->kind == BLOCK_WRITE) {
		o->data = malloc(o->count * SECTOR);
		if (o->data == NULL)
			exit(99);
		split(o);
	}
	for (i = 0; o->kind == BLOCK_WRITE && i < o->count; i++)
		stamp(o->data + i * SECTOR, o->sector + i, w->ops);
	for (i = 0; o->kind != BLOCK_READ && i < o->count; i++)
		remember(w, o->sector + i);
	o->rq.op = o->kind;
	o->rq.unmap = random_below(2) == 0;
	o->rq.offset = o->sector * SECTOR;
	o->rq.len = o->count * SECTOR;
	o->rq.done = done;
	o->submitted = recorder_tick();
	w->flying[w->in_flight++] = w->ops++;
	block_submit(b, &o->rq);
}

int
workload_run(struct workload *w, struct block *b, unsigned requests)
{
	while (requests-- > 0 && w->wrong == 0) {
		submit(w, b);
		if (random_below(3) == 0)
			block_flush_queue(b);
		while (w->in_flight == AT_ONCE ||
		    (w->in_flight > 0 && random_below(4) == 0)) {
			block_flush_queue(b);
			block_reap(b);
			if (random_below(8) == 0)
				block_drain(b);
		}
	}
	block_drain(b);
	return w->wrong == 0 ? 0 : -1;
}
