/* A guest as a stream: what was put comes out, and nothing else is taken. */
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "backend/proto/stream.h"
#include "tests/unit/unit.h"

#define RAM (1u << 20)

/* The outcome of reading a stream whole. */
struct outcome {
	struct error err;
	bool ok;
	uint8_t *ram;
	json_t *head;
	size_t state_len;
};

static void
write_guest(struct stream_writer *w, const uint8_t *ram)
{
	struct guest_spec spec;

	spec_init(&spec);
	memcpy(spec.name, "a", 2);
	spec.memory = RAM;
	spec.cpus = 2;
	spec.disks = spec.nics = 1;
	spec.disk[0].files = 1;
	spec.disk[0].file[0].path = strdup("/d, \"x");
	spec.nic[0].mac[5] = 7;
	spec.nic[0].bridge = strdup("lan");
	spec.uuid[15] = 9;
	stream_put_head(w, &spec);
	stream_put_state(w, "state", 5);
	stream_put_run(w, 0, ram, STREAM_PAGE);
	stream_put_run(w, RAM - STREAM_RUN_MAX, ram + RAM - STREAM_RUN_MAX,
	    STREAM_RUN_MAX);
	stream_put_end(w);
	assert_false(w->failed);
	spec_clear(&spec);
}

static void
fill(uint8_t *ram)
{
	memset(ram, 0, RAM);
	memset(ram, 0x5a, STREAM_PAGE);
	memset(ram + RAM - STREAM_RUN_MAX, 0xa5, STREAM_RUN_MAX);
}

static void
read_guest(const uint8_t *data, size_t len, struct outcome *o)
{
	struct stream_reader r = {.fd = memfd_create("stream", MFD_CLOEXEC)};
	void *state = NULL;
	int rc = -1;

	memset(o, 0, sizeof *o);
	assert_true(r.fd != -1);
	assert_int_equal(write(r.fd, data, len), (ssize_t)len);
	assert_int_equal(lseek(r.fd, 0, SEEK_SET), 0);
	o->ram = calloc(1, RAM);
	o->head = stream_get_head(&r, &o->err);
	if (o->head != NULL &&
	    (state = stream_get_state(&r, &o->state_len, &o->err)) != NULL)
		do
			rc = stream_get_run(&r, o->ram, RAM, &o->err);
		while (rc == 1);
	o->ok = rc == 0;
	free(state);
	close(r.fd);
}

static void
forget(struct outcome *o)
{
	json_decref(o->head);
	free(o->ram);
}

static void
test_stream_gives_back_what_was_put(void **state)
{
	struct stream_writer w = {.data = NULL};
	uint8_t *ram = malloc(RAM);
	struct guest_spec spec;
	struct outcome o;
	json_t *disk;

	fill(ram);
	write_guest(&w, ram);
	read_guest(w.data, w.len, &o);
	assert_true(o.ok);
	assert_memory_equal(o.ram, ram, RAM);
	assert_int_equal(o.state_len, 5);
	disk = json_array_get(json_object_get(o.head, "disks"), 0);
	assert_string_equal(
	    json_string_value(json_object_get(disk, "path")), "/d, \"x");
	spec_init(&spec);
	spec.nics = 1;
	stream_identity(o.head, &spec);
	assert_int_equal(spec.nic[0].mac[5], 7);
	assert_int_equal(spec.uuid[15], 9);
	forget(&o);
	stream_writer_free(&w);
	free(ram);
}

static void
test_stream_refuses_every_shorter_one(void **state)
{
	struct stream_writer w = {.data = NULL};
	uint8_t *ram = malloc(RAM);
	struct outcome o;
	size_t len;

	fill(ram);
	write_guest(&w, ram);
	for (len = 0; len < w.len; len += len < 700 ? 1 : 4093) {
		read_guest(w.data, len, &o);
		assert_false(o.ok);
		assert_non_null(strstr(o.err.text, "ends before"));
		forget(&o);
	}
	read_guest(w.data, w.len - 1, &o);
	assert_false(o.ok);
	forget(&o);
	stream_writer_free(&w);
	free(ram);
}

