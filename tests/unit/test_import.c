/* config/import: vm.conf(5) in both spellings, and what it becomes. */
#include <sys/stat.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "config/config.h"
#include "config/import.h"
#include "tests/unit/unit.h"

/* The model that a good vm.conf becomes; its text in *im. */
static struct config *
good(const char *text, struct config_import *im)
{
	struct config_mistakes ms = {0};
	struct config *cfg = NULL;

	if (config_import_string(text, strlen(text), "vm.conf", "/x", im) == -1)
		fail_msg("%s", im->mistakes[0]);
	assert_int_equal(
	    config_load_string(im->text, im->len, "/x", &cfg, &ms), 0);
	config_mistakes_clear(&ms);
	return cfg;
}

/* A good one's text holds each of the words (NULL ends them). */
static void
becomes(const char *text, const char *const *words)
{
	struct config_import im;

	config_free(good(text, &im));
	for (; *words != NULL; words++)
		if (strstr(im.text, *words) == NULL)
			fail_msg("no \"%s\" in\n%s", *words, im.text);
	config_import_clear(&im);
}

#define BECOMES(text, ...) \
	becomes(text, (const char *const[]){__VA_ARGS__, NULL})

/* A bad one has exactly this mistake first. */
static void
refused(const char *text, const char *mistake)
{
	struct config_import im;

	assert_int_equal(
	    config_import_string(text, strlen(text), "vm.conf", NULL, &im), -1);
	assert_null(im.text);
	assert_string_equal(im.mistakes[0], mistake);
	config_import_clear(&im);
}

static const char example_2017[] = "switch \"local\" {\n"
				   "    add em0\n"
				   "    add tap0\n"
				   "    add tap1\n"
				   "}\n"
				   "vm \"mv1\" {\n"
				   "    memory 512M\n"
				   "    kernel \"/bsd.rd\"\n"
				   "    disk \"/vmm/mv1.img\"\n"
				   "    interface {\n"
				   "        switch \"local\"\n"
				   "        lladdr 00:20:91:00:00:01\n"
				   "    }\n"
				   "}\n";

static void
test_import_reads_the_example_of_2017(void **state)
{
	static const uint8_t lladdr[6] = {0, 0x20, 0x91, 0, 0, 1};
	const struct config_switch *sw;
	const struct config_vm *vm;
	struct config_import im;
	struct config *cfg = good(example_2017, &im);

	assert_int_equal(cfg->nswitches, 1);
	sw = config_find_switch(cfg, "local");
	assert_non_null(sw);
	assert_int_equal(sw->nadds, 3);
	assert_string_equal(sw->adds[0].name, "em0");
	assert_string_equal(sw->adds[1].name, "tap0");
	assert_string_equal(sw->adds[2].name, "tap1");
	assert_int_equal(cfg->nvms, 1);
	vm = config_find_vm(cfg, "mv1");
	assert_non_null(vm);
	assert_int_equal(vm->memory, 512 << 20);
	assert_string_equal(vm->kernel, "/bsd.rd");
	assert_int_equal(vm->ndisks, 1);
	assert_string_equal(vm->disks[0].path, "/vmm/mv1.img");
	assert_int_equal(vm->disks[0].format, CONFIG_FORMAT_AUTO);
	assert_int_equal(vm->ninterfaces, 1);
	assert_string_equal(vm->interfaces[0].switch_name, "local");
	assert_memory_equal(vm->interfaces[0].lladdr, lladdr, 6);
	assert_false(vm->interfaces[0].locked);
	assert_false(vm->enable);
	assert_null(vm->owner_user);
	assert_int_equal(cfg->global.line, 0);
	config_free(cfg);
	config_import_clear(&im);
}

/* Comments apart, it is the text that the example is known by. */
static void
test_import_writes_the_example_as_a_person_would(void **state)
{
	static const char want[] =
	    "\n[switch local]\nadd = em0\nadd = tap0\nadd = tap1\n\n[vm mv1]\n"
	    "memory = 512M\nkernel = /bsd.rd\ndisk = /vmm/mv1.img\n"
	    "interface = switch=local, lladdr=00:20:91:00:00:01\n";

	BECOMES(example_2017, want);
}

static void
test_import_reads_both_spellings(void **state)
{
	BECOMES("vm a { boot \"/bsd\" }", "kernel = /bsd\n");
	BECOMES("vm a { kernel \"/bsd\" }", "kernel = /bsd\n");
	BECOMES("switch s { interface bridge0 }\nvm a {\nboot /b\n"
		"interface tap { switch s }\n}",
	    "interface = bridge0\n", "interface = switch=s\n");
	BECOMES("switch s { add vether0\ninterface bridge1 }",
	    "add = vether0\n", "interface = bridge1\n");
}

