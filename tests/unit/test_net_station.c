/* backend/net/station: who is heard on a bridge, and by which address. */
#include <arpa/inet.h>
#include <errno.h>
#include <net/if_arp.h>
#include <netinet/ether.h>
#include <netpacket/packet.h>
#include <stdlib.h>
#include <time.h>

#include "backend/net/bridge.h"
#include "backend/net/station.h"
#include "tests/unit/nettest.h"

static const uint8_t guest[6] = {0x00, 0x20, 0x91, 0x00, 0x00, 0x01};

static void
up(const char *name)
{
	struct ifreq ifr = {.ifr_flags = IFF_UP};

	nettest_ioctl(SIOCSIFFLAGS, name, &ifr);
}

/* A bridge with em0 as a port; what goes into peer0 comes out there. */
static int
make_bridge(struct rtnl *rt)
{
	struct error err = {""};
	struct net_link link;
	bool created;

	NET_OK(bridge_ensure(rt, "br0", &created, &err));
	nettest_make("veth", "em0", "peer0");
	up("peer0");
	NET_OK(bridge_add(rt, "br0", "em0", &err));
	assert_int_equal(nettest_get(rt, "br0", &link), 1);
	return link.index;
}

/* A frame of nothing from an address, to everybody. */
static void
say(const char *name, const uint8_t from[6])
{
	struct sockaddr_ll to = {.sll_family = AF_PACKET,
	    .sll_halen = 6,
	    .sll_ifindex = (int)if_nametoindex(name)};
	struct ether_header frame[5] = {{.ether_type = htons(0x88b5)}};
	int fd = socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC, 0);

	assert_true(fd != -1);
	memset(frame[0].ether_dhost, 0xff, 6);
	memcpy(frame[0].ether_shost, from, 6);
	/* A line that was plugged in just now may have no queue yet. */
	assert_true(sendto(fd, frame, sizeof frame, 0, (struct sockaddr *)&to,
			sizeof to) > 0 ||
	    errno == ENOBUFS || errno == ENETDOWN);
	close(fd);
}

/* The host's neighbour table has that address for it. */
static void
know(const char *name, const char *address, const uint8_t lladdr[6])
{
	struct arpreq arp = {.arp_flags = ATF_COM | ATF_PERM};
	struct sockaddr_in *in = (struct sockaddr_in *)&arp.arp_pa;
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	in->sin_family = AF_INET;
	assert_int_equal(inet_pton(AF_INET, address, &in->sin_addr), 1);
	arp.arp_ha.sa_family = ARPHRD_ETHER;
	memcpy(arp.arp_ha.sa_data, lladdr, 6);
	snprintf(arp.arp_dev, sizeof arp.arp_dev, "%s", name);
	assert_int_equal(ioctl(fd, SIOCSARP, &arp), 0);
	close(fd);
}

/*
 * The entries of the guest when there are n of them; others are of the host's
 * own ends. A port that was plugged in just now takes no frames yet, so the
 * guest is not said to be silent before it has spoken for long.
 */
static struct net_station *
wait_for(struct rtnl *rt, int bridge, int n)
{
	const struct timespec moment = {0, 20000000};
	struct error err = {""};
	struct net_station *list;
	int i, j, all, got = -1;

	for (i = 0; i < 500; i++) {
		NET_OK(all = net_stations(rt, bridge, &list, &err));
		for (got = j = 0; j < all; j++)
			if (memcmp(list[j].lladdr, guest, 6) == 0)
				list[got++] = list[j];
		if (got == n)
			return list;
		free(list);
		if (n > 0)
			say("peer0", guest);
		nanosleep(&moment, NULL);
	}
	fail_msg("%d stations, not %d", got, n);
	return NULL;
}

static void
test_stations_are_those_that_were_heard_on_a_port(void **state)
{
	struct net_station *list;
	struct net_link port;
	struct rtnl *rt;
	int bridge;

	NETTEST_RTNL(rt, state);
	bridge = make_bridge(rt);
	free(wait_for(rt, bridge, 0));
	list = wait_for(rt, bridge, 1);
	assert_int_equal(nettest_get(rt, "em0", &port), 1);
	assert_int_equal(list[0].port, port.index);
	assert_string_equal(list[0].address, "");
	free(list);
}

static void
test_stations_have_every_address_the_host_knows(void **state)
{
	struct net_station *list;
	struct rtnl *rt;
	int bridge;

	NETTEST_RTNL(rt, state);
	bridge = make_bridge(rt);
	free(wait_for(rt, bridge, 1));
	know("br0", "100.64.0.3", guest);
	list = wait_for(rt, bridge, 1);
	assert_string_equal(list[0].address, "100.64.0.3");
	free(list);
	know("br0", "100.64.0.4", guest);
	list = wait_for(rt, bridge, 2);
	assert_true(strcmp(list[0].address, list[1].address) != 0);
	free(list);
}

/* What is known of the guest elsewhere is not known here. */
static void
test_stations_of_other_bridges_are_left_out(void **state)
{
	struct net_station *list;
	struct error err = {""};
	struct net_link link;
	struct rtnl *rt;
	bool created;
	int bridge;

	NETTEST_RTNL(rt, state);
	bridge = make_bridge(rt);
	NET_OK(bridge_ensure(rt, "br1", &created, &err));
	assert_int_equal(nettest_get(rt, "br1", &link), 1);
	know("br1", "100.64.0.9", guest);
	list = wait_for(rt, bridge, 1);
	assert_string_equal(list[0].address, "");
	free(list);
	free(wait_for(rt, link.index, 0));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    NETTEST(test_stations_are_those_that_were_heard_on_a_port),
	    NETTEST(test_stations_have_every_address_the_host_knows),
	    NETTEST(test_stations_of_other_bridges_are_left_out),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
