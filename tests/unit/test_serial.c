/* backend/dev/serial: the 16550A as drivers and firmware use it. */
#include <string.h>

#include "tests/unit/unit.h"
#include "tests/unit/machine.h"
#include "backend/dev/dev.h"

#define COM1 0x3f8
#define COM2 0x2f8

struct host {
	char got[256];
	size_t len, room;
	int ready;
};

static size_t
host_output(const uint8_t *data, size_t len, void *arg)
{
	struct host *h = arg;
	size_t n = len < h->room ? len : h->room;

	memcpy(h->got + h->len, data, n);
	h->len += n;
	h->room -= n;
	return n;
}

static void
host_ready(void *arg)
{
	struct host *h = arg;

	h->ready++;
}

static const struct serial_ops host_ops = {host_output, host_ready};

static struct serial *
port(struct machine *m, struct host *h)
{
	struct serial *s;

	assert_int_equal(
	    serial_create(m, "serial", COM1, 4, &host_ops, h, &s, NULL), 0);
	return s;
}

static void
test_serial_passes_every_byte_in_order(void **state)
{
	struct host h = {.room = 200};
	const char *text = "hello, console\r\n", *p;
	NEED_MACHINE(m, asked);

	port(m, &h);
	for (p = text; *p != '\0'; p++) {
		assert_int_equal(in(m, COM1 + 5, 1) & 0x60, 0x60);
		out(m, COM1, 1, (uint8_t)*p);
	}
	assert_int_equal(h.len, strlen(text));
	assert_memory_equal(h.got, text, h.len);
	machine_destroy(m);
}

static void
test_serial_keeps_what_a_full_host_does_not_take(void **state)
{
	struct host h = {.room = 3};
	struct serial *s;
	unsigned i;
	NEED_MACHINE(m, asked);

	s = port(m, &h);
	for (i = 0; i < 19; i++)
		out(m, COM1, 1, 'a' + i);
	assert_int_equal(h.len, 3);
	assert_int_equal(in(m, COM1 + 5, 1) & 0x60, 0);
	h.room = 100;
	serial_kick(s);
	assert_int_equal(in(m, COM1 + 5, 1) & 0x60, 0x60);
	assert_int_equal(h.len, 19);
	assert_memory_equal(h.got, "abcdefghijklmnopqrs", 19);
	machine_destroy(m);
}

static void
test_serial_receives_up_to_its_fifo_and_asks_for_more(void **state)
{
	static const uint8_t text[] = "0123456789abcdefghij";
	struct host h = {.room = 200};
	struct serial *s;
	unsigned i;
	NEED_MACHINE(m, asked);

	s = port(m, &h);
	out(m, COM1 + 2, 1, 0x07); /* FIFOs on, both cleared */
	assert_int_equal(serial_input(s, text, 20), 16);
	assert_int_equal(h.ready, 0);
	for (i = 0; i < 16; i++) {
		assert_int_equal(in(m, COM1 + 5, 1) & 1, 1);
		assert_int_equal(in(m, COM1, 1), text[i]);
	}
	assert_int_equal(h.ready, 1);
	assert_int_equal(in(m, COM1 + 5, 1) & 1, 0);
	/* Without FIFOs it holds one. */
	out(m, COM1 + 2, 1, 0);
	assert_int_equal(serial_input(s, text, 20), 1);
	machine_destroy(m);
}

static void
test_serial_names_its_interrupts_by_priority(void **state)
{
	struct host h = {.room = 200};
	struct serial *s;
	NEED_MACHINE(m, asked);

	s = port(m, &h);
	assert_int_equal(in(m, COM1 + 2, 1), 0x01);
	out(m, COM1 + 2, 1, 0x81); /* trigger at 8 bytes */
	out(m, COM1 + 1, 1, 0x07);
	serial_input(s, (const uint8_t *)"x", 1);
	assert_int_equal(in(m, COM1 + 2, 1), 0xcc); /* below the trigger */
	serial_input(s, (const uint8_t *)"1234567", 7);
	assert_int_equal(in(m, COM1 + 2, 1), 0xc4);
	out(m, COM1 + 2, 1, 0x83); /* receive FIFO cleared */
	assert_int_equal(in(m, COM1 + 2, 1), 0xc2);
	/* Reading "transmitter empty" acknowledges it. */
	assert_int_equal(in(m, COM1 + 2, 1), 0xc1);
	out(m, COM1, 1, 'a');
	assert_int_equal(in(m, COM1 + 2, 1), 0xc2);
	serial_break(s);
	assert_int_equal(in(m, COM1 + 2, 1), 0xc6);
	assert_int_equal(in(m, COM1 + 5, 1) & 0x91, 0x91);
	assert_int_equal(in(m, COM1 + 5, 1) & 0x91, 0x01);
	machine_destroy(m);
}

