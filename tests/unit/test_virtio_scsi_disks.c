/* backend/virtio/sdisk, scsi_request: SCSI disks as a driver sees them. */
#include "tests/unit/scsi_rig.h"

static void
test_sdisk_says_what_it_is(void **state)
{
	struct fixture *f = *state;
	struct answer a;

	a = command(f, "12 0 0 0 60", 0, 96);
	is_good(a);
	assert_int_equal(a.data[0], 0);
	assert_int_equal(a.data[1], 0);
	assert_memory_equal(a.data + 8, "VMTUI   DISK            ", 24);
	assert_int_equal(a.residual, 96 - 36);
	assert_int_equal(a.len, 108 + 36);
	assert_int_equal(
	    send_to(f, 2, 0, "12 0 0 0 60", 0, 96).response, BAD_TARGET);
	assert_int_equal(send_to(f, 0, 1, "12 0 0 0 60", 0, 96).data[0], 0x7f);
	is_refused(send_to(f, 0, 1, "28", 0, 512), 5, 0x2500);
	a = command(f, "a0 0 0 0 0 0 0 0 0 10", 0, 16);
	assert_memory_equal(a.data, "\0\0\0\x08\0\0\0\0\0\0", 10);
	attend(f);
	a = command(f, "25", 0, 8);
	is_good(a);
	assert_memory_equal(a.data, "\0\0\x07\xcf\0\0\2\0", 8);
	a = command(f, "9e 10 0 0 0 0 0 0 0 0 0 0 0 20", 0, 32);
	is_good(a);
	assert_memory_equal(
	    a.data, "\0\0\0\0\0\0\x07\xcf\0\0\2\0\0\3\x80\0", 16);
	is_refused(command(f, "9e 11", 0, 32), 5, 0x2400);
	/* Its cache, and whether it can be written. */
	a = command(f, "1a 0 8 0 ff", 0, 64);
	is_good(a);
	assert_memory_equal(a.data, "\x17\0\x10\0\x08\x12\x04", 7);
	a = send_to(f, 1, 0, "5a 0 3f 0 0 0 0 0 ff", 0, 255);
	is_good(a);
	assert_int_equal(a.data[3], 0x90);
	a = command(f, "1a 0 48 0 ff", 0, 64);
	assert_int_equal(a.data[6], 0);
	is_refused(command(f, "1a 0 3e 0 ff", 0, 64), 5, 0x2400);
	is_refused(command(f, "1a 0 c8 0 ff", 0, 64), 5, 0x2400);
	is_good(command(f, "3 0 0 0 12", 0, 18));
	is_refused(command(f, "ff", 0, 0), 5, 0x2000);
}

static void
test_sdisk_has_its_vital_pages(void **state)
{
	struct fixture *f = *state;
	struct answer a;

	a = command(f, "12 1 0 0 ff", 0, 255);
	is_good(a);
	assert_memory_equal(a.data, "\0\0\0\6\x00\x80\x83\xb0\xb1\xb2", 10);
	a = send_to(f, 1, 0, "12 1 80 0 ff", 0, 255);
	assert_memory_equal(a.data, "\0\x80\0\3two", 7);
	a = command(f, "12 1 83 0 ff", 0, 255);
	assert_memory_equal(a.data, "\0\x83\0\x0f\2\1\0\x0bVMTUI   sda", 19);
	a = command(f, "12 1 b0 0 ff", 0, 255);
	is_good(a);
	assert_memory_equal(a.data, "\0\xb0\0\x3c\1\0\0\x08", 8);
	assert_memory_equal(a.data + 20, "\0\x40\0\0\0\0\0\1\0\0\0\x08", 12);
	a = command(f, "12 1 b1 0 ff", 0, 255);
	assert_memory_equal(a.data, "\0\xb1\0\x3c\0\1", 6);
	a = command(f, "12 1 b2 0 ff", 0, 255);
	assert_memory_equal(a.data, "\0\xb2\0\4\0\xe0\2\0", 8);
	/* What can only be read gives no space back. */
	a = send_to(f, 1, 0, "12 1 b2 0 ff", 0, 255);
	assert_memory_equal(a.data, "\0\xb2\0\4\0\0\0\0", 8);
	is_refused(command(f, "12 1 c0 0 ff", 0, 255), 5, 0x2400);
	is_refused(command(f, "12 0 80 0 ff", 0, 255), 5, 0x2400);
	/* No more than is allowed, nor than there is room for. */
	assert_int_equal(command(f, "12 1 b0 0 5", 0, 255).len, 108 + 5);
	assert_int_equal(command(f, "12 1 b0 0 ff", 0, 6).len, 108 + 6);
}

