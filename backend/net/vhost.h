/*
 * vhost.h: the host's vhost-net, where there is one: its kernel moves frames
 * between the rings of one pair of queues and a tap, and neither a kick nor an
 * interrupt of theirs comes to user space. Implements <linux/vhost.h>.
 *
 *	vhost_open()   the backend: one descriptor a pair of queues
 *	vhost_own()    the guest process, once: its memory, what it can do
 *	vhost_start()  ┐ a ring goes to the kernel, and comes back; on any
 *	vhost_stop()   ┘ thread, one at a time for each descriptor
 *
 * All but the first work on a descriptor alone, and are this program's only
 * users of vhost's ioctls. Frames have no header of vhost's: the tap speaks
 * the guest's own (tap_set_header()).
 */
#ifndef BACKEND_NET_VHOST_H
#define BACKEND_NET_VHOST_H

#include <stdint.h>

#include "backend/vmm/guestmem.h"
#include "config/error.h"

/* Rings as vhost-net numbers them: as a card does, of each pair. */
#define VHOST_RX    0
#define VHOST_TX    1
#define VHOST_RINGS 2

/*
 * A new descriptor, close-on-exec. -1 with why the host has none to give, a
 * phrase: "there is no /dev/vhost-net (modprobe vhost_net)".
 */
int vhost_open(struct error *err);

/*
 * Makes the calling process the one whose memory fd's kernel thread works in,
 * and tells it where RAM is: only there may buffers lie. *features gets what it
 * can do (bits of virtio's). Main thread, before the process is confined. -1
 * with a phrase.
 */
int vhost_own(
    int fd, const struct guestmem *mem, uint64_t *features, struct error *err);

struct vhost_ring {
	uint16_t size; /* a power of two */
	uint16_t next_avail; /* the first entry that was not taken yet */
	void *desc, *avail, *used; /* addresses of this process, in RAM */
	int kick_fd; /* eventfds: something is available, */
	int call_fd; /* something was used, */
	int error_fd; /* a descriptor broke a rule */
};

/*
 * The kernel works on the ring from here on, with these features and on this
 * queue of a tap. -1 with a phrase, and it does not.
 */
int vhost_start(int fd, unsigned ring, uint64_t features,
    const struct vhost_ring *r, int tap_fd, struct error *err);
/*
 * It does not any more when this returns, nor waits for kicks: all it took is
 * used. *next_avail is where to go on. -1 with a phrase.
 */
int vhost_stop(int fd, unsigned ring, uint16_t *next_avail, struct error *err);
/* What is used is told here from now on. -1 with a phrase. */
int vhost_call(int fd, unsigned ring, int call_fd, struct error *err);

#endif
