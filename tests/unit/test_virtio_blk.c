/* backend/virtio/blk: a disk as its driver sees it, on a real image file. */
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tests/unit/virtio_rig.h"
#include "tests/unit/image.h"

#define SIZE   64
#define HEADER 0x200000u /* request i: header, status and data */
#define STATUS 0x210000u
#define DATA   0x220000u
#define MOST   0x8000u /* bytes of data a request */

#define IN           0
#define OUT          1
#define FLUSH        4
#define GET_ID       8
#define DISCARD      11
#define WRITE_ZEROES 13

#define OK     0
#define IOERR  1
#define UNSUPP 2

#define F_RO           (1ULL << 5)
#define F_FLUSH        (1ULL << 9)
#define F_DISCARD      (1ULL << 13)
#define F_WRITE_ZEROES (1ULL << 14)

struct fixture {
	struct pci_bus *bus;
	struct virtio_dev *dev;
	struct ring r;
	char path[64];
};

static uint8_t *
data(struct fixture *f, unsigned i)
{
	return ram(f->bus, DATA + i * MOST);
}

static uint8_t
status(struct fixture *f, unsigned i)
{
	return *ram(f->bus, STATUS + i);
}

/* Makes request number i available: len bytes of data to or from the disk. */
static void
request(
    struct fixture *f, unsigned i, uint32_t type, uint64_t sector, uint32_t len)
{
	bool in = type == IN || type == GET_ID;
	struct buf b[3] = {{HEADER + 16 * i, 16, false},
	    {DATA + i * MOST, len, in}, {STATUS + i, 1, true}};
	uint32_t h[4] = {type, 0, (uint32_t)sector, (uint32_t)(sector >> 32)};

	memcpy(ram(f->bus, HEADER + 16 * i), h, 16);
	*ram(f->bus, STATUS + i) = 0xee;
	if (len == 0)
		b[1] = b[2];
	ring_add(&f->r, b, len == 0 ? 2 : 3);
}

/* Waits for the disk's thread. Returns the length it reports. */
static uint32_t
finish(struct fixture *f)
{
	uint32_t len = 0;
	unsigned i;

	modern_kick(f->bus, 0);
	for (i = 0; i < 5000 && !ring_used(&f->r, NULL, &len); i++)
		usleep(1000);
	assert_true(i < 5000);
	return len;
}

/* One request on its own. Returns its status. */
static uint8_t
perform(struct fixture *f, uint32_t type, uint64_t sector, uint32_t len)
{
	f->r.next_desc = 0;
	request(f, 0, type, sector, len);
	finish(f);
	return status(f, 0);
}

static uint8_t
clear(struct fixture *f, uint32_t type, uint64_t sector, uint32_t sectors,
    uint32_t flags)
{
	uint32_t range[4] = {
	    (uint32_t)sector, (uint32_t)(sector >> 32), sectors, flags};

	memcpy(data(f, 0), range, sizeof range);
	return perform(f, type, 0, sizeof range);
}

static void
drive(struct fixture *f, uint64_t features)
{
	modern_begin(f->bus, F_VERSION_1 | features);
	modern_queue(f->bus, &f->r, 0, SIZE);
	modern_ready(f->bus);
	f->bus->fn.msix = true;
}

static void
full(void *arg)
{
	fail_msg("the host's disk is full");
}

static const struct virtio_blk_ops ops = {.full = full};

/* A disk of size bytes of 0x5a. */
static struct fixture *
disk(size_t size, bool readonly, const char *serial)
{
	struct fixture *f = calloc(1, sizeof *f);
	uint8_t *bytes = malloc(size);
	struct block *b;
	struct error err;
	int fd;

	f->bus = rig_new();
	snprintf(f->path, sizeof f->path, "/tmp/vmtui-blk.XXXXXX");
	fd = mkstemp(f->path);
	memset(bytes, 0x5a, size);
	assert_int_equal(write(fd, bytes, size), size);
	free(bytes);
	close(fd);
	fd = image_open(f->path, readonly, &err);
	assert_int_equal(
	    block_attach_raw(fd, f->path, readonly, 8, &b, &err), 0);
	assert_int_equal(virtio_blk_create(f->bus, b, "vda", serial, 1, &ops,
			     NULL, &f->dev, &err),
	    0);
	return f;
}

static int
setup(void **state)
{
	*state = disk(1 << 20, false, "serial-0123456789abc");
	return 0;
}

static int
teardown(void **state)
{
	struct fixture *f = *state;

	rig_free(f->bus);
	unlink(f->path);
	free(f);
	return 0;
}

