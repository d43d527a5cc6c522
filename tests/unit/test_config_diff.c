/* config/diff: every key that can change is seen, and nothing else. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "config/diff.h"
#include "tests/unit/unit.h"

static struct config *
load(const char *text)
{
	struct config_mistakes ms = {0};
	struct config *cfg = NULL;

	if (config_load_string(text, strlen(text), "/f", &cfg, &ms) == -1)
		fail_msg("%s", ms.list[0].text);
	config_mistakes_clear(&ms);
	return cfg;
}

/* "vm a changed memory cpus; " of each change. */
static void
note(const struct config_change *c, void *arg)
{
	static const char *const what[] = {"added", "removed", "changed"};
	char *text = arg;
	size_t i, n = strlen(text);

	n += (size_t)snprintf(text + n, 1024 - n, "%s %s %s",
	    config_section_word(c->kind), c->name, what[c->what]);
	for (i = 0; i < c->nkeys; i++)
		n += (size_t)snprintf(
		    text + n, 1024 - n, " %s", c->keys[i]->name);
	snprintf(text + n, 1024 - n, "; ");
}

static void
differ(const char *before, const char *after, const char *want)
{
	struct config *a = load(before), *b = load(after);
	char text[1024] = "";

	config_diff(a, b, note, text);
	assert_string_equal(text, want);
	config_free(a);
	config_free(b);
}

static void
test_diff_finds_sections_that_came_and_went(void **state)
{
	differ("[vm a]\n[vm b]\n[switch s]\n", "[switch t]\n[vm b]\n[vm c]\n",
	    "switch s removed; switch t added; vm a removed; vm c added; ");
}

static void
test_diff_ignores_what_means_the_same(void **state)
{
	differ("[vm a]\nmemory = 1G\ndisk = x\n[vm b]\n",
	    "# c\n[vm b]\ncpus = 1\n[vm a]\ndisk = /x, format=auto\n"
	    "memory = 1024M ; same\n",
	    "");
}

static void
test_diff_sees_every_key_of_a_guest(void **state)
{
	static const char *const values[][2] = {{"memory", "1G"}, {"cpus", "2"},
	    {"kernel", "/k"}, {"firmware", "/f"}, {"firmware-log", "yes"},
	    {"serial2", "yes"}, {"pin", "0-3,7"}, {"initrd", "/i"},
	    {"cmdline", "x"}, {"boot", "cdrom"}, {"disk", "/d"},
	    {"cdrom", "/c"}, {"interface", "local"}, {"enable", "yes"},
	    {"restart", "always"}, {"owner", "u"}, {"instance-of", "t"},
	    {"balloon", "yes"}, {"hugepages", "yes"}, {"allow", "clipboard"}};
	const struct config_key *key;
	char text[128], want[128];
	size_t i;

	for (key = config_keys(CONFIG_VM); key->name != NULL; key++) {
		for (i = 0; i < sizeof values / sizeof *values; i++)
			if (strcmp(values[i][0], key->name) == 0)
				break;
		/* A new key needs a value here, and config_diff() a look. */
		if (i == sizeof values / sizeof *values)
			fail_msg("no value for %s", key->name);
		snprintf(text, sizeof text, "[vm t]\n[vm a]\n%s = %s\n",
		    values[i][0], values[i][1]);
		snprintf(want, sizeof want, "vm a changed %s; ", key->name);
		differ("[vm t]\n[vm a]\n", text, want);
		differ(text, text, "");
	}
}

static void
note_at_once(const struct config_change *change, void *arg)
{
	*(int *)arg = config_change_at_once(change, 0);
}

/* Whether a guest that runs sees its line of configuration change. */
static int
seen_at_once(const char *before, const char *after)
{
	struct config_mistakes ms = {0};
	struct config *a, *b;
	char text[128];
	int seen = -1;

	snprintf(text, sizeof text, "[vm a]\n%s\n", before);
	assert_int_equal(
	    config_load_string(text, strlen(text), "c", &a, &ms), 0);
	snprintf(text, sizeof text, "[vm a]\n%s\n", after);
	assert_int_equal(
	    config_load_string(text, strlen(text), "c", &b, &ms), 0);
	config_diff(a, b, note_at_once, &seen);
	config_free(a);
	config_free(b);
	config_mistakes_clear(&ms);
	return seen;
}