static void
test_import_reads_each_statement_of_a_guest(void **state)
{
	BECOMES("vm a {}", "[vm a]\n");
	BECOMES("vm 'a.b-c_d' { enable }", "[vm a.b-c_d]\n", "enable = yes\n");
	BECOMES("vm a { disable }", "enable = no\n");
	BECOMES("vm a { cdrom \"/x.iso\" boot device cdrom }",
	    "cdrom = /x.iso\n", "boot = cdrom\n");
	BECOMES("vm a { boot device disk }", "boot = disk\n");
	BECOMES("vm a { boot device net\nboot /bsd.rd }", "boot = net\n",
	    "kernel = /bsd.rd\n");
	BECOMES("vm a { boot \"/etc/firmware/vmm-bios\" }", "SeaBIOS");
	BECOMES("vm a { disk /a format raw\ndisk /b format \"qcow2\"\ndisk /c "
		"}",
	    "disk = /a, format=raw\n", "disk = /b, format=qcow2\n",
	    "disk = /c\n");
	BECOMES("vm a { owner joe }", "owner = joe\n");
	BECOMES("vm a { owner joe:users }", "owner = joe:users\n");
	BECOMES("vm a { owner :users }", "owner = :users\n");
	BECOMES("vm a { sev }", "# vm.conf: sev");
	BECOMES("vm a { allow instance { boot, cdrom, disk, instance\n"
		"interface, memory\nowner joe:joe } }",
	    "# vm.conf: allow instance");
}

static void
test_import_rounds_memory_as_vmd_does(void **state)
{
	BECOMES("vm a { memory 1G }", "memory = 1G\n");
	BECOMES("vm a { memory 1.5G }", "memory = 1536M\n");
	BECOMES("vm a { memory 512m }", "memory = 512M\n");
	BECOMES("vm a { memory 2097153 }", "memory = 2M\n");
	BECOMES("vm a { memory \"4096K\" }", "memory = 4M\n");
	refused("vm a { memory 512 }",
	    "vm.conf:1: memory 512 is less than a megabyte: did you mean 512M?");
	refused("vm a { memory 1e9 }",
	    "vm.conf:1: memory 1e9 is no size: write it as 512M or 2G");
	refused("vm a { memory 0x10M }",
	    "vm.conf:1: memory 0x10M is no size: write it as 512M or 2G");
	refused("vm a { memory 999E }",
	    "vm.conf:1: memory 999E is no size: write it as 512M or 2G");
}

static void
test_import_reads_interfaces(void **state)
{
	BECOMES("vm a { interface tap3 { locked lladdr fe:e1:ba:d0:00:01 } }",
	    "interface = lladdr=fe:e1:ba:d0:00:01, locked, tap=tap3\n");
	BECOMES("switch s {}\nvm a { interface { locked lladdr switch s } }",
	    "interface = switch=s, locked\n");
	BECOMES("switch s {}\nvm a { interface { lladdr\nswitch s up } }",
	    "interface = switch=s\n");
	BECOMES("vm a { local interface }", "interface = local\n");
	BECOMES("vm a { local interface tap1 { lladdr 02:00:00:00:00:01 } }",
	    "local", "lladdr=02:00:00:00:00:01", "tap=tap1");
	BECOMES("vm a { interface { group g rdomain 5 down } }",
	    "# vm.conf: interface group g", "# vm.conf: interface rdomain 5",
	    "# vm.conf: interface down", "interface = lladdr=02:");
	/* What stands behind it is no name of it. */
	BECOMES("vm a { interface memory 64M }", "memory = 64M\n");
}

static void
test_import_makes_as_many_interfaces_as_are_asked_for(void **state)
{
	struct config_import im;
	struct config *cfg;

	cfg = good("vm a { interfaces 3\nlocal interface }", &im);
	assert_int_equal(cfg->vms[0].ninterfaces, 3);
	assert_int_equal(cfg->vms[0].interfaces[0].net, CONFIG_NET_LOCAL);
	assert_int_equal(cfg->vms[0].interfaces[1].net, CONFIG_NET_TAP);
	config_free(cfg);
	config_import_clear(&im);
	refused("vm a { interfaces 9 }",
	    "vm.conf:1: 9: how many interfaces is a whole number, 8 at most");
}

static void
test_import_reads_switches(void **state)
{
	BECOMES("switch s { locked lladdr\ndisable }", "locked = yes\n",
	    "enable = no\n");
	BECOMES("switch s { enable up }", "enable = yes\n");
	BECOMES("switch s { down group g rdomain 1 }", "# vm.conf: down",
	    "# vm.conf: group g", "# vm.conf: rdomain 1");
}

