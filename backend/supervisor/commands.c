#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <string.h>
#include <unistd.h>

#include "backend/proto/paths.h"
#include "backend/proto/proto.h"
#include "backend/proto/text.h"
#include "backend/supervisor/adhoc.h"
#include "backend/supervisor/commands.h"
#include "backend/supervisor/definitions.h"
#include "backend/supervisor/figures.h"
#include "backend/supervisor/disc.h"
#include "backend/supervisor/network.h"
#include "backend/supervisor/process.h"
#include "backend/supervisor/rates.h"
#include "backend/supervisor/registry.h"
#include "backend/supervisor/sizes.h"
#include "backend/supervisor/start.h"
#include "backend/supervisor/transfer.h"

struct command {
	const char *name;
	/* For those who may do everything; else its run() looks who asks. */
	bool all;
	void (*run)(struct request *rq, json_t *args);
};

static const char *
text_arg(json_t *args, const char *name)
{
	return json_string_value(json_object_get(args, name));
}

/* The guest that args name; if there is none answers rq and returns NULL. */
static struct guest *
named_guest(struct request *rq, json_t *args)
{
	const char *name = text_arg(args, "name");
	struct guest *g;
	struct error err;

	if (name == NULL) {
		request_error(rq, PROTO_E_GENERIC,
		    "this command takes the \"name\" of a guest");
		return NULL;
	}
	g = registry_find_any(rq->b, name);
	/* Others are not even told which guests there are. */
	if (!request_may(rq, g != NULL ? g->name : name)) {
		error_set(&err,
		    "%.60s is not a guest of yours: its definition needs "
		    "owner = with your name or group",
		    name);
		request_error(rq, PROTO_E_PERM, err.text);
		return NULL;
	}
	if (g != NULL)
		return g;
	if (name[0] >= '0' && name[0] <= '9')
		error_set(&err,
		    "no guest has the number %.20s: vmtui status shows them",
		    name);
	else
		config_no_vm(rq->b->config, name, &err);
	request_error(rq, PROTO_E_NAME, err.text);
	return NULL;
}

/* The same for one that runs. */
static struct guest *
running_guest(struct request *rq, json_t *args)
{
	struct guest *g = named_guest(rq, args);
	struct error err;

	if (g == NULL || registry_runs(g))
		return g;
	error_set(&err, "%s is not running%s%s%s: start it with vmtui start %s",
	    g->name, g->reason[0] != '\0' ? " (" : "", g->reason,
	    g->reason[0] != '\0' ? ")" : "", g->name);
	request_error(rq, PROTO_E_STATE, err.text);
	return NULL;
}

static void
run_version(struct request *rq, json_t *args)
{
	request_return(rq,
	    json_pack("{s:s, s:I, s:o}", "version", VMTUI_VERSION, "pid",
		(json_int_t)getpid(), "config", text_json(rq->b->config_path)),
	    -1);
}

static void
run_status(struct request *rq, json_t *args)
{
	struct backend *b = rq->b;
	json_t *guests;
	struct guest *g = NULL, *each;

	definitions_refresh(b, false);
	if (text_arg(args, "name") != NULL &&
	    (g = named_guest(rq, args)) == NULL)
		return;
	guests = json_array();
	TAILQ_FOREACH (each, &b->guests, entry)
		if (g == NULL || g == each)
			process_ping(each);
	if (g != NULL)
		json_array_append_new(guests, registry_guest_json(g));
	else
		TAILQ_FOREACH (g, &b->guests, entry)
			if (request_may(rq, g->name))
				json_array_append_new(
				    guests, registry_guest_json(g));
	request_return(rq,
	    json_pack("{s:o, s:{s:o, s:o}, s:o}", "host", figures_host(b),
		"config", "path", text_json(b->config_path), "mistakes",
		request_may(rq, NULL) ? json_incref(b->mistakes) : json_array(),
		"guests", guests),
	    -1);
}

