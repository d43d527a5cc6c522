/*
 * backend/virtio/net_vhost.c: which queues the host's kernel works on, and
 * when. A kernel of pretence stands behind vhost.h: it takes from the rings
 * what the tests tell it to.
 */
#include <errno.h>
#include <event2/event.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include "backend/net/tap.h"
#include "backend/net/vhost.h"
#include "tests/unit/virtio_rig.h"

#define PAIRS  2
#define SIZE   64
#define CTRL   (2 * PAIRS)
#define HEADER 12
#define FRAME  (HEADER + 60)

#define RX_DATA 0x200000u
#define TX_DATA 0x400000u
#define REQUEST 0x500000u
#define ANSWER  0x501000u

#define F_MRG     (1ULL << 15)
#define F_STATUS  (1ULL << 16)
#define F_CTRL_VQ (1ULL << 17)
#define F_MQ      (1ULL << 22)
#define F_ALL     (F_MRG | F_STATUS | F_CTRL_VQ | F_MQ)
#define CAN       (F_MRG | F_INDIRECT | F_EVENT_IDX | F_VERSION_1)

static const uint8_t mac[6] = {0x00, 0x20, 0x91, 0, 0, 1};

/* The kernel's end of a ring. */
struct work {
	bool on;
	int tap_fd, call_fd, kick_fd, error_fd;
	uint64_t features;
	uint16_t begin; /* where it was told to begin */
	unsigned starts;
	struct virtq vq;
	struct iovec iov[SIZE];
};

static struct {
	const struct guestmem *mem;
	int fd[8]; /* by pair */
	unsigned owned;
	uint64_t can;
	bool refuse_owner, refuse_start;
	unsigned calls; /* changes of an interrupt's eventfd */
	struct work work[8][2];
} kernel;

static struct work *
work_of(int fd, unsigned ring)
{
	unsigned i;

	for (i = 0; i < kernel.owned; i++)
		if (kernel.fd[i] == fd)
			return &kernel.work[i][ring];
	fail_msg("a descriptor that nobody owns");
	return NULL;
}

int
vhost_own(
    int fd, const struct guestmem *mem, uint64_t *features, struct error *err)
{
	if (kernel.refuse_owner)
		return error_set(err, "no thread of the kernel's");
	kernel.mem = mem;
	kernel.fd[kernel.owned++] = fd;
	*features = kernel.can;
	return 0;
}

int
vhost_start(int fd, unsigned ring, uint64_t features,
    const struct vhost_ring *r, int tap_fd, struct error *err)
{
	struct work *w = work_of(fd, ring);

	assert_false(w->on);
	if (kernel.refuse_start)
		return error_set(err, "not today");
	w->on = true;
	w->starts++;
	w->features = features;
	w->begin = r->next_avail;
	w->tap_fd = tap_fd;
	w->call_fd = r->call_fd;
	w->kick_fd = r->kick_fd;
	w->error_fd = r->error_fd;
	assert_int_equal(virtq_init(&w->vq, kernel.mem, SIZE), 0);
	w->vq.size = r->size;
	w->vq.desc = r->desc;
	w->vq.avail = r->avail;
	w->vq.used = r->used;
	w->vq.ready = true;
	virtq_resume(&w->vq, r->next_avail);
	return 0;
}

int
vhost_stop(int fd, unsigned ring, uint16_t *next_avail, struct error *err)
{
	struct work *w = work_of(fd, ring);

	assert_true(w->on);
	w->on = false;
	*next_avail = w->vq.next_avail;
	virtq_free(&w->vq);
	return 0;
}

int
vhost_call(int fd, unsigned ring, int call_fd, struct error *err)
{
	struct work *w = work_of(fd, ring);

	assert_true(w->on);
	w->call_fd = call_fd;
	kernel.calls++;
	return 0;
}

/* The kernel uses one buffer. */
static void
use(struct work *w, uint32_t len)
{
	struct virtq_chain c = {.iov = w->iov, .room = SIZE};

	assert_true(w->on);
	assert_true(virtq_pop(&w->vq, &c));
	virtq_push(&w->vq, c.head, len);
	virtq_publish(&w->vq);
}

int
tap_set_queue(int fd, bool attached, struct error *err)
{
	return 0;
}

int
tap_set_filter(int fd, const uint8_t (*addr)[6], unsigned n, bool multicast,
    struct error *err)
{
	return 0;
}

int
tap_set_offload(int fd, unsigned offload, struct error *err)
{
	return error_set(err, "this tap cannot");
}

