/* backend/virtio/blk: a disk with several queues, and long ones. */
#include <fcntl.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tests/unit/virtio_rig.h"
#include "tests/unit/image.h"

#define SIZE   64
#define SECTOR 512u
#define BYTES  (1u << 20)
#define HEADER 0x200000u /* of request i of queue q: AT(q, i) further */
#define STATUS 0x280000u
#define DATA   0x300000u

#define IN  0
#define OUT 1
#define OK  0

#define F_FLUSH (1ULL << 9)
#define F_MQ    (1ULL << 12)

#define NUM_QUEUES (CONFIG + 34)

struct fixture {
	struct pci_bus *bus;
	struct virtio_dev *dev;
	struct ring r[8];
	char path[64];
};

static void
full(void *arg)
{
	fail_msg("the host's disk is full");
}

static atomic_uint told; /* calls of grown() */

static void
grown(void *arg)
{
	told++;
}

static const struct virtio_blk_ops ops = {.full = full, .grown = grown};

static struct fixture *
disk(unsigned cpus)
{
	struct fixture *f = calloc(1, sizeof *f);
	struct block *b;
	struct error err;
	int fd;

	f->bus = rig_new();
	snprintf(f->path, sizeof f->path, "/tmp/vmtui-blk.XXXXXX");
	fd = mkstemp(f->path);
	assert_int_equal(ftruncate(fd, BYTES), 0);
	close(fd);
	fd = image_open(f->path, false, &err);
	assert_int_equal(block_attach_raw(fd, f->path, false, 8, &b, &err), 0);
	assert_int_equal(virtio_blk_create(f->bus, b, "vda", "", cpus, &ops,
			     NULL, &f->dev, &err),
	    0);
	return f;
}

static void
done_with(struct fixture *f)
{
	rig_free(f->bus);
	unlink(f->path);
	free(f);
}

/* One of n sectors each; of all queues no two have the same place. */
static void
request(struct fixture *f, unsigned q, unsigned i, uint32_t type, uint8_t byte)
{
	unsigned at = q * SIZE + i;
	struct buf b[3] = {{HEADER + 16 * at, 16, false},
	    {DATA + SECTOR * at, SECTOR, type == IN}, {STATUS + at, 1, true}};
	uint32_t h[4] = {type, 0, at, 0};

	memcpy(ram(f->bus, HEADER + 16 * at), h, sizeof h);
	memset(ram(f->bus, DATA + SECTOR * at), byte, SECTOR);
	*ram(f->bus, STATUS + at) = 0xee;
	ring_add(&f->r[q], b, 3);
}

static void
finish(struct fixture *f, unsigned q, unsigned n)
{
	unsigned i;

	for (; n > 0; n--) {
		for (i = 0; i < 20000 && !ring_used(&f->r[q], NULL, NULL); i++)
			usleep(1000);
		assert_true(i < 20000);
	}
}

static void
drive(struct fixture *f, unsigned queues, uint16_t size)
{
	unsigned q;

	modern_begin(f->bus, F_VERSION_1 | F_FLUSH | F_MQ);
	for (q = 0; q < queues; q++)
		modern_queue(f->bus, &f->r[q], (uint16_t)q, size);
	modern_ready(f->bus);
	f->bus->fn.msix = true;
}

static void
test_blk_has_a_queue_for_each_cpu_up_to_eight(void **state)
{
	static const struct {
		unsigned cpus, queues;
	} cases[] = {{1, 1}, {2, 2}, {4, 4}, {8, 8}, {9, 8}, {64, 8}};
	struct fixture *f;
	bool many;
	size_t i;

	for (i = 0; i < sizeof cases / sizeof *cases; i++) {
		f = disk(cases[i].cpus);
		many = cases[i].queues > 1;
		assert_int_equal(
		    bar_in(f->bus, MODERN, 0x12, 2), cases[i].queues);
		assert_int_equal(
		    bar_in(f->bus, MODERN, NUM_QUEUES, 2), cases[i].queues);
		assert_int_equal((modern_offered(f->bus) & F_MQ) != 0, many);
		/* One each, and one for the configuration. */
		assert_int_equal(f->bus->fn.vectors, cases[i].queues + 1);
		/* A queue that there is not has no size. */
		bar_out(f->bus, MODERN, 0x16, 2, cases[i].queues);
		assert_int_equal(bar_in(f->bus, MODERN, 0x18, 2), 0);
		done_with(f);
	}
}

