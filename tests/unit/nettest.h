/*
 * nettest.h: what the tests of backend/net share: a namespace and a handle for
 * each test, interfaces made the way a person would with ip(8), and a
 * process without its capability.
 */
#ifndef TESTS_NETTEST_H
#define TESTS_NETTEST_H

#include <ifaddrs.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <net/if.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>
#include <linux/capability.h>
#include <linux/if_link.h>
#include <linux/rtnetlink.h>
#include <linux/veth.h>
#include <libmnl/libmnl.h>

#include "tests/unit/netns.h"
#include "tests/unit/unit.h"
#include "backend/net/net.h"

struct nettest {
	const char *reason; /* why there is no namespace; NULL: there is */
	bool mapped; /* root of a user namespace: no other user there */
	struct rtnl *rt;
};

static inline bool
nettest_mapped(void)
{
	unsigned long long first, host, count = 0;
	FILE *fp;

	if ((fp = fopen("/proc/self/uid_map", "re")) == NULL)
		return false;
	if (fscanf(fp, "%llu %llu %llu", &first, &host, &count) != 3)
		count = 0;
	fclose(fp);
	return count == 1;
}

static inline int
nettest_setup(void **state)
{
	static struct nettest t;
	struct error err;

	t.rt = NULL;
	t.reason = netns_enter();
	if (t.reason == NULL && (t.rt = rtnl_open(&err)) == NULL) {
		fprintf(stderr, "%s\n", err.text);
		return -1;
	}
	t.mapped = nettest_mapped();
	*state = &t;
	return 0;
}

static inline int
nettest_teardown(void **state)
{
	struct nettest *t = *state;

	rtnl_close(t->rt);
	return 0;
}

#define NETTEST(f) \
	cmocka_unit_test_setup_teardown(f, nettest_setup, nettest_teardown)

/* The test's handle, or the end of the test. */
#define NETTEST_RTNL(rt, state)                                     \
	do {                                                        \
		if (((struct nettest *)*(state))->reason)           \
			SKIP(((struct nettest *)*(state))->reason); \
		(rt) = ((struct nettest *)*(state))->rt;            \
	} while (0)

/* The call succeeds, or the test fails with its sentence in err. */
#define NET_OK(call)                              \
	do {                                      \
		if ((call) == -1)                 \
			fail_msg("%s", err.text); \
	} while (0)

/* Makes an interface of a kind; a veth's other end is called peer. */
static inline void
nettest_make(const char *kind, const char *name, const char *peer)
{
	_Alignas(struct nlmsghdr) char buf[8192];
	struct nlattr *info, *data, *other;
	struct nlmsghdr *nlh;
	struct mnl_socket *nl;
	ssize_t n;

	nlh = mnl_nlmsg_put_header(buf);
	nlh->nlmsg_type = RTM_NEWLINK;
	nlh->nlmsg_flags =
	    NLM_F_REQUEST | NLM_F_ACK | NLM_F_CREATE | NLM_F_EXCL;
	mnl_nlmsg_put_extra_header(nlh, sizeof(struct ifinfomsg));
	mnl_attr_put_strz(nlh, IFLA_IFNAME, name);
	info = mnl_attr_nest_start(nlh, IFLA_LINKINFO);
	mnl_attr_put_strz(nlh, IFLA_INFO_KIND, kind);
	if (peer != NULL) {
		data = mnl_attr_nest_start(nlh, IFLA_INFO_DATA);
		other = mnl_attr_nest_start(nlh, VETH_INFO_PEER);
		mnl_nlmsg_put_extra_header(nlh, sizeof(struct ifinfomsg));
		mnl_attr_put_strz(nlh, IFLA_IFNAME, peer);
		mnl_attr_nest_end(nlh, other);
		mnl_attr_nest_end(nlh, data);
	}
	mnl_attr_nest_end(nlh, info);
	assert_non_null(nl = mnl_socket_open(NETLINK_ROUTE));
	assert_int_equal(mnl_socket_bind(nl, 0, MNL_SOCKET_AUTOPID), 0);
	assert_true(mnl_socket_sendto(nl, nlh, nlh->nlmsg_len) > 0);
	n = mnl_socket_recvfrom(nl, buf, sizeof buf);
	assert_true(n > 0);
	if (mnl_cb_run(buf, (size_t)n, 0, 0, NULL, NULL) == -1)
		fail_msg("making %s %s: %s", kind, name, strerror(errno));
	mnl_socket_close(nl);
}

/* One interface ioctl (netdevice(7)) on name, with the rest of ifr filled. */
static inline void
nettest_ioctl(unsigned long request, const char *name, struct ifreq *ifr)
{
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	assert_true(fd != -1);
	snprintf(ifr->ifr_name, sizeof ifr->ifr_name, "%s", name);
	assert_int_equal(ioctl(fd, request, ifr), 0);
	close(fd);
}

static inline void
nettest_mtu(const char *name, int mtu)
{
	struct ifreq ifr = {.ifr_mtu = mtu};

	nettest_ioctl(SIOCSIFMTU, name, &ifr);
}

/* What is there, looked up afresh; fails the test on an error. */
static inline int
nettest_get(struct rtnl *rt, const char *name, struct net_link *link)
{
	struct error err = {""};
	int n;

	if ((n = net_link_get(rt, name, link, &err)) == -1)
		fail_msg("%s", err.text);
	return n;
}

static inline int
nettest_exists(struct rtnl *rt, const char *name)
{
	struct net_link link;

	return nettest_get(rt, name, &link);
}

static inline bool
nettest_is_port(struct rtnl *rt, const char *port, const char *bridge)
{
	struct net_link b, p;

	return nettest_get(rt, bridge, &b) == 1 &&
	    nettest_get(rt, port, &p) == 1 && p.master == b.index;
}

static inline int
nettest_count(struct rtnl *rt)
{
	struct net_link *links;
	struct error err = {""};
	int n;

	if ((n = net_links(rt, &links, &err)) == -1)
		fail_msg("%s", err.text);
	free(links);
	return n;
}

/* Whether name has an address of this family. */
static inline bool
nettest_has_address(const char *name, int family)
{
	struct ifaddrs *all, *a;
	bool found = false;

	assert_int_equal(getifaddrs(&all), 0);
	for (a = all; a != NULL; a = a->ifa_next)
		if (a->ifa_addr != NULL && strcmp(a->ifa_name, name) == 0 &&
		    a->ifa_addr->sa_family == family)
			found = true;
	freeifaddrs(all);
	return found;
}

/* Gives up CAP_NET_ADMIN, or takes it again. */
static inline void
nettest_capable(bool on)
{
	struct __user_cap_header_struct header = {
	    .version = _LINUX_CAPABILITY_VERSION_3};
	struct __user_cap_data_struct data[2];

	assert_int_equal(syscall(SYS_capget, &header, data), 0);
	if (on)
		data[0].effective |= 1u << CAP_NET_ADMIN;
	else
		data[0].effective &= ~(1u << CAP_NET_ADMIN);
	assert_int_equal(syscall(SYS_capset, &header, data), 0);
}

static inline int
nettest_open_fds(void)
{
	int fd, n = 0;

	for (fd = 0; fd < 256; fd++)
		n += fcntl(fd, F_GETFD) != -1;
	return n;
}

/* The sentence says all of these words. */
static inline void
nettest_says(const struct error *err, const char *a, const char *b)
{
	if (strstr(err->text, a) == NULL || strstr(err->text, b) == NULL)
		fail_msg("\"%s\" should name %s and %s", err->text, a, b);
}

#endif
