/*
 * peers.c: who is connected to a guest process, and what they may do.
 */
#include <sys/socket.h>

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#include <event2/event.h>

#include "backend/guest/process.h"
#include "backend/proto/proto.h"
#include "backend/proto/text.h"

#define MAX_PEERS 32 /* of others than the backend's user and root */

static void
peer_free(struct peer *peer)
{
	send_peer_gone(peer->process, peer);
	disk_peer_gone(peer->process, peer);
	TAILQ_REMOVE(&peer->process->peers, peer, entry);
	peer->process->npeers--;
	free(peer);
}

int
peer_right(const struct peer *peer)
{
	const struct guest_process *p = peer->process;
	unsigned uid = conn_peer_uid(peer->conn);

	if (peer == p->launcher || uid == 0 || uid == p->launcher_uid)
		return RIGHT_BACKEND;
	return (int)rights_of(&p->spec.rights, peer->conn);
}

void
peer_refuse(struct peer *peer, json_t *id, int right)
{
	struct error err;

	if (right == RIGHT_NONE)
		error_set(&err,
		    "this guest is not for user %u: its definition needs "
		    "owner = with your name or group",
		    conn_peer_uid(peer->conn));
	else
		error_set(&err,
		    "this is for those alone who may use the whole backend; "
		    "the owner of a guest may stop, pause and unpause it and "
		    "open its console");
	conn_error(peer->conn, id, PROTO_E_PERM, err.text);
}

static void
on_closed(struct conn *c, const char *why, void *arg)
{
	struct peer *peer = arg;
	struct guest_process *p = peer->process;

	/* Without a launch there is nothing to live for. */
	if (peer == p->launcher)
		event_base_loopbreak(p->base);
	peer_free(peer);
}

static void
on_message(struct conn *c, json_t *msg, int *fd, unsigned fds, void *arg)
{
	control_message(arg, msg, fd, fds);
}

static const struct conn_ops peer_ops = {
    .message = on_message,
    .closed = on_closed,
};

struct peer *
peers_add(struct guest_process *p, int fd)
{
	struct peer *peer;

	peer = calloc(1, sizeof *peer);
	if (peer == NULL) {
		close(fd);
		return NULL;
	}
	fcntl(fd, F_SETFD, FD_CLOEXEC);
	peer->process = p;
	peer->conn = conn_new(p->base, fd, &peer_ops, peer);
	if (peer->conn == NULL) {
		free(peer);
		return NULL;
	}
	TAILQ_INSERT_TAIL(&p->peers, peer, entry);
	p->npeers++;
	return peer;
}

/* Tells it why and hangs up. */
static void
turn_away(struct peer *peer, const char *why)
{
	if (why != NULL)
		conn_error(peer->conn, NULL, PROTO_E_GENERIC, why);
	conn_free(peer->conn);
	peer_free(peer);
}

void
peers_check(struct guest_process *p)
{
	struct peer *peer, *next;

	for (peer = TAILQ_FIRST(&p->peers); peer != NULL; peer = next) {
		next = TAILQ_NEXT(peer, entry);
		if (peer_right(peer) != RIGHT_NONE)
			continue;
		peer_refuse(peer, NULL, RIGHT_NONE);
		turn_away(peer, NULL);
	}
}

static void
on_listen(evutil_socket_t fd, short what, void *arg)
{
	static const struct timeval soon = {0, 200000};
	struct guest_process *p = arg;
	struct peer *peer;
	int sock, right;

	sock = accept4(fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
	if (sock == -1 && (errno == EMFILE || errno == ENFILE)) {
		/* Not to be asked again at once, for ever. */
		event_del(p->listen);
		event_add(p->listen_again, &soon);
	}
	if (sock == -1 || (peer = peers_add(p, sock)) == NULL)
		return;
	right = peer_right(peer);
	if (right == RIGHT_NONE) {
		peer_refuse(peer, NULL, right);
		turn_away(peer, NULL);
	} else if (right < RIGHT_BACKEND && p->npeers > MAX_PEERS) {
		turn_away(peer,
		    "this guest has as many connections as it takes: close "
		    "some first");
	}
}

static void
on_listen_again(evutil_socket_t fd, short what, void *arg)
{
	struct guest_process *p = arg;

	event_add(p->listen, NULL);
}

int
peers_listen(struct guest_process *p, struct error *err)
{
	if (p->spec.listen_fd == -1)
		return error_set(err, "the launch came without a socket");
	evutil_make_socket_nonblocking(p->spec.listen_fd);
	p->listen = event_new(
	    p->base, p->spec.listen_fd, EV_READ | EV_PERSIST, on_listen, p);
	p->listen_again = evtimer_new(p->base, on_listen_again, p);
	if (p->listen == NULL || p->listen_again == NULL)
		return error_set(err, "out of memory");
	event_add(p->listen, NULL);
	return 0;
}

void
peers_tell(struct guest_process *p, const char *event, json_t *data)
{
	struct peer *peer;

	TAILQ_FOREACH (peer, &p->peers, entry)
		conn_event(peer->conn, event, json_incref(data));
	json_decref(data);
}

void
peers_tell_state(struct guest_process *p)
{
	peers_tell(p, "STATE",
	    json_pack("{s:s, s:s, s:f}", "state", p->state, "reason", p->reason,
		"since", p->since));
}

void
peers_close(struct guest_process *p)
{
	struct peer *peer;

	while ((peer = TAILQ_FIRST(&p->peers)) != NULL) {
		conn_flush(peer->conn, 200);
		conn_free(peer->conn);
		peer_free(peer);
	}
}