static void
test_blk_queues_are_long_but_not_for_legacy_drivers(void **state)
{
	struct fixture *f = disk(4);

	bar_out(f->bus, MODERN, 0x16, 2, 3);
	assert_int_equal(bar_in(f->bus, MODERN, 0x18, 2), 1024);
	bar_out(f->bus, MODERN, 0x18, 2, 128);
	assert_int_equal(bar_in(f->bus, MODERN, 0x18, 2), 128);
	bar_out(f->bus, MODERN, 0x18, 2, 2048);
	assert_int_equal(bar_in(f->bus, MODERN, 0x18, 2), 128);
	assert_int_equal(bar_in(f->bus, LEGACY, 12, 2), 256);
	assert_int_equal(bar_in(f->bus, LEGACY, 0, 4) & F_MQ, 0);
	bar_out(f->bus, LEGACY, 18, 1, 0);
	bar_out(f->bus, LEGACY, 4, 4, F_MQ | F_FLUSH);
	assert_int_equal(bar_in(f->bus, LEGACY, 4, 4), F_FLUSH);
	legacy_queue(f->bus, &f->r[0], 0);
	assert_int_equal(f->r[0].size, 256);
	bar_out(f->bus, LEGACY, 18, 1, 7);
	request(f, 0, 0, OUT, 0x77);
	assert_int_equal(doorbell(f->bus, true, PIO_BASE + 16, 0), 1);
	finish(f, 0, 1);
	assert_int_equal(*ram(f->bus, STATUS), OK);
	done_with(f);
}

static void
test_blk_each_queue_has_its_own_requests_and_interrupt(void **state)
{
	struct fixture *f = disk(8);
	uint8_t byte;
	unsigned q, i;
	int fd;

	drive(f, 8, SIZE);
	for (q = 0; q < 8; q++)
		for (i = 0; i < 20; i++)
			request(f, q, i, OUT, (uint8_t)(q * 20 + i + 1));
	/* In any order, and the last ones first. */
	for (q = 8; q-- > 0;)
		modern_kick(f->bus, (uint16_t)q);
	for (q = 0; q < 8; q++)
		finish(f, q, 20);
	fd = open(f->path, O_RDONLY);
	for (q = 0; q < 8; q++)
		for (i = 0; i < 20; i++) {
			assert_int_equal(
			    *ram(f->bus, STATUS + q * SIZE + i), OK);
			assert_int_equal(
			    pread(fd, &byte, 1, (q * SIZE + i) * SECTOR), 1);
			assert_int_equal(byte, q * 20 + i + 1);
		}
	close(fd);
	/* The interrupt comes after what it is about. */
	for (q = 0; q < 8; q++)
		for (i = 0; i < 20000 && f->bus->fn.sent[q] == 0; i++)
			usleep(1000);
	for (q = 0; q < 8; q++)
		assert_true(f->bus->fn.sent[q] >= 1);
	assert_int_equal(f->bus->fn.sent[8], 0);
	done_with(f);
}

