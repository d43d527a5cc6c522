/*
 * sdisk.h: a disk as a SCSI logical unit: what comes of a command (SPC-4 and
 * SBC-3). It knows nothing of virtio and moves no data: scsi_disks.c does. The
 * device's lock guards it.
 */
#ifndef BACKEND_VIRTIO_SDISK_H
#define BACKEND_VIRTIO_SDISK_H

#include <stdbool.h>
#include <stdint.h>

#include "backend/virtio/scsi_wire.h"

#define SDISK_SECTOR     512u
#define SDISK_DATA       256 /* bytes at most, of a reply that is no read */
#define SDISK_SERIAL_MAX 20
#define SDISK_UNMAP_LEN  24u /* of a list with the one range that it may have */

struct sdisk {
	uint64_t sectors; /* 1 or more; the last one perhaps not whole */
	bool readonly;
	char serial[SDISK_SERIAL_MAX + 1];
	uint16_t attention; /* sense code and qualifier that wait, 0: none */
};

/* What is to be done. Ranges are within the disk. */
enum sdisk_what {
	SDISK_ANSWER, /* nothing more: status, sense, len bytes of data */
	SDISK_READ,
	SDISK_WRITE,
	SDISK_FLUSH,
	SDISK_UNMAP, /* sdisk_unmap() says what, from len bytes of data-out */
	SDISK_SAME, /* all sectors become like the one in data-out */
	SDISK_ZERO, /* all sectors become zeroes */
};

struct sdisk_reply {
	enum sdisk_what what;
	uint8_t status;
	uint8_t sense[SCSI_SENSE_LEN]; /* with CHECK CONDITION */
	uint32_t len;
	uint8_t data[SDISK_DATA];
	uint64_t sector, sectors;
	bool sync; /* a write: on stable storage before it is done */
	bool unmap; /* the space may be given back */
};

/* Power-on state. */
void sdisk_reset(struct sdisk *d);
/* What comes of a command. lun other than 0 has nothing behind it. */
void sdisk_command(
    struct sdisk *d, unsigned lun, const uint8_t *cdb, struct sdisk_reply *r);
/*
 * Reads the parameter list of an UNMAP, of which there are len bytes: then r is
 * SDISK_UNMAP with a range, or SDISK_ANSWER if nothing is to be done.
 */
void sdisk_unmap(const struct sdisk *d, const uint8_t *list, uint32_t len,
    struct sdisk_reply *r);
/* Makes r a failure of the host's. */
void sdisk_failed(bool write, struct sdisk_reply *r);

#endif
