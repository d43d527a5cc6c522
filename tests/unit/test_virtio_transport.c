/*
 * backend/virtio: both faces of the PCI transport, seen from the driver, with
 * the entropy device behind them.
 */
#include <event2/event.h>

#include "tests/unit/virtio_rig.h"

#define DATA 0x200000u

struct fixture {
	struct pci_bus *bus;
	struct event_base *base;
	struct virtio_dev *dev;
	struct ring r;
};

static int
setup(void **state)
{
	struct fixture *f = calloc(1, sizeof *f);
	struct error err;

	f->bus = rig_new();
	f->base = event_base_new();
	assert_int_equal(virtio_rng_create(f->bus, f->base, &f->dev, &err), 0);
	*state = f;
	return 0;
}

static int
teardown(void **state)
{
	struct fixture *f = *state;

	rig_free(f->bus);
	event_base_free(f->base);
	free(f);
	return 0;
}

static void
run(struct fixture *f)
{
	event_base_loop(f->base, EVLOOP_NONBLOCK);
}

/* One request for len bytes. Did they come? */
static void
ask(struct fixture *f, uint32_t want)
{
	const struct buf b[] = {{DATA, want, true}};

	memset(ram(f->bus, DATA), 0, want);
	ring_add(&f->r, b, 1);
}

static void
must_answer(struct fixture *f, uint32_t want)
{
	static const uint8_t zeroes[16];
	uint32_t len;

	assert_true(ring_used(&f->r, NULL, &len));
	assert_int_equal(len, want);
	assert_memory_not_equal(ram(f->bus, DATA), zeroes, 16);
}

static void
test_modern_driver_gets_random_bytes(void **state)
{
	struct fixture *f = *state;

	modern_begin(f->bus, F_VERSION_1);
	modern_queue(f->bus, &f->r, 0, 8);
	modern_ready(f->bus);
	f->bus->fn.msix = true;
	ask(f, 64);
	modern_kick(f->bus, 0);
	run(f);
	must_answer(f, 64);
	assert_int_equal(f->bus->fn.sent[0], 1);
	assert_false(f->bus->fn.intx);
	assert_int_equal(virtio_figures(f->dev)->in_bytes, 64);
	assert_int_equal(virtio_figures(f->dev)->in_ops, 1);
}

static void
test_a_request_is_bounded_and_a_flood_is_served_in_turns(void **state)
{
	struct fixture *f = *state;
	unsigned i, n = 0;

	modern_begin(f->bus, F_VERSION_1);
	modern_queue(f->bus, &f->r, 0, 256);
	modern_ready(f->bus);
	for (i = 0; i < 200; i++)
		ask(f, 65536);
	modern_kick(f->bus, 0);
	event_base_loop(f->base, EVLOOP_ONCE);
	assert_true(ring_used_idx(&f->r) < 200);
	for (i = 0; i < 8; i++)
		run(f);
	while (n < 200) {
		must_answer(f, 4096);
		n++;
	}
}

static void
test_legacy_driver_gets_random_bytes_and_a_pin(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(bar_in(f->bus, LEGACY, 0, 4) & 1u << 28, 1u << 28);
	bar_out(f->bus, LEGACY, 18, 1, 0);
	bar_out(f->bus, LEGACY, 18, 1, S_ACK | S_DRIVER);
	bar_out(f->bus, LEGACY, 4, 4, 0);
	legacy_queue(f->bus, &f->r, 0);
	assert_int_equal(f->r.size, 256);
	assert_int_equal(bar_in(f->bus, LEGACY, 8, 4), RINGS_GPA >> 12);
	bar_out(f->bus, LEGACY, 18, 1, S_ACK | S_DRIVER | S_DRIVER_OK);
	ask(f, 32);
	assert_int_equal(doorbell(f->bus, true, PIO_BASE + 16, 0), 1);
	run(f);
	must_answer(f, 32);
	assert_true(f->bus->fn.intx);
	assert_int_equal(bar_in(f->bus, LEGACY, 19, 1), 1);
	assert_false(f->bus->fn.intx);
	assert_int_equal(bar_in(f->bus, LEGACY, 19, 1), 0);
	/* Page 0 takes the queue away. */
	bar_out(f->bus, LEGACY, 8, 4, 0);
	ask(f, 32);
	doorbell(f->bus, true, PIO_BASE + 16, 0);
	run(f);
	assert_false(ring_used(&f->r, NULL, NULL));
}

