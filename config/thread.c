#include <pthread.h>
#include <stddef.h>
#include <stdio.h>

#include "config/thread.h"

/* Of the process, as its threads are; written before there are any. */
static void (*confine_thread)(enum thread_kind kind);

void
thread_begin(enum thread_kind kind, const char *name)
{
	char own[16];

	snprintf(own, sizeof own, "%s", name);
	pthread_setname_np(pthread_self(), own);
	if (confine_thread != NULL)
		confine_thread(kind);
}

void
thread_confine_with(void (*confine)(enum thread_kind kind))
{
	confine_thread = confine;
}
