/*
 * scsi_wire.h: what a SCSI host and its driver say to each other (virtio 1.2,
 * 5.6), and how units fill in big-endian numbers and sense data. Shared by
 * scsi.c with its CD-ROM drive and scsi_disks.c with its disks.
 */
#ifndef BACKEND_VIRTIO_SCSI_WIRE_H
#define BACKEND_VIRTIO_SCSI_WIRE_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

struct iovec;
struct state_reader;
struct state_writer;
struct virtio_dev;
struct virtq_chain;

/* 5.6.2: the queues */
#define SCSI_CONTROL  0
#define SCSI_EVENTS   1
#define SCSI_COMMANDS 2
#define SCSI_QUEUES   3

#define SCSI_SEG_MAX     126
#define SCSI_MAX_SECTORS 2048 /* of 512 bytes, a command: it should ask for */
#define SCSI_SENSE_SIZE  96
#define SCSI_CDB_SIZE    32

/*
 * 5.6.3: the driver is told of targets that come and go (none do; but without
 * this one Linux leaves no buffers for events), and of changes.
 */
#define SCSI_F_HOTPLUG (1ULL << 1)
#define SCSI_F_CHANGE  (1ULL << 2)

/* 5.6.6.1 */
#define SCSI_OK         0
#define SCSI_OVERRUN    1
#define SCSI_ABORTED    2
#define SCSI_BAD_TARGET 3

/* 5.6.6.2: types of control requests, and what of tasks is managed */
#define SCSI_TASK_MANAGEMENT 0
#define SCSI_AN_QUERY        1
#define SCSI_AN_SUBSCRIBE    2
#define SCSI_ABORT_TASK      0
#define SCSI_NEXUS_RESET     4
#define SCSI_UNIT_RESET      5
#define SCSI_QUERY_TASK      6

/* 5.6.6.3: types of events, and what the second is about */
#define SCSI_NO_EVENT      0u
#define SCSI_ASYNC_NOTIFY  2u
#define SCSI_PARAM_CHANGE  3u
#define SCSI_EVENTS_MISSED 0x80000000u
#define SCSI_MEDIA_CHANGE  16u

/* Device configuration (5.6.4), little-endian. */
struct scsi_config {
	uint32_t num_queues, seg_max, max_sectors, cmd_per_lun;
	uint32_t event_info_size, sense_size, cdb_size;
	uint16_t max_channel, max_target;
	uint32_t max_lun;
};

struct scsi_request {
	uint8_t lun[8];
	uint64_t tag;
	uint8_t attribute, priority, crn;
	uint8_t cdb[SCSI_CDB_SIZE];
} __attribute__((packed));

struct scsi_response {
	uint32_t sense_len, residual;
	uint16_t status_qualifier;
	uint8_t status, response;
	uint8_t sense[SCSI_SENSE_SIZE];
} __attribute__((packed));

/* Task management; one byte answers it. */
struct scsi_task {
	uint32_t type, subtype;
	uint8_t lun[8];
	uint64_t tag;
} __attribute__((packed));

/* What asks for asynchronous notifications; events and a byte answer it. */
struct scsi_an {
	uint32_t type;
	uint8_t lun[8];
	uint32_t events;
} __attribute__((packed));

struct scsi_event {
	uint32_t event;
	uint8_t lun[8];
	uint32_t reason;
} __attribute__((packed));

/* The unit behind a target: byte 0 is 1, byte 1 the target (5.6.6.1). */
static inline unsigned
scsi_lun(const uint8_t lun[8])
{
	return (unsigned)(lun[2] & 0x3f) << 8 | lun[3];
}

/* ---- sizes that the driver may change (scsi_sizes.c); lock held ---- */

/* Bytes of a response, with as much sense data as there may be. */
size_t scsi_response_len(const struct virtio_dev *dev);
/* Takes the request off the chain. Returns -1 if that is too short. */
int scsi_take_request(const struct virtio_dev *dev, struct virtq_chain *c,
    struct scsi_request *request);
/*
 * Writes a response of len bytes, scsi_response_len() of when the command began,
 * into buffers, n of them. Returns the bytes that fitted.
 */
size_t scsi_put_response(
    const struct iovec *iov, unsigned n, size_t len, struct scsi_response *r);
void scsi_sizes_reset(struct virtio_dev *dev);
/* virtio_ops.config_write: everything but the sizes is left as it is. */
void scsi_sizes_write(
    struct virtio_dev *dev, unsigned offset, unsigned size, uint64_t value);
void scsi_sizes_save(const struct virtio_dev *dev, struct state_writer *w);
void scsi_sizes_load(struct virtio_dev *dev, struct state_reader *r);

/* ---- status, sense data, numbers ---- */

#define SCSI_GOOD            0
#define SCSI_CHECK_CONDITION 2
#define SCSI_SENSE_LEN       18 /* of what is given */

/* Sense keys, and additional sense codes with their qualifiers. */
#define SENSE_NOT_READY       2
#define SENSE_MEDIUM_ERROR    3
#define SENSE_ILLEGAL_REQUEST 5
#define SENSE_UNIT_ATTENTION  6
#define SENSE_DATA_PROTECT    7

#define ASC_WRITE_ERROR 0x0c00
#define ASC_UNRECOVERED 0x1100
#define ASC_LIST_LENGTH 0x1a00
#define ASC_OPCODE      0x2000
#define ASC_LBA         0x2100
#define ASC_FIELD       0x2400
#define ASC_LUN         0x2500
#define ASC_LIST_FIELD  0x2600
#define ASC_PROTECTED   0x2700
#define ASC_CHANGED     0x28 /* these two without the qualifier 0 */
#define ASC_POWER_ON    0x29
#define ASC_CAPACITY    0x2a09
#define ASC_NO_MEDIUM   0x3a01 /* tray closed */
#define ASC_TRAY_OPEN   0x3a02
#define ASC_LOCKED      0x5302

/* SPC-3, 4.5.3: fixed format */
static inline void
scsi_sense(uint8_t sense[SCSI_SENSE_LEN], uint8_t key, unsigned asc)
{
	memset(sense, 0, SCSI_SENSE_LEN);
	sense[0] = 0x70;
	sense[2] = key;
	sense[7] = SCSI_SENSE_LEN - 8;
	sense[12] = (uint8_t)(asc >> 8);
	sense[13] = (uint8_t)asc;
}

static inline void
scsi_put16(uint8_t *p, unsigned v)
{
	p[0] = (uint8_t)(v >> 8);
	p[1] = (uint8_t)v;
}

/* The lower 32 bits. */
static inline void
scsi_put32(uint8_t *p, uint64_t v)
{
	scsi_put16(p, (unsigned)(v >> 16 & 0xffff));
	scsi_put16(p + 2, (unsigned)(v & 0xffff));
}

static inline void
scsi_put64(uint8_t *p, uint64_t v)
{
	scsi_put32(p, v >> 32);
	scsi_put32(p + 4, v);
}

static inline unsigned
scsi_get16(const uint8_t *p)
{
	return (unsigned)p[0] << 8 | p[1];
}

static inline uint32_t
scsi_get32(const uint8_t *p)
{
	return (uint32_t)scsi_get16(p) << 16 | scsi_get16(p + 2);
}

static inline uint64_t
scsi_get64(const uint8_t *p)
{
	return (uint64_t)scsi_get32(p) << 32 | scsi_get32(p + 4);
}

#endif
