/*
 * backend/virtio/net: a network card as its driver sees it. The tap is one end
 * of a socket that keeps frames apart, and once a real one, in a network
 * namespace of its own.
 */
#include <errno.h>
#include <event2/event.h>
#include <fcntl.h>
#include <linux/if_tun.h>
#include <net/if.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "tests/unit/virtio_rig.h"

#define SIZE 64
#define RX   0
#define TX   1

#define RX_DATA 0x200000u
#define TX_DATA 0x600000u

#define F_MAC     (1ULL << 5)
#define F_MRG     (1ULL << 15)
#define F_STATUS  (1ULL << 16)
#define LINK_UP   1
#define HEADER    12
#define MAX_FRAME 65562

static const uint8_t mac[6] = {0x00, 0x20, 0x91, 0, 0, 1};

struct fixture {
	struct pci_bus *bus;
	struct event_base *base;
	struct virtio_dev *dev;
	struct ring rx, tx;
	int peer; /* the world behind the tap */
};

static struct fixture *
card(int tap, int peer)
{
	struct fixture *f = calloc(1, sizeof *f);
	const struct virtio_net_config config = {.name = "net0",
	    .tap_fd = &tap,
	    .taps = 1,
	    .cpus = 1,
	    .mac = mac,
	    .mtu = 1500};
	struct error err;

	f->bus = rig_new();
	f->base = event_base_new();
	f->peer = peer;
	assert_int_equal(
	    virtio_net_create(f->bus, f->base, &config, &f->dev, &err), 0);
	return f;
}

static int
setup(void **state)
{
	int sv[2], big = 4 << 20;

	assert_int_equal(
	    socketpair(
		AF_UNIX, SOCK_SEQPACKET | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, sv),
	    0);
	setsockopt(sv[1], SOL_SOCKET, SO_SNDBUF, &big, sizeof big);
	*state = card(sv[0], sv[1]);
	return 0;
}

static int
teardown(void **state)
{
	struct fixture *f = *state;

	rig_free(f->bus);
	event_base_free(f->base);
	if (f->peer != -1)
		close(f->peer);
	free(f);
	return 0;
}

static void
run(struct fixture *f)
{
	unsigned i;

	for (i = 0; i < 5; i++)
		event_base_loop(f->base, EVLOOP_NONBLOCK);
}

static void
drive(struct fixture *f, uint64_t features)
{
	modern_begin(f->bus, F_VERSION_1 | F_MAC | F_STATUS | features);
	modern_queue(f->bus, &f->rx, RX, SIZE);
	modern_queue(f->bus, &f->tx, TX, SIZE);
	modern_ready(f->bus);
	f->bus->fn.msix = true;
	run(f);
}

/* Gives the card n receive buffers of len bytes; buffer i lies at i * len. */
static void
give(struct fixture *f, unsigned first, unsigned n, uint32_t len)
{
	unsigned i;

	for (i = first; i < first + n; i++) {
		struct buf b = {RX_DATA + i * len, len, true};

		memset(ram(f->bus, b.gpa), 0xee, len);
		ring_add(&f->rx, &b, 1);
	}
	modern_kick(f->bus, RX);
	run(f);
}

/* A frame of len bytes with its header, from outside. */
static void
arrive(struct fixture *f, size_t len, uint8_t fill)
{
	uint8_t *frame = calloc(1, len);

	memset(frame + HEADER, fill, len - HEADER);
	assert_int_equal(send(f->peer, frame, len, 0), len);
	free(frame);
	run(f);
}

static uint16_t
num_buffers(struct fixture *f, uint64_t gpa)
{
	return (uint16_t)(*ram(f->bus, gpa + 10) | *ram(f->bus, gpa + 11) << 8);
}

