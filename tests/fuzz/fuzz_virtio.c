/*
 * fuzz_virtio: libFuzzer as the whole of a hostile guest: the driver of any
 * device, at either face, that has every byte of the rings, of the registers
 * and of its memory in its hand. What must hold: no sanitizer has anything to
 * say, every walk ends, a reset is one.
 *
 *	0x1000  rings of queue 0 (descriptors, +0x200 available, +0x300 used)
 *	0x2000  those of queue 1, and so on; 0x10000 on: data
 *
 * The memory has no neighbours: a byte beside it ends the run. The first byte
 * of the input is device and face, the second one features; then come steps.
 * FUZZ_DEVICE is the only device, 0 to 6, in the order of make_device().
 */
#include <sys/mman.h>
#include <sys/socket.h>

#include <event2/event.h>

#include "tests/unit/virtio_rig.h"
#include "backend/block/engine.h"
#include "backend/net/tap.h"
#include "config/log.h"

#define LOW    0x40000u
#define HIGH   0x10000u
#define QUEUES 5u
#define SIZE   16u
#define RINGS  0x1000u
#define AVAIL  0x200u
#define USED   0x300u
#define DATA   0x10000u
#define BYTES  40000u /* of a disk; the last sector is not whole */
#define STEPS  96u

int LLVMFuzzerTestOneInput(const uint8_t *, size_t);

static const uint8_t *input;
static size_t left;
static struct pci_bus bus;
static struct event_base *base;
static struct virtio_dev *dev;
static unsigned kind;
static bool legacy;
static int peer = -1;

static uint64_t
take(unsigned bytes)
{
	uint64_t v = 0;

	for (; bytes > 0 && left > 0; bytes--, left--)
		v = v << 8 | *input++;
	return v;
}

/* ---- the host ---- */

int
tap_set_queue(int fd, bool attached, struct error *err)
{
	return 0;
}

int
tap_set_offload(int fd, unsigned offload, struct error *err)
{
	return 0;
}

int
tap_set_header(int fd, int bytes, struct error *err)
{
	return 0;
}

int
tap_set_filter(int fd, const uint8_t (*addr)[6], unsigned n, bool multicast,
    struct error *err)
{
	return 0;
}

struct fake {
	struct block b; /* first */
	struct block_queue queue;
	uint8_t bytes[BYTES];
};

static void
fake_submit(struct block *b, struct block_request *rq)
{
	block_queue_add(&((struct fake *)b)->queue, rq);
}

static void
fake_nothing(struct block *b)
{
}

/* What is asked for lies on the disk, but that its end may be cut. */
static int
serve(struct fake *k, const struct block_request *rq)
{
	uint64_t at = rq->offset, end = (BYTES + 2047) / 2048 * 2048;
	unsigned i;
	size_t n;

	if (rq->op == BLOCK_FLUSH)
		return 0;
	if (rq->len > end || at > end - rq->len)
		abort();
	if (rq->op > BLOCK_WRITE)
		return rq->op == BLOCK_DISCARD ? -EOPNOTSUPP : 0;
	for (i = 0; i < rq->iovs; i++) {
		n = rq->iov[i].iov_len;
		if (n > rq->offset + rq->len - at)
			abort();
		if (at < BYTES && rq->op == BLOCK_WRITE)
			memcpy(k->bytes + at, rq->iov[i].iov_base,
			    n < BYTES - at ? n : BYTES - at);
		else if (rq->op == BLOCK_READ)
			memset(rq->iov[i].iov_base, k->bytes[i], n);
		at += n;
	}
	if (at != rq->offset + rq->len)
		abort();
	return k->bytes[0] == 0xee ? -EIO : 0;
}

static unsigned
fake_reap(struct block *b)
{
	struct fake *k = (struct fake *)b;
	struct block_request *rq;
	unsigned n = 0;

	while ((rq = block_queue_take(&k->queue)) != NULL) {
		block_finish(b, rq, serve(k, rq));
		n++;
	}
	return n;
}

