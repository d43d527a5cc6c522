/*
 * test_record.c: recordings, saved text, and the files they go to.
 */
#include <sys/stat.h>

#include <locale.h>
#include <unistd.h>

#include <event2/event.h>
#include <jansson.h>

#include "term_rig.h"
#include "tui/record.h"
#include "tui/save.h"
#include "tui/sink.h"
#include "unit.h"

struct lab {
	struct event_base *base;
	struct sinks *sinks;
	char dir[64], path[128];
	char why[512]; /* the last sink ended for, "" if it is whole */
	uint64_t bytes;
	int ended;
	struct save *save;
};

static void
ended(const char *path, uint64_t bytes, const char *why, void *arg)
{
	struct lab *lab = arg;

	lab->ended++;
	lab->bytes = bytes;
	snprintf(lab->why, sizeof lab->why, "%s", why != NULL ? why : "");
}

static int
begin(void **state)
{
	struct lab *lab = calloc(1, sizeof *lab);

	lab->base = event_base_new();
	lab->sinks = sinks_new(lab->base);
	snprintf(lab->dir, sizeof lab->dir, "/tmp/vmtui-record.XXXXXX");
	if (mkdtemp(lab->dir) == NULL)
		return -1;
	snprintf(lab->path, sizeof lab->path, "%s/file", lab->dir);
	*state = lab;
	return 0;
}

static int
end(void **state)
{
	struct lab *lab = *state;

	sinks_free(lab->sinks);
	event_base_free(lab->base);
	unlink(lab->path);
	rmdir(lab->dir);
	free(lab);
	return 0;
}

static struct sink *
opened(struct lab *lab, bool overwrite)
{
	struct error err;
	bool exists;

	return sink_open(
	    lab->sinks, lab->path, overwrite, ended, lab, &exists, &err);
}

static void
wait_end(struct lab *lab)
{
	int before = lab->ended;

	while (lab->ended == before)
		event_base_loop(lab->base, EVLOOP_ONCE);
}

/* Plays a recording: the header's size, then its events. */
static struct rig *
played(const char *path)
{
	struct rig *rig = NULL;
	FILE *f = fopen(path, "r");
	char *line = NULL;
	const char *kind, *data;
	double when, last = 0;
	size_t room = 0;
	int cols, rows;
	json_t *event;

	assert_non_null(f);
	while (getline(&line, &room, f) > 0) {
		event = json_loads(line, JSON_ALLOW_NUL, NULL);
		assert_non_null(event);
		if (rig == NULL) {
			assert_int_equal(json_integer_value(
					     json_object_get(event, "version")),
			    2);
			assert_int_equal(json_unpack(event, "{s:i, s:i}",
					     "width", &cols, "height", &rows),
			    0);
			rig = rig_new((unsigned)rows, (unsigned)cols, 99);
			json_decref(event);
			continue;
		}
		assert_int_equal(
		    json_unpack(event, "[F, s, s]", &when, &kind, &data), 0);
		assert_true(when >= last);
		last = when;
		if (*kind == 'r') {
			assert_int_equal(
			    sscanf(data, "%dx%d", &cols, &rows), 2);
			term_resize(
			    rig->t, (unsigned)rows, (unsigned)cols, NULL, 0);
		} else
			rig_feed(rig, data);
		json_decref(event);
	}
	free(line);
	fclose(f);
	return rig;
}

static void
assert_same(struct term *a, struct term *b)
{
	struct term_cell x[TERM_MAX], y[TERM_MAX];
	struct term_cursor c, d;
	unsigned row, col;

	assert_int_equal(term_rows(a), term_rows(b));
	assert_int_equal(term_cols(a), term_cols(b));
	for (row = 0; row < term_rows(a); row++) {
		term_line(a, term_top(a) + row, x);
		term_line(b, term_top(b) + row, y);
		for (col = 0; col < term_cols(a); col++) {
			assert_int_equal(x[col].ch == 0 ? ' ' : x[col].ch,
			    y[col].ch == 0 ? ' ' : y[col].ch);
			assert_int_equal(x[col].fg, y[col].fg);
			assert_int_equal(x[col].bg, y[col].bg);
			assert_int_equal(x[col].attrs, y[col].attrs);
		}
	}
	term_cursor(a, &c);
	term_cursor(b, &d);
	assert_int_equal(c.row, d.row);
	assert_int_equal(c.col, d.col);
}

/* Output as a guest's: cut anywhere, not all of it text. */
static void
test_record_plays_back_to_the_same_screen(void **state)
{
	static const char output[] =
	    "\033[1;31mred \"quoted\" \\ \033[38;2;1;2;3mtrue\033[m\r\n"
	    "\xe6\x97\xa5\xe6\x9c\xac e\xcc\x81 \xff\xfe\xc3( \xe2\x82\r\n"
	    "\033[?1049h\033[5;5Halternate\033[?1049l\033[3;1H\033[44mblue"
	    "\033[K\r\n\001\002\x7f end";
	struct lab *lab = *state;
	struct rig *rig = rig_new(8, 30, 99), *copy;
	struct record *r;
	size_t i, n, step;

	rig_feed(rig, "before\r\n\033[7mthe recording\033[m");
	r = record_new(opened(lab, false), rig->t, "web1");
	assert_non_null(r);
	for (step = 1; step < 9; step++) {
		for (i = 0; i < sizeof output - 1; i += n) {
			n = sizeof output - 1 - i;
			n = n < step ? n : step;
			term_input(rig->t, output + i, n);
			assert_int_equal(record_output(r, output + i, n), 0);
		}
		term_resize(rig->t, 8 + (unsigned)step, 30 + (unsigned)step % 3,
		    NULL, 0);
		assert_int_equal(
		    record_size(r, 8 + (unsigned)step, 30 + (unsigned)step % 3),
		    0);
	}
	record_free(r);
	wait_end(lab);
	assert_string_equal(lab->why, "");
	copy = played(lab->path);
	assert_same(rig->t, copy->t);
	rig_free(copy);
	rig_free(rig);
}

