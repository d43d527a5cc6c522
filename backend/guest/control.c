/*
 * control.c: the commands that a guest process answers (proto.h).
 */
#include <sys/socket.h>

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <event2/event.h>

#include "backend/guest/confine.h"
#include "backend/guest/process.h"
#include "backend/proto/proto.h"
#include "config/log.h"
#include "backend/proto/text.h"

#define MAX_SIDE 4096 /* rows or columns */

/* Answers one request; args and id are borrowed, id may be NULL. */
struct command {
	const char *name;
	int right; /* who may: at least these */
	void (*run)(
	    struct peer *peer, json_t *args, json_t *id, int *fd, unsigned fds);
};

static void
fail(struct peer *peer, json_t *id, const char *class, const struct error *err)
{
	conn_error(peer->conn, id, class, err->text);
}

/* By interface: does the host's kernel move its frames? */
static json_t *
vhosts(const struct guest_process *p)
{
	json_t *list = json_array();
	unsigned i;

	for (i = 0; i < p->spec.nics; i++)
		json_array_append_new(
		    list, json_boolean(virtio_net_vhost(p->hw.nic[i])));
	return list;
}

static void
run_launch(struct peer *peer, json_t *args, json_t *id, int *fd, unsigned fds)
{
	struct guest_process *p = peer->process;
	struct error err;

	if (peer != p->launcher) {
		conn_error(peer->conn, id, PROTO_E_STATE,
		    "this guest was launched already");
		return;
	}
	p->launcher = NULL;
	p->launcher_uid = conn_peer_uid(peer->conn);
	if (spec_decode(args, fd, fds, &p->spec, &err) == -1 ||
	    guest_launch(p, &err) == -1) {
		fail(peer, id, PROTO_E_GENERIC, &err);
		event_base_loopbreak(p->base);
		return;
	}
	conn_return(peer->conn, id,
	    json_pack("{s:o, s:o, s:o}", "confinement", confine_status(),
		"balloon", balloon_json(p), "vhost", vhosts(p)),
	    NULL, 0);
}

/* The configuration was read again. */
static void
run_rights(struct peer *peer, json_t *args, json_t *id, int *fd, unsigned fds)
{
	struct guest_process *p = peer->process;

	rights_decode(args, &p->spec.rights);
	conn_return(peer->conn, id, NULL, NULL, 0);
	peers_check(p);
}

/* Figures go behind what the spec already says of the device. */
static void
add_figures(json_t *list, unsigned i, const struct virtio_figures *f)
{
	json_t *one = json_array_get(list, i);

	json_object_set_new(
	    one, "in_bytes", json_integer((json_int_t)f->in_bytes));
	json_object_set_new(one, "in_ops", json_integer((json_int_t)f->in_ops));
	json_object_set_new(
	    one, "out_bytes", json_integer((json_int_t)f->out_bytes));
	json_object_set_new(
	    one, "out_ops", json_integer((json_int_t)f->out_ops));
	json_object_del(one, "fd");
	json_object_del(one, "fds");
	json_object_del(one, "vhost_fds");
	json_object_del(one, "no_vhost");
}

static void
run_status(struct peer *peer, json_t *args, json_t *id, int *fd, unsigned fds)
{
	struct guest_process *p = peer->process;
	int own[CONN_MAX_FDS];
	json_t *spec, *ret, *nic;
	unsigned n, i;

	spec = spec_encode(&p->spec, own, &n);
	if (spec == NULL) {
		conn_error(peer->conn, id, PROTO_E_GENERIC, "out of memory");
		return;
	}
	for (i = 0; i < p->spec.disks; i++)
		add_figures(json_object_get(spec, "disks"), i,
		    build_disk_figures(&p->hw, i));
	for (i = 0; i < p->spec.nics; i++)
		add_figures(json_object_get(spec, "nics"), i,
		    virtio_figures(p->hw.nic[i]));
	for (i = 0; i < p->spec.nics; i++) {
		nic = json_array_get(json_object_get(spec, "nics"), i);
		json_object_set_new(
		    nic, "up", json_boolean(virtio_net_plugged(p->hw.nic[i])));
		json_object_set_new(
		    nic, "vhost", json_boolean(virtio_net_vhost(p->hw.nic[i])));
	}
	if (p->hw.cdrom != NULL)
		json_object_set_new(spec, "cdrom", medium_json(p));
	json_object_set_new(spec, "confinement", confine_status());
	ret = json_pack("{s:s, s:s, s:o, s:f, s:f, s:i, s:I, s:i, s:I, s:I, "
			"s:O, s:O, s:o}",
	    "name", p->spec.name, "state", p->state, "reason",
	    text_json(p->reason), "since", p->since, "started", p->started,
	    "pid", (int)confine_pid(), "memory", (json_int_t)p->spec.memory,
	    "cpus", (int)p->spec.cpus, "exits",
	    (json_int_t)machine_exits(p->hw.machine), "printed",
	    (json_int_t)console_printed(p->console[CONSOLE_TTYS0]), "disks",
	    json_object_get(spec, "disks"), "nics",
	    json_object_get(spec, "nics"), "spec", spec);
	json_object_set_new(ret, "balloon", balloon_json(p));
	json_object_set_new(ret, "cdrom", medium_json(p));
	conn_return(peer->conn, id, ret, NULL, 0);
}

