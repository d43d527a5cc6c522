#include <sys/pidfd.h>
#include <sys/wait.h>

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "backend/proto/conn.h"
#include "backend/proto/proto.h"
#include "backend/supervisor/figures.h"
#include "backend/supervisor/disc.h"
#include "backend/supervisor/memory.h"
#include "backend/supervisor/prepare.h"
#include "backend/supervisor/process.h"
#include "backend/supervisor/registry.h"
#include "backend/supervisor/rules.h"
#include "backend/supervisor/spawn.h"
#include "backend/supervisor/transfer.h"
#include "config/log.h"

#define LAUNCH_S 60 /* until the first instruction; hosts can be busy */
#define STREAM_S 600 /* likewise, of one that has to be read */
#define PING_S   5 /* from one ping to the next */
#define KILL_S   2 /* from "quit" to SIGKILL */

/* A command that was sent and not yet answered. */
struct call {
	TAILQ_ENTRY(call) entry;
	struct guest *g;
	json_int_t id;
	process_answer *answer;
	void *arg;
	struct event *timer;
};

struct process {
	struct guest *g;
	pid_t pid; /* 0: not known */
	bool child;
	bool gone; /* a child: reaped; an adopted one: ended, or no pidfd */
	int status; /* of waitpid(), for a child that is gone */
	int pidfd; /* of an adopted one, or -1 */
	struct event *ended; /* the pidfd became readable */
	struct conn *conn; /* NULL: closed */
	TAILQ_HEAD(, call) calls;
	json_int_t last_id;
	struct event *timer; /* launch limit, then the time to a SIGKILL */
	long log_start; /* bytes in the log before this process */
	int launch_limit; /* seconds */
	bool launched; /* the guest runs, or did */
	bool forced; /* we ended it */
	bool timed_out; /* the call that is being answered */
	bool pinged, hung; /* asked and not yet answered; for too long */
	time_t last_ping; /* CLOCK_MONOTONIC */
	char before[768]; /* the reason before it hung */
	bool told; /* an adopted one has told its state */
	const char *last_state; /* its last word, or NULL */
	char last_reason[768];
	char failure[768]; /* why it was not launched */
	process_started *started;
	void *arg;
	void (*known)(struct backend *b);
};

/* The name as registry and clients compare it, or NULL. */
static const char *
state_name(const char *state)
{
	static const char *const names[] = {PROTO_STOPPED, PROTO_STARTING,
	    PROTO_RUNNING, PROTO_PAUSED, PROTO_STOPPING, PROTO_CRASHED};
	size_t i;

	for (i = 0; state != NULL && i < sizeof names / sizeof *names; i++)
		if (strcmp(names[i], state) == 0)
			return names[i];
	return NULL;
}

static bool
is_end(const char *state)
{
	return strcmp(state, PROTO_STOPPED) == 0 ||
	    strcmp(state, PROTO_CRASHED) == 0;
}

/* Answers a call and forgets it. */
static void
call_finish(struct call *call, json_t *ret, int fd, const char *why)
{
	struct guest *g = call->g;

	TAILQ_REMOVE(&g->process->calls, call, entry);
	if (call->timer != NULL)
		event_free(call->timer);
	if (call->answer != NULL)
		call->answer(g, ret, fd, why, call->arg);
	free(call);
}

static void
on_call_timer(evutil_socket_t sock, short what, void *arg)
{
	struct call *call = arg;
	struct process *p = call->g->process;
	char why[160];

	snprintf(why, sizeof why,
	    "its process does not answer: force it off (vmtui stop -f %s) if "
	    "that lasts",
	    call->g->name);
	p->timed_out = true;
	call_finish(call, NULL, -1, why);
	p->timed_out = false;
}

