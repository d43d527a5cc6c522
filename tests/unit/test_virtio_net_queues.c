/*
 * backend/virtio/net: a card with several pairs of queues, each with a queue
 * of the tap and a thread. The tap's queues are ends of sockets; which of them
 * are attached is what the card asked for.
 */
#include <errno.h>
#include <event2/event.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "backend/net/tap.h"
#include "tests/unit/virtio_rig.h"

#define PAIRS   4
#define SIZE    64
#define CTRL    (2 * PAIRS)
#define VECTOR  (2 * PAIRS + 1)
#define HEADER  12
#define FRAME   (HEADER + 60)
#define BUFFER  2048u
#define BUFFERS 32u

#define RX_DATA(pair) (0x200000u + (pair)*0x20000u)
#define TX_DATA(pair) (0x400000u + (pair)*0x1000u)
#define REQUEST       0x500000u
#define ANSWER        0x501000u

#define F_STATUS  (1ULL << 16)
#define F_CTRL_VQ (1ULL << 17)
#define F_MQ      (1ULL << 22)
#define F_ALL     (F_STATUS | F_CTRL_VQ | F_MQ)

static const uint8_t mac[6] = {0x00, 0x20, 0x91, 0, 0, 1};

struct fixture {
	struct pci_bus *bus;
	struct event_base *base;
	struct virtio_dev *dev;
	struct ring rx[PAIRS], tx[PAIRS], ctrl;
	int peer[8]; /* the world behind each queue of the tap */
	unsigned taps;
};

/* The tap: by descriptor, whether the queue gets frames; what is refused. */
static struct {
	_Atomic bool detached[1024];
	_Atomic int refused; /* attaching this one; 0: none */
} tap;

int
tap_set_queue(int fd, bool attached, struct error *err)
{
	if (attached && fd == tap.refused)
		return error_set(err, "no more queues");
	/* The kernel refuses it as well. */
	if (tap.detached[fd] != attached)
		return error_set(err, "it is so already");
	tap.detached[fd] = !attached;
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
	assert_false(tap.detached[fd]);
	return 0;
}

static struct fixture *
card(unsigned cpus, unsigned taps, int *own)
{
	struct fixture *f = calloc(1, sizeof *f);
	const struct virtio_net_config config = {.name = "net0",
	    .tap_fd = own,
	    .taps = taps,
	    .cpus = cpus,
	    .mac = mac,
	    .mtu = 1500};
	struct error err;
	unsigned i;
	int sv[2];

	for (i = 0; i < taps; i++) {
		assert_int_equal(
		    socketpair(AF_UNIX,
			SOCK_SEQPACKET | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, sv),
		    0);
		own[i] = sv[0];
		f->peer[i] = sv[1];
		tap.detached[sv[0]] = false;
	}
	tap.refused = 0;
	f->taps = taps;
	f->bus = rig_new();
	f->base = event_base_new();
	assert_int_equal(
	    virtio_net_create(f->bus, f->base, &config, &f->dev, &err), 0);
	return f;
}

static void
done_with(struct fixture *f)
{
	unsigned i;

	rig_free(f->bus);
	event_base_free(f->base);
	for (i = 0; i < f->taps; i++)
		if (f->peer[i] != -1)
			close(f->peer[i]);
	free(f);
}

/* The main loop's share, and time for the other threads. */
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
give(struct fixture *f, unsigned pair)
{
	unsigned i;

	for (i = 0; i < BUFFERS; i++) {
		struct buf b = {RX_DATA(pair) + i * BUFFER, BUFFER, true};

		ring_add(&f->rx[pair], &b, 1);
	}
	modern_kick(f->bus, (uint16_t)(2 * pair));
}

static void
drive(struct fixture *f, uint64_t features, uint16_t control)
{
	unsigned i;

	modern_begin(f->bus, F_VERSION_1 | features);
	for (i = 0; i < PAIRS; i++) {
		if (i > 0 && control == 2)
			break;
		modern_queue(f->bus, &f->rx[i], (uint16_t)(2 * i), SIZE);
		modern_queue(f->bus, &f->tx[i], (uint16_t)(2 * i + 1), SIZE);
	}
	modern_queue(f->bus, &f->ctrl, control, SIZE);
	bar_out(f->bus, MODERN, 0x10, 2, VECTOR);
	modern_ready(f->bus);
	f->bus->fn.msix = true;
	for (i = 0; i < (control == 2 ? 1 : PAIRS); i++)
		give(f, i);
}