static void
test_blk_configuration_tells_the_disk(void **state)
{
	struct fixture *f = *state;
	uint64_t offered = modern_offered(f->bus);

	assert_int_equal(bar_in(f->bus, MODERN, CONFIG, 8), 2048);
	assert_int_equal(bar_in(f->bus, MODERN, CONFIG + 20, 4), 512);
	assert_int_equal(bar_in(f->bus, MODERN, CONFIG + 12, 4), 254);
	assert_true(bar_in(f->bus, MODERN, CONFIG + 36, 4) > 0);
	assert_true(bar_in(f->bus, MODERN, CONFIG + 48, 4) > 0);
	assert_int_equal(bar_in(f->bus, MODERN, CONFIG + 56, 1), 1);
	assert_int_equal(
	    offered & (F_FLUSH | F_DISCARD | F_WRITE_ZEROES | F_RO),
	    F_FLUSH | F_DISCARD | F_WRITE_ZEROES);
	/* The legacy face shows it at 20, and at 24 with MSI-X. */
	assert_int_equal(bar_in(f->bus, LEGACY, 20, 4), 2048);
	f->bus->fn.msix = true;
	assert_int_equal(bar_in(f->bus, LEGACY, 24, 4), 2048);
	assert_int_equal(bar_in(f->bus, LEGACY, 44, 4), 512);
	assert_int_equal(f->bus->fn.ops->device, 0x1001);
	assert_int_equal(f->bus->fn.ops->subdevice, 2);
}

static void
test_blk_reads_what_it_wrote(void **state)
{
	struct fixture *f = *state;
	uint8_t want[4096];

	drive(f, F_FLUSH);
	memset(want, 0xa7, sizeof want);
	memcpy(data(f, 0), want, sizeof want);
	assert_int_equal(perform(f, OUT, 9, 4096), OK);
	assert_int_equal(perform(f, FLUSH, 0, 0), OK);
	memset(data(f, 0), 0, 5120);
	f->r.next_desc = 0;
	request(f, 0, IN, 8, 5120);
	assert_int_equal(finish(f), 5121);
	assert_int_equal(status(f, 0), OK);
	assert_int_equal(data(f, 0)[511], 0x5a);
	assert_memory_equal(data(f, 0) + 512, want, 4096);
	assert_int_equal(data(f, 0)[512 + 4096], 0x5a);
	assert_int_equal(virtio_figures(f->dev)->in_bytes, 5120);
	assert_int_equal(virtio_figures(f->dev)->out_bytes, 4096);
	assert_int_equal(virtio_figures(f->dev)->in_ops, 1);
}

static void
test_blk_scatters_over_many_buffers(void **state)
{
	struct fixture *f = *state;
	struct buf b[62];
	uint32_t h[4] = {OUT, 0, 16, 0};
	unsigned i, round;

	drive(f, F_FLUSH);
	for (i = 0; i < 60 * 512; i++)
		data(f, 0)[i] = (uint8_t)(i / 512 + i);
	memcpy(data(f, 4), data(f, 0), 60 * 512);
	for (round = 0; round < 2; round++) {
		h[0] = round == 0 ? OUT : IN;
		memcpy(ram(f->bus, HEADER), h, sizeof h);
		b[0] = (struct buf){HEADER, 16, false};
		/* Every piece by itself, the last one first. */
		for (i = 0; i < 60; i++)
			b[1 + i] = (struct buf){
			    DATA + 512 * (59 - i), 512, round == 1};
		b[61] = (struct buf){STATUS, 1, true};
		f->r.next_desc = 0;
		ring_add(&f->r, b, 62);
		assert_int_equal(finish(f), round == 0 ? 1 : 60 * 512 + 1);
		assert_int_equal(status(f, 0), OK);
		if (round == 0)
			memset(data(f, 0), 0, 60 * 512);
	}
	assert_memory_equal(data(f, 0), data(f, 4), 60 * 512);
}

static void
test_blk_checks_its_bounds(void **state)
{
	static const struct {
		uint64_t sector;
		uint32_t len;
		uint8_t want;
	} tries[] = {
	    {2047, 512, OK},
	    {2047, 1024, IOERR},
	    {2048, 512, IOERR},
	    {~0ULL, 512, IOERR},
	    {1ULL << 55, 512, IOERR},
	    {0, 100, IOERR},
	    {0, 513, IOERR},
	};
	struct fixture *f = *state;
	unsigned i;

	drive(f, F_FLUSH);
	for (i = 0; i < sizeof tries / sizeof *tries; i++) {
		assert_int_equal(perform(f, IN, tries[i].sector, tries[i].len),
		    tries[i].want);
		assert_int_equal(perform(f, OUT, tries[i].sector, tries[i].len),
		    tries[i].want);
	}
	assert_int_equal(perform(f, 77, 0, 512), UNSUPP);
}

