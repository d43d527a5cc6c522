#include <sys/socket.h>

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "backend/proto/conn.h"
#include "backend/proto/proto.h"
#include "backend/supervisor/clients.h"
#include "backend/supervisor/commands.h"
#include "backend/supervisor/figures.h"
#include "backend/supervisor/sizes.h"
#include "config/log.h"

#define MAX_CLIENTS  640
#define MAX_REQUESTS 512 /* unanswered, of one client */
#define FLUSH_MS     500

struct client {
	TAILQ_ENTRY(client) entry;
	struct backend *b;
	struct conn *conn;
	struct request_list requests;
	unsigned nrequests;
	bool subscribed, figures;
};

static void
request_free(struct request *rq)
{
	if (rq->client != NULL) {
		TAILQ_REMOVE(&rq->client->requests, rq, entry);
		rq->client->nrequests--;
	}
	if (rq->waiting != NULL)
		TAILQ_REMOVE(&rq->waiting->waiting, rq, wait_entry);
	if (rq->fd != -1)
		close(rq->fd);
	json_decref(rq->id);
	free(rq);
}

void
request_return(struct request *rq, json_t *ret, int fd)
{
	if (rq->client != NULL)
		conn_return(rq->client->conn, rq->id, ret, &fd, fd != -1);
	else
		json_decref(ret);
	request_free(rq);
}

void
request_error(struct request *rq, const char *class, const char *desc)
{
	if (rq->client != NULL)
		conn_error(rq->client->conn, rq->id, class, desc);
	request_free(rq);
}

void
request_wait(struct request *rq, struct guest *g, bool wants_guest)
{
	rq->waiting = g;
	rq->wants_guest = wants_guest;
	TAILQ_INSERT_TAIL(&g->waiting, rq, wait_entry);
}

/*
 * Requests that others still work on outlive their client; those that only
 * wait for a guest have nobody left to tell.
 */
static void
client_gone(struct client *cl)
{
	struct backend *b = cl->b;
	struct request *rq;

	while ((rq = TAILQ_FIRST(&cl->requests)) != NULL) {
		if (rq->waiting != NULL) {
			request_free(rq);
			continue;
		}
		TAILQ_REMOVE(&cl->requests, rq, entry);
		rq->client = NULL;
	}
	TAILQ_REMOVE(&b->clients, cl, entry);
	b->nclients--;
	sizes_client_gone(b, cl);
	free(cl);
	figures_update(b);
}

static void
on_closed(struct conn *c, const char *why, void *arg)
{
	client_gone(arg);
}

static void
on_message(struct conn *c, json_t *msg, int *fd, unsigned fds, void *arg)
{
	json_t *id = json_object_get(msg, "id");
	const char *command;
	struct client *cl = arg;
	struct request *rq;

	command = json_string_value(json_object_get(msg, "execute"));
	if (command == NULL) {
		conn_error(c, id, PROTO_E_GENERIC,
		    "a request names its command in \"execute\"");
		return;
	}
	if (cl->nrequests >= MAX_REQUESTS ||
	    (rq = calloc(1, sizeof *rq)) == NULL) {
		conn_error(c, id, PROTO_E_GENERIC,
		    "too many requests at once: wait for answers first");
		return;
	}
	rq->b = cl->b;
	rq->client = cl;
	rq->fd = -1;
	if (fds == 1 && commands_takes_fd(command)) {
		rq->fd = fd[0];
		fd[0] = -1;
	}
	rq->id = json_incref(id);
	TAILQ_INSERT_TAIL(&cl->requests, rq, entry);
	cl->nrequests++;
	commands_run(rq, command, json_object_get(msg, "arguments"));
}

bool
request_may(const struct request *rq, const char *name)
{
	if (rq->client == NULL)
		return false;
	return name != NULL ? access_guest(rq->b, rq->client->conn, name)
			    : access_all(rq->b, rq->client->conn);
}

static void
refuse(const struct conn *c, struct error *err, const struct backend *b)
{
	error_set(err,
	    "this backend is not for user %u: it is its owner's, %s%s%sand "
	    "whoever is the owner = of a guest may use that",
	    conn_peer_uid(c),
	    b->config->global.group != NULL ? "members of the group " : "",
	    b->config->global.group != NULL ? b->config->global.group : "",
	    b->config->global.group != NULL ? " may use it, " : "");
}