static uint8_t
ask(struct fixture *f, uint16_t queue, const uint8_t *request, uint32_t len)
{
	const struct buf b[2] = {{REQUEST, len, false}, {ANSWER, 1, true}};

	memcpy(ram(f->bus, REQUEST), request, len);
	*ram(f->bus, ANSWER) = 0xee;
	ring_add(&f->ctrl, b, 2);
	modern_kick(f->bus, queue);
	UNTIL(f, ring_used(&f->ctrl, NULL, NULL));
	return *ram(f->bus, ANSWER);
}

static uint8_t
use_pairs(struct fixture *f, uint16_t pairs)
{
	const uint8_t request[4] = {
	    4, 0, (uint8_t)pairs, (uint8_t)(pairs >> 8)};

	return ask(f, CTRL, request, sizeof request);
}

static void
arrive(struct fixture *f, unsigned pair, uint8_t fill)
{
	uint8_t frame[FRAME] = {0};

	memset(frame + HEADER, fill, sizeof frame - HEADER);
	assert_int_equal(
	    send(f->peer[pair], frame, sizeof frame, 0), sizeof frame);
}

/* Does the frame that waits there come? */
static bool
comes(struct fixture *f, unsigned pair, uint8_t fill)
{
	uint32_t id, len;

	if (!ring_used(&f->rx[pair], &id, &len))
		return false;
	assert_int_equal(len, FRAME);
	assert_int_equal(
	    *ram(f->bus, RX_DATA(pair) + id % BUFFERS * BUFFER + FRAME - 1),
	    fill);
	return true;
}

static void
send_out(struct fixture *f, unsigned pair, uint8_t fill)
{
	const struct buf b = {TX_DATA(pair), FRAME, false};

	memset(ram(f->bus, TX_DATA(pair)), 0, HEADER);
	memset(ram(f->bus, TX_DATA(pair) + HEADER), fill, FRAME - HEADER);
	ring_add(&f->tx[pair], &b, 1);
	modern_kick(f->bus, (uint16_t)(2 * pair + 1));
}

static bool
went_out(struct fixture *f, unsigned pair, uint8_t fill)
{
	uint8_t frame[FRAME];

	if (recv(f->peer[pair], frame, sizeof frame, 0) != FRAME)
		return false;
	assert_int_equal(frame[FRAME - 1], fill);
	return true;
}

static unsigned
attached(const int *own)
{
	unsigned i, n = 0;

	for (i = 0; i < PAIRS; i++)
		n += !tap.detached[own[i]];
	return n;
}

static void
test_net_has_a_pair_for_each_cpu_up_to_eight(void **state)
{
	static const struct {
		unsigned cpus, taps, pairs;
		bool many;
	} cases[] = {{1, 1, 1, false}, {2, 2, 2, true}, {4, 4, 4, true},
	    {8, 8, 8, true}, {9, 8, 8, true}, {64, 8, 8, true},
	    {4, 1, 4, false}, {64, 1, 8, false}};
	struct fixture *f;
	int own[8];
	size_t i;

	for (i = 0; i < sizeof cases / sizeof *cases; i++) {
		f = card(cases[i].cpus, cases[i].taps, own);
		assert_int_equal(
		    bar_in(f->bus, MODERN, 0x12, 2), 2 * cases[i].pairs + 1);
		assert_int_equal(
		    (modern_offered(f->bus) & F_MQ) != 0, cases[i].many);
		assert_int_equal(bar_in(f->bus, MODERN, CONFIG + 8, 2),
		    cases[i].many ? cases[i].pairs : 1);
		assert_int_equal(f->bus->fn.vectors, 2 * cases[i].pairs + 2);
		/* A legacy driver is not told of them, nor of long queues. */
		assert_int_equal(bar_in(f->bus, LEGACY, 0, 4) & F_MQ, 0);
		assert_int_equal(bar_in(f->bus, LEGACY, 12, 2), 256);
		assert_int_equal(bar_in(f->bus, MODERN, 0x18, 2), 1024);
		done_with(f);
	}
}

