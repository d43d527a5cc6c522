#include <string.h>

#include "backend/virtio/sdisk.h"

/* What one command may ask for: long enough, yet not minutes of writing. */
#define UNMAP_MOST (1u << 22) /* sectors: 2 GiB */
#define SAME_MOST  (1u << 17) /* 64 MiB */

#define PHYSICAL 3 /* 2^3 sectors: partitions are aligned to 4 KiB */

/* Of a write's byte 1 */
#define FUA   0x08
#define UNMAP 0x08
#define NDOB  0x01

static void
fail(struct sdisk_reply *r, uint8_t key, unsigned asc)
{
	memset(r, 0, sizeof *r);
	r->status = SCSI_CHECK_CONDITION;
	scsi_sense(r->sense, key, asc);
}

void
sdisk_failed(bool write, struct sdisk_reply *r)
{
	fail(r, SENSE_MEDIUM_ERROR, write ? ASC_WRITE_ERROR : ASC_UNRECOVERED);
}

/* A reply of len bytes, of which the command allows some. */
static void
answer(struct sdisk_reply *r, uint32_t len, uint32_t allowed)
{
	r->len = len < allowed ? len : allowed;
}

/* ---- what it is ---- */

static uint32_t
standard_inquiry(uint8_t *d)
{
	d[2] = 6; /* SPC-4 */
	d[3] = 2;
	d[4] = 36 - 5;
	d[7] = 2; /* commands are queued */
	memcpy(d + 8, "VMTUI   DISK            1.0 ", 28);
	return 36;
}

/* SBC-3, 6.6.3: what a command may ask for. */
static uint32_t
block_limits(const struct sdisk *disk, uint8_t *d)
{
	d[4] = 1; /* a WRITE SAME of no sectors is none of all */
	scsi_put16(d + 6, 1 << PHYSICAL);
	if (!disk->readonly) {
		scsi_put32(d + 20, UNMAP_MOST);
		scsi_put32(d + 24, 1);
		scsi_put32(d + 28, 1 << PHYSICAL);
		scsi_put64(d + 36, SAME_MOST);
	}
	return 64;
}

/* SPC-4, 7.8 and SBC-3, 6.6: returns the length, 0 for a page there is none. */
static uint32_t
vital_page(const struct sdisk *disk, uint8_t page, uint8_t *d)
{
	static const uint8_t pages[] = {0x00, 0x80, 0x83, 0xb0, 0xb1, 0xb2};
	uint32_t serial = (uint32_t)strlen(disk->serial), len;

	switch (page) {
	case 0x00:
		memcpy(d + 4, pages, sizeof pages);
		len = 4 + sizeof pages;
		break;
	case 0x80:
		memcpy(d + 4, disk->serial, serial);
		len = 4 + serial;
		break;
	case 0x83: /* one name: vendor and serial */
		d[4] = 2; /* ASCII */
		d[5] = 1;
		d[7] = (uint8_t)(8 + serial);
		memcpy(d + 8, "VMTUI   ", 8);
		memcpy(d + 16, disk->serial, serial);
		len = 16 + serial;
		break;
	case 0xb0:
		len = block_limits(disk, d);
		break;
	case 0xb1:
		scsi_put16(d + 4, 1); /* does not rotate */
		len = 64;
		break;
	case 0xb2: /* UNMAP, WRITE SAME (16) and (10) give space back */
		d[5] = disk->readonly ? 0 : 0xe0;
		d[6] = disk->readonly ? 0 : 2;
		len = 8;
		break;
	default:
		return 0;
	}
	d[1] = page;
	scsi_put16(d + 2, len - 4);
	return len;
}

static void
inquiry(const struct sdisk *disk, unsigned lun, const uint8_t *cdb,
    struct sdisk_reply *r)
{
	uint32_t len = 0;

	if ((cdb[1] & 1) != 0)
		len = vital_page(disk, cdb[2], r->data);
	else if (cdb[2] == 0)
		len = standard_inquiry(r->data);
	if (len == 0) {
		fail(r, SENSE_ILLEGAL_REQUEST, ASC_FIELD);
		return;
	}
	r->data[0] = lun == 0 ? 0x00 : 0x7f;
	answer(r, len, scsi_get16(cdb + 3));
}

