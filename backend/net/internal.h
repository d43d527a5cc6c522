/*
 * internal.h: what the files of this folder share and no other folder needs:
 * requests to the kernel, and the changes that bridges and taps are made of.
 */
#ifndef BACKEND_NET_INTERNAL_H
#define BACKEND_NET_INTERNAL_H

#include <stdbool.h>
#include <stdint.h>
#include <netinet/in.h>

#include "backend/net/link.h"
#include "backend/net/rtnl.h"

struct ndmsg;
struct nlmsghdr;

/*
 * Begins a request of type RTM_* in the handle's own buffer of RTNL_REQUEST
 * bytes and returns its header, to which the caller adds the type's header
 * and attributes; what requests here hold is of fixed size and far below it.
 * NLM_F_REQUEST and NLM_F_ACK are set besides flags.
 */
#define RTNL_REQUEST 1024
struct nlmsghdr *rtnl_begin(struct rtnl *rt, uint16_t type, uint16_t flags);

/*
 * Sends the request begun and reads up to its acknowledgement. Each message
 * that answers it is given to each (which may be NULL), as it lies in the
 * handle's buffer: valid during the call only. A listing that changed while
 * it was read, or was lost for want of buffer space, is asked for again;
 * restart (which may be NULL) is called before that to forget what each() has
 * gathered. Returns 0 or a negative errno: the kernel's own, or what each()
 * returned below zero.
 */
int rtnl_call(struct rtnl *rt, int (*each)(const struct nlmsghdr *, void *),
    void (*restart)(void *), void *arg);

/*
 * Writes the sentence for a request that failed with error (a negative
 * errno): the words of fmt, the reason, the kernel's own explanation where it
 * gave one, the next step. Returns -1.
 */
int rtnl_fail(struct rtnl *rt, struct error *err, int error, const char *fmt,
    ...) __attribute__((format(printf, 4, 5)));

/*
 * One change to an interface. A member that is 0 (NULL; -1 for master) is
 * left as it is. Returns 0 or a negative errno for rtnl_fail(); what went
 * before a part that failed stays done.
 */
struct link_change {
	int master; /* 0: out of its bridge; -1: as it is */
	unsigned mtu;
	bool up;
	bool ours; /* marks it as made by bridge_ensure() */
	const unsigned char *lladdr; /* 6 bytes */
};
int link_change(struct rtnl *rt, int index, const struct link_change *change);

/*
 * Whether the host gives itself an IPv6 link-local address there when the
 * interface comes up. Returns 0, also on a host without IPv6, or a negative
 * errno.
 */
int link_autoconf(struct rtnl *rt, int index, bool on);

/*
 * Whether the interface has an address that reaches further than its own
 * line; one of them in text.
 */
bool address_of(struct rtnl *rt, int index, char text[INET6_ADDRSTRLEN]);

/* The attributes of a neighbour that count here; NULL where it has none. */
struct neighbour {
	const struct ndmsg *msg;
	const uint8_t *lladdr;
	const void *address;
	size_t len;
	int master;
};
/*
 * Reads one RTM_NEWNEIGH; n points into it. Returns whether it has a hardware
 * address.
 */
bool neighbour_parse(const struct nlmsghdr *nlh, struct neighbour *n);

/* Looks up what has to be a bridge. Returns 0, -1 with a sentence. */
int bridge_find(struct rtnl *rt, const char *bridge, struct net_link *link,
    struct error *err);

/*
 * bridge_add() for what is looked up already, with a change that is made
 * along with it if there is something to do.
 */
int bridge_join(struct rtnl *rt, const struct net_link *bridge,
    const struct net_link *port, const struct link_change *change,
    struct error *err);

#endif
