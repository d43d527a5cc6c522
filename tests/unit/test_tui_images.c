/* tui/images: trees from answers that may be odd, names as people write them.
 */
#include <stdlib.h>
#include <string.h>

#include "tests/unit/unit.h"
#include "tui/ui.h"

static void
take(struct images *im, const char *text)
{
	json_t *answer = json_loads(text, JSON_DECODE_ANY, NULL);

	images_take(im, answer);
	json_decref(answer);
}

static void
expect_row(const struct images *im, size_t i, const char *path, unsigned depth)
{
	assert_true(i < im->rows);
	assert_string_equal(im->row[i].path, path);
	assert_int_equal(im->row[i].depth, depth);
}

static void
test_images_stand_below_their_bases_in_order(void **state)
{
	struct images im = {0};

	take(&im,
	    "{\"images\": ["
	    "{\"path\": \"/v/web10\", \"base\": \"/v/base\", \"size\": 5},"
	    "{\"path\": \"/v/try\", \"base\": \"/v/web2\"},"
	    "{\"path\": \"/a\"}, {\"path\": \"/v/base\", \"users\": ["
	    "{\"guest\": \"g\", \"as\": \"cdrom\"}]},"
	    "{\"path\": \"/v/web2\", \"base\": \"/v/base\"},"
	    "{\"path\": \"/v/lone\", \"base\": \"/not/there\"}]}");
	assert_int_equal(im.rows, 6);
	expect_row(&im, 0, "/a", 0);
	expect_row(&im, 1, "/v/base", 0);
	expect_row(&im, 2, "/v/web2", 1);
	expect_row(&im, 3, "/v/try", 2);
	expect_row(&im, 4, "/v/web10", 1);
	expect_row(&im, 5, "/v/lone", 0);
	assert_int_equal(im.row[1].children, 2);
	assert_int_equal(im.row[1].users, 1);
	assert_true(im.row[1].user[0].cdrom);
	assert_int_equal(im.row[4].size, 5);
	images_free(&im);
}

static void
test_images_in_a_circle_are_all_shown_once(void **state)
{
	struct images im = {0};

	take(&im,
	    "{\"images\": [{\"path\": \"/a\", \"base\": \"/b\"},"
	    "{\"path\": \"/b\", \"base\": \"/a\"},"
	    "{\"path\": \"/c\", \"base\": \"/c\"}]}");
	assert_int_equal(im.rows, 3);
	expect_row(&im, 0, "/a", 0);
	expect_row(&im, 1, "/b", 1);
	expect_row(&im, 2, "/c", 0);
	images_free(&im);
}

static void
test_images_deeper_than_can_be_shown_are_shown(void **state)
{
	json_t *list = json_array(), *answer;
	struct images im = {0};
	char path[16], base[16];
	unsigned i, n = 3 * IMAGES_DEPTH;

	for (i = 0; i < n; i++) {
		snprintf(path, sizeof path, "/%u", i);
		snprintf(base, sizeof base, "/%u", i + 1);
		json_array_append_new(
		    list, json_pack("{s:s, s:s}", "path", path, "base", base));
	}
	answer = json_pack("{s:o}", "images", list);
	images_take(&im, answer);
	json_decref(answer);
	assert_int_equal(im.rows, n);
	for (i = 0; i < n; i++)
		assert_true(im.row[i].depth <= IMAGES_DEPTH);
	images_free(&im);
}

static void
test_images_take_any_answer(void **state)
{
	static const char *const answers[] = {"{}", "[]", "1",
	    "{\"images\": 1}", "{\"images\": [1, null, {}]}",
	    "{\"images\": [{\"path\": 1, \"users\": {\"a\": 1}}]}",
	    "{\"images\": [{\"path\": \"/x\", \"users\": [1, {}, "
	    "{\"guest\": 5}], \"size\": -1, \"format\": 7, \"base\": []}]}"};
	struct images im = {0};
	size_t i;

	for (i = 0; i < sizeof answers / sizeof *answers; i++)
		take(&im, answers[i]);
	assert_int_equal(im.rows, 1);
	assert_int_equal(im.row[0].size, 0);
	assert_int_equal(im.row[0].users, 0);
	images_free(&im);
}

static void
test_images_have_the_names_that_people_write(void **state)
{
	static char home[] = "/etc/vmtui/";
	struct images im = {.home = home};
	char buf[64];

	setenv("HOME", "/home/joe", 1);
	assert_string_equal(
	    images_short(&im, "/etc/vmtui/a.raw", buf, sizeof buf), "a.raw");
	assert_string_equal(
	    images_short(&im, "/home/joe/b.raw", buf, sizeof buf), "~/b.raw");
	assert_string_equal(
	    images_short(&im, "/home/joen/b.raw", buf, sizeof buf),
	    "/home/joen/b.raw");
	im.home = NULL;
	assert_string_equal(
	    images_short(&im, "/etc/vmtui/a.raw", buf, sizeof buf),
	    "/etc/vmtui/a.raw");
}

int
main(void)
{
	static const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_images_stand_below_their_bases_in_order),
	    cmocka_unit_test(test_images_in_a_circle_are_all_shown_once),
	    cmocka_unit_test(test_images_deeper_than_can_be_shown_are_shown),
	    cmocka_unit_test(test_images_take_any_answer),
	    cmocka_unit_test(test_images_have_the_names_that_people_write),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
