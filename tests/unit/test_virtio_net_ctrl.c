/*
 * backend/virtio/net_ctrl.c: what the control queue says is done, what is no
 * request is refused, and only frames that are wanted come.
 */
#include <event2/event.h>
#include <sys/socket.h>
#include <unistd.h>

#include "tests/unit/virtio_rig.h"

#define RX     0
#define TX     1
#define CTRL   2
#define VECTOR 3

#define RX_DATA 0x200000u
#define REQUEST 0x400000u
#define ANSWER  0x500000u
#define HEADER  12
#define FRAME   60

#define F_STATUS   (1ULL << 16)
#define F_CTRL_VQ  (1ULL << 17)
#define F_CTRL_RX  (1ULL << 18)
#define F_VLAN     (1ULL << 19)
#define F_EXTRA    (1ULL << 20)
#define F_ANNOUNCE (1ULL << 21)
#define F_CTRL_MAC (1ULL << 23)
#define F_ALL                                                               \
	(F_STATUS | F_CTRL_VQ | F_CTRL_RX | F_VLAN | F_EXTRA | F_ANNOUNCE | \
	    F_CTRL_MAC)

static const uint8_t mac[6] = {0x00, 0x20, 0x91, 0, 0, 1};
static const uint8_t other[6] = {0x00, 0x20, 0x91, 0, 0, 2};
static const uint8_t group[6] = {0x01, 0x00, 0x5e, 0, 0, 9};
static const uint8_t all[6] = {255, 255, 255, 255, 255, 255};

struct fixture {
	struct pci_bus *bus;
	struct event_base *base;
	struct virtio_dev *dev;
	struct ring rx, tx, ctrl;
	int peer;
};

static int
setup(void **state)
{
	struct fixture *f = calloc(1, sizeof *f);
	struct virtio_net_config config = {
	    .name = "net0", .taps = 1, .cpus = 1, .mac = mac, .mtu = 9000};
	struct error err;
	int sv[2];

	config.tap_fd = &sv[0];
	assert_int_equal(
	    socketpair(
		AF_UNIX, SOCK_SEQPACKET | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, sv),
	    0);
	f->bus = rig_new();
	f->base = event_base_new();
	f->peer = sv[1];
	assert_int_equal(
	    virtio_net_create(f->bus, f->base, &config, &f->dev, &err), 0);
	*state = f;
	return 0;
}

static int
teardown(void **state)
{
	struct fixture *f = *state;

	rig_free(f->bus);
	event_base_free(f->base);
	close(f->peer);
	free(f);
	return 0;
}

static void
run(struct fixture *f)
{
	unsigned i;

	for (i = 0; i < 6; i++)
		event_base_loop(f->base, EVLOOP_NONBLOCK);
}

static void
begin(struct fixture *f, uint64_t features)
{
	unsigned i;

	modern_begin(f->bus, F_VERSION_1 | features);
	modern_queue(f->bus, &f->rx, RX, 64);
	modern_queue(f->bus, &f->tx, TX, 64);
	modern_queue(f->bus, &f->ctrl, CTRL, 64);
	bar_out(f->bus, MODERN, 0x10, 2, VECTOR);
	modern_ready(f->bus);
	f->bus->fn.msix = true;
	for (i = 0; i < 32; i++) {
		const struct buf b[] = {{RX_DATA + i * 2048, 2048, true}};

		ring_add(&f->rx, b, 1);
	}
	modern_kick(f->bus, RX);
	run(f);
}

/* Sends a request in buffers of at most part bytes; the answer. */
static uint8_t
ask(struct fixture *f, const void *request, uint32_t len, uint32_t part)
{
	struct buf b[16];
	uint32_t at = 0, n = 0, got;

	memcpy(ram(f->bus, REQUEST), request, len);
	*ram(f->bus, ANSWER) = 0xee;
	for (; at < len && n < 15; n++, at += b[n - 1].len)
		b[n] = (struct buf){REQUEST + at,
		    len - at < part || n == 14 ? len - at : part, false};
	b[n++] = (struct buf){ANSWER, 1, true};
	ring_add(&f->ctrl, b, n);
	modern_kick(f->bus, CTRL);
	run(f);
	assert_true(ring_used(&f->ctrl, NULL, &got));
	assert_int_equal(got, 1);
	return *ram(f->bus, ANSWER);
}

