/*
 * virtio.h: virtio devices behind one transitional PCI transport.
 *
 *	 driver ──ring──▶ struct virtq ──chains──▶ rng.c blk.c net.c …
 *	   │ registers           ▲                     (struct virtio_ops)
 *	   ▼                     │ kick: ioeventfd, interrupt: irqfd
 *	 pci.c + pci_legacy.c (both faces) ─────▶ struct virtio_dev
 *
 * A device is one file that ends in one ops table. The transport does status,
 * feature bits, queue set-up, interrupts, save and load; queue.c walks and
 * checks descriptors; a device only sees checked chains.
 *
 * Threads: register accesses come on vcpu threads and are serialised by the
 * device's lock. Queues are processed by the device's own context: the main
 * loop for rng and a card's first pair, its own thread for a disk and for each
 * further pair. kicks are eventfds, so the
 * context just polls them.
 *
 * A guest that breaks the rules of a ring gets its device broken: status bit
 * DEVICE_NEEDS_RESET with a configuration interrupt (virtio 1.2, 2.1.2), and
 * the queue is not looked at until the driver resets it.
 */
#ifndef BACKEND_VIRTIO_VIRTIO_H
#define BACKEND_VIRTIO_VIRTIO_H

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/uio.h>

#include "backend/block/block.h"
#include "backend/dev/pci.h"
#include "backend/vmm/machine.h"

struct event_base;
struct virtio_dev;

/* Counters for the screen; written by one thread, read by any. */
struct virtio_figures {
	_Atomic uint64_t in_bytes, in_ops; /* to the guest: read, received */
	_Atomic uint64_t out_bytes, out_ops; /* from it: written, sent */
};

/*
 * The devices. Each is added to the bus in its next slot and owned by it.
 * They fail with a sentence and leave nothing behind. dev, if not NULL, gets
 * the device for figures; it lives as long as the machine.
 */

/*
 * Disk (virtio 1.2, 5.2): takes block over, also on failure. Runs a thread of
 * its own named after name ("vda"), which serves all its queues in turn; there
 * is one for each of cpus, up to 8, each with an interrupt of its own. serial:
 * at most 20 bytes, may be "".
 *
 * Where the host's disk is full, or the owner's quota used up, the guest gets
 * no error: the request waits in the device, full() is called, and nothing
 * new is begun until virtio_blk_retry(). full() comes on the disk's thread or
 * a vcpu's, with the device's lock held, and may only pass the word on.
 */
struct virtio_blk_ops {
	void (*full)(void *arg);
	/* Where virtio_blk_grow() was called; as full(). */
	void (*grown)(void *arg);
};
int virtio_blk_create(struct pci_bus *bus, struct block *block,
    const char *name, const char *serial, unsigned cpus,
    const struct virtio_blk_ops *ops, void *arg, struct virtio_dev **dev,
    struct error *err);
/*
 * Why requests wait: ENOSPC or EDQUOT; 0 if none do. Any thread, without the
 * device's lock, as the next.
 */
int virtio_blk_full(struct virtio_dev *dev);
/* Submits what waits once more; if there is still no room full() tells so. */
void virtio_blk_retry(struct virtio_dev *dev);
/*
 * Begins to make the disk and its image size bytes long, or longer by so many
 * (more); grown() is called when that is over. -1 with a sentence: it cannot
 * be, as it would become shorter. Any thread, without the device's lock, as
 * the next.
 */
int virtio_blk_grow(
    struct virtio_dev *dev, uint64_t size, bool more, struct error *err);
/*
 * How that went: 1, it is under way; 0; or -1 with a sentence, and all is as it
 * was. size: what the disk has now.
 */
int virtio_blk_grown(struct virtio_dev *dev, uint64_t *size, struct error *err);

/*
 * Network card (5.1) on a non-blocking tap with IFF_VNET_HDR and a 12-byte
 * header. It has a pair of queues for each of cpus, up to 8; the driver may use
 * more than the first where the tap has as many (taps). Takes tap_fd[] over,
 * also on failure. The first pair and the control queue run on base's loop,
 * the others each on a thread of its own ("net0.1"). name ("net0") is a
 * constant. mtu is what the driver is told that goes through the tap at once,
 * 0: it is told nothing. What the host's kernel moves (vhost.h) is not among
 * the device's figures: its taps count it.
 */
#define VIRTIO_NET_PAIRS 8
struct virtio_net_config {
	const char *name;
	const int *tap_fd; /* the tap's queues */
	unsigned taps; /* 1 to VIRTIO_NET_PAIRS */
	unsigned cpus;
	const uint8_t *mac; /* 6 bytes */
	unsigned mtu;
	const int *vhost_fd; /* vhost_open(), one for each of the taps; */
	unsigned vhosts; /* taken over as well; 0: frames are moved here */
};
int virtio_net_create(struct pci_bus *bus, struct event_base *base,
    const struct virtio_net_config *config, struct virtio_dev **dev,
    struct error *err);
/* base's thread: pulls the cable out or plugs it in; whether it is in. */
void virtio_net_plug(struct virtio_dev *dev, bool plugged);
bool virtio_net_plugged(struct virtio_dev *dev);
/* Does the host's kernel move its frames, while there is a driver? Any thread. */
bool virtio_net_vhost(const struct virtio_dev *dev);

/*
 * SCSI host (5.6) with a CD-ROM drive of what drive has (block_drive()): takes
 * it over, also on failure. Runs on base's loop. changed() is told that
 * virtio_scsi_look() says something else; it comes with the device's lock held,
 * of a reset on a vcpu's thread, and may only pass the word on.
 */
