/* tui/model: what the backend says, kept for drawing. */
#include <string.h>

#include "tests/unit/unit.h"
#include "tui/model.h"

/* JSON with ' for ", for the eyes' sake. */
static json_t *
json(const char *text)
{
	char copy[2048];
	json_t *j;
	char *p;

	snprintf(copy, sizeof copy, "%s", text);
	for (p = copy; *p != '\0'; p++)
		if (*p == '\'')
			*p = '"';
	j = json_loads(copy, JSON_DECODE_ANY, NULL);
	assert_non_null(j);
	return j;
}

static void
status(struct model *m, const char *text)
{
	json_t *j = json(text);

	model_status(m, j);
	json_decref(j);
}

static struct guest *
state_of(struct model *m, const char *text)
{
	json_t *j = json(text);
	struct guest *g = model_guest(m, j);

	json_decref(j);
	return g;
}

static void
test_model_orders_names_as_people_count(void **state)
{
	static const char *const names[] = {"alpha", "Beta", "web1", "web2",
	    "web10", "web10a", "web10b", "x007", "x08", "x8"};
	size_t i, j, n = sizeof names / sizeof *names;
	int d;

	for (i = 0; i < n; i++)
		for (j = 0; j < n; j++) {
			d = model_compare(names[i], names[j]);
			assert_true(i < j ? d < 0 : i > j ? d > 0 : d == 0);
		}
}

static void
test_model_follows_guests_by_name(void **state)
{
	struct model *m = model_new();
	struct guest *web2;

	status(m,
	    "{'guests': [{'name': 'web10', 'state': 'stopped'},"
	    " {'name': 'web2', 'state': 'running', 'cpus': 2,"
	    " 'memory': 1073741824}]}");
	assert_int_equal(m->guests, 2);
	web2 = model_find(m, "web2");
	assert_ptr_equal(m->guest[0], web2);
	assert_int_equal(m->count[GUEST_RUNNING], 1);
	status(m,
	    "{'guests': [{'name': 'a', 'state': 'paused'},"
	    " {'name': 'web2', 'state': 'crashed', 'reason': 'why'}]}");
	assert_int_equal(m->guests, 2);
	/* The same one, not a copy: a pane or a selection may hold on. */
	assert_ptr_equal(model_find(m, "web2"), web2);
	assert_null(model_find(m, "web10"));
	assert_string_equal(web2->reason, "why");
	assert_int_equal(m->count[GUEST_RUNNING], 0);
	assert_int_equal(m->count[GUEST_CRASHED], 1);
	model_free(m);
}

static void
test_model_shows_what_is_expected_until_it_is_known(void **state)
{
	struct model *m = model_new();
	struct guest *g = state_of(m, "{'name': 'a', 'state': 'stopped'}");

	model_expect(m, g, GUEST_STARTING);
	assert_int_equal(guest_shown(g), GUEST_STARTING);
	assert_int_equal(m->count[GUEST_STARTING], 1);
	assert_false(guest_is_up(g));
	state_of(m, "{'name': 'a', 'state': 'running'}");
	assert_int_equal(guest_shown(g), GUEST_RUNNING);
	assert_int_equal(m->count[GUEST_STARTING], 0);
	model_free(m);
}

static void
test_model_keeps_history_of_memory(void **state)
{
	struct model *m = model_new();
	struct guest *g = state_of(m,
	    "{'name': 'a', 'state': 'running', 'memory': 1048576,"
	    " 'balloon': {'taken': 0}}");
	json_t *j = json("{'guests': [{'name': 'a', 'exits': [1, 2, 3],"
			 " 'memory_used': [1024, 2048, -1],"
			 " 'memory_taken': [0, 524288, 9999999]}]}");

	assert_true(g->balloon);
	model_history(m, j);
	json_decref(j);
	assert_int_equal(history_at(&g->past[FIGURE_USED], 2), 1);
	assert_int_equal(history_at(&g->past[FIGURE_USED], 1), 2);
	assert_int_equal(history_at(&g->past[FIGURE_GIVEN], 2), 1024);
	assert_int_equal(history_at(&g->past[FIGURE_GIVEN], 1), 512);
	assert_int_equal(history_at(&g->past[FIGURE_GIVEN], 0), 0);
	/* As many as of what it does, whatever came. */
	j = json("{'guests': [{'name': 'a', 'exits': 4, 'cpu': 5,"
		 " 'memory_used': 4096, 'balloon': {'taken': 262144}}]}");
	model_figures(m, j);
	json_decref(j);
	assert_int_equal(g->past[FIGURE_USED].n, g->past[FIGURE_EXITS].n);
	assert_int_equal(history_at(&g->past[FIGURE_USED], 0), 4);
	assert_int_equal(history_at(&g->past[FIGURE_GIVEN], 0), 768);
	state_of(m, "{'name': 'a', 'state': 'stopped'}");
	assert_false(g->balloon);
	model_free(m);
}

