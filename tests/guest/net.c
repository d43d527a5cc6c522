/*
 * net.c: see net.h.
 */
#include "console.h"
#include "cpu.h"
#include "irq.h"
#include "lib.h"
#include "net.h"

#define F_MAC       (1ull << 5)
#define F_MTU       (1ull << 3)
#define F_MRG_RXBUF (1ull << 15)
#define F_STATUS    (1ull << 16)
#define F_CONTROL   (0x1full << 17) /* queue, RX, VLAN, RX extra, announce */
#define F_MQ        (1ull << 22)
#define F_CTRL_MAC  (1ull << 23)

#define CONFIG_STATUS 6
#define CONFIG_PAIRS  8
#define CONFIG_MTU    10
#define S_LINK_UP     1
#define S_ANNOUNCE    2

#define PAIRS         4 /* at most */
#define QUEUE_RX(i)   (2 * (i))
#define QUEUE_TX(i)   (2 * (i) + 1)
#define QUEUE_CTRL(v) ((v)->queues - 1)

/* Of control requests. */
#define CLASS_ANNOUNCE 3
#define CLASS_PAIRS    4

#define CONTROL_TIME 5000000u /* microseconds */

#define BUFFERS     16
#define BUFFER_SIZE 2048u
#define ETH_HEADER  14u
#define ETH_MIN     60u
#define ETHERTYPE   0x88b5u

/*
 * A buffer: virtio_net_hdr (10 bytes, or 12 with num_buffers), then the frame.
 * 2 KiB hold any frame we take, so num_buffers is always 1.
 */
struct net {
	uint8_t mac[6];
	unsigned header; /* bytes of virtio_net_hdr */
	unsigned tx_free; /* transmit buffers not with the device: a bit each */
	unsigned pairs; /* in use */
	unsigned turn; /* which one sends next */
	int showing;
	unsigned status; /* as it was last seen */
	uint8_t control[NET_CONTROL_MAX + 1]; /* a request, its answer */
	unsigned shown;
	uint64_t received, sent, dropped;
	struct net_flood flood;
	uint8_t rx[PAIRS][BUFFERS][BUFFER_SIZE];
	uint8_t tx[BUFFERS][BUFFER_SIZE];
};

int net_pong = 1;

/*
 * A buffer's pieces; frame is the length of its second part. The legacy face
 * wants the header in a piece of its own (virtio 1.2, 5.1.6.6). Returns how
 * many pieces.
 */
static unsigned
pieces_make(
    const struct virtio *v, struct virtq_piece *p, uint8_t *buf, uint32_t frame)
{
	const struct net *n = v->data;

	p[0].data = buf;
	p[0].len = v->legacy ? n->header : n->header + frame;
	p[1].data = buf + n->header;
	p[1].len = frame;
	return v->legacy ? 2 : 1;
}

static void
rx_give(struct virtio *v, unsigned pair, uint8_t *buf)
{
	const struct net *n = v->data;
	struct virtq_piece p[2];
	unsigned in = pieces_make(v, p, buf, BUFFER_SIZE - n->header);

	virtq_add(&v->queue[QUEUE_RX(pair)], p, 0, in, buf);
}

static int
net_start(struct virtio *v)
{
	struct net *n = arena_take(sizeof(*n));
	unsigned i, pair;

	if (n == NULL)
		return -1;
	v->data = n;
	n->header = !v->legacy || (v->features & F_MRG_RXBUF) ? 12 : 10;
	n->tx_free = (1u << BUFFERS) - 1;
	for (i = 0; i < 6; i++)
		n->mac[i] = v->features & F_MAC ? virtio_config8(v, i)
						: (uint8_t) "\x02vmtui"[i];
	n->status = virtio_config8(v, CONFIG_STATUS);
	n->pairs = 1;
	for (pair = 0; pair < v->queues / 2; pair++) {
		for (i = 0; i < BUFFERS; i++)
			rx_give(v, pair, n->rx[pair][i]);
		virtq_silence(&v->queue[QUEUE_TX(pair)], 1);
	}
	return 0;
}

