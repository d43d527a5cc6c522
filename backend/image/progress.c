/*
 * progress.c: how far a long command is, and whether it is still wanted.
 */
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "backend/image/tool.h"
#include "config/size.h"

#define SECOND UINT64_C(1000000000)

static volatile sig_atomic_t stop;

static void
on_signal(int number)
{
	stop = 1;
}

void
interrupt_begin(void)
{
	/* The second one finds the default action: the end. */
	struct sigaction sa = {
	    .sa_handler = on_signal, .sa_flags = SA_RESETHAND};

	sigemptyset(&sa.sa_mask);
	sigaction(SIGINT, &sa, NULL);
	sigaction(SIGTERM, &sa, NULL);
	sigaction(SIGHUP, &sa, NULL);
}

bool
interrupted(void)
{
	return stop != 0;
}

uint64_t
progress_now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * SECOND + (uint64_t)ts.tv_nsec;
}

void
progress_begin(struct progress *p, const char *what, uint64_t total)
{
	*p = (struct progress){
	    .what = what, .total = total, .began = progress_now()};
	p->lines = getenv("VMTUI_PROGRESS") != NULL;
	/* A program is told at once that it began. */
	p->said = p->lines ? 0 : p->began;
}

static void
say(struct progress *p, uint64_t now)
{
	char done[8], total[8], rate[8];
	double seconds = (double)(now - p->began) / (double)SECOND;
	uint64_t percent = p->total == 0
	    ? 100
	    : (uint64_t)((double)p->done * 100 / (double)p->total);

	size_short(p->done, done, sizeof done);
	size_short(p->total, total, sizeof total);
	size_short((uint64_t)((double)p->done / seconds), rate, sizeof rate);
	fprintf(stderr, "\r%s: %3" PRIu64 "%%, %s of %s, %s/s \033[K", p->what,
	    percent > 100 ? 100 : percent, done, total, rate);
	fflush(stderr);
	p->shown = true;
}

void
progress_add(struct progress *p, uint64_t bytes)
{
	uint64_t now;

	p->done += bytes;
	now = progress_now();
	if (now - p->said < SECOND / 10 ||
	    (!p->lines && now - p->began < SECOND))
		return;
	p->said = now;
	if (p->lines)
		fprintf(stderr, "progress: %" PRIu64 " %" PRIu64 " %s\n",
		    p->done, p->total, p->what);
	else if (isatty(STDERR_FILENO))
		say(p, now);
}

void
progress_end(struct progress *p)
{
	if (p->shown)
		fprintf(stderr, "\r\033[K");
	p->shown = false;
}
