/* backend/net/tap: a guest's interface as a tap of the host. */
#include <poll.h>
#include <sys/mount.h>
#include <linux/if_tun.h>

#include "tests/unit/nettest.h"

/* A handle, and taps to be had on this machine. */
#define TAPTEST_RTNL(rt, state)                                        \
	do {                                                           \
		NETTEST_RTNL(rt, state);                               \
		if (access("/dev/net/tun", R_OK | W_OK) == -1)         \
			SKIP("/dev/net/tun is missing or not for us"); \
	} while (0)

/*
 * Makes what `ip tuntap add dev NAME mode tap|tun [multi_queue] [user UID]`
 * makes: an interface that stays.
 */
static void
taptest_premade(const char *name, int flags, int uid)
{
	struct ifreq ifr = {.ifr_flags = (short)(flags | IFF_NO_PI)};
	int fd;

	fd = open("/dev/net/tun", O_RDWR | O_CLOEXEC);
	assert_true(fd != -1);
	snprintf(ifr.ifr_name, sizeof ifr.ifr_name, "%s", name);
	assert_int_equal(ioctl(fd, TUNSETIFF, &ifr), 0);
	if (uid != -1)
		assert_int_equal(ioctl(fd, TUNSETOWNER, (unsigned long)uid), 0);
	assert_int_equal(ioctl(fd, TUNSETPERSIST, 1UL), 0);
	close(fd);
}

/* A tap of the name on the bridge. */
static int
taptest_joined(struct rtnl *rt, const char *name, const char *bridge)
{
	struct error err = {""};
	char actual[IFNAMSIZ];
	int fd;

	NET_OK(fd = tap_open(rt, name, actual, &err));
	assert_string_equal(actual, name);
	assert_int_equal(tap_attach(rt, name, bridge, &err), 1);
	return fd;
}

static void
test_tap_joins_and_vanishes_with_its_descriptor(void **state)
{
	struct error err = {""};
	struct net_link link;
	struct rtnl *rt;
	bool created;
	int again, fd;

	TAPTEST_RTNL(rt, state);
	NET_OK(bridge_ensure(rt, "vms-local", &created, &err));
	fd = taptest_joined(rt, "vmt-mv1.0", "vms-local");
	assert_true(nettest_is_port(rt, "vmt-mv1.0", "vms-local"));
	assert_int_equal(nettest_get(rt, "vmt-mv1.0", &link), 1);
	assert_true(link.up);
	assert_true(link.tap);
	assert_false(link.persist);
	assert_false(nettest_has_address("vmt-mv1.0", AF_INET6));
	assert_false(nettest_has_address("vms-local", AF_INET6));
	/* As long as one descriptor is left it stays. */
	assert_true((again = dup(fd)) != -1);
	close(fd);
	assert_true(nettest_is_port(rt, "vmt-mv1.0", "vms-local"));
	close(again);
	assert_false(nettest_exists(rt, "vmt-mv1.0"));
	assert_int_equal(bridge_delete(rt, "vms-local", &err), 1);
}

static void
test_tap_descriptor_is_what_a_device_expects(void **state)
{
	struct error err = {""};
	char actual[IFNAMSIZ];
	struct ifreq ifr = {0};
	struct rtnl *rt;
	int fd, size = 0;

	TAPTEST_RTNL(rt, state);
	NET_OK(fd = tap_open(rt, "tap0", actual, &err));
	assert_true(fcntl(fd, F_GETFL) & O_NONBLOCK);
	assert_true(fcntl(fd, F_GETFD) & FD_CLOEXEC);
	assert_int_equal(ioctl(fd, TUNGETIFF, &ifr), 0);
	assert_true(ifr.ifr_flags & IFF_VNET_HDR);
	assert_int_equal(ioctl(fd, TUNGETVNETHDRSZ, &size), 0);
	assert_int_equal(size, TAP_HEADER);

	NET_OK(tap_set_header(fd, 10, &err));
	assert_int_equal(ioctl(fd, TUNGETVNETHDRSZ, &size), 0);
	assert_int_equal(size, 10);
	assert_int_equal(tap_set_header(fd, 3, &err), -1);
	nettest_says(&err, "header of 3 bytes", "refused");

	NET_OK(tap_set_offload(fd, TUN_F_CSUM | TUN_F_TSO4 | TUN_F_TSO6, &err));
	assert_int_equal(tap_set_offload(fd, 1u << 30, &err), -1);
	nettest_says(&err, "0x40000000", "refused");
	close(fd);
}

