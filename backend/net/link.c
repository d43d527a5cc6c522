#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <linux/if_link.h>
#include <linux/if_tun.h>
#include <linux/rtnetlink.h>
#include <libmnl/libmnl.h>

#include "backend/net/internal.h"

/*
 * The alias (`ip link` shows it) that says who made a bridge: the kernel keeps
 * it, so that a later backend still knows.
 */
#define LINK_ALIAS "vmtui"

int
net_link_name_check(const char *text, struct error *err)
{
	size_t i, len = strlen(text);

	if (len == 0)
		return error_set(err, "an interface's name is empty");
	if (len >= IFNAMSIZ)
		return error_set(err,
		    "%.64s is too long for an interface's name: %d characters "
		    "are what the kernel takes",
		    text, IFNAMSIZ - 1);
	for (i = 0; i < len; i++)
		if (strchr("/:%", text[i]) != NULL ||
		    isspace((unsigned char)text[i]))
			break;
	if (i < len || strcmp(text, ".") == 0 || strcmp(text, "..") == 0)
		return error_set(err,
		    "%s cannot be an interface's name: take letters, digits, "
		    "'.', '_' and '-'",
		    text);
	return 0;
}

/* What only a tap or tun has: IFLA_INFO_DATA of kind "tun". */
static void
link_parse_tun(const struct nlattr *data, struct net_link *link)
{
	const struct nlattr *attr;

	mnl_attr_for_each_nested(attr, data)
	{
		switch (mnl_attr_get_type(attr)) {
		case IFLA_TUN_NUM_QUEUES:
		case IFLA_TUN_NUM_DISABLED_QUEUES:
			if (mnl_attr_validate(attr, MNL_TYPE_U32) == 0)
				link->queues += mnl_attr_get_u32(attr);
			continue;
		}
		if (mnl_attr_validate(attr, MNL_TYPE_U8) < 0)
			continue;
		switch (mnl_attr_get_type(attr)) {
		case IFLA_TUN_TYPE:
			link->tap = mnl_attr_get_u8(attr) == IFF_TAP;
			break;
		case IFLA_TUN_PERSIST:
			link->persist = mnl_attr_get_u8(attr) != 0;
			break;
		case IFLA_TUN_MULTI_QUEUE:
			link->multi_queue = mnl_attr_get_u8(attr) != 0;
			break;
		}
	}
}

/* What only a bridge's port has: IFLA_INFO_SLAVE_DATA of kind "bridge". */
static void
link_parse_port(const struct nlattr *data, struct net_link *link)
{
	const struct nlattr *attr;

	mnl_attr_for_each_nested(attr, data)
	{
		if (mnl_attr_validate(attr, MNL_TYPE_U8) < 0)
			continue;
		switch (mnl_attr_get_type(attr)) {
		case IFLA_BRPORT_LOCKED:
			link->lockable = true;
			link->locked = mnl_attr_get_u8(attr) != 0;
			break;
		case IFLA_BRPORT_LEARNING:
			link->learning = mnl_attr_get_u8(attr) != 0;
			break;
		}
	}
}

static void
link_parse_info(const struct nlattr *info, struct net_link *link)
{
	const struct nlattr *attr, *data = NULL, *port = NULL;
	bool of_bridge = false;

	mnl_attr_for_each_nested(attr, info)
	{
		switch (mnl_attr_get_type(attr)) {
		case IFLA_INFO_KIND:
			if (mnl_attr_validate(attr, MNL_TYPE_NUL_STRING) == 0)
				snprintf(link->kind, sizeof link->kind, "%s",
				    mnl_attr_get_str(attr));
			break;
		case IFLA_INFO_DATA:
			data = attr;
			break;
		case IFLA_INFO_SLAVE_KIND:
			of_bridge =
			    mnl_attr_validate(attr, MNL_TYPE_NUL_STRING) == 0 &&
			    strcmp(mnl_attr_get_str(attr), "bridge") == 0;
			break;
		case IFLA_INFO_SLAVE_DATA:
			port = attr;
			break;
		}
	}
	if (data != NULL && strcmp(link->kind, "tun") == 0)
		link_parse_tun(data, link);
	if (port != NULL && of_bridge)
		link_parse_port(port, link);
}

