/*
 * backend/virtio/blk: every type of request at both faces, what the disk says
 * of itself, and what it refuses.
 */
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tests/unit/virtio_rig.h"
#include "tests/unit/image.h"

#define BYTES  (5ull << 30) /* of a file without data */
#define SECTOR 512u
#define HEADER 0x200000u
#define STATUS 0x201000u
#define DATA   0x210000u

#define IN           0
#define OUT          1
#define FLUSH        4
#define GET_ID       8
#define DISCARD      11
#define WRITE_ZEROES 13

#define OK     0
#define IOERR  1
#define UNSUPP 2

#define F_SIZE_MAX     (1ULL << 1)
#define F_SEG_MAX      (1ULL << 2)
#define F_GEOMETRY     (1ULL << 4)
#define F_RO           (1ULL << 5)
#define F_BLK_SIZE     (1ULL << 6)
#define F_SCSI         (1ULL << 7)
#define F_FLUSH        (1ULL << 9)
#define F_TOPOLOGY     (1ULL << 10)
#define F_CONFIG_WCE   (1ULL << 11)
#define F_DISCARD      (1ULL << 13)
#define F_WRITE_ZEROES (1ULL << 14)
#define F_SECURE_ERASE (1ULL << 16)

/* Offsets in the device configuration (virtio 1.2, 5.2.4). */
#define C_SEG_MAX          12
#define C_BLK_SIZE         20
#define C_PHYSICAL         24
#define C_MIN_IO           26
#define C_DISCARD_SECTORS  36
#define C_DISCARD_SEG      40
#define C_ZEROES_SECTORS   48
#define C_ZEROES_SEG       52
#define C_ZEROES_MAY_UNMAP 56
#define C_END              60

struct fixture {
	struct pci_bus *bus;
	struct virtio_dev *dev;
	struct ring r;
	bool legacy;
	uint32_t written; /* of the last request, as the used ring has it */
	char path[64];
};

static void
full(void *arg)
{
	fail_msg("the host's disk is full");
}

static const struct virtio_blk_ops ops = {.full = full};

static void
drive(struct fixture *f)
{
	if (!f->legacy) {
		modern_begin(f->bus,
		    F_VERSION_1 |
			(modern_offered(f->bus) &
			    (F_FLUSH | F_DISCARD | F_WRITE_ZEROES)));
		modern_queue(f->bus, &f->r, 0, 64);
		modern_ready(f->bus);
		return;
	}
	bar_out(f->bus, LEGACY, 18, 1, 0);
	bar_out(f->bus, LEGACY, 18, 1, S_ACK | S_DRIVER);
	bar_out(f->bus, LEGACY, 4, 4, F_FLUSH | F_DISCARD | F_WRITE_ZEROES);
	legacy_queue(f->bus, &f->r, 0);
	bar_out(f->bus, LEGACY, 18, 1, S_ACK | S_DRIVER | S_DRIVER_OK);
}

static struct fixture *
disk(bool legacy, bool readonly)
{
	struct fixture *f = calloc(1, sizeof *f);
	struct block *b;
	struct error err;
	int fd;

	f->legacy = legacy;
	f->bus = rig_new();
	snprintf(f->path, sizeof f->path, "/tmp/vmtui-blk.XXXXXX");
	fd = mkstemp(f->path);
	assert_int_equal(ftruncate(fd, BYTES), 0);
	close(fd);
	fd = image_open(f->path, readonly, &err);
	assert_int_equal(
	    block_attach_raw(fd, f->path, readonly, 8, &b, &err), 0);
	assert_int_equal(virtio_blk_create(f->bus, b, "vda", "serial", 1, &ops,
			     NULL, &f->dev, &err),
	    0);
	drive(f);
	return f;
}