static void
run_stop(struct peer *peer, json_t *args, json_t *id, int *fd, unsigned fds)
{
	struct guest_process *p = peer->process;

	if (strcmp(p->state, PROTO_PAUSED) == 0) {
		conn_error(peer->conn, id, PROTO_E_STATE,
		    "the guest is paused and cannot shut down; unpause it "
		    "first, or force it off");
		return;
	}
	guest_ask_shutdown(p);
	guest_set_state(p, PROTO_STOPPING, "");
	conn_return(peer->conn, id, NULL, NULL, 0);
}

/*
 * The main loop turns: that is the answer. Who asks looks at the guest, so its
 * own figures are asked for as well; they come as an event.
 */
static void
run_ping(struct peer *peer, json_t *args, json_t *id, int *fd, unsigned fds)
{
	if (peer->process->hw.balloon != NULL) {
		virtio_balloon_ask(peer->process->hw.balloon);
		balloon_changed(peer->process);
	}
	conn_return(peer->conn, id, NULL, NULL, 0);
}

/* What all devices of a kind count together. */
static void
sum(struct virtio_dev *const *dev, unsigned n, uint64_t *in, uint64_t *out)
{
	const struct virtio_figures *f;
	unsigned i;

	*in = *out = 0;
	for (i = 0; i < n; i++) {
		f = virtio_figures(dev[i]);
		*in += f->in_bytes;
		*out += f->out_bytes;
	}
}

/* Counts since the start, for rates; asked for each second. */
static void
run_figures(struct peer *peer, json_t *args, json_t *id, int *fd, unsigned fds)
{
	struct guest_process *p = peer->process;
	uint64_t read, written, received, sent;

	sum(p->hw.disk, p->spec.disks, &read, &written);
	sum(p->hw.nic, p->spec.nics, &received, &sent);
	conn_return(peer->conn, id,
	    json_pack("{s:I, s:I, s:I, s:I, s:I}", "exits",
		(json_int_t)machine_exits(p->hw.machine), "read",
		(json_int_t)read, "written", (json_int_t)written, "received",
		(json_int_t)received, "sent", (json_int_t)sent),
	    NULL, 0);
}

static void
run_quit(struct peer *peer, json_t *args, json_t *id, int *fd, unsigned fds)
{
	conn_return(peer->conn, id, NULL, NULL, 0);
	guest_end(peer->process, PROTO_STOPPED, "forced off", 0);
}

/* pause, unpause and reset: done, or a sentence. */
static void
answer(struct peer *peer, json_t *id, int status, const struct error *err)
{
	if (status == -1)
		fail(peer, id, PROTO_E_STATE, err);
	else
		conn_return(peer->conn, id, NULL, NULL, 0);
}

static void
run_pause(struct peer *peer, json_t *args, json_t *id, int *fd, unsigned fds)
{
	struct error err;

	answer(peer, id, guest_pause(peer->process, &err), &err);
}

static void
run_unpause(struct peer *peer, json_t *args, json_t *id, int *fd, unsigned fds)
{
	struct error err;

	answer(peer, id, guest_unpause(peer->process, &err), &err);
}

/* Answered when all is written, or cannot be. */
static void
run_send(struct peer *peer, json_t *args, json_t *id, int *fd, unsigned fds)
{
	struct error err;

	if (fds != 1) {
		conn_error(peer->conn, id, PROTO_E_GENERIC,
		    "send takes one descriptor to write to");
		return;
	}
	if (peer->process->grow.id != NULL) {
		conn_error(peer->conn, id, PROTO_E_STATE,
		    "one of its disks is being made larger; try again when "
		    "that is done");
		return;
	}
	if (send_begin(peer->process, fd[0], peer, id, &err) == -1)
		fail(peer, id, PROTO_E_STATE, &err);
	else
		fd[0] = -1;
}

