/* backend/net/port: what a bridge's port lets through. */
#include <poll.h>

#include "tests/unit/nettest.h"

#define BRIDGE    "vms-local"
#define WAIT_MS   20000
#define ETHERTYPE 0x88b5 /* IEEE 802's for experiments: nobody else sends it */

static const uint8_t own[6] = {2, 0, 0, 0, 0, 1};
static const uint8_t forged[6] = {2, 0, 0, 0, 0, 2};
static const uint8_t group[6] = {0xff, 0xff, 0xff, 0xff, 0xff, 0xff};

/* Taps a and b on a bridge; the test is what is at the other end of both. */
struct line {
	struct rtnl *rt;
	int a, b;
};

static int
line_tap(struct rtnl *rt, const char *name)
{
	struct error err = {""};
	char actual[IFNAMSIZ];
	int fd;

	NET_OK(fd = tap_open(rt, name, actual, &err));
	assert_int_equal(tap_attach(rt, name, BRIDGE, &err), 1);
	return fd;
}

static void
line_end(const struct line *l)
{
	close(l->a);
	close(l->b);
}

/* Whether the kernel can do it; else the test ends. */
static bool
line_begin(struct line *l, struct rtnl *rt)
{
	struct error err = {""};
	struct net_link port;
	bool created;

	l->rt = rt;
	NET_OK(bridge_ensure(rt, BRIDGE, &created, &err));
	l->a = line_tap(rt, "a");
	l->b = line_tap(rt, "b");
	assert_int_equal(nettest_get(rt, "a", &port), 1);
	if (!port.lockable)
		line_end(l);
	return port.lockable;
}

#define LINE(l, state)                                                 \
	do {                                                           \
		struct rtnl *rt;                                       \
                                                                       \
		NETTEST_RTNL(rt, state);                               \
		if (access("/dev/net/tun", R_OK | W_OK) == -1)         \
			SKIP("/dev/net/tun is missing or not for us"); \
		if (!line_begin(l, rt))                                \
			SKIP("this kernel locks no port of a bridge"); \
	} while (0)

static void
send_frame(int fd, const uint8_t *to, const uint8_t *from, uint8_t mark)
{
	uint8_t frame[TAP_HEADER + 60] = {0};

	memcpy(frame + TAP_HEADER, to, 6);
	memcpy(frame + TAP_HEADER + 6, from, 6);
	frame[TAP_HEADER + 12] = ETHERTYPE >> 8;
	frame[TAP_HEADER + 13] = ETHERTYPE & 0xff;
	frame[TAP_HEADER + 14] = mark;
	assert_int_equal(write(fd, frame, sizeof frame), sizeof frame);
}

/* The mark of the next frame of ours that comes out there. */
static int
next_mark(int fd)
{
	struct pollfd p = {.fd = fd, .events = POLLIN};
	uint8_t frame[2048];
	ssize_t n;

	for (;;) {
		if (poll(&p, 1, WAIT_MS) != 1)
			fail_msg("no frame comes through");
		n = read(fd, frame, sizeof frame);
		if (n > TAP_HEADER + 14 &&
		    frame[TAP_HEADER + 12] == ETHERTYPE >> 8 &&
		    frame[TAP_HEADER + 13] == (ETHERTYPE & 0xff))
			return frame[TAP_HEADER + 14];
	}
}

/*
 * Sends one from each of both at a and tells which came out at b: 12, or 2 for
 * own's alone. What is sent first also comes first.
 */
static int
what_passes(const struct line *l)
{
	int mark;

	send_frame(l->a, group, forged, 1);
	send_frame(l->a, group, own, 2);
	if ((mark = next_mark(l->b)) == 2)
		return 2;
	return mark * 10 + next_mark(l->b);
}

static void
test_port_locked_drops_a_forged_source(void **state)
{
	struct error err = {""};
	struct net_link link;
	struct line l;

	LINE(&l, state);
	assert_int_equal(what_passes(&l), 12);
	NET_OK(port_lock(l.rt, "a", own, &err));
	/* Though the bridge had learned the other by then. */
	assert_int_equal(what_passes(&l), 2);
	assert_int_equal(what_passes(&l), 2);
	assert_int_equal(nettest_get(l.rt, "a", &link), 1);
	assert_true(link.locked);
	assert_false(link.learning);
	assert_int_equal(nettest_get(l.rt, "b", &link), 1);
	assert_false(link.locked);
	NET_OK(port_unlock(l.rt, "a", own, &err));
	assert_int_equal(what_passes(&l), 12);
	assert_int_equal(nettest_get(l.rt, "a", &link), 1);
	assert_false(link.locked);
	assert_true(link.learning);
	line_end(&l);
}