static unsigned
net_count(struct virtio *v)
{
	return 2u * virtio_config8(v, CONFIG_PAIRS) + 1;
}

static void
mac_print(const uint8_t *mac)
{
	unsigned i;

	for (i = 0; i < 6; i++)
		print("%s%02x", i == 0 ? "" : ":", mac[i]);
}

static void
tx_reclaim(struct virtio *v)
{
	struct net *n = v->data;
	uint8_t *buf;
	uint32_t len;
	unsigned i;

	for (i = 0; i < v->queues / 2; i++)
		while ((buf = virtq_get(&v->queue[QUEUE_TX(i)], &len)) != NULL)
			n->tx_free |= 1u
			    << ((buf - n->tx[0]) / (long)BUFFER_SIZE);
}

/*
 * Sends text to a station by the next pair. Does not wait: it is called for replies too, while
 * an interrupt is in service. Returns -1 if every buffer is with the device.
 */
static int
transmit(struct virtio *v, const uint8_t *to, const void *text, size_t len)
{
	struct net *n = v->data;
	struct virtq *q = &v->queue[QUEUE_TX(n->turn++ % n->pairs)];
	struct virtq_piece p[2];
	uint8_t *frame;
	unsigned i, out;

	tx_reclaim(v);
	for (i = 0; i < BUFFERS; i++)
		if (n->tx_free & 1u << i)
			break;
	if (i == BUFFERS)
		return -1;
	memset(n->tx[i], 0, n->header + ETH_MIN);
	frame = n->tx[i] + n->header;
	memcpy(frame, to, 6);
	memcpy(frame + 6, n->mac, 6);
	frame[12] = ETHERTYPE >> 8;
	frame[13] = ETHERTYPE & 0xff;
	memcpy(frame + ETH_HEADER, text, len);
	len += ETH_HEADER;
	out = pieces_make(
	    v, p, n->tx[i], (uint32_t)(len < ETH_MIN ? ETH_MIN : len));
	if (virtq_add(q, p, out, 0, n->tx[i]) != 0)
		return -1;
	n->tx_free &= ~(1u << i);
	n->sent++;
	virtq_kick(q);
	return 0;
}

static void
frame_show(const uint8_t *frame, unsigned len)
{
	unsigned type = (unsigned)frame[12] << 8 | frame[13], i;
	char c;

	mac_print(frame + 6);
	print(" type %04x length %u ", type, len);
	if (type == ETHERTYPE) {
		print("\"");
		for (i = ETH_HEADER; i < len && frame[i] != 0; i++) {
			c = (char)frame[i];
			print("%c", c >= ' ' && c < 127 ? c : '.');
		}
		print("\"\n");
		return;
	}
	for (i = ETH_HEADER; i < len && i < ETH_HEADER + 16; i++)
		print("%02x", frame[i]);
	print("%s\n", i < len ? "..." : "");
}

/* What a frame of a flood begins with. */
#define FLOOD "fld:"
struct flood_head {
	char word[4];
	uint32_t number, len;
};

static uint8_t
flood_byte(uint32_t number, size_t i)
{
	return (uint8_t)(number * 7 + i * 13 + (i >> 8));
}

static void
flood_input(struct net *n, const uint8_t *text, size_t len)
{
	struct flood_head h;
	size_t i;

	memcpy(&h, text, sizeof(h));
	n->flood.received++;
	if (h.len > len || h.len < sizeof(h))
		n->flood.wrong++;
	for (i = sizeof(h); i < h.len && i < len; i++)
		if (text[i] != flood_byte(h.number, i)) {
			n->flood.wrong++;
			break;
		}
}

