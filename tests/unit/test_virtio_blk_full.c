/* backend/virtio/blk_full: what a driver sees of a full host disk: nothing. */
#include <errno.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "tests/unit/virtio_rig.h"
#include "backend/block/engine.h"

#define SIZE   64
#define HEADER 0x200000u
#define STATUS 0x210000u
#define DATA   0x220000u
#define SECTOR 512u
#define BYTES  65536u

#define IN           0
#define OUT          1
#define FLUSH        4
#define DISCARD      11
#define WRITE_ZEROES 13

#define OK    0
#define IOERR 1
#define OPEN  0xee /* a status that nobody has written */

#define F_FLUSH        (1ULL << 9)
#define F_DISCARD      (1ULL << 13)
#define F_WRITE_ZEROES (1ULL << 14)

/* An image in memory that fails as told. */
struct fake {
	struct block b; /* first */
	struct block_queue queue;
	atomic_int error; /* of whatever changes it, 0: none */
	atomic_uint tries; /* requests that failed so */
	atomic_bool flush_only; /* only flushes fail */
	uint8_t bytes[BYTES];
};

struct fixture {
	struct pci_bus *bus;
	struct virtio_dev *dev;
	struct fake *fake;
	struct ring r;
	atomic_uint told; /* calls of full() */
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
	uint8_t *at = k->bytes + rq->offset;
	unsigned i;

