/*
 * hvc.c: see hvc.h. Output is gathered in no buffer: each hvc_write() is a
 * request or more. Input stays in the device's buffers until somebody reads,
 * so one who types faster waits.
 */
#include "console.h"
#include "cpu.h"
#include "hvc.h"
#include "irq.h"
#include "lib.h"

#define F_SIZE (1ull << 0)

#define QUEUE_RX 0
#define QUEUE_TX 1

#define CONFIG_SIZE 0 /* columns, rows: 16 bits each */

#define BUFFERS  8
#define TX_SIZE  2048u
#define RX_SIZE  64u
#define PATIENCE 60000000u /* microseconds; a slow reader is no failure */

struct hvc {
	unsigned rows, cols;
	unsigned tx_free; /* buffers not with the device: a bit each */
	uint64_t in, out;
	uint8_t *rx_buf; /* being read, or NULL */
	uint32_t rx_len, rx_at;
	uint8_t rx[BUFFERS][RX_SIZE];
	uint8_t tx[BUFFERS][TX_SIZE];
};

/* Both halves in one access: never half of a change. */
static void
size_read(struct virtio *v)
{
	struct hvc *h = v->data;
	uint32_t size = (uint32_t)virtio_config64(v, CONFIG_SIZE);

	if (v->features & F_SIZE) {
		h->cols = size & 0xffff;
		h->rows = size >> 16;
	}
}

static void
rx_give(struct virtio *v, uint8_t *buf)
{
	struct virtq_piece p = {.data = buf, .len = RX_SIZE};

	virtq_add(&v->queue[QUEUE_RX], &p, 0, 1, buf);
}

static int
hvc_start(struct virtio *v)
{
	struct hvc *h = arena_take(sizeof(*h));
	unsigned i;

	if (h == NULL)
		return -1;
	memset(h, 0, sizeof(*h));
	v->data = h;
	h->tx_free = (1u << BUFFERS) - 1;
	size_read(v);
	for (i = 0; i < BUFFERS && i < v->queue[QUEUE_RX].size; i++)
		rx_give(v, h->rx[i]);
	virtq_silence(&v->queue[QUEUE_TX], 1);
	return 0;
}

/* An interrupt: of typing, which waits to be read, or of the size. */
static void
hvc_used(struct virtio *v)
{
	struct hvc *h = v->data;
	unsigned rows = h->rows, cols = h->cols;

	size_read(v);
	if (h->rows == rows && h->cols == cols)
		return;
	print("hvc%u is now %u x %u\n", v->number, h->rows, h->cols);
	console_flush();
}

static void
hvc_describe(struct virtio *v)
{
	struct hvc *h = v->data;

	size_read(v);
	print(
	    "%u x %u, %lu bytes in, %lu out", h->rows, h->cols, h->in, h->out);
}

static void
tx_reclaim(struct virtio *v)
{
	struct hvc *h = v->data;
	uint8_t *buf;
	uint32_t len;

	while ((buf = virtq_get(&v->queue[QUEUE_TX], &len)) != NULL)
		h->tx_free |= 1u << ((buf - h->tx[0]) / (long)TX_SIZE);
}

/* A free buffer, waiting for it; NULL after saying why there is none. */
static uint8_t *
tx_take(struct virtio *v)
{
	struct virtq *q = &v->queue[QUEUE_TX];
	struct hvc *h = v->data;
	uint64_t deadline = 0;
	unsigned i;

	for (;;) {
		tx_reclaim(v);
		for (i = 0; i < BUFFERS; i++) {
			if (h->tx_free & 1u << i) {
				virtq_silence(q, 1);
				return h->tx[i];
			}
		}
		if (console_interrupted())
			return NULL;
		if (deadline == 0)
			deadline = time_now() + PATIENCE;
		virtq_silence(q, v->irq == VIRTIO_POLL);
		/* Now and then, for ctrl-C comes by another interrupt. */
		virtio_wait(v, q, time_now() + 200000);
		if (time_now() >= deadline) {
			print("hvc%u takes no more output\n", v->number);
			return NULL;
		}
	}
}

int
hvc_write(const char *data, size_t n)
{
	struct virtio *v = virtio_find(VIRTIO_CONSOLE, 0);
	struct virtq_piece p;
	struct hvc *h;
	size_t some;

	if (v == NULL)
		return -1;
	h = v->data;
	for (; n > 0; n -= some, data += some) {
		some = n < TX_SIZE ? n : TX_SIZE;
		p.data = tx_take(v);
		p.len = (uint32_t)some;
		if (p.data == NULL)
			return -1;
		memcpy(p.data, data, some);
		h->tx_free &=
		    ~(1u << (((uint8_t *)p.data - h->tx[0]) / (long)TX_SIZE));
		virtq_add(&v->queue[QUEUE_TX], &p, 1, 0, p.data);
		virtq_kick(&v->queue[QUEUE_TX]);
		h->out += some;
	}
	return 0;
}

/* What there is, without waiting; gives the device its buffers back. */
static size_t
rx_take(struct virtio *v, char *buf, size_t size)
{
	struct hvc *h = v->data;
	size_t done = 0, some;

	while (done < size) {
		if (h->rx_buf == NULL) {
			h->rx_buf = virtq_get(&v->queue[QUEUE_RX], &h->rx_len);
			h->rx_at = 0;
			if (h->rx_buf == NULL)
				break;
			if (h->rx_len > RX_SIZE)
				h->rx_len = RX_SIZE;
		}
		some = h->rx_len - h->rx_at;
		if (some > size - done)
			some = size - done;
		memcpy(buf + done, h->rx_buf + h->rx_at, some);
		h->rx_at += (uint32_t)some;
		done += some;
		if (h->rx_at < h->rx_len)
			continue;
		rx_give(v, h->rx_buf);
		h->rx_buf = NULL;
		virtq_kick(&v->queue[QUEUE_RX]);
	}
	h->in += done;
	return done;
}

int
hvc_read(char *buf, size_t size, uint64_t deadline)
{
	struct virtio *v = virtio_find(VIRTIO_CONSOLE, 0);
	size_t n = 0;

	if (v == NULL)
		return -1;
	while ((n = rx_take(v, buf, size)) == 0) {
		if (console_interrupted())
			return -1;
		if (deadline != 0 && time_now() >= deadline)
			break;
		if (v->irq != VIRTIO_POLL)
			irq_wait(deadline);
		else
			relax();
	}
	return (int)n;
}

int
hvc_size(unsigned *rows, unsigned *cols)
{
	struct virtio *v = virtio_find(VIRTIO_CONSOLE, 0);
	struct hvc *h;

	if (v == NULL)
		return -1;
	h = v->data;
	size_read(v);
	*rows = h->rows;
	*cols = h->cols;
	return 0;
}

const struct virtio_driver hvc_driver = {
    .type = VIRTIO_CONSOLE,
    .name = "hvc",
    .queues = 2,
    .features = F_SIZE,
    .start = hvc_start,
    .used = hvc_used,
    .describe = hvc_describe,
};
