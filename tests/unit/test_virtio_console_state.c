/*
 * backend/virtio/console.c: the size is told, hostile drivers are survived, and
 * a console that is saved loses nothing.
 */
#include <pthread.h>

#include "tests/unit/console_rig.h"

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

int
main(void)
{
	const struct CMUnitTest tests[] = {
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