	if (rq->op != BLOCK_READ && k->error != 0 &&
	    (!k->flush_only || rq->op == BLOCK_FLUSH)) {
		k->tries++;
		return -k->error;
	}
	for (i = 0; rq->op <= BLOCK_WRITE && i < rq->iovs; i++) {
		if (rq->op == BLOCK_READ)
			memcpy(rq->iov[i].iov_base, at, rq->iov[i].iov_len);
		else
			memcpy(at, rq->iov[i].iov_base, rq->iov[i].iov_len);
		at += rq->iov[i].iov_len;
	}
	if (rq->op == BLOCK_WRITE_ZEROES)
		memset(at, 0, rq->len);
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

static const struct block_ops fake_ops = {
    .submit = fake_submit,
    .flush_queue = fake_flush_queue,
    .reap = fake_reap,
    .wait = fake_wait,
    .close = fake_close,
};

static void
full(void *arg)
{
	struct fixture *f = arg;

	f->told++;
}

static const struct virtio_blk_ops ops = {.full = full};

static int
setup(void **state)
{
	struct fixture *f = calloc(1, sizeof *f);
	struct fake *k = calloc(1, sizeof *k);
	struct error err;

	k->b.ops = &fake_ops;
	k->b.event_fd = eventfd(0, EFD_CLOEXEC);
	k->b.fd = dup(k->b.event_fd);
	k->b.path = strdup("fake");
	k->b.size = BYTES;
	block_queue_init(&k->b.ready);
	block_queue_init(&k->queue);
	memset(k->bytes, 0x5a, BYTES);
	f->fake = k;
	f->bus = rig_new();
	assert_int_equal(virtio_blk_create(f->bus, &k->b, "vda", "", 1, &ops, f,
			     &f->dev, &err),
	    0);
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
drive(struct fixture *f, uint64_t features)
{
	modern_begin(f->bus, F_VERSION_1 | features);
	modern_queue(f->bus, &f->r, 0, SIZE);
	modern_ready(f->bus);
	f->bus->fn.msix = true;
}

static uint8_t
status(struct fixture *f, unsigned i)
{
	return *ram(f->bus, STATUS + i);
}

/* Makes request i available: one sector, sector i, of the byte value. */
static void
request(struct fixture *f, unsigned i, uint32_t type, uint8_t value)
{
	struct buf b[3] = {{HEADER + 16 * i, 16, false},
	    {DATA + i * SECTOR, SECTOR, type == IN}, {STATUS + i, 1, true}};
	uint32_t h[4] = {type, 0, i, 0}, range[4] = {i, 0, 1, 0};

	memcpy(ram(f->bus, HEADER + 16 * i), h, 16);
	memset(ram(f->bus, DATA + i * SECTOR), value, SECTOR);
	if (type == DISCARD || type == WRITE_ZEROES) {
		b[1].len = sizeof range;
		memcpy(ram(f->bus, b[1].gpa), range, sizeof range);
	}
	*ram(f->bus, STATUS + i) = OPEN;
	if (type == FLUSH)
		b[1] = b[2];
	ring_add(&f->r, b, type == FLUSH ? 2 : 3);
}

/* Waits for a condition that another thread makes true. */
#define WAIT_FOR(condition)                                   \
	do {                                                  \
		unsigned ms_ = 0;                             \
		bool ok_;                                     \
		while (!(ok_ = (condition)) && ms_++ < 20000) \
			usleep(1000);                         \
		assert_true(ok_);                             \
	} while (0)

static void
finish(struct fixture *f, unsigned count)
{
	for (; count > 0; count--)
		WAIT_FOR(ring_used(&f->r, NULL, NULL));
	assert_false(ring_used(&f->r, NULL, NULL));
}

/* One request that finds the disk full. */
static void
get_stuck(struct fixture *f, uint32_t type)
{
	f->fake->error = ENOSPC;
	request(f, 0, type, 0x11);
	modern_kick(f->bus, 0);
	WAIT_FOR(f->told == 1);
	assert_int_equal(virtio_blk_full(f->dev), ENOSPC);
	assert_int_equal(status(f, 0), OPEN);
}

static void
test_full_disk_is_no_error_to_the_guest(void **state)
{
	static const uint32_t types[] = {OUT, WRITE_ZEROES, DISCARD, FLUSH};
	struct fixture *f = *state;
	unsigned i;

	for (i = 0; i < sizeof types / sizeof *types; i++) {
		drive(f, F_FLUSH | F_DISCARD | F_WRITE_ZEROES);
		f->told = 0;
		get_stuck(f, types[i]);
		assert_false(ring_used(&f->r, NULL, NULL));
		f->fake->error = 0;
		virtio_blk_retry(f->dev);
		finish(f, 1);
		assert_int_equal(status(f, 0), OK);
		assert_int_equal(virtio_blk_full(f->dev), 0);
		assert_int_equal(f->told, 1);
		if (types[i] == OUT)
			assert_int_equal(f->fake->bytes[SECTOR - 1], 0x11);
		if (types[i] == WRITE_ZEROES)
			assert_int_equal(f->fake->bytes[SECTOR - 1], 0);
	}
	assert_int_equal(virtio_figures(f->dev)->out_ops, 1);
}

static void
test_used_up_quota_is_a_full_disk(void **state)
{
	struct fixture *f = *state;

	drive(f, F_FLUSH);
	f->fake->error = EDQUOT;
	request(f, 0, OUT, 1);
	modern_kick(f->bus, 0);
	WAIT_FOR(f->told == 1);
	assert_int_equal(virtio_blk_full(f->dev), EDQUOT);
	assert_int_equal(status(f, 0), OPEN);
}

static void
test_other_errors_are_the_guests(void **state)
{
	static const int errors[] = {EIO, EFBIG, ENODEV, EROFS};
	struct fixture *f = *state;
	unsigned i;

	drive(f, F_FLUSH);
	for (i = 0; i < sizeof errors / sizeof *errors; i++) {
		f->fake->error = errors[i];
		request(f, i, OUT, 1);
		modern_kick(f->bus, 0);
		finish(f, 1);
		assert_int_equal(status(f, i), IOERR);
	}
	assert_int_equal(f->told, 0);
	assert_int_equal(virtio_blk_full(f->dev), 0);
}

static void
test_many_requests_wait_and_all_are_done(void **state)
{
	struct fixture *f = *state;
	unsigned i;

	drive(f, F_FLUSH);
	f->fake->error = ENOSPC;
	for (i = 0; i < 16; i++)
		request(f, i, OUT, (uint8_t)(0x20 + i));
	modern_kick(f->bus, 0);
	WAIT_FOR(f->fake->tries == 16);
	/* Told once, however many they are. */
	assert_int_equal(virtio_blk_full(f->dev), ENOSPC);
	assert_int_equal(f->told, 1);
	/* There is still no room: told again. */
	virtio_blk_retry(f->dev);
	WAIT_FOR(f->fake->tries == 32);
	assert_int_equal(virtio_blk_full(f->dev), ENOSPC);
	assert_int_equal(f->told, 2);
	f->fake->error = 0;
	virtio_blk_retry(f->dev);
	finish(f, 16);
	for (i = 0; i < 16; i++) {
		assert_int_equal(status(f, i), OK);
		assert_int_equal(f->fake->bytes[i * SECTOR], 0x20 + i);
	}
}

static void
test_nothing_new_is_begun_before_there_is_room(void **state)
{
	struct fixture *f = *state;

	drive(f, F_FLUSH);
	get_stuck(f, OUT);
	request(f, 1, IN, 0);
	modern_kick(f->bus, 0);
	usleep(20000);
	assert_int_equal(status(f, 1), OPEN);
	f->fake->error = 0;
	virtio_blk_retry(f->dev);
	finish(f, 2);
	assert_int_equal(status(f, 0), OK);
	assert_int_equal(status(f, 1), OK);
}

static void
test_write_without_flush_waits_for_its_own(void **state)
{
	struct fixture *f = *state;

	drive(f, 0);
	f->fake->flush_only = true;
	get_stuck(f, OUT);
	f->fake->error = 0;
	virtio_blk_retry(f->dev);
	finish(f, 1);
	assert_int_equal(status(f, 0), OK);
	assert_int_equal(virtio_figures(f->dev)->out_ops, 1);
}

static void
test_reset_drops_what_waits(void **state)
{
	struct fixture *f = *state;
	uint16_t used;

	drive(f, F_FLUSH);
	get_stuck(f, OUT);
	bar_out(f->bus, MODERN, 0x14, 1, 0);
	assert_int_equal(virtio_blk_full(f->dev), 0);
	used = ring_used_idx(&f->r);
	f->fake->error = 0;
	virtio_blk_retry(f->dev);
	usleep(20000);
	/* The memory is the driver's own, and the disk as it was. */
	assert_int_equal(ring_used_idx(&f->r), used);
	assert_int_equal(status(f, 0), OPEN);
	assert_int_equal(f->fake->bytes[0], 0x5a);
	drive(f, F_FLUSH);
	request(f, 0, OUT, 0x33);
	modern_kick(f->bus, 0);
	finish(f, 1);
	assert_int_equal(f->fake->bytes[0], 0x33);
}

static void
test_legacy_queue_that_stops_drops_what_waits(void **state)
{
	struct fixture *f = *state;

	bar_out(f->bus, LEGACY, 18, 1, S_ACK | S_DRIVER);
	bar_out(f->bus, LEGACY, 4, 4, F_FLUSH);
	legacy_queue(f->bus, &f->r, 0);
	bar_out(f->bus, LEGACY, 18, 1, S_ACK | S_DRIVER | S_DRIVER_OK);
	f->fake->error = ENOSPC;
	request(f, 0, OUT, 0x11);
	assert_int_equal(doorbell(f->bus, true, PIO_BASE + 16, 0), 1);
	WAIT_FOR(f->told == 1);
	bar_out(f->bus, LEGACY, 14, 2, 0);
	bar_out(f->bus, LEGACY, 8, 4, 0);
	assert_int_equal(virtio_blk_full(f->dev), 0);
	f->fake->error = 0;
	virtio_blk_retry(f->dev);
	usleep(20000);
	assert_int_equal(status(f, 0), OPEN);
	assert_int_equal(f->fake->bytes[0], 0x5a);
}

static void
test_saved_device_still_has_what_waits(void **state)
{
	struct fixture *f = *state;
	struct state_writer w = {0};
	struct state_reader r;
	struct error err;
	unsigned i;

	drive(f, F_FLUSH | F_INDIRECT);
	f->fake->error = ENOSPC;
	for (i = 0; i < 5; i++)
		request(f, i, OUT, (uint8_t)(0x40 + i));
	modern_kick(f->bus, 0);
	WAIT_FOR(f->fake->tries == 5);
	state_begin(&w, "blk", 1);
	f->bus->fn.ops->save(f->bus->fn.arg, &w);
	state_end(&w);
	r = (struct state_reader){.data = w.data, .len = w.len};
	assert_int_equal(state_open(&r, "blk"), 1);
	/* Into a device that was reset, as another process's would be. */
	bar_out(f->bus, MODERN, 0x14, 1, 0);
	assert_int_equal(f->bus->fn.ops->load(f->bus->fn.arg, &r, &err), 0);
	assert_int_equal(modern_status(f->bus), S_READY);
	WAIT_FOR(f->fake->tries == 10);
	assert_int_equal(virtio_blk_full(f->dev), ENOSPC);
	f->fake->error = 0;
	virtio_blk_retry(f->dev);
	finish(f, 5);
	for (i = 0; i < 5; i++) {
		assert_int_equal(status(f, i), OK);
		assert_int_equal(f->fake->bytes[i * SECTOR], 0x40 + i);
	}
	state_writer_free(&w);
}

static void
test_saved_heads_are_checked(void **state)
{
	struct fixture *f = *state;
	struct state_writer w = {0};
	struct state_reader r;
	struct error err;

	drive(f, F_FLUSH);
	get_stuck(f, OUT);
	state_begin(&w, "blk", 1);
	f->bus->fn.ops->save(f->bus->fn.arg, &w);
	state_end(&w);
	/* The last two bytes are the head of the only one. */
	w.data[w.len - 2] = 0xff;
	r = (struct state_reader){.data = w.data, .len = w.len};
	assert_int_equal(state_open(&r, "blk"), 1);
	f->bus->fn.ops->load(f->bus->fn.arg, &r, &err);
	assert_true(modern_status(f->bus) & S_NEEDS_RESET);
	/* Nor is there such a queue. */
	w.data[w.len - 2] = 0;
	w.data[w.len - 3] = 1;
	r = (struct state_reader){.data = w.data, .len = w.len};
	assert_int_equal(state_open(&r, "blk"), 1);
	assert_int_equal(f->bus->fn.ops->load(f->bus->fn.arg, &r, &err), -1);
	/* And a count that cannot be. */
	w.data[w.len - 5] = 0xff;
	w.data[w.len - 4] = 0xff;
	r = (struct state_reader){.data = w.data, .len = w.len};
	assert_int_equal(state_open(&r, "blk"), 1);
	assert_int_equal(f->bus->fn.ops->load(f->bus->fn.arg, &r, &err), -1);
	state_writer_free(&w);
}

static void
test_disk_that_goes_away_does_not_wait_for_room(void **state)
{
	struct fixture *f = *state;

	drive(f, F_FLUSH);
	get_stuck(f, OUT);
	/* teardown() destroys it so. */
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    TEST(test_full_disk_is_no_error_to_the_guest),
	    TEST(test_used_up_quota_is_a_full_disk),
	    TEST(test_other_errors_are_the_guests),
	    TEST(test_many_requests_wait_and_all_are_done),
	    TEST(test_nothing_new_is_begun_before_there_is_room),
	    TEST(test_write_without_flush_waits_for_its_own),
	    TEST(test_reset_drops_what_waits),
	    TEST(test_legacy_queue_that_stops_drops_what_waits),
	    TEST(test_saved_device_still_has_what_waits),
	    TEST(test_saved_heads_are_checked),
	    TEST(test_disk_that_goes_away_does_not_wait_for_room),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
