#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "backend/proto/paths.h"
#include "backend/proto/proto.h"
#include "backend/supervisor/clients.h"
#include "backend/supervisor/definitions.h"
#include "backend/supervisor/endpoint.h"
#include "backend/supervisor/figures.h"
#include "backend/supervisor/memory.h"
#include "backend/supervisor/network.h"
#include "backend/supervisor/process.h"
#include "backend/supervisor/registry.h"
#include "backend/supervisor/start.h"
#include "backend/supervisor/supervisor.h"
#include "config/log.h"

/*
 *	adopt ──▶ serve ──signal──▶ ending ──no guest left──▶ end
 *	                              │ time limit, second signal
 *	                              └──▶ guests forced off ──▶ end
 */
#define FORCE_S   5 /* how long forcing them off may take */
#define FILES_MAX 65536

struct supervisor {
	struct backend b;
	struct endpoint e;
	struct event *signal[4];
	bool failed;
};

static void
arm_end(struct backend *b, unsigned seconds)
{
	const struct timeval tv = {seconds, 0};

	event_add(b->end_timer, &tv);
}

/* Asks every guest to shut down; those that cannot hear it, or all, end. */
static void
end_guests(struct backend *b, bool force)
{
	struct guest *g;

	TAILQ_FOREACH (g, &b->guests, entry) {
		if (!registry_runs(g))
			continue;
		if (force || strcmp(g->state, PROTO_STARTING) == 0 ||
		    strcmp(g->state, PROTO_PAUSED) == 0)
			process_end(g);
		else
			process_call(g, "stop", NULL, NULL, NULL);
	}
	if (registry_running(b) == 0)
		event_base_loopbreak(b->base);
}

static void
end_harder(struct backend *b)
{
	if (b->ending == END_FORCED) {
		log_warn("some guests do not end, they are left alone");
		event_base_loopbreak(b->base);
		return;
	}
	log_info("forcing off the guests that still run");
	b->ending = END_FORCED;
	arm_end(b, FORCE_S);
	end_guests(b, true);
}

static void
on_end_timer(evutil_socket_t sock, short what, void *arg)
{
	end_harder(arg);
}

static void
on_end_signal(evutil_socket_t sig, short what, void *arg)
{
	struct backend *b = arg;

	if (b->ending != END_NOT) {
		end_harder(b);
		return;
	}
	log_info("ending: guests have %u seconds to shut down",
	    b->config->global.shutdown_timeout);
	b->ending = END_ASKED;
	autostart_end(b);
	arm_end(b, b->config->global.shutdown_timeout);
	end_guests(b, false);
}

static void
on_hangup(evutil_socket_t sig, short what, void *arg)
{
	definitions_refresh(arg, true);
}

static void
on_child(evutil_socket_t sig, short what, void *arg)
{
	process_reap(arg);
}

static int
catch_signals(struct supervisor *s)
{
	static const struct {
		int number;
		event_callback_fn call;
	} signals[] = {{SIGTERM, on_end_signal}, {SIGINT, on_end_signal},
	    {SIGHUP, on_hangup}, {SIGCHLD, on_child}};
	size_t i;

	signal(SIGPIPE, SIG_IGN);
	for (i = 0; i < sizeof signals / sizeof *signals; i++) {
		s->signal[i] = evsignal_new(
		    s->b.base, signals[i].number, signals[i].call, &s->b);
		if (s->signal[i] == NULL || event_add(s->signal[i], NULL) == -1)
			return -1;
	}
	s->b.end_timer = evtimer_new(s->b.base, on_end_timer, &s->b);
	return s->b.end_timer != NULL ? 0 : -1;
}

/* All guests that run are known: clients may come. */
static void
on_adopted(struct backend *b)
{
	struct supervisor *s = (struct supervisor *)b;
	struct error err;

	if (endpoint_listen(&s->e, &err) == -1 || clients_listen(b) == -1) {
		log_warn("%s", err.text);
		s->failed = true;
		event_base_loopbreak(b->base);
		return;
	}
	log_info("vmtui %s, backend, listens on %s, reads %s", VMTUI_VERSION,
	    s->e.path, b->config_path);
	if (b->ready_fd != -1) {
		if (write(b->ready_fd, "", 1) == -1)
			log_warn("who started the backend is gone");
		close(b->ready_fd);
		b->ready_fd = -1;
	}
	autostart_begin(b, s->e.replaces);
}

