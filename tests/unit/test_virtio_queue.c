/* backend/virtio/queue: what a driver may do to a ring, and what it may not. */
#include "tests/unit/virtq_driver.h"

#define SIZE 16
#define DATA 0x200000u

struct fixture {
	struct guestmem mem;
	struct virtq q;
	struct ring r;
	struct virtq_chain c;
	struct iovec iov[SIZE];
};

static int
setup(void **state)
{
	struct fixture *f = calloc(1, sizeof *f);

	ram_create(&f->mem);
	ring_init(&f->r, &f->mem, SIZE, RINGS_GPA);
	assert_int_equal(virtq_init(&f->q, &f->mem, SIZE), 0);
	virtq_set_legacy(&f->q, RINGS_GPA);
	f->q.indirect = true;
	assert_int_equal(virtq_start(&f->q), 0);
	f->c.iov = f->iov;
	f->c.room = SIZE;
	*state = f;
	return 0;
}

static int
teardown(void **state)
{
	struct fixture *f = *state;

	virtq_free(&f->q);
	ram_free(&f->mem);
	free(f);
	return 0;
}

/* The request in descriptor 0 must break the queue. */
static void
must_break(struct fixture *f)
{
	ring_offer(&f->r, 0);
	assert_false(virtq_pop(&f->q, &f->c));
	assert_non_null(f->q.broken);
	assert_int_equal(f->q.held, 0);
	/* And nothing comes out of it any more, however right. */
	ring_put(&f->r, 0, DATA, 16, 0, 0);
	ring_offer(&f->r, 0);
	assert_false(virtq_pop(&f->q, &f->c));
	assert_false(virtq_enable_kick(&f->q));
}

static void
test_virtq_pop_hands_out_readable_before_writable(void **state)
{
	struct fixture *f = *state;
	const struct buf b[] = {{DATA, 16, false}, {HIGH_GPA, 100, false},
	    {DATA + 4096, 512, true}, {DATA + 8192, 1, true}};
	uint32_t id, len;

	assert_false(virtq_pop(&f->q, &f->c));
	ring_add(&f->r, b, 4);
	assert_true(virtq_pop(&f->q, &f->c));
	assert_int_equal(f->c.outs, 2);
	assert_int_equal(f->c.ins, 2);
	assert_int_equal(f->c.out_len, 116);
	assert_int_equal(f->c.in_len, 513);
	assert_ptr_equal(f->iov[1].iov_base, f->mem.region[1].hva);
	assert_ptr_equal(f->iov[3].iov_base, f->mem.region[0].hva + b[3].gpa);
	assert_false(virtq_pop(&f->q, &f->c));

	virtq_push(&f->q, f->c.head, 77);
	assert_false(ring_used(&f->r, &id, &len));
	assert_true(virtq_publish(&f->q));
	assert_true(ring_used(&f->r, &id, &len));
	assert_int_equal(id, 0);
	assert_int_equal(len, 77);
	assert_false(virtq_publish(&f->q));
}

static void
test_virtq_goes_round_its_rings(void **state)
{
	struct fixture *f = *state;
	const struct buf b[] = {{DATA, 16, false}, {DATA + 64, 16, true}};
	uint32_t id, len, i;
	uint16_t head;

	/* Past the 65,536 at which idx starts again. */
	for (i = 0; i < 70000; i++) {
		head = ring_add(&f->r, b, 2);
		assert_true(virtq_pop(&f->q, &f->c));
		assert_int_equal(f->c.head, head);
		virtq_push(&f->q, head, i);
		virtq_publish(&f->q);
		assert_true(ring_used(&f->r, &id, &len));
		assert_int_equal(id, head);
		assert_int_equal(len, i);
	}
}

static void
test_virtq_walks_indirect_tables_at_odd_addresses(void **state)
{
	struct fixture *f = *state;
	struct guest_desc table[3] = {{DATA, 16, NEXT, 2},
	    {DATA + 512, 1, WRITE, 0}, {DATA + 4096, 512, NEXT | WRITE, 1}};

	memcpy(f->mem.region[0].hva + DATA + 0x10003, table, sizeof table);
	ring_put(&f->r, 0, DATA + 0x20000, 8, NEXT, 1);
	/* The device ignores WRITE on the table itself (2.7.5.3.2). */
	ring_put(&f->r, 1, DATA + 0x10003, sizeof table, INDIRECT | WRITE, 0);
	ring_offer(&f->r, 0);
	assert_true(virtq_pop(&f->q, &f->c));
	assert_int_equal(f->c.outs, 2);
	assert_int_equal(f->c.ins, 2);
	assert_int_equal(f->c.out_len, 24);
	assert_int_equal(f->c.in_len, 513);
}

