/* config/: guests made up on the spot, files, paths and addresses. */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tests/unit/unit.h"
#include "config/config.h"

static struct config *
load(const char *text)
{
	struct config_mistakes ms = {0};
	struct config *cfg = NULL;

	assert_int_equal(
	    config_load_string(text, strlen(text), "c", &cfg, &ms), 0);
	config_mistakes_clear(&ms);
	return cfg;
}

static void
test_config_vm_is_made_with_the_file_s_rules(void **state)
{
	struct error err;
	struct config_vm *vm = config_vm_new("adhoc", &err);

	assert_non_null(vm);
	assert_true(vm->memory == 512ULL << 20);
	assert_int_equal(config_vm_set(vm, "memory", "64M", "/w", &err), 0);
	assert_int_equal(config_vm_set(vm, "memory", "128M", "/w", &err), 0);
	assert_true(vm->memory == 128ULL << 20);
	assert_int_equal(config_vm_set(vm, "disk", "a.img", "/w/", &err), 0);
	assert_int_equal(
	    config_vm_set(vm, "disk", "../b #1, format=raw", "/w", &err), 0);
	assert_int_equal(vm->ndisks, 2);
	assert_string_equal(vm->disks[0].path, "/w/a.img");
	assert_string_equal(vm->disks[1].path, "/w/../b #1");
	assert_int_equal(config_vm_set(vm, "cmdline", "a", "/w", &err), 0);
	assert_int_equal(config_vm_set(vm, "cmdline", "b", "/w", &err), 0);
	assert_string_equal(vm->cmdline, "a b");
	assert_int_equal(config_vm_line(vm, "memory"), 0);

	/* A mistake changes nothing. */
	assert_int_equal(config_vm_set(vm, "memory", "1", "/w", &err), -1);
	assert_true(vm->memory == 128ULL << 20);
	assert_int_equal(config_vm_set(vm, "disk", "c, x", "/w", &err), -1);
	assert_int_equal(vm->ndisks, 2);
	assert_int_equal(config_vm_set(vm, "owner", "a:-", "/w", &err), -1);
	assert_null(vm->owner_user);
	assert_int_equal(config_vm_set(vm, "memroy", "1G", "/w", &err), -1);
	assert_non_null(strstr(err.text, "did you mean \"memory\"?"));
	config_vm_free(vm);

	assert_null(config_vm_new("1", &err));
	assert_non_null(strstr(err.text, "a name is a letter"));
	assert_null(config_vm_new("", &err));
}

static void
test_config_vm_inherits_what_it_does_not_say(void **state)
{
	struct config *cfg = load("[vm t]\nmemory = 1G\ncpus = 4\ndisk = /t\n"
				  "allow = clipboard , title\n"
				  "interface = user, forward=tcp:1:2\n");
	struct config_vm *vm = config_vm_new("x", NULL);

	config_vm_set(vm, "cpus", "2", "/", NULL);
	config_vm_set(vm, "disk", "/x", "/", NULL);
	config_vm_inherit(vm, config_find_vm(cfg, "t"));
	config_free(cfg);
	assert_true(vm->memory == 1ULL << 30);
	assert_int_equal(vm->cpus, 2);
	assert_int_equal(vm->ndisks, 1);
	assert_int_equal(
	    vm->allow, CONFIG_ALLOW_TITLE | CONFIG_ALLOW_CLIPBOARD);
	assert_int_equal(config_vm_set(vm, "allow", "title", "/", NULL), 0);
	assert_int_equal(vm->allow, CONFIG_ALLOW_TITLE);
	assert_int_equal(config_vm_set(vm, "allow", "none", "/", NULL), 0);
	assert_int_equal(vm->allow, 0);
	assert_string_equal(vm->disks[0].path, "/x");
	assert_int_equal(vm->interfaces[0].forwards[0].guest_port, 2);
	config_vm_free(vm);
}