static void
test_tap_pattern_gives_a_name_each(void **state)
{
	char first[IFNAMSIZ], second[IFNAMSIZ];
	struct error err = {""};
	struct rtnl *rt;
	int a, b;

	TAPTEST_RTNL(rt, state);
	NET_OK(a = tap_open(rt, "vmt%d.x", first, &err));
	NET_OK(b = tap_open(rt, "vmt%d.x", second, &err));
	assert_string_equal(first, "vmt0.x");
	assert_string_equal(second, "vmt1.x");
	assert_true(nettest_exists(rt, "vmt1.x"));
	close(a);
	close(b);
}

#define FRAME_LEN 60

/* Reads until a frame of our own type comes; the host's own chatter passes. */
static bool
taptest_receive(int fd, unsigned char *buf, size_t len)
{
	struct pollfd p = {.fd = fd, .events = POLLIN};
	ssize_t n;

	while (poll(&p, 1, 2000) == 1) {
		n = read(fd, buf, len);
		if (n == TAP_HEADER + FRAME_LEN &&
		    buf[TAP_HEADER + 12] == 0x88 &&
		    buf[TAP_HEADER + 13] == 0xb5)
			return true;
	}
	return false;
}

static void
test_taps_of_a_bridge_pass_frames_to_each_other(void **state)
{
	unsigned char frame[TAP_HEADER + FRAME_LEN] = {0}, got[2048];
	struct net_link before, after;
	struct error err = {""};
	struct rtnl *rt;
	bool created;
	int a, b, i;

	TAPTEST_RTNL(rt, state);
	NET_OK(bridge_ensure(rt, "vms-local", &created, &err));
	a = taptest_joined(rt, "vmt-mv1.0", "vms-local");
	b = taptest_joined(rt, "vmt-mv2.0", "vms-local");
	nettest_get(rt, "vmt-mv1.0", &before);

	memset(frame + TAP_HEADER, 0xff, 6);
	memcpy(frame + TAP_HEADER + 6, "\x00\x20\x91\x00\x00\x01", 6);
	frame[TAP_HEADER + 12] = 0x88; /* for local experiments */
	frame[TAP_HEADER + 13] = 0xb5;
	for (i = 14; i < FRAME_LEN; i++)
		frame[TAP_HEADER + i] = (unsigned char)(i * 7);
	assert_int_equal(write(a, frame, sizeof frame), sizeof frame);
	assert_true(taptest_receive(b, got, sizeof got));
	assert_memory_equal(got + TAP_HEADER, frame + TAP_HEADER, FRAME_LEN);

	/* What the guest sends is what the host receives. */
	nettest_get(rt, "vmt-mv1.0", &after);
	assert_true(after.rx_packets == before.rx_packets + 1);
	assert_true(after.rx_bytes >= before.rx_bytes + FRAME_LEN - 14);
	nettest_get(rt, "vmt-mv2.0", &after);
	assert_true(after.tx_packets >= 1);
	assert_true(after.tx_bytes >= FRAME_LEN);
	close(a);
	close(b);
}

/* What goes to "to" from one guest on the bridge to all others. */
static void
taptest_send(int fd, const void *to)
{
	unsigned char frame[TAP_HEADER + FRAME_LEN] = {0};

	memcpy(frame + TAP_HEADER, to, 6);
	memcpy(frame + TAP_HEADER + 6, "\x00\x20\x91\x00\x00\x01", 6);
	frame[TAP_HEADER + 12] = 0x88;
	frame[TAP_HEADER + 13] = 0xb5;
	assert_int_equal(write(fd, frame, sizeof frame), sizeof frame);
}

