/* backend/guest/console: one history, many who watch, not a byte lost. */
#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <sys/socket.h>

#include <event2/event.h>

#include "tests/unit/unit.h"
#include "tests/unit/machine.h"
#include "backend/dev/dev.h"
#include "backend/guest/console.h"

/* What a guest prints at position n. */
static uint8_t
byte_at(uint64_t n)
{
	return (uint8_t)('!' + n * 7 % 90);
}

/* Prints as a vcpu does: offers, and offers the rest again. */
struct printer {
	struct console *console;
	uint64_t from, count;
};

static void *
print_thread(void *arg)
{
	struct printer *p = arg;
	struct timespec nap = {0, 100000};
	uint64_t n = 0;
	uint8_t chunk[13];
	size_t len, i;

	while (n < p->count) {
		len = p->count - n < sizeof chunk ? (size_t)(p->count - n)
						  : sizeof chunk;
		for (i = 0; i < len; i++)
			chunk[i] = byte_at(p->from + n + i);
		len = console_output(chunk, len, p->console);
		if (len == 0)
			nanosleep(&nap, NULL);
		n += len;
	}
	return NULL;
}

static void
print_now(struct console *c, uint64_t from, uint64_t count)
{
	struct printer p = {c, from, count};

	print_thread(&p);
}

/* Reads from fd while the loop runs, until len bytes came. */
static void
read_all(struct event_base *base, int fd, uint8_t *buf, size_t len)
{
	size_t got = 0;
	ssize_t n;

	while (got < len) {
		event_base_loop(base, EVLOOP_NONBLOCK);
		n = recv(fd, buf + got, len - got, MSG_DONTWAIT);
		if (n > 0)
			got += (size_t)n;
		else
			assert_true(n == -1 && errno == EAGAIN);
	}
}

static void
assert_printed(const uint8_t *buf, uint64_t from, size_t len)
{
	size_t i;

	for (i = 0; i < len; i++)
		if (buf[i] != byte_at(from + i))
			fail_msg("byte %zu differs", i);
}

static void
test_console_history_holds_at_least_256_kib(void **state)
{
	struct event_base *base = event_base_new();
	struct console *c = console_new(base, NULL);
	const size_t total = 3 << 20, want = 256 << 10;
	uint8_t *buf = malloc(CONSOLE_HISTORY);
	int fd;

	print_now(c, 0, total);
	fd = console_watch(c, true, NULL);
	read_all(base, fd, buf, CONSOLE_HISTORY);
	assert_true(CONSOLE_HISTORY >= want);
	assert_printed(buf, total - CONSOLE_HISTORY, CONSOLE_HISTORY);
	close(fd);
	fd = console_watch(c, false, NULL);
	print_now(c, total, 5);
	read_all(base, fd, buf, 5);
	assert_printed(buf, total, 5);
	close(fd);
	free(buf);
	console_free(c);
	event_base_free(base);
}

/* Prints one byte some time after it was told to. */
struct late {
	struct console *console;
	pthread_barrier_t go;
	uint64_t rounds;
};

static void *
late_thread(void *arg)
{
	struct late *l = arg;
	volatile unsigned spin;
	uint64_t n;
	uint8_t b;

	for (n = 0; n < l->rounds; n++) {
		pthread_barrier_wait(&l->go);
		for (spin = 0; spin < n % 500 * 100; spin++)
			continue;
		b = byte_at(n);
		console_output(&b, 1, l->console);
	}
	return NULL;
}

/* The last byte of a prompt, printed while somebody begins to look. */
static void
test_console_shows_what_is_printed_while_a_watcher_comes(void **state)
{
	struct event_base *base = event_base_new();
	struct late l = {console_new(base, NULL), .rounds = 1000};
	const struct timespec quiet = {0, 3000000};
	uint8_t *buf = malloc(l.rounds);
	pthread_t thread;
	uint64_t n;
	int fd;

	alarm(240); /* if nobody wakes the loop this goes on for ever */
	pthread_barrier_init(&l.go, NULL, 2);
	pthread_create(&thread, NULL, late_thread, &l);
	for (n = 0; n < l.rounds; n++) {
		pthread_barrier_wait(&l.go);
		fd = console_watch(l.console, true, NULL);
		assert_int_not_equal(fd, -1);
		read_all(base, fd, buf, n + 1);
		assert_printed(buf, 0, n + 1);
		close(fd);
		/* It is gone and all is quiet when the next one comes. */
		nanosleep(&quiet, NULL);
		event_base_loop(base, EVLOOP_NONBLOCK);
	}
	alarm(0);
	pthread_join(thread, NULL);
	pthread_barrier_destroy(&l.go);
	console_free(l.console);
	event_base_free(base);
	free(buf);
}