static void
done_with(struct fixture *f)
{
	uint8_t status = (uint8_t)(f->legacy ? bar_in(f->bus, LEGACY, 18, 1)
					     : modern_status(f->bus));

	/* Whatever was asked for, it goes on. */
	assert_int_equal(status & S_NEEDS_RESET, 0);
	rig_free(f->bus);
	unlink(f->path);
	free(f);
}

static uint64_t
config(struct fixture *f, unsigned at, unsigned size)
{
	return f->legacy ? bar_in(f->bus, LEGACY, 20 + at, size)
			 : bar_in(f->bus, MODERN, CONFIG + at, size);
}

/* One request with len bytes of data, which the device reads or writes. */
static uint8_t
perform(
    struct fixture *f, uint32_t type, uint64_t sector, uint32_t len, bool in)
{
	struct buf b[3] = {
	    {HEADER, 16, false}, {DATA, len, in}, {STATUS, 1, true}};
	uint32_t h[4] = {type, 0, (uint32_t)sector, (uint32_t)(sector >> 32)};
	unsigned i;

	memcpy(ram(f->bus, HEADER), h, sizeof h);
	*ram(f->bus, STATUS) = 0xee;
	if (len == 0)
		b[1] = b[2];
	ring_add(&f->r, b, len == 0 ? 2 : 3);
	if (f->legacy)
		doorbell(f->bus, true, PIO_BASE + 16, 0);
	else
		modern_kick(f->bus, 0);
	for (i = 0; i < 20000 && !ring_used(&f->r, NULL, &f->written); i++)
		usleep(1000);
	assert_true(i < 20000);
	return *ram(f->bus, STATUS);
}

static uint8_t
clear(struct fixture *f, uint32_t type, uint64_t sector, uint64_t sectors,
    uint32_t flags)
{
	uint32_t range[4] = {(uint32_t)sector, (uint32_t)(sector >> 32),
	    (uint32_t)sectors, flags};

	memcpy(ram(f->bus, DATA), range, sizeof range);
	return perform(f, type, 0, sizeof range, false);
}

static void
known(struct fixture *f)
{
	memset(ram(f->bus, DATA), 0x3c, 4096);
	assert_int_equal(perform(f, OUT, 7, 4096, false), OK);
	memset(ram(f->bus, DATA), 0, 4096);
	assert_int_equal(f->written, 1);
	assert_int_equal(perform(f, IN, 7, 4096, true), OK);
	assert_int_equal(*ram(f->bus, DATA + 4095), 0x3c);
	assert_int_equal(f->written, 4097);
	assert_int_equal(perform(f, FLUSH, 0, 0, false), OK);
	/* It has nothing to say of a place. */
	assert_int_equal(perform(f, FLUSH, ~0ull, 0, false), OK);
	memset(ram(f->bus, DATA), 0xee, 20);
	assert_int_equal(perform(f, GET_ID, 0, 20, true), OK);
	assert_int_equal(f->written, 21);
	assert_memory_equal(ram(f->bus, DATA), "serial\0\0", 8);
	assert_int_equal(perform(f, GET_ID, 0, 512, true), OK);
	assert_int_equal(f->written, 20);
	assert_int_equal(clear(f, WRITE_ZEROES, 8, 1, 0), OK);
	assert_int_equal(perform(f, IN, 7, 1536, true), OK);
	assert_int_equal(*ram(f->bus, DATA + 511), 0x3c);
	assert_int_equal(*ram(f->bus, DATA + 512), 0);
	assert_int_equal(*ram(f->bus, DATA + 1023), 0);
	assert_int_equal(*ram(f->bus, DATA + 1024), 0x3c);
	assert_int_equal(clear(f, DISCARD, 8, 8, 0), OK);
	/* Nothing of nothing. */
	assert_int_equal(clear(f, DISCARD, 0, 0, 0), OK);
	assert_int_equal(perform(f, IN, 0, 0, true), OK);
}

