/*
 * confine_seccomp.c: each thread takes the list of its kind. The lists, with
 * the reason for each call, stand in confine_mkfilters.c.
 */
#include <sys/prctl.h>
#include <sys/syscall.h>

#include <errno.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <pthread.h>
#include <signal.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "backend/guest/confine.h"
#include "config/log.h"

/* Made by confine_mkfilters.c: main_filter, vcpu_filter and so on. */
#include "filters.h"

static const struct {
	const struct sock_filter *step;
	unsigned short steps;
} filter[THREAD_KINDS] = {
    [THREAD_MAIN] = {main_filter, sizeof main_filter / sizeof *main_filter},
    [THREAD_VCPU] = {vcpu_filter, sizeof vcpu_filter / sizeof *vcpu_filter},
    [THREAD_DISK] = {disk_filter, sizeof disk_filter / sizeof *disk_filter},
    [THREAD_NET] = {net_filter, sizeof net_filter / sizeof *net_filter},
};

/* Two ways to hand a list to the kernel; a container may know one of them. */
static int
by_seccomp(const struct sock_fprog *program)
{
	return (int)syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER,
	    SECCOMP_FILTER_FLAG_SPEC_ALLOW, program);
}

static int
by_prctl(const struct sock_fprog *program)
{
	return prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, program, 0, 0);
}

/*
 * Of the process: how its threads take them, NULL: not. Written before there
 * are any.
 */
static int (*take)(const struct sock_fprog *program);

void
confine_calls_prepare(void)
{
	int failed = 0;

	/* Where there is such a thing it looks for the list, at NULL. */
	if (by_seccomp(NULL) == -1 && errno == EFAULT)
		take = by_seccomp;
	else if (by_prctl(NULL) == -1 && errno == EFAULT)
		take = by_prctl;
	else
		failed = errno;

#ifdef VMTUI_TEST_CONFINE
	/* What do the other walls hold on their own? */
	if (getenv("VMTUI_TEST_ANY_CALL") != NULL)
		failed = EPERM;
	if (failed != 0)
		take = NULL;
#endif
	confine_note("system calls by thread", failed);
}

/*
 * Speculation stays as the host has set it up for all: what there is to read
 * in this process is its guest's own, and slower processors are the price.
 */
void
confine_calls(enum thread_kind kind)
{
	/* The kernel only reads it, whatever the type says. */
	struct sock_fprog program = {.len = filter[kind].steps,
	    .filter = (struct sock_filter *)(uintptr_t)filter[kind].step};
	sigset_t sigsys;

	if (take == NULL)
		return;
	/* Blocked, it would kill without a word. */
	sigemptyset(&sigsys);
	sigaddset(&sigsys, SIGSYS);
	pthread_sigmask(SIG_UNBLOCK, &sigsys, NULL);
	if (take(&program) == -1)
		log_warn("a thread runs without its list of system calls: %s",
		    strerror(errno));
}
