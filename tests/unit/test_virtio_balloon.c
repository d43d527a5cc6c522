/*
 * backend/virtio/balloon.c: pages that the driver gives up go to the host, and
 * no list, range or configuration that it writes does harm.
 */
#include <event2/event.h>
#include <sys/mman.h>

#include "tests/unit/virtio_rig.h"

#define F_STATS     2u
#define F_OOM       4u
#define F_POISON    16u
#define F_REPORTING 32u

#define INFLATEQ 0
#define DEFLATEQ 1
#define STATSQ   2
#define REPORTQ  4
#define VECTOR   5 /* of the configuration */

#define LIST  0x200000u /* where lists and statistics are written */
#define PAGES 0x400000u /* the pages that are given up */
#define PAGE  4096u

struct fixture {
	struct pci_bus *bus;
	struct event_base *base;
	struct virtio_dev *dev;
	struct ring inflate, deflate, stats, report;
	unsigned changes;
};

static void
changed(void *arg)
{
	struct fixture *f = arg;

	f->changes++;
}

/* RAM that can be punched, as a guest's own: low memory and some above 4 GiB. */
static void
real_ram(struct guestmem *mem, uint64_t page)
{
	uint8_t *base;

	ram_free(mem);
	mem->fd = memfd_create("ram", MFD_CLOEXEC);
	assert_int_equal(ftruncate(mem->fd, RAM_LOW + RAM_HIGH), 0);
	base = mmap(NULL, RAM_LOW + RAM_HIGH, PROT_READ | PROT_WRITE,
	    MAP_SHARED, mem->fd, 0);
	assert_true(base != MAP_FAILED);
	mem->page = page;
	mem->region[0].hva = base;
	mem->region[1].hva = base + RAM_LOW;
	mem->region[1].offset = RAM_LOW;
}

static void
begin_rig(struct fixture *f, uint64_t page)
{
	struct error err;

	f->bus = rig_new();
	real_ram(&f->bus->machine.mem, page);
	f->base = event_base_new();
	assert_int_equal(
	    virtio_balloon_create(f->bus, f->base, changed, f, &f->dev, &err),
	    0);
}

static void
end_rig(struct fixture *f)
{
	struct guestmem *mem = &f->bus->machine.mem;
	uint8_t *base = mem->region[0].hva;
	int fd = mem->fd;

	/* What rig_free() frees. */
	mem->region[0].hva = malloc(1);
	mem->region[1].hva = malloc(1);
	rig_free(f->bus);
	munmap(base, RAM_LOW + RAM_HIGH);
	close(fd);
	event_base_free(f->base);
}

static int
setup(void **state)
{
	struct fixture *f = calloc(1, sizeof *f);

	begin_rig(f, PAGE);
	*state = f;
	return 0;
}

static int
teardown(void **state)
{
	struct fixture *f = *state;

	end_rig(f);
	free(f);
	return 0;
}

static void
run(struct fixture *f)
{
	event_base_loop(f->base, EVLOOP_NONBLOCK);
}

static void
begin(struct fixture *f, uint64_t features)
{
	modern_begin(f->bus, F_VERSION_1 | features);
	modern_queue(f->bus, &f->inflate, INFLATEQ, 16);
	modern_queue(f->bus, &f->deflate, DEFLATEQ, 16);
	modern_queue(f->bus, &f->stats, STATSQ, 16);
	modern_queue(f->bus, &f->report, REPORTQ, 16);
	bar_out(f->bus, MODERN, 0x10, 2, VECTOR);
	modern_ready(f->bus);
	f->bus->fn.msix = true;
	run(f);
}

static struct virtio_balloon_state
look(struct fixture *f)
{
	struct virtio_balloon_state s;

	virtio_balloon_read(f->dev, &s);
	return s;
}

/* Is this page there, as the host sees it? */
static bool
resident(struct fixture *f, uint64_t gpa)
{
	struct guestmem *mem = &f->bus->machine.mem;
	uint64_t at = guestmem_offset(mem, ram(f->bus, gpa));

	return lseek(mem->fd, (off_t)at, SEEK_DATA) == (off_t)at;
}

