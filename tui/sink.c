/*
 * sink.c:
 *
 *	sink_write() ---> queue ---> the sink's thread ---> file
 *	                                  |
 *	     ended() <--- eventfd --------'
 */
#include <sys/eventfd.h>
#include <sys/queue.h>
#include <sys/stat.h>

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <event2/event.h>

#include "tui/sink.h"

#define LAST_WAIT 3 /* seconds at the end for all that still write */

struct sink {
	LIST_ENTRY(sink) entry;
	char *path;
	int fd; /* the thread's once it runs */
	int wake; /* eventfd: the thread has news */
	struct event *news;
	sink_ended *ended;
	void *arg;
	pthread_t thread;
	bool told; /* ended was called; main thread */
	pthread_mutex_t lock; /* guards all below */
	pthread_cond_t more;
	char *queue;
	size_t len, room;
	bool closing, over;
	int error; /* errno of what failed; 0 */
	uint64_t bytes; /* written */
};

struct sinks {
	LIST_HEAD(, sink) list;
	struct event_base *base;
};

struct sinks *
sinks_new(struct event_base *base)
{
	struct sinks *ss = calloc(1, sizeof *ss);

	if (ss == NULL)
		return NULL;
	LIST_INIT(&ss->list);
	ss->base = base;
	return ss;
}

static void
sink_free(struct sink *s)
{
	if (s->news != NULL)
		event_free(s->news);
	if (s->wake != -1)
		close(s->wake);
	if (s->fd != -1)
		close(s->fd);
	pthread_mutex_destroy(&s->lock);
	pthread_cond_destroy(&s->more);
	free(s->queue);
	free(s->path);
	free(s);
}

void
sinks_free(struct sinks *ss)
{
	struct timespec until;
	struct sink *s;

	if (ss == NULL)
		return;
	clock_gettime(CLOCK_REALTIME, &until);
	until.tv_sec += LAST_WAIT;
	while ((s = LIST_FIRST(&ss->list)) != NULL) {
		LIST_REMOVE(s, entry);
		/* One that hangs keeps its memory: the process ends anyway. */
		if (pthread_timedjoin_np(s->thread, NULL, &until) == 0)
			sink_free(s);
	}
	free(ss);
}

/* Returns 0 or the errno. */
static int
write_all(int fd, const char *bytes, size_t len)
{
	ssize_t n;

	while (len > 0) {
		n = write(fd, bytes, len);
		if (n == -1 && errno == EINTR)
			continue;
		if (n <= 0)
			return n == 0 ? ENOSPC : errno;
		bytes += n;
		len -= (size_t)n;
	}
	return 0;
}

static void
wake(struct sink *s)
{
	uint64_t one = 1;

	/* Can only fail if it is awake already. */
	if (write(s->wake, &one, sizeof one) == -1)
		return;
}

static void *
run(void *arg)
{
	struct sink *s = arg;
	size_t len;
	char *part;
	int error;

	pthread_mutex_lock(&s->lock);
	for (;;) {
		while (s->len == 0 && !s->closing)
			pthread_cond_wait(&s->more, &s->lock);
		if (s->len == 0 || (s->error != 0 && s->closing))
			break;
		part = s->queue;
		len = s->len;
		s->queue = NULL;
		s->len = s->room = 0;
		error = s->error;
		pthread_mutex_unlock(&s->lock);
		if (error == 0)
			error = write_all(s->fd, part, len);
		free(part);
		pthread_mutex_lock(&s->lock);
		if (error == 0)
			s->bytes += len;
		else if (s->error == 0) {
			s->error = error;
			wake(s);
		}
	}
	if (close(s->fd) == -1 && s->error == 0)
		s->error = errno;
	s->fd = -1;
	s->over = true;
	wake(s);
	pthread_mutex_unlock(&s->lock);
	return NULL;
}

static const char *
reason(int error, char *buf, size_t len)
{
	const char *next = error == ENOSPC || error == EDQUOT
	    ? "; free some room or choose another place"
	    : "";

	snprintf(buf, len, "%s%s", strerror(error), next);
	return buf;
}

