/* backend/proto: the spec on the wire, and where sockets and logs live. */
#include <sys/stat.h>

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tests/unit/unit.h"
#include "backend/proto/conn.h"
#include "backend/proto/paths.h"
#include "backend/proto/spec.h"
#include "backend/proto/text.h"

static int
some_fd(void)
{
	int fd = open("/dev/null", O_RDONLY | O_CLOEXEC);

	assert_int_not_equal(fd, -1);
	return fd;
}

static void
fill(struct guest_spec *spec)
{
	static const uint8_t mac[6] = {0, 0x20, 0x91, 0, 0, 0xfe};

	spec_init(spec);
	memcpy(spec->name, "mv1", 4);
	spec->memory = 5ULL << 30;
	spec->cpus = 3;
	spec->kvm_fd = some_fd();
	spec->listen_fd = some_fd();
	spec->kernel_fd = some_fd();
	spec->kernel = strdup("/boot/\"odd\" name");
	spec->cmdline = strdup("console=ttyS0");
	spec->firmware_fd = some_fd();
	spec->firmware = strdup("bios.bin");
	spec->netrom_fd = some_fd();
	spec->firmware_log = true;
	spec->serial2 = true;
	spec->pins.n = 2;
	spec->pins.cpu[0] = 7;
	spec->pins.cpu[1] = 1023;
	memcpy(spec->uuid, "\x12\x34sixteen bytes", 16);
	spec->boot = CONFIG_BOOT_NET;
	spec->rights = (struct rights){101, RIGHTS_NOBODY, 0xfffffffe};
	spec->disks = 2;
	spec->disk[0].files = 1;
	spec->disk[0].file[0].path = strdup("a.img");
	spec->disk[0].file[0].fd = some_fd();
	spec->disk[1].files = 2;
	spec->disk[1].file[0].path = strdup("b.img");
	spec->disk[1].file[0].fd = some_fd();
	spec->disk[1].file[0].format = 2;
	spec->disk[1].file[0].readonly = true;
	spec->disk[1].file[1].path = strdup("base.img");
	spec->disk[1].file[1].fd = some_fd();
	spec->disk[1].file[1].role = 1;
	spec->cdrom_drive = true;
	spec->cdrom.files = 1;
	spec->cdrom.file[0].path = strdup("cd.iso");
	spec->cdrom.file[0].fd = some_fd();
	spec->cdrom.file[0].readonly = true;
	spec->nics = 1;
	spec->nic[0].tap_fd[0] = some_fd();
	spec->nic[0].tap_fd[1] = some_fd();
	spec->nic[0].taps = 2;
	spec->nic[0].vhost_fd[0] = some_fd();
	spec->nic[0].vhost_fd[1] = some_fd();
	spec->nic[0].vhosts = 2;
	spec->nic[0].no_vhost = strdup("none");
	spec->nic[0].received = 1ULL << 40;
	spec->nic[0].sent = 77;
	memcpy(spec->nic[0].mac, mac, sizeof mac);
	spec->nic[0].ifname = strdup("vmt-mv1.0");
	spec->nic[0].bridge = strdup("vms-local");
}