int
tap_set_header(int fd, int bytes, struct error *err)
{
	return 0;
}

struct fixture {
	struct pci_bus *bus;
	struct event_base *base;
	struct virtio_dev *dev;
	struct ring rx[PAIRS], tx[PAIRS], ctrl;
	int peer[PAIRS];
};

static struct fixture *
card(unsigned vhosts)
{
	struct fixture *f = calloc(1, sizeof *f);
	int own[PAIRS], vhost[PAIRS];
	const struct virtio_net_config config = {.name = "net0",
	    .tap_fd = own,
	    .taps = PAIRS,
	    .cpus = PAIRS,
	    .mac = mac,
	    .vhost_fd = vhost,
	    .vhosts = vhosts};
	struct error err;
	unsigned i;
	int sv[2];

	for (i = 0; i < PAIRS; i++) {
		assert_int_equal(
		    socketpair(AF_UNIX,
			SOCK_SEQPACKET | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, sv),
		    0);
		own[i] = sv[0];
		f->peer[i] = sv[1];
	}
	for (i = 0; i < vhosts; i++)
		vhost[i] = eventfd(0, EFD_CLOEXEC);
	f->bus = rig_new();
	f->base = event_base_new();
	assert_int_equal(
	    virtio_net_create(f->bus, f->base, &config, &f->dev, &err), 0);
	return f;
}

static int
setup(void **state)
{
	memset(&kernel, 0, sizeof kernel);
	kernel.can = CAN;
	*state = card(PAIRS);
	return 0;
}

static void
free_card(struct fixture *f)
{
	unsigned i;

	rig_free(f->bus);
	event_base_free(f->base);
	for (i = 0; i < PAIRS; i++)
		if (f->peer[i] != -1)
			close(f->peer[i]);
	free(f);
}

static int
teardown(void **state)
{
	unsigned i, ring;

	free_card(*state);
	for (i = 0; i < PAIRS; i++)
		for (ring = 0; ring < 2; ring++)
			if (kernel.work[i][ring].on)
				virtq_free(&kernel.work[i][ring].vq);
	return 0;
}

/* The main loop's share, and time for the other thread. */
static void
run(struct fixture *f)
{
	event_base_loop(f->base, EVLOOP_NONBLOCK);
	usleep(500);
}

#define UNTIL(f, condition)                                    \
	do {                                                   \
		unsigned tries = 0;                            \
                                                               \
		for (; !(condition) && tries < 40000; tries++) \
			run(f);                                \
		assert_true(tries < 40000);                    \
	} while (0)

/* A while in which something else would have happened, if it could. */
static void
pause_for(struct fixture *f)
{
	unsigned i;

	for (i = 0; i < 40; i++)
		run(f);
}

static void
drive(struct fixture *f, uint64_t features, bool msix)
{
	struct buf b = {RX_DATA, 2048, true};
	unsigned i;

	f->bus->fn.msix = msix;
	modern_begin(f->bus, F_VERSION_1 | features);
	for (i = 0; i < PAIRS; i++) {
		modern_queue(f->bus, &f->rx[i], (uint16_t)(2 * i), SIZE);
		modern_queue(f->bus, &f->tx[i], (uint16_t)(2 * i + 1), SIZE);
	}
	modern_queue(f->bus, &f->ctrl, CTRL, SIZE);
	modern_ready(f->bus);
	ring_add(&f->rx[0], &b, 1);
	modern_kick(f->bus, 0);
}

static bool
both(unsigned pair)
{
	return kernel.work[pair][0].on && kernel.work[pair][1].on;
}

static bool
neither(unsigned pair)
{
	return !kernel.work[pair][0].on && !kernel.work[pair][1].on;
}

static void
send_out(struct fixture *f, unsigned pair, uint8_t fill)
{
	const struct buf b = {TX_DATA + fill * 0x100u, FRAME, false};

	memset(ram(f->bus, b.gpa), 0, HEADER);
	memset(ram(f->bus, b.gpa + HEADER), fill, FRAME - HEADER);
	ring_add(&f->tx[pair], &b, 1);
	modern_kick(f->bus, (uint16_t)(2 * pair + 1));
}

/* By our own hands. */
static bool
went_out(struct fixture *f, unsigned pair, uint8_t fill)
{
	uint8_t frame[FRAME];

	if (recv(f->peer[pair], frame, sizeof frame, 0) != FRAME)
		return false;
	assert_int_equal(frame[FRAME - 1], fill);
	return true;
}

