/* tui/switches: rates from counts that may jump, answers that may be odd. */
#include <string.h>

#include "tests/unit/unit.h"
#include "tui/ui.h"

static void
test_switches_rates_follow_from_two_counts(void **state)
{
	struct switch_port p = {.from_rate = -1, .to_rate = -1};

	switches_count(&p, 1000, 50, 10000);
	assert_true(p.from_rate < 0);
	switches_count(&p, 3000, 50, 12000);
	assert_true(p.from_rate > 999 && p.from_rate < 1001);
	assert_true(p.to_rate >= 0 && p.to_rate < 1);
	/* An interface made anew counts from zero. */
	switches_count(&p, 10, 0, 13000);
	assert_true(p.from_rate < 0);
	switches_count(&p, 20, 0, 13000);
	assert_true(p.from_rate < 0);
}

static void
take(struct switches *s, const char *text)
{
	json_t *answer = json_loads(text, JSON_DECODE_ANY, NULL);

	switches_take(s, answer);
	json_decref(answer);
}

static void
test_switches_keep_counts_of_members_that_stay(void **state)
{
	struct switches s = {.rows = 0};
	struct ui ui = {.view = NULL};

	take(&s,
	    "{\"switches\": [{\"name\": \"a\", \"interface\": \"vs-a\", "
	    "\"state\": \"up\", \"members\": [\"t0\", \"t1\"]}]}");
	switches_count(&s.row[0].port[1], 5, 6, 1000);
	take(&s,
	    "{\"switches\": [{\"name\": \"a\", \"interface\": \"vs-a\", "
	    "\"members\": [\"t1\"]}]}");
	assert_int_equal(s.rows, 1);
	assert_int_equal(s.row[0].ports, 1);
	assert_string_equal(s.row[0].port[0].name, "t1");
	assert_true(s.row[0].port[0].counted);
	assert_int_equal(s.row[0].port[0].from, 5);
	ui.switches = s;
	switches_end(&ui);
}

static void
test_switches_take_any_answer(void **state)
{
	static const char *const answers[] = {"{}", "[]", "1",
	    "{\"switches\": 1}", "{\"switches\": [1, null, {}]}",
	    "{\"switches\": [{\"name\": 1, \"members\": {\"a\": 1}}]}",
	    "{\"switches\": [{\"name\": \"a\", \"members\": [1, null, []]}]}"};
	struct switches s = {.rows = 0};
	struct ui ui = {.view = NULL};
	size_t i;

	for (i = 0; i < sizeof answers / sizeof *answers; i++)
		take(&s, answers[i]);
	ui.switches = s;
	switches_end(&ui);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_switches_rates_follow_from_two_counts),
	    cmocka_unit_test(test_switches_keep_counts_of_members_that_stay),
	    cmocka_unit_test(test_switches_take_any_answer),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
