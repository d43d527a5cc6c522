/* backend/supervisor: its pieces that need neither a guest nor a client. */
#include <sys/stat.h>

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tests/unit/unit.h"
#include "backend/proto/paths.h"
#include "backend/supervisor/adhoc.h"
#include "backend/supervisor/bootfile.h"
#include "backend/supervisor/endpoint.h"
#include "backend/supervisor/restart.h"
#include "backend/supervisor/spawn.h"

static char folder[64];

static int
make_temp(void **state)
{
	snprintf(folder, sizeof folder, "/tmp/vmtui-test.XXXXXX");
	if (mkdtemp(folder) == NULL)
		return -1;
	setenv("VMTUI_RUNDIR", folder, 1);
	setenv("VMTUI_STATEDIR", folder, 1);
	return 0;
}

static int
remove_temp(void **state)
{
	static const char *const made[] = {"backend.lock", "backend.sock",
	    "log/guest-g.log", "log", "vmlinuz-6.1", "image", ""};
	char path[128];
	size_t i;

	for (i = 0; i < sizeof made / sizeof *made; i++) {
		snprintf(path, sizeof path, "%s/%s", folder, made[i]);
		if (unlink(path) == -1)
			rmdir(path);
	}
	return 0;
}

static void
write_file(const char *name, const char *text)
{
	char path[128];
	FILE *f;

	snprintf(path, sizeof path, "%s/%s", folder, name);
	f = fopen(path, "a");
	assert_non_null(f);
	fputs(text, f);
	fclose(f);
}

static void
test_endpoint_is_one_backends(void **state)
{
	struct endpoint first, second;
	struct error err;

	assert_int_equal(endpoint_open(&first, &err), 0);
	assert_false(first.replaces);
	assert_int_equal(endpoint_open(&second, &err), ENDPOINT_TAKEN);
	assert_non_null(strstr(err.text, folder));
	/* The loser took nothing away from the winner. */
	assert_int_equal(access(first.path, F_OK), 0);
	assert_int_equal(endpoint_listen(&first, &err), 0);
	endpoint_close(&first);
	assert_int_equal(endpoint_open(&second, &err), 0);
	assert_false(second.replaces);
	endpoint_close(&second);
}

static void
test_endpoint_replaces_what_a_killed_backend_left(void **state)
{
	struct endpoint e;
	struct error err;

	write_file("backend.sock", "");
	assert_int_equal(endpoint_open(&e, &err), 0);
	assert_true(e.replaces);
	endpoint_close(&e);
}

static void
test_spawn_last_words_are_those_of_this_process(void **state)
{
	char path[256], buf[300];
	struct error err;

	assert_int_equal(paths_log(path, sizeof path, "g", &err), 0);
	write_file("log/guest-g.log", "the one before\n");
	spawn_last_words("g", strlen("the one before\n"), buf, sizeof buf);
	assert_null(strstr(buf, "before"));
	write_file("log/guest-g.log",
	    "first\n2026-11-22T10:41:07.123 warning: no luck\n\n");
	spawn_last_words("g", strlen("the one before\n"), buf, sizeof buf);
	assert_memory_equal(buf, "\"warning: no luck\"", 18);
	assert_non_null(strstr(buf, path));
}

static void
test_spawn_is_guest_believes_no_number(void **state)
{
	assert_false(spawn_is_guest(getpid(), "g"));
	assert_false(spawn_is_guest(1, ""));
}

static void
test_bootfile_names_the_neighbour_that_is_meant(void **state)
{
	char path[128];
	struct error err;

	write_file("vmlinuz-6.1", "x");
	snprintf(path, sizeof path, "%s/vmlinux-6.1", folder);
	assert_int_equal(bootfile_open("kernel", path, &err), -1);
	assert_non_null(strstr(err.text, "vmlinuz-6.1 meant?"));
	assert_int_equal(bootfile_open("kernel", folder, &err), -1);
	assert_non_null(strstr(err.text, "a folder"));
}

static struct config *
some_config(void)
{
	static const char text[] = "[vm base]\nkernel = /k\nmemory = 1G\n";
	struct config_mistakes m = {0};
	struct config *config;

	assert_int_equal(
	    config_load_string(text, strlen(text), "/x.conf", &config, &m), 0);
	config_mistakes_clear(&m);
	return config;
}

static void
test_adhoc_definition_is_read_by_the_files_rules(void **state)
{
	static char path[] = "/x.conf";
	struct backend b = {.config = some_config(), .config_path = path};
	struct config_vm *vm;
	struct error err;
	json_t *def;

	def = json_pack("{s:s, s:s, s:[s, s], s:[s, s]}", "name", "t",
	    "instance-of", "base", "disk", "a.img", "/b.img, readonly",
	    "interface", "", "switch=s");
	vm = adhoc_definition(&b, def, "/home/x", &err);
	assert_non_null(vm);
	assert_string_equal(vm->kernel, "/k");
	assert_true(vm->memory == 1ULL << 30);
	assert_int_equal(vm->ndisks, 2);
	assert_string_equal(vm->disks[0].path, "/home/x/a.img");
	assert_true(vm->disks[1].readonly);
	assert_int_equal(vm->ninterfaces, 2);
	assert_int_equal(vm->interfaces[0].net, CONFIG_NET_TAP);
	assert_int_equal(vm->interfaces[1].net, CONFIG_NET_SWITCH);
	config_vm_free(vm);
	json_decref(def);
	config_free(b.config);
}

