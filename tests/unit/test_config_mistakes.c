/* config/: every kind of mistake, its line and what is said about it. */
#include <stdlib.h>
#include <string.h>

#include "tests/unit/unit.h"
#include "config/config.h"

struct wrong {
	const char *text;
	int line;
	const char *say; /* must be in the sentence */
};

static int
load(const char *text, struct config_mistakes *ms)
{
	struct config *cfg;
	int r;

	*ms = (struct config_mistakes){0};
	r = config_load_string(text, strlen(text), "vmtui.conf", &cfg, ms);
	config_free(cfg);
	return r;
}

/* Each text has the one mistake at that line, and no other. */
static void
check_each(const struct wrong *w, size_t n)
{
	struct config_mistakes ms;
	char buf[1024];
	size_t i, j;
	bool good;

	for (i = 0; i < n; i++, w++) {
		good = load(w->text, &ms) == -1 && ms.count == 1 &&
		    ms.list[0].line == w->line &&
		    strstr(ms.list[0].text, w->say) != NULL;
		if (!good) {
			print_error("expected line %d: ...%s..., got:\n",
			    w->line, w->say);
			for (j = 0; j < ms.count; j++)
				print_error("%s\n",
				    config_mistake_format(
					&ms, j, buf, sizeof buf));
		}
		config_mistakes_clear(&ms);
		assert_true(good);
	}
}
#define CHECK_EACH(list) check_each(list, sizeof list / sizeof *list)

static void
test_config_mistakes_in_lines(void **state)
{
	static const struct wrong list[] = {
	    {"[vm a]\nmemory\n", 2, "neither a section nor a key"},
	    {"memory = 1G\n", 1, "memory stands before the first section"},
	    {"a = 1\nb = 2\n[vm c]\n", 1, "before the first section"},
	    {"[vm a]\n= 1G\n", 2, "no key before the \"=\""},
	    {"[vm a]\n: 1G\n", 2, "no key before the \":\""},
	    {"[vm a]\nmemory =\n", 2, "memory has no value"},
	    {"[vm a]\npin = 0-\n", 2, "such as 0-3 or 0,2,8-11"},
	    {"[vm a]\npin = 3-0\n", 2, "pin = 3-0: write numbers"},
	    {"[vm a]\npin = 0,\n", 2, "write numbers"},
	    {"[vm a]\npin = 1024\n", 2, "from 0 to 1023"},
	    {"[vm a]\npin = 0,4294967296\n", 2, "from 0 to 1023"},
	    {"[vm a]\npin = 0-2,1\n", 2, "CPU 1 is in it twice"},
	    {"[vm a]\npin = 0-64\n", 2, "more CPUs than a guest can have"},
	    {"[vm a]\nmemory = ; 1G\n", 2, "write memory = SIZE"},
	    {"[vm a]\nkernel = \"\"\n", 2, "kernel has no value"},
	    {"[vm a]\ncmdline = a=\"b ; c\"\n", 2, "also between quotes"},
	    {"[vm a]\nmemory = 1G # one\n", 2, "begins with \" ;\""},
	    {"[vm a]\nkernel = /k # mine\n", 2, "begins with \" ;\""},
	    {"[vm a]\ndisk = /k, readonly # mine\n", 2, "begins with \" ;\""},
	    {"[vm a]\ncmdline = a # b\n", 2, "begins with \" ;\""},
	    {"[vm a]\n\nkernel = /k\001\n", 3, "byte 12 of the line is 0x01"},
	    {"[vm a]\nkernel = /k\rx\n", 2, "0x0d"},
	    {"[vm a]\nkernel = /k\033[2J\n", 2, "control character"},
	    {"[vm a]\nkernel = /\xe4\n", 2, "byte 11 of the line (0xe4)"},
	    {"[vm a]\nkernel = /\xc0\xaf\n", 2, "not UTF-8"},
	    {"[vm a]\nkernel = /\xed\xa0\x80\n", 2, "not UTF-8"},
	    {"[vm a]\nkernel = /\xc2\x9b\n", 2, "not UTF-8"},
	    {"[vm a]\nkernel = /\xe2\x82\n", 2, "not UTF-8"},
	};

	CHECK_EACH(list);
}

