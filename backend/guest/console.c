#include <sys/queue.h>
#include <sys/socket.h>
#include <sys/uio.h>

#include <errno.h>
#include <inttypes.h>
#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>
#include <sys/eventfd.h>

#include <event2/event.h>

#include "backend/guest/console.h"
#include "backend/vmm/machine.h"
#include "config/clock.h"

#define MAX_WATCHERS 64
#define TYPED        4096 /* bytes typed that the guest has not taken yet */
#define BATCH_US     2000 /* output within this time is sent together */
#define NOBODY       UINT64_MAX

struct watcher {
	TAILQ_ENTRY(watcher) entry;
	struct console *console;
	int fd;
	struct event *readable, *writable;
	uint64_t at; /* position of the next byte to send */
	bool blocked; /* its socket is full */
	bool dropped; /* too slow: the guest does not wait for it */
	uint64_t missed; /* bytes, to be said before anything else */
	time_t moved; /* when it last read something */
	char note[96]; /* what is left to send of that sentence */
	size_t note_len;
};

struct console {
	struct event_base *base;
	const struct console_port *port_ops;
	void *port; /* NULL: not connected */
	TAILQ_HEAD(, watcher) watchers;
	unsigned count;
	struct event *wake, *input, *batch, *patience;
	int wake_fd; /* output is there and nobody was looking */
	int input_fd; /* the guest took some of what was typed */
	uint8_t typed[TYPED];
	size_t typed_len;
	struct device_ops device; /* console_join() */

	/* Guards what follows, which vcpu threads use. A leaf. */
	pthread_mutex_t lock;
	uint8_t *ring;
	uint64_t head; /* bytes ever printed */
	uint64_t floor; /* the slowest waited-for watcher, or NOBODY */
	bool awake; /* the main loop knows that there is output */
	bool refused; /* the guest waits for room */
};

static void flush_watcher(struct watcher *w);

static time_t
now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec;
}

static void
poke(int fd)
{
	uint64_t one = 1;

	/* The counter cannot overflow; being told twice is as good as once. */
	if (write(fd, &one, sizeof one) == -1)
		return;
}

static void
unpoke(int fd)
{
	uint64_t n;

	if (read(fd, &n, sizeof n) == -1)
		return;
}

size_t
console_output(const uint8_t *data, size_t len, void *arg)
{
	struct console *c = arg;
	size_t n = len, keep, at, first;
	uint64_t room;
	bool wake = false;

	pthread_mutex_lock(&c->lock);
	if (c->floor != NOBODY) {
		room = c->head - c->floor;
		room = room < CONSOLE_BACKLOG ? CONSOLE_BACKLOG - room : 0;
		if (n > room)
			n = (size_t)room;
	}
	/* Of more than the ring holds, which nobody reads, the end is kept. */
	keep = n < CONSOLE_RING ? n : CONSOLE_RING;
	data += n - keep;
	at = (c->head + n - keep) % CONSOLE_RING;
	first = keep < CONSOLE_RING - at ? keep : CONSOLE_RING - at;
	memcpy(c->ring + at, data, first);
	memcpy(c->ring, data + first, keep - first);
	c->head += n;
	if (n < len)
		c->refused = true;
	if (!c->awake && c->floor != NOBODY) {
		c->awake = true;
		wake = true;
	}
	pthread_mutex_unlock(&c->lock);
	if (wake)
		poke(c->wake_fd);
	return n;
}

void
console_input_ready(void *arg)
{
	struct console *c = arg;

	poke(c->input_fd);
}

/* Works out the floor anew; lets the guest go on if it waited. */
static void
update_floor(struct console *c)
{
	struct watcher *w;
	uint64_t floor = NOBODY;
	bool kick;

	TAILQ_FOREACH (w, &c->watchers, entry)
		if (!w->dropped && w->at < floor)
			floor = w->at;
	pthread_mutex_lock(&c->lock);
	c->floor = floor;
	kick = c->refused &&
	    (floor == NOBODY || c->head - floor < CONSOLE_BACKLOG);
	if (kick)
		c->refused = false;
	pthread_mutex_unlock(&c->lock);
	if (kick && c->port != NULL)
		c->port_ops->kick(c->port);
}

static uint64_t
head(struct console *c)
{
	uint64_t n;

	pthread_mutex_lock(&c->lock);
	n = c->head;
	pthread_mutex_unlock(&c->lock);
	return n;
}

uint64_t
console_printed(struct console *c)
{
	return head(c);
}