/* The world sends a frame, tagged if vlan is not -1. Does it come? */
static bool
comes(struct fixture *f, const uint8_t *to, int vlan)
{
	uint8_t frame[HEADER + FRAME] = {0};

	memcpy(frame + HEADER, to, 6);
	frame[HEADER + 12] = 0x08;
	if (vlan != -1) {
		frame[HEADER + 12] = 0x81;
		frame[HEADER + 14] = (uint8_t)(vlan >> 8);
		frame[HEADER + 15] = (uint8_t)vlan;
	}
	assert_int_equal(write(f->peer, frame, sizeof frame), sizeof frame);
	run(f);
	return ring_used(&f->rx, NULL, NULL);
}

static void
must(struct fixture *f, uint8_t class, uint8_t command, uint8_t value)
{
	const uint8_t request[] = {class, command, value};

	assert_int_equal(ask(f, request, sizeof request, 100), 0);
}

static void
test_net_ctrl_wants_everything_until_told(void **state)
{
	struct fixture *f = *state;

	begin(f, F_ALL);
	assert_true(comes(f, mac, -1) && comes(f, other, -1) &&
	    comes(f, group, -1) && comes(f, all, -1) && comes(f, other, 7));
	/* A driver that has no such queue is not filtered either. */
	begin(f, F_STATUS);
	assert_true(comes(f, other, -1) && comes(f, mac, 7));
}

static void
test_net_ctrl_filters_by_mode(void **state)
{
	struct fixture *f = *state;

	begin(f, F_ALL);
	must(f, 0, 0, 0);
	assert_true(comes(f, mac, -1) && comes(f, all, -1));
	assert_false(comes(f, other, -1));
	assert_false(comes(f, group, -1));
	must(f, 0, 1, 1); /* all multicast */
	assert_true(comes(f, group, -1));
	must(f, 0, 2, 1); /* all unicast */
	assert_true(comes(f, other, -1));
	must(f, 0, 3, 1); /* no multicast */
	assert_false(comes(f, group, -1));
	must(f, 0, 4, 1); /* no unicast */
	assert_false(comes(f, mac, -1));
	must(f, 0, 5, 1); /* no broadcast */
	assert_false(comes(f, all, -1));
	must(f, 0, 0, 1);
	assert_true(comes(f, group, -1) && comes(f, all, -1));
	assert_int_equal(virtio_figures(f->dev)->in_ops, 6);
}

static void
test_net_ctrl_filters_by_table(void **state)
{
	struct fixture *f = *state;
	uint8_t request[2 + 4 + 6 + 4 + 6] = {1, 0, 1};
	uint8_t big[2 + 4 + 65 * 6 + 4] = {1, 0, 65};
	unsigned part;

	memcpy(request + 6, other, 6);
	request[12] = 1;
	memcpy(request + 16, group, 6);
	for (part = 1; part < 8; part++) {
		begin(f, F_ALL);
		must(f, 0, 0, 0);
		assert_false(comes(f, other, -1));
		assert_int_equal(
		    ask(f, request, sizeof request, part == 7 ? 99 : part + 1),
		    0);
		assert_true(comes(f, other, -1) && comes(f, group, -1));
	}
	/* More than are kept: all of that kind, and none of the other. */
	assert_int_equal(ask(f, big, sizeof big, 99), 0);
	assert_true(comes(f, other, -1));
	assert_false(comes(f, group, -1));
	/* One that is refused changes nothing. */
	request[2] = 2;
	assert_int_equal(ask(f, request, sizeof request, 99), 1);
	assert_true(comes(f, other, -1));
	assert_false(comes(f, group, -1));
}

