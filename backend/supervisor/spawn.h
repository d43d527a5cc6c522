/*
 * spawn.h: the bare making of a guest's process: this program again, in a
 * session of its own, with nothing open but what it needs:
 *
 *	0, 1  /dev/null     2  its log     3  the launch socket
 */
#ifndef BACKEND_SUPERVISOR_SPAWN_H
#define BACKEND_SUPERVISOR_SPAWN_H

#include <sys/types.h>

#include <stdbool.h>
#include <stddef.h>

#include "config/error.h"

struct spawned {
	pid_t pid;
	int sock; /* our end of the launch socket; the caller's */
	long log_start; /* bytes in the log before it */
};

int spawn_guest(const char *name, struct spawned *child, struct error *err);

/*
 * RUNDIR/guests/NAME.pid: which process it is, for the next backend. 0: it is
 * not known. spawn_forget() removes it.
 */
void spawn_remember(const char *name, pid_t pid);
pid_t spawn_recall(const char *name);
void spawn_forget(const char *name);

/* Whether the process runs `vmtui guest NAME`. */
bool spawn_is_guest(pid_t pid, const char *name);

/*
 * The last line that a guest's process logged since log_start, and where the
 * rest is: `"…" (PATH)`, or words that say that there is none.
 */
void spawn_last_words(const char *name, long log_start, char *buf, size_t len);

#endif