static void
test_net_each_pair_has_its_own_frames_and_interrupts(void **state)
{
	int own[8];
	struct fixture *f = card(PAIRS, PAIRS, own);
	unsigned i;

	drive(f, F_ALL, CTRL);
	assert_int_equal(attached(own), 1);
	assert_int_equal(use_pairs(f, PAIRS), 0);
	assert_int_equal(attached(own), PAIRS);
	for (i = PAIRS; i-- > 0;) {
		send_out(f, i, (uint8_t)(0x10 + i));
		arrive(f, i, (uint8_t)(0x20 + i));
	}
	for (i = 0; i < PAIRS; i++) {
		UNTIL(f, went_out(f, i, (uint8_t)(0x10 + i)));
		UNTIL(f, ring_used(&f->tx[i], NULL, NULL));
		UNTIL(f, comes(f, i, (uint8_t)(0x20 + i)));
		UNTIL(f, f->bus->fn.sent[2 * i] == 1);
		UNTIL(f, f->bus->fn.sent[2 * i + 1] == 1);
	}
	assert_int_equal(virtio_figures(f->dev)->in_ops, PAIRS);
	assert_int_equal(virtio_figures(f->dev)->out_bytes, 60 * PAIRS);
	done_with(f);
}

static void
test_net_pairs_are_idle_until_the_driver_wants_them(void **state)
{
	int own[8];
	struct fixture *f = card(PAIRS, PAIRS, own);

	drive(f, F_ALL, CTRL);
	send_out(f, 2, 0x33);
	arrive(f, 2, 0x44);
	pause_for(f);
	assert_false(went_out(f, 2, 0x33));
	assert_false(comes(f, 2, 0x44));
	assert_int_equal(use_pairs(f, 3), 0);
	assert_int_equal(attached(own), 3);
	UNTIL(f, went_out(f, 2, 0x33));
	UNTIL(f, comes(f, 2, 0x44));
	/* And no longer once it wants fewer; the first one always is. */
	assert_int_equal(use_pairs(f, 1), 0);
	assert_int_equal(attached(own), 1);
	arrive(f, 2, 0x55);
	pause_for(f);
	assert_false(comes(f, 2, 0x55));
	arrive(f, 0, 0x66);
	UNTIL(f, comes(f, 0, 0x66));
	/* What waited goes on where it was. */
	assert_int_equal(use_pairs(f, PAIRS), 0);
	UNTIL(f, comes(f, 2, 0x55));
	done_with(f);
}

static void
test_net_pairs_that_cannot_be_are_refused(void **state)
{
	const uint8_t odd[][5] = {{4, 1, 1, 0}, {4, 0, 2, 0, 0}, {4, 0, 2}};
	static const uint32_t len[] = {4, 5, 3};
	int own[8];
	struct fixture *f = card(PAIRS, PAIRS, own);
	unsigned i;

	drive(f, F_ALL, CTRL);
	assert_int_equal(use_pairs(f, 2), 0);
	assert_int_equal(use_pairs(f, 0), 1);
	assert_int_equal(use_pairs(f, PAIRS + 1), 1);
	assert_int_equal(use_pairs(f, 0x102), 1);
	for (i = 0; i < 3; i++)
		assert_int_equal(ask(f, CTRL, odd[i], len[i]), 1);
	assert_int_equal(attached(own), 2);
	/* The host's refusal leaves what was. */
	tap.refused = own[3];
	assert_int_equal(use_pairs(f, PAIRS), 1);
	assert_int_equal(attached(own), 2);
	tap.refused = 0;
	assert_int_equal(use_pairs(f, PAIRS), 0);
	assert_int_equal(modern_status(f->bus), S_READY);
	done_with(f);
}

static void
test_net_control_queue_comes_third_for_a_driver_of_one_pair(void **state)
{
	const uint8_t two[] = {4, 0, 2, 0}, announced[] = {3, 0};
	int own[8];
	struct fixture *f = card(PAIRS, PAIRS, own);

	drive(f, F_STATUS | F_CTRL_VQ | 1ULL << 21, 2);
	assert_int_equal(ask(f, 2, announced, sizeof announced), 0);
	assert_int_equal(ask(f, 2, two, sizeof two), 1);
	assert_int_equal(attached(own), 1);
	arrive(f, 0, 0x77);
	UNTIL(f, comes(f, 0, 0x77));
	/* On a tap of one queue it is there as well. */
	done_with(f);
	f = card(PAIRS, 1, own);
	drive(f, F_STATUS | F_CTRL_VQ | 1ULL << 21, 2);
	assert_int_equal(ask(f, 2, announced, sizeof announced), 0);
	done_with(f);
}

