/*
 * confine.h: a guest that breaks out of its devices finds itself nowhere.
 *
 * In two steps, both before the first guest instruction:
 *
 *	confine_process()   the process, while it is one thread: own user,
 *	                    namespaces, empty root, no capabilities, Landlock
 *	confine_threads()   then each thread as it begins (config/thread.h), and
 *	confine_main()      the main one last: the list of system calls that
 *	                    confine_mkfilters.c has for its kind
 *
 * Whatever the process needs was opened by the backend and came as a
 * descriptor. What the host refuses is logged, once and in one line, and the
 * rest holds all the same; none of these functions fails.
 *
 * It costs a start about 1 ms of CPU, half of which is the network namespace.
 */
#ifndef BACKEND_GUEST_CONFINE_H
#define BACKEND_GUEST_CONFINE_H

#include <jansson.h>
#include <sys/types.h>

#include "config/thread.h"

/*
 * Users of guests that root starts: CONFINE_UID + the process's number. No
 * other process that lives has that number, so no other guest has that user,
 * and nothing needs to be remembered. Nobody's files: systemd's table of user
 * numbers leaves 0x70000000 to 0x7ffdffff free.
 */
#define CONFINE_UID 0x70000000u

/* Main thread, before any other thread. */
void confine_process(void);
void confine_threads(void);
void confine_main(void);

/* The process's number as the host knows it. After confine_process(). */
pid_t confine_pid(void);

/*
 * {"uid", "holds": ["empty root", …], "refused": ["PID namespace", …]}: what
 * is in force. The caller's; NULL: no memory. Main thread.
 */
json_t *confine_status(void);

/* For the files of this module: notes what holds, and what does not. */
void confine_note(const char *what, int error);

/* confine_trap.c: a call off the list ends the process with a line. */
void confine_trap(void);

/* confine_seccomp.c: looks if it can; confines the calling thread. */
void confine_calls_prepare(void);
void confine_calls(enum thread_kind kind);

#ifdef VMTUI_TEST_CONFINE
/*
 * confine_try.c: does what, to the process or port target or the file path;
 * returns 0 if it worked, else an errno.
 */
int confine_try(const char *what, int target, const char *path);
#endif

#endif
