/*
 * backend/virtio/vmmci.c: what OpenBSD's vmmci(4) finds, is asked for and
 * answers.
 */
#include <time.h>

#include <event2/event.h>

#include "tests/unit/virtio_rig.h"

#define CONFIG_AT 20 /* of the legacy registers, without MSI-X */
#define COMMAND   CONFIG_AT
#define SECONDS   (CONFIG_AT + 4)
#define MICROS    (CONFIG_AT + 12)

#define F_ACK 2u
#define F_ALL 7u

struct fixture {
	struct pci_bus *bus;
	struct event_base *base;
	struct virtio_dev *dev;
	unsigned over;
};

static void
over(void *arg)
{
	struct fixture *f = arg;

	f->over++;
}

static int
setup(void **state)
{
	struct fixture *f = calloc(1, sizeof *f);
	struct error err;

	f->bus = rig_new();
	f->base = event_base_new();
	assert_int_equal(
	    virtio_vmmci_create(f->bus, f->base, over, f, &f->dev, &err), 0);
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
begin(struct fixture *f, uint32_t features)
{
	bar_out(f->bus, LEGACY, 18, 1, 0);
	bar_out(f->bus, LEGACY, 18, 1, S_ACK | S_DRIVER);
	bar_out(f->bus, LEGACY, 4, 4, features);
	bar_out(f->bus, LEGACY, 18, 1, S_ACK | S_DRIVER | S_DRIVER_OK);
}

static uint32_t
command(struct fixture *f)
{
	return (uint32_t)bar_in(f->bus, LEGACY, COMMAND, 4);
}

static void
test_vmmci_is_the_device_that_openbsd_knows(void **state)
{
	struct fixture *f = *state;
	const struct pci_fn_ops *ops = f->bus->fn.ops;
	unsigned i;

	assert_int_equal(ops->vendor, 0x0b5d);
	assert_int_equal(ops->device, 0x0777);
	assert_int_equal(ops->subvendor, 0x0b5d);
	assert_int_equal(ops->subdevice, 0xffff);
	assert_int_equal(ops->class_code >> 16, 7);
	assert_int_equal(ops->bar[0].kind, PCI_BAR_PIO);
	for (i = 1; i < PCI_BARS; i++)
		assert_int_equal(ops->bar[i].kind, PCI_BAR_NONE);
	assert_int_equal(f->bus->fn.vectors, 0);
	assert_int_equal(f->bus->fn.cfg[0x34], 0);
	assert_int_equal(bar_in(f->bus, LEGACY, 0, 4), F_ALL);
	/* No queue, whichever is selected. */
	for (i = 0; i < 3; i++) {
		bar_out(f->bus, LEGACY, 14, 2, i);
		assert_int_equal(bar_in(f->bus, LEGACY, 12, 2), 0);
		bar_out(f->bus, LEGACY, 8, 4, 0x10);
		bar_out(f->bus, LEGACY, 16, 2, i);
	}
}

static void
test_vmmci_tells_the_time_in_pieces_that_belong_together(void **state)
{
	struct fixture *f = *state;
	uint64_t sec, usec;

	begin(f, F_ALL);
	sec = bar_in(f->bus, LEGACY, SECONDS, 4) |
	    bar_in(f->bus, LEGACY, SECONDS + 4, 4) << 32;
	usec = bar_in(f->bus, LEGACY, MICROS, 4) |
	    bar_in(f->bus, LEGACY, MICROS + 4, 4) << 32;
	assert_in_range(sec, (uint64_t)time(NULL) - 10, (uint64_t)time(NULL));
	assert_in_range(usec, 1, 999999);
	assert_int_equal(bar_in(f->bus, LEGACY, MICROS, 4), usec);
}

static void
test_vmmci_without_a_driver_is_not_asked(void **state)
{
	struct fixture *f = *state;

	assert_false(virtio_vmmci_ask(f->dev, VMMCI_SHUTDOWN));
	bar_out(f->bus, LEGACY, 18, 1, S_ACK | S_DRIVER);
	assert_false(virtio_vmmci_ask(f->dev, VMMCI_REBOOT));
	assert_int_equal(command(f), 0);
	assert_false(f->bus->fn.intx);
	/* One that does not know it is not asked to set its clock. */
	begin(f, F_ACK);
	assert_false(virtio_vmmci_ask(f->dev, VMMCI_SYNCRTC));
}

static void
test_vmmci_asks_and_is_answered(void **state)
{
	struct fixture *f = *state;
	enum vmmci_request what;

	begin(f, F_ALL);
	for (what = VMMCI_SHUTDOWN; what <= VMMCI_SYNCRTC; what++) {
		assert_true(virtio_vmmci_ask(f->dev, what));
		assert_true(f->bus->fn.intx);
		assert_int_equal(bar_in(f->bus, LEGACY, 19, 1), 2);
		assert_false(f->bus->fn.intx);
		assert_int_equal(command(f), what);
		/* Not twice before there was an answer. */
		assert_false(virtio_vmmci_ask(f->dev, what));
		assert_false(f->bus->fn.intx);
		bar_out(f->bus, LEGACY, COMMAND, 4, what);
		assert_int_equal(command(f), 0);
	}
	/* A shutdown goes before a clock, not the other way round. */
	assert_true(virtio_vmmci_ask(f->dev, VMMCI_SYNCRTC));
	assert_true(virtio_vmmci_ask(f->dev, VMMCI_SHUTDOWN));
	assert_false(virtio_vmmci_ask(f->dev, VMMCI_SYNCRTC));
	assert_int_equal(command(f), VMMCI_SHUTDOWN);
	assert_int_equal(f->over, 0);
}

static void
test_vmmci_takes_any_write(void **state)
{
	struct fixture *f = *state;
	unsigned size, at;

	begin(f, F_ALL);
	assert_true(virtio_vmmci_ask(f->dev, VMMCI_SHUTDOWN));
	for (at = CONFIG_AT; at < 128; at++)
		for (size = 1; size <= 4; size *= 2)
			bar_out(f->bus, LEGACY, at, size, 0xffffffff);
	assert_int_equal(command(f), VMMCI_SHUTDOWN);
	/* Of one that did not say that it would, it is no answer. */
	begin(f, 0);
	assert_int_equal(command(f), 0);
	assert_true(virtio_vmmci_ask(f->dev, VMMCI_SHUTDOWN));
	bar_out(f->bus, LEGACY, COMMAND, 4, VMMCI_SHUTDOWN);
	assert_int_equal(command(f), VMMCI_SHUTDOWN);
}

static void
test_vmmci_is_saved_and_loaded(void **state)
{
	struct fixture *f = *state;
	struct state_writer w = {0};
	struct state_reader r;
	struct error err;
	size_t i;

	begin(f, F_ALL);
	assert_true(virtio_vmmci_ask(f->dev, VMMCI_REBOOT));
	state_begin(&w, "dev", 1);
	f->bus->fn.ops->save(f->bus->fn.arg, &w);
	state_end(&w);
	f->bus->fn.ops->reset(f->bus->fn.arg);
	assert_int_equal(command(f), 0);
	r = (struct state_reader){.data = w.data, .len = w.len};
	assert_int_equal(state_open(&r, "dev"), 1);
	assert_int_equal(f->bus->fn.ops->load(f->bus->fn.arg, &r, &err), 0);
	assert_int_equal(command(f), VMMCI_REBOOT);
	bar_out(f->bus, LEGACY, COMMAND, 4, VMMCI_REBOOT);
	assert_int_equal(command(f), 0);
	for (i = 0; i < w.len; i++) {
		w.data[i] ^= 0x81;
		r = (struct state_reader){.data = w.data, .len = w.len};
		if (state_open(&r, "dev") == 1)
			f->bus->fn.ops->load(f->bus->fn.arg, &r, &err);
		assert_true(command(f) <= VMMCI_SYNCRTC);
		w.data[i] ^= 0x81;
	}
	state_writer_free(&w);
	event_base_loop(f->base, EVLOOP_NONBLOCK);
	assert_int_equal(f->over, 0);
}

static void
test_vmmci_fails_without_a_slot(void **state)
{
	struct pci_bus *bus = rig_new();
	struct event_base *base = event_base_new();
	struct virtio_dev *dev;
	struct error err;

	bus->refuse = true;
	assert_int_equal(
	    virtio_vmmci_create(bus, base, over, NULL, &dev, &err), -1);
	rig_free(bus);
	event_base_free(base);
}

int
main(void)
{
#define T(name) \
	cmocka_unit_test_setup_teardown(test_vmmci_##name, setup, teardown)
	const struct CMUnitTest tests[] = {
	    T(is_the_device_that_openbsd_knows),
	    T(tells_the_time_in_pieces_that_belong_together),
	    T(without_a_driver_is_not_asked),
	    T(asks_and_is_answered),
	    T(takes_any_write),
	    T(is_saved_and_loaded),
	    cmocka_unit_test(test_vmmci_fails_without_a_slot),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
