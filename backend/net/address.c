/* The host's own addresses on a bridge. */
#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <arpa/inet.h>
#include <linux/if_addr.h>
#include <linux/rtnetlink.h>
#include <libmnl/libmnl.h>

#include "backend/net/bridge.h"
#include "backend/net/internal.h"

struct address {
	int family; /* AF_INET or AF_INET6 */
	size_t len;
	unsigned char bytes[16]; /* network order */
	uint8_t prefix; /* bits */
};

static int
address_parse(const char *text, struct address *a, struct error *err)
{
	const char *slash = strchr(text, '/');
	char host[INET6_ADDRSTRLEN];
	unsigned long bits;
	char *end;

	if (slash == NULL || (size_t)(slash - text) >= sizeof host)
		goto bad;
	memcpy(host, text, (size_t)(slash - text));
	host[slash - text] = '\0';
	memset(a, 0, sizeof *a);
	if (inet_pton(AF_INET, host, a->bytes) == 1) {
		a->family = AF_INET;
		a->len = 4;
	} else if (inet_pton(AF_INET6, host, a->bytes) == 1) {
		a->family = AF_INET6;
		a->len = 16;
	} else
		goto bad;
	if (slash[1] < '0' || slash[1] > '9')
		goto bad;
	bits = strtoul(slash + 1, &end, 10);
	if (*end != '\0' || bits == 0 || bits > a->len * 8)
		goto bad;
	a->prefix = (uint8_t)bits;
	return 0;
bad:
	return error_set(err,
	    "%.64s is no address with a prefix length: write it like "
	    "192.168.7.1/24 or fd00:7::1/64",
	    text);
}

struct address_search {
	const struct address *wanted;
	int index;
	bool found;
};

static int
address_match(const struct nlmsghdr *nlh, void *arg)
{
	struct address_search *search = arg;
	const struct address *a = search->wanted;
	const struct ifaddrmsg *ifa;
	const struct nlattr *attr, *local = NULL;

	if (mnl_nlmsg_get_payload_len(nlh) < sizeof *ifa)
		return -EBADMSG;
	ifa = mnl_nlmsg_get_payload(nlh);
	if ((int)ifa->ifa_index != search->index ||
	    ifa->ifa_family != a->family || ifa->ifa_prefixlen != a->prefix)
		return 0;
	/* IFA_LOCAL where there is one: IFA_ADDRESS may be the peer's. */
	mnl_attr_for_each(attr, nlh, sizeof *ifa)
	{
		if (mnl_attr_get_type(attr) == IFA_LOCAL ||
		    (mnl_attr_get_type(attr) == IFA_ADDRESS && local == NULL))
			local = attr;
	}
	if (local != NULL && mnl_attr_get_payload_len(local) == a->len &&
	    memcmp(mnl_attr_get_payload(local), a->bytes, a->len) == 0)
		search->found = true;
	return 0;
}

/* Returns 1 if the interface has the address, 0 if not, or -errno. */
static int
address_there(struct rtnl *rt, int index, const struct address *a)
{
	struct address_search search = {.wanted = a, .index = index};
	struct ifaddrmsg *ifa;
	struct nlmsghdr *nlh;
	int n;

	nlh = rtnl_begin(rt, RTM_GETADDR, NLM_F_DUMP);
	ifa = mnl_nlmsg_put_extra_header(nlh, sizeof *ifa);
	ifa->ifa_family = (unsigned char)a->family;
	n = rtnl_call(rt, address_match, NULL, &search);
	return n < 0 ? n : search.found;
}

struct address_first {
	int index;
	char *text;
};

static int
address_note(const struct nlmsghdr *nlh, void *arg)
{
	struct address_first *first = arg;
	const struct ifaddrmsg *ifa;
	const struct nlattr *attr;
	size_t len;

	if (mnl_nlmsg_get_payload_len(nlh) < sizeof *ifa)
		return -EBADMSG;
	ifa = mnl_nlmsg_get_payload(nlh);
	if ((int)ifa->ifa_index != first->index || first->text[0] != '\0' ||
	    ifa->ifa_scope >= RT_SCOPE_LINK)
		return 0;
	len = ifa->ifa_family == AF_INET ? 4 : 16;
	mnl_attr_for_each(attr, nlh, sizeof *ifa)
	{
		if (mnl_attr_get_type(attr) == IFA_ADDRESS &&
		    mnl_attr_get_payload_len(attr) == len)
			inet_ntop(ifa->ifa_family, mnl_attr_get_payload(attr),
			    first->text, INET6_ADDRSTRLEN);
	}
	return 0;
}

bool
address_of(struct rtnl *rt, int index, char text[INET6_ADDRSTRLEN])
{
	struct address_first first = {.index = index, .text = text};
	struct ifaddrmsg *ifa;
	struct nlmsghdr *nlh;

	text[0] = '\0';
	nlh = rtnl_begin(rt, RTM_GETADDR, NLM_F_DUMP);
	ifa = mnl_nlmsg_put_extra_header(nlh, sizeof *ifa);
	ifa->ifa_family = AF_UNSPEC;
	return rtnl_call(rt, address_note, NULL, &first) == 0 &&
	    text[0] != '\0';
}

static int
address_add(struct rtnl *rt, int index, const struct address *a)
{
	struct ifaddrmsg *ifa;
	struct nlmsghdr *nlh;

	nlh = rtnl_begin(rt, RTM_NEWADDR, NLM_F_CREATE | NLM_F_EXCL);
	ifa = mnl_nlmsg_put_extra_header(nlh, sizeof *ifa);
	ifa->ifa_family = (unsigned char)a->family;
	ifa->ifa_prefixlen = a->prefix;
	ifa->ifa_index = (unsigned)index;
	/* The gateway answers at once, not after a second of probing. */
	if (a->family == AF_INET6)
		ifa->ifa_flags = IFA_F_NODAD;
	mnl_attr_put(nlh, IFA_LOCAL, a->len, a->bytes);
	mnl_attr_put(nlh, IFA_ADDRESS, a->len, a->bytes);
	return rtnl_call(rt, NULL, NULL, NULL);
}

int
bridge_address(
    struct rtnl *rt, const char *bridge, const char *prefix, struct error *err)
{
	struct net_link link;
	struct address a;
	int n;

	if (address_parse(prefix, &a, err) == -1 ||
	    bridge_find(rt, bridge, &link, err) == -1)
		return -1;
	if ((n = address_there(rt, link.index, &a)) == 1)
		return 0;
	if (n == 0 && a.family == AF_INET6)
		n = link_autoconf(rt, link.index, true);
	if (n == 0)
		n = address_add(rt, link.index, &a);
	if (n == -EEXIST)
		return 0;
	if (n < 0)
		return rtnl_fail(rt, err, n, "giving bridge %s the address %s",
		    bridge, prefix);
	return 1;
}