static void
news(int fd, short what, void *arg)
{
	struct sink *s = arg;
	char text[1024], why[256];
	uint64_t count, bytes;
	bool over;
	int error;

	if (read(fd, &count, sizeof count) == -1)
		return;
	pthread_mutex_lock(&s->lock);
	over = s->over;
	error = s->error;
	bytes = s->bytes;
	pthread_mutex_unlock(&s->lock);
	if (!s->told && (over || error != 0)) {
		s->told = true;
		snprintf(text, sizeof text, "%s cannot be written: %s", s->path,
		    reason(error, why, sizeof why));
		s->ended(s->path, bytes, error != 0 ? text : NULL, s->arg);
	}
	if (over) {
		pthread_join(s->thread, NULL);
		LIST_REMOVE(s, entry);
		sink_free(s);
	}
}

/* The path with "~/" spelled out; the caller's to free. */
static char *
expand(const char *path)
{
	const char *home = getenv("HOME");
	char *full;

	if (strncmp(path, "~/", 2) != 0 || home == NULL)
		return strdup(path);
	return asprintf(&full, "%s%s", home, path + 1) == -1 ? NULL : full;
}

static int
open_file(const char *path, bool overwrite, bool *exists, struct error *err)
{
	const int flags =
	    O_WRONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK | O_NOFOLLOW;
	struct stat st;
	int fd;

	if (!overwrite) {
		fd = open(path, flags | O_CREAT | O_EXCL, 0600);
		if (fd == -1 && errno == EEXIST)
			*exists = true;
	} else
		fd = open(path, flags);
	if (fd == -1)
		return error_set(
		    err, "%s cannot be made: %s", path, strerror(errno));
	if (fstat(fd, &st) == -1 || !S_ISREG(st.st_mode)) {
		close(fd);
		return error_set(
		    err, "%s is no regular file; choose another name", path);
	}
	if (ftruncate(fd, 0) == -1) {
		error_set(
		    err, "%s cannot be emptied: %s", path, strerror(errno));
		close(fd);
		return -1;
	}
	return fd;
}

/* Signals are the main thread's. */
static int
begin_thread(struct sink *s)
{
	sigset_t all, old;
	int rc;

	sigfillset(&all);
	pthread_sigmask(SIG_BLOCK, &all, &old);
	rc = pthread_create(&s->thread, NULL, run, s);
	pthread_sigmask(SIG_SETMASK, &old, NULL);
	if (rc == 0)
		pthread_setname_np(s->thread, "vmtui-file");
	return rc == 0 ? 0 : -1;
}

struct sink *
sink_open(struct sinks *ss, const char *path, bool overwrite, sink_ended *ended,
    void *arg, bool *exists, struct error *err)
{
	struct sink *s = calloc(1, sizeof *s);

	*exists = false;
	if (s == NULL) {
		error_set(err, "no memory to write %s", path);
		return NULL;
	}
	s->fd = s->wake = -1;
	s->ended = ended;
	s->arg = arg;
	pthread_mutex_init(&s->lock, NULL);
	pthread_cond_init(&s->more, NULL);
	if ((s->path = expand(path)) == NULL)
		goto fail;
	s->fd = open_file(s->path, overwrite, exists, err);
	if (s->fd == -1) {
		sink_free(s);
		return NULL;
	}
	s->wake = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (s->wake == -1)
		goto fail;
	s->news = event_new(ss->base, s->wake, EV_READ | EV_PERSIST, news, s);
	if (s->news == NULL || begin_thread(s) == -1)
		goto fail;
	event_add(s->news, NULL);
	LIST_INSERT_HEAD(&ss->list, s, entry);
	return s;
fail:
	error_set(err, "no means to write %s: %s", path, strerror(errno));
	sink_free(s);
	return NULL;
}

int
sink_write(struct sink *s, const char *bytes, size_t len)
{
	size_t room;
	char *queue;
	int rc;

	pthread_mutex_lock(&s->lock);
	if (s->error == 0 && s->len + len > SINK_QUEUE_MAX) {
		s->error = ETIMEDOUT;
		wake(s);
	}
	if (s->error == 0 && s->len + len > s->room) {
		room = (s->len + len) * 2;
		if ((queue = realloc(s->queue, room)) == NULL) {
			s->error = ENOMEM;
			wake(s);
		} else {
			s->queue = queue;
			s->room = room;
		}
	}
	if (s->error == 0 && len > 0) {
		memcpy(s->queue + s->len, bytes, len);
		s->len += len;
		pthread_cond_signal(&s->more);
	}
	rc = s->error == 0 ? 0 : -1;
	pthread_mutex_unlock(&s->lock);
	return rc;
}

void
sink_close(struct sink *s)
{
	pthread_mutex_lock(&s->lock);
	s->closing = true;
	pthread_cond_signal(&s->more);
	pthread_mutex_unlock(&s->lock);
}