static void
test_config_knows_a_vm_conf_and_says_so_once(void **state)
{
	struct config_mistakes ms;
	size_t i, said = 0;

	assert_int_equal(load("vm \"a\" {\n\tmemory 512M\n}\n"
			      "switch \"b\" {\n\tadd em0\n}\n",
			     &ms),
	    -1);
	for (i = 0; i < ms.count; i++)
		said += strstr(ms.list[i].text, "vm.conf(5)") != NULL;
	assert_int_equal(said, 1);
	assert_int_equal(ms.list[0].line, 1);
	config_mistakes_clear(&ms);
}

static void
test_config_mistakes_in_sections(void **state)
{
	static const struct wrong list[] = {
	    {"[vm a\nmemory = 1G\n", 1, "no \"]\""},
	    {"[vm a ; b]\n", 1, "no \"]\""},
	    {"[vm a] memory = 1G\n", 1, "\"memory = 1G\" stands behind"},
	    {"\n[vms a]\nfoo = 1\n", 2, "did you mean [vm a]?"},
	    {"[swich lan]\n", 1, "did you mean [switch lan]?"},
	    {"[mv1]\nmemory = 0\n", 1, "[vm mv1] for a guest"},
	    {"[]\n", 1, "write [vm NAME]"},
	    {"[vm]\n", 1, "the guest has no name"},
	    {"[switch]\n", 1, "the switch has no name"},
	    {"[vmtui x]\n", 1, "write [vmtui] instead of [vmtui x]"},
	    {"[vm 1a]\n", 1, "a name is a letter"},
	    {"[vm a b]\n", 1, "a name is a letter"},
	    {"[vm \xc3\xa4]\n", 1, "a name is a letter"},
	    {"[switch a/b]\n", 1, "a name is a letter"},
	    {"[vm abcdefghijklmnopqrstuvwxyz1234567]\n", 1,
		"at most 32 letters, not 33"},
	    {"[vm                                            abcdefghi]\n", 1,
		"too long"},
	    {"[vm a]\n[vm b]\n[vm a]\n", 3, "another guest (line 1)"},
	    {"[switch a]\n[vm a]\n[switch a]\n", 3, "another switch (line 1)"},
	    {"[vmtui]\n[vm a]\n[vmtui]\ngroup = x\n", 3, "first in line 1"},
	};

	CHECK_EACH(list);
}

static void
test_config_mistakes_in_keys(void **state)
{
	static const struct wrong list[] = {
	    {"[vm a]\nmemroy = 1G\n", 2, "did you mean \"memory\"?"},
	    {"[vm a]\nmem = 1G\n", 2, "did you mean \"memory\"?"},
	    {"[vm a]\nMemory = 1G\n", 2, "did you mean \"memory\"?"},
	    {"[vm a]\nram = 1G\n", 2, "did you mean \"memory\"?"},
	    {"[vm a]\niso = /x\n", 2, "did you mean \"cdrom\"?"},
	    {"[vm a]\ninstance_of = b\n", 2, "did you mean \"instance-of\"?"},
	    {"[vm a]\nzzz = 1G\n", 2, "it may have memory, cpus, pin"},
	    {"[vm a]\nadd = em0\n", 2, "belongs under [switch NAME]"},
	    {"[switch a]\nmemory = 1G\n", 2, "belongs under [vm NAME]"},
	    {"[vmtui]\nstart-paralel = 1\n", 2, "\"start-parallel\""},
	    {"[vm a]\nmemory = 1G\ncpus = 1\nmemory = 2G\n", 4,
		"memory is given twice, first in line 2"},
	    {"[keys]\nx = a\n\nx = b\n", 4, "first in line 2"},
	    {"[theme]\nx =\n", 2, "x has no value"},
	};

	CHECK_EACH(list);
}