static void
run_reset(struct peer *peer, json_t *args, json_t *id, int *fd, unsigned fds)
{
	struct guest_process *p = peer->process;
	struct error err;

	if (json_is_true(json_object_get(args, "ask"))) {
		if (virtio_vmmci_ask(p->hw.vmmci, VMMCI_REBOOT))
			conn_return(peer->conn, id, NULL, NULL, 0);
		else
			conn_error(peer->conn, id, PROTO_E_STATE,
			    "the guest has no driver (OpenBSD's vmmci) that "
			    "could be asked to reboot, or does not answer: "
			    "reboot it from within");
		return;
	}
	log_info("%s: reset, as user %u asked", p->spec.name,
	    conn_peer_uid(peer->conn));
	if (guest_reset(p, &err) == -1) {
		fail(peer, id, PROTO_E_GENERIC, &err);
		guest_end(p, PROTO_CRASHED, err.text, 1);
		return;
	}
	conn_return(peer->conn, id, NULL, NULL, 0);
}

/* The console that "port" names, the serial one by default; -1: none does. */
static int
find_console(const struct guest_process *p, json_t *args, struct error *err)
{
	const char *name = json_string_value(json_object_get(args, "port"));
	int i;

	if (name == NULL)
		return CONSOLE_TTYS0;
	for (i = 0; i < CONSOLES; i++)
		if (p->console[i] != NULL &&
		    strcmp(name, console_names[i]) == 0)
			return i;
	if (strcmp(name, console_names[CONSOLE_TTYS1]) == 0)
		return error_set(err,
		    "%s has one serial port; give it a second one with "
		    "serial2 = yes and start it anew",
		    p->spec.name);
	return error_set(err, "%s has no console %.20s; there are %s%s and %s",
	    p->spec.name, name, console_names[CONSOLE_TTYS0],
	    p->spec.serial2 ? ", ttyS1" : "", console_names[CONSOLE_HVC0]);
}

static void
run_console(struct peer *peer, json_t *args, json_t *id, int *fd, unsigned fds)
{
	bool history = json_is_true(json_object_get(args, "history"));
	struct error err;
	int which, watch;

	if ((which = find_console(peer->process, args, &err)) == -1 ||
	    (watch = console_watch(
		 peer->process->console[which], history, &err)) == -1) {
		fail(peer, id, PROTO_E_GENERIC, &err);
		return;
	}
	conn_return(peer->conn, id, NULL, &watch, 1);
	close(watch);
}

static void
run_console_size(
    struct peer *peer, json_t *args, json_t *id, int *fd, unsigned fds)
{
	json_int_t rows = json_integer_value(json_object_get(args, "rows"));
	json_int_t cols = json_integer_value(json_object_get(args, "cols"));

	if (rows < 1 || rows > MAX_SIDE || cols < 1 || cols > MAX_SIDE) {
		conn_error(peer->conn, id, PROTO_E_GENERIC,
		    "a console has 1 to 4096 rows and columns");
		return;
	}
	virtio_console_resize(
	    peer->process->hw.hvc, (uint16_t)rows, (uint16_t)cols);
	conn_return(peer->conn, id, NULL, NULL, 0);
}

static void
run_link(struct peer *peer, json_t *args, json_t *id, int *fd, unsigned fds)
{
	struct guest_process *p = peer->process;
	json_int_t n = json_integer_value(json_object_get(args, "nic"));
	json_t *up = json_object_get(args, "up");
	struct error err;

	if (n < 0 || n >= p->spec.nics || !json_is_boolean(up)) {
		error_set(&err,
		    p->spec.nics == 0 ? "it has no interface"
				      : "it has interfaces 0 to %u: each is "
					"\"up\", true or false",
		    p->spec.nics - 1);
		fail(peer, id, PROTO_E_GENERIC, &err);
		return;
	}
	virtio_net_plug(p->hw.nic[n], json_is_true(up));
	conn_return(peer->conn, id, NULL, NULL, 0);
	peers_tell(p, "LINK", json_pack("{s:I, s:O}", "nic", n, "up", up));
}

/* Another disc comes with it, or without one what there is goes. */
static void
exchange(struct peer *peer, json_t *args, json_t *id, int fd, const char *path)
{
	bool force = json_is_true(json_object_get(args, "force"));
	struct error err;

	if (medium_exchange(peer->process, fd, path, force, &err) == -1)
		fail(peer, id, PROTO_E_STATE, &err);
	else
		conn_return(peer->conn, id, NULL, NULL, 0);
}

static void
run_insert(struct peer *peer, json_t *args, json_t *id, int *fd, unsigned fds)
{
	const char *path = json_string_value(json_object_get(args, "path"));
	int disc;

	if (fds != 1 || path == NULL || path[0] != '/') {
		conn_error(peer->conn, id, PROTO_E_GENERIC,
		    "insert takes the absolute \"path\" of an image and one "
		    "descriptor of it");
		return;
	}
	disc = fd[0];
	fd[0] = -1;
	exchange(peer, args, id, disc, path);
}

static void
run_eject(struct peer *peer, json_t *args, json_t *id, int *fd, unsigned fds)
{
	exchange(peer, args, id, -1, "");
}