static void
test_sdisk_reads_and_writes_by_every_cdb(void **state)
{
	static const char *const reads[] = {"8 0 0 7 2", "28 0 0 0 0 7 0 0 2",
	    "a8 0 0 0 0 7 0 0 0 2", "88 0 0 0 0 0 0 0 0 7 0 0 0 2"};
	static const char *const writes[] = {"a 0 0 9 2", "2a 0 0 0 0 9 0 0 2",
	    "aa 0 0 0 0 9 0 0 0 2", "8a 0 0 0 0 0 0 0 0 9 0 0 0 2"};
	struct fixture *f = *state;
	struct answer a;
	unsigned i, j;

	attend(f);
	for (i = 0; i < 4; i++) {
		a = command(f, reads[i], 0, 1024);
		is_good(a);
		assert_int_equal(a.residual, 0);
		assert_int_equal(a.len, 108 + 1024);
		for (j = 0; j < 1024; j++)
			assert_int_equal(a.data[j], byte_at(7 * 512 + j));
		/* More room than it takes. */
		a = command(f, reads[i], 0, 5000);
		assert_int_equal(a.residual, 5000 - 1024);
		memset(ram(f->bus, DATA), (int)(i + 1), 1024);
		is_good(command(f, writes[i], 1024, 0));
		for (j = 0; j < 1024; j++)
			assert_int_equal(f->disk[0]->bytes[9 * 512 + j], i + 1);
		assert_int_equal(
		    f->disk[0]->bytes[11 * 512], byte_at(11 * 512));
	}
	/* None is 256 of 6 bytes, and nothing of the others. */
	a = command(f, "8 0 0 0 0", 0, 256 * 512);
	assert_int_equal(a.len, 108 + 256 * 512);
	is_good(command(f, "28 0 0 0 0 7 0 0 0", 0, 0));
	/* The end: zeroes where the image has nothing more. */
	a = command(f, "28 0 0 0 7 cf 0 0 1", 0, 512);
	is_good(a);
	assert_int_equal(a.data[411], byte_at(BYTES - 1));
	assert_int_equal(a.data[412], 0);
	assert_int_equal(
	    virtio_scsi_disk_figures(f->dev, 0)->out_bytes, 4 * 1024);
	assert_int_equal(virtio_scsi_disk_figures(f->dev, 1)->in_ops, 0);
}

