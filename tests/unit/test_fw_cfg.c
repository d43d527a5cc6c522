/* backend/dev/fw_cfg.c: what firmware is told, and the ways to ask. */
#include <sys/mman.h>
#include <sys/stat.h>

#include <endian.h>
#include <stdlib.h>
#include <string.h>

#include "tests/unit/unit.h"
#include "tests/unit/machine.h"
#include "backend/dev/dev.h"
#include "backend/dev/fw_cfg.h"

#define DIRECTORY 0x19
#define REQUEST   0x1000 /* of DMA, in guest memory */
#define TARGET    0x2000

struct request {
	uint32_t control, length;
	uint64_t address;
};

static void
get(struct machine *m, uint16_t key, void *buf, size_t len)
{
	uint8_t *p = buf;
	size_t i;

	out(m, FW_CFG_PORT, 2, key);
	for (i = 0; i < len; i++)
		p[i] = (uint8_t)in(m, FW_CFG_PORT + 1, 1);
}

/* A DMA request; returns its control word as it is left. */
static uint32_t
ask(struct machine *m, uint32_t control, uint32_t len, uint64_t address)
{
	struct request r = {htobe32(control), htobe32(len), htobe64(address)};
	uint32_t done;

	assert_int_equal(
	    guestmem_write(machine_mem(m), REQUEST, &r, sizeof r), 0);
	out(m, FW_CFG_DMA_PORT + 4, 4, htobe32(REQUEST));
	assert_int_equal(
	    guestmem_read(machine_mem(m), REQUEST, &done, sizeof done), 0);
	return be32toh(done);
}

/* The key and size of a file, from the directory. */
static uint16_t
find(struct machine *m, const char *name, uint32_t *size)
{
	struct {
		uint32_t size;
		uint16_t key, reserved;
		char name[56];
	} f;
	uint32_t n, i;

	get(m, DIRECTORY, &n, sizeof n);
	for (i = 0; i < be32toh(n); i++) {
		unsigned j;

		for (j = 0; j < sizeof f; j++)
			((uint8_t *)&f)[j] = (uint8_t)in(m, FW_CFG_PORT + 1, 1);
		if (strcmp(f.name, name) == 0) {
			*size = be32toh(f.size);
			return be16toh(f.key);
		}
	}
	return 0;
}

static struct fw_cfg *
new_cfg(struct machine *m)
{
	struct fw_cfg *cfg;
	struct error err;

	assert_int_equal(fw_cfg_create(m, &cfg, &err), 0);
	assert_int_equal(fw_cfg_add_file(cfg, "etc/one", "first", 5, &err), 0);
	assert_int_equal(
	    fw_cfg_add_file(cfg, "etc/two", "the second", 10, &err), 0);
	return cfg;
}

static void
test_fw_cfg_is_known_by_its_signature(void **state)
{
	uint8_t b[8];
	NEED_MACHINE(m, asked);

	new_cfg(m);
	get(m, 0, b, 6);
	assert_memory_equal(b, "QEMU\0\0", 6);
	get(m, 1, b, 4);
	assert_memory_equal(b, "\3\0\0\0", 4);
	get(m, 3, b, 8);
	assert_memory_equal(b, "\0\0\0\4\0\0\0\0", 8); /* 64 MiB */
	get(m, 5, b, 2);
	assert_memory_equal(b, "\1\0", 2);
	assert_int_equal(in(m, FW_CFG_DMA_PORT, 4), htobe32(0x51454d55));
	assert_int_equal(in(m, FW_CFG_DMA_PORT + 4, 4), htobe32(0x20434647));
	machine_destroy(m);
}

static void
test_fw_cfg_lists_its_files(void **state)
{
	uint32_t size = 0;
	char b[12];
	uint16_t key;
	NEED_MACHINE(m, asked);

	new_cfg(m);
	key = find(m, "etc/one", &size);
	assert_int_equal(key, 0x20);
	assert_int_equal(size, 5);
	key = find(m, "etc/two", &size);
	assert_int_equal(size, 10);
	get(m, key, b, 12);
	assert_memory_equal(b, "the second\0\0", 12);
	assert_int_equal(find(m, "etc/three", &size), 0);
	machine_destroy(m);
}

