#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "backend/proto/paths.h"
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
	if (g != NULL)
		restart_started(g);
	b->autostarting--;
}

static void
on_timer(evutil_socket_t sock, short what, void *arg)
{
	start_some(arg);
}

/*
 * There while it is at work: a backend in the place of one that was killed
 * goes on with it.
 */
static int
mark_path(char *buf, size_t len)
{
	char dir[PATH_MAX];
	struct error err;

	if (paths_rundir(dir, sizeof dir, &err) == -1)
		return -1;
	return snprintf(buf, len, "%s/autostart", dir) < (int)len ? 0 : -1;
}

static void
set_mark(void)
{
	char path[PATH_MAX + 16];
	int fd;

	if (mark_path(path, sizeof path) == -1)
		return;
	fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
	if (fd == -1)
		log_warn("%s: %s", path, strerror(errno));
	else
		close(fd);
}

static void
clear_mark(void)
{
	char path[PATH_MAX + 16];

	if (mark_path(path, sizeof path) == 0)
		unlink(path);
}

static bool
is_marked(void)
{
	char path[PATH_MAX + 16];

	return mark_path(path, sizeof path) == 0 && access(path, F_OK) == 0;
}

/* Whether it runs, or the backend before this one has started it. */
static bool
had_its_turn(const struct backend *b, const struct guest *g)
{
	return registry_runs(g) ||
	    (b->autostart_goes_on &&
		(g->restart.ends > 0 || g->restart.unwanted));
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
		if (!vm->enable || g == NULL || had_its_turn(b, g)) {
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
		restart_first(g);
		if (start_guest(b, vm, on_started, NULL, &err) == 0)
			continue;
		restart_failed(g, &err);
		on_started(b, NULL, err.text, NULL);
	}
	autostart_end(b);
}

void
autostart_begin(struct backend *b, bool replaces)
{
	/*
	 * In the place of one that was killed, this is no start of the host:
	 * who was stopped since stays so.
	 */
	if (replaces && !is_marked())
		return;
	b->autostart_goes_on = replaces;
	set_mark();
	b->autostart_timer = evtimer_new(b->base, on_timer, b);
	if (b->autostart_timer != NULL)
		start_some(b);
}

void
autostart_end(struct backend *b)
{
	if (b->autostart_timer == NULL)
		return;
	event_free(b->autostart_timer);
	b->autostart_timer = NULL;
	clear_mark();
}