static void
test_sdisk_refuses_what_it_must_not_do(void **state)
{
	struct fixture *f = *state;

	attend(f);
	is_refused(command(f, "28 0 0 0 7 cf 0 0 2", 0, 1024), 5, 0x2100);
	is_refused(command(f, "28 0 ff ff ff ff 0 ff ff", 0, 512), 5, 0x2100);
	is_refused(
	    command(f, "88 0 ff ff ff ff ff ff ff ff ff ff ff ff", 0, 512), 5,
	    0x2100);
	is_refused(command(f, "28 20 0 0 0 7 0 0 2", 0, 1024), 5, 0x2400);
	is_refused(command(f, "2a 0 0 0 7 cf 0 0 2", 1024, 0), 5, 0x2100);
	is_refused(command(f, "35 0 0 0 8 0 0 0 1", 0, 0), 5, 0x2100);
	is_refused(command(f, "2f 2 0 0 0 7 0 0 1", 0, 0), 5, 0x2400);
	is_good(command(f, "2f 0 0 0 0 7 0 0 1", 0, 0));
	/* Less room or data than it takes. */
	assert_int_equal(
	    command(f, "28 0 0 0 0 7 0 0 2", 0, 1023).response, OVERRUN);
	assert_int_equal(
	    command(f, "28 0 0 0 0 7 0 0 2", 0, 0).response, OVERRUN);
	assert_int_equal(
	    command(f, "2a 0 0 0 0 7 0 0 2", 1023, 0).response, OVERRUN);
	assert_int_equal(
	    command(f, "41 0 0 0 0 7 0 0 2", 511, 0).response, OVERRUN);
	assert_int_equal(
	    command(f, "42 0 0 0 0 0 0 0 18", 23, 0).response, OVERRUN);
	assert_int_equal(f->disk[0]->bytes[7 * 512], byte_at(7 * 512));
	/* And none of what can only be read changes. */
	is_refused(send_to(f, 1, 0, "2a 0 0 0 0 7 0 0 1", 512, 0), 7, 0x2700);
	is_refused(send_to(f, 1, 0, "41 0 0 0 0 7 0 0 1", 512, 0), 7, 0x2700);
	is_refused(
	    send_to(f, 1, 0, "93 1 0 0 0 0 0 0 0 7 0 0 0 1", 0, 0), 7, 0x2700);
	is_refused(send_to(f, 1, 0, "42 0 0 0 0 0 0 0 18", 24, 0), 7, 0x2700);
	is_good(send_to(f, 1, 0, "28 0 0 0 0 7 0 0 1", 0, 512));
	is_good(send_to(f, 1, 0, "35", 0, 0));
}

static void
test_sdisk_gives_space_back(void **state)
{
	struct fixture *f = *state;
	uint8_t *list = ram(f->bus, DATA);

	attend(f);
	memcpy(list, "\0\x16\0\x10\0\0\0\0\0\0\0\0\0\0\0\x10\0\0\0\4", 20);
	memset(list + 20, 0, 4);
	is_good(command(f, "42 0 0 0 0 0 0 0 18", 24, 0));
	assert_int_equal(f->disk[0]->discards, 1);
	assert_int_equal(f->disk[0]->bytes[16 * 512], 0);
	assert_int_equal(f->disk[0]->bytes[20 * 512 - 1], 0);
	assert_int_equal(f->disk[0]->bytes[20 * 512], byte_at(20 * 512));
	/* Up to the end, whose last sector is not whole; a host that cannot. */
	memcpy(list + 8, "\0\0\0\0\0\0\7\xc0\0\0\0\x10", 12);
	is_good(command(f, "42 0 0 0 0 0 0 0 18", 24, 0));
	f->disk[0]->no_discard = true;
	is_good(command(f, "42 0 0 0 0 0 0 0 18", 24, 0));
	assert_int_equal(f->disk[0]->discards, 3);
	/* Nothing to be done; lists that are none. */
	is_good(command(f, "42", 0, 0));
	memcpy(list, "\0\6\0\0\0\0\0\0", 8);
	is_good(command(f, "42 0 0 0 0 0 0 0 8", 8, 0));
	is_refused(command(f, "42 0 0 0 0 0 0 0 7", 7, 0), 5, 0x1a00);
	memcpy(list, "\0\x16\0\x10", 4);
	is_refused(command(f, "42 0 0 0 0 0 0 0 17", 23, 0), 5, 0x1a00);
	memcpy(list, "\0\x26\0\x20", 4);
	is_refused(command(f, "42 0 0 0 0 0 0 0 28", 40, 0), 5, 0x2600);
	memcpy(list, "\0\x16\0\x10\0\0\0\0\0\0\0\0\0\0\0\x10\0\x40\0\1", 20);
	is_refused(command(f, "42 0 0 0 0 0 0 0 18", 24, 0), 5, 0x2600);
	memcpy(list + 16, "\0\0\7\xc1", 4);
	is_refused(command(f, "42 0 0 0 0 0 0 0 18", 24, 0), 5, 0x2100);
	is_refused(command(f, "42 1 0 0 0 0 0 0 18", 24, 0), 5, 0x2400);
	assert_int_equal(f->disk[0]->discards, 3);
}

