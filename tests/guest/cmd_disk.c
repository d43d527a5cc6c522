/*
 * cmd_disk.c: sectors of a virtio disk. DISK is 0 where it is left out.
 */
#include "blk.h"
#include "command.h"
#include "console.h"
#include "irq.h"
#include "lib.h"

static int
disk_number(int argc, char **argv, int at, uint64_t *disk)
{
	*disk = 0;
	if (argc <= at)
		return 0;
	return command_number(argv[at], "DISK", 0, VIRTIO_MAX, disk);
}

/* As hexdump -C: a row that is the same as the one before is left out. */
static void
hex_dump(const uint8_t *p, unsigned len)
{
	unsigned at, i, same = 0;

	for (at = 0; at < len; at += 16) {
		if (at > 0 && at + 16 < len &&
		    memcmp(p + at, p + at - 16, 16) == 0) {
			if (!same)
				print("*\n");
			same = 1;
			continue;
		}
		same = 0;
		print("%03x ", at);
		for (i = 0; i < 16; i++)
			print("%s%02x", i % 8 == 0 ? "  " : " ", p[at + i]);
		print("  |");
		for (i = 0; i < 16; i++)
			print("%c",
			    p[at + i] >= ' ' && p[at + i] < 127 ? p[at + i]
								: '.');
		print("|\n");
	}
}

static void
run_read(int argc, char **argv)
{
	uint64_t sector, disk;
	uint8_t *buf;

	if (command_number(argv[1], "N", 0, UINT64_MAX, &sector) != 0 ||
	    disk_number(argc, argv, 2, &disk) != 0)
		return;
	buf = blk_buffer(disk);
	if (buf != NULL && blk_read(disk, sector, 1) == 0)
		hex_dump(buf, BLK_SECTOR);
}

static void
run_write(int argc, char **argv)
{
	uint64_t sector, disk;
	size_t len = strlen(argv[2]);
	uint8_t *buf;

	if (command_number(argv[1], "N", 0, UINT64_MAX, &sector) != 0 ||
	    disk_number(argc, argv, 3, &disk) != 0)
		return;
	buf = blk_buffer(disk);
	if (buf == NULL)
		return;
	memset(buf, 0, BLK_SECTOR);
	memcpy(buf, argv[2], len < BLK_SECTOR ? len : BLK_SECTOR);
	if (blk_write(disk, sector, 1) == 0 && blk_flush(disk) == 0)
		print("ok: sector %lu written and flushed\n", sector);
}

/*
 * The pattern of fill and verify: word i (of 64 bits, little-endian) of a
 * sector. tests/guest/run computes the same on the host.
 */
static uint64_t
pattern(uint64_t seed, uint64_t sector, unsigned i)
{
	return (seed << 48 ^ (sector * 64 + i)) * 0x9e3779b97f4a7c15u;
}

static void
pattern_fill(uint8_t *buf, uint64_t seed, uint64_t sector, unsigned count)
{
	uint64_t *words = (uint64_t *)buf;
	unsigned s, i;

	for (s = 0; s < count; s++)
		for (i = 0; i < 64; i++)
			*words++ = pattern(seed, sector + s, i);
}

/* Returns 0, or -1 after printing the first difference. */
static int
pattern_check(
    const uint8_t *buf, uint64_t seed, uint64_t sector, unsigned count)
{
	const uint64_t *words = (const uint64_t *)buf;
	unsigned s, i;

	for (s = 0; s < count; s++)
		for (i = 0; i < 64; i++, words++) {
			if (*words == pattern(seed, sector + s, i))
				continue;
			print("difference in sector %lu at byte %u: %016lx, "
			      "not %016lx\n",
			    sector + s, i * 8, *words,
			    pattern(seed, sector + s, i));
			return -1;
		}
	return 0;
}

/* Moves count sectors in chunks, writing or checking the pattern. */
static int
pattern_move(
    uint64_t disk, uint64_t sector, uint64_t count, uint64_t seed, int write)
{
	uint8_t *buf = blk_buffer(disk);
	unsigned n;

	if (buf == NULL)
		return -1;
	for (; count > 0; count -= n, sector += n) {
		n = count < BLK_CHUNK ? (unsigned)count : BLK_CHUNK;
		if (console_interrupted())
			return -1;
		if (write) {
			pattern_fill(buf, seed, sector, n);
			if (blk_write(disk, sector, n) != 0)
				return -1;
		} else if (blk_read(disk, sector, n) != 0 ||
		    pattern_check(buf, seed, sector, n) != 0) {
			return -1;
		}
	}
	return write ? blk_flush(disk) : 0;
}

static void
run_pattern(int argc, char **argv)
{
	uint64_t sector, count, seed, disk, start;

	if (command_number(argv[1], "N", 0, UINT64_MAX, &sector) != 0 ||
	    command_number(argv[2], "COUNT", 1, 1ull << 40, &count) != 0 ||
	    command_number(argv[3], "SEED", 0, 65535, &seed) != 0 ||
	    disk_number(argc, argv, 4, &disk) != 0)
		return;
	start = time_now();
	if (pattern_move(disk, sector, count, seed, argv[0][0] == 'f') == 0)
		print("ok: %lu sectors in %lu ms\n", count,
		    (time_now() - start) / 1000);
}

static void
run_two(int argc, char **argv)
{
	uint64_t sector, seed;
	uint8_t *buf[2] = {blk_buffer(0), blk_buffer(1)};

	if (command_number(argv[1], "N", 0, UINT64_MAX, &sector) != 0 ||
	    command_number(argv[2], "SEED", 0, 65535, &seed) != 0 ||
	    buf[0] == NULL || buf[1] == NULL)
		return;
	pattern_fill(buf[0], seed, sector, BLK_CHUNK);
	pattern_fill(buf[1], seed, sector, BLK_CHUNK);
	if (blk_write_two(sector, BLK_CHUNK) == 0)
		print("ok: %u sectors on each\n", BLK_CHUNK);
}

static const struct command commands[] = {
    {"read", "N [DISK]", "show sector N of a disk", 1, 2, run_read},
    {"write", "N TEXT [DISK]", "write TEXT to sector N and flush", 2, 3,
	run_write},
    {"fill", "N COUNT SEED [DISK]", "write a pattern over COUNT sectors", 3, 4,
	run_pattern},
    {"two", "N SEED", "write the pattern to disks 0 and 1 at once", 2, 2,
	run_two},
    {"verify", "N COUNT SEED [DISK]", "read them back and compare", 3, 4,
	run_pattern},
    {0},
};

const struct command_group cmd_disk = {"disk", 0, commands};