static void
test_blk_takes_a_full_queue_of_1024(void **state)
{
	struct fixture *f = disk(2);
	struct buf b[2] = {{HEADER, 16, false}, {STATUS, 1, true}};
	uint32_t h[4] = {4, 0, 0, 0}; /* a flush needs two buffers */
	unsigned i;

	drive(f, 2, 1024);
	memcpy(ram(f->bus, HEADER), h, sizeof h);
	for (i = 0; i < 512; i++)
		ring_add(&f->r[0], b, 2);
	request(f, 1, 0, OUT, 0x11);
	modern_kick(f->bus, 0);
	modern_kick(f->bus, 1);
	finish(f, 1, 1);
	finish(f, 0, 512);
	assert_int_equal(*ram(f->bus, STATUS), OK);
	assert_int_equal(modern_status(f->bus), S_READY);
	done_with(f);
}

static void
test_blk_driver_may_use_some_of_its_queues(void **state)
{
	struct fixture *f = disk(4);

	drive(f, 2, SIZE);
	request(f, 1, 0, OUT, 0x22);
	modern_kick(f->bus, 1);
	finish(f, 1, 1);
	/* A kick of one that it did not set up is nothing. */
	bar_out(f->bus, MODERN, NOTIFY + 4 * 3, 2, 3);
	bar_out(f->bus, MODERN, NOTIFY + 4 * 9, 2, 9);
	request(f, 0, 1, OUT, 0x33);
	modern_kick(f->bus, 0);
	finish(f, 0, 1);
	assert_int_equal(modern_status(f->bus), S_READY);
	done_with(f);
}

static void
test_blk_one_broken_queue_breaks_the_device(void **state)
{
	struct fixture *f = disk(2);
	struct buf b = {0xf0000000, 16, false};
	unsigned i;

	drive(f, 2, SIZE);
	ring_add(&f->r[1], &b, 1);
	modern_kick(f->bus, 1);
	for (i = 0; i < 20000 && (modern_status(f->bus) & S_NEEDS_RESET) == 0;
	     i++)
		usleep(1000);
	assert_true(modern_status(f->bus) & S_NEEDS_RESET);
	/* And a reset makes all of it good again. */
	drive(f, 2, SIZE);
	request(f, 1, 0, OUT, 0x44);
	modern_kick(f->bus, 1);
	finish(f, 1, 1);
	assert_int_equal(*ram(f->bus, STATUS + SIZE), OK);
	done_with(f);
}

static void
test_blk_all_queues_are_saved(void **state)
{
	struct fixture *f = disk(4), *other = disk(2);
	struct state_writer w = {0};
	struct state_reader r;
	struct error err;
	unsigned q;

	drive(f, 4, SIZE);
	for (q = 0; q < 4; q++) {
		request(f, q, 0, OUT, (uint8_t)(q + 1));
		modern_kick(f->bus, (uint16_t)q);
		finish(f, q, 1);
	}
	state_begin(&w, "blk", 1);
	f->bus->fn.ops->save(f->bus->fn.arg, &w);
	state_end(&w);
	bar_out(f->bus, MODERN, 0x14, 1, 0);
	r = (struct state_reader){.data = w.data, .len = w.len};
	assert_int_equal(state_open(&r, "blk"), 1);
	assert_int_equal(f->bus->fn.ops->load(f->bus->fn.arg, &r, &err), 0);
	assert_int_equal(modern_status(f->bus), S_READY);
	for (q = 0; q < 4; q++) {
		bar_out(f->bus, MODERN, 0x16, 2, q);
		assert_int_equal(bar_in(f->bus, MODERN, 0x1a, 2), q);
		request(f, q, 1, OUT, (uint8_t)(q + 5));
		modern_kick(f->bus, (uint16_t)q);
		finish(f, q, 1);
	}
	/* A disk of another machine has other queues. */
	r = (struct state_reader){.data = w.data, .len = w.len};
	assert_int_equal(state_open(&r, "blk"), 1);
	assert_int_equal(
	    other->bus->fn.ops->load(other->bus->fn.arg, &r, &err), -1);
	assert_non_null(strstr(err.text, "does not fit"));
	state_writer_free(&w);
	done_with(f);
	done_with(other);
}

