#include <unistd.h>

#include "backend/supervisor/registry.h"
#include "backend/supervisor/start.h"
#include "config/log.h"

/*
 * start-parallel guests are on their way at most; when that many were
 * started, the next ones wait start-delay seconds, so that disks and CPUs get
 * over the boots of the first.
 */
static void start_some(struct backend *b);

static unsigned
parallel(const struct backend *b)
{
	long cpus = sysconf(_SC_NPROCESSORS_ONLN);

	if (b->config->global.start_parallel > 0)
		return b->config->global.start_parallel;
	return cpus > 0 ? (unsigned)cpus : 1;
}

static void
on_started(struct backend *b, struct guest *g, const char *why, void *arg)
{
	if (why != NULL)
		log_warn("%s", why);
	b->autostarting--;
}

static void
on_timer(evutil_socket_t sock, short what, void *arg)
{
	start_some(arg);
}

static void
start_some(struct backend *b)
{
	const struct timeval delay = {b->config->global.start_delay > 0
		? b->config->global.start_delay
		: 1,
	    0};
	const struct config_vm *vm;
	unsigned started = 0;
	struct error err;
	struct guest *g;

	while (b->autostart_next < b->config->nvms && b->ending == END_NOT) {
		vm = &b->config->vms[b->autostart_next];
		g = registry_find(b, vm->name);
		if (!vm->enable || (g != NULL && registry_runs(g))) {
			b->autostart_next++;
			continue;
		}
		if (b->autostarting >= parallel(b) || started >= parallel(b)) {
			event_add(b->autostart_timer, &delay);
			return;
		}
		b->autostart_next++;
		started++;
		b->autostarting++;
		if (start_guest(b, vm, on_started, NULL, &err) == -1)
			on_started(b, NULL, err.text, NULL);
	}
	autostart_end(b);
}

void
autostart_begin(struct backend *b)
{
	b->autostart_timer = evtimer_new(b->base, on_timer, b);
	if (b->autostart_timer != NULL)
		start_some(b);
}

void
autostart_end(struct backend *b)
{
	if (b->autostart_timer != NULL)
		event_free(b->autostart_timer);
	b->autostart_timer = NULL;
}
