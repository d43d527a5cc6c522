/*
 * guest.h: the guest process. `vmtui guest NAME` ends here.
 */
#ifndef BACKEND_GUEST_GUEST_H
#define BACKEND_GUEST_GUEST_H

/*
 * Waits for the launch message on descriptor 3, builds the machine, runs it
 * and serves its control socket until the guest is gone. name is only for
 * `ps`. Returns the exit status: 0 the guest ended in good order, 1 it
 * crashed or could not be built (the reason went to the launch socket and to
 * standard error), 2 not started by a backend.
 */
int guest_main(const char *name);

#endif
