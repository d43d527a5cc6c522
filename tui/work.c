#include <sys/eventfd.h>
#include <sys/queue.h>

#include <pthread.h>
#include <signal.h>
#include <stdint.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include <event2/event.h>

#include "tui/work.h"

#define LAST_WAIT 3 /* seconds at the end for all that still run */

struct work {
	LIST_ENTRY(work) entry;
	void (*run)(void *arg);
	void (*done)(void *arg);
	void *arg;
	pthread_t thread;
	int wake; /* eventfd: the thread is at its end */
	struct event *news;
};

struct works {
	LIST_HEAD(, work) list;
	struct event_base *base;
};

struct works *
works_new(struct event_base *base)
{
	struct works *ws = calloc(1, sizeof *ws);

	if (ws == NULL)
		return NULL;
	LIST_INIT(&ws->list);
	ws->base = base;
	return ws;
}

static void
work_free(struct work *w)
{
	if (w->news != NULL)
		event_free(w->news);
	if (w->wake != -1)
		close(w->wake);
	free(w);
}

void
works_free(struct works *ws)
{
	struct timespec until;
	struct work *w;

	if (ws == NULL)
		return;
	clock_gettime(CLOCK_REALTIME, &until);
	until.tv_sec += LAST_WAIT;
	while ((w = LIST_FIRST(&ws->list)) != NULL) {
		LIST_REMOVE(w, entry);
		/* One that hangs keeps its memory: the process ends anyway. */
		if (pthread_timedjoin_np(w->thread, NULL, &until) == 0) {
			w->done(w->arg);
			work_free(w);
		}
	}
	free(ws);
}

static void *
begin(void *arg)
{
	struct work *w = arg;
	uint64_t one = 1;

	w->run(w->arg);
	/* An eventfd that counts to one takes it. */
	if (write(w->wake, &one, sizeof one) == -1)
		return NULL;
	return NULL;
}

static void
ended(int fd, short what, void *arg)
{
	struct work *w = arg;

	pthread_join(w->thread, NULL);
	LIST_REMOVE(w, entry);
	w->done(w->arg);
	work_free(w);
}

int
work_start(struct works *ws, void (*run)(void *arg), void (*done)(void *arg),
    void *arg)
{
	struct work *w = calloc(1, sizeof *w);
	sigset_t all, old;
	int rc = -1;

	if (w == NULL)
		return -1;
	w->run = run;
	w->done = done;
	w->arg = arg;
	w->wake = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (w->wake != -1)
		w->news = event_new(ws->base, w->wake, EV_READ, ended, w);
	if (w->news != NULL && event_add(w->news, NULL) == 0) {
		/* Signals are the loop's. */
		sigfillset(&all);
		pthread_sigmask(SIG_SETMASK, &all, &old);
		rc = pthread_create(&w->thread, NULL, begin, w);
		pthread_sigmask(SIG_SETMASK, &old, NULL);
	}
	if (rc != 0) {
		work_free(w);
		return -1;
	}
	LIST_INSERT_HEAD(&ws->list, w, entry);
	return 0;
}