static void
test_virtq_skips_buffers_without_a_byte(void **state)
{
	struct fixture *f = *state;

	ring_put(&f->r, 0, ~0ULL, 0, NEXT, 1);
	ring_put(&f->r, 1, DATA, 5, 0, 0);
	ring_offer(&f->r, 0);
	assert_true(virtq_pop(&f->q, &f->c));
	assert_int_equal(f->c.outs, 1);
	assert_int_equal(f->c.out_len, 5);
}

static void
test_virtq_breaks_on_a_loop(void **state)
{
	struct fixture *f = *state;

	ring_put(&f->r, 0, DATA, 16, NEXT, 1);
	ring_put(&f->r, 1, DATA, 0, NEXT, 0);
	f->c.room = SIZE;
	must_break(f);
}

static void
test_virtq_breaks_on_a_loop_in_an_indirect_table(void **state)
{
	struct fixture *f = *state;
	struct guest_desc table[2] = {{DATA, 0, NEXT, 1}, {DATA, 0, NEXT, 0}};

	memcpy(f->mem.region[0].hva + DATA, table, sizeof table);
	ring_put(&f->r, 0, DATA, sizeof table, INDIRECT, 0);
	must_break(f);
}

static void
test_virtq_breaks_on_buffers_outside_memory(void **state)
{
	static const struct {
		uint64_t gpa;
		uint32_t len;
	} bad[] = {
	    {RAM_LOW, 1},
	    {RAM_LOW - 16, 17},
	    {RAM_LOW - 16, 0xffffffff},
	    {GUESTMEM_HOLE_START, 16},
	    {HIGH_GPA - 1, 2},
	    {HIGH_GPA + RAM_HIGH - 1, 2},
	    {~0ULL, 1},
	    {~0ULL - 15, 32},
	};
	struct fixture *f = *state;
	size_t i;

	for (i = 0; i < sizeof bad / sizeof *bad; i++) {
		ring_put(&f->r, 0, bad[i].gpa, bad[i].len, 0, 0);
		must_break(f);
		virtq_reset(&f->q);
		virtq_set_legacy(&f->q, RINGS_GPA);
		f->r.avail[1] = 0;
		assert_int_equal(virtq_start(&f->q), 0);
	}
}

static void
test_virtq_breaks_on_readable_after_writable(void **state)
{
	struct fixture *f = *state;

	ring_put(&f->r, 0, DATA, 16, NEXT | WRITE, 1);
	ring_put(&f->r, 1, DATA, 16, 0, 0);
	must_break(f);
}

static void
test_virtq_breaks_on_next_beyond_the_table(void **state)
{
	struct fixture *f = *state;

	ring_put(&f->r, 0, DATA, 16, NEXT, SIZE);
	must_break(f);
}

static void
test_virtq_breaks_on_a_head_beyond_the_table(void **state)
{
	struct fixture *f = *state;

	ring_offer(&f->r, SIZE);
	assert_false(virtq_pop(&f->q, &f->c));
	assert_non_null(f->q.broken);
}

static void
test_virtq_breaks_when_the_available_index_jumps(void **state)
{
	struct fixture *f = *state;

	f->r.avail[1] = SIZE + 1;
	assert_false(virtq_pop(&f->q, &f->c));
	assert_non_null(f->q.broken);
}

static void
test_virtq_breaks_when_a_request_comes_twice(void **state)
{
	struct fixture *f = *state;

	ring_put(&f->r, 3, DATA, 16, 0, 0);
	ring_offer(&f->r, 3);
	ring_offer(&f->r, 3);
	assert_true(virtq_pop(&f->q, &f->c));
	assert_false(virtq_pop(&f->q, &f->c));
	assert_non_null(f->q.broken);
	/* The first is still ours to finish. */
	virtq_push(&f->q, 3, 0);
	virtq_publish(&f->q);
	assert_true(ring_used(&f->r, NULL, NULL));
}

static void
test_virtq_breaks_on_a_chain_longer_than_the_room(void **state)
{
	struct fixture *f = *state;
	unsigned i;

	for (i = 0; i < 5; i++)
		ring_put(&f->r, (uint16_t)i, DATA, 16, NEXT, (uint16_t)(i + 1));
	ring_put(&f->r, 5, DATA, 16, 0, 0);
	f->c.room = 5;
	must_break(f);
}