static void
test_adhoc_definition_refuses_with_a_sentence(void **state)
{
	static const char *const bad[] = {"{}", "{\"name\": 3}",
	    "{\"name\": \"base\"}", "{\"name\": \"9\"}",
	    "{\"name\": \"t\", \"memory\": \"0\"}",
	    "{\"name\": \"t\", \"memory\": 5}",
	    "{\"name\": \"t\", \"disk\": [[\"x\"]]}",
	    "{\"name\": \"t\", \"colour\": \"red\"}",
	    "{\"name\": \"t\", \"instance-of\": \"none\"}", "[]", "null"};
	static char path[] = "/x.conf";
	struct backend b = {.config = some_config(), .config_path = path};
	struct error err;
	json_t *def;
	size_t i;

	for (i = 0; i < sizeof bad / sizeof *bad; i++) {
		def = json_loads(bad[i], JSON_DECODE_ANY, NULL);
		err.text[0] = '\0';
		assert_null(adhoc_definition(&b, def, NULL, &err));
		assert_int_not_equal(err.text[0], '\0');
		json_decref(def);
	}
	config_free(b.config);
}

/* Pauses of 1, 2, 4, 8 s, and the fifth end within the window is the last. */
static void
test_restart_pauses_double_up_to_the_limit(void **state)
{
	struct restart r = {0};
	time_t now = 1000000;
	int want, got;

	for (want = 1; want <= 8; want *= 2) {
		got = restart_after(&r, now, 1, true, "why");
		assert_int_equal(got, want);
		now += got;
	}
	assert_int_equal(restart_after(&r, now, 1, true, "why"), -1);
	assert_int_equal(r.ends, 5);
}

static void
test_restart_goes_on_for_rare_crashes_and_forgets_old_ones(void **state)
{
	struct restart r = {0};
	time_t now = 1000000;
	int i, last = 0;

	for (i = 0; i < 30; i++) {
		last = restart_after(&r, now, 200, true, "why");
		assert_in_range(last, 1, RESTART_MAX);
		now += 200;
	}
	assert_int_equal(last, RESTART_MAX);
	assert_int_equal(r.ends, RESTART_HISTORY);
	now += RESTART_WINDOW;
	assert_int_equal(
	    restart_after(&r, now, RESTART_WINDOW, true, "why"), 1);
}

/* Longer than a slow network takes to be there, and not for ever. */
static void
test_restart_of_failed_starts_goes_on_for_most_of_an_hour(void **state)
{
	struct restart r = {0};
	time_t now = 1000000, began = now;
	int got, n;

	for (n = 1; (got = restart_after_failure(&r, now, "no disk")) != -1;
	     n++) {
		assert_in_range(got, 1, RESTART_MAX);
		now += got;
	}
	assert_int_equal(n, RESTART_TRIES);
	assert_in_range(now - began, 45 * 60, 60 * 60);
	/* It is no news over and over, and no end of the guest. */
	assert_int_equal(r.ends, 1);
	assert_int_equal(restart_after(&r, now, 1, true, "why"), 1);
	restart_after_failure(&r, now, "no disk");
	restart_after_failure(&r, now, "no bridge");
	assert_int_equal(r.ends, 4);
	for (n = 2; n <= 8; n *= 2)
		assert_int_equal(restart_after(&r, now, 1, true, "why"), n);
	assert_int_equal(restart_after(&r, now, 1, true, "why"), -1);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_setup_teardown(
		test_endpoint_is_one_backends, make_temp, remove_temp),
	    cmocka_unit_test_setup_teardown(
		test_endpoint_replaces_what_a_killed_backend_left, make_temp,
		remove_temp),
	    cmocka_unit_test_setup_teardown(
		test_spawn_last_words_are_those_of_this_process, make_temp,
		remove_temp),
	    cmocka_unit_test(test_spawn_is_guest_believes_no_number),
	    cmocka_unit_test_setup_teardown(
		test_bootfile_names_the_neighbour_that_is_meant, make_temp,
		remove_temp),
	    cmocka_unit_test(test_restart_pauses_double_up_to_the_limit),
	    cmocka_unit_test(
		test_restart_goes_on_for_rare_crashes_and_forgets_old_ones),
	    cmocka_unit_test(
		test_restart_of_failed_starts_goes_on_for_most_of_an_hour),
	    cmocka_unit_test(test_adhoc_definition_is_read_by_the_files_rules),
	    cmocka_unit_test(test_adhoc_definition_refuses_with_a_sentence),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
