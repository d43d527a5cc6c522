/*
 * net_vhost.c: a pair's queues given to the host's kernel (backend/net/vhost.h)
 * and taken back.
 *
 *	ours ── net_vhost_begin(), on the pair's loop ──▶ theirs
 *	  ▲                                                 │ any thread
 *	  └── on_back(): kicks are heard again ◀── net_vhost_end()
 *
 * A queue is theirs in place of live (net.h), and what would end its life takes
 * it back: a reset, a pair that is not used any more, the machine being saved,
 * the cable being pulled out. So the rest of the card knows nothing of it, a
 * saved guest neither, and the kernel holds no request while somebody looks.
 *
 * The kernel signals a vector's irqfd itself, which keeps what is sent while
 * the vector is masked (pci_msix.c). Without MSI-X it signals call_fd, which we
 * read, and raise the pin for.
 *
 * It knows nothing of the filter of the control queue. That may let frames
 * through (virtio 1.2, 5.1.6.5: there are no guarantees), and the driver looks
 * at each anyway; most are kept away by the tap (net_ctrl.c).
 */
#include <errno.h>
#include <event2/event.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "backend/net/vhost.h"
#include "backend/virtio/net.h"

/* Without these the driver would have to do with less than it was offered. */
#define NEEDS                                                            \
	(NET_F_MRG_RXBUF | VIRTIO_F_INDIRECT_DESC | VIRTIO_F_EVENT_IDX | \
	    VIRTIO_F_VERSION_1)

/* Between two looks whether the tap is still there. */
#define WATCH_SECONDS 2

/* Somebody else's descriptor that turned readable; false: it was read before. */
static bool
take(int fd)
{
	uint64_t count;

	return read(fd, &count, sizeof count) == (ssize_t)sizeof count;
}

static void
not_used(struct net *n, const struct error *err)
{
	if (atomic_exchange(&n->vhost, false))
		log_guest(&n->dev.quiet,
		    "%s: the host's vhost-net is not used: %s", n->name,
		    err->text);
}

static struct vhost_ring
describe(struct net_pair *p, unsigned which)
{
	const struct virtio_queue *q = net_queue(p, which);
	const struct net_ring *r = &p->ring[which];
	int irqfd = virtio_interrupt_fd(&p->net->dev, q->index);

	return (struct vhost_ring){
	    .size = q->vq.size,
	    .next_avail = q->vq.next_avail,
	    .desc = q->vq.desc,
	    .avail = q->vq.avail,
	    .used = q->vq.used,
	    .kick_fd = q->kick_fd,
	    .call_fd = irqfd != -1 ? irqfd : r->call_fd,
	    .error_fd = r->error_fd,
	};
}

bool
net_vhost_begin(struct net_pair *p, unsigned which)
{
	const struct virtio_queue *q = net_queue(p, which);
	struct net *n = p->net;
	struct vhost_ring ring;
	struct error err;

	if (p->ring[which].theirs)
		return true;
	if (!n->vhost || n->gone || n->unplugged || p->lost)
		return false;
	/* Of whom had the queue before. */
	take(p->ring[which].error_fd);
	ring = describe(p, which);
	if (vhost_start(p->vhost_fd, which, n->features & NEEDS, &ring,
		p->tap_fd, &err) == -1) {
		not_used(n, &err);
		return false;
	}
	p->ring[which].theirs = true;
	event_del(q->event);
	if (which == NET_RX) {
		event_del(p->readable);
		event_del(p->patience);
	} else {
		event_del(p->writable);
	}
	if (p->index == 0)
		event_add(p->watch, &(struct timeval){WATCH_SECONDS, 0});
	/* What is there already. */
	virtio_kick(&n->dev, q->index);
	return true;
}

static void
take_back(struct net_pair *p, unsigned which)
{
	struct virtio_queue *q = net_queue(p, which);
	struct net_ring *r = &p->ring[which];
	struct net *n = p->net;
	uint16_t next_avail;
	struct error err;

	if (!r->theirs)
		return;
	r->theirs = false;
	if (vhost_stop(p->vhost_fd, which, &next_avail, &err) == 0) {
		virtq_resume(&q->vq, next_avail);
	} else {
		not_used(n, &err);
		virtq_break(&q->vq, "the host does not give it back");
	}
	/* Told to us, and not yet to the driver. */
	if (take(r->call_fd))
		virtio_interrupt(&n->dev, q->index);
	virtio_kick(&n->dev, q->index);
	eventfd_write(p->back_fd, 1);
}

void
net_vhost_end(struct net_pair *p)
{
	take_back(p, NET_RX);
	take_back(p, NET_TX);
}

void
net_vhost_reroute(struct virtio_dev *dev)
{
	struct net *n = (struct net *)dev;
	struct vhost_ring ring;
	struct error err;
	unsigned i, which;

	net_lock(n);
	for (i = 0; i < n->pairs; i++)
		for (which = NET_RX; which <= NET_TX; which++) {
			if (!n->pair[i].ring[which].theirs)
				continue;
			ring = describe(&n->pair[i], which);
			if (vhost_call(n->pair[i].vhost_fd, which, ring.call_fd,
				&err) == -1)
				not_used(n, &err);
		}
	net_unlock(n);
}

