/*
 * backend/virtio/console.c: what is printed and typed arrives whole, whatever
 * the host side takes and the driver does.
 */
#include "tests/unit/console_rig.h"

static void
test_console_prints_whole_requests_in_order(void **state)
{
	struct fixture *f = *state;
	const struct buf b[] = {
	    {TEXT, 3, false}, {TEXT + 100, 0, false}, {TEXT + 50, 4, false}};
	uint32_t len;

	begin(f, 0);
	print(f, "one ");
	memcpy(ram(f->bus, TEXT), "two", 3);
	memcpy(ram(f->bus, TEXT + 50), " end", 4);
	ring_add(&f->out, b, 3);
	modern_kick(f->bus, TRANSMITQ);
	run(f);
	must_have_got(f, "one two end");
	assert_true(ring_used(&f->out, NULL, &len));
	assert_int_equal(len, 0);
	assert_true(ring_used(&f->out, NULL, NULL));
	assert_false(ring_used(&f->out, NULL, NULL));
	assert_int_equal(f->bus->fn.sent[TRANSMITQ], 2);
	assert_int_equal(virtio_figures(f->dev)->out_bytes, 11);
	assert_int_equal(virtio_figures(f->dev)->out_ops, 2);
}

static void
test_console_keeps_what_the_host_does_not_take(void **state)
{
	static const uint64_t features[] = {0, F_EVENT_IDX};
	struct fixture *f = *state;
	size_t i;

	for (i = 0; i < 2; i++) {
		begin(f, features[i]);
		f->got_len = 0;
		f->room = 4;
		print(f, "0123456789");
		must_have_got(f, "0123");
		assert_false(ring_used(&f->out, NULL, NULL));
		/* Another kick changes nothing, and nothing comes twice. */
		modern_kick(f->bus, TRANSMITQ);
		run(f);
		must_have_got(f, "0123");
		f->room = 3;
		virtio_console_kick(f->dev);
		must_have_got(f, "0123456");
		assert_false(ring_used(&f->out, NULL, NULL));
		f->room = 100;
		virtio_console_kick(f->dev);
		must_have_got(f, "0123456789");
		assert_true(ring_used(&f->out, NULL, NULL));
		print(f, "next");
		must_have_got(f, "0123456789next");
	}
}

static void
test_console_asks_for_no_kick_while_the_host_is_full(void **state)
{
	struct fixture *f = *state;

	begin(f, 0);
	assert_int_equal(f->out.used[0], 0);
	f->room = 0;
	print(f, "waits");
	assert_int_equal(f->out.used[0], 1);
	f->room = 100;
	virtio_console_kick(f->dev);
	assert_int_equal(f->out.used[0], 0);
	must_have_got(f, "waits");
}

static void
test_console_flood_is_printed_in_turns(void **state)
{
	struct fixture *f = *state;
	const struct buf b[] = {{TEXT, 1, false}};
	unsigned i, n = 0;

	modern_begin(f->bus, F_VERSION_1);
	modern_queue(f->bus, &f->out, TRANSMITQ, 256);
	modern_ready(f->bus);
	run(f);
	for (i = 0; i < 256; i++)
		ring_add(&f->out, b, 1);
	modern_kick(f->bus, TRANSMITQ);
	event_base_loop(f->base, EVLOOP_ONCE);
	assert_true(f->got_len > 0 && f->got_len < 256);
	for (i = 0; i < 8; i++)
		run(f);
	while (ring_used(&f->out, NULL, NULL))
		n++;
	assert_int_equal(n, 256);
	assert_int_equal(f->got_len, 256);
}

static void
test_console_types_into_the_drivers_buffers(void **state)
{
	struct fixture *f = *state;

	begin(f, 0);
	offer(f, 3, 4);
	assert_int_equal(type(f, "hello"), 5);
	must_get(f, "hell");
	must_get(f, "o");
	assert_int_equal(f->bus->fn.sent[RECEIVEQ], 1);
	assert_int_equal(virtio_figures(f->dev)->in_bytes, 5);
	/* One is left: the rest waits, and is told of when it may come. */
	assert_int_equal(type(f, "123456"), 4);
	must_get(f, "1234");
	assert_int_equal(f->ready, 0);
	assert_int_equal(f->in.used[0], 0);
	offer(f, 1, 4);
	assert_int_equal(f->ready, 1);
	assert_int_equal(type(f, "56"), 2);
	must_get(f, "56");
	/* Nobody waits: new buffers are no news. */
	offer(f, 1, 4);
	assert_int_equal(f->ready, 1);
	assert_int_equal(f->in.used[0], 1);
}

static void
test_console_waits_for_buffers_with_event_index(void **state)
{
	struct fixture *f = *state;

	begin(f, F_EVENT_IDX);
	offer(f, 2, 1);
	assert_int_equal(type(f, "abc"), 2);
	/* A driver kicks when it passes this index, so with the next. */
	assert_int_equal(ring_avail_event(&f->in), 2);
	offer(f, 1, 1);
	assert_int_equal(f->ready, 1);
	assert_int_equal(type(f, "c"), 1);
}

static void
test_console_without_a_driver_drops_typing(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(type(f, "nobody"), 6);
	modern_begin(f->bus, F_VERSION_1);
	modern_queue(f->bus, &f->in, RECEIVEQ, 16);
	assert_int_equal(type(f, "not yet"), 7);
	assert_false(ring_used(&f->in, NULL, NULL));
}

