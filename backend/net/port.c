#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <linux/if_link.h>
#include <linux/neighbour.h>
#include <linux/rtnetlink.h>
#include <libmnl/libmnl.h>

#include "backend/net/internal.h"
#include "backend/net/port.h"

#define STRANGERS  32 /* looked at in one go */
#define TRIES_MOST 8

/* What a bridge's table says about a port and the address it is locked to. */
struct table {
	int bridge, port;
	const uint8_t *lladdr;
	bool own; /* the entry is there as it should be */
	int elsewhere; /* the port that has it for good; 0: none */
	unsigned strangers; /* other addresses at the port, and some of them: */
	uint8_t stranger[STRANGERS][6];
};

static int
table_take(const struct nlmsghdr *nlh, void *arg)
{
	struct table *t = arg;
	struct neighbour n;
	bool own;

	if (!neighbour_parse(nlh, &n) || n.master != t->bridge)
		return 0;
	own = memcmp(n.lladdr, t->lladdr, 6) == 0;
	if (n.msg->ndm_ifindex != t->port) {
		/* One that was merely heard there may be a forged one. */
		if (own && (n.msg->ndm_state & (NUD_NOARP | NUD_PERMANENT)))
			t->elsewhere = n.msg->ndm_ifindex;
		return 0;
	}
	/* Permanent ones are the host's: a locked port does not take them. */
	if (n.msg->ndm_state & NUD_PERMANENT) {
		if (own)
			t->elsewhere = t->port;
	} else if (own) {
		t->own |= (n.msg->ndm_state & NUD_NOARP) != 0 &&
		    (n.msg->ndm_flags & NTF_STICKY) != 0;
	} else if ((n.lladdr[0] & 1) == 0) {
		if (t->strangers < STRANGERS)
			memcpy(t->stranger[t->strangers], n.lladdr, 6);
		t->strangers++;
	}
	return 0;
}

static void
table_forget(void *arg)
{
	struct table *t = arg;

	t->own = false;
	t->elsewhere = 0;
	t->strangers = 0;
}

static int
table_read(struct rtnl *rt, struct table *t)
{
	struct nlmsghdr *nlh = rtnl_begin(rt, RTM_GETNEIGH, NLM_F_DUMP);
	struct ndmsg *msg = mnl_nlmsg_put_extra_header(nlh, sizeof *msg);

	msg->ndm_family = PF_BRIDGE;
	table_forget(t);
	return rtnl_call(rt, table_take, table_forget, t);
}

/* RTM_NEWNEIGH or RTM_DELNEIGH of one address at the port. */
static int
entry(struct rtnl *rt, uint16_t type, int port, const uint8_t lladdr[6])
{
	struct nlmsghdr *nlh;
	struct ndmsg *msg;

	nlh = rtnl_begin(
	    rt, type, type == RTM_NEWNEIGH ? NLM_F_CREATE | NLM_F_REPLACE : 0);
	msg = mnl_nlmsg_put_extra_header(nlh, sizeof *msg);
	msg->ndm_family = PF_BRIDGE;
	msg->ndm_ifindex = port;
	msg->ndm_state = NUD_NOARP;
	msg->ndm_flags = NTF_MASTER;
	if (type == RTM_NEWNEIGH)
		msg->ndm_flags |= NTF_STICKY;
	mnl_attr_put(nlh, NDA_LLADDR, 6, lladdr);
	return rtnl_call(rt, NULL, NULL, NULL);
}

/* Locked or as it was made; what it has learned goes with the former. */
static int
set_locked(struct rtnl *rt, int port, bool locked)
{
	struct nlattr *attrs;
	struct ifinfomsg *ifi;
	struct nlmsghdr *nlh;

	nlh = rtnl_begin(rt, RTM_SETLINK, 0);
	ifi = mnl_nlmsg_put_extra_header(nlh, sizeof *ifi);
	ifi->ifi_family = PF_BRIDGE;
	ifi->ifi_index = port;
	attrs = mnl_attr_nest_start(nlh, IFLA_PROTINFO);
	mnl_attr_put_u8(nlh, IFLA_BRPORT_LEARNING, !locked);
	mnl_attr_put_u8(nlh, IFLA_BRPORT_LOCKED, locked);
	if (locked)
		mnl_attr_put(nlh, IFLA_BRPORT_FLUSH, 0, NULL);
	mnl_attr_nest_end(nlh, attrs);
	return rtnl_call(rt, NULL, NULL, NULL);
}

/*
 * What else the table has at the port: fixed entries of somebody's, and what a
 * frame left that was on its way when learning was turned off.
 */
static int
drop_strangers(struct rtnl *rt, struct table *t)
{
	unsigned i, tries;
	int n;

	for (tries = 0; tries < TRIES_MOST; tries++) {
		if ((n = table_read(rt, t)) < 0 || t->strangers == 0)
			return n;
		for (i = 0; i < t->strangers && i < STRANGERS; i++) {
			n = entry(rt, RTM_DELNEIGH, t->port, t->stranger[i]);
			if (n < 0 && n != -ENOENT)
				return n;
		}
	}
	return -EBUSY;
}

static int
taken(
    struct rtnl *rt, const struct table *t, const char *port, struct error *err)
{
	const uint8_t *a = t->lladdr;
	struct net_link other;
	int n;

	n = net_link_get_index(rt, t->elsewhere, &other, err);
	if (n == -1)
		return -1;
	return error_set(err,
	    "%s cannot be locked to %02x:%02x:%02x:%02x:%02x:%02x, which is "
	    "the address of %s: give the guest another lladdr=",
	    port, a[0], a[1], a[2], a[3], a[4], a[5],
	    n == 0 ? "another port" : other.name);
}

int
port_lock(struct rtnl *rt, const char *port, const uint8_t lladdr[6],
    struct error *err)
{
	struct net_link link;
	struct table t;
	int n;

	if ((n = net_link_get(rt, port, &link, err)) == -1)
		return -1;
	if (n == 0 || link.master == 0)
		return error_set(err,
		    "%s cannot be locked, as it is in no bridge: plug it into "
		    "a switch, or take out locked",
		    port);
	if (!link.lockable)
		return error_set(err,
		    "%s cannot be locked: this kernel's bridges do not know "
		    "that, Linux 5.18 and newer do: take out locked, or boot a "
		    "newer one",
		    port);
	t = (struct table){
	    .bridge = link.master, .port = link.index, .lladdr = lladdr};
	if ((n = table_read(rt, &t)) < 0)
		goto fail;
	if (t.elsewhere != 0)
		return taken(rt, &t, port, err);
	if (link.locked && !link.learning && t.own && t.strangers == 0)
		return 0;
	if ((n = set_locked(rt, link.index, true)) == 0 &&
	    (n = entry(rt, RTM_NEWNEIGH, link.index, lladdr)) == 0 &&
	    (n = drop_strangers(rt, &t)) == 0)
		return 1;
fail:
	return rtnl_fail(rt, err, n, "locking %s to its address", port);
}

int
port_unlock(struct rtnl *rt, const char *port, const uint8_t lladdr[6],
    struct error *err)
{
	struct net_link link;
	int n;

	if ((n = net_link_get(rt, port, &link, err)) != 1)
		return n;
	if (!link.locked)
		return 0;
	if ((n = set_locked(rt, link.index, false)) == 0)
		n = entry(rt, RTM_DELNEIGH, link.index, lladdr);
	/* The tap of a process that ended goes at any moment. */
	if (n < 0 && n != -ENOENT && n != -ENODEV)
		return rtnl_fail(rt, err, n, "unlocking %s", port);
	return 1;
}
