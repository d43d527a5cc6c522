/*
 * backend/virtio/console.c: what is printed and typed arrives whole, whatever
 * the host side takes and the driver does, and the size is told.
 */
#include <pthread.h>

#include <event2/event.h>

#include "tests/unit/virtio_rig.h"

#define F_SIZE 1u
#define TYPED  0x200000u
#define TEXT   0x300000u

#define RECEIVEQ  0
#define TRANSMITQ 1
#define VECTOR    2 /* of the configuration */

struct fixture {
	struct pci_bus *bus;
	struct event_base *base;
	struct virtio_dev *dev;
	struct ring in, out;
	/* The host side. */
	size_t room; /* bytes it still takes */
	uint8_t got[1 << 20];
	size_t got_len;
	uint64_t taken;
	unsigned ready; /* calls of input_ready() */
};

static size_t
output(const uint8_t *data, size_t len, void *arg)
{
	struct fixture *f = arg;

	if (len > f->room)
		len = f->room;
	if (f->got_len + len <= sizeof f->got) {
		memcpy(f->got + f->got_len, data, len);
		f->got_len += len;
	}
	f->room -= len;
	f->taken += len;
	return len;
}

static void
input_ready(void *arg)
{
	struct fixture *f = arg;

	f->ready++;
}

static const struct virtio_console_ops ops = {output, input_ready};