/* Queues are ours again: their kicks, too. */
static void
on_back(evutil_socket_t fd, short what, void *arg)
{
	struct net_pair *p = arg;

	take(fd);
	pthread_mutex_lock(&p->lock);
	if (!p->ring[NET_RX].theirs)
		event_add(net_queue(p, NET_RX)->event, NULL);
	if (!p->ring[NET_TX].theirs)
		event_add(net_queue(p, NET_TX)->event, NULL);
	if (!p->ring[NET_RX].theirs && !p->ring[NET_TX].theirs)
		event_del(p->watch);
	pthread_mutex_unlock(&p->lock);
}

/* Used buffers, and the driver wants to hear of them by the pin. */
static void
on_call(evutil_socket_t fd, short what, void *arg)
{
	struct net_ring *r = arg;
	struct net_pair *p = r->pair;
	struct virtio_dev *dev = &p->net->dev;

	virtio_begin(dev);
	pthread_mutex_lock(&p->lock);
	if (take(fd) && r->theirs)
		virtio_interrupt(
		    dev, net_queue(p, (unsigned)(r - p->ring))->index);
	pthread_mutex_unlock(&p->lock);
	virtio_end(dev);
}

/* The driver broke a rule, and the kernel saw it. */
static void
on_error(evutil_socket_t fd, short what, void *arg)
{
	struct net_ring *r = arg;
	struct net_pair *p = r->pair;
	struct virtio_dev *dev = &p->net->dev;
	unsigned which = (unsigned)(r - p->ring);

	virtio_begin(dev);
	pthread_mutex_lock(&p->lock);
	if (take(fd) && r->theirs) {
		virtq_break(&net_queue(p, which)->vq,
		    "the host's kernel found a request that breaks a rule");
		take_back(p, which);
	}
	pthread_mutex_unlock(&p->lock);
	virtio_end(dev);
}

/* A tap that is deleted wakes nobody but who reads it. */
static void
on_watch(evutil_socket_t fd, short what, void *arg)
{
	struct net_pair *p = arg;
	struct pollfd tap = {.fd = p->tap_fd};

	if (poll(&tap, 1, 0) == 1)
		net_link_down(p->net, EBADFD);
}

static int
make_ring(struct net_ring *r)
{
	r->call_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	r->error_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	return r->call_fd == -1 || r->error_fd == -1 ? -1 : 0;
}

/* Takes the descriptor over, also on failure. */
static int
make_pair(
    struct net_pair *p, int fd, const struct guestmem *mem, struct error *err)
{
	uint64_t features;

	p->vhost_fd = fd;
	if (vhost_own(fd, mem, &features, err) == -1)
		return -1;
	if ((features & NEEDS) != NEEDS)
		return error_set(err, "it is too old");
	p->back_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (p->back_fd == -1 || make_ring(&p->ring[NET_RX]) == -1 ||
	    make_ring(&p->ring[NET_TX]) == -1)
		return error_set(err, "there are no more eventfds");
	return 0;
}

void
net_vhost_create(struct net *n, const struct guestmem *mem,
    const struct virtio_net_config *config)
{
	bool enough = config->vhosts >= n->pairs;
	struct error err;
	unsigned i;

	n->vhost = enough;
	for (i = 0; i < config->vhosts; i++)
		if (!n->vhost || i >= n->pairs)
			close(config->vhost_fd[i]);
		else if (make_pair(
			     &n->pair[i], config->vhost_fd[i], mem, &err) == -1)
			not_used(n, &err);
	for (i = 0; !n->vhost && i < n->pairs; i++)
		net_vhost_destroy(&n->pair[i]);
}

static int
listen_fd(struct net_pair *p, int fd, event_callback_fn call, void *arg,
    struct event **event)
{
	*event = event_new(p->base, fd, EV_READ | EV_PERSIST, call, arg);
	return *event == NULL ? -1 : event_add(*event, NULL);
}

int
net_vhost_listen(struct net_pair *p)
{
	struct net_ring *r;

	if (!p->net->vhost)
		return 0;
	for (r = p->ring; r < p->ring + 2; r++)
		if (listen_fd(p, r->call_fd, on_call, r, &r->called) == -1 ||
		    listen_fd(p, r->error_fd, on_error, r, &r->failed) == -1)
			return -1;
	p->watch = event_new(p->base, -1, EV_PERSIST, on_watch, p);
	return p->watch == NULL
	    ? -1
	    : listen_fd(p, p->back_fd, on_back, p, &p->back);
}

void
net_vhost_unlisten(struct net_pair *p)
{
	struct event *all[] = {p->ring[NET_RX].called, p->ring[NET_RX].failed,
	    p->ring[NET_TX].called, p->ring[NET_TX].failed, p->watch, p->back};
	size_t i;

	for (i = 0; i < sizeof all / sizeof *all; i++)
		if (all[i] != NULL)
			event_free(all[i]);
}

void
net_vhost_destroy(struct net_pair *p)
{
	int *all[] = {&p->vhost_fd, &p->back_fd, &p->ring[NET_RX].call_fd,
	    &p->ring[NET_RX].error_fd, &p->ring[NET_TX].call_fd,
	    &p->ring[NET_TX].error_fd};
	size_t i;

	for (i = 0; i < sizeof all / sizeof *all; i++) {
		if (*all[i] != -1)
			close(*all[i]);
		*all[i] = -1;
	}
}