/* Sends a command with descriptors; takes args. seconds: 0 for no limit. */
static void
call_send(struct process *p, const char *command, json_t *args, const int *fd,
    unsigned fds, int seconds, process_answer *answer, void *arg)
{
	const struct timeval limit = {seconds, 0};
	struct guest *g = p->g;
	struct call *call;
	json_t *msg;

	if (p->conn == NULL || (call = calloc(1, sizeof *call)) == NULL) {
		json_decref(args);
		if (answer != NULL)
			answer(g, NULL, -1, "its process is gone", arg);
		return;
	}
	call->g = g;
	call->id = ++p->last_id;
	call->answer = answer;
	call->arg = arg;
	TAILQ_INSERT_TAIL(&p->calls, call, entry);
	if (seconds > 0) {
		call->timer = evtimer_new(g->b->base, on_call_timer, call);
		if (call->timer != NULL)
			event_add(call->timer, &limit);
	}
	msg = json_pack("{s:s, s:o*, s:I}", "execute", command, "arguments",
	    args, "id", call->id);
	/* Where this fails the connection is closed, which answers the call. */
	if (msg != NULL)
		conn_send(p->conn, msg, fd, fds);
	json_decref(msg);
}

void
process_call(struct guest *g, const char *command, json_t *args,
    process_answer *answer, void *arg)
{
	call_send(
	    g->process, command, args, NULL, 0, PROCESS_ANSWER_S, answer, arg);
}

void
process_give(struct guest *g, const char *command, json_t *args, int fd,
    int seconds, process_answer *answer, void *arg)
{
	call_send(
	    g->process, command, args, &fd, fd != -1, seconds, answer, arg);
}

/* The end of a process is complete: closed, and reaped if it was ours. */
static void
process_free(struct process *p)
{
	struct call *call;

	while ((call = TAILQ_FIRST(&p->calls)) != NULL)
		call_finish(call, NULL, -1, "its process is gone");
	conn_free(p->conn);
	if (p->timer != NULL)
		event_free(p->timer);
	if (p->ended != NULL)
		event_free(p->ended);
	if (p->pidfd != -1)
		close(p->pidfd);
	free(p);
}

/* SIGKILL, to this process and never to one that got its number later. */
static void
kill_process(struct process *p)
{
	if (p->child && !p->gone)
		kill(p->pid, SIGKILL);
	else if (p->pidfd != -1)
		pidfd_send_signal(p->pidfd, SIGKILL, NULL, 0);
}

static const char *
signal_name(int number)
{
	const char *name = sigabbrev_np(number);

	return name != NULL ? name : "?";
}

/* Why it was never launched, in words, if nobody has said. */
static void
explain_failure(struct process *p)
{
	char how[120] = "ended", line[300];

	if (p->failure[0] != '\0')
		return;
	if (p->gone && WIFSIGNALED(p->status))
		snprintf(how, sizeof how, "was killed by signal %d (SIG%s)",
		    WTERMSIG(p->status), signal_name(WTERMSIG(p->status)));
	spawn_last_words(p->g->name, p->log_start, line, sizeof line);
	snprintf(p->failure, sizeof p->failure,
	    "the process of %s %s before the guest ran: %s", p->g->name, how,
	    line);
}

/* What is to be said of a guest whose process is gone. */
static const char *
explain_end(struct process *p, char *reason, size_t len)
{
	char line[300];

	reason[0] = '\0';
	if (p->forced)
		return PROTO_STOPPED;
	if (p->known != NULL && !p->told && p->g->started == 0) {
		snprintf(reason, len, "%s", PROCESS_CUT_SHORT);
		return PROTO_STOPPED;
	}
	if (p->last_state != NULL) {
		snprintf(reason, len, "%s", p->last_reason);
		return p->last_state;
	}
	if (p->child && WIFEXITED(p->status) && WEXITSTATUS(p->status) == 0)
		return PROTO_STOPPED;
	if (p->child && WIFSIGNALED(p->status)) {
		snprintf(reason, len,
		    "its process was killed by signal %d (SIG%s)",
		    WTERMSIG(p->status), signal_name(WTERMSIG(p->status)));
		return PROTO_CRASHED;
	}
	spawn_last_words(p->g->name, p->log_start, line, sizeof line);
	if (p->child && WIFEXITED(p->status) &&
	    WEXITSTATUS(p->status) == PROTO_EXIT_CONFINED)
		snprintf(reason, len, "it broke its confinement: %s", line);
	else
		snprintf(
		    reason, len, "its process ended without a word: %s", line);
	return PROTO_CRASHED;
}

