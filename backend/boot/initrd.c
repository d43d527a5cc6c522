#include <endian.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "backend/boot/load.h"

/*
 * Is an initramfs whole? Told from its outer shape, without unpacking it:
 * archives and frames say how long their parts are, and the last part has to
 * end within the file. Several may follow one another, with zeroes between
 * (Linux, Documentation/driver-api/early-userspace/buffer-format.rst). What is
 * of no known kind is left to the kernel.
 */
#define CPIO_HEADER 110
#define CPIO_SIZE   54 /* eight hexadecimal digits each */
#define CPIO_NAME   94
#define CPIO_END    "TRAILER!!!"
#define ALIGN_4(n)  (((n) + 3) & ~3ULL)

/* Parts looked at, at most: a file made of tiny ones must not hold us up. */
#define PARTS_MAX 20000

struct scan {
	const struct boot_file *file;
	uint64_t size;
	uint64_t at; /* where the next part begins; beyond size: truncated */
	unsigned parts;
	struct error *err;
};

/* Reads n bytes at an offset; false if the file ends before (truncated). */
static bool
peek(struct scan *s, uint64_t offset, void *buf, uint64_t n)
{
	if (offset > s->size || n > s->size - offset) {
		s->at = s->size + 1;
		return false;
	}
	return boot_read(s->file, buf, n, offset, s->err) == 0;
}

static uint64_t
hex8(const char *digits)
{
	char text[9] = {0};

	memcpy(text, digits, 8);
	return strtoull(text, NULL, 16);
}

/* "newc": header, name, data, each up to a multiple of four. */
static void
scan_cpio(struct scan *s)
{
	char head[CPIO_HEADER + sizeof CPIO_END] = {0};
	uint64_t name, size;
	bool last = false;

	while (!last && s->parts++ < PARTS_MAX) {
		if (!peek(s, s->at, head, CPIO_HEADER))
			return;
		if (memcmp(head, "07070", 5) != 0)
			return; /* no longer an archive: the kernel's affair */
		name = hex8(head + CPIO_NAME);
		size = hex8(head + CPIO_SIZE);
		if (name == sizeof CPIO_END) {
			if (!peek(s, s->at + CPIO_HEADER, head + CPIO_HEADER,
				name))
				return;
			last = memcmp(head + CPIO_HEADER, CPIO_END, name) == 0;
		}
		s->at += ALIGN_4(CPIO_HEADER + name) + ALIGN_4(size);
	}
}

/* RFC 8878, 3.1.1: a header, then blocks that say their length. */
static void
scan_zstd(struct scan *s)
{
	static const uint8_t dictionary[] = {0, 1, 2, 4};
	static const uint8_t content[] = {0, 2, 4, 8};
	uint8_t d, block[4] = {0};
	uint32_t head;

	if (!peek(s, s->at + 4, &d, 1))
		return;
	s->at += 5U + dictionary[d & 3] + content[d >> 6];
	if ((d & 0x20) == 0)
		s->at++; /* window descriptor */
	else if (d >> 6 == 0)
		s->at++; /* a content size of one byte */
	do {
		if (!peek(s, s->at, block, 3))
			return;
		memcpy(&head, block, sizeof head);
		head = le32toh(head);
		s->at += 3 + ((head >> 1 & 3) == 1 ? 1 : head >> 3);
	} while ((head & 1) == 0 && s->parts++ < PARTS_MAX);
	if ((d & 4) != 0)
		s->at += 4; /* checksum */
}

/* The legacy frame, which Linux takes: blocks with their length in front. */
static void
scan_lz4(struct scan *s)
{
	uint32_t len;

	s->at += 4;
	while (s->at < s->size && s->parts++ < PARTS_MAX) {
		if (!peek(s, s->at, &len, sizeof len))
			return;
		if (len == 0)
			return;
		s->at += 4 + (uint64_t)le32toh(len);
	}
}

/* The xz format, 2.1.2: a stream ends in "YZ", zeroes may follow. */
static void
scan_xz(struct scan *s)
{
	uint8_t tail[4096];
	uint64_t n = s->size - s->at;

	if (n > sizeof tail)
		n = sizeof tail;
	if (!peek(s, s->size - n, tail, n))
		return;
	while (n > 0 && tail[n - 1] == 0)
		n--;
	s->at = s->size;
	if (n >= 2 && memcmp(tail + n - 2, "YZ", 2) != 0)
		s->at++;
}

/*
 * RFC 1952: the last four bytes are the unpacked size, which is a multiple of
 * four for an archive, and at most 1032 times the packed one (deflate can do
 * no better). Up to three zeroes may have been added. That finds nearly every
 * truncated file and complains about no whole one.
 */
static void
scan_gzip(struct scan *s)
{
	uint8_t tail[8];
	uint64_t packed = s->size - s->at;
	uint32_t size;
	unsigned added;

	if (!peek(s, s->size - sizeof tail, tail, sizeof tail))
		return;
	s->at = s->size;
	for (added = 0; added < 4; added++) {
		memcpy(&size, tail + 4 - added, sizeof size);
		size = le32toh(size);
		if (size % 4 == 0 && size / 1032 <= packed)
			return;
		if (tail[7 - added] != 0)
			break;
	}
	s->at++;
}

/* Skips zeroes; false at the end of the file. */
static bool
next_part(struct scan *s)
{
	uint8_t buf[512];
	uint64_t n, i;

	while (s->at < s->size && s->parts++ < PARTS_MAX) {
		n = s->size - s->at;
		if (n > sizeof buf)
			n = sizeof buf;
		if (!peek(s, s->at, buf, n))
			return false;
		for (i = 0; i < n && buf[i] == 0; i++)
			continue;
		s->at += i;
		if (i < n)
			return true;
	}
	return false;
}

static const struct {
	const char *magic;
	uint64_t len;
	void (*scan)(struct scan *s);
} kinds[] = {
    {"07070", 5, scan_cpio},
    {"\x28\xb5\x2f\xfd", 4, scan_zstd},
    {"\x02\x21\x4c\x18", 4, scan_lz4},
    {"\xfd\x37zXZ", 5, scan_xz},
    {"\x1f\x8b", 2, scan_gzip},
};

/* Steps over one part. Returns whether it was of a known kind. */
static bool
scan_part(struct scan *s)
{
	uint8_t magic[6];
	size_t i;

	for (i = 0; i < sizeof kinds / sizeof kinds[0]; i++) {
		if (s->size - s->at < kinds[i].len ||
		    !peek(s, s->at, magic, kinds[i].len) ||
		    memcmp(magic, kinds[i].magic, kinds[i].len) != 0)
			continue;
		kinds[i].scan(s);
		return true;
	}
	return false;
}

int
initrd_check(const struct boot_file *file, uint64_t size, struct error *err)
{
	struct error ignored;
	struct scan s = {.file = file, .size = size, .err = &ignored};

	while (next_part(&s) && scan_part(&s))
		continue;
	if (s.at > s.size)
		return error_set(err,
		    "%s is truncated: what it holds goes on behind its end of "
		    "%" PRIu64 " bytes; make or copy it again",
		    file->path, size);
	return 0;
}
