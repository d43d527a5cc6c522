/*
 * hostile_storm.c: two processors at one device. The second one writes its
 * legacy registers without end: resets, queues here and there, doorbells; the
 * first one does meanwhile what a good driver does, through its own face, and
 * writes the device's configuration.
 */
#include "console.h"
#include "cpu.h"
#include "hammer.h"
#include "hostile.h"
#include "irq.h"
#include "lib.h"
#include "pci.h"

#define AREA     (HOSTILE_FREE + 0x900000) /* cleared: rings of the second */
#define LIST_MAX 100u
#define PATIENCE 20000000u /* microseconds */

#define ICR         0xfee00300 /* SDM volume 3, 11.6.1: to all but itself */
#define ICR_INIT    0xc4500
#define ICR_STARTUP 0xc4600

extern const uint8_t hammer_start[], hammer_end[];

static volatile uint16_t *const stop = (volatile uint16_t *)HAMMER_STOP;
static volatile uint16_t *const count = (volatile uint16_t *)HAMMER_COUNT;

struct blow {
	uint16_t port, bytes;
	uint32_t value;
};

/* Legacy registers (virtio 1.2, 4.1.4.10), and what they are hit with. */
static void
any_blow(struct blow *b, uint16_t port)
{
	static const struct blow kinds[] = {{18, 1, 0}, {18, 1, 3}, {18, 1, 7},
	    {18, 1, 7}, {18, 1, 0x83}, {14, 2, 0}, {14, 2, 1}, {14, 2, 2},
	    {14, 2, 3}, {14, 2, 9}, {8, 4, AREA >> 12}, {8, 4, AREA >> 12},
	    {8, 4, (AREA >> 12) + 3}, {8, 4, 0}, {8, 4, 0xffffffff}, {16, 2, 0},
	    {16, 2, 1}, {16, 2, 2}, {16, 2, 99}, {4, 4, 0x30000000},
	    {4, 4, 0xffffffff}, {20, 2, 0}, {22, 2, 1}, {24, 4, 0x12345678}};

	*b = kinds[hostile_below(sizeof(kinds) / sizeof(kinds[0]))];
	b->port = (uint16_t)(port + b->port);
}

static void
start_hammer(uint16_t port)
{
	struct blow *list = (struct blow *)HAMMER_LIST;
	unsigned i;

	memset((void *)AREA, 0, 0x10000);
	memcpy((void *)HAMMER_CODE, hammer_start,
	    (size_t)(hammer_end - hammer_start));
	*stop = *count = 0;
	for (i = 0; i < LIST_MAX; i++)
		any_blow(&list[i], port);
	list[i].port = 0;
	mmio_w32(ICR, ICR_INIT);
	mmio_w32(ICR, ICR_STARTUP | HAMMER_CODE >> 12);
}

static int
stop_hammer(void)
{
	uint64_t end = time_now() + PATIENCE;

	*stop = 1;
	while (*stop != 0)
		if (time_now() > end)
			return -1;
	return 0;
}

/* What a driver does that knows nothing of the other one. */
static void
work(struct hostile *h)
{
	unsigned slot, n = 0, i;

	hostile_begin(h, VIRTIO_F_EVENT_IDX);
	hostile_ring_clear(h);
	hostile_ring_enable(h);
	transport_set_status(&h->v,
	    STATUS_ACK | STATUS_DRIVER | STATUS_DRIVER_OK |
		(h->v.legacy ? 0 : STATUS_FEATURES_OK));
	for (slot = 0; slot < 8; slot++)
		n = hostile_good(h, slot, n);
	hostile_kick(h);
	for (i = 0; i < 4 && h->v.config != 0; i++) {
		n = hostile_below(24);
		if (h->v.legacy)
			out8((uint16_t)(h->v.config + n), (uint8_t)i);
		else
			mmio_w8(h->v.config + n, (uint8_t)i);
	}
	transport_status(&h->v);
	hostile_kick(h);
}

int
hostile_storm(struct hostile *h, unsigned rounds)
{
	int is_port;
	uint64_t port = pci_bar(h->v.pci, 0, &is_port);
	uint64_t end = time_now() + PATIENCE;
	unsigned i;

	if (!is_port)
		return -1;
	hostile_guard();
	start_hammer((uint16_t)port);
	for (i = 0; i < rounds || *count == 0; i++) {
		work(h);
		if (*count == 0 && time_now() > end) {
			print("the second processor does nothing\n");
			return -1;
		}
	}
	if (stop_hammer() != 0) {
		print("the second processor does not stop\n");
		return -1;
	}
	return hostile_guarded() && hostile_works(h) ? (int)i : -1;
}
