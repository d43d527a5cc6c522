/* config/size: sizes as people write them. */
#include <string.h>

#include "tests/unit/unit.h"
#include "config/size.h"

static void
test_size_parse_reads_units_of_1024(void **state)
{
	static const struct {
		const char *text;
		uint64_t bytes;
	} good[] = {
	    {"0", 0},
	    {"1000", 1000},
	    {"1k", 1024},
	    {"512M", 512ULL << 20},
	    {"16GiB", 16ULL << 30},
	    {"3tb", 3ULL << 40},
	    {"77B", 77},
	    {"9223372036854775807", INT64_MAX},
	};
	uint64_t bytes;
	size_t i;

	for (i = 0; i < sizeof good / sizeof *good; i++) {
		assert_int_equal(size_parse(good[i].text, &bytes), 0);
		assert_true(bytes == good[i].bytes);
	}
}

static void
test_size_parse_refuses_what_is_no_size(void **state)
{
	static const char *bad[] = {"", "M", "-1", "+1", " 1", "1 ", "1.5G",
	    "12Q", "1iB", "1MM", "9223372036854775808", "99999999999T", "0x10"};
	uint64_t bytes;
	size_t i;

	for (i = 0; i < sizeof bad / sizeof *bad; i++)
		assert_int_equal(size_parse(bad[i], &bytes), -1);
}

static void
test_size_exact_is_read_back_as_the_same(void **state)
{
	static const uint64_t sizes[] = {0, 1, 1000, 1024, 1536, 512ULL << 20,
	    (512ULL << 20) + 1, 16ULL << 30, 5ULL << 50};
	char buf[32];
	uint64_t back;
	size_t i;

	for (i = 0; i < sizeof sizes / sizeof *sizes; i++) {
		size_exact(sizes[i], buf, sizeof buf);
		assert_int_equal(size_parse(buf, &back), 0);
		assert_true(back == sizes[i]);
	}
	assert_string_equal(size_exact(512ULL << 20, buf, sizeof buf), "512M");
}

static void
test_size_short_never_takes_more_than_four_columns(void **state)
{
	char buf[32];
	uint64_t n;

	for (n = 1; n < (1ULL << 50); n = n * 9 / 8 + 1)
		assert_true(strlen(size_short(n, buf, sizeof buf)) <= 4);
	assert_string_equal(size_short(1ULL << 30, buf, sizeof buf), "1.0G");
	assert_string_equal(size_short(412ULL << 20, buf, sizeof buf), "412M");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_size_parse_reads_units_of_1024),
	    cmocka_unit_test(test_size_parse_refuses_what_is_no_size),
	    cmocka_unit_test(test_size_exact_is_read_back_as_the_same),
	    cmocka_unit_test(
		test_size_short_never_takes_more_than_four_columns),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