static void
test_config_mistakes_in_values_of_guests(void **state)
{
	static const struct wrong list[] = {
	    {"[vm a]\nmemory = 0\n", 2, "2M is the least"},
	    {"[vm a]\nmemory = 512\n", 2, "did you mean 512M?"},
	    {"[vm a]\nmemory = 1M\n", 2, "2M is the least"},
	    {"[vm a]\nmemory = 17T\n", 2, "16T is the most"},
	    {"[vm a]\nmemory = lots\n", 2, "not a size"},
	    {"[vm a]\nmemory = -1G\n", 2, "not a size"},
	    {"[vm a]\nmemory = 99999999999999999999\n", 2, "not a size"},
	    {"[vm a]\nmemory = 5000000\n", 2, "write 4M or 5M"},
	    {"[vm a]\ncpus = 0\n", 2, "whole number from 1 to 64"},
	    {"[vm a]\ncpus = 65\n", 2, "whole number from 1 to 64"},
	    {"[vm a]\ncpus = 1.5\n", 2, "whole number from 1 to 64"},
	    {"[vm a]\ncpus = 18446744073709551617\n", 2, "from 1 to 64"},
	    {"[vm a]\nboot = network\n", 2, "write disk, cdrom or net"},
	    {"[vm a]\nrestart = allways\n", 2, "did you mean \"always\"?"},
	    {"[vm a]\nrestart = x\n", 2, "no, on-failure or always"},
	    {"[vm a]\nallow = titel\n", 2, "did you mean \"title\"?"},
	    {"[vm a]\nallow = title clipboard\n", 2,
		"write title, clipboard | none"},
	    {"[vm a]\nallow = title, none\n", 2, "\"none\" is none of them"},
	    {"[vm a]\nallow = title,\n", 2, "\"\" is none of them"},
	    {"[vm a]\nenable = maybe\n", 2, "write yes or no"},
	    {"[vm a]\nowner = :\n", 2, "USER or USER:GROUP"},
	    {"[vm a]\nowner = a b\n", 2, "cannot be a user"},
	    {"[vm a]\nowner = ada:\n", 2, "cannot be a user"},
	    {"[vm a]\nkernel = ~root/k\n", 2, "whole path"},
	    {"[vm a]\nkernel = \"/k\n", 2, "a quote too many"},
	    {"[vm a]\ninstance-of = b\n", 2, "no guest is called b"},
	    {"[vm ab1]\n[vm c]\ninstance-of = ab2\n", 3,
		"did you mean \"ab1\"?"},
	    {"[vm a]\ninstance-of = a\n", 2, "a -> a"},
	    {"[vm a]\ninstance-of = b\n[vm b]\ninstance-of = c\n"
	     "[vm c]\ninstance-of = b\n",
		4, "b -> c -> b"},
	};

	CHECK_EACH(list);
}

static void
test_config_mistakes_in_disks(void **state)
{
	static const struct wrong list[] = {
	    {"[vm a]\ndisk = format=raw\n", 2, "begins with the path"},
	    {"[vm a]\ndisk = , readonly\n", 2, "begins with the path"},
	    {"[vm a]\ndisk = /a, format=qcow\n", 2, "did you mean \"qcow2\"?"},
	    {"[vm a]\ndisk = /a, format\n", 2, "format needs a value"},
	    {"[vm a]\ndisk = /a, format=\n", 2, "format= needs a value"},
	    {"[vm a]\ndisk = /a, readonyl\n", 2, "did you mean \"readonly\"?"},
	    {"[vm a]\ndisk = /a, b.img\n", 2, "in quotes"},
	    {"[vm a]\ndisk = /a,\n", 2, "comma too many"},
	    {"[vm a]\ndisk = /a, readonly, readonly\n", 2, "twice"},
	    {"[vm a]\ndisk = /a, cache=writethru\n", 2, "none or unsafe"},
	    {"[vm a]\ndisk = /a\ndisk = /a\n", 3, "has that disk already"},
	    {"[vm a]\n"
	     "disk=/1\ndisk=/2\ndisk=/3\ndisk=/4\ndisk=/5\ndisk=/6\ndisk=/7\n"
	     "disk=/8\ndisk=/9\ndisk=/10\ndisk=/11\ndisk=/12\ndisk=/13\n"
	     "disk=/14\ndisk=/15\ndisk=/16\ndisk=/17\n",
		18, "at most 16 disks"},
	};

	CHECK_EACH(list);
}