static void
fake_close(struct block *b)
{
	close(b->event_fd);
	free(b);
}

static const struct block_ops fake_ops = {.submit = fake_submit,
    .flush_queue = fake_nothing,
    .reap = fake_reap,
    .wait = fake_nothing,
    .close = fake_close};

static struct block *
disk(bool readonly)
{
	struct fake *k = calloc(1, sizeof *k);

	k->b.ops = &fake_ops;
	k->b.event_fd = eventfd(0, EFD_CLOEXEC);
	k->b.fd = -1;
	k->b.path = strdup("disk");
	k->b.size = BYTES;
	k->b.readonly = readonly;
	block_queue_init(&k->b.ready);
	block_queue_init(&k->queue);
	return &k->b;
}

static void
told(void *arg)
{
}

static const struct virtio_blk_ops blk_ops = {told, told};

static size_t
print(const uint8_t *data, size_t len, void *arg)
{
	volatile uint8_t sum = 0;
	size_t i;

	for (i = 0; i < len && i < 4096; i++)
		sum = (uint8_t)(sum + data[i]);
	return len % 7 == 3 ? len / 2 : len;
}

static const struct virtio_console_ops console_ops = {print, told};

static int
make_card(struct error *err)
{
	static const uint8_t mac[6] = {0, 0x20, 0x91, 0, 0, 1};
	int sv[2];
	struct virtio_net_config c = {.name = "net0",
	    .tap_fd = sv,
	    .taps = 1,
	    .cpus = 2,
	    .mac = mac,
	    .mtu = 1500};

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_NONBLOCK | SOCK_CLOEXEC,
		0, sv) == -1)
		abort();
	peer = sv[1];
	return virtio_net_create(&bus, base, &c, &dev, err);
}

static int
make_device(struct error *err)
{
	struct virtio_scsi_disk d[2] = {
	    {NULL, "sda", "sda"}, {NULL, "sdb", "sdb"}};

	switch (kind) {
	case 0:
		return virtio_rng_create(&bus, base, &dev, err);
	case 1:
		return virtio_balloon_create(&bus, base, told, NULL, &dev, err);
	case 2:
		return virtio_console_create(
		    &bus, base, &console_ops, NULL, &dev, err);
	case 3:
		return virtio_scsi_create(
		    &bus, base, disk(true), told, NULL, &dev, err);
	case 4:
		d[0].block = disk(false);
		d[1].block = disk(true);
		return virtio_scsi_disks_create(
		    &bus, d, 2, &blk_ops, NULL, &dev, err);
	case 5:
		return virtio_blk_create(&bus, disk(false), "vda", "serial", 2,
		    &blk_ops, NULL, &dev, err);
	default:
		return make_card(err);
	}
}