static void
request_sense(struct sdisk *disk, const uint8_t *cdb, struct sdisk_reply *r)
{
	if (disk->attention != 0)
		scsi_sense(r->data, SENSE_UNIT_ATTENTION, disk->attention);
	else
		scsi_sense(r->data, 0, 0);
	disk->attention = 0;
	answer(r, SCSI_SENSE_LEN, cdb[4]);
}

/* One page, its values zeroes where what can be changed is asked for. */
static unsigned
mode_page(uint8_t *d, uint8_t page, uint8_t len, uint8_t at, uint8_t value)
{
	d[0] = page;
	d[1] = len;
	d[at] = value;
	return 2u + len;
}

/* SBC-3, 6.4: the cache, and that commands are done in any order. */
static unsigned
mode_pages(uint8_t page, bool changeable, uint8_t *d)
{
	unsigned at = 0;

	if (page == 0x01 || page == 0x3f)
		at += mode_page(d + at, 0x01, 10, 2, 0);
	if (page == 0x08 || page == 0x3f) /* WCE */
		at += mode_page(d + at, 0x08, 18, 2, changeable ? 0 : 0x04);
	if (page == 0x0a || page == 0x3f)
		at += mode_page(d + at, 0x0a, 10, 3, changeable ? 0 : 0x10);
	return at;
}

/* Without block descriptors. */
static void
mode_sense(const struct sdisk *disk, const uint8_t *cdb, bool ten,
    struct sdisk_reply *r)
{
	unsigned head = ten ? 8 : 4, control = cdb[2] >> 6;
	unsigned len = mode_pages(cdb[2] & 0x3f, control == 1, r->data + head);

	if (len == 0 || control == 3 || (cdb[3] != 0 && cdb[3] != 0xff)) {
		fail(r, SENSE_ILLEGAL_REQUEST, ASC_FIELD);
		return;
	}
	if (ten)
		scsi_put16(r->data, head + len - 2);
	else
		r->data[0] = (uint8_t)(head + len - 1);
	/* Write protected; FUA means something. */
	r->data[ten ? 3 : 2] = disk->readonly ? 0x90 : 0x10;
	answer(r, head + len, ten ? scsi_get16(cdb + 7) : cdb[4]);
}

static void
read_capacity(const struct sdisk *disk, struct sdisk_reply *r)
{
	uint64_t last = disk->sectors - 1;

	scsi_put32(r->data, last > UINT32_MAX ? UINT32_MAX : last);
	scsi_put32(r->data + 4, SDISK_SECTOR);
	answer(r, 8, 8);
}

/* SBC-3, 5.16 */
static void
read_capacity_16(
    const struct sdisk *disk, const uint8_t *cdb, struct sdisk_reply *r)
{
	if ((cdb[1] & 0x1f) != 0x10) {
		fail(r, SENSE_ILLEGAL_REQUEST, ASC_FIELD);
		return;
	}
	scsi_put64(r->data, disk->sectors - 1);
	scsi_put32(r->data + 8, SDISK_SECTOR);
	r->data[13] = PHYSICAL;
	r->data[14] = disk->readonly ? 0 : 0x80; /* space is given back */
	answer(r, 32, scsi_get32(cdb + 10));
}

static void
report_luns(const uint8_t *cdb, struct sdisk_reply *r)
{
	scsi_put32(r->data, 8); /* one, number 0 */
	answer(r, 16, scsi_get32(cdb + 6));
}

/* ---- what it holds ---- */

static bool
in_bounds(const struct sdisk *disk, uint64_t sector, uint64_t sectors)
{
	return sector <= disk->sectors && sectors <= disk->sectors - sector;
}