static void
unknown(struct fixture *f)
{
	/*
	 * SCSI commands, barriers, secure erase and zones: nothing of this was
	 * offered.
	 */
	static const uint32_t types[] = {2, 3, 5, 6, 7, 9, 10, 12, 14, 15, 16,
	    18, 24, 0x80000000, 0x80000001, 0xffffffff};
	size_t i;

	memset(ram(f->bus, DATA), 0x77, 4096);
	assert_int_equal(perform(f, OUT, 0, 4096, false), OK);
	for (i = 0; i < sizeof types / sizeof *types; i++) {
		memset(ram(f->bus, DATA), 0x11, 512);
		assert_int_equal(perform(f, types[i], 0, 512, false), UNSUPP);
		assert_int_equal(perform(f, types[i], 0, 512, true), UNSUPP);
		assert_int_equal(perform(f, types[i], 0, 0, false), UNSUPP);
		assert_int_equal(*ram(f->bus, DATA), 0x11);
	}
	assert_int_equal(perform(f, IN, 0, 4096, true), OK);
	assert_int_equal(*ram(f->bus, DATA), 0x77);
	assert_int_equal(*ram(f->bus, DATA + 4095), 0x77);
}

static void
limits(struct fixture *f)
{
	uint64_t sectors = BYTES / SECTOR;
	uint64_t discard = config(f, C_DISCARD_SECTORS, 4);
	uint64_t zeroes = config(f, C_ZEROES_SECTORS, 4);

	/* As much as it says, and not one more. */
	assert_true(discard > 0 && discard < sectors);
	assert_true(zeroes > 0 && zeroes < sectors);
	assert_int_equal(clear(f, DISCARD, 1, discard, 0), OK);
	assert_int_equal(clear(f, DISCARD, 1, discard + 1, 0), IOERR);
	assert_int_equal(clear(f, WRITE_ZEROES, 1, zeroes, 1), OK);
	assert_int_equal(clear(f, WRITE_ZEROES, 1, zeroes + 1, 1), IOERR);
	/* One range at a time, whole, and with flags that there are. */
	assert_int_equal(config(f, C_DISCARD_SEG, 4), 1);
	assert_int_equal(config(f, C_ZEROES_SEG, 4), 1);
	assert_int_equal(perform(f, DISCARD, 0, 32, false), IOERR);
	assert_int_equal(perform(f, WRITE_ZEROES, 0, 8, false), IOERR);
	assert_int_equal(perform(f, WRITE_ZEROES, 0, 16, true), IOERR);
	assert_int_equal(perform(f, DISCARD, 0, 0, false), IOERR);
	assert_int_equal(clear(f, DISCARD, 0, 8, 1), UNSUPP);
	assert_int_equal(clear(f, WRITE_ZEROES, 0, 8, 0x80000000), UNSUPP);
	/* The end of the disk. */
	assert_int_equal(clear(f, DISCARD, sectors - 8, 8, 0), OK);
	assert_int_equal(clear(f, DISCARD, sectors - 8, 9, 0), IOERR);
	assert_int_equal(clear(f, WRITE_ZEROES, sectors, 1, 0), IOERR);
	assert_int_equal(clear(f, WRITE_ZEROES, ~0ull, 2, 0), IOERR);
	assert_int_equal(perform(f, OUT, sectors - 1, 512, false), OK);
	assert_int_equal(perform(f, OUT, sectors - 1, 1024, false), IOERR);
	assert_int_equal(perform(f, IN, sectors, 512, true), IOERR);
	/* Nothing was read that could be looked at. */
	assert_int_equal(f->written, 0);
	assert_int_equal(perform(f, IN, 1ull << 55, 512, true), IOERR);
	assert_int_equal(perform(f, OUT, 0, 511, false), IOERR);
	/* Into a buffer of no length there is no name. */
	assert_int_equal(perform(f, GET_ID, 0, 0, true), OK);
}