/* Lists n pages from gpa on, by step, in one request. */
static void
list(struct fixture *f, unsigned queue, uint64_t gpa, unsigned n, int64_t step)
{
	const struct buf b[] = {{LIST, n * 4, false}};
	struct ring *r = queue == INFLATEQ ? &f->inflate : &f->deflate;
	uint32_t number;
	unsigned i;

	for (i = 0; i < n; i++, gpa += (uint64_t)step) {
		number = (uint32_t)(gpa / PAGE);
		memcpy(ram(f->bus, LIST + 4 * i), &number, sizeof number);
	}
	ring_add(r, b, 1);
	modern_kick(f->bus, (uint16_t)queue);
	for (i = 0; i < 8; i++)
		run(f);
}

static void
must_be_used(struct ring *r)
{
	assert_true(ring_used(r, NULL, NULL));
}

static void
test_balloon_gives_listed_pages_to_the_host(void **state)
{
	struct fixture *f = *state;
	unsigned i;

	begin(f, 0);
	memset(ram(f->bus, PAGES), 0xaa, 64 * PAGE);
	list(f, INFLATEQ, PAGES + PAGE, 32, PAGE);
	must_be_used(&f->inflate);
	for (i = 1; i <= 32; i++)
		assert_false(resident(f, PAGES + i * PAGE));
	assert_true(resident(f, PAGES));
	assert_true(resident(f, PAGES + 33 * PAGE));
	assert_int_equal(look(f).taken, 32 * PAGE);
	/* Downwards, and above the hole, and twice. */
	memset(ram(f->bus, HIGH_GPA), 0xaa, 8 * PAGE);
	list(f, INFLATEQ, HIGH_GPA + 7 * PAGE, 8, -(int64_t)PAGE);
	list(f, INFLATEQ, HIGH_GPA, 8, PAGE);
	for (i = 0; i < 8; i++)
		assert_false(resident(f, HIGH_GPA + i * PAGE));
	assert_int_equal(look(f).taken, 40 * PAGE);
	/* What the guest uses all the same is empty. */
	assert_int_equal(*ram(f->bus, PAGES + PAGE), 0);
	assert_true(f->changes > 0);
}

static void
test_balloon_gives_pages_back(void **state)
{
	struct fixture *f = *state;

	begin(f, 0);
	list(f, INFLATEQ, PAGES, 16, PAGE);
	list(f, DEFLATEQ, PAGES, 4, PAGE);
	assert_int_equal(look(f).taken, 12 * PAGE);
	/* Those that it has already are nothing new. */
	list(f, DEFLATEQ, PAGES, 4, PAGE);
	assert_int_equal(look(f).taken, 12 * PAGE);
	list(f, DEFLATEQ, PAGES, 16, PAGE);
	assert_int_equal(look(f).taken, 0);
}

static void
test_balloon_gives_huge_pages_when_they_are_whole(void **state)
{
	struct fixture *f = *state;
	const uint64_t huge = 2u << 20;

	end_rig(f);
	begin_rig(f, huge);
	begin(f, 0);
	memset(ram(f->bus, 2 * huge), 0xaa, huge);
	list(f, INFLATEQ, 2 * huge, 511, PAGE);
	assert_true(resident(f, 2 * huge));
	assert_int_equal(*ram(f->bus, 2 * huge), 0xaa);
	list(f, INFLATEQ, 2 * huge + 511 * PAGE, 1, PAGE);
	assert_false(resident(f, 2 * huge));
	assert_int_equal(look(f).taken, huge);
}

static void
test_balloon_takes_a_long_list_in_turns(void **state)
{
	struct fixture *f = *state;
	uint32_t number = PAGES / PAGE;
	const struct buf b[] = {
	    {LIST, 3, false}, {LIST + 3, 100001, false}, {LIST, 40000, false}};
	unsigned i;

	begin(f, 0);
	for (i = 0; i < 25001; i++)
		memcpy(ram(f->bus, LIST + 4 * i), &number, sizeof number);
	ring_add(&f->inflate, b, 2);
	modern_kick(f->bus, INFLATEQ);
	event_base_loop(f->base, EVLOOP_ONCE);
	assert_false(ring_used(&f->inflate, NULL, NULL));
	assert_int_equal(look(f).taken, PAGE);
	for (i = 0; i < 10; i++)
		run(f);
	must_be_used(&f->inflate);
	assert_int_equal(modern_status(f->bus), S_READY);
}

