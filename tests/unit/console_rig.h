/*
 * console_rig.h: a virtio console with a driver on one side and a host on the
 * other that takes as much as a test lets it.
 */
#ifndef TESTS_CONSOLE_RIG_H
#define TESTS_CONSOLE_RIG_H

#include <event2/event.h>

#include "tests/unit/virtio_rig.h"

#define F_SIZE 1u
#define TYPED  0x200000u
#define TEXT   0x300000u

#define RECEIVEQ  0
#define TRANSMITQ 1
#define VECTOR    2 /* of the configuration */

struct fixture {
	struct pci_bus *bus;
	struct event_base *base;
	struct virtio_dev *dev;
	struct ring in, out;
	/* The host side. */
	size_t room; /* bytes it still takes */
	uint8_t got[1 << 20];
	size_t got_len;
	uint64_t taken;
	unsigned ready; /* calls of input_ready() */
};

static inline size_t
output(const uint8_t *data, size_t len, void *arg)
{
	struct fixture *f = arg;

	if (len > f->room)
		len = f->room;
	if (f->got_len + len <= sizeof f->got) {
		memcpy(f->got + f->got_len, data, len);
		f->got_len += len;
	}
	f->room -= len;
	f->taken += len;
	return len;
}

static inline void
input_ready(void *arg)
{
	struct fixture *f = arg;

	f->ready++;
}

static const struct virtio_console_ops ops = {output, input_ready};

static inline int
setup(void **state)
{
	struct fixture *f = calloc(1, sizeof *f);
	struct error err;

	f->bus = rig_new();
	f->base = event_base_new();
	f->room = SIZE_MAX;
	assert_int_equal(
	    virtio_console_create(f->bus, f->base, &ops, f, &f->dev, &err), 0);
	*state = f;
	return 0;
}

static inline int
teardown(void **state)
{
	struct fixture *f = *state;

	rig_free(f->bus);
	event_base_free(f->base);
	free(f);
	return 0;
}

static inline void
run(struct fixture *f)
{
	event_base_loop(f->base, EVLOOP_NONBLOCK);
}

/* As a modern driver, with messages for interrupts. */
static inline void
begin(struct fixture *f, uint64_t features)
{
	modern_begin(f->bus, F_VERSION_1 | F_SIZE | features);
	modern_queue(f->bus, &f->in, RECEIVEQ, 16);
	modern_queue(f->bus, &f->out, TRANSMITQ, 16);
	bar_out(f->bus, MODERN, 0x10, 2, VECTOR);
	modern_ready(f->bus);
	f->bus->fn.msix = true;
	run(f);
}

/* Prints this in one buffer, and rings. */
static inline void
print(struct fixture *f, const char *text)
{
	const struct buf b[] = {{TEXT, (uint32_t)strlen(text), false}};

	memcpy(ram(f->bus, TEXT), text, strlen(text));
	ring_add(&f->out, b, 1);
	modern_kick(f->bus, TRANSMITQ);
	run(f);
}

/* Offers n buffers of this size for typing, and rings. */
static inline void
offer(struct fixture *f, unsigned n, uint32_t size)
{
	unsigned i;

	for (i = 0; i < n; i++) {
		const struct buf b[] = {
		    {TYPED + 0x1000 * (f->in.next_desc & 15u), size, true}};

		ring_add(&f->in, b, 1);
	}
	modern_kick(f->bus, RECEIVEQ);
	run(f);
}

static inline size_t
type(struct fixture *f, const char *text)
{
	return virtio_console_input(
	    f->dev, (const uint8_t *)text, strlen(text));
}

/* The driver takes one buffer with exactly this in it. */
static inline void
must_get(struct fixture *f, const char *text)
{
	uint32_t id, len;

	assert_true(ring_used(&f->in, &id, &len));
	assert_int_equal(len, strlen(text));
	assert_memory_equal(ram(f->bus, f->in.desc[id].addr), text, len);
}

static inline void
must_have_got(struct fixture *f, const char *text)
{
	assert_int_equal(f->got_len, strlen(text));
	assert_memory_equal(f->got, text, f->got_len);
}

static inline void
must_have_size(struct fixture *f, unsigned rows, unsigned cols)
{
	assert_int_equal(bar_in(f->bus, MODERN, CONFIG, 2), cols);
	assert_int_equal(bar_in(f->bus, MODERN, CONFIG + 2, 2), rows);
}

static inline uint8_t
generation(struct fixture *f)
{
	return (uint8_t)bar_in(f->bus, MODERN, 0x15, 1);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

#endif
