/*
 * Counts of references, against a plain list of them.
 */
#include <stdlib.h>

#include "backend/image/counts.h"
#include "tests/unit/unit.h"

#define CLUSTERS 2000

static uint64_t
next_random(uint64_t *seed)
{
	*seed = *seed * UINT64_C(6364136223846793005) + 1442695040888963407u;
	return *seed >> 20;
}

static void
test_image_counts_are_those_of_a_list(void **state)
{
	static uint64_t cluster[CLUSTERS];
	uint64_t seed = 7;
	struct counts c;
	size_t i, j;
	uint32_t n;

	counts_init(&c, UINT64_C(1) << 30);
	for (i = 0; i < CLUSTERS; i++) {
		/* Far apart, close to each other, and the same again. */
		cluster[i] = i % 3 == 0
		    ? next_random(&seed) % (UINT64_C(1) << 44)
		    : cluster[i - 1] + i % 2;
		counts_up(counts_cell(&c, cluster[i]));
	}
	for (i = 0; i < CLUSTERS; i++) {
		for (n = 0, j = 0; j < CLUSTERS; j++)
			n += cluster[j] == cluster[i];
		assert_int_equal(counts_get(&c, cluster[i]), n);
	}
	assert_int_equal(counts_get(&c, UINT64_C(1) << 50), 0);
	counts_free(&c);
}

static void
test_image_counts_are_listed_in_order(void **state)
{
	struct counts_page **list;
	uint64_t seed = 9;
	struct counts c;
	size_t i;

	counts_init(&c, UINT64_C(1) << 30);
	assert_null(counts_sorted(&c));
	for (i = 0; i < 1000; i++)
		assert_non_null(counts_cell(&c, next_random(&seed)));
	list = counts_sorted(&c);
	assert_non_null(list);
	for (i = 1; i < c.pages; i++)
		assert_true(list[i - 1]->number < list[i]->number);
	free(list);
	counts_free(&c);
}

static void
test_image_counts_take_no_more_memory_than_they_may(void **state)
{
	struct counts c;
	uint64_t i;

	counts_init(&c, 100 * sizeof(struct counts_page));
	for (i = 0; i < 100; i++)
		assert_non_null(counts_cell(&c, i * COUNTS_PAGE * 3));
	assert_null(counts_cell(&c, 100 * COUNTS_PAGE * 3));
	/* What is there is there still. */
	assert_non_null(counts_cell(&c, 50 * COUNTS_PAGE * 3 + 1));
	assert_int_equal(c.pages, 100);
	counts_free(&c);
}

static void
test_image_counts_stop_at_the_most_they_can_say(void **state)
{
	uint32_t cell = COUNTS_META | (COUNTS_COUNT - 1);

	counts_up(&cell);
	assert_int_equal(cell, COUNTS_META | COUNTS_COUNT);
	counts_up(&cell);
	assert_int_equal(cell, COUNTS_META | COUNTS_COUNT);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_image_counts_are_those_of_a_list),
	    cmocka_unit_test(test_image_counts_are_listed_in_order),
	    cmocka_unit_test(
		test_image_counts_take_no_more_memory_than_they_may),
	    cmocka_unit_test(test_image_counts_stop_at_the_most_they_can_say),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