/* It says something: if it hung, that is over. */
static void
alive(struct process *p)
{
	if (!p->hung)
		return;
	p->hung = false;
	log_info("%s answers again", p->g->name);
	registry_state(p->g, p->g->state, p->before);
}

static void
on_ping(struct guest *g, json_t *ret, int fd, const char *why, void *arg)
{
	struct process *p = g->process;
	char reason[sizeof g->reason], at[16];
	struct tm tm;
	time_t since;

	p->pinged = false;
	/* An error is an answer too, but for that of our own timer. */
	if (ret != NULL || p->conn == NULL || p->hung || !p->timed_out)
		return;
	p->hung = true;
	snprintf(p->before, sizeof p->before, "%s", g->reason);
	since = time(NULL) - PROCESS_ANSWER_S;
	localtime_r(&since, &tm);
	strftime(at, sizeof at, "%H:%M:%S", &tm);
	snprintf(reason, sizeof reason,
	    "its process does not answer since %s; if that lasts, force it "
	    "off: vmtui stop -f %s",
	    at, g->name);
	log_warn("%s: %s", g->name, reason);
	registry_state(g, g->state, reason);
}

void
process_ping(struct guest *g)
{
	struct process *p = g->process;
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	if (p == NULL || !p->launched || p->pinged || p->conn == NULL ||
	    (p->known != NULL && !p->told) ||
	    (p->last_ping != 0 && now.tv_sec - p->last_ping < PING_S))
		return;
	p->pinged = true;
	p->last_ping = now.tv_sec;
	call_send(p, "ping", NULL, NULL, 0, PROCESS_ANSWER_S, on_ping, NULL);
}

static void
finish(struct process *p)
{
	char reason[768], failure[768];
	struct guest *g = p->g;
	struct backend *b = g->b;
	process_started *started = p->started;
	void (*known)(struct backend *) = p->told ? NULL : p->known;
	bool ran = p->launched, over = p->child || p->ended != NULL;
	const char *state;
	void *arg = p->arg;

	if (ran) {
		state = explain_end(p, reason, sizeof reason);
	} else {
		explain_failure(p);
		state = PROTO_STOPPED;
		snprintf(reason, sizeof reason, "%s", p->failure);
	}
	memcpy(failure, p->failure, sizeof failure);
	process_free(p);
	/* Whoever closed its connection may run on, and what holds it stays. */
	if (over)
		rules_undo(b, g->plugs);
	prepare_undo(b, g->name, &g->plugged, !ran);
	registry_ended(g, state, reason);
	if (started != NULL)
		started(b, NULL, failure, arg);
	if (known != NULL)
		known(b);
}

static void
finish_if_over(struct process *p)
{
	if (p->conn == NULL && p->gone)
		finish(p);
}

static void
on_timer(evutil_socket_t sock, short what, void *arg)
{
	struct process *p = arg;

	if (!p->launched && p->known == NULL && p->failure[0] == '\0')
		snprintf(p->failure, sizeof p->failure,
		    "%s did not start within %d seconds and was ended",
		    p->g->name, p->launch_limit);
	kill_process(p);
}

static void
arm(struct process *p, int seconds)
{
	const struct timeval tv = {seconds, 0};

	event_add(p->timer, &tv);
}

static void
on_event(struct process *p, json_t *msg)
{
	json_t *data = json_object_get(msg, "data");
	const char *state, *reason, *event;

	event = json_string_value(json_object_get(msg, "event"));
	if (strcmp(event, "BALLOON") == 0)
		memory_told(p->g, data);
	if (strcmp(event, "SENDING") == 0)
		transfer_told(p->g, data);
	if (strcmp(event, "MEDIUM") == 0)
		disc_told(p->g, data);
	if (strcmp(event, "LINK") == 0)
		json_object_set(
		    json_array_get(json_object_get(p->g->spec, "nics"),
			(size_t)json_integer_value(
			    json_object_get(data, "nic"))),
		    "up", json_object_get(data, "up"));
	if (strcmp(event, "STATE") != 0)
		return;
	state = state_name(json_string_value(json_object_get(data, "state")));
	reason = json_string_value(json_object_get(data, "reason"));
	if (state == NULL)
		return;
	if (is_end(state)) {
		/* Not told to others before the process is gone, so that who
		 * hears "stopped" can start it again. */
		p->last_state = state;
		/* It goes on elsewhere, and must not do so here as well. */
		if (reason != NULL && strcmp(reason, PROTO_SENT) == 0)
			p->g->restart.unwanted = true;
		snprintf(p->last_reason, sizeof p->last_reason, "%s",
		    reason != NULL ? reason : "");
	} else if (p->launched) {
		registry_state(p->g, state, reason);
	}
}