static void
test_tap_filter_lets_through_what_is_wanted(void **state)
{
	static const uint8_t own[6] = {0x00, 0x20, 0x91, 0, 0, 2};
	static const uint8_t other[6] = {0x00, 0x20, 0x91, 0, 0, 3};
	static const uint8_t group[6] = {0x01, 0x00, 0x5e, 1, 2, 3};
	unsigned char got[2048];
	struct error err = {""};
	struct rtnl *rt;
	bool created;
	int a, b;

	TAPTEST_RTNL(rt, state);
	NET_OK(bridge_ensure(rt, "vms-local", &created, &err));
	a = taptest_joined(rt, "vmt-mv1.0", "vms-local");
	b = taptest_joined(rt, "vmt-mv2.0", "vms-local");
	NET_OK(tap_set_filter(b, &own, 1, false, &err));
	taptest_send(a, other);
	taptest_send(a, group);
	taptest_send(a, own);
	assert_true(taptest_receive(b, got, sizeof got));
	assert_memory_equal(got + TAP_HEADER, own, 6);
	NET_OK(tap_set_filter(b, &own, 1, true, &err));
	taptest_send(a, other);
	taptest_send(a, group);
	assert_true(taptest_receive(b, got, sizeof got));
	assert_memory_equal(got + TAP_HEADER, group, 6);
	NET_OK(tap_set_filter(b, NULL, 0, false, &err));
	taptest_send(a, other);
	assert_true(taptest_receive(b, got, sizeof got));
	assert_memory_equal(got + TAP_HEADER, other, 6);
	close(a);
	close(b);
}

static void
test_tap_takes_the_mtu_of_its_bridge(void **state)
{
	struct error err = {""};
	struct net_link link;
	struct rtnl *rt;
	bool created;
	int fd;

	TAPTEST_RTNL(rt, state);
	nettest_make("veth", "em0", "peer0");
	nettest_mtu("em0", 9000);
	NET_OK(bridge_ensure(rt, "vms-local", &created, &err));
	NET_OK(bridge_add(rt, "vms-local", "em0", &err));
	fd = taptest_joined(rt, "vmt-mv1.0", "vms-local");
	nettest_get(rt, "vmt-mv1.0", &link);
	assert_int_equal(link.mtu, 9000);
	nettest_get(rt, "vms-local", &link);
	assert_int_equal(link.mtu, 9000);
	close(fd);
}

static void
test_tap_never_gives_a_bridge_its_hardware_address(void **state)
{
	struct ifreq before = {0}, after = {0};
	struct error err = {""};
	struct rtnl *rt;
	int fd;

	TAPTEST_RTNL(rt, state);
	nettest_make("veth", "em0", "peer0");
	nettest_make("bridge", "br0", NULL);
	NET_OK(bridge_add(rt, "br0", "em0", &err));
	nettest_ioctl(SIOCGIFHWADDR, "br0", &before);
	fd = taptest_joined(rt, "vmt-mv1.0", "br0");
	nettest_ioctl(SIOCGIFHWADDR, "br0", &after);
	assert_memory_equal(
	    before.ifr_hwaddr.sa_data, after.ifr_hwaddr.sa_data, 6);
	nettest_ioctl(SIOCGIFHWADDR, "vmt-mv1.0", &after);
	assert_int_equal((unsigned char)after.ifr_hwaddr.sa_data[0], 0xfe);
	close(fd);
}

static void
test_tap_without_switch_is_only_brought_up(void **state)
{
	struct error err = {""};
	char actual[IFNAMSIZ];
	struct net_link link;
	struct rtnl *rt;
	int fd;

	TAPTEST_RTNL(rt, state);
	NET_OK(fd = tap_open(rt, "tap0", actual, &err));
	assert_int_equal(tap_attach(rt, "tap0", NULL, &err), 0);
	nettest_get(rt, "tap0", &link);
	assert_true(link.up);
	assert_int_equal(link.master, 0);
	close(fd);
	assert_int_equal(tap_attach(rt, "tap0", NULL, &err), -1);
	nettest_says(&err, "tap0", "no tap");
}

static void
test_tap_premade_is_used_and_stays(void **state)
{
	struct error err = {""};
	struct rtnl *rt;
	bool created;
	int fd;

	TAPTEST_RTNL(rt, state);
	taptest_premade("tap0", IFF_TAP, -1);
	NET_OK(bridge_ensure(rt, "vms-local", &created, &err));
	fd = taptest_joined(rt, "tap0", "vms-local");
	close(fd);
	assert_true(nettest_is_port(rt, "tap0", "vms-local"));
	assert_int_equal(bridge_remove(rt, "vms-local", "tap0", &err), 1);
	assert_true(nettest_exists(rt, "tap0"));
}

