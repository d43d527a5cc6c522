/*
 * guest.c: the life of a guest process, from the launch message to its end.
 *
 *	main thread: libevent: control socket, console, taps, timers
 *	vcpuN:       the guest; devices' registers
 *	vda, …:      one a disk
 *
 * Vcpu threads never touch the loop: what they ask for (reset, power-off) is
 * left in struct guest_process and announced through an eventfd.
 */
#include <sys/eventfd.h>
#include <sys/prctl.h>
#include <sys/stat.h>

#include <errno.h>
#include <malloc.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <event2/event.h>

#include "backend/guest/confine.h"
#include "backend/guest/guest.h"
#include "backend/guest/process.h"
#include "backend/proto/proto.h"
#include "config/log.h"

/* How long a console's last words may take to reach who reads slowly. */
#define LAST_WORDS_MS 1000

#define PATH_SHOWN 120 /* bytes of an image's path in a reason */

static double
wall_clock(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_REALTIME, &ts);
	return (double)ts.tv_sec + (double)ts.tv_nsec / 1e9;
}

void
guest_set_state(struct guest_process *p, const char *state, const char *reason)
{
	p->state = state;
	p->since = wall_clock();
	snprintf(p->reason, sizeof p->reason, "%s", reason);
	log_info("%s: %s%s%s", p->spec.name, state,
	    reason[0] != '\0' ? ": " : "", reason);
	peers_tell_state(p);
}

void
guest_end(
    struct guest_process *p, const char *state, const char *reason, int status)
{
	unsigned i;

	if (p->hw.machine != NULL)
		machine_stop(p->hw.machine);
	send_cancel(p);
	p->status = status;
	/* What it printed and nobody has looked at yet. */
	if (p->hw.hvc != NULL)
		virtio_console_kick(p->hw.hvc);
	for (i = 0; i < CONSOLES; i++)
		if (p->console[i] != NULL)
			console_finish(p->console[i], LAST_WORDS_MS);
	guest_set_state(p, state, reason);
	event_base_loopbreak(p->base);
}

/* On any thread: the main thread is to look what there is. */
static void
wake(struct guest_process *p)
{
	uint64_t one = 1;

	if (write(p->request_fd, &one, sizeof one) == -1)
		log_warn("cannot wake the main thread: %s", strerror(errno));
}

/* On any thread: a vcpu or a device asks for something. */
static void
requested(enum machine_request what, const char *why, void *arg)
{
	struct guest_process *p = arg;

	pthread_mutex_lock(&p->lock);
	p->asked = (int)what;
	snprintf(p->why, sizeof p->why, "%s", why);
	pthread_mutex_unlock(&p->lock);
	wake(p);
}

/*
 * On a disk's thread or a vcpu's: a write waits for room on the host, or the
 * disk has become larger. On a
 * vcpu's or this one: the CD-ROM's tray has moved or was locked.
 */
static void
look_again(void *arg)
{
	wake(arg);
}

/* It has shut down and waits for somebody to press a key. */
static void
shut_down(void *arg)
{
	guest_end(arg, PROTO_STOPPED, "shut down by the guest", 0);
}

static const struct build_ops build_ops = {
    .machine = {.request = requested},
    .disk = {.full = look_again, .grown = look_again},
    .cdrom_changed = look_again,
    .balloon_changed = balloon_changed,
    .vmmci_over = shut_down,
};

/*
 * Writes that wait for room pause the guest, so that it notices nothing. Which
 * disks they are is asked here, as a reset may have dropped them meanwhile.
 */
