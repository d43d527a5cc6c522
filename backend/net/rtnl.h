/*
 * rtnl.h: a conversation with the kernel's routing netlink (rtnetlink(7)).
 *
 * The backend opens one handle and keeps it; every call of this folder takes
 * it. A handle belongs to one thread and to the network namespace in which it
 * was opened.
 */
#ifndef BACKEND_NET_RTNL_H
#define BACKEND_NET_RTNL_H

#include "config/error.h"

struct rtnl;

/* A new handle, closed with rtnl_close(); NULL with a reason in err. */
struct rtnl *rtnl_open(struct error *err);

/* rt may be NULL. */
void rtnl_close(struct rtnl *rt);

#endif