static void
test_legacy_driver_may_begin_before_driver_ok(void **state)
{
	struct fixture *f = *state;

	bar_out(f->bus, LEGACY, 18, 1, S_ACK | S_DRIVER);
	legacy_queue(f->bus, &f->r, 0);
	ask(f, 32);
	/* And without the ioeventfd: the handler itself. */
	bar_out(f->bus, LEGACY, 16, 2, 0);
	run(f);
	must_answer(f, 32);
}

static void
test_modern_device_waits_for_driver_ok(void **state)
{
	struct fixture *f = *state;

	modern_begin(f->bus, F_VERSION_1);
	modern_queue(f->bus, &f->r, 0, 8);
	ask(f, 32);
	bar_out(f->bus, MODERN, NOTIFY, 2, 0);
	run(f);
	assert_false(ring_used(&f->r, NULL, NULL));
	/* What was there before is found without another kick. */
	modern_ready(f->bus);
	run(f);
	must_answer(f, 32);
}

static void
test_features_ok_needs_version_1_and_nothing_unknown(void **state)
{
	static const uint64_t bad[] = {
	    0, F_INDIRECT, F_VERSION_1 | 1ULL << 33, F_VERSION_1 | 1};
	struct fixture *f = *state;
	size_t i;

	assert_true(modern_offered(f->bus) & F_VERSION_1);
	assert_true(modern_offered(f->bus) & F_EVENT_IDX);
	assert_true(modern_offered(f->bus) & F_INDIRECT);
	for (i = 0; i < sizeof bad / sizeof *bad; i++) {
		bar_out(f->bus, MODERN, 0x14, 1, 0);
		bar_out(f->bus, MODERN, 0x14, 1, S_ACK | S_DRIVER);
		modern_choose(f->bus, bad[i]);
		bar_out(
		    f->bus, MODERN, 0x14, 1, S_ACK | S_DRIVER | S_FEATURES_OK);
		assert_int_equal(modern_status(f->bus), S_ACK | S_DRIVER);
		/* Nor does DRIVER_OK come without it. */
		bar_out(f->bus, MODERN, 0x14, 1, S_READY);
		assert_int_equal(modern_status(f->bus), S_ACK | S_DRIVER);
	}
	/* After FEATURES_OK the choice stands. */
	modern_begin(f->bus, F_VERSION_1);
	modern_choose(f->bus, F_VERSION_1 | F_INDIRECT);
	bar_out(f->bus, MODERN, 8, 4, 0);
	assert_int_equal(bar_in(f->bus, MODERN, 0xc, 4), 0);
}