static void
pause_if_full(struct guest_process *p)
{
	const char *path = NULL;
	unsigned i, n = 0;
	int why, first = 0;
	char reason[sizeof p->reason], more[32] = "";
	size_t len;

	for (i = 0; i < p->spec.disks; i++) {
		if ((why = build_disk_full(&p->hw, i)) == 0)
			continue;
		if (n++ == 0) {
			path = p->spec.disk[i].file[0].path;
			first = why;
		}
	}
	if (n == 0 || p->sending != NULL)
		return;
	/* The end of a long path says more than its beginning. */
	len = strlen(path);
	if (len > PATH_SHOWN)
		path += len - PATH_SHOWN;
	if (n > 1)
		snprintf(more, sizeof more, " (and %u more)", n - 1);
	snprintf(reason, sizeof reason,
	    "%s%s: %s; make room, then: vmtui unpause %s", path, more,
	    first == ENOSPC ? "no space left on the device"
			    : "the disk quota is used up",
	    p->spec.name);
	machine_stop(p->hw.machine);
	if (strcmp(p->state, PROTO_PAUSED) != 0 ||
	    strcmp(p->reason, reason) != 0)
		guest_set_state(p, PROTO_PAUSED, reason);
}

static void
on_request(evutil_socket_t fd, short what, void *arg)
{
	struct guest_process *p = arg;
	struct error err;
	char why[sizeof p->why];
	uint64_t n;
	int asked;

	if (read(fd, &n, sizeof n) == -1)
		return;
	pthread_mutex_lock(&p->lock);
	asked = p->asked;
	p->asked = -1;
	memcpy(why, p->why, sizeof why);
	pthread_mutex_unlock(&p->lock);
	medium_look(p);
	disk_look(p);
	switch (asked) {
	case MACHINE_RESET:
		log_info("%s: reset by the guest (%s)", p->spec.name, why);
		if (guest_reset(p, &err) == -1)
			guest_end(p, PROTO_CRASHED, err.text, 1);
		break;
	case MACHINE_POWEROFF:
		guest_end(p, PROTO_STOPPED, "powered off by the guest", 0);
		break;
	case MACHINE_CRASH:
		guest_end(p, PROTO_CRASHED, why, 1);
		break;
	default:
		pause_if_full(p);
	}
}

int
guest_reset(struct guest_process *p, struct error *err)
{
	machine_stop(p->hw.machine);
	if (machine_reset(p->hw.machine, err) == -1 ||
	    build_load(&p->hw, &p->spec, err) == -1)
		return error_prefix(err, "reset failed: ");
	if (p->hw.balloon != NULL)
		balloon_changed(p);
	machine_run(p->hw.machine);
	guest_set_state(p, PROTO_RUNNING, "");
	return 0;
}

int
guest_pause(struct guest_process *p, struct error *err)
{
	if (strcmp(p->state, PROTO_PAUSED) == 0)
		return error_set(err, "it is paused already");
	machine_stop(p->hw.machine);
	guest_set_state(p, PROTO_PAUSED, "");
	return 0;
}

int
guest_unpause(struct guest_process *p, struct error *err)
{
	if (strcmp(p->state, PROTO_PAUSED) != 0)
		return error_set(err, "it is not paused");
	build_disks_retry(&p->hw);
	machine_run(p->hw.machine);
	/* Its clock stood still. */
	virtio_vmmci_ask(p->hw.vmmci, VMMCI_SYNCRTC);
	guest_set_state(p, PROTO_RUNNING, "");
	return 0;
}

void
guest_ask_shutdown(struct guest_process *p)
{
	/* Asked a second time it may be that nobody listens there. */
	if (!virtio_vmmci_ask(p->hw.vmmci, VMMCI_SHUTDOWN))
		pm_power_button(p->hw.pm);
}

/* The host is going down, or somebody said kill: as the power button. */
static void
on_sigterm(evutil_socket_t fd, short what, void *arg)
{
	struct guest_process *p = arg;

	if (p->hw.pm == NULL)
		guest_end(p, PROTO_STOPPED, "ended before it started", 1);
	else
		guest_ask_shutdown(p);
}