static void
test_spec_is_read_back_as_it_was_written(void **state)
{
	int sent[CONN_MAX_FDS], got[CONN_MAX_FDS];
	struct guest_spec spec, back;
	struct error err;
	unsigned i, fds;
	json_t *json;

	fill(&spec);
	json = spec_encode(&spec, sent, &fds);
	assert_non_null(json);
	assert_int_equal(fds, 13);
	for (i = 0; i < fds; i++)
		got[i] = dup(sent[i]);
	assert_int_equal(spec_decode(json, got, fds, &back, &err), 0);
	for (i = 0; i < fds; i++)
		assert_int_equal(got[i], -1);
	assert_string_equal(back.name, "mv1");
	assert_true(back.memory == 5ULL << 30);
	assert_int_equal(back.cpus, 3);
	assert_int_equal(back.initrd_fd, -1);
	assert_string_equal(back.initrd, "");
	assert_string_equal(back.kernel, "/boot/\"odd\" name");
	assert_string_equal(back.firmware, "bios.bin");
	assert_int_not_equal(back.firmware_fd, -1);
	assert_int_not_equal(back.netrom_fd, -1);
	assert_true(back.firmware_log);
	assert_true(back.serial2);
	assert_int_equal(back.pins.n, 2);
	assert_int_equal(back.pins.cpu[0], 7);
	assert_int_equal(back.pins.cpu[1], 1023);
	assert_memory_equal(back.uuid, spec.uuid, 16);
	assert_int_equal(back.boot, CONFIG_BOOT_NET);
	assert_true(back.rights.group == 101);
	assert_true(back.rights.owner_user == RIGHTS_NOBODY);
	assert_true(back.rights.owner_group == 0xfffffffe);
	assert_int_equal(back.disks, 2);
	assert_int_equal(back.disk[0].files, 1);
	assert_int_equal(back.disk[1].files, 2);
	assert_string_equal(back.disk[1].file[0].path, "b.img");
	assert_string_equal(back.disk[1].file[1].path, "base.img");
	assert_true(back.disk[1].file[0].readonly);
	assert_false(back.disk[0].file[0].readonly);
	assert_int_equal(back.disk[1].file[0].format, 2);
	assert_int_equal(back.disk[1].file[1].role, 1);
	assert_int_not_equal(back.disk[1].file[1].fd, -1);
	assert_int_equal(back.cdrom.files, 1);
	assert_string_equal(back.cdrom.file[0].path, "cd.iso");
	assert_int_not_equal(back.cdrom.file[0].fd, -1);
	assert_int_equal(back.nics, 1);
	assert_int_equal(back.nic[0].taps, 2);
	assert_int_not_equal(back.nic[0].tap_fd[1], -1);
	assert_int_equal(back.nic[0].vhosts, 2);
	assert_int_not_equal(back.nic[0].vhost_fd[1], -1);
	assert_int_not_equal(back.nic[0].vhost_fd[1], back.nic[0].tap_fd[1]);
	assert_string_equal(back.nic[0].no_vhost, "none");
	assert_int_equal(back.nic[0].received, 1ULL << 40);
	assert_int_equal(back.nic[0].sent, 77);
	assert_string_equal(back.nic[0].ifname, "vmt-mv1.0");
	assert_string_equal(back.nic[0].bridge, "vms-local");
	assert_memory_equal(back.nic[0].mac, spec.nic[0].mac, 6);
	json_decref(json);
	spec_clear(&back);
	spec_clear(&spec);
}

static void
refuses(json_t *json, int *fd, unsigned fds)
{
	struct guest_spec spec;
	struct error err = {""};

	assert_int_equal(spec_decode(json, fd, fds, &spec, &err), -1);
	assert_int_not_equal(err.text[0], '\0');
	assert_int_equal(spec.kvm_fd, -1);
	assert_null(spec.kernel);
}

static void
test_spec_refuses_what_does_not_fit(void **state)
{
	int fd[CONN_MAX_FDS], none[CONN_MAX_FDS];
	struct guest_spec spec;
	json_t *json, *bad;
	unsigned i, fds;

	fill(&spec);
	json = spec_encode(&spec, fd, &fds);
	for (i = 0; i < CONN_MAX_FDS; i++)
		none[i] = -1;
	refuses(json, none, fds);
	refuses(json, none, 0);
	refuses(json_object_get(json, "disks"), none, 0);

	bad = json_deep_copy(json);
	json_object_set_new(bad, "memory", json_integer(-5));
	refuses(bad, none, 0);
	json_decref(bad);
	bad = json_deep_copy(json);
	json_object_set_new(
	    bad, "name", json_string("a-name-that-is-longer-than-thirty-two"));
	refuses(bad, none, 0);
	json_decref(bad);
	bad = json_deep_copy(json);
	json_object_set_new(bad, "kvm_fd", json_integer(64));
	refuses(bad, none, 6);
	json_decref(bad);
	bad = json_deep_copy(json);
	json_object_set_new(bad, "uuid", json_string("0123"));
	refuses(bad, none, 0);
	json_decref(bad);
	json_decref(json);
	spec_clear(&spec);
}

/* Two places may not name one descriptor: it would be closed twice. */
static void
test_spec_refuses_a_descriptor_named_twice(void **state)
{
	int sent[CONN_MAX_FDS], got[CONN_MAX_FDS];
	struct guest_spec spec, back;
	struct error err;
	unsigned i, fds;
	json_t *json;

	fill(&spec);
	json = spec_encode(&spec, sent, &fds);
	json_object_set_new(json, "listen_fd", json_integer(0));
	for (i = 0; i < fds; i++)
		got[i] = dup(sent[i]);
	assert_int_equal(spec_decode(json, got, fds, &back, &err), -1);
	for (i = 0; i < fds; i++)
		if (got[i] != -1)
			close(got[i]);
	json_decref(json);
	spec_clear(&spec);
}