static void
test_fw_cfg_dma_reads_skips_and_selects(void **state)
{
	char b[16];
	NEED_MACHINE(m, asked);

	new_cfg(m);
	memset(guestmem_at(machine_mem(m), TARGET, 64), 0x55, 64);
	/* select, read */
	assert_int_equal(ask(m, 0x21 << 16 | 8 | 2, 3, TARGET), 0);
	/* skip; read on, behind the end */
	assert_int_equal(ask(m, 4, 1, 0), 0);
	assert_int_equal(ask(m, 2, 8, TARGET + 4), 0);
	guestmem_read(machine_mem(m), TARGET, b, 16);
	assert_memory_equal(b, "the\x55second\0\0\x55\x55\x55\x55", 16);
	/* A skip beyond everything, and from there. */
	assert_int_equal(ask(m, 0x21 << 16 | 8 | 4, 0xffffffff, 0), 0);
	assert_int_equal(ask(m, 4, 0xffffffff, 0), 0);
	assert_int_equal(ask(m, 2, 2, TARGET), 0);
	guestmem_read(machine_mem(m), TARGET, b, 2);
	assert_memory_equal(b, "\0\0", 2);
	/* Nothing to do is no mistake. */
	assert_int_equal(ask(m, 0, 5, TARGET), 0);
	assert_int_equal(ask(m, 2, 0, ~0ULL), 0);
	machine_destroy(m);
}

static void
test_fw_cfg_refuses_dma_outside_memory(void **state)
{
	static const struct {
		uint32_t control, len;
		uint64_t address;
	} bad[] = {
	    {2, 4, 64 << 20},
	    {2, 8, (64 << 20) - 4},
	    {2, 4, ~0ULL - 1},
	    {2, 0xffffffff, 0},
	    {2, 32 << 20, 0}, /* more than any item has */
	    {2, 4, 0xffff0000},
	    {0x10, 4, TARGET}, /* nothing can be written */
	    {0x20 << 16 | 8 | 0x10, 4, TARGET},
	};
	char b[5];
	size_t i;
	NEED_MACHINE(m, asked);

	new_cfg(m);
	for (i = 0; i < sizeof bad / sizeof bad[0]; i++)
		assert_int_equal(
		    ask(m, bad[i].control, bad[i].len, bad[i].address), 1);
	get(m, 0x20, b, 5);
	assert_memory_equal(b, "first", 5);
	/* A request that is nowhere, or half outside. */
	out(m, FW_CFG_DMA_PORT, 4, 0xffffffff);
	out(m, FW_CFG_DMA_PORT + 4, 4, 0xffffffff);
	out(m, FW_CFG_DMA_PORT + 4, 4, htobe32((64 << 20) - 8));
	/* The high word holds for one request only. */
	assert_int_equal(ask(m, 0x20 << 16 | 8 | 2, 5, TARGET), 0);
	machine_destroy(m);
}

static void
test_fw_cfg_survives_every_access(void **state)
{
	static const unsigned sizes[] = {1, 2, 4};
	unsigned i, port, s;
	NEED_MACHINE(m, asked);

	new_cfg(m);
	srand(1);
	for (i = 0; i < 20000; i++) {
		port = FW_CFG_PORT + (unsigned)rand() % 12;
		s = sizes[rand() % 3];
		if (rand() % 2 == 0)
			in(m, (uint16_t)port, s);
		else
			out(m, (uint16_t)port, s,
			    (uint64_t)rand() >> rand() % 32);
	}
	machine_destroy(m);
}

static void
test_fw_cfg_takes_no_more_files_than_it_has_room_for(void **state)
{
	struct fw_cfg *cfg;
	struct error err;
	char name[60];
	unsigned i;
	NEED_MACHINE(m, asked);

	cfg = new_cfg(m);
	memset(name, 'n', sizeof name);
	name[56] = '\0';
	assert_int_equal(fw_cfg_add_file(cfg, name, "", 0, &err), -1);
	for (i = 2; i < 32; i++) {
		snprintf(name, sizeof name, "file%u", i);
		assert_int_equal(fw_cfg_add_file(cfg, name, "", 0, &err), 0);
	}
	assert_int_equal(fw_cfg_add_file(cfg, "more", "", 0, &err), -1);
	assert_non_null(strstr(err.text, "no room for more"));
	machine_destroy(m);
}

