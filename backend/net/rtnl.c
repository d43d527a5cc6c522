#include <errno.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/time.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <libmnl/libmnl.h>

#include "backend/net/internal.h"

/* The kernel fills a listing's messages up to this size, and no further. */
#define RTNL_REPLY 32768
/* Often enough for a host that is busy making interfaces, and no more. */
#define RTNL_TRIES 5
/* The kernel answers within the request; this is for a kernel that hangs. */
#define RTNL_SECONDS 10

struct rtnl {
	struct mnl_socket *nl;
	unsigned portid;
	uint32_t seq;
	char why[160]; /* the kernel's explanation of the last failure */
	_Alignas(struct nlmsghdr) char request[RTNL_REQUEST];
	_Alignas(struct nlmsghdr) char reply[RTNL_REPLY];
};

struct rtnl *
rtnl_open(struct error *err)
{
	struct timeval limit = {.tv_sec = RTNL_SECONDS};
	struct rtnl *rt;
	int on = 1;

	if ((rt = calloc(1, sizeof *rt)) == NULL) {
		error_set(err, "netlink: out of memory");
		return NULL;
	}
	rt->nl = mnl_socket_open2(NETLINK_ROUTE, SOCK_CLOEXEC);
	if (rt->nl == NULL ||
	    mnl_socket_bind(rt->nl, 0, MNL_SOCKET_AUTOPID) == -1 ||
	    setsockopt(mnl_socket_get_fd(rt->nl), SOL_SOCKET, SO_RCVTIMEO,
		&limit, sizeof limit) == -1) {
		error_set(err,
		    "netlink, by which bridges and taps are set up, does not "
		    "open: %s",
		    strerror(errno));
		rtnl_close(rt);
		return NULL;
	}
	rt->portid = mnl_socket_get_portid(rt->nl);
	/* Explanations with failures; a kernel that has none does without. */
	mnl_socket_setsockopt(rt->nl, NETLINK_EXT_ACK, &on, sizeof on);
	mnl_socket_setsockopt(rt->nl, NETLINK_CAP_ACK, &on, sizeof on);
	return rt;
}

void
rtnl_close(struct rtnl *rt)
{
	if (rt == NULL)
		return;
	if (rt->nl != NULL)
		mnl_socket_close(rt->nl);
	free(rt);
}

struct nlmsghdr *
rtnl_begin(struct rtnl *rt, uint16_t type, uint16_t flags)
{
	struct nlmsghdr *nlh;

	memset(rt->request, 0, sizeof rt->request);
	nlh = mnl_nlmsg_put_header(rt->request);
	nlh->nlmsg_type = type;
	nlh->nlmsg_flags = NLM_F_REQUEST | NLM_F_ACK | flags;
	return nlh;
}

/* Receives one datagram of the kernel's. Returns its length or -errno. */
static int
rtnl_receive(struct rtnl *rt)
{
	struct sockaddr_nl from;
	socklen_t len;
	ssize_t n;

	for (;;) {
		len = sizeof from;
		n = recvfrom(mnl_socket_get_fd(rt->nl), rt->reply,
		    sizeof rt->reply, MSG_TRUNC, (struct sockaddr *)&from,
		    &len);
		if (n == -1) {
			if (errno == EINTR)
				continue;
			return errno == EAGAIN ? -ETIMEDOUT : -errno;
		}
		/* Other processes can write to this socket as well. */
		if (len != sizeof from || from.nl_family != AF_NETLINK ||
		    from.nl_pid != 0)
			continue;
		return (size_t)n > sizeof rt->reply ? -EMSGSIZE : (int)n;
	}
}

/* Keeps the explanation that came with an error message (NETLINK_EXT_ACK). */
static void
rtnl_explained(struct rtnl *rt, const struct nlmsghdr *nlh, unsigned offset)
{
	const struct nlattr *attr;

	if (!(nlh->nlmsg_flags & NLM_F_ACK_TLVS))
		return;
	mnl_attr_for_each(attr, nlh, offset)
	{
		if (mnl_attr_get_type(attr) != NLMSGERR_ATTR_MSG ||
		    mnl_attr_validate(attr, MNL_TYPE_NUL_STRING) < 0)
			continue;
		snprintf(rt->why, sizeof rt->why, "%s", mnl_attr_get_str(attr));
	}
}