static void
run_history(struct request *rq, json_t *args)
{
	struct guest *g = NULL, *each;
	json_t *guests, *obj;

	if (text_arg(args, "name") != NULL &&
	    (g = named_guest(rq, args)) == NULL)
		return;
	guests = json_array();
	TAILQ_FOREACH (each, &rq->b->guests, entry) {
		if (each->rates == NULL || (g != NULL && g != each) ||
		    !request_may(rq, each->name))
			continue;
		obj = rates_history(each->rates);
		json_object_set_new(obj, "name", json_string(each->name));
		json_array_append_new(guests, obj);
	}
	request_return(rq, json_pack("{s:o}", "guests", guests), -1);
}

static void
on_started(struct backend *b, struct guest *g, const char *why, void *arg)
{
	struct request *rq = arg;

	if (why != NULL)
		request_error(rq, PROTO_E_GENERIC, why);
	else if (rq->wants_guest)
		request_wait(rq, g, true);
	else
		request_return(rq, NULL, -1);
}

static void
start(struct request *rq, json_t *args, const struct config_vm *vm)
{
	struct guest *g = registry_find(rq->b, vm->name);
	bool wrong = g != NULL && registry_runs(g);
	struct error err;

	rq->wants_guest = json_is_true(json_object_get(args, "wait"));
	if (start_guest(rq->b, vm, on_started, rq, &err) == -1)
		request_error(
		    rq, wrong ? PROTO_E_STATE : PROTO_E_GENERIC, err.text);
}

static void
start_ad_hoc(struct request *rq, json_t *args)
{
	struct config_vm *vm;
	struct error err;

	if (!request_may(rq, NULL)) {
		request_error(rq, PROTO_E_PERM,
		    "guests that are not in the configuration can only be "
		    "started by those who may use the whole backend");
		return;
	}
	vm = adhoc_definition(rq->b, json_object_get(args, "definition"),
	    text_arg(args, "folder"), &err);
	if (vm == NULL) {
		request_error(rq, PROTO_E_GENERIC, err.text);
		return;
	}
	start(rq, args, vm);
	config_vm_free(vm);
}

static void
run_start(struct request *rq, json_t *args)
{
	const struct config_vm *vm;
	struct guest *g;
	struct error err;

	definitions_refresh(rq->b, false);
	if (json_object_get(args, "definition") != NULL) {
		start_ad_hoc(rq, args);
		return;
	}
	if ((g = named_guest(rq, args)) == NULL)
		return;
	if ((vm = config_find_vm(rq->b->config, g->name)) != NULL) {
		start(rq, args, vm);
		return;
	}
	error_set(&err,
	    "%s is not defined in %s (any more): add [vm %s] there, or give "
	    "vmtui start its kernel with -b",
	    g->name, rq->b->config_path, g->name);
	request_error(rq, PROTO_E_NAME, err.text);
}

/* The answer of a guest's process is the answer of the backend. */
static void
pass_on(struct guest *g, json_t *ret, int fd, const char *why, void *arg)
{
	struct error err;

	if (why != NULL) {
		error_set(&err, "%s: %s", g->name, why);
		request_error(arg, PROTO_E_GENERIC, err.text);
	} else {
		request_return(arg, NULL, fd);
	}
}

static void
run_stop(struct request *rq, json_t *args)
{
	struct guest *g = named_guest(rq, args);

	if (g == NULL)
		return;
	if (restart_cancel(g)) {
		request_return(rq, NULL, -1);
		return;
	}
	if ((g = running_guest(rq, args)) == NULL)
		return;
	if (json_is_true(json_object_get(args, "force"))) {
		request_wait(rq, g, false);
		process_end(g);
	} else if (strcmp(g->state, PROTO_STARTING) == 0) {
		request_error(rq, PROTO_E_STATE,
		    "it is still starting and cannot be asked to shut down: "
		    "try again in a second, or force it off");
	} else {
		process_call(g, "stop", NULL, pass_on, rq);
	}
}

static void
run_wait(struct request *rq, json_t *args)
{
	struct guest *g = named_guest(rq, args);

	if (g == NULL)
		return;
	if (registry_runs(g))
		request_wait(rq, g, true);
	else
		request_return(rq, registry_guest_json(g), -1);
}

