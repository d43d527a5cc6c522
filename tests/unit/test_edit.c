/* config/edit: where lines go, how they look, what is refused. */
#include <stdlib.h>
#include <string.h>

#include "tests/unit/unit.h"
#include "config/edit.h"

static struct error err;

static struct edit *
begin(const char *text)
{
	return edit_new("/etc/vmtui.conf", text, strlen(text));
}

/* Ends the edit, whose text is that. */
static void
ends(struct edit *e, const char *text)
{
	assert_string_equal(edit_text(e, NULL), text);
	edit_free(e);
}

static void
test_edit_changes_a_value_and_keeps_its_line(void **state)
{
	struct edit *e = begin("[vm a]\n\tmemory\t= 512M   ; half\r\n"
			       "disk=/a.img;x ; c");

	assert_int_equal(
	    edit_set(e, CONFIG_VM, "a", "memory", 0, "1G", &err), 0);
	assert_int_equal(
	    edit_set(e, CONFIG_VM, "a", "disk", 0, " /b.img ", &err), 0);
	ends(e,
	    "[vm a]\n\tmemory\t= 1G   ; half\r\n"
	    "disk=/b.img ; c");
}

static void
test_edit_same_value_changes_no_byte(void **state)
{
	const char *text = "[vm a]\nmemory =   512M   \n";
	struct edit *e = begin(text);

	assert_int_equal(
	    edit_set(e, CONFIG_VM, "a", "memory", 0, "512M", &err), 0);
	assert_false(edit_changed(e));
	ends(e, text);
}

static void
test_edit_new_keys_stand_in_the_order_of_the_table(void **state)
{
	struct edit *e = begin("[vm a]\n# why\ndisk = /a\n\n# b\n[vm b]\n");

	assert_int_equal(
	    edit_set(e, CONFIG_VM, "a", "enable", 0, "yes", &err), 0);
	assert_int_equal(
	    edit_set(e, CONFIG_VM, "a", "memory", 0, "1G", &err), 0);
	assert_int_equal(edit_set(e, CONFIG_VM, "a", "disk", 1, "/b", &err), 0);
	assert_int_equal(edit_set(e, CONFIG_VM, "b", "cpus", 0, "2", &err), 0);
	ends(e,
	    "[vm a]\nmemory = 1G\n# why\ndisk = /a\ndisk = /b\nenable = yes\n\n"
	    "# b\n[vm b]\ncpus = 2\n");
}

static void
test_edit_new_keys_are_spaced_like_the_line_before(void **state)
{
	struct edit *e = begin("[vm a]\n  memory     = 1G\n  cpus       = 2\n"
			       "[vm b]\nmemory=1G\n[switch s]\n\tadd : em0\n");

	assert_int_equal(
	    edit_set(e, CONFIG_VM, "a", "enable", 0, "yes", &err), 0);
	assert_int_equal(edit_set(e, CONFIG_VM, "b", "cpus", 0, "2", &err), 0);
	assert_int_equal(
	    edit_set(e, CONFIG_SWITCH, "s", "nat", 0, "no", &err), 0);
	ends(e,
	    "[vm a]\n  memory     = 1G\n  cpus       = 2\n"
	    "  enable     = yes\n[vm b]\nmemory=1G\ncpus=2\n"
	    "[switch s]\n\tadd : em0\n\tnat : no\n");
}

static void
test_edit_missing_last_newline_stays_missing(void **state)
{
	struct edit *e = begin("[vm a]\r\nmemory = 1G");

	assert_int_equal(edit_set(e, CONFIG_VM, "a", "cpus", 0, "2", &err), 0);
	ends(e, "[vm a]\r\nmemory = 1G\r\ncpus = 2");
}

static void
test_edit_empty_value_gets_one(void **state)
{
	struct edit *e = begin("[keys]\nstop =\nstart=  ; nothing\n");

	assert_int_equal(
	    edit_set(e, CONFIG_KEYS, NULL, "stop", 0, "F2", &err), 0);
	assert_int_equal(
	    edit_set(e, CONFIG_KEYS, NULL, "start", 0, "F3", &err), 0);
	ends(e, "[keys]\nstop = F2\nstart= F3  ; nothing\n");
}

static void
test_edit_moves_a_disk_with_its_comment(void **state)
{
	struct edit *e =
	    begin("[vm a]\ndisk = /1 ; one\nmemory = 1G\ndisk = /2\ndisk = /3");

	assert_int_equal(edit_move(e, CONFIG_VM, "a", "disk", 0, 2, &err), 0);
	ends(e, "[vm a]\ndisk = /2\nmemory = 1G\ndisk = /3\ndisk = /1 ; one");
}