/* Makes r do something to a range, if it may. */
static void
access(const struct sdisk *disk, enum sdisk_what what, uint64_t sector,
    uint64_t sectors, struct sdisk_reply *r)
{
	if (!in_bounds(disk, sector, sectors)) {
		fail(r, SENSE_ILLEGAL_REQUEST, ASC_LBA);
	} else if (what != SDISK_READ && what != SDISK_FLUSH &&
	    disk->readonly) {
		fail(r, SENSE_DATA_PROTECT, ASC_PROTECTED);
	} else {
		r->what =
		    sectors > 0 || what == SDISK_FLUSH ? what : SDISK_ANSWER;
		r->sector = sector;
		r->sectors = sectors;
	}
}

/* The range of a command, by the length of its CDB. */
static void
range(const uint8_t *cdb, uint64_t *sector, uint64_t *sectors)
{
	switch (cdb[0] >> 5) {
	case 0: /* 6 bytes: none of a READ or WRITE means 256 */
		*sector = (uint64_t)(cdb[1] & 0x1f) << 16 | scsi_get16(cdb + 2);
		*sectors = cdb[4] == 0 ? 256 : cdb[4];
		break;
	case 5: /* 12 */
		*sector = scsi_get32(cdb + 2);
		*sectors = scsi_get32(cdb + 6);
		break;
	case 4: /* 16 */
		*sector = scsi_get64(cdb + 2);
		*sectors = scsi_get32(cdb + 10);
		break;
	default: /* 10 */
		*sector = scsi_get32(cdb + 2);
		*sectors = scsi_get16(cdb + 7);
		break;
	}
}

/* READ and WRITE of all lengths; those of 6 bytes have no flags. */
static void
transfer(const struct sdisk *disk, enum sdisk_what what, const uint8_t *cdb,
    struct sdisk_reply *r)
{
	bool flags = cdb[0] >> 5 != 0;
	uint64_t sector, sectors;

	range(cdb, &sector, &sectors);
	if (flags && (cdb[1] & 0xe0) != 0) {
		fail(r, SENSE_ILLEGAL_REQUEST, ASC_FIELD);
		return;
	}
	r->sync = what == SDISK_WRITE && flags && (cdb[1] & FUA) != 0;
	access(disk, what, sector, sectors, r);
}

/* SYNCHRONIZE CACHE: of all that there is, whatever the range. */
static void
synchronize(const struct sdisk *disk, const uint8_t *cdb, struct sdisk_reply *r)
{
	uint64_t sector, sectors;

	range(cdb, &sector, &sectors);
	access(disk, SDISK_FLUSH, sector, sectors, r);
}

/* VERIFY, without data to compare: what could be read can be. */
static void
verify(const struct sdisk *disk, const uint8_t *cdb, struct sdisk_reply *r)
{
	uint64_t sector, sectors;

	range(cdb, &sector, &sectors);
	if ((cdb[1] & 0xe6) != 0)
		fail(r, SENSE_ILLEGAL_REQUEST, ASC_FIELD);
	else if (!in_bounds(disk, sector, sectors))
		fail(r, SENSE_ILLEGAL_REQUEST, ASC_LBA);
}

/* SBC-3, 5.43 and 5.44 */
static void
write_same(const struct sdisk *disk, const uint8_t *cdb, struct sdisk_reply *r)
{
	bool sixteen = cdb[0] == 0x93;
	bool nothing = sixteen && (cdb[1] & NDOB) != 0;
	uint64_t sector, sectors;

	range(cdb, &sector, &sectors);
	/* Protection, anchors, numbers in each sector: there is none of it. */
	if ((cdb[1] & ~(UNMAP | (sixteen ? NDOB : 0))) != 0 || sectors == 0 ||
	    sectors > SAME_MOST) {
		fail(r, SENSE_ILLEGAL_REQUEST, ASC_FIELD);
		return;
	}
	r->unmap = (cdb[1] & UNMAP) != 0;
	access(disk, nothing ? SDISK_ZERO : SDISK_SAME, sector, sectors, r);
}

static void
unmap(const struct sdisk *disk, const uint8_t *cdb, struct sdisk_reply *r)
{
	if ((cdb[1] & 1) != 0) {
		fail(r, SENSE_ILLEGAL_REQUEST, ASC_FIELD);
	} else if (disk->readonly) {
		fail(r, SENSE_DATA_PROTECT, ASC_PROTECTED);
	} else {
		r->len = scsi_get16(cdb + 7);
		r->what = r->len > 0 ? SDISK_UNMAP : SDISK_ANSWER;
	}
}