int
guest_launch(struct guest_process *p, struct error *err)
{
	bool received = p->spec.stream_fd != -1;
	unsigned i;

	p->started = wall_clock();
	confine_threads();
	for (i = 0; i < CONSOLES; i++) {
		if (i == CONSOLE_TTYS1 && !p->spec.serial2)
			continue;
		p->console[i] = console_new(p->base, err);
		if (p->console[i] == NULL)
			return -1;
	}
	if (balloon_begin(p, err) == -1 || medium_begin(p, err) == -1 ||
	    build_machine(&p->hw, &p->spec, p->base, p->console, &build_ops, p,
		err) == -1 ||
	    build_load(&p->hw, &p->spec, err) == -1 ||
	    peers_listen(p, err) == -1)
		return -1;
	confine_main();
	if (machine_finish(p->hw.machine, err) == -1 ||
	    (received && guest_receive(p, err) == -1))
		return -1;
	machine_run(p->hw.machine);
	/* Its clock stood still on its way. */
	if (received)
		virtio_vmmci_ask(p->hw.vmmci, VMMCI_SYNCRTC);
	guest_set_state(p, PROTO_RUNNING, "");
	return 0;
}

static int
set_up(struct guest_process *p, const char *name)
{
	struct sigaction ignore = {.sa_handler = SIG_IGN};
	char title[16];

	snprintf(title, sizeof title, "vm:%s", name);
	prctl(PR_SET_NAME, title);
	sigaction(SIGPIPE, &ignore, NULL);
	sigaction(SIGHUP, &ignore, NULL);
	sigaction(SIGINT, &ignore, NULL);

	TAILQ_INIT(&p->peers);
	spec_init(&p->spec);
	pthread_mutex_init(&p->lock, NULL);
	p->asked = -1;
	p->state = PROTO_STARTING;
	p->since = wall_clock();
	p->request_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	p->base = event_base_new();
	if (p->request_fd == -1 || p->base == NULL)
		return -1;
	p->request = event_new(
	    p->base, p->request_fd, EV_READ | EV_PERSIST, on_request, p);
	p->sigterm = evsignal_new(p->base, SIGTERM, on_sigterm, p);
	if (p->request == NULL || p->sigterm == NULL)
		return -1;
	event_add(p->request, NULL);
	event_add(p->sigterm, NULL);
	return 0;
}

/* In the reverse order of making; frees all, so that a leak is a bug. */
static void
tear_down(struct guest_process *p)
{
	unsigned i;

	send_cancel(p);
	peers_close(p);
	if (p->hw.machine != NULL)
		machine_destroy(p->hw.machine);
	balloon_end(p);
	medium_end(p);
	disk_end(p);
	for (i = 0; i < CONSOLES; i++)
		if (p->console[i] != NULL)
			console_free(p->console[i]);
	if (p->listen != NULL)
		event_free(p->listen);
	if (p->listen_again != NULL)
		event_free(p->listen_again);
	if (p->request != NULL)
		event_free(p->request);
	if (p->sigterm != NULL)
		event_free(p->sigterm);
	if (p->base != NULL)
		event_base_free(p->base);
	if (p->request_fd != -1)
		close(p->request_fd);
	spec_clear(&p->spec);
	pthread_mutex_destroy(&p->lock);
}

int
guest_main(const char *name)
{
	struct guest_process p = {.status = 1};
	struct stat st;

	if (fstat(PROTO_LAUNCH_FD, &st) == -1 || !S_ISSOCK(st.st_mode)) {
		fprintf(stderr,
		    "vmtui: guest: started by the backend only; "
		    "use: vmtui start NAME\n");
		return 2;
	}
	/* Nothing on a data path allocates: threads need no heaps of their own. */
	mallopt(M_ARENA_MAX, 1);
	confine_process();
	if (set_up(&p, name) == -1 ||
	    (p.launcher = peers_add(&p, PROTO_LAUNCH_FD)) == NULL)
		log_warn("%s: no memory or descriptors to start", name);
	else
		event_base_dispatch(p.base);
	tear_down(&p);
	return p.status;
}
