/* supervisor/rates: what guests do by the second, and did before. */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "backend/supervisor/backend.h"
#include "backend/supervisor/rates.h"
#include "tests/unit/unit.h"

static void
take(struct rates **r, int64_t now, uint64_t n)
{
	const uint64_t level[LEVELS] = {n << 10, n << 11};
	uint64_t count[RATES];
	unsigned i;

	for (i = 0; i < RATES; i++)
		count[i] = n;
	rates_take(r, count, level, now, 0);
}

/* The samples of a series, and their number. */
static size_t
series(const struct rates *r, const char *name, json_int_t *sample)
{
	json_t *past = rates_history(r), *list = json_object_get(past, name);
	size_t i, n = json_array_size(list);

	assert_true(json_is_array(list));
	for (i = 0; i < n; i++)
		sample[i] = json_integer_value(json_array_get(list, i));
	json_decref(past);
	return n;
}

static void
test_rates_are_differences_by_the_second(void **state)
{
	json_int_t s[RATES_SECONDS];
	struct rates *r = NULL;

	take(&r, 1000, 100);
	take(&r, 2000, 350);
	take(&r, 4000, 350 + 600);
	assert_int_equal(series(r, "exits", s), 4);
	assert_int_equal(s[0], 100);
	assert_int_equal(s[1], 250);
	assert_int_equal(s[2], 300);
	assert_int_equal(s[3], 300);
	free(r);
}

static void
test_rates_of_cpu_are_percent_of_one(void **state)
{
	json_int_t s[RATES_SECONDS];
	struct rates *r = NULL;

	take(&r, 1000, (uint64_t)sysconf(_SC_CLK_TCK) / 2);
	assert_int_equal(series(r, "cpu", s), 1);
	assert_int_equal(s[0], 50);
	free(r);
}

/* Nobody looked for an hour: minutes of the average, and no more memory. */
static void
test_rates_fill_the_time_nobody_looked_with_the_average(void **state)
{
	json_int_t s[RATES_SECONDS];
	struct rates *r = NULL;
	unsigned i;

	take(&r, 1000, 1000);
	take(&r, 3601000, 1000 + 3600 * 7);
	assert_int_equal(series(r, "disk_read", s), RATES_SECONDS);
	for (i = 0; i < RATES_SECONDS; i++)
		assert_int_equal(s[i], 7);
	take(&r, 3602000, 1000 + 3600 * 7 + 9);
	assert_int_equal(series(r, "disk_read", s), RATES_SECONDS);
	assert_int_equal(s[RATES_SECONDS - 2], 7);
	assert_int_equal(s[RATES_SECONDS - 1], 9);
	free(r);
}

static void
test_rates_survive_counts_that_go_back_and_answers_at_once(void **state)
{
	json_int_t s[RATES_SECONDS];
	struct rates *r = NULL;

	take(&r, 1000, 500);
	take(&r, 2000, 20);
	take(&r, 2001, 1000000);
	take(&r, 3000, 30);
	assert_int_equal(series(r, "net_sent", s), 3);
	assert_int_equal(s[1], 0);
	assert_int_equal(s[2], 10);
	take(&r, 4000, UINT64_MAX);
	assert_int_equal(series(r, "net_sent", s), 4);
	assert_int_equal(s[3], UINT32_MAX);
	free(r);
}

/* Memory is a level: what it is now, however often it was asked. */
static void
test_rates_keep_memory_as_a_line_between_what_was_seen(void **state)
{
	json_int_t s[RATES_SECONDS];
	struct rates *r = NULL;

	take(&r, 2000, 1000);
	assert_int_equal(series(r, "memory_used", s), 2);
	assert_int_equal(s[0], 1000 << 10);
	assert_int_equal(s[1], 1000 << 10);
	take(&r, 6000, 200);
	assert_int_equal(series(r, "memory_used", s), 6);
	assert_int_equal(s[2], 800 << 10);
	assert_int_equal(s[5], 200 << 10);
	assert_int_equal(series(r, "memory_taken", s), 6);
	assert_int_equal(s[3], 600 << 11);
	take(&r, 7000, UINT64_MAX >> 11);
	assert_int_equal(series(r, "memory_used", s), 7);
	assert_int_equal(s[6], (json_int_t)UINT32_MAX << 10);
	free(r);
}

static void
test_rates_of_a_guest_nobody_looked_at_are_not_told(void **state)
{
	struct guest g = {.rates = NULL};
	json_int_t s[RATES_SECONDS];
	json_t *obj = json_object();

	rates_json(&g, obj);
	assert_int_equal(json_object_size(obj), 0);
	assert_int_equal(series(NULL, "cpu", s), 0);
	take(&g.rates, 1000, 4096);
	rates_json(&g, obj);
	assert_int_equal(
	    json_integer_value(json_object_get(obj, "disk_written")), 4096);
	json_decref(obj);
	rates_forget(&g);
	assert_null(g.rates);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_rates_are_differences_by_the_second),
	    cmocka_unit_test(test_rates_of_cpu_are_percent_of_one),
	    cmocka_unit_test(
		test_rates_fill_the_time_nobody_looked_with_the_average),
	    cmocka_unit_test(
		test_rates_survive_counts_that_go_back_and_answers_at_once),
	    cmocka_unit_test(
		test_rates_keep_memory_as_a_line_between_what_was_seen),
	    cmocka_unit_test(
		test_rates_of_a_guest_nobody_looked_at_are_not_told),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