#define LAN "[switch lan]\n[vm a]\n" /* what follows is line 3 */

static void
test_config_mistakes_in_interfaces(void **state)
{
	static const struct wrong list[] = {
	    {LAN "interface = switch=lam\n", 3, "did you mean \"lan\"?"},
	    {LAN "interface = switch=other\n", 3, "add [switch other]"},
	    {LAN "interface = lan\n", 3, "write switch=lan"},
	    {LAN "interface = swich=lan\n", 3, "did you mean \"switch\"?"},
	    {LAN "interface = switch=lan, lladr=1\n", 3, "\"lladdr\""},
	    {LAN "interface = switch=lan, local\n", 3, "more than one of"},
	    {LAN "interface = user, switch=lan\n", 3, "more than one of"},
	    {LAN "interface = user, tap=t0\n", 3, "has no tap"},
	    {LAN "interface = user, locked\n", 3, "locked is for"},
	    {LAN "interface = locked=perhaps\n", 3, "write yes or no"},
	    {LAN "interface = switch=lan, forward=tcp:1:2\n", 3, "user-mode"},
	    {LAN "interface = user, forward=22\n", 3, "such as tcp:2222:22"},
	    {LAN "interface = user, forward=tcp:0:22\n", 3, "1 to 65535"},
	    {LAN "interface = user, forward=tcp:65536:22\n", 3, "1 to 65535"},
	    {LAN "interface = user, forward=tcp:22\n", 3, "1 to 65535"},
	    {LAN "interface = user, forward=tcp:22:23:24\n", 3, "1 to 65535"},
	    {LAN "interface = user, forward=tcp:9:1, forward=tcp:9:2\n", 3,
		"forwarded already"},
	    {LAN "interface = lladdr=00:20:91:00:00\n", 3, "six pairs"},
	    {LAN "interface = lladdr=00:20:91:00:00:01:02\n", 3, "six pairs"},
	    {LAN "interface = lladdr=00:20:91:00:00:0g\n", 3, "six pairs"},
	    {LAN "interface = lladdr=01:20:91:00:00:01\n", 3, "multicast"},
	    {LAN "interface = lladdr=00:00:00:00:00:00\n", 3, "zeroes"},
	    {LAN "interface = tap=abcdefghijklmnop\n", 3, "at most 15"},
	    {LAN "interface = tap=a/b\n", 3, "network interface"},
	    {LAN "interface = lladdr=02:00:00:00:00:01\n[vm b]\n"
		 "interface = lladdr=02:00:00:00:00:01\n",
		5, "already that of a (line 3)"},
	    {LAN "interface = tap=t\n[vm b]\ninterface = tap=t\n", 5,
		"already that of a (line 3)"},
	    {LAN "interface=local\ninterface=local\ninterface=local\n"
		 "interface=local\ninterface=local\ninterface=local\n"
		 "interface=local\ninterface=local\ninterface=local\n",
		11, "at most 8 interfaces"},
	};

	CHECK_EACH(list);
}

