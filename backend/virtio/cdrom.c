#include <string.h>

#include "backend/virtio/cdrom.h"

#define LEAD_OUT    0xaa
#define CD_MOST     360000u /* blocks: 80 minutes; what is more is a DVD */
#define PROFILE_CD  0x08
#define PROFILE_DVD 0x10

#define EVENT_REQUEST 1 /* somebody wants the medium */
#define EVENT_NEW     2
#define EVENT_REMOVED 3

static void
fail(struct cdrom_reply *r, uint8_t key, unsigned asc)
{
	memset(r, 0, sizeof *r);
	r->status = SCSI_CHECK_CONDITION;
	scsi_sense(r->sense, key, asc);
}

void
cdrom_read_failed(struct cdrom_reply *r)
{
	fail(r, SENSE_MEDIUM_ERROR, ASC_UNRECOVERED);
}

/* A reply of len bytes, of which the command allows some. */
static void
answer(struct cdrom_reply *r, uint32_t len, uint32_t allowed)
{
	r->len = len < allowed ? len : allowed;
}

static bool
ready(const struct cdrom *cd)
{
	return cd->blocks > 0 && !cd->open;
}

static bool
need_medium(const struct cdrom *cd, struct cdrom_reply *r)
{
	if (ready(cd))
		return true;
	fail(r, SENSE_NOT_READY, cd->open ? ASC_TRAY_OPEN : ASC_NO_MEDIUM);
	return false;
}

/* SPC-3, 6.4 and 7.6 */
static void
inquiry(unsigned lun, const uint8_t *cdb, struct cdrom_reply *r)
{
	static const char serial[] = "vmtui-cd0";
	uint8_t *d = r->data;
	uint32_t len = 36;

	d[0] = lun == 0 ? 0x05 : 0x7f;
	if ((cdb[1] & 1) == 0 && cdb[2] == 0) {
		d[1] = 0x80; /* removable */
		d[2] = 5; /* SPC-3 */
		d[3] = 2;
		d[4] = 36 - 5;
		memcpy(d + 8, "VMTUI   CD-ROM          1.0 ", 28);
	} else if ((cdb[1] & 1) != 0 && cdb[2] == 0x00) {
		d[3] = 2;
		d[4] = 0x00;
		d[5] = 0x80;
		len = 6;
	} else if ((cdb[1] & 1) != 0 && cdb[2] == 0x80) {
		d[1] = 0x80;
		d[3] = sizeof serial - 1;
		memcpy(d + 4, serial, sizeof serial - 1);
		len = 4 + sizeof serial - 1;
	} else {
		fail(r, SENSE_ILLEGAL_REQUEST, ASC_FIELD);
		return;
	}
	answer(r, len, scsi_get16(cdb + 3));
}

static void
request_sense(struct cdrom *cd, const uint8_t *cdb, struct cdrom_reply *r)
{
	uint8_t key = 0;
	unsigned asc = 0;

	if (cd->attention != 0) {
		key = SENSE_UNIT_ATTENTION;
		asc = (unsigned)cd->attention << 8;
		cd->attention = 0;
	} else if (!ready(cd)) {
		key = SENSE_NOT_READY;
		asc = cd->open ? ASC_TRAY_OPEN : ASC_NO_MEDIUM;
	}
	fail(r, key, asc);
	r->status = SCSI_GOOD;
	memcpy(r->data, r->sense, SCSI_SENSE_LEN);
	answer(r, SCSI_SENSE_LEN, cdb[4]);
}

/* MMC-5, 7.3 and MMC-3's page 0x2A; returns the bytes written. */
static unsigned
mode_pages(const struct cdrom *cd, unsigned page, uint8_t *d)
{
	unsigned at = 0;

	if (page == 0x01 || page == 0x3f) { /* error recovery: defaults */
		d[at] = 0x01;
		d[at + 1] = 10;
		at += 12;
	}
	if (page == 0x2a || page == 0x3f) { /* capabilities */
		d[at] = 0x2a;
		d[at + 1] = 18;
		d[at + 2] = 0x0b; /* reads CD-R, CD-RW and DVD-ROM */
		d[at + 4] = 0x70; /* mode 2, several sessions */
		/* A tray that can be locked and opened. */
		d[at + 6] = (uint8_t)(0x29 | (cd->locked ? 2 : 0));
		scsi_put16(d + at + 8, 2816);
		scsi_put16(d + at + 14, 2816);
		at += 20;
	}
	return at;
}