static void
test_net_reset_leaves_one_pair(void **state)
{
	int own[8];
	struct fixture *f = card(PAIRS, PAIRS, own);
	unsigned i;

	for (i = 0; i < 3; i++) {
		drive(f, F_ALL, CTRL);
		assert_int_equal(use_pairs(f, PAIRS), 0);
		arrive(f, 3, 0x11);
		UNTIL(f, comes(f, 3, 0x11));
		bar_out(f->bus, MODERN, 0x14, 1, 0);
		assert_int_equal(attached(own), 1);
		memset(ram(f->bus, RX_DATA(3)), 0xcc, BUFFER * BUFFERS);
		pause_for(f);
		assert_int_equal(
		    *ram(f->bus, RX_DATA(3) + BUFFER + FRAME - 1), 0xcc);
	}
	done_with(f);
}

/* Frames from the world to every pair, until it is told to end. */
static _Atomic bool flooding;

static void *
flood(void *arg)
{
	struct fixture *f = arg;
	uint8_t frame[1514 + HEADER] = {0}, sink[FRAME];
	unsigned i;

	while (flooding) {
		for (i = 0; i < PAIRS; i++) {
			send(f->peer[i], frame, sizeof frame, MSG_NOSIGNAL);
			while (recv(f->peer[i], sink, sizeof sink, 0) > 0)
				;
		}
		usleep(50);
	}
	return NULL;
}

static void
test_net_resets_amid_traffic_of_all_pairs(void **state)
{
	int own[8];
	struct fixture *f = card(PAIRS, PAIRS, own);
	pthread_t thread;
	unsigned n, i, k;

	flooding = true;
	assert_int_equal(pthread_create(&thread, NULL, flood, f), 0);
	for (n = 0; n < 30; n++) {
		drive(f, F_ALL, CTRL);
		assert_int_equal(use_pairs(f, (uint16_t)(1 + n % PAIRS)), 0);
		assert_int_equal(use_pairs(f, PAIRS), 0);
		for (i = 0; i < PAIRS; i++)
			for (k = 0; k < 8; k++)
				send_out(f, i, 0x22);
		for (i = 0; i < PAIRS; i++) {
			UNTIL(f, ring_used(&f->rx[i], NULL, NULL));
			UNTIL(f, ring_used(&f->tx[i], NULL, NULL));
		}
		assert_int_equal(modern_status(f->bus), S_READY);
		/* From here on nothing of it is touched: ASan, and the eye. */
		bar_out(f->bus, MODERN, 0x14, 1, 0);
		memset(ram(f->bus, RX_DATA(0)), 0xcc, PAIRS * 0x20000u);
		run(f);
		for (i = 0; i < PAIRS * 0x20000u; i++)
			assert_int_equal(*ram(f->bus, RX_DATA(0) + i), 0xcc);
	}
	flooding = false;
	pthread_join(thread, NULL);
	done_with(f);
}

static void
test_net_a_broken_queue_of_any_pair_breaks_the_card(void **state)
{
	const struct buf wrong = {0xf0000000, 64, false};
	int own[8];
	struct fixture *f = card(PAIRS, PAIRS, own);

	drive(f, F_ALL, CTRL);
	assert_int_equal(use_pairs(f, PAIRS), 0);
	ring_add(&f->tx[3], &wrong, 1);
	modern_kick(f->bus, 7);
	UNTIL(f, (modern_status(f->bus) & S_NEEDS_RESET) != 0);
	assert_int_equal(f->bus->fn.sent[VECTOR], 1);
	drive(f, F_ALL, CTRL);
	assert_int_equal(use_pairs(f, PAIRS), 0);
	send_out(f, 3, 0x12);
	UNTIL(f, went_out(f, 3, 0x12));
	done_with(f);
}

static void
test_net_cable_is_one_for_all_pairs(void **state)
{
	int own[8];
	struct fixture *f = card(PAIRS, PAIRS, own);
	unsigned i;

	drive(f, F_ALL, CTRL);
	assert_int_equal(use_pairs(f, PAIRS), 0);
	virtio_net_plug(f->dev, false);
	for (i = 0; i < PAIRS; i++)
		arrive(f, i, 0x11);
	pause_for(f);
	for (i = 0; i < PAIRS; i++)
		assert_false(comes(f, i, 0x11));
	virtio_net_plug(f->dev, true);
	for (i = 0; i < PAIRS; i++) {
		arrive(f, i, 0x22);
		UNTIL(f, comes(f, i, 0x22));
	}
	/* One whose tap is deleted has none any more. */
	close(f->peer[2]);
	f->peer[2] = -1;
	UNTIL(f, !virtio_net_plugged(f->dev));
	assert_int_equal(f->bus->fn.sent[VECTOR], 3);
	/* It may go on sending into nothing. */
	send_out(f, 1, 0x33);
	UNTIL(f, ring_used(&f->tx[1], NULL, NULL));
	assert_false(went_out(f, 1, 0x33));
	done_with(f);
}