/* What an NLMSG_ERROR or NLMSG_DONE says: 0 or a negative errno. */
static int
rtnl_result(struct rtnl *rt, const struct nlmsghdr *nlh)
{
	const struct nlmsgerr *e;
	const int *code;

	if (nlh->nlmsg_type == NLMSG_DONE) {
		if (mnl_nlmsg_get_payload_len(nlh) < sizeof *code)
			return 0;
		code = mnl_nlmsg_get_payload(nlh);
		if (*code < 0)
			rtnl_explained(rt, nlh, sizeof *code);
		return *code < 0 ? *code : 0;
	}
	if (mnl_nlmsg_get_payload_len(nlh) < sizeof *e)
		return -EBADMSG;
	e = mnl_nlmsg_get_payload(nlh);
	if (e->error == 0)
		return 0;
	if (nlh->nlmsg_flags & NLM_F_CAPPED)
		rtnl_explained(rt, nlh, sizeof *e);
	return e->error < 0 ? e->error : -EBADMSG;
}

/*
 * Reads answers until the acknowledgement. Once something went wrong the rest
 * is still read, so that it is not in the way of the next request.
 */
static int
rtnl_read(
    struct rtnl *rt, int (*each)(const struct nlmsghdr *, void *), void *arg)
{
	const struct nlmsghdr *nlh;
	int left, n, failed = 0;

	for (;;) {
		if ((left = rtnl_receive(rt)) < 0)
			return left;
		for (nlh = (const struct nlmsghdr *)rt->reply;
		     mnl_nlmsg_ok(nlh, left);
		     nlh = mnl_nlmsg_next(nlh, &left)) {
			/* The tail of a request given up earlier. */
			if (nlh->nlmsg_seq != rt->seq ||
			    nlh->nlmsg_pid != rt->portid)
				continue;
			if (nlh->nlmsg_flags & NLM_F_DUMP_INTR)
				failed = -EINTR;
			if (nlh->nlmsg_type == NLMSG_ERROR ||
			    nlh->nlmsg_type == NLMSG_DONE) {
				n = rtnl_result(rt, nlh);
				return failed < 0 ? failed : n;
			}
			if (nlh->nlmsg_type < NLMSG_MIN_TYPE || each == NULL ||
			    failed < 0)
				continue;
			if ((n = each(nlh, arg)) < 0)
				failed = n;
		}
	}
}

int
rtnl_call(struct rtnl *rt, int (*each)(const struct nlmsghdr *, void *),
    void (*restart)(void *), void *arg)
{
	struct nlmsghdr *nlh = (struct nlmsghdr *)rt->request;
	bool reads = (nlh->nlmsg_flags & NLM_F_DUMP) == NLM_F_DUMP;
	int n, tries;

	for (tries = 0;; tries++) {
		rt->why[0] = '\0';
		nlh->nlmsg_seq = ++rt->seq;
		if (mnl_socket_sendto(rt->nl, nlh, nlh->nlmsg_len) == -1) {
			if (errno != EINTR || tries == RTNL_TRIES)
				return -errno;
			continue;
		}
		n = rtnl_read(rt, each, arg);
		/* A change may have happened though its answer was lost. */
		if (!reads || (n != -EINTR && n != -ENOBUFS) ||
		    tries == RTNL_TRIES)
			return n;
		if (restart != NULL)
			restart(arg);
	}
}

int
rtnl_fail(struct rtnl *rt, struct error *err, int error, const char *fmt, ...)
{
	char what[256];
	const char *reason, *next = "";
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(what, sizeof what, fmt, ap);
	va_end(ap);

	reason = strerror(-error);
	switch (-error) {
	case EPERM:
	case EACCES:
		reason = "no permission";
		next = ": run the backend as root or give it CAP_NET_ADMIN";
		break;
	case EBUSY:
		reason = "it is in use";
		next = ": end what uses it first (`ip -d link` shows it)";
		break;
	case ETIMEDOUT:
		reason = "the kernel does not answer";
		break;
	case ENODEV:
		reason = "it is gone";
		next = ": something else removed it meanwhile; try again";
		break;
	}
	if (rt->why[0] != '\0')
		return error_set(err, "%s: %s (the kernel says: %s)%s", what,
		    reason, rt->why, next);
	return error_set(err, "%s: %s%s", what, reason, next);
}