static void
test_diff_knows_that_a_disc_changes_and_a_drive_does_not(void **state)
{
	assert_int_equal(seen_at_once("cdrom = /a", "cdrom = /b"), 1);
	assert_int_equal(seen_at_once("cdrom = /a", "cdrom = empty"), 1);
	assert_int_equal(seen_at_once("cdrom = empty", "cdrom = ./empty"), 1);
	assert_int_equal(seen_at_once("cdrom = /a", ""), 0);
	assert_int_equal(seen_at_once("", "cdrom = empty"), 0);
	assert_int_equal(seen_at_once("memory = 1G", "memory = 2G"), 0);
	assert_int_equal(seen_at_once("enable = yes", "enable = no"), 1);
}

static void
test_diff_knows_that_locked_alone_needs_no_restart(void **state)
{
	assert_int_equal(
	    seen_at_once("interface = local", "interface = local, locked"), 1);
	assert_int_equal(
	    seen_at_once("interface = local, locked", "interface = local"), 1);
	assert_int_equal(seen_at_once("interface = local, locked, tap=a",
			     "interface = local, tap=b"),
	    0);
	assert_int_equal(seen_at_once("interface = local",
			     "interface = local, locked\ninterface = local"),
	    0);
	assert_int_equal(seen_at_once("interface = local", ""), 0);
	assert_int_equal(
	    seen_at_once("interface = local", "interface = local, vhost=no"),
	    0);
	assert_int_equal(seen_at_once("", "interface = local, locked"), 0);
}

static void
test_diff_sees_options_of_disks_and_interfaces(void **state)
{
	static const char *const pairs[][2] = {
	    {"disk = /a", "disk = /a, readonly"},
	    {"disk = /a", "disk = /a, format=raw"},
	    {"disk = /a", "disk = /a, cache=none"},
	    {"disk = /a", "disk = /a, bus=scsi"},
	    {"disk = /a\ndisk = /b", "disk = /b\ndisk = /a"},
	    {"interface = local", "interface = user"},
	    {"interface = local", "interface = local, locked"},
	    {"interface = local", "interface = local, tap=t"},
	    {"interface = local",
		"interface = local, lladdr=02:00:00:00:00:01"},
	    {"interface = user", "interface = user, forward=tcp:1:2"},
	    {"interface = user, forward=tcp:1:2",
		"interface = user, forward=udp:1:2"},
	    {"interface = switch=s", "interface = switch=t"}};
	char before[160], after[160];
	size_t i;

	for (i = 0; i < sizeof pairs / sizeof *pairs; i++) {
		snprintf(before, sizeof before,
		    "[switch s]\n[switch t]\n[vm a]\n%s\n", pairs[i][0]);
		snprintf(after, sizeof after,
		    "[switch s]\n[switch t]\n[vm a]\n%s\n", pairs[i][1]);
		differ(before, after,
		    pairs[i][0][0] == 'd' ? "vm a changed disk; "
					  : "vm a changed interface; ");
	}
}

static void
test_diff_sees_switches_and_the_backend(void **state)
{
	differ("[switch s]\nadd = a\n", "[switch s]\nadd = b\nlocked = yes\n",
	    "switch s changed add locked; ");
	differ("[switch s]\naddress = 10.0.0.1/24\n",
	    "[switch s]\naddress = 10.0.0.1/25\nnat = yes\n",
	    "switch s changed address nat; ");
	differ("[switch s]\n", "[switch s]\nenable = no\ninterface = br7\n",
	    "switch s changed interface enable; ");
	differ("", "[vmtui]\ngroup = g\nstart-delay = 1\n",
	    "vmtui  changed group start-delay; ");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_diff_finds_sections_that_came_and_went),
	    cmocka_unit_test(test_diff_ignores_what_means_the_same),
	    cmocka_unit_test(test_diff_sees_every_key_of_a_guest),
	    cmocka_unit_test(
		test_diff_knows_that_a_disc_changes_and_a_drive_does_not),
	    cmocka_unit_test(
		test_diff_knows_that_locked_alone_needs_no_restart),
	    cmocka_unit_test(test_diff_sees_options_of_disks_and_interfaces),
	    cmocka_unit_test(test_diff_sees_switches_and_the_backend),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
