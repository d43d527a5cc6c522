#include <sys/queue.h>

#include <limits.h>
#include <stdlib.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <event2/event.h>

#include "backend/client/client.h"
#include "backend/proto/conn.h"

struct call {
	TAILQ_ENTRY(call) entry;
	json_int_t id;
	client_answer *answer;
	void *arg;
};

struct client {
	struct event_base *base;
	struct client_options options;
	char *config; /* absolute; options.config points to it */
	const struct client_ops *ops;
	void *arg;
	struct conn *conn; /* NULL: lost */
	json_int_t last_id;
	TAILQ_HEAD(, call) calls;
	/* Answers calls that were made without a connection. */
	struct event *fail;
};

static void
finish(
    struct client *c, struct call *call, json_t *ret, int fd, const char *why)
{
	TAILQ_REMOVE(&c->calls, call, entry);
	if (call->answer != NULL)
		call->answer(ret, fd, why, call->arg);
	else if (fd != -1)
		close(fd);
	free(call);
}

/* Answers all calls that are there now, not those made by their answers. */
static void
fail_all(struct client *c, const char *why)
{
	json_int_t last = c->last_id;
	struct call *call;

	while ((call = TAILQ_FIRST(&c->calls)) != NULL && call->id <= last)
		finish(c, call, NULL, -1, why);
}

static void
on_fail(evutil_socket_t sock, short what, void *arg)
{
	fail_all(arg, "there is no connection to the backend");
}

static void
answer(struct client *c, json_t *msg, int *fd, unsigned fds)
{
	json_int_t id = json_integer_value(json_object_get(msg, "id"));
	json_t *ret = json_object_get(msg, "return");
	struct call *call;
	const char *why;
	int passed = -1;

	TAILQ_FOREACH (call, &c->calls, entry)
		if (call->id == id)
			break;
	if (call == NULL)
		return;
	if (ret == NULL) {
		why = json_string_value(
		    json_object_get(json_object_get(msg, "error"), "desc"));
		finish(c, call, NULL, -1,
		    why != NULL ? why : "the backend gave no reason");
		return;
	}
	if (fds > 0) {
		passed = fd[0];
		fd[0] = -1;
	}
	finish(c, call, ret, passed, NULL);
}

static void
on_message(struct conn *conn, json_t *msg, int *fd, unsigned fds, void *arg)
{
	struct client *c = arg;
	const char *event;

	event = json_string_value(json_object_get(msg, "event"));
	if (event == NULL)
		answer(c, msg, fd, fds);
	else if (c->ops != NULL && c->ops->event != NULL)
		c->ops->event(event, json_object_get(msg, "data"), c->arg);
}

static void
on_closed(struct conn *conn, const char *why, void *arg)
{
	struct client *c = arg;
	char text[120];

	c->conn = NULL;
	snprintf(text, sizeof text, "the backend %s", why);
	fail_all(c, text);
	if (c->ops != NULL && c->ops->lost != NULL)
		c->ops->lost(text, c->arg);
}

struct check {
	struct client *c;
	void (*done)(const char *why, void *arg);
	void *arg;
};

static void
on_version(json_t *ret, int fd, const char *why, void *arg)
{
	struct check *k = arg;
	const char *its;
	struct error err;

	if (fd != -1)
		close(fd);
	its = json_string_value(json_object_get(ret, "config"));
	if (ret != NULL && (its == NULL || strcmp(its, k->c->config) != 0)) {
		error_set(&err,
		    "the backend that runs (process %lld) reads %s, not %s: "
		    "end it first, leave out -f, or set VMTUI_RUNDIR to "
		    "another folder for a second one",
		    (long long)json_integer_value(json_object_get(ret, "pid")),
		    its != NULL ? its : "another file", k->c->config);
		why = err.text;
	}
	k->done(why, k->arg);
	free(k);
}

void
client_check(
    struct client *c, void (*done)(const char *why, void *arg), void *arg)
{
	struct check *k;

	if (c->config == NULL)
		done(NULL, arg);
	else if ((k = malloc(sizeof *k)) == NULL)
		done("no memory for a request", arg);
	else {
		*k = (struct check){c, done, arg};
		client_call(c, "version", NULL, on_version, k);
	}
}

const char *
client_config(const struct client *c)
{
	return c->config;
}

int
client_resume(struct client *c, int fd, struct error *err)
{
	static const struct conn_ops ops = {on_message, on_closed};

	conn_free(c->conn);
	c->conn = NULL;
	fail_all(c, "the connection to the backend was made anew");
	if ((c->conn = conn_new(c->base, fd, &ops, c)) == NULL)
		return error_set(err, "no memory for a connection");
	conn_trust(c->conn);
	return 0;
}

void
client_hang_up(struct client *c, const char *why)
{
	conn_free(c->conn);
	c->conn = NULL;
	fail_all(c, why);
}

