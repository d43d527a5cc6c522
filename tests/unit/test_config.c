/* config/: what a file without mistakes becomes. */
#include <arpa/inet.h>
#include <stdlib.h>
#include <string.h>

#include "tests/unit/unit.h"
#include "config/config.h"

static struct config *
load(const char *text)
{
	struct config_mistakes ms = {0};
	struct config *cfg;
	char buf[1024];
	size_t i;

	if (config_load_string(
		text, strlen(text), "/etc/vmtui.conf", &cfg, &ms) == -1) {
		for (i = 0; i < ms.count; i++)
			print_error("%s\n",
			    config_mistake_format(&ms, i, buf, sizeof buf));
		config_mistakes_clear(&ms);
		fail();
	}
	config_mistakes_clear(&ms);
	return cfg;
}

static const char example[] =
    "[switch local]\n"
    "add = em0            ; the host's interface on the local network\n"
    "add = tap0\n"
    "add = tap1\n"
    "\n"
    "[vm mv1]\n"
    "memory = 512M\n"
    "kernel = /bsd.rd\n"
    "disk = /vmm/mv1.qcow2\n"
    "interface = switch=local, lladdr=00:20:91:00:00:01\n";

static void
test_config_reads_the_example_of_the_design(void **state)
{
	static const uint8_t lladdr[6] = {0x00, 0x20, 0x91, 0, 0, 1};
	struct config *cfg = load(example);
	const struct config_switch *sw;
	const struct config_vm *vm;

	assert_int_equal(cfg->nswitches, 1);
	sw = config_find_switch(cfg, "local");
	assert_non_null(sw);
	assert_int_equal(sw->line, 1);
	assert_int_equal(sw->nadds, 3);
	assert_string_equal(sw->adds[0].name, "em0");
	assert_int_equal(sw->adds[0].line, 2);
	assert_string_equal(sw->adds[2].name, "tap1");
	assert_string_equal(sw->interface, "vs-local");
	assert_true(sw->enable);
	assert_false(sw->nat);
	assert_int_equal(sw->prefix, 0);

	assert_int_equal(cfg->nvms, 1);
	vm = config_find_vm(cfg, "mv1");
	assert_non_null(vm);
	assert_int_equal(vm->line, 6);
	assert_true(vm->memory == 512ULL << 20);
	assert_int_equal(vm->cpus, 1);
	assert_string_equal(vm->kernel, "/bsd.rd");
	assert_int_equal(config_vm_line(vm, "kernel"), 8);
	assert_int_equal(config_vm_line(vm, "cpus"), 6);
	assert_null(vm->initrd);
	assert_null(vm->cmdline);
	assert_int_equal(vm->ndisks, 1);
	assert_string_equal(vm->disks[0].path, "/vmm/mv1.qcow2");
	assert_int_equal(vm->disks[0].format, CONFIG_FORMAT_AUTO);
	assert_int_equal(vm->disks[0].cache, CONFIG_CACHE_WRITEBACK);
	assert_false(vm->disks[0].readonly);
	assert_int_equal(vm->disks[0].line, 9);
	assert_int_equal(vm->ninterfaces, 1);
	assert_int_equal(vm->interfaces[0].net, CONFIG_NET_SWITCH);
	assert_string_equal(vm->interfaces[0].switch_name, "local");
	assert_true(vm->interfaces[0].has_lladdr);
	assert_memory_equal(vm->interfaces[0].lladdr, lladdr, 6);
	assert_int_equal(vm->interfaces[0].line, 10);
	assert_false(vm->enable);
	assert_int_equal(vm->restart, CONFIG_RESTART_NO);
	config_free(cfg);
}

