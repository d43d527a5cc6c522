/*
 * access.h: who may do what, by what the kernel says of the other end of a
 * connection (SO_PEERCRED, SO_PEERGROUPS).
 *
 *	root, the backend's own user      everything
 *	members of [vmtui] group          everything
 *	owner = user[:group] of a guest   start, stop, pause, unpause, console,
 *	                                  wait and status of that guest alone
 *	anybody else                      nothing
 *
 * The runtime folder and the socket are opened as far as that needs:
 *
 *	                 folder   socket
 *	neither          0700     0600
 *	group            0750     0660, of the group
 *	an owner         0711     0666    (with a group 0751)
 *
 * and so are guests/ in it and each guest's own socket, which belongs to the
 * owner and to the group; with a group and another one of an owner it is 0666,
 * and the guest's process alone decides. That holds for root's guests. Those
 * of others live in a user namespace, where the kernel names nobody but their
 * user: their sockets stay that user's, and owners ask the backend.
 */
#ifndef BACKEND_SUPERVISOR_ACCESS_H
#define BACKEND_SUPERVISOR_ACCESS_H

#include <sys/types.h>

#include <stdbool.h>
#include <stddef.h>

#include "backend/proto/rights.h"

struct backend;
struct conn;
struct guest;

/* Names of the configuration as the numbers they were when it was read. */
struct access {
	bool has_group;
	gid_t group;
	struct access_owner {
		char *name; /* of the guest */
		bool has_user, has_group;
		uid_t user;
		gid_t group;
	} * owner;
	size_t owners;
};

/* After the configuration was read: looks names up, sets modes, tells guests.
 */
void access_refresh(struct backend *b);
/*
 * Gives the socket that the guest's process has, or will, its owner and mode.
 * Returns what the process is to be told of that.
 */
struct rights access_socket(const struct backend *b, const char *name);
/* Does that, and tells the process, which runs. */
void access_tell(struct guest *g);
void access_close(struct backend *b);

/* Everything; that guest; or anything at all. */
bool access_all(const struct backend *b, const struct conn *c);
bool access_guest(
    const struct backend *b, const struct conn *c, const char *name);
bool access_any(const struct backend *b, const struct conn *c);

#endif
