/* config/edit_diff: both texts can be read from what differs. */
#include <stdlib.h>
#include <string.h>

#include "tests/unit/unit.h"
#include "config/edit_diff.h"

static uint64_t seed = 0x9e3779b97f4a7c15;

static size_t
below(size_t n)
{
	seed ^= seed << 13;
	seed ^= seed >> 7;
	seed ^= seed << 17;
	return (size_t)(seed >> 16) % n;
}

/* The longest common part in lines, by the table of all pairs. */
static size_t
common(const char *a, const char *b)
{
	static size_t t[64][64];
	size_t i, j, n = strlen(a) / 2, m = strlen(b) / 2;

	memset(t, 0, sizeof t);
	for (i = 1; i <= n; i++)
		for (j = 1; j <= m; j++)
			t[i][j] = a[2 * i - 2] == b[2 * j - 2]
			    ? t[i - 1][j - 1] + 1
			    : t[i - 1][j] > t[i][j - 1] ? t[i - 1][j]
							: t[i][j - 1];
	return t[n][m];
}

/* Lines of one letter each. */
static void
make(char *text, size_t lines)
{
	size_t i;

	for (i = 0; i < lines; i++) {
		text[2 * i] = (char)('a' + below(4));
		text[2 * i + 1] = '\n';
	}
	text[2 * lines] = '\0';
}

static void
test_edit_diff_is_the_shortest_way_from_old_to_new(void **state)
{
	char a[128], b[128], x[128], y[128];
	struct edit_diff_line *l;
	size_t round, i, n, same, nx, ny;

	for (round = 0; round < 5000; round++) {
		make(a, below(40));
		make(b, below(40));
		l = edit_diff(a, strlen(a), b, strlen(b), &n);
		for (i = same = nx = ny = 0; i < n; i++) {
			assert_int_equal(l[i].len, 1);
			if (l[i].what != EDIT_NEW) {
				x[nx++] = *l[i].text;
				x[nx++] = '\n';
			}
			if (l[i].what != EDIT_GONE) {
				y[ny++] = *l[i].text;
				y[ny++] = '\n';
			}
			same += l[i].what == EDIT_SAME;
			assert_int_equal(
			    l[i].line, (l[i].what == EDIT_GONE ? nx : ny) / 2);
			/* First what goes, then what comes. */
			assert_false(i > 0 && l[i].what == EDIT_GONE &&
			    l[i - 1].what == EDIT_NEW);
		}
		x[nx] = y[ny] = '\0';
		assert_string_equal(x, a);
		assert_string_equal(y, b);
		assert_int_equal(same, common(a, b));
		free(l);
	}
}

static void
test_edit_diff_of_large_texts_ends(void **state)
{
	size_t len = 200000, i, n;
	char *a = malloc(len), *b = malloc(len);
	struct edit_diff_line *l;

	assert_non_null(a);
	assert_non_null(b);
	for (i = 0; i < len; i++) {
		a[i] = below(3) ? (char)('a' + below(26)) : '\n';
		b[i] = below(3) ? (char)('a' + below(26)) : '\n';
	}
	l = edit_diff(a, len, b, len, &n);
	assert_in_range(n, len / 4, len * 2);
	free(l);
	free(a);
	free(b);
}

static void
test_edit_diff_sees_through_line_ends(void **state)
{
	struct edit_diff_line *l;
	size_t n;

	l = edit_diff("a\r\nb", 4, "a\nb\n", 4, &n);
	assert_int_equal(n, 2);
	assert_int_equal(l[0].what, EDIT_SAME);
	assert_int_equal(l[1].what, EDIT_SAME);
	free(l);
	l = edit_diff("", 0, "", 0, &n);
	assert_int_equal(n, 0);
	free(l);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(
		test_edit_diff_is_the_shortest_way_from_old_to_new),
	    cmocka_unit_test(test_edit_diff_of_large_texts_ends),
	    cmocka_unit_test(test_edit_diff_sees_through_line_ends),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
