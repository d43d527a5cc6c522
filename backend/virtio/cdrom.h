/*
 * cdrom.h: a CD-ROM drive as a SCSI logical unit: what it answers to a command
 * (SPC-3, SBC-2 and MMC-5). It knows nothing of virtio: scsi.c moves the data.
 * The device's lock guards it.
 */
#ifndef BACKEND_VIRTIO_CDROM_H
#define BACKEND_VIRTIO_CDROM_H

#include <stdbool.h>
#include <stdint.h>

#include "backend/virtio/scsi_wire.h"

#define CDROM_BLOCK 2048u
#define CDROM_CDB   16 /* bytes of a command that count */
#define CDROM_DATA  512 /* at most, of a reply that is no read */

struct cdrom {
	uint64_t blocks; /* of the medium; 0: none */
	bool open; /* the tray */
	bool locked;
	uint8_t attention; /* additional sense code that waits, 0: none */
	uint8_t event; /* of the medium, that nobody asked for yet */
};

struct cdrom_reply {
	uint8_t status;
	uint8_t sense[SCSI_SENSE_LEN]; /* with CHECK CONDITION */
	/* Either bytes to hand over, or blocks to read. */
	uint32_t len;
	uint8_t data[CDROM_DATA];
	uint64_t block;
	uint32_t blocks;
};

/*
 * Power-on state; the medium stays, and so does an open tray, or a system that
 * ejects the disc it was installed from would be booted from it again.
 */
void cdrom_reset(struct cdrom *cd);
/* Another medium of so many blocks is put in (0: none), and the tray closed. */
void cdrom_insert(struct cdrom *cd, uint64_t blocks);
/*
 * The medium is taken out, which leaves the tray open. False if the guest has
 * locked it, unless by force: it is then told that somebody wants the medium
 * (MMC-5, 6.7.2.4, EjectRequest).
 */
bool cdrom_eject(struct cdrom *cd, bool force);
/* Carries out a command. lun other than 0 has nothing behind it. */
void cdrom_command(struct cdrom *cd, unsigned lun, const uint8_t *cdb,
    struct cdrom_reply *reply);
/* The reply to a read that the host could not do. */
void cdrom_read_failed(struct cdrom_reply *reply);

#endif