/* Whether standard error is no place where vmtui log could find the log. */
static bool
goes_elsewhere(const struct stat *st)
{
	const char *stream = getenv("JOURNAL_STREAM");
	unsigned long long dev, ino;

	if (S_ISCHR(st->st_mode) && st->st_rdev == makedev(1, 3))
		return true; /* /dev/null */
	return stream != NULL && sscanf(stream, "%llu:%llu", &dev, &ino) == 2 &&
	    st->st_dev == dev && st->st_ino == ino;
}

/*
 * Under systemd standard error is the journal's, or nobody's: the log is in
 * its own place all the same, where vmtui log finds it.
 */
static void
leave_journal(void)
{
	char path[PATH_MAX];
	struct stat st;
	struct error err;
	int fd;

	if (fstat(STDERR_FILENO, &st) == -1 || !goes_elsewhere(&st))
		return;
	if (paths_log(path, sizeof path, NULL, &err) == -1 ||
	    (fd = open(path, O_RDWR | O_APPEND | O_CREAT | O_NOFOLLOW, 0600)) ==
		-1)
		return;
	log_info("the log is %s (vmtui log)", path);
	dup2(fd, STDERR_FILENO);
	close(fd);
}

/* What any process that lives for long needs of its surroundings. */
static void
settle(void)
{
	struct rlimit lim;

	umask(077);
	if (getrlimit(RLIMIT_NOFILE, &lim) == 0) {
		lim.rlim_cur =
		    lim.rlim_max < FILES_MAX ? lim.rlim_max : FILES_MAX;
		setrlimit(RLIMIT_NOFILE, &lim);
	}
}

static int
serve(struct supervisor *s, struct error *err)
{
	struct backend *b = &s->b;

	/* Not to keep a file system busy that somebody wants to unmount. */
	if (chdir("/") == -1)
		log_warn("cannot leave the folder the backend began in");
	if (catch_signals(s) == -1)
		return error_set(err, "cannot catch signals");
	registry_sync(b, false);
	if (adopt_all(b, on_adopted, err) == -1)
		return -1;
	event_base_dispatch(b->base);
	log_info("the backend ends");
	autostart_end(b);
	network_close(b);
	return s->failed ? error_set(err, "the backend could not listen") : 0;
}

static void
clean_up(struct supervisor *s)
{
	struct backend *b = &s->b;
	size_t i;

	clients_close(b);
	registry_free(b);
	figures_close(b);
	memory_close(b);
	if (b->adopt_timer != NULL)
		event_free(b->adopt_timer);
	if (b->end_timer != NULL)
		event_free(b->end_timer);
	for (i = 0; i < sizeof s->signal / sizeof *s->signal; i++)
		if (s->signal[i] != NULL)
			event_free(s->signal[i]);
	if (b->base != NULL)
		event_base_free(b->base);
	if (b->ready_fd != -1)
		close(b->ready_fd);
	definitions_close(b);
	endpoint_close(&s->e);
}

int
supervisor_main(const struct supervisor_options *options)
{
	struct supervisor s = {.b.ready_fd = options->ready_fd};
	struct error err;
	int rc;

	TAILQ_INIT(&s.b.guests);
	TAILQ_INIT(&s.b.clients);
	s.e.lock_fd = s.e.listen_fd = -1;
	if (s.b.ready_fd != -1)
		fcntl(s.b.ready_fd, F_SETFD, FD_CLOEXEC);
	settle();
	rc = endpoint_open(&s.e, &err);
	s.b.socket_path = s.e.path;
	if (rc == 0)
		leave_journal();
	if (rc == 0 &&
	    (rc = definitions_open(&s.b, options->config, &err)) == 0) {
		s.b.listen_fd = s.e.listen_fd;
		s.b.base = event_base_new();
		rc = s.b.base != NULL ? serve(&s, &err)
				      : error_set(&err, "no memory");
	}
	clean_up(&s);
	if (rc == 0)
		return 0;
	fprintf(stderr, "vmtui: %s\n", err.text);
	return rc == ENDPOINT_TAKEN ? PROTO_EXIT_TAKEN : 1;
}
