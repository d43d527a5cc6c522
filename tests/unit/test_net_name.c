/* backend/net/name: the names of bridges and taps. */
#include <string.h>

#include "tests/unit/unit.h"
#include "backend/net/net.h"

/* The longest name a configuration may have. */
#define LONGEST "abcdefghijklmnopqrstuvwxyz012345"

static void
test_names_that_fit_are_kept(void **state)
{
	char name[IFNAMSIZ];

	assert_string_equal(tap_name("mv1", 0, name), "vmt-mv1.0");
	assert_string_equal(tap_name("nine_long", 3, name), "vmt-nine_long.3");
	assert_string_equal(bridge_name("local", name), "vms-local");
	assert_string_equal(
	    bridge_name("eleven-long", name), "vms-eleven-long");
}

static void
test_names_that_do_not_fit_are_cut_to_what_the_kernel_takes(void **state)
{
	static const unsigned ns[] = {0, 9, 10, 99, 100, 999};
	char name[IFNAMSIZ];
	size_t i;

	for (i = 0; i < sizeof ns / sizeof *ns; i++) {
		tap_name(LONGEST, ns[i], name);
		assert_int_equal(strlen(name), IFNAMSIZ - 1);
		assert_int_equal(net_link_name_check(name, NULL), 0);
		assert_non_null(strchr(name, '~'));
	}
	bridge_name(LONGEST, name);
	assert_int_equal(strlen(name), IFNAMSIZ - 1);
	assert_int_equal(net_link_name_check(name, NULL), 0);
}

static void
test_names_cut_are_the_same_each_time_and_differ(void **state)
{
	static const char *guests[] = {"database-server-1", "database-server-2",
	    "database-server-11", "database-serve-r1", "1-database-server"};
	char a[IFNAMSIZ], b[IFNAMSIZ];
	size_t i, k;

	for (i = 0; i < sizeof guests / sizeof *guests; i++)
		for (k = 0; k < sizeof guests / sizeof *guests; k++) {
			tap_name(guests[i], 0, a);
			tap_name(guests[k], 0, b);
			assert_int_equal(strcmp(a, b) == 0, i == k);
		}
	/* A tap is no bridge, one interface is not another. */
	assert_string_not_equal(tap_name("a.0", 0, a), bridge_name("a.0.0", b));
	assert_string_not_equal(
	    tap_name(LONGEST, 1, a), tap_name(LONGEST, 11, b));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_names_that_fit_are_kept),
	    cmocka_unit_test(
		test_names_that_do_not_fit_are_cut_to_what_the_kernel_takes),
	    cmocka_unit_test(test_names_cut_are_the_same_each_time_and_differ),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
