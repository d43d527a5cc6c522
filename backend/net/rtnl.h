/*
 * rtnl.h: a conversation with the kernel's routing netlink (rtnetlink(7)).
 *
 * The backend opens one handle and keeps it. Other folders only open and
 * close it; the rest is for the files of this folder. A handle belongs to one
 * thread and to the network namespace in which it was opened.
 */
#ifndef BACKEND_NET_RTNL_H
#define BACKEND_NET_RTNL_H

#include <stddef.h>
#include <stdint.h>

#include "config/error.h"

struct nlmsghdr;
struct rtnl;

/* A new handle, closed with rtnl_close(); NULL with a reason in err. */
struct rtnl *rtnl_open(struct error *err);

/* rt may be NULL. */
void rtnl_close(struct rtnl *rt);

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

#endif
