/*
 * conn.h: one JSON message a line over a unix socket, with descriptors.
 *
 * Both ends of every control socket use it: clients, the backend, guest
 * processes. Runs on a libevent loop; all functions are called on that loop's
 * thread. A message that carries descriptors says how many in its member
 * "fds"; they travel with SCM_RIGHTS on the line's first byte.
 *
 * The other end is hostile input: a line over CONN_MAX_LINE, a line that is no JSON
 * object, more descriptors than announced, or a peer that does not read while
 * CONN_MAX_QUEUED bytes wait for it, ends the connection and nothing else.
 */
#ifndef BACKEND_PROTO_CONN_H
#define BACKEND_PROTO_CONN_H

#include <jansson.h>
#include <stdbool.h>

#define CONN_MAX_LINE   (1 << 20)
#define CONN_MAX_ANSWER (4 << 20)
#define CONN_MAX_QUEUED (8 << 20)
#define CONN_MAX_FDS    250 /* of 253 that the kernel takes */

struct event_base;
struct conn;

struct conn_ops {
	/*
	 * One message. msg is borrowed. fd[0..fds) are the callee's now; those
	 * it sets to -1 it keeps, the rest is closed when it returns. It may
	 * call conn_free(c).
	 */
	void (*message)(
	    struct conn *c, json_t *msg, int *fd, unsigned fds, void *arg);
	/*
	 * The other end is gone or broke a rule; why is a phrase. c is freed
	 * after this returns. Not called by conn_free().
	 */
	void (*closed)(struct conn *c, const char *why, void *arg);
};

/* Takes the connected socket over. NULL: no memory (fd is closed). */
struct conn *conn_new(
    struct event_base *base, int fd, const struct conn_ops *ops, void *arg);
/*
 * From now on the other end may send lines of up to CONN_MAX_ANSWER: it is the
 * backend, which may have thousands of guests to tell of.
 */
void conn_trust(struct conn *c);
/* Closes; what was queued and not yet sent is lost. Safe in callbacks. */
void conn_free(struct conn *c);
/*
 * Queues msg (borrowed) with copies of fds descriptors (the caller keeps its
 * own). Never blocks, and never calls back. Returns 0, or -1 if the connection
 * is broken (closed() follows from the loop) or the line is longer than
 * CONN_MAX_ANSWER.
 */
int conn_send(struct conn *c, json_t *msg, const int *fd, unsigned fds);
/* Writes what is queued, blocking at most ms milliseconds: before an exit. */
void conn_flush(struct conn *c, int ms);
/* The peer's user id, as SO_PEERCRED says; (uid_t)-1 if unknown. */
unsigned conn_peer_uid(const struct conn *c);

/* Whether the peer was in that group when it connected, by SO_PEERGROUPS. */
bool conn_peer_in_group(const struct conn *c, unsigned gid);

/*
 * The shapes of DESIGN's section 1. Each sends one message and frees what it
 * is marked to take.
 */
/* {"return": ret, "id": id}; takes ret (NULL: {}), id is borrowed, may be
 * NULL. */
int conn_return(
    struct conn *c, json_t *id, json_t *ret, const int *fd, unsigned fds);
/* {"error": {"class": class, "desc": desc}, "id": id} */
int conn_error(struct conn *c, json_t *id, const char *class, const char *desc);
/* {"event": name, "data": data, "timestamp": {…}}; takes data. */
int conn_event(struct conn *c, const char *name, json_t *data);

#endif