/* Returns -1 if every buffer is with the device. */
static int
flood_output(struct virtio *v)
{
	static const uint8_t all[6] = {255, 255, 255, 255, 255, 255};
	uint8_t text[NET_TEXT_MAX];
	struct net *n = v->data;
	struct flood_head h = {.number = (uint32_t)n->flood.sent};
	size_t i;

	memcpy(h.word, FLOOD, 4);
	h.len = (uint32_t)(sizeof(h) + h.number * 37 % (NET_TEXT_MAX - 100));
	memcpy(text, &h, sizeof(h));
	for (i = sizeof(h); i < h.len; i++)
		text[i] = flood_byte(h.number, i);
	if (transmit(v, all, text, h.len) != 0)
		return -1;
	n->flood.sent++;
	return 0;
}

static void
frame_input(struct virtio *v, const uint8_t *frame, unsigned len)
{
	static const uint8_t broadcast[6] = {255, 255, 255, 255, 255, 255};
	struct net *n = v->data;
	char reply[NET_TEXT_MAX];
	size_t text = len - ETH_HEADER;

	n->received++;
	if (frame[12] == ETHERTYPE >> 8 && frame[13] == (ETHERTYPE & 0xff) &&
	    text >= sizeof(struct flood_head) &&
	    memcmp(frame + ETH_HEADER, FLOOD, 4) == 0) {
		flood_input(n, frame + ETH_HEADER, text);
		return;
	}
	if (n->showing) {
		frame_show(frame, len);
		n->shown++;
	}
	if (!net_pong || frame[12] != ETHERTYPE >> 8 ||
	    frame[13] != (ETHERTYPE & 0xff) || text < 4 ||
	    memcmp(frame + ETH_HEADER, "ping", 4) != 0 ||
	    (memcmp(frame, broadcast, 6) != 0 && memcmp(frame, n->mac, 6) != 0))
		return;
	if (text > sizeof(reply))
		text = sizeof(reply);
	memcpy(reply, frame + ETH_HEADER, text);
	memcpy(reply, "pong", 4);
	if (transmit(v, frame + 6, reply, text) != 0)
		n->dropped++;
}

/* The cable was pulled out or plugged in, or we are to say where we are. */
static void
status_look(struct virtio *v)
{
	struct net *n = v->data;
	unsigned status = virtio_config8(v, CONFIG_STATUS);

	if (status == n->status)
		return;
	/* Our own answer to "announce" is no news. */
	if (status == (n->status & ~(unsigned)S_ANNOUNCE)) {
		n->status = status;
		return;
	}
	print("\nnet%lu: link %s%s\n", (uint64_t)v->number,
	    status & S_LINK_UP ? "up" : "down",
	    status & S_ANNOUNCE ? ", announce" : "");
	console_flush();
	n->status = status;
}

/* Once more after asking for interrupts again: virtio 1.2, 2.7.14. */
static void
pair_used(struct virtio *v, unsigned pair)
{
	struct virtq *q = &v->queue[QUEUE_RX(pair)];
	struct net *n = v->data;
	uint8_t *buf;
	uint32_t len;

	while ((buf = virtq_get(q, &len)) != NULL) {
		n->flood.by_pair[pair]++;
		if (len >= n->header + ETH_HEADER && len <= BUFFER_SIZE)
			frame_input(v, buf + n->header, len - n->header);
		else
			n->dropped++;
		rx_give(v, pair, buf);
		virtq_kick(q);
	}
}

static void
net_used(struct virtio *v)
{
	unsigned i;

	if (v->features & F_STATUS)
		status_look(v);
	for (i = 0; i < v->queues / 2; i++)
		pair_used(v, i);
}

static void
net_describe(struct virtio *v)
{
	struct net *n = v->data;

	mac_print(n->mac);
	if (v->features & F_MTU)
		print(", mtu %u",
		    virtio_config8(v, CONFIG_MTU) |
			(unsigned)virtio_config8(v, CONFIG_MTU + 1) << 8);
	print(", %lu frames in, %lu out, %lu dropped", n->received, n->sent,
	    n->dropped);
}