static void
mode_sense(
    const struct cdrom *cd, const uint8_t *cdb, bool ten, struct cdrom_reply *r)
{
	unsigned head = ten ? 8 : 4;
	unsigned len = mode_pages(cd, cdb[2] & 0x3f, r->data + head);

	if (len == 0 || (cdb[2] & 0xc0) == 0xc0) {
		fail(r, SENSE_ILLEGAL_REQUEST, ASC_FIELD);
		return;
	}
	if (ten)
		scsi_put16(r->data, head + len - 2);
	else
		r->data[0] = (uint8_t)(head + len - 1);
	answer(r, head + len, ten ? scsi_get16(cdb + 7) : cdb[4]);
}

static void
read_blocks(const struct cdrom *cd, uint32_t block, uint32_t blocks,
    struct cdrom_reply *r)
{
	if (!need_medium(cd, r))
		return;
	if (block > cd->blocks || blocks > cd->blocks - block) {
		fail(r, SENSE_ILLEGAL_REQUEST, ASC_LBA);
		return;
	}
	r->block = block;
	r->blocks = blocks;
}

/* Only the 2048 bytes of user data of a sector (MMC-5, 6.19). */
static void
read_cd(const struct cdrom *cd, const uint8_t *cdb, struct cdrom_reply *r)
{
	uint32_t blocks = (uint32_t)cdb[6] << 16 | scsi_get16(cdb + 7);

	if ((cdb[9] & 0xf8) != 0x10 || (cdb[10] & 7) != 0)
		fail(r, SENSE_ILLEGAL_REQUEST, ASC_FIELD);
	else
		read_blocks(cd, scsi_get32(cdb + 2), blocks, r);
}

static void
read_capacity(const struct cdrom *cd, struct cdrom_reply *r)
{
	if (!need_medium(cd, r))
		return;
	scsi_put32(r->data, cd->blocks - 1);
	scsi_put32(r->data + 4, CDROM_BLOCK);
	answer(r, 8, 8);
}

/* An address in the form that the command asks for. */
static void
put_address(uint8_t *p, uint64_t block, bool msf)
{
	block += msf ? 150 : 0;
	if (!msf) {
		scsi_put32(p, block);
		return;
	}
	p[0] = 0;
	p[1] = (uint8_t)(block / 75 / 60);
	p[2] = (uint8_t)(block / 75 % 60);
	p[3] = (uint8_t)(block % 75);
}

/* MMC-5, 6.26: one session with one data track. */
static void
read_toc(const struct cdrom *cd, const uint8_t *cdb, struct cdrom_reply *r)
{
	bool msf = (cdb[1] & 2) != 0;
	unsigned format = cdb[2] & 0x0f, first = cdb[6], at = 4;
	uint8_t *d = r->data;

	if (!need_medium(cd, r))
		return;
	if (format > 1 || (first > 1 && first != LEAD_OUT)) {
		fail(r, SENSE_ILLEGAL_REQUEST, ASC_FIELD);
		return;
	}
	d[2] = d[3] = 1; /* tracks or sessions from 1 to 1 */
	if (first <= 1 || format == 1) {
		d[at + 1] = 0x14; /* data */
		d[at + 2] = 1;
		put_address(d + at + 4, 0, msf);
		at += 8;
	}
	if (format == 0) {
		d[at + 1] = 0x14;
		d[at + 2] = LEAD_OUT;
		put_address(d + at + 4, cd->blocks, msf);
		at += 8;
	}
	scsi_put16(d, at - 2);
	answer(r, at, scsi_get16(cdb + 7));
}

