/*
 * confine_try.c: what somebody would try who got hold of a guest process.
 * Only in builds that test it (tests/confine): no release has this.
 */
#include <sys/ptrace.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <sys/uio.h>
#include <sys/wait.h>

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <signal.h>
#include <stddef.h>
#include <string.h>
#include <unistd.h>

#include "backend/guest/confine.h"

#ifdef VMTUI_TEST_CONFINE

int __lsan_is_turned_off(void);

/*
 * The search for leaks at the end stops the process with ptrace and reads
 * /proc: a confined process can do neither. The unit tests look for them.
 */
int
__lsan_is_turned_off(void)
{
	return confine_pid() != 0;
}

static int
try_open(int target, const char *path)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);

	return fd == -1 ? -1 : close(fd);
}

static int
try_write(int target, const char *path)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC);

	return fd == -1 ? -1 : close(fd);
}

static int
try_create(int target, const char *path)
{
	int fd = open("/file", O_WRONLY | O_CREAT | O_CLOEXEC, 0600);

	return fd == -1 ? -1 : close(fd);
}

/* To the loopback interface; target: a port where somebody listens. */
static int
try_connect(int target, const char *path)
{
	struct sockaddr_in in = {.sin_family = AF_INET,
	    .sin_port = htons((in_port_t)target),
	    .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), rc;

	if (fd == -1)
		return -1;
	rc = connect(fd, (struct sockaddr *)&in, sizeof in);
	close(fd);
	return rc;
}

static int
try_ptrace(int target, const char *path)
{
	return (int)ptrace(PTRACE_ATTACH, target, NULL, NULL);
}

static int
try_signal(int target, const char *path)
{
	return kill(target, 0);
}

static int
try_exec(int target, const char *path)
{
	char name[] = "/bin/true", *argv[] = {name, NULL};

	return execv(name, argv);
}

/* Into the memory of another process. */
static int
try_poke(int target, const char *path)
{
	char byte = 0;
	struct iovec here = {&byte, 1}, there = {&byte, 1};

	return (int)process_vm_writev(target, &here, 1, &there, 1, 0);
}

static int
try_fork(int target, const char *path)
{
	pid_t pid = (pid_t)syscall(SYS_clone, SIGCHLD, 0, 0, 0, 0);

	if (pid == 0)
		_exit(0);
	return pid == -1 ? -1 : waitpid(pid, NULL, 0);
}

static int
try_chroot(int target, const char *path)
{
	return chroot("..");
}

static int
try_setuid(int target, const char *path)
{
	/* The C library would have every thread do it. */
	return (int)syscall(SYS_setuid, 0);
}

static const struct {
	const char *name;
	int (*run)(int target, const char *path);
} tries[] = {
    {"open", try_open},
    {"write", try_write},
    {"create", try_create},
    {"connect", try_connect},
    {"ptrace", try_ptrace},
    {"signal", try_signal},
    {"exec", try_exec},
    {"poke", try_poke},
    {"fork", try_fork},
    {"chroot", try_chroot},
    {"setuid", try_setuid},
};

int
confine_try(const char *what, int target, const char *path)
{
	size_t i;

	for (i = 0; i < sizeof tries / sizeof *tries; i++)
		if (strcmp(what, tries[i].name) == 0)
			return tries[i].run(target, path) == -1 ? errno : 0;
	return 0;
}

#endif
