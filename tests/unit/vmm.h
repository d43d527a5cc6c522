/*
 * vmm.h: what tests of the machine share: a machine that runs a few bytes of
 * code, or none where there is no /dev/kvm.
 */
#ifndef TESTS_UNIT_VMM_H
#define TESTS_UNIT_VMM_H

#include <fcntl.h>
#include <pthread.h>
#include <string.h>
#include <time.h>

#include "backend/vmm/machine.h"
#include "tests/unit/unit.h"

#define VMM_CODE 0x1000 /* where tests put code */

/* What the guest asked for, filled in by the machine's thread. */
struct asked {
	pthread_mutex_t lock;
	pthread_cond_t cond;
	unsigned count;
	enum machine_request what;
	char why[128];
};

static void
asked_request(enum machine_request what, const char *why, void *arg)
{
	struct asked *a = arg;

	pthread_mutex_lock(&a->lock);
	a->count++;
	a->what = what;
	snprintf(a->why, sizeof a->why, "%s", why);
	pthread_cond_broadcast(&a->cond);
	pthread_mutex_unlock(&a->lock);
}

static const struct machine_ops asked_ops = {.request = asked_request};

/* Waits up to five seconds for count requests in all; returns how many. */
static inline unsigned
asked_wait(struct asked *a, unsigned count)
{
	struct timespec until;
	unsigned n;

	clock_gettime(CLOCK_REALTIME, &until);
	until.tv_sec += 5;
	pthread_mutex_lock(&a->lock);
	while (a->count < count &&
	    pthread_cond_timedwait(&a->cond, &a->lock, &until) == 0)
		continue;
	n = a->count;
	pthread_mutex_unlock(&a->lock);
	return n;
}

/* A machine, or NULL where there is no usable /dev/kvm. */
static inline struct machine *
vmm_machine(struct asked *a, uint64_t memory, unsigned cpus)
{
	struct machine_config config = {.memory = memory,
	    .cpus = cpus,
	    .ops = &asked_ops,
	    .arg = a,
	    .kvm_fd = open("/dev/kvm", O_RDWR | O_CLOEXEC)};
	struct machine *m;
	struct error err;

	memset(a, 0, sizeof *a);
	pthread_mutex_init(&a->lock, NULL);
	pthread_cond_init(&a->cond, NULL);
	if (config.kvm_fd == -1)
		return NULL;
	if (machine_create(&m, &config, &err) == -1 ||
	    machine_finish(m, &err) == -1)
		fail_msg("machine_create: %s", err.text);
	return m;
}

#define MACHINE_OR_SKIP(m, a, memory, cpus)               \
	do {                                              \
		(m) = vmm_machine((a), (memory), (cpus)); \
		if ((m) == NULL)                          \
			SKIP("no /dev/kvm to be used");   \
	} while (0)

static inline int64_t
now_us(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * 1000000LL + t.tv_nsec / 1000;
}

#endif
