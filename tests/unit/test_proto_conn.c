/* backend/proto/conn: lines of JSON and descriptors between processes. */
#include <sys/socket.h>

#include <fcntl.h>
#include <poll.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <event2/event.h>

#include "tests/unit/unit.h"
#include "backend/proto/conn.h"

/* One end under test, the other a bare socket in the test's hands. */
struct end {
	struct event_base *base;
	struct conn *c;
	int peer;
	unsigned messages;
	json_t *last;
	unsigned fds;
	int kept;
	bool keep, free_in_message;
	json_t *answer; /* sent for each message */
	char why[80];
};

static void
on_message(struct conn *c, json_t *msg, int *fd, unsigned fds, void *arg)
{
	struct end *e = arg;

	e->messages++;
	json_decref(e->last);
	e->last = json_incref(msg);
	e->fds = fds;
	if (e->keep && fds > 0) {
		e->kept = fd[0];
		fd[0] = -1;
	}
	if (e->answer != NULL)
		conn_send(c, e->answer, NULL, 0);
	if (e->free_in_message) {
		conn_free(c);
		e->c = NULL;
	}
}

static void
on_closed(struct conn *c, const char *why, void *arg)
{
	struct end *e = arg;

	snprintf(e->why, sizeof e->why, "%s", why);
	e->c = NULL;
}

static const struct conn_ops ops = {on_message, on_closed};

static void
start(struct end *e)
{
	int sv[2];

	memset(e, 0, sizeof *e);
	e->kept = -1;
	assert_int_equal(
	    socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, sv), 0);
	e->base = event_base_new();
	e->peer = sv[1];
	e->c = conn_new(e->base, sv[0], &ops, e);
	assert_non_null(e->c);
}

static void
run(struct end *e)
{
	int i;

	for (i = 0; i < 100; i++)
		event_base_loop(e->base, EVLOOP_NONBLOCK);
}

static void
finish(struct end *e)
{
	conn_free(e->c);
	json_decref(e->last);
	if (e->kept != -1)
		close(e->kept);
	close(e->peer);
	event_base_free(e->base);
}

static void
peer_send_fds(struct end *e, const char *text, size_t len, int fd, unsigned n)
{
	union {
		struct cmsghdr align;
		char buf[CMSG_SPACE(253 * sizeof(int))];
	} control;
	struct iovec iov = {(void *)(uintptr_t)text, len};
	struct msghdr msg = {.msg_iov = &iov, .msg_iovlen = 1};
	struct cmsghdr *cm;
	unsigned i;

	if (n > 0) {
		memset(&control, 0, sizeof control);
		msg.msg_control = &control;
		msg.msg_controllen = CMSG_SPACE(n * sizeof(int));
		cm = CMSG_FIRSTHDR(&msg);
		cm->cmsg_level = SOL_SOCKET;
		cm->cmsg_type = SCM_RIGHTS;
		cm->cmsg_len = CMSG_LEN(n * sizeof(int));
		for (i = 0; i < n; i++)
			memcpy(
			    CMSG_DATA(cm) + i * sizeof(int), &fd, sizeof(int));
	}
	assert_int_equal(sendmsg(e->peer, &msg, MSG_NOSIGNAL), (ssize_t)len);
}

static void
peer_send(struct end *e, const char *text)
{
	peer_send_fds(e, text, strlen(text), -1, 0);
}

static unsigned
open_fds(void)
{
	unsigned n = 0;
	int fd;

	for (fd = 0; fd < 1024; fd++)
		n += fcntl(fd, F_GETFD) != -1;
	return n;
}

static void
test_conn_delivers_lines_however_they_are_cut(void **state)
{
	static const char text[] = "{\"a\":1}\n{\"a\":2}\n{\"a\":3}\n";
	struct end e;
	size_t i;

	start(&e);
	for (i = 0; text[i] != '\0'; i++) {
		peer_send_fds(&e, &text[i], 1, -1, 0);
		run(&e);
	}
	assert_int_equal(e.messages, 3);
	peer_send(&e, text);
	run(&e);
	assert_int_equal(e.messages, 6);
	assert_int_equal(json_integer_value(json_object_get(e.last, "a")), 3);
	assert_non_null(e.c);
	finish(&e);
}

static void
test_conn_takes_turns_with_many_lines(void **state)
{
	struct end a;
	char text[4 * 100 + 1] = "";
	int i;

	for (i = 0; i < 100; i++)
		memcpy(text + 3 * i, "{}\n", 4);
	start(&a);
	peer_send(&a, text);
	event_base_loop(a.base, EVLOOP_ONCE);
	assert_true(a.messages > 0);
	assert_true(a.messages < 100);
	run(&a);
	assert_int_equal(a.messages, 100);
	assert_non_null(a.c);
	finish(&a);
}

