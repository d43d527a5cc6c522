#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <arpa/inet.h>
#include <linux/neighbour.h>
#include <linux/rtnetlink.h>
#include <libmnl/libmnl.h>

#include "backend/net/internal.h"
#include "backend/net/station.h"

struct search {
	int bridge;
	int family; /* of the neighbours that are listed */
	struct net_station *list;
	int n, heard; /* heard: those from the bridge, one a station */
};

bool
neighbour_parse(const struct nlmsghdr *nlh, struct neighbour *n)
{
	const struct nlattr *attr;

	memset(n, 0, sizeof *n);
	if (mnl_nlmsg_get_payload_len(nlh) < sizeof *n->msg)
		return false;
	n->msg = mnl_nlmsg_get_payload(nlh);
	mnl_attr_for_each(attr, nlh, sizeof *n->msg)
	{
		switch (mnl_attr_get_type(attr)) {
		case NDA_LLADDR:
			if (mnl_attr_get_payload_len(attr) == 6)
				n->lladdr = mnl_attr_get_payload(attr);
			break;
		case NDA_DST:
			n->address = mnl_attr_get_payload(attr);
			n->len = mnl_attr_get_payload_len(attr);
			break;
		case NDA_MASTER:
			if (mnl_attr_get_payload_len(attr) == 4)
				n->master = (int)mnl_attr_get_u32(attr);
			break;
		}
	}
	return n->lladdr != NULL;
}

/* Returns the new one, or NULL where there is no room for more. */
static struct net_station *
add(struct search *s, int port, const uint8_t lladdr[6])
{
	struct net_station *list;

	if (s->n == NET_STATIONS_MAX)
		return NULL;
	list = realloc(s->list, (size_t)(s->n + 1) * sizeof *list);
	if (list == NULL)
		return NULL;
	s->list = list;
	list += s->n++;
	memset(list, 0, sizeof *list);
	list->port = port;
	memcpy(list->lladdr, lladdr, 6);
	return list;
}

static int
each_heard(const struct nlmsghdr *nlh, void *arg)
{
	struct search *s = arg;
	struct neighbour n;
	int i;

	/* Permanent ones are the ports' own addresses. */
	if (!neighbour_parse(nlh, &n) || n.master != s->bridge ||
	    (n.msg->ndm_state & NUD_PERMANENT) != 0)
		return 0;
	/* One a station, though each VLAN has its own. */
	for (i = 0; i < s->n; i++)
		if (memcmp(s->list[i].lladdr, n.lladdr, 6) == 0)
			return 0;
	add(s, n.msg->ndm_ifindex, n.lladdr);
	return 0;
}

static bool
is_of_line(const struct neighbour *n)
{
	const uint8_t *a = n->address;

	return n->len == 16 && a[0] == 0xfe && (a[1] & 0xc0) == 0x80;
}

/* The first address goes into the station's own place. */
static int
each_neighbour(const struct nlmsghdr *nlh, void *arg)
{
	struct search *s = arg;
	struct net_station *to;
	struct neighbour n;
	int i;

	if (!neighbour_parse(nlh, &n) || n.msg->ndm_ifindex != s->bridge ||
	    n.msg->ndm_family != s->family ||
	    n.len != (s->family == AF_INET ? 4 : 16) ||
	    (n.msg->ndm_state & (NUD_FAILED | NUD_INCOMPLETE)) != 0)
		return 0;
	for (i = 0; i < s->heard; i++)
		if (memcmp(s->list[i].lladdr, n.lladdr, 6) == 0)
			break;
	if (i == s->heard || (is_of_line(&n) && s->list[i].address[0] != '\0'))
		return 0;
	to = s->list[i].address[0] == '\0' ||
		strncmp(s->list[i].address, "fe80:", 5) == 0
	    ? &s->list[i]
	    : add(s, s->list[i].port, n.lladdr);
	if (to != NULL)
		inet_ntop(
		    s->family, n.address, to->address, sizeof to->address);
	return 0;
}

/* A listing begins anew: what it had added goes. */
static void
restart(void *arg)
{
	struct search *s = arg;
	int i;

	s->n = s->heard;
	for (i = 0; i < s->heard && s->family == AF_INET; i++)
		s->list[i].address[0] = '\0';
}

static int
dump(struct rtnl *rt, struct search *s, int family,
    int (*each)(const struct nlmsghdr *, void *))
{
	struct nlmsghdr *nlh = rtnl_begin(rt, RTM_GETNEIGH, NLM_F_DUMP);
	struct ndmsg *msg = mnl_nlmsg_put_extra_header(nlh, sizeof *msg);

	s->family = family;
	msg->ndm_family = (uint8_t)family;
	return rtnl_call(rt, each, restart, s);
}

int
net_stations(
    struct rtnl *rt, int bridge, struct net_station **list, struct error *err)
{
	struct search s = {.bridge = bridge};
	int rc;

	*list = NULL;
	rc = dump(rt, &s, PF_BRIDGE, each_heard);
	s.heard = s.n;
	if (rc == 0 && s.heard > 0)
		rc = dump(rt, &s, AF_INET, each_neighbour);
	if (rc == 0 && s.heard > 0)
		rc = dump(rt, &s, AF_INET6, each_neighbour);
	if (rc < 0) {
		free(s.list);
		return rtnl_fail(rt, err, rc, "listing who is on a bridge");
	}
	*list = s.list;
	return s.n;
}