static uint8_t
use_pairs(struct fixture *f, uint8_t pairs)
{
	const struct buf b[2] = {{REQUEST, 4, false}, {ANSWER, 1, true}};

	memcpy(ram(f->bus, REQUEST), (const uint8_t[]){4, 0, pairs, 0}, 4);
	*ram(f->bus, ANSWER) = 0xee;
	ring_add(&f->ctrl, b, 2);
	modern_kick(f->bus, CTRL);
	UNTIL(f, ring_used(&f->ctrl, NULL, NULL));
	return *ram(f->bus, ANSWER);
}

static void
test_vhost_gets_the_queues_when_the_driver_is_ready(void **state)
{
	struct fixture *f = *state;
	const struct work *w = kernel.work[0];

	assert_int_equal(kernel.owned, PAIRS);
	assert_true(virtio_net_vhost(f->dev));
	assert_true(neither(0));
	drive(f, F_ALL | F_EVENT_IDX | F_INDIRECT, true);
	UNTIL(f, both(0));
	assert_true(neither(1));
	assert_int_equal(w[0].features, CAN);
	assert_int_equal(w[0].begin, 0);
	assert_int_equal(w[0].tap_fd, w[1].tap_fd);
	/* The vectors' own eventfds. */
	assert_int_equal(w[0].call_fd, RIG_IRQFD + 0);
	assert_int_equal(w[1].call_fd, RIG_IRQFD + 1);
}

static void
test_vhost_is_not_told_of_what_the_driver_did_not_choose(void **state)
{
	struct fixture *f = *state;

	drive(f, F_CTRL_VQ, true);
	UNTIL(f, both(0));
	assert_int_equal(kernel.work[0][0].features, F_VERSION_1);
}

static void
test_vhost_kicks_do_not_come_to_us(void **state)
{
	struct fixture *f = *state;
	eventfd_t kicks;

	drive(f, F_ALL, true);
	UNTIL(f, both(0));
	pause_for(f);
	eventfd_read(kernel.work[0][1].kick_fd, &kicks);
	send_out(f, 0, 1);
	pause_for(f);
	assert_false(went_out(f, 0, 1));
	assert_int_equal(eventfd_read(kernel.work[0][1].kick_fd, &kicks), 0);
	assert_int_equal(kicks, 1);
	/* Nor do frames. */
	assert_int_equal(send(f->peer[0], "frame", 6, 0), 6);
	pause_for(f);
	assert_false(ring_used(&f->rx[0], NULL, NULL));
	assert_int_equal(virtio_figures(f->dev)->out_ops, 0);
	assert_int_equal(virtio_figures(f->dev)->in_ops, 0);
}

static void
test_vhost_hands_over_where_it_stopped_and_begins_there(void **state)
{
	struct fixture *f = *state;
	unsigned i;

	drive(f, F_ALL, true);
	UNTIL(f, both(0));
	for (i = 1; i <= 5; i++)
		send_out(f, 0, (uint8_t)i);
	for (i = 1; i <= 3; i++)
		use(&kernel.work[0][1], 0);
	f->bus->machine.frozen = true;
	virtio_still(f->dev);
	assert_true(neither(0));
	pause_for(f);
	assert_true(neither(0));
	assert_false(went_out(f, 0, 4));
	f->bus->machine.frozen = false;
	virtio_thaw(f->dev);
	UNTIL(f, both(0));
	assert_int_equal(kernel.work[0][1].begin, 3);
	assert_int_equal(kernel.work[0][0].begin, 0);
}

/* Of one that is saved, into another that is loaded; both machines share it. */
static void
move(struct fixture *from, struct fixture *to)
{
	struct state_writer w = {.data = NULL};
	struct state_reader r = {.data = NULL};
	struct error err;
	unsigned i;

	state_begin(&w, "net", 1);
	from->bus->fn.ops->save(from->bus->fn.arg, &w);
	state_end(&w);
	for (i = 0; i < 2; i++)
		memcpy(to->bus->machine.mem.region[i].hva,
		    from->bus->machine.mem.region[i].hva,
		    from->bus->machine.mem.region[i].size);
	r.data = w.data;
	r.len = w.len;
	assert_int_equal(state_open(&r, "net"), 1);
	to->bus->fn.msix = true;
	assert_int_equal(to->bus->fn.ops->load(to->bus->fn.arg, &r, &err), 0);
	assert_int_equal(r.pos, w.len);
	state_writer_free(&w);
}

