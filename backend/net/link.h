/*
 * link.h: the network interfaces of the host: what there is, with counters,
 * and the few changes that bridges and taps need.
 *
 * The supervisor lists them for the screen's figures; main thread only.
 */
#ifndef BACKEND_NET_LINK_H
#define BACKEND_NET_LINK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <net/if.h>

#include "backend/net/rtnl.h"

#define NET_KIND_MAX 24

struct net_link {
	int index;
	int master; /* index of the bridge (or bond) it is a port of; 0: none */
	char name[IFNAMSIZ];
	char kind[NET_KIND_MAX]; /* "bridge", "tun", "veth"; "": hardware */
	bool up;
	bool loopback;
	bool ours; /* a bridge that bridge_ensure() made */
	/* A port of a bridge: */
	bool lockable; /* the kernel can do what port_lock() needs */
	bool locked, learning; /* IFLA_BRPORT_LOCKED, IFLA_BRPORT_LEARNING */
	bool tap; /* kind "tun": carries frames, not packets */
	bool persist; /* kind "tun": stays when nobody has it open */
	bool multi_queue; /* kind "tun": made for several descriptors */
	unsigned queues; /* then: how many there are now */
	unsigned mtu;
	/*
	 * As the host counts: what came in (rx) by a tap is what its guest
	 * sent. From 0 when the interface was made.
	 */
	uint64_t rx_bytes, tx_bytes, rx_packets, tx_packets;
};

/*
 * Looks one up by name. Returns 1 and fills link, 0 if there is none of that
 * name (a name no interface can have included), -1 with a reason in err.
 */
int net_link_get(struct rtnl *rt, const char *name, struct net_link *link,
    struct error *err);

/* The same by index. */
int net_link_get_index(
    struct rtnl *rt, int index, struct net_link *link, struct error *err);

/*
 * All of them, in the kernel's order. Returns how many and, in *links, an
 * array that the caller frees (NULL if there are none); -1 with a reason.
 */
int net_links(struct rtnl *rt, struct net_link **links, struct error *err);

/*
 * Whether text can be an interface's name: 1 to 15 bytes without '/', ':',
 * '%' and white space, not "." or "..". Returns 0, or -1 with a sentence.
 */
int net_link_name_check(const char *text, struct error *err);

/*
 * Writes the sentence for an interface that is not there: "there is no
 * interface em0: did you mean em1?", with up to three existing names most
 * like it, else with those the host has. Returns -1.
 */
int net_link_missing(struct rtnl *rt, const char *name, struct error *err);

#endif