static unsigned
put_feature(uint8_t *d, unsigned code, bool current, unsigned len)
{
	scsi_put16(d, code);
	/* Version 0; persistent ones are current always. */
	d[2] = (uint8_t)(current ? 3 : 0);
	d[3] = (uint8_t)len;
	return 4 + len;
}

/* MMC-5, 6.6 and chapter 5 */
static void
get_configuration(
    const struct cdrom *cd, const uint8_t *cdb, struct cdrom_reply *r)
{
	unsigned profile = !ready(cd) ? 0
	    : cd->blocks > CD_MOST    ? PROFILE_DVD
				      : PROFILE_CD;
	unsigned from = scsi_get16(cdb + 2), one = cdb[1] & 3, at = 8;
	uint8_t *d = r->data;

#define WANTED(code) (one == 2 ? from == (code) : from <= (code))
	scsi_put16(d + 6, profile);
	if (WANTED(0)) { /* profiles */
		scsi_put16(d + at + 4, PROFILE_DVD);
		d[at + 6] = profile == PROFILE_DVD;
		scsi_put16(d + at + 8, PROFILE_CD);
		d[at + 10] = profile == PROFILE_CD;
		at += put_feature(d + at, 0, true, 8);
	}
	if (WANTED(1)) { /* core: by SCSI */
		scsi_put32(d + at + 4, 1);
		at += put_feature(d + at, 1, true, 8);
	}
	if (WANTED(3)) { /* removable: tray, can be opened and locked */
		d[at + 4] = 0x29;
		at += put_feature(d + at, 3, true, 4);
	}
	if (WANTED(0x10)) { /* random readable */
		scsi_put32(d + at + 4, CDROM_BLOCK);
		scsi_put16(d + at + 8, 1);
		at += put_feature(d + at, 0x10, profile != 0, 8);
	}
	if (WANTED(0x1e)) /* CD read */
		at += put_feature(d + at, 0x1e, profile == PROFILE_CD, 4);
	if (WANTED(0x1f)) /* DVD read */
		at += put_feature(d + at, 0x1f, profile == PROFILE_DVD, 0);
#undef WANTED
	scsi_put32(d, at - 4);
	answer(r, at, scsi_get16(cdb + 7));
}

/* MMC-5, 6.7: of the medium, when asked (polled). */
static void
get_event(struct cdrom *cd, const uint8_t *cdb, struct cdrom_reply *r)
{
	uint8_t *d = r->data;

	if ((cdb[1] & 1) == 0) {
		fail(r, SENSE_ILLEGAL_REQUEST, ASC_FIELD);
		return;
	}
	d[3] = 1 << 4; /* media events are supported */
	if ((cdb[4] & 1 << 4) == 0) {
		scsi_put16(d, 2);
		d[2] = 0x80; /* no event of the classes asked for */
		answer(r, 4, scsi_get16(cdb + 7));
		return;
	}
	scsi_put16(d, 6);
	d[2] = 4;
	d[4] = cd->event;
	d[5] = (uint8_t)((cd->open ? 1 : 0) | (ready(cd) ? 2 : 0));
	cd->event = 0;
	answer(r, 8, scsi_get16(cdb + 7));
}

/* MMC-5, 6.22: a finished disc of one session. */
static void
read_disc_information(
    const struct cdrom *cd, const uint8_t *cdb, struct cdrom_reply *r)
{
	if (!need_medium(cd, r))
		return;
	scsi_put16(r->data, 32);
	r->data[2] = 0x0e;
	r->data[3] = r->data[4] = r->data[5] = r->data[6] = 1;
	answer(r, 34, scsi_get16(cdb + 7));
}

/* MMC-5, 6.42 */
static void
start_stop(struct cdrom *cd, const uint8_t *cdb, struct cdrom_reply *r)
{
	bool start = (cdb[4] & 1) != 0, tray = (cdb[4] & 2) != 0;

	if (!tray)
		return;
	if (!start && cd->locked && !cd->open) {
		fail(r, SENSE_ILLEGAL_REQUEST, ASC_LOCKED);
		return;
	}
	/*
	 * No unit attention: that is for those who did not ask for it (SAM-3,
	 * 5.9.7), and would make Linux refuse to read what it has just loaded.
	 */
	if (cd->open == start && cd->blocks > 0)
		cd->event = start ? EVENT_NEW : EVENT_REMOVED;
	cd->open = !start;
}