/* Hands a command on to the guest's process, with its arguments. */
static void
relay(struct request *rq, json_t *args, const char *command)
{
	struct guest *g = running_guest(rq, args);
	json_t *rest;

	if (g == NULL)
		return;
	rest = json_copy(args);
	json_object_del(rest, "name");
	process_call(g, command, rest, pass_on, rq);
}

static void
run_pause(struct request *rq, json_t *args)
{
	relay(rq, args, "pause");
}

static void
run_unpause(struct request *rq, json_t *args)
{
	relay(rq, args, "unpause");
}

static void
run_reset(struct request *rq, json_t *args)
{
	relay(rq, args, "reset");
}

static void
run_console(struct request *rq, json_t *args)
{
	relay(rq, args, "console");
}

static void
run_console_size(struct request *rq, json_t *args)
{
	const char *port = text_arg(args, "port");
	json_t *rows = json_object_get(args, "rows");
	json_t *cols = json_object_get(args, "cols");
	struct guest *g = running_guest(rq, args);
	struct error err;

	if (g == NULL)
		return;
	if (rows == NULL && cols == NULL) {
		sizes_take_back(g, rq->client);
		request_return(rq, NULL, -1);
	} else if (sizes_told(g, rq->client, json_integer_value(rows),
		       json_integer_value(cols),
		       port != NULL && strcmp(port, "hvc0") == 0, &err) == -1)
		request_error(rq, PROTO_E_GENERIC, err.text);
	else
		sizes_send(g, pass_on, rq);
}

static void
run_balloon(struct request *rq, json_t *args)
{
	/* The other one is the backend's own: memory.c. */
	json_object_del(args, "limit");
	if (json_object_get(args, "size") == NULL) {
		request_error(rq, PROTO_E_GENERIC,
		    "balloon takes the \"size\" that the guest is to have");
		return;
	}
	relay(rq, args, "balloon");
}

static void
run_link(struct request *rq, json_t *args)
{
	relay(rq, args, "link");
}

static void
run_insert(struct request *rq, json_t *args)
{
	struct guest *g = running_guest(rq, args);

	if (g != NULL)
		disc_insert(rq, g, text_arg(args, "path"),
		    json_is_true(json_object_get(args, "force")));
}

static void
run_eject(struct request *rq, json_t *args)
{
	struct guest *g = running_guest(rq, args);

	if (g != NULL)
		disc_eject(rq, g, json_is_true(json_object_get(args, "force")));
}

static void
on_grown(struct guest *g, json_t *ret, int fd, const char *why, void *arg)
{
	if (why != NULL)
		pass_on(g, ret, fd, why, arg);
	else
		request_return(arg, json_incref(ret), -1);
}

/* Not relayed: a base below may have to be covered with zeroes first. */
static void
run_grow(struct request *rq, json_t *args)
{
	struct guest *g = running_guest(rq, args);
	json_t *rest;

	if (g == NULL)
		return;
	rest = json_copy(args);
	json_object_del(rest, "name");
	process_give(g, "grow", rest, -1, 0, on_grown, rq);
}

static void
run_switches(struct request *rq, json_t *args)
{
	struct error err;
	json_t *ret;

	definitions_refresh(rq->b, false);
	if ((ret = network_switches(rq->b, &err)) != NULL)
		request_return(rq, ret, -1);
	else
		request_error(rq, PROTO_E_GENERIC, err.text);
}

/* What was wrong and what changed; that is then told. */
static void
return_changes(struct request *rq)
{
	struct backend *b = rq->b;

	request_return(rq,
	    json_pack("{s:O, s:o}", "mistakes", b->mistakes, "changes",
		json_copy(b->changes)),
	    -1);
	json_array_clear(b->changes);
}

static void
run_reload(struct request *rq, json_t *args)
{
	definitions_refresh(rq->b, true);
	return_changes(rq);
}