static void
transmit(struct fixture *f, size_t len, uint8_t fill)
{
	const struct buf b[] = {
	    {TX_DATA, HEADER, false}, {TX_DATA + 4096, (uint32_t)len, false}};

	memset(ram(f->bus, TX_DATA), 0, HEADER);
	memset(ram(f->bus, TX_DATA + 4096), fill, len);
	ring_add(&f->tx, b, 2);
	modern_kick(f->bus, TX);
	run(f);
}

static void
test_net_configuration_tells_address_and_link(void **state)
{
	struct fixture *f = *state;
	unsigned i;

	for (i = 0; i < 6; i++)
		assert_int_equal(bar_in(f->bus, MODERN, CONFIG + i, 1), mac[i]);
	assert_int_equal(bar_in(f->bus, MODERN, CONFIG + 6, 2), LINK_UP);
	assert_int_equal(bar_in(f->bus, LEGACY, 20, 4), 0x912000);
	assert_int_equal(modern_offered(f->bus) & (F_MAC | F_STATUS | F_MRG),
	    F_MAC | F_STATUS | F_MRG);
	/* What this "tap" cannot do is not offered. */
	assert_int_equal(modern_offered(f->bus) & 0x7f83, 0);
	assert_int_equal(f->bus->fn.ops->device, 0x1000);
}

static void
test_net_frames_go_out_as_they_are(void **state)
{
	struct fixture *f = *state;
	uint8_t frame[256];

	drive(f, 0);
	transmit(f, 60, 0x77);
	assert_int_equal(recv(f->peer, frame, sizeof frame, 0), 72);
	assert_int_equal(frame[HEADER], 0x77);
	assert_int_equal(frame[71], 0x77);
	assert_true(ring_used(&f->tx, NULL, NULL));
	assert_int_equal(f->bus->fn.sent[TX], 1);
	assert_int_equal(virtio_figures(f->dev)->out_bytes, 60);
	assert_int_equal(virtio_figures(f->dev)->out_ops, 1);
}

static void
test_net_frames_come_in_one_a_buffer(void **state)
{
	struct fixture *f = *state;
	uint32_t id, len;

	drive(f, 0);
	give(f, 0, 4, 2048);
	arrive(f, 100, 0x11);
	arrive(f, 200, 0x22);
	assert_true(ring_used(&f->rx, &id, &len));
	assert_int_equal(id, 0);
	assert_int_equal(len, 100);
	assert_int_equal(num_buffers(f, RX_DATA), 1);
	assert_int_equal(*ram(f->bus, RX_DATA + 99), 0x11);
	assert_int_equal(*ram(f->bus, RX_DATA + 100), 0xee);
	assert_true(ring_used(&f->rx, &id, &len));
	assert_int_equal(id, 1);
	assert_int_equal(len, 200);
	assert_false(ring_used(&f->rx, &id, &len));
	assert_int_equal(virtio_figures(f->dev)->in_bytes, 88 + 188);
	/* One that does not fit is lost, and the buffer serves the next. */
	arrive(f, 3000, 0x33);
	arrive(f, 300, 0x44);
	assert_true(ring_used(&f->rx, &id, &len));
	assert_int_equal(len, 300);
	assert_int_equal(*ram(f->bus, RX_DATA + 2 * 2048 + 299), 0x44);
}

static void
test_net_frames_wait_for_buffers_without_a_busy_loop(void **state)
{
	struct fixture *f = *state;
	uint32_t len;
	unsigned i;

	drive(f, 0);
	arrive(f, 100, 0x11);
	/* Nothing is pending on the loop: it would sleep. */
	for (i = 0; i < 3; i++)
		run(f);
	assert_int_equal(
	    event_base_get_num_events(f->base, EVENT_BASE_COUNT_ACTIVE), 0);
	give(f, 0, 1, 2048);
	assert_true(ring_used(&f->rx, NULL, &len));
	assert_int_equal(len, 100);
}