static void
test_port_locked_is_found_by_its_address(void **state)
{
	struct error err = {""};
	struct line l;

	LINE(&l, state);
	NET_OK(port_lock(l.rt, "a", own, &err));
	send_frame(l.b, own, forged, 7);
	assert_int_equal(next_mark(l.a), 7);
	line_end(&l);
}

static void
test_port_locked_keeps_its_address_from_others(void **state)
{
	struct error err = {""};
	struct line l;

	LINE(&l, state);
	NET_OK(port_lock(l.rt, "a", own, &err));
	/* b is free to lie, and gets nothing by it. */
	send_frame(l.b, group, own, 3);
	assert_int_equal(next_mark(l.a), 3);
	send_frame(l.a, group, own, 4);
	assert_int_equal(next_mark(l.b), 4);
	assert_int_equal(port_lock(l.rt, "b", own, &err), -1);
	nettest_says(&err, "b cannot be locked", "of a");
	send_frame(l.b, group, forged, 5);
	assert_int_equal(next_mark(l.a), 5);
	line_end(&l);
}

static void
test_port_lock_takes_an_address_that_was_forged_elsewhere(void **state)
{
	struct error err = {""};
	struct line l;

	LINE(&l, state);
	send_frame(l.b, group, own, 1);
	assert_int_equal(next_mark(l.a), 1);
	NET_OK(port_lock(l.rt, "a", own, &err));
	assert_int_equal(what_passes(&l), 2);
	line_end(&l);
}

static void
test_port_lock_to_another_address_forgets_the_first(void **state)
{
	struct error err = {""};
	struct line l;

	LINE(&l, state);
	assert_int_equal(port_lock(l.rt, "a", forged, &err), 1);
	assert_int_equal(port_lock(l.rt, "a", own, &err), 1);
	assert_int_equal(what_passes(&l), 2);
	line_end(&l);
}

static void
test_port_that_is_ready_needs_no_permission(void **state)
{
	struct error err = {""};
	struct line l;

	LINE(&l, state);
	nettest_capable(false);
	assert_int_equal(port_lock(l.rt, "a", own, &err), -1);
	nettest_says(&err, "locking a", "CAP_NET_ADMIN");
	assert_int_equal(port_unlock(l.rt, "a", own, &err), 0);
	nettest_capable(true);
	assert_int_equal(port_lock(l.rt, "a", own, &err), 1);
	nettest_capable(false);
	assert_int_equal(port_lock(l.rt, "a", own, &err), 0);
	assert_int_equal(port_unlock(l.rt, "a", own, &err), -1);
	nettest_says(&err, "unlocking a", "CAP_NET_ADMIN");
	nettest_capable(true);
	assert_int_equal(port_unlock(l.rt, "a", own, &err), 1);
	assert_int_equal(port_unlock(l.rt, "a", own, &err), 0);
	line_end(&l);
}

static void
test_port_lock_wants_a_port_of_a_bridge(void **state)
{
	struct error err = {""};
	struct rtnl *rt;

	NETTEST_RTNL(rt, state);
	nettest_make("veth", "em0", "peer0");
	assert_int_equal(port_lock(rt, "em0", own, &err), -1);
	nettest_says(&err, "em0", "plug it into a switch");
	assert_int_equal(port_lock(rt, "gone", own, &err), -1);
	nettest_says(&err, "gone", "in no bridge");
	assert_int_equal(port_unlock(rt, "em0", own, &err), 0);
	assert_int_equal(port_unlock(rt, "gone", own, &err), 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    NETTEST(test_port_locked_drops_a_forged_source),
	    NETTEST(test_port_locked_is_found_by_its_address),
	    NETTEST(test_port_locked_keeps_its_address_from_others),
	    NETTEST(test_port_lock_takes_an_address_that_was_forged_elsewhere),
	    NETTEST(test_port_lock_to_another_address_forgets_the_first),
	    NETTEST(test_port_that_is_ready_needs_no_permission),
	    NETTEST(test_port_lock_wants_a_port_of_a_bridge),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