static void
test_tap_premade_for_the_user_needs_no_permission(void **state)
{
	struct error err = {""};
	char actual[IFNAMSIZ];
	struct rtnl *rt;
	bool created;
	int fd, joined;

	TAPTEST_RTNL(rt, state);
	taptest_premade("tap0", IFF_TAP, (int)geteuid());
	NET_OK(bridge_ensure(rt, "vms-local", &created, &err));
	assert_int_equal(tap_attach(rt, "tap0", "vms-local", &err), 1);
	nettest_capable(false);
	fd = tap_open(rt, "tap0", actual, &err);
	joined = tap_attach(rt, "tap0", "vms-local", &err);
	nettest_capable(true);
	if (fd == -1 || joined == -1)
		fail_msg("%s", err.text);
	assert_int_equal(joined, 0);
	close(fd);
}

/* Opening it fails, with a sentence, and leaves nothing. */
static void
taptest_refused(struct rtnl *rt, const char *name, const char *a, const char *b)
{
	int count = nettest_count(rt), fds = nettest_open_fds();
	struct error err = {""};
	char actual[IFNAMSIZ];

	assert_int_equal(tap_open(rt, name, actual, &err), -1);
	nettest_says(&err, a, b);
	assert_int_equal(nettest_count(rt), count);
	assert_int_equal(nettest_open_fds(), fds);
}

static void
test_tap_of_another_user_is_refused(void **state)
{
	struct rtnl *rt;

	TAPTEST_RTNL(rt, state);
	if (((struct nettest *)*state)->mapped)
		SKIP("only root knows another user");
	taptest_premade("tap0", IFF_TAP, (int)geteuid() + 1);
	nettest_capable(false);
	taptest_refused(rt, "tap0", "tap0 is another user's", "mode tap user");
	nettest_capable(true);
}

static void
test_tap_without_permission_says_how_to_get_it(void **state)
{
	struct rtnl *rt;

	TAPTEST_RTNL(rt, state);
	nettest_capable(false);
	taptest_refused(
	    rt, "vmt-mv1.0", "vmt-mv1.0: no permission", "CAP_NET_ADMIN");
	nettest_capable(true);
}

static void
test_tap_in_use_is_refused(void **state)
{
	struct error err = {""};
	char actual[IFNAMSIZ];
	struct rtnl *rt;
	int fd;

	TAPTEST_RTNL(rt, state);
	NET_OK(fd = tap_open(rt, "tap0", actual, &err));
	taptest_refused(rt, "tap0", "tap0 is in use", "tap=");
	close(fd);
}

static void
test_tap_has_several_queues(void **state)
{
	struct error err = {""};
	char actual[IFNAMSIZ];
	struct net_link link;
	struct rtnl *rt;
	int fd[4], more[4], i;

	TAPTEST_RTNL(rt, state);
	NET_OK(tap_open_queues(rt, "tap0", 4, fd, actual, &err));
	assert_string_equal(actual, "tap0");
	assert_int_equal(nettest_get(rt, "tap0", &link), 1);
	assert_true(link.multi_queue);
	assert_int_equal(link.queues, 4);
	for (i = 1; i < 4; i++)
		assert_int_equal(tap_set_queue(fd[i], false, &err), 0);
	assert_int_equal(tap_set_queue(fd[1], false, &err), -1);
	nettest_says(&err, "detaching", "refused");
	assert_int_equal(tap_set_queue(fd[2], true, &err), 0);
	/* It is in use, though the kernel would have one more. */
	assert_int_equal(
	    tap_open_queues(rt, "tap0", 2, more, actual, &err), -1);
	nettest_says(&err, "tap0 is in use", "tap=");
	assert_int_equal(tap_open(rt, "tap0", actual, &err), -1);
	nettest_says(&err, "tap0 is in use", "tap=");
	for (i = 0; i < 4; i++)
		close(fd[i]);
	assert_false(nettest_exists(rt, "tap0"));
}

static void
test_tap_that_exists_has_the_queues_that_it_was_made_for(void **state)
{
	struct error err = {""};
	char actual[IFNAMSIZ];
	struct rtnl *rt;
	int fd[4], i;

	TAPTEST_RTNL(rt, state);
	taptest_premade("tap8", IFF_TAP, -1);
	assert_int_equal(tap_open_queues(rt, "tap8", 4, fd, actual, &err), 1);
	close(fd[0]);
	taptest_premade("tap9", IFF_TAP | IFF_MULTI_QUEUE, -1);
	NET_OK(fd[0] = tap_open(rt, "tap9", actual, &err));
	close(fd[0]);
	assert_int_equal(tap_open_queues(rt, "tap9", 4, fd, actual, &err), 4);
	for (i = 0; i < 4; i++)
		close(fd[i]);
	assert_true(nettest_exists(rt, "tap9"));
}

