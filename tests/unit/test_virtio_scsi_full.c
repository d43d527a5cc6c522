/* backend/virtio/scsi_disks, scsi_grow: a host without room, disks that grow,
 * drivers that mean no good. */
#include "tests/unit/scsi_rig.h"

/* ---- a host without room ---- */

static const uint8_t write_1[16] = {0x2a, 0, 0, 0, 0, 5, 0, 0, 1};

/* Two writes that wait; slots 1 and 2. */
static void
fill_up(struct fixture *f)
{
	unsigned i;

	attend(f);
	f->disk[0]->error = ENOSPC;
	memset(ram(f->bus, DATA), 0x77, 512);
	put(f, 1, 0, 0, write_1, 512, 0);
	put(f, 2, 0, 0, write_1, 512, 0);
	modern_kick(f->bus, COMMANDS);
	for (i = 0; i < 60000 && f->disk[0]->tries < 2; i++)
		usleep(1000);
	assert_int_equal(f->disk[0]->tries, 2);
	assert_int_equal(virtio_scsi_disk_full(f->dev, 0), ENOSPC);
	assert_int_equal(virtio_scsi_disk_full(f->dev, 1), 0);
	assert_int_equal(f->told, 1);
	assert_false(ring_used(&f->r, NULL, NULL));
}

static void
test_scsi_disk_waits_for_room_on_the_host(void **state)
{
	static const uint8_t read[16] = {0x28, 0, 0, 0, 0, 5, 0, 0, 1};
	struct fixture *f = *state;
	unsigned i;
	uint32_t len;

	fill_up(f);
	put(f, 3, 1, 0, read, 0, 512);
	modern_kick(f->bus, COMMANDS);
	/* There still is none: it is told once more. */
	virtio_scsi_disks_retry(f->dev);
	for (i = 0; i < 60000 && f->told < 2; i++)
		usleep(1000);
	assert_int_equal(f->told, 2);
	assert_int_equal(f->disk[0]->bytes[5 * 512], byte_at(5 * 512));
	f->disk[0]->error = 0;
	virtio_scsi_disks_retry(f->dev);
	for (i = 0; i < 3; i++)
		wait_used(&f->r, &len);
	for (i = 1; i < 4; i++)
		is_good(answer_of(f, i));
	assert_int_equal(f->disk[0]->bytes[5 * 512], 0x77);
	assert_int_equal(virtio_scsi_disk_full(f->dev, 0), 0);
}

static uint8_t
manage(struct fixture *f, uint8_t what, uint8_t target, uint8_t tag)
{
	struct buf b[2] = {{REQUEST, 24, false}, {RESPONSE, 1, true}};
	uint8_t *h = ram(f->bus, REQUEST);
	uint32_t len;

	memset(h, 0, 24);
	h[4] = what;
	h[8] = 1;
	h[9] = target;
	h[16] = tag;
	ring_add(&f->control, b, 2);
	modern_kick(f->bus, CONTROL);
	wait_used(&f->control, &len);
	assert_int_equal(len, 1);
	return *ram(f->bus, RESPONSE);
}

static void
test_scsi_disk_aborts_what_waits(void **state)
{
	struct fixture *f = *state;
	uint32_t len;

	fill_up(f);
	assert_int_equal(manage(f, 6, 0, 2), OK); /* a question */
	assert_int_equal(manage(f, 5, 9, 0), BAD_TARGET);
	assert_false(ring_used(&f->r, NULL, NULL));
	assert_int_equal(manage(f, 0, 0, 3), OK); /* slot 2's tag */
	wait_used(&f->r, &len);
	assert_int_equal(answer_of(f, 2).response, ABORTED);
	assert_int_equal(virtio_scsi_disk_full(f->dev, 0), ENOSPC);
	assert_int_equal(manage(f, 5, 0, 0), OK); /* the unit */
	wait_used(&f->r, &len);
	assert_int_equal(answer_of(f, 1).response, ABORTED);
	assert_int_equal(virtio_scsi_disk_full(f->dev, 0), 0);
	/* Others are served again; the unit was reset. */
	f->disk[0]->error = 0;
	is_refused(command(f, "0", 0, 0), 6, 0x2900);
	is_good(command(f, "0", 0, 0));
	assert_int_equal(f->disk[0]->bytes[5 * 512], byte_at(5 * 512));
}

static void
test_scsi_disk_forgets_what_waits_with_a_reset(void **state)
{
	struct fixture *f = *state;

	fill_up(f);
	begin(f);
	f->disk[0]->error = 0;
	virtio_scsi_disks_retry(f->dev);
	assert_int_equal(virtio_scsi_disk_full(f->dev, 0), 0);
	attend(f);
	assert_int_equal(f->disk[0]->bytes[5 * 512], byte_at(5 * 512));
}

