/*
 * vmmci.c: how a host asks an OpenBSD guest to shut down, to reboot and to set
 * its clock: the device of vmm(4) that its vmmci(4) drives.
 *
 * It speaks the legacy interface of virtio and has no queue, just its
 * configuration:
 *
 *	0  command  what the host asks for, with a configuration interrupt; the
 *	            driver that took F_ACK writes it back when it goes about it
 *	4  seconds  since 1970, of 64 bits, and at
 *	12 microseconds: the host's clock, as it was when 4 was read
 *
 * A driver also writes "shut down" when its system goes down by itself. The
 * host then ends a guest that neither resets nor switches off: one that halts
 * would wait for a key for ever.
 */
#include <endian.h>
#include <errno.h>
#include <event2/event.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>

#include "backend/virtio/device.h"

#define VENDOR_OPENBSD 0x0b5d
#define DEVICE_CONTROL 0x0777
#define VIRTIO_ID      0xffff /* what OpenBSD calls it */

#define F_TIMESYNC (1ULL << 0)
#define F_ACK      (1ULL << 1)
#define F_SYNCRTC  (1ULL << 2)

#define CONFIG_COMMAND 0
#define CONFIG_SEC     4
#define CONFIG_USEC    12
#define CONFIG_LEN     20

#define COMMAND_NONE 0

/* How long a guest may take that shuts down as it was asked, or by itself. */
#define ASKED_S 120
#define OWN_S   10

struct vmmci {
	struct virtio_dev dev; /* first */
	void (*over)(void *arg);
	void *arg;
	int wake_fd; /* the shutdown began, or was called off */
	struct event *wake, *timer;
	int limit; /* seconds that it has; 0: it does not shut down */
	bool asked; /* to shut down, and has not answered */
};

static uint32_t
command(const struct vmmci *v)
{
	uint32_t c;

	memcpy(&c, v->dev.config + CONFIG_COMMAND, sizeof c);
	return le32toh(c);
}

static void
set_command(struct vmmci *v, uint32_t c)
{
	c = htole32(c);
	memcpy(v->dev.config + CONFIG_COMMAND, &c, sizeof c);
}

static void
set_limit(struct vmmci *v, int seconds)
{
	uint64_t one = 1;
	ssize_t n;

	v->limit = seconds;
	/* It fails only where it was written already. */
	n = write(v->wake_fd, &one, sizeof one);
	(void)n;
}

/* The loop's thread: the limit is another one. */
static void
on_wake(evutil_socket_t fd, short what, void *arg)
{
	struct timeval limit = {0, 0};
	struct vmmci *v = arg;
	uint64_t n;

	if (read(fd, &n, sizeof n) == -1)
		return;
	virtio_begin(&v->dev);
	limit.tv_sec = v->limit;
	virtio_end(&v->dev);
	if (limit.tv_sec > 0)
		event_add(v->timer, &limit);
	else
		event_del(v->timer);
}

static void
on_timer(evutil_socket_t fd, short what, void *arg)
{
	struct vmmci *v = arg;
	bool over;

	virtio_begin(&v->dev);
	over = v->limit > 0;
	virtio_end(&v->dev);
	if (over)
		v->over(v->arg);
}

static void
vmmci_notify(struct virtio_dev *dev, unsigned queue)
{
}

static void
vmmci_config_read(struct virtio_dev *dev, unsigned offset)
{
	struct timespec now;
	uint64_t sec, usec;

	/* Read in pieces, the two belong together. */
	if (offset < CONFIG_SEC || offset >= CONFIG_USEC)
		return;
	clock_gettime(CLOCK_REALTIME, &now);
	sec = htole64((uint64_t)now.tv_sec);
	/* 0 means that the time is not known. */
	usec = htole64((uint64_t)now.tv_nsec / 1000 | 1);
	memcpy(dev->config + CONFIG_SEC, &sec, sizeof sec);
	memcpy(dev->config + CONFIG_USEC, &usec, sizeof usec);
}

static void
vmmci_config_write(
    struct virtio_dev *dev, unsigned offset, unsigned size, uint64_t value)
{
	struct vmmci *v = (struct vmmci *)dev;