static void
test_net_large_frames_take_several_buffers(void **state)
{
	struct fixture *f = *state;
	unsigned i, n = 0;
	uint32_t len, sum = 0;

	drive(f, F_MRG);
	give(f, 0, 60, 1536);
	arrive(f, MAX_FRAME, 0x55);
	while (ring_used(&f->rx, NULL, &len)) {
		assert_true(len == 1536 || sum + len == MAX_FRAME);
		sum += len;
		n++;
	}
	assert_int_equal(sum, MAX_FRAME);
	assert_int_equal(n, 43);
	assert_int_equal(num_buffers(f, RX_DATA), 43);
	for (i = HEADER; i < MAX_FRAME; i++)
		assert_int_equal(*ram(f->bus, RX_DATA + i), 0x55);
	assert_int_equal(*ram(f->bus, RX_DATA + MAX_FRAME), 0xee);
	/* The next one goes on with the buffers behind it. */
	arrive(f, 64, 0x66);
	assert_true(ring_used(&f->rx, NULL, &len));
	assert_int_equal(len, 64);
	assert_int_equal(num_buffers(f, RX_DATA + 43 * 1536), 1);
}

static void
test_net_holds_a_frame_until_its_buffers_come(void **state)
{
	struct fixture *f = *state;
	uint32_t len, sum = 0;
	unsigned i;

	drive(f, F_MRG);
	give(f, 0, 2, 1536);
	arrive(f, 5000, 0x77);
	assert_false(ring_used(&f->rx, NULL, &len));
	give(f, 2, 1, 1536);
	assert_false(ring_used(&f->rx, NULL, &len));
	give(f, 3, 1, 1536);
	while (ring_used(&f->rx, NULL, &len))
		sum += len;
	assert_int_equal(sum, 5000);
	assert_int_equal(num_buffers(f, RX_DATA), 4);
	for (i = HEADER; i < 5000; i++)
		assert_int_equal(*ram(f->bus, RX_DATA + i), 0x77);
}

static void
test_net_drops_a_frame_that_never_gets_its_buffers(void **state)
{
	struct fixture *f = *state;
	uint32_t len;

	drive(f, F_MRG);
	give(f, 0, 2, 1536);
	arrive(f, 5000, 0x77);
	arrive(f, 100, 0x88);
	assert_false(ring_used(&f->rx, NULL, &len));
	usleep(150000);
	run(f);
	/* The small one behind it was not lost with it. */
	assert_true(ring_used(&f->rx, NULL, &len));
	assert_int_equal(len, 100);
	assert_int_equal(*ram(f->bus, RX_DATA + 99), 0x88);
}

static void
test_net_drops_a_frame_for_buffers_in_too_many_pieces(void **state)
{
	struct fixture *f = *state;
	struct guest_desc *table = (void *)ram(f->bus, TX_DATA);
	unsigned i, j;
	uint32_t len, sum = 0;

	drive(f, F_MRG | F_INDIRECT);
	/* 30 indirect tables of 200 pieces of 16 bytes. */
	for (i = 0; i < 30; i++) {
		for (j = 0; j < 200; j++)
			table[i * 200 + j] = (struct guest_desc){
			    RX_DATA + (i * 200 + j) * 16, 16,
			    WRITE | (j < 199 ? NEXT : 0), (uint16_t)(j + 1)};
		ring_put(
		    &f->rx, (uint16_t)i, TX_DATA + i * 3200, 3200, INDIRECT, 0);
		ring_offer(&f->rx, (uint16_t)i);
	}
	modern_kick(f->bus, RX);
	run(f);
	arrive(f, 60000, 0x99);
	assert_false(ring_used(&f->rx, NULL, &len));
	arrive(f, 4000, 0xaa);
	while (ring_used(&f->rx, NULL, &len))
		sum += len;
	assert_int_equal(sum, 4000);
}