static void
run_load(struct request *rq, json_t *args)
{
	const char *path = text_arg(args, "path");
	json_t *mistakes;
	struct error err;

	if (path == NULL || path[0] != '/') {
		request_error(rq, PROTO_E_GENERIC,
		    "load takes the absolute \"path\" of a file");
		return;
	}
	if (definitions_load(rq->b, path, &mistakes, &err) == 0)
		return_changes(rq);
	else if (mistakes != NULL)
		request_return(rq,
		    json_pack("{s:o, s:[]}", "mistakes", mistakes, "changes"),
		    -1);
	else
		request_error(rq, PROTO_E_GENERIC, err.text);
}

static void
run_reset_switches(struct request *rq, json_t *args)
{
	struct error err;

	definitions_refresh(rq->b, false);
	if (network_reset(rq->b, &err) == -1)
		request_error(rq, PROTO_E_GENERIC, err.text);
	else
		request_return(rq, NULL, -1);
}

static void
run_subscribe(struct request *rq, json_t *args)
{
	clients_subscribe(rq, json_is_true(json_object_get(args, "figures")));
	request_return(rq, NULL, -1);
}

/* The log of a guest, or without a name the backend's, to be read. */
static void
run_log(struct request *rq, json_t *args)
{
	const char *name = text_arg(args, "name");
	struct guest *g;
	struct error err;
	char path[PATH_MAX];
	int fd;

	if (name != NULL) {
		if ((g = named_guest(rq, args)) == NULL)
			return;
		name = g->name;
	}
	if (paths_log(path, sizeof path, name, &err) == -1) {
		request_error(rq, PROTO_E_GENERIC, err.text);
		return;
	}
	if ((fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW)) == -1) {
		error_set(&err, "%s: %s%s", path, strerror(errno),
		    name != NULL && errno == ENOENT ? ": it never ran" : "");
		request_error(rq, PROTO_E_GENERIC, err.text);
		return;
	}
	request_return(rq, NULL, fd);
	close(fd);
}

static void
run_send(struct request *rq, json_t *args)
{
	struct guest *g = running_guest(rq, args);

	if (g != NULL)
		transfer_send(rq, g);
}

static void
run_receive(struct request *rq, json_t *args)
{
	definitions_refresh(rq->b, false);
	transfer_receive(rq, text_arg(args, "name"), on_started);
}

static const struct command commands[] = {
    {"version", false, run_version},
    {"status", false, run_status},
    {"history", false, run_history},
    {"start", false, run_start},
    {"stop", false, run_stop},
    {"wait", false, run_wait},
    {"pause", false, run_pause},
    {"unpause", false, run_unpause},
    {"reset", true, run_reset},
    {"send", true, run_send},
    {"receive", true, run_receive},
    {"console", false, run_console},
    {"console-size", false, run_console_size},
    {"balloon", true, run_balloon},
    {"link", true, run_link},
    {"insert", true, run_insert},
    {"eject", true, run_eject},
    {"grow", true, run_grow},
    {"log", true, run_log},
    {"switches", true, run_switches},
    {"reload", true, run_reload},
    {"load", true, run_load},
    {"reset-switches", true, run_reset_switches},
    {"subscribe", false, run_subscribe},
};

bool
commands_takes_fd(const char *command)
{
	return strcmp(command, "send") == 0 || strcmp(command, "receive") == 0;
}

void
commands_run(struct request *rq, const char *name, json_t *args)
{
	struct error err;
	size_t i;

	for (i = 0; i < sizeof commands / sizeof *commands; i++) {
		if (strcmp(commands[i].name, name) != 0)
			continue;
		if (commands[i].all && !request_may(rq, NULL))
			request_error(rq, PROTO_E_PERM,
			    "this is for those alone who may use the whole "
			    "backend; the owner of a guest may start, stop, "
			    "pause and unpause it and open its console");
		else
			commands[i].run(rq, args);
		return;
	}
	error_set(&err, "the backend (version %s) knows no command \"%.60s\"",
	    VMTUI_VERSION, name);
	request_error(rq, PROTO_E_COMMAND, err.text);
}
