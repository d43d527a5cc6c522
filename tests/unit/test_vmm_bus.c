/* Port and MMIO dispatch, guest memory and the state format: no KVM needed. */
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "backend/vmm/guestmem.h"
#include "backend/vmm/iobus.h"
#include "backend/vmm/state.h"
#include "tests/unit/unit.h"

/* A device of eight bytes that remembers the last access. */
struct probe {
	uint8_t reg[8];
	uint64_t offset;
	unsigned size, reads, writes;
};

static uint64_t
probe_read(void *arg, uint64_t offset, unsigned size)
{
	struct probe *p = arg;
	uint64_t v = 0;

	p->reads++;
	p->offset = offset;
	p->size = size;
	memcpy(&v, p->reg + offset, size);
	return v;
}

static void
probe_write(void *arg, uint64_t offset, unsigned size, uint64_t value)
{
	struct probe *p = arg;

	p->writes++;
	p->offset = offset;
	p->size = size;
	memcpy(p->reg + offset, &value, size);
}

static const struct io_ops probe_ops = {
    .read = probe_read, .write = probe_write};

static void
test_iobus_passes_offset_and_width(void **state)
{
	struct iobus *bus = iobus_new("port");
	struct probe p = {.reg = {0, 1, 2, 3, 4, 5, 6, 7}};

	assert_int_equal(
	    iobus_add(bus, "probe", 0x3f8, 8, &probe_ops, &p, NULL), 0);
	assert_int_equal(iobus_read(bus, 0x3fa, 2), 0x0302);
	assert_int_equal(p.offset, 2);
	assert_int_equal(p.size, 2);
	iobus_write(bus, 0x3fc, 4, 0xffffffff44332211);
	assert_int_equal(p.offset, 4);
	assert_int_equal(p.size, 4);
	assert_int_equal(p.reg[7], 0x44);
	assert_true(iobus_read(bus, 0x3f8, 8) == 0x4433221103020100);
	iobus_free(bus);
}

static void
test_iobus_answers_ones_where_nobody_is(void **state)
{
	struct iobus *bus = iobus_new("port");

	assert_int_equal(iobus_read(bus, 0x80, 1), 0xff);
	assert_int_equal(iobus_read(bus, 0x80, 2), 0xffff);
	assert_int_equal(iobus_read(bus, 0x80, 4), 0xffffffff);
	assert_true(iobus_read(bus, 0x80, 8) == UINT64_MAX);
	assert_true(iobus_read(bus, UINT64_MAX - 1, 4) == 0xffffffff);
	iobus_write(bus, 0x80, 4, 1);
	iobus_free(bus);
}

static void
test_iobus_splits_an_access_across_an_edge(void **state)
{
	struct iobus *bus = iobus_new("port");
	struct probe p = {.reg = {0x11, 0, 0, 0, 0, 0, 0, 0x22}};

	assert_int_equal(
	    iobus_add(bus, "probe", 0x100, 8, &probe_ops, &p, NULL), 0);
	assert_int_equal(iobus_read(bus, 0x107, 2), 0xff22);
	assert_int_equal(p.size, 1);
	assert_int_equal(iobus_read(bus, 0xff, 2), 0x11ff);
	iobus_write(bus, 0xfe, 4, 0xddccbbaa);
	assert_int_equal(p.reg[0], 0xcc);
	assert_int_equal(p.reg[1], 0xdd);
	assert_int_equal(p.reg[2], 0);
	iobus_free(bus);
}

