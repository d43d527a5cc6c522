/*
 * spec.h: all that a guest process is told: what the machine is made of.
 *
 * The backend opens everything (image, tap, /dev/kvm, kernel), so that every
 * mistake is a sentence before a process exists and a confined process needs
 * to open nothing; it sends one "launch" message with the spec as JSON and
 * the descriptors beside it.
 */
#ifndef BACKEND_PROTO_SPEC_H
#define BACKEND_PROTO_SPEC_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#include "backend/proto/rights.h"
#include "config/config.h"
#include "config/error.h"

#define SPEC_NAME_MAX  32
#define SPEC_MAX_DISKS 16
#define SPEC_MAX_FILES 32 /* of one disk: the image and what it names */
#define SPEC_MAX_NICS  8
#define SPEC_MAX_TAPS  8 /* queues of one nic's tap */

/* A struct block_file of backend/block, which sees to its meaning. */
struct spec_file {
	char *path; /* for sentences and the screen */
	int fd; /* opened and locked by block_open() */
	unsigned format, role;
	bool readonly;
};

struct spec_disk {
	bool scsi; /* a target of the SCSI host, not a virtio-blk device */
	unsigned cache; /* an enum block_cache */
	unsigned files;
	struct spec_file file[SPEC_MAX_FILES]; /* the image itself first */
};

struct spec_nic {
	int tap_fd[SPEC_MAX_TAPS]; /* one queue of it each */
	unsigned taps;
	int vhost_fd[SPEC_MAX_TAPS]; /* the host's vhost-net, one for each; */
	unsigned vhosts; /* 0: frames are moved by the guest's process */
	char
	    *no_vhost; /* why the host has none, for the log; "": it need not */
	uint8_t mac[6];
	unsigned mtu; /* 0: not known */
	/* Bytes that the tap, which was there before, had counted by then. */
	uint64_t received, sent;
	char *ifname; /* the tap's */
	char *bridge; /* the switch it joined, "" if none; for the screen */
};

struct guest_spec {
	char name[SPEC_NAME_MAX + 1];
	uint64_t memory; /* bytes */
	unsigned cpus;
	struct config_pins pins; /* n 0: the vcpus run anywhere */
	bool hugepages;
	bool balloon;
	bool serial2; /* a second serial port */
	int kvm_fd;
	int listen_fd; /* the guest's control socket, listening */
	int kernel_fd; /* -1: the firmware boots it */
	char *kernel; /* "" if none */
	int firmware_fd; /* -1: there is a kernel to boot */
	char *firmware; /* "" if none */
	bool firmware_log;
	int netrom_fd; /* what boots from the network; -1: nothing does */
	uint8_t uuid[16]; /* what firmware and system know the machine by */
	int initrd_fd; /* -1: none */
	char *initrd; /* "" if none */
	char *cmdline;
	enum config_boot boot; /* first, or what the kernel is told */
	unsigned disks, nics;
	bool cdrom_drive;
	struct spec_disk cdrom; /* one raw file; files 0: nothing is in it */
	struct spec_disk disk[SPEC_MAX_DISKS];
	struct spec_nic nic[SPEC_MAX_NICS];
	struct rights rights; /* to the guest's own socket */
	int stream_fd; /* it goes on from this (stream.h); -1: it boots */
};

/* No descriptors (-1), no strings. */
void spec_init(struct guest_spec *spec);
/* Frees the strings and closes the descriptors that are not -1. */
void spec_clear(struct guest_spec *spec);

/*
 * The spec as JSON; fd[] (room for CONN_MAX_FDS) is filled with its
 * descriptors in the order in which the JSON refers to them. They stay the
 * spec's. NULL: no memory, or more than CONN_MAX_FDS descriptors.
 */
json_t *spec_encode(const struct guest_spec *spec, int *fd, unsigned *fds);
/*
 * The other way: takes each descriptor it uses out of fd[] (sets it to -1).
 * Returns 0, or -1 with err and a cleared spec.
 */
int spec_decode(const json_t *json, int *fd, unsigned fds,
    struct guest_spec *spec, struct error *err);

#endif