static void
test_import_reads_instances(void **state)
{
	struct config_import im;
	struct config *cfg;

	cfg = good("vm \"a\" { memory 64M\nboot /k }\n"
		   "vm \"a\" instance \"b\" { memory 128M }",
	    &im);
	assert_int_equal(cfg->nvms, 2);
	assert_string_equal(cfg->vms[1].instance_of, "a");
	assert_int_equal(cfg->vms[1].memory, 128 << 20);
	assert_string_equal(cfg->vms[1].kernel, "/k");
	config_free(cfg);
	config_import_clear(&im);
	refused("vm a instance b { }",
	    "vm.conf:1: instance-of: no guest is called a: add [vm a]");
}

static void
test_import_reads_global_settings(void **state)
{
	BECOMES("socket owner root:vmm", "[vmtui]\ngroup = vmm\n");
	BECOMES("socket owner :vmm", "group = vmm\n");
	BECOMES("socket owner joe", "# vm.conf: socket owner joe");
	BECOMES("staggered start parallel 4 delay 30",
	    "[vmtui]\nstart-parallel = 4\nstart-delay = 30\n");
	BECOMES("local prefix 10.0.0.0/8", "# vm.conf: local prefix 10.0.0.0");
	BECOMES("local inet prefix 10.0.0.0/8", "# vm.conf: local prefix");
	BECOMES("local inet6", "# vm.conf: local inet6");
	BECOMES("local inet6 prefix fd00::/48", "# vm.conf: local inet6");
	BECOMES("agentx context c path \"/p\"", "# vm.conf: agentx");
	BECOMES("", "# Made by vmtui import from vm.conf.");
	refused("staggered start parallel x delay 1",
	    "vm.conf:1: x: how many guests at once is a whole number, 1024 at "
	    "most");
	refused("local prefx 1/2",
	    "vm.conf:1: behind local stands prefix, inet prefix or inet6, not "
	    "prefx");
}

static void
test_import_reads_comments_quotes_and_long_lines(void **state)
{
	BECOMES("# vm b {\nvm a { # }\nboot '/a b' # it \"s\n}",
	    "kernel = \"/a b\"\n");
	BECOMES("vm a { boot \\\n  /k\n}", "kernel = /k\n");
	BECOMES("# over two lines \\\nvm b {}\nvm a { boot /k }", "[vm a]\n");
	BECOMES("vm a { boot /k#x\n}", "kernel = /k\n");
	BECOMES("vm a { cdrom \"/a\\ b\" }", "cdrom = \"/a b\"\n");
	BECOMES("vm a\n{\r\nboot /k\r\n}\r\n", "kernel = /k\n");
	BECOMES(
	    "\xef\xbb\xbfvm a { boot \"/\xc3\xa4\" }", "kernel = /\xc3\xa4\n");
	refused("vm a { boot \"/k }\n}",
	    "vm.conf:1: the quote (\") is not closed in its line");
	refused("vm a {\nboot \"/a\\\"b\"\n}",
	    "vm.conf:2: /a\"b cannot be written in a configuration of vmtui "
	    "because of its \": rename it");
	refused("vm a {\nboot \"/a ;b\"\n}",
	    "vm.conf:2: /a ;b cannot be written in a configuration of vmtui "
	    "because of its \" ;\": rename it");
}

static void
test_import_keeps_paths_with_commas_whole(void **state)
{
	struct config_import im;
	struct config *cfg;

	cfg = good("vm a { disk \"/a, b\"\ndisk \"/c,d\" format raw }", &im);
	assert_int_equal(cfg->vms[0].ndisks, 2);
	assert_string_equal(cfg->vms[0].disks[0].path, "/a, b");
	assert_string_equal(cfg->vms[0].disks[1].path, "/c,d");
	assert_int_equal(cfg->vms[0].disks[1].format, CONFIG_FORMAT_RAW);
	config_free(cfg);
	config_import_clear(&im);
}