static void
remove_watcher(struct watcher *w)
{
	struct console *c = w->console;

	TAILQ_REMOVE(&c->watchers, w, entry);
	c->count--;
	event_free(w->readable);
	event_free(w->writable);
	close(w->fd);
	free(w);
	update_floor(c);
}

/* A watcher that was given up reads again: it starts from what is kept. */
static void
resume_watcher(struct watcher *w, uint64_t end)
{
	uint64_t oldest = end > CONSOLE_HISTORY ? end - CONSOLE_HISTORY : 0;

	if (w->at < oldest) {
		w->missed = oldest - w->at;
		w->at = oldest;
		w->note_len = (size_t)snprintf(w->note, sizeof w->note,
		    "\r\n[vmtui: %" PRIu64
		    " bytes were not read in time and are gone]\r\n",
		    w->missed);
	}
	w->dropped = false;
	w->moved = now();
}

static ssize_t
send_note(struct watcher *w)
{
	ssize_t n = send(w->fd, w->note, w->note_len, MSG_NOSIGNAL);

	if (n > 0) {
		memmove(w->note, w->note + n, w->note_len - (size_t)n);
		w->note_len -= (size_t)n;
	}
	return n;
}

/*
 * Bytes in [at, end) are not overwritten while they are sent: the guest is
 * held back by the floor, and a dropped watcher gets no further than here
 * before resume_watcher() put it where the ring is whole.
 */
static ssize_t
send_ring(struct watcher *w, uint64_t end)
{
	struct console *c = w->console;
	size_t at = w->at % CONSOLE_RING, len = (size_t)(end - w->at);
	size_t first = len < CONSOLE_RING - at ? len : CONSOLE_RING - at;
	struct iovec iov[2] = {
	    {c->ring + at, first},
	    {c->ring, len - first},
	};
	struct msghdr msg = {.msg_iov = iov, .msg_iovlen = 2};
	ssize_t n = sendmsg(w->fd, &msg, MSG_NOSIGNAL);

	if (n > 0)
		w->at += (uint64_t)n;
	return n;
}

static void
on_writable(evutil_socket_t fd, short what, void *arg)
{
	struct watcher *w = arg;
	struct console *c = w->console;

	w->blocked = false;
	if (w->dropped) {
		resume_watcher(w, head(c));
		update_floor(c);
	}
	flush_watcher(w);
}

/* Sends what there is until the socket is full. */
static void
flush_watcher(struct watcher *w)
{
	struct console *c = w->console;
	uint64_t end = head(c);
	ssize_t n = 0;

	if (w->dropped || w->blocked)
		return;
	while (w->note_len > 0 || w->at < end) {
		n = w->note_len > 0 ? send_note(w) : send_ring(w, end);
		if (n <= 0)
			break;
		w->moved = now();
	}
	if (n == -1 && errno != EAGAIN && errno != EINTR) {
		/* It is gone, but what it typed last may still be there. */
		event_del(w->writable);
		w->dropped = true;
		update_floor(c);
		return;
	}
	if (w->at < end || w->note_len > 0) {
		w->blocked = true;
		event_add(w->writable, NULL);
	}
	update_floor(c);
}

/* Does the guest wait for a watcher? Then somebody's patience runs. */
static void
check_patience(struct console *c)
{
	struct timeval patience = {CONSOLE_PATIENCE, 0};
	bool refused;

	pthread_mutex_lock(&c->lock);
	refused = c->refused;
	pthread_mutex_unlock(&c->lock);
	if (refused && !event_pending(c->patience, EV_TIMEOUT, NULL))
		event_add(c->patience, &patience);
}

/* Gives up on watchers that read nothing while the guest waits. */
static void
on_patience(evutil_socket_t fd, short what, void *arg)
{
	struct console *c = arg;
	struct watcher *w;
	time_t t = now();

	TAILQ_FOREACH (w, &c->watchers, entry)
		if (!w->dropped && head(c) - w->at >= CONSOLE_BACKLOG &&
		    t - w->moved >= CONSOLE_PATIENCE)
			w->dropped = true;
	update_floor(c);
	check_patience(c);
}

/*
 * Output came. It is sent now, and whatever comes within BATCH_US is sent
 * together by on_batch(), so that a guest that prints byte by byte costs a
 * wake-up a batch, not a byte.
 */
static void
flush_all(struct console *c)
{
	struct timeval soon = {0, BATCH_US};
	struct watcher *w, *next;

	for (w = TAILQ_FIRST(&c->watchers); w != NULL; w = next) {
		next = TAILQ_NEXT(w, entry);
		flush_watcher(w);
	}
	check_patience(c);
	event_add(c->batch, &soon);
}