static void
at_both_faces(void (*test)(struct fixture *f))
{
	struct fixture *f;
	int legacy;

	for (legacy = 0; legacy < 2; legacy++) {
		f = disk(legacy != 0, false);
		test(f);
		done_with(f);
	}
}

static void
test_blk_does_every_type_it_offers(void **state)
{
	at_both_faces(known);
}

static void
test_blk_does_not_know_other_types(void **state)
{
	at_both_faces(unknown);
}

static void
test_blk_holds_to_the_limits_it_tells(void **state)
{
	at_both_faces(limits);
}

static void
test_blk_readonly_refuses_every_change(void **state)
{
	struct fixture *f;
	int legacy;

	for (legacy = 0; legacy < 2; legacy++) {
		f = disk(legacy != 0, true);
		assert_true(modern_offered(f->bus) & F_RO);
		assert_false(
		    modern_offered(f->bus) & (F_DISCARD | F_WRITE_ZEROES));
		assert_int_equal(perform(f, OUT, 0, 512, false), IOERR);
		assert_int_equal(clear(f, DISCARD, 0, 8, 0), IOERR);
		assert_int_equal(clear(f, WRITE_ZEROES, 0, 8, 0), IOERR);
		assert_int_equal(clear(f, WRITE_ZEROES, 0, 8, 1), IOERR);
		assert_int_equal(perform(f, IN, 0, 512, true), OK);
		assert_int_equal(perform(f, FLUSH, 0, 0, false), OK);
		assert_int_equal(perform(f, GET_ID, 0, 20, true), OK);
		done_with(f);
	}
}

static void
test_blk_configuration_is_whole_and_only_read(void **state)
{
	struct fixture *f;
	uint64_t offered;
	unsigned at;
	int legacy;

	for (legacy = 0; legacy < 2; legacy++) {
		f = disk(legacy != 0, false);
		offered = modern_offered(f->bus);
		assert_int_equal(offered &
			(F_SEG_MAX | F_BLK_SIZE | F_FLUSH | F_TOPOLOGY |
			    F_DISCARD | F_WRITE_ZEROES),
		    F_SEG_MAX | F_BLK_SIZE | F_FLUSH | F_TOPOLOGY | F_DISCARD |
			F_WRITE_ZEROES);
		assert_false(offered &
		    (F_SIZE_MAX | F_GEOMETRY | F_RO | F_SCSI | F_CONFIG_WCE |
			F_SECURE_ERASE));
		assert_int_equal(config(f, 0, 4), BYTES / SECTOR);
		assert_int_equal(config(f, 4, 4), 0);
		assert_int_equal(config(f, C_SEG_MAX, 4), 254);
		assert_int_equal(config(f, C_BLK_SIZE, 4), 512);
		/* Blocks of 4 KiB below, beginning at the first one. */
		assert_int_equal(config(f, C_PHYSICAL, 2), 3);
		assert_int_equal(config(f, C_MIN_IO, 2), 1);
		assert_int_equal(config(f, C_ZEROES_MAY_UNMAP, 1), 1);
		for (at = 0; at < C_END; at += 4) {
			uint64_t was = config(f, at, 4);

			if (f->legacy)
				bar_out(f->bus, LEGACY, 20 + at, 4, ~was);
			else
				bar_out(f->bus, MODERN, CONFIG + at, 4, ~was);
			assert_int_equal(config(f, at, 4), was);
		}
		/* Behind it is nothing. */
		assert_int_equal(config(f, C_END, 4), 0);
		assert_int_equal(perform(f, IN, 0, 512, true), OK);
		done_with(f);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_blk_does_every_type_it_offers),
	    cmocka_unit_test(test_blk_does_not_know_other_types),
	    cmocka_unit_test(test_blk_holds_to_the_limits_it_tells),
	    cmocka_unit_test(test_blk_readonly_refuses_every_change),
	    cmocka_unit_test(test_blk_configuration_is_whole_and_only_read),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