/* The backend is started in another folder: the path has to be absolute. */
static int
settle_config(struct client *c, const char *path, struct error *err)
{
	char cwd[PATH_MAX];

	if (path == NULL)
		return 0;
	if ((c->config = realpath(path, NULL)) != NULL)
		return 0;
	/* A file that is not there yet is the backend's to complain about. */
	if (path[0] == '/')
		c->config = strdup(path);
	else if (getcwd(cwd, sizeof cwd) == NULL ||
	    asprintf(&c->config, "%s/%s", cwd, path) == -1)
		c->config = NULL;
	if (c->config == NULL)
		return error_set(err, "cannot tell where %s is", path);
	return 0;
}

struct checked {
	bool done, good;
	struct error *err;
};

static void
on_checked(const char *why, void *arg)
{
	struct checked *k = arg;

	k->done = true;
	k->good = why == NULL;
	if (why != NULL)
		error_set(k->err, "%s", why);
}

/* Before anything else is on the loop. */
static int
check_now(struct client *c, struct error *err)
{
	struct checked k = {.err = err};

	client_check(c, on_checked, &k);
	while (!k.done)
		if (event_base_loop(c->base, EVLOOP_ONCE) != 0)
			client_hang_up(c, "no answer of the backend");
	return k.good ? 0 : -1;
}

struct client *
client_new(struct event_base *base, const struct client_options *options,
    const struct client_ops *ops, void *arg, struct error *err)
{
	struct client *c;
	int fd;

	if ((c = calloc(1, sizeof *c)) == NULL) {
		error_set(err, "no memory for a connection");
		return NULL;
	}
	c->base = base;
	c->ops = ops;
	c->arg = arg;
	TAILQ_INIT(&c->calls);
	c->options = *options;
	c->fail = evtimer_new(base, on_fail, c);
	if (c->fail == NULL || settle_config(c, options->config, err) == -1 ||
	    (c->options.config = c->config,
		(fd = client_dial(&c->options, err)) == -1) ||
	    client_resume(c, fd, err) == -1 ||
	    (!options->unchecked && check_now(c, err) == -1)) {
		client_free(c);
		return NULL;
	}
	return c;
}

void
client_free(struct client *c)
{
	struct call *call;

	if (c == NULL)
		return;
	while ((call = TAILQ_FIRST(&c->calls)) != NULL) {
		TAILQ_REMOVE(&c->calls, call, entry);
		free(call);
	}
	conn_free(c->conn);
	if (c->fail != NULL)
		event_free(c->fail);
	free(c->config);
	free(c);
}

/* fd: lent to go with it, -1: none. */
static void
call_with(struct client *c, const char *command, json_t *args, int fd,
    client_answer *ans, void *arg)
{
	struct call *call;
	json_t *msg;

	if ((call = calloc(1, sizeof *call)) == NULL) {
		json_decref(args);
		if (ans != NULL)
			ans(NULL, -1, "no memory for a request", arg);
		return;
	}
	call->id = ++c->last_id;
	call->answer = ans;
	call->arg = arg;
	TAILQ_INSERT_TAIL(&c->calls, call, entry);
	msg = json_pack("{s:s, s:o*, s:I}", "execute", command, "arguments",
	    args, "id", call->id);
	if (msg == NULL || c->conn == NULL ||
	    conn_send(c->conn, msg, &fd, fd != -1) == -1)
		event_active(c->fail, EV_TIMEOUT, 0);
	json_decref(msg);
}

void
client_call(struct client *c, const char *command, json_t *args,
    client_answer *ans, void *arg)
{
	call_with(c, command, args, -1, ans, arg);
}

struct waiting {
	bool done;
	json_t *ret;
	int fd;
	struct error err;
};

static void
on_waited(json_t *ret, int fd, const char *why, void *arg)
{
	struct waiting *w = arg;

	w->done = true;
	w->ret = json_incref(ret);
	w->fd = fd;
	error_set(&w->err, "%s", why != NULL ? why : "");
}

/* Runs the loop until the answer is there. */
static json_t *
wait_for(struct client *c, struct waiting *w, struct error *err)
{
	while (!w->done)
		if (event_base_loop(c->base, EVLOOP_ONCE) != 0)
			break;
	if (w->ret == NULL)
		error_set(err, "%s", w->err.text);
	return w->ret;
}

json_t *
client_wait(struct client *c, const char *command, json_t *args, int *fd,
    struct error *err)
{
	struct waiting w = {.fd = -1};

	client_call(c, command, args, on_waited, &w);
	wait_for(c, &w, err);
	if (fd != NULL)
		*fd = w.fd;
	else if (w.fd != -1)
		close(w.fd);
	return w.ret;
}

json_t *
client_give(struct client *c, const char *command, json_t *args, int fd,
    struct error *err)
{
	struct waiting w = {.fd = -1};

	call_with(c, command, args, fd, on_waited, &w);
	wait_for(c, &w, err);
	if (w.fd != -1)
		close(w.fd);
	return w.ret;
}