static void
test_config_mistakes_in_switches(void **state)
{
	static const struct wrong list[] = {
	    {"[switch a]\naddress = 10.0.0.1\n", 2, "prefix"},
	    {"[switch a]\naddress = 10.0.0/24\n", 2, "not an IPv4 address"},
	    {"[switch a]\naddress = fe80::1/64\n", 2, "not an IPv4 address"},
	    {"[switch a]\naddress = 10.0.0.1/31\n", 2, "from 8 to 30"},
	    {"[switch a]\naddress = 10.0.0.1/x\nnat = yes\n", 2, "8 to 30"},
	    {"[switch a]\naddress = 10.0.0.0/24\n", 2, "whole network"},
	    {"[switch a]\naddress = 10.0.0.255/24\n", 2, "whole network"},
	    {"[switch a]\naddress = 127.0.0.1/8\n", 2, "no host can have"},
	    {"[switch a]\naddress = 224.0.0.1/8\n", 2, "no host can have"},
	    {"[switch a]\nnat = yes\n", 2, "no address to translate for"},
	    {"[switch a]\naddress = 10.0.0.1/24\n[switch b]\n"
	     "address = 10.0.1.1/16\n",
		4, "overlaps that of switch a (line 2)"},
	    {"[switch a]\nadd = em0\nadd = em0\n", 3, "that of a (line 2)"},
	    {"[switch a]\nadd = em0\n[switch b]\nadd = em0\n", 4,
		"that of a (line 2)"},
	    {"[switch a]\nadd = vs-b\n[switch b]\n", 2, "bridge of a switch"},
	    {"[switch a]\nadd = br0\ninterface = br0\n", 2, "itself"},
	    {"[switch a]\ninterface = br0\n[switch b]\ninterface = br0\n", 4,
		"the bridge br0 is already that of a (line 2)"},
	    {"[switch a]\n[switch b]\ninterface = vs-a\n", 3,
		"that of a (line 1)"},
	    {"[switch a]\ninterface = averylongbridge0\n", 2, "at most 15"},
	    {"[switch a]\nadd = e m\n", 2, "network interface"},
	    {"[vmtui]\ngroup = a b\n", 2, "cannot be a user or a group"},
	    {"[vmtui]\nstart-delay = 1h\n", 2, "from 0 to 3600"},
	};

	CHECK_EACH(list);
}

static void
test_config_reports_all_mistakes_by_line(void **state)
{
	static const int lines[] = {1, 4, 5, 6, 8, 9, 11, 12};
	struct config_mistakes ms;
	struct error err;
	char buf[256];
	size_t i;

	assert_int_equal(load("nothing\n"
			      "[vm a]\n"
			      "instance-of = b\n"
			      "memory = 0\n"
			      "interface = switch=none\n"
			      "memory = 1G\n"
			      "[vm b]\n"
			      "instance-of = c\n"
			      "kernl = /k\n"
			      "[switch s]\n"
			      "nat = yes\n"
			      "[vm a]\n",
			     &ms),
	    -1);
	assert_int_equal(ms.count, sizeof lines / sizeof *lines);
	for (i = 0; i < ms.count; i++)
		assert_int_equal(ms.list[i].line, lines[i]);
	config_mistake_format(&ms, 3, buf, sizeof buf);
	assert_string_equal(buf,
	    "vmtui.conf:6: memory is given twice, first in line 4: leave one "
	    "out");
	assert_int_equal(config_mistakes_error(&ms, &err), -1);
	assert_ptr_equal(strstr(err.text, "vmtui.conf:1: "), err.text);
	assert_non_null(strstr(err.text, "(and 7 more mistakes)"));
	config_mistakes_clear(&ms);
	assert_int_equal(ms.count, 0);
}

static void
test_config_keeps_a_bounded_number_of_mistakes(void **state)
{
	size_t n = 5000, i;
	char *text = malloc(n * 16 + 1);
	struct config_mistakes ms;

	assert_non_null(text);
	for (i = 0; i < n; i++)
		memcpy(text + i * 4, "[x]\n", 5);
	assert_int_equal(load(text, &ms), -1);
	assert_int_equal(ms.count, CONFIG_MISTAKES_MAX);
	assert_int_equal(ms.dropped, n - CONFIG_MISTAKES_MAX);
	config_mistakes_clear(&ms);
	free(text);
}