static void
test_iobus_gives_bytes_to_who_takes_no_more(void **state)
{
	static const struct io_ops bytes_ops = {
	    .read = probe_read, .write = probe_write, .bytewise = true};
	struct iobus *bus = iobus_new("test");
	struct probe p = {.reg = {0x11, 0x22}};

	assert_int_equal(
	    iobus_add(bus, "bytes", 0x100, 2, &bytes_ops, &p, NULL), 0);
	assert_int_equal(iobus_read(bus, 0x100, 2), 0x2211);
	assert_int_equal(p.size, 1);
	assert_int_equal(p.reads, 2);
	assert_int_equal(iobus_read(bus, 0x100, 4), 0xffff2211);
	iobus_write(bus, 0x100, 8, 0x66554433);
	assert_int_equal(p.size, 1);
	assert_int_equal(p.writes, 2);
	assert_int_equal(p.reg[0], 0x33);
	assert_int_equal(p.reg[1], 0x44);
	iobus_free(bus);
}

static void
test_iobus_refuses_overlaps_naming_both(void **state)
{
	struct iobus *bus = iobus_new("port");
	struct probe p = {.reads = 0};
	struct error err;

	assert_int_equal(
	    iobus_add(bus, "first", 0x100, 0x10, &probe_ops, &p, NULL), 0);
	assert_int_equal(
	    iobus_add(bus, "second", 0x10f, 1, &probe_ops, &p, &err), -1);
	assert_non_null(strstr(err.text, "first"));
	assert_non_null(strstr(err.text, "second"));
	assert_int_equal(
	    iobus_add(bus, "around", 0xf0, 0x100, &probe_ops, &p, &err), -1);
	assert_int_equal(
	    iobus_add(bus, "before", 0xf8, 9, &probe_ops, &p, &err), -1);
	assert_int_equal(
	    iobus_add(bus, "left", 0xf8, 8, &probe_ops, &p, &err), 0);
	assert_int_equal(
	    iobus_add(bus, "right", 0x110, 8, &probe_ops, &p, &err), 0);
	assert_int_equal(
	    iobus_add(bus, "none", 0x200, 0, &probe_ops, &p, &err), -1);
	assert_int_equal(
	    iobus_add(bus, "wraps", UINT64_MAX, 2, &probe_ops, &p, &err), -1);
	iobus_free(bus);
}

static void
test_iobus_forgets_a_removed_range(void **state)
{
	struct iobus *bus = iobus_new("port");
	struct probe p = {.reads = 0};

	iobus_add(bus, "probe", 0x100, 8, &probe_ops, &p, NULL);
	iobus_remove(bus, 0x101);
	assert_int_equal(iobus_read(bus, 0x100, 1), 0);
	iobus_remove(bus, 0x100);
	assert_int_equal(iobus_read(bus, 0x100, 1), 0xff);
	assert_int_equal(p.reads, 1);
	iobus_free(bus);
}

/* A handler that another thread is inside of while its range is removed. */
struct slow {
	struct iobus *bus;
	_Atomic int inside, let_go, left, removed;
};

static uint64_t
slow_read(void *arg, uint64_t offset, unsigned size)
{
	struct slow *s = arg;

	atomic_store(&s->inside, 1);
	while (!atomic_load(&s->let_go))
		usleep(100);
	atomic_store(&s->left, 1);
	return 0;
}

static const struct io_ops slow_ops = {.read = slow_read};

static void *
slow_reader(void *arg)
{
	struct slow *s = arg;

	iobus_read(s->bus, 0x100, 1);
	return NULL;
}

static void *
slow_remover(void *arg)
{
	struct slow *s = arg;

	iobus_remove(s->bus, 0x100);
	/* Whoever was inside has left by now. */
	atomic_store(&s->removed, atomic_load(&s->left) ? 1 : 2);
	return NULL;
}

static void
test_iobus_remove_waits_for_handlers(void **state)
{
	struct slow s = {.bus = iobus_new("port")};
	pthread_t reader, remover;

	iobus_add(s.bus, "slow", 0x100, 8, &slow_ops, &s, NULL);
	pthread_create(&reader, NULL, slow_reader, &s);
	while (!atomic_load(&s.inside))
		usleep(100);
	pthread_create(&remover, NULL, slow_remover, &s);
	usleep(20000);
	assert_int_equal(atomic_load(&s.removed), 0);
	atomic_store(&s.let_go, 1);
	pthread_join(reader, NULL);
	pthread_join(remover, NULL);
	assert_int_equal(atomic_load(&s.removed), 1);
	iobus_free(s.bus);
}