static void
test_tap_name_of_what_is_no_tap_is_refused(void **state)
{
	struct rtnl *rt;

	TAPTEST_RTNL(rt, state);
	nettest_make("veth", "em0", "peer0");
	taptest_refused(rt, "em0", "em0 exists and is no tap", "tap=");
	taptest_premade("tun0", IFF_TUN, -1);
	taptest_refused(rt, "tun0", "tun0 is a tun", "mode tap");
}

static void
test_tap_name_the_kernel_cannot_have_is_refused(void **state)
{
	static const char *bad[] = {"", "sixteen-letters-", "a/b", "a b", "%s",
	    "%d%d", "100%", "sixteen-letter%d"};
	struct rtnl *rt;
	size_t i;

	TAPTEST_RTNL(rt, state);
	for (i = 0; i < sizeof bad / sizeof *bad; i++)
		taptest_refused(rt, bad[i], "interface's name", "");
}

static void
test_tap_that_cannot_join_is_left_where_it_was(void **state)
{
	struct error err = {""};
	char actual[IFNAMSIZ];
	struct rtnl *rt;
	bool created;
	int fd;

	TAPTEST_RTNL(rt, state);
	NET_OK(fd = tap_open(rt, "tap0", actual, &err));
	assert_int_equal(tap_attach(rt, "tap0", "vms-local", &err), -1);
	nettest_says(&err, "no bridge vms-local", "switch");
	nettest_make("veth", "em0", "peer0");
	assert_int_equal(tap_attach(rt, "tap0", "em0", &err), -1);
	nettest_says(&err, "em0", "no bridge");
	NET_OK(bridge_ensure(rt, "br0", &created, &err));
	NET_OK(bridge_ensure(rt, "br1", &created, &err));
	assert_int_equal(tap_attach(rt, "tap0", "br0", &err), 1);
	assert_int_equal(tap_attach(rt, "tap0", "br1", &err), -1);
	nettest_says(&err, "tap0 is a port of br0", "br1");
	assert_true(nettest_is_port(rt, "tap0", "br0"));
	close(fd);
	assert_false(nettest_exists(rt, "tap0"));
}

static void
test_tap_without_the_device_names_the_module(void **state)
{
	struct error err = {""};
	char actual[IFNAMSIZ];
	struct rtnl *rt;
	int fd;

	NETTEST_RTNL(rt, state);
	if (access("/dev/net", F_OK) == 0) {
		if (unshare(CLONE_NEWNS) == -1 ||
		    mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) == -1 ||
		    mount("none", "/dev/net", "tmpfs", 0, NULL) == -1)
			SKIP("/dev/net cannot be hidden here");
		fd = tap_open(rt, "tap0", actual, &err);
		assert_int_equal(umount2("/dev/net", MNT_DETACH), 0);
	} else
		fd = tap_open(rt, "tap0", actual, &err);
	assert_int_equal(fd, -1);
	nettest_says(&err, "/dev/net/tun", "modprobe tun");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    NETTEST(test_tap_joins_and_vanishes_with_its_descriptor),
	    NETTEST(test_tap_descriptor_is_what_a_device_expects),
	    NETTEST(test_tap_pattern_gives_a_name_each),
	    NETTEST(test_taps_of_a_bridge_pass_frames_to_each_other),
	    NETTEST(test_tap_filter_lets_through_what_is_wanted),
	    NETTEST(test_tap_takes_the_mtu_of_its_bridge),
	    NETTEST(test_tap_never_gives_a_bridge_its_hardware_address),
	    NETTEST(test_tap_without_switch_is_only_brought_up),
	    NETTEST(test_tap_premade_is_used_and_stays),
	    NETTEST(test_tap_premade_for_the_user_needs_no_permission),
	    NETTEST(test_tap_of_another_user_is_refused),
	    NETTEST(test_tap_without_permission_says_how_to_get_it),
	    NETTEST(test_tap_in_use_is_refused),
	    NETTEST(test_tap_has_several_queues),
	    NETTEST(test_tap_that_exists_has_the_queues_that_it_was_made_for),
	    NETTEST(test_tap_name_of_what_is_no_tap_is_refused),
	    NETTEST(test_tap_name_the_kernel_cannot_have_is_refused),
	    NETTEST(test_tap_that_cannot_join_is_left_where_it_was),
	    NETTEST(test_tap_without_the_device_names_the_module),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