static void
test_scsi_disk_goes_on_with_what_waits_where_it_is_loaded(void **state)
{
	struct fixture *f = *state;
	struct state_writer w = {0};
	struct state_reader r = {0};
	struct error err;
	uint32_t len;
	unsigned i;

	fill_up(f);
	state_begin(&w, "card", 1);
	f->bus->fn.ops->save(f->bus->fn.arg, &w);
	state_end(&w);
	f->bus->fn.ops->reset(f->bus->fn.arg);
	f->disk[0]->error = 0;
	r.data = w.data;
	r.len = r.end = w.len;
	assert_int_equal(state_open(&r, "card"), 1);
	assert_int_equal(f->bus->fn.ops->load(f->bus->fn.arg, &r, &err), 0);
	assert_int_equal(state_close(&r, "card", &err), 0);
	for (i = 0; i < 2; i++)
		wait_used(&f->r, &len);
	for (i = 1; i < 3; i++)
		is_good(answer_of(f, i));
	assert_int_equal(f->disk[0]->bytes[5 * 512], 0x77);
	state_writer_free(&w);
}

/* ---- a disk that becomes larger ---- */

static int
grow(struct fixture *f, unsigned target, uint64_t size, struct error *err)
{
	unsigned before = f->grown, i;
	uint64_t now;
	int rc;

	if (virtio_scsi_disk_grow(f->dev, target, size, false, err) == -1)
		return -1;
	for (i = 0; i < 60000 && f->grown == before; i++)
		usleep(1000);
	rc = virtio_scsi_disk_grown(f->dev, target, &now, err);
	assert_true(rc != 1);
	return rc;
}

static void
test_scsi_disk_grows_and_says_so(void **state)
{
	struct fixture *f = *state;
	struct buf b = {EVENT, 16, true};
	struct error err;
	struct answer a;
	uint32_t len;

	attend(f);
	ring_add(&f->events, &b, 1);
	modern_kick(f->bus, EVENTS);
	assert_int_equal(grow(f, 0, 3000 * 512, &err), 0);
	wait_used(&f->events, &len);
	assert_int_equal(len, 16);
	assert_memory_equal(
	    ram(f->bus, EVENT), "\3\0\0\0\1\0\0\0\0\0\0\0\x2a\x09\0\0", 16);
	is_refused(command(f, "0", 0, 0), 6, 0x2a09);
	a = command(f, "25", 0, 8);
	is_good(a);
	assert_memory_equal(a.data, "\0\0\x0b\xb7\0\0\2\0", 8);
	/* Not smaller, not the same, not what can only be read. */
	assert_int_equal(grow(f, 0, 2999 * 512, &err), -1);
	assert_int_equal(grow(f, 0, 3000 * 512, &err), -1);
	assert_int_equal(grow(f, 0, 4000 * 512 + 1, &err), -1);
	assert_int_equal(grow(f, 1, 4000 * 512, &err), -1);
	f->disk[0]->error = ENOSPC;
	assert_int_equal(grow(f, 0, 4000 * 512, &err), -1);
	assert_non_null(strstr(err.text, "no room"));
	is_good(command(f, "0", 0, 0));
	/* Without a buffer the event is missed, which is said later. */
	f->disk[0]->error = 0;
	assert_int_equal(grow(f, 0, 4000 * 512, &err), 0);
	assert_false(ring_used(&f->events, NULL, NULL));
	ring_add(&f->events, &b, 1);
	modern_kick(f->bus, EVENTS);
	wait_used(&f->events, &len);
	assert_memory_equal(ram(f->bus, EVENT), "\0\0\0\x80", 4);
}

/* ---- a driver that means no good ---- */

static void
test_scsi_disk_command_without_response_breaks_the_queue(void **state)
{
	static const struct buf parts[][2] = {
	    {{REQUEST, 51, false}, {RESPONSE, 107, true}},
	    {{REQUEST, 50, false}, {RESPONSE, 108, true}},
	    {{REQUEST, 51, false}, {RESPONSE, 108, false}},
	    {{REQUEST, 51, true}, {RESPONSE, 108, true}}};
	struct fixture *f = *state;
	unsigned i, j;

	for (i = 0; i < 4; i++) {
		begin(f);
		ring_add(&f->r, parts[i], 2);
		modern_kick(f->bus, COMMANDS);
		for (j = 0;
		     j < 60000 && !(modern_status(f->bus) & S_NEEDS_RESET); j++)
			usleep(1000);
		assert_true(modern_status(f->bus) & S_NEEDS_RESET);
	}
}

static void
test_scsi_disk_control_queue_survives_anything(void **state)
{
	struct fixture *f = *state;
	struct buf b[2] = {{REQUEST, 0, false}, {RESPONSE, 5, true}};
	unsigned i, type;
	uint32_t len;

	for (type = 0; type < 4; type++)
		for (i = 1; i < 30; i++) {
			memset(ram(f->bus, REQUEST), 0xff, 30);
			memset(ram(f->bus, REQUEST), 0, 4);
			*ram(f->bus, REQUEST) = (uint8_t)type;
			b[0].len = i;
			b[1].len = i % 6 + 1;
			ring_add(&f->control, b, 2);
			modern_kick(f->bus, CONTROL);
			wait_used(&f->control, &len);
			assert_true(len <= b[1].len);
		}
}

int
main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
	    TEST(test_scsi_disk_waits_for_room_on_the_host),
	    TEST(test_scsi_disk_aborts_what_waits),
	    TEST(test_scsi_disk_forgets_what_waits_with_a_reset),
	    TEST(test_scsi_disk_goes_on_with_what_waits_where_it_is_loaded),
	    TEST(test_scsi_disk_grows_and_says_so),
	    TEST(test_scsi_disk_command_without_response_breaks_the_queue),
	    TEST(test_scsi_disk_control_queue_survives_anything),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
