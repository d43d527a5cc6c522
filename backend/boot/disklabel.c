#include <endian.h>
#include <string.h>

#include "backend/boot/disklabel.h"

#define SECTOR 512

/* The MBR: four partitions, type at +4, first sector at +8. */
#define MBR_TABLE   446
#define MBR_ENTRY   16
#define MBR_MAGIC   510
#define MBR_OPENBSD 0xa6

/* <sys/disklabel.h>: in the partition's, or the disk's, second sector. */
#define LABEL_SECTOR 1
#define LABEL_MAGIC  0x82564557u
#define AT_MAGIC     0
#define AT_UID       64
#define AT_MAGIC2    132

struct wait {
	struct block_request rq;
	int result;
};

static void
done(struct block_request *rq, int result)
{
	struct wait *w = (struct wait *)(void *)rq;

	w->result = result;
}

static bool
read_sector(struct block *b, uint64_t sector, uint8_t *buf)
{
	struct iovec iov = {buf, SECTOR};
	struct wait w = {.rq = {.op = BLOCK_READ,
			     .offset = sector * SECTOR,
			     .len = SECTOR,
			     .iov = &iov,
			     .iovs = 1,
			     .done = done},
	    .result = -1};

	if (block_size(b) < (sector + 1) * SECTOR)
		return false;
	block_submit(b, &w.rq);
	block_drain(b);
	return w.result == 0;
}

static uint32_t
get32(const uint8_t *p)
{
	uint32_t v;

	memcpy(&v, p, sizeof v);
	return le32toh(v);
}

/* Where OpenBSD's part of the disk begins; 0: all of it. */
static uint64_t
find_partition(const uint8_t *mbr)
{
	const uint8_t *p = mbr + MBR_TABLE;
	unsigned i;

	if (mbr[MBR_MAGIC] != 0x55 || mbr[MBR_MAGIC + 1] != 0xaa)
		return 0;
	for (i = 0; i < 4; i++, p += MBR_ENTRY)
		if (p[4] == MBR_OPENBSD)
			return get32(p + 8);
	return 0;
}

bool
disklabel_duid(struct block *b, uint8_t duid[8])
{
	static const uint8_t none[8];
	uint8_t buf[SECTOR] __attribute__((aligned(SECTOR)));
	uint64_t start;

	if (!read_sector(b, 0, buf))
		return false;
	start = find_partition(buf);
	if (!read_sector(b, start + LABEL_SECTOR, buf) ||
	    get32(buf + AT_MAGIC) != LABEL_MAGIC ||
	    get32(buf + AT_MAGIC2) != LABEL_MAGIC ||
	    memcmp(buf + AT_UID, none, sizeof none) == 0)
		return false;
	memcpy(duid, buf + AT_UID, sizeof none);
	return true;
}
