/*
 * launch.c: executes a program as the backend does a guest's (spawn.c), and
 * says when.
 *
 *	launch [-n] FD PROGRAM [ARGUMENT...]
 *
 * Writes the time just before it becomes PROGRAM to FD, in nanoseconds of
 * CLOCK_MONOTONIC. With -n the program finds itself in new namespaces, and in
 * its environment which; where the host refuses them it runs without.
 */
#include <err.h>
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "backend/proto/proto.h"

static void
enter_namespaces(void)
{
	int flags = CLONE_NEWNET | CLONE_NEWIPC | CLONE_NEWUTS | CLONE_NEWNS;
	char text[20];

	if (unshare(flags) == -1)
		return;
	snprintf(text, sizeof text, "%x", (unsigned)flags);
	setenv(PROTO_APART, text, 1);
}

int
main(int argc, char **argv)
{
	struct timespec now;
	int fd;

	if (argc > 1 && strcmp(argv[1], "-n") == 0) {
		enter_namespaces();
		argc--;
		argv++;
	}
	if (argc < 3)
		errx(2, "usage: launch [-n] FD PROGRAM [ARGUMENT...]");
	fd = (int)strtol(argv[1], NULL, 10);
	fcntl(fd, F_SETFD, FD_CLOEXEC);
	clock_gettime(CLOCK_MONOTONIC, &now);
	dprintf(fd, "%lld%09ld", (long long)now.tv_sec, now.tv_nsec);
	execv(argv[2], argv + 2);
	err(1, "%s", argv[2]);
}