static void
test_net_flood_is_taken_in_turns(void **state)
{
	struct fixture *f = *state;
	unsigned i, n = 0;
	uint8_t frame[64] = {0};

	drive(f, 0);
	for (i = 0; i < 100; i++)
		if (send(f->peer, frame, sizeof frame, 0) == -1)
			break;
	assert_true(i > 64);
	give(f, 0, 64, 2048);
	while (ring_used(&f->rx, NULL, NULL))
		n++;
	assert_int_equal(n, 64);
	give(f, 0, 64, 2048);
	while (ring_used(&f->rx, NULL, NULL))
		n++;
	assert_int_equal(n, i);
	/* In one interrupt each. */
	assert_true(f->bus->fn.sent[RX] <= 4);
}

static void
test_net_sending_waits_while_the_tap_is_full(void **state)
{
	struct fixture *f = *state;
	const struct buf b[] = {
	    {TX_DATA, HEADER, false}, {TX_DATA + 4096, 60000, false}};
	static uint8_t frame[65536];
	unsigned i, sent = 0, got = 0;

	drive(f, 0);
	for (i = 0; i < 30; i++)
		ring_add(&f->tx, b, 2);
	modern_kick(f->bus, TX);
	run(f);
	while (ring_used(&f->tx, NULL, NULL))
		sent++;
	assert_true(sent < 30);
	assert_int_equal(
	    event_base_get_num_events(f->base, EVENT_BASE_COUNT_ACTIVE), 0);
	for (i = 0; i < 100 && got < 30; i++) {
		while (recv(f->peer, frame, sizeof frame, 0) == 60012)
			got++;
		run(f);
	}
	assert_int_equal(got, 30);
	while (ring_used(&f->tx, NULL, NULL))
		sent++;
	assert_int_equal(sent, 30);
}

static void
test_net_breaks_on_frames_and_buffers_without_room(void **state)
{
	struct fixture *f = *state;
	const struct buf small = {TX_DATA, HEADER, false};
	const struct buf tight = {RX_DATA, HEADER - 1, true};
	const struct buf wrong = {RX_DATA, 2048, false};

	drive(f, 0);
	ring_add(&f->tx, &small, 1);
	modern_kick(f->bus, TX);
	run(f);
	assert_true(modern_status(f->bus) & S_NEEDS_RESET);
	drive(f, F_MRG);
	ring_add(&f->rx, &tight, 1);
	modern_kick(f->bus, RX);
	run(f);
	assert_true(modern_status(f->bus) & S_NEEDS_RESET);
	drive(f, F_MRG);
	ring_add(&f->rx, &wrong, 1);
	modern_kick(f->bus, RX);
	run(f);
	assert_true(modern_status(f->bus) & S_NEEDS_RESET);
	arrive(f, 100, 1);
	drive(f, F_MRG);
	assert_int_equal(modern_status(f->bus), S_READY);
}

static void
test_net_lost_tap_takes_the_link_down(void **state)
{
	struct fixture *f = *state;

	drive(f, 0);
	bar_out(f->bus, MODERN, 0x10, 2, 2);
	give(f, 0, 4, 2048);
	assert_int_equal(bar_in(f->bus, MODERN, 0x15, 1), 0);
	close(f->peer);
	f->peer = -1;
	run(f);
	assert_int_equal(bar_in(f->bus, MODERN, CONFIG + 6, 2), 0);
	assert_int_equal(bar_in(f->bus, MODERN, 0x15, 1), 1);
	assert_int_equal(f->bus->fn.sent[2], 1);
	/* The guest may go on sending into nothing; nothing spins. */
	transmit(f, 60, 1);
	assert_true(ring_used(&f->tx, NULL, NULL));
	assert_int_equal(
	    event_base_get_num_events(f->base, EVENT_BASE_COUNT_ACTIVE), 0);
}