/* Waits until it is over. Returns how it went. */
static int
grow(struct fixture *f, uint64_t size, bool more, struct error *err)
{
	unsigned before = told, i;
	uint64_t now;

	if (virtio_blk_grow(f->dev, size, more, err) == -1)
		return -2;
	for (i = 0; i < 20000 && told == before; i++)
		usleep(1000);
	assert_true(i < 20000);
	return virtio_blk_grown(f->dev, &now, err);
}

static void
test_blk_tells_its_driver_that_it_grew(void **state)
{
	struct fixture *f = disk(2);
	uint64_t generation;
	struct error err;
	struct stat st;

	drive(f, 2, SIZE);
	bar_out(f->bus, MODERN, 0x10, 2, 2);
	generation = bar_in(f->bus, MODERN, 0x15, 1);
	assert_int_equal(bar_in(f->bus, MODERN, CONFIG, 8), BYTES / SECTOR);
	assert_int_equal(grow(f, 2 * BYTES, false, &err), 0);
	assert_int_equal(bar_in(f->bus, MODERN, CONFIG, 8), 2 * BYTES / SECTOR);
	assert_int_not_equal(bar_in(f->bus, MODERN, 0x15, 1), generation);
	assert_int_equal(f->bus->fn.sent[2], 1);
	/* The rest of the configuration is as it was. */
	assert_int_equal(bar_in(f->bus, MODERN, NUM_QUEUES, 2), 2);
	assert_int_equal(grow(f, SECTOR, true, &err), 0);
	assert_int_equal(bar_in(f->bus, LEGACY, 24, 4), 2 * BYTES / SECTOR + 1);
	assert_int_equal(stat(f->path, &st), 0);
	assert_int_equal(st.st_size, 2 * BYTES + SECTOR);
	assert_int_equal(f->bus->fn.sent[2], 2);
	done_with(f);
}

static void
test_blk_grows_only_to_what_it_can_be(void **state)
{
	struct fixture *f = disk(2);
	struct error err;

	drive(f, 2, SIZE);
	bar_out(f->bus, MODERN, 0x10, 2, 2);
	assert_int_equal(grow(f, BYTES / 2, false, &err), -2);
	assert_non_null(strstr(err.text, "only become larger"));
	assert_int_equal(grow(f, BYTES, false, &err), -2);
	assert_int_equal(grow(f, BYTES + 1, false, &err), -2);
	assert_non_null(strstr(err.text, "whole sectors"));
	assert_int_equal(grow(f, UINT64_MAX - 511, true, &err), -2);
	assert_int_equal(grow(f, 1ULL << 63, false, &err), -2);
	/* The host's file system has its own bounds. */
	assert_int_equal(grow(f, 1ULL << 62, false, &err), -1);
	assert_non_null(strstr(err.text, f->path));
	assert_int_equal(bar_in(f->bus, MODERN, CONFIG, 8), BYTES / SECTOR);
	assert_int_equal(f->bus->fn.sent[2], 0);
	request(f, 0, 0, OUT, 0x55);
	modern_kick(f->bus, 0);
	finish(f, 0, 1);
	assert_int_equal(*ram(f->bus, STATUS), OK);
	done_with(f);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_blk_has_a_queue_for_each_cpu_up_to_eight),
	    cmocka_unit_test(
		test_blk_queues_are_long_but_not_for_legacy_drivers),
	    cmocka_unit_test(
		test_blk_each_queue_has_its_own_requests_and_interrupt),
	    cmocka_unit_test(test_blk_takes_a_full_queue_of_1024),
	    cmocka_unit_test(test_blk_driver_may_use_some_of_its_queues),
	    cmocka_unit_test(test_blk_one_broken_queue_breaks_the_device),
	    cmocka_unit_test(test_blk_all_queues_are_saved),
	    cmocka_unit_test(test_blk_tells_its_driver_that_it_grew),
	    cmocka_unit_test(test_blk_grows_only_to_what_it_can_be),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
