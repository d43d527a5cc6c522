/*
 * supervisor.h: the backend process. `vmtui backend` ends here.
 */
#ifndef BACKEND_SUPERVISOR_SUPERVISOR_H
#define BACKEND_SUPERVISOR_SUPERVISOR_H

struct supervisor_options {
	const char *config; /* -f, or NULL for the default place */
	/*
	 * A descriptor on which one byte is written when the socket listens
	 * (the client that started us waits for it), then closed. -1: none.
	 */
	int ready_fd;
};

/*
 * Runs the backend in the foreground until SIGTERM or SIGINT. Returns the exit
 * status; a reason for failing was printed.
 */
int supervisor_main(const struct supervisor_options *options);

#endif