static void
test_fw_cfg_is_the_same_after_save_and_load(void **state)
{
	struct state_writer w = {0};
	struct state_reader r = {0};
	struct error err;
	NEED_MACHINE(m, asked);
	struct machine *m2 = new_machine(&asked);

	new_cfg(m);
	new_cfg(m2);
	out(m, FW_CFG_PORT, 2, 0x20);
	in(m, FW_CFG_PORT + 1, 1);
	assert_int_equal(machine_save(m, &w, &err), 0);
	r.data = w.data;
	r.len = r.end = w.len;
	assert_int_equal(machine_load(m2, &r, &err), 0);
	assert_int_equal(in(m2, FW_CFG_PORT + 1, 1), 'i');
	/* A reset begins with the signature again. */
	assert_int_equal(machine_reset(m2, &err), 0);
	assert_int_equal(in(m2, FW_CFG_PORT + 1, 1), 'Q');
	state_writer_free(&w);
	machine_destroy(m);
	machine_destroy(m2);
}

static void
test_debug_port_answers_and_takes_anything(void **state)
{
	int log = memfd_create("log", 0), stderr_fd = dup(2);
	struct stat st;
	unsigned i;
	NEED_MACHINE(m, asked);

	assert_int_equal(debugport_create(m, NULL), 0);
	assert_int_equal(in(m, 0x402, 1), 0xe9);
	/* Control characters, no end of line: the log stays bounded. */
	dup2(log, 2);
	for (i = 0; i < 300000; i++)
		out(m, 0x402, 1, i);
	dup2(stderr_fd, 2);
	assert_int_equal(fstat(log, &st), 0);
	assert_true(st.st_size > 60 << 10 && st.st_size < 128 << 10);
	close(log);
	close(stderr_fd);
	machine_destroy(m);
}

static void
say(struct machine *m, const char *words)
{
	for (; *words != '\0'; words++)
		out(m, 0x402, 1, (uint8_t)*words);
}

static void
test_debug_port_goes_on_in_its_line_after_save_and_load(void **state)
{
	int log = memfd_create("log", 0), stderr_fd = dup(2);
	struct state_writer w = {0};
	struct state_reader r = {0};
	struct error err;
	char text[256];
	ssize_t n;
	NEED_MACHINE(m, asked);
	struct machine *m2 = new_machine(&asked);

	assert_int_equal(debugport_create(m, &err), 0);
	assert_int_equal(debugport_create(m2, &err), 0);
	say(m, "half a ");
	assert_int_equal(machine_save(m, &w, &err), 0);
	r.data = w.data;
	r.len = r.end = w.len;
	assert_int_equal(machine_load(m2, &r, &err), 0);
	dup2(log, 2);
	say(m2, "sentence\n");
	dup2(stderr_fd, 2);
	n = pread(log, text, sizeof text - 1, 0);
	assert_true(n > 0);
	text[n] = '\0';
	assert_non_null(strstr(text, "firmware: half a sentence\n"));
	close(log);
	close(stderr_fd);
	state_writer_free(&w);
	machine_destroy(m);
	machine_destroy(m2);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_fw_cfg_is_known_by_its_signature),
	    cmocka_unit_test(test_fw_cfg_lists_its_files),
	    cmocka_unit_test(test_fw_cfg_dma_reads_skips_and_selects),
	    cmocka_unit_test(test_fw_cfg_refuses_dma_outside_memory),
	    cmocka_unit_test(test_fw_cfg_survives_every_access),
	    cmocka_unit_test(
		test_fw_cfg_takes_no_more_files_than_it_has_room_for),
	    cmocka_unit_test(test_fw_cfg_is_the_same_after_save_and_load),
	    cmocka_unit_test(test_debug_port_answers_and_takes_anything),
	    cmocka_unit_test(
		test_debug_port_goes_on_in_its_line_after_save_and_load),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