static void
test_virtq_breaks_on_a_request_over_4_gib(void **state)
{
	struct fixture *f = *state;
	struct guest_desc *table = (void *)(f->mem.region[0].hva + DATA);
	static struct iovec iov[VIRTQ_MAX];
	unsigned i;

	/* 1,024 times nearly all of low memory. */
	for (i = 0; i < 1024; i++)
		table[i] = (struct guest_desc){
		    0, RAM_LOW, i < 1023 ? NEXT : 0, (uint16_t)(i + 1)};
	ring_put(&f->r, 0, DATA, 1024 * 16, INDIRECT, 0);
	f->c.iov = iov;
	f->c.room = VIRTQ_MAX;
	must_break(f);
	assert_string_equal(f->q.broken, "a request is larger than 4 GiB");
}

static void
test_virtq_breaks_on_indirect_abuse(void **state)
{
	struct fixture *f = *state;
	struct guest_desc *table = (void *)(f->mem.region[0].hva + DATA);
	static const struct {
		uint64_t gpa;
		uint32_t len;
		uint16_t flags;
		bool off;
	} bad[] = {
	    {DATA, 0, INDIRECT, false}, /* no entry */
	    {DATA, 17, INDIRECT, false}, /* half an entry */
	    {DATA, 16 * 1025, INDIRECT, false}, /* too long */
	    {RAM_LOW - 16, 32, INDIRECT, false}, /* outside */
	    {GUESTMEM_HOLE_START, 16, INDIRECT, false},
	    {DATA, 16, INDIRECT | NEXT, false}, /* both */
	    {DATA, 16, INDIRECT, true}, /* not negotiated */
	    {DATA + 64, 16, INDIRECT, false}, /* one in another */
	    {DATA + 128, 16, INDIRECT, false}, /* next beyond it */
	};
	size_t i;

	table[0] = (struct guest_desc){DATA, 16, 0, 0};
	table[4] = (struct guest_desc){DATA, 16, INDIRECT, 0};
	table[8] = (struct guest_desc){DATA, 16, NEXT, 1};
	for (i = 0; i < sizeof bad / sizeof *bad; i++) {
		ring_put(&f->r, 0, bad[i].gpa, bad[i].len, bad[i].flags, 1);
		f->q.indirect = !bad[i].off;
		must_break(f);
		virtq_reset(&f->q);
		virtq_set_legacy(&f->q, RINGS_GPA);
		f->r.avail[1] = 0;
		assert_int_equal(virtq_start(&f->q), 0);
	}
}

static void
test_virtq_start_checks_where_the_rings_lie(void **state)
{
	static const uint64_t bad[][3] = {
	    {RINGS_GPA + 8, RINGS_GPA + 0x1000, RINGS_GPA + 0x2000},
	    {RINGS_GPA, RINGS_GPA + 0x1001, RINGS_GPA + 0x2000},
	    {RINGS_GPA, RINGS_GPA + 0x1000, RINGS_GPA + 0x2002},
	    {RAM_LOW - 16, RINGS_GPA, RINGS_GPA},
	    {RINGS_GPA, RAM_LOW - 4, RINGS_GPA},
	    {RINGS_GPA, RINGS_GPA, RAM_LOW - 4},
	    {GUESTMEM_HOLE_START, RINGS_GPA, RINGS_GPA},
	    {~0ULL - 15, RINGS_GPA, RINGS_GPA},
	};
	struct fixture *f = *state;
	size_t i;

	for (i = 0; i < sizeof bad / sizeof *bad; i++) {
		virtq_reset(&f->q);
		f->q.desc_gpa = bad[i][0];
		f->q.avail_gpa = bad[i][1];
		f->q.used_gpa = bad[i][2];
		assert_int_equal(virtq_start(&f->q), -1);
		assert_non_null(f->q.broken);
		assert_false(f->q.ready);
		assert_false(virtq_pop(&f->q, &f->c));
	}
	virtq_reset(&f->q);
	virtq_set_legacy(&f->q, RINGS_GPA);
	f->q.size = 12;
	assert_int_equal(virtq_start(&f->q), -1);
}

static void
test_virtq_unpop_gives_the_same_request_again(void **state)
{
	struct fixture *f = *state;
	const struct buf b[] = {{DATA, 16, true}};
	uint16_t head;

	head = ring_add(&f->r, b, 1);
	assert_true(virtq_pop(&f->q, &f->c));
	virtq_unpop(&f->q, &f->c);
	assert_int_equal(f->q.held, 0);
	assert_true(virtq_pop(&f->q, &f->c));
	assert_int_equal(f->c.head, head);
}

static void
test_virtq_flags_keep_interrupts_and_kicks_away(void **state)
{
	struct fixture *f = *state;
	const struct buf b[] = {{DATA, 16, true}};

	f->r.avail[0] = 1; /* no interrupts, please */
	ring_add(&f->r, b, 1);
	virtq_disable_kick(&f->q);
	assert_int_equal(f->r.used[0], 1);
	assert_true(virtq_pop(&f->q, &f->c));
	assert_false(virtq_enable_kick(&f->q));
	assert_int_equal(f->r.used[0], 0);
	virtq_push(&f->q, f->c.head, 0);
	assert_false(virtq_publish(&f->q));
	ring_add(&f->r, b, 1);
	assert_true(virtq_enable_kick(&f->q));
}