static void
on_wake(evutil_socket_t fd, short what, void *arg)
{
	struct console *c = arg;

	unpoke(c->wake_fd);
	flush_all(c);
}

/* Anything new since the last batch? If not, the guest wakes us again. */
static void
on_batch(evutil_socket_t fd, short what, void *arg)
{
	struct console *c = arg;
	struct watcher *w;
	bool more = false;

	pthread_mutex_lock(&c->lock);
	TAILQ_FOREACH (w, &c->watchers, entry)
		if (!w->dropped && !w->blocked && w->at < c->head)
			more = true;
	if (!more)
		c->awake = false;
	pthread_mutex_unlock(&c->lock);
	if (more)
		flush_all(c);
	else
		check_patience(c);
}

/* Gives the port what was typed; stops listening while it is full. */
static void
type(struct console *c)
{
	struct watcher *w;
	size_t n;

	if (c->port != NULL && c->typed_len > 0) {
		n = c->port_ops->input(c->port, c->typed, c->typed_len);
		memmove(c->typed, c->typed + n, c->typed_len - n);
		c->typed_len -= n;
	}
	TAILQ_FOREACH (w, &c->watchers, entry) {
		if (c->typed_len < TYPED)
			event_add(w->readable, NULL);
		else
			event_del(w->readable);
	}
}

static void
on_input(evutil_socket_t fd, short what, void *arg)
{
	struct console *c = arg;

	unpoke(c->input_fd);
	type(c);
}

static void
on_readable(evutil_socket_t fd, short what, void *arg)
{
	struct watcher *w = arg;
	struct console *c = w->console;
	ssize_t n;

	if (c->typed_len == TYPED) {
		event_del(w->readable);
		return;
	}
	n = read(w->fd, c->typed + c->typed_len, TYPED - c->typed_len);
	if (n == -1 && (errno == EAGAIN || errno == EINTR))
		return;
	if (n <= 0) {
		remove_watcher(w);
		return;
	}
	c->typed_len += (size_t)n;
	type(c);
}

/* A watcher that went away while nobody could read what it typed. */
static void
remove_the_gone(struct console *c)
{
	struct watcher *w, *next;
	struct pollfd p = {.events = POLLRDHUP};

	for (w = TAILQ_FIRST(&c->watchers); w != NULL; w = next) {
		next = TAILQ_NEXT(w, entry);
		p.fd = w->fd;
		if (poll(&p, 1, 0) == 1)
			remove_watcher(w);
	}
}

/*
 * Where it begins, and in the same step the floor: what the guest prints from
 * here on wakes us, and it does not overtake us in the ring.
 */
static void
begin_at(struct watcher *w, bool history)
{
	struct console *c = w->console;

	pthread_mutex_lock(&c->lock);
	w->at = c->head;
	if (history)
		w->at -= w->at > CONSOLE_HISTORY ? CONSOLE_HISTORY : w->at;
	if (w->at < c->floor)
		c->floor = w->at;
	pthread_mutex_unlock(&c->lock);
}

int
console_watch(struct console *c, bool history, struct error *err)
{
	struct watcher *w;
	int fd[2];

	if (c->count >= MAX_WATCHERS)
		remove_the_gone(c);
	if (c->count >= MAX_WATCHERS)
		return error_set(err,
		    "%d consoles of this guest are open "
		    "already; close one first",
		    MAX_WATCHERS);
	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fd) == -1)
		return error_set(err, "console: %s", strerror(errno));
	w = calloc(1, sizeof *w);
	if (w == NULL) {
		close(fd[0]);
		close(fd[1]);
		return error_set(err, "console: out of memory");
	}
	evutil_make_socket_nonblocking(fd[0]);
	w->console = c;
	w->fd = fd[0];
	w->moved = now();
	w->readable =
	    event_new(c->base, fd[0], EV_READ | EV_PERSIST, on_readable, w);
	w->writable = event_new(c->base, fd[0], EV_WRITE, on_writable, w);
	if (w->readable == NULL || w->writable == NULL) {
		if (w->readable != NULL)
			event_free(w->readable);
		free(w);
		close(fd[0]);
		close(fd[1]);
		return error_set(err, "console: out of memory");
	}
	begin_at(w, history);
	TAILQ_INSERT_TAIL(&c->watchers, w, entry);
	c->count++;
	event_add(w->readable, NULL);
	flush_watcher(w);
	return fd[1];
}