static void
test_text_json_takes_any_bytes(void **state)
{
	static const struct {
		const char *in, *out;
	} cases[] = {
	    {"plain", "plain"},
	    {"gr\xc3\xbc\xc3\x9f", "gr\xc3\xbc\xc3\x9f"},
	    {"cut \xe2\x82", "cut ??"},
	    {"\xff/\xc3\xbc", "?/\xc3\xbc"},
	    {"\xc0\x80 \xed\xa0\x80", "?? ???"},
	    {"\xf0\x9f\x98\x80 \xf4\x90\x80\x80", "\xf0\x9f\x98\x80 ????"},
	    {NULL, ""},
	};
	json_t *json;
	size_t i;

	for (i = 0; i < sizeof cases / sizeof *cases; i++) {
		json = text_json(cases[i].in);
		assert_string_equal(json_string_value(json), cases[i].out);
		json_decref(json);
	}
}

static char folder[64];

static int
make_temp(void **state)
{
	snprintf(folder, sizeof folder, "/tmp/vmtui-test.XXXXXX");
	return mkdtemp(folder) == NULL ? -1 : 0;
}

static int
remove_temp(void **state)
{
	char path[128];
	static const char *const made[] = {
	    "r/guests", "r", "s/deep/log", "s/deep", "s", "open", ""};
	size_t i;

	for (i = 0; i < sizeof made / sizeof *made; i++) {
		snprintf(path, sizeof path, "%s/%s", folder, made[i]);
		rmdir(path);
	}
	unsetenv("VMTUI_RUNDIR");
	unsetenv("VMTUI_STATEDIR");
	return 0;
}

static void
test_paths_are_made_for_their_owner_alone(void **state)
{
	char dir[128], buf[256], want[256];
	struct error err;
	struct stat st;

	snprintf(dir, sizeof dir, "%s/r", folder);
	setenv("VMTUI_RUNDIR", dir, 1);
	snprintf(want, sizeof want, "%s/guests/mv1.sock", dir);
	assert_int_equal(paths_guest_socket(buf, sizeof buf, "mv1", &err), 0);
	assert_string_equal(buf, want);
	assert_int_equal(stat(dir, &st), 0);
	assert_int_equal(st.st_mode & 07777, 0700);

	snprintf(dir, sizeof dir, "%s/s/deep", folder);
	setenv("VMTUI_STATEDIR", dir, 1);
	snprintf(want, sizeof want, "%s/log/guest-mv1.log", dir);
	assert_int_equal(paths_log(buf, sizeof buf, "mv1", &err), 0);
	assert_string_equal(buf, want);
	/* A guest may have that name as well. */
	snprintf(want, sizeof want, "%s/log/guest-backend.log", dir);
	assert_int_equal(paths_log(buf, sizeof buf, "backend", &err), 0);
	assert_string_equal(buf, want);
	snprintf(want, sizeof want, "%s/log/backend.log", dir);
	assert_int_equal(paths_log(buf, sizeof buf, NULL, &err), 0);
	assert_string_equal(buf, want);
}

static void
test_paths_refuse_a_rundir_that_others_may_write(void **state)
{
	char dir[128], buf[256];
	struct error err;

	snprintf(dir, sizeof dir, "%s/open", folder);
	assert_int_equal(mkdir(dir, 0700), 0);
	assert_int_equal(chmod(dir, 01777), 0);
	setenv("VMTUI_RUNDIR", dir, 1);
	assert_int_equal(paths_rundir(buf, sizeof buf, &err), -1);
	assert_non_null(strstr(err.text, dir));
	setenv("VMTUI_RUNDIR", "/dev/null", 1);
	assert_int_equal(paths_rundir(buf, sizeof buf, &err), -1);
}

static void
test_paths_refuse_a_socket_that_is_too_long(void **state)
{
	char dir[256], buf[512];
	struct error err;

	snprintf(dir, sizeof dir, "%s", folder);
	while (strlen(dir) < 110)
		strncat(dir, "/.", 3);
	setenv("VMTUI_RUNDIR", dir, 1);
	assert_int_equal(paths_backend_socket(buf, sizeof buf, &err), -1);
	assert_non_null(strstr(err.text, "VMTUI_RUNDIR"));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_spec_is_read_back_as_it_was_written),
	    cmocka_unit_test(test_spec_refuses_what_does_not_fit),
	    cmocka_unit_test(test_spec_refuses_a_descriptor_named_twice),
	    cmocka_unit_test(test_text_json_takes_any_bytes),
	    cmocka_unit_test_setup_teardown(
		test_paths_are_made_for_their_owner_alone, make_temp,
		remove_temp),
	    cmocka_unit_test_setup_teardown(
		test_paths_refuse_a_rundir_that_others_may_write, make_temp,
		remove_temp),
	    cmocka_unit_test_setup_teardown(
		test_paths_refuse_a_socket_that_is_too_long, make_temp,
		remove_temp),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
