/* tui/raw: a text under the cursor is what a plain string would be. */
#include <stdlib.h>
#include <string.h>

#include "tests/unit/unit.h"
#include "tui/raw.h"

static uint64_t seed = 0x9e3779b97f4a7c15;

static size_t
below(size_t n)
{
	seed ^= seed << 13;
	seed ^= seed >> 7;
	seed ^= seed << 17;
	return (size_t)(seed >> 16) % n;
}

static void
step(struct raw *r)
{
	static const char *const words[] = {
	    "a", "\n", "\r\n", "ä", "€", "\t", "[vm x]", " ", "b"};
	const char *word = words[below(9)];

	switch (below(12)) {
	case 0:
		raw_backspace(r);
		break;
	case 1:
		raw_delete(r);
		break;
	case 2:
		if (below(8) == 0)
			raw_delete_line(r);
		break;
	case 3:
		raw_left(r);
		break;
	case 4:
		raw_right(r);
		break;
	case 5:
		raw_rows(r, (long)below(7) - 3);
		break;
	case 6:
		raw_home(r);
		break;
	case 7:
		raw_end(r);
		break;
	case 8:
		raw_find(r, word, below(2) ? 1 : -1);
		break;
	default:
		raw_type(r, word, strlen(word));
	}
	assert_true(r->at <= r->len);
	assert_int_equal(r->text[r->len], '\0');
	/* Never within a character or a line's end. */
	assert_true(((unsigned char)r->text[r->at] & 0xc0) != 0x80);
}

static void
test_raw_undo_goes_back_to_each_text_and_redo_forth(void **state)
{
	struct raw r = {.text = NULL};
	char *kept[400] = {NULL};
	size_t round, i, n;

	for (round = 0; round < 200; round++) {
		assert_int_equal(raw_set(&r, "one\ntwo\r\n\nfour", 14), 0);
		memset(kept, 0, sizeof kept);
		kept[0] = strdup(r.text);
		for (i = 0; i < 300; i++) {
			step(&r);
			/* A letter that joins has no step of its own. */
			free(kept[r.done]);
			kept[r.done] = strdup(r.text);
		}
		for (n = r.done; n > 0; n--) {
			assert_string_equal(r.text, kept[n]);
			assert_true(raw_undo(&r));
		}
		assert_string_equal(r.text, kept[0]);
		assert_false(raw_undo(&r));
		for (n = 1; n <= r.changes; n++) {
			assert_true(raw_redo(&r));
			assert_string_equal(r.text, kept[n]);
		}
		assert_false(raw_redo(&r));
		for (i = 0; i < 400; i++)
			free(kept[i]);
		raw_clear(&r);
	}
}

static void
test_raw_lines_and_columns(void **state)
{
	struct raw r = {.text = NULL};

	assert_int_equal(raw_set(&r, "ab\r\n\tc\nlast", 11), 0);
	assert_int_equal(raw_lines(&r), 3);
	assert_int_equal(raw_length(&r, 0), 2);
	raw_go(&r, 1);
	raw_end(&r);
	assert_int_equal(raw_column(&r), 9);
	raw_rows(&r, 1);
	assert_int_equal(raw_column(&r), 4);
	raw_rows(&r, -1);
	assert_int_equal(raw_column(&r), 9);
	raw_go(&r, 99);
	assert_int_equal(r.at, 11);
	assert_true(raw_find(&r, "AB", 1) == false);
	assert_true(raw_find(&r, "ab", 1));
	assert_int_equal(r.at, 0);
	raw_clear(&r);
	assert_int_equal(raw_set(&r, "", 0), 0);
	assert_int_equal(raw_lines(&r), 1);
	raw_backspace(&r);
	raw_delete(&r);
	raw_rows(&r, 5);
	assert_int_equal(r.at, 0);
	raw_clear(&r);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(
		test_raw_undo_goes_back_to_each_text_and_redo_forth),
	    cmocka_unit_test(test_raw_lines_and_columns),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