static void
on_message(struct conn *c, json_t *msg, int *fd, unsigned fds, void *arg)
{
	struct process *p = arg;
	json_t *ret, *error;
	struct call *call;
	const char *why;
	json_int_t id;

	alive(p);
	if (json_is_string(json_object_get(msg, "event"))) {
		on_event(p, msg);
		return;
	}
	id = json_integer_value(json_object_get(msg, "id"));
	TAILQ_FOREACH (call, &p->calls, entry)
		if (call->id == id)
			break;
	if (call == NULL)
		return;
	ret = json_object_get(msg, "return");
	error = json_object_get(msg, "error");
	why = json_string_value(json_object_get(error, "desc"));
	if (ret == NULL)
		call_finish(call, NULL, -1,
		    why != NULL ? why : "its process gave no reason");
	else
		call_finish(call, ret, fds > 0 ? fd[0] : -1, NULL);
}

static void
on_closed(struct conn *c, const char *why, void *arg)
{
	struct process *p = arg;
	struct call *call;

	p->conn = NULL;
	while ((call = TAILQ_FIRST(&p->calls)) != NULL)
		call_finish(call, NULL, -1, "its process is gone");
	if (!p->gone)
		arm(p, KILL_S);
	finish_if_over(p);
}

/* A process as the registry knows it; fd is taken. NULL: no memory. */
static struct process *
process_new(struct guest *g, int fd)
{
	static const struct conn_ops ops = {on_message, on_closed};
	struct process *p;

	if ((p = calloc(1, sizeof *p)) == NULL) {
		close(fd);
		return NULL;
	}
	p->g = g;
	p->pidfd = -1;
	TAILQ_INIT(&p->calls);
	p->timer = evtimer_new(g->b->base, on_timer, p);
	p->conn = conn_new(g->b->base, fd, &ops, p);
	if (p->timer == NULL || p->conn == NULL) {
		process_free(p);
		return NULL;
	}
	return p;
}

static void
on_launched(struct guest *g, json_t *ret, int fd, const char *why, void *arg)
{
	struct process *p = g->process;
	process_started *started;
	json_t *nic;
	size_t i;

	if (why != NULL) {
		/* If it is gone, how it ended is known when it is reaped. */
		if (p->conn != NULL && p->failure[0] == '\0')
			snprintf(p->failure, sizeof p->failure, "%s", why);
		kill_process(p);
		return;
	}
	event_del(p->timer);
	p->launched = true;
	json_object_set(
	    g->spec, "confinement", json_object_get(ret, "confinement"));
	memory_told(g, json_object_get(ret, "balloon"));
	/* What it was given it may not have been able to use. */
	json_array_foreach (json_object_get(g->spec, "nics"), i, nic)
		json_object_set(nic, "vhost",
		    json_array_get(json_object_get(ret, "vhost"), i));
	g->started = time(NULL);
	registry_state(g, PROTO_RUNNING, NULL);
	figures_update(g->b);
	started = p->started;
	p->started = NULL;
	if (started != NULL)
		started(g->b, g, NULL, p->arg);
}