static void
test_console_loses_no_byte_of_a_flood(void **state)
{
	struct event_base *base = event_base_new();
	struct console *c = console_new(base, NULL);
	struct printer p = {c, 0, 4 << 20};
	uint8_t *one = malloc(p.count), *two = malloc(p.count);
	pthread_t thread;
	int a, b;

	a = console_watch(c, false, NULL);
	b = console_watch(c, false, NULL);
	pthread_create(&thread, NULL, print_thread, &p);
	/* The second reads only when the first is far ahead. */
	read_all(base, a, one, CONSOLE_BACKLOG / 2);
	read_all(base, b, two, p.count > CONSOLE_BACKLOG ? 1000 : 0);
	{
		size_t na = CONSOLE_BACKLOG / 2, nb = 1000;
		ssize_t n;

		while (na < p.count || nb < p.count) {
			event_base_loop(base, EVLOOP_NONBLOCK);
			n = recv(a, one + na, p.count - na, MSG_DONTWAIT);
			na += n > 0 ? (size_t)n : 0;
			n = recv(b, two + nb,
			    nb + 999 < p.count ? 999 : p.count - nb,
			    MSG_DONTWAIT);
			nb += n > 0 ? (size_t)n : 0;
		}
	}
	pthread_join(thread, NULL);
	assert_printed(one, 0, p.count);
	assert_printed(two, 0, p.count);
	close(a);
	close(b);
	free(one);
	free(two);
	console_free(c);
	event_base_free(base);
}

static void
test_console_does_not_wait_for_one_that_never_reads(void **state)
{
	struct event_base *base = event_base_new();
	struct console *c = console_new(base, NULL);
	struct printer p = {c, 0, 4 << 20};
	uint8_t *buf = malloc(p.count);
	char note[200] = "";
	pthread_t thread;
	ssize_t n;
	size_t got = 0;
	int deaf, good;

	deaf = console_watch(c, false, NULL);
	good = console_watch(c, false, NULL);
	pthread_create(&thread, NULL, print_thread, &p);
	/* Ends only if the guest gets on. */
	read_all(base, good, buf, p.count);
	assert_printed(buf, 0, p.count);
	pthread_join(thread, NULL);
	/* It wakes up: what its socket held, a word, then the history. */
	while (strstr(note, "were not read in time") == NULL) {
		event_base_loop(base, EVLOOP_NONBLOCK);
		n = recv(deaf, buf, 4096, MSG_DONTWAIT);
		if (n <= 0)
			continue;
		got += (size_t)n;
		assert_true(got < p.count);
		buf[n] = '\0';
		if (memchr(buf, '[', (size_t)n) != NULL &&
		    strstr((char *)buf, "[vmtui: ") != NULL)
			snprintf(note, sizeof note, "%s",
			    strstr((char *)buf, "[vmtui: "));
	}
	close(deaf);
	close(good);
	free(buf);
	console_free(c);
	event_base_free(base);
}

/* A port may offer at once what a guest put into one large buffer. */
static void
test_console_takes_more_at_once_than_it_keeps(void **state)
{
	struct event_base *base = event_base_new();
	struct console *c = console_new(base, NULL);
	const size_t len = 3 * CONSOLE_RING + 12345;
	uint8_t *all = malloc(len), *buf = malloc(CONSOLE_HISTORY);
	size_t i;
	int fd;

	for (i = 0; i < len; i++)
		all[i] = byte_at(i + 7);
	print_now(c, 0, 7);
	assert_int_equal(console_output(all, len, c), len);
	assert_int_equal(console_printed(c), len + 7);
	fd = console_watch(c, true, NULL);
	read_all(base, fd, buf, CONSOLE_HISTORY);
	assert_printed(buf, len + 7 - CONSOLE_HISTORY, CONSOLE_HISTORY);
	/* Watched, it takes what fits before the watcher. */
	assert_int_equal(console_output(all, len, c), CONSOLE_BACKLOG);
	close(fd);
	free(all);
	free(buf);
	console_free(c);
	event_base_free(base);
}

static size_t
port_input(void *port, const uint8_t *data, size_t len)
{
	return serial_input(port, data, len);
}

static void
port_kick(void *port)
{
	serial_kick(port);
}

static void
test_console_takes_typing_at_the_guests_pace(void **state)
{
	static const struct serial_ops ops = {
	    console_output, console_input_ready};
	static const struct console_port port = {port_input, port_kick};
	struct event_base *base = event_base_new();
	struct console *c;
	struct serial *s;
	uint8_t typed[20000];
	size_t i, sent = 0;
	ssize_t n;
	int fd;
	NEED_MACHINE(m, asked);

	c = console_new(base, NULL);
	assert_int_equal(
	    serial_create(m, "serial", 0x3f8, 4, &ops, c, &s, NULL), 0);
	console_connect(c, &port, s);
	out(m, 0x3fa, 1, 1);
	fd = console_watch(c, false, NULL);
	for (i = 0; i < sizeof typed; i++)
		typed[i] = byte_at(i);
	for (i = 0; i < sizeof typed;) {
		n = send(fd, typed + sent, sizeof typed - sent, MSG_DONTWAIT);
		sent += n > 0 ? (size_t)n : 0;
		event_base_loop(base, EVLOOP_NONBLOCK);
		while ((in(m, 0x3fd, 1) & 1) != 0)
			assert_int_equal(in(m, 0x3f8, 1), typed[i++]);
	}
	close(fd);
	machine_destroy(m);
	console_free(c);
	event_base_free(base);
}

