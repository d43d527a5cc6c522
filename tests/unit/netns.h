/*
 * netns.h: a network of the test's own. netns_enter() moves the calling
 * process (which must have one thread) into a network namespace that nothing
 * else is in, in which it has every capability, so that a test never sees the
 * host's interfaces. Called again, it gives an empty one: the namespace left
 * and all in it are gone once nothing holds it.
 */
#ifndef TESTS_NETNS_H
#define TESTS_NETNS_H

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>
#include <sys/prctl.h>

static inline int
netns_write(const char *path, const char *text)
{
	ssize_t n;
	int fd;

	if ((fd = open(path, O_WRONLY | O_CLOEXEC)) == -1)
		return -1;
	n = write(fd, text, strlen(text));
	close(fd);
	return n == (ssize_t)strlen(text) ? 0 : -1;
}

/*
 * Returns NULL, or why it cannot be done here, for SKIP(). Root makes a
 * network namespace only; others a user namespace too, in which they are root
 * (network and mounts only: files keep their permissions).
 */
static inline const char *
netns_enter(void)
{
	static char reason[128];
	unsigned uid = geteuid(), gid = getegid();
	char map[32];

	if (unshare(CLONE_NEWNET) == 0)
		return NULL;
	if (errno == EPERM && unshare(CLONE_NEWUSER | CLONE_NEWNET) == 0) {
		snprintf(map, sizeof map, "0 %u 1", uid);
		if (netns_write("/proc/self/uid_map", map) == -1)
			goto fail;
		netns_write("/proc/self/setgroups", "deny");
		snprintf(map, sizeof map, "0 %u 1", gid);
		if (netns_write("/proc/self/gid_map", map) == -1)
			goto fail;
		/* The leak checker looks into its own process. */
		prctl(PR_SET_DUMPABLE, 1);
		return NULL;
	}
fail:
	snprintf(reason, sizeof reason,
	    "no network namespace can be made here: %s", strerror(errno));
	return reason;
}

#endif
