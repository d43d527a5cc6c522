/*
 * rights.h: who besides the backend may use a guest, as numbers: what the
 * backend tells a guest's process, which asks the kernel who is at the other
 * end of its own socket and looks here what that one may do.
 *
 *	the backend's own user, root   everything
 *	members of [vmtui] group       everything that is for clients
 *	owner = user[:group]           start, stop, pause, unpause, console,
 *	                               status
 *	anybody else                   nothing
 */
#ifndef BACKEND_PROTO_RIGHTS_H
#define BACKEND_PROTO_RIGHTS_H

#include <jansson.h>
#include <stdint.h>

#define RIGHTS_NOBODY (-1)

struct conn;

struct rights {
	int64_t group; /* gid, or RIGHTS_NOBODY, as the others */
	int64_t owner_user; /* uid */
	int64_t owner_group; /* gid */
};

/* Each includes those before it. */
enum right { RIGHT_NONE, RIGHT_OWNER, RIGHT_ALL };

/* Nobody but the backend. */
void rights_init(struct rights *r);

/* {"group", "owner_user", "owner_group"}; NULL: no memory. */
json_t *rights_encode(const struct rights *r);
/* What is missing, or is no number of a user or group, is nobody. */
void rights_decode(const json_t *json, struct rights *r);

/* What the kernel and r say that the other end of c may do. */
enum right rights_of(const struct rights *r, const struct conn *c);

#endif