static void
test_import_expands_macros(void **state)
{
	BECOMES("k=\"/bsd.rd\"\nm = 64M\nvm a { boot $k memory $m }",
	    "kernel = /bsd.rd\n", "memory = 64M\n");
	BECOMES("k=/a\nk=/b\nvm a { boot $k }", "kernel = /b\n");
	BECOMES("o=\"memory 64M disk /d\"\nvm a { $o }", "memory = 64M\n",
	    "disk = /d\n");
	BECOMES("k=/a\nvm a { boot \"$k\" }", "kernel = $k\n");
	BECOMES("k=/a\nj=$k\nvm a { boot $j }", "kernel = /a\n");
	refused("ram=64M\nvm a { memory $rma }",
	    "vm.conf:2: no macro is called rma (did you mean \"$ram\"?)");
	refused("vm a { memory $x }",
	    "vm.conf:1: no macro is called x: define it above with x = "
	    "\"value\"");
	refused("disk = /d",
	    "vm.conf:1: disk is a word of the file itself: choose another name "
	    "for the macro");
	refused("a-b = 1",
	    "vm.conf:1: a-b cannot be the name of a macro: letters, digits and "
	    "_ can");
	refused("a = \"$b\"\nb = 1\nvm v { memory $a }",
	    "vm.conf:3: a macro is not expanded inside another one's value");
	refused("a =\n", "vm.conf:1: the value of the macro was expected here");
}

static void
test_import_says_what_is_wrong_and_where(void **state)
{
	refused("vm a {\nmemmory 5\n}",
	    "vm.conf:2: a guest has no \"memmory\" (did you mean "
	    "\"memory\"?)");
	refused("\nfrobnicate",
	    "vm.conf:2: a vm.conf has no \"frobnicate\", as far as vmtui "
	    "knows");
	refused("vm a {\n", "vm.conf:1: the { of this line is not closed");
	refused("vm a { }\n}", "vm.conf:2: there is a } without its {");
	refused("vm a memory 5",
	    "vm.conf:1: behind the name of a guest stands instance");
	refused("vm \"\" { }",
	    "vm.conf:1: the name of a guest was expected, and the quotes are "
	    "empty");
	refused("vm 9a { }",
	    "vm.conf:1: a name is a letter, then letters, digits, \".\", \"_\" "
	    "or \"-\"");
	refused("vm a { }\nvm a { }",
	    "vm.conf:2: there is a guest called a already, in line 1: choose "
	    "another name");
	refused("switch lan { }\nvm a {\ninterface { switch lam } }",
	    "vm.conf:3: no switch is called lam (did you mean \"lan\"?): vmd "
	    "would plug the interface into nothing");
	refused("vm a { disk /a format vmdk }",
	    "vm.conf:1: \"vmdk\" is no format of a disk: raw and qcow2 are");
	refused("vm a { boot device cdrm }",
	    "vm.conf:1: \"cdrm\" is no device to boot from (did you mean "
	    "\"cdrom\"?)");
	refused("vm a { interface em0 }",
	    "vm.conf:1: \"em0\" is no interface of a guest: tap and tap0, tap1 "
	    "... are");
	refused(
	    "include \"/etc/x\"", "vm.conf:1: nothing can be included here");
}

/* What only our own check finds is said of the line in vm.conf. */
static void
test_import_blames_the_line_of_vm_conf(void **state)
{
	refused("# a\n# b\nvm a {\nkernel /k\n# c\nboot /l\n}",
	    "vm.conf:6: kernel is given twice, first in line 4: leave one out");
	refused("vm a {\nenable\ndisable\n}",
	    "vm.conf:3: enable is given twice, first in line 2: leave one out");
	refused("vm a {\nowner 'a b'\n}",
	    "vm.conf:2: owner = a b: write USER or USER:GROUP; \"a b\" cannot be a user or a group");
}

static void
test_import_collects_all_mistakes(void **state)
{
	static const char text[] = "vm a {\nmemroy 1\ndsk 2 { x }\nboot\n}\n"
				   "foo {\n bar\n}\nswitch {\n}\nvm b {\n";
	struct config_import im;

	assert_int_equal(
	    config_import_string(text, sizeof text - 1, "vm.conf", NULL, &im),
	    -1);
	assert_int_equal(im.nmistakes, 6);
	assert_non_null(strstr(im.mistakes[1], "vm.conf:3:"));
	assert_non_null(strstr(im.mistakes[2], "vm.conf:4:"));
	assert_non_null(strstr(im.mistakes[3], "vm.conf:6:"));
	config_import_clear(&im);
}

/* Nothing in a vm.conf can become a line that it did not ask for. */
static void
test_import_cannot_be_made_to_write_other_lines(void **state)
{
	refused("vm a { owner \"a\001b\" }",
	    "vm.conf:1: there is a control character (0x01): remove it (is "
	    "this a text file?)");
	BECOMES("local prefix \"x] [vm evil]\"",
	    "# vm.conf: local prefix x] [vm evil]");
	refused("socket owner \":x = y; z\"",
	    "vm.conf:1: group = x = y; z: \"x = y; z\" cannot be a user or a "
	    "group");
}