int
net_control(uint64_t nic, const uint8_t *request, unsigned len, int split)
{
	struct virtio *v = virtio_find(VIRTIO_NET, nic);
	struct virtq_piece p[3];
	struct virtq *q;
	struct net *n;
	uint32_t got;
	unsigned out = 1;

	if (v == NULL)
		return -1;
	n = v->data;
	q = &v->queue[QUEUE_CTRL(v)];
	if (len > NET_CONTROL_MAX)
		len = NET_CONTROL_MAX;
	memcpy(n->control, request, len);
	n->control[NET_CONTROL_MAX] = 0xee;
	p[0].data = n->control;
	p[0].len = len;
	if (split && len > 2) {
		p[0].len = 2;
		p[1].data = n->control + 2;
		p[1].len = len - 2;
		out = 2;
	}
	p[out].data = n->control + NET_CONTROL_MAX;
	p[out].len = 1;
	if (virtq_add(q, p, out, 1, n) != 0)
		return -1;
	virtq_kick(q);
	if (virtio_wait(v, q, time_now() + CONTROL_TIME) != 0) {
		print("no answer to a control request\n");
		return -1;
	}
	virtq_get(q, &got);
	if (n->control[NET_CONTROL_MAX] == 0 && len >= 4 &&
	    request[0] == CLASS_PAIRS)
		n->pairs = request[2];
	return n->control[NET_CONTROL_MAX];
}

struct net_flood *
net_flood(uint64_t nic, unsigned frames)
{
	struct virtio *v = virtio_find(VIRTIO_NET, nic);

	if (v == NULL)
		return NULL;
	while (frames-- > 0 && flood_output(v) == 0)
		continue;
	return &((struct net *)v->data)->flood;
}

int
net_announce(uint64_t nic)
{
	static const uint8_t acknowledge[2] = {CLASS_ANNOUNCE, 0};
	struct virtio *v = virtio_find(VIRTIO_NET, nic);

	if (v == NULL)
		return -1;
	if ((((struct net *)v->data)->status & S_ANNOUNCE) == 0)
		return 0;
	net_send(nic, "here");
	return net_control(nic, acknowledge, 2, 0) == 0 ? 1 : -1;
}

int
net_send(uint64_t nic, const char *text)
{
	static const uint8_t broadcast[6] = {255, 255, 255, 255, 255, 255};
	struct virtio *v = virtio_find(VIRTIO_NET, nic);
	size_t len = strlen(text);

	if (v == NULL)
		return -1;
	if (len > NET_TEXT_MAX)
		len = NET_TEXT_MAX;
	if (transmit(v, broadcast, text, len) == 0)
		return 0;
	print("the network card takes no more frames\n");
	return -1;
}

int
net_listen(uint64_t nic, uint64_t deadline)
{
	struct virtio *v = virtio_find(VIRTIO_NET, nic);
	struct net *n;
	unsigned spins = 0, i;

	if (v == NULL)
		return -1;
	n = v->data;
	n->showing = 1;
	n->shown = 0;
	while (!console_interrupted()) {
		if (v->irq != VIRTIO_POLL) {
			if (!irq_wait(deadline))
				break;
			continue;
		}
		for (i = 0; i < v->queues / 2; i++)
			pair_used(v, i);
		relax();
		if (++spins % 1024 == 0 && time_now() >= deadline)
			break;
	}
	n->showing = 0;
	return (int)n->shown;
}

const struct virtio_driver net_driver = {
    .type = VIRTIO_NET,
    .name = "net",
    .queues = 3,
    .features = F_MTU | F_MAC | F_MRG_RXBUF | F_STATUS | F_CONTROL | F_CTRL_MAC,
    .many = F_MQ,
    .count = net_count,
    .start = net_start,
    .used = net_used,
    .describe = net_describe,
};