static void
test_blk_tells_its_serial(void **state)
{
	struct fixture *f = *state;

	drive(f, 0);
	memset(data(f, 0), 0xee, 32);
	assert_int_equal(perform(f, GET_ID, 0, 20), OK);
	assert_memory_equal(data(f, 0), "serial-0123456789abc\xee", 21);
	/* Into a buffer that is too short: what fits. */
	memset(data(f, 0), 0xee, 32);
	assert_int_equal(perform(f, GET_ID, 0, 6), OK);
	assert_memory_equal(data(f, 0), "serial\xee", 7);
}

static void
test_blk_clears_sectors(void **state)
{
	static const uint8_t zeroes[512];
	struct fixture *f = *state;

	drive(f, F_FLUSH | F_DISCARD | F_WRITE_ZEROES);
	assert_int_equal(clear(f, WRITE_ZEROES, 1, 1, 0), OK);
	assert_int_equal(clear(f, WRITE_ZEROES, 3, 1, 1), OK);
	assert_int_equal(perform(f, IN, 0, 5 * 512), OK);
	assert_int_equal(data(f, 0)[511], 0x5a);
	assert_memory_equal(data(f, 0) + 512, zeroes, 512);
	assert_int_equal(data(f, 0)[1024], 0x5a);
	assert_memory_equal(data(f, 0) + 1536, zeroes, 512);
	assert_int_equal(data(f, 0)[2048], 0x5a);
	assert_true(clear(f, DISCARD, 8, 8, 0) != IOERR);
	/* Flags that nobody knows, and ranges that there are not. */
	assert_int_equal(clear(f, DISCARD, 8, 8, 1), UNSUPP);
	assert_int_equal(clear(f, WRITE_ZEROES, 8, 8, 2), UNSUPP);
	assert_int_equal(clear(f, WRITE_ZEROES, 2047, 2, 0), IOERR);
	assert_int_equal(clear(f, WRITE_ZEROES, ~0ULL, 1, 0), IOERR);
	assert_int_equal(clear(f, DISCARD, 0, 0xffffffff, 0), IOERR);
	assert_int_equal(perform(f, DISCARD, 0, 15), IOERR);
	assert_int_equal(perform(f, DISCARD, 0, 32), IOERR);
}

static void
test_blk_readonly_keeps_its_contents(void **state)
{
	struct fixture *f = disk(4096, true, "");

	assert_true(modern_offered(f->bus) & F_RO);
	assert_false(modern_offered(f->bus) & (F_DISCARD | F_WRITE_ZEROES));
	drive(f, F_FLUSH);
	assert_int_equal(perform(f, OUT, 0, 512), IOERR);
	assert_int_equal(clear(f, WRITE_ZEROES, 0, 1, 0), IOERR);
	assert_int_equal(clear(f, DISCARD, 0, 1, 0), IOERR);
	assert_int_equal(perform(f, FLUSH, 0, 0), OK);
	assert_int_equal(perform(f, IN, 0, 512), OK);
	assert_int_equal(data(f, 0)[0], 0x5a);
	*state = f;
	teardown(state);
}

static void
test_blk_last_sector_need_not_be_whole(void **state)
{
	struct fixture *f = disk(1000, false, "");

	drive(f, F_FLUSH | F_WRITE_ZEROES);
	assert_int_equal(bar_in(f->bus, MODERN, CONFIG, 8), 2);
	memset(data(f, 0), 0xee, 1024);
	assert_int_equal(perform(f, IN, 0, 1024), OK);
	assert_int_equal(data(f, 0)[999], 0x5a);
	assert_int_equal(data(f, 0)[1000], 0);
	assert_int_equal(data(f, 0)[1023], 0);
	assert_int_equal(perform(f, OUT, 0, 512), OK);
	assert_int_equal(perform(f, OUT, 1, 512), IOERR);
	assert_int_equal(clear(f, WRITE_ZEROES, 1, 1, 0), OK);
	assert_int_equal(perform(f, IN, 1, 512), OK);
	assert_int_equal(data(f, 0)[0], 0);
	*state = f;
	teardown(state);
}