static void
test_virtq_event_index_interrupts_when_it_is_passed(void **state)
{
	struct fixture *f = *state;
	const struct buf b[] = {{DATA, 16, true}};
	unsigned i, n;

	f->q.event_idx = true;
	f->r.avail[0] = 1; /* means nothing now */
	/* "After the third": the batch of the third, and only that. */
	ring_used_event(&f->r, 2);
	for (i = 0; i < 5; i++) {
		ring_add(&f->r, b, 1);
		assert_true(virtq_pop(&f->q, &f->c));
		virtq_push(&f->q, f->c.head, 0);
		assert_int_equal(virtq_publish(&f->q), i == 2);
	}
	/* A batch that jumps over the event counts as passing it. */
	ring_used_event(&f->r, 7);
	for (n = 0; n < 6; n++) {
		ring_add(&f->r, b, 1);
		assert_true(virtq_pop(&f->q, &f->c));
		virtq_push(&f->q, f->c.head, 0);
	}
	assert_true(virtq_publish(&f->q));
}

static void
test_virtq_event_index_asks_for_the_next_kick(void **state)
{
	struct fixture *f = *state;
	const struct buf b[] = {{DATA, 16, true}};

	f->q.event_idx = true;
	ring_add(&f->r, b, 1);
	assert_true(virtq_pop(&f->q, &f->c));
	virtq_disable_kick(&f->q);
	assert_int_equal(f->r.used[0], 0);
	assert_int_equal(ring_avail_event(&f->r), 0);
	assert_false(virtq_enable_kick(&f->q));
	assert_int_equal(ring_avail_event(&f->r), 1);
}

static void
test_virtq_take_out_crosses_buffers(void **state)
{
	struct fixture *f = *state;
	const struct buf b[] = {
	    {DATA, 3, false}, {DATA + 100, 20, false}, {DATA + 200, 2, true}};
	char got[16];

	memcpy(f->mem.region[0].hva + DATA, "abc", 3);
	memcpy(f->mem.region[0].hva + DATA + 100, "defgh", 5);
	ring_add(&f->r, b, 3);
	assert_true(virtq_pop(&f->q, &f->c));
	assert_int_equal(virtq_take_out(&f->c, got, 24), -1);
	assert_int_equal(virtq_take_out(&f->c, got, 6), 0);
	assert_memory_equal(got, "abcdef", 6);
	assert_int_equal(f->c.outs, 1);
	assert_int_equal(f->c.out_len, 17);
	assert_memory_equal(f->c.iov[0].iov_base, "gh", 2);
	assert_ptr_equal(
	    virtq_take_last(&f->c), f->mem.region[0].hva + DATA + 201);
	assert_int_equal(f->c.ins, 1);
	assert_ptr_equal(
	    virtq_take_last(&f->c), f->mem.region[0].hva + DATA + 200);
	assert_int_equal(f->c.ins, 0);
	assert_null(virtq_take_last(&f->c));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    TEST(test_virtq_pop_hands_out_readable_before_writable),
	    TEST(test_virtq_goes_round_its_rings),
	    TEST(test_virtq_walks_indirect_tables_at_odd_addresses),
	    TEST(test_virtq_skips_buffers_without_a_byte),
	    TEST(test_virtq_breaks_on_a_loop),
	    TEST(test_virtq_breaks_on_a_loop_in_an_indirect_table),
	    TEST(test_virtq_breaks_on_buffers_outside_memory),
	    TEST(test_virtq_breaks_on_readable_after_writable),
	    TEST(test_virtq_breaks_on_next_beyond_the_table),
	    TEST(test_virtq_breaks_on_a_head_beyond_the_table),
	    TEST(test_virtq_breaks_when_the_available_index_jumps),
	    TEST(test_virtq_breaks_when_a_request_comes_twice),
	    TEST(test_virtq_breaks_on_a_chain_longer_than_the_room),
	    TEST(test_virtq_breaks_on_a_request_over_4_gib),
	    TEST(test_virtq_breaks_on_indirect_abuse),
	    TEST(test_virtq_start_checks_where_the_rings_lie),
	    TEST(test_virtq_unpop_gives_the_same_request_again),
	    TEST(test_virtq_flags_keep_interrupts_and_kicks_away),
	    TEST(test_virtq_event_index_interrupts_when_it_is_passed),
	    TEST(test_virtq_event_index_asks_for_the_next_kick),
	    TEST(test_virtq_take_out_crosses_buffers),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