static void
test_model_keeps_history_of_what_runs(void **state)
{
	struct model *m = model_new();
	struct guest *g = state_of(m, "{'name': 'a', 'state': 'running'}");
	json_t *j;
	int i;

	assert_int_equal(history_at(&g->history, 0), -1);
	j = json("{'host': {'cpu': 40}, 'guests': [{'name': 'a', 'cpu': 7},"
		 " {'name': 'nobody', 'cpu': 1}]}");
	for (i = 0; i < 3 * MODEL_HISTORY; i++)
		model_figures(m, j);
	json_decref(j);
	assert_int_equal(history_at(&g->history, 0), 7);
	assert_int_equal(history_at(&g->history, MODEL_HISTORY - 1), 7);
	assert_int_equal(history_at(&g->history, MODEL_HISTORY), -1);
	assert_int_equal(m->host.cpu, 40);
	state_of(m, "{'name': 'a', 'state': 'stopped'}");
	assert_int_equal(history_at(&g->history, 0), -1);
	assert_int_equal(g->cpu, -1);
	model_free(m);
}

static void
test_model_leaves_as_it_was_what_a_message_gets_wrong(void **state)
{
	static const char *const odd[] = {"{}", "[]", "17", "null",
	    "{'name': 3}", "{'name': ''}",
	    "{'name': 'a', 'memory': -1, 'cpus': 'many', 'cpu': {},"
	    " 'reason': 5, 'since': [], 'disks': 3, 'nics': [1, {}]}",
	    "{'name': 'a', 'cpus': 99999999999, 'cpu': 1e300}",
	    "{'guests': {}, 'host': [], 'config': 1}",
	    "{'guests': [1, 'a', null, {'name': 'a'}], 'mistakes': [1, {}]}"};
	struct model *m = model_new();
	struct guest *g =
	    state_of(m, "{'name': 'a', 'state': 'running', 'cpus': 2}");
	json_t *j;
	size_t i;

	for (i = 0; i < sizeof odd / sizeof *odd; i++) {
		j = json(odd[i]);
		model_guest(m, j);
		model_figures(m, j);
		model_mistakes(m, j);
		assert_ptr_equal(model_find(m, "a"), g);
		assert_int_equal(g->state, GUEST_RUNNING);
		model_status(m, json_object_get(j, "none"));
		g = state_of(m, "{'name': 'a', 'state': 'running'}");
		json_decref(j);
	}
	state_of(m, "{'name': 'a', 'state': 'dancing'}");
	assert_int_equal(g->state, GUEST_UNKNOWN);
	model_free(m);
}

static void
test_model_keeps_the_mistakes_of_the_last_reading(void **state)
{
	struct model *m = model_new();

	status(m,
	    "{'config': {'path': '/etc/vmtui.conf', 'mistakes': ['one',"
	    " 'two']}, 'guests': []}");
	assert_int_equal(m->mistakes, 2);
	assert_string_equal(m->mistake[1], "two");
	assert_string_equal(m->config, "/etc/vmtui.conf");
	status(m, "{'config': {'mistakes': []}, 'guests': []}");
	assert_int_equal(m->mistakes, 0);
	model_free(m);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_model_orders_names_as_people_count),
	    cmocka_unit_test(test_model_follows_guests_by_name),
	    cmocka_unit_test(
		test_model_shows_what_is_expected_until_it_is_known),
	    cmocka_unit_test(test_model_keeps_history_of_what_runs),
	    cmocka_unit_test(test_model_keeps_history_of_memory),
	    cmocka_unit_test(
		test_model_leaves_as_it_was_what_a_message_gets_wrong),
	    cmocka_unit_test(test_model_keeps_the_mistakes_of_the_last_reading),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