/* Both pieces of memory with nothing around them. */
static void
make_memory(void)
{
	struct guestmem *m = &bus.machine.mem;
	uint8_t *room;

	room = mmap(NULL, LOW + HIGH + 0x30000, PROT_NONE,
	    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	m->fd = memfd_create("ram", MFD_CLOEXEC);
	if (room == MAP_FAILED || ftruncate(m->fd, LOW + HIGH) == -1)
		abort();
	m->size = LOW + HIGH;
	m->page = 4096;
	m->regions = 2;
	m->region[0].size = LOW;
	m->region[0].hva = room + 0x10000;
	m->region[1].gpa = GUESTMEM_HOLE_END;
	m->region[1].size = HIGH;
	m->region[1].offset = LOW;
	m->region[1].hva = room + 0x20000 + LOW;
	if (mmap(m->region[0].hva, LOW, PROT_READ | PROT_WRITE,
		MAP_SHARED | MAP_FIXED, m->fd, 0) == MAP_FAILED ||
	    mmap(m->region[1].hva, HIGH, PROT_READ | PROT_WRITE,
		MAP_SHARED | MAP_FIXED, m->fd, LOW) == MAP_FAILED)
		abort();
}

/* ---- the guest ---- */

static void
store(uint64_t at, uint64_t value, unsigned bytes)
{
	uint8_t *p = guestmem_at(&bus.machine.mem, at, bytes);

	if (p != NULL)
		memcpy(p, &value, bytes);
}

/* Lets the device do what it has been told. */
static void
run(void)
{
	unsigned i;

	for (i = 0; i < 3; i++)
		event_base_loop(base, EVLOOP_NONBLOCK);
	/* The disks' own thread; what it has not done a reset waits for. */
	if (kind == 4 || kind == 5)
		usleep(20);
}

static void
place(unsigned q, uint64_t desc, uint64_t avail, uint64_t used)
{
	if (legacy) {
		bar_out(&bus, LEGACY, 14, 2, q);
		bar_out(&bus, LEGACY, 8, 4, desc >> 12);
		return;
	}
	bar_out(&bus, MODERN, 0x16, 2, q);
	bar_out(&bus, MODERN, 0x18, 2, SIZE);
	bar_out(&bus, MODERN, 0x20, 8, desc);
	bar_out(&bus, MODERN, 0x28, 8, avail);
	bar_out(&bus, MODERN, 0x30, 8, used);
	bar_out(&bus, MODERN, 0x1c, 2, 1);
}

/* As a good driver does it; all features but those in without. */
static void
start(uint64_t without)
{
	uint64_t at;
	unsigned i;

	memset(guestmem_at(&bus.machine.mem, RINGS, 1), 0, QUEUES * 0x1000);
	if (legacy) {
		bar_out(&bus, LEGACY, 18, 1, 0);
		bar_out(&bus, LEGACY, 18, 1, S_ACK | S_DRIVER);
		bar_out(
		    &bus, LEGACY, 4, 4, bar_in(&bus, LEGACY, 0, 4) & ~without);
	} else {
		modern_begin(&bus, modern_offered(&bus) & ~without);
	}
	for (i = 0; i < QUEUES; i++) {
		/* The legacy layout of 256 takes more than a page. */
		at = legacy ? DATA + i * 0x4000 : RINGS + i * 0x1000;
		place(i, at, at + AVAIL, at + USED);
	}
	if (legacy)
		bar_out(&bus, LEGACY, 18, 1, S_ACK | S_DRIVER | S_DRIVER_OK);
	else
		bar_out(&bus, MODERN, 0x14, 1, S_READY);
}

static uint64_t
desc_at(unsigned q)
{
	return legacy ? DATA + q * 0x4000 : RINGS + q * 0x1000;
}

static uint64_t
avail_at(unsigned q)
{
	return legacy ? desc_at(q) + 16 * 256 : desc_at(q) + AVAIL;
}

static uint64_t
address(void)
{
	uint64_t v = take(2);

	switch (v >> 12) {
	case 15:
		return GUESTMEM_HOLE_END + (v & 0xfff) * 17;
	case 14:
		return GUESTMEM_HOLE_START + (v << 12);
	case 13:
		return 0 - (v & 0xfff);
	case 12:
		return LOW - (v & 0xfff);
	default:
		return v * 4;
	}
}

static uint32_t
length(void)
{
	uint8_t v = (uint8_t)take(1);

	return v < 0xc0 ? v : v < 0xe0 ? (v - 0xbfu) * 512 : 0u - (v << 12);
}

static void
put_descriptor(void)
{
	uint8_t where = (uint8_t)take(1), flags = (uint8_t)take(1);
	uint64_t at = desc_at(where % QUEUES) + 16 * (where / QUEUES % SIZE);

	/* A table of its own, for indirect ones. */
	if ((flags & 0x80) != 0)
		at = DATA + 16 * (where % 64u);
	store(at, address(), 8);
	store(at + 8, length(), 4);
	store(at + 12, flags & 7, 2);
	store(at + 14, (flags >> 3) & 15, 2);
}

static void
offer(unsigned q, uint16_t head)
{
	uint8_t *a = guestmem_at(&bus.machine.mem, avail_at(q), 600);
	unsigned size = legacy ? 256 : SIZE;
	uint16_t idx;

	memcpy(&idx, a + 2, 2);
	store(avail_at(q) + 4 + 2 * (idx & (size - 1)), head, 2);
	store(avail_at(q) + 2, idx + 1u, 2);
}

static void
kick(unsigned q)
{
	if (legacy)
		bar_out(&bus, LEGACY, 16, 2, q);
	else
		bar_out(&bus, MODERN, NOTIFY + 4 * q, 2, q);
	run();
}

/* Something happens on the host. */
static void
host_event(void)
{
	uint8_t frame[300], what = (uint8_t)take(1);
	size_t len = take(1);

	memset(frame, what, sizeof frame);
	switch (kind) {
	case 1:
		if ((what & 1) != 0)
			virtio_balloon_ask(dev);
		else
			virtio_balloon_resize(dev, len << 12);
		break;
	case 2:
		if ((what & 1) != 0)
			virtio_console_input(dev, frame, len);
		else
			virtio_console_kick(dev);
		break;
	case 4:
		virtio_scsi_disks_retry(dev);
		break;
	case 5:
		virtio_blk_retry(dev);
		break;
	case 6:
		memset(frame, 0, 12);
		if ((what & 15) == 3)
			virtio_net_plug(dev, (what & 16) != 0);
		else if (send(peer, frame, 13 + len, MSG_DONTWAIT) == -1)
			len = 0;
		while (recv(peer, frame, sizeof frame, MSG_DONTWAIT) > 0)
			continue;
		break;
	}
	run();
}

static void
step(void)
{
	static const uint8_t sizes[] = {1, 2, 4, 8};
	uint8_t what = (uint8_t)take(1), q = (what >> 4) % QUEUES;
	uint64_t at;

	switch (what & 15) {
	case 0:
	case 1:
	case 2:
	case 3:
		put_descriptor();
		break;
	case 4:
		at = address();
		store(at, take(8), 8);
		break;
	case 5:
		store(DATA + take(1) * 4, take(4), 4);
		break;
	case 6:
	case 7:
		offer(q, (uint16_t)take(1));
		break;
	case 8:
	case 9:
	case 10:
		kick(q);
		break;
	case 11:
		at = take(1) % 64u;
		bar_out(&bus, LEGACY, at, sizes[what >> 4 & 1], take(2));
		break;
	case 12:
		at = take(2) & 0x303f;
		bar_out(&bus, MODERN, at, sizes[what >> 4 & 3], take(4));
		break;
	case 13:
		host_event();
		break;
	case 14:
		bar_in(&bus, what & 16 ? LEGACY : MODERN,
		    what & 16 ? take(1) & 0x3f : take(2) & 0x203f,
		    sizes[what >> 5 & 1]);
		break;
	default:
		start((what & 16) != 0 ? take(4) : 0);
		break;
	}
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	const char *only = getenv("FUZZ_DEVICE");
	struct error err;
	unsigned i;

	if (bus.machine.mem.regions == 0) {
		log_quiet();
		make_memory();
	}
	if (len < 8)
		return -1;
	input = data;
	left = len;
	kind = (unsigned)take(1);
	legacy = (kind & 0x80) != 0;
	kind = only != NULL ? (unsigned)(*only - '0') % 7 : kind % 128 % 7;
	base = event_base_new();
	if (make_device(&err) == -1)
		abort();
	start(take(1) << 24);
	for (i = 0; i < STEPS && left > 0; i++)
		step();
	bar_out(&bus, MODERN, 0x14, 1, 0);
	if (modern_status(&bus) != 0)
		abort();
	rig_map(&bus.fn, false, PIO_BASE, MMIO_BASE);
	bus.fn.ops->destroy(bus.fn.arg);
	memset(&bus.fn, 0, sizeof bus.fn);
	event_base_free(base);
	if (peer != -1)
		close(peer);
	peer = -1;
	return 0;
}
