/* config/: whatever the text is, the answer is a model or mistakes in it. */
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "tests/unit/unit.h"
#include "config/config.h"

#define ROUNDS   6000
#define TEXT_MAX 2048

static const char *const pieces[] = {"[vm a]\n", "[vm b]\n", "[switch s]\n",
    "[vmtui]\n", "[keys]\n", "[theme]\n", "[", "]", "\n", "\r\n", "\n  ", " ",
    "\t", "=", " = ", ":", ",", ", ", ";", " ;", "#", " #", "\"", "\\", "/",
    "~/", "\xef\xbb\xbf", "\xc3\xa4", "\xff", "0", "1", "64", "512M", "16G",
    "yes", "no", "memory = ", "cpus = ", "kernel = /k",
    "initrd = ", "cmdline = ", "boot = cdrom", "disk = /d",
    "cdrom = ", "interface = ", "switch=", "switch=s",
    "lladdr=", "02:00:00:00:00:01", "locked", "tap=t", "local", "user",
    "forward=tcp:1:2", "enable = ", "restart = always", "owner = a:b",
    "allow = title, clipboard", "allow = none", "instance-of = a",
    "instance-of = b", "balloon = yes", "hugepages", "add = em0\n",
    "address = 10.0.0.1/24\n", "nat = yes\n", "group = g\n",
    "start-delay = 3\n", "format=raw", "readonly", "cache=none"};

static uint64_t seed = 0x9e3779b97f4a7c15;

/* xorshift64: the same numbers in every run. */
static size_t
below(size_t n)
{
	seed ^= seed << 13;
	seed ^= seed >> 7;
	seed ^= seed << 17;
	return (size_t)(seed >> 16) % n;
}

/* What must hold of every answer. Returns whether there was a model. */
static bool
check(const char *text, size_t len)
{
	/* A copy of the right size: reading beyond it is caught. */
	char *exact = malloc(len + (len == 0));
	struct config_mistakes ms = {0};
	struct config *cfg;
	int lines = 1;
	bool good;
	size_t i;

	assert_non_null(exact);
	memcpy(exact, text, len);
	for (i = 0; i < len; i++)
		lines += text[i] == '\n';
	good = config_load_string(exact, len, "/f", &cfg, &ms) == 0;
	free(exact);
	assert_true(good == (cfg != NULL));
	assert_true(good == (ms.count == 0));
	for (i = 0; i < ms.count; i++) {
		assert_in_range(ms.list[i].line, 1, lines);
		assert_true(ms.list[i].text[0] != '\0');
		assert_true(i == 0 || ms.list[i - 1].line <= ms.list[i].line);
	}
	for (i = 0; good && i < cfg->nvms; i++) {
		assert_ptr_equal(
		    config_find_vm(cfg, cfg->vms[i].name), &cfg->vms[i]);
		assert_in_range(cfg->vms[i].line, 1, lines);
		assert_in_range(cfg->vms[i].cpus, 1, CONFIG_CPUS_MAX);
		assert_true(cfg->vms[i].memory > 0);
	}
	config_mistakes_clear(&ms);
	config_free(cfg);
	return good;
}

static void
test_config_survives_random_bytes(void **state)
{
	char text[TEXT_MAX];
	size_t i, n, round;

	for (round = 0; round < ROUNDS; round++) {
		n = below(300);
		for (i = 0; i < n; i++)
			text[i] = (char)below(256);
		check(text, n);
	}
}

static void
test_config_survives_random_pieces(void **state)
{
	char text[TEXT_MAX];
	size_t i, n, len, round, good = 0;
	const char *piece;

	for (round = 0; round < ROUNDS; round++) {
		len = 0;
		for (i = below(40); i > 0; i--) {
			piece = pieces[below(sizeof pieces / sizeof *pieces)];
			n = strlen(piece);
			if (len + n > sizeof text)
				break;
			memcpy(text + len, piece, n);
			len += n;
		}
		good += check(text, len);
	}
	assert_true(good > 0 && good < ROUNDS);
}

static void
test_config_survives_random_changes_of_a_good_file(void **state)
{
	static const char start[] =
	    "[switch s]\nadd = em0 ; x\naddress = 10.0.0.1/24\nnat = yes\n"
	    "[vm a]\nmemory = 512M\nkernel = /k\ncmdline = \"a b\"\n"
	    "disk = /d, format=raw, readonly\nowner = u:g\n"
	    "interface = switch=s, lladdr=00:20:91:00:00:01\n"
	    "interface = user, forward=tcp:2222:22\n"
	    "[vm b]\ninstance-of = a\nrestart = always\n";
	char text[TEXT_MAX];
	size_t i, at, len, round, good = 0;

	assert_true(check(start, sizeof start - 1));
	for (round = 0; round < ROUNDS; round++) {
		len = sizeof start - 1;
		memcpy(text, start, len);
		for (i = 1 + below(4); i > 0; i--) {
			at = below(len - 1);
			if (below(2) == 0) {
				text[at] = (char)below(256);
			} else {
				len--;
				memmove(text + at, text + at + 1, len - at);
			}
		}
		good += check(text, len);
	}
	assert_true(good > 0 && good < ROUNDS);
}

/* Files made to take long: minutes if each name is compared with each. */
static void
test_config_is_not_slowed_by_large_files(void **state)
{
	static const char *const lines[] = {"[vm a%zu]\ninstance-of = a%zu\n",
	    "[vm a%zu]\ninterface = switch=b%zu\n", "[switch a%zu]\nadd=b%zu\n",
	    "[vm a%zu]\nmemory%zu = 1\n", "[vm a%zu]\ninterface = tap=t%zu\n"};
	char *text = malloc(CONFIG_FILE_MAX);
	struct config_mistakes ms = {0};
	struct config *cfg;
	clock_t start = clock();
	size_t i, j, n;

	assert_non_null(text);
	for (i = 0; i < sizeof lines / sizeof *lines; i++) {
		n = 0;
		for (j = 0; n < CONFIG_FILE_MAX / 4; j++)
			n += (size_t)snprintf(
			    text + n, CONFIG_FILE_MAX - n, lines[i], j, j + 1);
		config_load_string(text, n, "f", &cfg, &ms);
		config_free(cfg);
		config_mistakes_clear(&ms);
	}
	assert_true(clock() - start < 20 * CLOCKS_PER_SEC);
	free(text);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_config_survives_random_bytes),
	    cmocka_unit_test(test_config_survives_random_pieces),
	    cmocka_unit_test(
		test_config_survives_random_changes_of_a_good_file),
	    cmocka_unit_test(test_config_is_not_slowed_by_large_files),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
