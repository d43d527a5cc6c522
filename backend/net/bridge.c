#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <linux/if_link.h>
#include <linux/rtnetlink.h>
#include <libmnl/libmnl.h>

#include "backend/net/bridge.h"
#include "backend/net/internal.h"
#include "config/log.h"

static bool
bridge_is(const struct net_link *link)
{
	return strcmp(link->kind, "bridge") == 0;
}

/*
 * Asks for a bridge, down, with a hardware address of its own: without one it
 * takes the lowest of its ports', and the host's neighbours lose it whenever
 * a guest with a lower one comes or goes.
 */
static int
bridge_make(struct rtnl *rt, const char *ifname)
{
	unsigned char lladdr[6];
	struct nlattr *info, *data;
	struct ifinfomsg *ifi;
	struct nlmsghdr *nlh;

	if (getrandom(lladdr, sizeof lladdr, 0) != sizeof lladdr)
		return -errno;
	lladdr[0] = 0x02; /* locally administered, one station's */

	nlh = rtnl_begin(rt, RTM_NEWLINK, NLM_F_CREATE | NLM_F_EXCL);
	ifi = mnl_nlmsg_put_extra_header(nlh, sizeof *ifi);
	ifi->ifi_family = AF_UNSPEC;
	mnl_attr_put_strz(nlh, IFLA_IFNAME, ifname);
	mnl_attr_put(nlh, IFLA_ADDRESS, sizeof lladdr, lladdr);
	info = mnl_attr_nest_start(nlh, IFLA_LINKINFO);
	mnl_attr_put_strz(nlh, IFLA_INFO_KIND, "bridge");
	data = mnl_attr_nest_start(nlh, IFLA_INFO_DATA);
	mnl_attr_put_u32(nlh, IFLA_BR_STP_STATE, 0);
	mnl_attr_put_u32(nlh, IFLA_BR_FORWARD_DELAY, 0);
	mnl_attr_nest_end(nlh, data);
	mnl_attr_nest_end(nlh, info);
	return rtnl_call(rt, NULL, NULL, NULL);
}

static int
bridge_unmake(struct rtnl *rt, int index)
{
	struct ifinfomsg *ifi;
	struct nlmsghdr *nlh;

	nlh = rtnl_begin(rt, RTM_DELLINK, 0);
	ifi = mnl_nlmsg_put_extra_header(nlh, sizeof *ifi);
	ifi->ifi_family = AF_UNSPEC;
	ifi->ifi_index = index;
	return rtnl_call(rt, NULL, NULL, NULL);
}

/* Brings up the bridge just made, marked as ours; unmakes it on failure. */
static int
bridge_finish(struct rtnl *rt, const char *ifname, struct error *err)
{
	const struct link_change change = {
	    .master = -1, .up = true, .ours = true};
	struct net_link link;
	int n;

	if ((n = net_link_get(rt, ifname, &link, err)) == -1)
		return -1;
	if (n == 0)
		return error_set(err,
		    "bridge %s was removed by something else while it was "
		    "made: try again",
		    ifname);
	if ((n = link_autoconf(rt, link.index, false)) == 0 &&
	    (n = link_change(rt, link.index, &change)) == 0)
		return 0;
	rtnl_fail(rt, err, n, "setting up bridge %s", ifname);
	bridge_unmake(rt, link.index);
	return -1;
}

static int
bridge_no(const struct net_link *link, struct error *err)
{
	return error_set(err,
	    "interface %s exists and is no bridge: give the switch a name of "
	    "its own with `interface =`; what should be a port of it is named "
	    "with `add =`",
	    link->name);
}

int
bridge_check(struct rtnl *rt, const char *ifname, struct error *err)
{
	struct net_link link;
	int n;

	if ((n = net_link_get(rt, ifname, &link, err)) != 1)
		return n;
	return bridge_is(&link) ? 0 : bridge_no(&link, err);
}

/* Uses the interface that has the name. */
static int
bridge_use(struct rtnl *rt, const struct net_link *link, struct error *err)
{
	const struct link_change change = {.master = -1, .up = true};
	int n;

	if (!bridge_is(link))
		return bridge_no(link, err);
	if (link->up)
		return 0;
	if ((n = link_change(rt, link->index, &change)) < 0)
		return rtnl_fail(
		    rt, err, n, "bringing up bridge %s", link->name);
	return 0;
}

int
bridge_ensure(
    struct rtnl *rt, const char *ifname, bool *created, struct error *err)
{
	struct net_link link;
	int n;

	*created = false;
	if (net_link_name_check(ifname, err) == -1)
		return -1;
	if ((n = net_link_get(rt, ifname, &link, err)) == -1)
		return -1;
	if (n == 1)
		return bridge_use(rt, &link, err);