static void
test_config_vm_copy_outlives_its_model(void **state)
{
	struct config *cfg =
	    load("[vm a]\nkernel = /k\ncmdline = x\ndisk = /d\nowner = u:g\n"
		 "interface = switch=s, tap=t, lladdr=02:00:00:00:00:01\n"
		 "[switch s]\n");
	struct config_vm *copy = config_vm_copy(&cfg->vms[0]);

	config_free(cfg);
	assert_string_equal(copy->name, "a");
	assert_string_equal(copy->kernel, "/k");
	assert_string_equal(copy->disks[0].path, "/d");
	assert_string_equal(copy->owner_group, "g");
	assert_string_equal(copy->interfaces[0].tap, "t");
	assert_true(copy->interfaces[0].has_lladdr);
	assert_int_equal(config_vm_line(copy, "kernel"), 2);
	config_vm_free(copy);
	config_vm_free(NULL);
}

/* Whether the only guest of a file could start; err has the sentence. */
static int
complete(const char *text, struct error *err)
{
	struct config *cfg = load(text);
	int r = config_vm_complete(cfg, &cfg->vms[0], err);

	config_free(cfg);
	return r;
}

static void
test_config_vm_complete_names_what_is_missing_and_where(void **state)
{
	struct config_vm *vm;
	struct error err;

	assert_int_equal(complete("[vm a]\nkernel = /k\n", &err), 0);
	assert_int_equal(complete("[vm a]\ndisk = /k\n", &err), 0);
	assert_int_equal(complete("[vm a]\nboot=cdrom\ncdrom = /k\n", &err), 0);
	assert_int_equal(
	    complete("[vm a]\nboot=cdrom\ncdrom = empty\ndisk = /d\n", &err),
	    0);
	assert_int_equal(
	    complete("[vm a]\nboot=cdrom\ncdrom = empty\n", &err), -1);
	assert_ptr_equal(strstr(err.text, "c:2: a boots from"), err.text);
	assert_int_equal(complete("[vm a]\ncdrom = empty\n", &err), -1);
	assert_int_equal(complete("\n[vm a]\n", &err), -1);
	assert_string_equal(err.text,
	    "c:2: a has nothing to boot: add kernel = PATH, disk = PATH or "
	    "cdrom = PATH");
	assert_int_equal(
	    complete("[vm a]\ndisk = /d\ninitrd = /i\n", &err), -1);
	assert_ptr_equal(strstr(err.text, "c:3: a has initrd"), err.text);
	assert_int_equal(
	    complete("[vm a]\ndisk = /d\ncmdline = x\n", &err), -1);
	assert_ptr_equal(strstr(err.text, "c:3: a has cmdline"), err.text);
	assert_int_equal(
	    complete("[vm a]\ndisk = /d\nboot = cdrom\n", &err), -1);
	assert_ptr_equal(strstr(err.text, "c:3: a boots from"), err.text);
	assert_int_equal(
	    complete("[vm a]\nkernel = /k\nboot = net\n", &err), -1);
	assert_ptr_equal(
	    strstr(err.text, "c:3: a boots from the network and has no "),
	    err.text);
	assert_int_equal(
	    complete("[vm a]\nboot = net\ninterface = local\n", &err), 0);

	vm = config_vm_new("x", &err);
	config_vm_set(vm, "kernel", "/k", "/", &err);
	config_vm_set(vm, "interface", "switch=lan", "/", &err);
	assert_int_equal(config_vm_complete(NULL, vm, &err), -1);
	assert_ptr_equal(strstr(err.text, "x is plugged into"), err.text);
	config_vm_free(vm);
}

static void
test_config_no_vm_suggests_the_nearest(void **state)
{
	struct config *cfg = load("[vm alpha]\n[vm beta]\n");
	struct error err;

	assert_int_equal(config_no_vm(cfg, "aplha", &err), -1);
	assert_string_equal(
	    err.text, "no guest is called aplha (did you mean \"alpha\"?)");
	config_no_vm(cfg, "x", &err);
	assert_string_equal(
	    err.text, "no guest is called x; vmtui status lists them");
	config_free(cfg);
}