static void
put_file(const char *folder, const char *name, const char *text)
{
	char path[256];
	FILE *f;

	snprintf(path, sizeof path, "%s/%s", folder, name);
	f = fopen(path, "we");
	assert_non_null(f);
	fputs(text, f);
	fclose(f);
}

static void
test_import_includes_files_and_refuses_loops(void **state)
{
	char dir[] = "/tmp/vmtui-import-XXXXXX", path[256], want[256];
	static const char *const names[] = {"a", "b", "c", "fifo", "loop"};
	struct config_import im;
	size_t i;

	assert_non_null(mkdtemp(dir));
	put_file(dir, "a", "include \"b\"\nvm a { boot $k }\n");
	put_file(dir, "b", "k = /bsd # no end of line");
	snprintf(path, sizeof path, "%s/a", dir);
	assert_int_equal(config_import(path, NULL, &im), 0);
	assert_non_null(strstr(im.text, "kernel = /bsd\n"));
	config_import_clear(&im);

	put_file(dir, "b", "vm b {\nmemmory 4 }");
	assert_int_equal(config_import(path, NULL, &im), -1);
	snprintf(want, sizeof want,
	    "%s/b:2: a guest has no \"memmory\" (did you mean \"memory\"?)",
	    dir);
	assert_string_equal(im.mistakes[0], want);
	config_import_clear(&im);

	put_file(dir, "loop", "include \"c\"\n");
	put_file(dir, "c", "\ninclude \"loop\"\n");
	snprintf(path, sizeof path, "%s/loop", dir);
	assert_int_equal(config_import(path, NULL, &im), -1);
	assert_int_equal(im.nmistakes, 1);
	snprintf(want, sizeof want,
	    "%s/c:2: %s/loop includes itself this way: take the include out",
	    dir, dir);
	assert_string_equal(im.mistakes[0], want);
	config_import_clear(&im);

	snprintf(path, sizeof path, "%s/fifo", dir);
	assert_int_equal(mkfifo(path, 0600), 0);
	assert_int_equal(config_import(path, NULL, &im), -1);
	assert_non_null(strstr(im.mistakes[0], "not a regular file"));
	config_import_clear(&im);
	for (i = 0; i < sizeof names / sizeof *names; i++) {
		snprintf(path, sizeof path, "%s/%s", dir, names[i]);
		unlink(path);
	}
	rmdir(dir);
}

/* As many uses of a macro as a file can hold take no time worth noticing. */
static void
test_import_bounds_what_macros_expand_to(void **state)
{
	size_t len = 2 << 20, i, n;
	char *text = malloc(len);
	struct config_import im;

	assert_non_null(text);
	n = (size_t)snprintf(text, len, "a = \"");
	memset(text + n, 'x', 1000);
	n += 1000;
	n += (size_t)snprintf(text + n, len - n, "\"\n");
	for (i = n; i + 3 <= len; i += 3)
		memcpy(text + i, "$a\n", 3);
	assert_int_equal(config_import_string(text, i, "f", NULL, &im), -1);
	assert_int_equal(im.nmistakes, IMPORT_MISTAKES_MAX);
	assert_true(im.dropped < IMPORT_EXPAND_MAX + 2);
	config_import_clear(&im);
	free(text);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_import_reads_the_example_of_2017),
	    cmocka_unit_test(test_import_writes_the_example_as_a_person_would),
	    cmocka_unit_test(test_import_reads_both_spellings),
	    cmocka_unit_test(test_import_reads_each_statement_of_a_guest),
	    cmocka_unit_test(test_import_rounds_memory_as_vmd_does),
	    cmocka_unit_test(test_import_reads_interfaces),
	    cmocka_unit_test(
		test_import_makes_as_many_interfaces_as_are_asked_for),
	    cmocka_unit_test(test_import_reads_switches),
	    cmocka_unit_test(test_import_reads_instances),
	    cmocka_unit_test(test_import_reads_global_settings),
	    cmocka_unit_test(test_import_reads_comments_quotes_and_long_lines),
	    cmocka_unit_test(test_import_keeps_paths_with_commas_whole),
	    cmocka_unit_test(test_import_expands_macros),
	    cmocka_unit_test(test_import_says_what_is_wrong_and_where),
	    cmocka_unit_test(test_import_blames_the_line_of_vm_conf),
	    cmocka_unit_test(test_import_collects_all_mistakes),
	    cmocka_unit_test(test_import_cannot_be_made_to_write_other_lines),
	    cmocka_unit_test(test_import_includes_files_and_refuses_loops),
	    cmocka_unit_test(test_import_bounds_what_macros_expand_to),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