	if (offset != CONFIG_COMMAND || size != 4 ||
	    (dev->features & F_ACK) == 0 || !dev->started)
		return;
	if (value == VMMCI_SHUTDOWN && v->limit == 0)
		set_limit(v, v->asked ? ASKED_S : OWN_S);
	if (value == VMMCI_SHUTDOWN)
		v->asked = false;
	/* Answered; the same may be asked for again. */
	if (value == command(v))
		set_command(v, COMMAND_NONE);
}

static void
vmmci_reset(struct virtio_dev *dev)
{
	struct vmmci *v = (struct vmmci *)dev;

	v->asked = false;
	set_command(v, COMMAND_NONE);
	if (v->limit != 0)
		set_limit(v, 0);
}

static void
vmmci_save(struct virtio_dev *dev, struct state_writer *w)
{
	struct vmmci *v = (struct vmmci *)dev;

	state_put_u32(w, command(v));
	state_put_u8(w, v->asked);
	state_put_u8(w, (uint8_t)v->limit);
}

static int
vmmci_load(struct virtio_dev *dev, struct state_reader *r)
{
	struct vmmci *v = (struct vmmci *)dev;
	uint32_t c = state_get_u32(r);
	bool asked = state_get_u8(r) != 0;
	int limit = state_get_u8(r);

	if (c > VMMCI_SYNCRTC ||
	    (limit != 0 && limit != OWN_S && limit != ASKED_S))
		return -1;
	set_command(v, c);
	v->asked = asked;
	/* The time that it has begins anew. */
	set_limit(v, limit);
	return 0;
}

static void
vmmci_destroy(struct virtio_dev *dev)
{
	struct vmmci *v = (struct vmmci *)dev;

	if (v->wake != NULL)
		event_free(v->wake);
	if (v->timer != NULL)
		event_free(v->timer);
	if (v->wake_fd != -1)
		close(v->wake_fd);
}

bool
virtio_vmmci_ask(struct virtio_dev *dev, enum vmmci_request what)
{
	struct vmmci *v = (struct vmmci *)dev;
	bool can;

	virtio_begin(dev);
	/* One that does not answer is not asked again. */
	can = dev->started && command(v) != (uint32_t)what &&
	    (what != VMMCI_SYNCRTC ||
		((dev->features & F_SYNCRTC) != 0 &&
		    command(v) == COMMAND_NONE));
	if (can) {
		set_command(v, (uint32_t)what);
		v->asked = v->asked || what == VMMCI_SHUTDOWN;
		virtio_config_changed(dev);
	}
	virtio_end(dev);
	return can;
}

static const struct virtio_ops vmmci_ops = {
    .name = "vmmci",
    .type = VIRTIO_ID,
    .pci_vendor = VENDOR_OPENBSD,
    .pci_device = DEVICE_CONTROL,
    .class_code = 0x078000,
    .legacy_only = true,
    .config_len = CONFIG_LEN,
    .notify = vmmci_notify,
    .config_read = vmmci_config_read,
    .config_write = vmmci_config_write,
    .reset = vmmci_reset,
    .save = vmmci_save,
    .load = vmmci_load,
    .destroy = vmmci_destroy,
};

int
virtio_vmmci_create(struct pci_bus *bus, struct event_base *base,
    void (*over)(void *arg), void *arg, struct virtio_dev **dev,
    struct error *err)
{
	struct vmmci *v = calloc(1, sizeof *v);

	if (v == NULL)
		return error_set(err, "vmmci: out of memory");
	v->over = over;
	v->arg = arg;
	v->wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	v->wake = event_new(base, v->wake_fd, EV_READ | EV_PERSIST, on_wake, v);
	v->timer = event_new(base, -1, 0, on_timer, v);
	if (virtio_dev_create(&v->dev, bus, &vmmci_ops,
		F_TIMESYNC | F_ACK | F_SYNCRTC, err) == -1)
		return -1;
	if (v->wake_fd == -1)
		return error_set(err, "vmmci: no eventfd: %s", strerror(errno));
	if (v->wake == NULL || v->timer == NULL ||
	    event_add(v->wake, NULL) == -1)
		return error_set(err, "vmmci: out of memory");
	*dev = &v->dev;
	return 0;
}