static void
test_edit_sections_take_their_comments_along(void **state)
{
	static const char text[] = "# The file.\n\n# About a.\n[vm a]\n"
				   "memory = 1G\n# disk = /old\n\n# Free.\n\n"
				   "# About b.\n[vm b]\n";
	struct edit *e = begin(text);

	assert_int_equal(edit_section_remove(e, CONFIG_VM, "a", &err), 0);
	ends(e, "# The file.\n\n# Free.\n\n# About b.\n[vm b]\n");
	e = begin(text);
	assert_int_equal(
	    edit_section_move(e, CONFIG_VM, "b", CONFIG_VM, "a", false, &err),
	    0);
	ends(e,
	    "# The file.\n\n# About b.\n[vm b]\n\n# About a.\n[vm a]\n"
	    "memory = 1G\n# disk = /old\n\n# Free.\n");
	e = begin("# The file.\n[vm a]\n");
	assert_int_equal(edit_section_remove(e, CONFIG_VM, "a", &err), 0);
	ends(e, "# The file.\n");
}

static void
test_edit_new_sections_stand_behind_those_of_their_kind(void **state)
{
	struct edit *e = begin("");

	assert_int_equal(edit_section_add(e, CONFIG_VM, "a", &err), 0);
	assert_int_equal(edit_section_add(e, CONFIG_SWITCH, "s", &err), 0);
	assert_int_equal(edit_section_add(e, CONFIG_VM, "b", &err), 0);
	assert_int_equal(edit_section_add(e, CONFIG_VMTUI, NULL, &err), 0);
	assert_int_equal(edit_section_add(e, CONFIG_VM, "a", &err), -1);
	assert_int_equal(edit_section_add(e, CONFIG_VM, "1", &err), -1);
	assert_int_equal(edit_section_add(e, CONFIG_VM, NULL, &err), -1);
	assert_int_equal(edit_section_add(e, CONFIG_THEME, "x", &err), -1);
	ends(e, "[vm a]\n\n[vm b]\n\n[switch s]\n\n[vmtui]\n");
}

static void
test_edit_rename_follows_those_who_name_it(void **state)
{
	struct edit *e = begin(
	    "[switch s]\n[ vm  a ] ; first\n"
	    "interface = lladdr=02:00:00:00:00:01, switch=s ; here\n"
	    "interface = switch = s,locked\ninterface = switch=s2\n[vm b]\n"
	    "instance-of = a\n[vm c]\ninstance-of = \"a\"\ncmdline = a s\n"
	    "[switch s2]\n");

	assert_int_equal(
	    edit_section_rename(e, CONFIG_SWITCH, "s", "lan", &err), 0);
	assert_int_equal(
	    edit_section_rename(e, CONFIG_VM, "a", "base", &err), 0);
	assert_int_equal(
	    edit_section_rename(e, CONFIG_VM, "base", "b", &err), -1);
	assert_non_null(strstr(err.text, "[vm b]"));
	ends(e,
	    "[switch lan]\n[ vm  base ] ; first\n"
	    "interface = lladdr=02:00:00:00:00:01, switch=lan ; here\n"
	    "interface = switch = lan,locked\ninterface = switch=s2\n[vm b]\n"
	    "instance-of = base\n[vm c]\ninstance-of = \"base\"\n"
	    "cmdline = a s\n[switch s2]\n");
}

static void
test_edit_clone_leaves_out_what_must_differ(void **state)
{
	struct edit *e =
	    begin("# A.\n[vm a] ; x\nmemory = 1G\n; second\n"
		  "interface = switch=s, lladdr=02:00:00:00:00:01, locked\n"
		  "interface = tap=t0, switch=s\ninterface = tap=t1\n\n"
		  "[switch s]\nlocked = yes\nadd = em0\n");
	struct config_mistakes ms = {0};
	struct config *cfg;

	assert_int_equal(edit_section_clone(e, CONFIG_VM, "a", "b", &err), 0);
	assert_int_equal(
	    edit_section_clone(e, CONFIG_SWITCH, "s", "t", &err), 0);
	assert_int_equal(edit_check(e, &cfg, &ms), 0);
	config_free(cfg);
	config_mistakes_clear(&ms);
	ends(e,
	    "# A.\n[vm a] ; x\nmemory = 1G\n; second\n"
	    "interface = switch=s, lladdr=02:00:00:00:00:01, locked\n"
	    "interface = tap=t0, switch=s\ninterface = tap=t1\n\n"
	    "[vm b] ; x\nmemory = 1G\n; second\n"
	    "interface = switch=s, locked\ninterface = switch=s\n\n"
	    "[switch s]\nlocked = yes\nadd = em0\n\n"
	    "[switch t]\nlocked = yes\n");
}