static void
test_config_reads_every_key(void **state)
{
	struct config *cfg =
	    load("[vmtui]\n"
		 "group = vmm\n"
		 "start-parallel = 4\n"
		 "start-delay = 0\n"
		 "shutdown-timeout = 120\n"
		 "[keys]\n"
		 "prefix = ctrl-a\n"
		 "[theme]\n"
		 "border = blue\n"
		 "[switch lan]\n"
		 "interface = br0\n"
		 "add = eth9\n"
		 "address = 10.1.0.1/16\n"
		 "nat = yes\n"
		 "locked = yes\n"
		 "enable = no\n"
		 "[vm a]\n"
		 "memory = 2G\n"
		 "cpus = 64\n"
		 "kernel = vmlinuz\n"
		 "initrd = ./initrd\n"
		 "cmdline = console=ttyS0 a;b\n"
		 "boot = cdrom\n"
		 "firmware = /bios.bin\n"
		 "firmware-log = yes\n"
		 "serial2 = yes\n"
		 "pin = 2,0-1\n"
		 "disk = a.raw, format=raw, readonly, cache=none\n"
		 "disk = \"/x, y #.img\", cache=unsafe\n"
		 "cdrom = /cd.iso\n"
		 "interface = switch=lan, tap=tap7\n"
		 "interface = local, locked, vhost=no\n"
		 "interface = user, forward=tcp:2222:22, "
		 "forward=udp:53:5353\n"
		 "interface = lladdr=02:00:00:00:00:aB\n"
		 "enable = yes\n"
		 "restart = on-failure\n"
		 "owner = ada:staff\n"
		 "balloon = yes\n"
		 "hugepages = yes\n"
		 "allow = title,clipboard\n");
	const struct config_switch *sw = &cfg->switches[0];
	const struct config_vm *vm = &cfg->vms[0];
	const struct config_interface *nic = vm->interfaces;
	const struct config_key *keys;
	size_t i;

	/* Every key means every key; templates have a test of their own. */
	keys = config_keys(CONFIG_VM);
	for (i = 0; keys[i].name != NULL; i++)
		assert_true(vm->lines[i] != 0 || keys[i].kind == CONFIG_K_VM);
	keys = config_keys(CONFIG_SWITCH);
	for (i = 0; keys[i].name != NULL; i++)
		assert_true(sw->lines[i] != 0);
	keys = config_keys(CONFIG_VMTUI);
	for (i = 0; keys[i].name != NULL; i++)
		assert_true(cfg->global.lines[i] != 0);

	assert_string_equal(cfg->global.group, "vmm");
	assert_int_equal(cfg->global.start_parallel, 4);
	assert_int_equal(cfg->global.start_delay, 0);
	assert_int_equal(cfg->global.shutdown_timeout, 120);
	assert_int_equal(cfg->nkeys, 1);
	assert_string_equal(cfg->keys[0].name, "prefix");
	assert_string_equal(cfg->keys[0].value, "ctrl-a");
	assert_int_equal(cfg->keys[0].line, 7);
	assert_int_equal(cfg->ntheme, 1);
	assert_string_equal(cfg->theme[0].value, "blue");

	assert_string_equal(sw->interface, "br0");
	assert_int_equal(ntohl(sw->address.s_addr), 0x0a010001);
	assert_int_equal(sw->prefix, 16);
	assert_true(sw->nat && sw->locked && !sw->enable);

	assert_true(vm->memory == 2ULL << 30);
	assert_int_equal(vm->cpus, 64);
	assert_string_equal(vm->kernel, "/etc/vmlinuz");
	assert_string_equal(vm->initrd, "/etc/initrd");
	assert_string_equal(vm->cmdline, "console=ttyS0 a;b");
	assert_int_equal(vm->boot, CONFIG_BOOT_CDROM);
	assert_int_equal(vm->ndisks, 2);
	assert_string_equal(vm->disks[0].path, "/etc/a.raw");
	assert_int_equal(vm->disks[0].format, CONFIG_FORMAT_RAW);
	assert_int_equal(vm->disks[0].cache, CONFIG_CACHE_NONE);
	assert_true(vm->disks[0].readonly);
	assert_string_equal(vm->disks[1].path, "/x, y #.img");
	assert_int_equal(vm->disks[1].cache, CONFIG_CACHE_UNSAFE);
	assert_string_equal(vm->cdrom, "/cd.iso");
	assert_int_equal(vm->ninterfaces, 4);
	assert_int_equal(nic[0].net, CONFIG_NET_SWITCH);
	assert_string_equal(nic[0].tap, "tap7");
	assert_true(nic[0].locked); /* its switch is */
	assert_int_equal(nic[1].net, CONFIG_NET_LOCAL);
	assert_true(nic[1].locked && !nic[1].vhost);
	assert_true(nic[0].vhost); /* where nobody says otherwise */
	assert_int_equal(nic[2].net, CONFIG_NET_USER);
	assert_int_equal(nic[2].nforwards, 2);
	assert_int_equal(nic[2].forwards[0].proto, CONFIG_PROTO_TCP);
	assert_int_equal(nic[2].forwards[0].host_port, 2222);
	assert_int_equal(nic[2].forwards[0].guest_port, 22);
	assert_int_equal(nic[2].forwards[1].proto, CONFIG_PROTO_UDP);
	assert_int_equal(nic[3].net, CONFIG_NET_TAP);
	assert_int_equal(nic[3].lladdr[5], 0xab);
	assert_string_equal(vm->firmware, "/bios.bin");
	assert_true(vm->firmware_log);
	assert_true(vm->serial2);
	assert_string_equal(vm->pin, "2,0-1");
	assert_true(vm->enable && vm->balloon && vm->hugepages);
	assert_int_equal(
	    vm->allow, CONFIG_ALLOW_TITLE | CONFIG_ALLOW_CLIPBOARD);
	assert_int_equal(vm->restart, CONFIG_RESTART_ON_FAILURE);
	assert_string_equal(vm->owner_user, "ada");
	assert_string_equal(vm->owner_group, "staff");
	config_free(cfg);
}

