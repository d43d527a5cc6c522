/*
 * damage COUNT SEED IMAGE...: damages the images, so many times each, and has
 * fuzz_qcow2 open, read and write what comes of it.
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/block/recorder.h"

#define MOST (4u << 20)

int LLVMFuzzerTestOneInput(const uint8_t *, size_t);

/* Values that are wrong in an interesting way. */
static uint64_t
odd_value(uint64_t len)
{
	switch (random_below(8)) {
	case 0:
		return 0;
	case 1:
		return UINT64_MAX >> random_below(64);
	case 2:
		return 1ULL << random_below(64);
	case 3:
		return random_below(len) & ~511ULL;
	case 4:
		return (random_below(len) & ~511ULL) | 1ULL << 63;
	case 5:
		return (random_below(2 * len) & ~511ULL) | 1ULL << 62;
	case 6:
		return random_below(len);
	default:
		return random_below(1ULL << 53) << 11 | random_below(2048);
	}
}

static void
put(uint8_t *p, uint64_t value, unsigned bytes)
{
	while (bytes-- > 0)
		*p++ = (uint8_t)(value >> 8 * bytes);
}

/* In the header, in what looks like a table, or anywhere. */
static void
damage_once(uint8_t *image, size_t len)
{
	size_t at = 0, tries;
	unsigned bytes = 1u << random_below(4);

	switch (random_below(4)) {
	case 0:
		at = random_below(112);
		break;
	case 1:
		/* Header fields as they lie. */
		at = random_below(28) * 4;
		bytes = random_below(2) == 0 ? 4 : 8;
		break;
	case 2:
		/* Where there is something at all: a table, mostly. */
		for (tries = 0; tries < 2000; tries++) {
			at = random_below(len / 8) * 8;
			if (image[at] == 0x80 || image[at + 6] != 0)
				break;
		}
		bytes = 8;
		break;
	default:
		at = random_below(len);
	}
	if (at + bytes > len)
		return;
	put(image + at, odd_value(len), bytes);
}

static size_t
load(const char *path, uint8_t *to)
{
	FILE *f = fopen(path, "rb");
	size_t len;

	if (f == NULL)
		return 0;
	len = fread(to, 1, MOST, f);
	fclose(f);
	return len;
}

int
main(int argc, char **argv)
{
	uint8_t *whole = malloc(MOST), *image = malloc(MOST);
	unsigned count, i, hits, done = 0;
	size_t len, cut;
	uint64_t seed;
	int a;

	if (argc < 4 || whole == NULL || image == NULL)
		return 2;
	count = (unsigned)strtoul(argv[1], NULL, 10);
	seed = strtoull(argv[2], NULL, 10);
	for (a = 3; a < argc; a++) {
		len = load(argv[a], whole);
		for (i = 0; i < count && len >= 512; i++) {
			random_seed(seed + 1000003ULL * i + (uint64_t)a);
			memcpy(image, whole, len);
			cut = len;
			for (hits = 1 + (unsigned)random_below(4); hits > 0;
			     hits--)
				damage_once(image, len);
			if (random_below(8) == 0)
				cut = 72 + random_below(len - 72);
			/* What it does with it is seeded by what it is. */
			image[cut / 2] ^= (uint8_t)random_below(256);
			LLVMFuzzerTestOneInput(image, cut);
			done++;
		}
	}
	printf("%u damaged images\n", done);
	free(whole);
	free(image);
	return 0;
}