static void
report_luns(const uint8_t *cdb, struct cdrom_reply *r)
{
	scsi_put32(r->data, 8); /* one, number 0 */
	answer(r, 16, scsi_get32(cdb + 6));
}

/* Those that are answered whatever waits to be told. */
static bool
without_attention(uint8_t opcode)
{
	return opcode == 0x12 || opcode == 0xa0 || opcode == 0x03 ||
	    opcode == 0x46 || opcode == 0x4a;
}

void
cdrom_command(
    struct cdrom *cd, unsigned lun, const uint8_t *cdb, struct cdrom_reply *r)
{
	memset(r, 0, sizeof *r);
	if (lun != 0 && cdb[0] != 0x12 && cdb[0] != 0xa0) {
		fail(r, SENSE_ILLEGAL_REQUEST, ASC_LUN);
		return;
	}
	if (cd->attention != 0 && !without_attention(cdb[0])) {
		fail(r, SENSE_UNIT_ATTENTION, (unsigned)cd->attention << 8);
		cd->attention = 0;
		return;
	}
	switch (cdb[0]) {
	case 0x00: /* TEST UNIT READY */
		need_medium(cd, r);
		break;
	case 0x03:
		request_sense(cd, cdb, r);
		break;
	case 0x12:
		inquiry(lun, cdb, r);
		break;
	case 0x1a: /* MODE SENSE (6) */
		mode_sense(cd, cdb, false, r);
		break;
	case 0x1b:
		start_stop(cd, cdb, r);
		break;
	case 0x1e: /* PREVENT ALLOW MEDIUM REMOVAL */
		cd->locked = (cdb[4] & 1) != 0;
		break;
	case 0x25:
		read_capacity(cd, r);
		break;
	case 0x28: /* READ (10) */
		read_blocks(cd, scsi_get32(cdb + 2), scsi_get16(cdb + 7), r);
		break;
	case 0x2b: /* SEEK (10) */
	case 0x35: /* SYNCHRONIZE CACHE (10) */
	case 0xbb: /* SET CD SPEED */
		break;
	case 0x43:
		read_toc(cd, cdb, r);
		break;
	case 0x46:
		get_configuration(cd, cdb, r);
		break;
	case 0x4a:
		get_event(cd, cdb, r);
		break;
	case 0x51:
		read_disc_information(cd, cdb, r);
		break;
	case 0x5a: /* MODE SENSE (10) */
		mode_sense(cd, cdb, true, r);
		break;
	case 0xa0:
		report_luns(cdb, r);
		break;
	case 0xa8: /* READ (12) */
		read_blocks(cd, scsi_get32(cdb + 2), scsi_get32(cdb + 6), r);
		break;
	case 0xbd: /* MECHANISM STATUS */
		answer(r, 8, scsi_get16(cdb + 8));
		break;
	case 0xbe:
		read_cd(cd, cdb, r);
		break;
	default:
		fail(r, SENSE_ILLEGAL_REQUEST, ASC_OPCODE);
		break;
	}
}

void
cdrom_reset(struct cdrom *cd)
{
	cd->locked = false;
	cd->event = 0;
	cd->attention = ASC_POWER_ON;
}

void
cdrom_insert(struct cdrom *cd, uint64_t blocks)
{
	cd->open = false;
	cd->blocks = blocks;
	if (blocks == 0)
		return;
	cd->event = EVENT_NEW;
	if (cd->attention == 0)
		cd->attention = ASC_CHANGED;
}

bool
cdrom_eject(struct cdrom *cd, bool force)
{
	if (cd->locked && !cd->open && !force) {
		cd->event = EVENT_REQUEST;
		return false;
	}
	if (ready(cd))
		cd->event = EVENT_REMOVED;
	cd->blocks = 0;
	cd->open = true;
	return true;
}