	n = bridge_make(rt, ifname);
	if (n == -EEXIST) {
		/* Someone else was quicker. */
		if ((n = net_link_get(rt, ifname, &link, err)) == 1)
			return bridge_use(rt, &link, err);
		return n == -1
		    ? -1
		    : rtnl_fail(rt, err, -ENODEV, "bridge %s", ifname);
	}
	if (n == -EOPNOTSUPP)
		return error_set(err,
		    "making bridge %s: this kernel has no bridges: load the "
		    "module (modprobe bridge)",
		    ifname);
	if (n < 0)
		return rtnl_fail(rt, err, n, "making bridge %s", ifname);
	if (bridge_finish(rt, ifname, err) == -1)
		return -1;
	*created = true;
	return 0;
}

int
bridge_find(struct rtnl *rt, const char *bridge, struct net_link *link,
    struct error *err)
{
	int n;

	if ((n = net_link_get(rt, bridge, link, err)) == -1)
		return -1;
	if (n == 0)
		return error_set(err,
		    "there is no bridge %s: start the switch again to make it",
		    bridge);
	if (!bridge_is(link))
		return error_set(err, "interface %s is no bridge", bridge);
	return 0;
}

int
bridge_join(struct rtnl *rt, const struct net_link *bridge,
    const struct net_link *port, const struct link_change *change,
    struct error *err)
{
	const struct link_change leave = {.master = 0};
	struct link_change join = *change;
	struct net_link other;
	struct error ignored;
	int n;

	if (port->master != 0 && port->master != bridge->index) {
		n = net_link_get_index(rt, port->master, &other, err);
		if (n == -1)
			return -1;
		return error_set(err,
		    "%s is a port of %s already and cannot be one of %s too: "
		    "take it out first (ip link set %s nomaster)",
		    port->name, n == 1 ? other.name : "another bridge",
		    bridge->name, port->name);
	}
	if (port->master == bridge->index && port->up)
		return 0;
	join.up = true;
	join.master = port->master == bridge->index ? -1 : bridge->index;
	if ((n = link_change(rt, port->index, &join)) == 0)
		return port->master == 0;
	if (n == -EOPNOTSUPP || n == -EINVAL || n == -ELOOP)
		error_set(err,
		    "%s cannot be a port of bridge %s, nor can any loopback, "
		    "bridge or wireless client (%s): name a wired interface or "
		    "a tap with `add =`",
		    port->name, bridge->name, strerror(-n));
	else
		rtnl_fail(rt, err, n, "making %s a port of bridge %s",
		    port->name, bridge->name);
	/* It may have joined and then not come up. */
	if (port->master == 0 &&
	    net_link_get_index(rt, port->index, &other, &ignored) == 1 &&
	    other.master == bridge->index)
		link_change(rt, port->index, &leave);
	return -1;
}

int
bridge_add(
    struct rtnl *rt, const char *bridge, const char *port, struct error *err)
{
	const struct link_change nothing = {.master = -1};
	char address[INET6_ADDRSTRLEN];
	struct net_link b, p;
	int n;

	if (bridge_find(rt, bridge, &b, err) == -1)
		return -1;
	if ((n = net_link_get(rt, port, &p, err)) == -1)
		return -1;
	if (n == 0)
		return net_link_missing(rt, port, err);
	if ((n = bridge_join(rt, &b, &p, &nothing, err)) == 1 &&
	    address_of(rt, p.index, address))
		log_warn("%s is a port of bridge %s now, and the host no "
			 "longer answers at its address %s: give that to the "
			 "bridge (ip address add %s/LENGTH dev %s)",
		    port, bridge, address, address, bridge);
	return n;
}

int
bridge_remove(
    struct rtnl *rt, const char *bridge, const char *port, struct error *err)
{
	const struct link_change leave = {.master = 0};
	struct net_link b, p;
	int n;

	if ((n = net_link_get(rt, bridge, &b, err)) != 1 ||
	    (n = net_link_get(rt, port, &p, err)) != 1)
		return n;
	if (p.master != b.index)
		return 0;
	n = link_change(rt, p.index, &leave);
	if (n == -ENODEV)
		return 0; /* a tap that went meanwhile */
	if (n < 0)
		return rtnl_fail(
		    rt, err, n, "taking %s out of bridge %s", port, bridge);
	return 1;
}

int
bridge_delete(struct rtnl *rt, const char *bridge, struct error *err)
{
	struct net_link b, *links;
	int i, n, ports = 0;

	if ((n = net_link_get(rt, bridge, &b, err)) != 1)
		return n;
	if (!b.ours)
		return 0;
	if ((n = net_links(rt, &links, err)) == -1)
		return -1;
	for (i = 0; i < n; i++)
		ports += links[i].master == b.index;
	free(links);
	if (ports != 0)
		return 0;
	if ((n = bridge_unmake(rt, b.index)) < 0 && n != -ENODEV)
		return rtnl_fail(rt, err, n, "removing bridge %s", bridge);
	return n == 0;
}