static void
suicide_write(void *arg, uint64_t offset, unsigned size, uint64_t value)
{
	iobus_remove(arg, 0x100);
}

static const struct io_ops suicide_ops = {.write = suicide_write};

static void
test_iobus_handler_may_remove_its_own_range(void **state)
{
	struct iobus *bus = iobus_new("port");

	iobus_add(bus, "suicide", 0x100, 8, &suicide_ops, bus, NULL);
	iobus_write(bus, 0x100, 1, 0);
	assert_int_equal(iobus_read(bus, 0x100, 1), 0xff);
	assert_int_equal(
	    iobus_add(bus, "again", 0x100, 8, &suicide_ops, bus, NULL), 0);
	iobus_free(bus);
}

static void
test_guestmem_leaves_the_hole_below_4g(void **state)
{
	struct guestmem mem;
	struct error err;
	uint64_t v = 0x1122334455667788, r = 0;

	if (guestmem_create(&mem, 4ULL << 30, false, &err) == -1)
		SKIP("this host has less than 4 GiB");
	assert_int_equal(mem.regions, 2);
	assert_null(guestmem_at(&mem, GUESTMEM_HOLE_START, 1));
	assert_null(guestmem_at(&mem, GUESTMEM_HOLE_START - 4, 8));
	assert_null(guestmem_at(&mem, GUESTMEM_HOLE_END - 1, 1));
	assert_null(guestmem_at(&mem, 5ULL << 30, 1));
	assert_null(guestmem_at(&mem, 0, 0));
	assert_null(guestmem_at(&mem, UINT64_MAX, 2));
	assert_null(guestmem_at(&mem, GUESTMEM_HOLE_END, UINT64_MAX));
	assert_int_equal(
	    guestmem_write(&mem, GUESTMEM_HOLE_START - 8, &v, 8), 0);
	assert_int_equal(
	    guestmem_write(&mem, (5ULL << 30) - 8, &v, sizeof v), 0);
	assert_int_equal(
	    guestmem_read(&mem, (5ULL << 30) - 8, &r, sizeof r), 0);
	assert_true(r == v);
	assert_int_equal(
	    guestmem_write(&mem, GUESTMEM_HOLE_START - 7, &v, 8), -1);
	guestmem_zero(&mem);
	guestmem_read(&mem, GUESTMEM_HOLE_START - 8, &r, sizeof r);
	assert_true(r == 0);
	guestmem_destroy(&mem);
}

static void
test_guestmem_refuses_what_cannot_be(void **state)
{
	struct guestmem mem;
	struct error err;

	assert_int_equal(guestmem_create(&mem, 0, false, &err), -1);
	assert_non_null(strstr(err.text, "0 bytes"));
	assert_int_equal(guestmem_create(&mem, 1ULL << 52, false, &err), -1);
	assert_non_null(strstr(err.text, "more than the host's"));
}

static void
test_guestmem_says_how_to_get_huge_pages(void **state)
{
	struct guestmem mem;
	struct error err;

	if (guestmem_create(&mem, 64 << 20, true, &err) == 0) {
		guestmem_destroy(&mem);
		SKIP("this host has huge pages to give");
	}
	assert_non_null(strstr(err.text, "nr_hugepages"));
	assert_non_null(strstr(err.text, "32"));
}

