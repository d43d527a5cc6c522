/* backend/net/bridge: a switch as a bridge of the host. */
#include <netinet/in.h>
#include <linux/if_bridge.h>
#include <linux/sockios.h>

#include "tests/unit/nettest.h"

static void
test_bridge_ensure_makes_one_that_is_up(void **state)
{
	struct error err = {""};
	struct net_link link;
	struct rtnl *rt;
	bool created;

	NETTEST_RTNL(rt, state);
	NET_OK(bridge_ensure(rt, "vms-local", &created, &err));
	assert_true(created);
	assert_int_equal(nettest_get(rt, "vms-local", &link), 1);
	assert_string_equal(link.kind, "bridge");
	assert_true(link.up);
	assert_true(link.ours);
	assert_false(nettest_has_address("vms-local", AF_INET6));
}

static void
test_bridge_ensure_makes_one_without_spanning_tree(void **state)
{
	struct __bridge_info info = {.stp_enabled = 1, .forward_delay = 1};
	unsigned long args[4] = {BRCTL_GET_BRIDGE_INFO, (unsigned long)&info};
	struct ifreq ifr = {.ifr_data = (char *)args};
	struct error err = {""};
	struct rtnl *rt;
	bool created;

	NETTEST_RTNL(rt, state);
	NET_OK(bridge_ensure(rt, "vms-local", &created, &err));
	nettest_ioctl(SIOCDEVPRIVATE, "vms-local", &ifr);
	assert_int_equal(info.stp_enabled, 0);
	assert_int_equal(info.forward_delay, 0);
}

static void
test_bridge_ensure_uses_the_one_it_made(void **state)
{
	struct error err = {""};
	struct rtnl *rt;
	bool created;
	int count;

	NETTEST_RTNL(rt, state);
	NET_OK(bridge_ensure(rt, "vms-local", &created, &err));
	count = nettest_count(rt);
	created = true;
	NET_OK(bridge_ensure(rt, "vms-local", &created, &err));
	assert_false(created);
	assert_int_equal(nettest_count(rt), count);
}

static void
test_bridge_ensure_uses_another_s_and_brings_it_up(void **state)
{
	struct error err = {""};
	struct net_link link;
	struct rtnl *rt;
	bool created = true;

	NETTEST_RTNL(rt, state);
	nettest_make("bridge", "br0", NULL);
	NET_OK(bridge_ensure(rt, "br0", &created, &err));
	assert_false(created);
	assert_int_equal(nettest_get(rt, "br0", &link), 1);
	assert_true(link.up);
	assert_false(link.ours);
}

static void
test_bridge_ensure_refuses_the_name_of_what_is_no_bridge(void **state)
{
	struct error err = {""};
	struct net_link link;
	struct rtnl *rt;
	bool created;

	NETTEST_RTNL(rt, state);
	nettest_make("veth", "em0", "peer0");
	assert_int_equal(bridge_ensure(rt, "em0", &created, &err), -1);
	nettest_says(&err, "em0 exists and is no bridge", "interface =");
	assert_int_equal(nettest_get(rt, "em0", &link), 1);
	assert_false(link.up);
}

static void
test_bridge_ensure_refuses_names_the_kernel_cannot_have(void **state)
{
	static const char *bad[] = {
	    "", "sixteen-letters-", "a/b", "a b", "a:1", "br%d", ".", ".."};
	struct error err;
	struct rtnl *rt;
	bool created;
	size_t i;

	NETTEST_RTNL(rt, state);
	for (i = 0; i < sizeof bad / sizeof *bad; i++) {
		err.text[0] = '\0';
		assert_int_equal(bridge_ensure(rt, bad[i], &created, &err), -1);
		nettest_says(&err, "interface's name", bad[i]);
	}
	assert_int_equal(nettest_count(rt), 1);
}

static void
test_bridge_without_permission_says_how_to_get_it(void **state)
{
	struct error err = {""};
	struct rtnl *rt;
	bool created;
	int r;

	NETTEST_RTNL(rt, state);
	nettest_capable(false);
	r = bridge_ensure(rt, "vms-local", &created, &err);
	nettest_capable(true);
	assert_int_equal(r, -1);
	nettest_says(&err, "vms-local: no permission", "CAP_NET_ADMIN");
	assert_false(nettest_exists(rt, "vms-local"));
}