static void
test_balloon_breaks_at_a_page_outside_memory(void **state)
{
	static const uint64_t wrong[] = {RAM_LOW, GUESTMEM_HOLE_START,
	    HIGH_GPA + RAM_HIGH, (uint64_t)UINT32_MAX * PAGE};
	struct fixture *f = *state;
	unsigned i, q;

	for (i = 0; i < sizeof wrong / sizeof *wrong; i++)
		for (q = INFLATEQ; q <= DEFLATEQ; q++) {
			begin(f, 0);
			list(f, q, wrong[i], 1, PAGE);
			assert_true(modern_status(f->bus) & S_NEEDS_RESET);
			assert_int_equal(look(f).taken, 0);
		}
}

static void
test_balloon_returns_free_ranges(void **state)
{
	struct fixture *f = *state;
	const struct buf b[] = {{PAGES + 100, 3 * PAGE, true},
	    {PAGES + 8 * PAGE, PAGE, true}, {PAGES + 9 * PAGE, 10, true}};

	begin(f, F_REPORTING);
	memset(ram(f->bus, PAGES), 0xaa, 16 * PAGE);
	ring_add(&f->report, b, 3);
	modern_kick(f->bus, REPORTQ);
	run(f);
	must_be_used(&f->report);
	/* Only whole pages. */
	assert_true(resident(f, PAGES));
	assert_false(resident(f, PAGES + PAGE));
	assert_false(resident(f, PAGES + 2 * PAGE));
	assert_true(resident(f, PAGES + 3 * PAGE));
	assert_false(resident(f, PAGES + 8 * PAGE));
	assert_true(resident(f, PAGES + 9 * PAGE));
	assert_int_equal(look(f).returned, 3 * PAGE);
	assert_int_equal(look(f).taken, 0);
}

/* A guest that reports much is not to keep the host's loop from others. */
static void
test_balloon_takes_many_ranges_in_turns(void **state)
{
	struct fixture *f = *state;
	struct guest_desc *table;
	unsigned i, turns = 0;

	begin(f, F_REPORTING | F_INDIRECT);
	table = (struct guest_desc *)(void *)ram(f->bus, LIST);
	for (i = 0; i < 200; i++)
		table[i] = (struct guest_desc){PAGES + i * PAGE, PAGE,
		    (uint16_t)(WRITE | (i < 199 ? NEXT : 0)),
		    (uint16_t)(i + 1)};
	ring_put(&f->report, 0, LIST, 200 * 16, INDIRECT, 0);
	ring_offer(&f->report, 0);
	modern_kick(f->bus, REPORTQ);
	while (!ring_used(&f->report, NULL, NULL)) {
		assert_true(turns++ < 10);
		event_base_loop(f->base, EVLOOP_ONCE);
		assert_true(look(f).returned <= turns * 64 * PAGE);
	}
	assert_true(turns >= 3);
	assert_int_equal(look(f).returned, 200 * PAGE);
	assert_int_equal(modern_status(f->bus), S_READY);
}

static void
test_balloon_reports_by_queue_3_where_hints_are_not_counted(void **state)
{
	struct fixture *f = *state;
	const struct buf b[] = {{PAGES, PAGE, true}};

	modern_begin(f->bus, F_VERSION_1 | F_STATS | F_REPORTING);
	modern_queue(f->bus, &f->report, 3, 16);
	modern_ready(f->bus);
	memset(ram(f->bus, PAGES), 0xaa, PAGE);
	ring_add(&f->report, b, 1);
	modern_kick(f->bus, 3);
	run(f);
	must_be_used(&f->report);
	assert_false(resident(f, PAGES));
}

static void
test_balloon_keeps_ranges_that_hold_a_pattern(void **state)
{
	struct fixture *f = *state;
	const struct buf b[] = {{PAGES, PAGE, true}};

	begin(f, F_REPORTING | F_POISON);
	memset(ram(f->bus, PAGES), 0xaa, PAGE);
	bar_out(f->bus, MODERN, CONFIG + 12, 4, 0xaaaaaaaa);
	assert_int_equal(bar_in(f->bus, MODERN, CONFIG + 12, 4), 0xaaaaaaaa);
	ring_add(&f->report, b, 1);
	modern_kick(f->bus, REPORTQ);
	run(f);
	must_be_used(&f->report);
	assert_int_equal(*ram(f->bus, PAGES), 0xaa);
	/* Zeroes it will find again. */
	bar_out(f->bus, MODERN, CONFIG + 12, 4, 0);
	ring_add(&f->report, b, 1);
	modern_kick(f->bus, REPORTQ);
	run(f);
	assert_false(resident(f, PAGES));
}