static void
link_parse_stats(const struct nlattr *attr, struct net_link *link)
{
	struct rtnl_link_stats64 stats = {0};
	size_t len = mnl_attr_get_payload_len(attr);

	/* A newer kernel's is longer, an older one's shorter. */
	memcpy(&stats, mnl_attr_get_payload(attr),
	    len < sizeof stats ? len : sizeof stats);
	link->rx_bytes = stats.rx_bytes;
	link->tx_bytes = stats.tx_bytes;
	link->rx_packets = stats.rx_packets;
	link->tx_packets = stats.tx_packets;
}

/* Reads one RTM_NEWLINK. Returns 0, -EBADMSG if it is none. */
static int
link_parse(const struct nlmsghdr *nlh, struct net_link *link)
{
	const struct ifinfomsg *ifi;
	const struct nlattr *attr;
	bool alias = false;

	memset(link, 0, sizeof *link);
	if (nlh->nlmsg_type != RTM_NEWLINK ||
	    mnl_nlmsg_get_payload_len(nlh) < sizeof *ifi)
		return -EBADMSG;
	ifi = mnl_nlmsg_get_payload(nlh);
	link->index = ifi->ifi_index;
	link->up = (ifi->ifi_flags & IFF_UP) != 0;
	link->loopback = (ifi->ifi_flags & IFF_LOOPBACK) != 0;
	mnl_attr_for_each(attr, nlh, sizeof *ifi)
	{
		switch (mnl_attr_get_type(attr)) {
		case IFLA_IFNAME:
			if (mnl_attr_validate(attr, MNL_TYPE_NUL_STRING) == 0)
				snprintf(link->name, sizeof link->name, "%s",
				    mnl_attr_get_str(attr));
			break;
		case IFLA_MASTER:
			if (mnl_attr_validate(attr, MNL_TYPE_U32) == 0)
				link->master = (int)mnl_attr_get_u32(attr);
			break;
		case IFLA_MTU:
			if (mnl_attr_validate(attr, MNL_TYPE_U32) == 0)
				link->mtu = mnl_attr_get_u32(attr);
			break;
		case IFLA_IFALIAS:
			alias =
			    mnl_attr_validate(attr, MNL_TYPE_NUL_STRING) == 0 &&
			    strcmp(mnl_attr_get_str(attr), LINK_ALIAS) == 0;
			break;
		case IFLA_LINKINFO:
			if (mnl_attr_validate(attr, MNL_TYPE_NESTED) == 0)
				link_parse_info(attr, link);
			break;
		case IFLA_STATS64:
			link_parse_stats(attr, link);
			break;
		}
	}
	link->ours = alias && strcmp(link->kind, "bridge") == 0;
	return link->name[0] == '\0' ? -EBADMSG : 0;
}

static int
link_take_one(const struct nlmsghdr *nlh, void *arg)
{
	return link_parse(nlh, arg);
}

/* Asks for one interface by index, or by name if index is 0. */
static int
link_get(struct rtnl *rt, int index, const char *name, struct net_link *link)
{
	struct nlmsghdr *nlh;
	struct ifinfomsg *ifi;
	int n;

	memset(link, 0, sizeof *link);
	nlh = rtnl_begin(rt, RTM_GETLINK, 0);
	ifi = mnl_nlmsg_put_extra_header(nlh, sizeof *ifi);
	ifi->ifi_family = AF_UNSPEC;
	ifi->ifi_index = index;
	if (index == 0)
		mnl_attr_put_strz(nlh, IFLA_IFNAME, name);
	n = rtnl_call(rt, link_take_one, NULL, link);
	if (n == -ENODEV)
		return 0;
	if (n < 0)
		return n;
	return link->index != 0 ? 1 : -EBADMSG;
}

int
net_link_get(
    struct rtnl *rt, const char *name, struct net_link *link, struct error *err)
{
	int n;

	memset(link, 0, sizeof *link);
	if (net_link_name_check(name, NULL) == -1)
		return 0;
	if ((n = link_get(rt, 0, name, link)) < 0)
		return rtnl_fail(rt, err, n, "looking up interface %s", name);
	return n;
}