static void
test_net_legacy_driver_has_a_short_header(void **state)
{
	struct fixture *f = *state;
	const struct buf b[] = {
	    {RX_DATA, 10, true}, {RX_DATA + 64, 1514, true}};
	uint8_t frame[70];
	uint32_t len;

	bar_out(f->bus, LEGACY, 18, 1, S_ACK | S_DRIVER);
	bar_out(f->bus, LEGACY, 4, 4, F_MAC);
	legacy_queue(f->bus, &f->rx, RX);
	legacy_queue(f->bus, &f->tx, TX);
	bar_out(f->bus, LEGACY, 18, 1, S_ACK | S_DRIVER | S_DRIVER_OK);
	memset(frame, 0x42, sizeof frame);
	memset(ram(f->bus, RX_DATA), 0xee, 2048);
	ring_add(&f->rx, b, 2);
	doorbell(f->bus, true, PIO_BASE + 16, RX);
	run(f);
	assert_int_equal(send(f->peer, frame, sizeof frame, 0), 70);
	run(f);
	assert_true(ring_used(&f->rx, NULL, &len));
	assert_int_equal(len, 70);
	/* Nobody writes a number of buffers over the frame's first bytes. */
	assert_int_equal(*ram(f->bus, RX_DATA + 64), 0x42);
	assert_int_equal(*ram(f->bus, RX_DATA + 64 + 59), 0x42);
	assert_int_equal(*ram(f->bus, RX_DATA + 64 + 60), 0xee);
	assert_true(f->bus->fn.intx);
}

static void
test_net_reset_gives_up_its_buffers(void **state)
{
	struct fixture *f = *state;
	uint32_t len;
	unsigned i;

	for (i = 0; i < 3; i++) {
		drive(f, F_MRG);
		f->rx.next_desc = 0;
		give(f, 0, 3, 1536);
		arrive(f, 6000, 0x77); /* is held */
		bar_out(f->bus, MODERN, 0x14, 1, 0);
		memset(ram(f->bus, RX_DATA), 0xcc, 8192);
		arrive(f, 100, 0x88);
		usleep(i == 2 ? 150000 : 0);
		run(f);
		assert_false(ring_used(&f->rx, NULL, &len));
		assert_int_equal(*ram(f->bus, RX_DATA), 0xcc);
		drive(f, F_MRG);
		f->rx.next_desc = 0;
		give(f, 0, 3, 1536);
		/* The frame that came in between was kept by the tap. */
		assert_true(ring_used(&f->rx, NULL, &len));
		assert_int_equal(len, 100);
	}
}

static void
test_net_saved_with_buffers_in_hand_goes_on(void **state)
{
	struct fixture *f = *state, *g;
	struct state_writer w = {0};
	struct state_reader r;
	struct error err;
	void *other;
	uint32_t len;

	drive(f, F_MRG);
	give(f, 0, 8, 1536);
	arrive(f, 100, 0x11);
	assert_true(ring_used(&f->rx, NULL, NULL));
	state_begin(&w, "net", 1);
	f->bus->fn.ops->save(f->bus->fn.arg, &w);
	state_end(&w);
	/* The one that was saved goes on as well. */
	run(f);
	arrive(f, 200, 0x22);
	assert_true(ring_used(&f->rx, NULL, &len));
	assert_int_equal(len, 200);

	setup(&other);
	g = other;
	memcpy(ram(g->bus, 0), ram(f->bus, 0), RAM_LOW);
	ring_init(&g->rx, &g->bus->machine.mem, SIZE, RINGS_GPA);
	g->rx.used[1] = g->rx.last_used = 1; /* as it was then */
	r = (struct state_reader){.data = w.data, .len = w.len};
	assert_int_equal(state_open(&r, "net"), 1);
	assert_int_equal(g->bus->fn.ops->load(g->bus->fn.arg, &r, &err), 0);
	run(g);
	arrive(g, 300, 0x33);
	assert_true(ring_used(&g->rx, NULL, &len));
	assert_int_equal(len, 300);
	assert_int_equal(*ram(g->bus, RX_DATA + 1536 + 299), 0x33);
	teardown(&other);
	state_writer_free(&w);
}