static void
test_config_nearest_is_a_slip_not_another_word(void **state)
{
	static const char *const words[] = {"balloon", "send", "stop", NULL};

	assert_string_equal(config_nearest("balon", words), "balloon");
	assert_string_equal(config_nearest("Snd", words), "send");
	assert_string_equal(config_nearest("sotp", words), "stop");
	assert_null(config_nearest("link", words));
	assert_null(config_nearest("b", words));
}

static void
test_config_lladdr_is_stable_local_and_different(void **state)
{
	static const uint8_t known[6] = {0x02, 0x63, 0x3b, 0x71, 0xc9, 0x8f};
	uint8_t a[6], b[6], seen[64][6];
	size_t i, j;
	char name[16];

	config_vm_lladdr("host", "mv1", 0, a);
	config_vm_lladdr("host", "mv1", 0, b);
	assert_memory_equal(a, b, 6);
	assert_int_equal(a[0] & 3, 2); /* local, not multicast */
	/* The addresses of guests that run may not change in a new version. */
	assert_memory_equal(a, known, 6);
	config_vm_lladdr("other", "mv1", 0, b);
	assert_memory_not_equal(a, b, 6);
	config_vm_lladdr(NULL, "mv1", 0, b);
	assert_memory_not_equal(a, b, 6);
	for (i = 0; i < 64; i++) {
		snprintf(name, sizeof name, "vm%zu", i / 8);
		config_vm_lladdr("host", name, (unsigned)i % 8, seen[i]);
		for (j = 0; j < i; j++)
			assert_memory_not_equal(seen[i], seen[j], 6);
	}
}

static void
test_config_paths_start_where_they_should(void **state)
{
	static const struct {
		const char *path, *folder, *whole;
	} list[] = {
	    {"/a", "/f", "/a"},
	    {"a", "/f", "/f/a"},
	    {"a", "/", "/a"},
	    {"./a", "/f/", "/f/a"},
	    {"../a", "/f", "/f/../a"},
	    {"~/a", "/f", "/home/me/a"},
	    {"~//a", "/f", "/home/me/a"},
	    {"./~a", "/f", "/f/~a"},
	};
	char *old = getenv("HOME") ? strdup(getenv("HOME")) : NULL, *got;
	char longest[5000];
	struct error err;
	size_t i;

	setenv("HOME", "/home/me", 1);
	for (i = 0; i < sizeof list / sizeof *list; i++) {
		got = config_path_expand(list[i].path, list[i].folder, &err);
		assert_string_equal(got, list[i].whole);
		free(got);
	}
	memset(longest, 'x', sizeof longest);
	longest[sizeof longest - 1] = '\0';
	assert_null(config_path_expand(longest, "/", &err));
	assert_null(config_path_expand("~you/x", "/", &err));
	assert_null(config_path_expand("", "/", &err));
	if (old != NULL)
		setenv("HOME", old, 1);
	free(old);
}

static void
test_config_default_path_follows_the_environment(void **state)
{
	char buf[256];
	struct error err;

	setenv("VMTUI_CONFIG", "/x.conf", 1);
	assert_int_equal(config_default_path(buf, sizeof buf, &err), 0);
	assert_string_equal(buf, "/x.conf");
	assert_int_equal(config_default_path(buf, 4, &err), -1);
	unsetenv("VMTUI_CONFIG");
	setenv("XDG_CONFIG_HOME", "/xdg", 1);
	assert_int_equal(config_default_path(buf, sizeof buf, &err), 0);
	assert_string_equal(
	    buf, geteuid() == 0 ? "/etc/vmtui.conf" : "/xdg/vmtui/vmtui.conf");
	/* What is relative does not count. */
	setenv("XDG_CONFIG_HOME", "xdg", 1);
	setenv("HOME", "/h", 1);
	assert_int_equal(config_default_path(buf, sizeof buf, &err), 0);
	assert_string_equal(buf,
	    geteuid() == 0 ? "/etc/vmtui.conf" : "/h/.config/vmtui/vmtui.conf");
	unsetenv("XDG_CONFIG_HOME");
}