static void
test_blk_without_flush_still_writes(void **state)
{
	struct fixture *f = *state;

	drive(f, 0);
	memset(data(f, 0), 0x11, 512);
	assert_int_equal(perform(f, OUT, 5, 512), OK);
	assert_int_equal(perform(f, OUT, 5, 0), OK);
	assert_int_equal(virtio_figures(f->dev)->out_bytes, 512);
	memset(data(f, 0), 0, 512);
	assert_int_equal(perform(f, IN, 5, 512), OK);
	assert_int_equal(data(f, 0)[0], 0x11);
}

static void
test_blk_batch_is_answered_whole(void **state)
{
	struct fixture *f = *state;
	unsigned i, round;
	bool seen[SIZE];
	uint32_t id;

	drive(f, F_FLUSH | F_EVENT_IDX);
	for (round = 0; round < 20; round++) {
		f->r.next_desc = 0;
		memset(seen, 0, sizeof seen);
		/* One interrupt, after the last of them. */
		ring_used_event(&f->r, (uint16_t)(f->r.last_used + 20));
		for (i = 0; i < 21; i++)
			request(f, i, round % 2 == 0 ? OUT : IN, 8 * i, 4096);
		finish(f);
		for (i = 1; i < 21; i++) {
			unsigned ms;

			for (ms = 0; ms < 5000; ms++) {
				if (ring_used(&f->r, &id, NULL))
					break;
				usleep(1000);
			}
			assert_true(ms < 5000);
			assert_int_equal(id % 3, 0);
			assert_false(seen[id]);
			seen[id] = true;
		}
		for (i = 0; i < 21; i++)
			assert_int_equal(status(f, i), OK);
		for (i = 0; i < 5000 && f->bus->fn.sent[0] <= round; i++)
			usleep(1000);
		assert_int_equal(f->bus->fn.sent[0], round + 1);
	}
}

static void
test_blk_reset_leaves_nothing_in_flight(void **state)
{
	struct fixture *f = *state;
	unsigned i, round;
	uint16_t used;

	for (round = 0; round < 50; round++) {
		drive(f, F_FLUSH);
		f->r.next_desc = 0;
		for (i = 0; i < 21; i++)
			request(f, i, i % 2 == 0 ? OUT : IN, 8 * i, 4096);
		modern_kick(f->bus, 0);
		if (round % 3 == 0)
			usleep(round * 10);
		bar_out(f->bus, MODERN, 0x14, 1, 0);
		assert_int_equal(modern_status(f->bus), 0);
		/* From here the memory is the driver's own. */
		used = ring_used_idx(&f->r);
		for (i = 0; i < 21; i++)
			memset(data(f, i), 0xcc, 4096);
		usleep(200);
		assert_int_equal(ring_used_idx(&f->r), used);
		for (i = 0; i < 21; i++)
			assert_int_equal(data(f, i)[0], 0xcc);
	}
	drive(f, F_FLUSH);
	assert_int_equal(perform(f, IN, 0, 512), OK);
}

static void
test_blk_breaks_on_a_request_without_status(void **state)
{
	struct fixture *f = *state;
	const struct buf bad[2][2] = {
	    {{HEADER, 16, false}, {DATA, 512, false}}, /* no status */
	    {{HEADER, 15, false}, {STATUS, 1, true}}, /* no whole header */
	};
	unsigned i, ms;

	for (i = 0; i < 2; i++) {
		drive(f, F_FLUSH);
		f->r.next_desc = 0;
		ring_add(&f->r, bad[i], 2);
		modern_kick(f->bus, 0);
		for (ms = 0; ms < 5000; ms++) {
			if ((modern_status(f->bus) & S_NEEDS_RESET) != 0)
				break;
			usleep(1000);
		}
		assert_true(ms < 5000);
	}
	drive(f, F_FLUSH);
	assert_int_equal(perform(f, IN, 0, 512), OK);
}

static void
test_blk_speaks_legacy_with_a_header_in_pieces(void **state)
{
	struct fixture *f = *state;
	const struct buf b[] = {{HEADER, 3, false}, {HEADER + 3, 13, false},
	    {DATA, 511, true}, {DATA + 511, 2, true}};
	uint32_t h[4] = {IN, 0, 7, 0}, len;
	unsigned i;

	bar_out(f->bus, LEGACY, 18, 1, S_ACK | S_DRIVER);
	bar_out(f->bus, LEGACY, 4, 4, 0);
	legacy_queue(f->bus, &f->r, 0);
	bar_out(f->bus, LEGACY, 18, 1, S_ACK | S_DRIVER | S_DRIVER_OK);
	memcpy(ram(f->bus, HEADER), h, sizeof h);
	memset(data(f, 0), 0xee, 600);
	ring_add(&f->r, b, 4);
	assert_int_equal(doorbell(f->bus, true, PIO_BASE + 16, 0), 1);
	for (i = 0; i < 5000 && !ring_used(&f->r, NULL, &len); i++)
		usleep(1000);
	assert_true(i < 5000);
	assert_int_equal(len, 513);
	assert_int_equal(data(f, 0)[511], 0x5a);
	assert_int_equal(data(f, 0)[512], OK);
	for (i = 0; i < 5000 && !f->bus->fn.intx; i++)
		usleep(1000);
	assert_int_equal(bar_in(f->bus, LEGACY, 19, 1), 1);
}