static int
setup(void **state)
{
	struct fixture *f = calloc(1, sizeof *f);
	struct error err;

	f->bus = rig_new();
	f->base = event_base_new();
	f->room = SIZE_MAX;
	assert_int_equal(
	    virtio_console_create(f->bus, f->base, &ops, f, &f->dev, &err), 0);
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

/* As a modern driver, with messages for interrupts. */
static void
begin(struct fixture *f, uint64_t features)
{
	modern_begin(f->bus, F_VERSION_1 | F_SIZE | features);
	modern_queue(f->bus, &f->in, RECEIVEQ, 16);
	modern_queue(f->bus, &f->out, TRANSMITQ, 16);
	bar_out(f->bus, MODERN, 0x10, 2, VECTOR);
	modern_ready(f->bus);
	f->bus->fn.msix = true;
	run(f);
}

/* Prints this in one buffer, and rings. */
static void
print(struct fixture *f, const char *text)
{
	const struct buf b[] = {{TEXT, (uint32_t)strlen(text), false}};

	memcpy(ram(f->bus, TEXT), text, strlen(text));
	ring_add(&f->out, b, 1);
	modern_kick(f->bus, TRANSMITQ);
	run(f);
}

/* Offers n buffers of this size for typing, and rings. */
static void
offer(struct fixture *f, unsigned n, uint32_t size)
{
	unsigned i;

	for (i = 0; i < n; i++) {
		const struct buf b[] = {
		    {TYPED + 0x1000 * (f->in.next_desc & 15u), size, true}};

		ring_add(&f->in, b, 1);
	}
	modern_kick(f->bus, RECEIVEQ);
	run(f);
}

static size_t
type(struct fixture *f, const char *text)
{
	return virtio_console_input(
	    f->dev, (const uint8_t *)text, strlen(text));
}

/* The driver takes one buffer with exactly this in it. */
static void
must_get(struct fixture *f, const char *text)
{
	uint32_t id, len;

	assert_true(ring_used(&f->in, &id, &len));
	assert_int_equal(len, strlen(text));
	assert_memory_equal(ram(f->bus, f->in.desc[id].addr), text, len);
}

static void
must_have_got(struct fixture *f, const char *text)
{
	assert_int_equal(f->got_len, strlen(text));
	assert_memory_equal(f->got, text, f->got_len);
}

static void
must_have_size(struct fixture *f, unsigned rows, unsigned cols)
{
	assert_int_equal(bar_in(f->bus, MODERN, CONFIG, 2), cols);
	assert_int_equal(bar_in(f->bus, MODERN, CONFIG + 2, 2), rows);
}

static uint8_t
generation(struct fixture *f)
{
	return (uint8_t)bar_in(f->bus, MODERN, 0x15, 1);
}

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

static void
test_console_size_change_interrupts(void **state)
{
	struct fixture *f = *state;
	uint8_t before;

	assert_true(modern_offered(f->bus) & F_SIZE);
	must_have_size(f, 24, 80);
	/* Before there is a driver nobody is interrupted. */
	f->bus->fn.msix = true;
	virtio_console_resize(f->dev, 25, 81);
	assert_int_equal(f->bus->fn.sent[VECTOR], 0);
	begin(f, 0);
	must_have_size(f, 25, 81);
	before = generation(f);
	virtio_console_resize(f->dev, 40, 120);
	assert_int_equal(f->bus->fn.sent[VECTOR], 1);
	assert_int_not_equal(generation(f), before);
	must_have_size(f, 40, 120);
	/* The legacy face shows the same, behind its vectors. */
	assert_int_equal(bar_in(f->bus, LEGACY, 24, 2), 120);
	assert_int_equal(bar_in(f->bus, LEGACY, 26, 2), 40);
	/* The same size again is no news. */
	before = generation(f);
	virtio_console_resize(f->dev, 40, 120);
	assert_int_equal(f->bus->fn.sent[VECTOR], 1);
	assert_int_equal(generation(f), before);
	/* A reset is the guest's: the pane is as large as before. */
	bar_out(f->bus, MODERN, 0x14, 1, 0);
	must_have_size(f, 40, 120);
}

/* A vcpu that reads the size, and the interrupt's register, all the time. */
struct reader {
	struct fixture *f;
	_Atomic unsigned reads;
	unsigned halves;
};

static void *
read_sizes(void *arg)
{
	struct reader *r = arg;
	uint32_t size;

	for (; r->reads < 500000; r->reads++) {
		size = (uint32_t)bar_in(r->f->bus, MODERN, CONFIG, 4);
		if ((size & 0xffff) != size >> 16)
			r->halves++;
		bar_in(r->f->bus, MODERN, ISR, 1);
	}
	return NULL;
}

static void
test_console_size_is_never_half_of_a_change(void **state)
{
	struct fixture *f = *state;
	struct reader r = {.f = f};
	pthread_t thread;
	uint16_t i;

	begin(f, 0);
	f->bus->fn.msix = false;
	virtio_console_resize(f->dev, 1, 1);
	assert_int_equal(pthread_create(&thread, NULL, read_sizes, &r), 0);
	for (i = 2; r.reads < 500000; i++)
		virtio_console_resize(f->dev, i, i);
	pthread_join(thread, NULL);
	assert_int_equal(r.halves, 0);
	/* The pin and the register agree when all is still. */
	virtio_console_resize(f->dev, 2, 3);
	assert_true(f->bus->fn.intx);
	assert_int_equal(bar_in(f->bus, MODERN, ISR, 1), 2);
}

static void
test_console_size_change_pulls_the_pin(void **state)
{
	struct fixture *f = *state;

	begin(f, 0);
	f->bus->fn.msix = false;
	bar_in(f->bus, MODERN, ISR, 1);
	virtio_console_resize(f->dev, 50, 132);
	assert_true(f->bus->fn.intx);
	assert_int_equal(bar_in(f->bus, MODERN, ISR, 1), 2);
	assert_false(f->bus->fn.intx);
}

static void
test_console_config_ends_where_it_should(void **state)
{
	struct fixture *f = *state;

	begin(f, 0);
	bar_out(f->bus, MODERN, CONFIG, 4, 0xffffffff);
	must_have_size(f, 24, 80);
	assert_int_equal(bar_in(f->bus, MODERN, CONFIG + 4, 4), 1);
	assert_int_equal(bar_in(f->bus, MODERN, CONFIG + 12, 4), 0);
	assert_int_equal(bar_in(f->bus, MODERN, CONFIG + 10, 4), 0);
}

static void
test_console_survives_hostile_requests(void **state)
{
	struct fixture *f = *state;
	const struct buf writable[] = {{TEXT, 10, true}};
	const struct buf readable[] = {{TYPED, 10, false}};
	unsigned i;

	/* Buffers for the other direction: no bytes, and no harm. */
	begin(f, 0);
	ring_add(&f->out, writable, 1);
	modern_kick(f->bus, TRANSMITQ);
	run(f);
	assert_int_equal(f->got_len, 0);
	assert_true(ring_used(&f->out, NULL, NULL));
	ring_add(&f->in, readable, 1);
	offer(f, 1, 8);
	assert_int_equal(type(f, "ab"), 2);
	assert_true(ring_used(&f->in, NULL, NULL));
	must_get(f, "ab");
	/* A chain that goes in a circle. */
	ring_put(&f->out, 0, TEXT, 4, NEXT, 0);
	ring_offer(&f->out, 0);
	modern_kick(f->bus, TRANSMITQ);
	run(f);
	assert_true(modern_status(f->bus) & S_NEEDS_RESET);
	assert_int_equal(f->got_len, 0);
	/* Typing into a broken queue does not pile up on the host. */
	begin(f, 0);
	ring_put(&f->in, 0, GUESTMEM_HOLE_START, 64, WRITE, 0);
	ring_offer(&f->in, 0);
	assert_int_equal(type(f, "gone"), 4);
	assert_true(modern_status(f->bus) & S_NEEDS_RESET);
	/* A request that shrinks while half of it is out. */
	begin(f, 0);
	f->room = 6;
	print(f, "0123456789");
	f->out.desc[0].len = 2;
	f->room = 100;
	virtio_console_kick(f->dev);
	must_have_got(f, "012345");
	assert_true(ring_used(&f->out, NULL, NULL));
	print(f, "ok");
	must_have_got(f, "012345ok");
	/* The whole of memory, as often as it fits. */
	begin(f, 0);
	for (i = 0; i < 16; i++) {
		const struct buf all[] = {{0, RAM_LOW, false}};

		ring_add(&f->out, all, 1);
	}
	f->room = SIZE_MAX;
	f->taken = 0;
	modern_kick(f->bus, TRANSMITQ);
	run(f);
	assert_int_equal(f->taken, 16ull * RAM_LOW);
}

static void
test_console_is_not_held_up_by_empty_buffers(void **state)
{
	struct fixture *f = *state;
	unsigned i;

	modern_begin(f->bus, F_VERSION_1);
	modern_queue(f->bus, &f->in, RECEIVEQ, 256);
	modern_ready(f->bus);
	run(f);
	/* No room in any of them; a hostile driver offers ever more. */
	for (i = 0; i < 255; i++)
		ring_offer(&f->in, (uint16_t)i);
	ring_put(&f->in, 255, TYPED, 1, WRITE, 0);
	ring_offer(&f->in, 255);
	assert_int_equal(type(f, "ab"), 1);
	/* It looks again by itself, after others. */
	run(f);
	assert_int_equal(f->ready, 1);
}

/* Saves f and loads it into a new one, memory and all. */
static struct fixture *
move(struct fixture *f)
{
	struct state_writer w = {0};
	struct state_reader r;
	struct fixture *g;
	struct error err;
	void *other;

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
	state_writer_free(&w);
	ring_init(&g->in, &g->bus->machine.mem, 16, RINGS_GPA);
	ring_init(&g->out, &g->bus->machine.mem, 16, RINGS_GPA + 0x10000);
	g->in.next_desc = f->in.next_desc;
	g->out.next_desc = f->out.next_desc;
	g->in.last_used = f->in.last_used;
	g->out.last_used = f->out.last_used;
	g->bus->fn.msix = f->bus->fn.msix;
	return g;
}

static void
test_console_saved_in_the_middle_loses_no_byte(void **state)
{
	struct fixture *f = *state, *g;
	void *other;

	begin(f, F_EVENT_IDX);
	virtio_console_resize(f->dev, 33, 99);
	f->room = 4;
	print(f, "0123456789");
	offer(f, 1, 3);
	assert_int_equal(type(f, "abcdef"), 3);
	must_get(f, "abc");
	must_have_got(f, "0123");

	g = move(f);
	must_have_size(g, 33, 99);
	assert_int_equal(generation(g), generation(f));
	run(g);
	must_have_got(g, "456789");
	assert_true(ring_used(&g->out, NULL, NULL));
	print(g, "more");
	must_have_got(g, "456789more");
	offer(g, 1, 8);
	assert_int_equal(type(g, "def"), 3);
	must_get(g, "def");
	/* What is the same size there is a change here. */
	virtio_console_resize(g->dev, 24, 80);
	assert_int_equal(g->bus->fn.sent[VECTOR], 1);
	other = g;
	teardown(&other);
}

static void
test_console_saved_after_a_reset_loses_no_byte(void **state)
{
	struct fixture *f = *state, *g;
	void *other;

	begin(f, 0);
	f->room = 4;
	print(f, "0123456789");
	bar_out(f->bus, MODERN, 0x14, 1, 0);
	must_have_got(f, "0123");
	g = move(f);
	must_have_got(g, "456789");
	/* Who goes on here has it too. */
	f->room = 100;
	virtio_console_kick(f->dev);
	must_have_got(f, "0123456789");
	other = g;
	teardown(&other);
}

static void
test_console_damaged_state_is_refused(void **state)
{
	struct fixture *f = *state;
	struct state_writer w = {0};
	struct state_reader r;
	struct error err;
	uint8_t *copy;
	size_t i;

	begin(f, 0);
	f->room = 2;
	print(f, "half");
	state_begin(&w, "test", 1);
	f->bus->fn.ops->save(f->bus->fn.arg, &w);
	state_end(&w);
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

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

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
	    TEST(test_console_size_change_interrupts),
	    TEST(test_console_size_is_never_half_of_a_change),
	    TEST(test_console_size_change_pulls_the_pin),
	    TEST(test_console_config_ends_where_it_should),
	    TEST(test_console_survives_hostile_requests),
	    TEST(test_console_is_not_held_up_by_empty_buffers),
	    TEST(test_console_saved_in_the_middle_loses_no_byte),
	    TEST(test_console_saved_after_a_reset_loses_no_byte),
	    TEST(test_console_damaged_state_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