static void
test_sink_files_are_the_owners_and_none_is_lost(void **state)
{
	struct lab *lab = *state;
	struct sink *s = opened(lab, false);
	struct error err;
	struct stat st;
	bool exists;

	assert_non_null(s);
	sink_write(s, "first", 5);
	sink_close(s);
	wait_end(lab);
	assert_int_equal(lab->bytes, 5);
	assert_int_equal(stat(lab->path, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0600);
	assert_null(
	    sink_open(lab->sinks, lab->path, false, ended, lab, &exists, &err));
	assert_true(exists);
	s = opened(lab, true);
	sink_write(s, "x", 1);
	sink_close(s);
	wait_end(lab);
	assert_int_equal(stat(lab->path, &st), 0);
	assert_int_equal(st.st_size, 1);
}

static void
test_sink_says_why_it_cannot_be_opened(void **state)
{
	struct lab *lab = *state;
	struct error err;
	bool exists;

	assert_null(sink_open(
	    lab->sinks, "/nowhere/file", false, ended, lab, &exists, &err));
	assert_false(exists);
	assert_string_equal(err.text,
	    "/nowhere/file cannot be made: No such file or directory");
	assert_null(sink_open(
	    lab->sinks, "/dev/full", true, ended, lab, &exists, &err));
	assert_non_null(strstr(err.text, "no regular file"));
	/* A link may lead anywhere. */
	assert_int_equal(symlink("/dev/null", lab->path), 0);
	assert_null(opened(lab, false));
	assert_null(opened(lab, true));
}

static void
saved(void *arg)
{
	struct lab *lab = arg;

	save_free(lab->save);
	lab->save = NULL;
}

static void
test_save_goes_on_while_the_terminal_prints_and_changes_size(void **state)
{
	struct lab *lab = *state;
	struct rig *rig = rig_new(4, 20, 5000);
	struct term_place *places[2];
	struct term_anchor anchor[2];
	uint64_t lines[2];
	char line[64];
	unsigned i, turn = 0, width;
	FILE *f;

	for (i = 0; i < 3000; i++) {
		snprintf(
		    line, sizeof line, "this is line number %u of many\r\n", i);
		rig_feed(rig, line);
	}
	lab->save = save_new(lab->base, 0, rig->t,
	    (struct term_place){term_first(rig->t), 0},
	    (struct term_place){term_top(rig->t) + 2, 19}, opened(lab, false),
	    saved, lab);
	assert_non_null(lab->save);
	while (lab->save != NULL) {
		event_base_loop(lab->base, EVLOOP_ONCE);
		rig_feed(rig, "more\r\n");
		if (save_places(lab->save, places) == 0)
			continue;
		for (i = 0; i < 2; i++) {
			anchor[i] = select_anchor(rig->t, *places[i]);
			lines[i] = anchor[i].line;
		}
		width = turn++ % 2 == 0 ? 33 : 20;
		term_resize(rig->t, 4, width, lines, 2);
		for (i = 0; i < 2; i++) {
			anchor[i].line = lines[i];
			*places[i] = select_place(rig->t, anchor[i]);
		}
	}
	if (lab->ended == 0)
		wait_end(lab);
	assert_string_equal(lab->why, "");
	f = fopen(lab->path, "r");
	/* The oldest were dropped before it began, one of them in part. */
	assert_non_null(fgets(line, sizeof line, f));
	if (sscanf(line, "this is line number %u of many", &i) != 1) {
		assert_non_null(fgets(line, sizeof line, f));
		assert_int_equal(
		    sscanf(line, "this is line number %u of many", &i), 1);
	}
	assert_in_range(i, 400, 1100);
	while (++i < 3000) {
		char want[64];

		snprintf(
		    want, sizeof want, "this is line number %u of many\n", i);
		assert_non_null(fgets(line, sizeof line, f));
		assert_string_equal(line, want);
	}
	fclose(f);
	rig_free(rig);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_setup_teardown(
		test_record_plays_back_to_the_same_screen, begin, end),
	    cmocka_unit_test_setup_teardown(
		test_sink_files_are_the_owners_and_none_is_lost, begin, end),
	    cmocka_unit_test_setup_teardown(
		test_sink_says_why_it_cannot_be_opened, begin, end),
	    cmocka_unit_test_setup_teardown(
		test_save_goes_on_while_the_terminal_prints_and_changes_size,
		begin, end),
	};

	setlocale(LC_ALL, "C.UTF-8");
	return cmocka_run_group_tests(tests, NULL, NULL);
}
