/*
 * hostile_good.c: the queues that a hostile driver has at its disposal, and for
 * each of them a request that is in order, which shows that the device works.
 */
#include "hostile.h"
#include "lib.h"

#define NET_HEADER 12 /* struct virtio_net_hdr with num_buffers */

#define SCSI_REQUEST  51 /* struct virtio_scsi_req_cmd, a CDB of 32 bytes */
#define SCSI_CDB      19 /* in it */
#define SCSI_RESPONSE 108 /* with sense data of 96 */
#define SCSI_DATA     0x200

static void
piece(struct hostile_request *r, void *data, uint32_t len, int in)
{
	unsigned n = r->out + r->in;

	r->piece[n].data = data;
	r->piece[n].len = len;
	if (in)
		r->in++;
	else
		r->out++;
}

/* Reads sector 0 (5.2.6). */
static void
blk_good(uint8_t *slot, struct hostile_request *r)
{
	piece(r, slot, 16, 0);
	piece(r, slot + 512, 512, 1);
	slot[16] = 0xff;
	piece(r, slot + 16, 1, 1);
	r->answer = slot + 16;
}

/* A buffer for the longest frame (5.1.6.3). */
static void
rx_good(uint8_t *slot, struct hostile_request *r)
{
	piece(r, slot, NET_HEADER + 1514, 1);
}

/* A frame to everybody, of a kind that nobody asked for (5.1.6.2). */
static void
tx_good(uint8_t *slot, struct hostile_request *r)
{
	memset(slot + NET_HEADER, 0xff, 6);
	memcpy(slot + NET_HEADER + 6, "\x00\x20\x91\x00\x00\x01\x88\xb5", 8);
	piece(r, slot, NET_HEADER, 0);
	piece(r, slot + NET_HEADER, 60, 0);
}

/* Promiscuous, as it is anyway (5.1.6.5.1). */
static void
ctrl_good(uint8_t *slot, struct hostile_request *r)
{
	slot[2] = 1;
	slot[3] = 0xff;
	piece(r, slot, 3, 0);
	piece(r, slot + 3, 1, 1);
	r->answer = slot + 3;
}

/* Is there a task of this number (5.6.6.2)? */
static void
scsi_ctrl_good(uint8_t *slot, struct hostile_request *r)
{
	slot[4] = 6;
	slot[8] = 1;
	slot[24] = 0xff;
	piece(r, slot, 24, 0);
	piece(r, slot + 24, 1, 1);
	r->answer = slot + 24;
}

static void
scsi_event_good(uint8_t *slot, struct hostile_request *r)
{
	piece(r, slot, 16, 1);
}

/* INQUIRY (5.6.6.1, SPC-4 6.6). */
static void
scsi_good(uint8_t *slot, struct hostile_request *r)
{
	slot[0] = 1;
	slot[SCSI_CDB] = 0x12;
	slot[SCSI_CDB + 4] = 36;
	memset(slot + 64, 0xff, SCSI_RESPONSE);
	piece(r, slot, SCSI_REQUEST, 0);
	piece(r, slot + 64, SCSI_RESPONSE, 1);
	piece(r, slot + SCSI_DATA, 36, 1);
	r->answer = slot + 64 + 11;
}

static void
rng_good(uint8_t *slot, struct hostile_request *r)
{
	piece(r, slot, 64, 1);
}

/* A page that nobody needs, to the host or back (5.5.6). */
static void
pages_good(uint8_t *slot, struct hostile_request *r)
{
	uint32_t page = HOSTILE_FREE >> 12;

	memcpy(slot, &page, sizeof(page));
	piece(r, slot, 4, 0);
}

static void
stats_good(uint8_t *slot, struct hostile_request *r)
{
	slot[0] = 5;
	piece(r, slot, 10, 0);
}

static void
report_good(uint8_t *slot, struct hostile_request *r)
{
	piece(r, (uint8_t *)HOSTILE_FREE, 4096, 1);
}

static void
type_good(uint8_t *slot, struct hostile_request *r)
{
	piece(r, slot, 64, 1);
}

static void
print_good(uint8_t *slot, struct hostile_request *r)
{
	slot[0] = '.';
	piece(r, slot, 1, 0);
}

const struct hostile_target hostile_targets[] = {
    {"blk", VIRTIO_BLK, 0, blk_good, 0},
    {"blk1", VIRTIO_BLK, 1, blk_good, 0},
    {"rx", VIRTIO_NET, 0, rx_good, HOSTILE_QUIET},
    {"tx", VIRTIO_NET, 1, tx_good, 0},
    /* The host's kernel forgives more, and looks when a frame comes. */
    {"krx", VIRTIO_NET, 0, rx_good, HOSTILE_ASLEEP},
    {"ktx", VIRTIO_NET, 1, tx_good, HOSTILE_ASLEEP},
    {"rx1", VIRTIO_NET, 2, rx_good, HOSTILE_QUIET | HOSTILE_PAIR},
    {"tx1", VIRTIO_NET, 3, tx_good, HOSTILE_PAIR},
    {"netctl", VIRTIO_NET, 0, ctrl_good, HOSTILE_CONTROL},
    {"scsictl", VIRTIO_SCSI, 0, scsi_ctrl_good, 0},
    {"scsievent", VIRTIO_SCSI, 1, scsi_event_good, HOSTILE_ASLEEP},
    {"scsi", VIRTIO_SCSI, 2, scsi_good, 0},
    {"rng", VIRTIO_RNG, 0, rng_good, 0},
    {"inflate", VIRTIO_BALLOON, 0, pages_good, 0},
    {"deflate", VIRTIO_BALLOON, 1, pages_good, 0},
    {"stats", VIRTIO_BALLOON, 2, stats_good, HOSTILE_TWO},
    {"report", VIRTIO_BALLOON, 4, report_good, 0},
    {"type", VIRTIO_CONSOLE, 0, type_good, HOSTILE_ASLEEP},
    {"print", VIRTIO_CONSOLE, 1, print_good, 0},
    {0},
};