/* Answered when it is done. */
static void
run_grow(struct peer *peer, json_t *args, json_t *id, int *fd, unsigned fds)
{
	struct error err;

	if (disk_grow(peer->process, peer, args, id, &err) == -1)
		fail(peer, id, PROTO_E_GENERIC, &err);
}

/* A size that is not named stays; one that is named must be one. */
static void
run_balloon(struct peer *peer, json_t *args, json_t *id, int *fd, unsigned fds)
{
	static const char *const names[] = {"size", "limit"};
	struct guest_process *p = peer->process;
	uint64_t bytes[2] = {0, 0};
	struct error err;
	json_t *value;
	int i, rc = 0;

	for (i = 0; i < 2; i++) {
		value = json_object_get(args, names[i]);
		bytes[i] = (uint64_t)json_integer_value(value);
		if (value != NULL && bytes[i] == 0)
			rc = error_set(
			    &err, "\"%s\" is a number of bytes", names[i]);
	}
	if (rc == 0)
		rc = balloon_set(p, bytes[0], bytes[1], &err);
	if (rc == -1)
		fail(peer, id, PROTO_E_STATE, &err);
	else
		conn_return(peer->conn, id, NULL, NULL, 0);
}

#ifdef VMTUI_TEST_CONFINE
/* {"what", "target", "path"} → {"errno"}: 0 if it worked. */
static void
run_try(struct peer *peer, json_t *args, json_t *id, int *fd, unsigned fds)
{
	const char *what = json_string_value(json_object_get(args, "what"));
	json_int_t target = json_integer_value(json_object_get(args, "target"));
	const char *path = json_string_value(json_object_get(args, "path"));
	int rc = confine_try(
	    what != NULL ? what : "", (int)target, path != NULL ? path : "/");

	conn_return(peer->conn, id, json_pack("{s:i}", "errno", rc), NULL, 0);
}
#endif

/* What would change the guest, and is refused while it is sent. */
static bool
changes_guest(const char *command)
{
	static const char *const names[] = {"stop", "pause", "unpause", "reset",
	    "send", "balloon", "link", "insert", "eject", "grow"};
	size_t i;

	for (i = 0; i < sizeof names / sizeof *names; i++)
		if (strcmp(names[i], command) == 0)
			return true;
	return false;
}

/* As the backend has them (commands.c there), and what is its own. */
static const struct command commands[] = {
    {"launch", RIGHT_BACKEND, run_launch},
    {"rights", RIGHT_BACKEND, run_rights},
    {"status", RIGHT_OWNER, run_status},
    {"stop", RIGHT_OWNER, run_stop},
    {"ping", RIGHT_OWNER, run_ping},
    {"figures", RIGHT_OWNER, run_figures},
    {"quit", RIGHT_OWNER, run_quit},
    {"pause", RIGHT_OWNER, run_pause},
    {"unpause", RIGHT_OWNER, run_unpause},
    {"reset", RIGHT_ALL, run_reset},
    {"send", RIGHT_ALL, run_send},
    {"console", RIGHT_OWNER, run_console},
    {"console-size", RIGHT_OWNER, run_console_size},
    {"balloon", RIGHT_ALL, run_balloon},
    {"link", RIGHT_ALL, run_link},
    {"insert", RIGHT_ALL, run_insert},
    {"eject", RIGHT_ALL, run_eject},
    {"grow", RIGHT_ALL, run_grow},
#ifdef VMTUI_TEST_CONFINE
    {"try", RIGHT_BACKEND, run_try},
#endif
};

void
control_message(struct peer *peer, json_t *msg, int *fd, unsigned fds)
{
	const char *name = json_string_value(json_object_get(msg, "execute"));
	json_t *id = json_object_get(msg, "id");
	int right = peer_right(peer);
	size_t i;

	if (right == RIGHT_NONE) {
		peer_refuse(peer, id, right);
		return;
	}
	if (name == NULL) {
		conn_error(peer->conn, id, PROTO_E_GENERIC,
		    "a request has a member \"execute\"");
		return;
	}
	for (i = 0; i < sizeof commands / sizeof *commands; i++) {
		if (strcmp(name, commands[i].name) != 0)
			continue;
		if (peer->process->hw.machine == NULL && i != 0)
			break;
		if (right < commands[i].right)
			peer_refuse(peer, id, right);
		else if (peer->process->sending != NULL && changes_guest(name))
			conn_error(peer->conn, id, PROTO_E_STATE,
			    "the guest is being sent: it can only be forced "
			    "off");
		else
			commands[i].run(peer, json_object_get(msg, "arguments"),
			    id, fd, fds);
		return;
	}
	conn_error(peer->conn, id, PROTO_E_COMMAND,
	    "a guest does not know this "
	    "command, or not before its launch");
}
