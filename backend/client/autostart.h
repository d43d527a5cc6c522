/*
 * autostart.h: gets a socket into the backend, making one if there is none.
 * For this folder.
 */
#ifndef BACKEND_CLIENT_AUTOSTART_H
#define BACKEND_CLIENT_AUTOSTART_H

#include "backend/client/client.h"

/*
 * Connects. Where nobody listens and options say so, starts a backend in a
 * session of its own and waits for it, a few seconds at most. Of several
 * clients that do this at once, all end up with the same backend. Returns a
 * descriptor, or -1 with err.
 */
int autostart_connect(const struct client_options *options, struct error *err);

#endif