static void
test_net_ctrl_filters_by_vlan(void **state)
{
	struct fixture *f = *state;
	const uint8_t add[] = {2, 0, 0xff, 0x0f}, del[] = {2, 1, 0xff, 0x0f};

	begin(f, F_ALL);
	must(f, 0, 0, 0);
	assert_true(comes(f, mac, -1));
	assert_false(comes(f, mac, 0xfff));
	assert_int_equal(ask(f, add, sizeof add, 99), 0);
	assert_true(comes(f, mac, 0xfff));
	assert_true(comes(f, mac, 0xefff)); /* with a priority */
	assert_false(comes(f, mac, 0x7ff));
	assert_int_equal(ask(f, del, sizeof del, 99), 0);
	assert_false(comes(f, mac, 0xfff));
}

static void
test_net_ctrl_sets_the_address(void **state)
{
	struct fixture *f = *state;
	uint8_t request[8] = {1, 1};

	begin(f, F_ALL);
	must(f, 0, 0, 0);
	memcpy(request + 2, other, 6);
	assert_int_equal(ask(f, request, sizeof request, 99), 0);
	assert_int_equal(bar_in(f->bus, MODERN, CONFIG + 5, 1), 2);
	assert_true(comes(f, other, -1));
	assert_false(comes(f, mac, -1));
	/* A modern driver cannot write it; a reset brings the old one back. */
	bar_out(f->bus, MODERN, CONFIG, 4, 0);
	assert_int_equal(bar_in(f->bus, MODERN, CONFIG + 1, 1), 0x20);
	begin(f, F_ALL);
	assert_int_equal(bar_in(f->bus, MODERN, CONFIG + 5, 1), 1);
	/* A legacy driver writes it where it stands. */
	bar_out(f->bus, LEGACY, 18, 1, 0);
	f->bus->fn.msix = false;
	bar_out(f->bus, LEGACY, 20 + 5, 1, 9);
	bar_out(f->bus, LEGACY, 20 + 6, 1, 0);
	assert_int_equal(bar_in(f->bus, LEGACY, 20 + 5, 2), 0x0109);
}

static void
test_net_ctrl_refuses_what_was_not_negotiated(void **state)
{
	static const uint8_t requests[][8] = {{0, 0, 1}, {0, 1, 1}, {0, 2, 1},
	    {0, 5, 1}, {2, 0, 1}, {1, 1, 1}, {3, 0}};
	static const uint32_t len[] = {3, 3, 3, 3, 4, 8, 2};
	struct fixture *f = *state;
	size_t i;

	begin(f, F_STATUS | F_CTRL_VQ);
	for (i = 0; i < sizeof len / sizeof *len; i++)
		assert_int_equal(ask(f, requests[i], len[i], 99), 1);
	assert_true(comes(f, other, 5));
}

static void
test_net_ctrl_any_bytes_are_answered(void **state)
{
	struct fixture *f = *state;
	uint8_t request[40];
	unsigned i, n, seed = 1;
	uint32_t len;

	begin(f, F_ALL);
	for (n = 0; n < 4000; n++) {
		for (i = 0; i < sizeof request; i++) {
			seed = seed * 1103515245 + 12345;
			request[i] = (uint8_t)(seed >> 24) %
			    (i < 2                   ? 7
				    : seed & 1 << 20 ? 2
						     : 255);
		}
		len = 1 + (seed >> 16) % (sizeof request - 1);
		assert_true(ask(f, request, len, 1 + len / 7) <= 1);
	}
	assert_int_equal(modern_status(f->bus), S_READY);
}

static void
test_net_ctrl_breaks_without_room_for_an_answer(void **state)
{
	struct fixture *f = *state;
	const struct buf b[] = {{REQUEST, 3, false}};

	begin(f, F_ALL);
	ring_add(&f->ctrl, b, 1);
	modern_kick(f->bus, CTRL);
	run(f);
	assert_true(modern_status(f->bus) & S_NEEDS_RESET);
}