static int
load(struct fixture *f, const struct state_writer *w)
{
	struct state_reader r = {.data = w->data, .len = w->len};
	struct error err;

	assert_int_equal(state_open(&r, "net"), 1);
	return f->bus->fn.ops->load(f->bus->fn.arg, &r, &err);
}

static void
test_net_pairs_in_use_are_saved(void **state)
{
	int own[8], others[8];
	struct fixture *f = card(PAIRS, PAIRS, own), *other;
	struct state_writer w = {0};
	unsigned i;

	drive(f, F_ALL, CTRL);
	assert_int_equal(use_pairs(f, 3), 0);
	arrive(f, 2, 0x11);
	UNTIL(f, comes(f, 2, 0x11));
	state_begin(&w, "net", 1);
	f->bus->fn.ops->save(f->bus->fn.arg, &w);
	state_end(&w);
	bar_out(f->bus, MODERN, 0x14, 1, 0);
	assert_int_equal(attached(own), 1);
	assert_int_equal(load(f, &w), 0);
	assert_int_equal(attached(own), 3);
	for (i = 0; i < 3; i++) {
		arrive(f, i, 0x22);
		UNTIL(f, comes(f, i, 0x22));
		send_out(f, i, 0x33);
		UNTIL(f, went_out(f, i, 0x33));
	}
	/* It goes on neither with fewer queues nor with a tap of one. */
	other = card(2, 2, others);
	assert_int_equal(load(other, &w), -1);
	done_with(other);
	other = card(PAIRS, 1, others);
	assert_int_equal(load(other, &w), -1);
	done_with(other);
	state_writer_free(&w);
	done_with(f);
}

static void
test_net_takes_a_full_queue_of_1024(void **state)
{
	int own[8];
	struct fixture *f = card(2, 2, own);
	struct buf b = {RX_DATA(0), 128, true};
	unsigned i, got = 0;

	modern_begin(f->bus, F_VERSION_1);
	modern_queue(f->bus, &f->rx[0], 0, 1024);
	modern_queue(f->bus, &f->tx[0], 1, 1024);
	modern_ready(f->bus);
	for (i = 0; i < 1024; i++)
		ring_add(&f->rx[0], &b, 1);
	modern_kick(f->bus, 0);
	for (i = 0; i < 1024; i++) {
		arrive(f, 0, 0x44);
		run(f);
		while (ring_used(&f->rx[0], NULL, NULL))
			got++;
	}
	UNTIL(f, (got += ring_used(&f->rx[0], NULL, NULL)) == 1024);
	assert_int_equal(modern_status(f->bus), S_READY);
	b = (struct buf){TX_DATA(0), FRAME, false};
	for (i = 0; i < 1024; i++)
		ring_add(&f->tx[0], &b, 1);
	modern_kick(f->bus, 1);
	for (got = 0, i = 0; got < 1024 && i < 40000; i++) {
		while (went_out(f, 0, *ram(f->bus, TX_DATA(0) + FRAME - 1)))
			got++;
		run(f);
	}
	assert_int_equal(got, 1024);
	done_with(f);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_net_has_a_pair_for_each_cpu_up_to_eight),
	    cmocka_unit_test(
		test_net_each_pair_has_its_own_frames_and_interrupts),
	    cmocka_unit_test(
		test_net_pairs_are_idle_until_the_driver_wants_them),
	    cmocka_unit_test(test_net_pairs_that_cannot_be_are_refused),
	    cmocka_unit_test(
		test_net_control_queue_comes_third_for_a_driver_of_one_pair),
	    cmocka_unit_test(test_net_reset_leaves_one_pair),
	    cmocka_unit_test(test_net_resets_amid_traffic_of_all_pairs),
	    cmocka_unit_test(
		test_net_a_broken_queue_of_any_pair_breaks_the_card),
	    cmocka_unit_test(test_net_cable_is_one_for_all_pairs),
	    cmocka_unit_test(test_net_pairs_in_use_are_saved),
	    cmocka_unit_test(test_net_takes_a_full_queue_of_1024),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
