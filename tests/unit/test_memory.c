/* backend/supervisor/memory.c: who gives how much back on a host that is low. */
#include "backend/supervisor/memory.h"
#include "tests/unit/unit.h"

#define M (UINT64_C(1) << 20)
#define G (UINT64_C(1) << 30)

static struct memory_share
guest(uint64_t memory, uint64_t available)
{
	return (struct memory_share){.memory = memory,
	    .size = memory,
	    .limit = memory,
	    .available = available};
}

static void
test_a_host_with_enough_leaves_guests_alone(void **state)
{
	struct memory_share s[] = {guest(2 * G, G)};

	assert_false(memory_share(s, 1, 16 * G, 1 * G));
	assert_false(memory_share(s, 1, 16 * G, 16 * G));
	assert_false(memory_share(NULL, 0, 16 * G, 1));
	assert_int_equal(s[0].limit, 2 * G);
}

static void
test_guests_give_in_proportion_to_what_they_can_spare(void **state)
{
	/* They can spare 1 GiB, 512 MiB and nothing; 1.5 GiB is needed. */
	struct memory_share s[] = {
	    guest(4 * G, 2 * G), guest(4 * G, 1 * G), guest(4 * G, 0)};

	assert_true(memory_share(s, 3, 16 * G, 512 * M));
	assert_int_equal(s[0].limit, 3 * G);
	assert_int_equal(s[1].limit, 3 * G + 512 * M);
	assert_int_equal(s[2].limit, 4 * G);
}

static void
test_no_more_is_taken_than_the_host_needs(void **state)
{
	struct memory_share s[] = {
	    guest(16 * G, 16 * G), guest(16 * G, 16 * G)};

	assert_true(memory_share(s, 2, 16 * G, 1 * G - 1));
	assert_in_range(
	    16 * G - s[0].limit + 16 * G - s[1].limit, 1 * G, 1 * G + 3 * M);
	/* What is on its way counts. */
	s[0].coming = s[1].coming = 512 * M + M;
	assert_false(memory_share(s, 2, 16 * G, 1 * G - 1));
}

static void
test_no_guest_is_driven_below_half_of_its_memory(void **state)
{
	struct memory_share s[] = {guest(4 * G, 4 * G), guest(24 * M, 24 * M),
	    guest(1 * G, UINT64_MAX)};
	int i;

	for (i = 0; i < 100; i++) {
		memory_share(s, 3, 64 * G, 1 * M);
		s[0].available = s[0].limit;
	}
	assert_in_range(s[0].limit, 2 * G, 2 * G + 2 * M);
	assert_in_range(s[1].limit, 16 * M, 24 * M);
	assert_in_range(s[2].limit, 512 * M, 520 * M);
	/* What a person took away is not taken twice. */
	s[0] = guest(4 * G, 4 * G);
	s[0].size = 1 * G;
	assert_false(memory_share(s, 1, 64 * G, 1 * M));
}

static void
test_guests_get_it_back_step_by_step(void **state)
{
	struct memory_share s[] = {guest(4 * G, G), guest(4 * G, G)};
	int steps = 0;

	s[0].limit = 2 * G;
	s[1].limit = 4 * G - M / 2;
	assert_true(memory_share(s, 2, 16 * G, 3 * G));
	assert_int_equal(s[0].limit, 2 * G + 256 * M);
	while (memory_share(s, 2, 16 * G, 3 * G) && steps < 100)
		steps++;
	assert_true(steps < 10);
	assert_int_equal(s[0].limit, 4 * G);
	assert_int_equal(s[1].limit, 4 * G);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_a_host_with_enough_leaves_guests_alone),
	    cmocka_unit_test(
		test_guests_give_in_proportion_to_what_they_can_spare),
	    cmocka_unit_test(test_no_more_is_taken_than_the_host_needs),
	    cmocka_unit_test(test_no_guest_is_driven_below_half_of_its_memory),
	    cmocka_unit_test(test_guests_get_it_back_step_by_step),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