static void
test_queue_registers_hold_what_the_driver_may_write(void **state)
{
	struct fixture *f = *state;

	modern_begin(f->bus, F_VERSION_1);
	assert_int_equal(bar_in(f->bus, MODERN, 0x12, 2), 1);
	assert_int_equal(bar_in(f->bus, MODERN, 0x18, 2), 256);
	bar_out(f->bus, MODERN, 0x18, 2, 512); /* too many */
	bar_out(f->bus, MODERN, 0x18, 2, 100); /* no power of two */
	bar_out(f->bus, MODERN, 0x18, 2, 0);
	assert_int_equal(bar_in(f->bus, MODERN, 0x18, 2), 256);
	bar_out(f->bus, MODERN, 0x1a, 2, 2); /* vectors 0 and 1 exist */
	assert_int_equal(bar_in(f->bus, MODERN, 0x1a, 2), 0xffff);
	bar_out(f->bus, MODERN, 0x10, 2, 1);
	assert_int_equal(bar_in(f->bus, MODERN, 0x10, 2), 1);
	bar_out(f->bus, MODERN, 0x24, 4, 0x12345678);
	bar_out(f->bus, MODERN, 0x20, 4, 0x9abcdef0);
	assert_true(bar_in(f->bus, MODERN, 0x20, 8) == 0x123456789abcdef0ULL);
	modern_queue(f->bus, &f->r, 0, 8);
	/* Enabled: it stays as it is. */
	bar_out(f->bus, MODERN, 0x18, 2, 16);
	bar_out(f->bus, MODERN, 0x20, 8, 0);
	assert_int_equal(bar_in(f->bus, MODERN, 0x18, 2), 8);
	assert_int_equal(bar_in(f->bus, MODERN, 0x20, 8), f->r.desc_gpa);
	/* A queue that there is not. */
	bar_out(f->bus, MODERN, 0x16, 2, 1);
	assert_int_equal(bar_in(f->bus, MODERN, 0x18, 2), 0);
	bar_out(f->bus, MODERN, 0x1c, 2, 1);
	assert_int_equal(bar_in(f->bus, MODERN, 0x1c, 2), 0);
	/* Accesses across or beyond the registers do no harm. */
	bar_out(f->bus, MODERN, 0x37, 8, ~0ULL);
	assert_int_equal(bar_in(f->bus, MODERN, 0x37, 8), 0);
	assert_int_equal(bar_in(f->bus, MODERN, 0x3ffc, 4), 0);
	assert_int_equal(bar_in(f->bus, LEGACY, 126, 4), 0);
}

static void
test_reset_takes_everything_back(void **state)
{
	struct fixture *f = *state;

	modern_begin(f->bus, F_VERSION_1 | F_EVENT_IDX);
	modern_queue(f->bus, &f->r, 0, 8);
	modern_ready(f->bus);
	bar_out(f->bus, MODERN, 0x14, 1, 0);
	assert_int_equal(modern_status(f->bus), 0);
	assert_int_equal(bar_in(f->bus, MODERN, 0x1c, 2), 0);
	assert_int_equal(bar_in(f->bus, MODERN, 0x18, 2), 256);
	assert_int_equal(bar_in(f->bus, MODERN, 0x1a, 2), 0xffff);
	ask(f, 32);
	modern_kick(f->bus, 0);
	run(f);
	assert_false(ring_used(&f->r, NULL, NULL));
	/* And it works again afterwards. */
	modern_begin(f->bus, F_VERSION_1);
	modern_queue(f->bus, &f->r, 0, 16);
	modern_ready(f->bus);
	ask(f, 32);
	modern_kick(f->bus, 0);
	run(f);
	must_answer(f, 32);
}

static void
test_broken_queue_asks_for_a_reset(void **state)
{
	struct fixture *f = *state;

	modern_begin(f->bus, F_VERSION_1);
	modern_queue(f->bus, &f->r, 0, 8);
	bar_out(f->bus, MODERN, 0x10, 2, 1);
	modern_ready(f->bus);
	f->bus->fn.msix = true;
	ring_put(&f->r, 0, GUESTMEM_HOLE_START, 16, WRITE, 0);
	ring_offer(&f->r, 0);
	modern_kick(f->bus, 0);
	run(f);
	assert_int_equal(modern_status(f->bus), S_READY | S_NEEDS_RESET);
	assert_int_equal(f->bus->fn.sent[1], 1);
	assert_int_equal(f->bus->fn.sent[0], 0);
	/* Only a reset helps. */
	bar_out(f->bus, MODERN, 0x14, 1, S_READY);
	assert_int_equal(modern_status(f->bus), S_READY | S_NEEDS_RESET);
	f->r.next_desc = 1;
	ask(f, 32);
	modern_kick(f->bus, 0);
	run(f);
	assert_false(ring_used(&f->r, NULL, NULL));
	bar_out(f->bus, MODERN, 0x14, 1, 0);
	assert_int_equal(modern_status(f->bus), 0);
}

