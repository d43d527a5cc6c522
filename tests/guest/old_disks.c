/*
 * old_disks.c: the block device of 0.9.5, appendix D, and SCSI hosts, appendix
 * I, as vioblk(4) and vioscsi(4) use them.
 */
#include "console.h"
#include "lib.h"
#include "old.h"

#define SECTOR 512u

/* The block device's features, of which a barrier is the oldest. */
#define B_BARRIER 0x001u
#define B_SCSI    0x080u
#define B_FLUSH   0x200u

#define T_IN    0u
#define T_OUT   1u
#define T_SCSI  2u
#define T_FLUSH 4u

static int
block_ask(struct old *d, uint32_t type, uint64_t sector, unsigned bytes)
{
	/* Header, two halves of the data, status. */
	uint8_t *m = d->memory;
	struct old_piece p[4] = {{m, 16, 0}};
	uint32_t zero = 0;
	unsigned n = 1;

	memcpy(m, &type, 4);
	memcpy(m + 4, &zero, 4);
	memcpy(m + 8, &sector, 8);
	m[16] = 0xee;
	if (bytes > 0) {
		p[n++] = (struct old_piece){m + 512, bytes / 2, type == T_IN};
		p[n++] = (struct old_piece){
		    m + 512 + bytes / 2, bytes - bytes / 2, type == T_IN};
	}
	p[n++] = (struct old_piece){m + 16, 1, 1};
	if (old_do(d, 0, p, n) < 0)
		return -1;
	return m[16];
}

static void
fill(uint8_t *p, unsigned n, unsigned seed)
{
	unsigned i;

	for (i = 0; i < n; i++)
		p[i] = (uint8_t)(seed * 31 + i * 7 + i / 256);
}

static int
is_filled(const uint8_t *p, unsigned n, unsigned seed)
{
	unsigned i;

	for (i = 0; i < n; i++)
		if (p[i] != (uint8_t)(seed * 31 + i * 7 + i / 256))
			return 0;
	return 1;
}

const char *
old_block(struct old *d, unsigned round)
{
	uint32_t sectors = old_config(d, 0, 4);
	unsigned n = 4 * SECTOR;
	uint8_t *data = d->memory + 512;

	if (d->offered & (B_BARRIER | B_SCSI))
		return "it offers barriers or SCSI commands";
	if (sectors < 100 || old_config(d, 4, 4) != 0)
		return "its capacity";
	fill(data, n, round);
	if (block_ask(d, T_OUT, 32 + 8 * round, n) != 0)
		return "a write";
	if ((d->features & B_FLUSH) && block_ask(d, T_FLUSH, 0, 0) != 0)
		return "a flush";
	memset(data, 0, n);
	if (block_ask(d, T_IN, 32 + 8 * round, n) != 0)
		return "a read";
	if (!is_filled(data, n, round))
		return "what was read";
	/* What an earlier round wrote, perhaps in another process. */
	if (round > 0 &&
	    (block_ask(d, T_IN, 32 + 8 * (round - 1), n) != 0 ||
		!is_filled(data, n, round - 1)))
		return "what was written before";
	if (block_ask(d, T_IN, sectors, SECTOR) != 1)
		return "a read beyond the end";
	if (block_ask(d, T_SCSI, 0, 0) != 2)
		return "a request that it does not know";
	return NULL;
}

#define REQUEST_LEN  19u /* and a command */
#define RESPONSE_LEN 12u /* and sense data */
#define REQUESTS     2 /* the queue */
#define SENSE_AT     20
#define CDB_AT       24

static unsigned cdb_size = 32, sense_size = 96;

/*
 * One command to a target. Returns the SCSI status, 256 and more: the host's
 * own response; -1: no answer.
 */
static int
scsi_ask(struct old *d, unsigned target, const uint8_t *cdb, unsigned len,
    unsigned in, unsigned out)
{
	uint8_t *m = d->memory, *response = m + 256;
	struct old_piece p[4] = {{m, REQUEST_LEN + cdb_size, 0}};
	static uint32_t tag;
	unsigned n = 1;

	memset(m, 0, 512);
	m[0] = 1;
	m[1] = (uint8_t)target;
	m[2] = 0x40;
	tag++;
	memcpy(m + 8, &tag, 4);
	memcpy(m + 19, cdb, len);
	memset(response, 0xee, RESPONSE_LEN + sense_size);
	if (out > 0)
		p[n++] = (struct old_piece){m + 512, out, 0};
	p[n++] = (struct old_piece){response, RESPONSE_LEN + sense_size, 1};
	if (in > 0)
		p[n++] = (struct old_piece){m + 512, in, 1};
	if (old_do(d, REQUESTS, p, n) < 0)
		return -1;
	return response[11] != 0 ? 256 + response[11] : response[10];
}

