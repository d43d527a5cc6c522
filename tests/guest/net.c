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
#define F_CTRL_MAC  (1ull << 23)

#define CONFIG_STATUS 6
#define CONFIG_MTU    10
#define S_LINK_UP     1
#define S_ANNOUNCE    2

#define QUEUE_RX   0
#define QUEUE_TX   1
#define QUEUE_CTRL 2

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
	int showing;
	unsigned status; /* as it was last seen */
	uint8_t control[NET_CONTROL_MAX + 1]; /* a request, its answer */
	unsigned shown;
	uint64_t received, sent, dropped;
	uint8_t rx[BUFFERS][BUFFER_SIZE];
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
rx_give(struct virtio *v, uint8_t *buf)
{
	const struct net *n = v->data;
	struct virtq_piece p[2];
	unsigned in = pieces_make(v, p, buf, BUFFER_SIZE - n->header);

	virtq_add(&v->queue[QUEUE_RX], p, 0, in, buf);
}

static int
net_start(struct virtio *v)
{
	struct net *n = arena_take(sizeof(*n));
	unsigned i;

	if (n == NULL)
		return -1;
	v->data = n;
	n->header = !v->legacy || (v->features & F_MRG_RXBUF) ? 12 : 10;
	n->tx_free = (1u << BUFFERS) - 1;
	for (i = 0; i < 6; i++)
		n->mac[i] = v->features & F_MAC ? virtio_config8(v, i)
						: (uint8_t) "\x02vmtui"[i];
	n->status = virtio_config8(v, CONFIG_STATUS);
	for (i = 0; i < BUFFERS && i < v->queue[QUEUE_RX].size; i++)
		rx_give(v, n->rx[i]);
	virtq_silence(&v->queue[QUEUE_TX], 1);
	return 0;
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

	while ((buf = virtq_get(&v->queue[QUEUE_TX], &len)) != NULL)
		n->tx_free |= 1u << ((buf - n->tx[0]) / (long)BUFFER_SIZE);
}

/*
 * Sends text to a station. Does not wait: it is called for replies too, while
 * an interrupt is in service. Returns -1 if every buffer is with the device.
 */
static int
transmit(struct virtio *v, const uint8_t *to, const char *text, size_t len)
{
	struct net *n = v->data;
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
	if (virtq_add(&v->queue[QUEUE_TX], p, out, 0, n->tx[i]) != 0)
		return -1;
	n->tx_free &= ~(1u << i);
	n->sent++;
	virtq_kick(&v->queue[QUEUE_TX]);
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

static void
frame_input(struct virtio *v, const uint8_t *frame, unsigned len)
{
	static const uint8_t broadcast[6] = {255, 255, 255, 255, 255, 255};
	struct net *n = v->data;
	char reply[NET_TEXT_MAX];
	size_t text = len - ETH_HEADER;

	n->received++;
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

static void
net_used(struct virtio *v)
{
	struct net *n = v->data;
	struct virtq *q = &v->queue[QUEUE_RX];
	uint8_t *buf;
	uint32_t len;

	if (v->features & F_STATUS)
		status_look(v);
	/* Once more after asking for interrupts again: virtio 1.2, 2.7.14. */
	while ((buf = virtq_get(q, &len)) != NULL) {
		if (len >= n->header + ETH_HEADER && len <= BUFFER_SIZE)
			frame_input(v, buf + n->header, len - n->header);
		else
			n->dropped++;
		rx_give(v, buf);
		virtq_kick(q);
	}
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
	q = &v->queue[QUEUE_CTRL];
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
	return n->control[NET_CONTROL_MAX];
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
	unsigned spins = 0;

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
		if (virtq_ready(&v->queue[QUEUE_RX]))
			net_used(v);
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
    .start = net_start,
    .used = net_used,
    .describe = net_describe,
};