static void
test_blk_is_saved_with_nothing_in_flight(void **state)
{
	struct fixture *f = *state;
	struct state_writer w = {0};
	struct state_reader r;
	struct error err;
	unsigned i;

	drive(f, F_FLUSH);
	for (i = 0; i < 21; i++)
		request(f, i, OUT, 8 * i, 4096);
	modern_kick(f->bus, 0);
	state_begin(&w, "blk", 1);
	f->bus->fn.ops->save(f->bus->fn.arg, &w);
	state_end(&w);
	/* Whatever the thread had not begun by then goes on after a load. */
	r = (struct state_reader){.data = w.data, .len = w.len};
	assert_int_equal(state_open(&r, "blk"), 1);
	for (i = 0; i < 21; i++)
		finish(f);
	assert_int_equal(f->bus->fn.ops->load(f->bus->fn.arg, &r, &err), 0);
	assert_int_equal(modern_status(f->bus), S_READY);
	state_writer_free(&w);
}

static void
test_blk_finishes_what_it_began_before_it_goes(void **state)
{
	struct fixture *f = disk(1 << 20, false, "");
	unsigned i;
	uint8_t byte;
	int fd;

	drive(f, F_FLUSH);
	for (i = 0; i < 21; i++) {
		memset(data(f, i), 0x3c, 4096);
		request(f, i, OUT, 8 * i, 4096);
	}
	modern_kick(f->bus, 0);
	while (virtio_figures(f->dev)->out_ops == 0)
		usleep(100);
	rig_map(&f->bus->fn, false, PIO_BASE, MMIO_BASE);
	f->bus->fn.ops->destroy(f->bus->fn.arg);
	f->bus->fn.ops = NULL;
	fd = open(f->path, O_RDONLY);
	for (i = 0; i < 21; i++) {
		assert_int_equal(pread(fd, &byte, 1, 4096 * i), 1);
		assert_int_equal(status(f, i), OK);
		assert_int_equal(byte, 0x3c);
	}
	close(fd);
	*state = f;
	teardown(state);
}

static void
test_blk_refused_closes_its_image(void **state)
{
	struct fixture *f = *state;
	struct pci_bus *bus = rig_new();
	struct block *b;
	struct error err;
	char path[] = "/tmp/vmtui-blk.XXXXXX";
	int fd = mkstemp(path);

	assert_int_equal(ftruncate(fd, 4096), 0);
	assert_int_equal(block_attach_raw(fd, path, false, 8, &b, &err), 0);
	bus->refuse = true;
	assert_int_equal(
	    virtio_blk_create(bus, b, "vdb", "", 1, &ops, NULL, NULL, &err),
	    -1);
	assert_int_equal(fcntl(fd, F_GETFD), -1);
	rig_free(bus);
	unlink(path);
	(void)f;
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    TEST(test_blk_configuration_tells_the_disk),
	    TEST(test_blk_reads_what_it_wrote),
	    TEST(test_blk_scatters_over_many_buffers),
	    TEST(test_blk_checks_its_bounds),
	    TEST(test_blk_tells_its_serial),
	    TEST(test_blk_clears_sectors),
	    cmocka_unit_test(test_blk_readonly_keeps_its_contents),
	    cmocka_unit_test(test_blk_last_sector_need_not_be_whole),
	    TEST(test_blk_without_flush_still_writes),
	    TEST(test_blk_batch_is_answered_whole),
	    TEST(test_blk_reset_leaves_nothing_in_flight),
	    TEST(test_blk_breaks_on_a_request_without_status),
	    TEST(test_blk_speaks_legacy_with_a_header_in_pieces),
	    TEST(test_blk_is_saved_with_nothing_in_flight),
	    cmocka_unit_test(test_blk_finishes_what_it_began_before_it_goes),
	    TEST(test_blk_refused_closes_its_image),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