static void
test_balloon_ignores_queues_that_were_not_negotiated(void **state)
{
	struct fixture *f = *state;
	const struct buf b[] = {{PAGES, PAGE, true}};

	begin(f, 0);
	memset(ram(f->bus, PAGES), 0xaa, PAGE);
	ring_add(&f->report, b, 1);
	ring_add(&f->stats, b, 1);
	modern_kick(f->bus, REPORTQ);
	modern_kick(f->bus, STATSQ);
	run(f);
	assert_true(resident(f, PAGES));
	assert_false(look(f).told);
	virtio_balloon_ask(f->dev);
	assert_false(ring_used(&f->stats, NULL, NULL));
}

static void
test_balloon_asks_and_the_driver_hears_of_it(void **state)
{
	struct fixture *f = *state;

	begin(f, 0);
	assert_true(look(f).driver);
	virtio_balloon_resize(f->dev, 1 << 20);
	assert_int_equal(f->bus->fn.sent[VECTOR], 1);
	assert_int_equal(bar_in(f->bus, MODERN, CONFIG, 4), 256);
	assert_int_equal(look(f).wanted, 1 << 20);
	/* The same again is no news. */
	virtio_balloon_resize(f->dev, 1 << 20);
	assert_int_equal(f->bus->fn.sent[VECTOR], 1);
	/* The driver writes how far it got, and nothing else. */
	bar_out(f->bus, MODERN, CONFIG + 4, 4, 77);
	bar_out(f->bus, MODERN, CONFIG, 4, 5);
	bar_out(f->bus, MODERN, CONFIG + 8, 4, 5);
	bar_out(f->bus, MODERN, CONFIG + 14, 4, 5);
	bar_out(f->bus, MODERN, CONFIG + 16, 4, 5);
	assert_int_equal(bar_in(f->bus, MODERN, CONFIG, 4), 256);
	assert_int_equal(bar_in(f->bus, MODERN, CONFIG + 4, 4), 77);
	assert_int_equal(bar_in(f->bus, MODERN, CONFIG + 8, 4), 0);
	assert_int_equal(bar_in(f->bus, MODERN, CONFIG + 12, 4), 0);
	assert_int_equal(look(f).taken, 0);
	/* A reset takes back what the driver did, not what is asked for. */
	list(f, INFLATEQ, PAGES, 16, PAGE);
	bar_out(f->bus, MODERN, 0x14, 1, 0);
	assert_int_equal(look(f).taken, 0);
	assert_int_equal(look(f).wanted, 1 << 20);
	assert_false(look(f).driver);
}

static void
test_balloon_legacy_driver_writes_its_size(void **state)
{
	struct fixture *f = *state;

	bar_out(f->bus, LEGACY, 18, 1, S_ACK | S_DRIVER);
	virtio_balloon_resize(f->dev, 1 << 20);
	assert_int_equal(bar_in(f->bus, LEGACY, 20, 4), 256);
	bar_out(f->bus, LEGACY, 24, 4, 7);
	assert_int_equal(bar_in(f->bus, LEGACY, 24, 4), 7);
	f->bus->fn.msix = true;
	assert_int_equal(bar_in(f->bus, LEGACY, 28, 4), 7);
	bar_out(f->bus, LEGACY, 28, 4, 8);
	bar_out(f->bus, LEGACY, 24, 4, 9);
	assert_int_equal(bar_in(f->bus, LEGACY, 28, 4), 8);
	assert_int_equal(bar_in(f->bus, LEGACY, 24, 4), 256);
}

static void
stat_put(struct fixture *f, unsigned i, uint16_t tag, uint64_t value)
{
	memcpy(ram(f->bus, LIST + 10 * i), &tag, sizeof tag);
	memcpy(ram(f->bus, LIST + 10 * i + 2), &value, sizeof value);
}