static void
test_net_link_goes_down_and_up(void **state)
{
	struct fixture *f = *state;
	const uint8_t ack[] = {3, 0};
	const struct buf b[] = {{REQUEST, HEADER + FRAME, false}};
	uint8_t frame[2048];

	begin(f, F_ALL);
	assert_int_equal(bar_in(f->bus, MODERN, CONFIG + 10, 2), 9000);
	assert_true(virtio_net_plugged(f->dev));
	virtio_net_plug(f->dev, false);
	virtio_net_plug(f->dev, false);
	assert_false(virtio_net_plugged(f->dev));
	assert_int_equal(f->bus->fn.sent[VECTOR], 1);
	assert_int_equal(bar_in(f->bus, MODERN, CONFIG + 6, 2), 0);
	/* Nothing goes through, and what waited is gone afterwards. */
	assert_false(comes(f, mac, -1));
	memset(ram(f->bus, REQUEST), 0, HEADER + FRAME);
	ring_add(&f->tx, b, 1);
	modern_kick(f->bus, TX);
	run(f);
	assert_true(ring_used(&f->tx, NULL, NULL));
	assert_int_equal(read(f->peer, frame, sizeof frame), -1);
	virtio_net_plug(f->dev, true);
	run(f);
	assert_false(ring_used(&f->rx, NULL, NULL));
	assert_int_equal(f->bus->fn.sent[VECTOR], 2);
	assert_int_equal(bar_in(f->bus, MODERN, CONFIG + 6, 2), 3);
	assert_int_equal(ask(f, ack, sizeof ack, 99), 0);
	assert_int_equal(bar_in(f->bus, MODERN, CONFIG + 6, 2), 1);
	assert_true(comes(f, mac, -1));
	/* The cable is the host's: a reset does not plug it in. */
	virtio_net_plug(f->dev, false);
	begin(f, F_ALL);
	assert_int_equal(bar_in(f->bus, MODERN, CONFIG + 6, 2), 0);
	assert_false(comes(f, mac, -1));
}

static void
test_net_filter_is_saved_and_announced_when_loaded(void **state)
{
	struct fixture *f = *state;
	struct state_writer w = {0};
	struct state_reader r;
	struct error err;
	uint8_t request[8] = {1, 1};
	size_t i;

	begin(f, F_ALL);
	must(f, 0, 0, 0);
	memcpy(request + 2, other, 6);
	assert_int_equal(ask(f, request, sizeof request, 99), 0);
	state_begin(&w, "dev", 1);
	f->bus->fn.ops->save(f->bus->fn.arg, &w);
	state_end(&w);
	f->bus->fn.ops->reset(f->bus->fn.arg);
	r = (struct state_reader){.data = w.data, .len = w.len};
	assert_int_equal(state_open(&r, "dev"), 1);
	assert_int_equal(f->bus->fn.ops->load(f->bus->fn.arg, &r, &err), 0);
	assert_int_equal(f->bus->fn.sent[VECTOR], 0);
	run(f);
	assert_int_equal(f->bus->fn.sent[VECTOR], 1);
	assert_int_equal(bar_in(f->bus, MODERN, CONFIG + 6, 2), 3);
	assert_true(comes(f, other, -1));
	assert_false(comes(f, mac, -1));
	for (i = 30; i < w.len; i++) {
		w.data[i] ^= 0x81;
		r = (struct state_reader){.data = w.data, .len = w.len};
		if (state_open(&r, "dev") == 1 &&
		    f->bus->fn.ops->load(f->bus->fn.arg, &r, &err) == 0 &&
		    i % 16 == 0)
			comes(f, group, 3);
		w.data[i] ^= 0x81;
	}
	state_writer_free(&w);
}

int
main(void)
{
#define T(name) \
	cmocka_unit_test_setup_teardown(test_net_##name, setup, teardown)
	const struct CMUnitTest tests[] = {
	    T(ctrl_wants_everything_until_told),
	    T(ctrl_filters_by_mode),
	    T(ctrl_filters_by_table),
	    T(ctrl_filters_by_vlan),
	    T(ctrl_sets_the_address),
	    T(ctrl_refuses_what_was_not_negotiated),
	    T(ctrl_any_bytes_are_answered),
	    T(ctrl_breaks_without_room_for_an_answer),
	    T(link_goes_down_and_up),
	    T(filter_is_saved_and_announced_when_loaded),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
