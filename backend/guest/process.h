/*
 * process.h: the state of a guest process, shared by guest.c (its life) and
 * control.c (its commands). Main thread but where a comment says otherwise.
 */
#ifndef BACKEND_GUEST_PROCESS_H
#define BACKEND_GUEST_PROCESS_H

#include <sys/queue.h>

#include <jansson.h>
#include <pthread.h>
#include <time.h>

#include "backend/guest/build.h"
#include "backend/proto/conn.h"

struct event;

struct peer {
	TAILQ_ENTRY(peer) entry;
	struct guest_process *process;
	struct conn *conn;
};

struct guest_process {
	struct event_base *base;
	struct event *listen, *request, *sigterm;
	TAILQ_HEAD(, peer) peers;
	struct peer *launcher; /* until it said "launch" */
	unsigned launcher_uid; /* the backend's: nobody else but root may ask */
	struct guest_spec spec;
	struct hardware hw;
	struct console *console[CONSOLES];

	const char *state; /* PROTO_… */
	char reason[256];
	double since; /* seconds since 1970, of the last change */
	double started; /* of the launch */
	int status; /* to exit with */

	/* What a vcpu asked for: written by any thread. */
	int request_fd;
	pthread_mutex_t lock; /* guards the two below */
	int asked; /* an enum machine_request, or -1 */
	char why[160];
};

/* guest.c */
int guest_launch(struct guest_process *p, struct error *err);
void guest_set_state(
    struct guest_process *p, const char *state, const char *reason);
int guest_pause(struct guest_process *p, struct error *err);
int guest_unpause(struct guest_process *p, struct error *err);
int guest_reset(struct guest_process *p, struct error *err);
/* The guest is over: tells everybody, and leaves the loop. */
void guest_end(
    struct guest_process *p, const char *state, const char *reason, int status);

/* control.c */
struct peer *control_add_peer(struct guest_process *p, int fd);
int control_listen(struct guest_process *p, struct error *err);
void control_broadcast_state(struct guest_process *p);
void control_close(struct guest_process *p);

#endif