static void
test_config_refuses_lines_that_inih_would_cut(void **state)
{
	struct config_mistakes ms;
	char text[1024];

	snprintf(text, sizeof text, "[vm a]\nkernel = /%0200d\n", 0);
	assert_int_equal(load(text, &ms), -1);
	assert_int_equal(ms.count, 1);
	assert_int_equal(ms.list[0].line, 2);
	assert_non_null(strstr(ms.list[0].text, "210 bytes, and 199"));
	config_mistakes_clear(&ms);
	/* A command line is told how to go on. */
	snprintf(text, sizeof text, "[vm a]\n\ncmdline = /%0200d\n", 0);
	assert_int_equal(load(text, &ms), -1);
	assert_int_equal(ms.count, 1);
	assert_int_equal(ms.list[0].line, 3);
	assert_non_null(strstr(ms.list[0].text, "another cmdline ="));
	config_mistakes_clear(&ms);
	/* One byte less than too much is not refused. */
	snprintf(text, sizeof text, "[vm a]\ncmdline=%0*d\n",
	    CONFIG_LINE_MAX - 8, 0);
	assert_int_equal(load(text, &ms), 0);
	config_mistakes_clear(&ms);
	snprintf(text, sizeof text, "[vm a]\ncmdline=%0*d\n",
	    CONFIG_LINE_MAX - 7, 0);
	assert_int_equal(load(text, &ms), -1);
	config_mistakes_clear(&ms);
}

static void
test_config_bounds_the_command_line(void **state)
{
	struct config_mistakes ms;
	char text[8192];
	int n, i;

	n = snprintf(text, sizeof text, "[vm a]\n");
	for (i = 0; i < 28; i++)
		n += snprintf(
		    text + n, sizeof text - (size_t)n, "cmdline = %0150d\n", 0);
	assert_int_equal(load(text, &ms), -1);
	assert_int_equal(ms.count, 1);
	assert_int_equal(ms.list[0].line, 29);
	assert_non_null(strstr(ms.list[0].text, "longer than 4095"));
	config_mistakes_clear(&ms);
}

static void
test_config_refuses_zero_bytes(void **state)
{
	static const char text[] = "[vm a]\nmemory = 1G\0M\ncpus = 0\n";
	struct config_mistakes ms = {0};
	struct config *cfg;

	assert_int_equal(
	    config_load_string(text, sizeof text - 1, "x", &cfg, &ms), -1);
	assert_null(cfg);
	assert_int_equal(ms.count, 2);
	assert_int_equal(ms.list[0].line, 2);
	assert_non_null(strstr(ms.list[0].text, "0x00"));
	assert_int_equal(ms.list[1].line, 3);
	config_mistakes_clear(&ms);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_config_mistakes_in_lines),
	    cmocka_unit_test(test_config_knows_a_vm_conf_and_says_so_once),
	    cmocka_unit_test(test_config_mistakes_in_sections),
	    cmocka_unit_test(test_config_mistakes_in_keys),
	    cmocka_unit_test(test_config_mistakes_in_values_of_guests),
	    cmocka_unit_test(test_config_mistakes_in_disks),
	    cmocka_unit_test(test_config_mistakes_in_interfaces),
	    cmocka_unit_test(test_config_mistakes_in_switches),
	    cmocka_unit_test(test_config_reports_all_mistakes_by_line),
	    cmocka_unit_test(test_config_keeps_a_bounded_number_of_mistakes),
	    cmocka_unit_test(test_config_refuses_lines_that_inih_would_cut),
	    cmocka_unit_test(test_config_bounds_the_command_line),
	    cmocka_unit_test(test_config_refuses_zero_bytes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