static void
test_bridge_and_ports_that_are_ready_need_no_permission(void **state)
{
	struct error err = {""};
	struct rtnl *rt;
	bool created;
	int a, b, c;

	NETTEST_RTNL(rt, state);
	nettest_make("veth", "em0", "peer0");
	NET_OK(bridge_ensure(rt, "br0", &created, &err));
	NET_OK(bridge_add(rt, "br0", "em0", &err));
	NET_OK(bridge_address(rt, "br0", "192.168.7.1/24", &err));
	nettest_capable(false);
	a = bridge_ensure(rt, "br0", &created, &err);
	b = bridge_add(rt, "br0", "em0", &err);
	c = bridge_address(rt, "br0", "192.168.7.1/24", &err);
	nettest_capable(true);
	assert_int_equal(a, 0);
	assert_int_equal(b, 0);
	assert_int_equal(c, 0);
}

static void
test_bridge_keeps_its_hardware_address(void **state)
{
	struct ifreq before = {0}, after = {0};
	struct ifreq low = {.ifr_hwaddr = {.sa_family = 1}};
	struct error err = {""};
	struct rtnl *rt;
	bool created;

	NETTEST_RTNL(rt, state);
	NET_OK(bridge_ensure(rt, "vms-local", &created, &err));
	nettest_ioctl(SIOCGIFHWADDR, "vms-local", &before);
	nettest_make("veth", "em0", "peer0");
	low.ifr_hwaddr.sa_data[5] = 1;
	nettest_ioctl(SIOCSIFHWADDR, "em0", &low);
	NET_OK(bridge_add(rt, "vms-local", "em0", &err));
	nettest_ioctl(SIOCGIFHWADDR, "vms-local", &after);
	assert_memory_equal(
	    before.ifr_hwaddr.sa_data, after.ifr_hwaddr.sa_data, 6);
}

static void
test_bridge_add_makes_a_port_once(void **state)
{
	struct error err = {""};
	struct net_link link;
	struct rtnl *rt;
	bool created;

	NETTEST_RTNL(rt, state);
	nettest_make("veth", "em0", "peer0");
	NET_OK(bridge_ensure(rt, "vms-local", &created, &err));
	assert_int_equal(bridge_add(rt, "vms-local", "em0", &err), 1);
	assert_true(nettest_is_port(rt, "em0", "vms-local"));
	assert_int_equal(nettest_get(rt, "em0", &link), 1);
	assert_true(link.up);
	assert_int_equal(bridge_add(rt, "vms-local", "em0", &err), 0);
}

static void
test_bridge_add_names_the_bridge_that_has_the_port(void **state)
{
	struct error err = {""};
	struct rtnl *rt;
	bool created;

	NETTEST_RTNL(rt, state);
	nettest_make("veth", "em0", "peer0");
	NET_OK(bridge_ensure(rt, "br-first", &created, &err));
	NET_OK(bridge_ensure(rt, "br-second", &created, &err));
	NET_OK(bridge_add(rt, "br-first", "em0", &err));
	assert_int_equal(bridge_add(rt, "br-second", "em0", &err), -1);
	nettest_says(&err, "em0 is a port of br-first", "nomaster");
	assert_true(nettest_is_port(rt, "em0", "br-first"));
}

static void
test_bridge_add_suggests_the_uplink_that_was_meant(void **state)
{
	struct error err = {""};
	struct rtnl *rt;
	bool created;

	NETTEST_RTNL(rt, state);
	NET_OK(bridge_ensure(rt, "vms-local", &created, &err));
	assert_int_equal(bridge_add(rt, "vms-local", "em0", &err), -1);
	nettest_says(&err, "there is no interface em0", "ip link");
	nettest_make("veth", "enp3s0", "wlx0017c4aa");
	assert_int_equal(bridge_add(rt, "vms-local", "em0", &err), -1);
	nettest_says(&err, "this host has", "enp3s0, wlx0017c4aa");
	nettest_make("veth", "em1", "eth0");
	assert_int_equal(bridge_add(rt, "vms-local", "em0", &err), -1);
	nettest_says(&err, "em0", "did you mean em1 or eth0?");
}

/* bridge_add() with what it logs in text. */
static int
bridgetest_add(struct rtnl *rt, const char *port, char *text, size_t len)
{
	struct error err = {""};
	int out[2], saved, r;
	ssize_t n;

	assert_int_equal(pipe2(out, O_NONBLOCK | O_CLOEXEC), 0);
	assert_true((saved = dup(STDERR_FILENO)) != -1);
	assert_true(dup2(out[1], STDERR_FILENO) != -1);
	r = bridge_add(rt, "vms-local", port, &err);
	dup2(saved, STDERR_FILENO);
	close(saved);
	n = read(out[0], text, len - 1);
	text[n > 0 ? n : 0] = '\0';
	close(out[0]);
	close(out[1]);
	return r;
}