static void
test_edit_refuses_what_no_line_can_say(void **state)
{
	const char *text = "[vm a]\nmemory = 1G\n";
	struct edit *e = begin(text);

	assert_int_equal(
	    edit_set(e, CONFIG_VM, "a", "memroy", 0, "1G", &err), -1);
	assert_non_null(strstr(err.text, "did you mean \"memory\""));
	assert_int_equal(
	    edit_set(e, CONFIG_VM, "b", "memory", 0, "1G", &err), -1);
	assert_non_null(strstr(err.text, "[vm b] is no longer in"));
	assert_int_equal(
	    edit_set(e, CONFIG_VM, "a", "disk", 1, "/a", &err), -1);
	assert_int_equal(edit_remove(e, CONFIG_VM, "a", "memory", 1, &err), -1);
	assert_int_equal(
	    edit_move(e, CONFIG_VM, "a", "memory", 0, 1, &err), -1);
	assert_int_equal(edit_set(e, CONFIG_KEYS, NULL, "a", 0, "b", &err), -1);
	ends(e, text);
}

static void
test_edit_leaves_a_file_with_broken_lines_alone(void **state)
{
	const char *text = "[vm a]\nwhat is this\n";
	struct edit *e = begin(text);

	assert_int_equal(
	    edit_set(e, CONFIG_VM, "a", "memory", 0, "1G", &err), -1);
	assert_non_null(strstr(err.text, "mend them first"));
	ends(e, text);
}

static void
test_edit_checks_one_value_as_a_file_would(void **state)
{
	static const struct {
		enum config_section_kind kind;
		const char *key, *value;
		int r;
	} cases[] = {
	    {CONFIG_VM, "memory", "512M", 0},
	    {CONFIG_VM, "memory", "12", -1},
	    {CONFIG_VM, "memory", "", -1},
	    {CONFIG_VM, "disk", "/a, readonly", 0},
	    {CONFIG_VM, "disk", "/a, read", -1},
	    {CONFIG_VM, "interface", "switch=x", 0},
	    {CONFIG_VM, "interface", "user, tap=a", -1},
	    {CONFIG_VM, "owner", "ada:staff", 0},
	    {CONFIG_VM, "kernel", "/a # b", -1},
	    {CONFIG_VM, "nothing", "1", -1},
	    {CONFIG_SWITCH, "add", "em0", 0},
	    {CONFIG_SWITCH, "address", "10.0.0.1", -1},
	    {CONFIG_VMTUI, "group", "vmm", 0},
	    {CONFIG_THEME, "anything", "red", 0},
	};
	size_t i;

	for (i = 0; i < sizeof cases / sizeof *cases; i++)
		assert_int_equal(edit_value_check(cases[i].kind, cases[i].key,
				     cases[i].value, "/", &err),
		    cases[i].r);
}

static void
test_edit_quotes_paths_that_need_it(void **state)
{
	char *s;

	s = edit_quote("/a/b c.img", &err);
	assert_string_equal(s, "/a/b c.img");
	free(s);
	s = edit_quote("/a, b.img", &err);
	assert_string_equal(s, "\"/a, b.img\"");
	free(s);
	assert_null(edit_quote("/a\"b", &err));
	assert_null(edit_quote("/a ;b", &err));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_edit_changes_a_value_and_keeps_its_line),
	    cmocka_unit_test(test_edit_same_value_changes_no_byte),
	    cmocka_unit_test(
		test_edit_new_keys_stand_in_the_order_of_the_table),
	    cmocka_unit_test(
		test_edit_new_keys_are_spaced_like_the_line_before),
	    cmocka_unit_test(test_edit_missing_last_newline_stays_missing),
	    cmocka_unit_test(test_edit_empty_value_gets_one),
	    cmocka_unit_test(test_edit_moves_a_disk_with_its_comment),
	    cmocka_unit_test(test_edit_sections_take_their_comments_along),
	    cmocka_unit_test(
		test_edit_new_sections_stand_behind_those_of_their_kind),
	    cmocka_unit_test(test_edit_rename_follows_those_who_name_it),
	    cmocka_unit_test(test_edit_clone_leaves_out_what_must_differ),
	    cmocka_unit_test(test_edit_refuses_what_no_line_can_say),
	    cmocka_unit_test(test_edit_leaves_a_file_with_broken_lines_alone),
	    cmocka_unit_test(test_edit_checks_one_value_as_a_file_would),
	    cmocka_unit_test(test_edit_quotes_paths_that_need_it),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