int
net_link_get_index(
    struct rtnl *rt, int index, struct net_link *link, struct error *err)
{
	int n;

	memset(link, 0, sizeof *link);
	if (index <= 0)
		return 0;
	if ((n = link_get(rt, index, NULL, link)) < 0)
		return rtnl_fail(
		    rt, err, n, "looking up interface number %d", index);
	return n;
}

struct link_list {
	struct net_link *links;
	size_t count;
	size_t room;
};

static int
link_take_next(const struct nlmsghdr *nlh, void *arg)
{
	struct link_list *list = arg;
	struct net_link *more;
	size_t room;
	int n;

	if (list->count == list->room) {
		room = list->room == 0 ? 16 : list->room * 2;
		more = reallocarray(list->links, room, sizeof *more);
		if (more == NULL)
			return -ENOMEM;
		list->links = more;
		list->room = room;
	}
	if ((n = link_parse(nlh, &list->links[list->count])) == 0)
		list->count++;
	return n;
}

static void
link_forget(void *arg)
{
	struct link_list *list = arg;

	list->count = 0;
}

int
net_links(struct rtnl *rt, struct net_link **links, struct error *err)
{
	struct link_list list = {0};
	struct nlmsghdr *nlh;
	struct ifinfomsg *ifi;
	int n;

	*links = NULL;
	nlh = rtnl_begin(rt, RTM_GETLINK, NLM_F_DUMP);
	ifi = mnl_nlmsg_put_extra_header(nlh, sizeof *ifi);
	ifi->ifi_family = AF_UNSPEC;
	n = rtnl_call(rt, link_take_next, link_forget, &list);
	if (n < 0) {
		free(list.links);
		return rtnl_fail(rt, err, n, "listing the interfaces");
	}
	if (list.count == 0) {
		free(list.links);
		return 0;
	}
	*links = list.links;
	return (int)list.count;
}

int
link_change(struct rtnl *rt, int index, const struct link_change *change)
{
	struct nlmsghdr *nlh;
	struct ifinfomsg *ifi;

	nlh = rtnl_begin(rt, RTM_SETLINK, 0);
	ifi = mnl_nlmsg_put_extra_header(nlh, sizeof *ifi);
	ifi->ifi_family = AF_UNSPEC;
	ifi->ifi_index = index;
	if (change->up) {
		ifi->ifi_flags = IFF_UP;
		ifi->ifi_change = IFF_UP;
	}
	if (change->lladdr != NULL)
		mnl_attr_put(nlh, IFLA_ADDRESS, 6, change->lladdr);
	if (change->mtu != 0)
		mnl_attr_put_u32(nlh, IFLA_MTU, change->mtu);
	if (change->ours)
		mnl_attr_put_str(nlh, IFLA_IFALIAS, LINK_ALIAS);
	if (change->master >= 0)
		mnl_attr_put_u32(nlh, IFLA_MASTER, (uint32_t)change->master);
	return rtnl_call(rt, NULL, NULL, NULL);
}

int
link_autoconf(struct rtnl *rt, int index, bool on)
{
	struct nlmsghdr *nlh;
	struct ifinfomsg *ifi;
	struct nlattr *spec, *inet6;
	int n;

	nlh = rtnl_begin(rt, RTM_SETLINK, 0);
	ifi = mnl_nlmsg_put_extra_header(nlh, sizeof *ifi);
	ifi->ifi_family = AF_UNSPEC;
	ifi->ifi_index = index;
	spec = mnl_attr_nest_start(nlh, IFLA_AF_SPEC);
	inet6 = mnl_attr_nest_start(nlh, AF_INET6);
	mnl_attr_put_u8(nlh, IFLA_INET6_ADDR_GEN_MODE,
	    on ? IN6_ADDR_GEN_MODE_EUI64 : IN6_ADDR_GEN_MODE_NONE);
	mnl_attr_nest_end(nlh, inet6);
	mnl_attr_nest_end(nlh, spec);
	n = rtnl_call(rt, NULL, NULL, NULL);
	return n == -EAFNOSUPPORT ? 0 : n;
}