static void
test_bridge_add_warns_that_the_host_s_address_goes_dead(void **state)
{
	struct sockaddr_in sin = {.sin_family = AF_INET};
	struct error err = {""};
	struct ifreq ifr = {0};
	struct rtnl *rt;
	char text[512];
	bool created;

	NETTEST_RTNL(rt, state);
	nettest_make("veth", "em0", "peer0");
	sin.sin_addr.s_addr = htonl(0xc0a80905);
	memcpy(&ifr.ifr_addr, &sin, sizeof sin);
	nettest_ioctl(SIOCSIFADDR, "em0", &ifr);
	NET_OK(bridge_ensure(rt, "vms-local", &created, &err));
	assert_int_equal(bridgetest_add(rt, "em0", text, sizeof text), 1);
	assert_non_null(strstr(text, "192.168.9.5"));
	assert_int_equal(bridgetest_add(rt, "em0", text, sizeof text), 0);
	assert_string_equal(text, "");
	assert_int_equal(bridgetest_add(rt, "peer0", text, sizeof text), 1);
	assert_string_equal(text, "");
}

static void
test_bridge_add_refuses_what_cannot_be_a_port(void **state)
{
	static const char *bad[] = {"lo", "br1", "vms-local"};
	struct error err = {""};
	struct net_link link;
	struct rtnl *rt;
	bool created;
	size_t i;

	NETTEST_RTNL(rt, state);
	NET_OK(bridge_ensure(rt, "vms-local", &created, &err));
	nettest_make("bridge", "br1", NULL);
	for (i = 0; i < sizeof bad / sizeof *bad; i++) {
		assert_int_equal(bridge_add(rt, "vms-local", bad[i], &err), -1);
		nettest_says(&err, bad[i], "cannot be a port");
		assert_int_equal(nettest_get(rt, bad[i], &link), 1);
		assert_int_equal(link.master, 0);
	}
}

static void
test_bridge_remove_takes_out_only_its_own_port(void **state)
{
	struct error err = {""};
	struct rtnl *rt;
	bool created;

	NETTEST_RTNL(rt, state);
	nettest_make("veth", "em0", "peer0");
	NET_OK(bridge_ensure(rt, "br0", &created, &err));
	NET_OK(bridge_ensure(rt, "br1", &created, &err));
	NET_OK(bridge_add(rt, "br0", "em0", &err));
	assert_int_equal(bridge_remove(rt, "br1", "em0", &err), 0);
	assert_true(nettest_is_port(rt, "em0", "br0"));
	assert_int_equal(bridge_remove(rt, "br0", "em0", &err), 1);
	assert_false(nettest_is_port(rt, "em0", "br0"));
	assert_int_equal(bridge_remove(rt, "br0", "em0", &err), 0);
	assert_int_equal(bridge_remove(rt, "br0", "gone", &err), 0);
	assert_int_equal(bridge_remove(rt, "gone", "em0", &err), 0);
}

static void
test_bridge_delete_spares_ports_and_what_is_not_ours(void **state)
{
	struct error err = {""};
	struct rtnl *rt;
	bool created;

	NETTEST_RTNL(rt, state);
	nettest_make("veth", "em0", "peer0");
	nettest_make("bridge", "br0", NULL);
	NET_OK(bridge_ensure(rt, "br0", &created, &err));
	assert_int_equal(bridge_delete(rt, "br0", &err), 0);
	assert_true(nettest_exists(rt, "br0"));

	NET_OK(bridge_ensure(rt, "vms-local", &created, &err));
	NET_OK(bridge_add(rt, "vms-local", "em0", &err));
	assert_int_equal(bridge_delete(rt, "vms-local", &err), 0);
	assert_true(nettest_is_port(rt, "em0", "vms-local"));
	NET_OK(bridge_remove(rt, "vms-local", "em0", &err));
	assert_int_equal(bridge_delete(rt, "vms-local", &err), 1);
	assert_false(nettest_exists(rt, "vms-local"));
	assert_int_equal(bridge_delete(rt, "vms-local", &err), 0);
}

