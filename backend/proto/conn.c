#include <sys/queue.h>
#include <sys/socket.h>

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <event2/event.h>

#include "backend/proto/conn.h"
#include "backend/proto/proto.h"
#include "backend/proto/text.h"

#define CHUNK      (64 << 10)
#define MAX_GROUPS 1024 /* of somebody in more: the first ones */
#define TURN       16 /* lines at most before others have their turn */

/* One line on its way out; the descriptors go with its first byte. */
struct line {
	STAILQ_ENTRY(line) entry;
	size_t len, sent;
	unsigned fds;
	int fd[CONN_MAX_FDS];
	char data[];
};

/*
 * What came in and is not yet a whole line:
 *
 *	in: | half a li… |            fd: | d0 | d1 | … | (oldest first)
 *	     0   scanned  inlen
 *
 * The kernel ends a read at a byte that carries descriptors, but a read may
 * begin with the end of the line before. So descriptors wait in a queue of
 * their own, and each line takes as many of them as it says.
 */
struct conn {
	int sock;
	const struct conn_ops *ops;
	void *arg;
	struct event *readable, *writable;
	struct event *again; /* whole lines wait for the next turn */
	bool more; /* so they do */
	unsigned uid;
	char *in;
	size_t inlen, incap, scanned;
	size_t longest; /* line that the other end may send */
	int fd[2 * CONN_MAX_FDS];
	unsigned fds;
	STAILQ_HEAD(, line) out;
	size_t queued; /* bytes in out */
	bool busy; /* a callback is on the stack */
	bool freed; /* conn_free() was called from it */
	bool deaf; /* writing failed; reading finds out why */
	const char *broken; /* a rule the other end broke */
};

static void
drop_line(struct conn *c, struct line *line)
{
	unsigned i;

	STAILQ_REMOVE_HEAD(&c->out, entry);
	c->queued -= line->len;
	for (i = 0; i < line->fds; i++)
		close(line->fd[i]);
	free(line);
}

static void
destroy(struct conn *c)
{
	struct line *line;
	unsigned i;

	while ((line = STAILQ_FIRST(&c->out)) != NULL)
		drop_line(c, line);
	for (i = 0; i < c->fds; i++)
		close(c->fd[i]);
	if (c->readable != NULL)
		event_free(c->readable);
	if (c->writable != NULL)
		event_free(c->writable);
	if (c->again != NULL)
		event_free(c->again);
	close(c->sock);
	free(c->in);
	free(c);
}

void
conn_free(struct conn *c)
{
	if (c == NULL)
		return;
	if (c->busy)
		c->freed = true;
	else
		destroy(c);
}

static void
end(struct conn *c, const char *why)
{
	c->busy = true;
	c->ops->closed(c, why, c->arg);
	destroy(c);
}

/* Takes the oldest n descriptors off the queue, closing those not taken. */
static void
consume_fds(struct conn *c, const int *taken, unsigned n)
{
	unsigned i;

	for (i = 0; i < n; i++)
		if (taken[i] != -1)
			close(taken[i]);
	c->fds -= n;
	memmove(c->fd, c->fd + n, c->fds * sizeof *c->fd);
}

/* Hands one line over. Returns a broken rule, or NULL. */
static const char *
deliver(struct conn *c, const char *text, size_t len)
{
	int taken[CONN_MAX_FDS];
	json_t *msg, *fds;
	json_int_t n;

	msg = json_loadb(text, len, 0, NULL);
	if (!json_is_object(msg)) {
		json_decref(msg);
		return "sent a line that is no JSON object";
	}
	fds = json_object_get(msg, "fds");
	n = json_is_integer(fds) ? json_integer_value(fds) : 0;
	if (n < 0 || n > CONN_MAX_FDS || (unsigned)n > c->fds) {
		json_decref(msg);
		return "announced descriptors that did not come";
	}
	memcpy(taken, c->fd, (size_t)n * sizeof *taken);
	c->busy = true;
	c->ops->message(c, msg, taken, (unsigned)n, c->arg);
	c->busy = false;
	consume_fds(c, taken, (unsigned)n);
	json_decref(msg);
	return NULL;
}