/* A tap that is up, in a network namespace of our own, or -1. */
static int
real_tap(void)
{
	struct ifreq ifr = {.ifr_flags = IFF_TAP | IFF_NO_PI | IFF_VNET_HDR};
	int size = HEADER, fd, s;

	if (unshare(geteuid() == 0 ? CLONE_NEWNET
				   : CLONE_NEWUSER | CLONE_NEWNET) == -1)
		return -1;
	fd = open("/dev/net/tun", O_RDWR | O_NONBLOCK | O_CLOEXEC);
	if (fd == -1)
		return -1;
	snprintf(ifr.ifr_name, sizeof ifr.ifr_name, "tap0");
	if (ioctl(fd, TUNSETIFF, &ifr) == -1 ||
	    ioctl(fd, TUNSETVNETHDRSZ, &size) == -1) {
		close(fd);
		return -1;
	}
	s = socket(AF_INET, SOCK_DGRAM, 0);
	ifr.ifr_flags = IFF_UP;
	assert_int_equal(ioctl(s, SIOCSIFFLAGS, &ifr), 0);
	close(s);
	return fd;
}

static void
test_net_real_tap_takes_frames_and_offloads(void **state)
{
	struct fixture *f;
	uint64_t offered;
	uint8_t *frame;
	uint32_t len;
	int tap = real_tap();

	if (tap == -1)
		SKIP("no tap can be made here");
	f = card(tap, -1);
	offered = modern_offered(f->bus);
	/* CSUM, GUEST_CSUM, and segmentation both ways. */
	assert_int_equal(offered & 0x3b83, 0x3b83);
	drive(f, offered & (F_MRG | 0x3b83));
	transmit(f, 60, 0xff);
	assert_true(ring_used(&f->tx, NULL, NULL));
	assert_int_equal(virtio_figures(f->dev)->out_ops, 1);
	/* A header that makes no sense: lost, and the card lives. */
	frame = ram(f->bus, TX_DATA);
	memset(frame, 0xff, HEADER);
	{
		const struct buf b = {TX_DATA, 72, false};

		ring_add(&f->tx, &b, 1);
		modern_kick(f->bus, TX);
		run(f);
	}
	assert_true(ring_used(&f->tx, NULL, NULL));
	assert_int_equal(virtio_figures(f->dev)->out_ops, 1);
	assert_int_equal(modern_status(f->bus), S_READY);
	/* The host's own first frames (IPv6 says hello) come in. */
	give(f, 0, 8, 2048);
	for (int i = 0; i < 300 && !ring_used(&f->rx, NULL, &len); i++) {
		usleep(10000);
		run(f);
		len = 0;
	}
	assert_true(len == 0 || len > HEADER + 14);
	*state = f;
	teardown(state);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    TEST(test_net_configuration_tells_address_and_link),
	    TEST(test_net_frames_go_out_as_they_are),
	    TEST(test_net_frames_come_in_one_a_buffer),
	    TEST(test_net_frames_wait_for_buffers_without_a_busy_loop),
	    TEST(test_net_large_frames_take_several_buffers),
	    TEST(test_net_holds_a_frame_until_its_buffers_come),
	    TEST(test_net_drops_a_frame_that_never_gets_its_buffers),
	    TEST(test_net_drops_a_frame_for_buffers_in_too_many_pieces),
	    TEST(test_net_flood_is_taken_in_turns),
	    TEST(test_net_sending_waits_while_the_tap_is_full),
	    TEST(test_net_breaks_on_frames_and_buffers_without_room),
	    TEST(test_net_lost_tap_takes_the_link_down),
	    TEST(test_net_legacy_driver_has_a_short_header),
	    TEST(test_net_reset_gives_up_its_buffers),
	    TEST(test_net_saved_with_buffers_in_hand_goes_on),
	    cmocka_unit_test(test_net_real_tap_takes_frames_and_offloads),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