/* Loads a path, which must fail at line 0 with the words. */
static void
check_unreadable(const char *path, const char *say)
{
	struct config_mistakes ms = {0};
	struct config *cfg;

	assert_int_equal(config_load(path, 0, &cfg, &ms), -1);
	assert_null(cfg);
	assert_int_equal(ms.count, 1);
	assert_int_equal(ms.list[0].line, 0);
	assert_non_null(strstr(ms.list[0].text, say));
	config_mistakes_clear(&ms);
}

static void
test_config_load_tells_why_a_file_cannot_be_read(void **state)
{
	char dir[] = "/tmp/vmtui-test-XXXXXX", path[64];
	struct config_mistakes ms = {0};
	struct config *cfg;
	int fd;

	assert_non_null(mkdtemp(dir));
	check_unreadable(dir, "folder");
	check_unreadable("/dev/null", "not a regular file");
	snprintf(path, sizeof path, "%s/fifo", dir);
	assert_int_equal(mkfifo(path, 0600), 0);
	check_unreadable(path, "not a regular file");
	unlink(path);
	snprintf(path, sizeof path, "%s/c", dir);
	check_unreadable(path, "no such file");
	assert_int_equal(config_load(path, CONFIG_MISSING_OK, &cfg, &ms), 0);
	assert_int_equal(cfg->nvms, 0);
	assert_string_equal(cfg->folder, dir);
	config_free(cfg);

	fd = open(path, O_WRONLY | O_CREAT, 0600);
	assert_true(fd != -1);
	assert_int_equal(ftruncate(fd, CONFIG_FILE_MAX + 1), 0);
	check_unreadable(path, "larger than 4 megabytes");
	assert_int_equal(ftruncate(fd, 0), 0);
	assert_int_equal(write(fd, "[vm a]\nkernel=k\n", 16), 16);
	assert_int_equal(config_load(path, 0, &cfg, &ms), 0);
	snprintf(path, sizeof path, "%s/k", dir);
	assert_string_equal(cfg->vms[0].kernel, path);
	config_free(cfg);
	config_mistakes_clear(&ms);
	snprintf(path, sizeof path, "%s/c", dir);
	if (geteuid() != 0) {
		assert_int_equal(fchmod(fd, 0), 0);
		check_unreadable(path, "Permission denied");
	}
	close(fd);
	unlink(path);
	rmdir(dir);
}

static void
test_config_example_has_no_mistakes(void **state)
{
	struct config_mistakes ms = {0};
	struct config *cfg;
	char buf[1024];

	if (access("config/example.conf", R_OK) == -1)
		SKIP("not run from the top of the source tree");
	if (config_load("config/example.conf", 0, &cfg, &ms) == -1)
		fail_msg("%s", config_mistake_format(&ms, 0, buf, sizeof buf));
	assert_int_equal(cfg->nvms, 4);
	assert_int_equal(config_find_vm(cfg, "debian2")->cpus, 2);
	config_free(cfg);
	config_mistakes_clear(&ms);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_config_vm_is_made_with_the_file_s_rules),
	    cmocka_unit_test(test_config_vm_inherits_what_it_does_not_say),
	    cmocka_unit_test(test_config_vm_copy_outlives_its_model),
	    cmocka_unit_test(
		test_config_vm_complete_names_what_is_missing_and_where),
	    cmocka_unit_test(test_config_no_vm_suggests_the_nearest),
	    cmocka_unit_test(test_config_nearest_is_a_slip_not_another_word),
	    cmocka_unit_test(test_config_lladdr_is_stable_local_and_different),
	    cmocka_unit_test(test_config_paths_start_where_they_should),
	    cmocka_unit_test(test_config_default_path_follows_the_environment),
	    cmocka_unit_test(test_config_load_tells_why_a_file_cannot_be_read),
	    cmocka_unit_test(test_config_example_has_no_mistakes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