static void
client_add(struct backend *b, int fd)
{
	static const struct conn_ops ops = {on_message, on_closed};
	struct client *cl;
	struct error err;

	if ((cl = calloc(1, sizeof *cl)) == NULL) {
		close(fd);
		return;
	}
	cl->b = b;
	TAILQ_INIT(&cl->requests);
	if ((cl->conn = conn_new(b->base, fd, &ops, cl)) == NULL) {
		free(cl);
		return;
	}
	if (!access_any(b, cl->conn) || b->nclients >= MAX_CLIENTS) {
		refuse(cl->conn, &err, b);
		if (b->nclients >= MAX_CLIENTS)
			conn_error(cl->conn, NULL, PROTO_E_GENERIC,
			    "the backend has as many clients as it takes: "
			    "close some first");
		else
			conn_error(cl->conn, NULL, PROTO_E_PERM, err.text);
		conn_free(cl->conn);
		free(cl);
		return;
	}
	TAILQ_INSERT_TAIL(&b->clients, cl, entry);
	b->nclients++;
}

static void
on_accept(evutil_socket_t sock, short what, void *arg)
{
	const struct timeval soon = {0, 200000};
	struct backend *b = arg;
	int fd;

	fd = accept4(sock, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
	if (fd != -1) {
		client_add(b, fd);
		return;
	}
	if (errno == EAGAIN || errno == EINTR || errno == ECONNABORTED)
		return;
	/* Out of descriptors: not to be asked again at once, for ever. */
	log_warn("cannot take a client: %s", strerror(errno));
	event_del(b->accept);
	event_add(b->accept_again, &soon);
}

static void
on_accept_again(evutil_socket_t sock, short what, void *arg)
{
	struct backend *b = arg;

	event_add(b->accept, NULL);
}

int
clients_listen(struct backend *b)
{
	b->accept = event_new(
	    b->base, b->listen_fd, EV_READ | EV_PERSIST, on_accept, b);
	b->accept_again = evtimer_new(b->base, on_accept_again, b);
	if (b->accept == NULL || b->accept_again == NULL)
		return -1;
	return event_add(b->accept, NULL);
}

void
clients_close(struct backend *b)
{
	struct client *cl;
	struct conn *c;

	if (b->accept != NULL)
		event_free(b->accept);
	if (b->accept_again != NULL)
		event_free(b->accept_again);
	b->accept = b->accept_again = NULL;
	while ((cl = TAILQ_FIRST(&b->clients)) != NULL) {
		c = cl->conn;
		conn_flush(c, FLUSH_MS);
		client_gone(cl);
		conn_free(c);
	}
}

void
clients_subscribe(struct request *rq, bool figures)
{
	if (rq->client == NULL)
		return;
	rq->client->subscribed = true;
	rq->client->figures = figures;
	figures_update(rq->b);
}

/* What of an event is for a client that may only use some guests, or NULL. */
static json_t *
own_part(const struct client *cl, json_t *data)
{
	json_t *guests, *guest, *part;
	const char *name;
	size_t i;

	if (access_all(cl->b, cl->conn))
		return json_incref(data);
	if (json_object_get(data, "mistakes") != NULL)
		return json_pack("{s:[]}", "mistakes");
	name = json_string_value(json_object_get(data, "name"));
	if (name != NULL)
		return access_guest(cl->b, cl->conn, name) ? json_incref(data)
							   : NULL;
	part = json_copy(data);
	guests = json_array();
	json_array_foreach (json_object_get(data, "guests"), i, guest) {
		name = json_string_value(json_object_get(guest, "name"));
		if (name != NULL && access_guest(cl->b, cl->conn, name))
			json_array_append(guests, guest);
	}
	json_object_set_new(part, "guests", guests);
	return part;
}

static void
send_event(struct backend *b, const char *name, json_t *data, bool figures)
{
	struct client *cl;
	json_t *part;

	if (data == NULL)
		return;
	TAILQ_FOREACH (cl, &b->clients, entry)
		if (cl->subscribed && (cl->figures || !figures) &&
		    (part = own_part(cl, data)) != NULL)
			conn_event(cl->conn, name, part);
	json_decref(data);
}

void
clients_event(struct backend *b, const char *name, json_t *data)
{
	send_event(b, name, data, false);
}

void
clients_figures(struct backend *b, json_t *data)
{
	send_event(b, "FIGURES", data, true);
}

bool
clients_want_figures(const struct backend *b)
{
	const struct client *cl;

	TAILQ_FOREACH (cl, &b->clients, entry)
		if (cl->figures)
			return true;
	return false;
}