static void
test_vhost_guest_goes_on_where_there_is_none(void **state)
{
	struct fixture *f = *state, *to;
	unsigned i;

	drive(f, F_ALL, true);
	UNTIL(f, both(0));
	for (i = 1; i <= 5; i++)
		send_out(f, 0, (uint8_t)i);
	for (i = 1; i <= 3; i++)
		use(&kernel.work[0][1], 0);
	f->bus->machine.frozen = true;
	to = card(0);
	assert_false(virtio_net_vhost(to->dev));
	move(f, to);
	/* What the kernel left, and nothing else. */
	UNTIL(to, went_out(to, 0, 4));
	UNTIL(to, went_out(to, 0, 5));
	ring_init(&to->tx[0], &to->bus->machine.mem, SIZE, RINGS_GPA + 0x10000);
	UNTIL(to, to->tx[0].used[1] == 5);
	free_card(to);
}

static void
test_vhost_takes_over_a_guest_that_had_none(void **state)
{
	struct fixture *f = *state, *from = card(0);

	drive(from, F_ALL, true);
	send_out(from, 0, 1);
	UNTIL(from, went_out(from, 0, 1));
	UNTIL(from, ring_used(&from->tx[0], NULL, NULL));
	from->bus->machine.frozen = true;
	move(from, f);
	UNTIL(f, both(0));
	assert_int_equal(kernel.work[0][1].begin, 1);
	free_card(from);
}

static void
test_vhost_lets_go_at_a_reset(void **state)
{
	struct fixture *f = *state;
	unsigned i;

	for (i = 1; i <= 3; i++) {
		drive(f, F_ALL, true);
		UNTIL(f, both(0));
		assert_int_equal(kernel.work[0][0].starts, i);
		send_out(f, 0, 1);
		use(&kernel.work[0][1], 0);
		bar_out(f->bus, MODERN, 0x14, 1, 0);
		/* When the register's write has returned. */
		assert_true(neither(0));
	}
	pause_for(f);
	assert_true(neither(0));
}

static void
test_vhost_follows_vectors_and_msix(void **state)
{
	struct fixture *f = *state;
	const struct work *w = kernel.work[0];
	int own;

	drive(f, F_ALL, true);
	UNTIL(f, both(0));
	bar_out(f->bus, MODERN, 0x16, 2, 0);
	bar_out(f->bus, MODERN, 0x1a, 2, 3);
	assert_int_equal(w[0].call_fd, RIG_IRQFD + 3);
	assert_int_equal(w[1].call_fd, RIG_IRQFD + 1);
	/* None: we get it, and it ends there. */
	bar_out(f->bus, MODERN, 0x1a, 2, 0xffff);
	own = w[0].call_fd;
	assert_true(own >= 0 && own < RIG_IRQFD);
	f->bus->fn.msix = false;
	f->bus->fn.ops->msix_switched(f->bus->fn.arg);
	assert_true(w[1].call_fd >= 0 && w[1].call_fd < RIG_IRQFD);
	assert_int_not_equal(w[1].call_fd, own);
	f->bus->fn.msix = true;
	f->bus->fn.ops->msix_switched(f->bus->fn.arg);
	assert_int_equal(w[1].call_fd, RIG_IRQFD + 1);
}

static void
test_vhost_interrupts_by_the_pin_through_us(void **state)
{
	struct fixture *f = *state;

	drive(f, F_ALL, false);
	UNTIL(f, both(0));
	assert_false(f->bus->fn.intx);
	eventfd_write(kernel.work[0][1].call_fd, 1);
	UNTIL(f, f->bus->fn.intx);
	assert_int_equal(bar_in(f->bus, MODERN, ISR, 1), 1);
	assert_false(f->bus->fn.intx);
	/* What was signalled before it is taken back is not lost. */
	eventfd_write(kernel.work[0][0].call_fd, 1);
	f->bus->machine.frozen = true;
	virtio_still(f->dev);
	assert_true(f->bus->fn.intx);
	/* And after a reset nothing comes any more. */
	bar_out(f->bus, MODERN, 0x14, 1, 0);
	pause_for(f);
	assert_false(f->bus->fn.intx);
	f->bus->machine.frozen = false;
}

static void
test_vhost_error_is_needs_reset(void **state)
{
	struct fixture *f = *state;
	int error_fd;

	drive(f, F_ALL, true);
	UNTIL(f, both(0));
	error_fd = kernel.work[0][1].error_fd;
	eventfd_write(error_fd, 1);
	UNTIL(f, (modern_status(f->bus) & S_NEEDS_RESET) != 0);
	assert_false(kernel.work[0][1].on);
	/* One that comes late does not hurt the next driver. */
	bar_out(f->bus, MODERN, 0x14, 1, 0);
	pause_for(f);
	eventfd_write(error_fd, 1);
	drive(f, F_ALL, true);
	UNTIL(f, both(0));
	pause_for(f);
	assert_int_equal(modern_status(f->bus), S_READY);
}