/* While the guest is sent; what comes meanwhile is not lost. */
static void
test_console_touches_nothing_while_frozen(void **state)
{
	struct fixture *f = *state;

	begin(f, 0);
	offer(f, 2, 16);
	f->bus->machine.frozen = true;
	assert_int_equal(type(f, "typed"), 0);
	print(f, "printed");
	assert_int_equal(f->got_len, 0);
	f->ready = 0;
	f->bus->machine.frozen = false;
	virtio_thaw(f->dev);
	run(f);
	assert_int_equal(f->ready, 1);
	assert_int_equal(f->got_len, 7);
	assert_memory_equal(f->got, "printed", 7);
	assert_int_equal(type(f, "typed"), 5);
	must_get(f, "typed");
}

static void
test_console_reset_lets_typing_go_on(void **state)
{
	struct fixture *f = *state;

	begin(f, 0);
	assert_int_equal(type(f, "stuck"), 0);
	bar_out(f->bus, MODERN, 0x14, 1, 0);
	assert_int_equal(f->ready, 1);
	assert_int_equal(type(f, "stuck"), 5);
}

static void
test_console_reset_loses_no_byte_given_before_it(void **state)
{
	struct fixture *f = *state;
	const struct buf b[] = {{TEXT + 0x100, 4, false}};

	begin(f, 0);
	f->room = 3;
	print(f, "abcdef");
	/* This one was not even looked at. */
	memcpy(ram(f->bus, TEXT + 0x100), "more", 4);
	ring_add(&f->out, b, 1);
	bar_out(f->bus, MODERN, 0x14, 1, 0);
	assert_int_equal(bar_in(f->bus, MODERN, 0x14, 1), 0);
	must_have_got(f, "abc");
	/* The memory is the guest's again. */
	memset(ram(f->bus, TEXT), '!', 0x200);
	f->room = 2;
	virtio_console_kick(f->dev);
	must_have_got(f, "abcde");
	begin(f, 0);
	f->room = 2;
	print(f, "whole");
	must_have_got(f, "abcdefm");
	assert_false(ring_used(&f->out, NULL, NULL));
	f->room = 100;
	virtio_console_kick(f->dev);
	must_have_got(f, "abcdefmorewhole");
	assert_true(ring_used(&f->out, NULL, NULL));
	assert_int_equal(virtio_figures(f->dev)->out_bytes, 15);
}

static void
test_console_reset_before_the_kick_was_seen_loses_nothing(void **state)
{
	struct fixture *f = *state;
	const struct buf b[] = {{TEXT, 5, false}};

	begin(f, 0);
	memcpy(ram(f->bus, TEXT), "panic", 5);
	ring_add(&f->out, b, 1);
	modern_kick(f->bus, TRANSMITQ);
	bar_out(f->bus, MODERN, 0x14, 1, 0);
	must_have_got(f, "panic");
	run(f);
	must_have_got(f, "panic");
}

/* A driver that resets over and over fills no more than this. */
static void
test_console_holds_no_more_than_it_should(void **state)
{
	struct fixture *f = *state;
	const struct buf all[] = {{0, RAM_LOW, false}};
	unsigned i, k;

	f->room = 0;
	for (i = 0; i < 3; i++) {
		begin(f, 0);
		for (k = 0; k < 15; k++)
			ring_add(&f->out, all, 1);
		bar_out(f->bus, MODERN, 0x14, 1, 0);
	}
	assert_int_equal(f->taken, 0);
	f->room = SIZE_MAX;
	virtio_console_kick(f->dev);
	assert_int_equal(f->taken, 256 * 4096);
}

/* A legacy driver may take away a queue alone. */
static void
test_console_queue_taken_away_is_printed_all_the_same(void **state)
{
	struct fixture *f = *state;
	const struct buf b[] = {{TEXT, 5, false}};

	bar_out(f->bus, LEGACY, 18, 1, S_ACK | S_DRIVER);
	legacy_queue(f->bus, &f->out, TRANSMITQ);
	bar_out(f->bus, LEGACY, 18, 1, S_ACK | S_DRIVER | S_DRIVER_OK);
	memcpy(ram(f->bus, TEXT), "12345", 5);
	f->room = 2;
	ring_add(&f->out, b, 1);
	bar_out(f->bus, LEGACY, 16, 2, TRANSMITQ);
	run(f);
	must_have_got(f, "12");
	bar_out(f->bus, LEGACY, 8, 4, 0);
	legacy_queue(f->bus, &f->out, TRANSMITQ);
	f->room = 100;
	ring_add(&f->out, b, 1);
	bar_out(f->bus, LEGACY, 16, 2, TRANSMITQ);
	run(f);
	must_have_got(f, "1234512345");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    TEST(test_console_prints_whole_requests_in_order),
	    TEST(test_console_keeps_what_the_host_does_not_take),
	    TEST(test_console_asks_for_no_kick_while_the_host_is_full),
	    TEST(test_console_flood_is_printed_in_turns),
	    TEST(test_console_types_into_the_drivers_buffers),
	    TEST(test_console_waits_for_buffers_with_event_index),
	    TEST(test_console_without_a_driver_drops_typing),
	    TEST(test_console_touches_nothing_while_frozen),
	    TEST(test_console_reset_lets_typing_go_on),
	    TEST(test_console_reset_loses_no_byte_given_before_it),
	    TEST(test_console_reset_before_the_kick_was_seen_loses_nothing),
	    TEST(test_console_holds_no_more_than_it_should),
	    TEST(test_console_queue_taken_away_is_printed_all_the_same),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