static void
test_conn_passes_descriptors_with_their_line(void **state)
{
	struct end a, b;
	int pipefd[2], i;
	unsigned before = open_fds();
	char byte = 0;
	json_t *msg;

	start(&a);
	start(&b);
	close(b.peer);
	conn_free(b.c);
	b.peer = -1;
	b.c = conn_new(b.base, a.peer, &ops, &b);
	a.peer = -1;
	b.keep = true;
	assert_int_equal(pipe2(pipefd, O_CLOEXEC), 0);
	for (i = 0; i < 3; i++) {
		msg = json_pack("{s:i}", "n", i);
		assert_int_equal(
		    conn_send(a.c, msg, &pipefd[1], i == 1 ? 1 : 0), 0);
		json_decref(msg);
	}
	close(pipefd[1]);
	run(&a);
	run(&b);
	assert_int_equal(b.messages, 3);
	assert_int_equal(b.fds, 0);
	assert_int_not_equal(b.kept, -1);
	assert_int_equal(write(b.kept, "x", 1), 1);
	assert_int_equal(read(pipefd[0], &byte, 1), 1);
	assert_int_equal(byte, 'x');
	close(pipefd[0]);
	finish(&a);
	finish(&b);
	assert_int_equal(open_fds(), before);
}

static void
test_conn_closes_descriptors_nobody_took(void **state)
{
	unsigned before = open_fds();
	struct end e;

	start(&e);
	peer_send_fds(&e, "{\"fds\":2}\n", 10, 0, 2);
	run(&e);
	assert_int_equal(e.messages, 1);
	assert_int_equal(e.fds, 2);
	assert_non_null(e.c);
	finish(&e);
	assert_int_equal(open_fds(), before);
}

static void
test_conn_ends_at_descriptors_not_announced(void **state)
{
	unsigned before = open_fds();
	struct end e;

	start(&e);
	peer_send_fds(&e, "{\"fds\":1}\n", 10, 0, 3);
	run(&e);
	assert_null(e.c);
	finish(&e);
	start(&e);
	peer_send_fds(&e, "{\"fds\":1}\n", 10, 0, 253);
	run(&e);
	assert_null(e.c);
	assert_int_equal(e.messages, 0);
	finish(&e);
	assert_int_equal(open_fds(), before);
}

static void
test_conn_ends_at_descriptors_that_did_not_come(void **state)
{
	struct end e;

	start(&e);
	peer_send(&e, "{\"fds\":1}\n");
	run(&e);
	assert_null(e.c);
	assert_int_equal(e.messages, 0);
	assert_non_null(strstr(e.why, "descriptors"));
	finish(&e);
}

static void
test_conn_ends_at_what_is_no_json_object(void **state)
{
	static const char *const bad[] = {
	    "hello\n", "[1]\n", "\n", "{\"a\":}\n", "\xff\xfe\n", "{} {}\n"};
	struct end e;
	size_t i;

	for (i = 0; i < sizeof bad / sizeof *bad; i++) {
		start(&e);
		peer_send(&e, bad[i]);
		run(&e);
		assert_null(e.c);
		assert_int_equal(e.messages, 0);
		finish(&e);
	}
}

/* Sends len bytes of filler, running the loop whenever the socket is full. */
static void
peer_fill(struct end *e, size_t len)
{
	char block[4096];
	ssize_t n;

	memset(block, 'x', sizeof block);
	while (len > 0 && e->c != NULL) {
		n = send(e->peer, block,
		    len < sizeof block ? len : sizeof block,
		    MSG_DONTWAIT | MSG_NOSIGNAL);
		if (n > 0)
			len -= (size_t)n;
		else
			run(e);
	}
}

static void
test_conn_takes_a_line_of_a_mebibyte_and_no_more(void **state)
{
	struct end e;

	start(&e);
	peer_send(&e, "{\"a\":\"");
	peer_fill(&e, CONN_MAX_LINE - 8);
	peer_send(&e, "\"}\n");
	run(&e);
	assert_int_equal(e.messages, 1);
	assert_non_null(e.c);
	finish(&e);

	start(&e);
	peer_fill(&e, CONN_MAX_LINE + (128 << 10));
	run(&e);
	assert_null(e.c);
	assert_int_equal(e.messages, 0);
	finish(&e);
}