static void
test_vhost_has_the_pairs_that_are_used(void **state)
{
	struct fixture *f = *state;

	drive(f, F_ALL, true);
	UNTIL(f, both(0));
	assert_int_equal(use_pairs(f, 2), 0);
	UNTIL(f, both(1));
	assert_int_equal(kernel.work[1][1].call_fd, RIG_IRQFD + 3);
	assert_int_equal(use_pairs(f, 1), 0);
	assert_true(neither(1));
	assert_true(both(0));
	assert_int_equal(use_pairs(f, 2), 0);
	UNTIL(f, both(1));
}

static void
test_vhost_moves_nothing_while_the_cable_is_out(void **state)
{
	struct fixture *f = *state;

	drive(f, F_ALL, true);
	UNTIL(f, both(0));
	virtio_net_plug(f->dev, false);
	assert_true(neither(0));
	send_out(f, 0, 1);
	UNTIL(f, ring_used(&f->tx[0], NULL, NULL));
	assert_false(went_out(f, 0, 1));
	assert_true(neither(0));
	virtio_net_plug(f->dev, true);
	UNTIL(f, both(0));
	assert_int_equal(kernel.work[0][1].begin, 1);
}

static void
test_vhost_does_without_a_tap_that_was_deleted(void **state)
{
	struct fixture *f = *state;

	drive(f, F_ALL, true);
	UNTIL(f, both(0));
	close(f->peer[0]);
	f->peer[0] = -1;
	UNTIL(f, !virtio_net_plugged(f->dev));
	assert_true(neither(0));
	send_out(f, 0, 1);
	UNTIL(f, ring_used(&f->tx[0], NULL, NULL));
	assert_true(neither(0));
}

/* Whatever is wrong with it, frames go. */
static void
goes_by_us(struct fixture *f)
{
	drive(f, F_ALL, true);
	send_out(f, 0, 9);
	UNTIL(f, went_out(f, 0, 9));
	assert_true(neither(0));
	assert_false(virtio_net_vhost(f->dev));
	assert_int_equal(virtio_figures(f->dev)->out_ops, 1);
	free_card(f);
}

static void
test_vhost_that_is_no_good_is_done_without(void **state)
{
	uint64_t lacking[] = {F_MRG, F_INDIRECT, F_EVENT_IDX, F_VERSION_1};
	struct fixture *f;
	size_t i;

	for (i = 0; i < sizeof lacking / sizeof *lacking; i++) {
		memset(&kernel, 0, sizeof kernel);
		kernel.can = CAN & ~lacking[i];
		goes_by_us(card(PAIRS));
	}
	memset(&kernel, 0, sizeof kernel);
	kernel.refuse_owner = true;
	goes_by_us(card(PAIRS));
	/* Not one for each queue. */
	memset(&kernel, 0, sizeof kernel);
	kernel.can = CAN;
	goes_by_us(card(1));
	/* It changes its mind. */
	memset(&kernel, 0, sizeof kernel);
	kernel.can = CAN;
	f = card(PAIRS);
	kernel.refuse_start = true;
	goes_by_us(f);
	memset(&kernel, 0, sizeof kernel);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    TEST(test_vhost_gets_the_queues_when_the_driver_is_ready),
	    TEST(test_vhost_is_not_told_of_what_the_driver_did_not_choose),
	    TEST(test_vhost_kicks_do_not_come_to_us),
	    TEST(test_vhost_hands_over_where_it_stopped_and_begins_there),
	    TEST(test_vhost_guest_goes_on_where_there_is_none),
	    TEST(test_vhost_takes_over_a_guest_that_had_none),
	    TEST(test_vhost_lets_go_at_a_reset),
	    TEST(test_vhost_follows_vectors_and_msix),
	    TEST(test_vhost_interrupts_by_the_pin_through_us),
	    TEST(test_vhost_error_is_needs_reset),
	    TEST(test_vhost_has_the_pairs_that_are_used),
	    TEST(test_vhost_moves_nothing_while_the_cable_is_out),
	    TEST(test_vhost_does_without_a_tap_that_was_deleted),
	    cmocka_unit_test(test_vhost_that_is_no_good_is_done_without),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