/*
 * Delivers whole lines that are there, but not more than a turn's: who sends
 * a thousand at once must not make all others wait. Returns a broken rule, or
 * NULL.
 */
static const char *
deliver_lines(struct conn *c)
{
	const struct timeval now = {0, 0};
	const char *why = NULL;
	size_t start = 0, len;
	unsigned turn = 0;
	char *nl;

	while ((nl = memchr(c->in + c->scanned, '\n', c->inlen - c->scanned)) !=
		NULL &&
	    turn++ < TURN) {
		len = (size_t)(nl - c->in) - start;
		why = len > c->longest ? "sent a line that is too long"
				       : deliver(c, c->in + start, len);
		start += len + 1;
		c->scanned = start;
		if (why != NULL || c->freed || c->broken != NULL)
			return why;
	}
	c->more = nl != NULL;
	c->inlen -= start;
	memmove(c->in, c->in + start, c->inlen);
	c->scanned = c->more ? 0 : c->inlen;
	if (c->more) {
		event_add(c->again, &now);
		return NULL;
	}
	if (c->inlen > c->longest)
		return "sent a line that is too long";
	if (c->fds > (c->inlen > 0 ? CONN_MAX_FDS : 0))
		return "sent more descriptors than it announced";
	return NULL;
}

/* Queues the descriptors of a message. Returns a broken rule, or NULL. */
static const char *
receive_fds(struct conn *c, struct msghdr *msg)
{
	const char *why = NULL;
	struct cmsghdr *cm;
	unsigned i, n;
	int fd;

	for (cm = CMSG_FIRSTHDR(msg); cm != NULL; cm = CMSG_NXTHDR(msg, cm)) {
		if (cm->cmsg_level != SOL_SOCKET || cm->cmsg_type != SCM_RIGHTS)
			continue;
		n = (unsigned)((cm->cmsg_len - CMSG_LEN(0)) / sizeof fd);
		for (i = 0; i < n; i++) {
			memcpy(&fd, CMSG_DATA(cm) + i * sizeof fd, sizeof fd);
			if (c->fds < 2 * CONN_MAX_FDS) {
				c->fd[c->fds++] = fd;
				continue;
			}
			close(fd);
			why = "sent more descriptors than it announced";
		}
	}
	if (msg->msg_flags & MSG_CTRUNC)
		why = "sent too many descriptors at once";
	return why;
}

/* One read. Returns bytes, 0 at the end, -1 with errno or a broken rule. */
static ssize_t
receive(struct conn *c)
{
	union {
		struct cmsghdr align;
		char buf[CMSG_SPACE(CONN_MAX_FDS * sizeof(int))];
	} control;
	struct iovec iov;
	struct msghdr msg = {.msg_iov = &iov,
	    .msg_iovlen = 1,
	    .msg_control = &control,
	    .msg_controllen = sizeof control};
	ssize_t n;
	char *in;

	if (c->incap - c->inlen < CHUNK) {
		if ((in = realloc(c->in, c->inlen + 2 * CHUNK)) == NULL) {
			c->broken = "no memory for what it sent";
			return -1;
		}
		c->in = in;
		c->incap = c->inlen + 2 * CHUNK;
	}
	iov.iov_base = c->in + c->inlen;
	iov.iov_len = CHUNK;
	n = recvmsg(c->sock, &msg, MSG_CMSG_CLOEXEC | MSG_DONTWAIT);
	if (n <= 0)
		return n;
	if ((c->broken = receive_fds(c, &msg)) != NULL)
		return -1;
	c->inlen += (size_t)n;
	return n;
}

static void
on_readable(evutil_socket_t sock, short what, void *arg)
{
	struct conn *c = arg;
	const char *why;
	ssize_t n;

	if (c->broken == NULL && !c->more) {
		n = receive(c);
		if (n == 0) {
			end(c, "closed the connection");
			return;
		}
		if (n == -1 && c->broken == NULL) {
			if ((errno != EAGAIN || c->deaf) && errno != EINTR)
				end(c, "closed the connection");
			return;
		}
	}
	/* An answer may find that nobody reads it: broken is set meanwhile. */
	if (c->broken == NULL && (why = deliver_lines(c)) != NULL)
		c->broken = why;
	if (c->freed)
		destroy(c);
	else if (c->broken != NULL)
		end(c, c->broken);
}

