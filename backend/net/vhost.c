#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <linux/vhost.h>

#include "backend/net/vhost.h"

#define VHOST_DEVICE "/dev/vhost-net"

int
vhost_open(struct error *err)
{
	int fd = open(VHOST_DEVICE, O_RDWR | O_CLOEXEC);

	if (fd != -1)
		return fd;
	switch (errno) {
	case ENOENT:
	case ENODEV:
	case ENXIO:
		return error_set(
		    err, "there is no " VHOST_DEVICE " (modprobe vhost_net)");
	case EACCES:
	case EPERM:
		return error_set(err,
		    "no permission to open " VHOST_DEVICE " (the group of its "
		    "owner, or root, has it)");
	}
	return error_set(
	    err, VHOST_DEVICE " does not open: %s", strerror(errno));
}

static int
failed(struct error *err, const char *what)
{
	return error_set(err, "%s is refused: %s", what, strerror(errno));
}

/* RAM below the hole and above it; neither ROM nor a device's memory. */
static int
set_memory(int fd, const struct guestmem *mem, struct error *err)
{
	struct {
		struct vhost_memory head;
		struct vhost_memory_region
		    region[sizeof mem->region / sizeof *mem->region];
	} table;
	unsigned i;

	memset(&table, 0, sizeof table);
	table.head.nregions = mem->regions;
	for (i = 0; i < mem->regions; i++) {
		table.region[i].guest_phys_addr = mem->region[i].gpa;
		table.region[i].memory_size = mem->region[i].size;
		table.region[i].userspace_addr =
		    (uint64_t)(uintptr_t)mem->region[i].hva;
	}
	if (ioctl(fd, VHOST_SET_MEM_TABLE, &table) == -1)
		return failed(err, "the guest's memory");
	return 0;
}

int
vhost_own(
    int fd, const struct guestmem *mem, uint64_t *features, struct error *err)
{
	__u64 can = 0;

	if (ioctl(fd, VHOST_SET_OWNER) == -1)
		return failed(err, "a thread of the kernel's");
	if (ioctl(fd, VHOST_GET_FEATURES, &can) == -1)
		return failed(err, "asking what it can do");
	*features = can;
	return set_memory(fd, mem, err);
}

/* Everything but the tap, which sets it going. */
static int
set_ring(int fd, unsigned ring, const struct vhost_ring *r, struct error *err)
{
	struct vhost_vring_state size = {ring, r->size};
	struct vhost_vring_state base = {ring, r->next_avail};
	struct vhost_vring_addr at = {
	    .index = ring,
	    .desc_user_addr = (uint64_t)(uintptr_t)r->desc,
	    .avail_user_addr = (uint64_t)(uintptr_t)r->avail,
	    .used_user_addr = (uint64_t)(uintptr_t)r->used,
	};
	struct vhost_vring_file error = {ring, r->error_fd};
	struct vhost_vring_file kick = {ring, r->kick_fd};

	if (ioctl(fd, VHOST_SET_VRING_NUM, &size) == -1)
		return failed(err, "a ring's size");
	if (ioctl(fd, VHOST_SET_VRING_BASE, &base) == -1)
		return failed(err, "where a ring begins");
	if (ioctl(fd, VHOST_SET_VRING_ADDR, &at) == -1)
		return failed(err, "where a ring is");
	if (ioctl(fd, VHOST_SET_VRING_ERR, &error) == -1 ||
	    vhost_call(fd, ring, r->call_fd, err) == -1 ||
	    ioctl(fd, VHOST_SET_VRING_KICK, &kick) == -1)
		return failed(err, "a ring's eventfd");
	return 0;
}

/* With no tap, kicks or calls: as a ring was before it was set. */
static int
let_go(int fd, unsigned ring)
{
	struct vhost_vring_file none = {ring, -1};

	if (ioctl(fd, VHOST_NET_SET_BACKEND, &none) == -1)
		return -1;
	ioctl(fd, VHOST_SET_VRING_KICK, &none);
	ioctl(fd, VHOST_SET_VRING_CALL, &none);
	return 0;
}

int
vhost_start(int fd, unsigned ring, uint64_t features,
    const struct vhost_ring *r, int tap_fd, struct error *err)
{
	struct vhost_vring_file backend = {ring, tap_fd};
	__u64 chosen = features;

	if (ioctl(fd, VHOST_SET_FEATURES, &chosen) == -1)
		return failed(err, "what the driver chose");
	if (set_ring(fd, ring, r, err) == -1) {
		let_go(fd, ring);
		return -1;
	}
	if (ioctl(fd, VHOST_NET_SET_BACKEND, &backend) == -1) {
		failed(err, "the tap");
		let_go(fd, ring);
		return -1;
	}
	return 0;
}

int
vhost_stop(int fd, unsigned ring, uint16_t *next_avail, struct error *err)
{
	struct vhost_vring_state base = {ring, 0};

	/* It returns when the kernel's thread has left the ring. */
	if (let_go(fd, ring) == -1)
		return failed(err, "taking a ring back");
	if (ioctl(fd, VHOST_GET_VRING_BASE, &base) == -1)
		return failed(err, "where a ring goes on");
	*next_avail = (uint16_t)base.num;
	return 0;
}

int
vhost_call(int fd, unsigned ring, int call_fd, struct error *err)
{
	struct vhost_vring_file call = {ring, call_fd};

	if (ioctl(fd, VHOST_SET_VRING_CALL, &call) == -1)
		return failed(err, "an interrupt's eventfd");
	return 0;
}