static void
test_rings_outside_memory_break_the_device(void **state)
{
	struct fixture *f = *state;

	modern_begin(f->bus, F_VERSION_1);
	bar_out(f->bus, MODERN, 0x16, 2, 0);
	bar_out(f->bus, MODERN, 0x20, 8, GUESTMEM_HOLE_START);
	bar_out(f->bus, MODERN, 0x1c, 2, 1);
	assert_int_equal(bar_in(f->bus, MODERN, 0x1c, 2), 0);
	assert_true(modern_status(f->bus) & S_NEEDS_RESET);
	/* The legacy face, with a page far outside. */
	bar_out(f->bus, LEGACY, 18, 1, 0);
	bar_out(f->bus, LEGACY, 8, 4, 0xffffffff);
	assert_true(modern_status(f->bus) & S_NEEDS_RESET);
	bar_out(f->bus, LEGACY, 16, 2, 0);
	run(f);
}

static void
test_doorbells_follow_their_bars(void **state)
{
	struct fixture *f = *state;

	/* While nobody uses the queue its BARs move freely. */
	assert_int_equal(f->bus->machine.ios, 0);
	modern_begin(f->bus, F_VERSION_1);
	modern_queue(f->bus, &f->r, 0, 8);
	modern_ready(f->bus);
	assert_int_equal(f->bus->machine.ios, 1);
	rig_map(&f->bus->fn, false, PIO_BASE, MMIO_BASE);
	assert_int_equal(f->bus->machine.ios, 0);
	rig_map(&f->bus->fn, true, 0xd000, 0xf0000000);
	ask(f, 32);
	assert_int_equal(doorbell(f->bus, false, MMIO_BASE + NOTIFY, 0), 0);
	assert_int_equal(doorbell(f->bus, false, 0xf0000000 + NOTIFY, 0), 1);
	run(f);
	must_answer(f, 32);
	/* The legacy face's, for a queue that was set up there. */
	bar_out(f->bus, LEGACY, 18, 1, 0);
	bar_out(f->bus, LEGACY, 18, 1, S_ACK | S_DRIVER);
	legacy_queue(f->bus, &f->r, 0);
	bar_out(f->bus, LEGACY, 18, 1, S_ACK | S_DRIVER | S_DRIVER_OK);
	ask(f, 32);
	assert_int_equal(doorbell(f->bus, true, 0xd000 + 16, 1), 0);
	assert_int_equal(doorbell(f->bus, true, 0xd000 + 16, 0), 1);
	run(f);
	must_answer(f, 32);
	rig_map(&f->bus->fn, false, 0xd000, 0xf0000000);
	rig_map(&f->bus->fn, true, PIO_BASE, MMIO_BASE);
}

static uint32_t
config_in(struct fixture *f, unsigned at, unsigned size)
{
	struct pci_fn *fn = &f->bus->fn;
	uint32_t v = 0;

	if (fn->ops->config_read(fn->arg, at, size, &v))
		return v;
	memcpy(&v, fn->cfg + at, size);
	return v;
}

static void
config_out(struct fixture *f, unsigned at, unsigned size, uint32_t v)
{
	struct pci_fn *fn = &f->bus->fn;

	assert_true(fn->ops->config_write(fn->arg, at, size, v));
}

/* Finds the vendor capability of this type as a driver does, or 0. */
static unsigned
find_cap(struct fixture *f, uint8_t type)
{
	unsigned at = f->bus->fn.cfg[0x34];

	for (; at != 0; at = config_in(f, at + 1, 1))
		if (config_in(f, at, 1) == 9 && config_in(f, at + 3, 1) == type)
			return at;
	return 0;
}

static void
test_capabilities_say_where_everything_is(void **state)
{
	static const uint8_t types[] = {1, 2, 3};
	struct fixture *f = *state;
	unsigned at, i;

	for (i = 0; i < sizeof types; i++) {
		at = find_cap(f, types[i]);
		assert_true(at != 0);
		assert_int_equal(config_in(f, at + 4, 1), MODERN);
		assert_true(
		    config_in(f, at + 8, 4) + config_in(f, at + 12, 4) <=
		    f->bus->fn.ops->bar[MODERN].size);
	}
	assert_int_equal(config_in(f, find_cap(f, 2) + 16, 4), 4);
	assert_int_equal(config_in(f, find_cap(f, 1) + 12, 4), 56);
	/* No configuration of its own, so no capability for it. */
	assert_int_equal(find_cap(f, 4), 0);
}