void
sdisk_unmap(const struct sdisk *disk, const uint8_t *list, uint32_t len,
    struct sdisk_reply *r)
{
	uint32_t ranges, sectors;
	uint64_t sector;

	memset(r, 0, sizeof *r);
	if (len < 8) {
		fail(r, SENSE_ILLEGAL_REQUEST, ASC_LIST_LENGTH);
		return;
	}
	ranges = scsi_get16(list + 2) / 16;
	if (ranges == 0)
		return;
	if (ranges > 1 || len < SDISK_UNMAP_LEN) {
		fail(r, SENSE_ILLEGAL_REQUEST,
		    ranges > 1 ? ASC_LIST_FIELD : ASC_LIST_LENGTH);
		return;
	}
	sector = scsi_get64(list + 8);
	sectors = scsi_get32(list + 16);
	if (sectors > UNMAP_MOST)
		fail(r, SENSE_ILLEGAL_REQUEST, ASC_LIST_FIELD);
	else
		access(disk, SDISK_UNMAP, sector, sectors, r);
}

/* ---- commands ---- */

/* Those that are answered whatever waits to be told. */
static bool
without_attention(uint8_t opcode)
{
	return opcode == 0x12 || opcode == 0xa0 || opcode == 0x03;
}

static void
inform(
    struct sdisk *disk, unsigned lun, const uint8_t *cdb, struct sdisk_reply *r)
{
	switch (cdb[0]) {
	case 0x00: /* TEST UNIT READY */
	case 0x1b: /* START STOP UNIT */
	case 0x1e: /* PREVENT ALLOW MEDIUM REMOVAL */
		break;
	case 0x03:
		request_sense(disk, cdb, r);
		break;
	case 0x12:
		inquiry(disk, lun, cdb, r);
		break;
	case 0x1a: /* MODE SENSE (6) */
		mode_sense(disk, cdb, false, r);
		break;
	case 0x25:
		read_capacity(disk, r);
		break;
	case 0x5a: /* MODE SENSE (10) */
		mode_sense(disk, cdb, true, r);
		break;
	case 0x9e: /* SERVICE ACTION IN (16) */
		read_capacity_16(disk, cdb, r);
		break;
	case 0xa0:
		report_luns(cdb, r);
		break;
	default:
		fail(r, SENSE_ILLEGAL_REQUEST, ASC_OPCODE);
		break;
	}
}

void
sdisk_command(
    struct sdisk *disk, unsigned lun, const uint8_t *cdb, struct sdisk_reply *r)
{
	memset(r, 0, sizeof *r);
	if (lun != 0 && cdb[0] != 0x12 && cdb[0] != 0xa0) {
		fail(r, SENSE_ILLEGAL_REQUEST, ASC_LUN);
		return;
	}
	if (disk->attention != 0 && !without_attention(cdb[0])) {
		fail(r, SENSE_UNIT_ATTENTION, disk->attention);
		disk->attention = 0;
		return;
	}
	switch (cdb[0]) {
	case 0x08: /* READ (6), (10), (12), (16) */
	case 0x28:
	case 0xa8:
	case 0x88:
		transfer(disk, SDISK_READ, cdb, r);
		break;
	case 0x0a: /* WRITE */
	case 0x2a:
	case 0xaa:
	case 0x8a:
		transfer(disk, SDISK_WRITE, cdb, r);
		break;
	case 0x2f: /* VERIFY (10), (16) */
	case 0x8f:
		verify(disk, cdb, r);
		break;
	case 0x35: /* SYNCHRONIZE CACHE (10), (16) */
	case 0x91:
		synchronize(disk, cdb, r);
		break;
	case 0x41: /* WRITE SAME (10), (16) */
	case 0x93:
		write_same(disk, cdb, r);
		break;
	case 0x42:
		unmap(disk, cdb, r);
		break;
	default:
		inform(disk, lun, cdb, r);
		break;
	}
}

void
sdisk_reset(struct sdisk *disk)
{
	disk->attention = ASC_POWER_ON << 8;
}
