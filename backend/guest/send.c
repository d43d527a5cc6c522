/*
 * send.c: a guest as a stream, written from the main loop a bit at a time.
 *
 *	send_begin()   stop, freeze, save ──▶ head and state in the buffer
 *	     │
 *	     ▼  whenever fd takes something
 *	step()         buffer ──▶ fd; empty: the next pages ──▶ buffer
 *	     │
 *	     ├─ all written ──▶ the answer, guest_end("sent")
 *	     └─ it fails ─────▶ the reason, thaw, go on as before
 *
 * The guest's processors stand still meanwhile, and no device touches its RAM.
 * The descriptor is another process's as well and cannot be made not to block;
 * a pipe or socket that is writable takes PIPE_BUF bytes without that, and a
 * file takes any amount.
 */
#include <sys/stat.h>

#include <errno.h>
#include <limits.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <event2/event.h>

#include "backend/guest/process.h"
#include "backend/proto/proto.h"
#include "backend/proto/stream.h"
#include "config/log.h"

#define STEP    (256u << 10) /* bytes, before others have their turn */
#define TELL_MS 500

struct sending {
	struct guest_process *p;
	struct peer *peer; /* NULL: gone */
	json_t *id;
	int fd;
	bool stream; /* a pipe or a socket: wait until it is writable */
	struct event *writable, *tell;
	struct stream_writer out;
	size_t written; /* of what is in out */
	uint64_t at; /* RAM up to here is in out or written */
	bool ended; /* so is the end */
	bool was_paused;
	char reason[256]; /* it had before */
};

static void
sending_free(struct sending *s)
{
	if (s->writable != NULL)
		event_free(s->writable);
	if (s->tell != NULL)
		event_free(s->tell);
	if (s->fd != -1)
		close(s->fd);
	stream_writer_free(&s->out);
	json_decref(s->id);
	free(s);
}

void
send_cancel(struct guest_process *p)
{
	struct sending *s = p->sending;

	if (s == NULL)
		return;
	p->sending = NULL;
	if (s->peer != NULL)
		conn_error(s->peer->conn, s->id, PROTO_E_STATE,
		    "the guest ended before it was sent");
	sending_free(s);
}

void
send_peer_gone(struct guest_process *p, const struct peer *peer)
{
	if (p->sending != NULL && p->sending->peer == peer)
		p->sending->peer = NULL;
}

static void
thaw(struct guest_process *p)
{
	machine_freeze(p->hw.machine, false);
	build_thaw(&p->hw, &p->spec);
}

/* The guest goes on as before. */
static void
give_up(struct sending *s, const struct error *why)
{
	struct guest_process *p = s->p;
	char reason[sizeof s->reason];
	struct error err;
	bool paused = s->was_paused;

	log_warn("%s: not sent: %s", p->spec.name, why->text);
	p->sending = NULL;
	if (s->peer != NULL)
		conn_error(s->peer->conn, s->id, PROTO_E_GENERIC, why->text);
	memcpy(reason, s->reason, sizeof reason);
	sending_free(s);
	thaw(p);
	if (paused)
		guest_set_state(p, PROTO_PAUSED, reason);
	else
		guest_unpause(p, &err);
}

static void
finish(struct sending *s)
{
	struct guest_process *p = s->p;

	p->sending = NULL;
	if (s->peer != NULL)
		conn_return(s->peer->conn, s->id, NULL, NULL, 0);
	sending_free(s);
	guest_end(p, PROTO_STOPPED, PROTO_SENT, 0);
}

static bool
is_zero(const uint8_t *page)
{
	return page[0] == 0 && memcmp(page, page + 1, STREAM_PAGE - 1) == 0;
}

/* Puts pages into the buffer until there is a step's worth, or the end. */
static void
fill(struct sending *s)
{
	struct guestmem *mem = machine_mem(s->p->hw.machine);
	const uint8_t *ram = guestmem_all(mem);
	uint64_t from, end, looked = 0;

	s->out.len = s->written = 0;
	while (s->out.len < STEP && looked < 16 * STEP) {
		from = guestmem_next(mem, s->at, &end) &
		    ~(uint64_t)(STREAM_PAGE - 1);
		if (from >= mem->size) {
			s->at = mem->size;
			s->ended = true;
			stream_put_end(&s->out);
			return;
		}
		while (
		    from < end && looked < 16 * STEP && is_zero(ram + from)) {
			from += STREAM_PAGE;
			looked += STREAM_PAGE;
		}
		s->at = from;
		while (s->at < end && s->at - from < STREAM_RUN_MAX &&
		    !is_zero(ram + s->at))
			s->at += STREAM_PAGE;
		looked += s->at - from;
		if (s->at > from)
			stream_put_run(&s->out, from, ram + from,
			    (uint32_t)(s->at - from));
	}
}