/* Sends some of the first line. Returns 0, or -1 with errno. */
static int
send_some(struct conn *c, struct line *line)
{
	union {
		struct cmsghdr align;
		char buf[CMSG_SPACE(CONN_MAX_FDS * sizeof(int))];
	} control = {.buf = {0}};
	struct iovec iov = {line->data + line->sent, line->len - line->sent};
	struct msghdr msg = {.msg_iov = &iov, .msg_iovlen = 1};
	struct cmsghdr *cm;
	ssize_t n;

	if (line->sent == 0 && line->fds > 0) {
		msg.msg_control = &control;
		msg.msg_controllen = CMSG_SPACE(line->fds * sizeof(int));
		cm = CMSG_FIRSTHDR(&msg);
		cm->cmsg_level = SOL_SOCKET;
		cm->cmsg_type = SCM_RIGHTS;
		cm->cmsg_len = CMSG_LEN(line->fds * sizeof(int));
		memcpy(CMSG_DATA(cm), line->fd, line->fds * sizeof(int));
	}
	n = sendmsg(c->sock, &msg, MSG_NOSIGNAL | MSG_DONTWAIT);
	if (n == -1)
		return -1;
	line->sent += (size_t)n;
	if (line->sent == line->len)
		drop_line(c, line);
	return 0;
}

/*
 * Sends what the socket takes. A failure is only noted: reading will meet it
 * too, after the last words of the other end.
 */
static void
send_queue(struct conn *c)
{
	struct line *line;

	while (!c->deaf && (line = STAILQ_FIRST(&c->out)) != NULL) {
		if (send_some(c, line) == 0 || errno == EINTR)
			continue;
		if (errno == EAGAIN || errno == EWOULDBLOCK) {
			event_add(c->writable, NULL);
			return;
		}
		c->deaf = true;
		if (errno != EPIPE && errno != ECONNRESET)
			c->broken = "takes no more messages";
		event_active(c->readable, EV_READ, 0);
	}
	event_del(c->writable);
}

static void
on_writable(evutil_socket_t sock, short what, void *arg)
{
	send_queue(arg);
}

struct conn *
conn_new(struct event_base *base, int fd, const struct conn_ops *ops, void *arg)
{
	struct ucred cred;
	socklen_t len = sizeof cred;
	struct conn *c;

	if ((c = calloc(1, sizeof *c)) == NULL) {
		close(fd);
		return NULL;
	}
	STAILQ_INIT(&c->out);
	c->sock = fd;
	c->ops = ops;
	c->arg = arg;
	c->longest = CONN_MAX_LINE;
	c->uid = (unsigned)-1;
	if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &cred, &len) == 0)
		c->uid = cred.uid;
	c->readable = event_new(base, fd, EV_READ | EV_PERSIST, on_readable, c);
	c->writable =
	    event_new(base, fd, EV_WRITE | EV_PERSIST, on_writable, c);
	c->again = evtimer_new(base, on_readable, c);
	if (c->readable == NULL || c->writable == NULL || c->again == NULL ||
	    event_add(c->readable, NULL) == -1) {
		destroy(c);
		return NULL;
	}
	return c;
}

void
conn_trust(struct conn *c)
{
	c->longest = CONN_MAX_ANSWER;
}

/* The line of msg with copies of the descriptors, or NULL. */
static struct line *
make_line(json_t *msg, const int *fd, unsigned fds)
{
	size_t len, flags = JSON_COMPACT;
	struct line *line;

	if (fds > CONN_MAX_FDS ||
	    (fds > 0 &&
		json_object_set_new(msg, "fds", json_integer(fds)) == -1))
		return NULL;
	len = json_dumpb(msg, NULL, 0, flags);
	if (len == 0 || len > CONN_MAX_ANSWER ||
	    (line = malloc(sizeof *line + len + 1)) == NULL)
		return NULL;
	json_dumpb(msg, line->data, len, flags);
	line->data[len] = '\n';
	line->len = len + 1;
	line->sent = 0;
	for (line->fds = 0; line->fds < fds; line->fds++) {
		line->fd[line->fds] = fcntl(fd[line->fds], F_DUPFD_CLOEXEC, 0);
		if (line->fd[line->fds] == -1) {
			while (line->fds > 0)
				close(line->fd[--line->fds]);
			free(line);
			return NULL;
		}
	}
	return line;
}