static void
test_config_table_describes_every_key(void **state)
{
	const struct config_key *key, *option;
	int i;

	for (i = 0; i < CONFIG_SECTIONS; i++) {
		for (key = config_keys(i); key->name != NULL; key++) {
			assert_non_null(key->help);
			assert_non_null(key->value);
			assert_ptr_equal(
			    config_key_find(config_keys(i), key->name), key);
			if (key->options == NULL)
				continue;
			for (option = key->options; option->name != NULL;
			     option++)
				assert_non_null(option->help);
		}
	}
	assert_null(config_key_find(config_keys(CONFIG_VM), "add"));
}

static void
test_config_ignores_blanks_line_ends_and_comments(void **state)
{
	struct config *cfg = load("\xef\xbb\xbf# a comment\r\n"
				  "; another\r\n"
				  "\r\n"
				  "  [ vm   \"mv1\" ]  ; here too\r\n"
				  "\tmemory=1G\t; and here\r\n"
				  "\tcpus : 2\r\n"
				  "    kernel = \"/a b\"   \r\n"
				  "[switch x] # fine\r\n"
				  "[vm last]\r\n"
				  "cpus=3");

	assert_int_equal(cfg->nvms, 2);
	assert_string_equal(cfg->vms[0].name, "mv1");
	assert_int_equal(cfg->vms[0].line, 4);
	assert_true(cfg->vms[0].memory == 1ULL << 30);
	/* Indented lines are keys of their own, not more of the one above. */
	assert_int_equal(cfg->vms[0].cpus, 2);
	assert_string_equal(cfg->vms[0].kernel, "/a b");
	assert_string_equal(cfg->vms[1].name, "last");
	assert_int_equal(cfg->vms[1].cpus, 3);
	/* A section may be empty. */
	assert_non_null(config_find_switch(cfg, "x"));
	config_free(cfg);
}

static void
test_config_keeps_what_was_written(void **state)
{
	struct config *cfg = load(example);
	const struct config_section *sec = cfg->sections;

	assert_int_equal(cfg->nsections, 2);
	assert_int_equal(sec[0].kind, CONFIG_SWITCH);
	assert_int_equal(sec[0].line, 1);
	assert_int_equal(sec[0].last, 4);
	assert_int_equal(sec[1].kind, CONFIG_VM);
	assert_string_equal(sec[1].name, "mv1");
	assert_int_equal(sec[1].nentries, 4);
	assert_string_equal(sec[1].entries[0].key, "memory");
	assert_string_equal(sec[1].entries[0].value, "512M");
	assert_int_equal(sec[1].entries[3].line, 10);
	config_free(cfg);
}

static void
test_config_joins_command_lines(void **state)
{
	char text[2048];
	struct config *cfg;
	int n, i;

	n = snprintf(text, sizeof text, "[vm a]\nkernel = /k\n");
	for (i = 0; i < 8; i++)
		n += snprintf(text + n, sizeof text - (size_t)n,
		    "cmdline = %d%0150d\n", i, 0);
	cfg = load(text);
	assert_int_equal(strlen(cfg->vms[0].cmdline), 8 * 151 + 7);
	assert_int_equal(cfg->vms[0].cmdline[152], '1');
	assert_int_equal(config_vm_line(&cfg->vms[0], "cmdline"), 3);
	config_free(cfg);
}

