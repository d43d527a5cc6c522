/*
 * transfer.h: guests that are sent, to go on elsewhere, and received. Both are
 * for those alone who may use the whole backend: a stream holds all of a
 * guest's memory, and names files that are opened with the backend's rights.
 */
#ifndef BACKEND_SUPERVISOR_TRANSFER_H
#define BACKEND_SUPERVISOR_TRANSFER_H

#include "backend/supervisor/clients.h"
#include "backend/supervisor/process.h"

/* Has g, which runs, written to rq->fd; answers rq when that is over. */
void transfer_send(struct request *rq, struct guest *g);
/*
 * Starts a guest of that name from the stream rq->fd; started answers rq, or
 * this does when it cannot begin. A guest that is defined gets what its
 * definition says, and that must fit the stream; another one what the stream
 * says.
 */
void transfer_receive(
    struct request *rq, const char *name, process_started *started);
/* The process of g says how far it is. */
void transfer_told(struct guest *g, json_t *data);

#endif