static void
test_balloon_holds_the_statistics_until_asked(void **state)
{
	struct fixture *f = *state;
	const struct buf b[] = {{LIST, 45, false}};

	begin(f, F_STATS);
	virtio_balloon_ask(f->dev);
	assert_false(look(f).told);
	stat_put(f, 0, 4, 1000);
	stat_put(f, 1, 0xfffe, 5);
	stat_put(f, 2, 5, 3000);
	stat_put(f, 3, 6, 2000);
	ring_add(&f->stats, b, 1);
	modern_kick(f->bus, STATSQ);
	run(f);
	assert_true(look(f).told);
	assert_int_equal(look(f).free, 1000);
	assert_int_equal(look(f).total, 3000);
	assert_int_equal(look(f).available, 2000);
	assert_false(ring_used(&f->stats, NULL, NULL));
	virtio_balloon_ask(f->dev);
	must_be_used(&f->stats);
	assert_int_equal(f->bus->fn.sent[STATSQ], 1);
	virtio_balloon_ask(f->dev);
	assert_false(ring_used(&f->stats, NULL, NULL));
	/* More buffers than one: all but the last come back. */
	ring_add(&f->stats, b, 1);
	ring_add(&f->stats, b, 1);
	modern_kick(f->bus, STATSQ);
	run(f);
	must_be_used(&f->stats);
	assert_false(ring_used(&f->stats, NULL, NULL));
}

static void
test_balloon_is_saved_and_loaded(void **state)
{
	struct fixture *f = *state;
	const struct buf b[] = {{LIST, 10, false}};
	struct state_writer w = {0};
	struct state_reader r = {0};
	struct error err;
	size_t i;

	begin(f, F_STATS);
	virtio_balloon_resize(f->dev, 1 << 20);
	list(f, INFLATEQ, PAGES, 5, PAGE);
	list(f, INFLATEQ, HIGH_GPA, 3, 2 * PAGE);
	ring_add(&f->stats, b, 1);
	modern_kick(f->bus, STATSQ);
	run(f);
	state_begin(&w, "dev", 1);
	f->bus->fn.ops->save(f->bus->fn.arg, &w);
	state_end(&w);
	f->bus->fn.ops->reset(f->bus->fn.arg);
	virtio_balloon_resize(f->dev, 0);
	r = (struct state_reader){.data = w.data, .len = w.len};
	assert_int_equal(state_open(&r, "dev"), 1);
	assert_int_equal(f->bus->fn.ops->load(f->bus->fn.arg, &r, &err), 0);
	assert_int_equal(state_close(&r, "dev", &err), 0);
	assert_int_equal(look(f).taken, 8 * PAGE);
	assert_int_equal(look(f).wanted, 1 << 20);
	list(f, DEFLATEQ, PAGES, 5, PAGE);
	assert_int_equal(look(f).taken, 3 * PAGE);
	/* The buffer of the statistics was put back, and is found again. */
	run(f);
	virtio_balloon_ask(f->dev);
	must_be_used(&f->stats);
	/* A state that was tampered with is refused or is one that can be. */
	for (i = 30; i < w.len; i++) {
		w.data[i] ^= 0x81;
		r = (struct state_reader){.data = w.data, .len = w.len};
		if (state_open(&r, "dev") == 1 &&
		    f->bus->fn.ops->load(f->bus->fn.arg, &r, &err) == 0)
			assert_true(look(f).taken <= RAM_LOW + RAM_HIGH);
		w.data[i] ^= 0x81;
	}
	state_writer_free(&w);
}

static void
test_balloon_fails_without_a_slot(void **state)
{
	struct pci_bus *bus = rig_new();
	struct event_base *base = event_base_new();
	struct virtio_dev *dev;
	struct error err;

	bus->refuse = true;
	assert_int_equal(
	    virtio_balloon_create(bus, base, changed, NULL, &dev, &err), -1);
	rig_free(bus);
	event_base_free(base);
}

int
main(void)
{
#define T(name) \
	cmocka_unit_test_setup_teardown(test_balloon_##name, setup, teardown)
	const struct CMUnitTest tests[] = {
	    T(gives_listed_pages_to_the_host),
	    T(gives_pages_back),
	    T(gives_huge_pages_when_they_are_whole),
	    T(takes_a_long_list_in_turns),
	    T(breaks_at_a_page_outside_memory),
	    T(returns_free_ranges),
	    T(takes_many_ranges_in_turns),
	    T(reports_by_queue_3_where_hints_are_not_counted),
	    T(keeps_ranges_that_hold_a_pattern),
	    T(ignores_queues_that_were_not_negotiated),
	    T(asks_and_the_driver_hears_of_it),
	    T(legacy_driver_writes_its_size),
	    T(holds_the_statistics_until_asked),
	    T(is_saved_and_loaded),
	    cmocka_unit_test(test_balloon_fails_without_a_slot),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