static void
test_stream_refuses_every_changed_bit(void **state)
{
	struct stream_writer w = {.data = NULL};
	uint8_t *ram = malloc(RAM);
	struct outcome o;
	size_t at;

	fill(ram);
	write_guest(&w, ram);
	for (at = 0; at < w.len; at += at < 700 || at > w.len - 20 ? 1 : 1021) {
		w.data[at] ^= (uint8_t)(1u << at % 8);
		read_guest(w.data, w.len, &o);
		assert_false(o.ok);
		assert_true(o.err.text[0] != '\0');
		forget(&o);
		w.data[at] ^= (uint8_t)(1u << at % 8);
	}
	stream_writer_free(&w);
	free(ram);
}

/* With a checksum that is right: who writes one may write anything. */
static void
refuse_run(uint64_t offset, uint32_t len, uint64_t before)
{
	struct stream_writer w = {.data = NULL};
	uint8_t *bytes = calloc(1, STREAM_RUN_MAX + STREAM_PAGE);
	struct guest_spec spec;
	struct outcome o;

	spec_init(&spec);
	spec.memory = RAM;
	spec.cpus = 1;
	stream_put_head(&w, &spec);
	stream_put_state(&w, "s", 1);
	stream_put_run(&w, before, bytes, STREAM_PAGE);
	stream_put_run(&w, offset, bytes, len);
	stream_put_end(&w);
	read_guest(w.data, w.len, &o);
	assert_false(o.ok);
	assert_non_null(strstr(o.err.text, "where the guest has none"));
	forget(&o);
	stream_writer_free(&w);
	free(bytes);
}

static void
test_stream_refuses_memory_beyond_ram(void **state)
{
	refuse_run(RAM, STREAM_PAGE, 0);
	refuse_run(RAM - STREAM_PAGE, 2 * STREAM_PAGE, 0);
	refuse_run(UINT64_MAX - STREAM_PAGE + 1, STREAM_PAGE, 0);
	refuse_run(STREAM_PAGE, 0, 0);
	refuse_run(STREAM_PAGE + 1, STREAM_PAGE, 0);
	refuse_run(STREAM_PAGE, 7, 0);
	refuse_run(STREAM_PAGE, STREAM_RUN_MAX + STREAM_PAGE, 0);
	refuse_run(0, STREAM_PAGE, 0);
	refuse_run(STREAM_PAGE, STREAM_PAGE, 8 * STREAM_PAGE);
}

static void
test_stream_refuses_state_of_any_size(void **state)
{
	static const uint64_t sizes[] = {
	    0, STREAM_STATE_MAX + 1, 1ULL << 40, UINT64_MAX};
	struct stream_writer w;
	struct guest_spec spec;
	struct outcome o;
	size_t i, at;

	for (i = 0; i < sizeof sizes / sizeof *sizes; i++) {
		w = (struct stream_writer){.data = NULL};
		spec_init(&spec);
		spec.memory = RAM;
		spec.cpus = 1;
		stream_put_head(&w, &spec);
		at = w.len;
		stream_put_state(&w, "s", 1);
		memcpy(w.data + at, &sizes[i], sizeof sizes[i]);
		read_guest(w.data, w.len, &o);
		assert_false(o.ok);
		assert_non_null(strstr(o.err.text, "length"));
		forget(&o);
		stream_writer_free(&w);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_stream_gives_back_what_was_put),
	    cmocka_unit_test(test_stream_refuses_every_shorter_one),
	    cmocka_unit_test(test_stream_refuses_every_changed_bit),
	    cmocka_unit_test(test_stream_refuses_memory_beyond_ram),
	    cmocka_unit_test(test_stream_refuses_state_of_any_size),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