static void
test_sdisk_writes_the_same_everywhere(void **state)
{
	struct fixture *f = *state;
	uint8_t *block = ram(f->bus, DATA);
	unsigned i;

	attend(f);
	for (i = 0; i < 512; i++)
		block[i] = (uint8_t)(i + 1);
	/* More than it writes at a time. */
	is_good(command(f, "41 0 0 0 0 64 0 1 2c", 512, 0));
	for (i = 100 * 512; i < 400 * 512; i++)
		assert_int_equal(f->disk[0]->bytes[i], (uint8_t)(i % 512 + 1));
	assert_int_equal(f->disk[0]->bytes[400 * 512], byte_at(400 * 512));
	assert_int_equal(
	    f->disk[0]->bytes[100 * 512 - 1], byte_at(100 * 512 - 1));
	/* To the end, of which the image has a part. */
	is_good(command(f, "93 0 0 0 0 0 0 0 7 ca 0 0 0 6", 512, 0));
	assert_int_equal(f->disk[0]->bytes[BYTES - 1], (uint8_t)412);
	/* Zeroes, and none at all. */
	memset(block, 0, 512);
	is_good(command(f, "93 8 0 0 0 0 0 0 7 ca 0 0 0 6", 512, 0));
	assert_int_equal(f->disk[0]->bytes[BYTES - 1], 0);
	is_good(command(f, "93 1 0 0 0 0 0 0 0 64 0 0 0 2", 0, 0));
	assert_int_equal(f->disk[0]->bytes[102 * 512 - 1], 0);
	assert_int_equal(f->disk[0]->bytes[102 * 512], 1);
	is_refused(command(f, "41 0 0 0 0 64 0 0 0", 512, 0), 5, 0x2400);
	is_refused(command(f, "41 1 0 0 0 64 0 0 1", 512, 0), 5, 0x2400);
	is_refused(
	    command(f, "93 10 0 0 0 0 0 0 0 64 0 0 0 1", 512, 0), 5, 0x2400);
	is_refused(
	    command(f, "93 0 0 0 0 0 0 0 0 64 0 2 0 1", 512, 0), 5, 0x2400);
	is_refused(
	    command(f, "93 0 0 0 0 0 0 0 7 cf 0 0 0 2", 512, 0), 5, 0x2100);
}

static void
test_sdisk_flushes_when_it_is_told(void **state)
{
	struct fixture *f = *state;

	attend(f);
	is_good(command(f, "2a 0 0 0 0 7 0 0 1", 512, 0));
	assert_int_equal(f->disk[0]->flushes, 0);
	is_good(command(f, "35", 0, 0));
	assert_int_equal(f->disk[0]->flushes, 1);
	is_good(command(f, "91", 0, 0));
	assert_int_equal(f->disk[0]->flushes, 2);
	/* FUA */
	is_good(command(f, "2a 8 0 0 0 7 0 0 1", 512, 0));
	assert_int_equal(f->disk[0]->flushes, 3);
	f->disk[0]->error = EIO;
	is_refused(command(f, "35", 0, 0), 3, 0x0c00);
	is_refused(command(f, "2a 8 0 0 0 7 0 0 1", 512, 0), 3, 0x0c00);
	assert_int_equal(f->disk[1]->flushes, 0);
}

