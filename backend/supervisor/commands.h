/* commands.h: what clients may ask the backend for. */
#ifndef BACKEND_SUPERVISOR_COMMANDS_H
#define BACKEND_SUPERVISOR_COMMANDS_H

#include "backend/supervisor/clients.h"

/* Whether a descriptor may come with it, as rq->fd. */
bool commands_takes_fd(const char *command);

/* Runs a command; it answers rq now or later. args is borrowed, may be NULL. */
void commands_run(struct request *rq, const char *command, json_t *args);

#endif