int
process_start(struct guest *g, struct guest_spec *spec,
    process_started *started, void *arg, struct error *err)
{
	struct spawned child;
	int fd[CONN_MAX_FDS];
	struct process *p;
	unsigned fds;
	json_t *json;

	if ((json = spec_encode(spec, fd, &fds)) == NULL)
		return error_set(err, "no memory to start %s", g->name);
	if (spawn_guest(g->name, &child, err) == -1)
		goto fail;
	if ((p = process_new(g, child.sock)) == NULL) {
		kill(child.pid, SIGKILL);
		error_set(err, "no memory to start %s", g->name);
		goto fail;
	}
	p->pid = child.pid;
	spawn_remember(g->name, child.pid);
	p->child = true;
	p->log_start = child.log_start;
	p->started = started;
	p->arg = arg;
	json_decref(g->spec);
	g->spec = json;
	g->process = p;
	p->launch_limit = spec->stream_fd != -1 ? STREAM_S : LAUNCH_S;
	arm(p, p->launch_limit);
	call_send(
	    p, "launch", json_incref(json), fd, fds, 0, on_launched, NULL);
	spec_clear(spec);
	registry_state(g, PROTO_STARTING, NULL);
	return 0;
fail:
	json_decref(json);
	return -1;
}

static void
on_ended(evutil_socket_t fd, short what, void *arg)
{
	struct process *p = arg;

	p->gone = true;
	finish_if_over(p);
}

/* Finds the process of an adopted guest, to know its end and to force it. */
static void
watch_end(struct process *p)
{
	pid_t pid = spawn_recall(p->g->name);

	p->pidfd = pid > 0 ? pidfd_open(pid, 0) : -1;
	/* The number may have been another's since: asked when held. */
	if (p->pidfd == -1 || !spawn_is_guest(pid, p->g->name))
		return;
	p->ended = event_new(p->g->b->base, p->pidfd, EV_READ, on_ended, p);
	if (p->ended == NULL || event_add(p->ended, NULL) == -1)
		return;
	p->pid = pid;
	p->gone = false;
}

static void
on_status(struct guest *g, json_t *ret, int fd, const char *why, void *arg)
{
	struct process *p = g->process;
	const char *state, *reason;

	if (p->conn == NULL)
		return;
	p->told = true;
	if (why != NULL) {
		registry_state(g, g->state, why);
	} else {
		state = json_string_value(json_object_get(ret, "state"));
		reason = json_string_value(json_object_get(ret, "reason"));
		g->spec = json_incref(json_object_get(ret, "spec"));
		rules_adopted(g);
		memory_told(g, json_object_get(ret, "balloon"));
		g->started =
		    (time_t)json_number_value(json_object_get(ret, "started"));
		state = state_name(state);
		if (state == NULL || is_end(state))
			state = g->state;
		registry_state(g, state, reason);
		g->since =
		    (time_t)json_number_value(json_object_get(ret, "since"));
	}
	/* Its owner may be another one since. */
	access_tell(g);
	figures_update(g->b);
	p->known(g->b);
}

int
process_adopt(struct guest *g, int fd, void (*known)(struct backend *b))
{
	struct process *p;

	if ((p = process_new(g, fd)) == NULL)
		return -1;
	p->launched = p->gone = true;
	p->known = known;
	g->process = p;
	watch_end(p);
	registry_state(
	    g, PROTO_RUNNING, "its process has not told its state yet");
	/* No limit: one that is stopped may be let go on in an hour. */
	call_send(p, "status", NULL, NULL, 0, 0, on_status, NULL);
	return 0;
}

void
process_end(struct guest *g)
{
	struct process *p = g->process;

	p->forced = true;
	if (p->child && !p->launched) {
		snprintf(p->failure, sizeof p->failure,
		    "%s was stopped while it started", g->name);
		kill_process(p);
		return;
	}
	process_call(g, "quit", NULL, NULL, NULL);
	arm(p, KILL_S);
}

pid_t
process_pid(const struct guest *g)
{
	return g->process != NULL ? g->process->pid : 0;
}

void
process_reap(struct backend *b)
{
	struct guest *g;
	int status;
	pid_t pid;

	while ((pid = waitpid(-1, &status, WNOHANG)) > 0) {
		TAILQ_FOREACH (g, &b->guests, entry)
			if (g->process != NULL && g->process->child &&
			    g->process->pid == pid)
				break;
		if (g == NULL)
			continue;
		g->process->gone = true;
		g->process->status = status;
		finish_if_over(g->process);
	}
}

void
process_release(struct guest *g)
{
	struct process *p = g->process;

	process_free(p);
	g->process = NULL;
}
