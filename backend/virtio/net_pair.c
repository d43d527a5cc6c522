/*
 * net_pair.c: pairs of a receive and a transmit queue (virtio 1.2, 5.1.2):
 * which of them are used, and the loops and threads that serve them.
 */
#include <errno.h>
#include <event2/event.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "backend/net/tap.h"
#include "backend/virtio/net.h"
#include "config/thread.h"

void
net_lock(struct net *n)
{
	unsigned i;

	for (i = 0; i < n->pairs; i++)
		pthread_mutex_lock(&n->pair[i].lock);
}

void
net_unlock(struct net *n)
{
	unsigned i;

	for (i = n->pairs; i-- > 0;)
		pthread_mutex_unlock(&n->pair[i].lock);
}

void
net_still(struct net_pair *p)
{
	net_vhost_end(p);
	p->live[NET_RX] = p->live[NET_TX] = false;
	net_rx_drain(p);
}

void
net_drain(struct virtio_dev *dev)
{
	struct net *n = (struct net *)dev;
	unsigned i;

	net_lock(n);
	for (i = 0; i < n->pairs; i++)
		net_still(&n->pair[i]);
	net_unlock(n);
}

/* Gives the pair frames, or no more of them. */
static int
set_enabled(struct net_pair *p, bool enabled)
{
	struct error err;

	if (p->enabled == enabled)
		return 0;
	if (!enabled)
		net_still(p);
	if (tap_set_queue(p->tap_fd, enabled, &err) == -1) {
		log_guest(&p->net->dev.quiet, "virtio-net: %s", err.text);
		if (enabled)
			return -1;
	}
	p->enabled = enabled;
	/* Its loop is to look at both queues, and at the tap. */
	virtio_kick(&p->net->dev, net_queue(p, NET_RX)->index);
	virtio_kick(&p->net->dev, net_queue(p, NET_TX)->index);
	return 0;
}

unsigned
net_pairs_used(const struct net *n)
{
	unsigned pairs = 1;

	while (pairs < n->pairs && n->pair[pairs].enabled)
		pairs++;
	return pairs;
}

int
net_pairs_use(struct net *n, unsigned pairs)
{
	unsigned before = net_pairs_used(n), i;

	for (i = before; i < pairs; i++)
		if (set_enabled(&n->pair[i], true) == -1) {
			while (i-- > before)
				set_enabled(&n->pair[i], false);
			return -1;
		}
	for (i = n->pairs; i-- > pairs;)
		set_enabled(&n->pair[i], false);
	return 0;
}

/* Takes the pair's lock if its queue may be worked on. */
static bool
begin(struct net_pair *p, unsigned which)
{
	pthread_mutex_lock(&p->lock);
	if (p->live[which] && net_queue(p, which)->vq.broken == NULL &&
	    !machine_frozen(p->net->dev.machine))
		return true;
	pthread_mutex_unlock(&p->lock);
	return false;
}

/*
 * The same, for a queue that became usable since it was last looked at. False
 * also for one that the host's kernel works on from here on.
 */
static bool
begin_first(struct net_pair *p, unsigned which)
{
	struct net *n = p->net;
	unsigned queue = net_queue(p, which)->index;
	bool usable;

	virtio_begin(&n->dev);
	/* Who is the control queue is known only when the device started. */
	usable =
	    virtio_usable(&n->dev, queue) && p->enabled && queue != n->control;
	if (usable) {
		net_tell_moved(n);
		pthread_mutex_lock(&p->lock);
		p->live[which] = usable = !net_vhost_begin(p, which);
		if (!usable)
			pthread_mutex_unlock(&p->lock);
	}
	virtio_end(&n->dev);
	return usable;
}

/* Releases the pair's lock and tells what could not be told under it. */
static void
end(struct net_pair *p)
{
	struct net *n = p->net;
	bool lost = p->lost && !n->gone;
	int error = p->error;
	bool broken = net_queue(p, NET_RX)->vq.broken != NULL ||
	    net_queue(p, NET_TX)->vq.broken != NULL;

	pthread_mutex_unlock(&p->lock);
	if (lost)
		net_link_down(n, error);
	if (broken) {
		virtio_begin(&n->dev);
		virtio_end(&n->dev);
	}
}

static bool
enter(struct net_pair *p, unsigned which)
{
	return begin(p, which) || begin_first(p, which);
}

static void
control(struct net *n, unsigned queue)
{
	virtio_begin(&n->dev);
	if (virtio_usable(&n->dev, queue) && queue == n->control) {
		net_tell_moved(n);
		net_control(n);
	}
	virtio_end(&n->dev);
}

static void
on_kick(evutil_socket_t fd, short what, void *arg)
{
	struct virtio_queue *q = arg;
	struct net *n = (struct net *)q->dev;
	unsigned which = q->index % 2;
	struct net_pair *p = NULL;
	uint64_t kicks;

	if (read(fd, &kicks, sizeof kicks) == -1)
		return;
	if (q->index / 2 < n->pairs)
		p = &n->pair[q->index / 2];
	if (p == NULL || !enter(p, which)) {
		control(n, q->index);
		return;
	}
	if (which == NET_RX)
		net_receive(p);
	else
		net_transmit(p);
	end(p);
}

static void
on_readable(evutil_socket_t fd, short what, void *arg)
{
	struct net_pair *p = arg;

	if (!enter(p, NET_RX)) {
		event_del(p->readable);
		return;
	}
	net_receive(p);
	end(p);
}