/* Buffers may be cut anywhere, also where one part ends and another begins. */
static void
test_scsi_disk_takes_buffers_in_any_pieces(void **state)
{
	static const uint8_t read[16] = {0x28, 0, 0, 0, 0, 7, 0, 0, 2};
	struct fixture *f = *state;
	struct buf b[5];
	uint8_t *h = ram(f->bus, REQUEST);
	const uint8_t *in = ram(f->bus, DATA);
	unsigned cut, i;
	uint32_t len;

	attend(f);
	memset(h, 0, 51);
	h[0] = 1;
	memcpy(h + 19, read, sizeof read);
	for (cut = 1; cut < 108 + 1024; cut += cut < 120 ? 1 : 97) {
		memset(ram(f->bus, DATA), 0xee, 2000);
		b[0] = (struct buf){REQUEST, cut % 50 + 1, false};
		b[1] = (struct buf){
		    REQUEST + cut % 50 + 1, 51 - cut % 50 - 1, false};
		b[2] = (struct buf){DATA, cut, true};
		b[3] = (struct buf){DATA + cut, 108 + 1024 - cut, true};
		ring_add(&f->r, b, 4);
		modern_kick(f->bus, COMMANDS);
		wait_used(&f->r, &len);
		assert_int_equal(len, 108 + 1024);
		assert_int_equal(in[11], OK);
		for (i = 0; i < 1024; i++)
			assert_int_equal(in[108 + i], byte_at(7 * 512 + i));
		assert_int_equal(in[108 + 1024], 0xee);
	}
}

/* One command of head bytes, its response of tail bytes before 512 of data. */
static void
sized(struct fixture *f, const uint8_t *cdb, unsigned head, unsigned tail)
{
	struct buf b[2] = {{REQUEST, head, false}, {DATA, tail + 512, true}};
	uint8_t *h = ram(f->bus, REQUEST);
	uint32_t len;

	memset(h, 0, head);
	h[0] = 1;
	memcpy(h + 19, cdb, head - 19 < 16 ? head - 19 : 16);
	memset(ram(f->bus, DATA), 0xee, 2000);
	ring_add(&f->r, b, 2);
	modern_kick(f->bus, COMMANDS);
	wait_used(&f->r, &len);
}

/* virtio 1.2, 5.6.4: all that follows moves with them. */
static void
test_scsi_has_commands_and_sense_data_as_long_as_the_driver_says(void **state)
{
	static const uint8_t read[16] = {0x28, 0, 0, 0, 0, 7, 0, 0, 1};
	static const uint8_t bad[16] = {
	    0x28, 0, 0xff, 0xff, 0xff, 0xff, 0, 0, 1};
	static const unsigned sizes[][2] = {
	    {16, 18}, {10, 0}, {64, 252}, {260, 260}, {32, 96}, {12, 14}};
	struct fixture *f = *state;
	const uint8_t *in = ram(f->bus, DATA);
	unsigned i, k, cdb, tail, sense;

	attend(f);
	for (i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
		cdb = sizes[i][0];
		tail = 12 + sizes[i][1];
		/* Written by bytes and whole. */
		for (k = 0; k < 4; k++)
			bar_out(f->bus, MODERN, CONFIG + 20 + k, 1,
			    sizes[i][1] >> 8 * k);
		bar_out(f->bus, MODERN, CONFIG + 24, 4, cdb);
		assert_int_equal(
		    bar_in(f->bus, MODERN, CONFIG + 20, 4), sizes[i][1]);
		assert_int_equal(bar_in(f->bus, MODERN, CONFIG + 24, 4), cdb);
		sized(f, read, 19 + cdb, tail);
		assert_int_equal(in[11], OK);
		assert_int_equal(in[10], 0);
		for (k = 0; k < 512; k++)
			assert_int_equal(in[tail + k], byte_at(7 * 512 + k));
		sized(f, bad, 19 + cdb, tail);
		assert_int_equal(in[10], 2);
		sense = sizes[i][1] < 18 ? sizes[i][1] : 18;
		assert_int_equal(in[0] | in[1] << 8, sense);
		if (sense > 2)
			assert_int_equal(in[14] & 15, 5);
		assert_int_equal(in[tail], 0xee);
	}
	/* Nonsense is cut to what SCSI has; the rest is not written at all. */
	bar_out(f->bus, MODERN, CONFIG, 8, 0);
	bar_out(f->bus, MODERN, CONFIG + 20, 4, 0xffffffff);
	bar_out(f->bus, MODERN, CONFIG + 24, 4, 0xffffffff);
	bar_out(f->bus, MODERN, CONFIG + 28, 4, 0xffffffff);
	assert_int_equal(bar_in(f->bus, MODERN, CONFIG, 4), 1);
	assert_int_equal(bar_in(f->bus, MODERN, CONFIG + 28, 4) & 0xffff, 0);
	sized(f, read, 19 + 260, 12 + 260);
	assert_int_equal(in[272], byte_at(7 * 512));
	f->bus->fn.ops->reset(f->bus->fn.arg);
	assert_int_equal(bar_in(f->bus, MODERN, CONFIG + 20, 4), 96);
	assert_int_equal(bar_in(f->bus, MODERN, CONFIG + 24, 4), 32);
}