static void
test_config_takes_lines_as_long_as_inih_and_longer_comments(void **state)
{
	char text[2048], path[256] = "/";
	struct config *cfg;

	memset(path + 1, 'x', CONFIG_LINE_MAX - strlen("kernel=/"));
	snprintf(text, sizeof text,
	    "; %0500d\n[vm a]\nkernel=%s\ninitrd=/i ; %0500d\n", 0, path, 0);
	cfg = load(text);
	assert_string_equal(cfg->vms[0].kernel, path);
	assert_string_equal(cfg->vms[0].initrd, "/i");
	config_free(cfg);
}

static void
test_config_fills_in_from_templates(void **state)
{
	struct config *cfg =
	    load("[vm c]\ninstance-of = b\ncpus = 3\n"
		 "[vm b]\ninstance-of = a\ncmdline = own\ndisk = /b\n"
		 "[vm a]\nmemory = 1G\ncpus = 2\ncmdline = theirs\n"
		 "disk = /a1\ndisk = /a2\nenable = yes\nowner = ada\n"
		 "interface = switch=s, lladdr=02:00:00:00:00:01, tap=t0\n"
		 "[switch s]\n[vm d]\ninstance-of = a\n");
	const struct config_vm *b = config_find_vm(cfg, "b");
	const struct config_vm *c = config_find_vm(cfg, "c");
	const struct config_vm *d = config_find_vm(cfg, "d");

	assert_true(b->memory == 1ULL << 30 && c->memory == 1ULL << 30);
	assert_int_equal(b->cpus, 2);
	assert_int_equal(c->cpus, 3);
	assert_string_equal(c->cmdline, "own");
	assert_string_equal(d->cmdline, "theirs");
	assert_int_equal(c->ndisks, 1);
	assert_string_equal(c->disks[0].path, "/b");
	assert_int_equal(d->ndisks, 2);
	assert_true(c->enable);
	assert_string_equal(c->owner_user, "ada");
	assert_int_equal(config_vm_line(c, "memory"), 9);
	assert_int_equal(config_vm_line(c, "cpus"), 3);
	/* What must differ is not inherited. */
	assert_int_equal(c->ninterfaces, 1);
	assert_string_equal(c->interfaces[0].switch_name, "s");
	assert_false(c->interfaces[0].has_lladdr);
	assert_null(c->interfaces[0].tap);
	assert_string_equal(config_find_vm(cfg, "a")->interfaces[0].tap, "t0");
	config_free(cfg);
}

static void
test_config_derives_bridge_names_that_fit_and_differ(void **state)
{
	struct config *cfg = load("[switch twelveletter]\n"
				  "[switch thirteenlette]\n"
				  "[switch a-name-of-thirty-two-letters-01]\n"
				  "[switch a-name-of-thirty-two-letters-02]\n");
	size_t i;

	assert_string_equal(cfg->switches[0].interface, "vs-twelveletter");
	for (i = 0; i < 4; i++)
		assert_true(strlen(cfg->switches[i].interface) < IFNAMSIZ);
	assert_string_not_equal(
	    cfg->switches[2].interface, cfg->switches[3].interface);
	config_free(cfg);
}

static void
test_config_of_nothing_has_the_fallbacks(void **state)
{
	struct config *cfg = load("");

	assert_int_equal(cfg->nvms + cfg->nswitches + cfg->nsections, 0);
	assert_int_equal(cfg->global.line, 0);
	assert_int_equal(cfg->global.shutdown_timeout, 30);
	assert_null(cfg->global.group);
	config_free(cfg);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_config_reads_the_example_of_the_design),
	    cmocka_unit_test(test_config_reads_every_key),
	    cmocka_unit_test(test_config_table_describes_every_key),
	    cmocka_unit_test(test_config_ignores_blanks_line_ends_and_comments),
	    cmocka_unit_test(test_config_keeps_what_was_written),
	    cmocka_unit_test(test_config_joins_command_lines),
	    cmocka_unit_test(
		test_config_takes_lines_as_long_as_inih_and_longer_comments),
	    cmocka_unit_test(test_config_fills_in_from_templates),
	    cmocka_unit_test(
		test_config_derives_bridge_names_that_fit_and_differ),
	    cmocka_unit_test(test_config_of_nothing_has_the_fallbacks),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