void
console_connect(struct console *c, const struct console_port *ops, void *port)
{
	c->port_ops = ops;
	c->port = port;
}

/* A reboot leaves what was typed to whoever reads next. */
static void
device_reset(void *arg)
{
}

static void
device_save(void *arg, struct state_writer *w)
{
	struct console *c = arg;

	state_put_u32(w, (uint32_t)c->typed_len);
	state_put_bytes(w, c->typed, c->typed_len);
}

static int
device_load(void *arg, struct state_reader *r, struct error *err)
{
	struct console *c = arg;
	uint32_t len = state_get_u32(r);

	if (r->bad || len > TYPED)
		return error_set(
		    err, "what was typed into %s is damaged", c->device.name);
	state_get_bytes(r, c->typed, len);
	c->typed_len = r->bad ? 0 : len;
	/* The port is loaded too when the loop comes to this. */
	poke(c->input_fd);
	return 0;
}

static void
device_destroy(void *arg)
{
	struct console *c = arg;

	c->port = NULL;
}

int
console_join(
    struct console *c, struct machine *m, const char *name, struct error *err)
{
	c->device = (struct device_ops){
	    .name = name,
	    .reset = device_reset,
	    .save = device_save,
	    .load = device_load,
	    .destroy = device_destroy,
	};
	return machine_add_device(m, &c->device, c, err);
}

/*
 * Sends what the sockets take. Returns how many bytes are left to send; fd is
 * one of the sockets that take no more.
 */
static uint64_t
flush_rest(struct console *c, int *fd)
{
	struct watcher *w, *next;
	uint64_t left = 0;

	*fd = -1;
	for (w = TAILQ_FIRST(&c->watchers); w != NULL; w = next) {
		next = TAILQ_NEXT(w, entry);
		w->blocked = false;
		flush_watcher(w);
	}
	TAILQ_FOREACH (w, &c->watchers, entry) {
		if (!w->dropped && w->at < head(c)) {
			left += head(c) - w->at;
			*fd = w->fd;
		}
	}
	return left;
}

void
console_finish(struct console *c, int ms)
{
	struct pollfd p = {.events = POLLOUT};
	int64_t now_is = clock_ms(), patience = now_is + ms;
	int64_t end = now_is + (int64_t)ms * CONSOLE_PATIENCE;
	uint64_t left, before = UINT64_MAX;

	while ((left = flush_rest(c, &p.fd)) > 0) {
		now_is = clock_ms();
		/* Who reads on is waited for; who does not, not for long. */
		if (left != before)
			patience = now_is + ms;
		before = left;
		if (now_is >= patience || now_is >= end)
			break;
		poll(&p, 1, 10);
	}
}

struct console *
console_new(struct event_base *base, struct error *err)
{
	struct console *c;

	c = calloc(1, sizeof *c);
	if (c == NULL) {
		error_set(err, "console: out of memory");
		return NULL;
	}
	TAILQ_INIT(&c->watchers);
	pthread_mutex_init(&c->lock, NULL);
	c->base = base;
	c->floor = NOBODY;
	c->wake_fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
	c->input_fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
	c->ring = malloc(CONSOLE_RING);
	if (c->wake_fd != -1 && c->input_fd != -1) {
		c->wake = event_new(
		    base, c->wake_fd, EV_READ | EV_PERSIST, on_wake, c);
		c->input = event_new(
		    base, c->input_fd, EV_READ | EV_PERSIST, on_input, c);
	}
	c->batch = event_new(base, -1, 0, on_batch, c);
	c->patience = event_new(base, -1, 0, on_patience, c);
	if (c->ring == NULL || c->wake == NULL || c->input == NULL ||
	    c->batch == NULL || c->patience == NULL) {
		console_free(c);
		error_set(err, "console: out of memory or descriptors");
		return NULL;
	}
	event_add(c->wake, NULL);
	event_add(c->input, NULL);
	return c;
}

void
console_free(struct console *c)
{
	struct watcher *w;

	c->port = NULL;
	while ((w = TAILQ_FIRST(&c->watchers)) != NULL)
		remove_watcher(w);
	if (c->wake != NULL)
		event_free(c->wake);
	if (c->input != NULL)
		event_free(c->input);
	if (c->batch != NULL)
		event_free(c->batch);
	if (c->patience != NULL)
		event_free(c->patience);
	if (c->wake_fd != -1)
		close(c->wake_fd);
	if (c->input_fd != -1)
		close(c->input_fd);
	pthread_mutex_destroy(&c->lock);
	free(c->ring);
	free(c);
}
