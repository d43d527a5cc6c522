/*
 * confine_trap.c: the last thing that a guest process does when a thread
 * makes a call that is not on its list: a line in the log that names it. The
 * backend quotes it as the reason of the crash.
 *
 * Whatever the thread was doing, perhaps with a lock held: nothing here takes
 * one, so the line has no time.
 */
#include <sys/prctl.h>

#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "backend/guest/confine.h"
#include "backend/proto/proto.h"

/* "0 read\n1 write\n…", made by the Makefile out of the system's header. */
static const char names[] = "\n"
#include "syscalls.h"
    ;

/* Writes the number in decimal at the end of buf; returns where it begins. */
static char *
decimal(unsigned n, char *buf, size_t len)
{
	char *p = buf + len - 1;

	*p = '\0';
	do
		*--p = (char)('0' + n % 10);
	while ((n /= 10) > 0);
	return p;
}

static size_t
append(char *line, size_t at, size_t len, const char *text, size_t n)
{
	if (n > len - at)
		n = len - at;
	memcpy(line + at, text, n);
	return at + n;
}

static size_t
append_name(char *line, size_t at, size_t len, unsigned call)
{
	char key[16];
	char *number = decimal(call, key + 1, sizeof key - 2);
	const char *found;
	size_t n;

	/* "\n257 " */
	*--number = '\n';
	n = strlen(number);
	number[n] = ' ';
	number[n + 1] = '\0';
	found = strstr(names, number);
	if (found == NULL)
		return append(line, at, len, number + 1, n);
	found += n + 1;
	return append(line, at, len, found, strcspn(found, "\n"));
}

static void
on_sigsys(int sig, siginfo_t *info, void *context)
{
	static const char start[] = "ended by its confinement: thread ";
	static const char middle[] = " made the system call ";
	static const char end[] = ", which is not on its list\n";
	char line[160], thread[16] = "";
	size_t n = 0;

	prctl(PR_GET_NAME, thread);
	n = append(line, n, sizeof line, start, sizeof start - 1);
	n = append(line, n, sizeof line, thread, strlen(thread));
	n = append(line, n, sizeof line, middle, sizeof middle - 1);
	n = append_name(line, n, sizeof line, (unsigned)info->si_syscall);
	n = append(line, n, sizeof line, end, sizeof end - 1);
	if (write(STDERR_FILENO, line, n) == -1)
		_exit(PROTO_EXIT_CONFINED + 1);
	_exit(PROTO_EXIT_CONFINED);
}

void
confine_trap(void)
{
	struct sigaction sa = {
	    .sa_sigaction = on_sigsys, .sa_flags = SA_SIGINFO};

	sigaction(SIGSYS, &sa, NULL);
}
