#include <errno.h>
#include <fcntl.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>
#include <sys/ioctl.h>
#include <sys/random.h>
#include <linux/if_tun.h>

#include "backend/net/bridge.h"
#include "backend/net/internal.h"
#include "backend/net/tap.h"

#define TAP_DEVICE "/dev/net/tun"

/* An interface's name, or one with "%d" in it. */
static int
tap_name_check(const char *name, struct error *err)
{
	const char *percent = strstr(name, "%d");
	char plain[IFNAMSIZ];

	if (percent == NULL || strlen(name) >= IFNAMSIZ)
		return net_link_name_check(name, err);
	snprintf(plain, sizeof plain, "%.*s0%s", (int)(percent - name), name,
	    percent + 2);
	return net_link_name_check(plain, err);
}

static int
tap_device(struct error *err)
{
	int fd;

	fd = open(TAP_DEVICE, O_RDWR | O_NONBLOCK | O_CLOEXEC);
	if (fd != -1)
		return fd;
	switch (errno) {
	case ENOENT:
	case ENODEV:
	case ENXIO:
		return error_set(err,
		    "there is no " TAP_DEVICE ", which taps are made with: "
		    "load the module (modprobe tun)");
	case EACCES:
	case EPERM:
		return error_set(err,
		    "no permission to open " TAP_DEVICE ": run the backend as "
		    "root, or let everyone open it, which gives nobody a tap "
		    "(chmod 666 " TAP_DEVICE ")");
	}
	return error_set(err, TAP_DEVICE " does not open: %s", strerror(errno));
}

/* Why TUNSETIFF failed on a name that an interface has. */
static int
tap_refused(const struct net_link *link, int error, struct error *err)
{
	const char *name = link->name;

	if (strcmp(link->kind, "tun") != 0)
		return error_set(err,
		    "interface %s exists and is no tap: give the guest's "
		    "interface another name with `tap=`",
		    name);
	if (!link->tap)
		return error_set(err,
		    "interface %s is a tun, which carries no Ethernet frames: "
		    "make a tap instead (ip tuntap add dev %s mode tap)",
		    name, name);
	if (error == EBUSY)
		return error_set(err,
		    "tap %s is in use by another process: stop that, or give "
		    "the guest's interface another name with `tap=`",
		    name);
	if (error == EPERM || error == EACCES)
		return error_set(err,
		    "tap %s is another user's: run the backend as root, or "
		    "make the tap for this one (ip tuntap add dev %s mode tap "
		    "user %u)",
		    name, name, (unsigned)geteuid());
	return error_set(err, "opening tap %s: %s", name, strerror(error));
}

static int
tap_failed(struct rtnl *rt, const char *name, int error, struct error *err)
{
	struct net_link link;

	if (net_link_get(rt, name, &link, NULL) == 1)
		return tap_refused(&link, error, err);
	if (error == EPERM || error == EACCES)
		return error_set(err,
		    "making tap %s: no permission: run the backend as root or "
		    "give it CAP_NET_ADMIN, or make the tap beforehand as root "
		    "(ip tuntap add dev %s mode tap user %u)",
		    name, name, (unsigned)geteuid());
	return error_set(err, "making tap %s: %s", name, strerror(error));
}

/* Opens one queue of a tap that has several of them (many), or the only one. */
static int
open_queue(struct rtnl *rt, const char *name, bool many, char actual[IFNAMSIZ],
    struct error *err)
{
	struct ifreq ifr = {0};
	int fd;

	if ((fd = tap_device(err)) == -1)
		return -1;
	snprintf(ifr.ifr_name, sizeof ifr.ifr_name, "%s", name);
	ifr.ifr_flags = IFF_TAP | IFF_NO_PI | IFF_VNET_HDR;
	if (many)
		ifr.ifr_flags |= IFF_MULTI_QUEUE;
	if (ioctl(fd, TUNSETIFF, &ifr) == -1) {
		tap_failed(rt, name, errno, err);
		goto fail;
	}
	/* One that was there before may have another's settings. */
	if (tap_set_header(fd, TAP_HEADER, err) == -1 ||
	    tap_set_offload(fd, 0, err) == -1 ||
	    tap_set_filter(fd, NULL, 0, false, err) == -1)
		goto fail;
	memcpy(actual, ifr.ifr_name, IFNAMSIZ);
	actual[IFNAMSIZ - 1] = '\0';
	return fd;
fail:
	close(fd);
	return -1;
}