static void
test_scsi_disk_has_many_commands_at_once(void **state)
{
	uint8_t read[16] = {0x28, 0, 0, 0, 0, 0, 0, 0, 1};
	struct fixture *f = *state;
	unsigned i, n = 30;
	uint32_t len;

	attend(f);
	for (i = 0; i < n; i++) {
		read[5] = (uint8_t)i;
		put(f, i, i % 2, 0, read, 0, 512);
	}
	modern_kick(f->bus, COMMANDS);
	for (i = 0; i < n; i++)
		wait_used(&f->r, &len);
	for (i = 0; i < n; i++)
		is_good(answer_of(f, i));
	assert_int_equal(virtio_scsi_disk_figures(f->dev, 0)->in_ops, n / 2);
	assert_int_equal(virtio_scsi_disk_figures(f->dev, 1)->in_ops, n / 2);
}

/*
 * Whatever the command, an answer comes, with no more data than there is room
 * for; and nothing is written that cannot be.
 */
static void
test_sdisk_survives_any_command(void **state)
{
	struct fixture *f = *state;
	uint8_t cdb[16];
	unsigned i, n;
	uint32_t ins, outs, len;
	struct answer a;

	srand(5);
	for (i = 0; i < 12000; i++) {
		for (n = 0; n < 16; n++)
			cdb[n] = rand() % 3 == 0 ? (uint8_t)rand() : 0;
		cdb[0] = (uint8_t)(i / 45);
		ins = (uint32_t)(rand() % 3000);
		outs = (uint32_t)(rand() % 3000);
		if (rand() % 2 == 0)
			*(rand() % 2 == 0 ? &ins : &outs) = 0;
		for (n = 0; n < 64; n++)
			*ram(f->bus, DATA + n) = (uint8_t)(rand() % 8);
		*ram(f->bus, DATA + 4000) = 0xee;
		put(f, 0, i % 2, 0, cdb, outs, ins);
		modern_kick(f->bus, COMMANDS);
		wait_used(&f->r, &len);
		a = answer_of(f, 0);
		assert_true(len >= 108 && len <= 108 + ins);
		assert_int_equal(a.residual, ins - (len - 108));
	}
	for (i = 0; i < BYTES; i++)
		if (f->disk[1]->bytes[i] != byte_at(i))
			fail_msg("byte %u of a read-only disk changed", i);
}

int
main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
	    TEST(test_sdisk_says_what_it_is),
	    TEST(test_sdisk_has_its_vital_pages),
	    TEST(test_sdisk_reads_and_writes_by_every_cdb),
	    TEST(test_sdisk_refuses_what_it_must_not_do),
	    TEST(test_sdisk_gives_space_back),
	    TEST(test_sdisk_writes_the_same_everywhere),
	    TEST(test_sdisk_flushes_when_it_is_told),
	    TEST(test_scsi_disk_takes_buffers_in_any_pieces),
	    TEST(
		test_scsi_has_commands_and_sense_data_as_long_as_the_driver_says),
	    TEST(test_scsi_disk_has_many_commands_at_once),
	    TEST(test_sdisk_survives_any_command),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