static void
test_config_window_reaches_the_registers(void **state)
{
	struct fixture *f = *state;
	unsigned at = find_cap(f, 5);

	assert_true(at != 0);
	config_out(f, at + 4, 1, MODERN);
	config_out(f, at + 8, 4, 0x14);
	config_out(f, at + 12, 4, 1);
	config_out(f, at + 16, 1, S_ACK);
	assert_int_equal(modern_status(f->bus), S_ACK);
	assert_int_equal(config_in(f, at + 16, 1), S_ACK);
	assert_int_equal(config_in(f, at + 8, 4), 0x14);
	/* The legacy registers, too. */
	config_out(f, at + 4, 1, LEGACY);
	config_out(f, at + 8, 4, 12);
	config_out(f, at + 12, 4, 2);
	assert_int_equal(config_in(f, at + 16, 2), 256);
	/* Elsewhere there is nothing, and it does no harm. */
	config_out(f, at + 8, 4, 0xffffffff);
	config_out(f, at + 16, 4, 0xffffffff);
	assert_int_equal(config_in(f, at + 16, 4), 0);
	config_out(f, at + 8, 4, 0);
	config_out(f, at + 4, 1, 77);
	config_out(f, at + 16, 4, 0xffffffff);
	assert_int_equal(config_in(f, at + 16, 4), 0);
	config_out(f, at + 4, 1, LEGACY);
	config_out(f, at + 12, 4, 3);
	assert_int_equal(config_in(f, at + 16, 4), 0);
}

static void
test_saved_device_goes_on_in_another(void **state)
{
	struct fixture *f = *state, *g;
	struct state_writer w = {0};
	struct state_reader r;
	struct error err;
	void *other;

	modern_begin(f->bus, F_VERSION_1 | F_EVENT_IDX);
	modern_queue(f->bus, &f->r, 0, 8);
	modern_ready(f->bus);
	ask(f, 64);
	modern_kick(f->bus, 0);
	run(f);
	must_answer(f, 64);
	/* One request is left in the ring when it is saved. */
	ask(f, 48);
	state_begin(&w, "test", 1);
	f->bus->fn.ops->save(f->bus->fn.arg, &w);
	state_end(&w);

	setup(&other);
	g = other;
	memcpy(ram(g->bus, 0), ram(f->bus, 0), RAM_LOW);
	r = (struct state_reader){.data = w.data, .len = w.len};
	assert_int_equal(state_open(&r, "test"), 1);
	assert_int_equal(g->bus->fn.ops->load(g->bus->fn.arg, &r, &err), 0);
	assert_int_equal(state_close(&r, "test", &err), 0);
	assert_int_equal(modern_status(g->bus), S_READY);
	ring_init(&g->r, &g->bus->machine.mem, 8, RINGS_GPA);
	g->r.last_used = f->r.last_used;
	run(g);
	must_answer(g, 48);
	teardown(&other);
	state_writer_free(&w);
}