int
tap_open_queues(struct rtnl *rt, const char *name, unsigned queues, int *fd,
    char actual[IFNAMSIZ], struct error *err)
{
	char whole[IFNAMSIZ];
	struct net_link link;
	bool many = queues > 1;
	unsigned n;

	actual[0] = '\0';
	if (tap_name_check(name, err) == -1)
		return -1;
	if (net_link_get(rt, name, &link, NULL) == 1) {
		many = link.multi_queue;
		/* The kernel would take us in as one more. */
		if (many && link.queues > 0)
			return tap_refused(&link, EBUSY, err);
	}
	snprintf(whole, sizeof whole, "%s", name);
	for (n = 0; n == 0 || (many && n < queues); n++) {
		fd[n] = open_queue(rt, whole, many, actual, err);
		if (fd[n] == -1)
			goto fail;
		memcpy(whole, actual, sizeof whole);
	}
	return (int)n;
fail:
	while (n-- > 0)
		close(fd[n]);
	return -1;
}

int
tap_open(
    struct rtnl *rt, const char *name, char actual[IFNAMSIZ], struct error *err)
{
	int fd;

	return tap_open_queues(rt, name, 1, &fd, actual, err) == -1 ? -1 : fd;
}

/*
 * Prepares a tap that we made: a hardware address so high that a bridge
 * without one of its own never takes it, and no IPv6 address of the host's on
 * the guest's line. Returns 0 or a negative errno.
 */
static int
tap_prepare(struct rtnl *rt, const struct net_link *tap,
    unsigned char lladdr[6], struct link_change *change)
{
	if (getrandom(lladdr, 6, 0) != 6)
		return -errno;
	lladdr[0] = 0xfe;
	change->lladdr = lladdr;
	return link_autoconf(rt, tap->index, false);
}

int
tap_attach(
    struct rtnl *rt, const char *tap, const char *bridge, struct error *err)
{
	struct link_change change = {.master = -1, .up = true};
	struct net_link b = {0}, t;
	unsigned char lladdr[6];
	int n;

	if (bridge != NULL && bridge_find(rt, bridge, &b, err) == -1)
		return -1;
	if ((n = net_link_get(rt, tap, &t, err)) == -1)
		return -1;
	if (n == 0)
		return error_set(
		    err, "there is no tap %s any more: try again", tap);
	if (!t.persist && t.master == 0 &&
	    (n = tap_prepare(rt, &t, lladdr, &change)) < 0)
		return rtnl_fail(rt, err, n, "setting up tap %s", tap);
	if (bridge != NULL) {
		/* A port with a smaller one would lessen the bridge's. */
		if (t.master == 0 && t.mtu != b.mtu)
			change.mtu = b.mtu;
		return bridge_join(rt, &b, &t, &change, err);
	}
	if (!t.up && (n = link_change(rt, t.index, &change)) < 0)
		return rtnl_fail(rt, err, n, "bringing up tap %s", tap);
	return 0;
}

int
tap_set_offload(int fd, unsigned offload, struct error *err)
{
	if (ioctl(fd, TUNSETOFFLOAD, (unsigned long)offload) == -1)
		return error_set(err, "tap: offloads 0x%x are refused: %s",
		    offload, strerror(errno));
	return 0;
}

int
tap_set_header(int fd, int bytes, struct error *err)
{
	if (ioctl(fd, TUNSETVNETHDRSZ, &bytes) == -1)
		return error_set(err,
		    "tap: a header of %d bytes is refused: %s", bytes,
		    strerror(errno));
	return 0;
}

int
tap_set_filter(int fd, const uint8_t (*addr)[6], unsigned n, bool multicast,
    struct error *err)
{
	union {
		struct tun_filter head;
		uint8_t bytes[sizeof(struct tun_filter) + TAP_FILTER_MOST * 6];
	} filter = {.head.flags = multicast ? TUN_FLT_ALLMULTI : 0};

	if (n > TAP_FILTER_MOST)
		n = 0;
	filter.head.count = (uint16_t)n;
	if (n > 0)
		memcpy(filter.bytes + offsetof(struct tun_filter, addr), addr,
		    n * sizeof *addr);
	if (ioctl(fd, TUNSETTXFILTER, &filter) == -1)
		return error_set(
		    err, "tap: a filter is refused: %s", strerror(errno));
	return 0;
}

int
tap_set_queue(int fd, bool attached, struct error *err)
{
	struct ifreq ifr = {0};

	ifr.ifr_flags = attached ? IFF_ATTACH_QUEUE : IFF_DETACH_QUEUE;
	if (ioctl(fd, TUNSETQUEUE, &ifr) == -1)
		return error_set(err, "tap: %s a queue is refused: %s",
		    attached ? "attaching" : "detaching", strerror(errno));
	return 0;
}