static void
test_console_takes_what_was_typed_before_leaving(void **state)
{
	static const struct serial_ops ops = {
	    console_output, console_input_ready};
	static const struct console_port port = {port_input, port_kick};
	struct event_base *base = event_base_new();
	struct console *c;
	struct serial *s;
	int fd;
	NEED_MACHINE(m, asked);

	c = console_new(base, NULL);
	assert_int_equal(
	    serial_create(m, "serial", 0x3f8, 4, &ops, c, &s, NULL), 0);
	console_connect(c, &port, s);
	out(m, 0x3fa, 1, 1);
	fd = console_watch(c, false, NULL);
	assert_int_equal(write(fd, "ok", 2), 2);
	close(fd);
	/* Output finds the socket closed before its input was read. */
	print_now(c, 0, 10);
	console_finish(c, 0);
	event_base_loop(base, EVLOOP_NONBLOCK);
	assert_int_equal(in(m, 0x3f8, 1), 'o');
	assert_int_equal(in(m, 0x3f8, 1), 'k');
	machine_destroy(m);
	console_free(c);
	event_base_free(base);
}

/* A guest's first serial port with its console. */
struct side {
	struct machine *m;
	struct console *c;
	struct serial *s;
};

static struct side
make_side(struct machine *m, struct event_base *base)
{
	static const struct serial_ops ops = {
	    console_output, console_input_ready};
	static const struct console_port port = {port_input, port_kick};
	struct side side = {m, console_new(base, NULL), NULL};

	assert_int_equal(
	    serial_create(m, "serial", 0x3f8, 4, &ops, side.c, &side.s, NULL),
	    0);
	assert_int_equal(console_join(side.c, m, "ttyS0", NULL), 0);
	console_connect(side.c, &port, side.s);
	return side;
}

static void
test_console_saves_what_was_typed_and_not_yet_taken(void **state)
{
	struct event_base *base = event_base_new();
	struct state_writer w = {0};
	struct state_reader r = {0};
	struct side a, b;
	struct error err;
	uint8_t typed[1000];
	size_t i;
	int fd;
	NEED_MACHINE(m, asked);

	a = make_side(m, base);
	b = make_side(new_machine(&asked), base);
	out(m, 0x3fa, 1, 1);
	fd = console_watch(a.c, false, NULL);
	for (i = 0; i < sizeof typed; i++)
		typed[i] = byte_at(i);
	assert_int_equal(write(fd, typed, sizeof typed), sizeof typed);
	for (i = 0; i < 10; i++)
		event_base_loop(base, EVLOOP_NONBLOCK);
	/* The guest takes a few of them, then it is saved. */
	for (i = 0; i < 5; i++)
		assert_int_equal(in(m, 0x3f8, 1), typed[i]);
	assert_int_equal(machine_save(m, &w, &err), 0);
	r.data = w.data;
	r.len = w.len;
	assert_int_equal(machine_load(b.m, &r, &err), 0);
	while (i < sizeof typed) {
		event_base_loop(base, EVLOOP_NONBLOCK);
		while ((in(b.m, 0x3fd, 1) & 1) != 0)
			assert_int_equal(in(b.m, 0x3f8, 1), typed[i++]);
	}
	/* 16 are in the port, the rest stands last: its length is refused. */
	assert_int_equal(
	    w.data[w.len - (sizeof typed - 16) - 3], (sizeof typed - 16) >> 8);
	w.data[w.len - (sizeof typed - 16) - 2] = 1;
	r = (struct state_reader){.data = w.data, .len = w.len};
	assert_int_equal(machine_load(b.m, &r, &err), -1);
	state_writer_free(&w);
	close(fd);
	machine_destroy(a.m);
	machine_destroy(b.m);
	console_free(a.c);
	console_free(b.c);
	event_base_free(base);
}

static void
test_console_forgets_watchers_that_are_gone(void **state)
{
	struct event_base *base = event_base_new();
	struct console *c = console_new(base, NULL);
	int fd, i;

	for (i = 0; i < 500; i++) {
		fd = console_watch(c, true, NULL);
		assert_true(fd >= 0);
		close(fd);
	}
	event_base_loop(base, EVLOOP_NONBLOCK);
	/* Ends only if nobody is waited for. */
	print_now(c, 0, 2 * CONSOLE_RING);
	console_free(c);
	event_base_free(base);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_console_history_holds_at_least_256_kib),
	    cmocka_unit_test(
		test_console_shows_what_is_printed_while_a_watcher_comes),
	    cmocka_unit_test(test_console_loses_no_byte_of_a_flood),
	    cmocka_unit_test(
		test_console_does_not_wait_for_one_that_never_reads),
	    cmocka_unit_test(test_console_takes_typing_at_the_guests_pace),
	    cmocka_unit_test(test_console_takes_more_at_once_than_it_keeps),
	    cmocka_unit_test(test_console_takes_what_was_typed_before_leaving),
	    cmocka_unit_test(
		test_console_saves_what_was_typed_and_not_yet_taken),
	    cmocka_unit_test(test_console_forgets_watchers_that_are_gone),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