static void
test_state_reads_back_what_was_written(void **state)
{
	struct state_writer w = {0};
	struct state_reader r = {0};
	struct error err;
	char text[4];

	state_begin(&w, "one", 3);
	state_put_u8(&w, 1);
	state_put_u16(&w, 0x2222);
	state_put_u32(&w, 0x33333333);
	state_put_u64(&w, 0x4444444444444444);
	state_put_bytes(&w, "abc", 4);
	state_end(&w);
	state_begin(&w, "two", 1);
	state_end(&w);
	r.data = w.data;
	r.len = w.len;
	assert_int_equal(state_open(&r, "one"), 3);
	assert_int_equal(state_get_u8(&r), 1);
	assert_int_equal(state_get_u16(&r), 0x2222);
	assert_int_equal(state_get_u32(&r), 0x33333333);
	assert_true(state_get_u64(&r) == 0x4444444444444444);
	state_get_bytes(&r, text, sizeof text);
	assert_string_equal(text, "abc");
	assert_int_equal(state_close(&r, "one", &err), 0);
	assert_int_equal(state_open(&r, "two"), 1);
	assert_int_equal(state_close(&r, "two", &err), 0);
	state_writer_free(&w);
}

static void
test_state_reader_goes_bad_and_stays_bad(void **state)
{
	struct state_writer w = {0};
	struct state_reader r = {0};
	struct error err;

	state_begin(&w, "one", 1);
	state_put_u16(&w, 0xffff);
	state_end(&w);
	state_begin(&w, "two", 1);
	state_put_u32(&w, 7);
	state_end(&w);
	r.data = w.data;
	r.len = w.len;
	state_open(&r, "one");
	/* The next section's bytes are not this one's. */
	assert_int_equal(state_get_u32(&r), 0);
	assert_true(r.bad);
	assert_int_equal(state_get_u8(&r), 0);
	assert_int_equal(state_close(&r, "one", &err), -1);
	assert_non_null(strstr(err.text, "one"));
	assert_int_equal(state_open(&r, "two"), 0);
	state_writer_free(&w);
}

static void
test_state_reader_survives_every_truncation(void **state)
{
	struct state_writer w = {0};
	struct state_reader r;
	uint8_t *copy;
	size_t len;

	state_begin(&w, "section", 1);
	state_put_u64(&w, 5);
	state_end(&w);
	for (len = 0; len < w.len; len++) {
		copy = malloc(len + 1);
		memcpy(copy, w.data, len);
		r = (struct state_reader){.data = copy, .len = len};
		state_open(&r, "section");
		state_get_u64(&r);
		assert_int_equal(state_close(&r, "section", NULL), -1);
		free(copy);
	}
	state_writer_free(&w);
}

static void
test_state_reader_refuses_another_name(void **state)
{
	struct state_writer w = {0};
	struct state_reader r = {0};

	state_begin(&w, "serial", 1);
	state_end(&w);
	r.data = w.data;
	r.len = w.len;
	assert_int_equal(state_open(&r, "seria"), 0);
	assert_true(r.bad);
	state_writer_free(&w);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_iobus_passes_offset_and_width),
	    cmocka_unit_test(test_iobus_answers_ones_where_nobody_is),
	    cmocka_unit_test(test_iobus_splits_an_access_across_an_edge),
	    cmocka_unit_test(test_iobus_gives_bytes_to_who_takes_no_more),
	    cmocka_unit_test(test_iobus_refuses_overlaps_naming_both),
	    cmocka_unit_test(test_iobus_forgets_a_removed_range),
	    cmocka_unit_test(test_iobus_remove_waits_for_handlers),
	    cmocka_unit_test(test_iobus_handler_may_remove_its_own_range),
	    cmocka_unit_test(test_guestmem_leaves_the_hole_below_4g),
	    cmocka_unit_test(test_guestmem_refuses_what_cannot_be),
	    cmocka_unit_test(test_guestmem_says_how_to_get_huge_pages),
	    cmocka_unit_test(test_state_reads_back_what_was_written),
	    cmocka_unit_test(test_state_reader_goes_bad_and_stays_bad),
	    cmocka_unit_test(test_state_reader_survives_every_truncation),
	    cmocka_unit_test(test_state_reader_refuses_another_name),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