/* What a legacy driver set up, and an interrupt that it has not looked at. */
static void
test_saved_legacy_device_has_its_pages_and_its_pin(void **state)
{
	struct fixture *f = *state, *g;
	struct state_writer w = {0};
	struct state_reader r;
	struct error err;
	void *other;

	bar_out(f->bus, LEGACY, 18, 1, S_ACK | S_DRIVER);
	bar_out(f->bus, LEGACY, 4, 4, 1u << 28);
	legacy_queue(f->bus, &f->r, 0);
	bar_out(f->bus, LEGACY, 18, 1, S_ACK | S_DRIVER | S_DRIVER_OK);
	ask(f, 32);
	doorbell(f->bus, true, PIO_BASE + 16, 0);
	run(f);
	must_answer(f, 32);
	assert_true(f->bus->fn.intx);
	ask(f, 48);
	state_begin(&w, "test", 1);
	f->bus->fn.ops->save(f->bus->fn.arg, &w);
	state_end(&w);

	setup(&other);
	g = other;
	memcpy(ram(g->bus, 0), ram(f->bus, 0), RAM_LOW);
	r = (struct state_reader){.data = w.data, .len = w.len};
	assert_int_equal(state_open(&r, "test"), 1);
	assert_int_equal(g->bus->fn.ops->load(g->bus->fn.arg, &r, &err), 0);
	assert_int_equal(bar_in(g->bus, LEGACY, 4, 4), 1u << 28);
	assert_int_equal(bar_in(g->bus, LEGACY, 8, 4), RINGS_GPA >> 12);
	assert_int_equal(
	    bar_in(g->bus, LEGACY, 18, 1), S_ACK | S_DRIVER | S_DRIVER_OK);
	assert_true(g->bus->fn.intx);
	assert_int_equal(bar_in(g->bus, LEGACY, 19, 1), 1);
	assert_false(g->bus->fn.intx);
	ring_init(&g->r, &g->bus->machine.mem, 256, RINGS_GPA);
	g->r.last_used = f->r.last_used;
	run(g);
	must_answer(g, 48);
	assert_true(g->bus->fn.intx);
	/* Its doorbell is the legacy one. */
	bar_in(g->bus, LEGACY, 19, 1);
	g->r.next_desc = f->r.next_desc;
	ask(g, 16);
	assert_int_equal(doorbell(g->bus, true, PIO_BASE + 16, 0), 1);
	run(g);
	must_answer(g, 16);
	teardown(&other);
	state_writer_free(&w);
}

static void
test_damaged_state_is_refused_whole(void **state)
{
	struct fixture *f = *state;
	struct state_writer w = {0};
	struct state_reader r;
	struct error err;
	uint8_t *copy;
	size_t i;

	modern_begin(f->bus, F_VERSION_1);
	modern_queue(f->bus, &f->r, 0, 8);
	modern_ready(f->bus);
	state_begin(&w, "test", 1);
	f->bus->fn.ops->save(f->bus->fn.arg, &w);
	state_end(&w);
	/* Every byte changed, and every shorter length: no harm. */
	copy = malloc(w.len);
	for (i = 0; i < w.len; i++) {
		memcpy(copy, w.data, w.len);
		copy[i] ^= 0xff;
		r = (struct state_reader){.data = copy, .len = w.len};
		state_open(&r, "test");
		f->bus->fn.ops->load(f->bus->fn.arg, &r, &err);
		run(f);
		r = (struct state_reader){.data = w.data, .len = i};
		state_open(&r, "test");
		assert_int_equal(
		    f->bus->fn.ops->load(f->bus->fn.arg, &r, &err), -1);
		assert_int_equal(modern_status(f->bus), 0);
	}
	free(copy);
	state_writer_free(&w);
}

static void
test_refused_device_leaves_nothing_behind(void **state)
{
	struct pci_bus *bus = rig_new();
	struct event_base *base = event_base_new();
	struct error err;

	bus->refuse = true;
	assert_int_equal(virtio_rng_create(bus, base, NULL, &err), -1);
	assert_string_equal(err.text, "no slot is free");
	rig_free(bus);
	event_base_free(base);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    TEST(test_modern_driver_gets_random_bytes),
	    TEST(test_a_request_is_bounded_and_a_flood_is_served_in_turns),
	    TEST(test_legacy_driver_gets_random_bytes_and_a_pin),
	    TEST(test_legacy_driver_may_begin_before_driver_ok),
	    TEST(test_modern_device_waits_for_driver_ok),
	    TEST(test_features_ok_needs_version_1_and_nothing_unknown),
	    TEST(test_queue_registers_hold_what_the_driver_may_write),
	    TEST(test_reset_takes_everything_back),
	    TEST(test_broken_queue_asks_for_a_reset),
	    TEST(test_rings_outside_memory_break_the_device),
	    TEST(test_doorbells_follow_their_bars),
	    TEST(test_capabilities_say_where_everything_is),
	    TEST(test_config_window_reaches_the_registers),
	    TEST(test_saved_device_goes_on_in_another),
	    TEST(test_saved_legacy_device_has_its_pages_and_its_pin),
	    TEST(test_damaged_state_is_refused_whole),
	    cmocka_unit_test(test_refused_device_leaves_nothing_behind),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