static void
test_serial_loops_back_without_the_host(void **state)
{
	struct host h = {.room = 200};
	NEED_MACHINE(m, asked);

	port(m, &h);
	assert_int_equal(in(m, COM1 + 6, 1), 0xb0);
	out(m, COM1 + 4, 1, 0x1a); /* loop, OUT2, RTS: what drivers try */
	assert_int_equal(in(m, COM1 + 6, 1) & 0xf0, 0x90);
	out(m, COM1, 1, 0x5a);
	assert_int_equal(in(m, COM1, 1), 0x5a);
	/* One too many takes its place, and a word is two registers. */
	out(m, COM1, 1, 1);
	out(m, COM1, 1, 2);
	assert_int_equal(in(m, COM1 + 5, 1), 0x63);
	assert_int_equal(in(m, COM1, 1), 2);
	out(m, COM1 + 1, 2, 0x0102);
	assert_int_equal(in(m, COM1 + 1, 2), 0xc202);
	out(m, COM1, 1, 3);
	assert_int_equal(in(m, COM1 + 2, 1), 0xc2);
	assert_int_equal(h.len, 0);
	machine_destroy(m);
}

static void
test_serial_has_its_divisor_behind_dlab(void **state)
{
	struct host h = {.room = 200};
	NEED_MACHINE(m, asked);

	port(m, &h);
	out(m, COM1 + 7, 1, 0xa5);
	out(m, COM1 + 3, 1, 0x83);
	out(m, COM1, 1, 0x01);
	out(m, COM1 + 1, 1, 0x02);
	assert_int_equal(in(m, COM1, 1), 0x01);
	assert_int_equal(in(m, COM1 + 1, 1), 0x02);
	out(m, COM1 + 3, 1, 0x03);
	assert_int_equal(in(m, COM1 + 1, 1), 0);
	assert_int_equal(in(m, COM1 + 7, 1), 0xa5);
	assert_int_equal(h.len, 0);
	machine_destroy(m);
}

static void
test_serial_is_the_same_after_save_and_load(void **state)
{
	struct host h = {.room = 2}, h2 = {.room = 200};
	struct state_writer w = {0};
	struct state_reader r = {0};
	struct error err;
	struct serial *s;
	NEED_MACHINE(m, asked);
	struct machine *m2 = new_machine(&asked);

	s = port(m, &h);
	port(m2, &h2);
	out(m, COM1 + 2, 1, 0x81);
	out(m, COM1 + 7, 1, 0x42);
	serial_input(s, (const uint8_t *)"in", 2);
	out(m, COM1, 1, 'o');
	out(m, COM1, 1, 'u');
	out(m, COM1, 1, 't');
	assert_int_equal(machine_save(m, &w, &err), 0);
	r.data = w.data;
	r.len = w.len;
	assert_int_equal(machine_load(m2, &r, &err), 0);
	assert_int_equal(in(m2, COM1 + 7, 1), 0x42);
	assert_int_equal(in(m2, COM1, 1), 'i');
	assert_int_equal(in(m2, COM1, 1), 'n');
	out(m2, COM1, 1, '!');
	assert_memory_equal(h2.got, "t!", 2);
	/* Cut short anywhere, it is refused. */
	r = (struct state_reader){.data = w.data, .len = w.len - 1};
	assert_int_equal(machine_load(m2, &r, &err), -1);
	state_writer_free(&w);
	machine_destroy(m);
	machine_destroy(m2);
}

static void
test_serial_ports_are_saved_each_under_its_name(void **state)
{
	struct host one = {.room = 200}, two = {.room = 200};
	struct state_writer w = {0};
	struct state_reader r;
	struct error err;
	struct serial *s;
	NEED_MACHINE(m, asked);

	port(m, &one);
	assert_int_equal(
	    serial_create(m, "serial2", COM2, 3, &host_ops, &two, &s, &err), 0);
	out(m, COM2, 1, '2');
	out(m, COM1, 1, '1');
	assert_memory_equal(one.got, "1", 2);
	assert_memory_equal(two.got, "2", 2);
	out(m, COM1 + 7, 1, 0x11);
	out(m, COM2 + 7, 1, 0x22);
	assert_int_equal(machine_save(m, &w, &err), 0);
	assert_non_null(memmem(w.data, w.len, "serial2", 7));
	out(m, COM1 + 7, 1, 0);
	out(m, COM2 + 7, 1, 0);
	r = (struct state_reader){.data = w.data, .len = w.len};
	assert_int_equal(machine_load(m, &r, &err), 0);
	assert_int_equal(in(m, COM1 + 7, 1), 0x11);
	assert_int_equal(in(m, COM2 + 7, 1), 0x22);
	state_writer_free(&w);
	machine_destroy(m);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_serial_passes_every_byte_in_order),
	    cmocka_unit_test(test_serial_keeps_what_a_full_host_does_not_take),
	    cmocka_unit_test(
		test_serial_receives_up_to_its_fifo_and_asks_for_more),
	    cmocka_unit_test(test_serial_names_its_interrupts_by_priority),
	    cmocka_unit_test(test_serial_loops_back_without_the_host),
	    cmocka_unit_test(test_serial_has_its_divisor_behind_dlab),
	    cmocka_unit_test(test_serial_is_the_same_after_save_and_load),
	    cmocka_unit_test(test_serial_ports_are_saved_each_under_its_name),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