static bool
takes_more(const struct sending *s)
{
	struct pollfd pfd = {.fd = s->fd, .events = POLLOUT};

	return !s->stream || poll(&pfd, 1, 0) == 1;
}

/* Writes what there is, as far as that goes now. 0, or -1: errno. */
static int
flush(struct sending *s)
{
	size_t len;
	ssize_t n;

	while (s->written < s->out.len && takes_more(s)) {
		len = s->out.len - s->written;
		if (s->stream && len > PIPE_BUF)
			len = PIPE_BUF;
		n = write(s->fd, s->out.data + s->written, len);
		if (n == -1 && (errno == EINTR || errno == EAGAIN))
			return 0;
		if (n == -1)
			return -1;
		s->written += (size_t)n;
	}
	return 0;
}

static void
again(struct sending *s)
{
	const struct timeval now = {0, 0};

	event_add(s->writable, s->stream ? NULL : &now);
}

static void
on_writable(evutil_socket_t fd, short what, void *arg)
{
	struct sending *s = arg;
	struct error err;

	if (s->written == s->out.len && !s->ended)
		fill(s);
	if (s->out.failed) {
		error_set(&err, "no memory to send the guest");
		give_up(s, &err);
	} else if (flush(s) == -1) {
		error_set(&err,
		    "the guest goes on here, as it cannot be "
		    "written: %s",
		    strerror(errno));
		give_up(s, &err);
	} else if (s->ended && s->written == s->out.len) {
		finish(s);
	} else {
		again(s);
	}
}

static void
on_tell(evutil_socket_t fd, short what, void *arg)
{
	struct sending *s = arg;
	struct guest_process *p = s->p;

	peers_tell(p, "SENDING",
	    json_pack("{s:I, s:I}", "done", (json_int_t)s->at, "total",
		(json_int_t)machine_mem(p->hw.machine)->size));
}

static struct sending *
sending_new(struct guest_process *p, int fd)
{
	const struct timeval every = {0, TELL_MS * 1000};
	struct sending *s = calloc(1, sizeof *s);
	struct stat st;

	if (s == NULL)
		return NULL;
	s->p = p;
	s->fd = -1;
	s->stream = fstat(fd, &st) == 0 &&
	    (S_ISFIFO(st.st_mode) || S_ISSOCK(st.st_mode));
	s->writable = event_new(p->base, s->stream ? fd : -1,
	    s->stream ? EV_WRITE : 0, on_writable, s);
	s->tell = event_new(p->base, -1, EV_PERSIST, on_tell, s);
	if (s->writable == NULL || s->tell == NULL) {
		sending_free(s);
		return NULL;
	}
	event_add(s->tell, &every);
	return s;
}

/* Head and state into the buffer; the guest stands still. */
static int
save(struct sending *s, struct error *err)
{
	struct guest_process *p = s->p;
	struct state_writer w = {.data = NULL};
	int rc;

	machine_freeze(p->hw.machine, true);
	/* Processors and APICs are saved first: no interrupt comes later. */
	build_still(&p->hw, &p->spec);
	rc = machine_save(p->hw.machine, &w, err);
	if (rc == 0) {
		stream_put_head(&s->out, &p->spec);
		stream_put_state(&s->out, w.data, w.len);
		if (s->out.failed)
			rc = error_set(err, "no memory to send the guest");
	}
	state_writer_free(&w);
	return rc;
}

/* It wants to be reset, or to end, and that was not yet done. */
static bool
busy(struct guest_process *p)
{
	bool asked;

	pthread_mutex_lock(&p->lock);
	asked = p->asked != -1;
	pthread_mutex_unlock(&p->lock);
	return asked;
}

int
send_begin(struct guest_process *p, int fd, struct peer *peer, json_t *id,
    struct error *err)
{
	struct sending *s;

	if ((s = sending_new(p, fd)) == NULL)
		return error_set(err, "no memory to send the guest");
	s->was_paused = strcmp(p->state, PROTO_PAUSED) == 0;
	memcpy(s->reason, p->reason, sizeof s->reason);
	machine_stop(p->hw.machine);
	if (busy(p)) {
		/* That will run it again, or not. */
		sending_free(s);
		return error_set(
		    err, "the guest is about to end or to be reset: try again");
	}
	if (!s->was_paused)
		guest_set_state(p, PROTO_PAUSED, "it is being sent");
	if (save(s, err) == -1) {
		give_up(s, err);
		return -1;
	}
	s->fd = fd;
	s->peer = peer;
	s->id = json_incref(id);
	p->sending = s;
	again(s);
	return 0;
}
