/*
 * endpoint.h: the place where clients find the backend. Of any number of
 * backends that start in one runtime directory, one gets it.
 */
#ifndef BACKEND_SUPERVISOR_ENDPOINT_H
#define BACKEND_SUPERVISOR_ENDPOINT_H

#include <stdbool.h>

#include "config/error.h"

#define ENDPOINT_TAKEN (-2)

struct endpoint {
	int lock_fd; /* RUNDIR/backend.lock, locked as long as it is open */
	int listen_fd; /* bound; endpoint_listen() opens it to clients */
	bool inherited; /* the socket is systemd's: it stays */
	char path[108];
	/* The backend before this one did not end in good order. */
	bool replaces;
};

/*
 * Takes the lock and binds the socket, replacing one that a killed backend
 * left; or takes the one that was passed on by LISTEN_FDS and LISTEN_PID
 * (sd_listen_fds(3)), which has to be where clients look. Returns 0, -1 with err, or ENDPOINT_TAKEN with err when another
 * backend is there.
 */
int endpoint_open(struct endpoint *e, struct error *err);
int endpoint_listen(struct endpoint *e, struct error *err);
/* Removes the socket and gives the lock back. */
void endpoint_close(struct endpoint *e);

#endif
