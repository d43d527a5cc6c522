/*
 * fuzz_scsi: libFuzzer as a driver that sends commands: a CDB of 16 bytes each,
 * to the CD-ROM drive or to a disk, between which a person changes the disc.
 * What must hold: a reply fits its buffer, sense data come with CHECK CONDITION
 * and nothing else does, and what is to be read or written lies on the medium.
 */
#include <stdlib.h>
#include <string.h>

#include "backend/virtio/cdrom.h"
#include "backend/virtio/sdisk.h"

#define STEP 18u /* what and where, and a CDB */

int LLVMFuzzerTestOneInput(const uint8_t *, size_t);

static void
check(bool truth)
{
	if (!truth)
		abort();
}

static void
ask_drive(struct cdrom *cd, unsigned lun, const uint8_t *cdb)
{
	struct cdrom_reply r;

	cdrom_command(cd, lun, cdb, &r);
	check(r.len <= sizeof r.data);
	check(r.status == SCSI_GOOD || r.status == SCSI_CHECK_CONDITION);
	if (r.status == SCSI_CHECK_CONDITION)
		check(r.len == 0 && r.blocks == 0 && r.sense[0] == 0x70);
	if (r.blocks > 0)
		check(!cd->open && r.block < cd->blocks &&
		    r.blocks <= cd->blocks - r.block);
}

static void
check_disk(const struct sdisk *d, const struct sdisk_reply *r)
{
	check(r->status == SCSI_GOOD || r->status == SCSI_CHECK_CONDITION);
	if (r->status == SCSI_CHECK_CONDITION)
		check(r->what == SDISK_ANSWER && r->len == 0 &&
		    r->sense[0] == 0x70);
	if (r->what == SDISK_ANSWER)
		check(r->len <= sizeof r->data);
	check(r->sector <= d->sectors && r->sectors <= d->sectors - r->sector);
	if (d->readonly)
		check(r->what == SDISK_ANSWER || r->what == SDISK_READ ||
		    r->what == SDISK_FLUSH);
}

static void
ask_disk(struct sdisk *d, unsigned lun, const uint8_t *cdb)
{
	struct sdisk_reply r;
	uint8_t list[32];

	sdisk_command(d, lun, cdb, &r);
	check_disk(d, &r);
	/* Parameter lists of any length, and of any content. */
	memcpy(list, cdb, 16);
	memcpy(list + 16, cdb, 16);
	sdisk_unmap(d, list, cdb[15] & 31, &r);
	check_disk(d, &r);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct cdrom cd = {.blocks = 300};
	struct sdisk disk = {.sectors = 5000, .serial = "sda"};

	cdrom_reset(&cd);
	sdisk_reset(&disk);
	for (; len >= STEP; data += STEP, len -= STEP) {
		switch (data[0] & 7) {
		case 0:
			cdrom_eject(&cd, (data[1] & 1) != 0);
			break;
		case 1:
			cdrom_insert(&cd, (uint64_t)data[1] * 5000);
			break;
		case 2:
			cdrom_reset(&cd);
			sdisk_reset(&disk);
			break;
		case 3:
			disk.readonly = (data[1] & 1) != 0;
			disk.sectors = ((uint64_t)data[1] << 33 | data[1]) + 1;
			break;
		case 4:
		case 5:
			ask_drive(&cd, data[1] & 1, data + 2);
			break;
		default:
			ask_disk(&disk, data[1] & 1, data + 2);
			break;
		}
	}
	return 0;
}