static void
test_bridge_address_is_given_once(void **state)
{
	static const struct {
		const char *text;
		int family;
	} good[] = {{"192.168.7.1/24", AF_INET}, {"fd00:7::1/64", AF_INET6}};
	struct error err = {""};
	struct rtnl *rt;
	bool created;
	size_t i;

	NETTEST_RTNL(rt, state);
	if (access("/proc/sys/net/ipv6", F_OK) == -1)
		SKIP("this kernel has no IPv6");
	NET_OK(bridge_ensure(rt, "vms-local", &created, &err));
	for (i = 0; i < sizeof good / sizeof *good; i++) {
		assert_false(nettest_has_address("vms-local", good[i].family));
		NET_OK(bridge_address(rt, "vms-local", good[i].text, &err));
		assert_true(nettest_has_address("vms-local", good[i].family));
		assert_int_equal(
		    bridge_address(rt, "vms-local", good[i].text, &err), 0);
	}
	/* The same address in another network is another address. */
	assert_int_equal(
	    bridge_address(rt, "vms-local", "192.168.7.1/25", &err), 1);
}

static void
test_bridge_address_refuses_what_is_none(void **state)
{
	static const char *bad[] = {"", "/", "192.168.7.1", "192.168.7/24",
	    "192.168.7.1/33", "192.168.7.1/0", "192.168.7.1/ 4",
	    "192.168.7.1/24x", "fd00::1/129", "fd00:::1/64", "host/24",
	    "1111:2222:3333:4444:5555:6666:7777:8888:9999:aaaa:bbbb/64"};
	struct error err = {""};
	struct rtnl *rt;
	bool created;
	size_t i;

	NETTEST_RTNL(rt, state);
	NET_OK(bridge_ensure(rt, "vms-local", &created, &err));
	for (i = 0; i < sizeof bad / sizeof *bad; i++) {
		assert_int_equal(
		    bridge_address(rt, "vms-local", bad[i], &err), -1);
		nettest_says(&err, "prefix length", "192.168.7.1/24");
	}
	assert_int_equal(
	    bridge_address(rt, "gone", "192.168.7.1/24", &err), -1);
	nettest_says(&err, "no bridge gone", "switch");
	assert_false(nettest_has_address("vms-local", AF_INET));
}

static void
test_links_are_all_listed_however_many(void **state)
{
	struct error err = {""};
	struct net_link *links;
	char name[IFNAMSIZ];
	struct rtnl *rt;
	bool created;
	int i, k, n, seen = 0;

	NETTEST_RTNL(rt, state);
	for (i = 0; i < 60; i++) {
		snprintf(name, sizeof name, "br%d", i);
		NET_OK(bridge_ensure(rt, name, &created, &err));
	}
	/* Each takes more than 1 KiB of the answer: several messages. */
	n = net_links(rt, &links, &err);
	assert_int_equal(n, 61);
	for (i = 0; i < 60; i++) {
		snprintf(name, sizeof name, "br%d", i);
		for (k = 0; k < n; k++)
			seen += strcmp(links[k].name, name) == 0;
	}
	free(links);
	assert_int_equal(seen, 60);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    NETTEST(test_bridge_ensure_makes_one_that_is_up),
	    NETTEST(test_bridge_ensure_makes_one_without_spanning_tree),
	    NETTEST(test_bridge_ensure_uses_the_one_it_made),
	    NETTEST(test_bridge_ensure_uses_another_s_and_brings_it_up),
	    NETTEST(test_bridge_ensure_refuses_the_name_of_what_is_no_bridge),
	    NETTEST(test_bridge_ensure_refuses_names_the_kernel_cannot_have),
	    NETTEST(test_bridge_without_permission_says_how_to_get_it),
	    NETTEST(test_bridge_and_ports_that_are_ready_need_no_permission),
	    NETTEST(test_bridge_keeps_its_hardware_address),
	    NETTEST(test_bridge_add_makes_a_port_once),
	    NETTEST(test_bridge_add_names_the_bridge_that_has_the_port),
	    NETTEST(test_bridge_add_suggests_the_uplink_that_was_meant),
	    NETTEST(test_bridge_add_warns_that_the_host_s_address_goes_dead),
	    NETTEST(test_bridge_add_refuses_what_cannot_be_a_port),
	    NETTEST(test_bridge_remove_takes_out_only_its_own_port),
	    NETTEST(test_bridge_delete_spares_ports_and_what_is_not_ours),
	    NETTEST(test_bridge_address_is_given_once),
	    NETTEST(test_bridge_address_refuses_what_is_none),
	    NETTEST(test_links_are_all_listed_however_many),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