static void
on_writable(evutil_socket_t fd, short what, void *arg)
{
	struct net_pair *p = arg;

	if (!enter(p, NET_TX))
		return;
	net_transmit(p);
	end(p);
}

static void
on_patience(evutil_socket_t fd, short what, void *arg)
{
	struct net_pair *p = arg;

	if (!enter(p, NET_RX))
		return;
	if (p->rx.held > 0)
		net_rx_give_up(p);
	end(p);
}

static void
on_stop(evutil_socket_t fd, short what, void *arg)
{
	struct net_pair *p = arg;

	event_base_loopbreak(p->base);
}

static void *
thread_main(void *arg)
{
	struct net_pair *p = arg;
	char name[16];

	snprintf(name, sizeof name, "%s.%u", p->net->name, p->index);
	thread_begin(THREAD_NET, name);
	event_base_loop(p->base, EVLOOP_NO_EXIT_ON_EMPTY);
	return NULL;
}

int
net_pairs_create(struct net *n, const int *tap_fd, struct event_base *base)
{
	struct net_pair *p;
	struct error quiet;
	unsigned i, which;

	n->pair = calloc(n->pairs, sizeof *n->pair);
	if (n->pair == NULL)
		return -1;
	for (i = 0; i < n->pairs; i++) {
		p = &n->pair[i];
		p->net = n;
		p->index = i;
		pthread_mutex_init(&p->lock, NULL);
		p->tap_fd = tap_fd[i];
		p->stop_fd = p->vhost_fd = p->back_fd = -1;
		for (which = NET_RX; which <= NET_TX; which++)
			p->ring[which] = (struct net_ring){
			    .pair = p, .call_fd = -1, .error_fd = -1};
		p->enabled = i == 0;
		/* What comes for a queue that nobody serves would be lost. */
		if (i > 0)
			tap_set_queue(p->tap_fd, false, &quiet);
		p->base = i == 0 ? base : event_base_new();
	}
	return 0;
}

/* The loop of its own and the thread on it. */
static int
start_thread(struct net_pair *p)
{
	int rc;

	p->stop_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (p->stop_fd == -1)
		return -1;
	p->stop = event_new(p->base, p->stop_fd, EV_READ, on_stop, p);
	if (p->stop == NULL || event_add(p->stop, NULL) == -1)
		return -1;
	rc = pthread_create(&p->thread, NULL, thread_main, p);
	errno = rc;
	p->has_thread = rc == 0;
	return rc == 0 ? 0 : -1;
}

static int
listen_pair(struct net_pair *p)
{
	if (p->base == NULL)
		return -1;
	p->readable =
	    event_new(p->base, p->tap_fd, EV_READ | EV_PERSIST, on_readable, p);
	p->writable = event_new(p->base, p->tap_fd, EV_WRITE, on_writable, p);
	p->patience = event_new(p->base, -1, 0, on_patience, p);
	if (p->readable == NULL || p->writable == NULL || p->patience == NULL)
		return -1;
	return net_vhost_listen(p);
}

int
net_pairs_listen(struct net *n, struct event_base *base)
{
	struct virtio_queue *q;
	struct event_base *on;
	unsigned i;

	errno = ENOMEM;
	for (i = 0; i < n->pairs; i++)
		if (listen_pair(&n->pair[i]) == -1)
			return -1;
	for (i = 0; i < n->dev.queues; i++) {
		q = &n->dev.queue[i];
		on = i / 2 < n->pairs ? n->pair[i / 2].base : base;
		q->event =
		    event_new(on, q->kick_fd, EV_READ | EV_PERSIST, on_kick, q);
		if (q->event == NULL || event_add(q->event, NULL) == -1)
			return -1;
	}
	for (i = 1; i < n->pairs; i++)
		if (start_thread(&n->pair[i]) == -1)
			return -1;
	return 0;
}

static void
stop_thread(struct net_pair *p)
{
	if (p->has_thread) {
		eventfd_write(p->stop_fd, 1);
		pthread_join(p->thread, NULL);
	}
	if (p->stop != NULL)
		event_free(p->stop);
	if (p->stop_fd != -1)
		close(p->stop_fd);
}

/* Events go before their loops. */
static void
free_events(struct net *n)
{
	unsigned i;

	for (i = 0; i < n->dev.queues; i++)
		if (n->dev.queue[i].event != NULL) {
			event_free(n->dev.queue[i].event);
			n->dev.queue[i].event = NULL;
		}
	for (i = 0; i < n->pairs; i++) {
		if (n->pair[i].readable != NULL)
			event_free(n->pair[i].readable);
		if (n->pair[i].writable != NULL)
			event_free(n->pair[i].writable);
		if (n->pair[i].patience != NULL)
			event_free(n->pair[i].patience);
		net_vhost_unlisten(&n->pair[i]);
	}
}

void
net_pairs_destroy(struct net *n)
{
	struct net_pair *p;
	unsigned i;

	for (i = 0; i < n->pairs; i++)
		stop_thread(&n->pair[i]);
	free_events(n);
	for (i = 0; i < n->pairs; i++) {
		p = &n->pair[i];
		if (i > 0 && p->base != NULL)
			event_base_free(p->base);
		net_vhost_destroy(p);
		close(p->tap_fd);
		pthread_mutex_destroy(&p->lock);
	}
	free(n->pair);
}
