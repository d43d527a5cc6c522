/*
 * clients.h: who is connected to the backend. A client is trusted with the
 * guests that access.h gives it, but not with the backend: what one sends can
 * end its own connection and nothing else.
 */
#ifndef BACKEND_SUPERVISOR_CLIENTS_H
#define BACKEND_SUPERVISOR_CLIENTS_H

#include "backend/supervisor/backend.h"

/*
 * A question that is answered once, now or later, by request_return() or
 * request_error(), which free it. The client may be gone by then.
 */
struct request {
	TAILQ_ENTRY(request) entry; /* of its client */
	TAILQ_ENTRY(request) wait_entry; /* of waiting */
	struct backend *b;
	struct client *client; /* NULL: gone */
	struct guest *waiting; /* in its list of waiters, or NULL */
	bool wants_guest; /* is answered with GUEST when it has ended */
	int fd; /* that came with it, of a command that takes one, or -1 */
	json_t *id;
};

/* Takes connections from b->listen_fd. Returns 0, or -1 (no memory). */
int clients_listen(struct backend *b);
/* Sends what is queued, for at most half a second a client, and closes. */
void clients_close(struct backend *b);

/*
 * Whether whoever asks may use the guest of that name; NULL: everything. One
 * who is gone may nothing.
 */
bool request_may(const struct request *rq, const char *name);

/* Takes ret (NULL: {}); fd is lent, -1 for none. */
void request_return(struct request *rq, json_t *ret, int fd);
void request_error(struct request *rq, const char *class, const char *desc);
/* Leaves rq to be answered by registry_ended() of g. */
void request_wait(struct request *rq, struct guest *g, bool wants_guest);

/* Subscribes the client of rq to events. */
void clients_subscribe(struct request *rq, bool figures);
/* Sends an event to all subscribers; takes data. */
void clients_event(struct backend *b, const char *name, json_t *data);
/* The same to those who asked for figures. */
void clients_figures(struct backend *b, json_t *data);
bool clients_want_figures(const struct backend *b);

#endif