struct virtio_scsi_state {
	bool inside; /* there is a medium in it */
	bool open; /* the tray: the medium in it cannot be read */
	bool locked; /* the guest has locked it */
};
int virtio_scsi_create(struct pci_bus *bus, struct event_base *base,
    struct block *drive, void (*changed)(void *arg), void *arg,
    struct virtio_dev **dev, struct error *err);
/*
 * base's thread, as the next: the medium is another one (fd, taken over), or
 * none (-1). -1 with err if the guest has locked the tray, unless by force, or
 * if fd cannot be one; all is then as it was.
 */
int virtio_scsi_exchange(struct virtio_dev *dev, int fd, const char *path,
    bool force, struct error *err);
struct virtio_scsi_state virtio_scsi_look(struct virtio_dev *dev);

/*
 * SCSI host (5.6) with disks, targets 0 to n - 1 (1 to VIRTIO_SCSI_TARGETS):
 * takes their blocks over, also on failure. It runs a thread of its own for all
 * of them. Where the host's disk is full it does as a virtio_blk_create() one.
 */
#define VIRTIO_SCSI_TARGETS 16
struct virtio_scsi_disk {
	struct block *block;
	const char *name; /* "sda", for the log */
	const char *serial; /* at most 20 bytes, printable ASCII */
};
int virtio_scsi_disks_create(struct pci_bus *bus,
    const struct virtio_scsi_disk *disk, unsigned n,
    const struct virtio_blk_ops *ops, void *arg, struct virtio_dev **dev,
    struct error *err);
/* As virtio_blk_full() and virtio_blk_retry(). */
int virtio_scsi_disk_full(struct virtio_dev *dev, unsigned n);
void virtio_scsi_disks_retry(struct virtio_dev *dev);
/* As virtio_blk_grow() and virtio_blk_grown(); one of them at a time. */
int virtio_scsi_disk_grow(struct virtio_dev *dev, unsigned n, uint64_t size,
    bool more, struct error *err);
int virtio_scsi_disk_grown(
    struct virtio_dev *dev, unsigned n, uint64_t *size, struct error *err);
const struct virtio_figures *virtio_scsi_disk_figures(
    const struct virtio_dev *dev, unsigned n);

/* Entropy (5.4), from getrandom(). Runs on base's loop. */
int virtio_rng_create(struct pci_bus *bus, struct event_base *base,
    struct virtio_dev **dev, struct error *err);

/*
 * Console (5.3) with a size, one port. output() gets what the guest prints, on
 * base's loop, with the device's lock held, and returns how many bytes it took;
 * after fewer than len, virtio_console_kick() makes the device go on.
 */
struct virtio_console_ops {
	size_t (*output)(const uint8_t *data, size_t len, void *arg);
	/* There are buffers for typing again after there were none. */
	void (*input_ready)(void *arg);
};
int virtio_console_create(struct pci_bus *bus, struct event_base *base,
    const struct virtio_console_ops *ops, void *arg, struct virtio_dev **dev,
    struct error *err);
/* The loop's thread, as the next two: prints what waits, as far as it goes. */
void virtio_console_kick(struct virtio_dev *dev);
/*
 * Offers typing; returns how many bytes found room. Without a driver all of it
 * is taken and dropped, as on a line that nobody has opened.
 */
size_t virtio_console_input(
    struct virtio_dev *dev, const uint8_t *data, size_t len);
/* Tells the driver its size; of another one than before with an interrupt. */
void virtio_console_resize(
    struct virtio_dev *dev, uint16_t rows, uint16_t cols);

/*
 * Memory balloon (5.5), with free page reporting. The driver is asked for
 * pages, which go to the host at once; it may give all that is free to the host
 * besides, unasked. changed() is told, on base's loop with the device's lock
 * held, that virtio_balloon_read() would say something else.
 */
struct virtio_balloon_state {
	bool driver; /* there is one */
	uint64_t wanted; /* bytes that it is asked to do without */
	uint64_t taken; /* bytes that it does without */
	uint64_t returned; /* bytes it gave besides, since the start */
	/* What it last said of itself, in bytes. */
	bool told;
	uint64_t total, free, available;
};
int virtio_balloon_create(struct pci_bus *bus, struct event_base *base,
    void (*changed)(void *arg), void *arg, struct virtio_dev **dev,
    struct error *err);
/* base's thread, as the next two: asks for this many bytes, of the RAM's. */
void virtio_balloon_resize(struct virtio_dev *dev, uint64_t bytes);
void virtio_balloon_read(
    struct virtio_dev *dev, struct virtio_balloon_state *state);
/* Asks the driver what it has to say of itself, if it is not being asked. */
void virtio_balloon_ask(struct virtio_dev *dev);

/*
 * OpenBSD's vmmci(4): the host asks the guest for what it is better to do by
 * itself. over() is told, on base's loop, that the guest has shut down and
 * should end, since it does not do so itself.
 */
enum vmmci_request { VMMCI_SHUTDOWN = 1, VMMCI_REBOOT, VMMCI_SYNCRTC };
int virtio_vmmci_create(struct pci_bus *bus, struct event_base *base,
    void (*over)(void *arg), void *arg, struct virtio_dev **dev,
    struct error *err);
/*
 * Returns false if there is no driver that could be asked, or if it was asked
 * for the same before and has not answered. Any thread.
 */
bool virtio_vmmci_ask(struct virtio_dev *dev, enum vmmci_request what);

/* Its slot on the PCI bus. */
unsigned virtio_slot(const struct virtio_dev *dev);
/*
 * After machine_freeze(): returns when the device has finished what it was at,
 * interrupts and all. Main thread.
 */
void virtio_still(struct virtio_dev *dev);
/*
 * After machine_freeze() was taken back: has the device look at all its queues
 * again. Any thread.
 */
void virtio_thaw(struct virtio_dev *dev);

const struct virtio_figures *virtio_figures(const struct virtio_dev *dev);

#endif