static void
test_conn_takes_more_from_a_peer_that_is_trusted(void **state)
{
	struct end e;

	start(&e);
	conn_trust(e.c);
	peer_send(&e, "{\"a\":\"");
	peer_fill(&e, CONN_MAX_ANSWER - 8);
	peer_send(&e, "\"}\n");
	run(&e);
	assert_int_equal(e.messages, 1);
	peer_fill(&e, CONN_MAX_ANSWER + (128 << 10));
	run(&e);
	assert_null(e.c);
	finish(&e);
}

static void
test_conn_gives_up_on_a_peer_that_does_not_read(void **state)
{
	char text[100001];
	struct end e;
	json_t *msg;
	int i, failed = 0;

	memset(text, 'y', sizeof text - 1);
	text[sizeof text - 1] = '\0';
	start(&e);
	msg = json_pack("{s:s}", "t", text);
	for (i = 0; i < 200 && !failed; i++)
		failed = conn_send(e.c, msg, NULL, 0) == -1;
	json_decref(msg);
	assert_true(failed);
	assert_true(i > 80);
	/* Nothing was called from within conn_send(). */
	assert_non_null(e.c);
	run(&e);
	assert_null(e.c);
	finish(&e);
}

static void
test_conn_gives_up_on_a_peer_that_asks_and_does_not_read(void **state)
{
	char *text = calloc(1, 500001);
	struct end e;
	int i;

	memset(text, 'y', 500000);
	start(&e);
	e.answer = json_pack("{s:s}", "t", text);
	free(text);
	for (i = 0; i < 40; i++)
		peer_send(&e, "{}\n");
	run(&e);
	assert_null(e.c);
	assert_true(e.messages < 40);
	json_decref(e.answer);
	finish(&e);
}

static void
test_conn_hears_the_last_words_of_who_is_gone(void **state)
{
	struct end e;
	json_t *msg;

	start(&e);
	peer_send(&e, "{\"event\":\"STATE\"}\n");
	close(e.peer);
	e.peer = -1;
	msg = json_object();
	conn_send(e.c, msg, NULL, 0);
	json_decref(msg);
	run(&e);
	assert_int_equal(e.messages, 1);
	assert_null(e.c);
	finish(&e);
}

static void
test_conn_may_be_freed_by_its_message(void **state)
{
	struct end e;

	start(&e);
	e.free_in_message = true;
	peer_send(&e, "{}\n{}\n");
	run(&e);
	assert_int_equal(e.messages, 1);
	assert_string_equal(e.why, "");
	finish(&e);
}

static void
test_conn_return_carries_the_id_and_large_answers_become_errors(void **state)
{
	char buf[4096];
	json_t *id = json_integer(7), *big;
	struct end e;
	ssize_t n;

	start(&e);
	assert_int_equal(conn_return(e.c, id, NULL, NULL, 0), 0);
	n = read(e.peer, buf, sizeof buf - 1);
	assert_true(n > 0);
	buf[n] = '\0';
	assert_string_equal(buf, "{\"return\":{},\"id\":7}\n");

	char *text = malloc(CONN_MAX_ANSWER + 1);
	memset(text, 'z', CONN_MAX_ANSWER);
	text[CONN_MAX_ANSWER] = '\0';
	big = json_pack("{s:s}", "t", text);
	free(text);
	assert_int_equal(conn_return(e.c, id, big, NULL, 0), 0);
	n = read(e.peer, buf, sizeof buf - 1);
	assert_true(n > 0);
	buf[n] = '\0';
	assert_non_null(strstr(buf, "\"error\""));
	assert_non_null(strstr(buf, "\"id\":7"));
	json_decref(id);
	finish(&e);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_conn_delivers_lines_however_they_are_cut),
	    cmocka_unit_test(test_conn_takes_turns_with_many_lines),
	    cmocka_unit_test(test_conn_passes_descriptors_with_their_line),
	    cmocka_unit_test(test_conn_closes_descriptors_nobody_took),
	    cmocka_unit_test(test_conn_ends_at_descriptors_not_announced),
	    cmocka_unit_test(test_conn_ends_at_descriptors_that_did_not_come),
	    cmocka_unit_test(test_conn_ends_at_what_is_no_json_object),
	    cmocka_unit_test(test_conn_takes_a_line_of_a_mebibyte_and_no_more),
	    cmocka_unit_test(test_conn_takes_more_from_a_peer_that_is_trusted),
	    cmocka_unit_test(test_conn_gives_up_on_a_peer_that_does_not_read),
	    cmocka_unit_test(
		test_conn_gives_up_on_a_peer_that_asks_and_does_not_read),
	    cmocka_unit_test(test_conn_hears_the_last_words_of_who_is_gone),
	    cmocka_unit_test(test_conn_may_be_freed_by_its_message),
	    cmocka_unit_test(
		test_conn_return_carries_the_id_and_large_answers_become_errors),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