static const char *
disk(struct old *d, unsigned round)
{
	uint8_t ten[10] = {0x2a, 0, 0, 0, 0, (uint8_t)(9 + round), 0, 0, 1};
	uint8_t *data = d->memory + 512;

	fill(data, SECTOR, round);
	if (scsi_ask(d, 0, ten, 10, 0, SECTOR) != 0)
		return "a write";
	memset(data, 0, SECTOR);
	ten[0] = 0x28;
	if (scsi_ask(d, 0, ten, 10, SECTOR, 0) != 0)
		return "a read";
	if (!is_filled(data, SECTOR, round))
		return "what was read";
	ten[5]--;
	if (round > 0 &&
	    (scsi_ask(d, 0, ten, 10, SECTOR, 0) != 0 ||
		!is_filled(data, SECTOR, round - 1)))
		return "what was written before";
	ten[0] = 0x35;
	ten[5] = ten[8] = 0;
	return scsi_ask(d, 0, ten, 10, 0, 0) != 0 ? "a flush" : NULL;
}

static const char *
disc(struct old *d)
{
	uint8_t ten[10] = {0x28, 0, 0, 0, 0, 16, 0, 0, 1};

	if (scsi_ask(d, 0, ten, 10, 2048, 0) != 0)
		return "a read";
	if (memcmp(d->memory + 512 + 1, "CD001", 5) != 0)
		return "what the disc has";
	ten[0] = 0x2a;
	return scsi_ask(d, 0, ten, 10, 0, 2048) == 0 ? "that it was written"
						     : NULL;
}

/* Written by bytes, as all configuration is. */
static void
sizes_set(const struct old *d, unsigned cdb, unsigned sense)
{
	cdb_size = cdb;
	sense_size = sense;
	old_config_set(d, SENSE_AT, 4, sense);
	old_config_set(d, CDB_AT, 4, cdb);
}

/* Commands and sense data of other sizes: all that follows them moves. */
static const char *
other_sizes(struct old *d, const uint8_t *inquiry, unsigned kind)
{
	static const uint8_t none[6] = {0xff};
	uint8_t *response = d->memory + 256;
	const char *why = NULL;

	sizes_set(d, 12, 14);
	if (scsi_ask(d, 0, inquiry, 6, 36, 0) != 0 || d->memory[512] != kind)
		why = "an inquiry of another size";
	else if (scsi_ask(d, 0, none, 6, 0, 0) != 2 || response[0] != 14 ||
	    response[12] != 0x70 || response[12 + 14] != 0)
		why = "sense data of another size";
	sizes_set(d, 32, 96);
	return why;
}

const char *
old_scsi(struct old *d, unsigned round)
{
	static const uint8_t inquiry[6] = {0x12, 0, 0, 0, 36};
	static const uint8_t ready[6], capacity[10] = {0x25};
	uint8_t *data = d->memory + 512;
	unsigned kind, tries = 0;
	const char *why;

	if (old_config(d, SENSE_AT, 4) != 96 || old_config(d, CDB_AT, 4) != 32)
		return "its sizes of sense and command";
	if (scsi_ask(d, 0, inquiry, 6, 36, 0) != 0)
		return "an inquiry";
	kind = data[0];
	if (kind != 0 && kind != 5)
		return "its kind of unit";
	/* It may have news, such as that it was reset. */
	while (scsi_ask(d, 0, ready, 6, 0, 0) != 0)
		if (++tries == 5)
			return "that it is ready";
	if (scsi_ask(d, 0, capacity, 10, 8, 0) != 0 ||
	    data[6] != (kind == 5 ? 8 : 2))
		return "its block's size";
	if (scsi_ask(d, 77, inquiry, 6, 36, 0) != 256 + 3)
		return "a target that there is not";
	if ((why = other_sizes(d, inquiry, kind)) != NULL)
		return why;
	return kind == 5 ? disc(d) : disk(d, round);
}