int
conn_send(struct conn *c, json_t *msg, const int *fd, unsigned fds)
{
	struct line *line;

	if (c->deaf || c->broken != NULL || c->freed)
		return -1;
	if ((line = make_line(msg, fd, fds)) == NULL)
		return -1;
	STAILQ_INSERT_TAIL(&c->out, line, entry);
	c->queued += line->len;
	if (c->queued > CONN_MAX_QUEUED) {
		c->broken = "does not read what it is sent";
		event_active(c->readable, EV_READ, 0);
		return -1;
	}
	if (STAILQ_FIRST(&c->out) == line)
		send_queue(c);
	return c->deaf ? -1 : 0;
}

void
conn_flush(struct conn *c, int ms)
{
	struct pollfd pfd = {.fd = c->sock, .events = POLLOUT};
	struct timespec now;
	long end_ms, left = ms;

	clock_gettime(CLOCK_MONOTONIC, &now);
	end_ms = now.tv_sec * 1000 + now.tv_nsec / 1000000 + ms;
	while (!c->deaf && !STAILQ_EMPTY(&c->out) && left > 0) {
		if (poll(&pfd, 1, (int)left) == 1)
			send_queue(c);
		clock_gettime(CLOCK_MONOTONIC, &now);
		left = end_ms - (now.tv_sec * 1000 + now.tv_nsec / 1000000);
	}
}

unsigned
conn_peer_uid(const struct conn *c)
{
	return c->uid;
}

bool
conn_peer_in_group(const struct conn *c, unsigned gid)
{
	gid_t groups[MAX_GROUPS];
	socklen_t len = sizeof groups;
	struct ucred cred;
	size_t i;

	if (getsockopt(c->sock, SOL_SOCKET, SO_PEERGROUPS, groups, &len) == 0)
		for (i = 0; i < len / sizeof *groups; i++)
			if (groups[i] == gid)
				return true;
	len = sizeof cred;
	return getsockopt(c->sock, SOL_SOCKET, SO_PEERCRED, &cred, &len) == 0 &&
	    cred.gid == gid;
}

static int
send_and_free(struct conn *c, json_t *msg, const int *fd, unsigned fds)
{
	int rc;

	if (msg == NULL)
		return -1;
	rc = conn_send(c, msg, fd, fds);
	json_decref(msg);
	return rc;
}

int
conn_return(
    struct conn *c, json_t *id, json_t *ret, const int *fd, unsigned fds)
{
	if (ret == NULL)
		ret = json_object();
	if (send_and_free(c, json_pack("{s:o, s:O*}", "return", ret, "id", id),
		fd, fds) == 0)
		return 0;
	if (c->deaf || c->broken != NULL || c->freed)
		return -1;
	/* Whoever asked must get an answer, if only that there is none. */
	return conn_error(c, id, PROTO_E_GENERIC,
	    "the answer does not fit into a message: ask for less at once");
}

int
conn_error(struct conn *c, json_t *id, const char *class, const char *desc)
{
	return send_and_free(c,
	    json_pack("{s:{s:s, s:o}, s:O*}", "error", "class", class, "desc",
		text_json(desc), "id", id),
	    NULL, 0);
}

int
conn_event(struct conn *c, const char *name, json_t *data)
{
	struct timespec now;

	clock_gettime(CLOCK_REALTIME, &now);
	return send_and_free(c,
	    json_pack("{s:s, s:o, s:{s:I, s:I}}", "event", name, "data", data,
		"timestamp", "seconds", (json_int_t)now.tv_sec, "microseconds",
		(json_int_t)(now.tv_nsec / 1000)),
	    NULL, 0);
}
